"""Measures: times to collapse, persistent excitation and its thresholds, in exact arithmetic."""

from fractions import Fraction
from functools import cache
from math import comb

import pytest
import sympy as sp
from mpmath import iv

from collapse.laws import excitation

from .proofs import (
    binomial,
    interval,
    mean,
    nonnegative_on_integers,
    positive,
    rises_from_zero,
    same,
    survivors,
)

N, M, V, alpha, d, p, s2, t, theta, x, y = sp.symbols(
    "N M V alpha d p s2 t theta x y", positive=True)
m = sp.symbols("m", integer=True, positive=True)
half = sp.Rational(1, 2)


class TestTimeToCollapse:
    @pytest.mark.parametrize("three, holds", [(3, True), (2, False)])
    def test_several_ancestors(self, three, holds):
        """thm-collapse-time: Pr(D_k >= 2) <= 3 (N - 1)/(N + 1) (1 - 1/N)^k, exactly."""
        def check(size, k):
            several = sum(survivors(size, k)[2:])
            return several <= three * Fraction(size - 1, size + 1) * (1 - Fraction(1, size)) ** k

        assert all(check(size, k) for size in (2, 3, 5, 8) for k in range(25)) is holds

    @pytest.mark.parametrize("size", [2, 3, 7, 12])
    def test_one_generation(self, size):
        """thm-collapse-time: E κ(D_1) <= (1 - 1/N) κ(d) for κ(d) = (d - 1)/(d + 1), all d <= N."""
        kappa = [Fraction(i - 1, i + 1) for i in range(size + 1)]
        boxes = [Fraction(1)] + [Fraction(0)] * size
        for balls in range(1, size + 1):
            boxes = [(boxes[i] * i + (boxes[i - 1] * (size - i + 1) if i else 0)) / size
                     for i in range(size + 1)]
            after = sum(c * k for c, k in zip(boxes, kappa, strict=True) if c)
            assert after <= (1 - Fraction(1, size)) * kappa[balls]
            assert balls == 1 or after > (1 - Fraction(3, 2 * size)) * kappa[balls]

    def test_tossed_coins(self):
        """thm-collapse-time: 1 - ∫ (p^d + (1 - p)^d) dp = κ(d)."""
        value = 1 - 2 * sp.integrate(p**d, (p, 0, 1))
        assert same(value, (d - 1) / (d + 1))

    def test_induction_step(self):
        """thm-collapse-time: R(N) - R(N - 1) <= N^d is the stated inequality in x = 1/N."""
        def R(size):
            return size ** (d - 1) * (size + 1) * (2 * size + d - 1) / (2 * (d + 1))

        scale = N ** (d + 1) * (1 - x) / (2 * (d + 1))
        claimed = (1 - x) ** (d - 2) * (2 + (d - 3) * x) - (2 - (d - 1) * x)
        gap = (N**d - R(N) + R(N - 1)) / scale
        for power in (2, 3, 4, 7):
            assert same((gap - claimed).subs({N: 1 / x}).subs(d, power), 0)
        slope = -(d - 1) * (1 - x) ** (d - 3) * (1 + (d - 3) * x)
        left = (1 - x) ** (d - 2) * (2 + (d - 3) * x)
        assert same(sp.simplify(sp.diff(left, x) / (1 - x) ** (d - 3)),
                    sp.simplify(slope / (1 - x) ** (d - 3)))

    @pytest.mark.parametrize("two, holds", [(2, True), (sp.Rational(5, 2), False)])
    def test_inequality(self, two, holds):
        """thm-collapse-time: (1 - x)^m (2 + (m - 1)x) >= 2 - (m + 1)x on (0, 1), m = 2, ..., 12."""
        assert all(positive((1 - x) ** k * (two + (k - 1) * x) - (two - (k + 1) * x), x, 0, 1)
                   for k in range(2, 13)) is holds

    @pytest.mark.parametrize("start", [Fraction(1, 2), Fraction(1, 5)])
    def test_law(self, start):
        """thm-collapse-time: Pr(T <= n) = E F_D for two atoms, against the chain."""
        size = 3
        law = dict(enumerate(binomial(size, start)))
        for n in range(1, 5):
            equal = [0, Fraction(1)] + [start**k + (1 - start) ** k for k in range(2, size + 1)]
            backwards = sum(c * f for c, f in zip(survivors(size, n - 1), equal, strict=True))
            assert law[0] + law[size] == backwards
            after = dict.fromkeys(range(size + 1), Fraction(0))
            for count, chance in law.items():
                for new, c in enumerate(binomial(size, Fraction(count, size))):
                    after[new] += chance * c
            law = after

    def test_heterozygosity(self):
        """prp-collapse-heterozygosity: one generation of three symbols, E[1 - Σ μ²]."""
        size, shares = 3, (Fraction(1, 2), Fraction(1, 3), Fraction(1, 6))
        expected = 1 - sum(q**2 for q in shares)
        value = Fraction(0)  # E [1 - Σ μ_1²], from multinomial second moments
        for q in shares:
            value += sum(c * Fraction(i, size) ** 2 for i, c in enumerate(binomial(size, q)))
        assert 1 - value == (1 - Fraction(1, size)) * expected


class TestMeanTime:
    @staticmethod
    @cache
    def exact(size):
        """E T_MRCA in fractions."""
        times = [Fraction(0), Fraction(0)]
        for lines in range(2, size + 1):
            boxes = [Fraction(1)] + [Fraction(0)] * lines
            for _ in range(lines):
                boxes = [(boxes[i] * i + (boxes[i - 1] * (size - i + 1) if i else 0)) / size
                         for i in range(lines + 1)]
            times.append((1 + sum(c * time for c, time in zip(boxes, times, strict=False)))
                         / (1 - boxes[lines]))
        return times[size]

    @pytest.mark.parametrize("slack, holds", [(1, True), (-8, False)])
    def test_upper_bound(self, slack, holds):
        """prp-collapse-mrca: E T <= 2N + 2√(2N) + 1, exactly, for N up to 30."""
        def check(size):
            excess = self.exact(size) - 2 * size - slack
            return excess <= 0 or excess**2 <= 8 * size

        assert all(check(size) for size in range(1, 31)) is holds

    @pytest.mark.parametrize("four, holds", [(4, True), (-8, False)])
    def test_lower_bound(self, four, holds):
        """prp-collapse-mrca: E T >= 2N (1 - 1/M)(1 - 4M³/(3N)) for 2 <= M <= √N."""
        def check(size, M):
            return self.exact(size) >= 2 * size * (1 - Fraction(1, M)) * (
                1 - Fraction(four * M**3, 3 * size))

        cases = [(size, M) for size in (4, 9, 16, 30) for M in (2, 3, 4, 5) if M * M <= size]
        assert all(check(*case) for case in cases) is holds

    def test_steps(self):
        """prp-collapse-mrca: the bounds on mergers, for every d and N."""
        pairs = m * (m - 1) / 2
        assert nonnegative_on_integers(m**4 / 4 - sp.expand_func(
            sp.ff(m, 3) / 6 + 3 * sp.ff(m, 4) / 24), m, start=2)  # two or more at once
        assert nonnegative_on_integers(m**2 / 4 - (pairs - 1) / 2, m, start=2)  # Bonferroni
        assert nonnegative_on_integers(pairs - m**2 / 4, m, start=2)
        jump = (m**4 / (4 * N**2)) / (sp.Rational(3, 4) * m**2 / (4 * N))
        assert same(jump, 4 * m**2 / (3 * N))
        i = sp.symbols("i", integer=True, positive=True)
        assert nonnegative_on_integers(m**3 - sp.summation(i**2, (i, 3, m)), m, start=2)
        c = sp.symbols("c", positive=True)  # 1 - e^-c >= c/(1 + c), with c = log(1 + y)
        assert rises_from_zero((y / (1 + y) * (1 + sp.log(1 + y)) - sp.log(1 + y)) * (1 + y), y)
        assert same((1 + c) / c, 1 / c + 1)

    def test_choice_of_m(self):
        """prp-collapse-mrca: m + 2N/(m + 2) <= 2√(2N) for m = ⌊√(2N)⌋."""
        root, part = sp.symbols("r f", positive=True)  # √(2N), and m = root - part, part < 1
        gap = 2 * root - (root - part + root**2 / (root - part + 2))
        # (part·(2 - part) + 2·root)/(…) > 0 for 0 <= part <= 1
        top = sp.factor(sp.together(gap))
        assert all(positive(top.subs(part, f), root, 1) for f in (0, half, 1))
        assert same(top * (root - part + 2), sp.expand(2 * root + 2 * part - part**2))


class TestTwoSymbols:
    ell = (1 + t) * sp.log(1 + t) - t

    @pytest.mark.parametrize("sixth, third, holds", [(6, 3, True), (6, 4, False), (5, 3, False)])
    def test_entropy_of_one_step(self, sixth, third, holds):
        """thm-collapse-two: t²/2 - t³/6 <= ℓ(t) <= t²/2 - t³/6 + t⁴/3 for t > -1."""
        cubic = t**2 / 2 - t**3 / sixth
        lower, upper = self.ell - cubic, cubic + t**4 / third - self.ell
        proved = rises_from_zero(lower, t) and rises_from_zero(upper, t)
        # For t = -y, by second derivatives where that is enough, and by a value and concavity.
        curves = [sp.cancel(sp.diff(f, t, 2).subs(t, -y)) for f in (lower, upper)]
        proved = proved and positive(curves[0], y, 0, 1)
        proved = proved and positive(curves[1], y, 0, sp.Rational(3, 4))
        if holds:
            assert same(curves[1], y**2 * (3 - 4 * y) / (1 - y))  # concave beyond 3/4
            at = Fraction(-3, 4)
            rest = interval(at**2 / 2 - at**3 / 6 + at**4 / 3 + at)
            assert (rest - iv.log(interval(1 + at)) / 4).a > 0 == sp.limit(upper, t, -1, "+")
        assert proved is holds

    def test_binomial_moments(self):
        """thm-collapse-two, prp-six: central moments of Bin(N, x)/N."""
        y = 1 - x
        generating = (1 + x * (sp.exp(t) - 1)) ** N * sp.exp(-N * x * t)
        moments = [sp.diff(generating, t, i).subs(t, 0) / N**i for i in (2, 3, 4)]
        assert same(moments[0], x * y / N) and same(moments[1], x * y * (y - x) / N**2)
        slack = x * y * (1 + 3 * N * x * y) / N**3 - moments[2]
        assert same(slack, 6 * x**2 * y**2 / N**3)

    @pytest.mark.parametrize("five, holds", [(5, True), (4, False)])
    def test_nearly_one_half(self, five, holds):
        """thm-collapse-two: -1/(6s) <= G - 1/2 <= 5/(3s) for s >= 1/2."""
        s = sp.symbols("s", positive=True)
        z = 1 - x
        second, third = x * z / N, x * z * (z - x) / N**2
        assert same(N * (x * second / x**2 + z * second / z**2) / 2, half)
        cubic = N * (-x * third / x**3 + z * third / z**3) / 6
        assert same(cubic, -(z - x) ** 2 / (6 * N * x * z))
        fourth = N / 3 * (x * z * (1 + 3 * N * x * z) / N**3) * (1 / x**3 + 1 / z**3)
        claim = (1 + 3 * N * x * z) / (3 * (N * x * z) ** 2)
        assert same(fourth / claim, 1 - 3 * x * z)  # x³ + z³ <= 1
        gap = (five - 3) * s - 1  # 5/(3s) - (1 + 3s)/(3s²), times 3s²
        assert bool(gap.subs(s, half) >= 0) is holds

    def test_time_near_the_ends(self):
        """thm-collapse-two: v'' = -1/x, and (s²/(1 + 3s))/(8x N²) >= 1/(80N)."""
        eta, s = sp.symbols("eta s", positive=True)
        v = x + x * sp.log(eta / x)
        assert same(sp.diff(v, x, 2), -1 / x) and sp.diff(v, x).subs(x, eta) == 0
        assert positive(s**2 / (1 + 3 * s) - s / 5, s, half)
        assert same((N * x / 2) / 5 / (8 * x * N**2), 1 / (80 * N))


class TestTightness:
    def test_constants(self):
        """thm-measures-tight, cor-collapse-limit, prp-measures-sampling: geometric sums."""
        k = sp.symbols("k", integer=True, positive=True)
        assert sp.summation(2**k * 4**-k, (k, 1, sp.oo)) == 1
        assert sp.summation(half * 2**-k, (k, 1, sp.oo)) == half

    @pytest.mark.parametrize("j", [1, 3, 7, 21])
    def test_doubling_blocks(self, j):
        """prp-measures-shift: the share of ones after a block is exactly 2/3, then about 1/3."""
        ones = sum(2**i for i in range(1, j + 1, 2))
        assert 3 * ones == 2 * (2 ** (j + 1) - 1)
        assert Fraction(ones, 2 ** (j + 2) - 1) < Fraction(1, 2)


class TestExcitation:
    def test_variance(self):
        """prp-excitation-variance: the stationary equation and its solution."""
        value = 1 / (N - (N - 1) * (1 - alpha) ** 2)  # σ² = 1
        kept = (1 - alpha) ** 2 * value
        assert same(value, kept + (1 - kept) / N)
        assert not same(1 / N, kept + (1 - 1 / N * kept) / N)

    @pytest.mark.parametrize("size, fraction", [(2, Fraction(1, 3)), (3, Fraction(1, 10))])
    def test_chain_of_two_symbols(self, size, fraction):
        """prp-excitation-variance, thm-excitation-barycenter, thm-excitation-speed: exactly."""
        source, start = Fraction(3, 10), Fraction(1)
        rows = [binomial(size, fraction * source + (1 - fraction) * Fraction(i, size))
                for i in range(size + 1)]
        system = sp.Matrix(size + 1, size + 1, lambda i, k: sp.Rational(
            rows[k][i].numerator, rows[k][i].denominator) - int(i == k))
        vector, = system.nullspace()
        law = [Fraction(int(c.p), int(c.q)) for c in vector / sum(vector)]
        average = sum(c * i for i, c in enumerate(law)) / size
        variance = sum(c * i * i for i, c in enumerate(law)) / size**2 - average**2
        assert average == source
        assert variance == source * (1 - source) / (size - (size - 1) * (1 - fraction) ** 2)
        now = binomial(size, fraction * source + (1 - fraction) * start)
        for n in range(1, 12):
            distance = sum(abs(a - b) for a, b in zip(now, law, strict=True)) / 2
            assert (1 - fraction) ** n * abs(start - source) <= distance
            assert distance <= min(1, size * (1 - fraction) ** n)
            now = [sum(now[i] * rows[i][k] for i in range(size + 1)) for k in range(size + 1)]

    def test_barycenter_recursion(self):
        """lem-excitation-tight, thm-excitation-barycenter: the recursion and its fixed point."""
        rho, star = sp.symbols("rho star")
        after = alpha * star + (1 - alpha) * rho
        assert same(after - star, (1 - alpha) * (rho - star))

    def test_circles(self):
        """prp-excitation-circles: the mean of two rotations, and the inscribed circle."""
        beta, phi = sp.symbols("beta phi", real=True)
        for f in (sp.cos, sp.sin):
            assert same(sp.expand_trig(f(beta + phi) + f(beta - phi)) / 2, sp.cos(phi) * f(beta))
        centre, edge = [sp.Rational(1, 3)] * 3, [half, half, 0]
        assert sum((a - b) ** 2 for a, b in zip(centre, edge, strict=True)) == sp.Rational(1, 6)

    @pytest.mark.parametrize("j", [2, 3, 5])
    def test_urn(self, j):
        """thm-excitation-dirichlet: the moments of Beta(θp, θ(1-p)) solve the equation."""
        def moment(k):
            return sp.prod([(theta * p + i) / (theta + i) for i in range(k)])

        stop, copy = theta / (theta + j - 1), (j - 1) / (theta + j - 1)
        assert same(moment(j), (stop * p + copy) * moment(j - 1))
        assert not same(moment(j), (stop * p + copy * p) * moment(j - 1))
        leave = (j * theta + j * (j - 1)) / (2 * N)
        assert same(stop, j * theta / (2 * N) / leave)

    def test_variance_in_the_limit(self):
        """thm-excitation-dirichlet: 1/(N - (N-1)(1-α)²) at α = θ/(2N) tends to 1/(1 + θ)."""
        value = 1 / (N - (N - 1) * (1 - theta / (2 * N)) ** 2)
        assert same(sp.limit(value, N, sp.oo), 1 / (1 + theta))


class TestScale:
    effective = N - (N - 1) * (1 - alpha) ** 2

    def test_effective_size(self):
        """thm-minor-scale: N_e - 1 = (N - 1) α (2 - α) lies between (N-1)α and 2αN."""
        assert same(self.effective - 1, (N - 1) * alpha * (2 - alpha))
        assert same(2 * alpha * N - (self.effective - 1), alpha * (2 + alpha * (N - 1)))
        assert same(self.effective - 1 - (N - 1) * alpha, (N - 1) * alpha * (1 - alpha))

    def test_trickle(self):
        """cor-minor-trickle: the condition, its bracket, and √(1 - x) >= 1 - x."""
        kappa, inverse, z = sp.symbols("kappa D z", positive=True)
        smallest = 1 - sp.sqrt((N - inverse) / (N - 1))
        assert same(self.effective.subs(alpha, smallest), inverse)
        assert positive((1 - z**2) / (1 + z**2) - (1 - z), z, 0, 1)  # z = √(1 - x)
        at = (kappa / (N - 1))
        assert same(at / (2 - at) * N, kappa / 2 * N / (N - 1 - kappa / 2))
        assert same((1 - sp.sqrt(1 - x)) * (1 + sp.sqrt(1 - x)), x)

    def test_inexact(self):
        """thm-minor-inexact: the geometric sum, and the loop that attains the bound."""
        e, k, wrong, star = sp.symbols("e k wrong star", positive=True)
        bound = e / alpha * (1 - (1 - alpha) ** k)
        assert same(sp.expand((1 - alpha) * bound + e), sp.expand(bound.subs(k, k + 1)))
        model = alpha * wrong + (1 - alpha) * wrong  # stationary at the second source
        assert same(model - (alpha * star + (1 - alpha) * wrong), alpha * (wrong - star))

    def test_smoothing(self):
        """prp-minor-smoothing: the fixed point."""
        eta, u, star = sp.symbols("eta u star")
        r = star + eta / (1 - (1 - alpha) * (1 - eta)) * (u - star)
        assert same(r, (1 - eta) * (alpha * star + (1 - alpha) * r) + eta * u)


class TestRefittedGaussian:
    W = alpha * s2 + (1 - alpha) * V + alpha * (1 - alpha) * M**2

    @classmethod
    def central_moments(cls):
        """c_2, c_3, c_4 of a draw from (1 - α) N(M, V) + α N(0, s²)."""
        old = [1, M, M**2 + V, M**3 + 3 * M * V, M**4 + 6 * M**2 * V + 3 * V**2]
        new = [1, 0, s2, 0, 3 * s2**2]
        raw = [alpha * b + (1 - alpha) * a for a, b in zip(old, new, strict=True)]
        return [sp.expand(sum(comb(k, i) * raw[i] * (-raw[1]) ** (k - i) for i in range(k + 1)))
                for k in range(5)]

    def test_one_generation(self):
        """lem-minor-step: the variance of a draw is W."""
        assert same(self.central_moments()[2], self.W)

    @pytest.mark.parametrize("divisor, claim", [
        (0, lambda D: s2 / (1 + (N - 1) * alpha * (2 - alpha))), (1, lambda D: s2 / D)])
    def test_stationary(self, divisor, claim):
        """thm-minor-gauss: mean square and variance for both divisors, and D."""
        D = N * alpha * (2 - alpha) - (1 - alpha)
        square = claim(D)
        variance = s2 - square if divisor == 0 else s2 * N * alpha * (2 - alpha) / D
        w = self.W.subs({M: sp.sqrt(square), V: variance})
        assert same(square, (1 - alpha) ** 2 * square + w / N)
        assert same(variance, (N - 1) / (N - divisor) * w)

    def test_threshold(self):
        """thm-minor-gauss: the root of D, and its bracket."""
        root = 2 / (2 * N + 1 + sp.sqrt(4 * N**2 + 1))
        assert same(sp.radsimp(sp.expand(N * root**2 - (2 * N + 1) * root + 1)), 0)
        assert same((2 * N + 1) ** 2 - (4 * N**2 + 1), 4 * N)  # 2N < √(4N² + 1) < 2N + 1
        assert same(2 / (4 * N + 1), 1 / (2 * N + half)) and same(2 / (4 * N + 2), 1 / (2 * N + 1))

    @pytest.mark.parametrize("size", [2, 3, 4, 5])
    def test_moments_of_a_mean(self, size):
        """thm-minor-thresholds: the six expectations.

        Times a power of N each is a polynomial of degree 2 at most in N, so four sizes suffice.
        """
        c2, c3, c4 = sp.symbols("c2:5")
        names = sp.symbols(f"y:{size}")
        table = dict.fromkeys(names, lambda power: (1, 0, c2, c3, c4)[power])
        average, T = sum(names) / size, sum(name**2 for name in names)
        claims = {average**2: c2 / size, average**3: c3 / size**2, average * T: c3,
                  average**4: (c4 + 3 * (size - 1) * c2**2) / size**3,
                  average**2 * T: (c4 + (size - 1) * c2**2) / size,
                  T**2: size * c4 + size * (size - 1) * c2**2}
        for value, claim in claims.items():
            assert same(mean(value, table), claim)

    @pytest.mark.parametrize("six, holds", [(6, True), (5, False)])
    def test_mixed_row(self, six, holds):
        """thm-minor-thresholds: the lower-order coefficients of E M'²V', over N_d."""
        _, _, c2, c3, c4 = self.central_moments()
        c1 = (1 - alpha) * M
        spread = (N - 1) * c2
        linear = c3 - c3 / N
        square = (c4 + (N - 1) * c2**2) / N - (c4 + 3 * (N - 1) * c2**2) / N**2
        row = sp.Poly(sp.expand((c1**2 * spread + 2 * c1 * linear + square) / (N - 1)), M, V, s2)
        claims = {
            s2 * M**2: alpha * (1 - alpha) * ((1 - alpha) * (1 - sp.Integer(six) / N + 6 / N**2)
                                              + 2 * alpha * (N - 3) / N**2),
            s2 * V: 2 * alpha * (1 - alpha) * (N - 3) / N**2,
            s2**2: (3 * alpha + (N - 3) * alpha**2) / N**2}
        assert all(same(row.coeff_monomial(k), claim) for k, claim in claims.items()) is holds

    def test_signs(self):
        """thm-minor-thresholds: 1 - 6/N + 6/N² >= 0 from N = 5 on, and not at N = 4."""
        assert nonnegative_on_integers(m**2 - 6 * m + 6, m, start=5)
        assert not nonnegative_on_integers(m**2 - 6 * m + 6, m, start=4)

    @pytest.mark.parametrize("r", [1, 2, 3])
    def test_fourth_moment_of_a_mean(self, r):
        """thm-minor-thresholds: E x̄⁴ = M⁴ + 6M²V/r + 3V²/r² for r samples."""
        value = mean((M + sp.sqrt(V / r) * y) ** 4, {y: lambda k: (1, 0, 1, 0, 3)[k]})
        assert same(value, M**4 + 6 * M**2 * V / r + 3 * V**2 / r**2)


class TestOneThreshold:
    """thm-minor-thresholds: the spectral radius of B passes 1 once at most between α = 0 and 1.

    det(I - B) is α times a polynomial, a multiple of one in t = α/(1 - α) that has the signs

    - divisor N, N >= 3: negative, negative, then positive: one root t > 0, and a simple one
      (Descartes).  Below it the determinant is negative, so a real eigenvalue exceeds 1.
    - divisor N - 1: two changes of sign, so two roots or none.  ρ > 1 near α = 0, where B has the
      eigenvalue (N + 1)/(N - 1).  Where ρ passes 1 the determinant changes its sign, as ρ > 0 is a
      simple eigenvalue of a positive matrix; it is positive at both ends, so there are two simple
      roots.  Between two roots it is negative and ρ > 1; at the first root ρ > 1 too, since a
      touch of 1 by a simple eigenvalue would not change the sign.  So ρ = 1 at the second only.

    And ρ < 1 beyond the last root, as B = 0 at α = 1.  For divisor N and N = 2 there is no root.
    """

    @staticmethod
    @cache
    def coefficients(divisor):
        """Those of 1, t, t², ...: polynomials in N."""
        _, _, c2, c3, c4 = TestRefittedGaussian.central_moments()
        c1 = (1 - alpha) * M
        fourth, spread = (c4 + 3 * (N - 1) * c2**2) / N**3, (c4 + (N - 1) * c2**2) / N
        # I - B, its rows times N³, N² (N - d) and N (N - d)², which are positive.
        images = [c1**4 + 6 * c1**2 * c2 / N + 4 * c1 * c3 / N**2 + fourth,
                  c1**2 * (N - 1) * c2 + 2 * c1 * (c3 - c3 / N) + spread - N * fourth,
                  N * c4 + N * (N - 1) * c2**2 - 2 * N * spread + N**2 * fourth]
        terms = (M**4, M**2 * V, V**2)
        matrix = []
        for power, image in enumerate(images):
            row = sp.Poly(sp.expand(N ** (3 - power) * image), M, V, s2)
            own = N ** (3 - power) * (N - divisor) ** power
            matrix.append([sp.Poly((own if term == terms[power] else 0) - row.coeff_monomial(term),
                                   alpha, N) for term in terms])
        a, b, c = matrix
        determinant = sum((a[i] * (b[j] * c[k] - b[k] * c[j])
                           for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1))),
                          sp.Poly(0, alpha, N)).as_expr()
        assert determinant.subs(alpha, 0) == 0
        parts = sp.Poly(sp.cancel(determinant / alpha), alpha).all_coeffs()[::-1]
        top = len(parts) - 1
        whole = sum(c * t**i * (1 + t) ** (top - i) for i, c in enumerate(parts))
        return [sp.Poly(c, N) for c in sp.Poly(sp.expand(whole), t).all_coeffs()[::-1]]

    @staticmethod
    def changes(values):
        signs = [value > 0 for value in values if value]
        return sum(a != b for a, b in zip(signs[:-1], signs[1:], strict=True))

    @pytest.mark.parametrize("divisor, low, expected", [(0, 2, 0), (0, 3, 1), (1, 2, 2)])
    def test_small_sizes(self, divisor, low, expected):
        """thm-minor-thresholds: the signs for N = 2, 3, ..., 9."""
        for size in [low] if expected == 0 else range(low, 10):
            assert self.changes([c.eval(size) for c in self.coefficients(divisor)]) == expected

    @pytest.mark.parametrize("divisor, negative, start, holds", [
        (0, (0, 1), 3, True), (0, (0,), 3, False), (1, (1,), 8, True), (1, (1,), 7, False)])
    def test_all_sizes(self, divisor, negative, start, holds):
        """thm-minor-thresholds: the signs for every N from `start` on."""
        signed = [-c if i in negative else c for i, c in enumerate(self.coefficients(divisor))]
        proved = all(nonnegative_on_integers(c.as_expr().subs(N, m), m, start) for c in signed)
        assert proved is holds

    @pytest.mark.parametrize("divisor, expected", [(0, [half]), (1, [sp.Rational(1, 3), 3 * half])])
    def test_large_sizes(self, divisor, expected):
        """thm-minor-thresholds: roots at α ~ f/N; the last one is the threshold, 1/2 or 3/2."""
        f = sp.symbols("f", positive=True)
        terms = [c.as_expr() * (f / N) ** i for i, c in enumerate(self.coefficients(divisor))]
        whole = sp.cancel(sum(terms))
        power = sp.degree(sp.numer(whole), N) - sp.degree(sp.denom(whole), N)
        assert sorted(sp.solve(sp.limit(whole / N**power, N, sp.oo), f)) == expected

    @pytest.mark.parametrize("divisor", [0, 1])
    @pytest.mark.parametrize("size", [
        3, 5, 10, 100, pytest.param(10_000, marks=pytest.mark.slow)])
    def test_the_package_finds_it(self, divisor, size):
        """thm-minor-thresholds: the last root, to nine digits, by exact signs."""
        root = Fraction(float(excitation.gaussian_threshold(size, moment=2, ddof=divisor)))
        values = []
        for fraction in (root * (1 - Fraction(1, 10**9)), root * (1 + Fraction(1, 10**9))):
            odds = fraction / (1 - fraction)
            values.append(sum(int(c.eval(size)) * odds**i
                              for i, c in enumerate(self.coefficients(divisor))))
        assert values[0] < 0 < values[1]

    def test_near_no_fresh_samples(self):
        """thm-minor-thresholds: (N² - 1)/(N - d)² at α = 0 is above 1 for divisor N - 1 only."""
        assert same((N**2 - 1) / (N - 1) ** 2, (N + 1) / (N - 1))
        assert positive(1 - (N**2 - 1) / N**2, N, 1)
