"""Exact laws, one process per module. Nothing here knows of simulation."""

from collapse.laws import (
    branching,
    excitation,
    gaussian,
    multivariate_gaussian,
    poisson,
    random_walk,
    wright_fisher,
)

__all__ = [
    "branching",
    "excitation",
    "gaussian",
    "multivariate_gaussian",
    "poisson",
    "random_walk",
    "wright_fisher",
]
