"""The empirical measure: the model that keeps its samples."""

import numpy as np

from collapse import _checks
from collapse.models.categorical import pick, resample

_MAX_CAPACITY = 10**8


class EmpiricalMeasure:
    """Weighted atoms Σ w_i δ(x_i) in any space, refitted by the empirical measure of n samples.

    Without fresh samples a generation resamples the weights, n w' ~ Multinomial(n, w): atoms are
    lost and never come back. With them each fresh sample is a new atom of weight 1/n. An atom
    keeps its slot for life, and a fresh one takes a slot of weight 0.

    Parameters
    ----------
    atoms : array of float, shape (m, ...), finite
        Points x_i: numbers, vectors, paths, ...
    weights : array of float >= 0 that sum to 1, shape (m,)
        1/m each when None.
    capacity : int in [m, 10⁸]
        Slots, m when None. With fresh samples a generation can have as many atoms as samples, so
        the sample size must not exceed it.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, shape or range.
    """

    def __init__(self, atoms, weights=None, *, capacity=None):
        self.atoms = _checks.reals(atoms, "atoms")
        if self.atoms.ndim == 0 or self.atoms.size == 0:
            raise ValueError(f"atoms must have shape (m, ...), m >= 1, got {self.atoms.shape}")
        count = len(self.atoms)
        if weights is None:
            weights = np.full(count, 1 / count)
        self.weights = _checks.distribution(weights, "weights")
        if len(self.weights) != count:
            raise ValueError(
                f"weights must have shape ({count},) as there are atoms, got {self.weights.shape}"
            )
        capacity = count if capacity is None else capacity
        self.capacity = _checks.integer(capacity, "capacity", low=count, high=_MAX_CAPACITY)

    def __repr__(self):
        return f"EmpiricalMeasure({len(self.atoms)} atoms, capacity={self.capacity})"

    @property
    def dims(self):
        features = [f"feature_{axis}" for axis in range(1, self.atoms.ndim)]
        if len(features) == 1:
            features = ["feature"]
        return {"atoms": ("atom", *features), "weights": ("atom",)}

    @property
    def max_fresh_size(self):
        """The largest sample size with fresh samples."""
        return self.capacity

    @property
    def parameters(self):
        free = self.capacity - len(self.atoms)
        filler = np.repeat(self.atoms[:1], free, axis=0)  # of weight 0
        return {
            "atoms": np.concatenate([self.atoms, filler]),
            "weights": np.concatenate([self.weights, np.zeros(free)]),
        }

    def draw(self, parameters, size, rng):
        """Return samples, shape (replications, size, ...)."""
        atoms = parameters["atoms"]
        return atoms[np.arange(len(atoms))[:, None], pick(parameters["weights"], size, rng)]

    def fit(self, samples):
        """Return the empirical measure of each row; equal samples share a slot."""
        samples = np.asarray(samples, dtype=float)
        replications, size = samples.shape[:2]
        atoms = np.repeat(samples[:, :1], self.capacity, axis=1)
        weights = np.zeros((replications, self.capacity))
        for row, points in enumerate(samples):
            distinct, count = np.unique(points, axis=0, return_counts=True)
            if len(distinct) > self.capacity:
                raise ValueError(
                    f"capacity must be at least {len(distinct)}, the number of distinct samples, "
                    f"got {self.capacity}"
                )
            atoms[row, : len(distinct)] = distinct
            weights[row, : len(distinct)] = count / size
        return {"atoms": atoms, "weights": weights}

    def step(self, parameters, size, rng):
        """Return the next generation: the same atoms with resampled weights."""
        counts = resample(parameters["weights"], size, rng)
        return {"atoms": parameters["atoms"], "weights": counts / size}

    def step_mixed(self, parameters, size, rng, source, fraction):
        """Return the next generation, of samples some of which are fresh."""
        atoms, weights = parameters["atoms"].copy(), parameters["weights"]
        fresh = rng.binomial(size, fraction, len(weights))
        counts = resample(weights, size - fresh, rng)
        free = counts == 0  # at least capacity − size + fresh slots
        taken = free & (np.cumsum(free, axis=1) <= fresh[:, None])
        start = {name: np.asarray(value)[None] for name, value in source.parameters.items()}
        atoms[taken] = source.draw(start, int(fresh.sum()), rng)[0]
        counts[taken] = 1
        return {"atoms": atoms, "weights": counts / size}
