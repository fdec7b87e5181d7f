"""Rendering: Jupyter Book on the stage, strict; then what only the finished pages can tell."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat

from collapse.publishing import citing
from collapse.publishing.archive import below, zipped
from collapse.publishing.execute import plain
from collapse.publishing.project import BuildError

NOTEBOOKS = "notebooks.zip"  # below `_build/html`; the opening page names it

# Elements that make a browser fetch something, and the attribute that says what.
_LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src",
          "audio": "src", "embed": "src", "object": "data", "link": "href"}
_HARMLESS_LINKS = {"canonical", "author", "license", "next", "prev", "search", "index"}
_CITATION_LIST = re.compile(r'<div role="list" (class="citation-list")')
_EXTERNAL = re.compile(r"\s*(https?:)?//", re.IGNORECASE)
_EXCEPTION = re.compile(r"[A-Za-z_.]+(Error|Exception|Interrupt): *\S")  # below a traceback
_LOCATION = re.compile(r"(book/\S+)\.ipynb:(\d{5,}):")
_CSS_LOAD = re.compile(r"(?:@import\s*|url\()\s*['\"]?\s*((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)


class PageScan(HTMLParser):
    """The ids of a page and the external resources that it loads."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.external = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if attributes.get("id"):
            self.ids.add(attributes["id"])
        url = attributes.get(_LOADS.get(tag, ""), "") or ""
        if _EXTERNAL.match(url) and attributes.get("rel") not in _HARMLESS_LINKS:
            self.external.add(url)
        self.external.update(_CSS_LOAD.findall(attributes.get("style") or ""))


def render(project, rows):
    """Render the stage; returns the folder with the finished, checked pages, which is part of it.

    The stage is new, so no page of an earlier run is taken for granted and a strict failure
    repeats until its cause is gone. Raises BuildError with Jupyter Book's own words when it fails,
    or when a page is missing, loads something from elsewhere, or lacks an anchor of a closed row.
    """
    # This interpreter's Jupyter Book, not PATH's; -P: without our modules in its way.
    script = Path(__file__).with_name("jupyter_book_command.py")
    command = [sys.executable, "-P", str(script), "build", str(project.stage),
               "--builder", "html", "-W", "-n", "--keep-going"]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment,
                          encoding="utf-8", errors="replace",
                          pass_fds=[project.lock.fileno()])  # holds the lock if it outlives us
    log = project.build / "render.log"
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        raise BuildError(f"the pages have errors (all of the output: "
                         f"{log.relative_to(project.root)}):\n{_relevant(project, done.stderr)}")
    html = project.stage / "_build" / "html"
    _replace_sources(project, html)
    _describe_pages(project, html)
    notebooks = below(project.stage / "notebooks" / "book")
    (html / NOTEBOOKS).write_bytes(zipped(notebooks))
    _mend(html)
    _check_pages(project, rows, html)
    return html


def _relevant(project, stderr):
    """What is wrong in a failed run: lines of warnings, errors, exceptions; else the last ones."""
    lines = plain(stderr).replace(f"{project.stage}/", "").splitlines()
    told = [line for line in lines
            if "WARNING" in line or "ERROR" in line or _EXCEPTION.match(line)]
    return "\n".join(_LOCATION.sub(lambda found: _in_source(project, found), line)
                     for line in dict.fromkeys(told) or lines[-20:])


def _in_source(project, found):
    """`page.md:line` for myst-nb's `page.ipynb:number`, a number that holds cell and line.

    The staged notebook has lines that the author did not write, so we look for the text; where it
    is not to be found, myst-nb's own words remain.
    """
    name, (cell, line) = found[1], divmod(int(found[2]), 10000)
    try:
        staged = nbformat.read(project.stage / f"{name}.ipynb", as_version=4)
        text = staged.cells[cell - 1].source.splitlines()[line - 2]
        number = (project.root / f"{name}.md").read_text(encoding="utf-8").splitlines().index(text)
    except (IndexError, OSError, ValueError):
        return found[0]
    return f"{name}.md:{number + 1}:"


def _replace_sources(project, html):
    """The theme's download button offers `_sources/`: put the clean notebooks there."""
    for page in project.chapters:
        shutil.copy(project.stage / "notebooks" / f"{page.name}.ipynb",
                    html / "_sources" / f"{page.name}.ipynb")


def _describe_pages(project, html):
    """Put title, description and author into the head of every page, for search and previews.

    The page that forwards to the first one gets what the first one gets.
    """
    citation = citing.load(project)
    paths = {f"{page.name}.html": page for page in project.pages}
    for name, page in ({"index.html": project.pages[0]} | paths).items():
        path = html / name
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            path.write_text(citing.add_metadata(text, page, citation), encoding="utf-8")


def _mend(html):
    """Remove a role that docutils gives to lists of references, whose entries are no list items."""
    for path in html.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        path.write_text(_CITATION_LIST.sub(r"<div \1", text), encoding="utf-8")


def _check_pages(project, rows, html):
    """Raise BuildError listing everything that is wrong with the rendered pages."""
    missing = [page.name for page in project.pages if not (html / f"{page.name}.html").is_file()]
    if missing:
        raise BuildError("no page was rendered for " + ", ".join(missing))
    problems, ids = [], {}
    for path in sorted(html.rglob("*.html")):
        name = path.relative_to(html).with_suffix("").as_posix()
        scan = PageScan(path.read_text(encoding="utf-8"))
        ids[name] = scan.ids
        problems += [f"{name} loads {url}" for url in sorted(scan.external)]
    for path in sorted(html.rglob("*.css")):
        for url in _CSS_LOAD.findall(path.read_text(encoding="utf-8", errors="replace")):
            problems.append(f"{path.relative_to(html)} loads {url}")
    for row in rows:
        for place in ("proved", "drawn"):
            if row["status"] == "closed" and place in row:
                name, mark = row[place].split("#")
                if mark not in ids.get(name, ()):
                    problems.append(f"ledger row {row['id']}: {place}: no {row[place]}")
    if problems:
        raise BuildError("\n".join(problems))
