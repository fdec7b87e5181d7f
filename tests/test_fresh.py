"""Fresh samples from a source: quick routes against samples, laws, streams, provenance."""

import numpy as np
import pytest
import xarray as xr
from models.starts import OnlySamples, assert_one_law, start
from scipy import stats
from slow_twin import gaussian_excited as slow_gaussian

from collapse import (
    GLM,
    Bernoulli,
    Categorical,
    EmpiricalMeasure,
    Exponential,
    Gaussian,
    GaussianMixture,
    MultivariateGaussian,
    Poisson,
    models,
    recursive_training,
    replay,
)
from collapse._workflows import _mixed_step
from collapse.laws import excitation

COV = [[2.0, 0.6], [0.6, 1.0]]
PAIRS = [
    (Bernoulli(0.2), Bernoulli(0.9)),
    (Categorical([0.1, 0.3, 0.6]), Categorical([0.5, 0.5, 0.0])),
    (Categorical([0.1, 0.3, 0.6], smoothing=0.5), Categorical([0.5, 0.5, 0.0])),
    (Poisson(2.0), Poisson(9.0)),
    (Exponential(1.0), Exponential(5.0)),
    (Gaussian(0.0, 1.0), Gaussian(3.0, 0.5)),
    (Gaussian(0.0, 1.0, ddof=0), Gaussian(3.0, 0.5)),
    (MultivariateGaussian([0, 0], np.eye(2)), MultivariateGaussian([2, -1], COV)),
    (MultivariateGaussian([0, 0], np.eye(2), ddof=0), MultivariateGaussian([2, -1], COV)),
]
ALL = [*PAIRS, (GaussianMixture(1.0, 0.5), None), (Gaussian(), Exponential(1.0)),
       (EmpiricalMeasure(np.arange(30.0)), Gaussian()),
       (GLM([0.0, 1.0], family="gaussian"), GLM([1.0, 0.0], family="gaussian"))]


def test_no_model_is_missing():
    for pairs, needed in ((PAIRS, "summarise"), (ALL, "fit")):
        assert {type(model).__name__ for model, _ in pairs} >= {
            name for name in models.__all__ if hasattr(getattr(models, name), needed)}


def name(value):
    return type(value).__name__


@pytest.mark.parametrize("model, source", PAIRS, ids=name)
@pytest.mark.parametrize("size, fraction", [(3, 0.4), (40, 0.1)])
def test_quick_routes_have_the_law_of_samples(model, source, size, fraction, assert_plausible):
    state = start(model, 4000)
    quick = _mixed_step(model, source, fraction, state, size, np.random.default_rng(1))
    plain = _mixed_step(
        OnlySamples(model), source, fraction, state, size, np.random.default_rng(2))
    assert set(quick) == set(plain)
    for key in quick:
        assert quick[key].shape == plain[key].shape
        first, second = (np.round(f[key].reshape(4000, -1), 9) for f in (quick, plain))
        for column in range(first.shape[1]):
            assert_one_law(first[:, column], second[:, column], assert_plausible)
    if "mean" in quick and quick["mean"].ndim == 1:  # mean and spread together
        assert_plausible(stats.ks_2samp(*(f["mean"] * f["std"] for f in (quick, plain))).pvalue)


@pytest.mark.parametrize("model, source", ALL, ids=name)
def test_the_ends_of_the_range(model, source):
    arguments = dict(sample_size=20, generations=3, replications=5, seed=1)
    run = recursive_training(model, **arguments, source=source, fresh_fraction=0.0)
    alone = recursive_training(model, **arguments)
    for key in alone.data_vars:
        np.testing.assert_array_equal(run[key], alone[key])
    run = recursive_training(model, **arguments, source=source, fresh_fraction=1.0)
    assert all(np.all(np.isfinite(run[key])) for key in run.data_vars)


@pytest.mark.parametrize("model, source", ALL, ids=name)
def test_all_fresh_forgets_the_start(model, source):
    """With every sample fresh, generation 2 does not depend on generation 0."""
    state, other = start(model, 6), start(model, 6)
    for key, value in other.items():
        if key != "weights":
            other[key] = np.where(value > 0, value / 2, value)
    source = model if source is None else source
    results = [_mixed_step(model, source, 1.0, s, 20, np.random.default_rng(3))
               for s in (state, other)]
    if isinstance(model, (EmpiricalMeasure,)):
        results = [{"mean": (r["atoms"] * r["weights"]).sum(axis=1)} for r in results]
    for key in results[0]:
        np.testing.assert_allclose(results[0][key], results[1][key], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("model, source", ALL, ids=name)
def test_streams_and_provenance(model, source):
    arguments = dict(sample_size=20, seed=5, source=source, fresh_fraction=0.3)
    long = recursive_training(model, generations=6, replications=1100, **arguments)
    short = recursive_training(model, generations=4, replications=1100, **arguments, n_jobs=2)
    kept = recursive_training(model, generations=6, replications=1100, **arguments, keep=[2, 6])
    for key in long.data_vars:
        np.testing.assert_array_equal(short[key], long[key].isel(generation=slice(5)))
        np.testing.assert_array_equal(kept[key], long[key].sel(generation=[2, 6]))
    xr.testing.assert_identical(replay(long), long)


def test_replay_needs_a_source_that_is_not_of_the_package():
    source = OnlySamples(Gaussian(2.0))
    run = recursive_training(
        Gaussian(), sample_size=5, generations=3, seed=1, source=source, fresh_fraction=0.5)
    with pytest.raises(ValueError, match="source must be given"):
        replay(run)
    xr.testing.assert_identical(replay(run, source=source), run)


@pytest.mark.parametrize("ddof", [0, 1])
def test_gaussian_against_the_slow_twin(ddof, assert_plausible):
    run = recursive_training(
        Gaussian(0.0, 1.0, ddof=ddof), sample_size=6, generations=8, replications=1500, seed=6,
        source=Gaussian(0.5, 2.0), fresh_fraction=0.2)
    means, stds = slow_gaussian(
        np.random.default_rng(7), mean=0.0, std=1.0, sizes=[6] * 8, replications=1500, ddof=ddof,
        source_mean=0.5, source_std=2.0, fraction=0.2)
    for t in (1, 8):
        assert_plausible(stats.ks_2samp(run["mean"][:, t], means[:, t]).pvalue)
        assert_plausible(stats.ks_2samp(run["std"][:, t], stds[:, t]).pvalue)


@pytest.mark.parametrize("ddof, fraction", [(0, 0.05), (0, 0.4), (1, 0.3)])
def test_gaussian_against_its_stationary_moments(ddof, fraction, assert_within):
    """Above the thresholds at which E V² becomes infinite: 0.044 and 0.151 for n = 10."""
    replications = 20_000
    end = recursive_training(
        Gaussian(ddof=ddof), sample_size=10, generations=150, replications=replications, seed=8,
        fresh_fraction=fraction, keep=[150])
    square = end["mean"][:, 0].values ** 2
    variance = end["std"][:, 0].values ** 2
    exact = excitation.gaussian_moments(10, fraction, ddof=ddof)
    error = np.sqrt(replications)
    assert_within(square.mean(), exact.mean_square, square.std() / error)
    assert_within(variance.mean(), exact.variance, variance.std() / error)


@pytest.mark.parametrize("p0", [0.0, 0.3])
def test_bernoulli_against_its_law(p0, assert_plausible):
    n, fraction, k = 25, 0.04, 12
    run = recursive_training(
        Bernoulli(p0), sample_size=n, generations=k, replications=20_000, seed=9,
        source=Bernoulli(0.3), fresh_fraction=fraction, keep=[k])
    counts = np.bincount(np.rint(run["p"].values[:, 0] * n).astype(int), minlength=n + 1)
    law = excitation.pmf(p0, 0.3, n, fraction, k)
    last = np.flatnonzero(law * 20_000 > 8)[-1]  # with all above it
    observed = np.append(counts[:last], counts[last:].sum())

    def p_value(law):
        expected = 20_000 * np.append(law[:last], law[last:].sum())
        return stats.chisquare(observed, expected * 20_000 / expected.sum()).pvalue

    assert_plausible(p_value(law))
    with pytest.raises(AssertionError):  # power
        assert_plausible(p_value(excitation.pmf(p0, 0.3, n, 1.3 * fraction, k)))


def test_categorical_covariance(assert_within):
    n, fraction = 20, 0.1
    q = np.array([0.2, 0.3, 0.5])
    end = recursive_training(
        Categorical(q), sample_size=n, generations=80, replications=20_000, seed=10,
        fresh_fraction=fraction, keep=[80])["probabilities"][:, 0].values
    product = (end[:, 0] - q[0]) * (end[:, 1] - q[1])
    exact = -q[0] * q[1] / (n - (n - 1) * (1 - fraction) ** 2)
    assert_within(product.mean(), exact, product.std() / np.sqrt(20_000))


def test_a_readers_model_needs_nothing_more():
    """`parameters`, `draw` and `fit` will do, for the model and for the source."""
    run = recursive_training(
        OnlySamples(Gaussian()), sample_size=50, generations=60, replications=50, seed=1,
        source=OnlySamples(Gaussian(7.0, 1.0)), fresh_fraction=0.5)
    assert abs(run["mean"][:, -1].mean() - 7.0) < 0.5
