"""The page of planted errors: which test catches each, and what shows that a claim is not empty.

`tests/mutation.py` plants the errors and stores what came out in `book/mutants.json`. The other
half of the page comes from the ledger, whose checks of power are errors planted in the claims.
"""

import json
import re

from collapse.publishing import api, ledger
from collapse.publishing.project import BuildError

LINE = "<!-- mutants -->"
STATEMENTS_LINE = "<!-- statements -->"
NOTHING = "**nothing**"  # what the page says of a claim whose checks might hold for any other
# How the reason of a check begins that refuses a changed claim.
_POWER = re.compile(r"(power\b[^:]*|a check of the check): ")
_SHARP = 0.2  # a check that sees a relative error of its reference as large as this has power
_FIELDS = {"id", "target", "what", "rows", "killed_by", "seconds", "digest"}


def load(project):
    """The stored result, a list of dicts; raises BuildError when it is missing or not one."""
    path = project.book / "mutants.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not all(set(mutant) == _FIELDS for mutant in found):
            raise ValueError(f"a mutant has the fields {', '.join(sorted(_FIELDS))}")
    except (OSError, ValueError, TypeError) as error:
        raise BuildError(f"{path.name}: {error}; "
                         "make it by python tests/mutation.py --store") from None
    return found


def as_myst(mutants):
    """The planted errors in MyST Markdown: a list for each public module, in order."""
    by_module = {}
    for mutant in mutants:
        by_module.setdefault(mutant["target"].rpartition(".")[0], []).append(mutant)
    tests = {mutant["killed_by"].split("[")[0] for mutant in mutants}
    parts = [f"**{len(mutants)} errors, each caught, by {len(tests)} different tests**"]
    homes = api.Reference().homes
    for module, members in by_module.items():
        lines = [_entry(mutant, homes) for mutant in members]
        parts.append(f"### `{module}`\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def statements(mutants, rows, verdicts):
    """What catches a wrong statement, in MyST Markdown: a list for each group of the ledger."""
    found = powers(mutants, rows, verdicts)
    parts = []
    for group, title in ledger.GROUPS.items():
        members = [row for row in rows if row["group"] == group and row["id"] in found]
        if members:
            lines = [f"- {{ref}}`{row['id']} <{ledger.anchor(row['id'])}>` · "
                     f"{'; '.join(found[row['id']]) or NOTHING}" for row in members]
            parts.append(f"### {title}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def powers(mutants, rows, verdicts):
    """What shows the power of each closed claim: id -> list of MyST texts.

    For a row that is no figure or definition these are its own checks of power and the planted
    errors that name it; without either, its sharpest check.
    """
    by_row = {row["id"]: [] for row in rows}
    for verdict in verdicts:
        by_row[verdict.row].append(verdict)
    found = {}
    for row in rows:
        if row["status"] != "closed" or row["kind"] in ("figure", "definition"):
            continue
        checks = list(zip(row["checks"], by_row[row["id"]], strict=True))
        texts = [_POWER.sub("", check.get("reason", ""), count=1) for check, verdict in checks
                 if _POWER.match(check.get("reason", "")) and verdict.holds]
        texts += [f"{api.escaped(mutant['what'])} (planted in `{mutant['target']}`)"
                  for mutant in mutants if row["id"] in mutant["rows"]]
        sharp = min((verdict for _, verdict in checks
                     if verdict.holds and verdict.sharpness is not None),
                    key=lambda verdict: verdict.sharpness, default=None)
        if not texts and sharp and sharp.sharpness <= _SHARP:
            size = f"a relative error of {sharp.sharpness:.1g}" if sharp.sharpness else "any error"
            texts = [f"{size} in what `{sharp.quantity}` is compared with"]
        found[row["id"]] = texts
    return found


def _entry(mutant, homes):
    """One error: where, what, by which test it is caught and how fast."""
    target = mutant["target"]
    where = f'<a href="api.html#{homes[target]}"><code>{target.rpartition(".")[2]}</code></a>'
    how = f"caught by {_test(mutant['killed_by'])}"
    return " · ".join([f"- {where}", api.escaped(mutant["what"]), how,
                       f"{mutant['seconds']:.1f}\u00a0s"])


def _test(name):
    """The id of a test without its parameters, in pieces between which a line may break."""
    pieces = name.removeprefix("tests/").split("[")[0].split("::")
    return " ".join(f"`{piece}`" for piece in pieces)
