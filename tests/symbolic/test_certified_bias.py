"""The bias of one generation of exact maximum likelihood, in intervals that contain it.

All expectations are of polynomials in x and T = tanh(rx), even together, at σ = 1; so |X| may be
replaced by r + Z, Z standard normal.  They are integrals of analytic functions, which the rule of
equal steps (tool-trapezoid) finds with a proved error: for |Im x| <= a = π/(4r), |T| <= 1.
"""

from fractions import Fraction
from functools import cache
from itertools import product
from math import ceil

import pytest
import sympy as sp
from mpmath import iv

from .proofs import digits, interval, positive_by_intervals

LAST = 10  # the nodes go from -10 to 10, in steps of 1/(8r) or less
x, T, mu, sigma, r = sp.symbols("x T mu sigma r")
PAIR = range(2)  # the parameters μ and σ


@cache
def derivatives():
    """∂_i ℓ, ∂_i ∂_j ℓ and ∂_i ∂_j ∂_k ℓ at (r, 1), as polynomials in x, T and r."""
    names = (mu, sigma)
    argument = mu * x / sigma**2
    # Of log cosh the derivative is T, and of T it is 1 - T².
    plain = -sp.log(sigma) - (x**2 + mu**2) / (2 * sigma**2)

    def differentiate(form, name):
        return sp.diff(form, name) + sp.diff(form, T) * (1 - T**2) * sp.diff(argument, name)

    table = {(i,): sp.diff(plain, names[i]) + T * sp.diff(argument, names[i]) for i in PAIR}
    for i, j in product(PAIR, PAIR):
        table[i, j] = differentiate(table[i,], names[j])
    for i, j, k in product(PAIR, PAIR, PAIR):
        table[i, j, k] = differentiate(table[i, j], names[k])
    return {index: sp.expand(form.subs({sigma: 1, mu: r})) for index, form in table.items()}


@cache
def integrands():
    """What is averaged, with three derivatives in r: lists of the terms of four polynomials."""
    d = {index: sp.Poly(form, x, T, r) for index, form in derivatives().items()}
    table = {("information", i, j): -d[i, j] for i, j in product(PAIR, PAIR)}
    for a, j, k in product(PAIR, PAIR, PAIR):
        table["product", a, j, k] = d[a, j] * d[k,]
        table["third", a, j, k] = d[a, j, k]
    assert all((i + j) % 2 == 0 for form in table.values() for i, j, _ in form.monoms())  # even
    return {name: _with_derivatives(form) for name, form in table.items()}


def _with_derivatives(form):
    # x = r + z, so dx/dr = 1 and dT/dr = (1 - T²)(x + r).
    slope, terms = sp.Poly((1 - T**2) * (x + r), x, T, r), []
    for _ in range(4):
        terms.append([(powers, interval(Fraction(int(c.p), int(c.q))))
                      for powers, c in form.terms()])
        form = form.diff(r) + form.diff(x) + form.diff(T) * slope
    return terms


class Moments:
    """E x^i T^j, x = r + Z, for all r in an interval: intervals that contain them."""

    def __init__(self, r):
        self.r = r
        per_unit = 8 * ceil(float(r.b))
        self.step = interval(Fraction(1, per_unit))
        nodes = [self.step * j for j in range(-LAST * per_unit, LAST * per_unit + 1)]
        self.weights = [self.step * iv.exp(-(z**2) / 2) / iv.sqrt(2 * iv.pi) for z in nodes]
        points = [r + z for z in nodes]
        powers = [iv.exp(-2 * r * p) for p in points]
        self.x, self.tanh = [None, points], [None, [(1 - e) / (1 + e) for e in powers]]
        self.known = {}

    def __call__(self, i, j):
        if (i, j) not in self.known:
            values = self.weights
            for table, power in ((self.x, i), (self.tanh, j)):
                while len(table) <= power:
                    table.append([a * b for a, b in zip(table[-1], table[1], strict=True)])
                if power:
                    values = [a * b for a, b in zip(values, table[power], strict=True)]
            self.known[i, j] = sum(values) + self._error(i) * iv.mpf([-1, 1])
        return self.known[i, j]

    def _error(self, i):
        """Of the rule of equal steps, and of the nodes that are left out.

        |x + ib| <= r + |z| + a <= (1 + r + a)(1 + |z|), and (1 + |z|)^i <= 2^8 (1 + z^8) for
        i <= 8, of mean 2^8 · 106; the density grows by e^(b²/2).  Beyond LAST the terms
        (r + z)^i e^(-z²/2) fall faster than e^(-9 z); together they are below the last term here.
        """
        assert i <= 8
        a = iv.pi / (4 * self.r)
        strip = iv.exp(a**2 / 2) * (1 + self.r + a) ** i * 2**8 * 106
        left_out = 4 * iv.exp(-(iv.mpf(LAST) ** 2) / 2) * (self.r + LAST) ** i
        return 2 * strip / (iv.exp(2 * iv.pi * a / self.step) - 1) + left_out

    def mean(self, terms):
        return sum(c * self.r**k * self(i, j) for (i, j, k), c in terms)


class Line:
    """Intervals for the value and for the derivative of a function of r."""

    def __init__(self, value, slope=0):
        self.value, self.slope = value, slope

    def __add__(self, other):
        return Line(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other):
        return Line(self.value - other.value, self.slope - other.slope)

    def __mul__(self, other):
        return Line(self.value * other.value,
                    self.value * other.slope + self.slope * other.value)

    def __truediv__(self, other):
        return Line(self.value / other.value, (
            self.slope * other.value - self.value * other.slope) / other.value**2)


def bias(r, half=Fraction(1, 2)):
    """b(r), the component of σ, and its derivative, for all r in an interval.

    The averages by Taylor's formula around the middle, b by the mean value theorem.  `half` is
    the factor of the third derivatives in the formula.
    """
    middle, offset = r.mid, r - r.mid
    here = Moments(middle)
    around = Moments(r) if r.delta > 0 else here
    points, lines = {}, {}
    for name, (f, first, second, third) in integrands().items():
        value, slope = here.mean(f), here.mean(first)
        points[name] = Line(value, slope)
        lines[name] = points[name] if r.delta == 0 else Line(
            value + slope * offset + around.mean(second) * offset**2 / 2,
            slope + here.mean(second) * offset + around.mean(third) * offset**2 / 2)
    slope = _formula(lines, half).slope
    return Line(_formula(points, half).value + slope * offset, slope)


def _formula(means, half):
    """Σ K_σa K_jk (E[∂_a ∂_j ℓ ∂_k ℓ] + ½ E ∂_a ∂_j ∂_k ℓ), K the inverse information."""
    info = [[means["information", i, j] for j in PAIR] for i in PAIR]
    determinant = info[0][0] * info[1][1] - info[0][1] * info[1][0]
    zero = Line(iv.mpf(0), iv.mpf(0))
    K = [[info[1][1] / determinant, (zero - info[0][1]) / determinant],
         [(zero - info[1][0]) / determinant, info[0][0] / determinant]]
    factor, total = Line(interval(half)), zero
    for a, j, k in product(PAIR, PAIR, PAIR):
        inner = means["product", a, j, k] + factor * means["third", a, j, k]
        total += K[1][a] * K[j][k] * inner
    return total


@pytest.fixture(autouse=True)
def thirty_digits():
    with digits(30):
        yield


def at(r, **wrong):
    return bias(interval(Fraction(r)), **wrong).value


def everywhere(function, low, high, width=Fraction(1, 100)):
    """Is function > 0 for all r in [low, high]?  In pieces of this width, halved where needed."""
    low, high = Fraction(low), Fraction(high)
    count = ceil((high - low) / width)
    ends = [interval(low + (high - low) * Fraction(i, count)) for i in range(count + 1)]
    return all(positive_by_intervals(function, a.a, b.b, depth=5)
               for a, b in zip(ends[:-1], ends[1:], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("r, above", [("1.466461", True), ("1.466462", False)])
def test_where_it_crosses(r, above):
    """prop-gmm-one-step: b crosses -1/4 at r_c = 1.46646..."""
    assert (at(r).a > -0.25) if above else (at(r).b < -0.25)


@pytest.mark.parametrize("half, holds", [(Fraction(1, 2), True), (Fraction(1), False)])
def test_well_separated_modes(half, holds):
    """thm-gmm-bias: at r = 4 it is nearly the -3/4 of the Gaussian with divisor n."""
    assert (abs(at(4, half=half) + interval(Fraction(3, 4))).b < 0.01) is holds


def test_it_rises_for_one_mode_and_a_half():
    """prop-gmm-one-step: b(1) > 0, so that E Σ_1 > σ_0 for all large n."""
    assert at(1).a > 0.872 and at(1).b < 0.873


@pytest.mark.slow
def test_one_crossing():
    """prop-gmm-one-step: for every r in [0.75, 2.5], b(r) > -1/4 below r_c and b(r) < -1/4 above.

    Not below 0.75, where the information is so nearly singular that the pieces would have to be
    narrower; at r = 0.5, and at r = 3, for this r alone.
    """
    assert everywhere(lambda r: bias(r).value + 0.25, "0.75", "1.46")
    assert everywhere(lambda r: -bias(r).slope, "1.46", "1.48", Fraction(1, 400))
    assert everywhere(lambda r: -bias(r).value - 0.25, "1.48", "2.5")
    assert at("0.5").a > 0 and at("3").b < -0.25


@pytest.mark.slow
def test_the_mean_even_rises():
    """prop-gmm-one-step: b(r) > 0 for every r in [0.75, 1.25], and not at 1.27."""
    assert everywhere(lambda r: bias(r).value, "0.75", "1.25")
    assert at("1.27").b < 0
