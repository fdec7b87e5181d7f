"""Diagnostics: healthy loops pass at the declared rate, and each planted failure is caught."""

import dataclasses

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from test_arguments import check_message, label

from collapse import Bernoulli, Gaussian, Poisson, diagnostics, laws, recursive_training

N = 10
EXPONENT = laws.gaussian.lyapunov_exponent(N)


class Loop:
    """The Gaussian with divisor n − 1, by drawing and fitting; subclasses break it."""

    parameters = {"std": np.array(1.0)}
    min_sample_size = 2

    def draw(self, parameters, size, rng):
        std = parameters["std"][:, None]
        return std * rng.standard_normal((len(std), size))

    def fit(self, samples):
        return {"std": samples.std(axis=1, ddof=1)}


class Inflated(Loop):
    def fit(self, samples):
        return {"std": 1.02 * samples.std(axis=1, ddof=1)}


class Neutral(Loop):
    """Multiplied so that the logarithm has no drift: the mean of its steps is 0."""

    def fit(self, samples):
        return {"std": np.exp(-EXPONENT) * samples.std(axis=1, ddof=1)}


class Alternating(Loop):
    """Divisor n − 1 in one generation, n in the next."""

    ddof = 0

    def fit(self, samples):
        self.ddof = 1 - self.ddof
        return {"std": samples.std(axis=1, ddof=self.ddof)}


class Overshooting(Loop):
    """Each run corrects half of its last error in the next generation."""

    error = 0.0

    def fit(self, samples):
        error = np.log(samples.std(axis=1, ddof=1)) - np.log(self.old)
        new = self.old * np.exp(error - 0.5 * self.error)
        self.error = error
        return {"std": new}

    def draw(self, parameters, size, rng):
        self.old = parameters["std"]
        return super().draw(parameters, size, rng)


class SameEveryGeneration(Loop):
    def draw(self, parameters, size, rng):
        return super().draw(parameters, size, np.random.default_rng(3))


class SharedByPairs(Loop):
    """Two and two replications use the same random numbers."""

    def draw(self, parameters, size, rng):
        std = parameters["std"][:, None]
        return std * np.repeat(rng.standard_normal((len(std) // 2, size)), 2, axis=0)


def train(model, **arguments):
    return recursive_training(
        model, **{"sample_size": N, "generations": 60, "replications": 1000, "seed": 11} | arguments
    )


def law(run, above=0.1, shift=0, **options):
    generation = np.maximum(run["generation"].values + shift, 0)
    return laws.gaussian.std_sf(above, N, generation, **options)


def as_run(values, generation=None, name="x"):
    values = np.asarray(values, dtype=float)
    generation = np.arange(values.shape[1]) if generation is None else generation
    return xr.Dataset({name: (("replication", "generation"), values)}, {"generation": generation})


# ------------------------------------------------------------------------------- healthy loops


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("keep", [None, [0, 1, 2, 5, 20, 21, 60]], ids=["all", "some"])
def test_healthy_gaussian_passes(ddof, keep):
    run = train(Gaussian(ddof=ddof), keep=keep)
    exponent = laws.gaussian.lyapunov_exponent(N, ddof=ddof)
    assert not diagnostics.contraction(run, "std").flagged
    assert not diagnostics.contraction(run, "std", expected=exponent).flagged
    assert not diagnostics.survival(run, "std", law(run, ddof=ddof), above=0.1).flagged
    assert not any(verdict.flagged for verdict in diagnostics.stability(run, "std"))


def test_healthy_symbols_pass():
    run = recursive_training(Bernoulli(0.02), sample_size=50, generations=40, replications=4000,
                             seed=12)
    predicted = laws.wright_fisher.survival(0.02, 50, run["generation"].values)
    assert not diagnostics.survival(run, "p", predicted).flagged
    assert not diagnostics.stability(run, "p", power=1).rising.flagged
    run = recursive_training(Poisson(0.2), sample_size=5, generations=40, replications=4000,
                             seed=13)
    predicted = laws.poisson.survival(0.2, 5, np.maximum(run["generation"].values, 1))
    predicted[0] = 1.0
    assert not diagnostics.survival(run, "rate", predicted).flagged
    assert not diagnostics.stability(run, "rate", power=1).rising.flagged


BATCHES, RATE = 1000, 0.01


@pytest.fixture(scope="module")
def batches():
    """Many small healthy runs, with two samples a generation: steps as skew as can be."""
    many = recursive_training(Gaussian(), sample_size=2, generations=20,
                              replications=BATCHES * 10, seed=14)
    return [many.isel(replication=slice(i, i + 10)) for i in range(0, BATCHES * 10, 10)]


def alarms(question, batches):
    return sum(bool(question(run)) for run in batches)


class TestFalseAlarms:
    def test_contraction(self, batches, assert_proportion):
        exponent = laws.gaussian.lyapunov_exponent(2)
        found = alarms(lambda run: diagnostics.contraction(
            run, "std", expected=exponent, false_alarm=RATE).p_value < RATE, batches)
        assert_proportion(found, BATCHES, RATE)

    def test_a_loop_that_does_not_contract_passes_at_the_rate(self, batches, assert_proportion):
        exponent = laws.gaussian.lyapunov_exponent(2)
        neutral = [run * np.exp(-exponent * run["generation"]) for run in batches]
        found = alarms(lambda run: not diagnostics.contraction(
            run, "std", false_alarm=RATE).flagged, neutral)
        # Steps are skew to the left, so that Student's t is off; more so for so few runs.
        assert found <= 3 * RATE * BATCHES
        assert_proportion(alarms(lambda run: diagnostics.contraction(
            run, "std", expected=0.0, false_alarm=RATE).p_value < RATE, neutral), BATCHES, RATE)

    def test_survival(self, batches, assert_plausible):
        predicted = laws.gaussian.std_sf(0.3, 2, batches[0]["generation"].values)
        found = alarms(lambda run: diagnostics.survival(
            run, "std", predicted, above=0.3, false_alarm=RATE).flagged, batches)
        assert_plausible(stats.binom.sf(found - 1, BATCHES, RATE))  # a bound: fewer is fine

    def test_stability(self, batches, assert_proportion, assert_plausible):
        found = np.sum([[verdict.flagged for verdict in diagnostics.stability(
            run, "std", false_alarm=RATE)] for run in batches], axis=0)
        assert_plausible(stats.binom.sf(found[0] - 1, BATCHES, RATE))
        assert_proportion(found[1:], BATCHES, RATE)

    def test_rising_holds_for_the_wildest_martingale(self, assert_plausible):
        """A factor of 500 once in 500 steps, else 0: no average and no normal law is of use."""
        rng = np.random.default_rng(15)
        rate, flagged = 0.1, 0
        for _ in range(500):
            factors = np.where(rng.random((20, 5)) < 1 / 500, 500.0, 0.0)
            paths = np.cumprod(np.hstack([np.ones((20, 1)), factors]), axis=1)
            flagged += diagnostics.stability(as_run(paths), "x", power=1,
                                             false_alarm=rate).rising.flagged
        assert_plausible(stats.binom.sf(flagged - 1, 500, rate))


# ------------------------------------------------------------------------------ planted failures


class TestPlantedFailures:
    def test_no_contraction(self):
        run = train(Neutral())
        assert diagnostics.contraction(run, "std").flagged
        assert diagnostics.contraction(run, "std", expected=EXPONENT).flagged

    def test_two_per_cent_too_wide(self):
        run = train(Inflated())
        verdict = diagnostics.contraction(run, "std", expected=EXPONENT)
        assert verdict.flagged and not diagnostics.contraction(run, "std").flagged
        off = (verdict.statistic - EXPONENT - np.log(1.02)) / verdict.standard_error
        assert abs(off) < 5
        assert diagnostics.survival(run, "std", law(run), above=0.1).flagged
        assert diagnostics.stability(run, "std").rising.flagged

    def test_the_mean_of_the_runs_would_not_see_the_rise(self):
        """Why the gambler bets run by run: the mean itself stays far below a thousandfold."""
        run = train(Inflated())
        mean = (run["std"] ** 2).mean("replication")
        assert float(mean.max() / mean[0]) < 30

    def test_alternating_divisors(self):
        run = train(Alternating())
        assert diagnostics.stability(run, "std").shared.flagged
        many = diagnostics.stability(train(Alternating(), replications=1000, generations=600),
                                     "std").correlated
        assert many.flagged and many.statistic < 0 and "alternate" in many.message

    def test_overshooting(self):
        verdicts = diagnostics.stability(train(Overshooting()), "std")
        assert verdicts.correlated.flagged and verdicts.correlated.statistic < -0.2
        assert not verdicts.shared.flagged

    @pytest.mark.parametrize("shift", [-1, 1])
    def test_off_by_one_generation(self, shift):
        run = train(Gaussian(), replications=20_000)
        assert not diagnostics.survival(run, "std", law(run), above=0.1).flagged
        assert diagnostics.survival(run, "std", law(run, shift=shift), above=0.1).flagged

    def test_off_by_one_generation_of_symbols(self):
        run = recursive_training(Bernoulli(0.01), sample_size=100, generations=20,
                                 replications=2000, seed=16)
        k = run["generation"].values
        late = laws.wright_fisher.survival(0.01, 100, k + 1)
        assert diagnostics.survival(run, "p", late).flagged

    def test_same_noise_in_every_generation(self):
        verdict = diagnostics.stability(train(SameEveryGeneration(), generations=20), "std")
        assert verdict.correlated.flagged and verdict.correlated.statistic > 0.9

    def test_noise_shared_by_runs(self):
        verdict = diagnostics.stability(train(SharedByPairs()), "std")
        assert verdict.shared.flagged
        assert abs(verdict.shared.statistic - 2) < 5 * verdict.shared.standard_error
        assert not verdict.correlated.flagged

    def test_all_runs_the_same(self):
        run = train(Gaussian(), replications=1)
        copies = xr.concat([run] * 5, "replication")
        assert diagnostics.stability(copies, "std").shared.flagged

    def test_no_noise_at_all(self):
        verdicts = diagnostics.stability(as_run(np.tile(0.5 ** np.arange(9), (3, 1))), "x")
        assert verdicts.correlated.flagged and verdicts.shared.flagged

    def test_a_value_that_comes_back_from_zero(self):
        values = np.ones((3, 5))
        values[1, 2] = 0.0
        assert diagnostics.stability(as_run(values), "x").rising.flagged


# ------------------------------------------------------------------------------ numbers and zeros


class TestNumbers:
    def test_contraction_is_a_t_test(self):
        rng = np.random.default_rng(17)
        values = np.exp(rng.normal(-0.3, 1, (8, 4)).cumsum(axis=1))
        growth = np.log(values[:, -1] / values[:, 0]) / 9
        verdict = diagnostics.contraction(as_run(values, [1, 2, 5, 10]), "x", expected=-0.2)
        test = stats.ttest_1samp(growth, -0.2)
        assert verdict.statistic == pytest.approx(growth.mean(), rel=1e-12)
        assert verdict.p_value == pytest.approx(test.pvalue, rel=1e-9)
        assert verdict.expected == -0.2
        test = stats.ttest_1samp(growth, 0.0, alternative="less")
        plain = diagnostics.contraction(as_run(values, [1, 2, 5, 10]), "x")
        assert plain.p_value == pytest.approx(test.pvalue, rel=1e-9)
        assert np.isnan(plain.expected)

    def test_survival_is_a_binomial_test(self):
        values = np.where(np.arange(20)[:, None] < [20, 15, 3], 2.0, 0.5)
        predicted = [1.0, 0.5, 0.3]
        verdict = diagnostics.survival(as_run(values), "x", predicted, above=1.0)
        smallest = min(2 * stats.binom.sf(14, 20, 0.5), 2 * stats.binom.cdf(3, 20, 0.3))
        assert verdict.p_value == pytest.approx(2 * smallest)  # two generations leave room
        assert (verdict.statistic, verdict.expected) == (0.75, 0.5)
        assert verdict.standard_error == pytest.approx(np.sqrt(0.25 / 20))
        assert "15 of 20" in verdict.message and "generation 1" in verdict.message

    def test_binomial_tails(self):
        rng = np.random.default_rng(21)
        predicted = np.concatenate([[0, 1, 1e-12, 1 - 1e-12], rng.random(100)])
        for runs in (1, 2, 30, 3000):
            seen = rng.binomial(runs, predicted)
            for count, probability in zip(seen, predicted, strict=True):
                values = (np.arange(runs) < count).astype(float)[:, None]
                verdict = diagnostics.survival(as_run(values), "x", [probability])
                tail = min(stats.binom.cdf(count, runs, probability),
                           stats.binom.sf(count - 1, runs, probability))
                assert verdict.p_value == pytest.approx(min(2 * tail, 1), rel=1e-9)

    @pytest.mark.parametrize("certain", [0.0, 1.0])
    def test_an_exception_to_a_certainty(self, certain):
        values = np.full((50, 2), 2 * certain)
        assert not diagnostics.survival(as_run(values), "x", [certain] * 2, above=1.0).flagged
        values[7, 1] = 2 - values[7, 1]
        verdict = diagnostics.survival(as_run(values), "x", [certain] * 2, above=1.0)
        assert verdict.flagged and verdict.p_value == 0

    def test_small_numbers_are_not_judged_by_the_normal_law(self):
        """1 of 100 where 0.01 are expected: ten standard errors, and nothing unusual."""
        values = np.zeros((100, 1))
        values[0] = 1
        verdict = diagnostics.survival(as_run(values), "x", [1e-4])
        assert not verdict.flagged and verdict.p_value == pytest.approx(2 * 0.00995, rel=1e-3)
        assert (verdict.statistic - verdict.expected) / verdict.standard_error > 9

    def test_the_bet(self):
        """One run, two steps: the capital by hand."""
        verdict = diagnostics.stability(as_run([[1, 2, 6], [1, 1, 1]]), "x", power=1).rising
        stakes = 0.5 ** np.arange(1, 13)
        assert verdict.p_value == pytest.approx(1 / np.mean((1 + stakes) * (1 + 2 * stakes)))
        assert verdict.statistic == pytest.approx(7 / 4)

    def test_correlation_and_ratio_by_hand(self):
        rng = np.random.default_rng(18)
        steps = rng.standard_normal((30, 12))
        values = np.exp(np.hstack([np.zeros((30, 1)), steps]).cumsum(axis=1))
        verdicts = diagnostics.stability(as_run(values), "x")
        centred = steps - steps.mean()
        expected = (centred[:, 1:] * centred[:, :-1]).mean() / centred.var()
        assert verdicts.correlated.statistic == pytest.approx(expected)
        test = stats.f_oneway(*steps.T)
        assert verdicts.shared.statistic == pytest.approx(test.statistic)
        assert verdicts.shared.p_value == pytest.approx(test.pvalue)

    def test_steps_over_several_generations_are_scaled_to_one(self):
        generations = np.array([0, 1, 2, 5, 20, 21, 60])
        gaps = np.diff(generations)
        steps = np.random.default_rng(19).standard_normal((30, 6)) * np.sqrt(gaps)
        values = np.exp(np.hstack([np.zeros((30, 1)), steps]).cumsum(axis=1))
        noise = (steps - steps.sum() / (30 * 60) * gaps) / np.sqrt(gaps)
        expected = (noise[:, 1:] * noise[:, :-1]).mean() / (noise**2).mean()
        verdict = diagnostics.stability(as_run(values, generations), "x").correlated
        assert verdict.statistic == pytest.approx(expected)

    def test_scale_does_not_matter(self):
        run = train(Gaussian(), generations=20, replications=50)
        for name in ("rising", "correlated", "shared"):
            one = getattr(diagnostics.stability(run, "std"), name)
            other = getattr(diagnostics.stability(2.0**40 * run, "std"), name)
            assert one.p_value == pytest.approx(other.p_value, rel=1e-9)

    def test_verdicts_are_frozen(self):
        verdict = diagnostics.contraction(train(Gaussian(), replications=5), "std")
        with pytest.raises(dataclasses.FrozenInstanceError):
            verdict.flagged = True


class TestZeros:
    def test_reaching_zero_is_contraction(self):
        values = np.ones((20, 6))
        values[:15, 3:] = 0  # the others stay where they are
        values[15:, 1:] = 0.9
        verdict = diagnostics.contraction(as_run(values), "x")
        assert not verdict.flagged and "15 of 20 runs have reached 0" in verdict.message
        assert verdict.statistic == pytest.approx(np.log(0.9) / 5)  # never overstated
        assert diagnostics.contraction(as_run(values), "x", expected=-0.1).flagged

    def test_symbols(self):
        run = recursive_training(Poisson(1.0), sample_size=3, generations=30, replications=500,
                                 seed=19)
        assert not diagnostics.contraction(run, "rate").flagged
        assert np.isfinite(diagnostics.contraction(run, "rate").statistic)
        for verdict in diagnostics.stability(run, "rate", power=1):
            assert np.isfinite([verdict.statistic, verdict.p_value]).all()


# -------------------------------------------------------------------------------- wrong arguments

RUN = as_run(np.exp(np.random.default_rng(20).standard_normal((4, 5))))
CALLS = {
    "contraction": diagnostics.contraction,
    "survival": lambda run, variable, **options: diagnostics.survival(
        run, variable, **{"predicted": [0.5] * 5} | options),
    "stability": diagnostics.stability,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
class TestArguments:
    @pytest.mark.parametrize("value", [None, {}, 3, RUN["x"]], ids=label)
    def test_run(self, call, value):
        with pytest.raises(TypeError) as caught:
            call(value, "x")
        check_message(caught, "run", "Dataset")

    @pytest.mark.parametrize("value", ["y", None, 3, "generation"], ids=label)
    def test_variable(self, call, value):
        with pytest.raises(ValueError) as caught:
            call(RUN, value)
        check_message(caught, "variable", r"\['x'\]")

    def test_a_variable_of_many_numbers(self, call):
        with pytest.raises(ValueError) as caught:
            call(RUN.assign(x=RUN["x"].expand_dims(symbol=3)), "x")
        check_message(caught, "variable", "one number per replication and generation")

    @pytest.mark.parametrize("value, error", [
        (0.0, ValueError), (-0.1, ValueError), (0.6, ValueError), (np.nan, ValueError),
        ("1", TypeError), (True, TypeError), (None, TypeError)], ids=label)
    def test_false_alarm(self, call, value, error):
        with pytest.raises(error) as caught:
            call(RUN, "x", false_alarm=value)
        check_message(caught, "false_alarm", r"\(0, 0.5\]|number")

    def test_not_a_number(self, call):
        with pytest.raises(ValueError) as caught:
            call(as_run([[1.0, 2.0, np.nan]] * 3), "x")
        check_message(caught, "x", "finite")


@pytest.mark.parametrize("call", [CALLS["contraction"], CALLS["stability"]])
def test_negative_values_and_zero_starts(call):
    with pytest.raises(ValueError) as caught:
        call(-RUN, "x")
    check_message(caught, "x", "0")
    with pytest.raises(ValueError) as caught:
        call(as_run(np.zeros((3, 4))), "x")
    check_message(caught, "run", "x > 0")


@pytest.mark.parametrize("name, call, error, allowed", [
    ("run", lambda: diagnostics.contraction(RUN.isel(replication=[0]), "x"), ValueError, "2"),
    ("run", lambda: diagnostics.contraction(RUN.isel(generation=[0]), "x"), ValueError, "2"),
    ("run", lambda: diagnostics.stability(RUN.isel(generation=[0, 1]), "x"), ValueError, "3"),
    ("expected", lambda: diagnostics.contraction(RUN, "x", expected=np.nan), ValueError, "finite"),
    ("expected", lambda: diagnostics.contraction(RUN, "x", expected="0"), TypeError, "number"),
    ("predicted", lambda: diagnostics.survival(RUN, "x", [0.5] * 4), ValueError, "5"),
    ("predicted", lambda: diagnostics.survival(RUN, "x", 0.5), ValueError, "5"),
    ("predicted", lambda: diagnostics.survival(RUN, "x", [1.1] * 5), ValueError, r"\[0, 1\]"),
    ("predicted", lambda: diagnostics.survival(RUN, "x", ["1"] * 5), TypeError, "number"),
    ("above", lambda: diagnostics.survival(RUN, "x", [0.5] * 5, above=np.nan), ValueError,
     "finite"),
    ("above", lambda: diagnostics.survival(RUN, "x", [0.5] * 5, above="0"), TypeError, "number"),
    ("power", lambda: diagnostics.stability(RUN, "x", power=0.0), ValueError, "0"),
    ("power", lambda: diagnostics.stability(RUN, "x", power="2"), TypeError, "number"),
])
def test_other_arguments(name, call, error, allowed):
    with pytest.raises(error) as caught:
        call()
    check_message(caught, name, allowed)


def test_negative_values_are_fine_for_shares_above_a_level():
    verdict = diagnostics.survival(-RUN, "x", [0.0] * 5)
    assert not verdict.flagged and verdict.statistic == 0
