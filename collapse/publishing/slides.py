"""Slides: one HTML file per part of the book, made from the rendered pages.

A chapter gives a slide with its title, one with what you will see, one for each boxed statement
except lemmas, one for each figure, and the take-away: the words and pictures of the page, no
others. Chromium sets the formulas and looks that everything fits; what is too long goes on to a
second slide. The file that comes out holds fonts and figures and loads nothing.
"""

import base64
import html
import json
import mimetypes
import re
from pathlib import Path

from collapse.publishing import pdf, teaching
from collapse.publishing.browser import chromium
from collapse.publishing.build import build, is_current
from collapse.publishing.project import BuildError, UsageError, in_one_step

WIDTH, HEIGHT = 1280, 720  # of a slide, in pixels, as in slides.css
_BOXES = ", ".join(f"div.proof.{kind}" for kind in (
    "definition", "theorem", "proposition", "corollary"))
_FIGURES = "figure:has(img)"
_URL = re.compile(r'url\("([^"]+)"\)')
_SOURCE = re.compile(r'(?<= src=")[^"]+')
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
{sheet}
</style>
{formulas}
</head><body>
<main>{slides}</main>
<nav><button type="button" aria-label="Back">‹</button><output></output>
<button type="button" aria-label="On">›</button></nav>
{script}
</body></html>
"""
_MATHJAX = """<script>window.MathJax = {settings}</script>
<script defer src="../html/_static/mathjax/tex-mml-chtml.js"></script>"""


def write(project, out, *, jobs=None):
    """Write the decks into the folder `out`, all or none; builds the pages where not current.

    Returns the paths. Raises BuildError when the book is not right or something does not fit on a
    slide, UsageError without a browser and when `out` holds anything but decks.
    """
    out = Path(out).resolve()
    decks = _decks(project)
    names = {f"{name}.html" for name in decks}
    if out.exists() and not (out.is_dir() and {path.name for path in out.iterdir()} <= names):
        raise UsageError(f"--out {out} exists and holds something else; choose another folder")
    if not decks:
        raise BuildError("no slides: no part of the book has a chapter")
    if not is_current(project):
        build(project, jobs=jobs)
    with project.locked(), chromium() as browser, in_one_step(out) as folder:
        folder.mkdir()
        for name, (caption, pages) in decks.items():
            text = _deck(project, browser, caption, pages)
            (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return [out / f"{name}.html" for name in decks]


def _decks(project):
    """The decks by name: the caption of a part of the book and its chapters."""
    taught = {page.name for page in teaching.chapters(project)}
    parts = [(caption, [page for page in pages if page.name in taught])
             for caption, pages in project.parts]
    return {pages[0].short.split("/")[0]: (caption, pages) for caption, pages in parts if pages}


def _deck(project, browser, caption, pages):
    """The finished HTML of one deck."""
    title = project.config["title"]
    slides = [_slide("", f"<h1>{caption}</h1><p>{title}</p><p>{project.config['author']}</p>",
                     "title")]
    texts = [(project.html / f"{page.name}.html").read_text(encoding="utf-8") for page in pages]
    for page, text in zip(pages, texts, strict=True):
        slides += _chapter(project, page, text)
    static = project.book / "_static"
    parts = {"title": f"{caption} · {title}",
             "sheet": (static / "slides.css").read_text(encoding="utf-8")}
    place = project.build / "print" / "slides.html"  # beside the pages, as in pdf.py
    place.parent.mkdir(parents=True, exist_ok=True)
    settings = pdf.mathjax(texts, assistive=True) | {"chtml": {"scale": 0.92}}
    formulas = _MATHJAX.format(settings=json.dumps(settings))
    place.write_text(_PAGE.format(**parts, formulas=formulas, slides="\n".join(slides), script=""),
                     encoding="utf-8")
    rules, body = _set(browser, place)
    script = (static / "slides.js").read_text(encoding="utf-8")
    return _PAGE.format(
        **parts, formulas=f"<style>{_URL.sub(lambda found: _inline_font(project, found), rules)}"
        "</style>", script=f"<script>\n{script}</script>",
        slides=_SOURCE.sub(lambda found: _inline(place.parent / found[0]), body))


def _chapter(project, page, text):
    """The slides of a chapter, from the HTML of its page."""
    from bs4 import BeautifulSoup

    article = pdf.on_paper(project, page.name, BeautifulSoup(text, "html.parser"))
    for tag in article.find_all("a"):
        tag.unwrap()
    for tag in article.find_all(id=True):
        del tag["id"]
    heading = article.find("h2").decode_contents()
    about = html.escape(page.front_matter.get("description", ""))
    yield _slide("", f"<h1>{heading}</h1><p>{about}</p>", "title")
    start = article.find("strong", string="What you will see")
    if start and (bullets := start.find_next("ul")):
        yield _slide(heading, f"<h2>What you will see</h2>{bullets}")
    for item in article.select(f"{_BOXES}, {_FIGURES}"):
        if item.name == "figure":
            above = item.find_previous(["h4", "h3", "h2"]).decode_contents()
            yield _slide(heading, f"<h2>{above}</h2>{item}", "picture")
        else:
            yield _slide(heading, str(item))
    end = article.find("h3", string="Take-away")
    if end and (bullets := end.find_next("ul")):
        yield _slide(heading, f"<h2>Take-away</h2>{bullets}")


def _slide(chapter, content, kind="words"):
    return (f'<section class="slide {kind}"><header>{chapter}</header>'
            f'<div class="content">{content}</div></section>')


# A tall picture has its caption beside it. What is too high gets smaller, then goes on: its last
# blocks move to a slide of their own.
_FIT = """
(least) => {
  const problems = [];
  const content = (slide) => slide.querySelector(".content");
  const overflows = (slide) => content(slide).scrollHeight > content(slide).clientHeight + 1;
  const blocks = (slide) => [...slide.querySelectorAll(
    ".proof > section > :not(ol, ul), .proof > section > :is(ol, ul) > li, .content > ul > li")];
  const split = (slide) => {
    for (const list of slide.querySelectorAll("ol")) {
      [...list.children].forEach((item, at) => { item.value ||= at + 1; });
    }
    const next = slide.cloneNode(true);
    const [here, there] = [blocks(slide), blocks(next)];
    while (here.length > 1 && overflows(slide)) here.pop().remove();
    there.slice(0, here.length).forEach((block) => block.remove());
    next.classList.add("continued");
    slide.after(next);
    return here.length < there.length && !overflows(slide) ? next : null;
  };
  for (const picture of document.querySelectorAll(".picture img")) {
    const tall = picture.naturalHeight > 0.7 * picture.naturalWidth;
    picture.closest("figure").classList.toggle("tall", tall);
  }
  for (const slide of [...document.querySelectorAll(".slide")]) {
    for (let size = 95; overflows(slide) && size >= least; size -= 5) {
      content(slide).style.fontSize = `${size}%`;
    }
    let last = slide;
    while (last && overflows(last)) {
      const next = split(last);
      if (!next) problems.push("this slide is too full: "
        + last.textContent.replaceAll(/\\s+/g, " ").slice(0, 80));
      last = next;
    }
  }
  return problems;
}
"""
_LEAST = 70  # per cent of the size of letters

# The rules that MathJax added, without the fonts that no formula needs; and all slides.
_RESULT = """
() => {
  const used = new Set([...document.fonts].filter((font) => font.status === "loaded")
    .map((font) => font.family.replaceAll('"', "")));
  const rules = [...document.querySelectorAll("style[id^=MJX]")]
    .flatMap((style) => [...style.sheet.cssRules])
    .filter((rule) => !(rule instanceof CSSFontFaceRule)
      || used.has(rule.style.getPropertyValue("font-family").replaceAll('"', "")));
  return [rules.map((rule) => rule.cssText).join("\\n"), document.querySelector("main").innerHTML];
}
"""


def _set(browser, place):
    """The style sheet of the formulas and the slides of a deck, set and made to fit."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.set_default_timeout(600_000)
    page.goto(place.as_uri())
    problems = pdf.fit(page) + page.evaluate(_FIT, _LEAST)
    result = page.evaluate(_RESULT)
    page.close()
    if problems:
        raise BuildError("this does not fit on a slide:\n" + "\n".join(problems[:40]))
    return result


def _inline_font(project, found):
    """A font of MathJax, whose style sheet names it by an address, as part of the file."""
    name = found[1].rsplit("/", 1)[1]
    [path] = (project.html / "_static" / "mathjax").rglob(name)
    return f'url("{_inline(path)}")'


def _inline(path):
    """A file as a data address."""
    kind = mimetypes.guess_type(path.name)[0] or "font/woff"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
