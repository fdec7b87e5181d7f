"""The commands of the page "Rerun it" are right, read literally from the page."""

import json
import re
import shlex

import pytest

from collapse.publishing import build, cli, ledger, notebooks
from collapse.publishing.project import find_project

PROJECT = find_project(__file__.rsplit("/tests/", 1)[0])
TEXT = (PROJECT.book / "appendix/rerun.md").read_text()
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
            for line in block.splitlines()]


def test_the_page_has_commands():
    assert len(COMMANDS) >= 6
    assert {"text README.md", "n 15", "delta 0.25"} <= {
        pair for line in COMMANDS for pair in re.findall(r"-p (\S+ \S+)", line)}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_understood(line, monkeypatch):
    monkeypatch.chdir(PROJECT.root)
    program, *words = shlex.split(line)
    assert program == "collapse"
    arguments = cli._parser().parse_args(words)
    if words[0] != "run":
        return
    chapter = arguments.chapter or ledger.figure_to_chapter(build.load_ledger(PROJECT))[
        arguments.figure]
    values = notebooks.parse_parameters(PROJECT.chapter(chapter), arguments.parameter)
    assert len(values) == len(arguments.parameter) > 0


def test_a_command_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(PROJECT.root)
    assert cli.main([*shlex.split(COMMANDS[0])[1:], "--out", str(tmp_path / "out")]) == 0
    provenance = json.loads((tmp_path / "out/provenance.json").read_text())
    assert provenance["chapter"] == "book/rates/loop"
    assert provenance["parameters"] == {"n": 30}
    assert list((tmp_path / "out/figures").glob("*.svg"))


def test_the_example_in_python_runs(capsys):
    [block] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(block, "rerun.md", "exec"), {})
    numbers = [float(number) for number in re.findall(r"\d+\.\d*", capsys.readouterr().out)]
    left, rarest = numbers[:3], numbers[3:]
    assert 5 > left[0] > left[1] > left[2] >= 1
    assert 1 > rarest[0] > rarest[1] > rarest[2] >= 0
