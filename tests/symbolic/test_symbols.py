"""One symbol: g_k, the Abel function, and the resampled share in exact polynomials."""

from fractions import Fraction
from math import comb, factorial

import pytest
import sympy as sp
from mpmath import iv
from sympy.functions.combinatorial.numbers import stirling
from sympy.polys.domains import QQ
from sympy.polys.ring_series import rs_log, rs_series_inversion
from sympy.polys.rings import ring

from .proofs import (
    digits,
    g,
    interval,
    lost,
    nonnegative_on_integers,
    p,
    positive,
    rises_from_zero,
    same,
    survivors,
)

j = sp.symbols("j", integer=True, positive=True)
n, s, u, x, z = sp.symbols("n s u x z", positive=True)
SMALL = [(2, 2), (2, 5), (3, 2), (3, 4), (4, 2), (4, 3), (5, 3)]  # n and k


def between(value):
    """Two fractions, below and above what the interval encloses."""
    return tuple(sp.Rational(*float(end).as_integer_ratio()) for end in (value.a, value.b))


class TestG:
    @pytest.mark.parametrize("c, holds", [(3, True), (4, False)])
    def test_cotangent(self, c, holds):
        """prp-g-sharp: 1/t <= coth t <= 1/t + t/3, coefficient by coefficient."""
        assert nonnegative_on_integers(sp.combsimp(
            (1 / sp.factorial(2 * j) - 1 / sp.factorial(2 * j + 1)) * sp.factorial(2 * j + 1)), j)
        upper = c / sp.factorial(2 * j + 1) + 1 / sp.factorial(2 * j - 1) - c / sp.factorial(2 * j)
        upper = sp.expand(sp.combsimp(upper * sp.factorial(2 * j + 1)))
        assert nonnegative_on_integers(upper, j, start=1) is holds
        assert holds is False or sp.expand(upper - 4 * j * (j - 1)) == 0

    @pytest.mark.parametrize("low, high, holds", [(2, 12, True), (2, 13, False),
                                                  (sp.Rational(19, 10), 12, False)])
    def test_one_step_by_another_route(self, low, high, holds):
        """prp-g-sharp, prp-growth-poisson: 1/x + 1/2 <= 1/(1 - e^-x) <= 1/x + 1/2 + x/12."""
        L = sp.log(1 + u)  # x; then 1/(1 - e^-x) is (1 + u)/u
        from_below = L * ((1 + u) / u - sp.Integer(1) / low) - 1
        from_above = 1 + L / 2 + L**2 / high - L * (1 + u) / u
        assert (rises_from_zero(from_below, u) and rises_from_zero(from_above, u)) is holds

    def test_induction(self):
        """prp-g-sharp: the sum of 1/(6(i + 1)) stays below (1/6) ln k, step by step."""
        k = sp.symbols("k", positive=True)
        y_low = (k + 1) / 2
        assert same(y_low.subs(k, k + 1) - y_low, sp.Rational(1, 2)) and y_low.subs(k, 1) == 1
        # One step adds at most 1/2 + 1/(12 y_low); with u = 1/k the logarithm adds ln(1 + u)/6.
        assert same(1 / (12 * y_low), (u / (6 * (1 + u))).subs(u, 1 / k))
        assert rises_from_zero(sp.log(1 + u) / 6 - u / (6 * (1 + u)), u)

    @pytest.mark.parametrize("third, holds", [(3, True), (4, False)])
    def test_first_five_hundred_in_intervals(self, third, holds):
        """prp-g-sharp, lem-g, def-g."""
        def check(k):
            lower = 2 / (k + 1 + iv.log(iv.mpf(k)) / third)
            return (g(k).b >= lower.a and (k == 1 or g(k).a > lower.b)
                    and g(k).a <= (iv.mpf(2) / (k + 1)).b and g(k).a >= 1 / k - 1e-15
                    and g(k).b <= 3 / k)

        assert all(check(k) for k in range(1, 500)) is holds


ORDER = 5
_, Z = ring("z", QQ)
STEP = sum((-Z) ** i * QQ(1, factorial(i + 1)) for i in range(ORDER + 3))  # y/T(y), z = 1/y


class TestAbel:
    @staticmethod
    def defect(third, coefficients):
        """Φ(T(y)) - Φ(y) - 1 in powers of z, up to z^order."""
        inverse = rs_series_inversion(STEP, Z, ORDER + 2)
        total = 2 * (inverse - 1).quo(Z) + rs_log(STEP, Z, ORDER + 1) * QQ(1, third) - 1
        for j, c in enumerate(coefficients, 1):
            total += c * Z**j * (STEP**j - 1)
        return [total.coeff(Z**i) if i else total.coeff(1) for i in range(ORDER)]

    @pytest.mark.parametrize("second, holds", [(QQ(1, 540), True), (QQ(1, 541), False)])
    def test_coefficients(self, second, holds):
        """prp-abel: with these, and no others, Φ(T(y)) = Φ(y) + 1 to this order."""
        defect = self.defect(3, [QQ(1, 36), second, -QQ(1, 7776)])
        assert (defect == [0] * 5) is holds

    @pytest.mark.parametrize("third, holds", [(3, True), (4, False)])
    def test_first_orders_cancel(self, third, holds):
        """prp-abel: δ(y) = O(y^-2)."""
        assert (self.defect(third, [])[:2] == [0, 0]) is holds

    @pytest.mark.parametrize("j", [1, 2, 3, 4])
    def test_they_are_determined(self, j):
        """prp-abel: c_j enters as -(j/2) c_j z^(j+1)."""
        entry = Z**j * (STEP**j - 1)
        assert entry.coeff(Z ** (j + 1)) == -QQ(j, 2)
        assert all(entry.coeff(Z**i) == 0 for i in range(1, j + 1))


class TestResampling:
    """For these n and k the inequalities are proved for every p in (0, 1), by Sturm sequences."""

    @pytest.mark.parametrize("size, k", [(1, 3), (2, 4), (3, 3), (4, 3), (5, 2)])
    def test_time_reversal_is_an_identity_of_polynomials(self, size, k):
        """thm-duality, tool-duality: Pr(P_k = 0) = E (1 - p)^D, D after k - 1 steps back."""
        def reversed_time(steps):
            return sp.expand(sum(sp.Rational(c.numerator, c.denominator) * (1 - p) ** d
                                 for d, c in enumerate(survivors(size, steps))))

        assert reversed_time(k - 1) == lost(size, k)
        assert size == 1 or reversed_time(k) != lost(size, k)

    @pytest.mark.parametrize("size, power", [(3, 2), (3, 4), (4, 3)])
    def test_moments_by_time_reversal(self, size, power):
        """tool-duality: E X_k^m = E p^D when m members are drawn with replacement."""
        value = p**power  # E of a function of the share, one generation at a time
        for _ in range(2):
            value = sp.expand(sum(value.subs(p, sp.Rational(i, size)) * comb(size, i) * p**i
                                  * (1 - p) ** (size - i) for i in range(size + 1)))
        law = {0: Fraction(1)}
        for _ in range(power):  # m members of generation 2, drawn with replacement
            law = _throw(law, size)
        backwards = {}
        for d, chance in law.items():  # and their parents
            parents = {0: chance}
            for _ in range(d):
                parents = _throw(parents, size)
            for e, c in parents.items():
                backwards[e] = backwards.get(e, 0) + c
        claim = sum(sp.Rational(c.numerator, c.denominator) * p**d for d, c in backwards.items())
        assert sp.expand(value - claim) == 0

    @pytest.mark.parametrize("size, k", SMALL)
    def test_lower_bound_on_survival(self, size, k):
        """thm-suresh-bernoulli, thm-bern-better, cor-distinct-better: u_k <= (1 - p g_k)^n."""
        high = between(g(k))[1]
        assert positive((1 - p * high) ** size - lost(size, k), p, 0, 1)
        assert not positive((1 - 2 * p * high) ** size - lost(size, k), p, 0, 1)

    @pytest.mark.parametrize("size, k", SMALL)
    def test_upper_bound_on_survival(self, size, k):
        """thm-bern-k: Pr(P_k = 0) >= (1 - n p² g_k - 2p) e^(-n p g_k).

        e^x is replaced by its Taylor polynomial of degree 8, which is smaller.
        """
        low = between(g(k))[0]
        partial = sum((size * p * low) ** i / sp.factorial(i) for i in range(9))

        def proved(linear):
            claim = 1 - size * p**2 * low - linear * p
            return positive(lost(size, k) * partial - claim, p, 0, 1)

        assert proved(2)
        assert not proved(-1)

    @pytest.mark.parametrize("size, k", SMALL)
    def test_window(self, size, k):
        """prp-window, for every p."""
        low, high = between(g(k))
        alive = 1 - lost(size, k)
        assert positive(alive - size * p * low + (size * p * high) ** 2 / 2, p, 0, 1)
        assert positive(p * (size * low + 1) - alive, p, 0, 1)
        assert not positive(p * size * high - alive, p, 0, 1)

    @pytest.mark.parametrize("size, k", SMALL)
    def test_both_ends(self, size, k):
        """thm-bern-ends, thm-suresh-ends, prp-seddik: between 4 and n, for every p."""
        interior = 1 - lost(size, k) - lost(size, k).subs(p, 1 - p)
        shrunk = p * (1 - p) * (1 - sp.Rational(1, size)) ** k
        inside = sp.cancel(interior / shrunk)
        for excess in (inside - 4, sp.Rational(size**2, size - 1) - inside):
            assert excess == 0 or positive(excess, p, 0, 1)
        assert not positive(inside - 6, p, 0, 1)
        ends = sum((1 - q * between(g(k))[1]) ** size for q in (p, 1 - p))
        assert positive(interior - 1 + ends, p, 0, 1)

    @pytest.mark.parametrize("size", [2, 3, 7])
    def test_heterozygosity(self, size):
        """prp-seddik, thm-bern-ends, prp-six, thm-collapse-total: E P(1 - P) = (1 - 1/n)pq."""
        value = sum(sp.Rational(i * (size - i), size**2) * comb(size, i) * p**i
                    * (1 - p) ** (size - i) for i in range(size + 1))
        assert sp.expand(value - (1 - sp.Rational(1, size)) * p * (1 - p)) == 0


def _throw(law, size):
    """The law of the number of occupied boxes after one more ball."""
    new = {}
    for d, chance in law.items():
        new[d] = new.get(d, 0) + chance * Fraction(d, size)
        new[d + 1] = new.get(d + 1, 0) + chance * Fraction(size - d, size)
    return {d: c for d, c in new.items() if c}


class TestAncestors:
    @pytest.mark.parametrize("slack, holds", [(1, True), (Fraction(9, 10), False)])
    def test_between_in_intervals(self, slack, holds):
        """lem-ancestors: n g_k <= E D_(k-1) <= d_(k-1) <= n g_k + 1, with E D exact."""
        def check(size, last):
            d = iv.mpf(size)
            for k in range(1, last):
                exact = interval(sum(i * c for i, c in enumerate(survivors(size, k - 1))))
                if not ((size * g(k)).a <= exact.b and exact.a <= d.b
                        and d.b <= (size * g(k) + interval(slack)).a):
                    return False
                d = size * (1 - iv.exp(d * iv.log(1 - iv.mpf(1) / size)))
            return True

        assert all([check(2, 60), check(3, 80), check(6, 40), check(10, 25)]) is holds

    def test_right_hand_step(self):
        """lem-ancestors: F' <= 0, because 1 <= λ and λ(1 - ε) <= 1."""
        e, lam = sp.symbols("epsilon lambda", positive=True)
        F = sp.exp(-x) - (1 - e) * sp.exp(-lam * x)
        claim = -sp.exp(-x) * (1 - lam * (1 - e) * sp.exp(-(lam - 1) * x))
        assert same(sp.diff(F, x), claim) and F.subs(x, 0) == e
        assert rises_from_zero(-sp.log(1 - e) - e, e, high=1)  # λ >= 1
        assert rises_from_zero(e / (1 - e) + sp.log(1 - e), e, high=1)  # λ(1 - ε) <= 1
        assert not rises_from_zero(e + sp.log(1 - e), e, high=1)


def test_theorem_1_without_its_term():
    """thm-bern-k, thm-suresh-bernoulli: the steps from (1 - p)^(ng + 1) to both bounds."""
    gk, k = sp.symbols("g k", positive=True)
    m = n * gk + 1
    assert sp.expand((1 - m * p**2) * (1 - p) - (1 - n * p**2 * gk - p**2 - p) - m * p**3) == 0
    assert positive(3 / k - 2 / (k + 1), k)
    assert sp.expand((1 - p) * (1 + p) - (1 - p**2)) == 0
    paper, ours = 3 * n * p**2 + 3 * k * p, 3 * n * p**2 / k + 3 * p
    assert same(paper - ours, 3 * (k - 1) * (n * p**2 / k + p))


def test_error_of_the_truncated_chain():
    """prp-bern-exact: 1/(e^32 - 1) < 1.3e-14, and not below 1.2e-14."""
    with digits(30):
        value = 1 / (iv.exp(iv.mpf(32)) - 1)
        assert value.b < 1.3e-14 and not value.b < 1.2e-14


class TestSix:
    @staticmethod
    def law(size):
        """The quasi-stationary law: the left eigenvector for 1 - 1/n, in fractions."""
        inside = range(1, size)
        Q = sp.Matrix(size - 1, size - 1, lambda a, b: sp.binomial(size, b + 1)
                      * sp.Rational(a + 1, size) ** (b + 1)
                      * (1 - sp.Rational(a + 1, size)) ** (size - b - 1))
        vector, = (Q.T - (1 - sp.Rational(1, size)) * sp.eye(size - 1)).nullspace()
        return [value / sum(vector) for value in vector], [sp.Rational(i, size) for i in inside]

    @pytest.mark.parametrize("size, constant", [(2, 4), (3, sp.Rational(9, 2))])
    def test_small_constants(self, size, constant):
        """prp-six: C_2 = 4 and C_3 = 9/2, exactly."""
        law, points = self.law(size)
        assert 1 / sum(w * q * (1 - q) for w, q in zip(law, points, strict=True)) == constant

    def test_between_four_and_six(self):
        """prp-six: C_n rises from 4 towards 6."""
        constants = []
        for size in (2, 3, 4, 6, 9):
            law, points = self.law(size)
            constants.append(1 / sum(w * q * (1 - q) for w, q in zip(law, points, strict=True)))
        assert constants == sorted(constants) and 4 <= constants[0] and constants[-1] < 6

    @pytest.mark.parametrize("m", [2, 3, 4, 5, 6])
    def test_moments_of_one_step(self, m):
        """prp-six: E_x X'^m = x^m + C(m, 2)(x^(m-1) - x^m)/n + O(n^-2)."""
        # The factorial moments of Bin(n, x) are n(n-1)...(n-i+1) x^i.
        value = sum(stirling(m, i) * sp.ff(n, i) * x**i for i in range(m + 1)) / n**m
        first = sp.limit(sp.expand(n * (sp.expand_func(value) - x**m)), n, sp.oo)
        assert sp.expand(first - comb(m, 2) * (x ** (m - 1) - x**m)) == 0

    def test_moments_of_the_limit(self):
        """prp-six: the uniform law solves e_1 - e_m = C(m, 2)(e_(m-1) - e_m), 1/6 ends it."""
        m = sp.symbols("m", positive=True)
        uniform = 1 / (m + 1)
        assert same(sp.Rational(1, 2) - uniform, m * (m - 1) / 2 * (1 / m - uniform))
        assert sp.integrate(x * (1 - x), (x, 0, 1)) == sp.Rational(1, 6)
        assert 2 * sp.integrate(-x * sp.log(x), (x, 0, 1)) == sp.Rational(1, 2)  # of H

    @pytest.mark.parametrize("six, holds", [(6, True), (3, False)])
    def test_no_mass_at_the_ends(self, six, holds):
        """prp-six: G(x) >= 1/2 - (1 - x)/(6j) - x/(6(n - j)), j = nx."""
        def from_taylor(q):
            variance, third = q * (1 - q) / n, q * (1 - q) * (1 - 2 * q) / n**2
            return variance / (2 * q) - third / (six * q**2)

        y = sp.symbols("y", positive=True)
        assert sp.diff(y * sp.log(y), y, 4) == 2 / y**3
        total = n * (from_taylor(x) + from_taylor(1 - x))
        claim = sp.Rational(1, 2) - (1 - x) / (6 * n * x) - x / (6 * n * (1 - x))
        assert same(total - claim, 1 / (3 * n)) is holds


class TestPoisson:
    def test_generating_function(self):
        """thm-suresh-poisson, prp-branching: E e^(-gN) = exp(-z(1 - e^-g)) for Poisson(z)."""
        i = sp.symbols("i", integer=True, nonnegative=True)
        gk = sp.symbols("g", positive=True)
        w = sp.symbols("w", positive=True)  # z e^-g
        series = sp.summation(w**i / sp.factorial(i), (i, 0, sp.oo)).subs(w, z * sp.exp(-gk))
        assert same(sp.exp(-z) * series, sp.exp(-z * (1 - sp.exp(-gk))))

    @pytest.mark.parametrize("middle, holds", [(sp.Rational(1, 2), True), (1, False)])
    def test_yaglom(self, middle, holds):
        """prp-yaglom, tool-yaglom: the Laplace transform of an exponential law of mean 1/2."""
        conditioned = 1 / (1 / s + middle) / 2
        transform = sp.integrate(2 * sp.exp(-(2 + s) * x), (x, 0, sp.oo))
        assert same(1 - conditioned, transform) is holds
