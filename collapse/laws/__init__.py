"""Exact laws, one process per module. Nothing here knows of simulation."""

from collapse.laws import gaussian, multivariate_gaussian

__all__ = ["gaussian", "multivariate_gaussian"]
