"""The whole book as one PDF: the rendered pages, put one after the other and printed by Chromium.

Numbers, references and formulas are therefore those of the web pages. What is meant for a screen
goes: folded code, links to files, interactive figures. The table of contents gets its page numbers
in a second printing, from where the first one put its destinations.
"""

import io
import json
import posixpath
import re
from importlib import metadata
from pathlib import Path

from collapse._files import write
from collapse.publishing.browser import chromium
from collapse.publishing.project import DISTRIBUTION, BuildError, distribution_version

SHEET = "book/_static/print.css"
_MATHJAX_SETTINGS = re.compile(r"window\.MathJax = (\{.*\})")
# Folded code of figures goes; cells folded as a whole are solutions, and those are shown.
_LEAVE_OUT = ("a.headerlink, .figure-links, .notebook-link, .downloads, .toctree-wrapper, script, "
              "svg, input, .xr-wrap, .tag_hide-input details.hide, .tag_hide-cell summary, "
              "figure.explorer noscript")
_PLAIN = ["n", "o", "p", "w", ""]  # kinds of code tokens that print.css does not tell apart
_PUNCTUATION = re.compile(r"[.,;:!?)\]’”–-]+")
_HEADINGS = ("h5", "h4", "h3", "h2", "h1")
_MIN_SCALE = 0.55  # a formula or table that must be smaller than that to fit is an error


def make(project):
    """Print the rendered book to `project.pdf`.

    Raises BuildError when a reference leads nowhere or something does not fit on the page, and
    UsageError without a browser.
    """
    with chromium() as browser:
        html, contents = document(project)
        place = project.build / "print" / "book.html"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(html, encoding="utf-8")
        write(project.pdf, _finished(project, _print(browser, place), contents))


def document(project):
    """The HTML of the whole book, and its contents: (kind, mark, HTML of the heading).

    Links are as they must be from a folder beside `_build/html`.
    """
    from bs4 import BeautifulSoup

    texts = {page.name: (project.html / f"{page.name}.html").read_text(encoding="utf-8")
             for page in project.pages}
    articles = {name: on_paper(project, name, BeautifulSoup(text, "html.parser"))
                for name, text in texts.items()}
    body, contents, rules = [], [], []
    for caption, names in _parts(project):
        if caption:
            part = f"part-{len(rules)}"
            body.append(f'<section class="part" id="{part}"><h1>{caption}</h1></section>')
            contents.append(("part", part, caption))
        for name in names:
            article = articles[name]
            body.append(f'<section class="chapter" id="{mark(name)}">{article}</section>')
            title = article.find("h2")
            rules.append(_page_rule(mark(name), title.get_text(" ", strip=True)))
            contents.append(("chapter", mark(name), title.decode_contents()))
            contents += [("section", heading.parent["id"], heading.decode_contents())
                         for heading in article.find_all("h3") if heading.parent.get("id")]
    html = _PAGE.format(
        rules="\n".join([*_fonts(), *rules]), cover=_cover(project),
        contents="\n".join(_entry(*entry) for entry in contents),
        body="\n".join(body), mathjax=json.dumps(mathjax(texts.values())),
        title=project.config["title"], sheet=f"../../{SHEET}")
    if dead := dead_links(html):
        raise BuildError("links in the PDF lead nowhere:\n" + "\n".join(dead))
    return html, contents


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="../html/_static/pygments.css">
<link rel="stylesheet" href="{sheet}">
<style>
{rules}
</style>
<script>window.MathJax = {mathjax}</script>
<script defer src="../html/_static/mathjax/tex-mml-chtml.js"></script>
</head><body>
{cover}
<section id="contents"><h1>Contents</h1>
{contents}
</section>
{body}
</body></html>
"""


def dead_links(html):
    """Links of a document to places in it that are not there."""
    marks = set(re.findall(r'\bid="([^"]+)"', html))
    return sorted(f"#{place}" for place in set(re.findall(r'href="#([^"]*)"', html)) - marks)


def _parts(project):
    """The parts of the book: (caption, names of pages); first, without caption, what is in none."""
    parts = [(caption, [page.name for page in pages]) for caption, pages in project.parts]
    inside = {name for _, names in parts for name in names}
    return [(None, [page.name for page in project.pages if page.name not in inside]), *parts]


def on_paper(project, name, soup):
    """The text of a page: for paper, its headings one level down, its marks and links unique."""
    article = soup.select_one("article.bd-article")
    for tag in article.select(_LEAVE_OUT):
        tag.decompose()
    for tag in article.select("pre span"):
        if tag.get("class", [""])[0] in _PLAIN:
            tag.unwrap()
    for formula in article.select("span.math"):
        _keep_together(soup, formula)
    for tag in article.select("details"):
        if tag.find("summary"):
            tag["open"] = ""
        else:
            tag.unwrap()  # or the browser writes a summary of its own
    for figure in article.select("figure.explorer"):
        _replace_explorer(soup, figure)
    for level, heading in enumerate(_HEADINGS):
        for tag in article.find_all(heading):
            tag.name = f"h{6 - level}"
    for tag in article.find_all(id=True):
        if not tag["id"].startswith("T_"):  # the rules of pandas for the cells of one table
            tag["id"] = f"{mark(name)}--{tag['id']}"
    for tag in article.find_all("img"):
        tag["src"] = f"../html/{_below(name, tag['src'])}"
    known = {page.name for page in project.pages}
    for tag in article.find_all("a", href=True):
        target = _link(name, tag["href"], known)
        if target is None:
            tag.unwrap()
        else:
            tag["href"] = target
    return article


def _keep_together(soup, formula):
    """No line starts with the comma or full stop behind a formula."""
    after = formula.next_sibling
    found = _PUNCTUATION.match(after) if isinstance(after, str) else None
    if found:
        after.replace_with(after[found.end():])
        formula.wrap(soup.new_tag("span", attrs={"class": "together"})).append(found[0])


def _replace_explorer(soup, figure):
    """On paper an interactive figure is a line that says where it moves."""
    line = soup.new_tag("p", attrs={"class": "explorer", "id": figure.get("id", "")})
    line.string = "An interactive figure: it is on the web page of this chapter."
    figure.replace_with(line)


def _link(name, url, known):
    """Where a link of a page leads to in the document; None for what paper cannot open."""
    if re.match(r"[a-z]+:", url):
        return url
    path, _, place = url.partition("#")
    page = _below(name, path).removesuffix(".html") if path else name
    if page not in known:
        return None
    return f"#{mark(page)}--{place}" if place else f"#{mark(page)}"


def _below(name, path):
    """A path given relative to a page, relative to the top of the site."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def mark(name):
    """The mark in the document, and destination in the PDF, of a page of the book."""
    return name.removeprefix("book/").replace("/", "-")


def _entry(kind, place, words):
    """A line of the table of contents, with room for the number of its page."""
    words = re.sub(r' id="[^"]*"', "", words)
    return (f'<p class="{kind}"><a href="#{place}">{words}</a> '
            f'<span class="number" data-mark="{place}"></span></p>')


def _page_rule(place, title):
    """A running head: every chapter has pages of its own kind."""
    words = title.replace("\\", "\\\\").replace('"', '\\"')
    return (f"#{place} {{ page: {place}; }}\n"
            f'@page {place} {{ @top-left {{ content: "{words}"; }} }}')


def _fonts():
    """The fonts that matplotlib brings along, so that every machine prints the same."""
    import matplotlib

    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    for family, file, weight, style in (
            ("Text", "STIXGeneral", 400, "normal"), ("Text", "STIXGeneralItalic", 400, "italic"),
            ("Text", "STIXGeneralBol", 700, "normal"), ("Text", "STIXGeneralBolIta", 700, "italic"),
            ("Rest", "DejaVuSerif", 400, "normal"), ("Code", "DejaVuSansMono", 400, "normal"),
            ("Code", "DejaVuSansMono-Bold", 700, "normal")):
        yield (f"@font-face {{ font-family: {family}; font-weight: {weight}; "
               f"font-style: {style}; src: url({(folder / file).with_suffix('.ttf').as_uri()}); }}")


def mathjax(texts, *, assistive=False):
    """The settings of MathJax on pages, without the menu, useless on paper.

    `assistive`: with the hidden MathML, for those who do not see.
    """
    found = next(filter(None, map(_MATHJAX_SETTINGS.search, texts)), None)
    settings = json.loads(found[1]) if found else {}
    settings.setdefault("options", {}).update(
        enableMenu=False, menuOptions={"settings": {"assistiveMml": assistive}})
    return settings


def _cover(project):
    config = project.config
    return (f'<section id="cover"><h1>{config["title"]}</h1><p>{config["author"]}</p>'
            f"<p>Version {distribution_version()}</p></section>")


# Formulas and tables that are wider than their place get smaller, but not too small to read.
_FIT = """
(least) => {
  const problems = [];
  const shrink = (element, width, room) => {
    if (width <= room + 0.5) return;
    const scale = (room / width) * 0.995;
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (scale < least) {
      problems.push(`${element.closest("[id]")?.id}: ${Math.round(width)} px wide, ` +
        `${Math.round(room)} available: ${element.textContent.trim().slice(0, 60)}`);
    }
    element.style.fontSize = `${size * Math.max(scale, least)}px`;
  };
  for (const block of document.querySelectorAll("div.math, div.output.text_latex")) {
    const formula = block.querySelector("mjx-container");
    if (formula) shrink(formula, formula.scrollWidth, formula.clientWidth);
  }
  for (const formula of document.querySelectorAll("span.math > mjx-container")) {
    const block = formula.closest(
      "p, li, dd, td, th, figcaption, h1, h2, h3, h4, div, section, body");
    shrink(formula, formula.getBoundingClientRect().width, block.clientWidth);
  }
  for (const table of document.querySelectorAll("table")) {
    for (let turn = 0; turn < 4; turn++) {
      const room = table.parentElement.clientWidth;
      if (table.scrollWidth <= room + 0.5) break;
      if (turn === 3) problems.push(`${table.closest("[id]")?.id}: a table is too wide: ` +
        table.textContent.trim().replace(/\\s+/g, " ").slice(0, 60));
      const size = parseFloat(getComputedStyle(table).fontSize);
      table.style.fontSize = `${size * Math.max((room / table.scrollWidth) * 0.98, 0.8)}px`;
    }
  }
  const width = document.documentElement.clientWidth;
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest("mjx-container") || element.closest(".problem")) continue;
    const right = element.getBoundingClientRect().right;
    if (right > width + 1) problems.push(`${element.closest("[id]")?.id}: <${element.localName}> ` +
      `reaches ${Math.round(right)} px of ${width}`);
  }
  for (const error of document.querySelectorAll("mjx-merror")) {
    problems.push(`formula error: ${error.textContent.slice(0, 60)}`);
  }
  return problems;
}
"""

_NUMBERS = """
(pages) => {
  for (const slot of document.querySelectorAll(".number")) {
    slot.textContent = pages[slot.dataset.mark] ?? "";
  }
}
"""

_LOADED = """
async () => {
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
  await Promise.all([...document.images].map((image) => image.decode()));
}
"""

WIDTH, HEIGHT = 627, 945  # pixels of the text on a page: A4 without the margins of print.css


def fit(page):
    """Make formulas and tables of a loaded page fit on paper; returns what does not, in words."""
    page.evaluate(_LOADED)
    return page.evaluate(_FIT, _MIN_SCALE)


def _print(browser, place):
    """The bytes of the PDF, with page numbers in the table of contents.

    Each printing has a page of its own: Chromium breaks a page that was printed before in other
    places. The first one, which only tells the numbers, goes without what takes time.
    """
    numbers = _page_numbers(_printed(browser, place, {}))
    for _ in range(2):  # a number that is filled in may, rarely, move what follows it
        printed = _printed(browser, place, numbers, tagged=True)
        if (found := _page_numbers(printed)) == numbers:
            return printed
        numbers = found
    raise BuildError("the page numbers of the PDF change whenever they are filled in")


def _printed(browser, place, numbers, **options):
    """The bytes of the PDF with these page numbers in the table of contents."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.set_default_timeout(600_000)
    page.emulate_media(media="print")
    missing = []
    page.on("requestfailed", lambda request: missing.append(f"could not load {request.url}"))
    page.goto(place.as_uri())
    page.evaluate(_NUMBERS, numbers)
    if problems := missing + fit(page):
        raise BuildError("this does not fit on a page of the PDF:\n" + "\n".join(problems[:40]))
    printed = page.pdf(prefer_css_page_size=True, print_background=True, **options)
    page.close()
    return printed


def _page_numbers(printed):
    """Where each destination of a PDF is: its name -> number of its page, from 1."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(printed))
    return {name.removeprefix("/"): reader.get_destination_page_number(target) + 1
            for name, target in reader.named_destinations.items()}


def _finished(project, printed, contents):
    """The PDF with bookmarks, title, author, simpler tags, and without the time of its making."""
    from pypdf import PdfReader, PdfWriter

    config = project.config
    reader = PdfReader(io.BytesIO(printed))
    _simplify_tags(reader.trailer["/Root"]["/StructTreeRoot"])
    writer = PdfWriter(clone_from=reader)
    _add_bookmarks(writer, reader, contents)
    writer.metadata = {
        "/Title": config["title"], "/Author": config["author"],
        "/Subject": metadata.metadata(DISTRIBUTION)["Summary"],
        "/Creator": f"collapse {distribution_version()}", "/Producer": "Chromium, pypdf",
    }
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def _add_bookmarks(writer, reader, contents):
    """A bookmark for each entry of the contents; Chromium's own say some titles twice."""
    from bs4 import BeautifulSoup
    from pypdf.generic import Fit

    above = {}  # kind -> the last bookmark of it
    for kind, place, words in contents:
        title = BeautifulSoup(words, "html.parser").get_text()
        target = reader.named_destinations[f"/{place}"]
        parent = above.get({"chapter": "part", "section": "chapter"}.get(kind))
        above[kind] = writer.add_outline_item(
            " ".join(re.sub(r"\\[()]", "", title).split()),
            reader.get_destination_page_number(target), parent=parent,
            fit=Fit.xyz(target.left, target.top), is_open=kind == "part")
    writer.page_mode = "/UseOutlines"


def _simplify_tags(root):
    """Remove the tags without meaning, which hold each glyph of a formula: half of the file.

    Their content goes to the element around them, in the tree and in its index by pages.
    """
    from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject

    owner = {}  # number of a removed element -> reference to the one that has its content now

    def content(reference):
        """What an element holds, after the same for those in it."""
        element = reference.get_object()
        kids = element.get("/K", ArrayObject())
        found = ArrayObject()
        for kid in kids if isinstance(kids, ArrayObject) else [element.raw_get("/K")]:
            inner = kid.get_object()
            if isinstance(inner, NumberObject):
                inner = DictionaryObject({NameObject("/Type"): NameObject("/MCR"),
                                          NameObject("/Pg"): element.raw_get("/Pg"),
                                          NameObject("/MCID"): inner})
                found.append(inner)
            elif inner.get("/Type") != "/StructElem":
                found.append(kid)
            elif inner["/S"] == "/NonStruct":
                owner[kid.idnum] = reference
                found.extend(content(kid))
            else:
                if held := content(kid):
                    inner[NameObject("/K")] = held
                found.append(kid)
        for kid in found:
            if (inner := kid.get_object()).get("/Type") == "/StructElem":
                inner[NameObject("/P")] = reference
        return found

    [top] = root["/K"] if isinstance(root["/K"], ArrayObject) else [root.raw_get("/K")]
    top.get_object()[NameObject("/K")] = content(top)
    for entries in root["/ParentTree"]["/Nums"]:
        entries = entries.get_object()
        if isinstance(entries, ArrayObject):
            for place, reference in enumerate(entries):
                while getattr(reference, "idnum", None) in owner:
                    reference = owner[reference.idnum]
                entries[place] = reference
