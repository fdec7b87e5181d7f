"""How much data? From a target to sample sizes that `recursive_training` takes.

The currency is the noise S_T = Σ_{t < T} n_0/n_t of `collapse.laws.random_walk`: the variance of an
unbiased estimate after T generations, in units of that of one fit to the n_0 real samples.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from collapse import _checks, schedules
from collapse.laws import random_walk

__all__ = ["Plan", "noise_for", "plan"]

_EXACT_TERMS = 10**5
_LARGEST_EXPONENT = 60.0


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
    which that holds: 1 + ζ(e) = ``noise``, and a little more where rounding costs something.

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
    steps, added = horizon - 1, noise - 1
    share = n * steps / added
    if share > _checks.MAX_SIZE / horizon:
        raise ValueError(f"noise must be larger: {noise} takes {share:.3g} samples a generation")
    low = max(int(np.floor(share)), 1)
    if low * added >= n * steps:  # met by the smaller of the two sizes alone
        few = steps
    else:
        # k generations of `low`, the rest of one more: k n/low + (steps − k) n/(low + 1) <= added.
        few = int(np.floor((added / n - steps / (low + 1)) * low * (low + 1)))
        few = min(max(few, 0), steps)
    sizes = np.array([n] + [low] * few + [low + 1] * (steps - few))
    while random_walk.noise_sum(sizes, horizon) > noise and few > 0:  # rounding at the edge
        few -= 1
        sizes[1 + few] = low + 1
    return Plan(
        tuple(sizes.tolist()),
        float(random_walk.noise_sum(sizes, horizon)),
        int(sizes[1:].sum()),
        None,
    )


def _any_time(n, noise):
    if 1 + special.zeta(_LARGEST_EXPONENT) >= noise:
        raise ValueError(f"noise must exceed 2 by more, got {noise}: no power of t reaches it")
    exponent = optimize.brentq(
        lambda e: 1 + special.zeta(e) - noise, 1 + 1e-7, _LARGEST_EXPONENT, xtol=1e-13
    )
    bound = _total_noise(n, exponent)
    while bound > noise:  # rounding to integers may cost a little noise
        exponent = 1 + (exponent - 1) * (1 + 1e-4)
        bound = _total_noise(n, exponent)
    return Plan(schedules.power(n, exponent), bound, None, float(exponent))


def _total_noise(n, exponent):
    """Return an upper bound on S_∞ of the rounded schedule n t^exponent.

    The first sizes are taken as they are; later ones are at least n t^e − ½.
    """
    terms = _EXACT_TERMS
    while terms > 2 and exponent * np.log(terms) + np.log(n) > 43:  # sizes up to 2⁶²
        terms //= 2
    first = float(random_walk.noise_sum(schedules.power(n, exponent), terms))
    tail = special.zeta(exponent, terms)
    return (first + tail / (1 - 0.5 / (n * float(terms) ** exponent))) * (1 + 1e-12)
