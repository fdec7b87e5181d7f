"""Crashes, kills, full disks, broken files: nothing wrong is published, the next run repairs it."""

import itertools
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from collapse._files import write
from collapse.publishing import execute
from collapse.publishing.archive import below
from collapse.publishing.build import (
    PDF_LINE,
    PDF_NAME,
    build,
    build_pdf,
    has_pdf,
    is_current,
    run,
)
from collapse.publishing.project import (
    Project,
    UsageError,
    in_one_step,
    recover,
    remove,
    swap,
)
from collapse.publishing.render import _relevant
from collapse.publishing.results import RESULTS
from publishing.crashes import crash_after
from publishing.processes import finish, inhabitants, start, wait_for, wait_until_empty

GAUSSIAN, LOOP = "book/rates/gaussian", "book/rates/loop"


def contents(folder):
    """Every file below a folder, in bytes; None where there is no folder."""
    if not folder.exists():
        return None
    return {name: path.read_bytes() for name, path in below(folder).items()}


def entry(root, chapter):
    """The one result of a chapter in the cache."""
    [folder] = (root / "_build/cache").glob(f"rates.{chapter}-*")
    return folder


def is_one_line(error, *words):
    """Whether standard error is one line of the command's, with all of these words."""
    return (error.startswith("collapse: ") and error.count("\n") == 1
            and all(word in error for word in words))


# ---------------------------------------------------------------- a crash at any moment

QUANTITIES = {LOOP: {"mini.limit": 0.5**30},
              GAUSSIAN: {"mini.rest": 0.9**5, "mini.bound": 0.6065306597}}


@pytest.fixture
def quick(fresh, monkeypatch):
    """A mini book whose chapters, pages and PDF are made in no time by stand-ins.

    Every page is the text of the first one, so one can see from which sources it was made.
    """
    from collapse.publishing import build, pdf

    def execute_notebook(job):
        for name, value in QUANTITIES[job.name].items():
            record = Path("../result/emitted", f"{name}.json")  # from the folder of the run
            record.parent.mkdir(exist_ok=True)
            record.write_text(json.dumps({"name": name, "value": value, "se": 1e-9}))
        return nbformat.reads(job.notebook, as_version=4), ""

    def stage(project, *_):
        remove(project.stage)
        (project.stage / "files").mkdir(parents=True)
        shutil.copy(project.book / "index.md", project.stage / "files")

    def render(project, _):
        html = project.stage / "_build/html"
        (html / "book").mkdir(parents=True)
        shutil.copy(project.book / "index.md", html / "book/index.html")
        return html

    def print_pdf(project):
        write(project.pdf, (project.html / "book/index.html").read_bytes())

    monkeypatch.setattr(execute, "run_jobs", lambda jobs, *_: map(execute.run_job, jobs))
    monkeypatch.setattr(execute, "_kernel_environment", lambda *_: {})
    monkeypatch.setattr(execute, "_run_notebook", execute_notebook)
    monkeypatch.setattr(build, "stage", stage)
    monkeypatch.setattr(build, "render", render)
    monkeypatch.setattr(pdf, "make", print_pdf)
    monkeypatch.chdir(fresh.root)
    return fresh


def new_sources(book, number):
    """Change the first page, and forget the result of a chapter; returns the text of the page."""
    text = f"# Version {number}\n{PDF_LINE}\n"
    (book.root / "book/index.md").write_text(text)
    for result in book.project.cache.glob("rates.loop-*"):
        shutil.rmtree(result)
    return text


def crashes(book, action, before=lambda project: None):
    """Do something to ever new sources, with a crash one moment later each time.

    Yields the earlier text and the new one after each crash, and where it was; after that the
    action is done without a crash. Ends when there is nothing left to crash at. `before` is done
    before, and undisturbed.
    """
    earlier = new_sources(book, 0)
    action(Project(book.root), 0)
    for number in itertools.count():
        text = new_sources(book, number + 1)
        before(Project(book.root))
        with crash_after(number) as places:
            action(Project(book.root), number + 1)
        if not places:
            return
        yield earlier, text, places[0]
        action(Project(book.root), number + 1)
        earlier = text


def expect_honest(book, *texts):
    """With any of these sources, what passes for theirs is theirs."""
    index, project = book.root / "book/index.md", book.project
    for text in texts:
        index.write_text(text)
        if is_current(project):
            assert (project.stage / "files/index.md").read_text() == text
            title, link = (project.html / "book/index.html").read_text().splitlines()
            assert title == text.splitlines()[0]
            if (project.html / PDF_NAME).exists():
                assert PDF_NAME in link and (project.html / PDF_NAME).read_text() == text
            else:
                assert link == PDF_LINE
            if has_pdf(project):
                assert project.pdf.read_text() == text


NAMED = {
    "a chapter is executed, but not in the cache": r"os.rename .*/result .*/cache/rates\.loop-",
    "a result is being written": r"open .*/result/SHA256SUMS",
    "everything is staged, nothing rendered": r"os.mkdir .*/stage/_build",
    "the old pages are away, the new ones not there": r"os.rename .*/stage/_build/html .*/html$",
    "the digest of the pages is being written": r"open .*/html\.digest w",
}


def test_a_build_may_end_anywhere(quick):
    places = []
    for earlier, text, place in crashes(quick, lambda project, _: build(project)):
        places.append(place)
        for path in quick.project.cache.glob("rates*"):
            assert execute.is_whole(path), place
        if quick.project.html.exists():
            pages = contents(quick.project.html)
            assert json.loads(pages.pop(RESULTS))["quantities"], place
            assert pages in ({"book/index.html": earlier.encode()},
                             {"book/index.html": text.encode()}), place
        expect_honest(quick, earlier, text)
    for name, moment in NAMED.items():
        assert any(re.match(moment, place) for place in places), name
    assert is_current(quick.project)
    assert not [path for path in quick.project.build.rglob(".*")]


def test_printing_may_end_anywhere(quick):
    for earlier, text, _ in crashes(quick, lambda project, _: build_pdf(project), before=build):
        assert quick.project.pdf.read_text() in (earlier, text)
        expect_honest(quick, earlier, text)
        for sources in (earlier, text):  # there and back again
            (quick.root / "book/index.md").write_text(sources)
            build(Project(quick.root))
            expect_honest(quick, sources)
    assert has_pdf(quick.project)


def test_a_run_may_end_anywhere(quick, tmp_path):
    out = tmp_path / "out"

    def action(project, number):
        run(project, project.chapter("gaussian"), {"n": number + 2}, out)

    for number, (_, _, place) in enumerate(crashes(quick, action)):
        if out.exists():
            assert set(contents(out)) == {"gaussian.ipynb", "provenance.json"}, place
            provenance = json.loads((out / "provenance.json").read_text())
            assert provenance["parameters"]["n"] - 2 in (number, number + 1), place
    assert number > 20
    assert sorted(os.listdir(tmp_path)) == ["book", "out"]


def test_no_pages_of_sources_that_changed_meanwhile(quick, monkeypatch):
    from collapse.publishing import build as module

    def render(project, rows):
        (project.book / "index.md").write_text("# Changed")
        return project.stage

    monkeypatch.setattr(module, "render", render)
    code, _, error = quick.collapse("build")
    assert code == 1 and error == "\nthe sources changed meanwhile; run the command again\n"
    assert not quick.project.html.exists() and not is_current(quick.project)


def test_hidden_files_of_editors_are_no_sources(quick):
    build(quick.project)
    (quick.root / "book/.index.md.swp").write_text("typing")
    assert is_current(quick.project)
    (quick.root / "_build/html.digest").write_bytes(b"\xff\xfe")  # a damaged record
    assert not is_current(quick.project)


# --------------------------------------------------------------------- folders in one step


def test_only_one_process_makes_a_folder(tmp_path):
    out = tmp_path / "out"
    with in_one_step(out) as result:
        result.mkdir()
        with pytest.raises(UsageError, match="is just being made by another process; wait"):
            with in_one_step(out):
                pass
    assert os.listdir(tmp_path) == ["out"]


def test_what_is_replaced_comes_back_when_the_new_cannot_come(tmp_path):
    place, aside = tmp_path / "place", tmp_path / "aside"
    place.mkdir()
    (place / "earlier").touch()
    with pytest.raises(FileNotFoundError):
        swap(tmp_path / "new", place, aside)
    assert os.listdir(tmp_path) == ["place"] and os.listdir(place) == ["earlier"]
    place.rename(aside)  # as a kill may leave it
    recover(place, aside)
    assert os.listdir(tmp_path) == ["place"] and os.listdir(place) == ["earlier"]


# ------------------------------------------------------------------------ a damaged cache


def flip(content):
    """The same bytes but for one bit in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1:]


def test_every_damage_of_a_result_is_seen(mini):
    result = entry(mini.root, "gaussian")
    assert len(contents(result)) == 8
    for name, content in contents(result).items():
        path = result / name
        for damage in (flip(content), content[:-1], content[:len(content) // 2], b""):
            path.write_bytes(damage)
            assert not execute.is_whole(result), name
        path.unlink()
        assert not execute.is_whole(result), name
        path.write_bytes(content)
    (result / "emitted/other.json").write_bytes((result / "emitted/mini.rest.json").read_bytes())
    assert not execute.is_whole(result)
    (result / "emitted/other.json").unlink()
    assert execute.is_whole(result)


def test_damaged_results_are_said_and_made_anew(quick):
    build(quick.project)
    loop, gaussian = entry(quick.root, "loop"), entry(quick.root, "gaussian")
    rest = gaussian / "emitted/mini.rest.json"
    good = rest.read_bytes()
    rest.write_bytes(good.replace(b"0.590", b"0.591"))
    shutil.rmtree(loop)
    loop.write_text("a file where a folder should be")
    code, out, error = quick.collapse("build")
    assert code == 0 and out.count("executed in") == 2
    assert sorted(error.splitlines()) == [
        f"{name}: its stored result is damaged, so it is executed again"
        for name in (GAUSSIAN, LOOP)]
    assert rest.read_bytes() == good and execute.is_whole(loop)


# ------------------------------------------------- folders that cannot be written, full disks


@pytest.mark.parametrize("place", ["_build", "_build/cache", "_build/lock"])
def test_a_thing_of_the_wrong_kind_is_in_the_way(fresh, place):
    path = fresh.root / place
    path.parent.mkdir(exist_ok=True)
    path.mkdir() if path.name == "lock" else path.touch()
    code, _, error = fresh.collapse("build")
    assert code == 2
    assert is_one_line(error, str(path), "; move away what is in its place, then run")


def test_an_out_below_a_file(fresh, tmp_path):
    (tmp_path / "file").touch()
    for command in (["run", "loop"], ["notebooks"], ["course"]):
        code, _, error = fresh.collapse(*command, "--out", tmp_path / "file" / "out")
        assert code == 2
        assert is_one_line(error, str(tmp_path / "file"), "is a file")


def as_anybody():
    """What to put before a command so that permissions count for it, for root too."""
    if os.geteuid():
        return ()
    command = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    if shutil.which("setpriv") is None or subprocess.run([*command, "true"]).returncode:
        pytest.skip("runs as root, for whom permissions do not count, and has no setpriv")
    return command


def test_folders_that_are_read_only(fresh, tmp_path):
    anybody = as_anybody()
    (tmp_path / "closed").mkdir()
    for folder, arguments in ((fresh.root, ["build"]),
                              (tmp_path / "closed", ["run", "loop", "--out", "../closed/out"])):
        folder.chmod(0o555)
        code, _, error = finish(start(fresh.root, *arguments, before=anybody))
        folder.chmod(0o755)
        assert code == 2
        assert is_one_line(error, str(folder), "Permission denied; change its permissions or")
    assert not (fresh.root / "_build").exists() and not list((tmp_path / "closed").iterdir())


@contextmanager
def files_of_at_most(number):
    """No file can get more bytes than that, as on a disk that is almost full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (number, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk(mini):
    with files_of_at_most(300_000):  # too few for the stage
        code, _, error = mini.collapse("build")
    assert code == 2 and is_one_line(error, "_build/stage", "; make room, then run")
    assert not mini.project.html.exists()
    shutil.rmtree(entry(mini.root, "gaussian"))
    with files_of_at_most(3000):  # too few for a chapter
        code, out, error = mini.collapse("build")
    assert code == 1 and f"{GAUSSIAN}  failed" in out
    assert error.strip().count("\n") == 0 and error.startswith(f"\n{GAUSSIAN}: ")
    assert "File too large; make room, then run the command again" in error
    assert not list(mini.project.cache.glob("rates.gaussian-*"))


def test_an_exception_of_the_renderer_is_one_line(fresh):
    error = "OSError: [Errno 28] No space left on device: 'search.js'"
    lines = ["writing output... done", "Traceback (most recent call last):",
             '  File "sphinx.py", line 1, in build', "    build()", error, "",
             "Traceback (most recent call last):", '  File "book.py", line 2, in main', error,
             "RuntimeError: ", "There was an error in building your book. Look above."]
    assert _relevant(fresh.project, "\n".join(lines)) == error
    assert _relevant(fresh.project, "the end") == "the end"


# ----------------------------------------------------------------- kernels and interruptions


def test_a_kernel_that_hangs(mini, monkeypatch):
    monkeypatch.setattr(execute, "PATIENCE", 1)
    mini.edit(f"{LOOP}.md", "from collapse import decay\n", "import time\ntime.sleep(600)\n")
    code, out, error = mini.collapse("build", "--no-render")
    assert code == 1 and f"{LOOP}  failed" in out and f"{GAUSSIAN}  cached" in out
    assert f"{LOOP}: a cell failed" in error and "time.sleep(600)" in error
    assert "it had not ended after 1 s, the limit of a build" in error
    assert not inhabitants(mini.project.build)


def test_nothing_that_a_chapter_started_outlives_it(mini):
    mini.edit(f"{LOOP}.md", "from collapse import decay\n",
              "import subprocess\nfrom collapse import decay\n"
              "_child = subprocess.Popen(['sleep', '600'])\n")
    code, out, _ = mini.collapse("build", "--no-render")
    assert code == 0 and f"{LOOP}  executed" in out
    assert not inhabitants(mini.project.build)


def test_a_worker_that_is_ended_from_outside(mini):
    mini.edit(f"{LOOP}.md", "from collapse import decay\n",
              "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n")
    code, out, error = mini.collapse("build", "--no-render")
    assert code == 1 and f"{LOOP}  failed" in out
    assert "perhaps because memory ran out; build again, with --jobs 1" in error
    assert "Traceback" not in error


def test_an_interrupt_from_the_keyboard_is_one_line(fresh):
    """At the worst moment, when the workers load their modules; others are in test_kills.py."""
    process = start(fresh.root, "build", "--no-render")
    wait_for(lambda: len(inhabitants(fresh.root)) > 1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    code, _, error = finish(process)
    assert code == 130 and is_one_line(error, "interrupted")
    wait_until_empty(fresh.root)


_INTERRUPTED = """\
import os, signal, sys, threading, time
from multiprocessing import util
from collapse.publishing.cli import main
start = util.spawnv_passfds
def interrupted(program, arguments, files):
    process = start(program, arguments, files)
    if "spawn_main" in str(arguments):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)
    return process
util.spawnv_passfds = interrupted
threading.Thread(target=threading.Event().wait, daemon=True).start()
sys.exit(main(sys.argv[sys.argv.index("collapse") + 1:]))
"""


def test_an_interrupt_heard_by_another_thread_while_a_worker_starts(fresh):
    """The worker is there, and what it has to do is not sent yet: it would end with a traceback."""
    code, _, error = finish(start(fresh.root, "build", "--no-render",
                                  before=[sys.executable, "-P", "-c", _INTERRUPTED]))
    assert code == 130 and is_one_line(error, "interrupted")
    wait_until_empty(fresh.root)
