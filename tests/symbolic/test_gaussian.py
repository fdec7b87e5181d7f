"""The Gaussian: α(n) and its bounds for every n, moments, and the law of the collapse point."""

import pytest
import sympy as sp
from mpmath import iv

from .proofs import below, digits, mean, normal_moment, positive, same

b, n, nu, s, t, v, w, x, z = sp.symbols("b n nu s t v w x z", positive=True)
half = sp.Rational(1, 2)
chi_square = x ** (nu / 2 - 1) * sp.exp(-x / 2) / (2 ** (nu / 2) * sp.gamma(nu / 2))
moment = (2 / nu) ** (s / 2) * sp.gamma((nu + s) / 2) / sp.gamma(nu / 2)  # M(s)
log_moment = s / 2 * sp.log(2 / nu) + sp.loggamma((nu + s) / 2) - sp.loggamma(nu / 2)
rate = sp.log(z) / 2 + sp.loggamma(z) - sp.loggamma(z + half)  # -log α, z = ν/2


@pytest.mark.parametrize("size", [2, 3, 5])
def test_helmert_rotation(size):
    """lem-cochran, tool-cochran: the squares about the mean are those of n - 1 coordinates."""
    G = sp.Matrix(sp.symbols(f"g:{size}"))
    rows = [[1 / sp.sqrt(size)] * size]
    for i in range(1, size):
        rows.append([1 / sp.sqrt(i * (i + 1))] * i + [-i / sp.sqrt(i * (i + 1))]
                    + [0] * (size - i - 1))
    rotation = sp.Matrix(rows)
    assert sp.simplify(rotation * rotation.T) == sp.eye(size)
    H, average = rotation * G, sum(G) / size
    assert sp.expand(sum((a - average) ** 2 for a in G) - sum(h**2 for h in H[1:])) == 0


class TestMoments:
    def test_by_integration(self):
        """lem-bertrand, prp-room-tilt: E (χ²_ν/ν)^(s/2) = M(s)."""
        u = sp.symbols("u", positive=True)
        density = chi_square.subs(x, 2 * u) * 2
        value = sp.integrate(sp.powsimp((2 * u / nu) ** (s / 2) * density), (u, 0, sp.oo))
        assert same(sp.powsimp(value / moment, force=True), 1)
        assert same(moment.subs(s, 1), sp.sqrt(2 / nu) * sp.gamma((nu + 1) / 2) / sp.gamma(nu / 2))

    @pytest.mark.parametrize("power, value", [(0, 1), (2, 1), (4, 1 + 2 / nu)])
    def test_even(self, power, value):
        """thm-gauss-moment, thm-growth-variance, prp-families-exact: M(0), M(2) and M(4)."""
        assert same(moment.subs(s, power), value)
        assert not same(moment.subs(s, power), value + 1 / nu)

    def test_slopes(self):
        """thm-gauss-moment, thm-gauss-typical: Λ', Λ'' and λ = Λ'(0)."""
        slope = (sp.digamma((nu + s) / 2) - sp.log(nu / 2)) / 2
        assert same(sp.expand_log(sp.diff(log_moment, s) - slope, force=True), 0)
        assert same(sp.diff(log_moment, s, 2), sp.polygamma(1, (nu + s) / 2) / 4)
        typical = (sp.digamma(nu / 2) - sp.log(nu / 2)) / 2
        assert same(sp.expand_log(slope.subs(s, 0) - typical, force=True), 0)

    @pytest.mark.parametrize("shift, holds", [(0, True), (2, False)])
    def test_change_of_measure(self, shift, holds):
        """prp-room-tilt, prp-growth-risk, thm-gauss-tail: weighted by y^(s/2), ν becomes ν + s."""
        weighted = (x / nu) ** (s / 2) * chi_square / moment
        tilted = chi_square.subs(nu, nu + s + shift)
        ratio = sp.gammasimp(sp.powsimp(sp.powdenest(weighted / tilted, force=True), force=True))
        assert same(sp.expand_power_base(ratio, force=True), 1) is holds

    @pytest.mark.parametrize("shift, holds", [(0, True), (2, False)])
    def test_second_moment_beyond(self, shift, holds):
        """prp-room-tilt: χ²_(ν+2)/ν is (n+1)/(n-1) times the factor of n + 2 samples."""
        factor = (nu + 2 + shift) / nu
        assert same(factor, ((n + 1) / (n - 1)).subs(n, nu + 1)) is holds

    def test_divisor_n(self):
        """prp-gauss-ml, thm-gauss-mean: E χ²/n = 1 - 1/n, E (χ²/n)² = (n-1)(n+1)/n²."""
        degrees = n - 1
        assert same(degrees / n, 1 - 1 / n)
        assert same(degrees * (degrees + 2) / n**2, (n - 1) * (n + 1) / n**2)


class TestSharpRate:
    """-log α(n) tends to 0 by Stirling, so telescoping proves both bounds for every real ν > 0."""

    @pytest.mark.parametrize("bound, holds", [
        (1 / (8 * z), True), (1 / (8 * z) - 1 / (192 * z**3), False), (1 / (9 * z), False),
        (1 / (8 * z) - 1 / (192 * z**3) + 1 / (640 * z**5), True)])
    def test_from_above(self, bound, holds):
        """thm-gauss-sharp, prop-gmm-eta: -log α < 1/(4ν), and < 1/(4ν) - 1/(24ν³) + 1/(20ν⁵)."""
        assert below(rate, bound, z) is holds

    @pytest.mark.parametrize("cube, holds", [(24, True), (25, False)])
    def test_from_below(self, cube, holds):
        """thm-gauss-sharp, thm-growth-variance, cor-gauss-scales: > 1/(4ν) - 1/(24ν³)."""
        bound = (1 / (4 * nu) - 1 / (cube * nu**3)).subs(nu, 2 * z)
        assert below(bound, rate, z) is holds

    def test_integrand(self):
        """thm-gauss-sharp: 1/2 - (1 - e^(-t/2))/(1 - e^-t) = -tanh(t/4)/2, with w = e^(-t/2)."""
        assert same(half - (1 - w) / (1 - w**2), -(1 - w) / (1 + w) / 2)
        assert same(sp.tanh(t / 4).rewrite(sp.exp),
                    ((1 - w) / (1 + w)).subs(w, sp.exp(-t / 2)))

    def test_integrals(self):
        """thm-gauss-sharp: what the terms of the hyperbolic tangent contribute."""
        series = [(t / 4) / (2 * t), (t / 4) ** 3 / 3 / (2 * t)]
        values = [sp.integrate(sp.exp(-z * t) * term, (t, 0, sp.oo)).subs(z, nu / 2)
                  for term in series]
        assert same(values[0], 1 / (4 * nu)) and same(values[1], 1 / (24 * nu**3))

    def test_best_constant(self):
        """thm-gauss-sharp, thm-suresh-gaussian: the smallest c(n) is the first, in intervals."""
        lower = 4 - 4 * nu / (6 * nu**2 - 1)
        assert same(4 + 4 * nu - 4 * nu / (1 - 1 / (6 * nu**2)), lower)
        assert positive(sp.diff(lower, nu), nu, 1)
        with digits(30):
            c2 = 8 - 2 / iv.log(iv.pi / 2)
            c3 = 12 - 2 / iv.log(4 / iv.pi)
        assert 1 < c2.a and c2.b < 3.58 < 3.65 < lower.subs(nu, 2)
        assert c3.b < 3.73 < 3.77 < lower.subs(nu, 3)
        assert not c3.b < 3.72  # the margin is real
        assert same(sp.gamma(1) / sp.gamma(half) * sp.sqrt(2), sp.sqrt(2 / sp.pi))  # α(2)
        assert same(sp.gamma(3 * half) / sp.gamma(1), sp.sqrt(sp.pi) / 2)  # α(3)

    @pytest.mark.parametrize("factor, holds", [(sp.Rational(5, 24), True),
                                               (sp.Rational(6, 24), False)])
    def test_five_twenty_fourths(self, factor, holds):
        """thm-growth-variance, prp-picture-bias: 1/(4ν) - 1/(24ν³) >= 5/(24ν) for ν >= 1."""
        gap = 1 / (4 * nu) - 1 / (24 * nu**3) - factor / nu
        assert bool(gap.subs(nu, 1) >= 0 and positive(gap, nu, 1)) is holds


class TestBestMoment:
    @pytest.mark.parametrize("six, holds", [(6, True), (5, False)])
    def test_best_power(self, six, holds):
        """thm-gauss-moment: s* = 1 - 1/(6ν) + O(ν^-2) solves its equation to this order."""
        e = sp.symbols("e", positive=True)  # 1/ν
        power = 1 - e / six
        equation = sp.log(1 + (power - 1) * e) + e**2 / 6
        assert (sp.series(equation, e, 0, 3).removeO() == 0) is holds

    @pytest.mark.parametrize("fourth, holds", [(sp.Rational(7, 960), True), (0, False)])
    def test_expansion_of_digamma(self, fourth, holds):
        """thm-gauss-moment: ψ(x + 1/2) = log x + 1/(24x²) + O(x^-4), from below."""
        bound = 1 / (24 * x**2) - fourth / x**4
        assert below(bound, sp.digamma(x + half) - sp.log(x), x) is holds

    def test_it_is_below_one(self):
        """thm-gauss-moment: Λ'(1) > 0, that is ψ(z + 1/2) > log z."""
        assert below(sp.Integer(0), sp.digamma(z + half) - sp.log(z), z)
        assert not below(sp.digamma(z + half) - sp.log(z), sp.Integer(0), z)

    def test_prefactor(self):
        """thm-gauss-prefactor, tool-cramer: ∫ e^(-s y) dy from ℓ on is e^(-s ℓ)/s."""
        ell = sp.symbols("ell", real=True)
        assert same(sp.integrate(sp.exp(-s * x), (x, ell, sp.oo)), sp.exp(-s * ell) / s)


@pytest.mark.parametrize("square, holds", [(6, True), (7, False)])
def test_typical_rate(square, holds):
    """thm-gauss-typical: -1/(2ν) - 1/(6ν²) < λ < -1/(2ν)."""
    minus_lambda = (sp.log(z) - sp.digamma(z)) / 2
    assert below((1 / (2 * nu)).subs(nu, 2 * z), minus_lambda, z)
    upper = (1 / (2 * nu) + 1 / (square * nu**2)).subs(nu, 2 * z)
    assert below(minus_lambda, upper, z) is holds


def test_three_scales():
    """cor-gauss-scales: the limits of the bounds, times n."""
    def limit(value):
        return sp.limit(n * value.subs(nu, n - 1), n, sp.oo)

    assert limit(1 / (2 * nu)) == limit(1 / (2 * nu) + 1 / (6 * nu**2)) == half
    assert limit(1 / (4 * nu)) == limit(1 / (4 * nu) - 1 / (24 * nu**3)) == sp.Rational(1, 4)
    assert limit(1 / (2 * nu) + sp.log((nu + 1) / nu) / 2) == 1  # divisor n


class TestTheMean:
    @pytest.mark.parametrize("claim, holds", [(2 * n - 1, True), (2 * n + 1, False)])
    def test_fourth_moment(self, claim, holds):
        """thm-gauss-mean: E V² = 2n - 1, from V = 1/n + F V'."""
        F, F2 = 1 - 1 / n, (n - 1) * (n + 1) / n**2
        assert same(1 / n + F, 1)  # E V = 1
        assert same(1 / n**2 + 2 / n * F + F2 * claim, claim) is holds

    def test_variance(self):
        """thm-gauss-mean: (1/n) Σ (1 - 1/n)^j = 1 - (1 - 1/n)^k."""
        k = sp.symbols("k", positive=True, integer=True)
        claim = 1 - (1 - 1 / n) ** k
        assert same(claim.subs(k, k + 1) - claim, (1 - 1 / n) ** k / n) and claim.subs(k, 0) == 0


class TestCollapsePoint:
    density = x ** (-1 - b) * sp.exp(-1 / x) / sp.gamma(b)  # of 1/Gamma(b)

    @pytest.mark.parametrize("drift, holds", [(0, True), (1, False)])
    def test_stationary_density(self, drift, holds):
        """thm-gauss-point: the flux of dX = (1 + (1-b)X)dτ + √2 X dB vanishes."""
        flux = (1 + (1 - b + drift) * x) * self.density - sp.diff(x**2 * self.density, x)
        assert same(sp.simplify(flux / self.density), 0) is holds

    def test_it_is_an_inverse_gamma_law(self):
        """thm-gauss-point: the substitution y = 1/x makes it Gamma(b)."""
        y = sp.symbols("y", positive=True)
        assert same(self.density.subs(x, 1 / y) / y**2, y ** (b - 1) * sp.exp(-y) / sp.gamma(b))

    def test_ito(self):
        """thm-gauss-point: X = e^ξ J with dξ = √2 dB - b dτ and dJ = e^-ξ dτ."""
        xi, J = sp.symbols("xi J")
        X = sp.exp(xi) * J
        drift = -b * sp.diff(X, xi) + sp.exp(-xi) * sp.diff(X, J) + sp.diff(X, xi, 2)  # ½·2
        assert same(drift, 1 + (1 - b) * X) and same(sp.sqrt(2) * sp.diff(X, xi), sp.sqrt(2) * X)

    @pytest.mark.parametrize("index, freedom, scale, holds", [
        (1, 2, 1, True), (2, 4, half, True), (2, 4, 1, False)])
    def test_student(self, index, freedom, scale, holds):
        """thm-gauss-point, tool-student: N(0, 1/Gamma(b)) is t_2 (b = 1), t_4/√2 (b = 2)."""
        y = sp.symbols("y", positive=True)
        normal = sp.sqrt(y / (2 * sp.pi)) * sp.exp(-(x**2) * y / 2)  # of variance 1/y
        gamma = y ** (index - 1) * sp.exp(-y) / sp.gamma(index)
        mixed = sp.integrate(sp.expand_power_exp(normal * gamma), (y, 0, sp.oo))
        square = x**2 / scale
        student = sp.gamma((freedom + 1) * half) / (
            sp.sqrt(freedom * sp.pi * scale) * sp.gamma(freedom * half)) * (
            1 + square / freedom) ** (-(freedom + 1) * half)
        assert same(sp.simplify(mixed / student), 1) is holds

    def test_distribution_function(self):
        """thm-gauss-point: the derivative of (1 + x/√(2 + x²))/2 is the density of t_2."""
        claim = (1 + x / sp.sqrt(2 + x**2)) / 2
        assert same(sp.diff(claim, x), (2 + x**2) ** (-3 * half))
        assert sp.limit(claim, x, sp.oo) == 1

    def test_fourth_central_moment(self):
        """thm-gauss-point: the cumulants of log Gamma(z) are ψ, ψ', ψ'', ψ'''."""
        cumulants = [sp.diff(sp.loggamma(z + s), s, i).subs(s, 0) for i in range(1, 5)]
        assert cumulants == [sp.polygamma(i, z) for i in range(4)]
        k2, k4 = sp.symbols("k2 k4")  # E (X - EX)^4 = κ_4 + 3κ_2²
        generating = sp.exp(k2 * s**2 / 2 + k4 * s**4 / 24)
        assert sp.expand(sp.diff(generating, s, 4).subs(s, 0) - k4 - 3 * k2**2) == 0

    def test_goldie_constant(self):
        """thm-gauss-tail: E[F log F] = ψ(ν/2 + 1) - log(ν/2)."""
        slope = sp.diff(log_moment, s).subs(s, 2) * 2  # in F = R², and M(2) = 1
        assert same(sp.expand_log(slope - sp.digamma(nu / 2 + 1) + sp.log(nu / 2), force=True), 0)
        assert same((nu / 2 + 1).subs(nu, n - 1), (n + 1) / 2)


class TestMultivariate:
    @pytest.mark.parametrize("degrees", [2, 3])
    def test_determinant(self, degrees):
        """thm-gauss-mv, tool-wishart: det G'G has the moments of χ²_ν χ²_(ν-1)."""
        names = sp.symbols(f"g:{2 * degrees}")
        G = sp.Matrix(degrees, 2, names)
        determinant, normal = (G.T * G).det(), dict.fromkeys(names, normal_moment)
        first, second = degrees * (degrees - 1), degrees * (degrees + 2) * (degrees - 1) * (
            degrees + 1)
        assert mean(determinant, normal) == first != degrees**2
        assert mean(determinant**2, normal) == second

    def test_condition_number(self):
        """thm-gauss-mv: ψ(z) - ψ(z - h) ~ h/z, from the bounds on ψ'."""
        d = sp.symbols("d", positive=True)
        h, at = (d - 1) / 2, nu / 2
        slow, fast = h / at, h * (1 / (at - h) + 1 / (at - h) ** 2)
        assert sp.limit(nu * slow, nu, sp.oo) == sp.limit(nu * fast, nu, sp.oo) == d - 1
