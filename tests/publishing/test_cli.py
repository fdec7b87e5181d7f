"""The command line: what it prints, what it leaves, and one clear line for wrong usage."""

import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from collapse.publishing.project import distribution_version


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")
                  if path.is_file())


@pytest.mark.parametrize(("arguments", "message"), [
    ([], "required"),
    (["fly"], "invalid choice"),
    (["build", "--jobs", "0"], "must be an integer of at least 1, got '0'"),
    (["build", "--jobs", "x"], "must be an integer of at least 1, got 'x'"),
    (["notebooks"], "--out"),
    (["run"], "give either a CHAPTER or --figure"),
    (["run", "gaussian", "--figure", "mini-gauss"], "give either a CHAPTER or --figure"),
    (["run", "poisson"], "CHAPTER 'poisson' is not a chapter; choose one of: rates/loop, rates/g"),
    (["run", "aussian"], "is not a chapter"),
    (["run", ""], "is not a chapter"),
    (["run", "index"], "is not a chapter"),
    (["run", "--figure", "P9"], "--figure 'P9' is not drawn; choose one of: mini-gauss"),
    (["run", "--figure", "MINI-F9"], "is not drawn"),
    (["run", "gaussian", "-p", "m", "3"], "has no parameter 'm'; it has: n (int in [2, inf))"),
    (["run", "loop", "-p", "n", "3"], "has no parameter 'n'; it has: none"),
    (["run", "gaussian", "-p", "n", "1"], "parameter n must be int in [2, inf), got '1'"),
    (["run", "gaussian", "-p", "n", "2.5"], "parameter n must be int in [2, inf), got '2.5'"),
    (["run", "gaussian", "-p", "rate", "0"], "parameter rate must be float in (0, 1], got '0'"),
    (["run", "gaussian", "-p", "n"], "expected 2 arguments"),
    (["verify"], "required: MANIFEST"),
    (["verify", "missing.json"], "missing.json: No such file"),
])
def test_wrong_usage_is_one_line_and_exit_2(fresh, arguments, message):
    before = files(fresh.root)
    code, out, error = fresh.collapse(*arguments)
    assert code == 2 and out == ""
    assert error.startswith("collapse: ") and error.count("\n") == 1
    assert message in error
    assert files(fresh.root) == before


@pytest.mark.parametrize("name", ["gaussian", "rates/gaussian", "book/rates/gaussian",
                                  "book/rates/gaussian.md", "./book/rates/gaussian.md"])
def test_a_chapter_has_short_and_long_names(fresh, name):
    assert fresh.project.chapter(name).name == "book/rates/gaussian"


def test_list_names_everything(fresh):
    code, out, _ = fresh.collapse("list")
    assert code == 0
    assert "rates/gaussian: The Gaussian (10 min)" in out
    assert "mini-gauss  figure, closed, rates/gaussian" in out
    assert "MINI-T1  theorem, closed, rates/gaussian" in out


def test_run_with_parameters(fresh, tmp_path):
    out = tmp_path / "result"
    code, printed, error = fresh.collapse("run", "gaussian", "-p", "n", "4", "-p", "label", "x",
                                          "--out", out)
    assert code == 0, error
    assert files(out) == ["data/mini-gauss.csv", "figures/mini-gauss.png",
                          "figures/mini-gauss.svg", "gaussian.ipynb", "provenance.json"]
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["chapter"] == "book/rates/gaussian"
    assert provenance["parameters"] == {"n": 4, "label": "x"}
    assert provenance["emitted"]["mini.rest"] == {
        "value": 0.75**5, "se": None, "replications": None}
    assert (out / "data/mini-gauss.csv").read_text().splitlines()[2] == "1,0.75"
    notebook = nbformat.read(out / "gaussian.ipynb", as_version=4)
    assert notebook.metadata.kernelspec.name == "python3"
    stamp = notebook.metadata.collapse
    assert stamp == provenance["stamp"] and len(stamp.source) == 64
    assert (stamp.parameters.n, stamp.parameters.k) == (4, 5)
    assert stamp.version == distribution_version()

    # again, to the same place: an earlier result of ours is replaced
    code, *_ = fresh.collapse("run", "gaussian", "-p", "n", "5", "--out", out)
    assert code == 0
    assert json.loads((out / "provenance.json").read_text())["parameters"] == {"n": 5}
    assert files(tmp_path) == files(fresh.root.parent)  # and nothing temporary is left beside it
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_checks_of_exercises_are_for_the_parameters_of_the_page(fresh, tmp_path):
    fresh.edit("book/rates/gaussian.md", "assert len(rest)",
               "assert n == 10, 'ten'\nassert len(rest)")
    code, _, error = fresh.collapse("run", "gaussian", "-p", "n", "4", "--out", tmp_path / "four")
    assert code == 0, error
    notebook = nbformat.read(tmp_path / "four/gaussian.ipynb", as_version=4)
    [failed] = [cell for cell in notebook.cells for output in cell.get("outputs", [])
                if output.output_type == "error"]
    assert "check" in failed.metadata.tags and failed.outputs[0].evalue == "ten"
    fresh.edit("book/rates/gaussian.md", "n == 10", "n == 11")
    assert fresh.collapse("run", "gaussian", "--out", tmp_path / "ten")[0] == 1


def test_run_one_figure(fresh):
    code, printed, error = fresh.collapse("run", "--figure", "mini-gauss", "-p", "k", "3")
    assert code == 0, error
    out = fresh.root / "out/mini-gauss"
    assert printed == f"{out}\n"
    assert files(out) == ["data/mini-gauss.csv", "figures/mini-gauss.png",
                          "figures/mini-gauss.svg", "provenance.json"]
    assert len((out / "data/mini-gauss.csv").read_text().splitlines()) == 5


def test_a_failed_run_leaves_nothing(fresh, tmp_path):
    fresh.edit("book/rates/gaussian.md", "left = decay(n, steps)", "left = decay(n, 1 / (n - 3))")
    code, _, error = fresh.collapse("run", "gaussian", "-p", "n", "3", "--out", tmp_path / "x/out")
    assert code == 1
    assert "book/rates/gaussian: a cell failed" in error and "ZeroDivisionError" in error
    assert "left = decay(n, 1 / (n - 3))" in error
    assert files(tmp_path / "x") == [] and list((tmp_path / "x").iterdir()) == []


def test_run_does_not_replace_what_is_not_its_own(fresh, tmp_path):
    (tmp_path / "keep").mkdir()
    (tmp_path / "keep/thesis.tex").write_text("years of work")
    code, _, error = fresh.collapse("run", "loop", "--out", tmp_path / "keep")
    assert code == 2 and "exists and holds something else" in error
    assert files(tmp_path / "keep") == ["thesis.tex"]


def test_ledger_prints_the_table(mini):
    code, out, _ = mini.collapse("ledger")
    assert code == 0
    assert "mini.rest = 0.59049, allowed (−∞, 0.606531]: at most mini.bound = 0.606531" in out
    assert "3 rows: 2 closed, 0 open, 1 unavailable" in out
    mini.edit("book/ledger.yml", "value: 0.59049", "value: 0.6")
    code, out, error = mini.collapse("ledger")
    assert code == 1 and "falls short" in out and "mini-gauss" in error


def test_notebooks_run_on_their_own(fresh, tmp_path, monkeypatch):
    """The download, executed elsewhere, as it is; its package comes from the path."""
    import papermill

    code, out, _ = fresh.collapse("notebooks", "--out", tmp_path / "all")
    paths = out.splitlines()
    assert code == 0 and [path.rsplit("/", 1)[1] for path in paths] == ["loop.ipynb",
                                                                        "gaussian.ipynb"]
    monkeypatch.setenv("PYTHONPATH", str(fresh.root))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    done = papermill.execute_notebook(paths[1], "done.ipynb", progress_bar=False)
    install, text = done.cells[0], json.dumps(done)
    assert "%pip" in install.source and install.outputs == []  # installed already: does nothing
    assert "mini.rest = 0.59049" in text and "image/svg+xml" in text


def test_the_version(fresh):
    done = subprocess.run([sys.executable, "-P", "-m", "collapse", "--version"], cwd=fresh.root,
                          capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"collapse {distribution_version()}\n")


def test_the_project_is_found_from_below_and_its_absence_is_one_line(fresh, tmp_path):
    below = fresh.root / "book/rates"
    done = subprocess.run([sys.executable, "-P", "-m", "collapse", "list"], cwd=below,
                          capture_output=True, text=True)
    assert "rates/gaussian: The Gaussian" in done.stdout

    # an installed copy without a book next to it, in a folder without a book
    site = tmp_path / "site"
    shutil.copytree(fresh.root / "collapse", site / "collapse")
    (tmp_path / "empty").mkdir()
    done = subprocess.run([sys.executable, "-m", "collapse", "list"], cwd=tmp_path / "empty",
                          capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"})
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "no book here" in done.stderr
