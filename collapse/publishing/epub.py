"""The book as an EPUB 3 file for readers of electronic books: one XHTML file for each page.

It is made from the rendered pages, prepared as for the PDF; formulas become MathML, which MathJax
writes in Chromium. The same pages give the same bytes.
"""

import html
import json
import posixpath
import re
import uuid
from pathlib import Path

from collapse._files import write
from collapse.publishing import citing, pdf
from collapse.publishing.archive import zipped
from collapse.publishing.browser import chromium
from collapse.publishing.build import build, is_current
from collapse.publishing.project import DISTRIBUTION, BuildError, distribution_version

TYPE = "application/epub+zip"
_SHEET = "epub.css"
_KINDS = {".xhtml": "application/xhtml+xml", ".css": "text/css", ".svg": "image/svg+xml",
          ".png": "image/png", ".jpg": "image/jpeg"}
_CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>
"""
_PACKAGE = """<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:identifier id="id">urn:uuid:{uuid}</dc:identifier>
<dc:title>{title}</dc:title>
<dc:creator>{author}</dc:creator>
<dc:language>en</dc:language>
<meta property="dcterms:modified">{year}-01-01T00:00:00Z</meta>
</metadata>
<manifest>
{manifest}
</manifest>
<spine>
{spine}
</spine>
</package>
"""
_PAGE = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en"
xml:lang="en"><head><title>{title}</title><link rel="stylesheet" href="epub.css"/></head>
<body>
{body}
</body></html>
"""
_SETTING = """<!DOCTYPE html><html><head><meta charset="utf-8">
<script>window.MathJax = {settings}</script>
<script defer src="../html/_static/mathjax/tex-mml-chtml.js"></script></head>
<body>{body}</body></html>"""

# Formulas become MathML, which is read and not drawn here; then each section becomes XML.
_CONVERT = """
async () => {
  await MathJax.startup.promise;
  const found = MathJax.startup.document;
  await MathJax._.mathjax.mathjax.handleRetriesFor(() => found.findMath().compile());
  const holder = document.createElement("div");
  for (const formula of found.math) {
    holder.innerHTML = MathJax.startup.toMML(formula.root);
    formula.typesetRoot = holder.firstElementChild;
  }
  found.updateDocument();
  const errors = [...document.querySelectorAll("merror")].map((error) => error.textContent);
  if (errors.length) throw new Error(`formulas with errors: ${errors.join("; ")}`);
  const writer = new XMLSerializer();
  return Object.fromEntries([...document.querySelectorAll("body > section")].map(
    (section) => [section.id, writer.serializeToString(section)]));
}
"""


def make(project, *, jobs=None):
    """Write the book to `project.epub`, after a build where the pages are not current.

    Raises BuildError when the book is not right, a formula is wrong or a link leads nowhere, and
    UsageError without a browser.
    """
    if not is_current(project):
        build(project, jobs=jobs)
    with project.locked():
        write(project.epub, zipped(_files(project), stored=("mimetype",)))


def _files(project):
    """The files in the EPUB, by name: paths or bytes."""
    sections = _sections(project)
    if dead := pdf.dead_links("".join(map(str, sections.values()))):
        raise BuildError("links in the EPUB lead nowhere:\n" + "\n".join(dead))
    images = sorted({tag["src"] for section in sections.values() for tag in section("img")})
    for section in sections.values():
        _make_links_local(section)
    files = {f"book/{_image(source)}": project.build / "print" / source for source in images}
    titles = {pdf.mark(page.name): page.title for page in project.pages}
    for name, text in _as_xml(project, sections).items():
        files[f"book/{name}.xhtml"] = _page(titles[name], text)
    files["book/nav.xhtml"] = _page("Contents", _navigation(project))
    files[f"book/{_SHEET}"] = project.book / "_static" / _SHEET
    files["book/package.opf"] = _package(project, files, list(sections)).encode()
    files["META-INF/container.xml"] = _CONTAINER.encode()
    files["mimetype"] = TYPE.encode()
    return files


def _sections(project):
    """The pages of the book as sections, by their marks; links are `#mark` and `#mark--place`."""
    from bs4 import BeautifulSoup

    sections = {}
    for page in project.pages:
        text = (project.html / f"{page.name}.html").read_text(encoding="utf-8")
        soup = BeautifulSoup(text, "html.parser")
        section = pdf.on_paper(project, page.name, soup)
        section.name, section.attrs = "section", {"id": pdf.mark(page.name)}
        for style in section("style"):  # it may stand in the head only
            style.decompose()
        for tag in section.select("pre span"):
            tag.unwrap()
        seen = set()
        for tag in section(id=True):
            if tag["id"] in seen:
                del tag["id"]
            else:
                seen.add(tag["id"])
        for tag in section("table"):
            tag.attrs.pop("border", None)
        sections[pdf.mark(page.name)] = section
    return sections


def _make_links_local(section):
    """Links and images as they are in the folder of the file."""
    for tag in section("a", href=re.compile("^#")):
        mark, dashes, _ = tag["href"][1:].partition("--")
        tag["href"] = f"{mark}.xhtml{tag['href'] if dashes else ''}"
    for tag in section("img"):
        tag["src"] = _image(tag["src"])


def _image(source):
    return f"images/{posixpath.basename(source)}"


def _as_xml(project, sections):
    """The sections in XML, by mark, with their formulas in MathML."""
    texts = [(project.html / f"{page.name}.html").read_text(encoding="utf-8")
             for page in project.pages]
    settings = pdf.mathjax(texts)
    settings.setdefault("startup", {})["typeset"] = False
    place = project.build / "print" / "epub.html"  # beside the pages, as in pdf.py
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(_SETTING.format(settings=json.dumps(settings),
                                     body="\n".join(map(str, sections.values()))),
                     encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(600_000)
        page.goto(place.as_uri())
        return page.evaluate(_CONVERT)


def _page(title, body):
    return _PAGE.format(title=html.escape(title), body=body).encode()


def _navigation(project):
    """The table of contents: pages, and parts with their pages."""
    inside = {page.name for _, pages in project.parts for page in pages}
    lines = [_entry(page) for page in project.pages if page.name not in inside]
    for caption, pages in project.parts:
        entries = "\n".join(map(_entry, pages))
        lines.append(f"<li><span>{html.escape(caption)}</span><ol>\n{entries}\n</ol></li>")
    return ('<nav epub:type="toc"><h1>Contents</h1><ol>\n' + "\n".join(lines) + "\n</ol></nav>")


def _entry(page):
    return f'<li><a href="{pdf.mark(page.name)}.xhtml">{html.escape(page.title)}</a></li>'


def _package(project, files, order):
    """The list of all files, and the order in which pages are read."""
    citation = citing.load(project)
    manifest, names = [], {}
    for number, name in enumerate(sorted(files)):
        names[name] = f"file-{number}"
        inside = name.removeprefix("book/")
        properties = ' properties="nav"' if inside == "nav.xhtml" else (
            ' properties="mathml"' if isinstance(files[name], bytes)
            and b"<math" in files[name] else "")
        manifest.append(f'<item id="{names[name]}" href="{inside}" '
                        f'media-type="{_KINDS[Path(name).suffix]}"{properties}/>')
    version = f"{DISTRIBUTION} {distribution_version()}"
    return _PACKAGE.format(
        uuid=uuid.uuid5(uuid.NAMESPACE_URL, version), title=html.escape(project.config["title"]),
        author=html.escape(project.config["author"]), year=citation.year,
        manifest="\n".join(manifest),
        spine="\n".join(f'<itemref idref="{names[f"book/{mark}.xhtml"]}"/>' for mark in order))
