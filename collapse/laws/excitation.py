"""Persistent excitation: each of n samples comes from a source with chance α, else from the last.

The empirical step: μ_{k+1} is the empirical measure of n independent draws from
α μ* + (1 − α) μ_k. For a set A with p = μ*(A), the count n μ(A) is a Markov chain on {0, ..., n}:

    n μ_{k+1}(A) | μ_k ~ Binomial(n, α p + (1 − α) μ_k(A)),

the neutral Wright–Fisher chain with mutation. Followed backwards, the lineage of a sample stops at
the source with chance α a generation, and lineages that choose the same parent coalesce. The
refitted Gaussian has laws of its own (`gaussian_moments`, `gaussian_threshold`).
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

from collapse import _checks
from collapse.laws import wright_fisher

__all__ = [
    "GaussianMoments",
    "atoms",
    "dirac",
    "gaussian_moments",
    "gaussian_threshold",
    "homozygosity",
    "limit",
    "lineages",
    "pmf",
    "smallest_fraction",
    "stationary_pmf",
    "stationary_variance",
]

_MAX_DENSE = 2000  # n of the laws that hold a whole n × n matrix
_MAX_STEPS = 10**6  # of the laws that go one generation after the other
_SMALLEST = 1e-100  # fresh fraction, and p, for which ratios of probabilities stay in the floats
_BLOCK = 64  # states eliminated at once


def stationary_variance(p, n, fresh_fraction):
    """Return the stationary variance of μ(A), p(1 − p)/(n − (n − 1)(1 − α)²).

    Parameters
    ----------
    p : array of float in [0, 1]
        μ*(A).
    n : array of int >= 1
        Sample size.
    fresh_fraction : array of float in (0, 1]
        α.

    Returns
    -------
    numpy.ndarray of float, the broadcast shape

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    p = _checks.reals(p, "p", low=0.0, high=1.0)
    n, fraction = _size_and_fraction(n, fresh_fraction, p=p)
    return (p * (1 - p) / _effective_size(n, fraction))[()]


def homozygosity(n, fresh_fraction, *, source=0.0):
    """Return the stationary E Σ_x μ(x)² = F + (1 − F)/(n − (n − 1)(1 − α)²).

    The chance that two draws from μ are the same atom; its reciprocal is an effective number of
    samples.

    Parameters
    ----------
    n : array of int >= 1
    fresh_fraction : array of float in (0, 1]
    source : array of float in [0, 1]
        F = Σ_x μ*(x)²; 0 for a source without atoms.

    Returns
    -------
    numpy.ndarray of float, the broadcast shape

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    source = _checks.reals(source, "source", low=0.0, high=1.0)
    n, fraction = _size_and_fraction(n, fresh_fraction, source=source)
    return (source + (1 - source) / _effective_size(n, fraction))[()]


def smallest_fraction(ratio, n):
    """Return the smallest α with a stationary Var μ(A) of at most ``ratio`` p(1 − p).

        α = 1 − √((n − 1/ratio)/(n − 1)),

    which is about (1/ratio − 1)/(2n): a fixed number of fresh samples, whatever n is.

    Parameters
    ----------
    ratio : array of float in (0, 1], at least 1/n
        1/n asks for independent draws: α = 1.
    n : array of int >= 1

    Returns
    -------
    numpy.ndarray of float in [0, 1], the broadcast shape
        0 for ratio = 1: every α > 0 will do.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    n = _checks.integers(n, "n", low=1).astype(float)
    ratio = _checks.reals(ratio, "ratio", low=0.0, high=1.0, open_low=True)
    _checks.broadcast(ratio=ratio, n=n)
    if np.any(ratio * n < 1 - 1e-12):
        raise ValueError("ratio must be in [1/n, 1]: n independent draws have ratio 1/n")
    lost = np.minimum((1 / ratio - 1) / np.maximum(n - 1, 1), 1.0)  # 1 − (1 − α)²
    return (lost / (1 + np.sqrt(1 - lost)))[()]  # 1 − √(1 − lost), without cancellation


def stationary_pmf(p, n, fresh_fraction):
    """Return the stationary law of the count n μ(A).

    By state reduction without subtractions (Grassmann, Taksar and Heyman 1985), in blocks:
    every probability comes out to relative accuracy, however small it or α is.

    Parameters
    ----------
    p : float, 0 or in [1e-100, 1]
    n : int in [1, 2000]
    fresh_fraction : float in [1e-100, 1]

    Returns
    -------
    numpy.ndarray of float, shape (n + 1,)
        Probabilities of 0, ..., n; relative error at most 1e-11 where above 1e-250.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    p, n, fraction = _chain(p, n, fresh_fraction)
    if 0 < p < _SMALLEST:
        raise ValueError(f"p must be 0 or in [{_SMALLEST:g}, 1], got {p}")
    if p in (0.0, 1.0):
        return np.where(np.arange(n + 1) == n * p, 1.0, 0.0)
    # The last states to be left are the most probable ones, or close to them: what is eliminated
    # first leaks towards them.
    order = np.argsort(np.abs(np.arange(n + 1) - n * p), kind="stable")
    steps = _transition(np.arange(n + 1) / n, p, n, fraction)
    law = np.empty(n + 1)
    law[order] = _stationary(np.ascontiguousarray(steps[np.ix_(order, order)]))
    return law


def pmf(p0, p, n, fresh_fraction, k):
    """Return the law of the count n μ_k(A), from μ_0(A) = p0.

    Parameters
    ----------
    p0 : float in [0, 1]
    p : float in [0, 1]
        μ*(A).
    n : int in [1, 2000]
    fresh_fraction : float in [0, 1]
    k : array of int in [1, 10⁶]
        Generation. Time grows with the largest.

    Returns
    -------
    numpy.ndarray of float, shape (*k.shape, n + 1); relative error at most 1e-13 k where above
    1e-250

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    p0 = _checks.real(p0, "p0", low=0.0, high=1.0)
    p, n, fraction = _chain(p, n, fresh_fraction, low=0.0)
    k = _checks.integers(k, "k", low=1, high=_MAX_STEPS)
    out = np.empty((*k.shape, n + 1))
    law = _transition(np.array([p0]), p, n, fraction)[0]
    last = int(k.max(initial=1))
    steps = _transition(np.arange(n + 1) / n, p, n, fraction) if last > 1 else None
    for generation in range(1, last + 1):
        out[k == generation] = law
        if generation < last:
            law = law @ steps
    return out


def limit(p, n, fresh_fraction):
    """Return the limit of the stationary law of μ(A) as n → ∞ with θ = 2nα fixed.

    Parameters
    ----------
    p : float in (0, 1)
    n : int >= 1
    fresh_fraction : float in (0, 1]

    Returns
    -------
    scipy.stats frozen distribution
        Beta(θp, θ(1 − p)), a marginal of the Dirichlet process DP(θ, μ*).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    p = _checks.real(p, "p", low=0.0, high=1.0, open_low=True, open_high=True)
    n = _checks.integer(n, "n", low=1)
    fraction = _checks.real(fresh_fraction, "fresh_fraction", low=0.0, high=1.0, open_low=True)
    theta = 2 * n * fraction
    return stats.beta(theta * p, theta * (1 - p))


def lineages(n, fresh_fraction, k):
    """Return the expected number of lineages of n samples that are alive k generations back.

    It bounds from above the distance in total variation between μ_k and the stationary law,
    whatever μ_0 is, and is itself at most n(1 − α)^k.

    Parameters
    ----------
    n : int in [1, 2000]
    fresh_fraction : float in [0, 1]
    k : array of int in [0, 10⁶]

    Returns
    -------
    numpy.ndarray of float, the shape of k

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    _, n, fraction = _chain(0.5, n, fresh_fraction, low=0.0)
    k = _checks.integers(k, "k", low=0, high=_MAX_STEPS)
    out = np.empty(k.shape)
    law = np.zeros(n + 1)
    law[n] = 1.0
    steps = _lineage_steps(n, fraction)
    for generation in range(int(k.max(initial=0)) + 1):
        out[k == generation] = law @ np.arange(n + 1)
        law = law @ steps
    return out[()]


def dirac(n, fresh_fraction):
    """Return the stationary chance that all n samples are one atom, for a source without atoms.

    Backwards: no lineage may stop before there is one left. With f_1 = 1 and O the law of the
    number of occupied boxes, f_k = (1 − α)^k Σ_j O(k, j) f_j.

    Parameters
    ----------
    n : int in [1, 2000]
    fresh_fraction : float in [1e-100, 1]

    Returns
    -------
    float; relative error at most 1e-11

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    _, n, fraction = _chain(0.5, n, fresh_fraction)
    if fraction == 1:
        return 1.0 if n == 1 else 0.0
    occupied = wright_fisher._occupancy(n)
    moves = wright_fisher._move_chance(n, fraction)
    chance = np.zeros(n + 1)
    chance[1] = 1.0
    for k in range(2, n + 1):
        total = occupied[k, 1:k] @ chance[1:k]
        chance[k] = np.exp(k * np.log1p(-fraction)) * total / moves[k]
    return min(float(chance[n]), 1.0)  # not 1 + 4e-16


def atoms(n, fresh_fraction):
    """Return the stationary expected number of distinct atoms, for a source without atoms.

    It is the expected number of lineages, of n followed backwards, that end at the source.

    Parameters
    ----------
    n : int in [1, 2000]
    fresh_fraction : float in [1e-100, 1]

    Returns
    -------
    float; relative error at most 1e-11

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    _, n, fraction = _chain(0.5, n, fresh_fraction)
    if fraction == 1:
        return float(n)
    steps = _lineage_steps(n, fraction)
    moves = wright_fisher._move_chance(n, fraction)
    ends = np.zeros(n + 1)
    for k in range(1, n + 1):
        ends[k] = (k * fraction + steps[k, 1:k] @ ends[1:k]) / moves[k]
    return float(ends[n])


class GaussianMoments(NamedTuple):
    """Stationary E M² and E V of a refitted Gaussian; inf where infinite."""

    mean_square: np.ndarray
    variance: np.ndarray


def gaussian_moments(n, fresh_fraction, *, ddof=1, std=1.0):
    """Return the stationary E M² and E V of a Gaussian refitted under excitation.

    Each of n samples comes from N(0, s²) with chance α, else from N(M, V); M' is their mean, V'
    their variance with divisor n − ddof. With c = nα(2 − α),

        ddof = 0:  E M² = s²/(1 + c − α(2 − α)),   E V = s² − E M²;
        ddof = 1:  E M² = s²/D,   E V = s² c/D,   D = c − (1 − α),   both infinite if D <= 0.

    Parameters
    ----------
    n : array of int >= 2
    fresh_fraction : array of float in (0, 1]
    ddof : {0, 1}
    std : float in (0, 1e150]
        s.

    Returns
    -------
    GaussianMoments
        Named pair (mean_square, variance) of arrays of the broadcast shape.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    n, fraction = _size_and_fraction(n, fresh_fraction, low=2)
    ddof = _checks.choice(ddof, "ddof", (0, 1))
    variance = _checks.real(std, "std", low=0.0, high=1e150, open_low=True) ** 2
    force = n * fraction * (2 - fraction)
    if ddof == 0:
        denominator = 1 + force - fraction * (2 - fraction)
        spread = force - fraction * (2 - fraction)
    else:
        # D = (α − α₁)(1 + 2n − n(α + α₁)), with its root α₁: no cancellation near the threshold.
        root = _first_threshold(n)
        denominator = (fraction - root) * (1 + 2 * n - n * (fraction + root))
        spread = force
    finite = denominator > 0
    safe = np.where(finite, denominator, 1.0)
    return GaussianMoments(
        np.where(finite, variance / safe, np.inf)[()],
        np.where(finite, variance * spread / safe, np.inf)[()],
    )


def gaussian_threshold(n, *, moment=1, ddof=1):
    """Return the fresh fraction above which the stationary E V^moment is finite.

    For moment 1 and ddof = 1 it is the root of nα(2 − α) = 1 − α, about 1/(2n); for ddof = 0 the
    mean is always finite. For moment 2 it is the largest α at which the linear map of the
    expectations of (M⁴, M²V, V²) has spectral radius 1: it passes 1 once. Above, the moment is
    finite; it is infinite wherever the radius is at least 1 and n >= 5.

    Parameters
    ----------
    n : int in [2, 10000]
    moment : {1, 2}
    ddof : {0, 1}

    Returns
    -------
    float in [0, 1)

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    n = _checks.integer(n, "n", low=2, high=10_000)
    moment = _checks.choice(moment, "moment", (1, 2))
    ddof = _checks.choice(ddof, "ddof", (0, 1))
    if moment == 1:
        return float(_first_threshold(n)) if ddof == 1 else 0.0

    def excess(fraction):
        return np.abs(np.linalg.eigvals(_fourth_order(n, fraction, ddof))).max() - 1

    # Scan down from 1, where the radius is 0, to the first sign change.
    grid = np.geomspace(1.0, 1e-3 / n, 400)
    for high, low in zip(grid[:-1], grid[1:], strict=True):
        if excess(low) >= 0:
            return float(optimize.brentq(excess, low, high, xtol=1e-14, rtol=1e-12))
    return 0.0


def _first_threshold(n):
    """Return the root of nα² − (2n + 1)α + 1 = 0 in (0, 1)."""
    n = np.asarray(n, dtype=float)
    return 2 / (2 * n + 1 + np.sqrt(4 * n**2 + 1))


def _fourth_order(n, fraction, ddof):
    """Return the matrix of E(M⁴, M²V, V²)' in terms of (M⁴, M²V, V²), the source left out.

    What grows with the state of degree 4 is what a source at 0 would give: n − r samples 0, and r
    from N(M, V) with mean m and sum of squares Q about it. Then M' = rm/n and
    (n − ddof) V' = Q + c m², c = r(n − r)/n.
    """
    r = np.arange(1.0, n + 1)
    weight = stats.binom.pmf(r, n, 1 - fraction)
    c = r * (n - r) / n
    zero = np.zeros(n)
    fourth = np.array([zero + 1, 6 / r, 3 / r**2])  # E m⁴ in M⁴, M²V, V²
    mixed = (r - 1) * np.array([zero, zero + 1, 1 / r])  # E m² Q
    square = np.array([zero, zero, r**2 - 1])  # E Q²
    rows = np.array([
        (r / n) ** 4 * fourth,
        (r / n) ** 2 * (mixed + c * fourth) / (n - ddof),
        (square + 2 * c * mixed + c**2 * fourth) / (n - ddof) ** 2,
    ])
    return rows @ weight


def _effective_size(n, fraction):
    """Return n − (n − 1)(1 − α)² = 1 + (n − 1) α (2 − α)."""
    return 1 + (n - 1) * fraction * (2 - fraction)


def _size_and_fraction(n, fresh_fraction, low=1, **others):
    n = _checks.integers(n, "n", low=low).astype(float)
    fraction = _checks.reals(
        fresh_fraction, "fresh_fraction", low=0.0, high=1.0, open_low=True
    )
    _checks.broadcast(n=n, fresh_fraction=fraction, **others)
    return n, fraction


def _chain(p, n, fresh_fraction, low=_SMALLEST):
    """Return the checked arguments of the laws that hold a matrix."""
    p = _checks.real(p, "p", low=0.0, high=1.0)
    n = _checks.integer(n, "n", low=1, high=_MAX_DENSE)
    return p, n, _checks.real(fresh_fraction, "fresh_fraction", low=low, high=1.0)


def _transition(share, p, n, fraction):
    """Return the laws of the next count, one row for each share."""
    chance = fraction * p + (1 - fraction) * share
    other = fraction * (1 - p) + (1 - fraction) * (1 - share)  # 1 − chance, no digits lost
    return _binomial(chance, other, n)


def _binomial(chance, other, n):
    """Return binomial laws, one row for each chance; ``other`` is 1 − chance.

    Each row is a product of ratios of neighbours, up and down from its mode, whose total is
    divided out.
    """
    count = np.arange(1.0, n + 1)
    with np.errstate(divide="ignore", under="ignore", over="ignore", invalid="ignore"):
        ratio = (n - count + 1) / count * (chance / other)[:, None]  # weight(j)/weight(j − 1)
        mode = np.minimum(np.floor((n + 1) * chance), n)[:, None]
        up = np.where(count > mode, ratio, 1.0)
        down = np.where(count <= mode, 1 / ratio, 1.0)
        weight = np.ones((len(chance), n + 1))
        np.cumprod(up, axis=1, out=weight[:, 1:])
        weight[:, :-1] *= np.cumprod(down[:, ::-1], axis=1)[:, ::-1]
    weight /= weight.sum(axis=1, keepdims=True)
    return weight


def _stationary(steps):
    """Return the stationary law of a transition matrix, which is overwritten.

    States are eliminated from the last to the first. Only sums, products and quotients of positive
    numbers occur: the diagonal is never used, the chance to leave a state is the sum of the
    chances to go to those that are left.
    """
    states = len(steps)
    high = states
    while high > 1:
        low = max(high - _BLOCK, 0)
        leave = np.ones(high - low)
        for k in range(high - 1, max(low, 1) - 1, -1):
            leave[k - low] = steps[k, :k].sum()
            steps[low:k, k] /= leave[k - low]
            steps[low:k, :k] += np.outer(steps[low:k, k], steps[k, :k])
        if low > 0:
            for k in range(high - 1, low - 1, -1):
                steps[:low, k] += steps[:low, k + 1 : high] @ steps[k + 1 : high, k]
                steps[:low, k] /= leave[k - low]
            steps[:low, :low] += steps[:low, low:high] @ steps[low:high, :low]
        high = low
    law = np.ones(states)
    for k in range(1, states):
        law[k] = law[:k] @ steps[:k, k]
    return law / law.sum()


def _lineage_steps(n, fraction):
    """Return the transition matrix of the number of lineages: some stop, the others coalesce."""
    alive = np.arange(n + 1)
    thinned = np.zeros((n + 1, n + 1))
    for k in alive:
        kept = _binomial(np.array([1 - fraction]), np.array([fraction]), k)[0] if k else [1.0]
        thinned[k, : k + 1] = kept
    return thinned @ wright_fisher._occupancy(n)
