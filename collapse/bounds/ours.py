"""Inequalities that this book proves itself."""

import numpy as np

from collapse import _checks
from collapse.laws import _log_gamma
from collapse.laws.gaussian import _log_ratio, _Points, _std

__all__ = ["gaussian"]


def gaussian(x, n, k, *, std=1.0, ddof=1):
    """Return the best moment bound, Pr(Σ_k > x) <= inf_{s >= 0} E Σ_k^s/x^s.

    Never above 1 (s = 0) and never above Markov's bound (s = 1); its exponent in k is exact.

    Parameters
    ----------
    x : array of float > 0
    n : int, sequence of int, or schedule; >= 2
    k : array of int >= 0
    std : array of float > 0
        Σ_0.
    ddof : {0, 1}

    Returns
    -------
    numpy.ndarray of float in [0, 1]

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    x = _checks.reals(x, "x", low=0.0, open_low=True)
    x, k, std = np.broadcast_arrays(x, _checks.integers(k, "k", low=0), _std(std))
    points = _Points(n, k, ddof)
    # Without a generation Σ_0 is certain: the infimum is 0 above it and 1 below.
    log_bound = np.where((k == 0) & (x > std), -np.inf, 0.0)
    for rows, a, counts in points.groups(np.ones(k.shape, dtype=bool)):
        w = 2 * _log_ratio(x[rows], std[rows]) - points.shift[rows]
        log_bound[rows] = _log_gamma.chernoff(w, a, counts)[0]
    return np.exp(log_bound)[()]
