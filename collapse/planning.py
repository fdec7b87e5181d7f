"""How much data? From a target to sample sizes that `recursive_training` takes.

The currency is the noise S_T = Σ_{t < T} n_0/n_t of `collapse.laws.random_walk`: the variance of an
unbiased estimate after T generations, in units of that of one fit to the n_0 real samples.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from scipy import stats

from collapse import _checks, schedules
from collapse.laws import random_walk

__all__ = ["Plan", "noise_for", "plan"]

_EXCESS = (1e-7, 60.0)  # of an exponent over 1: the least and the greatest considered


@dataclass(frozen=True)
class Plan:
    """What `plan` found.

    Attributes
    ----------
    sample_size : tuple of int, or Schedule
        n_0, n_1, ...: pass it to `collapse.recursive_training`.
    noise : float
        S_T of these sizes for a fixed horizon; an upper bound on S_∞ for an any-time target.
    budget : int or None
        Σ_{1 <= t < T} n_t, the number of synthetic samples; None for an any-time target, where it
        depends on how long one goes on: ``sum(sample_size(t))``.
    exponent : float or None
        Of n_t = n t^exponent, for an any-time target.
    """

    sample_size: object
    noise: float
    budget: int | None
    exponent: float | None


def plan(*, sample_size, noise, horizon=None):
    """Return the cheapest sample sizes that keep the noise at a target.

    With a horizon T the target is S_T <= ``noise`` and the cheapest sizes are all equal,
    n_t = n (T − 1)/(``noise`` − 1) (Cauchy–Schwarz); in integers they differ by one at most.
    Without a horizon it is S_T <= ``noise`` for every T, and n_t = n t^e with the smallest e for
    which that is certain: 1 + ζ(e) = ``noise``, up to the rounding of the sizes, with e − 1 to
    1e-10 of itself and the error of `collapse.laws.random_walk.total_noise`.

    Parameters
    ----------
    sample_size : int >= 2
        n_0, the number of real samples.
    noise : float > 1
        The target, for instance from `noise_for`. Without a horizon in (2, 10⁶]: S_2 is 2 already.
    horizon : int >= 2, optional
        T, the number of generations.

    Returns
    -------
    Plan

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or the target cannot be reached.
    """
    n = _checks.integer(sample_size, "sample_size", low=2)
    if horizon is None:
        noise = _checks.real(noise, "noise", low=2.0, high=1e6, open_low=True)
        return _any_time(n, noise)
    noise = _checks.real(noise, "noise", low=1.0, open_low=True)
    return _fixed(n, noise, _checks.integer(horizon, "horizon", low=2, high=10**7))


def noise_for(error, probability, *, sample_size, std=1.0, dim=1):
    """Return the largest S_T with Pr(‖θ_T − θ*‖ > error) <= probability.

    For the Gaussian mean, exactly: n error²/(σ² q), q the upper quantile of the chi-squared law
    with ``dim`` degrees of freedom. A value of 1 or less cannot be planned for: real data alone
    miss the target.

    Parameters
    ----------
    error : float > 0
    probability : float in (0, 1)
    sample_size : int >= 1
    std : float > 0
    dim : int >= 1

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    error = _checks.real(error, "error", low=0.0, open_low=True)
    probability = _checks.real(
        probability, "probability", low=0.0, high=1.0, open_low=True, open_high=True
    )
    n = _checks.integer(sample_size, "sample_size", low=1)
    std = _checks.real(std, "std", low=0.0, open_low=True)
    dim = _checks.integer(dim, "dim", low=1)
    return float(n * (error / std) ** 2 / stats.chi2.isf(probability, dim))


def _fixed(n, noise, horizon):
    # In exact fractions: in floats, whether the target is met would be a matter of rounding.
    steps, added = horizon - 1, Fraction(noise) - 1
    share = n * steps / added
    if share > _checks.MAX_SIZE / horizon:
        raise ValueError(
            f"noise must be larger: {noise} takes {float(share):.3g} samples a generation"
        )
    low = max(math.floor(share), 1)
    few = steps  # generations of `low` samples, the others have one more
    if low < share:  # few n/low + (steps − few) n/(low + 1) <= added
        few = math.floor((added / n - Fraction(steps, low + 1)) * low * (low + 1))
    sizes = (n,) + (low,) * few + (low + 1,) * (steps - few)
    total = 1 + n * (Fraction(few, low) + Fraction(steps - few, low + 1))
    return Plan(sizes, float(total), sum(sizes[1:]), None)


def _any_time(n, noise):
    # Larger exponents have larger sizes, also after rounding: S_∞ decreases.
    low, high = _EXCESS
    if _most_noise(n, high) > noise:
        raise ValueError(f"noise must exceed 2 by more, got {noise}: no power of t reaches it")
    while high > low * (1 + 1e-10):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _most_noise(n, middle) > noise else (low, middle)
    return Plan(schedules.power(n, 1 + high), _most_noise(n, high), None, 1 + high)


def _most_noise(n, excess):
    """Return an upper bound on S_∞ of n t^(1 + excess), rounded to integers."""
    return sum(random_walk.total_noise(schedules.power(n, 1 + excess)))
