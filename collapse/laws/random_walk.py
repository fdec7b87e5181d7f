"""The refitted Gaussian mean: a random walk in d dimensions.

The mean of N(θ*, σ²I) is estimated by the sample mean, from n = n_0 real samples first and from
n_t samples of generation t later. With independent standard normal vectors Z_t,

    θ_T − θ* = σ Σ_{t<T} Z_t/√n_t ~ N(0, σ²S_T/n · I),    S_T = Σ_{t<T} n_0/n_t.

S_1 = 1 is the noise of one fit to real data, ρ = S_T − 1 what synthetic training adds to it.
Schedules are an int, a sequence with one size per generation, or a schedule
(`collapse.schedules`). Other arguments broadcast.
"""

import numbers
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import special

from collapse import _checks, schedules
from collapse.laws import _log_gamma

__all__ = [
    "Total",
    "against_independent",
    "deviation_sf",
    "improvement_probability",
    "log_improvement_probability",
    "noise_sum",
    "total_noise",
]

_MAX_HORIZON = 10**8
_BLOCK = 2**20  # generations that are summed at a time
_HEAD = 2**17  # generations that are summed one by one before an integral takes over
_UNDERFLOW = -600.0  # logarithm below which the incomplete beta function may underflow
_LAGUERRE = np.polynomial.laguerre.laggauss(16)
_NEGLIGIBLE = -42.0  # logarithm of a term that no sum of 10³ notices
_AGREEMENT = 1e-14
_MAX_NODES = 2**16
_ELEMENTS = 2**18  # working set of one vectorised evaluation


class Total(NamedTuple):
    """A sum to infinity: the true value is within ``error`` of ``value``."""

    value: float
    error: float


def noise_sum(schedule, T):
    """Return S_T = Σ_{t<T} n_0/n_t, with the sizes as they are drawn: rounded to integers.

    Relative error at most 1e-15, however many terms there are: the rounding errors of the running
    sum are summed as well. Time grows linearly with the largest T (about 0.1 s per million
    generations), memory does not; for an int, S_T = T at once.

    Parameters
    ----------
    schedule : int, sequence of int, or schedule; >= 1
    T : array of int in [0, 10⁸]
        Number of fits; S_0 = 0, S_1 = 1.

    Returns
    -------
    numpy.ndarray of float, the shape of T

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, a sequence is shorter than T, or a
        schedule exceeds 2**62 before generation T.
    """
    T = _checks.integers(T, "T", low=0, high=_MAX_HORIZON)
    if isinstance(schedule, numbers.Integral):
        _checks.integer(schedule, "schedule", low=1, high=_checks.MAX_SIZE)
        return T.astype(float)[()]
    last = int(T.max(initial=0))
    if not callable(schedule) or isinstance(schedule, type):
        schedule = schedules.resolve(schedule, last, name="schedule").__getitem__
    out = np.zeros(T.shape)
    first, total, carry = None, 0.0, 0.0
    for start in range(0, last, _BLOCK):
        count = min(_BLOCK, last - start)
        later = partial(_shifted, schedule, start)
        sizes = schedules.resolve(later, count, name="schedule")
        first = sizes[0] if first is None else first
        terms = np.append(total, first / sizes)
        sums = np.cumsum(terms)
        # What each addition lost, exactly (Knuth's two-sum), summed in the same way.
        gained = np.diff(sums)
        lost = (sums[:-1] - (sums[1:] - gained)) + (terms[1:] - gained)
        errors = carry + np.append(0.0, np.cumsum(lost))
        here = (T > start) & (T <= start + count)
        out[here] = (sums + errors)[T[here] - start]
        total, carry = sums[-1], errors[-1]
    return out[()]


def _shifted(schedule, start, t):
    return schedule(start + t)


def total_noise(schedule):
    """Return S_∞ = Σ_t n_0/n_t with a bound on its error; infinite if the sum diverges.

    The first 2^17 terms have the rounded sizes. The rest is the sum of 1/c_t, a convex function of
    t, by the trapezoid rule: with its integral I, its value f and its slope f' at the first t left
    out, the sum is between I + f/2 and I + f/2 − f'/8. Rounding n c_t to an integer changes 1/c_t
    by at most 1/(2n c_t²)/(1 − 1/(2n c_t)). The limit of 2**62 on a size is not applied.

    Parameters
    ----------
    schedule : int or a schedule of `collapse.schedules`

    Returns
    -------
    Total, a named pair (value, error) of floats
        The relative error of n t^e is below 1e-11/n + 2e-14 for e >= 1.5, below 1e-5/n for any e.

    Raises
    ------
    TypeError, ValueError
        If it is neither: a sequence ends, and of another callable nothing is known at infinity.
    """
    if isinstance(schedule, numbers.Integral):
        _checks.integer(schedule, "schedule", low=1, high=_checks.MAX_SIZE)
        return Total(np.inf, 0.0)
    if not isinstance(schedule, schedules.Schedule):
        raise TypeError(
            "schedule must be an int or made by collapse.schedules, of which the sizes at infinity "
            f"are known, got {_checks.shown(schedule)}"
        )
    kind, n, growth = schedule.kind, schedule.n, schedule.growth
    if schedule.maximum is not None or kind == "constant" or growth <= 1:
        return Total(np.inf, 0.0)
    with np.errstate(over="ignore", under="ignore"):  # 1/inf is the right term
        growths = np.maximum(schedules._GROWTH[kind](np.arange(_HEAD + 1.0), growth), 1.0)
        head = np.sum(n / np.rint(n * growths[:-1]))
        f = 1 / growths[-1]
        integral, slope = _tail(kind, growth, f)
        rounding = (f * f + f * integral) / (2 * n * (1 - f / (2 * n)))  # Σ 1/c_t² <= f² + f I
        value = head + integral + f / 2 + slope / 16
        return Total(float(value), float(slope / 16 + rounding + 1e-14 * value))


def _tail(kind, growth, f):
    """Return ∫ 1/c from _HEAD to infinity and −(1/c)' at _HEAD, where 1/c = f."""
    log_t = np.log(_HEAD)
    if kind == "power":
        return _HEAD * f / (growth - 1), growth * f / _HEAD
    if kind == "log_power":
        return _HEAD * log_t * f / (growth - 1), (1 + growth / log_t) * f / _HEAD
    return f / np.log(growth), f * np.log(growth)


def deviation_sf(x, noise, n, *, dim=1, std=1.0):
    """Return Pr(‖θ_T − θ*‖ > x) = Pr(χ²_d > n x²/(σ² S_T)), d = dim.

    Parameters
    ----------
    x : array of float, not NaN
    noise : array of float >= 0
        S_T, from `noise_sum`, or S_∞; may be infinite.
    n : array of int >= 1
        n_0, the number of real samples.
    dim : array of int >= 1
    std : array of float > 0
        σ, of each coordinate.

    Returns
    -------
    numpy.ndarray of float, the broadcast shape; relative error at most 1e-12 for dim <= 1000

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    level, dim = _squared_ratio(x, noise, n, dim, std)
    return special.gammaincc(dim / 2, level / 2)[()]


def _squared_ratio(x, noise, n, dim, std):
    """Return n x²/(σ² S), 0 for x < 0, and the dimension, after checks."""
    x = _checks.reals(x, "x", infinite=True)
    noise = _checks.reals(noise, "noise", low=0.0, infinite=True)
    n = _checks.integers(n, "n", low=1)
    dim = _checks.integers(dim, "dim", low=1)
    std = _checks.reals(std, "std", low=0.0, open_low=True)
    _checks.broadcast(x=x, noise=noise, n=n, dim=dim, std=std)
    with np.errstate(all="ignore"):  # 0/0 and ∞/∞ are settled after
        level = np.maximum(x / std, 0.0) ** 2 * (n / noise)
    # No noise is a certain 0, which is greater than no x >= 0.
    certain = ((noise == 0) & (x >= 0)) | (x == np.inf)
    return np.where(certain, np.inf, np.where(x < 0, 0.0, level)), dim


def improvement_probability(rho, *, dim=1, cov=None):
    """Return Pr(‖θ_T − θ*‖ < ‖θ_1 − θ*‖), the chance that synthetic training beat its own start.

    For d equal variances it is

        Pr(t_d > √(dρ)/2) = ½ I_{4/(4+ρ)}(d/2, ½),    (1/π) arctan(2/√ρ) for d = 1.

    For a covariance C and Euclidean distance it is E Φ(−(√ρ/2) Z'CZ/√(Z'C²Z)), Z standard normal:
    it depends on the eigenvalues of C, up to scale, and lies between the value for d equal ones
    and that for d = 1. The event is that a quadratic form in 2d normal variables is negative; its
    moment generating function is inverted by the trapezoid rule on a line through the saddle
    point, in a few ms for each ρ.

    Parameters
    ----------
    rho : array of float > 0
        S_T − 1.
    dim : array of int >= 1
        Ignored if ``cov`` is given.
    cov : (d, d) array, symmetric and positive semidefinite, not 0, or (d,) array of eigenvalues
        Only ratios matter. Directions without variance do not count; eigenvalues of a matrix
        below d times 2e-16 of the largest, all rounding, are such.

    Returns
    -------
    numpy.ndarray of float in (0, ½), the broadcast shape of ``rho`` and ``dim`` (of ``rho``, with
    ``cov``)
        Relative error at most 1e-12 for d <= 10⁶ (1e-11 with ``cov``); 0 where it underflows.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    if cov is not None:
        with np.errstate(under="ignore"):
            return np.exp(log_improvement_probability(rho, cov=cov))
    return _student_tail(*_improvement_arguments(rho, dim))[()]


def log_improvement_probability(rho, *, dim=1, cov=None):
    """Return the logarithm of `improvement_probability`, also where that underflows.

    Its error is at most 1e-12 (1e-11 with ``cov``), or 1e-14 of its magnitude. Arguments, errors
    as `improvement_probability`.
    """
    if cov is not None:
        rho, _ = _improvement_arguments(rho, 1)
        spectrum = _spectrum(cov)
        values, index = np.unique(rho, return_inverse=True)
        log_p = np.array([_log_negative(value, *spectrum) for value in values.tolist()])
        return log_p[index.reshape(rho.shape)][()]
    rho, dim = np.broadcast_arrays(*_improvement_arguments(rho, dim))
    with np.errstate(divide="ignore"):
        out = np.array(np.log(_student_tail(rho, dim)))
    far = -dim / 2 * np.log1p(rho / 4) < _UNDERFLOW
    if np.any(far):
        out[far] = _log_far_tail(rho[far], dim[far] / 2)
    return out[()]


def _log_far_tail(rho, a):
    """Return log ½ I_x(a, ½), x = 4/(4 + ρ), where it is tiny.

    ½ I = x^a (1 − x)^{−½}/(2a B(a, ½)) · E (1 + (4/ρ)(1 − e^{−W/a}))^{−½} with W exponential, and
    the last factor is nearly constant.
    """
    log_beta = 0.5 * np.log(np.pi / a) - _log_gamma.log_moment(a, 0.5)
    nodes, weights = _LAGUERRE
    spread = -np.expm1(-nodes / a[..., None]) * 4 / rho[..., None]
    average = np.sum(weights / np.sqrt(1 + spread), axis=-1)
    return -a * np.log1p(rho / 4) + 0.5 * np.log1p(4 / rho) - np.log(2 * a) - log_beta + np.log(
        average
    )


def against_independent(noise, *, dim=1):
    """Return Pr(‖θ_T − θ*‖ < ‖θ'_1 − θ*‖) for an independent model θ'_1 fitted to n_0 real samples.

    It is F_{d,d}(1/S_T), F the distribution function of Fisher's law: ½ at S_T = 1. Against m
    real samples it is F_{d,d}(n_0/(m S_T)): give S_T m/n_0 for the noise.

    Parameters
    ----------
    noise : array of float > 0
        S_T.
    dim : array of int >= 1

    Returns
    -------
    numpy.ndarray of float, relative error at most 1e-12 for dim <= 1000

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    noise = _checks.reals(noise, "noise", low=0.0, open_low=True)
    half = _checks.integers(dim, "dim", low=1) / 2
    _checks.broadcast(noise=noise, dim=half)
    return special.betainc(half, half, 1 / (1 + noise))[()]


def _improvement_arguments(rho, dim):
    rho = _checks.reals(rho, "rho", low=0.0, open_low=True)
    dim = _checks.integers(dim, "dim", low=1)
    _checks.broadcast(rho=rho, dim=dim)
    return rho, dim


def _student_tail(rho, dim):
    # The smaller of 4/(4 + ρ) and its complement has the smaller rounding error.
    small = special.betaincc(0.5, dim / 2, rho / (4 + rho))
    return np.where(rho < 4, small, special.betainc(dim / 2, 0.5, 4 / (4 + rho))) / 2


def _spectrum(cov):
    """Return the different positive eigenvalues, in units of the largest, and their counts."""
    eigenvalues = _checks.reals(cov, "cov")
    rounding = 0.0
    if eigenvalues.ndim == 2 and eigenvalues.shape[0] == eigenvalues.shape[1] and eigenvalues.size:
        matrix = eigenvalues
        if not np.allclose(matrix, matrix.T, rtol=1e-10, atol=1e-14 * np.abs(matrix).max()):
            raise ValueError("cov must be symmetric")
        eigenvalues = np.linalg.eigvalsh(matrix)
        rounding = len(matrix) * np.finfo(float).eps
    elif eigenvalues.ndim != 1 or eigenvalues.size == 0:
        raise ValueError(
            "cov must be a square matrix or a vector of eigenvalues, got shape "
            f"{eigenvalues.shape}"
        )
    largest = eigenvalues.max()
    if largest <= 0 or eigenvalues.min() < -1e-12 * largest:
        raise ValueError("cov must be positive semidefinite, and not 0")
    eigenvalues = eigenvalues / largest
    return np.unique(eigenvalues[eigenvalues > rounding], return_counts=True)


def _log_negative(rho, eigenvalues, counts):
    """Return log Pr(Q < 0), Q = Σ_i λ_i (ρ w_i² + 2√ρ z_i w_i), with the largest λ_i = 1.

    In each direction Q is λ_i (m₊X² − m₋Y²), m₊ − m₋ = m₊m₋ = ρ, with independent standard normal
    X, Y. So with r = m₊/m₋ and u in units of 1/(2m₋),

        E e^{−uQ} = Π_i [(1 + r λ_i u)(1 − λ_i u)]^{−½},    Pr(Q < 0) = (1/2πi) ∫ E e^{−uQ} du/u

    along a vertical line between the pole at 0 and the first branch point, 1.
    """
    plus = rho / 2 + np.sqrt(rho) * np.sqrt(rho + 4) / 2
    ratio = plus * (plus / rho)
    y, gap = _saddle(ratio, eigenvalues, counts)
    left = ratio * eigenvalues / (1 + ratio * eigenvalues * y)
    right = eigenvalues / _distance(eigenvalues, gap)
    level = np.log(y) + 0.5 * (
        counts @ (np.log1p(ratio * eigenvalues * y) + np.log(_distance(eigenvalues, gap)))
    )
    # With the distance to the nearest singularity as its scale, u = y + i scale sinh v maps the
    # strip |Im v| < π/2 to the plane without two half lines: the trapezoid rule in v converges
    # exponentially.
    scale = min(y, gap)

    def integrand(v):
        """Return log modulus and phase of (E e^{−uQ}/u) du/dv, relative to the value at v = 0."""
        t = scale * np.sinh(v)[:, None]
        size = (np.log1p((left * t) ** 2) + np.log1p((right * t) ** 2)) @ counts / 4
        phase = (np.arctan(left * t) - np.arctan(right * t)) @ counts / 2
        t = t[:, 0] / y
        return np.log(np.cosh(v)) - size - 0.5 * np.log1p(t**2), phase + np.arctan(t)

    def total(v):
        step = max(1, _ELEMENTS // len(eigenvalues))
        parts = (integrand(v[start : start + step]) for start in range(0, len(v), step))
        return sum(np.sum(np.exp(log_size) * np.cos(phase)) for log_size, phase in parts)

    # Where to cut: the first point of a geometric grid beyond which the integrand is negligible.
    width = (0.5 * counts @ (left**2 + right**2) + y**-2) ** -0.5
    grid = np.arcsinh(width / scale) * 1.2 ** np.arange(80)
    grid = grid[grid < 250.0]
    alive = np.flatnonzero(integrand(grid)[0] > _NEGLIGIBLE)
    cut = grid[min(alive.max() + 1, len(grid) - 1)]
    nodes = 32
    sums = 0.5 + total(cut * np.arange(1, nodes) / nodes)
    value, previous = sums / nodes, np.inf
    while abs(value - previous) > _AGREEMENT * abs(value) and nodes < _MAX_NODES:
        sums += total(cut * (np.arange(nodes) + 0.5) / nodes)
        nodes *= 2
        value, previous = sums / nodes, value
    return np.log(value * cut * scale / np.pi) - level


def _saddle(ratio, eigenvalues, counts):
    """Return the u in (0, 1) at which the integrand is smallest, and 1 − u."""

    def slope(logit):
        u, gap = special.expit(logit), special.expit(-logit)
        outward = eigenvalues / _distance(eigenvalues, gap)
        return counts @ (outward - ratio * eigenvalues / (1 + ratio * eigenvalues * u)) / 2 - 1 / u

    low, high = -40.0, 40.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return special.expit(low), special.expit(-low)


def _distance(eigenvalues, gap):
    # 1 − λ u from the distances of λ and u to 1, so that a u close to 1 does no harm.
    return (1 - eigenvalues) + eigenvalues * gap
