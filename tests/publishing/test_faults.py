"""Crashes, kills, full disks, broken files: nothing wrong is published, the next run repairs it."""

import os
import resource
import shutil
import signal
import subprocess

import pytest

from collapse.publishing import execute
from collapse.publishing.archive import below
from collapse.publishing.build import PDF_NAME, build_pdf, has_pdf, is_current
from collapse.publishing.project import Project, UsageError, in_one_step, recover, swap
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


def crash(root, moment, *arguments):
    """Run the command until it ends at a moment, see crash/sitecustomize.py."""
    process = start(root, *arguments, crash=moment)
    code, _, error = finish(process)
    assert code == -signal.SIGKILL, f"it did not come to {moment}\n{error}"
    wait_until_empty(root)


def is_one_line(error, *words):
    """Whether standard error is one line of the command's, with all of these words."""
    return (error.startswith("collapse: ") and error.count("\n") == 1
            and all(word in error for word in words))


# ------------------------------------------------------------------------- named crash points

EXECUTED = r"os.rename /result \S+/cache/rates\.gaussian-"  # but not in the cache
STORING = r"open /result/SHA256SUMS w"  # the last file of a result is being written
STAGED = r"subprocess.Popen jupyter_book"  # the renderer starts
SWAPPING = r"os.rename /stage/_build/html \S+/_build/html$"  # old pages gone, new ones not there
RENDERED = r"open /_build/html\.digest w"  # the digest of the sources is being written


def test_five_crashes_of_a_build_one_after_another(fresh, built_once):
    root, html = fresh.root, fresh.root / "_build/html"
    html.mkdir(parents=True)
    (html / "old.html").write_text("earlier pages")
    for moment in (EXECUTED, STORING):
        crash(root, moment, "build", "--no-render")
        assert not list((root / "_build/cache").glob("rates.gaussian-*"))
    for moment in (STAGED, SWAPPING):
        crash(root, moment, "build")
        assert not is_current(fresh.project)
        assert contents(html) in (None, {"old.html": b"earlier pages"})
    crash(root, RENDERED, "build")
    assert not is_current(fresh.project)
    assert contents(html) == contents(built_once / "_build/html")  # new, but not trusted

    code, out, error = fresh.collapse("build")
    assert code == 0, error
    assert out.count("cached") == 2 and error == ""
    assert is_current(fresh.project)
    assert contents(html) == contents(built_once / "_build/html")
    for chapter in ("loop", "gaussian"):
        ours, theirs = (contents(entry(where, chapter)) for where in (root, built_once))
        for files in (ours, theirs):
            del files["execution.json"], files["SHA256SUMS"]  # they know how long it took
        assert ours == theirs
    assert not [path for path in (root / "_build").rglob(".*")]


def test_a_crash_amid_the_replacement_of_a_run(fresh, tmp_path):
    out = tmp_path / "out"
    assert fresh.collapse("run", "loop", "--out", out)[0] == 0
    earlier = contents(out)
    crash(fresh.root, r"open /result/provenance\.json w", "run", "loop", "--out", out)
    assert contents(out) == earlier
    crash(fresh.root, r"os.rename /result \S+/out$", "run", "loop", "--out", out)
    assert not out.exists()  # for this moment it is hidden beside its place
    fresh.edit(f"{LOOP}.md", "decay(2, 30)", "decay(2, 0.5, 3)")
    assert fresh.collapse("run", "loop", "--out", out)[0] == 1
    assert contents(out) == earlier  # the failing run has put it back
    fresh.edit(f"{LOOP}.md", "decay(2, 0.5, 3)", "decay(2, 30)")
    assert fresh.collapse("run", "loop", "--out", out)[0] == 0
    assert contents(out) == earlier
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


@pytest.fixture
def whole(built_once, tmp_path, monkeypatch):
    """A project with its pages, and a stand-in for the printer."""
    from collapse.publishing import pdf

    root = shutil.copytree(built_once, tmp_path / "book")
    monkeypatch.setattr(pdf, "make", lambda project: project.pdf.write_bytes(b"%PDF"))
    return Project(root)


class Crash(BaseException):
    """Nothing catches it; where there is no `finally`, the rest is as after a kill."""


def crash_at(monkeypatch, name, number=0):
    """Make the call with this number of a function of build.py the last one."""
    from collapse.publishing import build

    function, calls = getattr(build, name), []

    def replacement(*arguments):
        if len(calls) == number:
            raise Crash
        calls.append(name)
        function(*arguments)

    monkeypatch.setattr(build, name, replacement)


def test_a_crash_between_printing_and_offering_the_pdf(whole, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Crash):
        crash_at(patch, "_offer_pdf")
        build_pdf(whole)
    assert not has_pdf(whole) and not (whole.html / PDF_NAME).exists()


@pytest.mark.parametrize("number", [0, 1])
def test_a_crash_while_the_pdf_is_offered(whole, monkeypatch, number):
    with monkeypatch.context() as patch, pytest.raises(Crash):
        crash_at(patch, "write", number)
        build_pdf(whole)
    assert not is_current(whole)  # so the next command makes the pages anew, all of them


def test_a_crash_before_the_pdf_has_its_digest(whole, monkeypatch):
    """The PDF of changed sources must not pass for that of the earlier ones."""
    from collapse.publishing import build

    build_pdf(whole)
    assert has_pdf(whole)
    index, digest = whole.book / "index.md", whole.build / "html.digest"
    text = index.read_text()
    index.write_text(text + "more\n")
    digest.write_text(build.source_digest(whole))  # as if built
    with monkeypatch.context() as patch, pytest.raises(Crash):
        crash_at(patch, "_expect_unchanged")
        build_pdf(whole)
    index.write_text(text)
    digest.write_text(build.source_digest(whole))
    assert not has_pdf(whole)


def test_no_pages_of_sources_that_changed_meanwhile(mini, monkeypatch):
    from collapse.publishing import build

    def render(project, rows):
        (project.book / "index.md").write_text("# Changed")
        return project.stage

    monkeypatch.setattr(build, "render", render)
    code, _, error = mini.collapse("build")
    assert code == 1 and "the sources changed meanwhile; run the command again" in error
    assert not mini.project.html.exists() and not is_current(mini.project)


def test_hidden_files_of_editors_are_no_sources(whole):
    (whole.book / ".index.md.swp").write_text("typing")
    assert is_current(whole)
    (whole.build / "html.digest").write_bytes(b"\xff\xfe")  # a damaged record
    assert not is_current(whole)


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


def test_damaged_results_are_said_and_made_anew(mini):
    result = entry(mini.root, "gaussian")
    rest = result / "emitted/mini.rest.json"
    good = rest.read_bytes()
    rest.write_bytes(good.replace(b"0.5904", b"0.5905"))
    other = entry(mini.root, "loop")
    shutil.rmtree(other)
    other.write_text("a file where a folder should be")
    code, out, error = mini.collapse("build", "--no-render")
    assert code == 0 and out.count("executed in") == 2
    assert sorted(error.splitlines()) == [
        f"{name}: its stored result is damaged, so it is executed again"
        for name in (GAUSSIAN, LOOP)]
    assert rest.read_bytes() == good and execute.is_whole(other)


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
        assert is_one_line(error, str(tmp_path / "file"), "move away what is in its place")


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


def test_a_full_disk(mini):
    """Files can have so many bytes and no more: too few for the stage, then for a chapter."""
    def limited(number, *arguments):
        return finish(start(mini.root, *arguments, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (number, number))))

    code, _, error = limited(300_000, "build")
    assert code == 2 and is_one_line(error, "_build/stage", "; make room, then run")
    assert not mini.project.html.exists()
    shutil.rmtree(entry(mini.root, "loop"))
    code, out, error = limited(300, "build", "--no-render")
    assert code == 1 and f"{LOOP}  failed" in out
    assert f"{LOOP}: " in error and "; make room, then run the command again" in error
    assert "Traceback" not in error
    assert not list((mini.root / "_build/cache").glob("rates.loop-*"))


# ----------------------------------------------------------------- kernels and interruptions


def test_a_kernel_that_ends_and_one_that_hangs(fresh, monkeypatch):
    monkeypatch.setattr(execute, "PATIENCE", 2)
    fresh.edit(f"{LOOP}.md", "from collapse import decay\n", "import os\nos._exit(0)\n")
    fresh.edit(f"{GAUSSIAN}.md", "import numpy as np\n", "import time\ntime.sleep(600)\n")
    code, out, error = fresh.collapse("build", "--no-render")
    assert code == 1 and out.count("failed in") == 2
    assert f"{LOOP}: a cell failed" in error and "Kernel died" in error
    assert f"{GAUSSIAN}: a cell failed" in error and "time.sleep(600)" in error
    assert "it had not ended after 2 s, the limit of a build" in error
    assert fresh.results() == {} and not inhabitants(fresh.root / "_build")


def test_a_worker_that_is_ended_from_outside(mini):
    mini.edit(f"{LOOP}.md", "from collapse import decay\n",
              "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n")
    code, out, error = mini.collapse("build", "--no-render")
    assert code == 1 and f"{LOOP}  failed" in out
    assert "perhaps because memory ran out; build again, with --jobs 1" in error
    assert "Traceback" not in error


def test_an_interrupt_from_the_keyboard_is_one_line(fresh):
    fresh.edit(f"{GAUSSIAN}.md", "import numpy as np\n", "import time\ntime.sleep(600)\n")
    process = start(fresh.root, "build", "--no-render")
    cache = fresh.root / "_build/cache"
    wait_for(lambda: list(cache.glob(".tmp-rates.gaussian-*/run/executed.ipynb")))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    code, _, error = finish(process)
    assert code == 130 and is_one_line(error, "interrupted")
    wait_until_empty(fresh.root)
