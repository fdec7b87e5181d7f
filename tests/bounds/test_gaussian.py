"""Bounds as inequalities against the exact law, never against simulation; and their power.

Each inequality has a test of its power: the same check with a slightly stronger claim in its place
has to fail.
"""

import math

import mpmath as mp
import numpy as np
import pytest

from collapse import bounds, schedules
from collapse.laws import gaussian as law

SIZES = [3, 4, 5, 10, 30, 100, 1000, 10_000]
ROUNDING = 1e-11  # Both sides of an inequality are computed to this relative accuracy.


@pytest.fixture(autouse=True)
def digits():
    """References lose digits to cancellation for large n: compute them with sixty."""
    with mp.workdps(60):
        yield


def log_alpha(n):
    """log E √(χ²_ν/ν), ν = n - 1, in mpmath."""
    half = mp.mpf(n - 1) / 2
    return mp.loggamma(half + mp.mpf(1) / 2) - mp.loggamma(half) - mp.log(half) / 2


def grid(n):
    """(x, k): every level and generation, corners included, for the size n."""
    x = np.array([1e-6, 0.01, 0.1, 0.5, 0.9, 1.0, 1.1, 2.0, 10.0])
    k = np.array([0, 1, 2, 5, 20, *(n * np.array([1, 4, 20, 60]))])
    return x[:, None], k


def assert_below(smaller, larger):
    assert np.all(smaller <= larger * (1 + ROUNDING)), (
        f"exceeded by a factor {np.max(smaller / np.maximum(larger, 1e-300)):.6g}")


def assert_fails(check, *arguments):
    with pytest.raises(AssertionError):
        check(*arguments)


class TestOrder:
    """exact <= ours <= Bertrand <= Suresh, for all n >= 3, k >= 0, x > 0."""

    @pytest.mark.parametrize("n", SIZES)
    def test_exact_below_ours(self, n):
        x, k = grid(n)
        for ddof in (0, 1):
            assert_below(law.std_sf(x, n, k, ddof=ddof), bounds.ours.gaussian(x, n, k, ddof=ddof))

    @pytest.mark.parametrize("n", SIZES)
    def test_ours_below_bertrand(self, n):
        x, k = grid(n)
        assert_below(bounds.ours.gaussian(x, n, k), bounds.bertrand.gaussian(x, n, k))
        assert_below(law.std_sf(x, n, k), bounds.bertrand.gaussian(x, n, k))

    @pytest.mark.parametrize("n", SIZES)
    def test_bertrand_below_suresh(self, n):
        x, k = grid(n)
        assert_below(bounds.bertrand.gaussian(x, n, k), bounds.suresh.gaussian(x, n, k))

    def test_order_scales(self):
        x, k = grid(10)
        for name in ("ours", "bertrand", "suresh"):
            bound = getattr(bounds, name).gaussian
            np.testing.assert_allclose(bound(3 * x, 10, k, std=3.0), bound(x, 10, k), rtol=1e-12)

    def test_hypothesis_n_at_least_three_of_theorem_3_is_not_needed(self):
        # P1.4.1: for n = 2 the same formula holds; the package keeps the paper's hypothesis.
        x, k = grid(2)
        assert_below(law.std_sf(x, 2, k), np.exp(-k / 7) / x)
        with pytest.raises(ValueError, match="n"):
            bounds.suresh.gaussian(0.1, 2, 5)


class TestFormulas:
    @pytest.mark.parametrize("n", SIZES)
    def test_suresh(self, n):
        x, k = grid(n)
        np.testing.assert_allclose(bounds.suresh.gaussian(x, n, k, std=2.0),
                                   2 / x * np.exp(-k / (4 * n - 1)), rtol=1e-12)

    @pytest.mark.parametrize("n", [2, *SIZES])
    def test_bertrand(self, n):
        x, k = grid(n)
        expected = 2 / x * np.array([float(mp.exp(int(j) * log_alpha(n))) for j in k])
        np.testing.assert_allclose(bounds.bertrand.gaussian(x, n, k, std=2.0), expected, rtol=1e-11)

    def test_unclipped(self):
        assert bounds.suresh.gaussian(0.1, 10, 0) == pytest.approx(10)
        assert bounds.bertrand.gaussian(0.1, 10, 0) == pytest.approx(10)

    @pytest.mark.parametrize("n, ddof", [(2, 1), (3, 1), (10, 1), (10, 0), (1000, 1), (1000, 0)])
    @pytest.mark.parametrize("generations", [0.1, 2, 10, 100])
    @pytest.mark.parametrize("x", [0.01, 0.5, 2.0])
    def test_ours_is_the_infimum_over_moments(self, n, ddof, generations, x):
        k = math.ceil(generations * n)

        def log_moment_bound(s):
            return (k * (s / 2 * mp.log(mp.mpf(2) / (n - ddof)) + mp.loggamma((n - 1 + s) / 2)
                         - mp.loggamma(mp.mpf(n - 1) / 2)) - s * mp.log(x))

        if mp.diff(log_moment_bound, 0) >= 0:
            expected = 1.0
        else:
            top = mp.mpf(1)
            while mp.diff(log_moment_bound, top) < 0:
                top *= 2
            s = mp.findroot(lambda s: mp.diff(log_moment_bound, s), (0, top), solver="anderson",
                            tol=1e-12)
            expected = float(mp.exp(log_moment_bound(s)))
        assert bounds.ours.gaussian(x, n, k, ddof=ddof) == pytest.approx(expected, rel=1e-9)

    def test_ours_never_exceeds_any_moment_bound(self):
        x, k = grid(10)
        for power in (0.35, 0.7, 1.0, 2.0, 5.0):
            moment_bound = law.moment(power, 10, k) / x**power
            assert_below(bounds.ours.gaussian(x, 10, k), moment_bound)

    def test_ours_for_schedules(self):
        sizes = [5, 50, 7, 7, 200]
        k, x = np.arange(6), np.array([0.1, 0.8, 1.3])[:, None]
        assert_below(law.std_sf(x, sizes, k), bounds.ours.gaussian(x, sizes, k))
        np.testing.assert_allclose(bounds.ours.gaussian(x, schedules.constant(10), k),
                                   bounds.ours.gaussian(x, 10, k), rtol=1e-10)
        assert_below(bounds.ours.gaussian(x, sizes, 5), law.moment(1.0, sizes, 5) / x)

    def test_ours_has_the_right_exponent(self):
        # Cramér: (1/k) log of the bound and of the truth have one limit.
        k = np.array([1000, 10_000])
        for bound in (np.log(bounds.ours.gaussian(0.1, 10, k)), law.log_std_sf(0.1, 10, k)):
            slope = np.diff(bound)[0] / np.diff(k)[0]
            assert slope == pytest.approx(-law.decay_rate(10), rel=0.01)

    def test_one_line_bound_for_divisor_n(self):
        # (σ_0/x)² (1 - 1/n)^k, four times Theorem 3's exponent.
        x, k = grid(10)
        assert_below(law.std_sf(x, 10, k, ddof=0), 0.9**k / x**2)
        assert_below(bounds.ours.gaussian(x, 10, k, ddof=0), 0.9**k / x**2)


class TestSharpConstant:
    """P1.4.1: 1/(4ν) - 1/(24ν³) < -log α < 1/(4ν), and the best c in -log α >= 1/(4n - c)."""

    SIZES = [2, 3, 4, 5, 7, 10, 30, 100, 10**3, 10**4, 10**5, 10**6]

    @staticmethod
    def check(lower, upper):
        for n in TestSharpConstant.SIZES:
            nu = mp.mpf(n - 1)
            assert lower(nu) < -log_alpha(n) < upper(nu)

    def test_two_sides(self):
        self.check(lambda nu: 1 / (4 * nu) - 1 / (24 * nu**3), lambda nu: 1 / (4 * nu))

    def test_the_package_computes_the_same_alpha(self):
        for n in self.SIZES[:-2]:
            value = -math.log(law.moment(1.0, n, 1))
            assert value == pytest.approx(float(-log_alpha(n)), abs=1e-14)

    def test_power(self):
        quarter = [lambda nu: 1 / (4 * nu) - 1 / (24 * nu**3), lambda nu: 1 / (4 * nu)]
        assert_fails(self.check, lambda nu: 1 / (4 * nu) - 1 / (25 * nu**3), quarter[1])
        assert_fails(self.check, quarter[0], lambda nu: 1 / (4 * nu) - 1 / (23 * nu**3))
        assert_fails(self.check, quarter[0], lambda nu: 1 / (4 * nu + mp.mpf("1e-3")))

    @staticmethod
    def best_constant(n):
        """The largest c with -log α(n) >= 1/(4n - c), at this n alone."""
        return 4 * n + 1 / log_alpha(n)

    def test_best_constant_is_attained_at_the_smallest_size(self):
        constants = [self.best_constant(n) for n in self.SIZES]
        assert constants == sorted(constants) and constants[-1] < 4
        assert float(constants[0]) == pytest.approx(3.571, abs=1e-3)
        assert float(constants[1]) == pytest.approx(3.7206, abs=1e-4)

    def test_four_fails_for_every_size(self):
        assert all(-log_alpha(n) < 1 / mp.mpf(4 * n - 4) for n in self.SIZES)


class TestPower:
    """A stronger claim in place of a theorem is noticed."""

    @pytest.mark.parametrize("n", SIZES)
    def test_theorem_3_with_4n_minus_4(self, n):
        x, k = grid(n)
        ratio = mp.expm1(60 * n * (log_alpha(n) + 1 / mp.mpf(4 * n - 4)))
        if ratio < 10 * ROUNDING:
            pytest.skip("the claims differ by less than rounding at this size")
        assert_fails(assert_below, bounds.bertrand.gaussian(x, n, k), np.exp(-k / (4 * n - 4)) / x)

    @pytest.mark.parametrize("n", SIZES)
    def test_theorem_3_with_2n_minus_1_against_the_exact_law(self, n):
        x, k = grid(n)
        assert_fails(assert_below, law.std_sf(x, n, k), np.exp(-k / (2 * n - 1)) / x)

    @pytest.mark.parametrize("n", SIZES[3:])
    def test_theorem_3_with_8n_minus_1_is_not_sharp(self, n):
        # A weaker claim is true, so only its rate gives it away: 4n is the right order.
        def check(constant):
            exact = -float(log_alpha(n))
            assert exact * (constant * n - 1) == pytest.approx(1, abs=1 / n)

        check(4)
        assert_fails(check, 8)

    @pytest.mark.parametrize("n", SIZES[:6])
    def test_bertrand_with_one_more_sample_or_degree_of_freedom(self, n):
        # E Σ_k = α(n)^k σ_0 with α(n - 1) in the place of α(n).
        k = n * np.array([1, 4, 20])
        wrong = np.array([float(mp.exp(int(j) * log_alpha(n - 1))) for j in k])
        assert_below(law.moment(1.0, n, k), bounds.bertrand.gaussian(1.0, n, k))
        assert_fails(assert_below, law.moment(1.0, n, k), wrong)

    @pytest.mark.parametrize("n", SIZES[:6])
    def test_best_moment_bound_with_a_slightly_larger_exponent(self, n):
        # Chernoff's bound has the exact exponent: one per cent more is too much.
        k = n * np.array([1000, 8000])
        log_bound = -1.01 * law.decay_rate(n) * k - np.log(0.1) * law.decay_power(n)
        exact = law.log_std_sf(0.1, n, k)
        assert np.all(exact <= log_bound / 1.01 + 1)
        assert np.any(exact > log_bound)

    def test_divisor_n_bound_with_exponent_eight_ninths(self):
        k = np.arange(0, 400, 10)
        assert_below(law.moment(2.0, 10, k, ddof=0), 0.9**k)
        assert_fails(assert_below, law.moment(2.0, 10, k, ddof=0), (8 / 9) ** k)
