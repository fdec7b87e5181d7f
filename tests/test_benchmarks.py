"""The benchmark scripts run, and what they have stored has the shape that the pages read."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from collapse import datasets

SCRIPTS = Path(__file__).parents[1] / "benchmarks"


def test_the_tail_script_agrees_with_the_law(tmp_path):
    command = [sys.executable, SCRIPTS / "tail.py", "--replications", "30000", "--n-jobs", "1",
               "--json", tmp_path / "tail.json"]
    subprocess.run(command, check=True, capture_output=True)
    result = json.loads((tmp_path / "tail.json").read_text(encoding="utf-8"))
    assert set(result) == set(datasets.stored("tail"))
    assert result["replications"] == 30_000 and 0 < result["above"][0] < 30_000


def test_the_stored_tail():
    """10^8 replications, in at most four minutes and one gibibyte."""
    result = datasets.stored("tail")
    assert result["replications"] == 10**8
    assert result["seconds"] <= 240 and result["peak_bytes"] <= 2**30
    assert np.all(np.diff(result["above"]) < 0)


def test_the_stored_benchmarks():
    result = datasets.stored("benchmarks")
    assert all(target["met"] for target in result["targets"])
    for routes in result["details"]["seconds"].values():
        for times in routes.values():
            assert len(times) == 5 and min(times) > 0


def test_an_unknown_result():
    with pytest.raises(ValueError, match="name.*benchmarks.*tail"):
        datasets.stored("speed")
