"""Growing samples: constants of the exit and collapse proofs, comparisons, families, budgets."""

from fractions import Fraction
from itertools import product
from math import floor

import pytest
import sympy as sp
from mpmath import iv

from .proofs import mean, normal_moment, positive, rises_from_zero, same

A, C, R, a, c, d, delta, h, n, r, rho, v0, w, x, y = sp.symbols(
    "A C R a c d delta h n r rho v0 w x y", positive=True)
half = sp.Rational(1, 2)


class TestWalk:
    def test_small_ball(self):
        """thm-walk-mean: ∫ y^(d/2-1)/(2^(d/2) Γ(d/2)) dy up to x is (x/2)^(d/2)/Γ(d/2 + 1)."""
        value = sp.integrate(y ** (d / 2 - 1), (y, 0, x)) / (2 ** (d / 2) * sp.gamma(d / 2))
        assert same(sp.powsimp(value / ((x / 2) ** (d / 2) / sp.gamma(d / 2 + 1)), force=True), 1)

    @pytest.mark.parametrize("factor, holds", [(2, True), (Fraction(3, 2), False)])
    def test_supremum(self, factor, holds):
        """prp-walk-sup, tool-levy: for sign walks with any step lengths, exactly."""
        def check(steps, level):
            ends = tops = 0
            for signs in product((1, -1), repeat=len(steps)):
                path, top = 0, 0
                for sign, step in zip(signs, steps, strict=True):
                    path += sign * step
                    top = max(top, abs(path))
                ends, tops = ends + (abs(path) >= level), tops + (top >= level)
            return ends <= tops <= factor * ends

        cases = [(steps, level) for steps in ((1, 1, 1, 1, 1, 1), (5, 4, 3, 2, 1), (3, 1, 2, 1, 3))
                 for level in range(1, 1 + sum(steps)) if level <= max(steps) + 3]
        assert all(check(*case) for case in cases) is holds

    def test_logarithmic_schedules(self):
        """cor-walk-growth: the integrals of 1/(x log^(1+e) x) and of 1/(x log x)."""
        e = sp.symbols("e", positive=True)
        assert same(sp.diff(-sp.log(x) ** -e / e, x), 1 / (x * sp.log(x) ** (1 + e)))
        assert same(sp.diff(sp.log(sp.log(x)), x), 1 / (x * sp.log(x)))


class TestNecessity:
    def test_quadratic(self):
        """thm-growth-necessity: the largest A with v0 A <= 2R² + 2√(CA/m)."""
        m = sp.symbols("m", positive=True)
        root = (sp.sqrt(C / m) + sp.sqrt(C / m + 2 * v0 * R**2)) / v0
        assert same(sp.expand(v0 * root**2 - 2 * R**2 - 2 * sp.sqrt(C / m) * root), 0)

    @pytest.mark.parametrize("mixed, holds", [(8, True), (7, False)])
    def test_fourth_power(self, mixed, holds):
        """cor-growth-iff: ‖N + Y‖⁴ <= ‖N‖⁴ + 4‖N‖²N·Y + 8‖N‖²‖Y‖² + 3‖Y‖⁴."""
        N, Y, dot = sp.symbols("N Y dot", real=True)  # norms, and |dot| <= NY
        excess = (N**4 + 4 * N**2 * dot + mixed * N**2 * Y**2 + 3 * Y**4
                  - (N**2 + 2 * dot + Y**2) ** 2)
        # 4 dot² and 4 dot Y² are largest at dot = ±NY; 2(NY)² + 2Y⁴ - 4NY³ = 2Y²(N - Y)².
        worst = sp.expand(excess.subs(dot, N * Y))
        assert same(worst, 2 * Y**2 * (N - Y) ** 2 + (mixed - 8) * N**2 * Y**2)
        assert sp.diff(excess, dot, 2) == -8  # concave in dot: the ends are the worst
        assert same(excess.subs(dot, -N * Y), 2 * Y**2 * (N + Y) ** 2
                    + (mixed - 8) * N**2 * Y**2)
        assert (worst.subs({N: 1, Y: 1}) >= 0) == holds

    def test_sum_of_fourth_moments(self):
        """cor-growth-iff: 8hA + 3h² <= 4(2hA + h²), which telescopes to 4A²."""
        assert sp.expand(4 * ((A + h) ** 2 - A**2) - (8 * h * A + 3 * h**2)) == h**2

    @pytest.mark.parametrize("constant, holds", [(128, True), (100, False)])
    def test_kappa(self, constant, holds):
        """cor-growth-iff: Paley-Zygmund leaves v0²/(64C) = 2κ, and δ0² = v0 a/8."""
        kappa = v0**2 / (constant * C)
        second = v0 * A / 2
        chance = (1 - half) ** 2 * second**2 / (4 * C * A**2)
        assert same(chance, 2 * kappa) is holds
        at = kappa * R**2 / sp.sqrt(C)
        assert same(v0 / 4 * at / 2, v0 * kappa * R**2 / (8 * sp.sqrt(C)))
        assert same(sp.sqrt(C) * at / R**2, kappa)
        assert 1 / sp.Integer(constant) < half  # κ < 1/2, as v0² <= C

    def test_noise_with_drift(self):
        """prp-bias-noise: what the three terms of the minimum are for."""
        B = sp.symbols("B", positive=True)
        kappa = v0**2 / (128 * C)
        assert same(B * (R / (2 * B)), R / 2)
        assert same(sp.sqrt(C) * (kappa * R**2 / (4 * sp.sqrt(C))) / (R / 2) ** 2, kappa)
        largest = v0 / (32 * B**2)
        assert same((B * largest) ** 2, v0 * largest / 8 / 4)  # Ba <= √(v0 a/8)/2, squared

    def test_drift(self):
        """thm-bias-drift: (A' - A)/A'² <= 1/A - 1/A'."""
        assert positive(((1 / A - 1 / (A + h)) - h / (A + h) ** 2).subs(A, 1), h)


class TestVariance:
    def test_last_part(self):
        """thm-growth-variance: log(1 - x) >= -2x up to 1/2, and 1/ν <= 2/n."""
        assert rises_from_zero(2 * x + sp.log(1 - x), x, high=half)
        assert not rises_from_zero(x + sp.log(1 - x), x, high=half)
        assert same(2 / n - 1 / (n - 1), (n - 2) / (n * (n - 1)))

    @pytest.mark.parametrize("divisor, claim", [
        (n - 1, (1 + 2 / (n - 1)) ** r - 1),
        (n, (1 - 1 / n**2) ** r - 2 * (1 - 1 / n) ** r + 1)])
    def test_risk(self, divisor, claim):
        """prp-growth-risk, prp-families-exact: E(σ̂² - 1)² after r generations."""
        first, second = (n - 1) / divisor, (n - 1) * (n + 1) / divisor**2
        assert same(sp.factor(second) ** r - 2 * sp.factor(first) ** r + 1, claim)

    def test_poisson_with_growing_samples(self):
        """prp-growth-poisson: n/S <= v <= 2n/S, in intervals along t^(3/2) and t."""
        assert rises_from_zero(sp.log(1 + x) - x / (1 + x), x)  # 1/(1 - e^-x) <= 1/x + 1
        for power in (Fraction(3, 2), 1):
            sizes = [5 * max(1, round(t ** float(power))) for t in range(60)]
            v = iv.mpf(sizes[-1])
            for size in reversed(sizes[:-1]):
                v = size * (1 - iv.exp(-v / size))
            total = sum(Fraction(1, size) for size in sizes)
            scaled = v * total.numerator / total.denominator
            assert 1 <= scaled.b and scaled.a <= 2 and scaled.a > 1.5


class TestBias:
    def test_shrinkage(self):
        """prp-bias-shrink: 2/(n - 1) <= 4/n for n >= 2."""
        assert same(4 / n - 2 / (n - 1), 2 * (n - 2) / (n * (n - 1)))

    def test_ridge(self):
        """prp-bias-map: the two forms of (G + w)^-1 G, and of (G + w)^-1."""
        g1, g2, g3 = sp.symbols("g1:4")
        G, one = sp.Matrix([[g1, g2], [g2, g3]]), sp.eye(2)
        inverse = (G + w * one).inv()
        zero = sp.zeros(2)
        assert sp.simplify(inverse * G - (one - w * inverse)) == zero
        assert sp.simplify(inverse - (one + inverse * (one - G)) / (1 + w)) == zero
        assert sp.simplify(
            inverse * G - (one - w / (1 + w) * one - w / (1 + w) * inverse * (one - G))) == zero
        assert positive(1 / x - x / (x + w).subs(w, 1) ** 2, x)  # (G+w)^-1 G (G+w)^-1 <= G^-1

    @pytest.mark.parametrize("plus, holds", [(1, True), (2, False)])
    def test_ridge_moments(self, plus, holds):
        """prp-bias-map: E(I - G)² = (d + 1)/n I, and E tr G^-1 <= 2d from n = 2d + 2 on."""
        square = n * (n + d + plus) / n**2  # tool-wishart
        assert same(square - 2 + 1, (d + 1) / n) is holds
        assert same((2 - n / (n - d - 1)) * (n - d - 1), n - 2 * d - 2)

    def test_ridge_chance(self):
        """prp-bias-map: the limit (β - δ)/(2(2β - δ))."""
        beta = sp.symbols("beta", positive=True)
        assert same((1 - beta / (2 * beta - delta)) / 2, (beta - delta) / (2 * (2 * beta - delta)))


class TestBetter:
    student = sp.gamma((d + 1) / 2) / (sp.sqrt(d * sp.pi) * sp.gamma(d / 2)) * (
        1 + x**2 / d) ** (-(d + 1) / 2)

    @pytest.mark.parametrize("four, holds", [(4, True), (2, False)])
    def test_two_forms(self, four, holds):
        """thm-better: Pr(t_d > √(dρ)/2) and I_(4/(4+ρ))(d/2, 1/2)/2 have the same derivative."""
        threshold = sp.sqrt(d * rho) / 2
        first = -self.student.subs(x, threshold) * sp.diff(threshold, rho)
        at = four / (four + rho)
        beta = sp.gamma(d / 2) * sp.gamma(half) / sp.gamma((d + 1) / 2)
        second = at ** (d / 2 - 1) * (1 - at) ** (-half) * sp.diff(at, rho) / (2 * beta)
        ratio = sp.powsimp(sp.expand_power_base(sp.powdenest(sp.simplify(
            first / second), force=True), force=True), force=True)
        assert same(sp.simplify(ratio), 1) is holds

    def test_one_dimension(self):
        """thm-better: for d = 1 it is arctan(2/√ρ)/π, and tends to 1/2 as ρ -> 0."""
        claim = sp.atan(2 / sp.sqrt(rho)) / sp.pi
        threshold = sp.sqrt(rho) / 2
        density = self.student.subs(d, 1).subs(x, threshold)
        assert same(sp.diff(claim, rho), -density * sp.diff(threshold, rho))
        assert sp.limit(claim, rho, 0, "+") == half

    def test_price_of_dimensions(self):
        """prp-better-dimension: the constants for large d and for small ρ."""
        at = 4 / (4 + rho)
        assert same(1 / sp.sqrt(1 - at), sp.sqrt((4 + rho) / rho))
        assert same(at, 1 / (1 + rho / 4))
        # B(d/2, 1/2) = √π Γ(z)/Γ(z + 1/2), z = d/2, and Γ(z + 1/2) ~ √z Γ(z) (thm-gauss-sharp).
        assert same(d * sp.sqrt(sp.pi) / sp.sqrt(d / 2), sp.sqrt(2 * sp.pi * d))
        norm = sp.sqrt(2) * sp.gamma((d + 1) / 2) / sp.gamma(d / 2)  # E‖W‖
        slope = self.student.subs(x, 0) * sp.sqrt(d) / 2
        assert same(slope, norm / (2 * sp.sqrt(2 * sp.pi)))
        assert same(sp.sqrt(d) / (2 * sp.sqrt(2 * sp.pi)), sp.sqrt(d / (8 * sp.pi)))

    @pytest.mark.parametrize("four, holds", [(4, True), (2, False)])
    def test_pair(self, four, holds):
        """thm-better-pair: pq - r² = 4(αβ - κ²)."""
        alpha, beta, kappa = sp.symbols("alpha beta kappa", positive=True)
        p, q = alpha + beta - 2 * kappa, alpha + beta + 2 * kappa
        assert same(p * q - (alpha - beta) ** 2, four * (alpha * beta - kappa**2)) is holds

        def threshold(*values):
            at = dict(zip((alpha, beta, kappa), values, strict=True))
            return ((alpha - beta) / (2 * sp.sqrt(alpha * beta - kappa**2))).subs(at)

        assert same(threshold(1 + rho, 1, 1), sp.sqrt(rho) / 2)
        assert same(threshold(x + 1 / c, x, x) ** 2, 1 / (c * x) / 4)

    def test_fisher(self):
        """thm-better-pair: Pr(F_(d,d) < 1/S) and Pr(t_d > √d (S - 1)/(2√S)), by derivatives."""
        S = sp.symbols("S", positive=True)
        threshold = sp.sqrt(d) * (S - 1) / (2 * sp.sqrt(S))
        first = -self.student.subs(x, threshold) * sp.diff(threshold, S)
        fisher = x ** (d / 2 - 1) * (1 + x) ** -d * sp.gamma(d) / sp.gamma(d / 2) ** 2
        second = -fisher.subs(x, 1 / S) / S**2
        # For whole d the ratio is algebraic; the gamma functions reduce by duplication.
        for freedom in (1, 2, 3, 6):
            ratio = (first / second).subs(d, freedom)
            assert same(sp.simplify(ratio**2), 1) and ratio.subs(S, 2) > 0, freedom

    def test_covariance(self):
        """prp-better-cov: Z'CZ has the variance Z'C²Z given the other vector's direction."""
        l1, l2, z1, z2, q1, q2 = sp.symbols("l1 l2 z1 z2 q1 q2")
        form = (q1 * l1 * z1 + q2 * l2 * z2) ** 2
        normal = {q1: normal_moment, q2: normal_moment}
        assert sp.expand(mean(form, normal) - (l1**2 * z1**2 + l2**2 * z2**2)) == 0


class TestFamilies:
    rate = sp.symbols("lambda", positive=True)

    @pytest.mark.parametrize("family", ["exponential", "Poisson", "Gaussian"])
    def test_information(self, family):
        """prp-families-normal: the inverse Fisher information is the V of the table."""
        if family == "exponential":
            log_density, expect = sp.log(self.rate) - self.rate * x, 1 / self.rate
            assert same(1 / -sp.diff(log_density, self.rate, 2), self.rate**2)
            assert same(sp.integrate(x * self.rate * sp.exp(-self.rate * x), (x, 0, sp.oo)), expect)
        elif family == "Poisson":
            curvature = -sp.diff(x * sp.log(self.rate) - self.rate, self.rate, 2)
            assert same(1 / curvature.subs(x, self.rate), self.rate)  # linear in x, E x = λ
        else:
            s2, z = sp.symbols("s2 z", positive=True)
            log_density = -sp.log(s2) / 2 - (z - a) ** 2 / (2 * s2)
            information = sp.Matrix(2, 2, lambda i, k: mean(sp.expand(-sp.diff(
                log_density, (a, s2)[i], (a, s2)[k]).subs(z, a + sp.sqrt(s2) * y)),
                {y: normal_moment}))
            assert sp.simplify(information.inv() - sp.diag(s2, 2 * s2**2)) == sp.zeros(2)

    def test_fourth_central_moment_of_poisson(self):
        """prp-families-normal: μ + 3μ², from E e^(s(X - μ))."""
        s = sp.symbols("s")
        generating = sp.exp(self.rate * (sp.exp(s) - 1 - s))
        assert sp.expand(sp.diff(generating, s, 4).subs(s, 0) - self.rate - 3 * self.rate**2) == 0

    def test_exponential(self):
        """prp-families-exact: E 1/G and E 1/G² for Gamma(n)."""
        assert same(sp.gamma(n - 1) / sp.gamma(n), 1 / (n - 1))
        assert same(sp.gamma(n - 2) / sp.gamma(n), 1 / ((n - 1) * (n - 2)))


class TestTable:
    @pytest.mark.parametrize("i", range(1, 7))
    def test_steps(self, i):
        """prp-table-latent: (φ h_(i-1))' = -√i φ h_i for the normalised Hermite polynomials."""
        phi = sp.exp(-(x**2) / 2)

        def hermite(k):
            return sp.hermite_prob(k, x) / sp.sqrt(sp.factorial(k))

        assert same(sp.diff(phi * hermite(i - 1), x) / phi, -sp.sqrt(i) * hermite(i))

    def test_variance_of_the_mean(self):
        """thm-table-copula: the products telescope."""
        left, size = sp.symbols("P n", positive=True)
        assert same(left / size, left - left * (1 - 1 / size))
        assert same(((n - 1) / n**2), (1 - 1 / n) / n)  # one value apart: its variance

    @pytest.mark.parametrize("weight, holds", [(half, True), (1, False)])
    def test_derivative_of_a_correlation(self, weight, holds):
        """prp-table-line: ψ = z_j z_k - (r/2)(z_j² + z_k²)."""
        zj, zk, e = sp.symbols("zj zk e", real=True)
        shift = {name: at + e * (value - at) for name, at, value in (
            ("j", 0, zj), ("k", 0, zk), ("jj", 1, zj**2), ("kk", 1, zk**2), ("jk", r, zj * zk))}
        correlation = (shift["jk"] - shift["j"] * shift["k"]) / sp.sqrt(
            (shift["jj"] - shift["j"] ** 2) * (shift["kk"] - shift["k"] ** 2))
        psi = zj * zk - weight * r * (zj**2 + zk**2)
        derivative = sp.diff(correlation, e).subs(e, 0)
        assert same(derivative, psi) is holds

    def test_excess(self):
        """prp-table-regression: tr(I Cov ξ) = tr(I^-1 J) + p S."""
        S = sp.symbols("S", positive=True)
        i1, i2, i3, j1, j2, j3 = sp.symbols("i1:4 j1:4")
        fisher, score = sp.Matrix([[i1, i2], [i2, i3]]), sp.Matrix([[j1, j2], [j2, j3]])
        inverse = fisher.inv()
        covariance = inverse * score * inverse + inverse * (S - 1) + inverse
        assert sp.simplify((fisher * covariance - inverse * score).trace() - 2 * S) == 0


class TestBudgets:
    def test_lagrange(self):
        """prp-budget: the difference in Cauchy-Schwarz is a sum of squares."""
        c1, c2, c3 = sp.symbols("c1:4", positive=True)
        sizes = (c1, c2, c3)
        gap = sum(1 / one for one in sizes) * sum(sizes) - 9
        squares = sum((a - b) ** 2 / (a * b) for a, b in ((c1, c2), (c1, c3), (c2, c3)))
        assert same(gap, squares)

    @pytest.mark.parametrize("eight, holds", [(8, True), (1, False)])
    def test_necessary(self, eight, holds):
        """thm-anytime: Σ T/C_T <= 8(S - 1) along c_t = t², up to T = 2000."""
        sizes = [1] + [t**2 for t in range(1, 2000)]
        budget, left = 0, 0.0
        for t, size in enumerate(sizes):
            if t >= 2:
                left += t / budget
            budget += size
        total = sum(1 / size for size in sizes[1:])
        assert (left <= eight * total) is holds

    @pytest.mark.parametrize("first, rest, holds", [(4, 16, True), (2, 3, False)])
    def test_sufficient(self, first, rest, holds):
        """thm-anytime: the schedule of blocks for B_T = T³, where b_k = 8^k exactly."""
        budget = 1
        for T in range(1, 2049):
            assert budget <= 1 + T**3  # C_T
            k = T.bit_length() - 1
            budget += Fraction(8**k, 2 ** (k + 1))
        noise = sum(Fraction(2**k * 2 ** (k + 1), 8**k) for k in range(40))
        tail = sum(Fraction(1, T**2) for T in range(2, 200))
        assert (noise <= first + rest * tail) is holds

    def test_price(self):
        """prp-price: the sums by integrals, and (e/2)(1 + L) with s = 1/L."""
        L, s, T, t = sp.symbols("L s T t", positive=True)
        assert same(sp.integrate(t ** (1 + s), (t, 0, T)), T ** (2 + s) / (2 + s))
        assert same(1 + sp.integrate(t ** (-1 - s), (t, 1, sp.oo)).subs(s, 1 / L), 1 + L)
        assert sp.exp(sp.log(T) / L).subs(T, sp.exp(L)) == sp.E

    @pytest.mark.parametrize("allowed", [Fraction(1, 2), Fraction(7, 10), Fraction(3)])
    def test_whole_samples(self, allowed):
        """prp-whole: sizes m and m + 1 are the cheapest, among all choices."""
        b = sp.symbols("b", positive=True)
        assert sp.expand((a - 1) * (b + 1) - a * b - (a - b - 1)) == 0
        generations, real = 3, 2
        m = floor(real * generations / allowed)
        best = min(
            low * m + (generations - low) * (m + 1) for low in range(generations + 1)
            if real * (Fraction(low, m) + Fraction(generations - low, m + 1)) <= allowed)
        brute = min(sum(sizes) for sizes in product(range(1, best), repeat=generations)
                    if sum(Fraction(real, size) for size in sizes) <= allowed)
        assert brute == best
