"""Whether a build gives the numbers and figures that were published.

`compare` compares the manifests of two builds, see `results`. What must agree:

- Measured quantities have to be there, no more.
- With the same versions and type of machine, exact quantities agree bit for bit. Where a chapter
  has the same source hash, too, so do its simulated quantities, drawings (SVG) and tables (CSV).
- Otherwise exact quantities agree to a relative `RELATIVE`, or, where the ledger calls them errors,
  to what it allows them. Simulated quantities agree within z standard errors of their difference;
  z follows from one `FALSE_ALARM_RATE` for all of them together (Bonferroni). Drawings and tables
  may differ, and the report counts those that do.
"""

import math
from collections import Counter
from dataclasses import dataclass
from statistics import NormalDist

from collapse.publishing.results import KINDS

RELATIVE = 1e-9
FALSE_ALARM_RATE = 1e-6
_GROWN = 10  # a standard error that grew by more hides differences, and the report says so
_PARTS = {"svg": "drawings (SVG)", "csv": "tables (CSV)"}


@dataclass(frozen=True)
class Report:
    """What a comparison found: lines on what was compared, and lines on what does not agree."""

    lines: list
    problems: list

    @property
    def text(self):
        number = len(self.problems)
        verdict = ("The two agree." if not number else
                   f"The two do not agree: {number} difference{'s' if number > 1 else ''}.")
        return "\n".join([*self.lines, *self.problems, verdict])


def compare(published, built):
    """Compare two manifests by the rules at the head of this module; returns a Report."""
    alike = published["environment"] == built["environment"]
    same = {name for name, chapter in published["chapters"].items()
            if chapter["source"] == built["chapters"].get(name, {}).get("source")}
    lines = [f"published: version {published['version']}, {len(published['chapters'])} chapters",
             _environments(published["environment"], built["environment"])]
    if alike:
        lines.append(_sources(published["chapters"], same))
    problems = _missing("chapters", published, built)
    for part in (_compare_quantities(published, built, alike, same),
                 _compare_figures(published, built, same)):
        lines += part.lines
        problems += part.problems
    return Report(lines, problems)


def standard_errors(comparisons):
    """How many standard errors apart two simulated quantities may be, of so many compared."""
    return -NormalDist().inv_cdf(FALSE_ALARM_RATE / 2 / max(comparisons, 1))


def _compare_quantities(published, built, alike, same):
    pairs = _pairs("quantities", published, built)
    z = standard_errors(sum(old["kind"] == "simulated" for old, _ in pairs.values()))
    problems, grown = _missing("quantities", published, built), []
    counts = {kind: Counter() for kind in KINDS}
    for name, (old, new) in pairs.items():
        problem = _difference(old, new, alike, new["chapter"] == old["chapter"] in same, z)
        if problem:
            problems.append(f"{name} ({old['chapter']}): {problem}")
        became = "wrong" if problem else "identical" if _bits(old) == _bits(new) else "close"
        counts[old["kind"]][became] += 1
        if old["se"] and new["se"] and new["se"] > _GROWN * old["se"]:
            grown.append(name)
    close = {"exact": f"within {RELATIVE:g} of the value or what the ledger allows",
             "simulated": f"within {z:.2f} standard errors of the difference (false alarms: "
                          f"{FALSE_ALARM_RATE:g} for all together)",
             "measured": "there, not compared"}
    lines = [_counted(f"{kind} quantities", counts[kind], close=close[kind]) for kind in KINDS]
    lines += _extra("quantities", published, built)
    if grown:
        lines.append(f"standard errors more than {_GROWN} times as large as published: "
                     + ", ".join(grown))
    return Report(lines, problems)


def _difference(old, new, alike, identical, z):
    """What is wrong with a quantity, in words, or None."""
    kind = old["kind"]
    if kind != new["kind"]:
        return f"published as {kind}, here {new['kind']}"
    if kind == "measured" or _bits(old) == _bits(new):
        return None
    told = f"{_words(old)} published, {_words(new)} here"
    if identical:
        return f"{told}; from the same sources it must be identical"
    if kind == "exact" and alike:
        return f"{told}; with the same versions it must be identical"
    apart = abs(new["value"] - old["value"])
    size = max(abs(new["value"]), abs(old["value"]))
    allowed = max(RELATIVE * size, old["tolerance"] or 0.0)
    if kind == "simulated":
        error = math.hypot(old["se"], new["se"])
        if apart <= max(allowed, z * error):
            return None
        return f"{told}; {apart:.2g} apart, {z:.2f} standard errors of {error:.2g} allowed"
    if apart <= allowed:
        return None
    return f"{told}; {apart:.2g} apart, {allowed:.2g} allowed"


def _compare_figures(published, built, same):
    problems = _missing("figures", published, built)
    counts = {part: Counter() for part in _PARTS}
    for id, (old, new) in _pairs("figures", published, built).items():
        for part in (part for part in _PARTS if old[part] is not None):
            if new[part] is None:
                problem = "is missing"
            elif new[part] != old[part] and new["chapter"] == old["chapter"] in same:
                problem = "differs; from the same sources it must be identical"
            else:
                counts[part]["identical" if new[part] == old[part] else "close"] += 1
                continue
            counts[part]["wrong"] += 1
            problems.append(f"{id} ({old['chapter']}): its {part.upper()} file {problem}")
    lines = [_counted(_PARTS[part], counts[part], close="different, as they may be from other "
                      "sources or versions") for part in _PARTS]
    return Report([*lines, *_extra("figures", published, built)], problems)


def _counted(what, counts, *, close):
    """A line such as "exact quantities: 5 identical, 1 wrong"."""
    words = {"identical": "identical", "close": close, "wrong": "wrong"}
    told = [f"{counts[key]} {words[key]}" for key in words if counts[key]]
    return f"{what}: {', '.join(told) or 'none'}"


def _pairs(what, published, built):
    """name -> (published, built), for the names that both have."""
    return {name: (old, built[what][name]) for name, old in published[what].items()
            if name in built[what]}


def _missing(what, published, built):
    """A line for each thing that was published and is not here."""
    return [f"{name} ({entry.get('chapter', 'chapter')}): is missing from the {what}"
            for name, entry in published[what].items() if name not in built[what]]


def _extra(what, published, built):
    """A line on what is here and was not published, which is allowed: a book may grow."""
    names = [name for name in built[what] if name not in published[what]]
    return [f"{what} that were not published: {', '.join(names)}"] if names else []


def _environments(old, new):
    if old == new:
        return "environment: the same versions and type of machine"
    old, new = ({**made, **made["packages"], "simd": " ".join(made["simd"])}
                for made in (old, new))
    told = [f"{name} {old.get(name, 'missing')} published, {new.get(name, 'missing')} here"
            for name in sorted(old.keys() | new.keys() - {"packages"})
            if name != "packages" and old.get(name) != new.get(name)]
    return "environment: " + "; ".join(told)


def _sources(chapters, same):
    others = [name for name in chapters if name not in same]
    return ("sources: the same" if not others else
            f"sources: others in {len(others)} of {len(chapters)} chapters: {', '.join(others)}")


def _words(quantity):
    error = "" if quantity["se"] is None else f" ± {quantity['se']:.2g}"
    return f"{quantity['value']!r}{error}"


def _bits(quantity):
    """Value and standard error, exactly: 0.0 and -0.0 differ."""
    return [None if number is None else float(number).hex()
            for number in (quantity["value"], quantity["se"])]
