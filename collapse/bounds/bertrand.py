"""Bertrand et al., On the stability of iterative retraining of generative models.

arXiv:2310.00429, as used by Suresh et al. (2025).
"""

import numpy as np

from collapse.bounds._common import level_arguments
from collapse.laws import _log_gamma

__all__ = ["gaussian"]


def gaussian(x, n, k, *, std=1.0):
    """Return Markov's bound with the exact mean, Pr(Σ_k > x) <= E Σ_k/x = (Σ_0/x) α(n)^k.

    α(n) = E √(χ²_{n−1}/(n−1)) is the mean of one factor, for divisor n − 1.

    Parameters
    ----------
    x : array of float > 0
    n : array of int >= 2
        Sample size, the same in every generation.
    k : array of int >= 0
    std : array of float > 0
        Σ_0.

    Returns
    -------
    numpy.ndarray of float; may exceed 1

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    log_ratio, n, k = level_arguments(x, n, k, std, smallest_n=2)
    log_mean = _log_gamma.log_moment((n - 1) / 2, 0.5)
    with np.errstate(over="ignore", under="ignore"):  # a bound of infinity, or of 0, is one
        return np.exp(log_ratio + k * log_mean)
