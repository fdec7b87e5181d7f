"""One generation by hand: the start of a run, a model without quick routes, one law or two."""

import numpy as np
from scipy import stats


def start(model, replications):
    """Return the parameters of generation 0 with a leading replication axis."""
    return {name: np.repeat(np.asarray(value)[None], replications, axis=0)
            for name, value in model.parameters.items()}


class OnlySamples:
    """The same model without its quick routes."""

    def __init__(self, model):
        self.parameters, self.draw, self.fit = model.parameters, model.draw, model.fit
        self.min_sample_size = getattr(model, "min_sample_size", 1)


def assert_one_law(first, second, assert_plausible):
    """Two samples are plausibly of one law, be it on few points or on many."""
    values = np.unique(np.concatenate([first, second]))
    if len(values) == 1:
        return
    if len(values) < 60:  # a law on few points: the Kolmogorov test would be too mild
        table = np.array([[np.count_nonzero(v == x) for x in values] for v in (first, second)])
        table = table[:, table.sum(axis=0) > 20]
        assert_plausible(stats.chi2_contingency(table).pvalue)
    else:
        assert_plausible(stats.ks_2samp(first, second).pvalue)
