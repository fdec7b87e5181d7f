"""What the bounds share: the type of a two-sided one, and the check of its arguments."""

from typing import NamedTuple

import numpy as np

from collapse import _checks
from collapse.laws.gaussian import _log_ratio


class Bounds(NamedTuple):
    """A lower and an upper bound on the same quantity, arrays of one shape."""

    lower: np.ndarray
    upper: np.ndarray


def share_arguments(p0, n, k, *, smallest_n=1, largest_k=None):
    """Return checked arrays: a share in [0, 1], a sample size, and a generation >= 1."""
    p0 = _checks.reals(p0, "p0", low=0.0, high=1.0)
    n = _checks.integers(n, "n", low=smallest_n)
    k = _checks.integers(k, "k", low=1, high=largest_k)
    _checks.broadcast(p0=p0, n=n, k=k)
    return p0, n, k


def level_arguments(x, n, k, std, *, smallest_n):
    """Return log(std/x), and n and k checked, for a level x > 0, a size, a generation >= 0."""
    x = _checks.reals(x, "x", low=0.0, open_low=True)
    n = _checks.integers(n, "n", low=smallest_n)
    k = _checks.integers(k, "k", low=0)
    std = _checks.reals(std, "std", low=0.0, open_low=True)
    _checks.broadcast(x=x, n=n, k=k, std=std)
    return _log_ratio(std, x), n, k
