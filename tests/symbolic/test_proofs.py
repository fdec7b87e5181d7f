"""The provers themselves: they prove what is true, and nothing that is false."""

from fractions import Fraction

import pytest
import sympy as sp
from mpmath import iv

from .proofs import (
    below,
    binomial,
    digits,
    interval,
    mean,
    nonnegative_on_integers,
    normal_moment,
    positive,
    positive_by_intervals,
    rises_from_zero,
    same,
    survivors,
)

x, y = sp.symbols("x y", positive=True)


@pytest.mark.parametrize("left, right, holds", [
    ((x + y) ** 2, x**2 + 2 * x * y + y**2, True), (x**2, x**2 + 1, False),
    (sp.gamma(x + 2), x * (x + 1) * sp.gamma(x), True), (sp.gamma(x + 2), sp.gamma(x), False)])
def test_same(left, right, holds):
    assert same(left, right) is holds


@pytest.mark.parametrize("function, low, high, holds", [
    (x**2 - 2 * x + 2, 0, sp.oo, True),
    ((x - 1) ** 2, 0, sp.oo, False),  # it touches 0
    ((x - 1) ** 2, 1, sp.oo, True),  # the ends do not count
    (x - x**2, 0, 1, True), (x - x**2, 0, 2, False), (-x, 0, 1, False),
    (1 / (x - 3), 3, sp.oo, True), (1 / (x - 3) ** 2, 0, sp.oo, False),  # a pole inside
    (x**2 - 2, sp.Rational(3, 2), 2, True), (x**2 - 2, 1, 2, False)])
def test_positive(function, low, high, holds):
    assert positive(function, x, low, high) is holds


@pytest.mark.parametrize("polynomial, start, holds", [
    (x**2 - 6 * x + 6, 5, True), (x**2 - 6 * x + 6, 4, False),
    ((x - 3) * (x - 4), 0, True),  # negative between integers only
    (1000 - x, 0, False), (x**3 - 10**6 * x, 1, False), (sp.Integer(0), 0, True)])
def test_nonnegative_on_integers(polynomial, start, holds):
    assert nonnegative_on_integers(polynomial, x, start) is holds


@pytest.mark.parametrize("function, high, holds", [
    (x - sp.log(1 + x), sp.oo, True), (sp.log(1 + x) - x, sp.oo, False),
    (sp.log(1 + x) - x + x**2 / 2, sp.oo, True),
    (x * (1 + x) * sp.log(1 + x) - x**2, sp.oo, True),  # a factor of the logarithm
    (2 * x + sp.log(1 - x), sp.Rational(1, 2), True),
    (2 * x + sp.log(1 - x), sp.Rational(3, 4), False),  # positive there, but it falls
    (x - sp.Rational(1, 100), sp.oo, False)])
def test_rises_from_zero(function, high, holds):
    assert rises_from_zero(function, x, high) is holds


def test_below():
    assert below(sp.polygamma(1, x), 1 / x + 1 / x**2, x)
    assert not below(1 / x + 1 / x**2, sp.polygamma(1, x), x)
    with pytest.raises(AssertionError, match="steps of 1"):
        below(sp.polygamma(1, 2 * x), 1 / x, x)


@pytest.mark.parametrize("bound, holds", [(Fraction(99, 100), False), (Fraction(101, 100), True)])
def test_positive_by_intervals(bound, holds):
    assert positive_by_intervals(lambda a: interval(bound) - iv.sin(a), 0, 3) is holds


def test_intervals():
    third = interval(Fraction(1, 3))
    assert third.a < third.b and (3 * third - 1).a <= 0 <= (3 * third - 1).b
    before = iv.dps
    with digits(50):
        assert iv.dps == 50 and (interval(Fraction(1, 3)) - third).delta > 0
    assert iv.dps == before


def test_means_and_laws():
    assert mean(x**4 * y**2 + x, {x: normal_moment, y: normal_moment}) == 3
    assert sum(binomial(5, Fraction(1, 3))) == 1
    assert survivors(3, 1) == [0, Fraction(1, 9), Fraction(2, 3), Fraction(2, 9)]
    assert sum(survivors(6, 4)) == 1
