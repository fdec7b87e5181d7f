"""Finding things: the lists of theorems and figures, and the links from boxes to their checks."""

import re
from dataclasses import dataclass

from collapse.publishing import ledger
from collapse.publishing.project import BuildError, Page

# A numbered box of sphinx-proof, by backticks or colons. What is proved is not numbered.
BOX = re.compile(r"^(?P<fence>`{3,}|:{3,})\{prf:(?!proof\})(?P<kind>[a-z]+)\}"
                 r"(?P<title>[^\n]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)
_LABEL = re.compile(r"^:label:[ \t]*(\S+)", re.MULTILINE)
WHOSE = {"paper": "the paper's figure", "restored": "restored", "ours": "ours"}


@dataclass(frozen=True)
class Box:
    """A numbered box of a chapter; `source` is what its title says of its provenance, or ""."""

    label: str
    title: str
    source: str


@dataclass(frozen=True)
class Figure:
    """A figure that a chapter shows; `data` is the address of its CSV file, or None."""

    page: Page
    id: str
    label: str
    caption: str
    data: str | None


def boxes(page):
    """The numbered boxes of a page, in order; raises BuildError for one without label or title."""
    return [_box(page.name, found) for found in BOX.finditer(page.text)]


def link_boxes(text, page_name, rows):
    """Markdown `text` with a line of links below each box that has rows in the ledger."""
    proved = _by_place(rows, "proved")

    def with_links(found):
        mine = proved.get(f"{page_name}#{_box(page_name, found).label}", [])
        links = _links(mine)
        return found[0] + (f"\n\n```{{div}} box-links\n{links}\n```" if links else "")

    return BOX.sub(with_links, text)


def theorems(project, rows):
    """All boxes in MyST Markdown, by part and chapter: number, title, provenance, links."""
    proved = _by_place(rows, "proved")

    def entry(page, box):
        mine = proved.get(f"{page.name}#{box.label}", [])
        source = box.source or (mine[0]["source"] if mine else "")
        parts = [f"{{prf:ref}}`{box.label}`", f"**{box.title}**", source, _links(mine)]
        return "- " + " · ".join(filter(None, parts))

    return _by_chapter(project, {page.name: [entry(page, box) for box in boxes(page)]
                                 for page in project.pages})


def figures(project, rows, shown):
    """All figures in MyST Markdown, by part and chapter, and what the ledger says is not drawn.

    `shown` is the list of `Figure`s. Each is told in the one line of its row in the ledger; where
    it has none, by its caption.
    """
    by_id = {row["id"]: row for row in rows}
    entries = {}
    for figure in shown:
        row = by_id.get(figure.id)
        line = row["statement"] if row else " ".join(figure.caption.split())
        links = [WHOSE[row["source"]] if row else None,
                 f"{{download}}`data (CSV) <{figure.data}>`" if figure.data else None,
                 _row_link(row, "ledger") if row else None,
                 f"`collapse run --figure {figure.id}`" if row else None]
        entries.setdefault(figure.page.name, []).append(
            f"- {{numref}}`{figure.label}` **{figure.id}** · {line}\n\n"
            f"  {' · '.join(filter(None, links))}")
    text = _by_chapter(project, entries)
    missing = [row for row in rows if row["kind"] == "figure" and row["status"] != "closed"]
    if missing:
        lines = [f"- {_row_link(row)} · {row['statement']} {row.get('note', '')}"
                 for row in missing]
        text += "\n\n## Not drawn\n\n" + "\n".join(lines) + "\n"
    return text


def _box(page_name, found):
    label, words = _LABEL.search(found["body"]), found["title"].strip()
    if not label or not words:
        raise BuildError(f"{page_name}: a box prf:{found['kind']} ({words or found['body'][:40]!r})"
                         " needs a title and a line ':label: …'")
    title, _, source = words.rpartition(" · ")
    return Box(label[1], title or source, source if title else "")


def _by_place(rows, place):
    """Closed rows by `page#anchor` of the field `place`."""
    found = {}
    for row in rows:
        if row["status"] == "closed" and place in row:
            found.setdefault(row[place], []).append(row)
    return found


def _links(rows):
    """Links to the rows and to the figures that draw them, each figure once."""
    if not rows:
        return ""
    drawn = dict.fromkeys(row["drawn"].split("#")[1] for row in rows if "drawn" in row)
    links = ["ledger: " + ", ".join(map(_row_link, rows))]
    if drawn:
        links.append("figure: " + ", ".join(f"{{numref}}`{mark}`" for mark in drawn))
    return " · ".join(links)


def _row_link(row, words=None):
    return f"{{ref}}`{words or row['id']} <{ledger.anchor(row['id'])}>`"


def _by_chapter(project, entries):
    """Lists of entries under the headings of their parts and chapters; empty ones are left out."""
    lines = []
    for caption, pages in project.parts:
        filled = [page for page in pages if entries.get(page.name)]
        if filled:
            lines.append(f"## {caption}")
        for page in filled:
            lines.append(f"### {page.title}")
            lines.append("\n".join(entries[page.name]))
    return "\n\n".join(lines) + "\n"
