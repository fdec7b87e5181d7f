"""The toolkit: digamma and gamma bounds by telescopes, moments by integration, urns exactly."""

from fractions import Fraction
from itertools import permutations, product
from math import comb, factorial, prod

import pytest
import sympy as sp
from mpmath import iv

from .proofs import below, digits, interval, mean, normal_moment, positive, rises_from_zero, same

x, t, u, s = sp.symbols("x t u s", positive=True)


psi, psi1, log = sp.digamma, lambda z: sp.polygamma(1, z), sp.log
half = sp.Rational(1, 2)


class TestDigamma:
    """All of these tend to 0 at infinity, by Stirling's formula."""

    @pytest.mark.parametrize("bound, holds", [(1 / x, True), (1 / (2 * x), False),
                                              (1 / (2 * x) + 1 / (12 * x**2), True),
                                              (1 / (2 * x) + 1 / (13 * x**2), False)])
    def test_log_minus_psi_from_above(self, bound, holds):
        """tool-digamma, thm-gauss-typical."""
        assert below(log(x) - psi(x), bound, x) is holds

    @pytest.mark.parametrize("factor, holds", [(half, True), (half + 0.01, False)])
    def test_log_minus_psi_from_below(self, factor, holds):
        """tool-digamma, thm-gauss-typical."""
        assert below(sp.nsimplify(factor) / x, log(x) - psi(x), x) is holds

    @pytest.mark.parametrize("square, holds", [(1, True), (half, False)])
    def test_trigamma_from_above(self, square, holds):
        """tool-digamma."""
        assert below(psi1(x), 1 / x + square / x**2, x) is holds

    @pytest.mark.parametrize("square, holds", [(half, True), (sp.Rational(3, 5), False)])
    def test_trigamma_from_below(self, square, holds):
        """tool-digamma."""
        assert below(1 / x + square / x**2, psi1(x), x) is holds

    @pytest.mark.parametrize("constant, holds", [(24, True), (25, False)])
    def test_psi_of_half_from_above(self, constant, holds):
        """tool-digamma."""
        assert below(psi(x + half) - log(x), 1 / (constant * x**2), x) is holds

    def test_psi_of_half_from_below(self):
        """tool-digamma, thm-gauss-moment."""
        assert below(sp.Integer(0), psi(x + half) - log(x), x)


@pytest.mark.parametrize("bound, holds", [(1 / (12 * x), True), (1 / (13 * x), False)])
def test_stirling_remainder(bound, holds):
    """tool-stirling: 0 < remainder < 1/(12x)."""
    remainder = sp.loggamma(x) - (x - half) * log(x) + x - log(2 * sp.pi) / 2
    assert below(remainder, bound, x) is holds
    assert below(sp.Integer(0), remainder, x)


@pytest.mark.parametrize("factor, holds", [(half, True), (sp.Rational(2, 5), False)])
def test_exponential_between_tangent_and_parabola(factor, holds):
    """tool-elementary: x - x²/2 <= 1 - e^-x <= x, with x = log(1 + u)."""
    value, at = u / (1 + u), log(1 + u)
    assert rises_from_zero(at - value, u)
    assert rises_from_zero(value - at + factor * at**2, u) is holds


@pytest.mark.parametrize("power", [sp.Rational(3, 2), 2, 5])
def test_bernoulli_inequality(power):
    """tool-elementary: (1 + x)^n >= 1 + nx on both sides of 0, by logarithms."""
    assert rises_from_zero(power * log(1 + x) - log(1 + power * x), x)
    assert rises_from_zero(power * log(1 - x) - log(1 - power * x), x, high=1 / sp.Integer(5))
    assert not rises_from_zero(log(1 + power * x) - power * log(1 + x), x)


@pytest.mark.parametrize("cube, holds", [(3, True), (2, False)])
def test_hoelder_for_two_values(cube, holds):
    """tool-paley-zygmund: (E X²)³ <= (E|X|)² E X⁴ for the values 1 and x, each with chance 1/2."""
    first, second, fourth = ((1 + x**power) / 2 for power in (1, 2, 4))
    gap = sp.cancel((first**2 * fourth - second**cube) / (1 - x) ** 2)
    assert positive(gap, x) is holds


def test_summation_by_parts():
    """tool-kronecker: for five terms."""
    a, u = sp.symbols("a0:6"), sp.symbols("u0:6")
    zero = {a[0]: 0, u[0]: 0}
    left = sum(a[i] * (u[i] - u[i - 1]) for i in range(1, 6)).subs(zero)
    right = a[5] * u[5] - sum((a[i] - a[i - 1]) * u[i - 1] for i in range(1, 6)).subs(zero)
    assert sp.expand(left - right) == 0


class TestGammaLaw:
    a, b = sp.symbols("a b", positive=True)

    @staticmethod
    def moment(a, power):
        """E X^power for Gamma(a), by integration."""
        return sp.integrate(x ** (a + power - 1) * sp.exp(-x), (x, 0, sp.oo)) / sp.gamma(a)

    def test_moments(self):
        """tool-gamma: powers, logarithm, and the law weighted by x^s."""
        assert same(self.moment(self.a, s), sp.gamma(self.a + s) / sp.gamma(self.a))
        cumulants = sp.loggamma(self.a + s)
        assert sp.diff(cumulants, s).subs(s, 0) == psi(self.a)
        assert sp.diff(cumulants, s, 2).subs(s, 0) == psi1(self.a)
        weighted = x**s * x ** (self.a - 1) * sp.exp(-x) / self.moment(self.a, s)
        assert same(weighted / sp.gamma(self.a),
                    x ** (self.a + s - 1) * sp.exp(-x) / sp.gamma(self.a + s))

    @pytest.mark.parametrize("power, expected, holds", [
        (1, lambda v: v, True), (2, lambda v: v * (v + 2), True), (2, lambda v: v**2 + v, False),
        (-1, lambda v: 1 / (v - 2), True), (-1, lambda v: 1 / (v - 1), False)])
    def test_chi_square(self, power, expected, holds):
        """tool-gamma: mean, variance and mean reciprocal of χ² = 2 Gamma(ν/2)."""
        nu = sp.symbols("nu", positive=True)
        value = 2**power * sp.gamma(nu / 2 + power) / sp.gamma(nu / 2)
        assert same(value, expected(nu)) is holds

    @pytest.mark.parametrize("m", [2, 3, 4])
    def test_jacobian(self, m):
        """tool-gamma, tool-student: x = s w has the Jacobian s^(m-1)."""
        w = sp.symbols(f"w1:{m}")
        shares = [*w, 1 - sum(w)]
        matrix = sp.Matrix([s * share for share in shares]).jacobian([s, *w])
        assert sp.expand(abs(matrix.det()) - s ** (m - 1)) == 0 or sp.expand(
            matrix.det() ** 2 - s ** (2 * m - 2)) == 0


@pytest.mark.parametrize("nu", [2, 3])
@pytest.mark.parametrize("shift, holds", [(1, True), (0, False)])
def test_wishart_square(nu, shift, holds):
    """tool-wishart: E W = ν I and E W² = ν(ν + d + 1) I, for d = 2."""
    d = 2
    names = sp.symbols(f"g:{nu * d}")
    G = sp.Matrix(nu, d, names)
    W, normal = G.T * G, dict.fromkeys(names, normal_moment)
    assert (mean(W[0, 0], normal), mean(W[0, 1], normal)) == (nu, 0)
    square = W * W
    assert (mean(square[0, 0], normal) == nu * (nu + d + shift)) is holds
    assert mean(square[0, 1], normal) == 0


def test_wishart_inverse():
    """tool-wishart: the mean reciprocal of χ² with ν - d + 1 degrees of freedom."""
    nu, d = sp.symbols("nu d", positive=True)
    z = (nu - d + 1) / 2
    assert same(sp.gamma(z - 1) / (2 * sp.gamma(z)), 1 / (nu - d - 1))


@pytest.mark.parametrize("indices", [(0, 1, 2, 3), (0, 0, 1, 1), (0, 1, 1, 1), (2, 2, 2, 2)])
def test_isserlis(indices):
    """tool-isserlis: the fourth derivative of ⅛(t'Σt)²."""
    S = sp.Matrix(4, 4, lambda i, j: sp.Symbol(f"S{min(i, j)}{max(i, j)}"))
    names = sp.symbols("t:4")
    derivative = (sp.Matrix([names]) * S * sp.Matrix(names))[0] ** 2 / 8
    for index in indices:
        derivative = sp.diff(derivative, names[index])
    i, j, k, m = indices
    expected = S[i, j] * S[k, m] + S[i, k] * S[j, m] + S[i, m] * S[j, k]
    assert sp.expand(derivative - expected) == 0


class TestMehler:
    r, y = sp.symbols("r y", real=True)

    @pytest.mark.parametrize("j, k", [(j, k) for j in range(5) for k in range(j + 1)])
    def test_hermite_polynomials(self, j, k):
        """tool-mehler, prp-table-latent: E He_j(X) He_k(Y) = k! r^k if j = k, else 0."""
        z = sp.symbols("z")
        root = sp.sqrt(1 - self.r**2)
        other = sp.expand(sp.hermite_prob(k, self.r * x + root * z))
        value = mean(sp.hermite_prob(j, x) * other, {x: normal_moment, z: normal_moment})
        assert sp.expand(value - (sp.factorial(k) * self.r**k if j == k else 0)) == 0

    def test_plackett(self):
        """tool-mehler, prp-table-latent: ∂φ/∂r = ∂²φ/∂x∂y for the bivariate normal density."""
        rest = 1 - self.r**2
        density = sp.exp(-(x**2 - 2 * self.r * x * self.y + self.y**2) / (2 * rest)) / sp.sqrt(rest)
        assert same((sp.diff(density, self.r) - sp.diff(density, x, self.y)) / density, 0)


class TestCoalescent:
    @pytest.mark.parametrize("M", [2, 5, 9])
    @pytest.mark.parametrize("wrong", [0, 1])
    def test_partial_fractions(self, M, wrong):
        """tool-coalescent: the coefficient of e^(-λ_d t) for M lines."""
        rate = {d: Fraction(comb(d, 2)) for d in range(2, M + 1)}
        for d in rate:
            exact = prod(rate[e] / (rate[e] - rate[d]) for e in rate if e != d)
            claim = Fraction((-1) ** d * (2 * d - 1 + wrong) * factorial(M) * factorial(M - 1),
                             factorial(M - d) * factorial(M + d - 1))
            assert (exact == claim) is not wrong

    def test_mean(self):
        """tool-coalescent, prp-collapse-mrca: Σ 2/(d(d-1)) = 2(1 - 1/M)."""
        M, d = sp.symbols("M d", positive=True, integer=True)
        assert same(sp.summation(2 / (d * (d - 1)), (d, 2, M)), 2 * (1 - 1 / M))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_sparre_andersen(n):
    """tool-sparre: among all signs and orders of generic steps the share is C(2n, n)/4^n.

    Given their absolute values, the steps have independent fair signs and a uniform order; so the
    identity for one generic choice of values is the identity for the law, when it has no atoms.
    """
    sizes = [2**i for i in range(n)]  # no signed partial sum is 0
    walks = good = 0
    for order in permutations(sizes):
        for signs in product((1, -1), repeat=n):
            walks += 1
            position = 0
            for sign, size in zip(signs, order, strict=True):
                position += sign * size
                if position < 0:
                    break
            else:
                good += 1
    assert Fraction(good, walks) == Fraction(comb(2 * n, n), 4**n)


@pytest.mark.parametrize("counts", [(0, 3), (1, 1), (2, 3), (4, 1)])
def test_polya_urn(counts):
    """tool-polya, thm-excitation-dirichlet: the urn's probability is a mean under Beta."""
    theta, p = sp.symbols("theta p", positive=True)
    shares, drawn, urn = (theta * p, theta * (1 - p)), [0, 0], sp.Integer(1)
    for colour in [0] * counts[0] + [1] * counts[1]:
        urn *= (shares[colour] + drawn[colour]) / (theta + sum(drawn))
        drawn[colour] += 1
    a, b = shares
    beta = sp.gamma(theta) / (sp.gamma(a) * sp.gamma(b))
    dirichlet = beta * sp.gamma(a + counts[0]) * sp.gamma(b + counts[1]) / sp.gamma(
        theta + sum(counts))
    assert same(urn, dirichlet)


def test_radial_harmonic_function():
    """tool-brownian: ‖x‖^(2-d) is harmonic, and its two values give the chance (δ/r)^(d-2)."""
    d, r, delta, p = sp.symbols("d r delta p", positive=True)
    h = r ** (2 - d)
    assert same(sp.diff(h, r, 2) + (d - 1) / r * sp.diff(h, r), 0)
    chance = sp.solve(sp.Eq(h, h.subs(r, delta) * p), p)[0]  # R = ∞ takes no mass
    assert same(sp.powsimp(chance / (delta / r) ** (d - 2), force=True), 1)


@pytest.mark.parametrize("weight, holds", [(half, True), (sp.Integer(1), False)])
def test_bias_of_maximum_likelihood(weight, holds):
    """tool-cox-snell: for an exponential rate the bias is λ/n to first order, as n/(n-1) says."""
    rate, n = sp.symbols("lambda n", positive=True)
    logarithm = log(rate) - rate * x

    def expect(value):
        return sp.integrate(value * rate * sp.exp(-rate * x), (x, 0, sp.oo))

    first, second, third = (sp.diff(logarithm, rate, order) for order in (1, 2, 3))
    information = -expect(second)
    formula = (expect(first * second) + weight * expect(third)) / information**2
    exact = sp.limit(n * (rate * n / (n - 1) - rate), n, sp.oo)
    assert same(formula, exact) is holds


@pytest.mark.parametrize("exponent, holds", [(2, True), (Fraction(201, 100), False)])
def test_trapezoid_rule(exponent, holds):
    """tool-trapezoid, at its sharpest: f = e^(-t²), C = √π e^(a²), in interval arithmetic."""
    with digits(60):
        for step in (Fraction(1, 2), Fraction(1), Fraction(2)):
            h = interval(step)
            # Terms from j = 40 on are below 1e-170, less than the width of these intervals.
            total = 1 + 2 * sum(iv.exp(-((h * j) ** 2)) for j in range(1, 40))
            error = abs(h * total - iv.sqrt(iv.pi))
            a = iv.pi / h  # the best strip
            bound = 2 * iv.sqrt(iv.pi) * iv.exp(a**2) / (
                iv.exp(interval(exponent) * iv.pi * a / h) - 1)
            assert (error.b < bound.a) is holds
