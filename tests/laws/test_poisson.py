"""The Poisson survival law against brute force."""

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from collapse.laws import branching, poisson


@pytest.mark.parametrize("rate, n", [(0.1, 1), (1.0, 10), (0.25, 4)])
def test_against_a_dense_chain(rate, n):
    # The chain of n Λ on 0..400, from Poisson(n Λ_0): mass beyond is below 1e-16 for k <= 6.
    top = 400
    states = np.arange(top + 1)
    step = stats.poisson.pmf(states[None], states[:, None])
    law = stats.poisson.pmf(states, n * rate)
    for k in range(1, 7):
        assert poisson.survival(rate, n, k) == pytest.approx(1 - law[0], rel=1e-12)
        law = law @ step


@pytest.mark.parametrize("rate", [1e-300, 1e-12, 1.0, 1e3])
@pytest.mark.parametrize("k", [1, 50, 10**9])
def test_relative_accuracy(rate, k):
    with mp.workdps(30):
        expected = float(-mp.expm1(-10 * mp.mpf(rate) * mp.mpf(float(branching.g(k)))))
    assert poisson.survival(rate, 10, k) == pytest.approx(expected, rel=1e-14)


def test_corners():
    np.testing.assert_array_equal(poisson.survival([0.0, 0.5], 3, [[0], [2]])[0], [0, 1])
    assert poisson.survival(0.0, 3, 5) == 0
    assert np.ndim(poisson.survival(1.0, 3, 5)) == 0
