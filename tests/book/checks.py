"""What must hold for a built book: each function returns a list of problems, in words."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

# Where the theme's own attributes make a browser load something. Links in text are not loads.
_LOADING_LINKS = {"stylesheet", "icon", "shortcut", "preload", "prefetch", "preconnect",
                  "dns-prefetch", "modulepreload", "manifest", "apple-touch-icon"}


class Site:
    """The HTML files below a folder, parsed once."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.pages = {
            path.relative_to(self.root).as_posix(): BeautifulSoup(
                path.read_text(encoding="utf-8"), "html.parser")
            for path in sorted(self.root.rglob("*.html")) if "_static" not in path.parts
        }
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

_WIDTH = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"


def browser_problems(browser, path, width, *, formulas_fit=False):
    """What a reader sees wrong when opening the file `path` at `width` pixels, with no network.

    With `formulas_fit` displayed formulas must not need to scroll.
    """
    problems = []
    page = browser.new_page(viewport={"width": width, "height": 800})

    def only_files(route):
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            problems.append(f"asks for {route.request.url}")
            route.abort()

    page.route("**/*", only_files)
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on("requestfailed", lambda request: problems.append(f"could not load {request.url}"))
    page.on("console", lambda message: problems.append(f"console: {message.text}")
            if message.type == "error" else None)
    try:
        page.goto(Path(path).resolve().as_uri())
        page.wait_for_load_state("load")
        page.evaluate(_TYPESET)
        formulas = page.evaluate(_FORMULAS)
        if formulas["bare"] or formulas["expected"] != formulas["rendered"]:
            problems.append(f"{formulas['rendered']} of {formulas['expected']} formulas rendered; "
                            f"not these: {formulas['bare']}")
        problems += [f"formula error: {text}" for text in formulas["errors"]]
        problems += [f"raw TeX: {text}" for text in page.evaluate(_RAW_TEX)]
        wide, available = page.evaluate(_WIDTH)
        if formulas_fit:
            problems += [f"formula cut off: {where}" for where in page.evaluate(_CUT_OFF)]
        if wide > available:
            problems.append(f"{wide} pixels wide on a screen of {available}")
    finally:
        page.close()
    return [f"{Path(path).name} at {width} px: {problem}" for problem in problems]


_UNRESOLVED = re.compile(r"\?\?|\{(?:ref|eq|numref|doc|download|cite[\w:]*|glue[\w:]*|prf:ref)\}"
                         r"|\\begin\b|\\\(|\\\[|<!-- ")


def unresolved(texts):
    """Traces of references and formulas that were not resolved, in the texts of printed pages."""
    return [f"page {number}: {text[max(found.start() - 30, 0):found.end() + 30]}"
            for number, text in enumerate(texts, 1) for found in _UNRESOLVED.finditer(text)]
