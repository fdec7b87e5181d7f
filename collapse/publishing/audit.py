"""The audit: what the ledger and the pages must not leave out.

Every numbered box has a row, every row is proved at a place where something is proved, every
simulated number is compared by a check, and every other one is compared or quoted in the text.
"""

import re

from collapse.publishing import finding
from collapse.publishing.page import SE_SUFFIX

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
    checked = {check[side] for row in rows for check in row.get("checks", [])
               for side in ("quantity", "other") if side in check}
    quoted = {name.removesuffix(SE_SUFFIX) for page in project.pages
              for name in _GLUED.findall(page.text)}
    simulated = {name for name, quantity in quantities.items() if quantity["se"] is not None}
    return [f"{name} is emitted by {quantities[name]['chapter']}, but "
            + ("a simulation that no check compares" if name in simulated
               else "neither checked nor quoted")
            for name in quantities if name not in checked | (quoted - simulated)]
