"""Recursive training as the definition reads: one replication at a time, every sample drawn.

Nothing is shared with the package, so an agreement in law is evidence.
"""

import numpy as np


def gaussian(rng, *, mean, std, sizes, replications, ddof):
    """Means and standard deviations, two arrays (replications, len(sizes) + 1)."""
    means = np.empty((replications, len(sizes) + 1))
    stds = np.empty_like(means)
    for replication in range(replications):
        means[replication, 0], stds[replication, 0] = mean, std
        for generation, size in enumerate(sizes):
            center, scale = means[replication, generation], stds[replication, generation]
            samples = center + scale * rng.standard_normal(size)
            means[replication, generation + 1] = samples.mean()
            stds[replication, generation + 1] = samples.std(ddof=ddof)
    return means, stds


def multivariate_gaussian(rng, *, mean, cov, sizes, replications, ddof):
    """Means (replications, len(sizes) + 1, d) and covariances (..., d, d)."""
    dim = len(mean)
    means = np.empty((replications, len(sizes) + 1, dim))
    covs = np.empty((replications, len(sizes) + 1, dim, dim))
    for replication in range(replications):
        means[replication, 0], covs[replication, 0] = mean, cov
        for generation, size in enumerate(sizes):
            center, spread = means[replication, generation], covs[replication, generation]
            samples = rng.multivariate_normal(center, spread, size=size, method="svd")
            means[replication, generation + 1] = samples.mean(axis=0)
            covs[replication, generation + 1] = np.cov(samples, rowvar=False, ddof=ddof)
    return means, covs


def categorical(rng, *, probabilities, sizes, replications):
    """Probabilities, an array (replications, len(sizes) + 1, symbols)."""
    symbols = len(probabilities)
    path = np.zeros((replications, len(sizes) + 1, symbols))
    for replication in range(replications):
        path[replication, 0] = probabilities
        for generation, size in enumerate(sizes):
            for symbol in rng.choice(symbols, size=size, p=path[replication, generation]):
                path[replication, generation + 1, symbol] += 1 / size
    return path
