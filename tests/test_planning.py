"""Plans: they meet their target, and nothing cheaper does."""

import itertools
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from collapse import Gaussian, laws, planning, recursive_training, schedules

noise_sum = laws.random_walk.noise_sum


@pytest.mark.parametrize("n", [2, 10, 1000])
@pytest.mark.parametrize("noise", [1.001, 1.5, 2.0, 7.3, 500.0])
@pytest.mark.parametrize("horizon", [2, 3, 10, 777])
class TestFixedHorizon:
    def test_meets_the_target(self, n, noise, horizon):
        plan = planning.plan(sample_size=n, noise=noise, horizon=horizon)
        assert len(plan.sample_size) == horizon and plan.sample_size[0] == n
        assert plan.noise <= noise
        assert plan.noise == pytest.approx(noise_sum(plan.sample_size, horizon), rel=1e-12)
        assert plan.budget == sum(plan.sample_size[1:]) and plan.exponent is None

    def test_one_sample_fewer_misses_it(self, n, noise, horizon):
        # Sizes that differ by one at most are the best of their sum (1/x is convex).
        plan = planning.plan(sample_size=n, noise=noise, horizon=horizon)
        sizes = np.array(plan.sample_size)
        assert np.ptp(sizes[1:]) <= 1
        largest = 1 + sizes[1:].argmax()
        if sizes[largest] > 1:
            sizes[largest] -= 1
            assert noise_sum(sizes, horizon) > noise * (1 - 1e-12)

    def test_the_bound_of_cauchy_and_schwarz(self, n, noise, horizon):
        plan = planning.plan(sample_size=n, noise=noise, horizon=horizon)
        least = n * (horizon - 1) ** 2 / (noise - 1)
        assert plan.budget >= least * (1 - 1e-12)
        assert plan.budget <= least + horizon or min(plan.sample_size) == 1


@pytest.mark.parametrize("n, noise, horizon", [
    (10**6, 1.0001, 5000), (1000, 2.0, 10**6), (10**7, 1.7, 10**5), (3, 1.1, 50)])
def test_rounding_decides_nothing(n, noise, horizon):
    # In fractions: the target is met, and one sample fewer would miss it.
    plan = planning.plan(sample_size=n, noise=noise, horizon=horizon)
    low, high = min(plan.sample_size[1:]), max(plan.sample_size[1:])
    many = plan.sample_size[1:].count(high) if high > low else 0

    def total(many):
        return 1 + n * (Fraction(many, low + 1) + Fraction(horizon - 1 - many, low))

    assert total(many) <= Fraction(noise)
    if many:
        assert total(many - 1) > Fraction(noise)
    else:  # one of the smaller ones, smaller still
        assert total(0) - Fraction(n, low) + Fraction(n, low - 1) > Fraction(noise)


def test_against_all_integer_schedules():
    # n_0 = 2, four generations: every schedule with fewer samples is too noisy.
    for noise in (1.3, 2.0, 2.9, 4.5, 6.2):
        plan = planning.plan(sample_size=2, noise=noise, horizon=4)
        cheaper = (
            sizes for sizes in itertools.product(range(1, plan.budget), repeat=3)
            if sum(sizes) == plan.budget - 1)
        assert all(noise_sum((2, *sizes), 4) > noise for sizes in cheaper)


@pytest.mark.parametrize("n", [2, 50, 10_000])
@pytest.mark.parametrize("noise", [2.01, 2.5, 3.612, 11.6, 100.0])
class TestAnyTime:
    def test_meets_the_target(self, n, noise):
        plan = planning.plan(sample_size=n, noise=noise)
        assert plan.budget is None and plan.exponent > 1 and plan.noise <= noise
        last = 10**5 if plan.exponent < 2.5 else 100
        assert noise_sum(plan.sample_size, last) < noise

    def test_a_smaller_exponent_does_not(self, n, noise):
        plan = planning.plan(sample_size=n, noise=noise)
        smaller = 1 + (plan.exponent - 1) * (1 - 1e-4)
        value, error = laws.random_walk.total_noise(schedules.power(n, smaller))
        assert value - error > noise

    def test_zeta(self, n, noise):
        # The sizes are rounded, by at most ½ of at least n: in between are no other exponents.
        plan = planning.plan(sample_size=n, noise=noise)
        synthetic = float(mp.zeta(plan.exponent))
        assert abs(synthetic / (noise - 1) - 1) < 0.5 / (n - 0.5)


def test_noise_for_is_exact(assert_proportion):
    noise = planning.noise_for(0.3, 0.1, sample_size=100, std=2.0, dim=3)
    sf = stats.chi2.sf(100 * 0.3**2 / (4 * noise), 3)
    assert sf == pytest.approx(0.1, rel=1e-12)


def test_a_plan_put_to_the_test(assert_proportion):
    # The mean of a Gaussian of known spread is the walk itself: σ Z/√n_t steps.
    n, error, probability = 50, 0.4, 0.2
    noise = planning.noise_for(error, probability, sample_size=n)
    plan = planning.plan(sample_size=n, noise=noise, horizon=20)
    rng = np.random.default_rng(1)
    steps = rng.standard_normal((20_000, 20)) / np.sqrt(plan.sample_size)
    outside = int(np.sum(np.abs(steps.sum(axis=1)) > error))
    assert_proportion(outside, 20_000, stats.norm.sf(error * np.sqrt(n / plan.noise)) * 2)
    assert outside / 20_000 < probability + 0.02


@pytest.mark.parametrize("horizon", [5, None])
def test_the_loop_takes_it(horizon):
    plan = planning.plan(sample_size=10, noise=3.0, horizon=horizon)
    run = recursive_training(Gaussian(), sample_size=plan.sample_size, generations=5, seed=1)
    assert run.sizes["generation"] == 6


@pytest.mark.parametrize("arguments, error, name", [
    (dict(sample_size=1, noise=2.0, horizon=5), ValueError, "sample_size"),
    (dict(sample_size=2.0, noise=2.0, horizon=5), TypeError, "sample_size"),
    (dict(sample_size=10, noise=1.0, horizon=5), ValueError, "noise"),
    (dict(sample_size=10, noise=np.nan, horizon=5), ValueError, "noise"),
    (dict(sample_size=10, noise="2", horizon=5), TypeError, "noise"),
    (dict(sample_size=10, noise=2.0), ValueError, "noise"),
    (dict(sample_size=10, noise=2 + 1e-19), ValueError, "noise"),
    (dict(sample_size=10, noise=1 + 1e-15, horizon=10**7), ValueError, "noise"),
    (dict(sample_size=10, noise=2.0, horizon=1), ValueError, "horizon"),
    (dict(sample_size=10, noise=2.0, horizon=5.0), TypeError, "horizon"),
])
def test_bad_arguments(arguments, error, name):
    with pytest.raises(error, match=name):
        planning.plan(**arguments)


@pytest.mark.parametrize("change, error", [
    (dict(error=0.0), ValueError), (dict(error=np.inf), ValueError),
    (dict(probability=0.0), ValueError), (dict(probability=1.0), ValueError),
    (dict(sample_size=0), ValueError), (dict(std=0.0), ValueError), (dict(dim=0), ValueError),
    (dict(dim=1.5), TypeError), (dict(error="1"), TypeError)])
def test_bad_targets(change, error):
    good = dict(error=0.1, probability=0.05, sample_size=100, std=1.0, dim=1) | change
    with pytest.raises(error, match=next(iter(change))):
        planning.noise_for(good.pop("error"), good.pop("probability"), **good)
