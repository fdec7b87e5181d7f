"""Accumulate and subsample: pooled statistics against kept samples, and the laws that they obey."""

import numpy as np
import pytest
import xarray as xr
from models.starts import OnlySamples, assert_one_law, start

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
    _checks,
    models,
    recursive_training,
    replay,
    schedules,
)
from collapse._workflows import make

MODELS = [
    Bernoulli(0.3), Categorical([0.1, 0.3, 0.6]), Categorical([0.1, 0.3, 0.6], smoothing=0.5),
    Poisson(2.0), Exponential(1.0), Gaussian(1.0, 2.0), Gaussian(1.0, 2.0, ddof=0),
    MultivariateGaussian([0, 1], [[2.0, 0.6], [0.6, 1.0]]),
]
SIZES = [5, 3, 9]
REPLICATIONS = 3000


def test_no_model_with_statistics_is_missing():
    assert {type(model).__name__ for model in MODELS} == {
        name for name in models.__all__ if hasattr(getattr(models, name), "summarise")}


def three_generations(model, start_of, workflow, fraction, seed):
    """The last of three generations, by hand."""
    step, state = make(model, None, fraction, workflow), start(start_of, REPLICATIONS)
    rng = np.random.default_rng(seed)
    for size in SIZES:
        state = step(state, size, rng)
    return state


@pytest.mark.parametrize("workflow", ["accumulate", "subsample"])
@pytest.mark.parametrize("fraction", [0.0, 0.3])
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_statistics_and_samples_have_one_law(model, fraction, workflow, assert_plausible):
    quick = three_generations(model, model, workflow, fraction, 1)
    plain = three_generations(OnlySamples(model), model, workflow, fraction, 2)
    assert set(quick) == set(plain)
    for name in quick:
        first, second = (np.round(f[name].reshape(REPLICATIONS, -1), 9) for f in (quick, plain))
        for column in range(first.shape[1]):
            assert_one_law(first[:, column], second[:, column], assert_plausible)


@pytest.mark.parametrize("model", [Bernoulli(0.5), Categorical([0.5, 0.5]), Gaussian(),
                                   Exponential(1.0)], ids=repr)
def test_a_pool_may_be_as_large_as_the_numbers_allow(model):
    arguments = dict(generations=4, replications=3, seed=4, workflow="accumulate")
    run = recursive_training(model, sample_size=2**60, **arguments)
    for name, first in model.parameters.items():
        last = run[name].values[:, -1]
        np.testing.assert_allclose(last, np.broadcast_to(first, last.shape), atol=1e-7)
    with pytest.raises(ValueError, match=r"^sample_size must add up to at most 2\*\*62 "):
        recursive_training(model, sample_size=[2**60] * 3 + [2**60 + 10**6], **arguments)


@pytest.mark.parametrize("model, workflow", [
    (OnlySamples(Gaussian()), "replace"), (OnlySamples(Gaussian()), "accumulate"),
    (Gaussian(), "subsample"), (GaussianMixture(1.0, 1.0), "replace"),
    (GLM([0.0, 1.0], family="logistic"), "replace"),
], ids=lambda value: value if isinstance(value, str) else type(value).__name__)
@pytest.mark.parametrize("fraction", [0.0, 0.5])
def test_samples_that_cannot_be_held(model, workflow, fraction):
    for sizes in ([2**60] * 3, [5, 2**31, 5]):
        with pytest.raises(ValueError, match="^sample_size must be smaller, or replications: "):
            recursive_training(model, sample_size=sizes, generations=3, replications=2, seed=1,
                               workflow=workflow, fresh_fraction=fraction)


@pytest.mark.parametrize("workflow", ["accumulate", "subsample"])
def test_kept_samples_that_cannot_be_held(workflow, monkeypatch):
    monkeypatch.setattr(_checks, "MAX_SAMPLES", 10)
    arguments = dict(sample_size=3, replications=2, seed=1, workflow=workflow)
    recursive_training(OnlySamples(Gaussian()), generations=1, **arguments)
    with pytest.raises(ValueError, match="^sample_size must be smaller.* 2 times 6 "):
        recursive_training(OnlySamples(Gaussian()), generations=2, **arguments)


@pytest.mark.parametrize("workflow", ["accumulate", "subsample"])
@pytest.mark.parametrize("model", [*MODELS, EmpiricalMeasure(np.arange(7.0)),
                                   GLM([0.0, 1.0], family="gaussian")], ids=repr)
def test_streams_and_provenance(model, workflow):
    arguments = dict(sample_size=[6, 3, 8, 4, 9], seed=5, workflow=workflow)
    long = recursive_training(model, generations=5, replications=1100, **arguments)
    short = recursive_training(model, generations=3, replications=1100, **arguments, n_jobs=2)
    for name in long.data_vars:
        np.testing.assert_array_equal(short[name], long[name].isel(generation=slice(4)))
    xr.testing.assert_identical(replay(long), long)


def test_the_workflows_part_after_one_generation(assert_plausible):
    """Until there is a pool they are the same."""
    runs = [recursive_training(Bernoulli(0.4), sample_size=30, generations=6, replications=4000,
                               seed=seed, workflow=workflow)["p"].values
            for seed, workflow in enumerate(["replace", "accumulate", "subsample"])]
    for other in runs[1:]:
        assert_one_law(runs[0][:, 1], other[:, 1], assert_plausible)
    for first, second in ((0, 1), (0, 2), (1, 2)):  # power: later they are not
        with pytest.raises(AssertionError):
            assert_one_law(runs[first][:, 6], runs[second][:, 6], assert_plausible)


class TestAccumulate:
    def test_least_squares(self, assert_within):
        """Gerstgrasser et al. (2024): Σ 1/t² times the risk of real data, at most π²/6 times."""
        model = GLM([2.0], family="gaussian")  # a mean with known variance
        n, generations, replications = 4, 30, 20_000
        run = recursive_training(
            model, sample_size=n, generations=generations, replications=replications, seed=1,
            workflow="accumulate", keep=[1, 10, 30])
        risk = (run["coefficients"][..., 0] - 2.0) ** 2
        exact = np.array([sum(1 / s**2 for s in range(1, t + 1)) for t in (1, 10, 30)]) / n
        assert_within(risk.mean("replication"), exact, exact * np.sqrt(2 / replications))
        assert np.all(exact <= np.pi**2 / 6 / n)
        with pytest.raises(AssertionError):  # power: replacing costs T times as much
            assert_within(risk.mean("replication"), np.array([1, 10, 30]) / n,
                          exact * np.sqrt(2 / replications))

    def test_regression_with_covariates(self):
        """The bound for random designs, where there is no formula: it holds with room."""
        model = GLM([0.0, 1.0, -1.0], family="gaussian")
        run = recursive_training(
            model, sample_size=20, generations=25, replications=4000, seed=2,
            workflow="accumulate", keep=[1, 25])
        risk = ((run["coefficients"] - model.coefficients) ** 2).sum("feature")
        ratio = float(risk[:, 1].mean() / risk[:, 0].mean())
        assert 1.3 < ratio < np.pi**2 / 6

    @pytest.mark.parametrize("ddof", [0, 1])
    @pytest.mark.parametrize("schedule", [schedules.constant(5), schedules.power(5, 1.0)],
                             ids=repr)
    def test_gaussian_moments(self, ddof, schedule, assert_within):
        """With N' = N + n samples E V' = E V (1 − (n/N')/(N' − ddof)): no collapse."""
        generations, replications = 12, 20_000
        run = recursive_training(
            Gaussian(0.0, 1.0, ddof=ddof), sample_size=schedule, generations=generations,
            replications=replications, seed=3, workflow="accumulate")
        sizes = schedule(np.arange(generations))
        total, spread, square = 0, 1.0, 0.0
        for t, n in enumerate(sizes.tolist(), start=1):
            square += (n / (total + n)) ** 2 * spread / n
            total += n
            spread *= ((n - 1) / (n - ddof) if t == 1
                       else 1 - n / total / (total - ddof))
            means, variances = run["mean"][:, t].values ** 2, run["std"][:, t].values ** 2
            assert_within(means.mean(), square, means.std() / np.sqrt(replications))
            assert_within(variances.mean(), spread, variances.std() / np.sqrt(replications))
        assert spread > 0.5


class TestSubsample:
    @pytest.mark.parametrize("model", [Bernoulli(0.3), Categorical([0.3, 0.7])], ids=repr)
    def test_heterozygosity(self, model, assert_within):
        """E Y(1 − Y) of the pool falls by 1 − (c + (1 − c)/n)/(t + 1)², c = (N − n)/(n(N − 1))."""
        n, generations, replications = 6, 15, 20_000
        run = recursive_training(
            model, sample_size=n, generations=generations, replications=replications, seed=4,
            workflow="subsample")
        name = next(iter(run.data_vars))
        share = run[name].values.reshape(replications, generations + 1, -1)[:, :, 0]
        pool = 0.21 * (1 - 1 / n)  # after D_0
        for t in range(1, generations):
            total = t * n
            c = (total - n) / (n * (total - 1)) if t > 1 else 0.0
            # The model of generation t is fitted to n of the pool of t n.
            model_value = share[:, t] * (1 - share[:, t])
            assert_within(model_value.mean(), pool * (1 - c),
                          model_value.std() / np.sqrt(replications))
            pool *= 1 - (c + (1 - c) / n) / (t + 1) ** 2
        assert pool > 0.1  # it does not collapse

    def test_no_sample_is_chosen_twice(self):
        """With distinct atoms a subsample of the first data alone has no doubled weight."""
        model = Bernoulli(1.0)
        statistics = {"count": np.array([9]), "total": np.array([4])}
        drawn = [model.subsample(statistics, 9, np.random.default_rng(i))["total"][0]
                 for i in range(50)]
        assert set(drawn) == {4}

    def test_a_pool_that_is_too_large(self):
        with pytest.raises(ValueError) as caught:
            recursive_training(Bernoulli(0.5), sample_size=6 * 10**8, generations=3, seed=1,
                               workflow="subsample")
        assert "sample_size" in str(caught.value) and "10^9" in str(caught.value)


def test_fresh_samples_beside_accumulation(assert_within):
    """The error of the mean when a fraction of each generation is real, exactly."""
    n, generations, fraction, replications = 5, 10, 0.4, 20_000
    run = recursive_training(
        GLM([0.0], family="gaussian"), sample_size=n, generations=generations,
        replications=replications, seed=6, workflow="accumulate", fresh_fraction=fraction)
    # m' = ((t − 1) m + y)/t, y the mean of n draws, each from N(0, 1) or N(m, 1).
    risk = 0.0
    for t in range(1, generations + 1):
        factor = 1 - fraction / t
        noise = (1 + fraction * (1 - fraction) * risk) / n
        risk = factor**2 * risk + noise / t**2
        squares = run["coefficients"][:, t, 0].values ** 2
        assert_within(squares.mean(), risk, squares.std() / np.sqrt(replications))


def test_an_empirical_measure_needs_room_for_the_pool():
    model = EmpiricalMeasure(np.arange(10.0), capacity=20)
    arguments = dict(sample_size=10, generations=3, seed=1, fresh_fraction=0.1)
    with pytest.raises(ValueError, match="sample_size.*20"):
        recursive_training(model, **arguments, workflow="accumulate")
    recursive_training(model, **arguments, workflow="subsample")
