"""Inequalities of Suresh, Thangaraj and Khandavally, Rate of model collapse in recursive training.

AISTATS 2025, PMLR 258:1396-1404.
"""

import numpy as np

from collapse import _checks
from collapse.bounds._common import Bounds, level_arguments, share_arguments
from collapse.laws import branching
from collapse.laws.wright_fisher import spectrum

__all__ = ["bernoulli", "distinct", "gaussian", "interior", "kappa", "mixture", "poisson"]


def bernoulli(p0, n, k):
    """Return Theorem 1's bounds on Pr(P_k ≠ 0),

        1 − e^{−n p0 g_k} <= Pr(P_k ≠ 0) <= 1 − (1 − 3n p0² − 3k p0) e^{−n p0 g_k},

    with g_k of `collapse.laws.branching`. The upper one says something while
    3n p0² + 3k p0 < 1.

    Parameters
    ----------
    p0 : array of float in [0, 1]
    n : array of int >= 1
        Sample size, the same in every generation.
    k : array of int >= 1

    Returns
    -------
    Bounds, a named pair (lower, upper) of arrays; the upper one may exceed 1

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    p0, n, k = share_arguments(p0, n, k)
    lower, lost, spoilt = _theorem_1(p0, n, k)
    return Bounds(lower[()], (lower + spoilt * lost)[()])


def interior(p0, n, k):
    """Return Theorem 1's bounds on Pr(P_k ∉ {0, 1}), with q0 = 1 − p0,

        lower: 1 − e^{−n p0 g_k} − e^{−n q0 g_k},
        upper: 1 − max(1 − 3n p0² − 3k p0, 0) e^{−n p0 g_k} − the same with q0.

    The lower one tends to −1. Parameters and errors as `bernoulli`.
    """
    p0, n, k = share_arguments(p0, n, k)
    lower, lost, spoilt = _theorem_1(p0, n, k)
    _, other_lost, other_spoilt = _theorem_1(1 - p0, n, k)
    upper = (
        lower + np.minimum(spoilt, 1) * lost - np.maximum(1 - other_spoilt, 0) * other_lost
    )
    return Bounds((lower - other_lost)[()], upper[()])


def poisson(rate, n, k):
    """Return Theorem 2's bounds, 1 − e^{−n Λ_0/k} <= Pr(Λ_k ≠ 0) <= 1 − e^{−3n Λ_0/k}.

    Parameters
    ----------
    rate : array of float >= 0
        Λ_0.
    n, k, returns, errors
        As in `bernoulli`.
    """
    rate = _checks.reals(rate, "rate", low=0.0)
    n = _checks.integers(n, "n", low=1)
    k = _checks.integers(k, "k", low=1)
    _checks.broadcast(rate=rate, n=n, k=k)
    with np.errstate(over="ignore", under="ignore"):
        return Bounds((-np.expm1(-n * rate / k))[()], (-np.expm1(-3.0 * n * rate / k))[()])


def distinct(k, *, counts=None, probabilities=None, n=None):
    """Return Corollary 1's bounds on E[uniq_k]: those of Theorem 1, summed over the symbols,

        Σ_i (1 − e^{−n p_i g_k}),   Σ_i (1 − max(1 − 3n p_i² − 3k p_i, 0) e^{−n p_i g_k}).

    Parameters
    ----------
    k : array of int >= 1
    counts, probabilities
        As in `collapse.laws.wright_fisher.expected_distinct`.
    n : int >= 1
        Sample size, the same in every generation; sum(counts) when None.

    Returns
    -------
    Bounds, a named pair (lower, upper) of arrays with the shape of k

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    k = _checks.integers(k, "k", low=1)
    share, multiplicity, n = spectrum(counts, probabilities, n)
    n = _checks.integer(n, "n", low=1, high=_checks.MAX_SIZE)
    lower, lost, spoilt = _theorem_1(share, n, k[..., None])
    upper = lower + np.minimum(spoilt, 1) * lost
    return Bounds((lower @ multiplicity)[()], (upper @ multiplicity)[()])


def _theorem_1(p0, n, k):
    """Return 1 − e^{−n p0 g_k}, e^{−n p0 g_k} and 3n p0² + 3k p0: their sums keep all digits."""
    exponent = -n * p0 * branching.g(k)
    with np.errstate(under="ignore"):
        return -np.expm1(exponent), np.exp(exponent), 3.0 * n * p0**2 + 3.0 * k * p0


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
    log_ratio, n, k = level_arguments(x, n, k, std, smallest_n=3)
    with np.errstate(over="ignore", under="ignore"):  # a bound of infinity, or of 0, is one
        return np.exp(log_ratio - k / (4.0 * n - 1.0))


def mixture(x, n, k, *, std=1.0):
    """Return Theorem 4's bound, Pr(Σ_k > x) <= (Σ_0/x) exp(−k/(4n)).

    For the mixture ½N(μ, Σ²) + ½N(−μ, Σ²) refitted by Algorithm 1, whatever μ_0 is. Parameters,
    returns, errors as `gaussian`, for n >= 2.
    """
    log_ratio, n, k = level_arguments(x, n, k, std, smallest_n=2)
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(log_ratio - k / (4.0 * n))


def kappa(n, *, eta=2.0):
    """Return κ of Algorithm 1,

        κ = exp{(η − 1)((n − 1)/2 + 4η)/(η(n − 1)(n + 4η − 1))} − 1,

    increasing in η, and below 1/(n − 1) for η = 2.

    Parameters
    ----------
    n : array of int >= 2
    eta : array of float in (1, 1e100]

    Returns
    -------
    numpy.ndarray of float

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    free = _checks.integers(n, "n", low=2) - 1.0
    eta = _checks.reals(eta, "eta", low=1.0, high=1e100, open_low=True)
    _checks.broadcast(n=free, eta=eta)
    return np.expm1((1 - 1 / eta) * (free / 2 + 4 * eta) / (free * (free + 4 * eta)))
