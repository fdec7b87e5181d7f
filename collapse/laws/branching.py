"""Survival of a critical Galton–Watson process with Poisson(1) offspring.

    g_1 = 1,    g_{k+1} = 1 − exp(−g_k)

is the chance that the line of one individual is alive k − 1 generations later: g_2 = 1 − 1/e is
the chance of at least one child. It is the sequence g_k of Suresh et al. (2025).
"""

import math
from decimal import Context, Decimal, localcontext
from functools import lru_cache

import numpy as np

from collapse import _checks

__all__ = ["g", "survival"]

_TABLE = 64  # generations by the recursion itself; beyond, the series is exact to rounding

# y = 1/g obeys y ↦ 1/(1 − e^{−1/y}). Its Abel function Φ, with Φ(y_{k+1}) = Φ(y_k) + 1, has the
# asymptotic series Φ(y) ~ 2y − ⅓ ln y + Σ_j c_j y^{−j}; these are c_1, c_2, ... (the chapter
# *Forgetting symbols* derives them). At y > 30 the first term left out changes y by less than
# 1e-17 of itself.
_COEFFICIENTS = (
    1 / 36, 1 / 540, -1 / 7776, -71 / 435456, -8759 / 163296000, 31 / 20995200,
)  # fmt: skip


def g(k):
    """Return g_k: g_1 = 1, g_{k+1} = 1 − exp(−g_k).

    2/(k + 1 + ⅓ ln k) <= g_k <= 2/(k + 1). Constant time at any k: beyond a short table,
    Φ(1/g_k) = k + C is solved by Newton's method, Φ being the Abel function of the recursion.

    Parameters
    ----------
    k : array of int >= 1

    Returns
    -------
    numpy.ndarray of float, the shape of k; relative error at most 1e-15

    Raises
    ------
    TypeError, ValueError
        If k is not an integer >= 1.
    """
    k = _checks.integers(k, "k", low=1)
    table, constant = _start()
    if k.ndim == 0:  # plain floats: a scalar call costs a few microseconds
        small = int(k) <= _TABLE
        return table[int(k)] if small else np.float64(1 / _solve(float(k), constant, math.log))
    out = table[np.minimum(k, _TABLE)]
    large = k > _TABLE
    if np.any(large):
        out[large] = 1 / _solve(k[large].astype(float), constant, np.log)
    return out


survival = g


def _solve(k, constant, log):
    """Return y with Φ(y) = k + C."""
    target = k + constant
    y = (target + log(target / 2) / 3) / 2
    for _ in range(3):  # Φ' = 2 − 1/(3y) + ...: nearly linear, quadratic convergence
        y = y + (target - (2 * y - log(y) / 3 + _tail(y))) / (2 - 1 / (3 * y))
    return y


def _tail(y):
    total = 0.0
    for coefficient in reversed(_COEFFICIENTS):
        total = (total + coefficient) / y
    return total


@lru_cache(maxsize=1)
def _start():
    """Return the table of g (index 0 unused) and the constant C of Φ(1/g_k) = k + C."""
    table = [math.nan]
    with localcontext(Context(prec=40)):  # whatever the caller's precision is
        value = Decimal(1)
        for _ in range(_TABLE):
            table.append(float(value))
            value = 1 - (-value).exp()
        y = 1 / value  # of k = _TABLE + 1
        # The large terms cancel: take them in decimal arithmetic.
        constant = float(2 * y - y.ln() / 3 - (_TABLE + 1))
    return np.array(table), constant + _tail(float(y))
