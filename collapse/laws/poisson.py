"""The refitted Poisson rate: Λ_{k+1} is the mean of n draws from Poisson(Λ_k).

n Λ_k is a critical Galton–Watson process with Poisson(1) offspring, started with Poisson(n Λ_0)
individuals in generation 1.
"""

import numpy as np

from collapse import _checks
from collapse.laws import branching

__all__ = ["survival"]


def survival(rate, n, k):
    """Return Pr(Λ_k ≠ 0) = 1 − exp(−n Λ_0 g_k), with g_k of `collapse.laws.branching`.

    Suresh et al. (2025), Theorem 2.

    Parameters
    ----------
    rate : array of float >= 0
        Λ_0.
    n : array of int >= 1
        Sample size, the same in every generation.
    k : array of int >= 0

    Returns
    -------
    numpy.ndarray of float, the broadcast shape; to full relative accuracy

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    rate = _checks.reals(rate, "rate", low=0.0)
    n = _checks.integers(n, "n", low=1)
    k = _checks.integers(k, "k", low=0)
    _checks.broadcast(rate=rate, n=n, k=k)
    with np.errstate(under="ignore", over="ignore"):
        later = -np.expm1(-n * rate * branching.g(np.maximum(k, 1)))
    return np.where(k == 0, np.where(rate > 0, 1.0, 0.0), later)[()]
