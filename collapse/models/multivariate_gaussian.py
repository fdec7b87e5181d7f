"""The Gaussian in d dimensions, mean and covariance refitted."""

import numpy as np

from collapse import _checks
from collapse.models._statistics import merge_means


class MultivariateGaussian:
    """N(mean, cov) in d dimensions, refitted by the sample mean and covariance.

    With n samples, ν = n − 1 and cov = L Lᵀ the fit is, exactly in law,

        mean' = mean + L Z/√n,    L' = L A/√(n − ddof),    cov' = L' L'ᵀ,

    with A lower triangular, standard normal below the diagonal and A_ii² ~ χ²_{ν−i+1}, all
    independent (Bartlett's decomposition of a Wishart matrix). The Cholesky factor L is a
    parameter of its own: collapse makes cov singular to working precision long before L, so the
    recursion must never factorise cov again.

    Parameters
    ----------
    mean : array, shape (d,), finite
    cov : array, shape (d, d), symmetric and positive definite
    ddof : {0, 1}
        Divisor n − ddof of the covariance.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, shape or range.
    """

    dims = {
        "mean": ("feature",),
        "cov": ("feature", "feature_2"),
        "cholesky": ("feature", "feature_2"),
    }

    def __init__(self, mean, cov, *, ddof=1):
        self.mean = np.atleast_1d(_checks.reals(mean, "mean"))
        self.cov = np.atleast_2d(_checks.reals(cov, "cov"))
        self.ddof = _checks.choice(ddof, "ddof", (0, 1))
        d = len(self.mean)
        if self.mean.ndim != 1 or d == 0:
            raise ValueError(f"mean must have shape (d,) with d >= 1, got {self.mean.shape}")
        if self.cov.shape != (d, d):
            raise ValueError(f"cov must have shape ({d}, {d}) as mean has, got {self.cov.shape}")
        if not np.allclose(self.cov, self.cov.T, rtol=1e-12, atol=0):
            raise ValueError("cov must be symmetric")
        try:
            self._cholesky = np.linalg.cholesky(self.cov)
        except np.linalg.LinAlgError:
            raise ValueError("cov must be positive definite") from None

    def __repr__(self):
        mean, cov = self.mean.tolist(), self.cov.tolist()
        return f"MultivariateGaussian(mean={mean}, cov={cov}, ddof={self.ddof})"

    @property
    def min_sample_size(self):
        """d + 1: with fewer samples the fitted covariance is singular after one generation."""
        return len(self.mean) + 1

    @property
    def parameters(self):
        return {"mean": self.mean, "cov": self.cov, "cholesky": self._cholesky}

    def draw(self, parameters, size, rng):
        """Return samples, shape (replications, size, d)."""
        mean, cholesky = parameters["mean"], parameters["cholesky"]
        normals = rng.standard_normal((len(mean), size, mean.shape[1]))
        return mean[:, None, :] + normals @ np.swapaxes(cholesky, 1, 2)

    def fit(self, samples):
        """Return mean, covariance and its Cholesky factor for each data set."""
        mean = samples.mean(axis=1)
        centred = (samples - mean[:, None, :]) / np.sqrt(samples.shape[1] - self.ddof)
        return self._fitted(mean, _lower(centred))

    def step(self, parameters, size, rng):
        """Return the next generation, by its sufficient statistics."""
        mean, cholesky = parameters["mean"], parameters["cholesky"]
        replications, d = mean.shape
        normals = rng.standard_normal((replications, d, d + 1))
        bartlett = _bartlett(normals[:, :, :d], size - 1.0 - np.arange(d), rng)
        mean = mean + (cholesky @ normals[:, :, d:])[:, :, 0] / np.sqrt(size)
        return self._fitted(mean, cholesky @ (bartlett / np.sqrt(size - self.ddof)))

    def summarise(self, parameters, sizes, rng):
        """Return number, mean and a root of the scatter matrix of ``sizes`` samples in each row."""
        mean, cholesky = parameters["mean"], parameters["cholesky"]
        replications, d = mean.shape
        normals = rng.standard_normal((replications, d, d + 1))
        degrees = sizes[:, None] - 1.0 - np.arange(d)
        # With ν < d degrees of freedom only the first ν columns are there.
        normals[:, :, :d] *= (degrees > 0)[:, None, :]
        bartlett = _bartlett(normals[:, :, :d], np.maximum(degrees, 0.0), rng)
        noise = (cholesky @ normals[:, :, d:])[:, :, 0] / np.sqrt(np.maximum(sizes, 1))[:, None]
        return {"count": sizes, "mean": mean + noise, "root": cholesky @ bartlett}

    def merge(self, first, second):
        """Return the statistics of two sets of samples together."""
        count, mean, between = merge_means(first, second)
        root = np.concatenate([first["root"], second["root"], between[:, :, None]], axis=2)
        return {"count": count, "mean": mean, "root": _lower(np.swapaxes(root, 1, 2))}

    def estimate(self, statistics):
        """Return mean, covariance and its Cholesky factor."""
        divisor = np.sqrt(statistics["count"] - self.ddof)[:, None, None]
        return self._fitted(statistics["mean"], statistics["root"] / divisor)

    def _fitted(self, mean, cholesky):
        return {"mean": mean, "cov": cholesky @ np.swapaxes(cholesky, 1, 2), "cholesky": cholesky}


def _bartlett(normals, degrees, rng):
    """Return lower triangular A: normal below the diagonal, A_ii² ~ χ² with these degrees."""
    replications, d = normals.shape[:2]
    out = np.tril(normals, -1)
    diagonal = np.arange(d)
    out[:, diagonal, diagonal] = np.sqrt(2 * rng.standard_gamma(degrees / 2, (replications, d)))
    return out


def _lower(rows):
    """Return lower triangular L with a diagonal >= 0 and L Lᵀ = XᵀX, for matrices X of rows.

    X = Q R gives XᵀX = RᵀR without forming it.
    """
    upper = np.linalg.qr(rows, mode="r")
    diagonal = np.diagonal(upper, axis1=1, axis2=2)
    return np.swapaxes(upper * np.where(diagonal < 0, -1.0, 1.0)[:, :, None], 1, 2)
