"""Bounds for symbols and counts as inequalities against the exact laws; and their power.

Each inequality has a test of its power: the same check with a slightly stronger claim in its place
has to fail.
"""

import numpy as np
import pytest

from collapse import bounds
from collapse.laws import branching, poisson, wright_fisher

SIZES = [1, 2, 3, 5, 10, 100, 1000]
SHARES = np.array([0.0, 1e-9, 1e-4, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.34, 0.5, 0.8, 0.999, 1.0])
GENERATIONS = np.array([1, 2, 3, 5, 10, 33, 50, 150, 400])
ROUNDING = 1e-12  # Absolute, on both sides: differences of numbers of size one.


def grid(n):
    k = GENERATIONS[:, None]
    return k, wright_fisher.survival(SHARES, n, k), wright_fisher.interior(SHARES, n, k)


def assert_below(smaller, larger):
    excess = np.max(smaller - larger)
    assert excess <= ROUNDING, f"exceeded by {excess:.3g}"


def assert_fails(smaller, larger):
    with pytest.raises(AssertionError):
        assert_below(smaller, larger)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("bound", [bounds.suresh.bernoulli, bounds.ours.bernoulli,
                                   bounds.ours.bernoulli_exponential])
def test_survival_lies_between(bound, n):
    k, survival, _ = grid(n)
    lower, upper = bound(SHARES, n, k)
    assert lower.shape == upper.shape == survival.shape
    assert_below(lower, survival)
    assert_below(survival, upper)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("bound", [bounds.suresh.interior, bounds.ours.interior,
                                   bounds.seddik.interior])
def test_interior_lies_between(bound, n):
    if n == 1 and bound is bounds.seddik.interior:
        return  # stated for n >= 2
    k, _, interior = grid(n)
    lower, upper = bound(SHARES, n, k)
    assert_below(lower, interior)
    assert_below(interior, upper)


class TestRelative:
    """Small probabilities too: bounds proved as products hold to relative accuracy."""

    @pytest.mark.parametrize("n", SIZES[1:])
    def test_survival_of_rare_symbols(self, n):
        p0, k = np.array([1e-12, 1e-9, 1e-6]), GENERATIONS[:, None]
        survival = wright_fisher.survival(p0, n, k)
        lower, upper = bounds.ours.bernoulli(p0, n, k)
        for low, high in ((lower, upper), bounds.suresh.bernoulli(p0, n, k)):
            assert np.all(low <= survival * (1 + 1e-11))
            assert np.all(survival <= high * (1 + 1e-11))

    @pytest.mark.parametrize("n", SIZES[1:])
    def test_interior_of_rare_symbols(self, n):
        p0, k = np.array([1e-12, 1e-9, 1e-6]), GENERATIONS[:, None]
        interior = wright_fisher.interior(p0, n, k)
        lower, upper = bounds.ours.interior(p0, n, k)
        assert np.all(lower <= interior * (1 + 1e-11) + 1e-16)
        assert np.all(interior <= upper * (1 + 1e-11))

    @pytest.mark.parametrize("n", SIZES[1:5])
    def test_interior_late(self, n):
        p0, k = SHARES[4:-2], np.array([5, 20, 50])[:, None] * n
        interior = wright_fisher.interior(p0, n, k)
        lower, upper = bounds.seddik.interior(p0, n, k)
        assert np.all(lower <= interior * (1 + 1e-10)) and np.all(interior <= upper * (1 + 1e-10))
        assert np.all(interior <= bounds.ours.interior(p0, n, k).upper * (1 + 1e-10))


class TestOrder:
    """Ours are never worse than the paper's, after clipping to [0, 1]."""

    @pytest.mark.parametrize("n", SIZES)
    def test_bernoulli(self, n):
        k, *_ = grid(n)
        theirs, ours = bounds.suresh.bernoulli(SHARES, n, k), bounds.ours.bernoulli(SHARES, n, k)
        exponential = bounds.ours.bernoulli_exponential(SHARES, n, k)
        assert_below(theirs.lower, ours.lower)
        assert_below(ours.upper, exponential.upper)
        assert_below(exponential.upper, theirs.upper)
        np.testing.assert_array_equal(theirs.lower, exponential.lower)

    @pytest.mark.parametrize("n", SIZES[1:])
    def test_interior(self, n):
        k, *_ = grid(n)
        seddik, ours = bounds.seddik.interior(SHARES, n, k), bounds.ours.interior(SHARES, n, k)
        assert_below(ours.upper, seddik.upper)
        assert_below(bounds.suresh.interior(SHARES, n, k).lower, ours.lower)

    @pytest.mark.parametrize("n, p0", [(10_000, 0.001), (100, 0.01)])
    def test_on_the_figures_of_the_paper(self, n, p0):
        k = np.arange(1, 51)
        assert_below(bounds.ours.bernoulli(p0, n, k).upper, bounds.suresh.bernoulli(p0, n, k).upper)
        trivial = bounds.suresh.bernoulli(p0, n, k).upper >= 1
        first = {10_000: None, 100: 33}[n]
        assert (k[trivial][0] if trivial.any() else None) == first

    def test_ours_has_the_right_limits(self):
        upper = bounds.ours.bernoulli(0.3, 10, [1, 2000]).upper
        assert upper[0] == pytest.approx(1 - 0.7**10) and upper[1] == pytest.approx(0.3, rel=1e-6)
        assert bounds.suresh.interior(0.3, 10, 2000).upper == 1  # the paper's tends to 1
        assert bounds.ours.interior(0.3, 10, 2000).upper < 1e-80


class TestFormulas:
    @pytest.mark.parametrize("n, p0, k", [(100, 0.01, 1), (100, 0.01, 7), (10_000, 0.001, 50)])
    def test_theorem_1(self, n, p0, k):
        g = 1.0
        for _ in range(k - 1):
            g = 1 - np.exp(-g)
        lower, upper = bounds.suresh.bernoulli(p0, n, k)
        assert lower == pytest.approx(1 - np.exp(-n * p0 * g))
        factor = 1 - 3 * n * p0**2 - 3 * k * p0
        assert upper == pytest.approx(1 - factor * np.exp(-n * p0 * g))
        lower, upper = bounds.suresh.interior(p0, n, k)
        other = np.exp(-n * (1 - p0) * g)
        assert lower == pytest.approx(1 - np.exp(-n * p0 * g) - other)
        assert upper == pytest.approx(1 - max(factor, 0) * np.exp(-n * p0 * g))  # factor of q0 < 0

    def test_first_generation_is_exact(self):
        k, survival, _ = grid(100)
        np.testing.assert_allclose(bounds.ours.bernoulli(SHARES, 100, 1).lower, survival[0])
        np.testing.assert_allclose(bounds.ours.bernoulli(SHARES, 100, 1).upper, survival[0])

    def test_seddik(self):
        lower, upper = bounds.seddik.interior(0.2, 10, 3)
        assert lower == pytest.approx(4 * 0.16 * 0.9**3)
        assert upper == pytest.approx(20 * 0.16 * 0.9**3)

    @pytest.mark.parametrize("n", [1, 2, 10, 1000])
    def test_ancestors(self, n):
        mean = wright_fisher.ancestors(n, np.arange(60)) @ np.arange(n + 1)
        bound = bounds.ours.ancestors(n, np.arange(60))
        assert np.all(mean <= bound * (1 + 1e-12))
        np.testing.assert_allclose(bound[:2], mean[:2], rtol=1e-12)  # no Jensen yet
        assert np.all(bound[1:] >= n * branching.g(np.arange(2, 61)) * (1 - 1e-12))

    def test_ancestors_broadcasts(self):
        table = bounds.ours.ancestors([[3], [50]], [0, 4, 9])
        assert table.shape == (2, 3)
        assert table[1, 2] == bounds.ours.ancestors(50, 9)


class TestPoisson:
    RATES = np.array([0.0, 1e-6, 0.1, 1.0, 10.0])
    K = np.array([1, 2, 3, 10, 100, 500, 10**6])[:, None]

    @pytest.mark.parametrize("bound", [bounds.suresh.poisson, bounds.ours.poisson])
    def test_survival_lies_between(self, bound):
        lower, upper = bound(self.RATES, 10, self.K)
        survival = poisson.survival(self.RATES, 10, self.K)
        assert np.all(lower <= survival * (1 + 1e-14))
        assert np.all(survival <= upper * (1 + 1e-14))

    def test_ours_is_sharper(self):
        theirs = bounds.suresh.poisson(self.RATES, 10, self.K)
        ours = bounds.ours.poisson(self.RATES, 10, self.K)
        assert np.all(theirs.lower <= ours.lower * (1 + 1e-14))
        assert np.all(ours.upper <= theirs.upper * (1 + 1e-14))

    @pytest.mark.parametrize("low, high", [(2.1, 2.0), (2.0, 1.99)])
    def test_power(self, low, high):
        # 2 is the right constant: neither a larger one below nor a smaller one above will do.
        k = np.array([10, 1000, 10**6])
        g = branching.g(k)
        fine = np.all(low / (k + 1 + np.log(k) / 3) <= g) and np.all(g <= high / (k + 1))
        assert not fine
        assert np.all(2 / (k + 1 + np.log(k) / 3) <= g) and np.all(g <= 2 / (k + 1))


class TestDistinct:
    P = 1 / (np.arange(1, 301) + 2.7)
    P = P / P.sum()
    K = np.arange(1, 11)

    @pytest.mark.parametrize("bound", [bounds.suresh.distinct, bounds.ours.distinct])
    @pytest.mark.parametrize("given", ["probabilities", "counts"])
    def test_lies_between(self, bound, given):
        arguments = {"counts": dict(counts=np.ceil(3000 * self.P).astype(int)),
                     "probabilities": dict(probabilities=self.P, n=300)}[given]
        lower, upper = bound(self.K, **arguments)
        exact = wright_fisher.expected_distinct(self.K, **arguments)
        assert np.all(lower <= exact * (1 + 1e-12)) and np.all(exact <= upper * (1 + 1e-12))

    def test_it_is_a_sum(self):
        for module in (bounds.suresh, bounds.ours):
            lower, upper = module.distinct(self.K, probabilities=self.P, n=300)
            one = module.bernoulli(self.P, 300, self.K[:, None])
            np.testing.assert_allclose(lower, one.lower.sum(axis=1), rtol=1e-12)
            if module is bounds.ours:
                np.testing.assert_allclose(upper, one.upper.sum(axis=1), rtol=1e-12)
            else:  # Corollary 1 has max(., 0), symbol by symbol
                np.testing.assert_allclose(upper, np.minimum(one.upper, 1).sum(axis=1), rtol=1e-12)

    def test_upper_is_the_vocabulary_of_a_shrunk_corpus(self):
        size = bounds.ours.ancestors(300, self.K - 1)
        expected = [np.sum(1 - (1 - self.P) ** x) for x in size]
        upper = bounds.ours.distinct(self.K, probabilities=self.P, n=300).upper
        np.testing.assert_allclose(upper, expected, rtol=1e-12)


class TestPower:
    """A nearby stronger claim fails on the same grid."""

    def test_lower_bounds(self):
        _, survival, _ = grid(1000)
        k = GENERATIONS[:, None]
        g = branching.g(k)
        assert_below(1 - np.exp(-1000 * SHARES * g), survival)
        assert_fails(1 - np.exp(-1000 * SHARES * g * 1.02), survival)

    def test_upper_bound_by_time_reversal(self):
        _, survival, _ = grid(100)
        k = GENERATIONS[:, None]
        d = bounds.ours.ancestors(100, k - 1)
        assert_below(survival, 1 - (1 - SHARES) ** d)
        assert_fails(survival, 1 - (1 - SHARES) ** (0.97 * d))

    @pytest.mark.parametrize("quadratic, linear", [(0.1, 2.0), (1.0, 0.2)])
    def test_both_terms_are_needed(self, quadratic, linear):
        # n p² g_k + 2p is what the genealogy gives; with a small part of either term it is false.
        p0 = np.linspace(1e-3, 0.2, 40)
        k = np.array([1, 2, 3, 10, 50, 300])[:, None]
        excess = []
        for n in (20, 1000):
            survival = wright_fisher.survival(p0, n, k)
            g = branching.g(k)
            lost = np.exp(-n * p0 * g)
            assert_below(survival, bounds.ours.bernoulli_exponential(p0, n, k).upper)
            wrong = 1 - (1 - quadratic * g * n * p0**2 - linear * p0) * lost
            excess.append(np.max(survival - wrong))
        assert max(excess) > 1e-6

    @pytest.mark.parametrize("factor", [4.5, 0.0])
    def test_seddik(self, factor):
        _, _, interior = grid(2)
        k = GENERATIONS[:, None]
        h = SHARES * (1 - SHARES) * 0.5**k
        assert_below(4 * h, interior)
        assert_below(interior, 4 * h)  # n = 2: both constants are 4
        if factor:
            assert_fails(factor * h, interior)

    def test_six_is_between_four_and_n(self):
        n, k = 100, 400
        ratio = wright_fisher.interior(0.3, n, k) / (0.21 * (1 - 1 / n) ** k)
        assert 5.8 < ratio < 6


@pytest.mark.slow
@pytest.mark.parametrize("n", [7, 40, 500, 10**4, 10**5, 10**6])
def test_all_bounds_widely(n):
    k = np.unique(np.geomspace(1, 700, 60).astype(int))[:, None]
    p0 = np.concatenate([[0.0], np.geomspace(1e-8, 1, 120), 1 - np.geomspace(1e-8, 0.1, 20)])
    survival = wright_fisher.survival(p0, n, k)
    ours = bounds.ours
    for bound in (bounds.suresh.bernoulli, ours.bernoulli, ours.bernoulli_exponential):
        lower, upper = bound(p0, n, k)
        assert np.all(lower <= survival * (1 + 1e-11)) and np.all(survival <= upper * (1 + 1e-11))
    interior = wright_fisher.interior(p0, n, k)
    for bound in (bounds.suresh.interior, ours.interior, bounds.seddik.interior):
        lower, upper = bound(p0, n, k)
        assert_below(lower, interior)
        assert_below(interior, upper)
