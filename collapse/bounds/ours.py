"""Inequalities that this book proves itself."""

import numpy as np
from scipy import special

from collapse import _checks, schedules
from collapse.bounds import suresh
from collapse.bounds._common import Bounds, share_arguments
from collapse.laws import _log_gamma, branching
from collapse.laws.gaussian import _log_ratio, _Points, _std, std_sf
from collapse.laws.random_walk import _squared_ratio, deviation_sf
from collapse.laws.wright_fisher import spectrum

__all__ = [
    "ancestors",
    "bernoulli",
    "bernoulli_exponential",
    "distinct",
    "gaussian",
    "interior",
    "mixture",
    "mixture_moment",
    "poisson",
    "walk",
    "walk_reflection",
]

_MAX_STEPS = 10**6


def bernoulli(p0, n, k):
    """Return bounds on Pr(P_k ≠ 0) that hold for all p0, n and k,

        1 − (1 − p0 g_k)^n <= Pr(P_k ≠ 0) <= 1 − (1 − p0)^{d_{k−1}},

    with g_k of `collapse.laws.branching` and d_j of `ancestors`. By induction, and by time
    reversal: P_k = 0 exactly if all D_{k−1} ancestors of the last sample are another symbol, and
    E D_{k−1} <= d_{k−1}.

    Parameters
    ----------
    p0 : array of float in [0, 1]
    n : array of int >= 1
        Sample size, the same in every generation.
    k : array of int in [1, 10⁶]

    Returns
    -------
    Bounds, a named pair (lower, upper) of arrays, in [0, 1]

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    p0, n, k = share_arguments(p0, n, k, largest_k=_MAX_STEPS)
    lower = _alive(p0 * branching.g(k), n)
    return Bounds(lower[()], _alive(p0, ancestors(n, k - 1))[()])


def bernoulli_exponential(p0, n, k):
    """Return the bounds of Theorem 1 without its term k p0, on Pr(P_k ≠ 0),

        1 − e^{−n p0 g_k},    1 − (1 − n p0² g_k − 2 p0) e^{−n p0 g_k},

    where g_k < 2/k. The upper one is that of `bernoulli` with d_{k−1} <= n g_k + 1, estimated.
    Parameters, returns, errors as `bernoulli`, for any k >= 1; the upper bound may exceed 1.
    """
    p0, n, k = share_arguments(p0, n, k)
    g = branching.g(k)
    with np.errstate(under="ignore"):
        lower, lost = -np.expm1(-n * p0 * g), np.exp(-n * p0 * g)
    return Bounds(lower[()], (lower + (n * p0**2 * g + 2 * p0) * lost)[()])


def interior(p0, n, k):
    """Return bounds on Pr(P_k ∉ {0, 1}), with q0 = 1 − p0,

        lower: 1 − (1 − p0 g_k)^n − (1 − q0 g_k)^n,
        upper: min{1 − q0^{d_{k−1}} − p0^{d_{k−1}}, n p0 q0 (1 − 1/n)^{k−1}}.

    The second upper bound is a sharper form of that of Seddik et al.; it is 0 for n = 1, where
    P_1 is 0 or 1. The lower one may be negative. Parameters, returns, errors as `bernoulli`.
    """
    p0, n, k = share_arguments(p0, n, k, largest_k=_MAX_STEPS)
    p0 = np.minimum(p0, 1 - p0)
    g, more, q0 = branching.g(k), _ancestors_but_one(n, k - 1), 1 - p0
    lower = _alive(p0 * g, n) - (1 - q0 * g) ** n.astype(float)
    # 1 − q0^d − p0^d, in a form that keeps its digits as d tends to 1, or p0 to 0.
    genealogy = -q0 * np.expm1(more * np.log1p(-p0)) - p0 * np.expm1(special.xlogy(more, p0))
    with np.errstate(under="ignore"):
        moment = n * p0 * (1 - p0) * (1 - 1 / n) ** (k - 1.0)
    upper = np.where(n == 1, 0.0, np.minimum(genealogy, moment))
    return Bounds(lower[()], upper[()])


def poisson(rate, n, k):
    """Return bounds on Pr(Λ_k ≠ 0) = 1 − e^{−n Λ_0 g_k} from

        2/(k + 1 + ⅓ ln k) <= g_k <= 2/(k + 1).

    Parameters
    ----------
    rate : array of float >= 0
        Λ_0.
    n : array of int >= 1
    k : array of int >= 1

    Returns, errors as `bernoulli`.
    """
    rate = _checks.reals(rate, "rate", low=0.0)
    n = _checks.integers(n, "n", low=1)
    k = _checks.integers(k, "k", low=1)
    _checks.broadcast(rate=rate, n=n, k=k)
    low, high = 2 / (k + 1 + np.log(k) / 3), 2 / (k + 1)
    with np.errstate(over="ignore", under="ignore"):
        return Bounds((-np.expm1(-n * rate * low))[()], (-np.expm1(-n * rate * high))[()])


def distinct(k, *, counts=None, probabilities=None, n=None):
    """Return bounds on E[uniq_k]: those of `bernoulli`, summed over the symbols.

    The upper one is V(d_{k−1}), V(x) = Σ_i (1 − (1 − p_i)^x) being the expected vocabulary of a
    corpus of x words: the shrinking-corpus bound.

    Parameters, returns, errors as `collapse.bounds.suresh.distinct`, for k <= 10⁶.
    """
    k = _checks.integers(k, "k", low=1, high=_MAX_STEPS)
    share, multiplicity, n = spectrum(counts, probabilities, n)
    n = _checks.integer(n, "n", low=1, high=_checks.MAX_SIZE)
    lower, upper = bernoulli(share, n, k[..., None])
    return Bounds((lower @ multiplicity)[()], (upper @ multiplicity)[()])


def ancestors(n, k):
    """Return d_k, a bound on the mean number of distinct ancestors k generations back,

        d_0 = n,    d_{j+1} = n (1 − (1 − 1/n)^{d_j}),    E D_k <= d_k

    (Jensen's inequality: the mean number of occupied boxes is concave in the number of balls).
    About 2n/k for 1 << k << n.

    Parameters
    ----------
    n : array of int >= 1
        Sample size, the same in every generation.
    k : array of int in [0, 10⁶]

    Returns
    -------
    numpy.ndarray of float, the broadcast shape

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    n = _checks.integers(n, "n", low=1)
    k = _checks.integers(k, "k", low=0, high=_MAX_STEPS)
    _checks.broadcast(n=n, k=k)
    return (1 + _ancestors_but_one(n, k))[()]


def _ancestors_but_one(n, k):
    """Return d_k − 1, which obeys d_{j+1} − 1 = (n − 1)(1 − (1 − 1/n)^{d_j − 1}): no digit lost."""
    n, k = np.broadcast_arrays(n, k)
    sizes, index = np.unique(n, return_inverse=True)
    index = index.reshape(n.shape)
    log_miss = np.log1p(-1 / np.maximum(sizes, 2))  # n = 1 starts, and stays, at 0
    value, out = sizes - 1.0, np.empty(n.shape)
    for generation in range(int(k.max(initial=0)) + 1):
        now = k == generation
        out[now] = value[index[now]]
        value = (sizes - 1) * -np.expm1(value * log_miss)
    return out


def _alive(p, size):
    """Return 1 − (1 − p)^size."""
    with np.errstate(divide="ignore", under="ignore"):
        return -np.expm1(size * np.log1p(-p))


def gaussian(x, n, k, *, std=1.0, ddof=1):
    """Return the best moment bound, Pr(Σ_k > x) <= inf_{s >= 0} E Σ_k^s/x^s.

    Never above 1 (s = 0) and never above Markov's bound (s = 1); its exponent in k is exact.

    Parameters
    ----------
    x : array of float > 0
    n : int, sequence of int, or schedule; >= 2
    k : array of int >= 0
    std : array of float > 0
        Σ_0.
    ddof : {0, 1}

    Returns
    -------
    numpy.ndarray of float in [0, 1]

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    x = _checks.reals(x, "x", low=0.0, open_low=True)
    k = schedules.check_generations(k, n)
    x, k, std = _checks.broadcast_arrays(x=x, k=k, std=_std(std))
    points = _Points(n, k, ddof)
    # Without a generation Σ_0 is certain: the infimum is 0 above it and 1 below.
    log_bound = np.where((k == 0) & (x > std), -np.inf, 0.0)
    for rows, a, counts in points.groups(np.ones(k.shape, dtype=bool)):
        w = 2 * _log_ratio(x[rows], std[rows]) - points.shift[rows]
        log_bound[rows] = _log_gamma.chernoff(w, a, counts)[0]
    return np.exp(log_bound)[()]


def mixture(x, n, k, *, std=1.0, eta=2.0):
    """Return a bound on Pr(Σ_k > x) for the mixture refitted by Algorithm 1, with κ = κ(n, η),

        Pr(Π_{j <= k} (1 + κ)Q_j/n > (x/Σ_0)²),    Q_j independent, chi-squared, n − 1 degrees,

    which is an exact law of `collapse.laws.gaussian`: the fit never exceeds this product, whatever
    μ_0 and the fallback are.

    Parameters
    ----------
    x : array of float > 0
    n : array of int >= 2
        Sample size, the same in every generation.
    k : array of int >= 0
    std : array of float > 0
        Σ_0.
    eta : float > 1
        Of Algorithm 1.

    Returns
    -------
    numpy.ndarray of float in [0, 1]

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    # Where the level of the product is no normal float, the moment bound, made of logarithms.
    out = np.array(np.minimum(mixture_moment(x, n, k, std=std, eta=eta), 1.0))
    x, n, k, std, growth = _mixture_arguments(x, n, k, std, eta)
    with np.errstate(under="ignore"):
        level = x * np.exp(-k * growth / 2)
    normal = level > np.finfo(float).tiny
    for size in np.unique(n[normal]).tolist():
        rows = normal & (n == size)
        out[rows] = std_sf(level[rows], size, k[rows], std=std[rows], ddof=0)
    return out[()]


def mixture_moment(x, n, k, *, std=1.0, eta=2.0):
    """Return the simpler bound (Σ_0/x)² [(1 + κ)(1 − 1/n)]^k, that of `mixture` by Markov.

    Its exponent tends to 3k/(4n). Parameters, errors as `mixture`; may exceed 1.
    """
    x, n, k, std, growth = _mixture_arguments(x, n, k, std, eta)
    with np.errstate(over="ignore", under="ignore"):
        return np.exp(2 * _log_ratio(std, x) + k * (growth + np.log1p(-1 / n)))[()]


def _mixture_arguments(x, n, k, std, eta):
    """Return checked arrays of one shape, and log(1 + κ)."""
    x = _checks.reals(x, "x", low=0.0, open_low=True)
    n = _checks.integers(n, "n", low=2)
    k = _checks.integers(k, "k", low=0)
    growth = np.log1p(suresh.kappa(n, eta=_checks.real(eta, "eta", low=1.0, open_low=True)))
    x, n, k, std = _checks.broadcast_arrays(x=x, n=n, k=k, std=_std(std))
    return x, n, k, std, np.broadcast_to(growth, n.shape)


def walk(x, noise, n, *, dim=1, std=1.0):
    """Return Doob's bound on the chance that the Gaussian mean is ever far away,

        Pr(sup_{t<=T} ‖θ_t − θ*‖ >= x) <= min(1, d σ² S_T/(n x²)).

    Only martingale and variance are used, so that it holds for every unbiased estimator with a
    covariance of trace at most d σ²/n_t, given the past.

    Parameters
    ----------
    x : array of float > 0
    noise : array of float >= 0
        S_T of `collapse.laws.random_walk`, or S_∞ for all generations; may be infinite.
    n : array of int >= 1
        n_0, the number of real samples.
    dim : array of int >= 1
        d.
    std : array of float > 0
        σ, of each coordinate.

    Returns
    -------
    numpy.ndarray of float in [0, 1]

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    _checks.reals(x, "x", low=0.0, open_low=True)
    level, dim = _squared_ratio(x, noise, n, dim, std)
    with np.errstate(divide="ignore", over="ignore"):
        return np.minimum(1.0, dim / level)[()]


def walk_reflection(x, noise, n, *, dim=1, std=1.0):
    """Return min{1, 2 Pr(χ²_d >= n x²/(σ² S_T))}, a sharper bound on the same chance.

    At least half of the walks that were ever outside the ball are outside in the end, by
    reflection (Lévy); so it exceeds the truth by at most a factor of two. It uses that steps are
    symmetric and independent of the past: it holds for Gaussian means. Arguments, errors as
    `walk`.
    """
    _checks.reals(x, "x", low=0.0, open_low=True)
    return np.minimum(1.0, 2 * deviation_sf(x, noise, n, dim=dim, std=std))[()]
