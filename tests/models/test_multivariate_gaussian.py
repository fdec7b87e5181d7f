"""MultivariateGaussian: Bartlett's step against samples, the Wishart law and the slow twin."""

import numpy as np
import pytest
from scipy import special, stats
from slow_twin import multivariate_gaussian as slow_multivariate_gaussian

from collapse import Gaussian, MultivariateGaussian, recursive_training
from collapse.laws import multivariate_gaussian as law
from models.starts import start

MEAN = np.array([1.0, -2.0, 0.5])
COV = np.array([[2.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 0.5]])
REPLICATIONS = 5000


def step(model, size, rng, replications=REPLICATIONS):
    return model.step(start(model, replications), size, rng)


def draw_then_fit(model, size, rng, replications=REPLICATIONS):
    return model.fit(model.draw(start(model, replications), size, rng))


def test_fit_is_the_mean_and_the_covariance():
    samples = np.random.default_rng(1).normal(size=(6, 9, 3))
    for ddof in (0, 1):
        fitted = MultivariateGaussian(MEAN, COV, ddof=ddof).fit(samples)
        for replication in range(6):
            np.testing.assert_allclose(fitted["mean"][replication],
                                       samples[replication].mean(axis=0), rtol=1e-12)
            np.testing.assert_allclose(
                fitted["cov"][replication],
                np.cov(samples[replication], rowvar=False, ddof=ddof), rtol=1e-12)


@pytest.mark.parametrize("route", [step, draw_then_fit])
@pytest.mark.parametrize("size", [4, 10])
@pytest.mark.parametrize("ddof", [0, 1])
class TestOneGeneration:
    def test_factor_of_the_covariance(self, route, size, ddof):
        fitted = route(MultivariateGaussian(MEAN, COV, ddof=ddof), size, np.random.default_rng(1),
                       replications=50)
        factor = fitted["cholesky"]
        np.testing.assert_array_equal(factor, np.tril(factor))
        assert np.all(np.diagonal(factor, axis1=1, axis2=2) > 0)
        np.testing.assert_allclose(factor @ factor.transpose(0, 2, 1), fitted["cov"],
                                   rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(fitted["cov"], fitted["cov"].transpose(0, 2, 1))

    def test_moments_of_the_covariance(self, route, size, ddof, assert_within):
        # ν S = Wishart(ν, Σ): E S = Σ, Var S_ij = (Σ_ij² + Σ_ii Σ_jj)/ν.
        replications = 20_000
        fitted = route(MultivariateGaussian(MEAN, COV, ddof=ddof), size,
                       np.random.default_rng([2, size, ddof]), replications)
        nu, divisor = size - 1, size - ddof
        variance = (COV**2 + np.outer(np.diag(COV), np.diag(COV))) * nu / divisor**2
        expected = COV * nu / divisor
        assert_within(fitted["cov"].mean(axis=0), expected, np.sqrt(variance / replications))
        squares = (fitted["cov"] - expected) ** 2
        assert_within(squares.mean(axis=0), variance,
                      squares.std(axis=0) / np.sqrt(replications))

    def test_law_along_directions(self, route, size, ddof, assert_plausible):
        # u'Su is a chi-square and u'mean a normal, for every u.
        fitted = route(MultivariateGaussian(MEAN, COV, ddof=ddof), size,
                       np.random.default_rng([3, size, ddof]))
        for u in (np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), np.array([0.3, -1.0, 2.0])):
            scale = u @ COV @ u
            spread = np.einsum("i,rij,j->r", u, fitted["cov"], u) * (size - ddof) / scale
            assert_plausible(stats.kstest(spread, stats.chi2(size - 1).cdf).pvalue)
            center = (fitted["mean"] - MEAN) @ u
            assert_plausible(
                stats.kstest(center, stats.norm(0, np.sqrt(scale / size)).cdf).pvalue)

    def test_mean_and_covariance_are_independent(self, route, size, ddof, assert_plausible):
        fitted = route(MultivariateGaussian(MEAN, COV, ddof=ddof), size,
                       np.random.default_rng([4, size, ddof]))
        for i in range(3):
            distance = np.abs(fitted["mean"][:, i] - MEAN[i])
            assert_plausible(stats.spearmanr(distance, fitted["cov"][:, i, i]).pvalue)


@pytest.mark.parametrize("ddof", [0, 1])
def test_step_and_draw_then_fit_have_one_law(ddof, assert_plausible):
    model = MultivariateGaussian(MEAN, COV, ddof=ddof)
    quick = step(model, 6, np.random.default_rng(5))
    plain = draw_then_fit(model, 6, np.random.default_rng(6))
    assert set(quick) == set(plain) == {"mean", "cov", "cholesky"}
    for name in quick:
        assert quick[name].shape == plain[name].shape
        entries = zip(quick[name].reshape(REPLICATIONS, -1).T,
                      plain[name].reshape(REPLICATIONS, -1).T, strict=True)
        for first, second in entries:
            if np.any(first != 0):
                assert_plausible(stats.ks_2samp(first, second).pvalue)
    for function in (np.linalg.det, lambda cov: np.linalg.eigvalsh(cov)[:, 0] / cov[:, 1, 1]):
        assert_plausible(stats.ks_2samp(function(quick["cov"]), function(plain["cov"])).pvalue)


@pytest.mark.parametrize("ddof", [0, 1])
def test_one_dimension_is_the_gaussian(ddof, assert_plausible):
    arguments = dict(sample_size=5, generations=12, replications=REPLICATIONS, keep=[1, 12])
    model = MultivariateGaussian([3.0], [[4.0]], ddof=ddof)
    vector = recursive_training(model, seed=1, **arguments)
    scalar = recursive_training(Gaussian(3.0, 2.0, ddof=ddof), seed=2, **arguments)
    for generation in (1, 12):
        first, second = vector.sel(generation=generation), scalar.sel(generation=generation)
        assert_plausible(stats.ks_2samp(first["mean"].values[:, 0], second["mean"]).pvalue)
        deviation = np.sqrt(first["cov"].values[:, 0, 0])
        assert_plausible(stats.ks_2samp(deviation, second["std"]).pvalue)


@pytest.mark.parametrize("n, k, ddof", [(4, 3, 1), (6, 30, 0), (30, 20, 1)])
def test_volume_has_the_exact_law(n, k, ddof, assert_plausible):
    run = recursive_training(MultivariateGaussian(MEAN, COV, ddof=ddof), sample_size=n,
                             generations=k, replications=REPLICATIONS, seed=8, keep=[0, k])
    diagonals = np.diagonal(run["cholesky"].values, axis1=2, axis2=3)
    volume = np.exp(np.log(diagonals).sum(axis=2))
    levels = law.volume_sf(volume[:, 1] / volume[:, 0], n, k, dim=3, ddof=ddof)
    assert_plausible(stats.kstest(levels, "uniform").pvalue)


def test_paths_by_the_slow_twin(assert_plausible):
    means, covs = slow_multivariate_gaussian(
        np.random.default_rng(9), mean=MEAN[:2], cov=COV[:2, :2], sizes=[5, 30, 4, 9],
        replications=1500, ddof=1)
    run = recursive_training(MultivariateGaussian(MEAN[:2], COV[:2, :2]), sample_size=[5, 30, 4, 9],
                             generations=4, replications=REPLICATIONS, seed=10)
    for generation in (1, 2, 4):
        quick = run.sel(generation=generation)
        for i, j in ((0, 0), (0, 1), (1, 1)):
            assert_plausible(stats.ks_2samp(quick["cov"].values[:, i, j],
                                            covs[:, generation, i, j]).pvalue)
        for i in (0, 1):
            assert_plausible(stats.ks_2samp(quick["mean"].values[:, i],
                                            means[:, generation, i]).pvalue)
        correlation = covs[:, generation, 0, 1] / np.sqrt(
            covs[:, generation, 0, 0] * covs[:, generation, 1, 1])
        cov = quick["cov"].values
        assert_plausible(stats.ks_2samp(cov[:, 0, 1] / np.sqrt(cov[:, 0, 0] * cov[:, 1, 1]),
                                        correlation).pvalue)


def test_exponents_of_the_eigenvalues(assert_within):
    # Each log diagonal entry of the Cholesky factor is a random walk with drift λ_i/2 whose steps
    # are ½ log χ²_{ν-i+1}, of variance ψ'((ν-i+1)/2)/4.
    n, dim, k, replications = 10, 3, 1000, 200
    run = recursive_training(MultivariateGaussian(np.zeros(dim), np.eye(dim)), sample_size=n,
                             generations=k, replications=replications, seed=3, keep=[k])
    logs = 2 * np.log(np.diagonal(run["cholesky"].values[:, 0], axis1=1, axis2=2)) / k
    se = np.sqrt(special.polygamma(1, (n - 1 - np.arange(dim)) / 2) / (k * replications))
    assert_within(logs.mean(axis=0), law.lyapunov_exponents(n, dim), se)


def test_a_collapsed_cloud_stays_finite():
    # The condition number passes 1e16 on the way: the factor, not the covariance, is carried on.
    run = recursive_training(MultivariateGaussian(MEAN, COV), sample_size=5, generations=400,
                             replications=20, seed=3)
    factor = run["cholesky"].values
    diagonal = np.diagonal(factor, axis1=2, axis2=3)
    assert np.all(np.isfinite(factor)) and np.all(diagonal > 0)
    assert (diagonal[:, -1, 0] / diagonal[:, -1, 2]).max() > 1e10


def test_power_the_volume_law_of_another_size_is_rejected(assert_plausible):
    run = recursive_training(MultivariateGaussian(MEAN, COV), sample_size=10, generations=20,
                             replications=REPLICATIONS, seed=8, keep=[0, 20])
    diagonals = np.diagonal(run["cholesky"].values, axis1=2, axis2=3)
    volume = np.exp(np.log(diagonals).sum(axis=2))
    levels = law.volume_sf(volume[:, 1] / volume[:, 0], 11, 20, dim=3)
    with pytest.raises(AssertionError):
        assert_plausible(stats.kstest(levels, "uniform").pvalue)
