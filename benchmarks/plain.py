"""The loop as one would first write it with NumPy: the yardstick of `benchmarks/run.py`.

One replication at a time, one generation at a time; all samples are drawn, and the mean and the
standard deviation of every generation are stored.
"""

import numpy as np


def gaussian(*, sample_size, generations, replications, seed):
    """Means and standard deviations (divisor n - 1), two arrays (replications, generations + 1)."""
    rng = np.random.default_rng(seed)
    means = np.zeros((replications, generations + 1))
    stds = np.ones((replications, generations + 1))
    for replication in range(replications):
        mean, std = 0.0, 1.0
        for generation in range(1, generations + 1):
            samples = rng.normal(mean, std, sample_size)
            mean = samples.mean()
            std = samples.std(ddof=1)
            means[replication, generation] = mean
            stds[replication, generation] = std
    return means, stds
