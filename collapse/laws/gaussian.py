"""The refitted Gaussian: laws of its standard deviation Σ_k and of its mean μ_k.

With ν_t = n_t − 1, and n_t − ddof the divisor of the variance,

    Σ_{t+1}² = Σ_t² χ²_{ν_t}/(n_t − ddof),    μ_{t+1} = μ_t + Σ_t Z_t/√n_t,

where all χ² and Z are independent. Sample sizes ``n`` are an int, a sequence with one size per
generation, or a schedule (`collapse.schedules`); each is at least 2. Other arguments broadcast.
"""

import numbers
from functools import lru_cache

import numpy as np
from scipy import interpolate, linalg, special

from collapse import _checks, schedules
from collapse.laws import _log_gamma

__all__ = [
    "collapse_point_cdf",
    "decay_power",
    "decay_rate",
    "log_std_sf",
    "lyapunov_exponent",
    "mean_variance",
    "moment",
    "std_cdf",
    "std_ppf",
    "std_sf",
]

_MAX_QUANTILE = 10**9  # generations: beyond, log Σ_k takes all digits, and Newton's method sticks


def std_sf(x, n, k, *, std=1.0, ddof=1):
    """Return Pr(Σ_k > x), to a relative error of 1e-11 down to 1e-300.

    Numerical inversion of the moment generating function E Σ_k^{2z}, a product of ratios of
    Gamma functions, along the path of steepest descent (`collapse.laws._log_gamma`). About 0.1 ms
    a point for arrays of points at one n; time grows linearly with the number of different sizes.

    Parameters
    ----------
    x : array of float, not NaN
    n : int, sequence of int, or schedule; >= 2
    k : array of int >= 0
        Generation; k = 0 is the start.
    std : array of float > 0
        Σ_0.
    ddof : {0, 1}

    Returns
    -------
    numpy.ndarray of float, the broadcast shape of x, k and std

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    log_lower, log_upper = _log_tails(x, n, k, std, ddof)
    # Where the upper tail is the larger one it is 1 minus the lower one: no digits are lost.
    return np.where(np.isnan(log_upper), -np.expm1(log_lower), np.exp(log_upper))[()]


def std_cdf(x, n, k, *, std=1.0, ddof=1):
    """Return Pr(Σ_k <= x), to a relative error of 1e-11 down to 1e-300.

    Arguments and errors as `std_sf`.
    """
    log_lower, log_upper = _log_tails(x, n, k, std, ddof)
    return np.where(np.isnan(log_lower), -np.expm1(log_upper), np.exp(log_lower))[()]


def log_std_sf(x, n, k, *, std=1.0, ddof=1):
    """Return log Pr(Σ_k > x), also far beyond the smallest float. Arguments, errors as `std_sf`.

    The absolute error of the logarithm is at most 1e-13 of its magnitude, or 1e-11; below about
    −1e250 it is −inf.
    """
    log_lower, log_upper = _log_tails(x, n, k, std, ddof)
    with np.errstate(divide="ignore"):  # log1p(−1) where the tail is empty
        return np.where(np.isnan(log_upper), np.log1p(-np.exp(log_lower)), log_upper)[()]


def std_ppf(q, n, k, *, std=1.0, ddof=1):
    """Return the quantile x with Pr(Σ_k <= x) = q.

    Newton's method on the logarithm of the smaller tail. log χ² has a log-concave density, so
    sums of such variables have log-concave tails, and Newton's method started outside (from
    Chernoff's bound) converges monotonically.

    Parameters
    ----------
    q : array of float in [0, 1]
        Probability of the lower tail. q = 0 gives 0, q = 1 infinity.
    n, k, std, ddof
        As in `std_sf`, but k <= 10⁹.

    Returns
    -------
    numpy.ndarray of float
        Relative error at most 1e-12 (for q near 1 in the sense of the given 1 − q).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    q = _checks.reals(q, "q", low=0.0, high=1.0)
    k = _checks.integers(schedules.check_generations(k, n), "k", high=_MAX_QUANTILE)
    q, k, std = _checks.broadcast_arrays(q=q, k=k, std=_std(std))
    points = _Points(n, k, ddof)
    with np.errstate(divide="ignore"):
        log_ratio = np.where(q == 0, -np.inf, np.where(q == 1, np.inf, 0.0))
    inside = (q > 0) & (q < 1)
    for upper in (False, True):
        for rows, a, counts in points.groups(inside & ((q > 0.5) == upper)):
            target = np.log1p(-q[rows]) if upper else np.log(q[rows])
            log_ratio[rows] = _quantile(target, a, counts, upper) + points.shift[rows]
    return (std * np.exp(log_ratio / 2))[()]


def moment(power, n, k, *, std=1.0, ddof=1):
    """Return E Σ_k^power = Σ_0^power Π_t (2/(n_t−ddof))^{power/2} Γ((ν_t+power)/2)/Γ(ν_t/2).

    Parameters
    ----------
    power : array of float in [-1e100, 1e100]
        The moment is infinite for power <= −ν_t at some t < k.
    n, k, std, ddof
        As in `std_sf`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    power = _checks.reals(power, "power", low=-1e100, high=1e100)
    k = schedules.check_generations(k, n)
    power, k, std = _checks.broadcast_arrays(power=power, k=k, std=_std(std))
    points = _Points(n, k, ddof)
    log_moment = np.array(power / 2 * points.shift)
    for rows, a, counts in points.groups(np.ones(k.shape, dtype=bool)):
        finite = power[rows] / 2 > -a.min()
        # Clipped where the moment is infinite: the value is not used there.
        z = np.where(finite, power[rows] / 2, 0.0)
        log_moment[rows] += np.where(finite, _log_gamma.moment_at(a, counts, z), np.inf)
    with np.errstate(over="ignore"):
        return np.exp(power * np.log(std) + log_moment)[()]


def mean_variance(n, k, *, std=1.0, ddof=1):
    """Return Var μ_k = Σ_{t<k} E[Σ_t²]/n_t, with E Σ_t² = Σ_0² Π_{s<t} (n_s − 1)/(n_s − ddof).

    For constant n that is k Σ_0²/n with divisor n − 1 and Σ_0² (1 − (1 − 1/n)^k) with divisor n.
    Arguments and errors as `std_sf`, for std <= 1e150.
    """
    std = _checks.reals(std, "std", low=0.0, high=1e150, open_low=True)  # its square is a float
    k, std = _checks.broadcast_arrays(k=schedules.check_generations(k, n), std=std)
    ddof = _checks.choice(ddof, "ddof", (0, 1))
    if isinstance(n, numbers.Integral):  # in closed form: time and memory do not depend on k
        n = _checks.integer(n, "n", low=2)
        growth = k / n if ddof == 1 else -np.expm1(k * np.log1p(-1 / n))
        return (std**2 * growth)[()]
    sizes = schedules.resolve(n, int(k.max(initial=0)), name="n", low=2)
    second = np.cumprod(np.append(1.0, (sizes - 1) / (sizes - ddof)))[:-1]
    variance = np.append(0.0, np.cumsum(second / sizes))
    return (std**2 * variance[k])[()]


def lyapunov_exponent(n, *, ddof=1):
    """Return λ = lim (1/k) log Σ_k = ½[ψ((n−1)/2) − log((n−ddof)/2)], almost surely.

    Parameters
    ----------
    n : array of int >= 2
    ddof : {0, 1}

    Returns
    -------
    numpy.ndarray of float, to full relative accuracy; about −1/(2n) with divisor n − 1 and
    −1/n with divisor n

    Raises
    ------
    TypeError, ValueError
        If n is not an integer >= 2, or ddof not 0 or 1.
    """
    n, ddof = _constant(n, ddof)
    return (0.5 * (_log_gamma.digamma_minus_log((n - 1) / 2) + _divisor_shift(n, ddof)))[()]


def decay_power(n, *, ddof=1):
    """Return s*, the power at which E (Σ_1/Σ_0)^s is smallest: ψ((n−1+s)/2) = log((n−ddof)/2).

    Arguments and errors as `lyapunov_exponent`. About 1 with divisor n − 1, 2 with divisor n.
    """
    n, ddof = _constant(n, ddof)
    a, target = (n - 1) / 2, -_divisor_shift(n, ddof)
    s = np.full(n.shape, 1.0)
    # The left side is concave and increasing in s: Newton's method, after its first step,
    # approaches from the left.
    for _ in range(60):
        gap = _log_gamma.digamma_minus_log(a + s / 2) + np.log1p(s / (2 * a)) - target
        step = gap / (special.polygamma(1, a + s / 2) / 2)
        s = s - step
        if np.all(np.abs(step) <= 1e-15 * s):
            break
    return s[()]


def decay_rate(n, *, ddof=1):
    """Return −log min_s E (Σ_1/Σ_0)^s, the exact exponent of Pr(Σ_k > x) as k grows (Cramér).

    Arguments and errors as `lyapunov_exponent`; to full relative accuracy, about 1/(4n) with
    divisor n − 1 and 1/n with divisor n.
    """
    half = np.asarray(decay_power(n, ddof=ddof)) / 2
    n, ddof = _constant(n, ddof)
    return (-_log_gamma.log_moment((n - 1) / 2, half) - half * _divisor_shift(n, ddof))[()]


def collapse_point_cdf(x, n, *, std=1.0, ddof=1):
    """Return Pr(μ_∞ − μ_0 <= x), the law of the point that the model collapses to.

    Its characteristic function φ, for std = 1, is even, real and solves

        φ(t) = exp(−t²/(2n)) E φ(t √F),    F = χ²_{n−1}/(n − ddof),    φ(0) = 1,

    because after one generation the rest is a copy of the whole on the scale √F. In log t that
    is a convolution, solved as a linear system; the distribution function then follows from the
    inversion formula by the midpoint rule. As n grows the law tends to t_2 with divisor n − 1
    and to t_4/√2 with divisor n, t_d being Student's.

    Parameters
    ----------
    x : array of float, not NaN, at most 10⁴ std in magnitude unless infinite
    n : int in [2, 2000]
        The same in every generation.
    std : float > 0
        Σ_0.
    ddof : {0, 1}

    Returns
    -------
    numpy.ndarray of float, the shape of x; absolute error at most 1e-8

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    x = _checks.reals(x, "x", infinite=True)
    n = _checks.integer(n, "n", low=2, high=2000)
    ddof = _checks.choice(ddof, "ddof", (0, 1))
    finite = np.isfinite(x)
    with np.errstate(over="ignore"):  # too large, in any case
        x = x / _checks.real(std, "std", low=0.0, open_low=True)
    largest = np.abs(x[finite]).max(initial=1.0)
    if largest > 1e4:
        raise ValueError(f"x must be infinite or in [-1e4, 1e4] in units of std, got {largest:g}")
    # The midpoint rule with step δ makes an error of about 2x/L³, L = 2π/δ, from tails that
    # decay like x^−2.
    step = 2 * np.pi / max(4 * largest, (2e9 * largest) ** (1 / 3))
    phi, cut = _collapse_point_characteristic(n, ddof)
    t = (np.arange(int(cut / step)) + 0.5) * step
    weights = phi(np.log(t)) / (np.pi * t / step)
    cdf = np.where(x > 0, 1.0, 0.0)
    values = x[finite]
    width = max(1, 2**22 // len(t))
    cdf[finite] = 0.5 + np.concatenate(
        [np.zeros(0)]
        + [
            np.sin(values[start : start + width, None] * t) @ weights
            for start in range(0, len(values), width)
        ]
    )
    return cdf[()]


@lru_cache(maxsize=16)
def _collapse_point_characteristic(n, ddof):
    """Return φ as a function of log t, and the t beyond which it is negligible."""
    a, rate = (n - 1) / 2, (n - ddof) / 2
    cut = np.sqrt(80.0 * n)  # φ(t) <= exp(−t²/(2n)), as V >= 1/n
    # A grid on which both the kernel and φ are resolved to rounding by the trapezoid rule, from
    # where φ is 1 to rounding.
    step = min(0.02, 0.35 * np.sqrt(special.polygamma(1, a)))
    log_t = np.arange(np.log(1e-9), np.log(cut) + step, step)
    # ½ log F has the density 2 (rate e^{2y})^a exp(−rate e^{2y})/Γ(a): on the grid, the chance of
    # each offset. Normalised, because the long walk from the left edge would add errors up.
    reach = int(max(50 / (2 * a), 10 * np.sqrt(special.polygamma(1, a)), 3.0) / step)
    reach = max(reach, len(log_t))
    y = np.arange(-reach, reach + 1) * step
    with np.errstate(over="ignore"):
        chance = np.exp(a * (np.log(rate / a) + 2 * y) + a - rate * np.exp(2 * y))
    chance /= chance.sum()
    points = len(log_t)
    kernel = linalg.toeplitz(chance[reach::-1][:points], chance[reach : reach + points])
    left = np.cumsum(chance)[reach - 1 - np.arange(points)]  # there φ is 1
    damping = np.exp(-np.exp(2 * log_t) / (2 * n))
    phi = np.linalg.solve(np.eye(points) - damping[:, None] * kernel, damping * left)
    return interpolate.make_interp_spline(log_t, phi, k=7), cut


class _Points:
    """Shapes and counts of the Gamma variables behind Σ_k², for an array of generations k."""

    def __init__(self, n, k, ddof):
        ddof = _checks.choice(ddof, "ddof", (0, 1))
        self.k = k
        constant = isinstance(n, numbers.Integral)  # time and memory do not depend on k
        length = 1 if constant else int(k.max(initial=0))
        sizes = schedules.resolve(n, length, name="n", low=2)
        # Σ_k² is a product of χ²_ν/(n − ddof); W has the mean-one factors χ²_ν/ν.
        shifts = _divisor_shift(sizes.astype(float), ddof)
        self.sizes, self.index = np.unique(sizes, return_inverse=True)
        if len(self.sizes) == 1:
            self.shift = np.asarray(k * shifts[0])  # one rounding, not k
        else:
            self.shift = np.asarray(np.append(0.0, np.cumsum(shifts))[k])

    def groups(self, wanted):
        """Yield (index of points, shapes, counts) that cover the wanted points with k > 0."""
        wanted = wanted & (self.k > 0)
        if len(self.sizes) == 1:
            if np.any(wanted):
                yield wanted, (self.sizes - 1) / 2, self.k[wanted][None].astype(float)
            return
        for k in np.unique(self.k[wanted]):
            rows = wanted & (self.k == k)
            counts = np.bincount(self.index[:k], minlength=len(self.sizes)).astype(float)
            used = counts > 0
            shapes = (self.sizes[used] - 1) / 2
            yield rows, shapes, np.repeat(counts[used, None], np.count_nonzero(rows), axis=1)


def _log_tails(x, n, k, std, ddof):
    """Return the logarithms of lower and upper tail; NaN for the one that is not small."""
    x = _checks.reals(x, "x", infinite=True)
    x, k, std = _checks.broadcast_arrays(x=x, k=schedules.check_generations(k, n), std=_std(std))
    points = _Points(n, k, ddof)
    lower, upper = np.full(x.shape, np.nan), np.full(x.shape, np.nan)
    upper[(x == np.inf) | ((k == 0) & (std <= x))] = -np.inf
    lower[(x <= 0) | ((k == 0) & (std > x))] = -np.inf
    inside = (x > 0) & (x < np.inf)
    for rows, a, counts in points.groups(inside):
        w = 2 * _log_ratio(x[rows], std[rows]) - points.shift[rows]
        mean = (counts * _log_gamma.digamma_minus_log(a)[:, None]).sum(axis=0)
        for right, side in ((w > mean, upper), (w <= mean, lower)):
            if np.any(right):
                values = _log_gamma.tail(w[right], a, counts[:, right], upper=side is upper)[0]
                place = np.flatnonzero(rows)[right]
                side.flat[place] = values
    return lower, upper


def _quantile(target, a, counts, upper):
    """Return w at which the logarithm of the tail of W is ``target``."""
    # Chernoff: e^{K(s) − s w} bounds the tail for every s of the right sign, so the w at which
    # it equals the target lies outside the quantile. Any s does; a few candidates do better.
    deviation = np.sqrt((counts * special.polygamma(1, a)[:, None]).sum(axis=0))
    candidates = np.array([0.1, 0.3, 1.0, 3.0, 10.0, 30.0])[:, None] / deviation
    if not upper:
        candidates = -a.min() * candidates / (a.min() + candidates)
    outside = np.array([(_log_gamma.moment_at(a, counts, s) - target) / s for s in candidates])
    w = outside.min(axis=0) if upper else outside.max(axis=0)
    sign = -1.0 if upper else 1.0
    for _ in range(100):
        log_tail, log_density = _log_gamma.tail(w, a, counts, upper=upper)
        step = (target - log_tail) * np.exp(log_tail - log_density)
        w = w + sign * step
        if np.all(np.abs(step) <= 1e-14 * np.maximum(deviation, np.abs(w))):
            break
    return w


def _log_ratio(x, std):
    """Return log(x/std), also where the ratio itself is no normal float."""
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        ratio = x / std
        # The logarithm of the ratio has the smaller rounding error near ratio 1.
        near = (ratio > 1e-300) & (ratio < 1e300)
        return np.where(near, np.log(ratio), np.log(x) - np.log(std))


def _divisor_shift(n, ddof):
    """Return log((n − 1)/(n − ddof))."""
    return np.log1p(-1 / n) if ddof == 0 else np.zeros_like(n)


def _constant(n, ddof):
    n = _checks.integers(n, "n", low=2).astype(float)
    return n, _checks.choice(ddof, "ddof", (0, 1))


def _std(std):
    return _checks.reals(std, "std", low=0.0, open_low=True)
