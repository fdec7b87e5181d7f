"""The share of one of two symbols."""

import numpy as np

from collapse import _checks
from collapse.models._statistics import choose, merge_totals


class Bernoulli:
    """A symbol with probability p, refitted by its share among n samples (maximum likelihood).

    n P' given P is Binomial(n, P): a generation costs one random number whatever n is.

    Parameters
    ----------
    p : float in [0, 1]

    Raises
    ------
    TypeError, ValueError
        If p is not a number in [0, 1].
    """

    dims = {"p": ()}

    def __init__(self, p):
        self.p = _checks.real(p, "p", low=0.0, high=1.0)

    def __repr__(self):
        return f"Bernoulli(p={self.p!r})"

    @property
    def parameters(self):
        return {"p": np.array(self.p)}

    def draw(self, parameters, size, rng):
        """Return samples, booleans of shape (replications, size)."""
        p = parameters["p"][:, None]
        return rng.random((len(p), size)) < p

    def fit(self, samples):
        """Return the share of the symbol in each row."""
        return {"p": samples.mean(axis=1)}

    def step(self, parameters, size, rng):
        """Return the next generation, by its sufficient statistic."""
        return {"p": rng.binomial(size, parameters["p"]) / size}

    def step_mixed(self, parameters, size, rng, source, fraction):
        """Return the next generation, of samples some of which are fresh."""
        if not isinstance(source, Bernoulli):
            return NotImplemented
        return self.step({"p": (1 - fraction) * parameters["p"] + fraction * source.p}, size, rng)

    def summarise(self, parameters, sizes, rng):
        """Return number and total of ``sizes`` samples in each row."""
        return {"count": sizes, "total": rng.binomial(sizes, parameters["p"])}

    def merge(self, first, second):
        """Return the statistics of two sets of samples together."""
        return merge_totals(first, second)

    def estimate(self, statistics):
        """Return the share of the symbol in each row."""
        return {"p": statistics["total"] / statistics["count"]}

    def subsample(self, statistics, size, rng):
        """Return the statistics of ``size`` of the samples, chosen without replacement."""
        return {"count": size, "total": choose(statistics["total"], statistics["count"], size, rng)}
