"""A real Dask cluster of two worker processes, by joblib's own backend."""

import os
import signal
import sys
import time

import cloudpickle
import joblib
import pytest
import xarray as xr
from distributed import Client, LocalCluster

from collapse import Gaussian, iter_blocks, recursive_training

ARGUMENTS = dict(sample_size=10, generations=30, replications=9 * 1024 + 7, seed=1)


class Signed(Gaussian):
    """A Gaussian whose paths leave the number of their process in a folder."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def path(self, parameters, sizes, rngs, out):
        super().path(parameters, sizes, rngs, out)
        time.sleep(0.05)  # so that both workers get some
        open(os.path.join(self.folder, str(os.getpid())), "w").close()


class Fatal(Gaussian):
    """A Gaussian whose first path kills the process that runs it."""

    def __init__(self, flag):
        super().__init__()
        self.flag = flag

    def path(self, parameters, sizes, rngs, out):
        try:
            os.close(os.open(self.flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return super().path(parameters, sizes, rngs, out)
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def client():
    """Workers that are started again when they die."""
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # they cannot import this file
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def test_the_same_numbers_as_in_one_process(client):
    alone = recursive_training(Gaussian(), **ARGUMENTS)
    with joblib.parallel_config(backend="dask"):
        run = recursive_training(Gaussian(), **ARGUMENTS, n_jobs=-1)
    xr.testing.assert_identical(run, alone)


def test_the_work_is_done_in_the_worker_processes(client, tmp_path):
    with joblib.parallel_config(backend="dask"):
        recursive_training(Signed(str(tmp_path)), **ARGUMENTS, n_jobs=-1)
    workers = set(client.run(os.getpid).values())
    assert len(workers) == 2 and os.getpid() not in workers
    assert {int(path.name) for path in tmp_path.iterdir()} == workers


def test_a_worker_killed_in_mid_run_loses_nothing(client, tmp_path):
    flag = tmp_path / "killed"
    before = set(client.run(os.getpid).values())
    with joblib.parallel_config(backend="dask"):
        run = recursive_training(Fatal(str(flag)), **ARGUMENTS, n_jobs=-1)
    assert flag.exists()
    client.wait_for_workers(2, timeout=60)
    assert set(client.run(os.getpid).values()) != before  # one of them did die
    alone = recursive_training(Gaussian(), **ARGUMENTS)
    for name in alone.data_vars:
        xr.testing.assert_equal(run[name], alone[name])


def test_block_by_block(client):
    with joblib.parallel_config(backend="dask"):
        blocks = list(iter_blocks(Gaussian(), **ARGUMENTS, n_jobs=-1, keep=[30]))
    alone = recursive_training(Gaussian(), **ARGUMENTS, keep=[30])
    assert len(blocks) == 10
    xr.testing.assert_equal(xr.concat(blocks, "replication")["std"], alone["std"])
