"""Exact laws, one process per module. Nothing here knows of simulation."""

from collapse.laws import branching, gaussian, multivariate_gaussian, poisson, wright_fisher

__all__ = ["branching", "gaussian", "multivariate_gaussian", "poisson", "wright_fisher"]
