"""The references agree with each other before they judge anything."""

from collections import Counter

import mpmath as mp
import pytest

from .reference import (
    convolution,
    edgeworth,
    factors_of,
    inversion,
    log_moment,
    log_x_at,
    single,
    volume_factors_of,
)

TAILS = [(-690, True), (-3, True), (-4, False), (-230, False)]


@pytest.mark.parametrize("n", [2, 3, 10, 10_000])
@pytest.mark.parametrize("log_tail, upper", TAILS)
def test_convolution_and_inversion_agree(n, log_tail, upper):
    factors = factors_of([n] * 5, ddof=1)
    log_x = log_x_at(log_tail, factors, upper=upper)
    assert abs(convolution(log_x, factors, upper=upper)
               - inversion(log_x, factors, upper=upper)) < 1e-15


@pytest.mark.parametrize("n", [3, 10])
@pytest.mark.parametrize("log_tail, upper", TAILS[:3])
def test_extended_precision_suffices_and_so_does_the_step(n, log_tail, upper):
    factors = factors_of([n] * 3, ddof=0)
    log_x = log_x_at(log_tail, factors, upper=upper)
    exact = convolution(log_x, factors, upper=upper, exact=True)
    assert abs(convolution(log_x, factors, upper=upper) - exact) < 1e-16
    assert abs(convolution(log_x, factors, upper=upper, refine=2) - exact) < 1e-16


def test_two_factors_with_a_closed_form():
    # With ν = 2 both factors are exponential: Pr(E_1 E_2 > w) = 2 √w K_1(2 √w), w = x².
    factors = Counter({(2, 2): 2})
    with mp.workdps(30):
        x = mp.mpf("1.7")
        expected = mp.log(2 * x * mp.besselk(1, 2 * x))
        assert abs(convolution(mp.log(x), factors, upper=True) - expected) < 1e-17
        assert abs(inversion(mp.log(x), factors, upper=True) - expected) < 1e-17


def test_one_factor_is_a_chi_square():
    assert abs(single(0.5, Counter({(2, 2): 1}), upper=True) + mp.exp(1)) < 1e-14


@pytest.mark.parametrize("z", [-3, -1, 1, 3])
def test_edgeworth_and_inversion_agree(z):
    # 2 (skewness)^3 = 6e-12, for a lower or upper tail of about 1e-3.
    factors = factors_of([10_001] * 10_000, ddof=1)
    log_x = mp.mpf(z) / mp.sqrt(2) - mp.mpf(1) / 2
    assert abs(edgeworth(log_x, factors, upper=z > 0)
               - inversion(log_x, factors, upper=z > 0)) < 1e-11


def test_bartlett_factors_have_the_moments_of_a_wishart_determinant():
    # E det Σ_1 = Π (ν - i)/m for Σ_0 the identity.
    factors = volume_factors_of([7], dim=3, ddof=1)
    assert abs(mp.exp(log_moment(mp.mpf(2), factors)) - mp.mpf(6 * 5 * 4) / 6**3) < 1e-14
