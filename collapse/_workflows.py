"""How a generation is made from the last: fresh samples, and which samples a model is fitted to.

A workflow is a function (parameters, size, rng) that returns the parameters of the next
generation, one for each block of replications: it may remember what came before. The ways are
tried from the cheapest on: one generation in one step, sufficient statistics, samples.
"""

from functools import partial

import numpy as np

from collapse import _checks

__all__ = ["WORKFLOWS", "make", "repeat"]


def make(model, source, fraction, workflow):
    """Return the function that makes generation t + 1 from generation t.

    ``source`` None is the starting model.
    """
    source = model if source is None else source
    return WORKFLOWS[workflow](model, source, fraction)


def repeat(model, replications):
    """Return the parameters of generation 0 with a replication axis."""
    return {
        name: np.repeat(np.array(value, dtype=float)[None], replications, axis=0)
        for name, value in model.parameters.items()
    }


def _replace(model, source, fraction):
    if fraction > 0:
        return partial(_mixed_step, model, source, fraction)
    if hasattr(model, "step"):
        return model.step
    return lambda state, size, rng: model.fit(_draw(model, state, size, rng))


def _mixed_step(model, source, fraction, state, size, rng):
    if hasattr(model, "step_mixed"):
        following = model.step_mixed(state, size, rng, source, fraction)
        if following is not NotImplemented:
            return following
    if _summarises(model, source):
        return model.estimate(_statistics(model, source, fraction, state, size, rng))
    return model.fit(_samples(model, source, fraction, state, size, rng))


class _Accumulate:
    """Fit to all samples so far: to their statistics, or to the samples, which are then kept."""

    def __init__(self, model, source, fraction):
        self.arguments = model, source, fraction
        self.pool = None

    def __call__(self, state, size, rng):
        model, source, _ = self.arguments
        if _summarises(model, source):
            new = _statistics(*self.arguments, state, size, rng)
            self.pool = new if self.pool is None else model.merge(self.pool, new)
            return model.estimate(self.pool)
        self.pool = _append(self.pool, _samples(*self.arguments, state, size, rng))
        return model.fit(self.pool)


class _Subsample:
    """Fit to as many samples as are new, chosen without replacement from all so far."""

    def __init__(self, model, source, fraction):
        self.arguments = model, source, fraction
        self.pool = None

    def __call__(self, state, size, rng):
        model, source, _ = self.arguments
        if hasattr(model, "subsample") and _summarises(model, source):
            new = _statistics(*self.arguments, state, size, rng)
            self.pool = new if self.pool is None else model.merge(self.pool, new)
            return model.estimate(model.subsample(self.pool, size, rng))
        self.pool = _append(self.pool, _samples(*self.arguments, state, size, rng))
        replications, total = self.pool.shape[:2]
        if total == size:
            return model.fit(self.pool)
        chosen = rng.random((replications, total)).argpartition(size, axis=1)[:, :size]
        return model.fit(self.pool[np.arange(replications)[:, None], chosen])


WORKFLOWS = {"replace": _replace, "accumulate": _Accumulate, "subsample": _Subsample}


def _summarises(model, source):
    return hasattr(model, "summarise") and type(source) is type(model)


def _statistics(model, source, fraction, state, size, rng):
    """Return sufficient statistics of new samples, some of which are fresh."""
    replications = len(next(iter(state.values())))
    if fraction == 0:
        return model.summarise(state, np.full(replications, size), rng)
    fresh = rng.binomial(size, fraction, replications)
    return model.merge(
        model.summarise(state, size - fresh, rng),
        model.summarise(repeat(source, replications), fresh, rng),
    )


def _samples(model, source, fraction, state, size, rng):
    """Return new samples, some of which are fresh."""
    old = _draw(model, state, size, rng)
    if fraction == 0:
        return old
    new = _draw(source, repeat(source, len(old)), size, rng)
    fresh = rng.random((len(old), size)) < fraction
    return np.where(fresh.reshape(fresh.shape + (1,) * (old.ndim - 2)), new, old)


def _append(pool, samples):
    if pool is None:
        return samples
    _checks.room(len(pool), pool.shape[1] + samples.shape[1])
    return np.concatenate([pool, samples], axis=1)


def _draw(model, state, size, rng):
    _checks.room(len(next(iter(state.values()))), size)
    return model.draw(state, size, rng)
