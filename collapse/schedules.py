"""Sample sizes per generation.

A schedule is a callable: its value at t = 0, 1, ... is the number of samples drawn *from*
generation t *to fit* generation t + 1. Wherever the package takes a sample size it takes an int,
a sequence with one size per generation, or a schedule.
"""

import numbers
from dataclasses import asdict, dataclass

import numpy as np

from collapse import _checks

__all__ = ["Schedule", "constant", "geometric", "log_power", "power", "resolve"]

MAX_GENERATIONS = 10**8
"""In one run: the sizes of so many take 800 MB."""


@dataclass(frozen=True)
class Schedule:
    """Sample size n_t = round(n c_t), at least n, at most ``maximum``.

    ``kind`` names the growth c_t, ``growth`` is its exponent (>= 0) or ratio (>= 1). Make one with
    `constant`, `power`, `log_power` or `geometric`.
    """

    kind: str
    n: int
    growth: float
    maximum: int | None = None

    def __post_init__(self):
        _checks.choice(self.kind, "kind", tuple(_GROWTH))
        n = _checks.integer(self.n, "n", low=1, high=_checks.MAX_SIZE)
        low = 1.0 if self.kind == "geometric" else 0.0
        growth = _checks.real(self.growth, "growth", low=low)
        maximum = self.maximum
        if maximum is not None:
            maximum = _checks.integer(maximum, "maximum", low=n, high=_checks.MAX_SIZE)
        for name, value in (("n", n), ("growth", growth), ("maximum", maximum)):
            object.__setattr__(self, name, value)  # as Python numbers

    def __call__(self, t):
        """Return the sizes at the generations ``t``.

        Parameters
        ----------
        t : int or array of int, >= 0

        Returns
        -------
        numpy.ndarray of int64, the shape of ``t`` (a scalar array for an int)

        Raises
        ------
        TypeError, ValueError
            If ``t`` is not a non-negative integer, or a size exceeds 2**62 with no ``maximum``.
        """
        t = _checks.integers(t, "t", low=0).astype(float)
        with np.errstate(over="ignore"):  # an overflow to infinity is caught below, or capped
            sizes = self.n * np.maximum(_GROWTH[self.kind](t, self.growth), 1.0)
        sizes = np.rint(sizes)
        if self.maximum is not None:
            sizes = np.minimum(sizes, self.maximum)
        elif np.any(sizes > _checks.MAX_SIZE):
            raise ValueError(
                f"sample_size must be at most 2**62; {self} exceeds it by generation "
                f"{int(np.min(t[sizes > _checks.MAX_SIZE]))}: shorten the run or set maximum="
            )
        # Floats are coarser than integers above 2**53: keep to the bounds as integers.
        high = _checks.MAX_SIZE if self.maximum is None else self.maximum
        return np.clip(sizes.astype(np.int64), self.n, high)

    def describe(self):
        """Return the schedule as a dict from which `from_description` makes it again."""
        return asdict(self)


def _log_power(t, exponent):
    # t = 0 and t = 1 give 1 whatever the exponent; log(t) is only taken where it is positive.
    inside = np.maximum(t, 2.0)
    return np.where(t < 2, 1.0, inside * np.log(inside) ** exponent)


_GROWTH = {
    "constant": lambda t, growth: np.ones_like(t),
    "power": lambda t, growth: np.maximum(t, 1.0) ** growth,
    "log_power": _log_power,
    "geometric": lambda t, growth: growth**t,
}


def constant(n, *, maximum=None):
    """Return the schedule n_t = n, for an int n >= 1."""
    return Schedule("constant", n, 0.0, maximum)


def power(n, exponent, *, maximum=None):
    """Return the schedule n_t = n max(t, 1)^exponent, exponent >= 0.

    Raises TypeError or ValueError if n is not an int >= 1 or the exponent is negative.
    """
    return Schedule("power", n, _checks.real(exponent, "exponent", low=0.0), maximum)


def log_power(n, exponent, *, maximum=None):
    """Return the schedule n_t = n max(1, t log(t)^exponent), exponent >= 0.

    Σ 1/n_t is finite exactly when exponent > 1. Raises as `power`.
    """
    return Schedule("log_power", n, _checks.real(exponent, "exponent", low=0.0), maximum)


def geometric(n, ratio, *, maximum=None):
    """Return the schedule n_t = n ratio^t, ratio >= 1. Raises as `power`."""
    return Schedule("geometric", n, _checks.real(ratio, "ratio", low=1.0), maximum)


def from_description(description):
    """Return the schedule that `Schedule.describe` described."""
    return Schedule(**description)


def check_generations(k, sample_size, *, name="k", low=0):
    """Return generations as an int64 array: each >= ``low``, as in `_checks.integers`.

    Where the sizes change, they are held one by one, and there are at most 10⁸.
    """
    high = None if isinstance(sample_size, numbers.Integral) else MAX_GENERATIONS
    return _checks.integers(k, name, low=low, high=high)


def resolve(sample_size, generations, *, name="sample_size", low=1):
    """Return the sizes of the first ``generations`` generations, as an int64 array.

    Parameters
    ----------
    sample_size : int, sequence of int, or schedule
        A sequence may be longer than needed; a schedule is any callable on an array of t.
    generations : int in [0, 10⁸]
    name : str
        What the argument is called in an error message.
    low : int >= 0
        The smallest size that can be fitted.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer in [low, 2**62], or the sequence is too short.
    """
    if not _checks.text(name, "name").isidentifier():
        raise ValueError(f"name must be that of an argument, got {_checks.shown(name)}")
    low = _checks.integer(low, "low", low=0, high=_checks.MAX_SIZE)
    generations = _checks.integer(generations, "generations", low=0, high=MAX_GENERATIONS)
    if isinstance(sample_size, (str, bytes, type)) or sample_size is None:
        raise TypeError(
            f"{name} must be an int >= {low}, a sequence of them or a schedule, got "
            f"{_checks.shown(sample_size)}"
        )
    if callable(sample_size):
        sizes = np.asarray(sample_size(np.arange(generations)))
        if sizes.shape != (generations,):
            raise ValueError(
                f"{name} must be a schedule that returns one size per generation: for "
                f"{generations} generations it returned shape {sizes.shape}"
            )
        return _checks.integers(sizes, name, low=low)
    if isinstance(sample_size, numbers.Number):
        size = _checks.integer(sample_size, name, low=low, high=_checks.MAX_SIZE)
        return np.full(generations, size)
    sizes = _checks.integers(sample_size, name, low=low)
    if sizes.ndim != 1:
        raise ValueError(
            f"{name} must be one-dimensional, got shape {sizes.shape}; for one size give an int"
        )
    if len(sizes) < generations:
        raise ValueError(
            f"{name} must hold at least {generations} sizes, one per generation; got {len(sizes)}"
        )
    return sizes[:generations]
