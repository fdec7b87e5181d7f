"""The commands of the page "Rerun it" do what the page says, taken literally from the page."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from collapse.publishing import notebooks, results
from collapse.publishing.project import Project

PROJECT = Project(Path(__file__).resolve().parents[2])
TEXT = (PROJECT.book / "appendix/rerun.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
            for line in block.splitlines()]
SCRIPTS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
QUICK = ("collapse run loop -p n 30", "collapse notebooks --out notebooks")  # the rest: slow tests


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A copy of the project, where a reader types; what commands write stays in it."""
    copy = tmp_path / "project"
    for name in ("book", "collapse"):
        shutil.copytree(PROJECT.root / name, copy / name,
                        ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_toc.yml", "_config.yml", "pyproject.toml", "requirements.lock", "README.md"):
        shutil.copy(PROJECT.root / name, copy)
    monkeypatch.chdir(copy)
    return copy


def typed(line):
    """What a command line prints, the last line of it; it must succeed.

    The command is that of the copy around us, not the one that is installed.
    """
    program, *words = shlex.split(line)
    assert program == "collapse"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-m", "collapse", *words], capture_output=True,
                          text=True, env=environment)
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout.splitlines()[-1]


def option(line, name):
    """The word after an option, or None."""
    words = shlex.split(line)
    return words[words.index(name) + 1] if name in words else None


def check_run(line, folder):
    """A folder holds all that the page promises of `collapse run`."""
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    provenance = json.loads((folder / "provenance.json").read_text())
    assert {*provenance["files"], "provenance.json"} == files
    assert provenance["emitted"] and provenance["stamp"]["environment"]
    given = dict(re.findall(r"-p (\S+) (\S+)", line))
    assert provenance["parameters"].keys() == given.keys()
    for name, value in provenance["parameters"].items():
        assert value == (float(given[name]) if isinstance(value, (int, float)) else
                         str(Path(given[name]).resolve()))

    if figure := option(line, "--figure"):
        assert files == {"provenance.json", f"data/{figure}.csv",
                         f"figures/{figure}.svg", f"figures/{figure}.png"}
        return
    [name] = [name for name in files if name.endswith(".ipynb")]
    assert name == f"{folder.name}.ipynb"
    cells = nbformat.read(folder / name, as_version=4).cells
    [injected] = [cell.source for cell in cells if "injected-parameters" in notebooks.tags(cell)]
    assert all(f"{name} = " in injected for name in given)
    assert any(cell.cell_type == "markdown" for cell in cells)
    figures = {Path(name).stem for name in files if name.endswith(".svg")}
    assert figures == {Path(name).stem for name in files if name.endswith(".png")} != set()
    assert any(name.startswith("data/") for name in files)


def test_the_page_has_recipes_of_every_kind():
    given = {pair for line in COMMANDS for pair in re.findall(r"-p (\S+) ", line)}
    assert {"n", "epsilon", "delta", "fresh", "text", "table"} <= given
    assert set(QUICK) <= set(COMMANDS)
    assert any("--figure" in line for line in COMMANDS)
    assert len(SCRIPTS) == 2


@pytest.mark.parametrize("line", [
    pytest.param(line, marks=[] if line in QUICK else pytest.mark.slow) for line in COMMANDS])
def test_a_command_does_what_the_page_says(line, workplace, request):
    for script in SCRIPTS:  # one of them writes a file that a command reads
        exec(compile(script, "rerun.md", "exec"), {})
    if line.startswith("collapse verify "):
        book = request.getfixturevalue("book")
        shutil.copy(book.html / results.RESULTS, workplace)  # as the page says, and what is
        shutil.copytree(book.cache, workplace / "_build/cache")  # executed already stays
    printed = typed(line)
    if line.startswith("collapse verify "):
        assert printed == "The two agree."
    elif line.startswith("collapse run "):
        chapter = shlex.split(line)[2]
        where = option(line, "--out") or f"out/{PROJECT.chapter(chapter).short}"
        assert Path(printed) in (Path(where), workplace / where)
        check_run(line, workplace / where)
    else:
        made = {path.relative_to(workplace / option(line, "--out")).as_posix()
                for path in (workplace / option(line, "--out")).rglob("*.ipynb")}
        assert made == {f"{page.name}.ipynb" for page in PROJECT.chapters}


@pytest.mark.parametrize("fault", ["no figures", "no numbers", "other parameter", "not listed"])
def test_what_a_run_lacks_is_found(tmp_path, fault):
    line, folder = "collapse run loop -p n 30", tmp_path / "loop"
    files = {"loop.ipynb", "figures/a.svg", "figures/a.png", "data/a.csv"}
    if fault == "no figures":
        files -= {"figures/a.svg", "figures/a.png"}
    notebook = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_markdown_cell("# The loop"),
        nbformat.v4.new_code_cell("n = 30", metadata={"tags": ["injected-parameters"]})])
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(nbformat.writes(notebook))
    provenance = {"files": sorted(files), "emitted": {"a": 1}, "parameters": {"n": 30},
                  "stamp": {"environment": {"python": "3"}}}

    def look():
        (folder / "provenance.json").write_text(json.dumps(provenance))
        check_run(line, folder)

    if fault != "no figures":
        look()
    provenance |= {"no numbers": {"emitted": {}}, "other parameter": {"parameters": {"n": 31}},
                   "not listed": {"files": []}}.get(fault, {})
    with pytest.raises(AssertionError):
        look()


def test_the_example_with_counts_runs(capsys):
    exec(compile(SCRIPTS[-1], "rerun.md", "exec"), {})
    numbers = [float(number) for number in re.findall(r"\d+\.\d*", capsys.readouterr().out)]
    left, rarest = numbers[:3], numbers[3:]
    assert 5 > left[0] > left[1] > left[2] >= 1
    assert 1 > rarest[0] > rarest[1] > rarest[2] >= 0
