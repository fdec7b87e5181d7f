"""A distribution on finitely many symbols."""

import numpy as np

from collapse import _checks
from collapse.models._statistics import choose, merge_totals


class Categorical:
    """Probabilities of m symbols, refitted by their shares among n samples.

    The counts of the next sample are Multinomial(n, probabilities), and with them the fit is

        p_i' = (count_i + smoothing)/(n + m smoothing):

    maximum likelihood without smoothing. A generation costs at most one random number per symbol
    whatever n is.

    Parameters
    ----------
    probabilities : array of float >= 0 that sum to 1, one-dimensional
    counts : array of int >= 0, one-dimensional
        In place of ``probabilities``, counts that are proportional to them.
    smoothing : float >= 0
        Added to every count (additive smoothing).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or not exactly one of
        ``probabilities`` and ``counts`` is given.
    """

    dims = {"probabilities": ("symbol",)}

    def __init__(self, probabilities=None, *, counts=None, smoothing=0.0):
        if (counts is None) == (probabilities is None):
            raise ValueError("exactly one of counts and probabilities must be given")
        if counts is not None:
            counts = _checks.counts(counts, "counts")
            probabilities = counts / counts.sum()
        self.probabilities = _checks.distribution(probabilities, "probabilities")
        self.smoothing = _checks.real(smoothing, "smoothing", low=0.0)

    def __repr__(self):
        return f"Categorical({len(self.probabilities)} symbols, smoothing={self.smoothing!r})"

    @property
    def parameters(self):
        return {"probabilities": self.probabilities}

    def draw(self, parameters, size, rng):
        """Return samples, numbers of symbols, shape (replications, size)."""
        return pick(parameters["probabilities"], size, rng)

    def fit(self, samples):
        """Return the (smoothed) share of each symbol in each row."""
        symbols = len(self.probabilities)
        samples = np.asarray(samples)
        if samples.dtype.kind not in "iu" or samples.min() < 0 or samples.max() >= symbols:
            raise ValueError(f"samples must be integers in [0, {symbols - 1}]: numbers of symbols")
        counts = np.array([np.bincount(row, minlength=symbols) for row in samples])
        return self._shares(counts, samples.shape[1])

    def step(self, parameters, size, rng):
        """Return the next generation, by its sufficient statistics."""
        return self._shares(resample(parameters["probabilities"], size, rng), size)

    def step_mixed(self, parameters, size, rng, source, fraction):
        """Return the next generation, of samples some of which are fresh."""
        if not isinstance(source, Categorical):
            return NotImplemented
        old, fresh = parameters["probabilities"], source.probabilities
        return self.step({"probabilities": (1 - fraction) * old + fraction * fresh}, size, rng)

    def summarise(self, parameters, sizes, rng):
        """Return number and counts of ``sizes`` samples in each row."""
        return {"count": sizes, "total": resample(parameters["probabilities"], sizes, rng)}

    def merge(self, first, second):
        """Return the statistics of two sets of samples together."""
        return merge_totals(first, second)

    def estimate(self, statistics):
        """Return the (smoothed) share of each symbol in each row."""
        return self._shares(statistics["total"], np.reshape(statistics["count"], (-1, 1)))

    def subsample(self, statistics, size, rng):
        """Return the statistics of ``size`` of the samples, chosen without replacement."""
        total, left = statistics["total"], statistics["count"]
        needed = np.full(len(total), size)
        chosen = np.zeros(total.shape)
        for symbol in range(total.shape[1] - 1):  # symbol by symbol, given those before it
            chosen[:, symbol] = choose(total[:, symbol], left, needed, rng)
            left = left - total[:, symbol]
            needed = needed - chosen[:, symbol].astype(np.int64)
        chosen[:, -1] = needed
        return {"count": size, "total": chosen}

    def _shares(self, counts, size):
        symbols = len(self.probabilities)
        shares = (counts + self.smoothing) / (size + symbols * self.smoothing)
        return {"probabilities": shares}


def pick(probabilities, size, rng):
    """Return numbers of symbols, shape (rows, size), drawn with the probabilities of each row."""
    cumulative = np.cumsum(probabilities, axis=1)
    cumulative /= cumulative[:, -1:]
    uniform = rng.random((len(cumulative), size))
    # The first symbol whose cumulative probability exceeds u: never one of probability 0.
    rows = zip(cumulative, uniform, strict=True)
    return np.array([np.searchsorted(row, u, side="right") for row, u in rows])


def resample(probabilities, size, rng):
    """Return multinomial counts, one row for each row of probabilities.

    ``size`` is an int, or an array with one for each row. A symbol of probability 0 gets none.
    """
    # Symbols that are lost everywhere cost nothing more: vocabularies shrink fast.
    alive = np.flatnonzero(probabilities.any(axis=0))
    within = probabilities[:, alive]
    # NumPy gives the last symbol what rounding has left over: let it be the most probable
    # one, or a lost symbol could come back.
    rows, largest = np.arange(len(within)), within.argmax(axis=1)
    top = within[rows, largest]
    within[rows, largest] = within[:, -1]
    within[:, -1] = top
    within /= within.sum(axis=1, keepdims=True)
    drawn = rng.multinomial(size, within)
    top = drawn[:, -1].copy()
    drawn[:, -1] = drawn[rows, largest]
    drawn[rows, largest] = top
    counts = np.zeros(probabilities.shape)
    counts[:, alive] = drawn
    return counts
