"""The refitted Gaussian in d dimensions: volume and shape of its covariance.

By Bartlett's decomposition det Σ_{k+1} = det Σ_k Π_i χ²_{ν−i+1}/(n − ddof), i = 1, ..., d, with
independent factors: log det Σ_k is a sum of independent log χ² variables.
"""

import numpy as np

from collapse import _checks
from collapse.laws import _log_gamma

__all__ = ["lyapunov_exponents", "volume_sf"]


def volume_sf(x, n, k, *, dim, ddof=1):
    """Return Pr(√(det Σ_k/det Σ_0) > x), as accurately as `collapse.laws.gaussian.std_sf`.

    √det is the volume of the covariance ellipsoid, up to a constant; for dim = 1 this is the law
    of the standard deviation.

    Parameters
    ----------
    x : array of float, not NaN
    n : int >= dim + 1
        The same in every generation.
    k : array of int >= 0
    dim : int in [1, 10⁶]
    ddof : {0, 1}

    Returns
    -------
    numpy.ndarray of float, the broadcast shape of x and k

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    x = _checks.reals(x, "x", infinite=True)
    x, k = _checks.broadcast_arrays(x=x, k=_checks.integers(k, "k", low=0))
    shapes, divisor = _shapes(n, dim, ddof)
    sf = np.where(x < 0, 1.0, np.where(k == 0, x < 1, x == 0)).astype(float)
    inside = (x > 0) & (x < np.inf) & (k > 0)
    if np.any(inside):
        generations = k[inside].astype(float)
        counts = np.repeat(generations[None], len(shapes), axis=0)
        w = 2 * np.log(x[inside]) - generations * np.log1p((shapes - divisor) / divisor).sum()
        mean = generations * _log_gamma.digamma_minus_log(shapes).sum()
        values = np.empty(len(w))
        for rows, upper in ((w > mean, True), (w <= mean, False)):
            if np.any(rows):
                tails = _log_gamma.tail(w[rows], shapes, counts[:, rows], upper=upper)[0]
                values[rows] = np.exp(tails) if upper else -np.expm1(tails)
        sf[inside] = values
    return sf[()]


def lyapunov_exponents(n, dim, *, ddof=1):
    """Return lim (1/k) log of the eigenvalues of Σ_k, largest first, almost surely.

    They are ψ((n−i)/2) − log((n−ddof)/2) for i = 1, ..., dim.

    Parameters
    ----------
    n : int >= dim + 1
    dim : int in [1, 10⁶]
    ddof : {0, 1}

    Returns
    -------
    numpy.ndarray, shape (dim,)

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    shapes, divisor = _shapes(n, dim, ddof)
    return (_log_gamma.digamma_minus_log(shapes) + np.log1p((shapes - divisor) / divisor))[::-1]


def _shapes(n, dim, ddof):
    """Return the shapes (n−i)/2, increasing, and (n−ddof)/2, after checks."""
    dim = _checks.integer(dim, "dim", low=1, high=10**6)
    n = _checks.integer(n, "n", low=dim + 1)
    ddof = _checks.choice(ddof, "ddof", (0, 1))
    return (n - 1.0 - np.arange(dim)[::-1]) / 2, (n - ddof) / 2
