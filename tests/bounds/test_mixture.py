"""Bounds for the mixture: formulas, order, and the statements about κ that the proofs rest on."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from collapse import bounds, laws

SIZES = np.unique(np.geomspace(2, 10**7, 200).astype(int))
ROUNDING = 1e-11


def log_one_plus_kappa(n, eta):
    """log(1 + κ) as a fraction."""
    n, eta = Fraction(n), Fraction(eta)
    return (eta - 1) * ((n - 1) / 2 + 4 * eta) / (eta * (n - 1) * (n + 4 * eta - 1))


class TestKappa:
    @pytest.mark.parametrize("eta", [Fraction(11, 10), 2, 3, 50, 10**6])
    def test_formula(self, eta):
        with mp.workdps(40):
            for n in (2, 3, 10, 100, 10**7):
                exact = log_one_plus_kappa(n, eta)
                kappa = mp.expm1(mp.mpf(exact.numerator) / exact.denominator)
                assert bounds.suresh.kappa(n, eta=float(eta)) == pytest.approx(float(kappa),
                                                                              rel=1e-13)

    def test_below_one_over_n_minus_1(self):
        kappa = bounds.suresh.kappa(SIZES)
        assert np.all(kappa * (SIZES - 1) < 1)
        # And not idly: for a large η it is above.
        assert np.any(bounds.suresh.kappa(SIZES, eta=1e6) * (SIZES - 1) > 1)

    def test_increases_with_eta(self):
        eta = 1 + np.geomspace(1e-3, 1e5, 100)
        kappa = bounds.suresh.kappa(SIZES[:, None], eta=eta)
        assert np.all(np.diff(kappa, axis=1) > 0)
        assert np.all(np.log1p(kappa) < 1 / (SIZES[:, None] - 1))


def grid(n):
    x = np.array([1e-6, 0.01, 0.1, 0.5, 0.99, 2.0])[:, None]
    return x, np.array([0, 1, 2, 5, 20, *(n * np.array([1, 4, 20, 60]))])


@pytest.mark.parametrize("n", [2, 3, 5, 10, 100, 3000])
class TestOrder:
    def test_formulas(self, n):
        x, k = grid(n)
        np.testing.assert_allclose(bounds.suresh.mixture(x, n, k, std=2.0),
                                   2 / x * np.exp(-k / (4 * n)), rtol=1e-12)
        kappa = bounds.suresh.kappa(n)
        with np.errstate(under="ignore"):
            expected = (2 / x) ** 2 * ((1 + kappa) * (1 - 1 / n)) ** k.astype(float)
        np.testing.assert_allclose(bounds.ours.mixture_moment(x, n, k, std=2.0), expected,
                                   rtol=1e-9)

    def test_the_law_is_below_its_second_moment(self, n):
        for eta in (1.01, 2.0, 30.0):
            x, k = grid(n)
            law = bounds.ours.mixture(x, n, k, eta=eta)
            moment = bounds.ours.mixture_moment(x, n, k, eta=eta)
            assert np.all(law <= moment * (1 + ROUNDING)) and np.all(law <= 1)
        # Power: with a tenth more in the exponent the inequality is false.
        if n >= 10:
            late = 400 * n
            moment = bounds.ours.mixture_moment(0.99, n, late)
            assert bounds.ours.mixture(0.99, n, late) > moment**1.1 > 0

    def test_against_theorem_4(self, n):
        x, k = grid(n)
        theorem = np.minimum(bounds.suresh.mixture(x, n, k), 1)
        moment = np.minimum(bounds.ours.mixture_moment(x, n, k), 1)
        assert np.all(bounds.ours.mixture(x, n, k) <= theorem * (1 + ROUNDING))
        assert np.all(moment <= theorem * (1 + ROUNDING)) == (n >= 3)

    def test_it_is_the_law_of_the_product(self, n):
        # The product of k factors (1 + κ)Q/n for k = 1: a chi-squared law.
        from scipy import stats

        x = np.array([0.01, 0.5, 1.0, 1.5])
        for eta in (1.5, 2.0):
            growth = 1 + bounds.suresh.kappa(n, eta=eta)
            np.testing.assert_allclose(bounds.ours.mixture(x, n, 1, eta=eta),
                                       stats.chi2.sf(n * x**2 / growth, n - 1), rtol=1e-9)

    def test_scale(self, n):
        x, k = grid(n)
        for bound in (bounds.suresh.mixture, bounds.ours.mixture, bounds.ours.mixture_moment):
            np.testing.assert_allclose(bound(3 * x, n, k, std=3.0), bound(x, n, k), rtol=1e-9)


def test_the_mean_contracts_as_the_proof_of_theorem_4_says():
    # ½ log(1 + κ) + ½ log(1 − 1/n) + log α(n) <= −1/(4n), and so does 1/(4n − 1).
    mean = np.sqrt((1 + bounds.suresh.kappa(SIZES)) * (1 - 1 / SIZES))
    mean *= [laws.gaussian.moment(1, size, 1) for size in SIZES.tolist()]
    assert np.all(np.log(mean) < -1 / (4 * SIZES - 1))
    # Power: 1/(4n) is beaten by far, 5/(8n) is the exponent; 3/(4n) is too much.
    assert not np.any(np.log(mean[SIZES > 100]) < -3 / (4 * SIZES[SIZES > 100]))


def test_arrays_broadcast():
    out = bounds.ours.mixture([[0.1], [0.2]], [5, 10, 10], 30, std=[1.0, 1.0, 2.0])
    assert out.shape == (2, 3)
    for i, x in enumerate((0.1, 0.2)):
        for j, (n, std) in enumerate(((5, 1.0), (10, 1.0), (10, 2.0))):
            assert out[i, j] == pytest.approx(bounds.ours.mixture(x, n, 30, std=std), rel=1e-12)
    assert bounds.ours.mixture(0.1, 10, 0, std=1.0) == 1.0
    assert bounds.ours.mixture(2.0, 10, 0, std=1.0) == 0.0


def test_levels_beyond_the_range_of_floats():
    # σ_0/x = 10⁶⁰⁰. At this k the median of the product is just there: the law is about a half,
    # and no bound may be below it, though x (1 + κ)^(−k/2) is 10⁻⁴³⁶.
    n = 10
    fall = -laws.gaussian.lyapunov_exponent(n, ddof=0) - np.log1p(bounds.suresh.kappa(n)) / 2
    k = round(600 * np.log(10) / fall)
    assert 0.45 < bounds.ours.mixture(1e-300, n, k, std=1e300) <= 1
    # Far later the moment bound takes over; it falls.
    assert bounds.ours.mixture(1e-300, n, 20 * k, std=1e300) < 1e-100


def test_far_tails():
    assert bounds.ours.mixture(1e-300, 10, 10**6) >= 0
    assert 0 < bounds.ours.mixture(1e-3, 10, 8000) < 1e-200
    assert bounds.ours.mixture_moment(1e-200, 10, 1) == np.inf
