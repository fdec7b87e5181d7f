"""Who descends from whom: the family tree behind resampling.

In every generation each of n samples is a copy of one of the n before it, its parent, chosen
uniformly, or with chance ``fresh_fraction`` comes fresh from the source. Forwards that is the loop
with the empirical measure as its model; backwards, lineages coalesce until one is left.
"""

from dataclasses import dataclass

import numpy as np

from collapse import _checks
from collapse.recursion import _generator, _seed_sequence

__all__ = [
    "Tree",
    "coalescent",
    "from_parents",
    "inherit",
    "lineages",
    "mrca_times",
    "parents",
]

_MAX_SIZE = 10**7  # samples in a generation
_MAX_ENTRIES = 10**9  # parents in one array: 8 GB
_DRAWS = 2**12  # parents drawn at once while few lineages are left
_REPLICATIONS = 1024  # that share a random stream in mrca_times


def parents(n, generations, *, fresh_fraction=0.0, seed=None):
    """Return the parents of all samples of a run.

    Parameters
    ----------
    n : int in [1, 10^7]
        Samples in each generation.
    generations : int >= 0
        At most 10^9/n.
    fresh_fraction : float in [0, 1]
    seed : int >= 0, numpy.random.SeedSequence, or None

    Returns
    -------
    numpy.ndarray of int64, shape (generations, n)
        Row t holds, for each sample of generation t + 1, the index of its parent in generation t;
        −1 for a fresh one.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    n, fraction, rng = _check_arguments(n, fresh_fraction, seed)
    generations = _checks.integer(generations, "generations", low=0, high=_MAX_ENTRIES // n)
    chosen = rng.integers(n, size=(generations, n))
    if fraction > 0:
        chosen[rng.random(chosen.shape) < fraction] = -1
    return chosen


def inherit(parents, founders, fresh=None):
    """Return what each sample is, from what the founders and the fresh samples are.

    Parameters
    ----------
    parents : array of int, shape (generations, n)
        As `parents` returns.
    founders : array, shape (n, ...)
        Generation 0: labels, numbers, paths, ...
    fresh : array, shape (m, ...), optional
        The fresh samples in order (generation by generation); as many as ``parents`` has −1.

    Returns
    -------
    numpy.ndarray, shape (generations + 1, n, ...)

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, shape or range.
    """
    parents = _check_parents(parents)
    founders = _as_array(founders, "founders")
    if founders.ndim == 0 or len(founders) != parents.shape[1]:
        raise ValueError(
            f"founders must have shape ({parents.shape[1]}, ...) as parents has columns, "
            f"got {founders.shape}"
        )
    new = int(np.count_nonzero(parents < 0))
    fresh = founders[:0] if fresh is None else _as_array(fresh, "fresh")
    if fresh.shape != (new, *founders.shape[1:]):
        raise ValueError(
            f"fresh must have shape {(new, *founders.shape[1:])}, one for each -1 in parents, "
            f"got {fresh.shape}"
        )
    try:
        dtype = np.result_type(founders, fresh)
    except TypeError:
        raise TypeError(
            f"fresh must have a type that goes with that of founders, {founders.dtype}, "
            f"got {fresh.dtype}"
        ) from None
    out = np.empty((len(parents) + 1, *founders.shape), dtype=dtype)
    out[0] = founders
    used = 0
    for t, row in enumerate(parents):
        out[t + 1] = out[t][row]  # −1 takes the last one, for now
        new = row < 0
        count = int(np.count_nonzero(new))
        out[t + 1][new] = fresh[used : used + count]
        used += count
    return out


def lineages(parents):
    """Return which samples are ancestors of the last generation (which counts as its own).

    Parameters
    ----------
    parents : array of int, shape (generations, n)

    Returns
    -------
    numpy.ndarray of bool, shape (generations + 1, n)

    Raises
    ------
    TypeError, ValueError
        If ``parents`` is of the wrong type, shape or range.
    """
    parents = _check_parents(parents)
    out = np.zeros((len(parents) + 1, parents.shape[1]), dtype=bool)
    out[-1] = True
    for t in range(len(parents) - 1, -1, -1):
        chosen = parents[t][out[t + 1]]
        out[t][chosen[chosen >= 0]] = True
    return out


@dataclass(frozen=True)
class Tree:
    """The genealogy of n samples, backwards in time.

    Attributes
    ----------
    time : numpy.ndarray of int
        Of each node, in generations back. Nodes 0, ..., n − 1 are the samples, at time 0; each
        later one is a common ancestor in which two or more lineages meet, in order of time.
    parent : numpy.ndarray of int
        Of each node, the node in which its lineage meets others; −1 for a root.
    stop : numpy.ndarray of float
        Of each root, when its lineage ends: in generations back to its last copy, that of the
        fresh sample; inf if it is not followed further. NaN for other nodes.
    """

    time: np.ndarray
    parent: np.ndarray
    stop: np.ndarray

    @property
    def samples(self):
        """Number of samples n."""
        return int(np.count_nonzero(self.time == 0))

    @property
    def mrca(self):
        """Generations back to the most recent common ancestor of all; inf if there is none."""
        roots = np.flatnonzero(self.parent < 0)
        return float(self.time[roots[0]]) if len(roots) == 1 else float("inf")

    def positions(self):
        """Return a horizontal place for each node, so that the tree is drawn without crossings.

        The samples stand at 0, ..., n − 1, those with the latest common ancestors together; a
        common ancestor stands in the middle of its children.
        """
        nodes = len(self.parent)
        below = np.zeros(nodes, dtype=int)  # samples under each node
        below[: self.samples] = 1
        for node in range(nodes):  # children come before parents
            if self.parent[node] >= 0:
                below[self.parent[node]] += below[node]
        left = np.zeros(nodes)
        following = {}  # where the next child of a node begins
        start = 0
        for node in range(nodes - 1, -1, -1):
            if self.parent[node] < 0:
                left[node] = start
                start += below[node]
            else:
                left[node] = following[self.parent[node]]
                following[self.parent[node]] += below[node]
            following[node] = left[node]
        place = np.zeros(nodes)
        place[: self.samples] = left[: self.samples]
        children = np.zeros(nodes)
        total = np.zeros(nodes)
        for node in range(nodes):
            if node >= self.samples:
                place[node] = total[node] / children[node]
            if self.parent[node] >= 0:
                total[self.parent[node]] += place[node]
                children[self.parent[node]] += 1
        return place


def coalescent(n, *, fresh_fraction=0.0, seed=None):
    """Follow n samples backwards, until they have one ancestor or all have stopped at the source.

    The work is one random number for each lineage and generation: about a second for n = 10⁴.

    Parameters
    ----------
    n : int in [1, 10^7]
        Samples in each generation, all of which are followed.
    fresh_fraction : float in [0, 1]
    seed : int >= 0, numpy.random.SeedSequence, or None

    Returns
    -------
    Tree

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    n, fraction, rng = _check_arguments(n, fresh_fraction, seed)
    growing = _Growing(n)
    while len(growing.active) > (0 if fraction > 0 else 1):
        alive = len(growing.active)
        if alive == 1:  # nothing more can happen than that it stops
            growing.back(np.array([-1]), int(rng.geometric(fraction)))
            break
        # With few lineages left little happens in a generation: draw many, use all to the first
        # in which something does.
        rows = max(1, _DRAWS // alive)
        chosen = rng.integers(n, size=(rows, alive))
        if fraction > 0:
            chosen[rng.random(chosen.shape) < fraction] = -1
        if rows > 1:
            ordered = np.sort(chosen, axis=1)
            happens = (ordered[:, 0] < 0) | np.any(ordered[:, 1:] == ordered[:, :-1], axis=1)
            first = int(happens.argmax()) if happens.any() else rows - 1
        else:
            first = 0
        growing.back(chosen[first], first + 1)
    return growing.tree()


def from_parents(parents):
    """Return the tree of the last generation of a run.

    Parameters
    ----------
    parents : array of int, shape (generations, n)
        As `parents` returns.

    Returns
    -------
    Tree
        Lineages that reach generation 0 apart are roots whose ``stop`` is inf.

    Raises
    ------
    TypeError, ValueError
        If ``parents`` is of the wrong type, shape or range.
    """
    parents = _check_parents(parents)
    n = parents.shape[1]
    growing = _Growing(n)
    place = np.arange(n)  # of the active lineages
    for row in parents[::-1]:
        chosen = row[place]
        growing.back(chosen, 1)
        place = np.unique(chosen[chosen >= 0])
    return growing.tree()


def mrca_times(n, *, replications, seed=None):
    """Simulate the time to the most recent common ancestor of n samples.

    Only the number of lineages matters: d of them are left with as many as the parents that they
    choose.

    Parameters
    ----------
    n : int in [1, 10^4]
    replications : int in [1, 10^8]
    seed : int >= 0, numpy.random.SeedSequence, or None

    Returns
    -------
    numpy.ndarray of int, shape (replications,)
        Independent draws of T, whose law is `collapse.laws.wright_fisher.mrca_sf`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    n = _checks.integer(n, "n", low=1, high=10_000)
    replications = _checks.integer(replications, "replications", low=1, high=10**8)
    rng = _generator(_seed_sequence(seed))
    times = np.zeros(replications, dtype=np.int64)
    for first in range(0, replications, _REPLICATIONS):
        block = times[first : first + _REPLICATIONS]
        alive = np.full(len(block), n)
        generation = 0
        while len(running := np.flatnonzero(alive > 1)):
            generation += 1
            most = int(alive[running].max())
            chosen = rng.integers(n, size=(len(running), most))
            # Lineages that are not there choose what the first one has chosen.
            chosen = np.where(np.arange(most) < alive[running, None], chosen, chosen[:, :1])
            chosen.sort(axis=1)
            alive[running] = 1 + np.count_nonzero(np.diff(chosen, axis=1), axis=1)
            block[running] = generation
    return times


class _Growing:
    """A tree in the making: the nodes so far, and the lineages that are still followed."""

    def __init__(self, n):
        self.active = np.arange(n)  # node at the head of each lineage, by place of its sample
        self.now = 0
        self.time, self.parent, self.stop = [0] * n, [-1] * n, [float("nan")] * n

    def back(self, chosen, generations):
        """Go so many generations back, in the last of which the lineages choose these parents.

        −1 stops a lineage. Those that go on are in order of their parents.
        """
        for node in self.active[chosen < 0].tolist():
            self.stop[node] = float(self.now + generations - 1)
        self.now += generations
        going = chosen >= 0
        nodes = self.active[going]
        _, lineage, count = np.unique(chosen[going], return_inverse=True, return_counts=True)
        head = np.empty(len(count), dtype=np.int64)
        head[lineage] = nodes
        merged = np.flatnonzero(count > 1)
        first = len(self.time)
        head[merged] = np.arange(first, first + len(merged))
        self.time += [self.now] * len(merged)
        self.parent += [-1] * len(merged)
        self.stop += [float("nan")] * len(merged)
        for node, new in zip(nodes.tolist(), head[lineage].tolist(), strict=True):
            if new >= first:
                self.parent[node] = new
        self.active = head

    def tree(self):
        for node in self.active.tolist():
            self.stop[node] = float("inf")
        return Tree(np.array(self.time), np.array(self.parent), np.array(self.stop))


def _check_arguments(n, fresh_fraction, seed):
    n = _checks.integer(n, "n", low=1, high=_MAX_SIZE)
    fraction = _checks.real(fresh_fraction, "fresh_fraction", low=0.0, high=1.0)
    return n, fraction, _generator(_seed_sequence(seed))


def _as_array(values, name):
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as error:  # ragged nesting, or no array at all
        raise TypeError(f"{name} must be an array, got {_checks.shown(values)}") from error


def _check_parents(parents):
    parents = _checks.integers(parents, "parents", low=-1)
    if parents.ndim != 2 or parents.shape[1] == 0:
        raise ValueError(f"parents must have shape (generations, n), got {parents.shape}")
    n = parents.shape[1]
    if parents.size and parents.max() >= n:
        raise ValueError(f"parents must be in [-1, {n - 1}], got {parents.max()}")
    return parents
