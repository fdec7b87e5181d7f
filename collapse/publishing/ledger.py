"""The ledger: what the book claims, where it is proved and drawn, and how it was checked.

`book/ledger.yml` holds one row per claim. The chapters emit numbers; the checks of a row compare
them by one of four rules. Tolerances of at_most, at_least and equals are relative to the
reference, unless the check says `absolute: true`.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass

from collapse.publishing.project import BuildError, read_yaml

KINDS = ("theorem", "lemma", "corollary", "proposition", "algorithm", "figure", "definition",
         "identity")
GROUPS = {"P1": "Rates of collapse", "P2": "Growing samples", "P3": "Measures",
          "synthesis": "Synthesis"}
SOURCES = ("paper", "restored", "ours")
STATUSES = ("closed", "open", "unavailable")
RULES = ("at_most", "at_least", "equals", "within_se")
_RELATION = {"at_most": "at most", "at_least": "at least", "equals": "equal to",
             "within_se": "against"}

_REQUIRED = {"id", "kind", "group", "source", "statement", "status"}
_OPTIONAL = {"proved", "drawn", "note", "checks"}
_CHECK_REQUIRED = {"quantity", "rule", "reason"}
_CHECK_OPTIONAL = {"value", "other", "tolerance", "absolute"}
_ID = re.compile(r"[A-Za-z0-9.-]+")
_ANCHOR = re.compile(r"book/[\w./-]+#[A-Za-z][\w.-]*")


@dataclass(frozen=True)
class Verdict:
    """What became of one check: `holds`, and the comparison in a line of text.

    `sharpness` is the relative error of the reference that the check would see, or None where that
    means nothing: where the reference is 0, or the check cannot be made.
    """

    row: str
    quantity: str
    holds: bool
    text: str
    sharpness: float | None = None


def load(path):
    """Read and validate a ledger; returns its rows (a list of dicts).

    Raises BuildError naming the row and the field for the first thing that is wrong.
    """
    rows = read_yaml(path)
    if not isinstance(rows, list):
        raise BuildError(f"{path.name} must be a list of rows")
    anchors = set()
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("id"), str):
            raise BuildError(f"{path.name}: row {number}: id: every row needs one, a string")
        try:
            _validate(row)
            if (mark := anchor(row["id"])) in anchors:
                raise ValueError(f"id: another row has it, or shares its anchor {mark}")
            anchors.add(mark)
        except ValueError as error:
            raise BuildError(f"{path.name}: {row['id']}: {error}") from None
    return rows


def evaluate(rows, emitted):
    """The verdicts of all checks, in order.

    `emitted` maps a name to {"value": float, "se": float or None}. A check on a quantity that
    nobody emits does not hold.
    """
    return [_judge(row["id"], check, emitted) for row in rows for check in row.get("checks", [])]


def shortfalls(rows, verdicts, *, strict=False):
    """Lines that say which rows fall short: closed with a failed check, or, if strict, open."""
    closed = {row["id"] for row in rows if row["status"] == "closed"}
    lines = [f"{verdict.row}: {verdict.text}" for verdict in verdicts
             if verdict.row in closed and not verdict.holds]
    if strict:
        lines += [f"{row['id']}: still open" for row in rows if row["status"] == "open"]
    return lines


def collect(by_chapter):
    """Join the quantities of all chapters: {chapter: {name: ...}} -> {name: ...}.

    Raises BuildError when two chapters emit one name.
    """
    joined, owner = {}, {}
    for chapter, quantities in by_chapter.items():
        for name, quantity in quantities.items():
            if name in joined:
                raise BuildError(f"{name!r} is emitted by both {owner[name]} and {chapter}")
            joined[name], owner[name] = quantity, chapter
    return joined


def figure_to_chapter(rows):
    """Which page draws a figure: id -> page name, for rows of kind figure that say so."""
    return {row["id"]: row["drawn"].split("#")[0] for row in rows
            if row["kind"] == "figure" and "drawn" in row}


def anchor(id):
    """The id attribute of a row on the ledger page."""
    return "ledger-" + id.lower().replace(".", "-")


def count(rows):
    """How many rows there are, and how many of each status, in words."""
    found = Counter(row["status"] for row in rows)
    parts = ", ".join(f"{found[status]} {status}" for status in STATUSES)
    return f"{len(rows)} {'row' if len(rows) == 1 else 'rows'}: {parts}"


def as_text(rows, verdicts):
    """The ledger for a terminal: one line per row, its checks below."""
    lines = []
    width = max((len(row["id"]) for row in rows), default=0)
    for row in rows:
        lines.append(f"{row['id']:<{width}}  {row['status']:<11}  {row['kind']}, {row['source']}")
        for verdict in verdicts:
            if verdict.row == row["id"]:
                lines.append(f"{'':<{width}}  {_word(verdict):<11}  {verdict.text}")
    return "\n".join([*lines, count(rows)])


def as_myst(rows, verdicts, link):
    """The ledger page's body in MyST Markdown: one card per row, readable on a phone.

    `link(target)` turns `page#anchor` into inline markup.
    """
    parts = [f"**{count(rows)}**"]
    for group, title in GROUPS.items():
        members = [row for row in rows if row["group"] == group]
        if not members:
            continue
        heading = f"{group}: {title}" if group != "synthesis" else title
        parts.append(f"## {heading}\n\n{count(members)}")
        parts += [_card(row, [v for v in verdicts if v.row == row["id"]], link)
                  for row in members]
    return "\n\n".join(parts) + "\n"


def _card(row, verdicts, link):
    """One row. Links go out only from closed rows: the targets of others need not exist yet."""
    lines = [f"**{row['id']}** {row['kind']} · {row['source']} · "
             f"{_mark(row['status'], row['status'])}", row["statement"]]
    if row["status"] == "closed":
        places = [f"{word} in {link(row[place])}"
                  for word, place in (("Proved", "proved"), ("Drawn", "drawn")) if place in row]
        lines += [". ".join(places) + "."] if places else []
    for check, verdict in zip(row.get("checks", []), verdicts, strict=True):
        mark = _mark("holds" if verdict.holds else "fails", _word(verdict))
        lines.append(f"{mark} `{verdict.text}`. {check['reason']}")
    if "note" in row:
        lines.append(f"*{row['note']}*")
    body = "\n\n".join(lines)
    return f"({anchor(row['id'])})=\n`````{{div}} ledger-row\n{body}\n`````"


def _mark(kind, word):
    return f'<span class="ledger-mark ledger-{kind}">{word}</span>'


def _word(verdict):
    return "holds" if verdict.holds else "falls short"


def _judge(row, check, emitted):
    """Apply one check. Every rule reads: excess over the reference <= slack."""
    quantity, rule = check["quantity"], check["rule"]
    names = [quantity] + ([check["other"]] if "other" in check else [])
    for name in names:
        if name not in emitted:
            return Verdict(row, quantity, False, f"{name} is not emitted by any chapter")
    value = emitted[quantity]["value"]
    reference = emitted[names[1]]["value"] if "other" in check else check["value"]
    difference = value - reference
    excess = {"at_most": difference, "at_least": -difference}.get(rule, abs(difference))
    tolerance, absolute = check.get("tolerance", 0.0), check.get("absolute", False)
    if rule == "within_se":
        se = math.hypot(*(emitted[name]["se"] or 0.0 for name in names))
        if se == 0.0:
            return Verdict(row, quantity, False, f"{quantity} comes without a standard error")
        slack = tolerance * se
        allowed = f", at most {tolerance:g} standard errors of {se:.2g} apart"
    else:
        slack = tolerance if absolute else tolerance * abs(reference)
        allowed = f", {'absolute' if absolute else 'relative'} tolerance {tolerance:g}"
    # Of equals and within_se, in the direction in which more is needed.
    room = slack - excess if rule in ("at_most", "at_least") else slack + excess
    against = f"{names[1]} = {reference:.6g}" if "other" in check else f"{reference:.6g}"
    return Verdict(row, quantity, excess <= slack,
                   f"{quantity} = {value:.6g}, {_RELATION[rule]} {against}"
                   + (allowed if tolerance else ""),
                   room / abs(reference) if reference else None)


def _validate(row):
    """Raise ValueError("field: what is wrong") for a row that breaks the schema."""
    _fields(row, _REQUIRED, _OPTIONAL)
    if not _ID.fullmatch(row["id"]):
        raise ValueError("id: letters, digits, '.' and '-' only")
    for name, allowed in (("kind", KINDS), ("group", tuple(GROUPS)), ("source", SOURCES),
                          ("status", STATUSES)):
        if row[name] not in allowed:
            raise ValueError(f"{name}: must be one of {', '.join(allowed)}, got {row[name]!r}")
    for name in ("statement", "note"):
        if name in row and (not isinstance(row[name], str) or not row[name].strip()
                            or "\n" in row[name].strip()):
            raise ValueError(f"{name}: must be one line of text")
    for name in ("proved", "drawn"):
        if name in row and not (isinstance(row[name], str) and _ANCHOR.fullmatch(row[name])):
            raise ValueError(f"{name}: must look like book/page#anchor, got {row[name]!r}")
    if not isinstance(row.get("checks", []), list):
        raise ValueError("checks: must be a list")
    if row["status"] == "closed":
        if "proved" not in row and row["kind"] not in ("figure", "definition"):
            raise ValueError("proved: a closed row says where it is proved")
        if "drawn" not in row and row["kind"] == "figure":
            raise ValueError("drawn: a closed figure says where it is drawn")
        if not row.get("checks"):
            raise ValueError("checks: a closed row has at least one")
    if row["status"] == "unavailable" and "note" not in row:
        raise ValueError("note: an unavailable row says why")
    for number, check in enumerate(row.get("checks", [])):
        try:
            _validate_check(check)
        except ValueError as error:
            raise ValueError(f"checks[{number}].{error}") from None


def _validate_check(check):
    if not isinstance(check, dict):
        raise ValueError("quantity: a check is a mapping of fields")
    _fields(check, _CHECK_REQUIRED, _CHECK_OPTIONAL)
    if check["rule"] not in RULES:
        raise ValueError(f"rule: must be one of {', '.join(RULES)}, got {check['rule']!r}")
    if ("value" in check) == ("other" in check):
        raise ValueError("value: give either value (a number) or other (an emitted name)")
    for name in ("quantity", "other", "reason"):
        if name in check and (not isinstance(check[name], str) or not check[name].strip()):
            raise ValueError(f"{name}: must be text")
    for name in ("value", "tolerance"):
        if name in check and (isinstance(check[name], bool)
                              or not isinstance(check[name], (int, float))
                              or not math.isfinite(check[name])):
            raise ValueError(f"{name}: must be a finite number, got {check[name]!r} "
                             "(YAML wants 1.0e-12, not 1e-12)")
    if not isinstance(check.get("absolute", False), bool):
        raise ValueError("absolute: must be true or false")
    if check["rule"] in ("equals", "within_se") and "tolerance" not in check:
        raise ValueError(f"tolerance: the rule {check['rule']} needs one")
    if check.get("tolerance", 0) < 0:
        raise ValueError("tolerance: must be at least 0")
    if check.get("value") == 0 and check.get("tolerance") and check["rule"] != "within_se" \
            and not check.get("absolute"):
        raise ValueError("tolerance: relative to 0 it means nothing; set absolute: true")


def _fields(mapping, required, optional):
    for name in sorted(required - mapping.keys()):
        raise ValueError(f"{name}: is missing")
    for name in sorted(set(map(str, mapping)) - required - optional):
        raise ValueError(f"{name}: is not a field of the ledger")
