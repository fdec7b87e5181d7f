"""Fifty kills and some interrupts at random moments; about six minutes, run by `make verify`."""

import contextlib
import os
import random
import shutil
import signal
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


def contents(folder):
    return {name: path.read_bytes() for name, path in below(folder).items()}


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
    assert not [path for path in project.build.rglob(".*")]


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
    for _ in range(INTERRUPTS):
        shutil.rmtree(book.root / "_build/cache", ignore_errors=True)
        process = start(book.root, *arguments)
        time.sleep(book.chance.uniform(LOADING, max(duration, LOADING)))
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        code, _, error = finish(process)
        if code:
            assert (code, error.count("\n")) == (130, 1) and "collapse: interrupted" in error
        wait_until_empty(book.root)
    book.undisturbed(0)
