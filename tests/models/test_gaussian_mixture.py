"""GaussianMixture: the global maximum against searches that share no code with it, and its law."""

import mpmath as mp
import numpy as np
import pytest
from scipy import optimize, stats
from slow_twin import gaussian_mixture as slow_mixture

from collapse import GaussianMixture, recursive_training, replay
from collapse.bounds import suresh
from collapse.laws import gaussian as gaussian_law
from collapse.models import _mixture_likelihood
from models.starts import start

ESTIMATORS = ["ml", "algorithm1", "em"]
REPLICATIONS = 4000


def log_likelihood(x, mean, std):
    """Per sample, as the density reads. x: (..., n); mean, std: broadcast against x[..., 0]."""
    mean, std = np.asarray(mean)[..., None], np.asarray(std)[..., None]
    one = stats.norm.logpdf(x, mean, std)
    other = stats.norm.logpdf(x, -mean, std)
    return (np.logaddexp(one, other) - np.log(2)).mean(axis=-1)


def data_sets(n, count, seed):
    """Samples of many shapes: one cluster, two, outliers, many scales, heavy and no tails."""
    rng = np.random.default_rng([seed, n])
    signs = rng.choice([-1, 1], (count, n))
    separation = rng.choice([0, 0.5, 1, 1.5, 2, 5, 100], (count, 1))
    normal = rng.standard_normal((count, n))
    kinds = [
        normal + signs * separation,
        rng.standard_t(1.5, (count, n)),
        signs * (1 + 0.05 * normal) * np.where(np.arange(n), 1, rng.uniform(1, 15, (count, 1))),
        rng.uniform(-1, 1, (count, n)),
        10 ** rng.uniform(-2, 2, (count, n)),
        np.where(np.arange(n) < n - 1, 0.01 * normal, 1.0),
        rng.choice([0.1, 1, 3], (count, n)) * normal + signs,
        np.where(rng.random((count, n)) < 0.5, 1.0, 2.0),
    ]
    return np.concatenate(kinds)


@pytest.mark.parametrize("n", [2, 3, 5, 10, 40])
class TestGlobalMaximum:
    def test_no_point_of_a_grid_is_better(self, n):
        x = data_sets(n, 60, 1)
        x = x[np.ptp(np.abs(x), axis=1) > 0]
        fitted = GaussianMixture(1.0, 1.0).fit(x)
        reached = log_likelihood(x, fitted["mean"], fitted["std"])
        scale = np.sqrt((x**2).mean(axis=1))
        for std in np.geomspace(1e-3, 1.1, 40):
            for mean in np.linspace(0, 1.3, 40):
                assert np.all(log_likelihood(x, mean * scale, std * scale) <= reached + 1e-9)

    def test_no_point_of_a_dense_line_is_better(self, n):
        # Both equations of the maximum imply σ² = S − μ²: a fine grid on that curve misses nothing.
        x = data_sets(n, 100, 2)
        x = x[np.ptp(np.abs(x), axis=1) > 0]
        square = (x**2).mean(axis=1)
        fitted = GaussianMixture(1.0, 1.0).fit(x)
        reached = log_likelihood(x, fitted["mean"], fitted["std"])
        np.testing.assert_allclose(fitted["mean"] ** 2 + fitted["std"] ** 2, square, rtol=1e-12)
        variance = np.abs(x).var(axis=1)
        for share in np.linspace(0, 1, 500):
            std = np.sqrt(variance ** (1 - share) * square**share)
            mean = np.sqrt(np.maximum(square - std**2, 0))
            assert np.all(log_likelihood(x, mean, std) <= reached + 1e-9)

    def test_maximum_lies_where_the_search_looks(self, n):
        x = data_sets(n, 200, 3)
        fitted = GaussianMixture(1.0, 1.0).fit(x)
        variance = np.abs(x).var(axis=1)
        some = variance > 0
        ratio = fitted["std"][some] ** 2 / variance[some]
        assert np.all(ratio >= 1 - 1e-9) and np.all(ratio <= 9.8205)


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3, 4, 6, 10, 20, 100])
def test_no_point_of_a_very_dense_line_is_better(n):
    x = data_sets(n, 500, 4)
    x = x[np.ptp(np.abs(x), axis=1) > 0]
    square, variance = (x**2).mean(axis=1), np.abs(x).var(axis=1)
    fitted = GaussianMixture(1.0, 1.0).fit(x)
    reached = log_likelihood(x, fitted["mean"], fitted["std"])
    for share in np.linspace(0, 1, 4000):
        std = np.sqrt(variance ** (1 - share) * square**share)
        mean = np.sqrt(np.maximum(square - std**2, 0))
        assert np.all(log_likelihood(x, mean, std) <= reached + 1e-9)


def test_the_grid_search_has_power():
    # Two plausible local answers, each worse than the maximum in some data sets.
    x = data_sets(10, 400, 5)
    x = x[np.ptp(np.abs(x), axis=1) > 0]
    ml = GaussianMixture(1.0, 1.0).fit(x)
    em = GaussianMixture(1.0, 1.0, estimator="em", em_steps=3000).fit(x)
    reached = log_likelihood(x, ml["mean"], ml["std"])
    # The largest solution, which expectation-maximisation finds.
    worse = reached - log_likelihood(x, em["mean"], em["std"])
    assert np.all(worse >= -1e-9) and np.any(worse > 1e-3)
    # One mode wherever it is a local maximum: kurtosis 3 or more.
    square = (x**2).mean(axis=1)
    local = (x**4).mean(axis=1) >= 3 * square**2
    worse = reached - log_likelihood(x, np.zeros(len(x)), np.sqrt(square))
    assert np.all(worse >= -1e-9) and np.sum(worse[local] > 1e-3) >= 3


class TestDegenerate:
    @pytest.mark.parametrize("estimator", ESTIMATORS)
    @pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e-300, 3e200])
    @pytest.mark.parametrize("n", [2, 3, 7])
    def test_all_equal_in_size(self, n, value, estimator):
        x = value * np.where(np.arange(n) % 2, -1.0, 1.0)[None]
        fitted = GaussianMixture(1.0, 1.0, estimator=estimator).fit(x)
        assert fitted["std"][0] == 0 and fitted["mean"][0] == value

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_it_stays_there(self, estimator):
        model = GaussianMixture(1.0, 1.0, estimator=estimator)
        state = {"mean": np.array([0.7, 0.0]), "std": np.zeros(2)}
        rng = np.random.default_rng(1)
        for fitted in (model.step(state, 5, rng), model.fit(model.draw(state, 5, rng))):
            np.testing.assert_array_equal(fitted["mean"], state["mean"])
            np.testing.assert_array_equal(fitted["std"], 0.0)

    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_beside_ordinary_rows(self, estimator):
        x = np.random.default_rng(1).standard_normal((3, 6))
        model = GaussianMixture(1.0, 1.0, estimator=estimator)
        alone = model.fit(x)
        x_more = np.vstack([np.ones(6), x[0], np.zeros(6), x[1:]])
        together = model.fit(x_more)
        for name in alone:
            np.testing.assert_array_equal(together[name][[1, 3, 4]], alone[name])

    def test_one_cluster_is_one_mode(self):
        # Few values far out: kurtosis above 3.
        x = np.array([[0.0, 0.1, -0.1, 0.05, -0.02, 0.0, 0.0, 3.0]])
        fitted = GaussianMixture(1.0, 1.0).fit(x)
        assert fitted["mean"][0] == 0
        assert fitted["std"][0] == pytest.approx(np.sqrt((x**2).mean()), rel=1e-14)

    @pytest.mark.parametrize("ratio", [1e3, 1e7, 1e12, 1e300])
    @pytest.mark.parametrize("estimator", ESTIMATORS)
    def test_modes_far_apart_keep_all_digits(self, estimator, ratio):
        model = GaussianMixture(1.0, 1 / ratio, estimator=estimator)
        start = {name: np.repeat(value, 50) for name, value in model.parameters.items()}
        fitted = model.step(start, 8, np.random.default_rng(3))
        z = np.random.default_rng(3).standard_normal((50, 8))
        factor = 1.0
        if estimator == "algorithm1":  # the fallback: S = m², up to V
            m, variance = 1 + z.mean(axis=1) / ratio, (z.std(axis=1) / ratio) ** 2
            rho = 1 + variance / m**2
            factor = np.sqrt(50 * rho / (50 + 2 * rho))
        np.testing.assert_allclose(fitted["std"] * ratio, factor * z.std(axis=1), rtol=1e-12)


def test_the_equation_of_the_maximum_to_many_digits():
    x = data_sets(10, 20, 7)
    x = x[np.ptp(np.abs(x), axis=1) > 0]
    fitted = GaussianMixture(1.0, 1.0).fit(x)
    for row, mean, std in zip(x, fitted["mean"], fitted["std"], strict=True):
        with mp.workdps(40):
            slope = mp.mpf(mean) / mp.mpf(std) ** 2
            guess = mp.fsum(mp.mpf(v) * mp.tanh(slope * mp.mpf(v)) for v in row) / len(row)
            # The relative slope of the difference is at least 1e-4 or so in these data.
            assert abs(guess - mp.mpf(mean)) <= mp.mpf(1e-12) * np.abs(row).max()


@pytest.mark.parametrize("estimator", ESTIMATORS)
class TestInvariance:
    def test_signs_and_order_do_not_matter(self, estimator):
        rng = np.random.default_rng(1)
        x = rng.standard_normal((50, 7)) + 1
        model = GaussianMixture(1.0, 1.0, estimator=estimator)
        plain = model.fit(x)
        other = model.fit(rng.permuted(x, axis=1) * rng.choice([-1, 1], x.shape))
        for name in plain:
            np.testing.assert_allclose(other[name], plain[name], rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize("scale", [1e-200, 1e-3, 7.0, 1e200])
    def test_scale(self, estimator, scale):
        x = np.random.default_rng(1).standard_normal((50, 7)) + 1
        model = GaussianMixture(1.0, 1.0, estimator=estimator)
        plain, scaled = model.fit(x), model.fit(scale * x)
        for name in plain:
            np.testing.assert_allclose(scaled[name] / scale, plain[name], rtol=1e-9, atol=1e-9)


def test_separated_modes_lose_no_digit_to_ties():
    # The maximum lies so close to the end of the search range that their likelihoods tie by
    # rounding. Expectation-maximisation, which converges fast here, compares no likelihoods.
    x = 4 + np.random.default_rng(1).standard_normal((20_000, 10))
    ml = GaussianMixture(1.0, 1.0).fit(x)
    em = GaussianMixture(1.0, 1.0, estimator="em", em_steps=400).fit(x)
    np.testing.assert_allclose(ml["std"], em["std"], rtol=1e-13)
    np.testing.assert_allclose(ml["mean"], em["mean"], rtol=1e-13)


def test_algorithm_1_as_it_is_stated():
    rng = np.random.default_rng(1)
    for n in (2, 5, 10, 50):
        for eta, fallback in ((2.0, 50.0), (5.0, 10.0), (1.1, 3.0), (1e6, 50.0)):
            for r in (0.0, 1.0, 3.0, 30.0):
                x = rng.standard_normal((40, n)) + r * rng.choice([-1, 1], (40, n))
                fitted = GaussianMixture(
                    1.0, 1.0, estimator="algorithm1", eta=eta, fallback=fallback
                ).fit(x)
                free = n - 1
                kappa = np.exp((eta - 1) * (free / 2 + 4 * eta)
                               / (eta * free * (n + 4 * eta - 1))) - 1
                for row, mean, std in zip(x, fitted["mean"], fitted["std"], strict=True):
                    m, s = np.abs(row).mean(), (row**2).mean()
                    v = np.abs(row).var()  # s − m² would lose digits
                    if s <= (1 + kappa) * m * m:
                        a = fallback
                    else:
                        a = 2 * (1 + kappa) * s / (s - (1 + kappa) * m * m)
                    var = a * s * v / (a * m * m + 2 * s) if s <= 2 * a / (a - 2) * m * m else s
                    assert std == pytest.approx(np.sqrt(var), rel=1e-9)
                    assert mean == pytest.approx(np.sqrt(s - var), rel=1e-9, abs=1e-7)


def test_em_is_its_two_lines():
    x = np.random.default_rng(1).standard_normal((20, 9)) + 1
    for steps in (1, 2, 37):
        fitted = GaussianMixture(1.0, 1.0, estimator="em", em_steps=steps).fit(x)
        for row, mean, std in zip(x, fitted["mean"], fitted["std"], strict=True):
            mu, var = np.abs(row).mean(), np.abs(row).var()
            for _ in range(steps):
                mu = np.mean(row * np.tanh(mu * row / var))
                var = np.mean(row**2) - mu**2
            assert (mean, std) == pytest.approx((mu, np.sqrt(var)), rel=1e-10)


def test_an_unfinished_search_is_an_error(monkeypatch):
    monkeypatch.setattr(_mixture_likelihood, "_MAX_HALVINGS", 1)
    x = data_sets(10, 100, 8)
    with pytest.raises(RuntimeError, match="not maximised"):
        GaussianMixture(1.0, 1.0).fit(x)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("ratio", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("size", [2, 10])
def test_step_and_draw_then_fit_have_one_law(size, ratio, estimator, assert_plausible):
    model = GaussianMixture(2 * ratio, 2.0, estimator=estimator)
    begin = start(model, REPLICATIONS)
    quick = model.step(begin, size, np.random.default_rng(1))
    plain = model.fit(model.draw(begin, size, np.random.default_rng(2)))
    for name in ("mean", "std"):
        assert quick[name].shape == plain[name].shape == (REPLICATIONS,)
        assert_plausible(stats.ks_2samp(quick[name], plain[name]).pvalue)


def test_each_replication_uses_its_own_parameters():
    state = {"mean": np.array([0.0, 1e6, 5.0]), "std": np.array([1.0, 1e-3, 1e3])}
    model = GaussianMixture(1.0, 1.0)
    rng = np.random.default_rng(1)
    for fitted in (model.step(state, 2000, rng), model.fit(model.draw(state, 2000, rng))):
        np.testing.assert_allclose(np.hypot(fitted["std"], fitted["mean"]),
                                   np.hypot(state["std"], state["mean"]), rtol=0.2)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_paths_by_the_slow_twin(estimator, assert_plausible):
    means, stds = slow_mixture(np.random.default_rng(9), mean=1.0, std=1.0, sizes=[6] * 6,
                               replications=300, estimator=estimator)
    run = recursive_training(GaussianMixture(1.0, 1.0, estimator=estimator), sample_size=6,
                             generations=6, replications=REPLICATIONS, seed=10)
    for generation in (1, 6):
        for name, twin in (("mean", means), ("std", stds)):
            quick = run[name].sel(generation=generation).values
            assert_plausible(stats.ks_2samp(quick, twin[:, generation]).pvalue)


def test_separated_modes_follow_the_exact_gaussian_law(assert_plausible):
    # At μ/σ = 40 the modes never meet again: the divisor-n chain of the Gaussian, on |x|.
    run = recursive_training(GaussianMixture(40.0, 1.0), sample_size=10, generations=2000,
                             replications=500, seed=1, keep=[1, 30, 2000])
    for generation in (1, 30, 2000):
        std = run["std"].sel(generation=generation).values
        assert np.all(std > 0)  # about e^(-220) in the end
        levels = gaussian_law.std_cdf(std, 10, generation, ddof=0)
        assert_plausible(stats.kstest(levels, "uniform").pvalue)


def test_separated_modes_under_algorithm_1(assert_plausible):
    # The fallback takes another factor 50ρ/(50 + 2ρ) with ρ = 1: 25/26 a generation.
    run = recursive_training(GaussianMixture(1e6, 1.0, estimator="algorithm1"), sample_size=10,
                             generations=50, replications=2000, seed=1, keep=[50])
    std = run["std"].values[:, 0] * (26 / 25) ** 25
    assert_plausible(stats.kstest(gaussian_law.std_cdf(std, 10, 50, ddof=0), "uniform").pvalue)


def test_a_run_can_be_made_again():
    model = GaussianMixture(1.0, 2.0, estimator="algorithm1", eta=3.0, fallback=7.0)
    run = recursive_training(model, sample_size=5, generations=3, replications=4, seed=1)
    assert run.equals(replay(run))
    assert "algorithm1" in repr(model) and "eta=3.0" in repr(model)
    for estimator in ESTIMATORS:
        assert estimator in repr(GaussianMixture(1.0, 2.0, estimator=estimator))


def test_numbers_do_not_depend_on_jobs_or_keep():
    arguments = dict(sample_size=5, generations=6, replications=1500, seed=1)
    run = recursive_training(GaussianMixture(1.0, 1.0), **arguments)
    assert run.equals(recursive_training(GaussianMixture(1.0, 1.0), **arguments, n_jobs=2))
    kept = recursive_training(GaussianMixture(1.0, 1.0), **arguments, keep=[0, 4, 6])
    for name in ("mean", "std"):
        np.testing.assert_array_equal(kept[name], run[name].sel(generation=[0, 4, 6]))


def test_algorithm_1_stays_below_its_dominating_variance():
    # For every sample: σ'² <= (1 + κ) times the variance of the samples with their signs undone.
    rng = np.random.default_rng(1)
    for n in (2, 3, 10, 100):
        for r in (0.0, 0.5, 1.0, 5.0, 50.0):
            z = r + rng.standard_normal((2000, n))
            x = z * rng.choice([-1, 1], z.shape)
            for eta, fallback in ((20.0, 2.5), (2.0, 50.0)):
                model = GaussianMixture(1.0, 1.0, estimator="algorithm1", eta=eta,
                                        fallback=fallback)
                variance = model.fit(x)["std"] ** 2
                ceiling = (1 + suresh.kappa(n, eta=eta)) * z.var(axis=1)
                assert np.all(variance <= ceiling * (1 + 1e-9))
            if n >= 10 and r >= 5:  # the modes are apart: the ceiling is reached, or nearly
                assert np.any(variance > 0.9 * ceiling)


def test_the_twin_solver_agrees_sample_by_sample():
    x = data_sets(6, 10, 11)
    x = x[np.ptp(np.abs(x), axis=1) > 1e-6]
    fitted = GaussianMixture(1.0, 1.0).fit(x)
    for row, mean, std in zip(x, fitted["mean"], fitted["std"], strict=True):
        scale = np.sqrt((row**2).mean())
        best = max((optimize.minimize(
            lambda p, row=row: -log_likelihood(row, abs(p[0]), np.exp(p[1])),
            [m * scale, np.log(s * scale)], method="Nelder-Mead",
            options=dict(xatol=1e-8, fatol=1e-13, maxiter=2000))
            for m, s in ((0.0, 1.0), (0.9, 0.4), (0.5, 0.8))), key=lambda r: -r.fun)
        assert log_likelihood(row, mean, std) >= -best.fun - 1e-9
