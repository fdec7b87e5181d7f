"""The exponential law with its rate refitted."""

import numpy as np

from collapse import _checks
from collapse.models._statistics import merge_totals
from collapse.models.gaussian import _accumulate


class Exponential:
    """Exponential(rate), refitted by the reciprocal of the mean of n samples (maximum likelihood).

    The fit is, exactly in law,

        rate' = rate · n/G,    G ~ Gamma(n, 1),

    one random number whatever n is. E[rate'] = rate · n/(n − 1), infinite for n = 1, and
    Var[rate'] = rate² n²/((n − 1)²(n − 2)), infinite for n <= 2; 1/rate is a martingale, with the
    law of the variance of `Gaussian` with 2n + 1 samples and ddof = 1. log_rate, a random walk, is
    a parameter of its own: collapse takes rate out of the range of floating-point numbers (it is
    then inf), but not its logarithm.

    Parameters
    ----------
    rate : float, finite and > 0

    Raises
    ------
    TypeError, ValueError
        If rate is of the wrong type or out of range.
    """

    streams = 1
    dims = {"rate": (), "log_rate": ()}

    def __init__(self, rate):
        self.rate = _checks.real(rate, "rate", low=0.0, open_low=True)

    def __repr__(self):
        return f"Exponential(rate={self.rate!r})"

    @property
    def parameters(self):
        return {"rate": np.array(self.rate), "log_rate": np.log(self.rate)}

    def draw(self, parameters, size, rng):
        """Return samples, shape (replications, size)."""
        mean = np.exp(-parameters["log_rate"])
        return mean[:, None] * rng.standard_exponential((len(mean), size))

    def fit(self, samples):
        """Return the reciprocal of the mean of each row, and its logarithm."""
        with np.errstate(divide="ignore", over="ignore"):  # samples have underflowed to 0
            log_rate = -np.log(samples.mean(axis=1))
            return {"rate": np.exp(log_rate), "log_rate": log_rate}

    def step(self, parameters, size, rng):
        """Return the next generation, by its sufficient statistic."""
        out = {name: np.empty((1, len(parameters[name]))) for name in ("rate", "log_rate")}
        self.path(parameters, np.array([size]), (rng,), out)
        return {name: values[0] for name, values in out.items()}

    def path(self, parameters, sizes, rngs, out):
        """Fill ``out`` with the next ``len(sizes)`` generations."""
        rate, log_rate = out["rate"], out["log_rate"]
        size = sizes[:, None].astype(float)
        if np.all(sizes == sizes[0]):
            size = float(sizes[0])  # faster than a broadcast column, and consumes the stream alike
        rngs[0].standard_gamma(size, log_rate.shape, out=log_rate)
        log_rate /= size
        np.log(log_rate, out=log_rate)
        log_rate[0] -= parameters["log_rate"]
        _accumulate(np.add, log_rate)
        np.negative(log_rate, out=log_rate)
        with np.errstate(over="ignore"):
            np.exp(log_rate, out=rate)

    def summarise(self, parameters, sizes, rng):
        """Return number and total of ``sizes`` samples in each row."""
        mean = np.exp(-parameters["log_rate"])
        return {"count": sizes, "total": mean * rng.standard_gamma(sizes.astype(float))}

    def merge(self, first, second):
        """Return the statistics of two sets of samples together."""
        return merge_totals(first, second)

    def estimate(self, statistics):
        """Return the reciprocal of the mean of each row, and its logarithm."""
        with np.errstate(divide="ignore", over="ignore"):  # samples have underflowed to 0
            log_rate = -np.log(statistics["total"] / statistics["count"])
            return {"rate": np.exp(log_rate), "log_rate": log_rate}
