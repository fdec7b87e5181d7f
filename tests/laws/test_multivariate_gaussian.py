"""The volume of the cloud and its exponents (Bartlett's decomposition)."""

import math

import mpmath as mp
import numpy as np
import pytest

from collapse.laws import gaussian, multivariate_gaussian

from .reference import convolution, inversion, log_x_at, volume_factors_of

TAILS = [(-690.0, True), (-20.0, True), (-2.0, True), (-3.0, False), (-60.0, False)]


@pytest.mark.parametrize("n, dim, k, ddof", [
    (3, 2, 1, 1), (4, 3, 2, 1), (10, 2, 5, 0), (10, 5, 1, 1), (100, 3, 2, 1), (6, 2, 40, 1),
    (20, 10, 20, 0), (1000, 4, 300, 1),
])
def test_volume(n, dim, k, ddof):
    factors = volume_factors_of([n] * k, dim, ddof)
    route = convolution if dim * k <= 10 else inversion
    for log_tail, upper in TAILS:
        x = math.exp(log_x_at(log_tail, factors, upper=upper))
        log_expected = route(mp.log(x), factors, upper=upper)
        value = float(multivariate_gaussian.volume_sf(x, n, k, dim=dim, ddof=ddof))
        expected = mp.exp(log_expected) if upper else 1 - mp.exp(log_expected)
        assert value == pytest.approx(float(expected), rel=1e-11)


def test_one_dimension_is_the_gaussian():
    x = np.array([0.01, 0.5, 1.0, 2.0])
    for ddof in (0, 1):
        np.testing.assert_allclose(multivariate_gaussian.volume_sf(x, 10, 20, dim=1, ddof=ddof),
                                   gaussian.std_sf(x, 10, 20, ddof=ddof), rtol=1e-12)


def test_start_and_ends():
    np.testing.assert_array_equal(
        multivariate_gaussian.volume_sf([0.5, 1.0, 1.5], 10, 0, dim=3), [1, 0, 0])
    np.testing.assert_array_equal(
        multivariate_gaussian.volume_sf([0.0, np.inf], 10, 5, dim=3), [1, 0])


@pytest.mark.parametrize("n, dim, ddof", [(3, 2, 1), (10, 3, 0), (10, 9, 1), (10**9, 3, 1)])
def test_exponents(n, dim, ddof):
    with mp.workdps(40):
        expected = [float(mp.psi(0, mp.mpf(n - i) / 2) - mp.log(mp.mpf(n - ddof) / 2))
                    for i in range(1, dim + 1)]
    values = multivariate_gaussian.lyapunov_exponents(n, dim, ddof=ddof)
    assert values.shape == (dim,) and np.all(np.diff(values) < 0)
    np.testing.assert_allclose(values, expected, rtol=1e-10)


def test_exponents_of_one_dimension():
    # Of the variance: twice that of the standard deviation.
    assert multivariate_gaussian.lyapunov_exponents(10, 1)[0] == pytest.approx(
        2 * gaussian.lyapunov_exponent(10), rel=1e-12)


def test_condition_number_grows_like_exp_of_d_minus_one_over_nu():
    # (λ_1 - λ_d) ν -> d - 1.
    for dim in (2, 4):
        gaps = []
        for n in (100, 1000, 10_000):
            exponents = multivariate_gaussian.lyapunov_exponents(n, dim)
            gaps.append((exponents[0] - exponents[-1]) * (n - 1) / (dim - 1) - 1)
        assert abs(gaps[-1]) < 1e-3
        np.testing.assert_allclose(np.array(gaps[:-1]) / gaps[1:], 10, rtol=0.1)


@pytest.mark.parametrize("dim", [2, 3])
def test_median_volume_shrinks_by_the_sum_of_exponents(dim):
    # ½ log det Σ_k / k -> ½ Σ λ_i: Pr(volume > e^{k (sum ± margin)}) changes from 1 to 0.
    rate = multivariate_gaussian.lyapunov_exponents(10, dim).sum() / 2
    k = 1500
    around = np.exp(k * (rate + np.array([-0.05, 0.05])))
    np.testing.assert_allclose(
        multivariate_gaussian.volume_sf(around, 10, k, dim=dim), [1, 0], atol=1e-3)


def test_power_degrees_of_freedom_fall_with_the_row():
    # With ν in every row (the product of independent variances) the comparison fails.
    factors = volume_factors_of([10] * 2, 2, 1)
    x = math.exp(log_x_at(-8.0, factors, upper=True))
    wrong = math.exp(convolution(mp.log(x), {(9, 9): 4}, upper=True))
    assert multivariate_gaussian.volume_sf(x, 10, 2, dim=2) != pytest.approx(wrong, rel=0.1)
