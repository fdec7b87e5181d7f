"""The start of a run, for one generation by hand."""

import numpy as np


def start(model, replications):
    """Return the parameters of generation 0 with a leading replication axis."""
    return {name: np.repeat(np.asarray(value)[None], replications, axis=0)
            for name, value in model.parameters.items()}
