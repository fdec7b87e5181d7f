"""Gaussian: its quick step against its samples, against the exact law and the slow twin."""

import numpy as np
import pytest
from scipy import stats
from slow_twin import gaussian as slow_gaussian

from collapse import Gaussian, recursive_training
from collapse.laws import gaussian as law
from models.starts import start

REPLICATIONS = 5000


def step(model, size, rng, replications=REPLICATIONS):
    return model.step(start(model, replications), size, rng)


def draw_then_fit(model, size, rng, replications=REPLICATIONS):
    return model.fit(model.draw(start(model, replications), size, rng))


@pytest.mark.parametrize("route", [step, draw_then_fit])
@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("size", [2, 3, 10, 100])
class TestOneGeneration:
    def test_law_of_the_standard_deviation(self, size, ddof, route, assert_plausible):
        fitted = route(Gaussian(5.0, 2.0, ddof=ddof), size, np.random.default_rng([1, size, ddof]))
        cdf = stats.chi2(size - 1).cdf
        assert_plausible(stats.kstest((size - ddof) * (fitted["std"] / 2) ** 2, cdf).pvalue)

    def test_law_of_the_mean(self, size, ddof, route, assert_plausible):
        fitted = route(Gaussian(5.0, 2.0, ddof=ddof), size, np.random.default_rng([2, size, ddof]))
        cdf = stats.norm(5, 2 / np.sqrt(size)).cdf
        assert_plausible(stats.kstest(fitted["mean"], cdf).pvalue)

    def test_mean_and_deviation_are_independent(self, size, ddof, route, assert_plausible):
        fitted = route(Gaussian(ddof=ddof), size, np.random.default_rng([3, size, ddof]))
        for mean in (fitted["mean"], np.abs(fitted["mean"])):
            assert_plausible(stats.spearmanr(mean, fitted["std"]).pvalue)

    def test_variance_is_unbiased_or_short_by_one_nth(self, size, ddof, route, assert_within):
        fitted = route(Gaussian(0.0, 2.0, ddof=ddof), size, np.random.default_rng([4, size, ddof]),
                       replications=20_000)
        nu, divisor = size - 1, size - ddof
        assert_within(np.mean(fitted["std"] ** 2), 4 * nu / divisor,
                      4 * np.sqrt(2 * nu / 20_000) / divisor)


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("size", [2, 10])
def test_step_and_draw_then_fit_have_one_law(size, ddof, assert_plausible):
    model = Gaussian(1.0, 0.5, ddof=ddof)
    quick = step(model, size, np.random.default_rng(5))
    plain = draw_then_fit(model, size, np.random.default_rng(6))
    assert set(quick) == set(plain) == {"mean", "std"}
    for name in quick:
        assert quick[name].shape == plain[name].shape == (REPLICATIONS,)
        assert_plausible(stats.ks_2samp(quick[name], plain[name]).pvalue)


def test_fit_is_the_mean_and_the_standard_deviation():
    samples = np.random.default_rng(1).normal(size=(6, 9))
    for ddof in (0, 1):
        fitted = Gaussian(ddof=ddof).fit(samples)
        np.testing.assert_allclose(fitted["mean"], samples.mean(axis=1), rtol=1e-13)
        np.testing.assert_allclose(fitted["std"], samples.std(axis=1, ddof=ddof), rtol=1e-13)


def test_fit_far_from_the_origin():
    samples = 1e9 + np.random.default_rng(1).normal(size=(6, 9))
    expected = (samples - 1e9).std(axis=1, ddof=1)
    np.testing.assert_allclose(Gaussian().fit(samples)["std"], expected, rtol=1e-6)


def test_each_replication_uses_its_own_parameters():
    parameters = {"mean": np.array([0.0, 1e6, -1e6]), "std": np.array([1.0, 1e-3, 1e3])}
    model = Gaussian()
    rng = np.random.default_rng(1)
    for fitted in (model.step(parameters, 1000, rng),
                   model.fit(model.draw(parameters, 1000, rng))):
        np.testing.assert_allclose(fitted["std"] / parameters["std"], 1, atol=0.2)
        offset = (fitted["mean"] - parameters["mean"]) / parameters["std"]
        np.testing.assert_allclose(offset, 0, atol=0.3)


@pytest.mark.parametrize("n, k, ddof", [(2, 5, 1), (3, 30, 0), (10, 200, 1), (100, 50, 0)])
def test_many_generations_have_the_exact_law(n, k, ddof, assert_plausible, assert_proportion):
    run = recursive_training(Gaussian(0.0, 3.0, ddof=ddof), sample_size=n, generations=k,
                             replications=REPLICATIONS, seed=8, keep=[k // 2, k])
    for generation in (k // 2, k):
        std = run["std"].sel(generation=generation).values
        levels = law.std_cdf(std, n, generation, std=3.0, ddof=ddof)
        assert_plausible(stats.kstest(levels, "uniform").pvalue)
        x = law.std_ppf([1e-3, 0.5, 0.999], n, generation, std=3.0, ddof=ddof)
        assert_proportion(np.sum(std[:, None] > x, axis=0), REPLICATIONS,
                          law.std_sf(x, n, generation, std=3.0, ddof=ddof))


@pytest.mark.parametrize("ddof", [0, 1])
def test_changing_sizes_have_the_exact_law(ddof, assert_plausible):
    sizes = [5, 50, 2, 2, 200, 9]
    run = recursive_training(Gaussian(ddof=ddof), sample_size=sizes, generations=6,
                             replications=REPLICATIONS, seed=8)
    for k in (2, 6):
        levels = law.std_cdf(run["std"].sel(generation=k).values, sizes, k, ddof=ddof)
        assert_plausible(stats.kstest(levels, "uniform").pvalue)


@pytest.mark.parametrize("ddof", [0, 1])
def test_variance_of_the_mean(ddof, assert_within):
    # Over few generations: later the fourth moment, and with it the noise, is too large.
    n, k, replications = 50, 10, 40_000
    run = recursive_training(Gaussian(7.0, 2.0, ddof=ddof), sample_size=n, generations=k,
                             replications=replications, seed=8, keep=[1, 5, k])
    deviation = (run["mean"].values - 7) ** 2
    se = deviation.std(axis=0) / np.sqrt(replications)
    assert_within(deviation.mean(axis=0), law.mean_variance(n, [1, 5, k], std=2.0, ddof=ddof), se)


@pytest.mark.parametrize("n, ddof", [(10, 1), (10, 0)])
def test_collapse_point(n, ddof, assert_plausible):
    run = recursive_training(Gaussian(1.0, 2.0, ddof=ddof), sample_size=n, generations=1500,
                             replications=REPLICATIONS, seed=8, keep=[1500])
    levels = law.collapse_point_cdf(run["mean"].values[:, 0] - 1, n, std=2.0, ddof=ddof)
    assert_plausible(stats.kstest(levels, "uniform").pvalue)


@pytest.mark.parametrize("ddof", [0, 1])
def test_paths_by_the_slow_twin(ddof, assert_plausible):
    # The whole path, not only its marginals: the largest standard deviation along it, and the
    # total variation of the mean.
    means, stds = slow_gaussian(np.random.default_rng(9), mean=0.0, std=1.0, sizes=[4] * 20,
                                replications=1500, ddof=ddof)
    run = recursive_training(Gaussian(ddof=ddof), sample_size=4, generations=20,
                             replications=REPLICATIONS, seed=10)
    assert_plausible(stats.ks_2samp(run["std"].values[:, 1:].max(axis=1),
                                    stds[:, 1:].max(axis=1)).pvalue)
    assert_plausible(stats.ks_2samp(np.abs(np.diff(run["mean"].values, axis=1)).sum(axis=1),
                                    np.abs(np.diff(means, axis=1)).sum(axis=1)).pvalue)


class TestPower:
    """The comparisons above notice the neighbouring laws."""

    @pytest.mark.parametrize("wrong", [dict(n=11), dict(k=9), dict(ddof=0), dict(std=1.02)])
    def test_a_wrong_law_is_rejected(self, wrong, assert_plausible):
        run = recursive_training(Gaussian(), sample_size=10, generations=10,
                                 replications=100_000, seed=8, keep=[10])
        claim = dict(n=10, k=10, std=1.0, ddof=1) | wrong
        grid = np.linspace(0.05, 2.5, 400)
        cdf = law.std_cdf(grid, claim["n"], claim["k"], std=claim["std"], ddof=claim["ddof"])
        levels = np.interp(run["std"].values[:, 0], grid, cdf)
        with pytest.raises(AssertionError):
            assert_plausible(stats.kstest(levels, "uniform").pvalue)

    def test_a_wrong_variance_of_the_mean_is_rejected(self, assert_within):
        # P1.4.5 with n - 1 in the place of n.
        n, k, replications = 10, 3, 40_000
        run = recursive_training(Gaussian(), sample_size=n, generations=k,
                                 replications=replications, seed=8, keep=[k])
        squares = run["mean"].values[:, 0] ** 2
        se = squares.std() / np.sqrt(replications)
        assert_within(squares.mean(), k / n, se)
        with pytest.raises(AssertionError):
            assert_within(squares.mean(), k / (n - 1), se)

    def test_a_wrong_proportion_is_rejected(self, assert_proportion):
        with pytest.raises(AssertionError):
            assert_proportion(60, 1000, 0.02)

    def test_a_wrong_mean_is_rejected(self, assert_within):
        with pytest.raises(AssertionError):
            assert_within(np.array([0.0, 1.0]), np.array([0.0, 0.0]), 0.1)
