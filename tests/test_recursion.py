"""The loop: labels, streams, splitting, memory, and a reader's own model."""

import json
import tracemalloc

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from slow_twin import gaussian as slow_gaussian

from collapse import (
    Gaussian,
    MultivariateGaussian,
    hitting_time,
    iter_blocks,
    recursive_training,
    replay,
    schedules,
)

BLOCK = 1024


class Exponential:
    """A reader's own model: nothing but `parameters`, `draw` and `fit`."""

    def __init__(self, rate):
        self.parameters = {"rate": np.asarray(rate, dtype=float)}

    def draw(self, parameters, size, rng):
        return rng.exponential(size=(len(parameters["rate"]), size)) / parameters["rate"][:, None]

    def fit(self, samples):
        return {"rate": 1 / samples.mean(axis=1)}


class ExponentialWithStep(Exponential):
    """The same through its sufficient statistic; samples are never drawn."""

    def draw(self, parameters, size, rng):
        raise AssertionError("drew samples although there is a step")

    def step(self, parameters, size, rng):
        rate = parameters["rate"]
        return {"rate": rate * size / rng.standard_gamma(size, size=len(rate))}


class TwoRates:
    """A vector parameter with a name for its axis."""

    dims = {"rate": ("feature",)}
    min_sample_size = 1

    def __init__(self, rate):
        self.parameters = {"rate": np.asarray(rate, dtype=float)}

    def draw(self, parameters, size, rng):
        rate = parameters["rate"]
        return rng.exponential(size=(len(rate), size, rate.shape[1])) / rate[:, None, :]

    def fit(self, samples):
        return {"rate": 1 / samples.mean(axis=1)}


class TwoNoises:
    """Only the noise of a model with paths: two kinds, uniform on [0, 1]."""

    streams = 2
    parameters = {"first": np.array(0.0), "second": np.array(0.0)}

    def draw(self, parameters, size, rng):
        raise AssertionError("a path does without")

    fit = draw

    def path(self, parameters, sizes, rngs, out):
        for rng, name in zip(rngs, self.parameters, strict=True):
            rng.random(out=out[name])


MODELS = {
    "gaussian": Gaussian(1.0, 2.0),
    "gaussian, divisor n": Gaussian(ddof=0),
    "multivariate": MultivariateGaussian([1.0, -1.0], [[2.0, 0.5], [0.5, 1.0]]),
    "draw and fit": Exponential(3.0),
    "step": ExponentialWithStep(3.0),
    "vector": TwoRates([1.0, 5.0]),
}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def assert_same_numbers(run, other):
    assert set(run.data_vars) == set(other.data_vars)
    for name in run.data_vars:
        np.testing.assert_array_equal(run[name], other[name])


def assert_different_numbers(run, other):
    for name in run.data_vars:
        last, other_last = (np.asarray(r[name].isel(generation=-1)) for r in (run, other))
        count = len(last)
        # The first entry of a matrix: a Cholesky factor has zeros that are always the same.
        assert np.all(last.reshape(count, -1)[:, 0] != other_last.reshape(count, -1)[:, 0])


class TestLabels:
    def test_gaussian(self):
        run = recursive_training(Gaussian(1.0, 2.0), sample_size=10, generations=7, replications=3,
                                 seed=1)
        assert isinstance(run, xr.Dataset) and set(run.data_vars) == {"mean", "std"}
        for name in ("mean", "std"):
            assert run[name].dims == ("replication", "generation")
            assert run[name].shape == (3, 8) and run[name].dtype == np.float64
        np.testing.assert_array_equal(run["generation"], np.arange(8))

    def test_multivariate(self):
        run = recursive_training(MODELS["multivariate"], sample_size=10, generations=7,
                                 replications=3, seed=1)
        assert run["mean"].dims == ("replication", "generation", "feature")
        for name in ("cov", "cholesky"):
            assert run[name].dims == ("replication", "generation", "feature", "feature_2")
            assert run[name].shape == (3, 8, 2, 2)

    def test_named_axis_of_a_reader_s_model(self):
        run = recursive_training(MODELS["vector"], sample_size=4, generations=2, replications=3,
                                 seed=1)
        assert run["rate"].dims == ("replication", "generation", "feature")

    def test_generation_zero_is_the_start(self, model):
        run = recursive_training(model, sample_size=5, generations=2, replications=4, seed=1)
        for name, value in model.parameters.items():
            np.testing.assert_array_equal(
                run[name].isel(generation=0), np.broadcast_to(value, (4, *np.shape(value))))

    def test_zero_generations(self, model):
        run = recursive_training(model, sample_size=5, generations=0, replications=4, seed=1)
        assert run.sizes["generation"] == 1 and run.sizes["replication"] == 4

    def test_every_generation_and_replication_is_new(self, model):
        run = recursive_training(model, sample_size=5, generations=20, replications=30, seed=1)
        values = run[next(iter(model.parameters))].isel(generation=slice(1, None)).values
        first = values.reshape(30, 20, -1)[..., 0]
        assert len(np.unique(first)) == first.size


class TestStreams:
    def test_same_seed_same_numbers(self, model):
        runs = [recursive_training(model, sample_size=5, generations=6, replications=8, seed=seed)
                for seed in (3, 3, 4)]
        assert_same_numbers(runs[0], runs[1])
        assert_different_numbers(runs[0], runs[2])

    def test_jobs_do_not_change_the_numbers(self, model):
        arguments = dict(sample_size=5, generations=4, replications=2 * BLOCK + 300, seed=3)
        one = recursive_training(model, **arguments, n_jobs=1)
        assert_same_numbers(one, recursive_training(model, **arguments, n_jobs=2))

    def test_blocks_are_the_whole(self, model):
        arguments = dict(sample_size=5, generations=4, replications=2 * BLOCK + 300, seed=3)
        blocks = list(iter_blocks(model, **arguments))
        assert [block.sizes["replication"] for block in blocks] == [BLOCK, BLOCK, 300]
        together = xr.concat(blocks, "replication", combine_attrs="drop")
        assert_same_numbers(together, recursive_training(model, **arguments))
        np.testing.assert_array_equal(together["replication"], np.arange(2 * BLOCK + 300))

    def test_kinds_of_noise_have_streams_of_their_own(self):
        run = recursive_training(TwoNoises(), sample_size=5, generations=3, replications=4, seed=3)
        both = np.concatenate([run[name].values[:, 1:].ravel() for name in ("first", "second")])
        assert len(np.unique(both)) == 2 * 3 * 4

    def test_blocks_have_streams_of_their_own(self, model):
        run = recursive_training(model, sample_size=5, generations=2, replications=2 * BLOCK,
                                 seed=3)
        for name in model.parameters:
            last = run[name].isel(generation=-1).values.reshape(2 * BLOCK, -1)[:, 0]
            assert len(np.unique(last)) == 2 * BLOCK

    def test_first_generations_of_a_longer_run(self, model):
        arguments = dict(sample_size=5, replications=BLOCK + 10, seed=3)
        longer = recursive_training(model, generations=70, **arguments)
        for generations in (0, 1, 7, 33, 69):
            shorter = recursive_training(model, generations=generations, **arguments)
            assert_same_numbers(shorter, longer.isel(generation=slice(0, generations + 1)))

    def test_keep_does_not_change_the_numbers(self, model):
        arguments = dict(sample_size=5, generations=60, replications=BLOCK + 10, seed=3)
        whole = recursive_training(model, **arguments)
        for keep in ([0], [60], [3, 4, 59], (0, 60), np.array([17]), range(0, 61, 20)):
            part = recursive_training(model, **arguments, keep=keep)
            np.testing.assert_array_equal(part["generation"], list(keep))
            assert_same_numbers(part, whole.sel(generation=list(keep)))
            blocks = iter_blocks(model, **arguments, keep=keep)
            assert_same_numbers(xr.concat(list(blocks), "replication", combine_attrs="drop"), part)

    @settings(max_examples=25)
    @given(data=st.data(), generations=st.integers(0, 90), seed=st.integers(0, 2**64))
    def test_keep_and_length_for_any_choice(self, data, generations, seed):
        keep = sorted(data.draw(st.sets(st.integers(0, generations), min_size=1)))
        more = data.draw(st.integers(0, 40))
        size = schedules.power(2, 0.5)
        part = recursive_training(Gaussian(), sample_size=size, generations=generations,
                                  replications=3, seed=seed, keep=keep)
        whole = recursive_training(Gaussian(), sample_size=size, generations=generations + more,
                                   replications=3, seed=seed)
        assert_same_numbers(part, whole.sel(generation=keep))

    def test_global_state_is_neither_read_nor_changed(self, model):
        np.random.seed(1)
        before = np.random.get_state()[1].copy()
        recursive_training(model, sample_size=5, generations=3, replications=4, seed=3)
        np.testing.assert_array_equal(np.random.get_state()[1], before)


class TestSeeds:
    ARGUMENTS = dict(sample_size=5, generations=6, replications=8)

    def test_the_same_seed_sequence_twice(self, model):
        seed = np.random.SeedSequence(11)
        first = recursive_training(model, **self.ARGUMENTS, seed=seed)
        assert_same_numbers(first, recursive_training(model, **self.ARGUMENTS, seed=seed))
        list(iter_blocks(model, **self.ARGUMENTS, seed=seed))
        assert seed.n_children_spawned == 0

    def test_children_of_a_seed_sequence_differ(self, model):
        first, second = np.random.SeedSequence(11).spawn(2)
        assert_different_numbers(recursive_training(model, **self.ARGUMENTS, seed=first),
                                 recursive_training(model, **self.ARGUMENTS, seed=second))

    def test_no_seed_is_fresh_and_recorded(self, model):
        first = recursive_training(model, **self.ARGUMENTS)
        second = recursive_training(model, **self.ARGUMENTS)
        assert_different_numbers(first, second)

    @pytest.mark.parametrize("seed", [
        None, 0, 7, 2**100, np.int64(5), np.random.SeedSequence(11),
        np.random.SeedSequence([1, 2, 3]), np.random.SeedSequence(11).spawn(3)[2],
    ], ids=str)
    def test_replay(self, seed):
        for name in ("gaussian", "gaussian, divisor n", "multivariate"):
            run = recursive_training(MODELS[name], **self.ARGUMENTS, seed=seed, keep=[0, 3, 6])
            xr.testing.assert_identical(replay(run), run)

    @pytest.mark.parametrize("size", [
        [4, 9, 5, 30, 6, 7], np.array([4, 9, 5, 30, 6, 7]), schedules.constant(6),
        schedules.power(3, 1.5), schedules.log_power(3, 1.1, maximum=50),
        schedules.geometric(3, 1.2),
    ], ids=str)
    def test_replay_of_changing_sizes(self, size):
        run = recursive_training(Gaussian(0.3, 1.7), sample_size=size, generations=6,
                                 replications=BLOCK + 5, seed=None)
        xr.testing.assert_identical(replay(run), run)

    def test_replay_after_a_file(self):
        run = recursive_training(Gaussian(0.3, 1.7), **self.ARGUMENTS)
        stored = xr.Dataset.from_dict(json.loads(json.dumps(run.to_dict())))
        assert_same_numbers(replay(stored), run)


class TestProvenance:
    @staticmethod
    def flatten(value):
        """All (key, value) pairs of nested JSON objects."""
        pairs = []
        if isinstance(value, dict):
            for key, inner in value.items():
                pairs += [(key, inner), *TestProvenance.flatten(inner)]
        elif isinstance(value, list):
            for inner in value:
                pairs += TestProvenance.flatten(inner)
        return pairs

    def test_it_decodes_and_names_everything(self):
        entropy = 2**90 + 17
        run = recursive_training(Gaussian(0.3, 1.7, ddof=0), sample_size=13, generations=6,
                                 replications=21, seed=entropy, keep=[2, 5])
        pairs = self.flatten(json.loads(run.attrs["provenance"]))
        for expected in (("generations", 6), ("replications", 21), ("keep", [2, 5]), ("ddof", 0),
                         ("std", 1.7)):
            assert expected in pairs
        values = [value for _, value in pairs]
        for expected in (entropy, BLOCK, 13, np.__version__):
            assert expected in values or str(expected) in values

    def test_the_entropy_of_no_seed_is_there(self):
        run = recursive_training(Gaussian(), sample_size=5, generations=1)
        values = [v for _, v in self.flatten(json.loads(run.attrs["provenance"]))]
        assert any(int(v) > 2**64 for v in values
                   if isinstance(v, int) or isinstance(v, str) and v.isdigit())


class TestSizes:
    def test_size_zero_fits_generation_one(self):
        # Two samples, then very many: generation 1 is far from the start, generation 2 near 1.
        run = recursive_training(Gaussian(), sample_size=[2, 10**8], generations=2,
                                 replications=200, seed=1)
        std = run["std"].values
        assert np.abs(np.log(std[:, 1])).mean() > 0.3
        assert np.abs(np.log(std[:, 2] / std[:, 1])).max() < 1e-3

    def test_a_long_run_of_huge_samples_stays(self):
        run = recursive_training(Gaussian(3.0, 2.0), sample_size=10**12, generations=20,
                                 replications=5, seed=1)
        np.testing.assert_allclose(run["mean"], 3, atol=1e-4)
        np.testing.assert_allclose(run["std"], 2, atol=1e-4)

    def test_sequence_and_schedule_agree(self, model):
        schedule = schedules.power(4, 0.7)
        arguments = dict(generations=30, replications=5, seed=2)
        by_schedule = recursive_training(model, sample_size=schedule, **arguments)
        for sizes in (schedule(np.arange(30)), [int(n) for n in schedule(np.arange(30))]):
            assert_same_numbers(by_schedule,
                                recursive_training(model, sample_size=sizes, **arguments))

    def test_int_and_constant_agree(self, model):
        arguments = dict(generations=30, replications=5, seed=2)
        plain = recursive_training(model, sample_size=6, **arguments)
        for sizes in (np.int32(6), [6] * 30, schedules.constant(6)):
            assert_same_numbers(plain, recursive_training(model, sample_size=sizes, **arguments))

    @pytest.mark.parametrize("size", [7, [3, 20, 5, 90, 4, 8]], ids=["constant", "changing"])
    @pytest.mark.parametrize("ddof", [0, 1])
    def test_law_of_the_loop_by_the_slow_twin(self, size, ddof, assert_plausible):
        sizes = [size] * 6 if isinstance(size, int) else size
        twin = slow_gaussian(np.random.default_rng(5), mean=1.0, std=2.0, sizes=sizes,
                             replications=2500, ddof=ddof)
        run = recursive_training(Gaussian(1.0, 2.0, ddof=ddof), sample_size=size, generations=6,
                                 replications=5000, seed=6)
        for generation in (1, 2, 6):
            for name, slow in zip(("mean", "std"), twin, strict=True):
                fast = run[name].sel(generation=generation)
                assert_plausible(stats.ks_2samp(fast, slow[:, generation]).pvalue)

    @pytest.mark.parametrize("name", ["draw and fit", "step"])
    def test_law_of_a_reader_s_model(self, name, assert_plausible):
        run = recursive_training(MODELS[name], sample_size=5, generations=2, replications=5000,
                                 seed=6)
        ratio = run["rate"].values[:, :-1] / run["rate"].values[:, 1:]
        for generation in (0, 1):
            p_value = stats.kstest(ratio[:, generation], stats.gamma(5, scale=1 / 5).cdf).pvalue
            assert_plausible(p_value)
        assert_plausible(stats.spearmanr(ratio[:, 0], ratio[:, 1]).pvalue)


class TestHittingTime:
    @staticmethod
    def by_hand(values, generations, below):
        first, censored = [], []
        for path in values:
            hits = [g for g, value in zip(generations, path, strict=True) if value < below]
            first.append(hits[0] if hits else generations[-1])
            censored.append(not hits)
        return first, censored

    @pytest.mark.parametrize("keep", [None, [0, 5, 11, 40]])
    @pytest.mark.parametrize("below", [2.0, 1.99, 0.5, 1e-9, 10.0])
    def test_against_a_plain_loop(self, keep, below):
        run = recursive_training(Gaussian(0.0, 2.0), sample_size=5, generations=40,
                                 replications=50, seed=1, keep=keep)
        time = hitting_time(run, "std", below=below)
        first, censored = self.by_hand(run["std"].values, run["generation"].values, below)
        assert time.dims == ("replication",) and np.issubdtype(time.dtype, np.integer)
        assert time["censored"].dtype == bool
        np.testing.assert_array_equal(time, first)
        np.testing.assert_array_equal(time["censored"], censored)

    def test_hit_at_the_last_generation_is_not_censored(self):
        run = xr.Dataset({"std": (("replication", "generation"), [[1.0, 0.9, 0.1],
                                                                  [1.0, 0.9, 0.5]])},
                         coords={"generation": [0, 10, 20]})
        time = hitting_time(run, "std", below=0.5)
        np.testing.assert_array_equal(time, [20, 20])
        np.testing.assert_array_equal(time["censored"], [False, True])


def test_memory_is_a_block_and_what_is_kept():
    # All 200 generations of 10⁵ replications would take 320 MB; five kept ones take 8 MB, a block
    # of 1024 whole paths 3 MB.
    tracemalloc.start()
    try:
        run = recursive_training(Gaussian(), sample_size=10, generations=200, replications=100_000,
                                 seed=1, keep=[0, 50, 100, 150, 200])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert run.sizes == {"replication": 100_000, "generation": 5}
    assert peak < 40e6


def test_iterating_over_blocks_holds_one_block():
    tracemalloc.start()
    try:
        for block in iter_blocks(Gaussian(), sample_size=10, generations=100,
                                 replications=30 * BLOCK, seed=1):
            assert block.sizes["replication"] == BLOCK
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    one_block = 2 * 8 * BLOCK * 101
    assert peak < 10 * one_block


def test_the_number_of_replications_costs_no_memory():
    """Nothing as long as the whole run is made, not even the labels of its replications."""
    peaks = []
    for replications in (20 * BLOCK, 2000 * BLOCK):
        tracemalloc.start()
        try:
            blocks = iter_blocks(Gaussian(), sample_size=10, generations=1, keep=[1],
                                 replications=replications, seed=1)
            for block, _ in zip(blocks, range(20), strict=False):
                last = int(block["replication"][-1])
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert last == 20 * BLOCK - 1
    assert peaks[1] < 1.5 * peaks[0]


class TestWhatAModelReturns:
    """A model that fits the wrong thing is refused; nothing is broadcast or left uninitialised."""

    class Model:
        parameters = {"p": np.array(0.5), "q": np.array(1.0)}

        def __init__(self, fitted):
            self.fit = fitted

        def draw(self, parameters, size, rng):
            return rng.random((len(parameters["p"]), size))

    @pytest.mark.parametrize("fitted", [
        lambda x: {"p": x.mean(axis=1)},
        lambda x: {"p": x.mean(axis=1), "q": x.mean(axis=1), "r": x.mean(axis=1)},
        lambda x: {"p": x.mean(axis=1), "q": x.mean(keepdims=True)[0]},
    ])
    def test_wrong_names_or_shapes_are_refused(self, fitted):
        with pytest.raises(ValueError, match="model must return parameters of shapes"):
            recursive_training(self.Model(fitted), sample_size=5, generations=2, replications=3)


def test_iter_blocks_holds_only_a_few_blocks_in_parallel():
    made = []

    class Counting:
        parameters = {"p": np.array(0.5)}

        def draw(self, parameters, size, rng):
            made.append(len(parameters["p"]))
            return rng.random((len(parameters["p"]), size))

        def fit(self, samples):
            return {"p": samples.mean(axis=1)}

    import joblib

    with joblib.parallel_config(backend="threading"):
        blocks = iter_blocks(Counting(), sample_size=2, generations=300, replications=1024 * 40,
                             seed=1, n_jobs=2)
        next(blocks)
        assert 300 <= len(made) <= 4 * 300
        assert sum(1 for _ in blocks) == 39
        # Small blocks are handed over together, but not all of them.
        made.clear()
        blocks = iter_blocks(Counting(), sample_size=2, generations=1, replications=1024 * 2000,
                             seed=1, n_jobs=2)
        next(blocks)
        assert 4 < len(made) <= 2 * 2 * 2**18 / (2 * 1024)
