"""The ledger: what the book claims, where it is proved and drawn, and how it was checked.

`book/ledger.yml` holds one row per claim. The chapters emit numbers; the checks of a row compare
them by one of seven rules:

    at_most, at_least, equals             within a tolerance, relative to the reference unless the
                                          check says `absolute: true`
    at_most_se, at_least_se, within_se    the same for simulated numbers: within z standard errors
                                          and the tolerance, if there is one
    plausible                             a p-value, at least the rate of one comparison

Nobody chooses z. All simulations being right, one or more of the statistical checks of the whole
ledger fails with a probability of at most FALSE_ALARMS: each of m comparisons gets the rate
FALSE_ALARMS/m (Bonferroni), and z is the two-sided quantile of the normal law, or of Student's
where the check says from how many `degrees` of freedom its standard error was estimated. With
`binomial: true` the quantity is a share of runs with an exactly known chance, and the quantiles
are those of its binomial law. A quantity that is a difference in standard errors already, and the
largest of m of them, says `extreme_of: m`; so does the smallest of m p-values.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass

from collapse.publishing.project import BuildError, read_yaml

FALSE_ALARMS = 1e-6  # per build, of all statistical checks together

KINDS = ("theorem", "lemma", "corollary", "proposition", "algorithm", "figure", "definition",
         "identity")
GROUPS = {"P1": "Rates of collapse", "P2": "Growing samples", "P3": "Measures",
          "synthesis": "Synthesis"}
SOURCES = ("paper", "restored", "ours")
STATUSES = ("closed", "open", "unavailable")
EXACT_RULES = {"at_most": "at most", "at_least": "at least", "equals": "equal to"}
SE_RULES = {"at_most_se": "at most", "at_least_se": "at least", "within_se": "equal to"}
RULES = (*EXACT_RULES, *SE_RULES, "plausible")

_REQUIRED = {"id", "kind", "group", "source", "statement", "status"}
_OPTIONAL = {"proved", "drawn", "note", "checks"}
_CHECK_REQUIRED = {"quantity", "rule"}
_CHECK_OPTIONAL = {"value", "other", "tolerance", "absolute", "reason", "degrees", "extreme_of",
                   "binomial"}
_ID = re.compile(r"[A-Za-z0-9.-]+")
_ANCHOR = re.compile(r"book/[\w./-]+#[A-Za-z][\w.-]*")


@dataclass(frozen=True)
class Verdict:
    """What became of one check: `holds`, what was `measured`, and how it was `judged`, in words.

    `sharpness` is the relative error of the reference that the check would see, or None where that
    means nothing: where the reference is 0 or there is none, or the check cannot be made.
    """

    row: str
    quantity: str
    holds: bool
    measured: str
    judged: str
    sharpness: float | None = None

    @property
    def text(self):
        """The comparison in a line."""
        return f"{self.quantity} {self.measured}, {self.judged}"


@dataclass(frozen=True)
class Chance:
    """How much of the false-alarm rate one comparison may use, of so many `comparisons`."""

    comparisons: int

    @property
    def rate(self):
        return FALSE_ALARMS / max(self.comparisons, 1)

    def z(self, degrees=None):
        """Standard errors that chance exceeds, on either side, with probability `rate`."""
        from scipy import special

        tail = self.rate / 2
        return float(-(special.ndtri(tail) if degrees is None else special.stdtrit(degrees, tail)))

    def binomial(self, probability, se):
        """The same for a share of as many runs as make `se` its exact standard error."""
        from scipy import stats

        runs = round(probability * (1 - probability) / se**2)
        law = stats.binom(runs, probability)
        return (probability - float(law.ppf(self.rate / 2)) / runs,
                float(law.isf(self.rate / 2)) / runs - probability)


def chance(rows):
    """The `Chance` of a ledger: a statistical check is one comparison, or as many as it says."""
    return Chance(sum(check.get("extreme_of", 1) for row in rows
                      for check in row.get("checks", []) if check["rule"] not in EXACT_RULES))


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
    share = chance(rows)
    return [_judge(row["id"], check, emitted, share)
            for row in rows for check in row.get("checks", [])]


def shortfalls(rows, verdicts):
    """Lines that say which rows fall short: closed with a failed check, or still open."""
    closed = {row["id"] for row in rows if row["status"] == "closed"}
    lines = [f"{verdict.row}: {verdict.text}" for verdict in verdicts
             if verdict.row in closed and not verdict.holds]
    return lines + [f"{row['id']}: still open" for row in rows if row["status"] == "open"]


def collect(by_chapter):
    """Join the quantities of all chapters: {chapter: {name: ...}} -> {name: ...}.

    Each quantity says in "chapter" where it is from. Raises BuildError when two chapters emit one
    name.
    """
    joined = {}
    for chapter, quantities in by_chapter.items():
        for name, quantity in quantities.items():
            if name in joined:
                raise BuildError(
                    f"{name!r} is emitted by both {joined[name]['chapter']} and {chapter}")
            joined[name] = quantity | {"chapter": chapter}
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


def as_myst(rows, emitted, seconds, link):
    """The ledger page's body in MyST Markdown: one card per row, readable on a phone.

    `seconds` maps a chapter to the time that it takes, `link(target)` turns `page#anchor` into
    inline markup.
    """
    verdicts = evaluate(rows, emitted)
    parts = [f"**{count(rows)}.** {_of_chance(rows)}"]
    for group, title in GROUPS.items():
        members = [row for row in rows if row["group"] == group]
        if not members:
            continue
        heading = f"{group}: {title}" if group != "synthesis" else title
        parts.append(f"## {heading}\n\n{count(members)}")
        parts += [_card(row, [v for v in verdicts if v.row == row["id"]],
                        _reruns(row, emitted, seconds), link) for row in members]
    return "\n\n".join(parts) + "\n"


def _of_chance(rows):
    """What the one rate means for a single check, in a sentence."""
    share = chance(rows)
    checks = [check for row in rows for check in row.get("checks", [])]
    statistical = sum(check["rule"] not in EXACT_RULES for check in checks)
    return (f"Of {len(checks)} checks {statistical} are statistical. They make "
            f"{share.comparisons} comparisons and share one false-alarm rate of "
            f"{FALSE_ALARMS:.0e}, so that each has {share.rate:.1e} of it: *z* = {share.z():.2f} "
            "standard errors.")


def _reruns(row, emitted, seconds):
    """The commands that make the numbers of a row anew, each with the time that it takes."""
    chapters = dict.fromkeys(emitted[check["quantity"]]["chapter"]
                             for check in row.get("checks", []) if check["quantity"] in emitted)
    commands = {chapter: chapter.rpartition("/")[2] for chapter in chapters}
    commands |= {chapter: f"--figure {id}" for id, chapter in figure_to_chapter([row]).items()}
    return [f"`collapse run {command}` ({seconds[chapter]:.0f}\N{NO-BREAK SPACE}s)"
            for chapter, command in commands.items() if chapter in seconds]


def _card(row, verdicts, reruns, link):
    """One row. Links go out only from closed rows: the targets of others need not exist yet."""
    lines = [f"**{row['id']}** {row['kind']} · {row['source']} · "
             f"{_mark(row['status'], row['status'])}", row["statement"]]
    if row["status"] == "closed":
        places = [f"{word} in {link(row[place])}"
                  for word, place in (("Proved", "proved"), ("Drawn", "drawn")) if place in row]
        rerun = [f"Rerun: {', '.join(reruns)}"] if reruns else []
        lines += [". ".join([*places, *rerun]) + "."]
    for check, verdict in zip(row.get("checks", []), verdicts, strict=True):
        mark = _mark("holds" if verdict.holds else "fails", _word(verdict))
        reason = f" · {check['reason']}" if "reason" in check else ""
        lines.append(f"{mark} `{verdict.quantity}` {verdict.measured}, {verdict.judged}{reason}")
    if "note" in row:
        lines.append(f"*{row['note']}*")
    body = "\n\n".join(lines)
    return f"({anchor(row['id'])})=\n`````{{div}} ledger-row\n{body}\n`````"


def _mark(kind, word):
    return f'<span class="ledger-mark ledger-{kind}">{word}</span>'


def _word(verdict):
    return "holds" if verdict.holds else "falls short"


def _judge(row, check, emitted, share):
    """Apply one check: every rule names an interval in which the quantity has to lie."""
    quantity = check["quantity"]
    for name in filter(None, (quantity, check.get("other"))):
        if name not in emitted:
            return Verdict(row, quantity, False, "cannot be judged",
                           f"{name} is not emitted by any chapter")
    value, error = emitted[quantity]["value"], emitted[quantity]["se"]
    measured = f"= {value:.6g}" + ("" if error is None else f" ± {error:.2g}")
    if runs := emitted[quantity].get("replications"):
        measured += f" from {runs} runs"
    if check["rule"] in SE_RULES and _standard_error(check, emitted) == 0.0:
        return Verdict(row, quantity, False, measured, "without a standard error")
    low, high, words = _allowed(check, emitted, share)
    return Verdict(row, quantity, low <= value <= high, measured,
                   f"allowed {_interval(low, high)}: {words}",
                   _sharpness(check, emitted, value, low, high))


def _sharpness(check, emitted, value, low, high):
    """See `Verdict`; of an interval with two ends, in the direction in which more is needed."""
    if check["rule"] == "plausible" or (reference := _reference(check, emitted)[0]) == 0:
        return None
    return max(room for room in (value - low, high - value) if math.isfinite(room)) / abs(reference)


def _allowed(check, emitted, share):
    """The ends of the interval that a check allows, and where they come from, in words."""
    rule = check["rule"]
    if rule == "plausible":
        return share.rate, 1.0, "a p-value"
    reference, words = _reference(check, emitted)
    below = above = check.get("tolerance", 0) * (1 if check.get("absolute") else abs(reference))
    if below:
        kind = "absolute" if check.get("absolute") else "relative"
        words += f", {kind} tolerance {check['tolerance']:g}"
    if rule in SE_RULES:
        less, more, of_chance = _chance_allowance(check, reference,
                                                  _standard_error(check, emitted), share)
        below, above, words = below + less, above + more, words + of_chance
    relation = EXACT_RULES.get(rule) or SE_RULES[rule]
    low = -math.inf if relation == "at most" else reference - below
    high = math.inf if relation == "at least" else reference + above
    return low, high, f"{relation} {words}"


def _chance_allowance(check, reference, se, share):
    """How far chance may take a quantity below and above its reference, and why, in words."""
    if check.get("binomial"):
        return *share.binomial(reference, se), ", up to the same quantiles of the binomial law"
    z = share.z(check.get("degrees"))
    brackets = [f"the most extreme of {check['extreme_of']}"] if "extreme_of" in check else []
    if "degrees" in check:
        brackets.append(f"Student, {check['degrees']} degrees of freedom")
    more = f" ({', '.join(brackets)})" if brackets else ""
    return z * se, z * se, f", up to {z:.3g} standard errors{more}"


def _reference(check, emitted):
    """The number that a check compares with, and what to call it."""
    if "other" not in check:
        return check["value"], f"{check['value']:.6g}"
    value = emitted[check["other"]]["value"]
    return value, f"{check['other']} = {value:.6g}"


def _standard_error(check, emitted):
    """Of the difference that a check judges; 1 where that is in standard errors already."""
    if "extreme_of" in check:
        return 1.0
    return math.hypot(*(emitted[check[side]].get("se") or 0.0
                        for side in ("quantity", "other") if side in check))


def _interval(low, high):
    """An interval in words; where its ends agree in many digits, as centre and half width."""
    if math.isinf(low):
        return f"(−∞, {high:.6g}]"
    if math.isinf(high):
        return f"[{low:.6g}, ∞)"
    centre, half = (low + high) / 2, (high - low) / 2
    if half < 1e-3 * abs(centre):
        return f"{centre:.6g} ± {half:.2g}" if half else f"{centre:.6g}"
    return f"[{low:.4g}, {high:.4g}]"


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
    rule = check["rule"]
    if rule not in RULES:
        raise ValueError(f"rule: must be one of {', '.join(RULES)}, got {rule!r}")
    if rule == "plausible":
        if unwanted := sorted(check.keys() - {"quantity", "rule", "reason", "extreme_of"}):
            raise ValueError(f"{unwanted[0]}: a p-value is compared with nothing but the rate")
    elif ("value" in check) == ("other" in check):
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
    for name in ("degrees", "extreme_of"):
        if name in check and (type(check[name]) is not int or check[name] < 1):
            raise ValueError(f"{name}: must be an integer of at least 1, got {check[name]!r}")
    for name in ("absolute", "binomial"):
        if not isinstance(check.get(name, False), bool):
            raise ValueError(f"{name}: must be true or false")
    for name in ("degrees", "binomial", "extreme_of"):
        if name in check and rule in EXACT_RULES:
            raise ValueError(f"{name}: only for the rules {', '.join((*SE_RULES, 'plausible'))}")
    if rule == "equals" and "tolerance" not in check:
        raise ValueError(f"tolerance: the rule {rule} needs one")
    if check.get("tolerance", 0) < 0:
        raise ValueError("tolerance: must be at least 0")
    if "reason" not in check and (rule in EXACT_RULES or "tolerance" in check):
        raise ValueError("reason: is missing")
    if check.get("value") == 0 and check.get("tolerance") and not check.get("absolute"):
        raise ValueError("tolerance: relative to 0 it means nothing; set absolute: true")


def _fields(mapping, required, optional):
    for name in sorted(required - mapping.keys()):
        raise ValueError(f"{name}: is missing")
    for name in sorted(set(map(str, mapping)) - required - optional):
        raise ValueError(f"{name}: is not a field of the ledger")
