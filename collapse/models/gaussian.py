"""The Gaussian with both parameters refitted."""

import numpy as np

from collapse import _checks
from collapse.models._statistics import merge_means


class Gaussian:
    """N(mean, std²), refitted by the sample mean and the sample standard deviation.

    With n samples from N(μ, σ²) and ν = n − 1 the fit is, exactly in law,

        μ' = μ + σ Z/√n,    σ' = σ √(χ²_ν/(n − ddof)),

    with Z standard normal and independent of χ²_ν (Cochran), so that a generation costs two
    random numbers whatever n is.

    Parameters
    ----------
    mean : float, finite
    std : float, finite and > 0
    ddof : {0, 1}
        Divisor n − ddof of the variance: 1 keeps its mean (Suresh et al. 2025, Theorem 3),
        0 is maximum likelihood.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """

    min_sample_size = 2
    streams = 2
    dims = {"mean": (), "std": ()}

    def __init__(self, mean=0.0, std=1.0, *, ddof=1):
        self.mean = _checks.real(mean, "mean")
        self.std = _checks.real(std, "std", low=0.0, open_low=True)
        self.ddof = _checks.choice(ddof, "ddof", (0, 1))

    def __repr__(self):
        return f"Gaussian(mean={self.mean!r}, std={self.std!r}, ddof={self.ddof})"

    @property
    def parameters(self):
        return {"mean": np.array(self.mean), "std": np.array(self.std)}

    def draw(self, parameters, size, rng):
        """Return samples, shape (replications, size)."""
        mean, std = parameters["mean"], parameters["std"]
        samples = rng.standard_normal((len(mean), size))
        samples *= std[:, None]
        samples += mean[:, None]
        return samples

    def fit(self, samples):
        """Return the mean and the standard deviation of each row."""
        return {"mean": samples.mean(axis=1), "std": samples.std(axis=1, ddof=self.ddof)}

    def step(self, parameters, size, rng):
        """Return the next generation, by its sufficient statistics."""
        out = {name: np.empty((1, len(parameters[name]))) for name in ("mean", "std")}
        self.path(parameters, np.array([size]), (rng, rng), out)
        return {name: values[0] for name, values in out.items()}

    def path(self, parameters, sizes, rngs, out):
        """Fill ``out`` with the next ``len(sizes)`` generations.

        Both recursions are cumulative: a product of independent factors for the standard
        deviation, and given it a sum of independent steps for the mean.
        """
        normals, gammas = rngs
        mean, std = out["mean"], out["std"]
        size = sizes[:, None].astype(float)
        shape = (size - 1) / 2
        if np.all(sizes == sizes[0]):
            # Scalars are faster than broadcast columns and consume the stream alike.
            size, shape = float(sizes[0]), float(shape[0, 0])

        gammas.standard_gamma(shape, std.shape, out=std)
        std *= 2 / (size - self.ddof)
        np.sqrt(std, out=std)
        std[0] *= parameters["std"]
        _accumulate(np.multiply, std)

        normals.standard_normal(out=mean)
        mean[0] *= parameters["std"]
        mean[1:] *= std[:-1]
        mean *= 1 / np.sqrt(size)
        mean[0] += parameters["mean"]
        _accumulate(np.add, mean)

    def summarise(self, parameters, sizes, rng):
        """Return number, mean and sum of squares about it of ``sizes`` samples in each row."""
        mean, std = parameters["mean"], parameters["std"]
        degrees = np.maximum(sizes - 1.0, 0.0)
        squares = std**2 * (2 * rng.standard_gamma(degrees / 2))
        noise = rng.standard_normal(len(sizes)) / np.sqrt(np.maximum(sizes, 1))
        return {"count": sizes, "mean": mean + std * noise, "squares": squares}

    def merge(self, first, second):
        """Return the statistics of two sets of samples together."""
        count, mean, between = merge_means(first, second)
        return {
            "count": count,
            "mean": mean,
            "squares": first["squares"] + second["squares"] + between**2,
        }

    def estimate(self, statistics):
        """Return the mean and the standard deviation of each row."""
        variance = statistics["squares"] / (statistics["count"] - self.ddof)
        return {"mean": statistics["mean"], "std": np.sqrt(variance)}


def _accumulate(ufunc, rows):
    """Replace each row by the accumulation of all rows up to it."""
    if rows.shape[1] < 256:
        ufunc.accumulate(rows, axis=0, out=rows)
        return
    # The same operations; NumPy's accumulate goes down the columns, long rows are faster whole.
    for previous, row in zip(rows[:-1], rows[1:], strict=True):
        ufunc(previous, row, out=row)
