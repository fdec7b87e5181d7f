"""How the tests of this folder prove: exact algebra, Sturm sequences, telescopes and intervals.

Each function returns True if it has proved the claim, and False if it has not; so one test shows
both that the right constant is proved and that a wrong one is not.
"""

from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from math import comb

import sympy as sp
from mpmath import iv

p = sp.symbols("p", positive=True)  # the share of a symbol at the start


def same(left, right):
    """Are the two expressions equal, as functions of their symbols?"""
    difference = sp.sympify(left) - right
    if difference.is_rational_function():
        return sp.cancel(difference) == 0
    return sp.simplify(sp.gammasimp(sp.expand_func(difference))) == 0


def positive(rational, x, low=0, high=sp.oo):
    """Is a rational function positive on the open interval (low, high)?  By Sturm sequences."""
    top, bottom = (sp.Poly(part, x) for part in sp.fraction(sp.cancel(rational)))
    inside = low + 1 if high == sp.oo else sp.Rational(low + high) / 2
    if top.eval(inside) * bottom.eval(inside) <= 0:
        return False
    return all(_roots_inside(part, low, high) == 0 for part in (top, bottom))


def _roots_inside(polynomial, low, high):
    """The number of real roots in the open interval, each counted once."""
    polynomial = polynomial.to_field()
    shifted = polynomial.shift(low).all_coeffs()
    if all(c >= 0 for c in shifted) or all(c <= 0 for c in shifted):
        return 0  # Descartes: none beyond `low`
    polynomial = polynomial.sqf_part()
    ends = [end for end in (low, high) if end != sp.oo and polynomial.eval(end) == 0]
    return polynomial.count_roots(low, None if high == sp.oo else high) - len(ends)


def nonnegative_on_integers(polynomial, j, start=0):
    """Is the polynomial >= 0 at every integer from `start` on?"""
    polynomial = sp.Poly(polynomial, j)
    if polynomial.is_ground:
        return bool(polynomial.LC() >= 0)
    if polynomial.LC() < 0:
        return False
    end = start  # Beyond the largest root only the sign of the leading coefficient counts.
    while polynomial.count_roots(end, None):
        end = 2 * end + 1
    return all(polynomial.eval(i) >= 0 for i in range(start, end + 1))


def rises_from_zero(expression, x, high=sp.oo):
    """Is the expression positive for 0 < x < high, because it starts at 0 or above and rises?

    The derivative is a rational function, and Sturm decides; or it rises from 0 itself.
    """
    expression = _collected(expression, x, high)
    start = expression.subs(x, 0)
    if not start.is_finite:
        start = sp.limit(expression, x, 0, "+")
    if start < 0:
        return False
    slope = sp.diff(expression, x)
    if slope.is_rational_function(x):
        return positive(slope, x, 0, high)
    return rises_from_zero(slope, x, high)


def _collected(expression, x, high):
    """Logarithms apart from the rest; a positive factor of the only logarithm is divided out."""
    names = {value: sp.Dummy() for value in expression.atoms(sp.log) if value.has(x)}
    plain = expression.xreplace(names)
    factors = {value: sp.cancel(sp.diff(plain, name)) for value, name in names.items()}
    if any(factor.has(*names.values()) for factor in factors.values()):
        return expression  # not linear
    rest = sp.cancel(plain.xreplace(dict.fromkeys(names.values(), sp.Integer(0))))
    if len(names) == 1:
        (logarithm, factor), = factors.items()
        for sign in (1, -1):
            if positive(sign * factor, x, 0, high):
                return sp.cancel(sign * rest / factor) + sign * logarithm
    return rest + sum(factor * logarithm for logarithm, factor in factors.items())


def below(smaller, larger, x):
    """Is smaller < larger for all x > 0, if both tend to 0 at infinity?  By telescoping.

    The difference d(x) is the sum of d(x) - d(x + 1), d(x + 1) - d(x + 2), ...; the recurrences of
    the gamma function make these terms elementary, and as functions of u = 1/x they rise from 0.
    """
    u = sp.symbols("u", positive=True)
    step = _step(sp.sympify(larger - smaller), x).subs(x, 1 / u)
    return rises_from_zero(_with_split_logarithms(step), u)


def _step(function, x):
    """function(x) - function(x + 1), with polygamma and loggamma (of x + constant) removed."""
    increments = {}
    for special in function.atoms(sp.loggamma, sp.polygamma):
        *order, z = special.args
        assert sp.diff(z, x) == 1, "the recurrence is for steps of 1"
        m = order[0] if order else None
        increment = sp.log(z) if m is None else (-1) ** m * sp.factorial(m) / z ** (m + 1)
        increments[special] = (sp.Dummy(), increment)
    plain = function.xreplace({special: name for special, (name, _) in increments.items()})
    step = plain - plain.subs(x, x + 1)
    for name, increment in increments.values():
        step -= sp.diff(plain, name) * increment
    step = sp.expand(step)
    assert not step.free_symbols & {name for name, _ in increments.values()}
    return step


def _with_split_logarithms(expression):
    """log of a product or quotient of positive factors as a sum of logarithms."""
    def split(value):
        return sp.expand_log(sp.log(sp.factor(value)), force=True)

    return sp.expand(expression.replace(sp.log, split))


def positive_by_intervals(function, low, high, depth=14):
    """Is function > 0 on [low, high]?  In interval arithmetic, halving what is undecided."""
    todo = [(iv.mpf(low), iv.mpf(high), 0)]
    while todo:
        a, b, level = todo.pop()
        value = function(iv.mpf([a.a, b.b]))
        if value.a > 0:
            continue
        if value.b <= 0 or level == depth:
            return False
        middle = (a + b) / 2
        todo += [(a, middle, level + 1), (middle, b, level + 1)]
    return True


def normal_moment(power):
    """E Z^power for a standard normal Z."""
    return 0 if power % 2 else sp.factorial2(power - 1)


def mean(polynomial, moments):
    """E of a polynomial in independent variables; moments[variable](power) are their moments."""
    terms = sp.Poly(sp.expand(polynomial), *moments).terms()
    return sp.factor(sum(
        coefficient * sp.prod([moment(power) for moment, power in zip(
            moments.values(), powers, strict=True)])
        for powers, coefficient in terms))


@contextmanager
def digits(number):
    """Compute intervals with this many decimal digits."""
    before, iv.dps = iv.dps, number
    try:
        yield
    finally:
        iv.dps = before


def interval(number):
    """An interval that contains a rational number or an integer."""
    number = Fraction(number)
    return iv.mpf(number.numerator) / number.denominator


def binomial(n, p):
    """The binomial law with exact probabilities: a list over the counts."""
    return [comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(n + 1)]


@cache
def g(k):
    """An interval that contains g_k."""
    return iv.mpf(1) if k == 1 else 1 - iv.exp(-g(k - 1))


@cache
def lost(n, k):
    """Pr(P_k = 0 | P_0 = p), a polynomial in p: the Bernstein operator of n, k times."""
    values = [1] + [0] * n
    for _ in range(k):
        polynomial = sp.expand(sum(
            value * chance for value, chance in zip(values, binomial(n, p), strict=True)))
        values = [polynomial.subs(p, sp.Rational(i, n)) for i in range(n + 1)]
    return polynomial


@cache
def survivors(n, k):
    """The exact law of the number of ancestors D_k, k generations back: a list over 0..n."""
    if k == 0:
        return [Fraction(0)] * n + [Fraction(1)]
    law, before = [Fraction(0)] * (n + 1), survivors(n, k - 1)
    for d, chance in enumerate(before):
        boxes = [Fraction(1)] + [Fraction(0)] * n
        for _ in range(d if chance else 0):
            boxes = [(boxes[i] * i + (boxes[i - 1] * (n - i + 1) if i else 0)) / n
                     for i in range(n + 1)]
        law = [a + chance * b for a, b in zip(law, boxes, strict=True)]
    return law
