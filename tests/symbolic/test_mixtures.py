"""The mixture: its likelihood, Algorithm 1 and the constants of both long-run theorems."""

from fractions import Fraction

import pytest
import sympy as sp
from mpmath import iv

from .proofs import digits, interval, nonnegative_on_integers, positive, rises_from_zero, same

a, eta, m, n, rho, s, u, v, w = sp.symbols("a eta m n rho s u v w", positive=True)
mu, S, x = sp.symbols("mu S x", real=True)
j = sp.symbols("j", integer=True, positive=True)
half = sp.Rational(1, 2)
log_growth = (eta - 1) * ((n - 1) / 2 + 4 * eta) / (eta * (n - 1) * (n + 4 * eta - 1))  # log(1+κ)



class TestLikelihood:
    profile = (sp.sqrt(1 + 4 * a**2) - 1) / (2 * a**2)  # v(a) with S = 1

    def test_derivatives(self):
        """def-gmm-ml: the two equations of a stationary point, for one sample."""
        value = -sp.log(v) / 2 - (x**2 + mu**2) / (2 * v) + sp.log(sp.cosh(mu * x / v))
        tanh = sp.tanh(mu * x / v)
        assert same(sp.diff(value, mu), (x * tanh - mu) / v)
        assert same(sp.diff(value, v), (x**2 + mu**2 - v - 2 * mu * x * tanh) / (2 * v**2))

    def test_profile(self):
        """prop-gmm-likelihood: a²v² + v = S, and t' = v²/(S + t²)."""
        assert same(a**2 * self.profile**2 + self.profile, 1)
        t = a * self.profile
        assert same(sp.diff(t, a), self.profile**2 / (1 + t**2))

    def test_stable_form(self):
        """prop-gmm-likelihood: log cosh u = u + log(1 + e^-2u) - log 2, and a t v = t²."""
        assert same(sp.cosh(u).rewrite(sp.exp), sp.exp(u) * (1 + sp.exp(-2 * u)) / 2)
        t, big = sp.symbols("t V")  # S = V + m²; -(S + t²)/(2v) + tm/v
        assert same(-(big + m**2 + t**2) / (2 * v) + t * m / v, -(big + (m - t) ** 2) / (2 * v))

    @pytest.mark.parametrize("bound, holds", [(10, True), (Fraction(98, 10), False)])
    def test_largest_variance(self, bound, holds):
        """prop-gmm-likelihood, lem-gmm-jump: log c + 1/c = 1 + 2 log 2 at c = 9.8204... <= 10."""
        def excess(c):
            return iv.log(interval(c)) + 1 / interval(c) - 1 - 2 * iv.log(iv.mpf(2))

        assert positive(sp.diff(sp.log(u) + 1 / u, u), u, 1)
        assert excess(Fraction(98204, 10**4)).b < 0 < excess(Fraction(98205, 10**4)).a
        assert (excess(bound).a > 0) is holds

    @pytest.mark.parametrize("three, fifteen, holds", [(3, 15, True), (4, 15, False),
                                                       (3, 16, False)])
    def test_hyperbolic_tangent(self, three, fifteen, holds):
        """prop-gmm-likelihood, prop-gmm-eta: u - u³/3 <= tanh u <= u - u³/3 + 2u⁵/15.

        Times cosh u, coefficient by coefficient of u^(2j+1): another route than that of the page.
        """
        def cosh(shift):  # the coefficient of u^(2j) in cosh u, times (2j + 1)!, j lowered
            return sp.ff(2 * j + 1, 1 + 2 * shift)

        upper = cosh(0) - cosh(1) / three + sp.Rational(2, fifteen) * cosh(2) - 1
        lower = 1 - cosh(0) + cosh(1) / three
        claims = [sp.expand(sp.expand_func(claim)) for claim in (upper, lower)]
        assert all(nonnegative_on_integers(claim, j) for claim in claims) is holds

    @pytest.mark.parametrize("fifth, holds", [(2, True), (1, False)])
    def test_slope(self, fifth, holds):
        """prop-gmm-likelihood: a - a³ <= t(a) <= a - a³ + 2a⁵, with 4a² = w(w + 2)."""
        square = w * (w + 2) / 4  # a², so that √(1 + 4a²) = 1 + w
        value = w / (2 * square)  # v(a)
        assert positive(value - (1 - square), w)
        assert positive(1 - square + fifth * square**2 - value, w) is holds

    @pytest.mark.parametrize("sign, moment, holds", [(1, 2, True), (-1, 4, True), (1, 4, False)])
    def test_near_zero(self, sign, moment, holds):
        """prop-gmm-likelihood, prop-gmm-em: F has a sign on the stated interval; moment = M_4."""
        sixth = sp.Integer(moment) ** 2  # any M_6 >= M_4² may be taken
        kurtosis = sp.Rational(moment)
        if sign > 0:
            bound, end = (1 - kurtosis / 3) - 2 * s, half * (1 - kurtosis / 3)
        else:
            bound = (kurtosis / 3 - 1) - 2 * sixth / 15 * s
            end = 15 / (2 * sixth) * (kurtosis / 3 - 1)
        assert bool(end > 0 and positive(bound, s, 0, end)) is holds

    def test_parabola_above_the_chord(self):
        """prop-gmm-likelihood: (K/2)(a - a1)(a2 - a) <= (K/8)(a2 - a1)²."""
        left, right = sp.symbols("a1 a2")
        gap = (right - left) ** 2 / 8 - (a - left) * (right - a) / 2
        assert same(gap, (a - (left + right) / 2) ** 2 / 2)

    def test_several_solutions(self):
        """prop-gmm-em: six samples at 1 and one at 3.2 give F three changes of sign."""
        signs = [F.a > 0 for F in (_slope_of_profile(6, Fraction(a, 10)) for a in (1, 5, 12, 22))
                 if F.a > 0 or F.b < 0]
        assert signs == [True, False, True, False]

    def test_a_large_kurtosis_is_not_enough(self):
        """prop-gmm-em: a kurtosis above 3, and yet two modes are better."""
        second, fourth = ((9 + Fraction(16, 5) ** power) / 10 for power in (2, 4))
        assert fourth > 3 * second**2
        assert _gain(9, Fraction(17, 10)).a > 0 and not _gain(9, Fraction(1, 10)).a > 0


def _sample(ones, slope):
    """Mean square, a, v(a) and t(a) of `ones` samples at 1 and one at 3.2, as intervals."""
    square, a = interval((ones + Fraction(16, 5) ** 2) / (ones + 1)), interval(slope)
    v = 2 * square / (1 + iv.sqrt(1 + 4 * a**2 * square))
    return square, a, v, a * v


def _slope_of_profile(ones, slope):
    """F(a) = h(a) - t(a)."""
    _, a, _, t = _sample(ones, slope)
    outlier = interval(Fraction(16, 5))
    return (ones * _tanh(a) + outlier * _tanh(outlier * a)) / (ones + 1) - t


def _gain(ones, slope):
    """The profile at a slope minus that of one mode."""
    square, a, v, t = _sample(ones, slope)
    log_cosh = sum(count * iv.log((iv.exp(a * y) + iv.exp(-a * y)) / 2) for count, y in (
        (ones, iv.mpf(1)), (1, interval(Fraction(16, 5))))) / (ones + 1)
    return log_cosh - (square + t**2) / (2 * v) + (1 + iv.log(square / v)) / 2


def _tanh(value):
    power = iv.exp(-2 * value)
    return (1 - power) / (1 + power)


class TestAlgorithm:
    ratio = 1 / rho + 2 / a  # V/σ²

    def test_two_lines(self):
        """alg-gmm, prop-gmm-algorithm: step 3 divided by V, and step 1 in partial fractions."""
        fit = a * rho / (a + 2 * rho)  # a S V/(a m² + 2S), over V, with S = ρ m²
        assert same(1 / fit, self.ratio)
        degrees = n - 1
        assert same(log_growth, (1 - 1 / eta) * (1 / degrees - 1 / (2 * (degrees + 4 * eta))))

    def test_the_tests_of_the_algorithm(self):
        """prop-gmm-algorithm: what its two tests ask, and what its choice of a does."""
        growth = 1 + sp.symbols("kappa", positive=True)
        chosen = 2 * growth * rho / (rho - growth)
        assert same(self.ratio.subs(a, chosen), 1 / growth)
        assert same(2 / chosen, 1 / growth - 1 / rho)
        asks = self.ratio - (1 - 1 / rho)  # >= 0 says σ² <= S
        assert same(asks * a * rho, 2 * a - (a - 2) * rho)  # >= 0 says ρ <= 2a/(a - 2)

    @pytest.mark.parametrize("value, holds", [(2, True), (20, False)])
    def test_kappa_is_small(self, value, holds):
        """prop-gmm-algorithm: log(1 + κ) < 1/n < log(n/(n-1)) for every n >= 2 at η = 2."""
        gap = sp.numer(sp.together(1 / n - log_growth.subs(eta, value)))
        if value == 2:
            assert sp.expand(gap - (3 * n**2 + 9 * n - 28)) == 0
        assert nonnegative_on_integers(gap, n, start=2) is holds
        assert rises_from_zero(sp.log(1 + u) - u / (1 + u), u)

    def test_kappa_rises(self):
        """prop-gmm-eta: log(1 + κ) rises with η, from 0 at η = 1 to 1/(n - 1)."""
        slope = sp.diff(log_growth.subs(eta, 1 + u), u)
        numerator = sp.Poly(sp.numer(sp.together(slope)).subs(n, 1 + w), u, w)
        assert all(c > 0 for c in numerator.coeffs())
        assert sp.limit(log_growth, eta, sp.oo) == 1 / (n - 1)

    @pytest.mark.parametrize("two, holds", [(2, True), (sp.Rational(11, 5), False)])
    def test_second_bound(self, two, holds):
        """thm-gmm-bound: (1 + κ)(1 - 1/n) <= e^(-1/(2n)) for n >= 4 at η = 2, by a cubic."""
        gap = (n + 1) / (two * n**2) - log_growth.subs(eta, 2)
        cubic = sp.numer(sp.together(gap))
        if two == 2:
            assert sp.expand(cubic - (n**3 - n**2 - 2 * n - 14)) == 0
        assert nonnegative_on_integers(cubic, n, start=4) is holds
        assert rises_from_zero(-sp.log(1 - u) - u - u**2 / 2, u, high=1)

    @pytest.mark.parametrize("size, holds", [(3, True), (4, True), (2, False)])
    def test_small_sizes(self, size, holds):
        """thm-gmm-bound: at n = 3 the second bound is not worse than Theorem 4, at n = 2 it is."""
        growth = log_growth.subs({eta: 2, n: size})
        value = interval(Fraction(growth.p, growth.q)) + iv.log(1 - iv.mpf(1) / size)
        gap = value + iv.mpf(1) / (2 * size)
        assert (gap.b < 0) is holds and (gap.a > 0) is not holds

    def test_theorem_4(self):
        """thm-suresh-mixture: q < e^(-1/(4n-1)) for every n >= 2."""
        # (1 + κ)(1 - 1/n) < 1 and α(n) <= e^(-1/(4n-1)); the second is test_best_constant.
        assert positive(1 / (4 * n - 1) - 1 / (4 * n), n, 1)

    def test_exponents(self):
        """cor-gmm-exponents: 5/8, 3/4 and 49/64, by limits and one minimum."""
        growth = sp.limit(n * log_growth.subs(eta, 2), n, sp.oo)
        divisor, mean = sp.limit(n * sp.log(1 - 1 / n), n, sp.oo), -sp.Rational(1, 4)
        assert growth == sp.Rational(1, 4)
        assert -((growth + divisor) / 2 + mean) == sp.Rational(5, 8)
        assert -(growth + divisor) == sp.Rational(3, 4)
        exponent = s**2 / 4 - s / 2 + s / 2 * (growth + divisor)
        best, = sp.solve(sp.diff(exponent, s), s)
        assert best == sp.Rational(7, 4) and -exponent.subs(s, best) == sp.Rational(49, 64)
        assert sp.limit(n / (2 * (n - 1)), n, sp.oo) == sp.diff(exponent, s, 2)

    def test_the_limit_of_q_is_above_theorem_4(self):
        """prop-gmm-eta: for η = ∞ and every n >= 2, by the trapezoid rule for a convex function."""
        # With u = 1/ν: half of (u + u/(1+u))/2 - log(1 + u), which rises from zero.
        assert rises_from_zero((u + u / (1 + u)) / 2 - sp.log(1 + u), u)
        assert not rises_from_zero((u + u / (1 + u)) / 3 - sp.log(1 + u), u)

    @pytest.mark.parametrize("eight, holds", [(8, True), (7, False)])
    def test_size_of_the_critical_constant(self, eight, holds):
        """prop-gmm-eta: the limit is 1/(8ν³), what η takes off 1/(16η): η_c ~ ν³/2."""
        e = sp.symbols("e", positive=True)  # 1/ν
        limit = (e / 2 - sp.log(1 + e) / 2 - (e / 4 - e**3 / 24) + e / (1 + e) / 4)
        assert same(sp.series(limit, e, 0, 4).removeO(), e**3 / eight) is holds
        taken = e / (2 * eta) + (1 - 1 / eta) / (4 * (1 / e + 4 * eta))
        at = u / e**3
        assert sp.limit(taken.subs(eta, at) * at, e, 0) == sp.Rational(1, 16)
        assert same(log_growth / 2, (1 / (n - 1) / 2 - taken).subs(e, 1 / (n - 1)))

    @pytest.mark.parametrize("target, holds", [(Fraction(1, 10**10), True),
                                               (Fraction(2, 10**10), False)])
    def test_failure_at_a_thousand(self, target, holds):
        """prop-gmm-eta: log q + 1/(4n) > 10^-10 at n = 1000, η = 10^10, in intervals.

        log α > -(1/(4ν) - 1/(24ν³) + 1/(20ν⁵)), which test_gaussian proves by telescoping.
        """
        with digits(40):
            size, degrees = iv.mpf(1000), iv.mpf(999)
            growth = log_growth.subs({eta: 10**10, n: 1000})
            log_alpha = -(1 / (4 * degrees) - 1 / (24 * degrees**3) + 1 / (20 * degrees**5))
            value = (interval(Fraction(growth.p, growth.q)) + iv.log(1 - 1 / size)) / 2 + (
                log_alpha + 1 / (4 * size))
            assert (value.a > interval(target).b) is holds

    @pytest.mark.parametrize("target, holds", [(Fraction(1, 10**40), True),
                                               (Fraction(1, 10**50), False)])
    def test_the_exception_at_a_thousand(self, target, holds):
        """prop-gmm-eta: Pr(E^c) < 10^-40 for μ0 = 15 σ0, by Chernoff's bounds.

        Φ(-x) <= e^(-x²/2)/2, and both tails of χ²_ν at νy are at most (y e^(1-y))^(ν/2).
        """
        with digits(30):
            growth = log_growth.subs({eta: 10**10, n: 1000})
            kappa = iv.exp(interval(Fraction(growth.p, growth.q))) - 1

            def tail(y):
                return iv.exp(iv.mpf(999) / 2 * (iv.log(y) + 1 - y))

            # Where no z is below -15 and |z̄| <= 1, m is between 14 and 16 and V = Q/n.
            low, high = kappa * 16**2 * 1000 / 999, iv.mpf(14**2) * 1000 / (999 * kappa)
            assert low.b < 1 < high.a
            outside = 500 * iv.exp(-iv.mpf(15) ** 2 / 2) + iv.exp(iv.mpf(-500)) + tail(low) + (
                tail(high))
            assert (outside.b < interval(target).a) is holds

    def test_a_below_two(self):
        """prop-gmm-eta: 2a/(a - 2) <= 0 for 0 <= a < 2, so that the second test fails."""
        assert positive(-2 * a / (a - 2), a, 0, 2)


class TestLongRun:
    def test_threshold(self):
        """prop-gmm-fallback: κ^(-1/2) ~ 2√n, and the two mean falls."""
        growth = log_growth.subs(eta, 2)
        assert sp.limit(n * (sp.exp(growth) - 1), n, sp.oo) == sp.Rational(1, 4)
        assert 1 - sp.limit(n * growth, n, sp.oo) / 2 == sp.Rational(7, 8)
        assert 1 + sp.Rational(2, 50) == sp.Rational(26, 25)

    def test_range_of_the_fallback(self):
        """prop-gmm-fallback, prop-gmm-algorithm: aρ/(a + 2ρ) rises with ρ from a/(a + 2)."""
        value = a * rho / (a + 2 * rho)
        assert same(sp.diff(value, rho), (a / (a + 2 * rho)) ** 2)
        assert same(value.subs(rho, 1), 1 / (1 + 2 / a))

    @pytest.mark.parametrize("nine, holds", [(9, True), (17, False)])
    def test_jump(self, nine, holds):
        """lem-gmm-jump: with V <= m²/(16(R² + 1)), r'² >= m²/(10V) - 9/10 > R²."""
        R = sp.symbols("R", positive=True)
        delta = 1 / (2 * sp.sqrt(R**2 + 1))
        assert same(delta**2 / 4, 1 / (16 * (R**2 + 1)))
        gap = sp.Rational(16, 10) * (R**2 + 1) - sp.Rational(nine, 10) - R**2
        assert positive(gap, R) is holds

    @pytest.mark.parametrize("rate, holds", [(20, True), (19, False)])
    def test_separation_of_the_model(self, rate, holds):
        """thm-gmm-ml-end: the constants of δ_r = 3r e^(-r/20), from r >= 36 on.

        All y lie within μ/6 of μ, so y >= 5m/7 and u >= 25r/36; and u e^(-2u/27) falls from 13.5.
        """
        assert Fraction(5, 6) / Fraction(7, 6) == Fraction(5, 7) >= Fraction(1, 2)
        u = Fraction(25, 36)
        assert u * 36 >= 20 and Fraction(27, 2) < 25
        assert (4 * u <= 3 and 2 * u / 27 >= Fraction(1, rate)) is holds
        assert (3 * 120 * iv.exp(iv.mpf(-6))).b < 1  # δ_120, and δ falls from r = 20 on
        assert sp.solve(sp.diff(s * sp.exp(-s / 20), s), s) == [20]

    def test_variance_of_a_square(self):
        """thm-gmm-algorithm-end: Var X² = 4μ²σ² + 2σ⁴ <= 4σ²(μ² + σ²)."""
        sigma = sp.symbols("sigma", positive=True)
        moments = [1, 0, sigma**2, 0, 3 * sigma**4]

        def expect(power):
            return sum(sp.binomial(power, i) * mu ** (power - i) * c for i, c in enumerate(moments)
                       if i <= power)

        variance = sp.expand(expect(4) - expect(2) ** 2)
        assert sp.expand(variance - 4 * mu**2 * sigma**2 - 2 * sigma**4) == 0
        assert sp.expand(4 * sigma**2 * (mu**2 + sigma**2) - variance) == 2 * sigma**4

    def test_drift_of_the_mean(self):
        """thm-gmm-algorithm-end: 2/(a + 2) < 1/2 for a > 2, and (μ'² - m²)/(μ' + m) = μ' - m."""
        assert positive(half - 2 / (a + 2), a, 2)

    @pytest.mark.parametrize("twenty_seven, holds", [(27, True), (26, False)])
    def test_constants_of_separated_modes(self, twenty_seven, holds):
        """prop-gmm-separated: t >= 0.7416 m and β y >= u/27, in rationals, from u >= 20."""
        root = Fraction(7416, 10**4)
        assert 1 - Fraction(9, 20) == Fraction(11, 20) >= root**2
        assert (root / 20 >= Fraction(1, twenty_seven)) is holds
        assert 1 + root >= Fraction(174, 100)

    @pytest.mark.parametrize("low, holds", [(3, True), (2, False)])
    def test_convexity_of_separated_modes(self, low, holds):
        """prop-gmm-separated: f = w/(e^w + 1) is convex from w = 3 on."""
        g = 1 / (sp.exp(w) + 1)
        assert same(sp.diff(g, w), -g * (1 - g))
        assert same(sp.diff(w * g, w, 2), g * (1 - g) * (w * (1 - 2 * g) - 2))
        assert same(1 - 2 * g, sp.tanh(w / 2).rewrite(sp.exp))
        assert (low * _tanh(interval(Fraction(low, 2))) > 2) is holds  # and w tanh(w/2) rises

    @pytest.mark.parametrize("three, holds", [(3, True), (4, False)])
    def test_lower_bound_of_separated_modes(self, three, holds):
        """prop-gmm-separated: 2 · 1.74 u/(e^2u + 1) >= 3u e^-2u for u >= 20."""
        # That is 3.48 >= 3(1 + e^-2u), and e^-2u falls.
        assert (interval(Fraction(348, 100)) >= three * (1 + iv.exp(iv.mpf(-40)))) is holds

    def test_moments_determine_the_mixture(self):
        """thm-gmm-bias: E X⁴ = 3(μ² + σ²)² - 2μ⁴."""
        sigma = sp.symbols("sigma", positive=True)
        fourth = mu**4 + 6 * mu**2 * sigma**2 + 3 * sigma**4
        assert sp.expand(fourth - 3 * (mu**2 + sigma**2) ** 2 + 2 * mu**4) == 0


class TestBiasFormula:
    @pytest.mark.parametrize("weight, holds", [(half, True), (1, False)])
    def test_it_gives_the_bias_of_the_gaussian(self, weight, holds):
        """thm-gmm-bias: the formula, for (μ, σ) of one Gaussian, is (0, -3/4), as E σ̂ says."""
        sigma = sp.symbols("sigma", positive=True)
        log_density = -sp.log(sigma) - (x - mu) ** 2 / (2 * sigma**2)
        names, at = (mu, sigma), {mu: 0, sigma: 1}
        moments = {0: 1, 1: 0, 2: 1, 3: 0, 4: 3, 5: 0, 6: 15}

        def expect(value):
            terms = sp.Poly(sp.expand(value.subs(at)), x).terms()
            return sum(c * moments[power] for (power,), c in terms)

        def d(*by):
            return sp.diff(log_density, *by)

        K = sp.Matrix(2, 2, lambda i, k: -expect(d(names[i], names[k]))).inv()
        bias = [sum(K[i, b] * K[j, k] * (expect(d(names[b], names[j]) * d(names[k]))
                                         + weight * expect(d(names[b], names[j], names[k])))
                    for b in range(2) for j in range(2) for k in range(2)) for i in range(2)]
        assert (bias == [0, -sp.Rational(3, 4)]) is holds

    def test_that_is_the_bias(self):
        """thm-gmm-bias: √(1 - 1/n) α(n) = 1 - 3/(4n) + O(n^-2), by the bounds on α."""
        for correction in (0, 1 / (24 * (n - 1) ** 3)):
            log_mean = sp.log(1 - 1 / n) / 2 - 1 / (4 * (n - 1)) + correction
            assert sp.limit(n * log_mean, n, sp.oo) == -sp.Rational(3, 4)
