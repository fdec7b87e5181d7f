"""What is not ours stays, byte for byte."""

import pytest


@pytest.fixture
def foreign(tmp_path):
    folder = tmp_path / "foreign"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    return folder


@pytest.mark.parametrize("command", ["run loop", "release", "notebooks", "course"])
def test_a_folder_that_holds_something_else(fresh, foreign, command):
    code, out, error = fresh.collapse(*command.split(), "--out", foreign)
    assert code == 2 and out == "" and error.count("\n") == 1
    assert f"--out {foreign} exists and holds something else" in error
    assert [path.name for path in foreign.iterdir()] == ["thesis.tex"]
    assert (foreign / "thesis.tex").read_text() == "years of work"


def test_earlier_notebooks_are_replaced_and_nothing_else_is(fresh, tmp_path):
    out = tmp_path / "all"
    assert fresh.collapse("notebooks", "--out", out)[0] == 0
    first = {path: path.read_bytes() for path in out.rglob("*.ipynb")}
    assert len(first) == 2
    for path in first:
        path.write_text("{}")
    assert fresh.collapse("notebooks", "--out", out)[0] == 0
    assert {path: path.read_bytes() for path in out.rglob("*.ipynb")} == first
    (out / "mine.ipynb").write_text("{}")
    code, _, error = fresh.collapse("notebooks", "--out", out)
    assert code == 2 and "holds something else" in error
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_failure_leaves_no_notebook(fresh, tmp_path):
    fresh.edit("book/rates/gaussian.md", "kernelspec:", "kernelspec: [")
    assert fresh.collapse("notebooks", "--out", tmp_path / "all")[0] == 1
    assert not (tmp_path / "all").exists()


def test_labels_without_pages(fresh):
    code, _, error = fresh.collapse("labels")
    assert code == 1 and "there are no pages yet; run first: collapse build" in error
