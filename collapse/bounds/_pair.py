"""The type of a two-sided bound."""

from typing import NamedTuple

import numpy as np


class Bounds(NamedTuple):
    """A lower and an upper bound on the same quantity, arrays of one shape."""

    lower: np.ndarray
    upper: np.ndarray
