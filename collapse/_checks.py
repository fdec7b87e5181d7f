"""Argument checks: one clear error that names the argument and the allowed range.

Every public function checks its arguments here before it does any work, so that a wrong call
costs nothing and leaves nothing behind.
"""

import numbers

import numpy as np

MAX_SIZE = 2**62
MAX_SAMPLES = 2**30  # of all replications of a block, held at once: 8 GB of numbers
_MAX_DIMENSIONS = 16  # laws add some, and NumPy has an end at 32


def integer(value, name, *, low=None, high=None):
    """Return ``value`` as an int in [low, high], 2**62 where ``high`` is None.

    Raises
    ------
    TypeError
        If it is not an integer (booleans and floats such as ``10.0`` are not).
    ValueError
        If it is out of range.
    """
    allowed = f"an integer {_interval(low, high)}"
    if not _is_number(value, numbers.Integral):
        raise TypeError(f"{name} must be {allowed}, got {shown(value)}")
    value = int(value)
    if high is None and value > MAX_SIZE:
        high, allowed = MAX_SIZE, f"an integer {_interval(low, MAX_SIZE)}"
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(f"{name} must be {allowed}, got {shown(value)}")
    return value


def real(value, name, *, low=-np.inf, high=np.inf, open_low=False, open_high=False):
    """Return ``value`` as a finite float in the given interval.

    Raises
    ------
    TypeError
        If it is not a real number.
    ValueError
        If it is NaN, infinite or out of range.
    """
    if not _is_number(value, numbers.Real):
        raise TypeError(f"{name} must be a real number, got {shown(value)}")
    try:
        value = float(value)
    except OverflowError:  # an int beyond the floats
        value = np.inf if value > 0 else -np.inf
    return float(reals(value, name, low=low, high=high, open_low=open_low, open_high=open_high))


def reals(
    values, name, *, low=-np.inf, high=np.inf, open_low=False, open_high=False, infinite=False
):
    """Return ``values`` as a float array with every entry in the given interval.

    ``infinite=True`` also admits infinite entries (within the interval). Raises as `real`.
    """
    array = _numeric(values, name, "real numbers").astype(float)
    lower = array > low if open_low else array >= low
    upper = array < high if open_high else array <= high
    # A comparison with NaN is false, so NaN fails here as well.
    good = lower & upper if infinite else lower & upper & np.isfinite(array)
    if not np.all(good):
        left = "(" if open_low or (low == -np.inf and not infinite) else "["
        right = ")" if open_high or (high == np.inf and not infinite) else "]"
        finite = "" if infinite else "finite and "
        bad = array[~good].flat[0]
        raise ValueError(f"{name} must be {finite}in {left}{low:g}, {high:g}{right}, got {bad}")
    return array


def integers(values, name, *, low=None, high=None):
    """Return ``values`` as an int64 array with every entry in [low, high]. Raises as `integer`."""
    array = _numeric(values, name, "integers")
    if array.size == 0:
        return array.astype(np.int64)  # NumPy calls an empty list real
    allowed = f"integers {_interval(low, high)}"
    high = MAX_SIZE if high is None else high
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be {allowed}, got {array.dtype} values")
    smallest, largest = int(array.min()), int(array.max())
    if low is not None and smallest < low:
        raise ValueError(f"{name} must be {allowed}, got {smallest}")
    if largest > high:
        raise ValueError(f"{name} must be integers {_interval(low, high)}, got {largest}")
    return array.astype(np.int64)


def counts(values, name):
    """Return ``values`` as a vector of integers >= 0 with a positive sum. Raises as `integer`."""
    array = _vector(integers(values, name, low=0), name)
    total = array.sum(dtype=float)
    if not 0 < total <= MAX_SIZE:
        raise ValueError(f"{name} must have a sum in [1, 2**62], got {total:.0f}")
    return array


def distribution(values, name):
    """Return ``values`` as a vector of floats in [0, 1] whose sum is 1. Raises as `real`."""
    array = _vector(reals(values, name, low=0.0, high=1.0), name)
    total = array.sum()
    if abs(total - 1) > 1e-9:
        raise ValueError(f"{name} must sum to 1, up to 1e-9, got {total:.10g}")
    return array


def room(replications, size):
    """Check that so many samples in each of so many replications can be held at once.

    Raises
    ------
    ValueError
        If they cannot.
    """
    if replications * int(size) > MAX_SAMPLES:
        raise ValueError(
            "sample_size must be smaller, or replications: the samples themselves are needed here, "
            f"and {replications} times {size} are more than the 2**30 of one block"
        )


def choice(value, name, allowed):
    """Return ``value`` if it is one of ``allowed``.

    Raises
    ------
    ValueError
        If it is not.
    """
    plain = isinstance(value, str) or _is_number(value, numbers.Real)
    if not plain or value not in allowed:
        options = ", ".join(repr(option) for option in allowed)
        raise ValueError(f"{name} must be one of {options}, got {shown(value)}")
    return allowed[allowed.index(value)]  # 1, where 1.0 or a NumPy 1 was given


def text(value, name):
    """Return ``value`` if it is a str. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {shown(value)}")
    return value


def flag(value, name):
    """Return ``value`` if it is True or False. Raises TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return value


def broadcast(**arrays):
    """Return the common shape of arrays given by name. Raises ValueError if there is none."""
    try:
        return np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"shapes must broadcast with one another, got {shapes}") from None


def broadcast_arrays(**arrays):
    """Return arrays given by name, all of their common shape. Raises as `broadcast`."""
    broadcast(**arrays)
    return np.broadcast_arrays(*arrays.values())


def shown(value):
    """Return ``value`` for an error message: on one line, and not too long."""
    try:
        line = " ".join(repr(value).split())
    except Exception:  # an int of 5000 digits, an object that cannot be shown
        return f"a value of type {type(value).__name__}"
    return line if len(line) <= 200 else f"{line[:200]}..."


def _is_number(value, kind):
    # To Python a truth value is an integer, to NumPy a span of time is one.
    wrong = isinstance(value, (bool, np.bool_, np.timedelta64))
    return isinstance(value, kind) and not wrong


def _vector(array, name):
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be one-dimensional and not empty, got shape {array.shape}")
    return array


def _numeric(values, name, what):
    # NumPy would read [2, True] as [2, 1], and what is behind a mask as any other number.
    listed = values if isinstance(values, (list, tuple)) else ()
    wrong = any(isinstance(v, (bool, np.bool_)) for v in listed) or np.ma.is_masked(values)
    try:
        array = None if wrong else np.asarray(values)
    except (TypeError, ValueError):  # ragged nesting, or no array at all
        array = None
    if array is None or array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be {what}, got {shown(values)}")
    if array.ndim > _MAX_DIMENSIONS:
        raise ValueError(f"{name} must have at most {_MAX_DIMENSIONS} dimensions, got {array.ndim}")
    return array


def _interval(low, high):
    if low is None and high is None:
        return "of any sign"
    return f"in [{low}, {high}]" if high is not None else f">= {low}"
