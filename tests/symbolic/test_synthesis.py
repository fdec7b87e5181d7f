"""One picture, planning, own models: errors, pooled variances and moments by a second route."""

from fractions import Fraction
from math import comb

import pytest
import sympy as sp
from mpmath import iv

from .proofs import (
    binomial,
    digits,
    g,
    interval,
    nonnegative_on_integers,
    positive,
    rises_from_zero,
    same,
)

D, N, a, alpha, b, c, h, n, p, s, w, x = sp.symbols("D N a alpha b c h n p s w x", positive=True)
m = sp.symbols("m", integer=True, positive=True)
half = sp.Rational(1, 2)


class TestBiasOfScales:
    def test_standard_deviation(self):
        """prp-picture-bias: 1/(8n) <= β <= 1/n, from 5/(24ν) <= -log α <= 1/(4ν)."""
        nu = n - 1
        assert sp.Rational(5, 24) * (1 - half / 4) > sp.Rational(1, 8)
        assert same(1 / (2 * n) - 1 / (4 * nu), (n - 2) / (4 * n * nu))
        assert nonnegative_on_integers(4 * (m - 1) - 3 * m, m, start=4)  # 3/(4ν) <= 1/n
        assert not nonnegative_on_integers(4 * (m - 1) - 3 * m, m, start=3)
        assert rises_from_zero(x - sp.log(1 + x), x)  # log(n/ν) < 1/ν

    def test_small_sizes(self):
        """prp-picture-bias: n = 2 and 3, for divisor n, in intervals."""
        with digits(30):
            gamma = interval(Fraction("0.57721566490153286060651209"))
            gamma += interval(Fraction(1, 10**25)) * iv.mpf([0, 1])  # Euler's constant
            assert (1 - 1 / iv.sqrt(iv.pi)).b < 0.5
            assert (1 - iv.sqrt(iv.pi / 6)).b < 1 / 3
            assert (gamma + iv.log(iv.mpf(4))).b < 2  # 4/n at n = 2
            assert (gamma + iv.log(iv.mpf(3) / 2)).b < 4 / 3
        assert same(sp.log(half) - sp.digamma(half) + sp.log(2), sp.EulerGamma + 2 * sp.log(2))
        assert same(sp.log(1) - sp.digamma(1), sp.EulerGamma)

    def test_logarithms(self):
        """prp-picture-bias: log(n/ν) > 1/n, and 3/ν <= 4/n from n = 4 on."""
        assert rises_from_zero(sp.log(1 + x) - x / (1 + x), x)  # x = 1/ν
        assert nonnegative_on_integers(4 * (m - 1) - 3 * m, m, start=4)


class TestError:
    pull = alpha * w

    @pytest.mark.parametrize("model", ["share", "mean"])
    def test_recursion(self, model):
        """lem-picture-error: ε_t, from the variance of one sample about its mean."""
        if model == "share":
            one = 1 - (1 - alpha) ** 2 * D
            claim = 2 * self.pull - self.pull**2 + (1 - alpha) ** 2 * b
        else:
            one = 1 + alpha * (1 - alpha) * D  # two points a distance Y apart
            claim = 2 * self.pull - self.pull**2 - alpha * (1 - alpha) * b
        after = (1 - self.pull) ** 2 * D + b * one
        assert same(after, (1 - claim) * D + b)
        assert not same(after, (1 - claim - b / 2) * D + b)

    def test_bounds(self):
        """lem-picture-error: the identities behind a <= ε <= 2a + b."""
        t = sp.symbols("t", positive=True)  # a = αw, b <= w
        worst = self.pull * (2 - self.pull) - alpha * (1 - alpha) * w
        assert same(worst, self.pull * (1 + alpha - self.pull))
        rest = self.pull * (2 - self.pull) + (1 - alpha) ** 2 * t - t
        assert same(rest, self.pull * (2 - self.pull) - alpha * (2 - alpha) * t)
        assert same(self.pull * (2 - self.pull) - alpha * (2 - alpha) * w,
                    alpha**2 * w * (1 - w))

    @pytest.mark.parametrize("fraction", [0, Fraction(1, 5)])
    def test_share_by_the_chain(self, fraction):
        """lem-picture-error, thm-picture-sums: D after each generation, replace, exactly."""
        size, source = 4, Fraction(1, 3)
        law, claim = {source: Fraction(1)}, Fraction(0)
        for _ in range(4):
            after = {}
            for share, chance in law.items():
                for i, q in enumerate(binomial(
                        size, fraction * source + (1 - fraction) * share)):
                    after[Fraction(i, size)] = after.get(Fraction(i, size), 0) + chance * q
            law = after
            noise = Fraction(1, size)
            leave = 2 * fraction - fraction**2 + (1 - fraction) ** 2 * noise
            claim = (1 - leave) * claim + noise
            exact = sum(q * (share - source) ** 2 for share, q in law.items())
            assert exact == claim * source * (1 - source)

    @pytest.mark.parametrize("two, holds", [(2, True), (1, False)])
    def test_levels(self, two, holds):
        """thm-picture-sums: the limits with settled fresh samples and with constant sizes."""
        f = sp.symbols("f", positive=True)
        share = n * alpha * (2 - alpha) + (1 - alpha) ** 2
        mean = n * alpha * (2 - alpha) - alpha * (1 - alpha)
        assert same(share, 1 + (n - 1) * alpha * (2 - alpha))
        assert same(mean, alpha * (n * (2 - alpha) - (1 - alpha)))
        limits = [sp.limit(value.subs(alpha, f / n), n, sp.oo) for value in (share, mean)]
        assert (limits == [1 + two * f, two * f]) is holds

    def test_rates(self):
        """prp-picture-rates: the constant for α > 1/2, and the race."""
        leave = 2 * alpha * (1 + s)
        assert same((1 + s) ** 2 / (n * (leave - 1 - s)), (1 + s) / (n * (2 * alpha - 1)))
        assert same((s - leave) / (2 * (1 + s)), s / (2 * (1 + s)) - alpha)


class TestAccumulate:
    def test_telescope(self):
        """thm-picture-accumulate: n/N'² <= 1/N - 1/N', and the 2 is reached."""
        new = N + n
        assert positive(((1 / N - 1 / new) - n / new**2).subs(N, 1), n)
        # n Σ_(j > n) 1/j² = n ψ'(n + 1), between the bounds of the toolkit.
        for bound in (1 / (n + 1) + half / (n + 1) ** 2, 1 / (n + 1) + 1 / (n + 1) ** 2):
            assert sp.limit(n * bound, n, sp.oo) == 1
        assert sp.summation(1 / m**2, (m, 1, sp.oo)) == sp.pi**2 / 6

    @pytest.mark.parametrize("divisor", [0, 1])
    def test_pooled_variance(self, divisor):
        """thm-picture-accumulate: E G, and the bounds on Var G."""
        new = N + n
        expected = (N - divisor + n - 1 + N / new) / (new - divisor)
        assert same(expected, 1 - (n / new) / (new - divisor))
        variance = 2 * (n - 1) + 2 * (N / new) ** 2
        assert same(2 * n - variance, 2 * (1 - (N / new) ** 2))
        assert positive(8 / x**2 - 2 / (x - 1) ** 2, x, 3) and 8 / 4 == 2 / 1  # from N' = 2 on

    def test_pooling(self):
        """thm-picture-accumulate: sums of squares about the common mean."""
        old, new = sp.symbols("x1:4"), sp.symbols("y1:3")

        def squares(values):
            average = sum(values) / sp.Integer(len(values))
            return sum((v - average) ** 2 for v in values)

        distance = sum(old) / 3 - sum(new) / 2
        assert sp.expand(squares(old + new) - squares(old) - squares(new)
                         - sp.Rational(3 * 2, 5) * distance**2) == 0

    @pytest.mark.parametrize("fraction", [0, Fraction(1, 4)])
    def test_subsample_by_the_chain(self, fraction):
        """prp-picture-subsample: errors of pool and model, by enumeration of all pools."""
        source, sizes = Fraction(1, 3), [2, 3, 2, 2]
        unit = source * (1 - source)
        law = dict(enumerate(binomial(sizes[0], source)))  # symbols in the pool
        pool, claim = sizes[0], Fraction(1, sizes[0])
        for before, size in zip(sizes[:-1], sizes[1:], strict=True):
            chosen = Fraction(pool - before, before * (pool - 1))
            model_claim = claim + chosen * (1 - claim)
            after, model = {}, Fraction(0)
            for inside, chance in law.items():
                for i in range(before + 1):
                    pick = Fraction(comb(inside, i) * comb(pool - inside, before - i),
                                    comb(pool, before)) * chance
                    share = Fraction(i, before)
                    model += pick * (share - source) ** 2
                    for k, q in enumerate(binomial(
                            size, fraction * source + (1 - fraction) * share)):
                        after[inside + k] = after.get(inside + k, 0) + pick * q
            assert model == model_claim * unit
            pool += size
            weight = Fraction(size, pool)
            claim = ((1 - fraction * weight) ** 2 * claim
                     + weight**2 * (1 - fraction) ** 2 * chosen * (1 - claim)
                     + weight**2 / size * (1 - (1 - fraction) ** 2 * model_claim))
            law = after
            error = sum(q * (Fraction(i, pool) - source) ** 2 for i, q in law.items())
            assert error == claim * unit


class TestPlan:
    @staticmethod
    def risk(size, k, share, fraction=Fraction(0)):
        """Pr(P_k = 0), exactly; a part of the samples may be fresh."""
        law = binomial(size, share)
        rows = [binomial(size, fraction * share + (1 - fraction) * Fraction(i, size))
                for i in range(size + 1)]
        for _ in range(k - 1):
            law = [sum(law[i] * rows[i][j] for i in range(size + 1)) for j in range(size + 1)]
        return law[0]

    @pytest.mark.parametrize("third, holds", [(3, True), (Fraction(-1, 3), False)])
    def test_smallest_size(self, third, holds):
        """prp-plan-worth: the exact smallest n lies in the bracket, in intervals."""
        def check(k, share, risk):
            exact = next(size for size in range(1, 60) if self.risk(size, k, share) <= risk)
            L, miss = -iv.log(interval(risk)), -iv.log(1 - interval(share))
            low = (L / miss - 1) * (k + 1) / 2
            high = L / interval(share) * (k + 1 + iv.log(iv.mpf(k)) / interval(third)) / 2
            return low.a <= exact <= high.b + 1

        cases = [(2, Fraction(1, 3), Fraction(1, 4)), (4, Fraction(1, 2), Fraction(1, 5)),
                 (3, Fraction(1, 5), Fraction(1, 2))]
        assert all(check(*case) for case in cases) is holds

    @pytest.mark.parametrize("size, share, fraction", [
        (1, Fraction(1, 3), Fraction(1, 2)), (3, Fraction(1, 5), Fraction(1, 4)),
        (4, Fraction(1, 2), Fraction(1, 10))])
    def test_fresh_samples(self, size, share, fraction):
        """prp-plan-fresh: the risk of a symbol lies between the two bounds."""
        kept, miss = interval(1 - fraction), iv.log(1 - interval(share))
        fresh, survival = interval(fraction), [iv.mpf(1)]
        lines = [iv.mpf(size)]
        for k in range(1, 9):
            risk = interval(self.risk(size, k, share, fraction))
            low = iv.exp(miss * (fresh * sum(lines[:-1]) + lines[-1]))
            collected = fresh * sum(survival[:-1]) + survival[-1]
            high = iv.exp(-interval(share) * size * collected)
            assert low.a <= risk.b and risk.a <= high.b
            assert k < 3 or not risk.a <= (high**2).b  # twice the exponent is too much
            survival.append(1 - iv.exp(-kept * survival[-1]))
            lines.append(size * (1 - iv.exp(lines[-1] * iv.log(1 - kept / size))))

    def test_mean_with_fresh_samples(self):
        """prp-plan-fresh: the fixed point of the mean square, and b <= 1 - α."""
        shrink = (1 - alpha) ** 2 + alpha * (1 - alpha) / n
        assert same(n * (1 - shrink), n * alpha * (2 - alpha) - alpha * (1 - alpha))
        assert same(1 - alpha - shrink, alpha * (1 - alpha) * (1 - 1 / n))

    def test_planning_uses_the_bounds_on_g(self):
        """prp-plan-worth: (k + 1)/2 <= 1/g_k <= (k + 1 + ln(k)/3)/2 for k up to 300."""
        for k in range(1, 300):
            assert (iv.mpf(k + 1) / 2).a <= (1 / g(k)).b
            assert (1 / g(k)).a <= ((k + 1 + iv.log(iv.mpf(k)) / 3) / 2).b


class TestOwnModels:
    def test_uniform(self):
        """prp-own-uniform: E e^(-E/n) = 1/(1 + 1/n)."""
        assert same(sp.integrate(sp.exp(-x * (1 + 1 / n)), (x, 0, sp.oo)), 1 / (1 + 1 / n))

    def test_gap(self):
        """thm-own-gamma: what the bounds of the toolkit say about D and its derivative."""
        assert same(-sp.diff(sp.log(a) - sp.digamma(a), a), sp.polygamma(1, a) - 1 / a)
        assert same(1 / (n * a), 2 / n * (1 / (2 * a)))  # D(na) < 1/(na) < 2D(a)/n
        assert same(1 / (n * a**2), 4 / n * (1 / (2 * a)) ** 2)  # < 4D(a)²/n

    @pytest.mark.parametrize("size", [2, 3, 5])
    def test_moments_of_the_spread(self, size):
        """thm-own-gamma: both sides have one ratio of moments s + 1 to s, and are 1 at s = 0."""
        left = sp.Integer(size) ** size * (a + s) ** size / sp.prod(
            [size * (a + s) + i for i in range(size)])
        right = sp.prod([(a + s) / (a + s + sp.Rational(j, size)) for j in range(1, size)])
        assert same(left, right)
        assert not same(left, right * (a + s) / (a + s + 1))

    def test_moments_of_a_logarithm(self):
        """thm-own-gamma: mean D(a) - D(na) and variance ψ'(a)/n - ψ'(na) of R."""
        def gap(z):
            return sp.log(z) - sp.digamma(z)

        ave = (sp.digamma(n * a) - sp.log(n * a)) - (sp.digamma(a) - sp.log(a))
        assert same(ave, gap(a) - gap(n * a))

    @pytest.mark.parametrize("plus, holds", [(1, True), (0, False)])
    def test_urn(self, plus, holds):
        """prp-own-urn: E Σ p² under a Dirichlet law, and the factor of n samples."""
        kappa, q = sp.symbols("kappa q", positive=True)
        second = sp.gammasimp(sp.gamma(kappa * q + 2) / sp.gamma(kappa * q)
                              * sp.gamma(kappa) / sp.gamma(kappa + 2))
        assert same(second, q * (kappa * q + plus) / (kappa + 1)) is holds
        squares = sp.symbols("F")  # Σ q²
        mixed = 1 - (kappa * squares + 1) / (kappa + 1)
        assert same(mixed, kappa / (kappa + 1) * (1 - squares))
        assert same(1 - (1 / n + (1 - 1 / n) * squares), (1 - 1 / n) * (1 - squares))

    def test_kernel(self):
        """thm-own-kernel: the fixed point, the walk of the mean, the difference of two."""
        end = (n - 1) * h**2
        assert same((1 - 1 / n) * (end + h**2), end) and same((end + h**2) / n, h**2)
        # Mean square difference of two different atoms: from V, and from 2T noises of h².
        assert same(2 * end * n / (n - 1), 2 * n * h**2)
        c2 = sp.symbols("c2", positive=True)
        assert same((x + c2 * x) / (1 + c2), x)  # shrunk

    def test_em_keeps_two_moments(self):
        """prp-own-mixture: for any responsibilities, three samples and two components."""
        data, share, r = sp.symbols("x1:4"), sp.symbols("t1:4"), sp.symbols("r")
        total_mean = total_square = 0
        for tau in (share, tuple(1 - one for one in share)):
            count = sum(tau)
            average = sum(q * one for q, one in zip(tau, data, strict=True)) / count
            square = sum(q * one**2 for q, one in zip(tau, data, strict=True)) / count
            total_mean += count / 3 * average
            total_square += count / 3 * ((square - average**2 + r) + average**2)
        assert same(total_mean, sum(data) / 3)
        assert same(total_square, sum(one**2 for one in data) / 3 + r)


class TestDiscounted:
    @pytest.mark.parametrize("discount", [Fraction(1, 2), Fraction(9, 10), Fraction(3, 2)])
    def test_recursion(self, discount):
        """prp-discount: h_k <= c^(k-1), h_k/c^k falls, and for c > 1 the limit is a fixed point."""
        factor, value = interval(discount), iv.mpf(1)
        for k in range(1, 40):
            after = 1 - iv.exp(-factor * value)
            if discount < 1:
                assert value.a <= (factor ** (k - 1)).b and (after / factor).a <= value.b
                assert (after / factor).b >= (value * (1 - factor * value / 2)).a
            else:
                assert after.a <= value.b
            value = after
        if discount > 1:
            root = 1 - iv.exp(-factor * value)
            assert abs(root - value).b < 1e-4 and value.a > 0.5
