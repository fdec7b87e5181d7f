"""Inequalities of Suresh, Thangaraj and Khandavally, Rate of model collapse in recursive training.

AISTATS 2025, PMLR 258:1396-1404.
"""

import numpy as np

from collapse import _checks
from collapse.laws.gaussian import _log_ratio

__all__ = ["gaussian"]


def gaussian(x, n, k, *, std=1.0):
    """Return Theorem 3's bound, Pr(Σ_k > x) <= (Σ_0/x) exp(−k/(4n − 1)), for divisor n − 1.

    Parameters
    ----------
    x : array of float > 0
    n : array of int >= 3
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
    x = _checks.reals(x, "x", low=0.0, open_low=True)
    n = _checks.integers(n, "n", low=3)
    k = _checks.integers(k, "k", low=0)
    std = _checks.reals(std, "std", low=0.0, open_low=True)
    with np.errstate(over="ignore", under="ignore"):  # a bound of infinity, or of 0, is one
        return np.exp(_log_ratio(std, x) - k / (4.0 * n - 1.0))
