"""The page for teachers: what each chapter needs, takes and teaches, from the sources themselves.

`book/teaching.yml` says what a chapter needs and what it teaches; reading times and exercises are
counted in the chapters.
"""

import html
from collections import Counter

from collapse.publishing import course
from collapse.publishing.project import BuildError, read_yaml

# The lines of the page that `stage` replaces.
GRAPH_LINE = "<!-- graph -->"
CHAPTERS_LINE = "<!-- chapters -->"
GOALS_LINE = "<!-- goals -->"
_ROW, _LEFT, _WIDTH = 30, 130, 560  # of the graph, in pixels


def load(project):
    """What `book/teaching.yml` says of each chapter, in the order of the book.

    Raises BuildError when a chapter is missing, unknown, or needs one that is not before it.
    """
    path = project.book / "teaching.yml"
    entries = read_yaml(path)
    names = [page.short for page in chapters(project)]
    if not isinstance(entries, dict) or set(entries) != set(names):
        wrong = set(names) ^ set(entries if isinstance(entries, dict) else ())
        raise BuildError(f"{path.name} must have one entry per chapter; it differs in: "
                         + ", ".join(sorted(wrong)))
    for number, name in enumerate(names):
        entry = entries[name]
        if not isinstance(entry, dict) or set(entry) != {"needs", "knows", "goals"}:
            raise BuildError(f"{path.name}: {name} must have needs, knows and goals")
        if late := [other for other in entry["needs"] if other not in names[:number]]:
            raise BuildError(f"{path.name}: {name} needs {', '.join(late)}: no earlier chapter")
    return {name: entries[name] for name in names}


def chapters(project):
    """The chapters that are taught: all but those of the appendix."""
    return [page for page in project.chapters if not page.short.startswith("appendix/")]


def exercises(page):
    """How many exercises of each kind a chapter has, a Counter."""
    return Counter(piece.content.options.get("class") for piece in course.pieces(page)
                   if piece.role == "exercise")


def _chapters_by_name(project):
    return {page.short: page for page in chapters(project)}


def _link(pages, name):
    return f"[{pages[name].title}](../{name}.md)"


def table(project):
    """A table in MyST: reading time, exercises by kind, needs."""
    pages, entries = _chapters_by_name(project), load(project)
    rows = ["| chapter | reading | exercises | needs | mathematics |", "|---|---|---|---|---|"]
    for name, page in pages.items():
        counts = exercises(page)
        split = " + ".join(str(counts[kind]) for kind in course.POINTS)
        needs = ", ".join(_link(pages, other) for other in entries[name]["needs"]) or "–"
        minutes = page.front_matter.get("minutes", "–")
        rows.append(f"| {_link(pages, name)} | {minutes} min | {split} | {needs} "
                    f"| {entries[name]['knows']} |")
    return "\n".join(rows)


def goals(project):
    """A definition list in MyST: what a student can do after each chapter."""
    pages, entries = _chapters_by_name(project), load(project)
    blocks = [f"{_link(pages, name)}\n: " + "\n  ".join(f"- {goal}" for goal in entry["goals"])
              for name, entry in entries.items()]
    return "\n\n".join(blocks)


def graph(project):
    """An arc diagram: the chapters from top to bottom, an arc from each to those that need it.

    One column, so that it can be read on a phone; the words of every chapter are links.
    """
    pages, entries = _chapters_by_name(project), load(project)
    place = {name: _ROW * number + 20 for number, name in enumerate(pages)}
    height = _ROW * len(pages) + 20
    arcs, words = [], []
    for name, entry in entries.items():
        for other in entry["needs"]:
            top, bottom = place[other], place[name]
            reach = min(_LEFT - 10, 8 + (bottom - top) * 0.18)
            arcs.append(f'<path d="M{_LEFT} {top} C{_LEFT - reach:.0f} {top} {_LEFT - reach:.0f} '
                        f'{bottom} {_LEFT - 5} {bottom}" marker-end="url(#needs)"/>')
        title = html.escape(pages[name].title)
        words.append(f'<circle cx="{_LEFT}" cy="{place[name]}" r="3.5"/>'
                     f'<a href="../{name}.html"><text x="{_LEFT + 12}" y="{place[name] + 5}">'
                     f"{title}</text></a>")
    told = "; ".join(f"{pages[name].title} needs "
                     + (" and ".join(pages[other].title for other in entry["needs"]) or "nothing")
                     for name, entry in entries.items())
    svg = (f'<svg viewBox="0 0 {_WIDTH} {height}" role="group" aria-label="{html.escape(told)}">'
           '<defs><marker id="needs" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
           'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
           + "".join(arcs) + "".join(words) + "</svg>")
    return f'```{{raw}} html\n<div class="chapter-graph">{svg}</div>\n```'
