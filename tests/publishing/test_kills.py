"""Processes that end at named and at fifty random moments; about ten minutes, for `make verify`.

test_faults.py has the quick tests: a crash at any moment, with stand-ins for what takes
time. Here everything is real.
"""

import contextlib
import ctypes
import os
import random
import re
import shutil
import signal
import sys
import time

import psutil
import pytest

from collapse.publishing.archive import below
from collapse.publishing.build import is_current
from collapse.publishing.execute import is_whole
from collapse.publishing.project import Project
from publishing.conftest import new_mini_book
from publishing.processes import finish, start, wait_until_empty

pytestmark = pytest.mark.slow
KILLS = 25
INTERRUPTS = 10
LOADING = 2.0  # seconds: Python says nothing friendly when it is interrupted while it starts
# Pages, notebooks and manifests tell how long it took; the search index holds the words of that.
TIMES = re.compile(rb'"seconds": [\d.]+|computed-seconds">[\d.]+|\(\d+\xc2\xa0s\)')


def contents(folder):
    """The files of a folder, name -> bytes, without what differs from one execution to another."""
    return {name: TIMES.sub(b"", path.read_bytes()) for name, path in below(folder).items()
            if name != "searchindex.js"}


def leftovers(project):
    """What is under way, or was when something ended, has names with a dot."""
    return [*project.build.glob(".*"), *project.cache.glob(".*")]


@pytest.fixture(autouse=True)
def foster_parent():
    """As on a desktop, orphans get another parent than process 1; kernels must end all the same."""
    adopt = 36  # PR_SET_CHILD_SUBREAPER
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(adopt, 1, 0, 0, 0)
    yield
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(adopt, 0, 0, 0, 0)


def alone(process):
    os.kill(process.pid, signal.SIGKILL)


def with_its_group(process):
    """With workers and renderer; kernels have groups of their own."""
    os.killpg(process.pid, signal.SIGKILL)


def with_all_it_started(process):
    family = psutil.Process(process.pid)
    for member in [family, *family.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()


class Disturbed:
    """A mini book with two versions, on which commands are started and not left in peace."""

    def __init__(self, root, *arguments):
        self.root, self.arguments = new_mini_book(root), arguments
        self.chance = random.Random(20)
        self.chapter = self.root / "book/rates/loop.md"
        text = self.chapter.read_text()
        self.versions = [text, text.replace("decay(2, 30)", "decay(2, 31)")]

    def undisturbed(self, number):
        """Run the command on a version to its end; returns how long it took."""
        started = time.monotonic()
        self.chapter.write_text(self.versions[number])
        code, _, error = finish(start(self.root, *self.arguments))
        assert code == 0, error
        return time.monotonic() - started

    def kills(self, duration):
        """Kill the command again and again, and hand over: yields the number of the version."""
        killed = 0
        for number in range(KILLS):
            self.chapter.write_text(self.versions[number % 2])
            shutil.rmtree(self.root / "_build/cache", ignore_errors=True)
            process = start(self.root, *self.arguments)
            time.sleep(self.chance.uniform(0, duration))
            if process.poll() is None:
                self.chance.choice((alone, with_its_group, with_all_it_started))(process)
            killed += finish(process)[0] == -signal.SIGKILL
            wait_until_empty(self.root)  # no worker, renderer or kernel lives on
            yield number % 2
        assert killed > KILLS / 2, "most of the commands ended before they were killed"


def test_builds(tmp_path):
    book = Disturbed(tmp_path / "book", "build")
    project = Project(book.root)
    pages, duration = [], 0
    for number in (0, 1):
        duration = max(duration, book.undisturbed(number))
        pages.append(contents(project.html))
    results = {path.name: contents(path)["executed.ipynb"] for path in project.cache.glob("rates*")}
    assert len(results) == 3 and pages[0] != pages[1]

    for number in book.kills(duration):
        if project.html.exists():
            assert contents(project.html) in pages
        if is_current(project):
            assert contents(project.html) == pages[number]
        for path in project.cache.glob("rates*"):
            assert is_whole(path) and contents(path)["executed.ipynb"] == results[path.name]

    book.undisturbed(0)
    assert contents(project.html) == pages[0]
    assert leftovers(project) == []


def test_runs(tmp_path):
    out = tmp_path / "out"
    book = Disturbed(tmp_path / "book", "run", "loop", "--out", out)
    made, duration = [], 0
    for number in (0, 1):
        duration = max(duration, book.undisturbed(number))
        made.append(contents(out))
    assert made[0] != made[1]

    for _ in book.kills(duration):
        if out.exists():
            assert contents(out) in made

    book.undisturbed(0)
    assert contents(out) == made[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book", "out"]


@pytest.mark.parametrize("arguments", [["build"], ["run", "gaussian"]])
def test_interrupts(tmp_path, arguments):
    book = Disturbed(tmp_path / "book", *arguments)
    duration = book.undisturbed(0)
    shutil.rmtree(book.root / "_build/cache", ignore_errors=True)
    said = finish(start(book.root, *arguments))[1]
    for _ in range(INTERRUPTS):
        shutil.rmtree(book.root / "_build/cache", ignore_errors=True)
        process = start(book.root, *arguments)
        time.sleep(book.chance.uniform(LOADING, max(duration, LOADING)))
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        code, out, error = finish(process)
        if code == -signal.SIGINT:  # all was done and said, and Python hears nothing any more
            assert (out.count("\n"), error) == (said.count("\n"), "")
        elif code:
            assert (code, error.count("\n")) == (130, 1) and "collapse: interrupted" in error
        wait_until_empty(book.root)
    book.undisturbed(0)


# -------------------------------------------------------------------------- named moments

EXECUTED = r"os.rename /result \S+/cache/rates\.loop-"  # a chapter, but it is not in the cache
STORING = r"open /result/SHA256SUMS w"  # the last file of a result is being written
STAGED = r"subprocess.Popen jupyter_book"  # the renderer starts
SWAPPING = r"os.rename /stage/_build/html \S+/_build/html$"  # old pages gone, new ones not there
RENDERED = r"open /_build/html\.digest w"  # the digest of the sources is being written


def crash(root, moment, *arguments):
    """Run the command until all its processes end at a moment, see crash/sitecustomize.py."""
    code, _, error = finish(start(root, *arguments, crash=moment))
    assert code == -signal.SIGKILL, f"it did not come to {moment}\n{error}"
    wait_until_empty(root)


def test_crashes_of_a_build(fresh, built_once):
    html, expected = fresh.project.html, contents(built_once / "_build/html")
    html.mkdir(parents=True)
    (html / "old.html").write_text("earlier pages")
    for moment in (EXECUTED, STORING, STAGED, SWAPPING):
        crash(fresh.root, moment, "build")
        assert not is_current(fresh.project)
        assert not html.exists() or os.listdir(html) == ["old.html"]
        assert all(is_whole(path) for path in fresh.project.cache.glob("rates*"))
    crash(fresh.root, RENDERED, "build")
    assert not is_current(fresh.project) and contents(html) == expected  # right, but not trusted

    code, out, error = fresh.collapse("build")
    assert code == 0 and out.count("cached") == 2 and error == ""
    assert is_current(fresh.project) and contents(html) == expected
    for path in fresh.project.cache.glob("rates*"):
        ours, theirs = contents(path), contents(built_once / "_build/cache" / path.name)
        for name in ours.keys() - {"execution.json", "SHA256SUMS"}:  # these tell the time
            assert ours[name] == theirs[name], name
    assert leftovers(fresh.project) == []


def test_crashes_of_a_run(fresh, tmp_path):
    out = tmp_path / "out"
    assert fresh.collapse("run", "loop", "--out", out)[0] == 0
    earlier = contents(out)
    crash(fresh.root, r"open /result/provenance\.json w", "run", "loop", "--out", out)
    assert contents(out) == earlier
    crash(fresh.root, r"os.rename /result \S+/out$", "run", "loop", "--out", out)
    assert not out.exists()  # at this moment it is hidden beside its place
    fresh.edit("book/rates/loop.md", "decay(2, 30)", "decay(2, 30, 3)")
    assert fresh.collapse("run", "loop", "--out", out)[0] == 1
    assert contents(out) == earlier  # put back by a run that failed itself
    fresh.edit("book/rates/loop.md", "decay(2, 30, 3)", "decay(2, 30)")
    assert fresh.collapse("run", "loop", "--out", out)[0] == 0
    assert contents(out) == earlier
    assert sorted(os.listdir(tmp_path)) == ["book", "out"]
