"""Sufficient statistics of two sets of samples together."""

import numpy as np

_MAX_POOL = 10**9  # NumPy's hypergeometric draws go no further


def choose(marked, total, size, rng):
    """Return how many are marked of ``size`` chosen without replacement from ``total``."""
    total = np.asarray(total, dtype=np.int64)
    if total.size and total.max() >= _MAX_POOL:
        raise ValueError(
            f"sample_size must be smaller, or generations: a pool to subsample from can have "
            f"10^9 samples, got {total.max()}"
        )
    marked = np.asarray(marked, dtype=np.int64)
    return rng.hypergeometric(marked, total - marked, size)


def merge_totals(first, second):
    """Return the statistics ``count`` and ``total`` of both sets."""
    return {name: first[name] + second[name] for name in ("count", "total")}


def merge_means(first, second):
    """Return count and mean of both sets, and the difference that their means add.

    The squares (or products) about the mean of both sets are those about their own means plus the
    square of the third value, (mean₂ − mean₁) √(n₁n₂/(n₁ + n₂)): no digits are lost where the
    means are far from 0. A mean is (replications,) or (replications, features); that of no samples
    is any finite number.
    """
    count = first["count"] + second["count"]
    rows = (-1,) + (1,) * (np.ndim(first["mean"]) - 1)
    share = (second["count"] / count).reshape(rows)
    gap = second["mean"] - first["mean"]
    between = gap * np.sqrt(first["count"].reshape(rows) * share)
    return count, first["mean"] + share * gap, between
