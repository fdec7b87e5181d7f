"""Bad arguments: one ValueError or TypeError, before any work, that names argument and range."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    bounds,
    genealogy,
    hitting_time,
    iter_blocks,
    laws,
    recursive_training,
    schedules,
)

NAN, INF = math.nan, math.inf


class Untouchable:
    """A model with which any work at all is an error."""

    parameters = {"mean": np.array(0.0)}
    dims = {"mean": ()}
    min_sample_size = 2

    def draw(self, parameters, size, rng):
        raise AssertionError("worked before it looked at its arguments")

    def fit(self, samples):
        raise AssertionError("worked before it looked at its arguments")


def label(value):
    """A test id that is the same in every process: no addresses."""
    return getattr(value, "__name__", None) or re.sub(r" at 0x\w+", "", repr(value))


def check_message(error, name, allowed):
    """One clear line: the argument's name as a word, and the allowed range."""
    message = str(error.value)
    assert re.search(rf"\b{name}\b", message), f"{name!r} is not named in: {message}"
    assert re.search(allowed, message), f"no {allowed!r} in: {message}"
    assert "\n" not in message.strip()


GOOD = dict(sample_size=5, generations=4, replications=3, seed=1)

# argument, bad value, error, what the message says about the allowed range
RUN_ARGUMENTS = [
    ("sample_size", 1, ValueError, "2"),
    ("sample_size", 0, ValueError, "2"),
    ("sample_size", -5, ValueError, "2"),
    ("sample_size", [5, 5, 1, 5], ValueError, "2"),
    ("sample_size", schedules.constant(1), ValueError, "2"),
    ("sample_size", schedules.geometric(1, 2), ValueError, "2"),
    ("sample_size", 10.5, TypeError, "integer"),
    ("sample_size", 10.0, TypeError, "integer"),
    ("sample_size", np.float64(10), TypeError, "integer"),
    ("sample_size", NAN, TypeError, "integer"),
    ("sample_size", True, TypeError, "integer"),
    ("sample_size", "10", TypeError, "int"),
    ("sample_size", None, TypeError, "int"),
    ("sample_size", [5, 5.5, 5, 5], TypeError, "integer"),
    ("sample_size", [5, True, 5, 5], (TypeError, ValueError), "integer"),
    ("sample_size", np.array([5.0, 5.0, 5.0, 5.0]), TypeError, "integer"),
    ("sample_size", [5, 5, 5], ValueError, "4"),
    ("sample_size", [], ValueError, "4"),
    ("sample_size", np.array([5]), ValueError, "4"),
    ("sample_size", 2**63, ValueError, "2"),
    ("generations", -1, ValueError, "0"),
    ("generations", 1.5, TypeError, "integer"),
    ("generations", 3.0, TypeError, "integer"),
    ("generations", NAN, TypeError, "integer"),
    ("generations", True, TypeError, "integer"),
    ("generations", "4", TypeError, "integer"),
    ("generations", None, TypeError, "integer"),
    ("replications", 0, ValueError, "1"),
    ("replications", -3, ValueError, "1"),
    ("replications", 2.0, TypeError, "integer"),
    ("replications", False, TypeError, "integer"),
    ("replications", "3", TypeError, "integer"),
    ("seed", -1, ValueError, "0"),
    ("seed", 1.5, TypeError, "integer >= 0"),
    ("seed", "1", TypeError, "integer >= 0"),
    ("seed", True, TypeError, "integer >= 0"),
    ("seed", np.random.default_rng(1), TypeError, "integer >= 0"),
    ("fresh_fraction", -0.1, ValueError, r"\b0.*1\b"),
    ("fresh_fraction", 1.1, ValueError, r"\b0.*1\b"),
    ("fresh_fraction", NAN, ValueError, r"\b0.*1\b"),
    ("fresh_fraction", "0.5", TypeError, "number"),
    ("fresh_fraction", True, TypeError, "number"),
    ("workflow", "collect", ValueError, "replace.*accumulate.*subsample"),
    ("workflow", "", ValueError, "replace"),
    ("workflow", "Replace", ValueError, "replace"),
    ("workflow", 3, (TypeError, ValueError), "replace.*accumulate.*subsample"),
    ("n_jobs", 0, ValueError, "-1|1"),
    ("n_jobs", -2, ValueError, "-1"),
    ("n_jobs", 10_001, ValueError, "10000"),
    ("n_jobs", 1.5, TypeError, "integer"),
    ("n_jobs", "2", TypeError, "integer"),
    ("n_jobs", True, TypeError, "integer"),
    ("keep", [], ValueError, "non-empty|0.*4"),
    ("keep", [0, 5], ValueError, "0.*4"),
    ("keep", [-1, 3], ValueError, "0.*4"),
    ("keep", [3, 1], ValueError, "increasing"),
    ("keep", [1, 1], ValueError, "increasing"),
    ("keep", [0.0, 1.0], TypeError, "integer"),
    ("keep", [0, True], TypeError, "integer"),
    ("keep", 3, (TypeError, ValueError), "sequence"),
    ("keep", "13", (TypeError, ValueError), "sequence"),
    ("keep", [[0, 1]], (TypeError, ValueError), "integer|sequence"),
]


def run_whole(**arguments):
    recursive_training(Untouchable(), **arguments)


def run_blocks(**arguments):
    # Already the call, not the first block, has to complain.
    iter_blocks(Untouchable(), **arguments)


@pytest.mark.parametrize("run", [run_whole, run_blocks])
@pytest.mark.parametrize("name, value, error, allowed", RUN_ARGUMENTS, ids=label)
def test_recursive_training(run, name, value, error, allowed):
    with pytest.raises(error) as caught:
        run(**GOOD | {name: value})
    check_message(caught, name, allowed)


def test_an_unlimited_schedule_that_overflows_complains_before_any_work():
    with pytest.raises(ValueError, match="maximum|2"):
        run_whole(sample_size=schedules.geometric(2, 2), generations=100)


def test_arguments_after_the_model_are_keywords():
    with pytest.raises(TypeError):
        recursive_training(Untouchable(), 10, 5)


@pytest.mark.parametrize("model", [None, 3, "gaussian", Gaussian, object()], ids=label)
def test_not_a_model(model):
    with pytest.raises(TypeError, match="model.*(parameters|draw)"):
        recursive_training(model, **GOOD)


@pytest.mark.parametrize("integer", [int, np.int8, np.uint16, np.int64, np.array])
def test_integral_numbers_of_any_kind_are_accepted(integer):
    # np.array(5) has no axis: an integral number like the others, or a clear refusal.
    arguments = dict(sample_size=5, generations=4, replications=3, seed=1)
    expected = recursive_training(Gaussian(), **arguments)
    try:
        run = recursive_training(
            Gaussian(), **{name: integer(value) for name, value in arguments.items()})
    except TypeError as error:
        assert integer is np.array and "integer" in str(error)
    else:
        np.testing.assert_array_equal(run["std"], expected["std"])


def test_the_multivariate_gaussian_needs_more_samples_than_dimensions():
    model = MultivariateGaussian(np.zeros(3), np.eye(3))
    recursive_training(model, sample_size=4, generations=2, seed=1)
    with pytest.raises(ValueError) as caught:
        recursive_training(model, sample_size=3, generations=2, seed=1)
    check_message(caught, "sample_size", "4")


def test_a_regression_needs_as_many_samples_as_features():
    model = logistic(None)
    with pytest.raises(ValueError) as caught:
        recursive_training(model, sample_size=1, generations=2, seed=1)
    check_message(caught, "sample_size", "2")


def logistic(covariates):
    return GLM([0.0, 1.0], family="logistic", covariates=covariates)


MODEL_ARGUMENTS = [
    ("std", lambda: Gaussian(0.0, 0.0), ValueError, "0"),
    ("std", lambda: Gaussian(0.0, -1.0), ValueError, "0"),
    ("std", lambda: Gaussian(0.0, NAN), ValueError, "0"),
    ("std", lambda: Gaussian(0.0, INF), ValueError, "finite|0"),
    ("std", lambda: Gaussian(0.0, "1"), TypeError, "number|float|0"),
    ("std", lambda: Gaussian(0.0, True), TypeError, "number|float|0"),
    ("mean", lambda: Gaussian(NAN), ValueError, "finite"),
    ("mean", lambda: Gaussian(INF), ValueError, "finite"),
    ("mean", lambda: Gaussian("0"), TypeError, "number|float"),
    ("mean", lambda: Gaussian(None), TypeError, "number|float"),
    ("ddof", lambda: Gaussian(ddof=2), ValueError, r"0.*1"),
    ("ddof", lambda: Gaussian(ddof=-1), ValueError, r"0.*1"),
    ("ddof", lambda: Gaussian(ddof=0.5), (TypeError, ValueError), r"0.*1"),
    ("ddof", lambda: Gaussian(ddof=True), (TypeError, ValueError), r"0.*1"),
    ("ddof", lambda: Gaussian(ddof=None), (TypeError, ValueError), r"0.*1"),
    ("mean", lambda: GaussianMixture(-1.0, 1.0), ValueError, "0"),
    ("mean", lambda: GaussianMixture(NAN, 1.0), ValueError, "finite"),
    ("mean", lambda: GaussianMixture(INF, 1.0), ValueError, "finite"),
    ("mean", lambda: GaussianMixture("1", 1.0), TypeError, "number"),
    ("std", lambda: GaussianMixture(1.0, 0.0), ValueError, "0"),
    ("std", lambda: GaussianMixture(1.0, NAN), ValueError, "finite|0"),
    ("std", lambda: GaussianMixture(1.0, [1.0]), TypeError, "number"),
    ("estimator", lambda: GaussianMixture(1, 1, estimator="mle"), ValueError, "ml.*algorithm1.*em"),
    ("estimator", lambda: GaussianMixture(1, 1, estimator=None), ValueError, "ml.*algorithm1.*em"),
    ("eta", lambda: GaussianMixture(1, 1, eta=1.0), ValueError, "1"),
    ("eta", lambda: GaussianMixture(1, 1, eta=INF), ValueError, "finite"),
    ("eta", lambda: GaussianMixture(1, 1, eta="2"), TypeError, "number"),
    ("fallback", lambda: GaussianMixture(1, 1, fallback=2.0), ValueError, "2"),
    ("fallback", lambda: GaussianMixture(1, 1, fallback=NAN), ValueError, "finite"),
    ("fallback", lambda: GaussianMixture(1, 1, fallback=True), TypeError, "number"),
    ("em_steps", lambda: GaussianMixture(1, 1, em_steps=0), ValueError, "1"),
    ("em_steps", lambda: GaussianMixture(1, 1, em_steps=1.0), TypeError, "integer"),
    ("ddof", lambda: MultivariateGaussian([0.0], [[1.0]], ddof=2), ValueError, r"0.*1"),
    ("mean", lambda: MultivariateGaussian([NAN, 0], np.eye(2)), ValueError, "finite"),
    ("mean", lambda: MultivariateGaussian([], np.zeros((0, 0))), ValueError, "1|empty|dimension"),
    ("mean", lambda: MultivariateGaussian(np.zeros((2, 2)), np.eye(2)), ValueError, "vector|dim|1"),
    ("cov", lambda: MultivariateGaussian([0, 0], [[1, 0.5], [0.4, 1]]), ValueError, "symmetric"),
    ("cov", lambda: MultivariateGaussian([0, 0], [[1, 2], [2, 1]]), ValueError, "positive"),
    ("cov", lambda: MultivariateGaussian([0, 0], [[1, 1], [1, 1]]), ValueError, "positive"),
    ("cov", lambda: MultivariateGaussian([0, 0], [[-1, 0], [0, 1]]), ValueError, "positive"),
    ("cov", lambda: MultivariateGaussian([0, 0], [[1, NAN], [NAN, 1]]), ValueError, "finite"),
    ("cov", lambda: MultivariateGaussian([0, 0], np.eye(3)), ValueError, "2|shape"),
    ("cov", lambda: MultivariateGaussian([0, 0], [1, 1]), ValueError, "2|shape|matrix"),
    ("cov", lambda: MultivariateGaussian([0, 0], "1"), TypeError, "number|float|array|matrix"),
    ("rate", lambda: Exponential(0.0), ValueError, "0"),
    ("rate", lambda: Exponential(-1.0), ValueError, "0"),
    ("rate", lambda: Exponential(INF), ValueError, "finite"),
    ("rate", lambda: Exponential(NAN), ValueError, "finite|0"),
    ("rate", lambda: Exponential("1"), TypeError, "number"),
    ("rate", lambda: Exponential([1.0]), TypeError, "number"),
    ("coefficients", lambda: GLM([], family="poisson"), ValueError, "empty"),
    ("coefficients", lambda: GLM(1.0, family="poisson"), ValueError, "features"),
    ("coefficients", lambda: GLM(np.eye(2), family="poisson"), ValueError, "features"),
    ("coefficients", lambda: GLM([0, NAN], family="poisson"), ValueError, "finite"),
    ("coefficients", lambda: GLM(["0"], family="poisson"), TypeError, "numbers"),
    ("family", lambda: GLM([0], family="binomial"), ValueError, "gaussian.*logistic.*poisson"),
    ("family", lambda: GLM([0], family=None), ValueError, "gaussian.*logistic.*poisson"),
    ("family", lambda: GLM([0]), TypeError, "keyword"),
    ("std", lambda: GLM([0], family="gaussian", std=0.0), ValueError, "0"),
    ("std", lambda: GLM([0], family="gaussian", std=NAN), ValueError, "finite"),
    ("std", lambda: GLM([0], family="gaussian", std="1"), TypeError, "number"),
    ("std", lambda: GLM([0], family="logistic", std=2.0), ValueError, "1"),
    ("covariates", lambda: logistic([1.0, 2.0]), ValueError, r"rows, 2"),
    ("covariates", lambda: logistic(np.ones((5, 3))), ValueError, r"rows, 2"),
    ("covariates", lambda: logistic([[1.0, INF]]), ValueError, "finite"),
    ("covariates", lambda: logistic([[1.0, 2.0]]), ValueError, "rank"),
    ("covariates", lambda: logistic([[1, 0], [3, 0], [2, 0]]), ValueError, "rank"),
    ("covariates", lambda: logistic([[1, 2], [3, 6], [2, 4]]), ValueError, "rank"),
    ("covariates", lambda: logistic(np.zeros((0, 2))), ValueError, "rank"),
    ("covariates", lambda: logistic([[1, 0], [3]]), TypeError, "numbers"),
    ("covariates", lambda: logistic("ab"), TypeError, "numbers"),
]


DISCRETE_MODEL_ARGUMENTS = [
    ("atoms", lambda: EmpiricalMeasure([]), ValueError, "m >= 1"),
    ("atoms", lambda: EmpiricalMeasure(1.0), ValueError, "shape"),
    ("atoms", lambda: EmpiricalMeasure([0.0, NAN]), ValueError, "finite"),
    ("atoms", lambda: EmpiricalMeasure("ab"), TypeError, "numbers"),
    ("atoms", lambda: EmpiricalMeasure([[1.0], [1.0, 2.0]]), TypeError, "numbers"),
    ("weights", lambda: EmpiricalMeasure([1.0, 2.0], [1.0]), ValueError, r"\(2,\)"),
    ("weights", lambda: EmpiricalMeasure([1.0, 2.0], [0.9, 0.2]), ValueError, "sum to 1"),
    ("weights", lambda: EmpiricalMeasure([1.0, 2.0], [-0.5, 1.5]), ValueError, "0.*1"),
    ("capacity", lambda: EmpiricalMeasure([1.0, 2.0], capacity=1), ValueError, "2"),
    ("capacity", lambda: EmpiricalMeasure([1.0, 2.0], capacity=2.0), TypeError, "integer"),
    ("p", lambda: Bernoulli(-0.1), ValueError, r"0.*1"),
    ("p", lambda: Bernoulli(1.1), ValueError, r"0.*1"),
    ("p", lambda: Bernoulli(NAN), ValueError, r"0.*1"),
    ("p", lambda: Bernoulli("0.5"), TypeError, "number"),
    ("p", lambda: Bernoulli(True), TypeError, "number"),
    ("p", lambda: Bernoulli([0.5]), TypeError, "number"),
    ("rate", lambda: Poisson(-1e-9), ValueError, "0"),
    ("rate", lambda: Poisson(INF), ValueError, "finite"),
    ("rate", lambda: Poisson(NAN), ValueError, "finite"),
    ("rate", lambda: Poisson(None), TypeError, "number"),
    ("counts", lambda: Categorical(), ValueError, "exactly one"),
    ("probabilities", lambda: Categorical([1.0], counts=[1]), ValueError, "exactly one"),
    ("probabilities", lambda: Categorical([0.5, 0.4]), ValueError, "sum to 1"),
    ("probabilities", lambda: Categorical([1.5, -0.5]), ValueError, r"0.*1"),
    ("probabilities", lambda: Categorical([0.5, NAN]), ValueError, r"0.*1"),
    ("probabilities", lambda: Categorical([]), ValueError, "empty"),
    ("probabilities", lambda: Categorical([[0.5, 0.5]]), ValueError, "one-dimensional"),
    ("probabilities", lambda: Categorical("ab"), TypeError, "numbers"),
    ("probabilities", lambda: Categorical(1.0), ValueError, "one-dimensional"),
    ("counts", lambda: Categorical(counts=[3, -1]), ValueError, "0"),
    ("counts", lambda: Categorical(counts=[0, 0]), ValueError, "sum"),
    ("counts", lambda: Categorical(counts=[0.5, 2]), TypeError, "integers"),
    ("counts", lambda: Categorical(counts=[]), ValueError, "empty"),
    ("counts", lambda: Categorical(counts=[[1, 2]]), ValueError, "one-dimensional"),
    ("counts", lambda: Categorical(counts=[2**62, 2**62]), ValueError, "sum"),
    ("smoothing", lambda: Categorical([1.0], smoothing=-1), ValueError, "0"),
    ("smoothing", lambda: Categorical([1.0], smoothing=INF), ValueError, "finite"),
    ("smoothing", lambda: Categorical([1.0], smoothing="1"), TypeError, "number"),
]


@pytest.mark.parametrize("name, call, error, allowed", MODEL_ARGUMENTS + DISCRETE_MODEL_ARGUMENTS)
def test_models(name, call, error, allowed):
    with pytest.raises(error) as caught:
        call()
    check_message(caught, name, allowed)


SCHEDULE_ARGUMENTS = [
    ("n", lambda: schedules.constant(0), ValueError, "1"),
    ("n", lambda: schedules.constant(-3), ValueError, "1"),
    ("n", lambda: schedules.constant(3.0), TypeError, "integer"),
    ("n", lambda: schedules.constant(True), TypeError, "integer"),
    ("n", lambda: schedules.constant("3"), TypeError, "integer"),
    ("n", lambda: schedules.constant(2**62 + 1), ValueError, "2|maximum|4611686018427387904"),
    ("n", lambda: schedules.power(0, 1.0), ValueError, "1"),
    ("n", lambda: schedules.geometric(NAN, 1.0), TypeError, "integer"),
    ("exponent", lambda: schedules.power(3, -0.1), ValueError, "0"),
    ("exponent", lambda: schedules.power(3, NAN), ValueError, "0"),
    ("exponent", lambda: schedules.power(3, INF), ValueError, "0|finite"),
    ("exponent", lambda: schedules.power(3, "1"), TypeError, "0|number"),
    ("exponent", lambda: schedules.power(3, True), TypeError, "0|number"),
    ("exponent", lambda: schedules.log_power(3, -1), ValueError, "0"),
    ("ratio", lambda: schedules.geometric(3, 0.99), ValueError, "1"),
    ("ratio", lambda: schedules.geometric(3, NAN), ValueError, "1"),
    ("ratio", lambda: schedules.geometric(3, INF), ValueError, "1|finite"),
    ("ratio", lambda: schedules.geometric(3, None), TypeError, "1|number"),
    ("maximum", lambda: schedules.power(10, 1, maximum=9), ValueError, "10|n"),
    ("maximum", lambda: schedules.power(10, 1, maximum=20.0), TypeError, "integer"),
    ("maximum", lambda: schedules.constant(10, maximum=True), TypeError, "integer"),
    ("maximum", lambda: schedules.constant(10, maximum=2**62 + 1), ValueError, "2|4611"),
]


@pytest.mark.parametrize("name, call, error, allowed", SCHEDULE_ARGUMENTS)
def test_schedules(name, call, error, allowed):
    with pytest.raises(error) as caught:
        call()
    check_message(caught, name, allowed)


LAW = laws.gaussian
WITH_X = [LAW.std_sf, LAW.std_cdf, LAW.log_std_sf, bounds.ours.gaussian, bounds.bertrand.gaussian,
          bounds.suresh.gaussian, bounds.suresh.mixture, bounds.ours.mixture,
          bounds.ours.mixture_moment]
BAD_SIZES = [(1, ValueError, "2|3"), (0, ValueError, "2|3"), (10.0, TypeError, "integer"),
             (True, TypeError, "integer"), ("10", TypeError, "int"), (NAN, TypeError, "int")]
BAD_SCALES = [(0.0, ValueError, "0"), (-1.0, ValueError, "0"), (NAN, ValueError, "0"),
              ("1", TypeError, "number|float|0")]
BAD_GENERATIONS = [(-1, ValueError, "0"), (1.5, TypeError, "integer"), (2.0, TypeError, "integer"),
                   (NAN, TypeError, "integer"), ([0, -2], ValueError, "0"),
                   (True, TypeError, "integer"), ("2", TypeError, "integer")]


def name_of(function):
    return f"{function.__module__.rsplit('.', 1)[-1]}.{function.__name__}"


@pytest.mark.parametrize("function", WITH_X, ids=name_of)
class TestFunctionsOfALevel:
    @pytest.mark.parametrize("value, error, allowed", BAD_SIZES, ids=label)
    def test_n(self, function, value, error, allowed):
        with pytest.raises(error) as caught:
            function(0.5, value, 3)
        check_message(caught, "n", allowed)

    @pytest.mark.parametrize("value, error, allowed", BAD_GENERATIONS, ids=label)
    def test_k(self, function, value, error, allowed):
        with pytest.raises(error) as caught:
            function(0.5, 10, value)
        check_message(caught, "k", allowed)

    @pytest.mark.parametrize("value, error, allowed", BAD_SCALES, ids=label)
    def test_std(self, function, value, error, allowed):
        with pytest.raises(error) as caught:
            function(0.5, 10, 3, std=value)
        check_message(caught, "std", allowed)

    @pytest.mark.parametrize("value, error", [(NAN, ValueError), ([0.5, NAN], ValueError),
                                              ("1", TypeError), (None, TypeError)], ids=label)
    def test_x(self, function, value, error):
        with pytest.raises(error) as caught:
            function(value, 10, 3)
        check_message(caught, "x", "NaN|inf|number|0")


@pytest.mark.parametrize("function", [
    *WITH_X[:4], LAW.moment, lambda x, n, k, **o: LAW.mean_variance(n, k, **o),
    lambda x, n, k, **o: LAW.std_ppf(x, n, k, **o),
])
class TestSizesAndDivisors:
    def test_sequence_too_short(self, function):
        with pytest.raises(ValueError) as caught:
            function(0.5, [5, 6, 7], 4)
        check_message(caught, "n", "4")

    @pytest.mark.parametrize("sizes, error", [([5, 1, 7], ValueError), ([5, 6.0, 7], TypeError),
                                              ([5, True, 7], (TypeError, ValueError)),
                                              (schedules.constant(1), ValueError)], ids=label)
    def test_bad_size_in_a_sequence(self, function, sizes, error):
        with pytest.raises(error) as caught:
            function(0.5, sizes, 3)
        check_message(caught, "n", "2|integer")

    @pytest.mark.parametrize("ddof", [2, -1, 0.5, True, "1", None], ids=label)
    def test_ddof(self, function, ddof):
        with pytest.raises((ValueError, TypeError)) as caught:
            function(0.5, 10, 3, ddof=ddof)
        check_message(caught, "ddof", "0.*1")


WF = laws.wright_fisher
SHARE_FUNCTIONS = [WF.survival, WF.interior, bounds.suresh.bernoulli, bounds.suresh.interior,
                   bounds.seddik.interior, bounds.ours.bernoulli, bounds.ours.interior,
                   bounds.ours.bernoulli_exponential]
RATE_FUNCTIONS = [laws.poisson.survival, bounds.suresh.poisson, bounds.ours.poisson]


@pytest.mark.parametrize("function", SHARE_FUNCTIONS + RATE_FUNCTIONS, ids=name_of)
class TestFunctionsOfAShareOrRate:
    @pytest.mark.parametrize("value, error, allowed", [(0, ValueError, "1|2"), *BAD_SIZES[2:]],
                             ids=label)
    def test_n(self, function, value, error, allowed):
        with pytest.raises(error) as caught:
            function(0.5, value, 3)
        check_message(caught, "n", allowed)

    @pytest.mark.parametrize("value, error, allowed", BAD_GENERATIONS, ids=label)
    def test_k(self, function, value, error, allowed):
        with pytest.raises(error) as caught:
            function(0.5, 10, value)
        check_message(caught, "k", r"0|1|integer")

    @pytest.mark.parametrize("value, error", [(-0.1, ValueError), (NAN, ValueError),
                                              ([0.5, -1], ValueError), ("1", TypeError),
                                              (None, TypeError), ([0.5, True], TypeError)],
                             ids=label)
    def test_start(self, function, value, error):
        with pytest.raises(error) as caught:
            function(value, 10, 3)
        check_message(caught, "p0|rate", "0|number")


@pytest.mark.parametrize("function", SHARE_FUNCTIONS, ids=name_of)
def test_shares_above_one(function):
    with pytest.raises(ValueError) as caught:
        function(1.0000001, 10, 3)
    check_message(caught, "p0", r"0.*1")


@pytest.mark.parametrize(
    "function", SHARE_FUNCTIONS[2:] + RATE_FUNCTIONS[1:], ids=name_of
)
def test_bounds_start_with_generation_one(function):
    with pytest.raises(ValueError) as caught:
        function(0.5, 10, 0)
    check_message(caught, "k", "1")


@pytest.mark.parametrize("function", [WF.survival, WF.interior], ids=name_of)
class TestSizesOfShares:
    def test_sequence_too_short(self, function):
        with pytest.raises(ValueError) as caught:
            function(0.5, [5, 6, 7], 4)
        check_message(caught, "n", "4")

    @pytest.mark.parametrize("sizes, error", [([5, 0, 7], ValueError), ([5, 6.0, 7], TypeError),
                                              ([5, True, 7], TypeError), ([[5, 6, 7]], ValueError),
                                              ("567", TypeError)], ids=label)
    def test_bad_sequence(self, function, sizes, error):
        with pytest.raises(error) as caught:
            function(0.5, sizes, 3)
        check_message(caught, "n", "1|integer|dimension|int")


@pytest.mark.parametrize("function", [WF.expected_distinct, WF.distinct_variance,
                                      bounds.suresh.distinct,
                                      bounds.ours.distinct], ids=name_of)
class TestVocabularies:
    @pytest.mark.parametrize("name, arguments, error, allowed", [
        ("counts", dict(), ValueError, "exactly one"),
        ("counts", dict(counts=[1], probabilities=[1.0], n=3), ValueError, "exactly one"),
        ("counts", dict(counts=[1, -1]), ValueError, "0"),
        ("counts", dict(counts=[0]), ValueError, "sum"),
        ("counts", dict(counts=[1.0]), TypeError, "integers"),
        ("counts", dict(counts=[]), ValueError, "empty"),
        ("probabilities", dict(probabilities=[0.5], n=3), ValueError, "sum to 1"),
        ("probabilities", dict(probabilities=[0.5, NAN], n=3), ValueError, "0.*1"),
        ("n", dict(probabilities=[1.0]), ValueError, "must be given"),
        ("n", dict(probabilities=[1.0], n=0), ValueError, "1"),
        ("n", dict(counts=[1, 2], n=2.0), TypeError, "integer"),
    ])
    def test_arguments(self, function, name, arguments, error, allowed):
        with pytest.raises(error) as caught:
            function(3, **arguments)
        check_message(caught, name, allowed)

    @pytest.mark.parametrize("value, error, allowed", BAD_GENERATIONS, ids=label)
    def test_k(self, function, value, error, allowed):
        with pytest.raises(error) as caught:
            function(value, counts=[1, 2])
        check_message(caught, "k", "0|1|integer")


OTHER_ARGUMENTS = [
    ("k", lambda: laws.branching.g(0), ValueError, "1"),
    ("k", lambda: laws.branching.g([1, -1]), ValueError, "1"),
    ("k", lambda: laws.branching.g(1.0), TypeError, "integer"),
    ("n", lambda: WF.ancestors(0, 3), ValueError, "1.*2000"),
    ("n", lambda: WF.ancestors(2001, 3), ValueError, "1.*2000"),
    ("n", lambda: WF.ancestors(5.0, 3), TypeError, "integer"),
    ("k", lambda: WF.ancestors(5, -1), ValueError, "0"),
    ("n", lambda: WF.quasi_stationary(1), ValueError, "2.*2000"),
    ("n", lambda: WF.quasi_stationary(2001), ValueError, "2.*2000"),
    ("n", lambda: WF.decay_constant(2.5), TypeError, "integer"),
    ("n", lambda: bounds.seddik.interior(0.5, 1, 3), ValueError, "2"),
    ("n", lambda: bounds.ours.ancestors(0, 3), ValueError, "1"),
    ("k", lambda: bounds.ours.ancestors(3, 10**7), ValueError, "1000000"),
    ("k", lambda: bounds.ours.bernoulli(0.5, 3, 10**7), ValueError, "1000000"),
    ("q", lambda: LAW.std_ppf(-0.1, 10, 3), ValueError, r"0.*1"),
    ("q", lambda: LAW.std_ppf(1.1, 10, 3), ValueError, r"0.*1"),
    ("q", lambda: LAW.std_ppf(NAN, 10, 3), ValueError, r"0.*1"),
    ("q", lambda: LAW.std_ppf("0.5", 10, 3), TypeError, "number|0.*1"),
    ("power", lambda: LAW.moment(NAN, 10, 3), ValueError, "finite|NaN"),
    ("n", lambda: LAW.lyapunov_exponent(1), ValueError, "2"),
    ("n", lambda: LAW.lyapunov_exponent(10.0), TypeError, "integer"),
    ("n", lambda: LAW.decay_rate(1), ValueError, "2"),
    ("n", lambda: LAW.decay_power(True), TypeError, "integer"),
    ("ddof", lambda: LAW.decay_rate(10, ddof=3), ValueError, "0.*1"),
    ("ddof", lambda: LAW.lyapunov_exponent(10, ddof=0.5), (TypeError, ValueError), "0.*1"),
    ("x", lambda: LAW.collapse_point_cdf(NAN, 10), ValueError, "NaN|inf"),
    ("n", lambda: LAW.collapse_point_cdf(0.0, 1), ValueError, "2"),
    ("n", lambda: LAW.collapse_point_cdf(0.0, 10.5), TypeError, "integer"),
    ("std", lambda: LAW.collapse_point_cdf(0.0, 10, std=0.0), ValueError, "0"),
    ("ddof", lambda: LAW.collapse_point_cdf(0.0, 10, ddof=2), ValueError, "0.*1"),
    ("n", lambda: laws.multivariate_gaussian.volume_sf(1.0, 3, 5, dim=3), ValueError, "4|dim"),
    ("dim", lambda: laws.multivariate_gaussian.volume_sf(1.0, 9, 5, dim=0), ValueError, "1"),
    ("dim", lambda: laws.multivariate_gaussian.volume_sf(1.0, 9, 5, dim=2.0), TypeError, "integer"),
    ("k", lambda: laws.multivariate_gaussian.volume_sf(1.0, 9, -1, dim=2), ValueError, "0"),
    ("x", lambda: laws.multivariate_gaussian.volume_sf(NAN, 9, 1, dim=2), ValueError, "NaN|inf"),
    ("n", lambda: laws.multivariate_gaussian.lyapunov_exponents(3, 3), ValueError, "4|dim"),
    ("dim", lambda: laws.multivariate_gaussian.lyapunov_exponents(3, 0), ValueError, "1"),
    ("n", lambda: bounds.suresh.gaussian(0.1, 2, 5), ValueError, "3"),
    ("x", lambda: bounds.suresh.gaussian(0.0, 10, 5), ValueError, "0"),
    ("x", lambda: bounds.bertrand.gaussian(-1.0, 10, 5), ValueError, "0"),
]


@pytest.mark.parametrize("name, call, error, allowed", OTHER_ARGUMENTS)
def test_other_functions(name, call, error, allowed):
    with pytest.raises(error) as caught:
        call()
    check_message(caught, name, allowed)


class TestHittingTime:
    @pytest.fixture
    def run(self):
        return recursive_training(Gaussian(), **GOOD)

    def test_unknown_variable(self, run):
        with pytest.raises((ValueError, KeyError)) as caught:
            hitting_time(run, "variance", below=0.1)
        check_message(caught, "variable", "mean.*std")

    @pytest.mark.parametrize("below, error", [(NAN, ValueError), ("1", TypeError),
                                              (None, TypeError)], ids=label)
    def test_below(self, run, below, error):
        with pytest.raises(error) as caught:
            hitting_time(run, "std", below=below)
        check_message(caught, "below", "number|NaN|finite")

    def test_below_is_a_keyword(self, run):
        with pytest.raises(TypeError):
            hitting_time(run, "std", 0.1)


# Anything that is not an integer at all, and integers out of range.
not_integers = st.one_of(st.floats(), st.text(max_size=3), st.booleans(), st.binary(max_size=2),
                         st.complex_numbers(), st.none(), st.floats(1, 100).map(np.float32))


class TestAnything:
    @given(value=not_integers, name=st.sampled_from(["sample_size", "generations", "replications"]))
    def test_not_an_integer(self, value, name):
        with pytest.raises(TypeError) as caught:
            run_whole(**GOOD | {name: value})
        check_message(caught, name, "int")

    @given(value=st.integers(max_value=1))
    def test_small_sizes(self, value):
        with pytest.raises(ValueError) as caught:
            run_whole(**GOOD | {"sample_size": value})
        check_message(caught, "sample_size", "2")

    @given(sizes=st.lists(st.integers(-3, 50), max_size=8), generations=st.integers(0, 8))
    def test_sequences(self, sizes, generations):
        """Accepted exactly if it is long enough and all of the sizes that are used are fit."""
        used = sizes[:generations]
        fine = len(used) == generations and all(n >= 2 for n in sizes)
        if fine:
            run = recursive_training(Gaussian(), sample_size=sizes, generations=generations, seed=1)
            assert run.sizes["generation"] == generations + 1
        elif len(used) < generations or any(n < 2 for n in used):
            with pytest.raises(ValueError) as caught:
                run_whole(sample_size=sizes, generations=generations)
            check_message(caught, "sample_size", rf"2|\b{generations}\b")

    @given(keep=st.lists(st.integers(-2, 7), max_size=6))
    def test_keep(self, keep):
        fine = keep and keep == sorted(set(keep)) and keep[0] >= 0 and keep[-1] <= 5
        arguments = dict(sample_size=3, generations=5, seed=1, keep=keep)
        if fine:
            run = recursive_training(Gaussian(), **arguments)
            np.testing.assert_array_equal(run["generation"], keep)
        else:
            with pytest.raises(ValueError) as caught:
                run_whole(**arguments)
            check_message(caught, "keep", "increasing|0.*5|non-empty")

    @given(fraction=st.floats())
    def test_fraction(self, fraction):
        if 0 <= fraction <= 1:
            recursive_training(Gaussian(), **GOOD, fresh_fraction=fraction)
        else:
            with pytest.raises(ValueError, match="fresh_fraction"):
                run_whole(**GOOD | {"fresh_fraction": fraction})

    @given(std=st.floats(), mean=st.floats())
    def test_gaussian(self, std, mean):
        if std > 0 and math.isfinite(std) and math.isfinite(mean):
            assert float(Gaussian(mean, std).parameters["std"]) == std
        else:
            with pytest.raises(ValueError, match="std|mean"):
                Gaussian(mean, std)


@pytest.mark.parametrize("eta, error", [(1.0, ValueError), (0.5, ValueError), (NAN, ValueError),
                                        (INF, ValueError), ("2", TypeError), (True, TypeError)],
                         ids=label)
@pytest.mark.parametrize("call", [
    lambda eta: bounds.suresh.kappa(10, eta=eta),
    lambda eta: bounds.ours.mixture(0.1, 10, 3, eta=eta),
    lambda eta: bounds.ours.mixture_moment(0.1, 10, 3, eta=eta),
])
def test_eta(call, eta, error):
    with pytest.raises(error) as caught:
        call(eta)
    check_message(caught, "eta", "1|number")


@pytest.mark.parametrize("n, error, allowed", BAD_SIZES, ids=label)
def test_kappa_sizes(n, error, allowed):
    with pytest.raises(error) as caught:
        bounds.suresh.kappa(n)
    check_message(caught, "n", allowed)


HALF = dict(n=10, fresh_fraction=0.5)
EXCITATION_ARGUMENTS = [
    ("p", lambda: laws.excitation.stationary_variance(1.1, 10, 0.5), ValueError, "0.*1"),
    ("n", lambda: laws.excitation.stationary_variance(0.5, 0, 0.5), ValueError, "1"),
    ("fresh_fraction", lambda: laws.excitation.stationary_variance(0.5, 9, 0), ValueError, "0.*1"),
    ("source", lambda: laws.excitation.homozygosity(9, 0.5, source=2.0), ValueError, "0.*1"),
    ("ratio", lambda: laws.excitation.smallest_fraction(0.05, 10), ValueError, "1/n"),
    ("ratio", lambda: laws.excitation.smallest_fraction(0.0, 10), ValueError, "0.*1"),
    ("p", lambda: laws.excitation.stationary_pmf(NAN, **HALF), ValueError, "0.*1"),
    ("p", lambda: laws.excitation.stationary_pmf([0.5], **HALF), TypeError, "number"),
    ("p", lambda: laws.excitation.stationary_pmf(1e-240, **HALF), ValueError, "1e-100"),
    ("n", lambda: laws.excitation.stationary_pmf(0.5, 2001, 0.5), ValueError, "2000"),
    ("n", lambda: laws.excitation.stationary_pmf(0.5, 10.0, 0.5), TypeError, "integer"),
    ("fresh_fraction", lambda: laws.excitation.stationary_pmf(0.5, 10, 0), ValueError, "1e-100.*1"),
    ("p0", lambda: laws.excitation.pmf(-0.1, 0.5, 10, 0.5, 3), ValueError, "0.*1"),
    ("k", lambda: laws.excitation.pmf(0.1, 0.5, 10, 0.5, 0), ValueError, "1"),
    ("k", lambda: laws.excitation.lineages(10, 0.5, -1), ValueError, "0"),
    ("k", lambda: laws.excitation.lineages(10, 0.5, 1.0), TypeError, "integers"),
    ("p", lambda: laws.excitation.limit(1.0, 10, 0.5), ValueError, "0.*1"),
    ("n", lambda: laws.excitation.dirac(0, 0.5), ValueError, "1"),
    ("fresh_fraction", lambda: laws.excitation.atoms(10, 1.5), ValueError, "1"),
    ("n", lambda: laws.excitation.gaussian_moments(1, 0.5), ValueError, "2"),
    ("ddof", lambda: laws.excitation.gaussian_moments(10, 0.5, ddof=2), ValueError, "0, 1"),
    ("std", lambda: laws.excitation.gaussian_moments(10, 0.5, std=0.0), ValueError, "0"),
    ("moment", lambda: laws.excitation.gaussian_threshold(10, moment=3), ValueError, "1, 2"),
    ("n", lambda: laws.excitation.gaussian_threshold(1), ValueError, "2"),
    ("n", lambda: laws.wright_fisher.mrca_mean(2001), ValueError, "2000"),
    ("k", lambda: laws.wright_fisher.mrca_sf(10, -1), ValueError, "0"),
    ("n", lambda: genealogy.parents(0, 3), ValueError, "1"),
    ("generations", lambda: genealogy.parents(3, -1), ValueError, "0"),
    ("fresh_fraction", lambda: genealogy.parents(3, 1, fresh_fraction=2.0), ValueError, "0.*1"),
    ("seed", lambda: genealogy.coalescent(3, seed=-1), ValueError, "0"),
    ("replications", lambda: genealogy.mrca_times(3, replications=0), ValueError, "1"),
    ("parents", lambda: genealogy.lineages([0, 1]), ValueError, "shape"),
    ("parents", lambda: genealogy.lineages([[0, 2]]), ValueError, "1"),
    ("parents", lambda: genealogy.from_parents([[0.0]]), TypeError, "integers"),
    ("founders", lambda: genealogy.inherit([[0, 1]], [1.0]), ValueError, r"\(2, \.\.\.\)"),
    ("fresh", lambda: genealogy.inherit([[0, -1]], [1.0, 2.0]), ValueError, r"\(1,\)"),
]


@pytest.mark.parametrize("name, call, error, allowed", EXCITATION_ARGUMENTS)
def test_excitation_and_genealogy(name, call, error, allowed):
    with pytest.raises(error) as caught:
        call()
    check_message(caught, name, allowed)


class TestFreshSamples:
    def test_a_source_of_another_shape(self):
        flat = MultivariateGaussian([0, 0], np.eye(2))
        for model, source in ((Gaussian(), flat), (flat, Gaussian())):
            with pytest.raises(ValueError) as caught:
                recursive_training(model, **GOOD, source=source, fresh_fraction=0.5)
            check_message(caught, "source", "shape")

    def test_a_source_that_is_none(self):
        with pytest.raises(TypeError, match="source.*(parameters|draw)"):
            recursive_training(Gaussian(), **GOOD, source=3, fresh_fraction=0.5)

    def test_symbols_that_the_model_has_not(self):
        with pytest.raises(ValueError, match=r"samples must be integers in \[0, 1\]"):
            recursive_training(
                Categorical([0.5, 0.5]), sample_size=9, generations=2, seed=1,
                source=Poisson(50.0), fresh_fraction=0.9)

    def test_too_few_slots(self):
        model = EmpiricalMeasure(np.arange(4.0))
        recursive_training(model, sample_size=9, generations=2, seed=1)
        with pytest.raises(ValueError) as caught:
            recursive_training(model, sample_size=5, generations=2, seed=1, fresh_fraction=0.1)
        check_message(caught, "sample_size", "4")
        with pytest.raises(ValueError) as caught:
            model.fit(np.arange(5.0)[None])
        check_message(caught, "capacity", "5")
