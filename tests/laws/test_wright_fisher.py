"""Wright–Fisher laws: against the dense chain in high precision, against each other, and power.

Three routes are independent: the package (backward, truncated), the dense chain in mpmath
(forward, whole), and time reversal (the law of the number of ancestors).
"""

import math
import time
import tracemalloc
from functools import cache

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from collapse import schedules
from collapse.laws import branching
from collapse.laws import wright_fisher as law

STARTS = [0.0, 1e-300, 1e-12, 1e-3, 0.1, 0.5, 0.9, 1 - 1e-10, 1.0]
DIGITS = 60


@cache
def binomial_row(n, numerator, denominator):
    """Binomial(n, numerator/denominator) in sixty digits."""
    with mp.workdps(DIGITS):
        p = mp.mpf(numerator) / denominator
        return [math.comb(n, y) * p**y * (1 - p) ** (n - y) for y in range(n + 1)]


def dense(p0, sizes, k_max, inside):
    """Pr(P_k ∈ inside) for k = 1..k_max by the whole chain, forward, in sixty digits."""
    with mp.workdps(DIGITS):
        p, n = mp.mpf(p0), sizes[0]
        chance = [math.comb(n, y) * p**y * (1 - p) ** (n - y) for y in range(n + 1)]
        values = []
        for k in range(1, k_max + 1):
            values.append(float(mp.fsum(chance[y] for y in range(n + 1) if inside(y, n))))
            if k == k_max:
                return np.array(values)
            following = sizes[k]
            new = [mp.mpf(0)] * (following + 1)
            for x, weight in enumerate(chance):
                if weight:
                    for y, step in enumerate(binomial_row(following, x, n)):
                        new[y] += weight * step
            chance, n = new, following


@pytest.mark.parametrize("n, k_max", [(1, 5), (2, 60), (3, 40), (7, 30), (20, 40), (40, 12)])
@pytest.mark.parametrize("p0", STARTS)
def test_survival_against_the_dense_chain(n, k_max, p0):
    expected = dense(p0, [n] * k_max, k_max, lambda y, n: y > 0)
    np.testing.assert_allclose(law.survival(p0, n, np.arange(1, k_max + 1)), expected, rtol=1e-12)


@pytest.mark.parametrize("n, k_max", [(1, 5), (2, 60), (3, 40), (7, 30), (20, 40), (40, 12)])
@pytest.mark.parametrize("p0", STARTS)
def test_interior_against_the_dense_chain(n, k_max, p0):
    expected = dense(p0, [n] * k_max, k_max, lambda y, n: 0 < y < n)
    np.testing.assert_allclose(law.interior(p0, n, np.arange(1, k_max + 1)), expected, rtol=1e-12,
                               atol=0)


@pytest.mark.parametrize("sizes", [[5, 9, 2, 30, 7, 7], [1, 4, 16, 3], [12, 11, 10, 9, 8, 7, 6]])
@pytest.mark.parametrize("p0", [1e-6, 0.2, 0.7])
def test_changing_sizes_against_the_dense_chain(sizes, p0):
    k = np.arange(1, len(sizes) + 1)
    for function, inside in ((law.survival, lambda y, n: y > 0),
                             (law.interior, lambda y, n: 0 < y < n)):
        expected = dense(p0, sizes, len(sizes), inside)
        np.testing.assert_allclose(function(p0, sizes, k), expected, rtol=1e-12)


@pytest.mark.parametrize("n", [2, 10, 100, 1000, 2000])
@pytest.mark.parametrize("p0", [1e-300, 1e-6, 0.01, 0.3, 0.5, 0.99])
def test_against_time_reversal(n, p0):
    # Truncated at n = 100 and more for k small: the two routes share nothing.
    k = np.array([1, 2, 3, 7, 20, 50, 150])
    size = np.arange(n + 1)
    ancestors = law.ancestors(n, k - 1)
    some = -np.expm1(size * np.log1p(-p0))
    np.testing.assert_allclose(law.survival(p0, n, k), ancestors @ some, rtol=1e-12)
    q = min(p0, 1 - p0)
    both = -np.expm1(size[2:] * np.log1p(-q)) - q ** size[2:]
    np.testing.assert_allclose(law.interior(p0, n, k), ancestors[:, 2:] @ both, rtol=1e-12)


@pytest.mark.parametrize("n", [10, 1000, 10**6])
def test_a_schedule_of_one_size_is_that_size(n):
    k = np.array([0, 1, 5, 30])
    for function in (law.survival, law.interior):
        expected = function(0.02, n, k)
        np.testing.assert_allclose(function(0.02, schedules.constant(n), k), expected, rtol=1e-12)
        np.testing.assert_allclose(function(0.02, [n] * 40, k), expected, rtol=1e-12)


def test_growing_samples_keep_a_symbol():
    k = np.array([1, 10, 40])
    grown = law.survival(0.02, schedules.power(50, 2.0), k)
    steady = law.survival(0.02, 50, k)
    assert grown[0] == steady[0] and np.all(grown[1:] > 1.5 * steady[1:])


def test_large_samples_tend_to_branching():
    # n → ∞ with n p0 = 3: 1 − exp(−3 g_k), with an error of order 1/n.
    k = np.arange(1, 60)
    limit = -np.expm1(-3 * branching.g(k))
    gap = [np.abs(law.survival(3 / n, n, k) / limit - 1).max() for n in (10**4, 10**5, 10**6)]
    slope = np.diff(np.log10(gap))
    np.testing.assert_allclose(slope, -1, atol=0.02)


def test_sample_sizes_far_beyond_memory():
    # The truncated state space does not depend on n.
    expected = -np.expm1(-3 * branching.g(np.arange(1, 20)))
    np.testing.assert_allclose(law.survival(3e-15, 10**15, np.arange(1, 20)), expected, rtol=1e-11)


@pytest.mark.parametrize("n", [2, 3, 10, 100])
def test_late_generations(n):
    # p(1 − p) is the leading eigenvector: the decay constant, from above the round-off.
    k = np.array([30 * n, 40 * n])
    p0 = np.array([[1e-6], [0.5], [0.9]])
    expected = law.decay_constant(n) * p0 * (1 - p0) * (1 - 1 / n) ** k
    np.testing.assert_allclose(law.interior(p0, n, k), expected, rtol=1e-9)
    np.testing.assert_allclose(law.survival(p0, n, 60 * n), p0, rtol=1e-12 if n == 2 else 1e-6)


def test_heterozygosity_by_the_ancestors():
    # Two samples of one generation have distinct ancestors k generations back with probability
    # (1 − 1/n)^k: Pr(both of two random ones differ) = E[D(D−1)]-like; here from D with n = 2.
    k = np.arange(0, 50)
    np.testing.assert_allclose(law.ancestors(2, k)[:, 2], 0.5**k, rtol=1e-12)


def test_ancestors_by_throwing_balls(assert_plausible):
    n, rng = 12, np.random.default_rng(4)
    observed = np.zeros((3, n + 1))
    for _ in range(4000):
        occupied = np.arange(n)
        for j in range(3):
            occupied = np.unique(rng.integers(0, n, occupied.size))
            observed[j, occupied.size] += 1
    for j in range(3):
        expected = law.ancestors(n, j + 1) * 4000
        big = expected > 5
        counts = np.append(observed[j][big], observed[j][~big].sum())
        means = np.append(expected[big], expected[~big].sum())
        assert_plausible(stats.chisquare(counts, means * 4000 / means.sum()).pvalue)
        with pytest.raises(AssertionError):  # power: one generation too many
            wrong = law.ancestors(n, j + 2) * 4000
            means = np.append(wrong[big], wrong[~big].sum())
            assert_plausible(stats.chisquare(counts, means * 4000 / means.sum()).pvalue)


@pytest.mark.parametrize("n", [1, 2, 50, 2000])
def test_ancestors_is_a_law(n):
    laws = law.ancestors(n, [0, 1, 5, 100])
    assert laws.shape == (4, n + 1) and np.all(laws >= 0)
    np.testing.assert_allclose(laws.sum(axis=1), 1, rtol=1e-12)
    assert laws[0, n] == 1
    mean = laws @ np.arange(n + 1)
    assert mean[1] == pytest.approx(n * -math.expm1(n * math.log1p(-1 / n)) if n > 1 else 1)


class TestQuasiStationary:
    @pytest.mark.parametrize("n, constant", [(2, 4.0), (3, 4.5)])
    def test_small_cases(self, n, constant):
        assert law.decay_constant(n) == pytest.approx(constant, rel=1e-12)

    @pytest.mark.parametrize("n", [2, 5, 30, 300])
    def test_it_is_the_left_eigenvector(self, n):
        chance = law.quasi_stationary(n)
        states = np.arange(n + 1)
        step = stats.binom.pmf(states[None], n, states[:, None] / n)
        following = (chance @ step)[1:-1]
        np.testing.assert_allclose(following, (1 - 1 / n) * chance[1:-1], rtol=1e-9)
        assert chance.sum() == pytest.approx(1) and chance[0] == chance[-1] == 0
        np.testing.assert_allclose(chance, chance[::-1])

    def test_constant_tends_to_six(self):
        sizes = np.array([250, 500, 1000, 2000])
        gap = 6 - np.array([law.decay_constant(int(n)) for n in sizes])
        slope = np.diff(np.log(gap)) / np.diff(np.log(sizes))
        assert np.all(gap > 0)
        # Observed: a gap of order (log n)/n.
        assert np.all((slope > -1.05) & (slope < -0.8))

    def test_conditioned_chain_reaches_it(self):
        n = 10
        states = np.arange(n + 1)
        step = stats.binom.pmf(states[None], n, states[:, None] / n)
        chance = np.zeros(n + 1)
        chance[3] = 1
        for _ in range(400):
            chance = chance @ step
            chance[[0, -1]] = 0
            chance /= chance.sum()
        np.testing.assert_allclose(chance, law.quasi_stationary(n), rtol=1e-9, atol=1e-300)


class TestExpectedDistinct:
    def test_by_enumeration(self):
        # Three symbols, two samples, every pair of generations: dense chain on all count vectors.
        p = np.array([0.5, 0.3, 0.2])
        states = [(a, b, 3 - a - b) for a in range(4) for b in range(4 - a)]
        multinomial = stats.multinomial
        chance = {s: multinomial.pmf(s, 3, p) for s in states}
        for k in range(1, 6):
            expected = sum(w * np.count_nonzero(s) for s, w in chance.items())
            assert law.expected_distinct(k, probabilities=p, n=3) == pytest.approx(expected,
                                                                                   rel=1e-12)
            chance = {t: sum(w * multinomial.pmf(t, 3, np.array(s) / 3)
                             for s, w in chance.items()) for t in states}

    def test_counts_are_a_spectrum(self):
        counts = np.array([1, 1, 1, 5, 0, 12])
        k = np.array([[0, 1], [2, 9]])
        expected = sum(law.survival(c / 20, 20, k) for c in counts if c)
        np.testing.assert_allclose(law.expected_distinct(k, counts=counts), expected, rtol=1e-13)
        assert law.expected_distinct(0, counts=counts) == 5
        again = law.expected_distinct(k, probabilities=counts / 20, n=20)
        np.testing.assert_allclose(again, expected, rtol=1e-13)

    def test_another_sample_size(self):
        counts = np.array([3, 1])
        expected = law.survival(0.75, 7, 4) + law.survival(0.25, 7, 4)
        assert law.expected_distinct(4, counts=counts, n=7) == pytest.approx(expected, rel=1e-13)
        growing = law.expected_distinct(4, counts=counts, n=[7, 9, 20, 70])
        assert expected < growing < 2

    def test_one_symbol_is_never_forgotten(self):
        np.testing.assert_array_equal(law.expected_distinct([0, 1, 500], counts=[9]), 1)


class TestPower:
    """Neighbouring laws are told apart by the tolerance that the right one meets."""

    @pytest.mark.parametrize("wrong", [dict(p0=0.2 * (1 + 1e-10)), dict(n=8), dict(k=11)])
    def test_a_wrong_argument_is_seen(self, wrong):
        claim = dict(p0=0.2, n=7, k=10) | wrong
        expected = dense(0.2, [7] * 10, 10, lambda y, n: y > 0)[-1]
        assert law.survival(**claim) != pytest.approx(expected, rel=1e-12)

    def test_a_cruder_truncation_is_seen(self, monkeypatch):
        expected = law.ancestors(1000, 49) @ -np.expm1(np.arange(1001) * np.log1p(-0.05))
        assert law.survival(0.05, 1000, 50) == pytest.approx(expected, rel=1e-12)
        for immortal in (2.0, 4.0, 6.0):
            monkeypatch.setattr(law, "_IMMORTAL", immortal)
            error = law.survival(0.05, 1000, 50) / expected - 1
            # Seen, from above, and within the stated bound.
            assert 1e-8 < error < 1 / math.expm1(immortal)


class TestCost:
    def test_memory_of_a_large_sample(self):
        tracemalloc.start()
        law.survival(1e-6, 10**6, np.arange(201))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 512 * 2**20

    def test_beyond_the_documented_cost(self):
        start = time.process_time()
        for arguments in ((1e-3, 10**6, 5000), (0.5, 10**5, 10**5), (0.5, 2, 10**9),
                          (0.01, schedules.constant(10**4), np.arange(3000))):
            with pytest.raises(ValueError, match="k must be smaller, or n"):
                law.survival(*arguments)
        with pytest.raises(ValueError, match="k must be smaller, or n"):
            law.interior(0.5, 10**5, 10**5)
        assert time.process_time() - start < 5  # refused, not computed

    def test_many_starts_in_bounded_memory(self):
        p0 = np.linspace(0, 1, 30_001)
        tracemalloc.start()
        alive = law.survival(p0, 200, 50)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 512 * 2**20
        np.testing.assert_allclose(alive[::1000], law.survival(p0[::1000], 200, 50), rtol=1e-14)

    @pytest.mark.parametrize("n, k", [(10**6, 890), (15_000, 1390)])
    def test_the_documented_limits(self, n, k, monkeypatch):
        class Accepted(Exception):
            pass

        def stop(*_):
            raise Accepted

        monkeypatch.setattr(law, "_binomial_rows", stop)
        with pytest.raises(Accepted):
            law.survival(1e-4, n, k)
        with pytest.raises(ValueError, match="k must be smaller"):
            law.survival(1e-4, n, k + 30)


@given(p0=st.floats(0, 1), n=st.integers(1, 200), k=st.integers(0, 60))
def test_anywhere(p0, n, k):
    alive = law.survival(p0, n, k)
    both = law.interior(p0, n, k)
    assert 0 <= both <= alive * (1 + 1e-13) and alive <= 1
    assert alive >= p0 * (1 - 1e-12)  # the share is a martingale in [0, 1]
    assert law.survival(p0, n, k + 1) <= alive * (1 + 1e-13)
    # Either symbol or both: Pr(P ≠ 0) + Pr(P ≠ 1) − Pr(P ∉ {0, 1}) = 1.
    assert alive + law.survival(1 - p0, n, k) - both == pytest.approx(1, abs=1e-12)


def test_shapes():
    assert law.survival([0.1, 0.2], 5, [[1], [2], [3]]).shape == (3, 2)
    assert np.ndim(law.survival(0.1, 5, 3)) == 0
    assert law.survival(np.zeros((0, 2)), 5, 3).shape == (0, 2)
    assert law.survival(0.3, 5, np.array([], dtype=int)).shape == (0,)
    np.testing.assert_array_equal(law.survival([0.0, 0.4, 1.0], 5, 0), [0, 1, 1])
    np.testing.assert_array_equal(law.interior([0.0, 0.4, 1.0], 5, 0), [0, 1, 0])


class TestDistinctVariance:
    def test_by_enumeration(self):
        # Every count vector of four symbols and four samples, forward.
        states = [(a, b, c, 4 - a - b - c) for a in range(5) for b in range(5 - a)
                  for c in range(5 - a - b)]
        step = np.array([stats.multinomial.pmf(states, 4, np.array(s) / 4) for s in states])
        present = np.count_nonzero(states, axis=1)
        for start in ((1, 1, 1, 1), (2, 1, 1, 0), (3, 1, 0, 0), (4, 0, 0, 0)):
            chance = np.array([float(s == start) for s in states])
            expected = []
            for _ in range(12):
                expected.append(chance @ present**2 - (chance @ present) ** 2)
                chance = chance @ step
            variance = law.distinct_variance(np.arange(12), counts=start)
            np.testing.assert_allclose(variance, expected, atol=1e-12)

    def test_symbols_compete(self):
        p = 1 / (np.arange(1, 101) + 2.7)
        p /= p.sum()
        k = np.array([[1, 3], [10, 40]])
        lost = 1 - law.survival(p, 100, k[..., None])
        independent = (lost * (1 - lost)).sum(axis=-1)
        variance = law.distinct_variance(k, probabilities=p, n=100)
        assert np.all(variance > 0) and np.all(variance < 0.9 * independent)

    def test_many_symbols_in_bounded_pieces(self, monkeypatch):
        counts = np.arange(1, 60)
        expected = law.distinct_variance([1, 5, 20], counts=counts)
        monkeypatch.setattr(law, "_PAIRS", 7)
        np.testing.assert_allclose(law.distinct_variance([1, 5, 20], counts=counts), expected,
                                   rtol=1e-10)

    def test_nothing_to_lose(self):
        np.testing.assert_array_equal(law.distinct_variance([0, 3], counts=[7]), 0)


@pytest.mark.slow
@pytest.mark.parametrize("n", [300, 1000, 2000])
def test_time_reversal_widely(n):
    k = np.arange(1, 601)
    size = np.arange(n + 1)
    ancestors = law.ancestors(n, k - 1)
    for p0 in np.concatenate([np.geomspace(1e-15, 0.5, 25), 1 - np.geomspace(1e-12, 0.4, 8)]):
        expected = ancestors @ -np.expm1(size * np.log1p(-p0))
        np.testing.assert_allclose(law.survival(p0, n, k), expected, rtol=1e-12)
        q = min(p0, 1 - p0)
        both = -np.expm1(size[2:] * np.log1p(-q)) - q ** size[2:]
        np.testing.assert_allclose(law.interior(p0, n, k), ancestors[:, 2:] @ both, rtol=1e-12)
