"""Text: symbols that compete, the shrinking corpus and half-lives, in exact arithmetic."""

from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import comb, factorial, prod

import pytest
import sympy as sp
from mpmath import iv

from .proofs import binomial, interval, lost, p, same, survivors

n, q, x, y = sp.symbols("n q x y", positive=True)


def nonnegative_on_simplex(polynomial, degree):
    """Is the polynomial >= 0 for x, y >= 0, x + y <= 1?  If its Bernstein coefficients are."""
    z = sp.symbols("z")
    terms = sp.Poly(polynomial, x, y).terms()
    whole = sum(c * x**a * y**b * (x + y + z) ** (degree - a - b) for (a, b), c in terms)
    return all(c >= 0 for c in sp.Poly(sp.expand(whole), x, y, z).coeffs())


class TestCompetition:
    def test_multinomial_moments(self):
        """prp-compete: E C_i C_j = n(n - 1) p_i p_j, by the generating function."""
        s, t = sp.symbols("s t")
        generating = (p * s + q * t + 1 - p - q) ** n
        mixed = sp.diff(generating, s, t).subs({s: 1, t: 1})
        assert same(mixed, n * (n - 1) * p * q)

    @pytest.mark.parametrize("sign, holds", [(1, True), (-1, False)])
    def test_covariance_and_correlation(self, sign, holds):
        """prp-compete: Cov = -p_i p_j (1 - (1 - 1/n)^k), and the correlation is free of k."""
        r = sp.symbols("r", positive=True)  # (1 - 1/n)^k
        covariance = r * p * q - p * q
        assert same(covariance, -sign * p * q * (1 - r)) is holds
        variances = p * (1 - p) * (1 - r) * q * (1 - q) * (1 - r)
        assert same(covariance**2 / variances, p * q / ((1 - p) * (1 - q)))

    @pytest.mark.parametrize("size, k", [(2, 2), (2, 4), (3, 2), (3, 3)])
    def test_forgetting_both_is_less_likely(self, size, k):
        """prp-compete: u_k(x + y) <= u_k(x) u_k(y) on the whole triangle, for these n and k."""
        both = lost(size, k).subs(p, x + y)
        apart = lost(size, k).subs(p, x) * lost(size, k).subs(p, y)
        assert nonnegative_on_simplex(sp.expand(apart - both), 2 * size)
        assert not nonnegative_on_simplex(sp.expand(both - apart), 2 * size)


class TestShrinkingCorpus:
    @pytest.mark.parametrize("tokens", ["aab", "aabc", "abcd"])
    def test_vocabulary_of_tokens_without_replacement(self, tokens):
        """thm-shrinking-corpus: after k generations uniq has exactly the law of D_k tokens."""
        size, k = len(tokens), 2
        law = {tuple(sorted(tokens)): Fraction(1)}
        for _ in range(k):
            after = {}
            for text, chance in law.items():
                for new in combinations_with_replacement(sorted(set(text)), size):
                    ways = factorial(size) * prod(
                        Fraction(text.count(a), size) ** new.count(a) / factorial(new.count(a))
                        for a in set(text))
                    after[new] = after.get(new, 0) + chance * ways
            law = after
        forwards = [sum(c for text, c in law.items() if len(set(text)) == v)
                    for v in range(size + 1)]

        def backwards(steps):
            chances = [Fraction(0)] * (size + 1)
            for d, chance in enumerate(survivors(size, steps)):
                for kept in product((0, 1), repeat=size):
                    if sum(kept) == d and chance:
                        words = {a for a, keep in zip(tokens, kept, strict=True) if keep}
                        chances[len(words)] += chance / comb(size, d)
            return chances

        assert backwards(k) == forwards
        assert backwards(k - 1) != forwards

    @pytest.mark.parametrize("size, c, d", [(7, 2, 3), (9, 4, 6), (5, 3, 4)])
    def test_none_of_a_type(self, size, c, d):
        """thm-shrinking-corpus: C(n - c, d)/C(n, d) as a product, 0 if d > n - c."""
        chance = prod(max(1 - Fraction(d, size - i), 0) for i in range(c))
        assert chance == Fraction(comb(size - c, d), comb(size, d))

    def test_distinct_counts(self):
        """prp-spectrum: 1 + ... + r > r²/2, so r different counts in n tokens have r < √(2n)."""
        r, i = sp.symbols("r i", positive=True, integer=True)
        assert sp.summation(i, (i, 1, r)) - r**2 / 2 == r / 2


class TestHalfLife:
    @staticmethod
    def exact(size, c):
        """The first k with Pr(P_k = 0) >= 1/2 from c of n."""
        values, k = [Fraction(1)] + [Fraction(0)] * size, 0
        rows = [binomial(size, Fraction(i, size)) for i in range(size + 1)]
        while values[c] < Fraction(1, 2):
            values = [sum(a * b for a, b in zip(row, values, strict=True)) for row in rows]
            k += 1
        return k

    @pytest.mark.parametrize("two, holds", [(2, True), (Fraction(5, 2), False),
                                            (1, False)])
    def test_between(self, two, holds):
        """thm-half-life, cor-linear, against exact half-lives, in interval arithmetic."""
        ln2, two = iv.log(iv.mpf(2)), interval(two)

        def check(size, c):
            k, L = self.exact(size, c), -iv.log(1 - iv.mpf(c) / size)
            a = two * c / ln2
            return ((a - 1 - iv.log(a) / 3).a <= k <= (two * size * L / (ln2 - L)).b
                    and k >= (c / ln2).a)

        cases = [(5, 1), (5, 2), (9, 1), (9, 2), (9, 4), (16, 1), (16, 3)]
        assert all(check(*case) for case in cases) is holds

    def test_above_half_there_is_none(self):
        """thm-half-life: a symbol with half of the samples or more is never likely to be lost."""
        rows = [binomial(4, Fraction(i, 4)) for i in range(5)]
        values = [Fraction(1)] + [Fraction(0)] * 4
        for _ in range(30):
            values = [sum(a * b for a, b in zip(row, values, strict=True)) for row in rows]
        assert values[1] > Fraction(1, 2) > values[2] > values[3]

    @pytest.mark.parametrize("exponent, holds", [(3, True), (4, False)])
    def test_ceiling(self, exponent, holds):
        """cor-linear: e^(-3c/k) > 1/2 at k = ⌈3c/ln 2⌉."""
        def check(c):
            k = iv.mpf(3) * c / iv.log(iv.mpf(2))
            assert int(k.a) == int(k.b), "the ceiling is not decided"
            return iv.exp(-iv.mpf(exponent) * c / (int(k.a) + 1)).a > 0.5

        assert all(check(c) for c in range(1, 60)) is holds


class TestSmoothing:
    a, mu, v = sp.symbols("alpha mu v", positive=True)

    def step(self, variance, average):
        """v' by the law of total variance, from moments of one binomial count."""
        inside = average * (1 - average) - variance  # E P(1 - P)
        return (1 - self.a) ** 2 * (variance + inside / n)

    @pytest.mark.parametrize("power, holds", [(2, True), (1, False)])
    def test_variance(self, power, holds):
        """prp-smoothing: the recursion of the variance, and where it ends."""
        claim = (1 - self.a) ** 2 * ((1 - 1 / n) * self.v + self.mu * (1 - self.mu) / n)
        assert same(self.step(self.v, self.mu), claim)
        limit = (1 - self.a) ** power * q * (1 - q) / (n - (1 - self.a) ** 2 * (n - 1))
        assert same(self.step(limit, q), limit) is holds

    def test_by_the_whole_chain(self):
        """prp-smoothing: mean and variance after two generations, from the transition matrix."""
        size, m, weight, start = 3, 2, Fraction(1, 2), Fraction(1, 5)
        alpha = m * weight / (size + m * weight)
        law = {start: Fraction(1)}
        for _ in range(2):
            after = {}
            for share, chance in law.items():
                for count, c in enumerate(binomial(size, share)):
                    new = (count + weight) / (size + m * weight)
                    after[new] = after.get(new, 0) + chance * c
            law = after
        average = sum(c * share for share, c in law.items())
        variance = sum(c * share**2 for share, c in law.items()) - average**2
        half = Fraction(1, 2)
        assert average == half + (1 - alpha) ** 2 * (start - half)
        expected, mu = Fraction(0), start
        for _ in range(2):
            expected = (1 - alpha) ** 2 * (
                (1 - Fraction(1, size)) * expected + mu * (1 - mu) / size)
            mu = half + (1 - alpha) * (mu - half)
        assert variance == expected


@pytest.mark.parametrize("size", [2, 3, 5])
def test_derivatives_of_a_binomial_mean(size):
    """thm-ngram-bound: they are binomial means of differences."""
    f = sp.symbols(f"f0:{size + 1}")

    def bernstein(values):
        m = len(values) - 1
        return sum(c * comb(m, i) * p**i * (1 - p) ** (m - i) for i, c in enumerate(values))

    first = [b - a for a, b in zip(f[:-1], f[1:], strict=True)]
    second = [b - a for a, b in zip(first[:-1], first[1:], strict=True)]
    assert sp.expand(sp.diff(bernstein(f), p) - size * bernstein(first)) == 0
    assert sp.expand(sp.diff(bernstein(f), p, 2) - size * (size - 1) * bernstein(second)) == 0


def test_survival_bound_of_a_count():
    """cor-suresh-distinct, thm-shrinking-corpus: e^(-c g_k) = (1 - g_(k+1))^c."""
    c, gk = sp.symbols("c g", positive=True)
    following = 1 - sp.exp(-gk)
    assert same((1 - following) ** c, sp.exp(-c * gk))
