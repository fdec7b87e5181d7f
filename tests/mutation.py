"""Planted errors: small faults in the package, each of which a named test must catch.

`tests/mutants.yml` lists them; its head explains the fields. To run some of them, or all:

    python tests/mutation.py ID ...
    python tests/mutation.py

With `--store` what came out goes to `book/mutants.json`, which the book shows. Survivors do not, so
that a test complains until a test catches them.

For each mutant the package is copied into a temporary folder and one text in it replaced. A
process of its own imports that copy and runs the named tests up to the first that fails. The
mutant is killed if that test failed by an assertion: a crash proves less. The same tests must pass
on a copy without an error.
"""

import argparse
import contextlib
import hashlib
import importlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
MUTANTS = ROOT / "tests" / "mutants.yml"
RESULT = ROOT / "book" / "mutants.json"
PROCESSES = 2
TIMEOUT = 300  # seconds for the tests of one mutant
ASSERTIONS = ("AssertionError", "Failed")  # `Failed` is what pytest.raises and pytest.fail raise
# What takes long to import and is no part of the package: imported once, before the processes fork.
_LIBRARIES = ("hypothesis", "joblib", "matplotlib.pyplot", "mpmath", "numpy", "pandas",
              "scipy.integrate", "scipy.interpolate", "scipy.optimize",
              "scipy.sparse", "scipy.stats", "xarray")
_FIELDS = {"id", "target", "what", "old", "new", "by"}


@dataclass(frozen=True)
class Mutant:
    """One planted error: in `file` the text `old`, found there once, becomes `new`."""

    id: str
    target: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple
    rows: tuple = ()

    def source(self, root=ROOT):
        """The file with the error; raises ValueError when the place of it is not to be found."""
        text = (root / self.file).read_text(encoding="utf-8")
        if (found := text.count(self.old)) != 1:
            raise ValueError(f"{self.id}: old: must be in {self.file} once, is {found} times")
        return text.replace(self.old, self.new)

    @property
    def digest(self):
        """A hash of the error and its tests, by which a stored result is known to be of them."""
        text = repr((self.file, self.old, self.new, self.tests))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """What the tests of a mutant said: the first that failed, or None, and by what.

    `seconds` is time of the processor, from reading the tests on.
    """

    failed: str | None
    error: str | None
    passed: int
    seconds: float

    @property
    def killed(self):
        return self.failed is not None and self.error in ASSERTIONS


def load(path=MUTANTS):
    """The mutants of a file, in order; raises ValueError that names the entry and the field."""
    mutants = []
    for group in yaml.safe_load(path.read_text(encoding="utf-8")):
        for entry in group["mutants"]:
            name = entry.get("id", f"an entry of {group['file']}")
            if wrong := sorted((_FIELDS ^ set(entry)) - {"rows"}):
                raise ValueError(f"{name}: {wrong[0]}: missing, or no field of a mutant")
            if any(name == other.id for other in mutants):
                raise ValueError(f"{name}: id: another mutant has it")
            by = [entry["by"]] if isinstance(entry["by"], str) else entry["by"]
            tests = tuple(test if "/" in test else f"{group['tests']}::{test}" for test in by)
            mutants.append(Mutant(name, f"collapse.{entry['target']}", entry["what"],
                                  group["file"], entry["old"], entry["new"], tests,
                                  tuple(entry.get("rows", ()))))
    return mutants


def run(mutants, *, report=lambda mutant, outcome: None):
    """Outcomes by id. Raises RuntimeError when a named test fails without any error planted."""
    for library in _LIBRARIES:
        importlib.import_module(library)
    by_file = {}
    for mutant in mutants:
        for test in mutant.tests:
            by_file.setdefault(test.split("::")[0], []).append(test)
    healthy = [Mutant("no error", "", "", "", "", "", tuple(dict.fromkeys(tests)))
               for tests in by_file.values()]
    outcomes = {}
    with multiprocessing.get_context("fork").Pool(PROCESSES, maxtasksperchild=1) as pool:
        for mutant, outcome in pool.imap(_try, [*healthy, *mutants], chunksize=1):
            if mutant in healthy and outcome.failed:
                raise RuntimeError(f"without any error planted {outcome.failed} fails "
                                   f"({outcome.error})")
            if mutant in healthy and not outcome.passed:
                raise RuntimeError(f"one of these is no test: {', '.join(mutant.tests)}")
            if mutant not in healthy:
                outcomes[mutant.id] = outcome
                report(mutant, outcome)
    return outcomes


def _try(mutant):
    """Run the tests of a mutant in this process, which nothing else uses."""
    with tempfile.TemporaryDirectory() as folder:
        _plant(mutant, Path(folder))
        sys.path.insert(0, folder)
        os.environ["PYTHONPATH"] = folder
        os.environ["CI"] = "1"  # the same examples every time (tests/conftest.py)
        import collapse

        if not Path(collapse.__file__).is_relative_to(folder):
            raise RuntimeError(f"{collapse.__file__} was imported, not the copy in {folder}")
        signal.signal(signal.SIGALRM, _too_slow)
        signal.alarm(TIMEOUT)
        seen, start = _Seen(), time.process_time()
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
                         "--rootdir", str(ROOT), *(str(ROOT / test) for test in mutant.tests)],
                        plugins=[seen])
        signal.alarm(0)
        failed, error = seen.failed or (None, None)
        return mutant, Outcome(failed, error, seen.passed, time.process_time() - start)


def _plant(mutant, folder):
    """Copy the package into a folder, with the error of the mutant if it has one."""
    shutil.copytree(ROOT / "collapse", folder / "collapse",
                    ignore=shutil.ignore_patterns("__pycache__"))
    if mutant.file:
        (folder / mutant.file).write_text(mutant.source(), encoding="utf-8")


class _Seen:
    """A plugin of pytest that keeps the first failure and counts what passes."""

    def __init__(self):
        self.failed, self.passed = None, 0

    def pytest_runtest_makereport(self, item, call):
        if call.excinfo is None:
            self.passed += call.when == "call"
        elif call.excinfo.typename != "Skipped" and self.failed is None:
            self.failed = item.nodeid, call.excinfo.typename


def _too_slow(*_):
    raise TimeoutError(f"more than {TIMEOUT} seconds")


def stored(path=RESULT):
    """What is stored: a dict for each mutant, by id."""
    if not path.is_file():
        return {}
    return {entry["id"]: entry for entry in json.loads(path.read_text(encoding="utf-8"))}


def store(mutants, outcomes, path=RESULT):
    """Write what came out for the book, and keep what was there of others of these mutants."""
    kept = stored(path)
    for mutant in mutants:
        if outcome := outcomes.get(mutant.id):
            kept[mutant.id] = {"killed_by": outcome.failed, "digest": mutant.digest,
                               "seconds": round(outcome.seconds, 1)}
    entries = [{"id": mutant.id, "target": mutant.target, "what": mutant.what,
                "rows": list(mutant.rows)}
               | {field: kept[mutant.id][field] for field in ("killed_by", "seconds", "digest")}
               for mutant in mutants if mutant.id in kept]
    path.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python tests/mutation.py",
                                     description="Plant errors; see which test catches each.")
    parser.add_argument("id", nargs="*", help="which mutants (default: all)")
    parser.add_argument("--store", action="store_true", help="write what came out for the book")
    given = parser.parse_args(arguments)
    wanted = given.id
    try:
        everything = load()
        for mutant in everything:
            mutant.source()
    except ValueError as error:
        parser.error(str(error))
    mutants = [mutant for mutant in everything if not wanted or mutant.id in wanted]
    if unknown := set(wanted) - {mutant.id for mutant in mutants}:
        parser.error(f"ID must be one of tests/mutants.yml, got {', '.join(sorted(unknown))}")

    def report(mutant, outcome):
        word = "killed" if outcome.killed else "SURVIVED"
        print(f"{word:<8} {mutant.id:<30} {outcome.seconds:5.1f} s  "
              f"{outcome.failed or ''} {outcome.error or ''}", flush=True)

    try:
        outcomes = run(mutants, report=report)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    killed = {name: outcome for name, outcome in outcomes.items() if outcome.killed}
    print(f"{len(killed)} of {len(outcomes)} killed")
    if given.store:
        store(everything, killed)
    return 0 if len(killed) == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
