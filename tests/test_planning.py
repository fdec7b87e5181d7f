"""Plans: they meet their target, and nothing cheaper does."""

import itertools
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from collapse import GLM, Bernoulli, Gaussian, laws, planning, recursive_training, schedules

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


SYMBOL, SCALE, MEAN = (
    planning.SymbolLost(0.05), planning.ScaleBelow(0.5), planning.MeanOff(0.5, dim=2))


class TestRisk:
    """The risk of each event against a run, at a schedule."""

    @pytest.mark.parametrize("schedule", [20, schedules.power(20, 0.7)], ids=repr)
    def test_symbol(self, schedule, assert_proportion):
        run = recursive_training(
            Bernoulli(0.05), sample_size=schedule, generations=15, replications=5000, seed=1)
        lost = (run["p"][:, [1, 5, 15]] == 0).sum("replication").values
        assert_proportion(lost, 5000, SYMBOL.risk(schedule, [1, 5, 15]))

    def test_symbol_with_fresh_samples(self, assert_proportion):
        run = recursive_training(
            Bernoulli(0.05), sample_size=20, generations=15, replications=5000, seed=2,
            fresh_fraction=0.1)
        lost = (run["p"][:, [1, 15]] == 0).sum("replication").values
        assert_proportion(lost, 5000, SYMBOL.risk(20, [1, 15], fresh_fraction=0.1))

    @pytest.mark.parametrize("ddof", [0, 1])
    def test_scale(self, ddof, assert_proportion):
        schedule = schedules.power(5, 0.5)
        run = recursive_training(
            Gaussian(1.0, 3.0, ddof=ddof), sample_size=schedule, generations=10,
            replications=5000, seed=3)
        below = (run["std"][:, [2, 10]] < 1.5).sum("replication").values
        assert_proportion(
            below, 5000, planning.ScaleBelow(0.5, ddof=ddof).risk(schedule, [2, 10]))

    def test_mean(self, assert_proportion):
        schedule = schedules.power(15, 0.5)
        walks = [recursive_training(
            GLM([0.0], family="gaussian"), sample_size=schedule, generations=10,
            replications=5000, seed=seed)["coefficients"].values[..., 0] for seed in (4, 5)]
        off = np.hypot(*walks)[:, [1, 10]] > 0.5
        assert_proportion(off.sum(axis=0), 5000, MEAN.risk(schedule, [1, 10]))


class TestAnswers:
    @pytest.mark.parametrize("event", [SYMBOL, SCALE, MEAN], ids=repr)
    @pytest.mark.parametrize("probability", [0.02, 0.5, 0.9])
    def test_time_to(self, event, probability):
        first = planning.time_to(event, 30, probability, horizon=2000)
        risks = event.risk(30, np.arange(1, 2001))
        above = np.flatnonzero(risks > probability)
        assert first == (above[0] + 1 if len(above) else None)
        assert planning.time_to(event, 10**6, 0.9, horizon=5) is None

    @pytest.mark.parametrize("event", [SYMBOL, SCALE, MEAN], ids=repr)
    @pytest.mark.parametrize("probability", [0.02, 0.5])
    def test_smallest_sample_size(self, event, probability):
        n = planning.smallest_sample_size(event, 40, probability)
        assert event.risk(n, 40) <= probability < event.risk(n - 1, 40)

    def test_the_smallest_of_all_may_do(self):
        assert planning.smallest_sample_size(planning.MeanOff(9.0), 1, 0.5) == 1
        assert planning.smallest_sample_size(planning.ScaleBelow(1e-9), 2, 0.5) == 2

    @pytest.mark.parametrize("event", [SCALE, planning.MeanOff(0.5)], ids=repr)
    def test_smallest_exponent(self, event):
        exponent = planning.smallest_exponent(event, 60, 100, 0.1)
        assert 0 < exponent < 3
        assert event.risk(schedules.power(60, exponent), 100) <= 0.1
        assert event.risk(schedules.power(60, exponent - 1e-3), 100) > 0.1

    def test_when_no_schedule_will_do(self):
        assert planning.smallest_exponent(planning.MeanOff(0.01), 60, 100, 0.1) is None
        assert planning.smallest_exponent(planning.MeanOff(5.0), 60, 100, 0.1) == 0.0

    def test_smallest_fresh_fraction(self):
        fraction = planning.smallest_fresh_fraction(SYMBOL, 200, 0.05)
        risk = laws.excitation.stationary_pmf(0.05, 200, fraction)[0]
        assert 0.05 * (1 - 1e-6) < risk <= 0.05
        assert planning.smallest_fresh_fraction(SYMBOL, 20, 0.01) is None  # (1 − p)^20 = 0.36
        # With all samples fresh the risk is 0.6^2000, below the smallest float.
        frequent = planning.smallest_fresh_fraction(planning.SymbolLost(0.4), 2000, 0.05)
        assert 0 < frequent < 0.01

    def test_cost(self):
        assert planning.cost(7, 3) == 21
        assert planning.cost([5, 6, 7], 2) == 11
        assert planning.cost(schedules.power(10, 1), 4) == 10 + 10 + 20 + 30
        assert planning.cost(2**61, 4) == 2**63

    @pytest.mark.parametrize("call, name", [
        (lambda: planning.SymbolLost(0.0), "p"),
        (lambda: planning.ScaleBelow(1.0), "ratio"),
        (lambda: planning.ScaleBelow(0.5, ddof=2), "ddof"),
        (lambda: planning.MeanOff(-1.0), "error"),
        (lambda: planning.MeanOff(1.0, std=0.0), "std"),
        (lambda: planning.MeanOff(1.0, dim=0), "dim"),
        (lambda: SCALE.risk(10, 0), "generations"),
        (lambda: SCALE.risk(10, 3, fresh_fraction=0.5), "fresh_fraction"),
        (lambda: MEAN.risk(10, 3, fresh_fraction=0.5), "fresh_fraction"),
        (lambda: SYMBOL.risk(10, 3, fresh_fraction=1.5), "fresh_fraction"),
        (lambda: planning.time_to(SCALE, 10, 0.0, horizon=5), "probability"),
        (lambda: planning.time_to(SCALE, 10, 0.5, horizon=0), "horizon"),
        (lambda: planning.smallest_sample_size(SCALE, 0, 0.5), "generations"),
        (lambda: planning.smallest_exponent(SCALE, 1, 5, 0.5), "sample_size"),
        (lambda: planning.smallest_fresh_fraction(SYMBOL, 3000, 0.5), "sample_size"),
        (lambda: planning.smallest_fresh_fraction(SYMBOL, 30, 0.99), "probability"),
        (lambda: planning.cost(10, -1), "generations"),
    ])
    def test_bad_arguments(self, call, name):
        with pytest.raises(ValueError, match=name):
            call()

    @pytest.mark.parametrize("function", [
        lambda e: planning.time_to(e, 10, 0.5, horizon=5),
        lambda e: planning.smallest_sample_size(e, 5, 0.5),
        lambda e: planning.smallest_exponent(e, 5, 5, 0.5),
        lambda e: planning.smallest_fresh_fraction(e, 5, 0.5),
    ])
    def test_not_an_event(self, function):
        with pytest.raises(TypeError, match="event"):
            function("SymbolLost")
