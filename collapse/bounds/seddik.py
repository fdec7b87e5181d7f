"""Seddik et al., How bad is training on synthetic data? A statistical analysis of language model
collapse (arXiv:2404.05090), as used by Suresh et al. (2025).
"""

import numpy as np

from collapse.bounds._common import Bounds, share_arguments

__all__ = ["interior"]


def interior(p0, n, k):
    """Return 4 p0 (1 − p0)(1 − 1/n)^k and 2n p0 (1 − p0)(1 − 1/n)^k, bounds on Pr(P_k ∉ {0, 1}).

    Parameters
    ----------
    p0 : array of float in [0, 1]
    n : array of int >= 2
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
    p0, n, k = share_arguments(p0, n, k, smallest_n=2)
    with np.errstate(under="ignore"):
        heterozygosity = p0 * (1 - p0) * (1 - 1 / n) ** k.astype(float)
    return Bounds((4 * heterozygosity)[()], (2.0 * n * heterozygosity)[()])
