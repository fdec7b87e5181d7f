"""The command line with hostile arguments: exit code 2, one clear line, nothing written or run."""

import contextlib
import functools
import io
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from publishing.conftest import new_mini_book

from collapse.publishing import build, cli, course, notebooks, release
from collapse.publishing.project import Project

CODE = "__import__('pathlib').Path('owned').touch()"

HOSTILE = [
    "", " ", "\n", "\t", "\0", "a\0b", "\x1b[31mred", "a\nb\rc", "\udcff", "\u202ebackwards",
    "..", "../..", "../../../etc/passwd", "/etc/passwd", "/dev/null/x", "/proc/self/mem",
    "a" * 300, "a" * 100_000, "a/" * 3000, "~", "~root", "$HOME", "*", "book", "_toc.yml",
    "_toc.yml/below", "book/rates/gaussian.md/", "nan", "-nan", "inf", "-inf", "1e400", "-1e400",
    "1e-400", "0", "-0", "-1", "-3", "2.5", "3.", "1_0", "0x10", "1" * 5000, "٣", "²", "½", "x",
    "1 2", "1;2", "n", "None", "True", "true\n", "[]", "[1", "[" * 10_000, "(" * 10_000 + ")",
    "[nan]", "[1e400]", "[[1], 2]", "{1: 2}", "[1, 'a']", "[-1]", "'", '"', '"""', "'''", "\\",
    "'; " + CODE + "; '", '"""\n' + CODE + '\n"""', CODE, "[" + CODE + "]", "f'{" + CODE + "}'",
    "{0}", "{chapter}", "%s", "%(n)s", "--", "-", "--out", "-p", "<script>alert(1)</script>",
    "$(touch owned)", "`touch owned`", "| touch owned", "=cmd|' /C calc'!A0", "gaussian\n", "index",
]  # fmt: skip

HOSTILE_PLACES = [
    ["{}"], ["list", "{}"], ["run", "{}"], ["run", "--figure", "{}"], ["run", "gaussian", "{}"],
    ["run", "gaussian", "-p", "{}", "3"], ["run", "gaussian", "-p", "n", "{}"],
    ["run", "gaussian", "-p", "k", "{}"], ["run", "gaussian", "-p", "rate", "{}"],
    ["run", "gaussian", "-p", "verbose", "{}"], ["run", "gaussian", "-p", "label", "{}"],
    ["run", "gaussian", "-p", "sizes", "{}"], ["run", "gaussian", "--out", "{}"],
    ["build", "--jobs", "{}"], ["pdf", "--jobs", "{}"], ["ledger", "--jobs", "{}"],
    ["release", "--jobs", "{}"], ["release", "--out", "{}"], ["notebooks", "--out", "{}"],
    ["course", "--out", "{}"], ["labels", "{}"], ["build", "{}"], ["notebooks", "{}"],
]  # fmt: skip


# What may come of a text: a value of the right type and in its range, never a computed one.
FINE = {
    "n": lambda value, text: type(value) is int and value >= 2,
    "k": lambda value, text: type(value) is int and 0 <= value <= 100,
    "rate": lambda value, text: type(value) is float and 0 < value <= 1,
    "verbose": lambda value, text: value is (text.lower() == "true"),
    "label": lambda value, text: value == text,
    "sizes": lambda value, text: type(value) is list,
}


class Book:
    """A mini book in which no command does anything but look at its arguments."""

    def __init__(self, root, patch):
        self.root, self.calls = root, []
        patch.chdir(root)
        project = Project(root)
        patch.setattr(cli, "find_project", lambda: project)
        # What is declared does not change, and takes a while to read.
        patch.setattr(notebooks, "parameters", functools.cache(notebooks.parameters))
        for module, name in ((build, "run"), (build, "build"), (build, "build_pdf"),
                             (build, "check_ledger"), (release, "release"),
                             (course, "write"), (notebooks, "write_clean")):
            patch.setattr(module, name, self._recorder(name))
        self.before = self.files()

    def _recorder(self, name):
        def record(*arguments, **options):
            self.calls.append((name, arguments, options))
            return ([], []) if name == "check_ledger" else []

        return record

    def files(self):
        return {path: path.stat().st_mtime_ns for path in self.root.rglob("*")}

    def collapse(self, *arguments):
        """Exit code, output and error of the command."""
        self.calls.clear()
        out, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            try:
                code = cli.main(list(arguments))
            except SystemExit as end:  # --help
                code = end.code
        return code, out.getvalue(), error.getvalue()


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield Book(new_mini_book(tmp_path_factory.mktemp("fuzz") / "book"), patch)


def check(book, arguments):
    code, out, error = book.collapse(*arguments)
    assert code in (0, 2), (arguments, code, error)
    if code == 2:
        assert out == "" and book.calls == [], arguments
        assert error.startswith("collapse: ") and error.endswith("\n"), arguments
        line = error[:-1]
        assert line.isprintable() and len(line) < 2100, (arguments, line)
    else:
        assert error == "", arguments
    for name, options, _ in book.calls:
        if name == "run":
            for parameter, value in options[2].items():
                assert FINE[parameter](value, arguments[-1]), (arguments, value)
    return code


@pytest.mark.parametrize("place", HOSTILE_PLACES, ids=" ".join)
def test_hostile_arguments(book, place):
    codes = [check(book, [text if word == "{}" else word for word in place]) for text in HOSTILE]
    assert 2 in codes or place[-2] == "label"  # a text is what it is, whatever is in it
    assert book.files() == book.before and not os.path.exists("owned")


@settings(max_examples=15, suppress_health_check=list(HealthCheck), database=None, deadline=None)
@given(place=st.sampled_from(HOSTILE_PLACES),
       text=st.text(max_size=40) | st.floats().map(str) | st.integers().map(str))
def test_any_text(book, place, text):
    check(book, [text if word == "{}" else word for word in place])
    assert book.files() == book.before


@pytest.mark.parametrize("command", ["run gaussian", "release", "notebooks", "course"])
@pytest.mark.parametrize("name", ["_toc.yml", "_toc.yml/below", "", "a\0b", "a" * 300, "\udcff"])
def test_what_cannot_be_a_folder(book, command, name):
    code, out, error = book.collapse(*command.split(), "--out", name)
    assert code == 2 and "argument --out: must be the path of a folder" in error
