"""g_k against the recursion in forty digits, and against what it is the probability of."""

import decimal
import inspect
from functools import lru_cache

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from scipy import stats

from collapse.laws import branching


@lru_cache(maxsize=1)
def recursion():
    """g_1, ..., g_20000 in forty digits."""
    with mp.workdps(40):
        values = [mp.mpf(1)]
        while len(values) < 20_000:
            values.append(1 - mp.exp(-values[-1]))
    return values


def test_against_the_recursion():
    expected = np.array([float(value) for value in recursion()])
    np.testing.assert_allclose(branching.g(np.arange(1, 20_001)), expected, rtol=1e-15)


@pytest.mark.parametrize("k", [10**5, 10**7, 10**9, 2**62])
def test_far_away_against_the_abel_equation(k):
    # Iterate 20 000 times in forty digits; the truncated series then has an error below 1e-24.
    with mp.workdps(40):
        def phi(y):
            return 2 * y - mp.log(y) / 3 + 1 / (36 * y) + 1 / (540 * y**2) - 1 / (7776 * y**3)

        target = phi(1 / recursion()[-1]) + (k - 20_000)
        y = mp.findroot(lambda y: phi(y) - target, k / 2)
        expected = float(1 / y)
    assert branching.g(k) == pytest.approx(expected, rel=1e-15)


def test_scalar_and_array_agree_across_the_table():
    k = np.arange(1, 200)
    np.testing.assert_array_equal(branching.g(k), [branching.g(int(j)) for j in k])


def test_coefficients_of_the_abel_function():
    # Φ(y') = Φ(y) + 1 order by order in e = 1/y, with y' = 1/(1 − exp(−e)).
    e = sp.symbols("e")
    order = len(branching._COEFFICIENTS) + 2
    ratio = sp.series(e / (1 - sp.exp(-e)), e, 0, order + 2).removeO()  # y'/y
    inverse = sp.series(1 / ratio, e, 0, order + 2).removeO()
    defect = 2 * (ratio - 1) / e - sp.log(ratio) / 3 - 1
    for j, value in enumerate(branching._COEFFICIENTS, 1):
        defect += sp.Rational(value).limit_denominator(10**9) * e**j * (inverse**j - 1)
    defect = sp.series(defect, e, 0, order).removeO()
    assert sp.expand(defect) == 0


@pytest.mark.parametrize("k", [1, 2, 3, 4, 6])
def test_survival_of_a_line(k, assert_proportion):
    rng = np.random.default_rng([3, k])
    size = np.ones(20_000, dtype=int)
    for _ in range(k - 1):
        size = rng.poisson(size)
    assert_proportion(np.sum(size > 0), size.size, branching.survival(k))
    wrong = branching.survival(k + 1)
    with pytest.raises(AssertionError):  # power: the index is not off by one
        assert_proportion(np.sum(size > 0), size.size, wrong)


def test_two_over_k():
    k = np.array([10**3, 10**5, 10**7])
    gap = k * branching.g(k) / 2 - 1
    slope = np.diff(np.log(-gap)) / np.diff(np.log(k))
    assert np.all((slope > -1) & (slope < -0.8))  # −(1 + ⅓ ln k)/k


def test_the_callers_decimal_precision_does_not_matter():
    expected = branching.g([10, 10**4])
    branching._start.cache_clear()
    try:
        with decimal.localcontext(decimal.Context(prec=5)):
            np.testing.assert_array_equal(branching.g([10, 10**4]), expected)
    finally:
        branching._start.cache_clear()


def test_alias_and_documentation():
    assert branching.survival is branching.g
    assert "1e-15" in inspect.getdoc(branching.g)


def test_offspring_law_is_poisson_one():
    # One generation: Pr(at least one child).
    assert branching.g(2) == pytest.approx(stats.poisson(1).sf(0), rel=1e-15)
