"""The Gaussian with both parameters refitted."""

import numpy as np

from collapse import _checks


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
        path = self.path(parameters, np.array([size]), (rng, rng))
        return {name: values[0] for name, values in path.items()}

    def path(self, parameters, sizes, rngs):
        """Return the next ``len(sizes)`` generations, shape (generations, replications).

        Both recursions are cumulative: a product of independent factors for the standard
        deviation, and given it a sum of independent steps for the mean.
        """
        normals, gammas = rngs
        shape = (len(sizes), len(parameters["mean"]))
        sizes = sizes[:, None].astype(float)
        constant = sizes[0, 0] == sizes[-1, 0] and np.all(sizes == sizes[0])
        if constant:
            sizes = sizes[:1]
        shapes = (sizes - 1) / 2

        std = np.empty((shape[0] + 1, shape[1]))
        std[0] = parameters["std"]
        factors = std[1:]
        # A scalar shape is faster than a broadcast one and consumes the stream alike.
        factors[...] = gammas.standard_gamma(shapes.item() if constant else shapes, shape)
        factors *= 2 / (sizes - self.ddof)
        np.sqrt(factors, out=factors)
        np.cumprod(std, axis=0, out=std)

        mean = normals.standard_normal(shape)
        mean *= std[:-1]
        mean /= np.sqrt(sizes)
        mean[0] += parameters["mean"]
        np.cumsum(mean, axis=0, out=mean)
        return {"mean": mean, "std": std[1:]}
