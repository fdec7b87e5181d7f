"""The Poisson law with its rate refitted."""

import numpy as np

from collapse import _checks
from collapse.models._statistics import merge_totals

_LARGEST_TOTAL = 1e18  # of a sample, for NumPy


class Poisson:
    """Poisson(rate), refitted by the mean of n samples (maximum likelihood).

    n Λ' given Λ is Poisson(n Λ): a generation costs one random number whatever n is.

    Parameters
    ----------
    rate : float >= 0

    Raises
    ------
    TypeError, ValueError
        If rate is not a finite number >= 0.
    """

    dims = {"rate": ()}

    def __init__(self, rate):
        self.rate = _checks.real(rate, "rate", low=0.0)

    def __repr__(self):
        return f"Poisson(rate={self.rate!r})"

    @property
    def parameters(self):
        return {"rate": np.array(self.rate)}

    def draw(self, parameters, size, rng):
        """Return samples, integers of shape (replications, size)."""
        rate = parameters["rate"][:, None]
        return rng.poisson(rate, (len(rate), size))

    def fit(self, samples):
        """Return the mean of each row."""
        return {"rate": samples.mean(axis=1)}

    def step(self, parameters, size, rng):
        """Return the next generation, by its sufficient statistic."""
        return {"rate": _totals(size, parameters["rate"], rng) / size}

    def summarise(self, parameters, sizes, rng):
        """Return number and total of ``sizes`` samples in each row."""
        return {"count": sizes, "total": _totals(sizes, parameters["rate"], rng)}

    def merge(self, first, second):
        """Return the statistics of two sets of samples together."""
        return merge_totals(first, second)

    def estimate(self, statistics):
        """Return the mean of each row."""
        return {"rate": statistics["total"] / statistics["count"]}


def _totals(sizes, rate, rng):
    """Return the totals of samples of these sizes, one for each rate."""
    mean = sizes * rate
    if np.any(mean > _LARGEST_TOTAL):
        raise ValueError(
            "model must have a smaller rate, or sample_size must be smaller: the total of a "
            f"sample has the mean {mean.max():.3g}, at most {_LARGEST_TOTAL:g} is possible"
        )
    return rng.poisson(mean)
