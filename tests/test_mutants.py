"""The planted errors: the list is sound and complete, and every error on it is caught."""

import ast
import inspect
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import mutation
import pytest

from collapse.publishing import api, ledger, mutants
from collapse.publishing.project import BuildError, Project

ROOT = Path(__file__).parents[1]
EVERYTHING = mutation.load()
CHEAP = ("theorem-3-constant", "poisson-generation", "loop-block-stream")
# Files in which an error changes no number: lists of names, and pictures.
NO_NUMBERS = {"__init__.py", "__main__.py", "plotting.py"}
LEAST = 150  # errors of all kinds


@cache
def functions(file):
    """The tests of a file, as pytest names them without parameters."""
    found = set()
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        inside = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {f"{file}::{inside}{member.name}" for member in members
                  if isinstance(member, ast.FunctionDef)}
    return found


@pytest.mark.parametrize("mutant", EVERYTHING, ids=lambda mutant: mutant.id)
def test_an_error_can_be_planted_and_its_tests_are_there(mutant):
    assert mutant.old != mutant.new
    ast.parse(mutant.source())
    for test in mutant.tests:
        assert test in functions(test.split("::")[0])


def test_no_error_is_listed_twice():
    places = [(mutant.file, mutant.source()) for mutant in EVERYTHING]
    assert len(set(places)) == len(places) >= LEAST


def must_be_mutated(reference):
    """Every law and bound that is a function, and every model, where it is described."""
    return {reference.homes[name] for name, thing in reference.names.items()
            if name.startswith(("collapse.laws.", "collapse.bounds.")) and inspect.isfunction(thing)
            or name.startswith("collapse.models.") and inspect.isclass(thing)}


def test_every_law_bound_and_model_has_an_error():
    reference = api.Reference()
    targets = [mutant.target for mutant in EVERYTHING]
    assert [name for name in targets if name not in reference.homes] == []
    wanted = must_be_mutated(reference)
    assert len(wanted) > 60
    assert wanted - {reference.homes[name] for name in targets} == set()


def test_every_file_of_the_science_has_an_error():
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "collapse").rglob("*.py")
             if "publishing" not in path.parts and path.name not in NO_NUMBERS}
    assert files - {mutant.file for mutant in EVERYTHING} == set()


def test_the_rows_that_errors_speak_for_are_in_the_ledger():
    text = (ROOT / "book" / "ledger.yml").read_text(encoding="utf-8")
    known = set(re.findall(r"^- id: (\S+)$", text, re.MULTILINE))
    assert {row for mutant in EVERYTHING for row in mutant.rows} - known == set()


def test_the_stored_result_is_of_this_list_and_has_no_survivor():
    stored = mutation.stored()
    assert list(stored) == [mutant.id for mutant in EVERYTHING], (
        "python tests/mutation.py --store ID adds what is missing, if it is killed")
    for mutant in EVERYTHING:
        entry = stored[mutant.id]
        assert entry["digest"] == mutant.digest, f"python tests/mutation.py --store {mutant.id}"
        assert (entry["target"], entry["what"], tuple(entry["rows"])) == (
            mutant.target, mutant.what, mutant.rows), mutant.id
        assert entry["killed_by"].split("[")[0] in mutant.tests, mutant.id


# ---------------------------------------------------------------- the runner


def plant(*ids):
    """The exit code and the lines of the runner, which needs a process without the package."""
    done = subprocess.run([sys.executable, ROOT / "tests" / "mutation.py", *ids],
                          capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_an_unknown_name_is_one_line():
    code, lines, complaint = plant("no-such-error")
    assert code == 2 and not lines
    assert complaint.splitlines()[-1].endswith("ID must be one of tests/mutants.yml, got "
                                               "no-such-error")


HARMLESS = """
- file: collapse/bounds/suresh.py
  tests: tests/bounds/test_gaussian.py
  mutants:
    - {id: harmless, target: bounds.suresh.gaussian, what: nothing, by: 'TestFormulas::test_suresh',
       old: 'k / (4.0 * n - 1.0)', new: 'k / (n * 4.0 - 1.0)'}
    - {id: crash, target: bounds.suresh.gaussian, what: no number, by: 'TestFormulas::test_suresh',
       old: 'k / (4.0 * n - 1.0)', new: 'k / None'}
"""


RUN = """
import sys, pathlib
sys.path.insert(0, sys.argv[1])
import mutation
cheap = [mutant for mutant in mutation.load() if mutant.id in sys.argv[3:]]
found = mutation.run([*cheap, *mutation.load(pathlib.Path(sys.argv[2]))])
print({name: (outcome.killed, outcome.error) for name, outcome in found.items()})
"""


def test_errors_are_caught_what_changes_nothing_survives_and_a_crash_is_no_catch(tmp_path):
    listed = tmp_path / "mutants.yml"
    listed.write_text(HARMLESS)
    done = subprocess.run([sys.executable, "-c", RUN, ROOT / "tests", listed, *CHEAP],
                          capture_output=True, text=True)
    expected = dict.fromkeys(CHEAP, (True, "AssertionError"))
    assert ast.literal_eval(done.stdout or "None") == expected | {
        "harmless": (False, None), "crash": (False, "TypeError")}, done.stderr


@pytest.mark.parametrize(("old", "new", "message"), [
    ("what: nothing, ", "", "harmless: what: missing"),
    ("what: nothing, ", "what: nothing, why: so, ", "harmless: why: "),
    ("id: crash", "id: harmless", "harmless: id: another"),
])
def test_a_bad_entry_is_named_with_its_field(tmp_path, old, new, message):
    listed = tmp_path / "mutants.yml"
    listed.write_text(HARMLESS.replace(old, new))
    with pytest.raises(ValueError, match=message):
        mutation.load(listed)


@pytest.mark.parametrize("old", ["no such text", "np"])
def test_a_place_that_is_not_there_once_is_named(old):
    mutant = mutation.Mutant("m", "", "", "collapse/bounds/suresh.py", old, "", ())
    with pytest.raises(ValueError, match="m: old: must be in collapse/bounds/suresh.py once"):
        mutant.source()


@pytest.mark.slow
def test_every_error_is_caught():
    code, lines, complaint = plant(*[mutant.id for mutant in EVERYTHING])
    assert code == 0, "\n".join(line for line in lines if line.startswith("SURVIVED")) or complaint


# ---------------------------------------------------------------- the page


def row(**fields):
    return {"id": "P1-T1", "kind": "theorem", "group": "P1", "status": "closed",
            "checks": [{"quantity": "a", "rule": "at_most", "value": 1.0, "reason": "a grid"}]
            } | fields


@pytest.mark.parametrize(("fields", "planted", "value", "text"), [
    ({}, (), 0.99, "a relative error of 0.01 in what `a` is compared with"),
    ({}, (), 0.5, mutants.NOTHING),
    ({}, (), 1.5, mutants.NOTHING),
    ({}, ("P1-T1",), 0.5, "n \\* n in the place of n (planted in `collapse.laws.f`)"),
    ({"checks": [{"quantity": "a", "rule": "at_least", "value": 1.0, "reason": "power: 3 for 4"}]},
     (), 2.0, "3 for 4"),
])
def test_what_shows_the_power_of_a_claim(fields, planted, value, text):
    rows = [row(**fields)]
    verdicts = ledger.evaluate(rows, {"a": {"value": value, "se": None}})
    listed = [{"target": "collapse.laws.f", "what": "n * n in the place of n", "rows": planted}]
    page = mutants.statements(listed, rows, verdicts)
    assert page.splitlines()[-1] == f"- {{ref}}`P1-T1 <ledger-p1-t1>` · {text}"


@pytest.mark.parametrize("text", [None, "3", '[{"id": "a"}]'])
def test_a_missing_or_wrong_result_is_one_line(tmp_path, text):
    project = Project(tmp_path)
    project.book.mkdir()
    if text:
        (project.book / "mutants.json").write_text(text)
    with pytest.raises(BuildError, match="mutants.json: .*; make it by python tests/mutation"):
        mutants.load(project)
