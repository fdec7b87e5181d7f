"""Exponential: its quick step against samples, the exact law, the slow twin."""

import numpy as np
import pytest
from scipy import stats
from slow_twin import exponential as slow_exponential

from collapse import Exponential, Gaussian, recursive_training, replay
from collapse.laws import gaussian as gaussian_law
from collapse.recursion import _PATH_ELEMENTS
from models.starts import start

REPLICATIONS = 5000


def step(model, size, rng, replications=REPLICATIONS):
    return model.step(start(model, replications), size, rng)


def draw_then_fit(model, size, rng, replications=REPLICATIONS):
    return model.fit(model.draw(start(model, replications), size, rng))


@pytest.mark.parametrize("route", [step, draw_then_fit])
@pytest.mark.parametrize("size", [1, 2, 10, 1000])
class TestOneGeneration:
    def test_law(self, size, route, assert_plausible):
        fitted = route(Exponential(4.0), size, np.random.default_rng([1, size]))
        cdf = stats.invgamma(size, scale=4.0 * size).cdf
        assert_plausible(stats.kstest(fitted["rate"], cdf).pvalue)
        np.testing.assert_allclose(np.exp(fitted["log_rate"]), fitted["rate"], rtol=1e-13)

    def test_each_replication_uses_its_own_rate(self, size, route):
        rate = np.geomspace(1e-200, 1e200, 9)
        model = Exponential(1.0)
        rng = np.random.default_rng(2)
        state = {"rate": rate, "log_rate": np.log(rate)}
        fitted = (model.step(state, size, rng) if route is step
                  else model.fit(model.draw(state, size, rng)))
        np.testing.assert_allclose(fitted["log_rate"], np.log(rate), atol=30)


@pytest.mark.parametrize("size", [1, 7])
def test_step_and_draw_then_fit_have_one_law(size, assert_plausible):
    model = Exponential(0.5)
    quick = step(model, size, np.random.default_rng(3))
    plain = draw_then_fit(model, size, np.random.default_rng(4))
    assert set(quick) == set(plain) == {"rate", "log_rate"}
    for name in quick:
        assert quick[name].shape == plain[name].shape == (REPLICATIONS,)
        assert_plausible(stats.ks_2samp(quick[name], plain[name]).pvalue)


def test_moments_of_the_estimator(assert_within):
    rate = step(Exponential(2.0), 10, np.random.default_rng(5), 40_000)["rate"]
    assert_within(rate.mean(), 2 * 10 / 9, np.sqrt(4 * 100 / (81 * 8) / 40_000))
    squares = (rate - rate.mean()) ** 2
    assert_within(squares.mean(), 4 * 100 / (81 * 8), squares.std() / 200)
    with pytest.raises(AssertionError):  # power: it is not unbiased
        assert_within(rate.mean(), 2.0, np.sqrt(4 * 100 / (81 * 8) / 40_000))


class TestManyGenerations:
    @pytest.mark.parametrize("n, k", [(1, 5), (2, 50), (10, 50), (100, 20)])
    def test_law(self, n, k, assert_plausible):
        # Gamma(n, 1)/n is χ²_2n/2n: 1/rate has the law of the Gaussian variance with n' = 2n + 1.
        run = recursive_training(Exponential(3.0), sample_size=n, generations=k,
                                 replications=REPLICATIONS, seed=6, keep=[1, k])
        for generation in (1, k):
            scale = np.exp(-run["log_rate"].sel(generation=generation).values / 2)
            levels = gaussian_law.std_cdf(scale, 2 * n + 1, generation, std=3.0**-0.5)
            assert_plausible(stats.kstest(levels, "uniform").pvalue)

    @pytest.mark.parametrize("wrong", [dict(n=19), dict(n=24), dict(k=18), dict(std=1.1)])
    def test_a_wrong_law_is_rejected(self, wrong, assert_plausible):
        run = recursive_training(Exponential(1.0), sample_size=10, generations=20,
                                 replications=100_000, seed=6, keep=[20])
        claim = dict(n=21, k=20, std=1.0) | wrong
        grid = np.linspace(0.01, 4, 400)
        cdf = gaussian_law.std_cdf(grid, claim["n"], claim["k"], std=claim["std"])
        levels = np.interp(np.exp(-run["log_rate"].values[:, 0] / 2), grid, cdf)
        with pytest.raises(AssertionError):
            assert_plausible(stats.kstest(levels, "uniform").pvalue)

    def test_changing_sizes(self, assert_plausible):
        sizes = np.array([5, 50, 1, 2, 200, 9])
        run = recursive_training(Exponential(1.0), sample_size=sizes.tolist(), generations=6,
                                 replications=REPLICATIONS, seed=7)
        scale = np.exp(-run["log_rate"].sel(generation=6).values / 2)
        levels = gaussian_law.std_cdf(scale, 2 * sizes + 1, 6)
        assert_plausible(stats.kstest(levels, "uniform").pvalue)

    def test_the_slow_twin(self, assert_plausible):
        # The whole path: the largest and the smallest rate along it.
        rates = slow_exponential(np.random.default_rng(8), rate=2.0, sizes=[3] * 15,
                                 replications=1500)
        run = recursive_training(Exponential(2.0), sample_size=3, generations=15,
                                 replications=REPLICATIONS, seed=9)["rate"].values
        for extreme in (np.max, np.min):
            assert_plausible(stats.ks_2samp(extreme(run, axis=1), extreme(rates, axis=1)).pvalue)

    def test_beyond_the_range_of_numbers(self):
        # E log(rate'/rate) = log n − ψ(n) = 0.577 for n = 1: overflow after about 1200 steps.
        run = recursive_training(Exponential(1.0), sample_size=1, generations=5000,
                                 replications=20, seed=10, keep=[4000, 5000])
        assert np.all(np.isinf(run["rate"])) and np.all(np.isfinite(run["log_rate"]))
        mean, sd = 0.5772156649 * 5000, np.pi / np.sqrt(6) * np.sqrt(5000)
        assert np.all(np.abs(run["log_rate"].sel(generation=5000) - mean) < 7 * sd)
        model = Exponential(1.0)  # samples are 0 then, and what is fitted to them is infinite
        state = {name: run[name].values[:, 1] for name in ("rate", "log_rate")}
        fitted = model.fit(model.draw(state, 3, np.random.default_rng(1)))
        assert np.all(np.isinf(fitted["rate"])) and np.all(np.isinf(fitted["log_rate"]))


def test_numbers_do_not_depend_on_how_a_run_is_cut():
    long = 2 * _PATH_ELEMENTS // 1000  # more than one call of path
    arguments = dict(sample_size=4, replications=1000, seed=1)
    run = recursive_training(Exponential(1.0), generations=long, **arguments)
    short = recursive_training(Exponential(1.0), generations=5, **arguments)
    kept = recursive_training(Exponential(1.0), generations=long, keep=[0, 150, long], **arguments)
    for name in run.data_vars:
        np.testing.assert_array_equal(run[name][:, :6], short[name])
        np.testing.assert_array_equal(run[name].sel(generation=[0, 150, long]), kept[name])


def test_equal_sizes_and_a_schedule_that_changes_later_use_one_stream():
    arguments = dict(generations=4, replications=50, seed=1)
    run = recursive_training(Exponential(1.0), sample_size=6, **arguments)
    other = recursive_training(Exponential(1.0), sample_size=[6, 6, 6, 99], **arguments)
    np.testing.assert_allclose(run["rate"][:, :4], other["rate"][:, :4], rtol=1e-15)


def test_enormous_samples():
    run = recursive_training(Exponential(2.0), sample_size=2**62, generations=5, replications=9,
                             seed=1)
    assert np.all(np.abs(run["rate"] / 2 - 1) < 7 * np.sqrt(5) * 2.0**-31)
    assert np.all(run["rate"].sel(generation=5) != 2)


def test_a_run_can_be_made_again():
    run = recursive_training(Exponential(0.25), sample_size=5, generations=3, replications=4,
                             seed=1)
    assert run.equals(replay(run))
    assert repr(Exponential(0.25)) == "Exponential(rate=0.25)"


def test_it_is_the_gaussian_variance(assert_plausible):
    arguments = dict(generations=9, replications=REPLICATIONS, keep=[9])
    run = recursive_training(Exponential(1.0), sample_size=3, seed=1, **arguments)
    gaussian = recursive_training(Gaussian(), sample_size=7, seed=2, **arguments)
    assert_plausible(stats.ks_2samp(1 / run["rate"].values[:, 0],
                                    gaussian["std"].values[:, 0] ** 2).pvalue)
