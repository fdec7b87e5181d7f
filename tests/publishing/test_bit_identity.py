"""The same bits again: in a second cold build, in one process or in two.

Every notebook is executed twice, with one and with two jobs for everything that takes `n_jobs`:
runs of the package and what a chapter itself hands to joblib. All files that come of it must be
equal byte for byte. A quantity is written with `repr`, which is exact.
"""

import shutil

import joblib
import nbformat
import numpy as np
import pytest

from collapse import Bernoulli, Categorical, Gaussian, recursion, recursive_training
from collapse.publishing import execute, notebooks
from collapse.publishing.archive import below
from collapse.publishing.project import Project
from publishing.conftest import ROOT

# Makes a notebook use so many jobs, whatever its calls say.
_JOBS = """\
import joblib

import collapse.recursion


class _Parallel(joblib.Parallel):
    def __init__(self, n_jobs=None, **options):
        super().__init__(n_jobs={jobs}, **options)


joblib.Parallel = _Parallel
collapse.recursion._check_jobs = lambda n_jobs: {jobs}
"""


def job(page, root, folder, jobs):
    """Execute a chapter with so many jobs; the result goes below `folder`."""
    notebook = notebooks.read(page)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(_JOBS.format(jobs=jobs), id="jobs"))
    return execute.Job(page.name, nbformat.writes(notebook), root,
                       folder / f"{page.slug}-{jobs}", folder)


def differing(one, two):
    """Files of two results that are not the same; the notebooks themselves say how long it took."""
    told = {"executed.ipynb", "execution.json", "SHA256SUMS"}
    one, two = ({name: path.read_bytes() for name, path in below(folder).items()
                 if name not in told} for folder in (one, two))
    return {name for name in one.keys() | two.keys() if one.get(name) != two.get(name)}


def test_two_cold_builds_of_the_mini_book(built_once, fresh):
    """`collapse verify` makes the second one, and says the same as a look at the files."""
    code, out, _ = fresh.collapse("verify", built_once / "_build/html", "--jobs", "1")
    assert code == 0 and out.count("executed in") == 2
    assert "exact quantities: 2 identical\n" in out and "The two agree." in out
    for page in fresh.project.chapters:
        (one,), (two,) = (list(project.cache.glob(f"{page.slug}-*"))
                          for project in (Project(built_once), fresh.project))
        assert len(below(two)) > 2 and differing(one, two) == set()
        first, second = (execute.stamp(folder) for folder in (one, two))
        assert {**first, "seconds": 0} == {**second, "seconds": 0}


def test_one_changed_byte_is_found(built_once, tmp_path):
    [one] = Project(built_once).cache.glob("rates.gaussian-*")
    two = shutil.copytree(one, tmp_path / "two")
    assert differing(one, two) == set()
    (two / "data/mini-gauss.csv").write_text("step,left\n")
    (two / "emitted/mini.bound.json").unlink()
    assert differing(one, two) == {"data/mini-gauss.csv", "emitted/mini.bound.json"}


def test_models_in_one_process_and_in_two(monkeypatch):
    """And the comparison can fail: one model has hidden state."""

    class Hidden:
        parameters = {"mean": np.array(0.0)}
        calls = 0

        def draw(self, parameters, size, rng):
            Hidden.calls += 1
            mean = parameters["mean"][:, None]
            return mean + Hidden.calls * rng.standard_normal((len(mean), size))

        def fit(self, samples):
            return {"mean": samples.mean(axis=1)}

    models = {"coin": Bernoulli(0.3), "gauss": Gaussian(), "hidden": Hidden(),
              "symbols": Categorical([0.5, 0.3, 0.2])}
    found = []
    for jobs in (1, 2):
        with monkeypatch.context() as patch:  # puts back what _JOBS changes
            patch.setattr(joblib, "Parallel", joblib.Parallel)
            patch.setattr(recursion, "_check_jobs", recursion._check_jobs)
            exec(_JOBS.format(jobs=jobs), {})
            assert joblib.Parallel(n_jobs=3).n_jobs == jobs
            Hidden.calls = 0
            runs = {name: recursive_training(model, sample_size=7, generations=5,
                                             replications=2500, seed=11)
                    for name, model in models.items()}
        found.append({name: [run[parameter].values.tobytes() for parameter in run.data_vars]
                      for name, run in runs.items()})
    assert {name for name in models if found[0][name] != found[1][name]} == {"hidden"}


@pytest.mark.slow
def test_two_cold_builds_of_the_book(tmp_path):
    """All but the measured quantities; ten minutes on two cores."""
    project = Project(ROOT)
    tasks = [job(page, ROOT, tmp_path, jobs) for page in project.chapters for jobs in (1, 2)]
    outcomes = list(execute.run_jobs(tasks, 2))
    assert [outcome.error for outcome in outcomes if outcome.error] == []
    found = {}
    for page in project.chapters:
        one, two = (tmp_path / f"{page.slug}-{jobs}" for jobs in (1, 2))
        measured = {f"emitted/{name}.json" for name in page.front_matter.get("measured", [])}
        found[page.name] = sorted(differing(one, two) - measured)
    assert {name: files for name, files in found.items() if files} == {}
    assert len(list(tmp_path.glob("*-1/emitted/*.json"))) > 1000
