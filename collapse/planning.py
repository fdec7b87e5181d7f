"""How much data? From a target to sample sizes that `recursive_training` takes.

Two ways to say what must not happen. `plan` takes a noise S_T = Σ_{t < T} n_0/n_t of
`collapse.laws.random_walk`: the variance of an unbiased estimate after T generations, in units of
that of one fit to the n_0 real samples. `SymbolLost`, `ScaleBelow` and `MeanOff` are events whose
probability, the *risk*, is known exactly; `time_to`, `smallest_sample_size`, `smallest_exponent`
and `smallest_fresh_fraction` find what keeps it small.
"""

import math
import numbers
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import optimize, stats

from collapse import _checks, schedules
from collapse.laws import excitation, gaussian, random_walk, wright_fisher

__all__ = [
    "MeanOff",
    "Plan",
    "ScaleBelow",
    "SymbolLost",
    "cost",
    "noise_for",
    "plan",
    "smallest_exponent",
    "smallest_fresh_fraction",
    "smallest_sample_size",
    "time_to",
]

_MAX_SAMPLE_SIZE = 10**12  # considered by smallest_sample_size

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
    with np.errstate(over="ignore", under="ignore"):  # infinite noise does no harm, or all of it
        return float(n * np.square(np.float64(error) / std) / stats.chi2.isf(probability, dim))


@dataclass(frozen=True)
class SymbolLost:
    """The event that a symbol is missing from the samples of a generation.

    Parameters
    ----------
    p : float in (0, 1)
        Its share at the start, and in the source of fresh samples.
    """

    p: float

    min_sample_size = 1

    def __post_init__(self):
        _checks.real(self.p, "p", low=0.0, high=1.0, open_low=True, open_high=True)

    def risk(self, sample_size, generations, *, fresh_fraction=0.0):
        """Return its probability, by `laws.wright_fisher` or, with fresh samples, `excitation`.

        Parameters
        ----------
        sample_size : int, sequence of int, or schedule; with fresh samples an int up to 2000
        generations : array of int >= 1
        fresh_fraction : float in [0, 1]

        Returns
        -------
        numpy.ndarray of float, the shape of ``generations``
        """
        fraction = _checks.real(fresh_fraction, "fresh_fraction", low=0.0, high=1.0)
        if fraction > 0:
            _checks.integer(sample_size, "sample_size", low=1, high=2000)
            generations = _checks.integers(generations, "generations", low=1, high=10**6)
            return excitation.pmf(self.p, self.p, sample_size, fraction, generations)[..., 0]
        generations = _check_generations(sample_size, generations, low=1)
        return 1 - wright_fisher.survival(self.p, sample_size, generations)


@dataclass(frozen=True)
class ScaleBelow:
    """The event that a fitted Gaussian standard deviation is at most a share of the true one.

    Parameters
    ----------
    ratio : float in (0, 1)
    ddof : {0, 1}
        Divisor n − ddof of the variance.
    """

    ratio: float
    ddof: int = 1

    min_sample_size = 2

    def __post_init__(self):
        _checks.real(self.ratio, "ratio", low=0.0, high=1.0, open_low=True, open_high=True)
        _checks.choice(self.ddof, "ddof", (0, 1))

    def risk(self, sample_size, generations, *, fresh_fraction=0.0):
        """Return its probability, by `laws.gaussian`. Arguments as for `SymbolLost`.

        Raises ValueError for a fresh fraction above 0: there is no exact law.
        """
        _no_fresh(fresh_fraction)
        generations = _check_generations(sample_size, generations, low=2)
        return gaussian.std_cdf(self.ratio, sample_size, generations, ddof=self.ddof)


@dataclass(frozen=True)
class MeanOff:
    """The event that a fitted Gaussian mean, of known covariance, is further off than an error.

    Parameters
    ----------
    error : float > 0
    std : float > 0
        Standard deviation of each coordinate of a sample.
    dim : int >= 1
    """

    error: float
    std: float = 1.0
    dim: int = 1

    min_sample_size = 1

    def __post_init__(self):
        _checks.real(self.error, "error", low=0.0, open_low=True)
        _checks.real(self.std, "std", low=0.0, open_low=True)
        _checks.integer(self.dim, "dim", low=1)

    def risk(self, sample_size, generations, *, fresh_fraction=0.0):
        """Return its probability: the tail of a chi-squared law. Arguments as for `SymbolLost`.

        Raises ValueError for a fresh fraction above 0: there is no exact law.
        """
        _no_fresh(fresh_fraction)
        generations = _check_generations(sample_size, generations, low=1)
        _checks.integers(generations, "generations", high=schedules.MAX_GENERATIONS)
        noise = random_walk.noise_sum(sample_size, generations)
        first = schedules.resolve(sample_size, 1)[0]
        return random_walk.deviation_sf(
            self.error, noise, first, dim=self.dim, std=self.std
        )


def cost(sample_size, generations):
    """Return the number of samples drawn in so many generations, Σ_{t < T} n_t.

    Parameters
    ----------
    sample_size : int, sequence of int, or schedule
    generations : int >= 0

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    generations = _checks.integer(generations, "generations", low=0, high=10**8)
    return int(sum(schedules.resolve(sample_size, generations).tolist()))


def time_to(event, sample_size, probability, *, horizon, fresh_fraction=0.0):
    """Return the first generation whose risk exceeds a probability.

    Parameters
    ----------
    event : SymbolLost, ScaleBelow or MeanOff
    sample_size : int, sequence of int, or schedule
    probability : float in (0, 1)
    horizon : int >= 1
        The last generation considered. Every one is looked at, in blocks that double.
    fresh_fraction : float in [0, 1]
        For `SymbolLost` alone.

    Returns
    -------
    int or None
        None if no generation up to ``horizon`` has such a risk.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or the law is too costly.
    """
    _check_event(event)
    probability = _checks.real(
        probability, "probability", low=0.0, high=1.0, open_low=True, open_high=True
    )
    horizon = _checks.integer(horizon, "horizon", low=1, high=10**8)
    first, length = 1, 32
    while first <= horizon:
        generations = np.arange(first, min(first + length, horizon + 1))
        above = event.risk(sample_size, generations, fresh_fraction=fresh_fraction) > probability
        if above.any():
            return int(generations[above.argmax()])
        first, length = first + length, 2 * length
    return None


def smallest_sample_size(event, generations, probability):
    """Return the smallest constant sample size with a risk of at most a probability.

    Parameters
    ----------
    event : SymbolLost, ScaleBelow or MeanOff
    generations : int >= 1
        The generation whose risk counts.
    probability : float in (0, 1)

    Returns
    -------
    int
        n: its risk is at most ``probability``, that of n − 1 is not (found by bisection: the risk
        falls as n grows).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, no n up to 10^12 will do, or the law
        is too costly.
    """
    _check_event(event)
    generations = _checks.integer(generations, "generations", low=1)
    probability = _checks.real(
        probability, "probability", low=0.0, high=1.0, open_low=True, open_high=True
    )

    def fine(n):
        return event.risk(n, generations) <= probability

    low = event.min_sample_size
    if fine(low):
        return low
    high = 2 * low
    while not fine(high):
        low, high = high, 2 * high
        if high > _MAX_SAMPLE_SIZE:
            raise ValueError(
                "probability must be larger: no sample size up to 10^12 makes the risk of the "
                f"event {event} at generation {generations} at most {probability}"
            )
    while high > low + 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fine(middle) else (middle, high)
    return high


def smallest_exponent(event, sample_size, generations, probability):
    """Return the smallest e for which n_t = n max(t, 1)^e has a risk of at most a probability.

    Parameters
    ----------
    event : SymbolLost, ScaleBelow or MeanOff
    sample_size : int
        n, the number of real samples.
    generations : int >= 1
        The generation whose risk counts.
    probability : float in (0, 1)

    Returns
    -------
    float or None
        To 1e-6, from above; 0.0 if constant sizes will do; None if e = 20 misses the target. As
        n_0 = n_1 = n, that is so if two generations of n miss it.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or the law is too costly.
    """
    _check_event(event)
    n = _checks.integer(sample_size, "sample_size", low=event.min_sample_size)
    generations = _checks.integer(generations, "generations", low=1)
    probability = _checks.real(
        probability, "probability", low=0.0, high=1.0, open_low=True, open_high=True
    )

    def fine(exponent):
        # Beyond 10^15 a larger sample changes nothing that a float could show.
        sizes = schedules.power(n, exponent, maximum=max(n, 10**15))
        return event.risk(sizes, generations) <= probability

    if fine(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while not fine(high):
        if high >= 20:
            return None
        low, high = high, min(2 * high, 20.0)
    while high > low + 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if fine(middle) else (middle, high)
    return high


def smallest_fresh_fraction(event, sample_size, probability):
    """Return the smallest fresh fraction whose stationary risk is at most a probability.

    For how far a share strays see `collapse.laws.excitation.smallest_fraction`.

    Parameters
    ----------
    event : SymbolLost
    sample_size : int in [1, 2000]
    probability : float in (0, 1)

    Returns
    -------
    float or None
        α, to 1e-9 of itself, from above; None if even independent draws (α = 1) have a larger risk.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    if not isinstance(event, SymbolLost):
        raise TypeError(
            f"event must be a SymbolLost: only its law is known, got {_checks.shown(event)}"
        )
    if event.p < excitation._SMALLEST:
        raise ValueError(f"event must have a share p of at least 1e-100, got {event}")
    n = _checks.integer(sample_size, "sample_size", low=1, high=2000)
    probability = _checks.real(
        probability, "probability", low=0.0, high=1.0, open_low=True, open_high=True
    )

    def excess(log_fraction):
        risk = excitation.stationary_pmf(event.p, n, math.exp(log_fraction))[0]
        with np.errstate(over="ignore"):
            return math.log(max(risk, 1e-300) / probability)  # the risk may underflow

    if excess(0.0) > 0:
        return None
    least = math.log(1e-15)
    if excess(least) <= 0:
        raise ValueError(
            f"probability must be smaller than {1 - event.p}, the share of the time that the "
            f"symbol of the event is missing with next to no fresh samples; got {probability}"
        )
    root = optimize.brentq(excess, least, 0.0, xtol=1e-10)
    while excess(root) > 0:  # from above
        root += 1e-9
    return math.exp(min(root, 0.0))


def _check_event(event):
    if not isinstance(event, (SymbolLost, ScaleBelow, MeanOff)):
        raise TypeError(
            f"event must be a SymbolLost, ScaleBelow or MeanOff, got {_checks.shown(event)}"
        )


def _check_generations(sample_size, generations, low):
    """Return checked generations >= 1, to which the sizes, each at least ``low``, must reach.

    The laws check them as well, but call them something else.
    """
    generations = schedules.check_generations(generations, sample_size, name="generations", low=1)
    constant = isinstance(sample_size, numbers.Integral)
    schedules.resolve(sample_size, 1 if constant else int(generations.max(initial=1)), low=low)
    return generations


def _no_fresh(fresh_fraction):
    if _checks.real(fresh_fraction, "fresh_fraction", low=0.0, high=1.0) > 0:
        raise ValueError("fresh_fraction must be 0 here: there is no exact law with fresh samples")


def _fixed(n, noise, horizon):
    # In exact fractions: in floats, whether the target is met would be a matter of rounding.
    steps, added = horizon - 1, Fraction(noise) - 1
    share = n * steps / added
    if share > _checks.MAX_SIZE / horizon:
        raise ValueError(
            f"noise must be larger, or sample_size smaller: {noise} takes {float(share):.3g} "
            "samples a generation"
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
