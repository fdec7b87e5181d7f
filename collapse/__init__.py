"""Model collapse in recursive training: simulation, exact laws and bounds.

    >>> from collapse import Gaussian, laws, recursive_training
    >>> run = recursive_training(Gaussian(), sample_size=10, generations=200,
    ...                          replications=1000, seed=1)
    >>> simulated = (run["std"] > 0.1).mean("replication")
    >>> exact = laws.gaussian.std_sf(0.1, 10, run["generation"].values)
"""

from collapse import bounds, datasets, diagnostics, genealogy, language, laws, planning, schedules
from collapse.models import (
    GLM,
    Bernoulli,
    Categorical,
    EmpiricalMeasure,
    Exponential,
    Gaussian,
    GaussianMixture,
    MultivariateGaussian,
    Poisson,
)
from collapse.recursion import hitting_time, iter_blocks, recursive_training, replay

__version__ = "0.1.0"

__all__ = [
    "GLM",
    "Bernoulli",
    "Categorical",
    "EmpiricalMeasure",
    "Exponential",
    "Gaussian",
    "GaussianMixture",
    "MultivariateGaussian",
    "Poisson",
    "bounds",
    "datasets",
    "diagnostics",
    "genealogy",
    "hitting_time",
    "iter_blocks",
    "language",
    "laws",
    "planning",
    "recursive_training",
    "replay",
    "schedules",
]
