"""The audit: what the ledger and the pages must not leave out.

Every numbered box has a row, every row is proved at a place where something is proved, every
simulated number is compared by a check, and every other one is compared, or quoted in the text and
described.
"""

import re

from collapse.publishing import finding, illustrations

CLASSICAL = "classical"  # what the title of a box says where the book only recalls a known fact
_GLUED = re.compile(r"\{glue:[a-z]+\}`(?:[^`]*::)?([^`:]+)(?::[^`]*)?`")
_SECTION = re.compile(r"^\(([\w.-]+)\)=$", re.MULTILINE)
_EXERCISE = re.compile(r"^`{3,}\{exercise\}[^\n]*\n:label:[ \t]*(\S+)", re.MULTILINE)


def omissions(project, rows, quantities):
    """Lines that say what is missing; none for a book without a ledger.

    `quantities` is what the chapters emitted, as `ledger.collect` joins it.
    """
    if not rows:
        return []
    return [*_boxes_without_row(project, rows), *_proofs_without_place(project, rows),
            *_idle_quantities(project, rows, quantities)]


def _boxes_without_row(project, rows):
    proved = {row.get("proved") for row in rows}
    return [f"{page.name}: the box {box.label} ({box.title}) has no row in the ledger"
            for page in project.pages for box in finding.boxes(page)
            if box.source != CLASSICAL and f"{page.name}#{box.label}" not in proved]


def _proofs_without_place(project, rows):
    """Rows that are proved at neither a box nor a labelled section nor an exercise."""
    places = {f"{page.name}#{label}" for page in project.pages
              for label in [*(box.label for box in finding.boxes(page)),
                            *_SECTION.findall(page.text), *_EXERCISE.findall(page.text)]}
    return [f"{row['id']}: proved: {row['proved']} is neither a box nor a labelled derivation"
            for row in rows if row.get("proved", None) not in {None, *places}]


def _idle_quantities(project, rows, quantities):
    """Numbers that no check compares and nothing describes, and descriptions of no use."""
    checked = {check[side] for row in rows for check in row.get("checks", [])
               for side in ("quantity", "other") if side in check}
    quoted = {name for page in project.pages for name in _GLUED.findall(page.text)}
    described = illustrations.load(project)
    for name, quantity in quantities.items():
        if name in checked:
            continue
        if quantity["se"] is not None:
            yield (f"{name} is emitted by {quantity['chapter']}, but a simulation that no check "
                   "compares")
        elif name not in described:
            yield (f"{name} is emitted by {quantity['chapter']}, but neither compared by a check "
                   f"nor described in {illustrations.NAME}")
    for name in described:
        if name not in quantities:
            yield f"{illustrations.NAME}: {name} is not emitted by any chapter"
        elif name in checked:
            yield f"{illustrations.NAME}: {name} is compared by a check"
        elif name not in quoted:
            yield f"{illustrations.NAME}: {name} is not quoted in the text"
