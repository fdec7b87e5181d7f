"""The resampled share of a symbol: the neutral haploid Wright–Fisher chain.

    P_0 = p0,    n_t P_{t+1} | P_t ~ Binomial(n_t, P_t).

Sample sizes ``n`` are an int, a sequence with one size per generation, or a schedule
(`collapse.schedules`). The laws follow from the backward equation: with s_1(p) = 1 − (1 − p)^n,

    s_{k+1}(p) = E s_k(B/n),    B ~ Binomial(n, p),

a sum of positive terms. Two things make it cheap. Binomial tails of probability below e^{−46} are
left out. And a symbol with a large count is as good as immortal: if its chance to be gone at
generation k is at most e^{−32}, it is taken to survive. That is an error of at most
Pr(such a count is reached) e^{−32}, while the symbol survives with a probability of at least
Pr(such a count is reached) (1 − e^{−32}): a relative error of 1.3e-14 at the most, for all
arguments (twice that for `interior`, which has two ends).
"""

import numbers

import numpy as np
from scipy import sparse

from collapse import _checks, schedules
from collapse.laws import branching

__all__ = [
    "ancestors",
    "decay_constant",
    "distinct_variance",
    "expected_distinct",
    "interior",
    "mrca_mean",
    "mrca_sf",
    "quasi_stationary",
    "survival",
]

_IMMORTAL = 32.0  # minus the logarithm of the chance to be lost that is neglected
_NEGLIGIBLE = 46.0  # the same for binomial tails: e^-46 is 1e-20
_MAX_ENTRIES = 2.5e7  # binomial weights held at once: 12 bytes each
_MAX_WORK = 2e10  # products of binomial weights: about 20 s
_STEP = 6000  # products that take as long as the rest of a step
_MAKING = 10  # products that take as long as making a weight
_MAX_STEPS = 10**6  # of the laws that go one generation after the other
_MAX_DENSE = 2000  # n of the laws that hold a whole n × n matrix
_PAIRS = 2**15  # pairs of symbols treated at once
_BLOCK = 2**18  # binomial weights made at once


def survival(p0, n, k):
    """Return Pr(P_k ≠ 0), to a relative error of 1e-12.

    Time and memory grow with the number of binomial weights, about 13 min(n, 16 k)^{3/2}, for
    constant n the same for all generations: n = 10⁶ and all k <= 200 take about a second. With
    changing sizes each k is a computation of its own.

    Parameters
    ----------
    p0 : array of float in [0, 1]
    n : int, sequence of int, or schedule; >= 1
    k : array of int >= 0
        Generation; k = 0 is the start.

    Returns
    -------
    numpy.ndarray of float, the broadcast shape of p0 and k

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or if the computation would need more
        than 2.5e7 binomial weights (300 MB) or 2e10 products of them (about 20 s). For large n
        that is k > 890, at n = 15 000 it is k > 1390.
    """
    p0 = _checks.reals(p0, "p0", low=0.0, high=1.0)
    return _backward(p0, n, k, _alive, two_sided=False)


def interior(p0, n, k):
    """Return Pr(P_k ∉ {0, 1}), to a relative error of 1e-12 + 1e-16 k while it is above 1e-300.

    The chance that both of two symbols are alive, with shares p0 and 1 − p0, by sums of positive
    terms. Parameters, returns, errors as `survival`.
    """
    p0 = _checks.reals(p0, "p0", low=0.0, high=1.0)
    p0 = np.minimum(p0, 1 - p0)  # exact where it matters
    return _backward(p0, n, k, _both_alive, two_sided=True)


def expected_distinct(k, *, counts=None, probabilities=None, n=None):
    """Return E[uniq_k], the expected number of distinct symbols in the sample of generation k.

    The share of each symbol is a Wright–Fisher chain, so this is a sum of `survival` over
    symbols; symbols with equal share are computed once, and the cost does not depend on the size of
    the vocabulary. Symbols are not independent; their expectations add up all the same.

    Parameters
    ----------
    k : array of int >= 0
        k = 0 counts the symbols with a positive share.
    counts : array of int >= 0, one-dimensional
        Counts of the symbols in a given first sample: P_0 = counts/sum(counts).
    probabilities : array of float >= 0 that sum to 1, one-dimensional
        P_0 itself. Exactly one of ``counts`` and ``probabilities`` is given.
    n : int, sequence of int, or schedule; >= 1
        Sample size; sum(counts) when None. Needed with ``probabilities``.

    Returns
    -------
    numpy.ndarray of float, the shape of k; relative error at most 1e-12

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or too costly (`survival`).
    """
    k = _checks.integers(k, "k", low=0)
    share, multiplicity, n = spectrum(counts, probabilities, n)
    alive = survival(share, n, k[..., None])
    return (alive @ multiplicity)[()]


def distinct_variance(k, *, counts=None, probabilities=None, n=None):
    """Return Var(uniq_k), the variance of the number of distinct symbols of generation k.

    Two symbols together are one symbol: with u_k(p) = Pr(P_k = 0 | P_0 = p),

        Var(uniq_k) = Σ_i u_k(p_i)(1 − u_k(p_i)) + Σ_{i≠j} [u_k(p_i + p_j) − u_k(p_i) u_k(p_j)].

    The second sum is never positive: symbols compete. Arguments, errors as `expected_distinct`;
    time grows with the square of the number of different shares that can be lost.

    Returns
    -------
    numpy.ndarray of float, the shape of k; absolute error at most 1e-12 times the square of the
    number of symbols that can be lost
    """
    k = _checks.integers(k, "k", low=0)
    share, multiplicity, n = spectrum(counts, probabilities, n)
    times = k.reshape(-1, 1)
    lost = 1 - survival(share, n, times)
    variance = (lost * (1 - lost)) @ multiplicity
    rare = np.flatnonzero(np.any(lost > 0, axis=0))
    share, multiplicity, lost = share[rare], multiplicity[rare], lost[:, rare]
    first, second = np.triu_indices(len(rare))
    weight = multiplicity[first] * np.where(
        first == second, multiplicity[first] - 1, 2 * multiplicity[second]
    )
    for start in range(0, len(weight), _PAIRS):  # bounded memory
        i, j = first[start : start + _PAIRS], second[start : start + _PAIRS]
        both = 1 - survival(np.minimum(share[i] + share[j], 1.0), n, times)
        variance += (both - lost[:, i] * lost[:, j]) @ weight[start : start + _PAIRS]
    return variance.reshape(k.shape)[()]


def ancestors(n, k):
    """Return the law of D_k, the number of distinct ancestors, k generations back, of n samples.

    D_0 = n, and D_{j+1} given D_j = d is the number of occupied boxes when d balls fall into n
    boxes. By time reversal Pr(P_{k+1} = 0) = E (1 − p0)^{D_k}: the samples of generation k + 1
    all are another symbol exactly if all their ancestors in generation 1 are.

    Parameters
    ----------
    n : int in [1, 2000]
        Sample size, the same in every generation.
    k : array of int in [0, 10⁶]

    Returns
    -------
    numpy.ndarray of float, shape (*k.shape, n + 1)
        Probabilities of 0, 1, ..., n. Relative error at most 1e-11 where above 1e-200.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    n = _checks.integer(n, "n", low=1, high=_MAX_DENSE)
    k = _checks.integers(k, "k", low=0, high=_MAX_STEPS)
    step = _occupancy(n)
    out = np.empty((*k.shape, n + 1))
    law = np.zeros(n + 1)
    law[n] = 1.0
    top = n
    for generation in range(int(k.max(initial=0)) + 1):
        out[k == generation] = law
        # D only falls: what has become negligible at the top stays so.
        while law[top] < 1e-250 and top > 1:
            top -= 1
        law = np.concatenate([law[: top + 1] @ step[: top + 1, : top + 1], np.zeros(n - top)])
    return out


def mrca_sf(n, k):
    """Return Pr(T > k), T the generations back to the most recent common ancestor of n samples.

    T <= k exactly if D_k = 1 (`ancestors`). From a start without atoms, total collapse happens at
    generation 1 + T in law.

    Parameters
    ----------
    n : int in [1, 2000]
        Sample size, the same in every generation.
    k : array of int in [0, 10⁶]

    Returns
    -------
    numpy.ndarray of float, the shape of k; relative error at most 1e-11 where above 1e-200

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    return np.minimum(ancestors(n, k)[..., 2:].sum(axis=-1), 1.0)[()]  # not 1 + 2e-16


def mrca_mean(n):
    """Return E T, the mean time to the most recent common ancestor of n samples.

    The first step decides: with O the law of the number of occupied boxes, t_1 = 0 and
    t_d (1 − O(d, d)) = 1 + Σ_{j<d} O(d, j) t_j. E T is about 2n.

    Parameters
    ----------
    n : int in [1, 2000]
        Sample size, the same in every generation.

    Returns
    -------
    float; relative error at most 1e-11

    Raises
    ------
    TypeError, ValueError
        If n is not an integer in [1, 2000].
    """
    n = _checks.integer(n, "n", low=1, high=_MAX_DENSE)
    step = _occupancy(n)
    merge = _move_chance(n)
    mean = np.zeros(n + 1)
    for lines in range(2, n + 1):
        mean[lines] = (1 + step[lines, 1:lines] @ mean[1:lines]) / merge[lines]
    return float(mean[n])


def quasi_stationary(n):
    """Return the quasi-stationary law of n P_k: its limit, given that P_k ∉ {0, 1} so far.

    The left eigenvector, for the eigenvalue 1 − 1/n, of the chain on {1, ..., n − 1}.

    Parameters
    ----------
    n : int in [2, 2000]

    Returns
    -------
    numpy.ndarray of float, shape (n + 1,)
        Probabilities of 0, ..., n; zero at both ends. Relative error at most 1e-9.

    Raises
    ------
    TypeError, ValueError
        If n is not an integer in [2, 2000].
    """
    n = _checks.integer(n, "n", low=2, high=_MAX_DENSE)
    states = np.arange(n + 1)
    within = _weights(states / n, states / (n - np.minimum(states, n - 1)), n, n, two_sided=False)
    system = within.toarray()[1:n, 1:n].T
    system[np.diag_indices(n - 1)] -= 1 - 1 / n
    system[-1] = 1.0  # the equations add up to a multiple of one another: one is for the total
    law = np.linalg.solve(system, np.append(np.zeros(n - 2), 1.0))
    return np.concatenate([[0.0], (law + law[::-1]) / 2, [0.0]])


def decay_constant(n):
    """Return C_n = lim Pr(P_k ∉ {0, 1})/(p0 (1 − p0)(1 − 1/n)^k) as k grows, the same for all p0.

    p(1 − p) is the right eigenvector of the chain on {1/n, ..., 1 − 1/n}, so C_n = 1/E[X(1 − X)]
    under the quasi-stationary law. C_2 = 4, C_3 = 9/2, C_n → 6.

    Parameters
    ----------
    n : int in [2, 2000]

    Returns
    -------
    float, relative error at most 1e-9

    Raises
    ------
    TypeError, ValueError
        If n is not an integer in [2, 2000].
    """
    law = quasi_stationary(n)
    share = np.arange(n + 1) / n
    return float(1 / (law @ (share * (1 - share))))


def spectrum(counts, probabilities, n):
    """Return distinct positive shares, how many symbols have each, and the sample size.

    For functions with the arguments of `expected_distinct`, which says what they may be.
    """
    if (counts is None) == (probabilities is None):
        raise ValueError("exactly one of counts and probabilities must be given")
    if counts is not None:
        counts = _checks.counts(counts, "counts")
        total = int(counts.sum())
        values, multiplicity = np.unique(counts[counts > 0], return_counts=True)
        return values / total, multiplicity.astype(float), total if n is None else n
    probabilities = _checks.distribution(probabilities, "probabilities")
    if n is None:
        raise ValueError("n must be given with probabilities: an int, a sequence or a schedule")
    values, multiplicity = np.unique(probabilities[probabilities > 0], return_counts=True)
    return values, multiplicity.astype(float), n


def _alive(p, n):
    """Return Pr(Binomial(n, p) ≠ 0)."""
    with np.errstate(divide="ignore"):
        return -np.expm1(n * np.log1p(-p))


def _both_alive(p, n):
    """Return Pr(Binomial(n, p) ∉ {0, n}) for p <= 1/2, where the difference loses no digits."""
    return _alive(p, n) - p ** float(n) if n > 1 else np.zeros_like(p)


def _backward(p0, n, k, last, two_sided):
    """Return E f(P_k), f the indicator of (0, 1], or of (0, 1) if ``two_sided``.

    ``last(p, n)`` is the expectation over one generation.
    """
    k = schedules.check_generations(k, n)
    constant = isinstance(n, numbers.Integral)
    sizes = schedules.resolve(n, 1 if constant else int(k.max(initial=0)), name="n", low=1)
    shape = _checks.broadcast(p0=p0, k=k)
    starts, start_index = np.unique(p0, return_inverse=True)
    times, time_index = np.unique(k, return_inverse=True)
    table = np.empty((len(starts), len(times)))
    table[:, times == 0] = ((starts > 0) & ((starts < 1) | (not two_sided)))[:, None]
    if constant:
        size = int(sizes[0])
        table[:, times == 1] = last(starts, size)[:, None]
        later = times > 1
        if np.any(later):
            table[:, later] = _constant_size(starts, size, times[later], last, two_sided)
    else:
        steps = _MAKING * int(times.sum())
        for column in np.flatnonzero(times > 0):
            used = sizes[: times[column]].tolist()
            table[:, column] = _changing_sizes(starts, used, last, two_sided, steps)
    start_index = np.broadcast_to(start_index.reshape(p0.shape), shape)
    time_index = np.broadcast_to(time_index.reshape(k.shape), shape)
    np.minimum(table, 1.0, out=table)  # not 1 + 2e-16
    return table[start_index, time_index][()]


def _constant_size(starts, n, times, last, two_sided):
    """Return E f(P_k) for all starts (rows) and times >= 2 (columns)."""
    cap = _cap(_IMMORTAL / float(branching.g(times[-1])), n, two_sided)
    counts = np.arange(cap + 1)
    share = counts / n
    with np.errstate(divide="ignore"):
        within = _weights(share, counts / (n - counts), n, cap, two_sided, int(times[-1]))
    value = np.append(last(share, n), 1.0)  # the last entry stands for the immortal counts
    held = np.empty((cap + 2, len(times)))
    for time in range(2, int(times[-1]) + 1):
        column = np.searchsorted(times, time)
        if times[column] == time:
            held[:, column] = value  # s_{time − 1}
        value[:-1] = within @ value
    return _from_starts(starts, n, held, two_sided)


def _changing_sizes(starts, sizes, last, two_sided, steps):
    """Return E f(P_k) for all starts, k = len(sizes)."""
    *earlier, final = sizes
    if not earlier:
        return last(starts, final)
    # The chance that a share p at generation t is lost by k is at most exp(−rate_t p).
    rate, rates = float(final), []
    for size in reversed(earlier):
        rates.append(rate)
        rate = size * -np.expm1(-rate / size)
    value, following = None, final
    for size, rate in zip(reversed(earlier), rates, strict=True):
        cap = _cap(_IMMORTAL * size / rate, size, two_sided)
        counts = np.arange(cap + 1)
        if value is None:
            new = last(counts / size, following)
        else:
            with np.errstate(divide="ignore"):
                odds = counts / (size - counts)
            within = _weights(counts / size, odds, following, len(value) - 2, two_sided, steps)
            new = within @ value
        value, following = np.append(new, 1.0), size
    return _from_starts(starts, following, value, two_sided)


def _cap(count, n, two_sided):
    """Return the largest count that is not taken as immortal. Raises ValueError if too large."""
    cap = int(min(np.ceil(count), n // 2 if two_sided else n))
    if cap > _MAX_ENTRIES:  # each has a weight at least
        raise _too_costly(n, cap, cap)
    return cap


def _from_starts(starts, n, value, two_sided):
    """Return the expectation of ``value``, given for counts 0..cap and the rest, after a step."""
    cap = len(value) - 2
    rows = max(1, int(2e6 / (np.sqrt(cap) + 2)))  # however many starts: bounded memory
    with np.errstate(divide="ignore"):
        odds = starts / (1 - starts)
    blocks = [slice(first, first + rows) for first in range(0, max(len(starts), 1), rows)]
    return np.concatenate(
        [_weights(starts[b], odds[b], n, cap, two_sided) @ value for b in blocks]
    )


def _weights(p, odds, n, cap, two_sided, steps=1):
    """Return binomial weights as a sparse matrix: rows are p, columns are counts 0..cap, the rest.

    With ``two_sided`` a count y stands for min(y, n − y). Each row adds up to 1. ``steps`` is the
    number of products with it that are to come.
    """
    mean = n * p
    # Bernstein: a deviation t has probability at most exp(−t²/(2 variance + 2t/3)).
    third = _NEGLIGIBLE / 3
    reach = third + np.sqrt(third**2 + 2 * _NEGLIGIBLE * mean * (1 - p))
    low = np.maximum(np.floor(mean - reach), 0.0)
    high = np.minimum(np.ceil(mean + reach), float(n))
    # Nothing is to be computed where all counts are immortal.
    certain = low > cap
    if two_sided:
        certain &= high < n - cap
    high[p == 0] = 0.0
    low[p == 1] = n
    width = np.where(certain, 0, high - low + 1)
    entries = width.sum()
    work = (entries + _STEP) * steps
    if entries > _MAX_ENTRIES or work > _MAX_WORK:
        raise _too_costly(n, entries, work)
    # The smaller of successes and failures is counted up from its lower end.
    flip = p > 0.5
    start = np.where(flip, n - high, low)
    odds = np.divide(1, odds, out=odds.copy(), where=flip)
    pieces = [(np.flatnonzero(certain), np.full(certain.sum(), cap + 1), np.ones(certain.sum()))]
    order = np.argsort(width, kind="stable")
    order = order[width[order] > 0]
    first = 0
    while first < len(order):
        # Rows of similar width together, in blocks of bounded size.
        last = min(len(order), first + max(1, int(_BLOCK / width[order[first]])))
        while last > first + 1 and (last - first) * width[order[last - 1]] > 2 * _BLOCK:
            last = first + (last - first) // 2
        block = order[first:last]
        count, weight, inside = _binomial_rows(start[block], width[block], odds[block], n)
        count = np.where(flip[block, None], n - count, count)
        if two_sided:
            count = np.minimum(count, n - count)
        pieces.append((
            np.broadcast_to(block[:, None], count.shape)[inside],
            np.minimum(count, cap + 1)[inside].astype(np.int64),
            weight[inside],
        ))
        first = last
    row, column, value = (np.concatenate(part) for part in zip(*pieces, strict=True))
    return sparse.csr_array(sparse.coo_array((value, (row, column)), shape=(len(p), cap + 2)))


def _too_costly(n, entries, work):
    return ValueError(
        f"k must be smaller, or n: so many generations of {n} samples need {entries:.2g} "
        f"binomial weights and the time of {work:.2g} products, allowed are "
        f"{_MAX_ENTRIES:.2g} and {_MAX_WORK:.2g}"
    )


def _binomial_rows(start, width, odds, n):
    """Return counts from start on, their binomial weights, and which of them are in the row."""
    offset = np.arange(int(width.max()))
    count = start[:, None] + offset
    inside = offset < width[:, None]
    # The ratio of neighbouring weights is a short product: each row is a cumulative product of
    # ratios from its lower end, which stays below e^200, and its total is divided out.
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = (n - count + 1) / count * odds[:, None]
    weight[:, 0] = 1.0
    weight[~inside] = 0.0
    with np.errstate(under="ignore"):
        np.cumprod(weight, axis=1, out=weight)
    weight /= weight.sum(axis=1, keepdims=True)
    return count, weight, inside


def _move_chance(n, fraction=0.0):
    """Return the chance that any of 0, ..., n lineages stops (``fraction`` < 1 each) or merges."""
    k = np.arange(n + 1)
    apart = np.concatenate([[0.0], np.cumsum(np.log1p(-np.arange(n) / n))])
    return -np.expm1(apart + k * np.log1p(-fraction))


def _occupancy(n):
    """Return the transition matrix of ancestors: [d, m] is Pr(d balls occupy m of n boxes)."""
    boxes = np.arange(n + 1)
    step = np.zeros((n + 1, n + 1))
    step[0, 0] = 1.0
    for balls in range(n):
        step[balls + 1] = step[balls] * (boxes / n)
        step[balls + 1, 1:] += step[balls, :-1] * ((n - boxes[:-1]) / n)
    return step
