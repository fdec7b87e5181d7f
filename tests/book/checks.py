"""What must hold for a built book: each function returns a list of problems, in words."""

import gc
import io
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import axe_playwright_python
import numpy as np
from bs4 import BeautifulSoup
from PIL import Image

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")

# Where the theme's own attributes make a browser load something. Links in text are not loads.
_LOADING_LINKS = {"stylesheet", "icon", "shortcut", "preload", "prefetch", "preconnect",
                  "dns-prefetch", "modulepreload", "manifest", "apple-touch-icon"}


class Site:
    """The HTML files below a folder, parsed once."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        gc.disable()  # or it looks for garbage all the time, among millions of objects that stay
        try:
            self.pages = {
                path.relative_to(self.root).as_posix(): BeautifulSoup(
                    path.read_text(encoding="utf-8"), "html.parser")
                for path in sorted(self.root.rglob("*.html")) if "_static" not in path.parts
            }
        finally:
            gc.enable()
        self._ids = {name: {tag["id"] for tag in page.find_all(id=True)}
                     for name, page in self.pages.items()}

    def target(self, page, url):
        """Where `url` leads from `page`: (file relative to the root, fragment), or None outside."""
        parts = urlsplit(url)
        if parts.scheme or parts.netloc:
            return None
        here = self.root / page
        path = (here.parent / unquote(parts.path)).resolve() if parts.path else here
        return path, unquote(parts.fragment)

    def dead(self, page, url):
        """Why `url` on `page` leads nowhere, or None when it is fine or leads outside."""
        if (target := self.target(page, url)) is None:
            return None
        path, fragment = target
        if not path.is_file():
            return f"{page}: {url}: no such file"
        name = path.relative_to(self.root).as_posix()
        if fragment and name in self._ids and fragment not in self._ids[name]:
            return f"{page}: {url}: no such anchor"
        return None


def dead_links(site):
    """Links, images, scripts and styles that lead to no file, or to no anchor in it."""
    found = []
    for name, page in site.pages.items():
        for tag in page.find_all(["a", "link", "img", "script", "source"]):
            url = tag.get("href") or tag.get("src")
            if url and not url.startswith("#top") and url != "#":
                found.append(site.dead(name, url))
    return [problem for problem in found if problem]


def external_loads(site):
    """Everything that a page fetches from somewhere else when it is opened."""
    found = []
    for name, page in site.pages.items():
        for tag in page.find_all(["script", "img", "iframe", "source", "video", "audio", "embed",
                                  "object", "link"]):
            if tag.name == "link" and not _LOADING_LINKS.intersection(tag.get("rel", [])):
                continue
            url = tag.get("src") or tag.get("href") or tag.get("data") or ""
            if urlsplit(url).netloc:
                found.append(f"{name}: <{tag.name}> loads {url}")
        for tag in page.find_all("script", src=False):
            if "https://" in tag.text or "http://" in tag.text:
                found.append(f"{name}: a script names an address: {tag.text.strip()[:80]}")
    return found


def poor_images(site, minimum=30):
    """Images in the text whose alternative text is missing or shorter than `minimum`."""
    return [f"{name}: {image.get('src')}: alt text {image.get('alt')!r}"
            for name, page in site.pages.items()
            for image in page.select("article img")
            if len((image.get("alt") or "").strip()) < minimum]


def expected_links(notebooks, ledger_ids):
    """The links that belong below each figure: id of its cell -> texts.

    `notebooks` are the staged ones; `show` says in their outputs what there is.
    """
    expected = {}
    for notebook in notebooks:
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if shown := output.get("metadata", {}).get("collapse"):
                    links = {"code", "SVG"}
                    links |= {"data (CSV)"} if shown["data"] else set()
                    links |= {"ledger"} if shown["figure"] in ledger_ids else set()
                    expected[f"cell-{shown['figure'].lower()}"] = links
    return expected


def printed_warnings(notebooks):
    """What cells print to their error stream: warnings, which a reader should not meet."""
    return [" ".join(output.text.split())[:120] for notebook in notebooks
            for cell in notebook.cells for output in cell.get("outputs", [])
            if output.output_type == "stream" and output.name == "stderr"]


def incomplete_figures(site, expected):
    """Figures of cells without caption, or without the expected links below (see above)."""
    found, seen = [], set()
    for name, page in site.pages.items():
        for figure in page.select(".cell_output figure"):
            cell = figure.find_parent(class_="cell")
            seen.add(cell.get("id"))
            links = cell.find_next_sibling()
            if links is None or "figure-links" not in links.get("class", []):
                found.append(f"{name}: {figure.get('id')}: no links below the figure")
                continue
            urls = {" ".join(link.text.split()): link["href"] for link in links.find_all("a")}
            if urls.keys() != expected.get(cell.get("id")):
                found.append(f"{name}: {figure.get('id')}: the links are {sorted(urls)}")
            if urls.get("code") != f"#{cell.get('id')}":
                found.append(f"{name}: {figure.get('id')}: 'code' does not lead to its cell")
            found += filter(None, (site.dead(name, url) for url in urls.values()))
            if not figure.find("figcaption"):
                found.append(f"{name}: {figure.get('id')}: no caption")
    return found + [f"no figure on any page for {cell}" for cell in sorted(expected.keys() - seen)]


_RAW_TEX = r"""
() => {
  const raw = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (node.parentElement.closest('pre, code, script, style, mjx-container')) continue;
    if (/\\[(\[]|\\begin\{/.test(node.data)) raw.push(node.data.trim().slice(0, 60));
  }
  return raw;
}
"""

# A failure to load an extension rejects the promise; the checks below then say what is missing.
_TYPESET = "async () => { try { await window.MathJax?.startup?.promise } catch (error) {} }"

_FORMULAS = r"""
() => ({
  bare: [...document.querySelectorAll('.math')]
    .filter(e => e.querySelectorAll('mjx-container').length !== 1)
    .map(e => e.textContent.trim().slice(0, 60)),
  expected: document.querySelectorAll('.math').length,
  rendered: document.querySelectorAll('mjx-container').length,
  errors: [...document.querySelectorAll('mjx-merror')].map(e => e.textContent.slice(0, 60)),
})
"""

# Displayed formulas that are cut off at the right: on a desktop nobody expects to scroll.
_CUT_OFF = r"""
() => [...document.querySelectorAll('div.math, div.math mjx-container')]
  .filter(e => e.scrollWidth > e.clientWidth + 1)
  .map(e => (e.id || e.closest('[id]')?.id) + ', ' + e.scrollWidth + ' > ' + e.clientWidth)
"""

_OPEN = """
() => {
  document.querySelectorAll('details').forEach(e => e.open = true);
  document.querySelectorAll('.toggle-hidden').forEach(e => e.classList.remove('toggle-hidden'));
}
"""

# Interactive figures answer a new width a frame later; what scrolls is marked at each event of a
# resize, of which a window of a reader sends many, and this one a single early one.
_SETTLED = """
resized => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
  if (resized) dispatchEvent(new Event('resize'));
  done();
})))
"""
_WIDTH = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"

# Displayed formulas that are wider than the column and do not scroll inside it.
_WIDENING = r"""
() => [...document.querySelectorAll('div.math, span.math > mjx-container')]
  .filter(e => e.checkVisibility())
  .filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
    && !e.closest('table, pre, .cell_output, .bd-sidebar-secondary'))
  .map(e => e.id || e.closest('[id]')?.id)
"""

_AXE = """
async () => {
  const found = await axe.run(document, {resultTypes: ['violations'], preload: false});
  return found.violations.filter(v => ['serious', 'critical'].includes(v.impact))
    .map(v => `${v.id} (${v.nodes.length}): ${v.nodes[0].target.join(' ')}: `
      + (v.nodes[0].any[0] ?? v.nodes[0].all[0] ?? v.nodes[0].none[0])?.message);
}
"""
# A new mode takes time by the element, too: what no screenshot shows is hidden for it. The widths
# of formulas, needed below, are measured before. (All first, or each change is laid out anew.)
_HIDE_BELOW = """
() => {
  const below = [...document.querySelectorAll('article section > *')]
    .filter(e => e.localName !== 'section' && e.getBoundingClientRect().top > 5 * innerHeight);
  const formulas = [...document.querySelectorAll('mjx-container')];
  const widths = formulas.map(e => e.scrollWidth);
  formulas.forEach((e, at) => e.dataset.width = widths[at]);
  below.forEach(e => e.dataset.below = e.style.display);
  below.forEach(e => e.style.display = 'none');
}
"""
_SHOW_BELOW = """
() => document.querySelectorAll('[data-below]').forEach(e => e.style.display = e.dataset.below)
"""
# axe takes time by the element. A formula becomes one box of its width; of elements with the same
# ancestors and the same kinds of elements in them, two are left: all colours and widths stay.
_THIN = """
() => {
  document.querySelectorAll('mjx-container').forEach(formula => {
    const box = document.createElement('span');
    box.style.cssText = `display: inline-block; width: ${formula.dataset.width}px; height: 1em`;
    formula.replaceChildren(box);
  });
  const name = e => e.localName + '.' + e.className;
  const paths = new Map([[null, '']]);
  const path = e => {
    if (!paths.has(e)) paths.set(e, path(e.parentElement) + ' ' + name(e));
    return paths.get(e);
  };
  const seen = {};
  for (const some of ['pre span', 'em, strong, code, .math, a', 'p, li, tr, section, .cell, '
      + '.ledger-row, .admonition, details, figure, [class*=highlight-]']) {
    for (const e of document.querySelectorAll(some)) {
      if (!e.isConnected || e.parentElement.closest('a')) continue;
      const inside = [...new Set([...e.querySelectorAll('*')].map(name))].sort();
      const kind = [path(e), ...inside].join(' ');
      seen[kind] = (seen[kind] ?? 0) + 1;
      if (seen[kind] > 2) e.remove();
    }
  }
}
"""

# The colour behind the first figure of the page, as the page paints it.
_BEHIND = """
image => {
  for (let e = image.parentElement; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number);
    if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
  }
  return [255, 255, 255];
}
"""
_SET_MODE = "mode => document.documentElement.dataset.theme = mode"
WIDTHS, MODES = (1280, 768, 360), ("light", "dark")


def browser_problems(browser, path, widths=WIDTHS, *, formulas_fit=False, axe=None, shots=None):
    """What a reader sees wrong when opening the file `path`, with no network.

    The page is loaded once and looked at in each of `widths`, light and dark, with everything that
    folds unfolded. With `formulas_fit` displayed formulas must not need to scroll at 1280 pixels.
    `axe`, the text of axe-core, adds its serious and critical findings: in light mode at the first
    width, in dark mode at the last, as modes change colours only and widths do not.
    `shots(width, mode)` names the files that the six screenshots go to.
    """
    problems, state = [], ""
    page = browser.new_page(viewport={"width": widths[0], "height": 800}, color_scheme="light")

    def note(*found):
        problems.extend(f"{Path(path).name}{state}: {problem}" for problem in found)

    def look(width, mode):
        nonlocal state
        state = f" at {width} px, {mode}"
        picture = page.screenshot(path=shots and shots(width, mode), animations="disabled")
        note(*wrong_picture(picture, mode))

    def only_files(route):
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            note(f"asks for {route.request.url}")
            route.abort()

    page.route("**/*", only_files)
    page.on("pageerror", broken := lambda error: note(f"script error: {error}"))
    page.on("requestfailed", lambda request: note(f"could not load {request.url}"))
    page.on("console", lambda message: note(f"console: {message.text}")
            if message.type == "error" else None)
    try:
        page.goto(Path(path).resolve().as_uri())
        page.wait_for_load_state("load")
        page.add_style_tag(content="* { transition: none !important }")  # colours at once
        page.evaluate(_TYPESET)
        formulas = page.evaluate(_FORMULAS)
        if formulas["bare"] or formulas["expected"] != formulas["rendered"]:
            note(f"{formulas['rendered']} of {formulas['expected']} formulas rendered; "
                 f"not these: {formulas['bare']}")
        note(*(f"formula error: {text}" for text in formulas["errors"]))
        note(*(f"raw TeX: {text}" for text in page.evaluate(_RAW_TEX)))
        page.evaluate(_OPEN)
        for width in widths:  # a new width takes long, and so does a new mode
            state = f" at {width} px"
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(_SETTLED, True)
            wide, available = page.evaluate(_WIDTH)
            if wide > available:
                note(f"{wide} pixels wide on a screen of {available}")
            note(*(f"formula widens the page: {where}" for where in page.evaluate(_WIDENING)))
            if formulas_fit and width >= 1280:
                note(*(f"formula cut off: {where}" for where in page.evaluate(_CUT_OFF)))
            look(width, "light")
        page.evaluate(_HIDE_BELOW)
        page.evaluate(_SET_MODE, "dark")
        for width in reversed(widths):
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(_SETTLED)
            look(width, "dark")
        page.evaluate(_SET_MODE, "light")  # and back, while errors of scripts are noted
        page.evaluate(_SETTLED)
        page.remove_listener("pageerror", broken)  # the page misses what is removed now
        page.evaluate(_THIN)
        page.evaluate(_SHOW_BELOW)
        page.set_viewport_size({"width": widths[-1], "height": 800})
        for mode in MODES:  # after the screenshots, as this scrolls
            state = f" at {widths[-1]} px, {mode}"
            page.evaluate(_SET_MODE, mode)
            note(*_wrong_paper(page))
        if axe:
            page.evaluate(axe)
            for width, mode in ((widths[-1], "dark"), (widths[0], "light")):
                state = f" at {width} px, {mode}"
                page.set_viewport_size({"width": width, "height": 800})
                page.evaluate(_SET_MODE, mode)
                page.evaluate(_SETTLED, True)
                note(*page.evaluate(_AXE))
    finally:
        page.close()
    return problems


def _wrong_paper(page):
    """Whether the first figure has the background of the page."""
    image = page.query_selector("article .cell_output img")
    if image is not None and image.is_visible():
        behind = page.evaluate(_BEHIND, image)
        corner = _pixels(image.screenshot(animations="disabled"))[1, 1]
        if np.abs(corner * 255 - behind).max() > 4:
            yield f"a figure's paper is {(corner * 255).round()}, the page's {behind}"


def wrong_picture(png, mode):
    """What is wrong with a screenshot that should show a page in a mode, from its pixels alone."""
    grey = _pixels(png).mean(axis=2)
    if grey.std() < 0.02:
        yield "the screenshot is blank"
    if (grey.mean() < 0.6) if mode == "light" else (grey.mean() > 0.4):
        yield f"the mean grey is {grey.mean():.2f} in {mode} mode"


def _pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) / 255


def page_weight(path):
    """Bytes that are a page's own: its HTML and the images in it."""
    path = Path(path)
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    images = {(path.parent / unquote(image["src"])).resolve() for image in page.select("img[src]")
              if not image["src"].startswith("data:")}
    return path.stat().st_size + sum(image.stat().st_size for image in images)


_UNRESOLVED = re.compile(r"\?\?|\{(?:ref|eq|numref|doc|download|cite[\w:]*|glue[\w:]*|prf:ref)\}"
                         r"|\\begin\b|\\\(|\\\[|<!-- ")


def unresolved(texts):
    """Traces of references and formulas that were not resolved, in the texts of printed pages."""
    return [f"page {number}: {text[max(found.start() - 30, 0):found.end() + 30]}"
            for number, text in enumerate(texts, 1) for found in _UNRESOLVED.finditer(text)]
