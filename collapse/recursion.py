"""The loop: draw samples from the current model, fit the next one to them alone, repeat."""

import json
import platform
from importlib import metadata

import joblib
import numpy as np
import xarray as xr

from collapse import _checks, _workflows, models, schedules

__all__ = ["BLOCK_SIZE", "hitting_time", "iter_blocks", "recursive_training", "replay"]

BLOCK_SIZE = 1024
"""Replications that share one random stream. Recorded with every run: it shapes the numbers."""

_VERSIONS = {
    "collapse": metadata.version("model-collapse-companion"),
    "numpy": np.__version__,
    "python": platform.python_version(),
}

# Working set of one call of a model's `path`: bounds memory, does not touch the numbers.
_PATH_ELEMENTS = 2**17
_SEED_BITS = 4096  # more cannot be written into the provenance
_LARGEST_SAMPLE = 1e150  # from a source: its square is a float
# Numbers in one result.
_MAX_ELEMENTS = 10**10
_MAX_JOBS = 10_000  # joblib starts as many processes as it is told
# Numbers that are handed over at once by a parallel job.
_TASK_ELEMENTS = 2**18


def recursive_training(
    model,
    *,
    sample_size,
    generations,
    replications=1,
    seed=None,
    source=None,
    fresh_fraction=0.0,
    workflow="replace",
    n_jobs=1,
    keep=None,
):
    """Train a model on its own samples, again and again.

    Generation 0 is ``model``. From generation t, n_t samples are drawn, and generation t + 1 is
    fitted to them alone. With fresh samples, each of the n_t comes from ``source`` with chance
    ``fresh_fraction``, independently.

    Parameters
    ----------
    model : model
        Generation 0; `collapse.models` says what a model is.
    sample_size : int, sequence of int, or schedule
        n_t for t = 0, 1, ..., generations − 1; where samples are pooled (``workflow``), they add
        up to at most 2⁶².
    generations : int in [0, 10⁸]
    replications : int >= 1
        Independent runs of the whole loop. The result holds at most 10¹⁰ numbers (80 GB): for more
        there are ``keep`` and `iter_blocks`.
    seed : int >= 0, numpy.random.SeedSequence, or None
        Root of all randomness. None takes fresh entropy, which the result records. The result
        does not depend on ``n_jobs`` or ``keep``, and the first K generations of a longer run
        are those of the shorter one.
    source : model, optional
        Where fresh samples come from (the starting model when None).
    fresh_fraction : float in [0, 1]
        Chance of each sample to come from ``source``.
    workflow : {"replace", "accumulate", "subsample"}
        Fit to the n_t newest samples alone, to all so far, or to n_t chosen at random without
        replacement from all so far. Models with sufficient statistics (`collapse.models`) pool
        them, at constant cost a generation; for others all samples are kept, at most 2³⁰ of the
        1024 replications of a block.
    n_jobs : int in [1, 10000], or −1
        Parallel jobs, as in joblib (−1: all cores). With more than one, the backend of
        ``joblib.parallel_config``, such as a Dask cluster, does the work.
    keep : increasing sequence of int in [0, generations], optional
        Generations to hold (default: all). Memory follows what is kept.

    Returns
    -------
    xarray.Dataset
        One variable per parameter, with dimensions (replication, generation, ...). The attribute
        ``provenance`` holds, as JSON, what it takes to make the run again (`replay`).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, before any work; and when a
        generation needs more samples than can be held.
    """
    run = _Run(
        model, sample_size, generations, replications, seed, source, fresh_fraction, workflow,
        n_jobs, keep,
    )  # fmt: skip
    # Generation first in memory: a block writes, and most questions read, one generation at a
    # time. The labelled view has the replication first.
    run.check_elements(run.replications, "replications")
    held = run.empty(run.replications)
    for block, arrays in enumerate(run.blocks(into=held)):
        for name, values in arrays.items():
            target = held[name][:, run.rows(block)]
            if not np.may_share_memory(target, values):  # another process made the block
                target[...] = values
    return run.dataset(held, np.arange(run.replications))


def iter_blocks(
    model,
    *,
    sample_size,
    generations,
    replications=1,
    seed=None,
    source=None,
    fresh_fraction=0.0,
    workflow="replace",
    n_jobs=1,
    keep=None,
):
    """Yield the run of `recursive_training` in Datasets of at most 1024 replications.

    Same arguments, same numbers, in order; memory is that of a block (of a few, or 2 MiB for
    each job, with ``n_jobs`` > 1), however many replications there are. Arguments are checked
    when the function is called, not when the first block is asked for. Raises as
    `recursive_training`.
    """
    run = _Run(
        model, sample_size, generations, replications, seed, source, fresh_fraction, workflow,
        n_jobs, keep,
    )  # fmt: skip
    run.check_elements(min(run.replications, BLOCK_SIZE), "generations")
    return (
        run.dataset(arrays, np.arange(run.rows(block).start, run.rows(block).stop))
        for block, arrays in enumerate(run.blocks())
    )


def replay(run, *, model=None, source=None, n_jobs=1):
    """Make a run again from its provenance.

    Parameters
    ----------
    run : xarray.Dataset or str
        A result of `recursive_training`, or its ``provenance`` attribute.
    model : model, optional
        Generation 0. Needed when the model is not one of this package.
    source : model, optional
        Where fresh samples come from. Needed when it was given and is not of this package.
    n_jobs : int
        As in `recursive_training`.

    Returns
    -------
    xarray.Dataset
        Bit for bit the same run, on the same versions of Python and NumPy.

    Raises
    ------
    ValueError
        If the provenance is missing, of another block size, or of a model or source that must be
        passed.
    """
    record = _read_provenance(run)
    if record["block_size"] != BLOCK_SIZE:
        raise ValueError(
            f"run was made with blocks of {record['block_size']} replications, this version "
            f"uses {BLOCK_SIZE}: install collapse {record['versions']['collapse']}"
        )
    if model is None and record["model"] is None:
        raise ValueError("model must be given: the run's model is not one of this package")
    if source is None and record["source"] is None and record["source_repr"] is not None:
        raise ValueError("source must be given: the run's source is not one of this package")
    arguments = record["arguments"]
    try:
        if model is None:
            model = _make(record["model"])
        if source is None and record["source"] is not None:
            source = _make(record["source"])
        if isinstance(arguments["sample_size"], dict):
            arguments["sample_size"] = schedules.from_description(arguments["sample_size"])
        seed = np.random.SeedSequence(**record["seed"])
    except (TypeError, ValueError, KeyError) as error:  # it was edited
        raise ValueError(f"{_NO_PROVENANCE}: {error}") from error
    return recursive_training(model, seed=seed, source=source, n_jobs=n_jobs, **arguments)


_NO_PROVENANCE = "run must carry the provenance that recursive_training writes"
_RECORDED = {"model", "source", "source_repr", "arguments", "seed", "block_size", "versions"}
_RECORDED_ARGUMENTS = {
    "sample_size", "generations", "replications", "keep", "fresh_fraction", "workflow",
}  # fmt: skip


def _read_provenance(run):
    """Return the record that `_Run.provenance` wrote, or raise ValueError."""
    text = run if isinstance(run, str) else getattr(run, "attrs", {}).get("provenance")
    try:
        record = json.loads(text)
        whole = _RECORDED <= set(record) and set(record["arguments"]) == _RECORDED_ARGUMENTS
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        raise ValueError(_NO_PROVENANCE) from error
    if not whole:
        raise ValueError(_NO_PROVENANCE)
    return record


def hitting_time(run, variable, *, below):
    """Return the first generation at which a variable lies strictly below a level.

    Parameters
    ----------
    run : xarray.Dataset
        A result of `recursive_training`.
    variable : str
        Name of a variable of ``run``.
    below : float
        The level.

    Returns
    -------
    xarray.DataArray of int
        Per replication (and entry of a parameter), the first *kept* generation below the level.
        Where there is none the value is the last kept generation and the boolean coordinate
        ``censored`` is True: the hitting time is then known only to be larger.

    Raises
    ------
    ValueError
        If ``run`` has no such variable, or the level is not finite.
    TypeError
        If ``run`` is no Dataset, or the level not a real number.
    """
    if not isinstance(run, xr.Dataset):
        raise TypeError(f"run must be a Dataset of recursive_training, got {_checks.shown(run)}")
    known = [name for name, array in run.data_vars.items()
             if "generation" in array.dims and array.dtype.kind in "iuf"]  # fmt: skip
    if not isinstance(variable, str) or variable not in known:
        raise ValueError(
            f"variable must be one of {sorted(known)}, those of run with numbers by generation, "
            f"got {_checks.shown(variable)}"
        )
    if run.sizes["generation"] == 0 or run["generation"].dtype.kind not in "iu":
        raise ValueError("run must have integers as its generations, at least one")
    level = _checks.real(below, "below")
    hit = run[variable] < level
    censored = ~hit.any("generation")
    first = hit.argmax("generation")  # the first True; 0 where there is none
    last = run.sizes["generation"] - 1
    time = run["generation"][xr.where(censored, last, first)]
    time = time.drop_vars("generation", errors="ignore").assign_coords(censored=censored)
    return time.rename("hitting_time")


class _Run:
    """The checked arguments of a run, and how each block of replications is made."""

    def __init__(
        self, model, sample_size, generations, replications, seed, source, fresh_fraction,
        workflow, n_jobs, keep,
    ):  # fmt: skip
        _check_model(model, "model")
        self.model = model
        high = _checks.MAX_SIZE
        self.generations = _checks.integer(
            generations, "generations", low=0, high=schedules.MAX_GENERATIONS
        )
        self.replications = _checks.integer(replications, "replications", low=1, high=high)
        minimum = getattr(model, "min_sample_size", 1)
        self.sizes = schedules.resolve(sample_size, self.generations, low=minimum)
        self.keep = _check_keep(keep, self.generations)
        self.keeps_all = len(self.keep) == self.generations + 1
        self.root = _seed_sequence(seed)
        self.n_jobs = _check_jobs(n_jobs)
        _check_mixing(source, fresh_fraction, workflow)
        self.source, self.fresh_fraction, self.workflow = source, float(fresh_fraction), workflow
        total = self.sizes.sum(dtype=float)
        if workflow != "replace" and total > high:
            raise ValueError(
                f"sample_size must add up to at most 2**62 with the workflow {workflow!r}, which "
                f"pools all samples so far; got {total:.3g}"
            )
        if self.fresh_fraction > 0:
            most = total if workflow == "accumulate" else self.sizes.max(initial=0)
            _check_source(model, model if source is None else source, most)
        self.start = _start(model)
        self.sample_size = sample_size

    def rows(self, block):
        """Return the slice of replications that a block holds."""
        return slice(block * BLOCK_SIZE, min((block + 1) * BLOCK_SIZE, self.replications))

    def check_elements(self, replications, name):
        """Check that arrays for so many replications can be held."""
        each = len(self.keep) * sum(start.size for start in self.start.values())
        if replications * each > _MAX_ELEMENTS:
            raise ValueError(
                f"{name} must be smaller, or keep fewer generations: {replications} replications "
                f"of {each} numbers are more than {_MAX_ELEMENTS:.0e}"
            )

    def empty(self, replications):
        """Return name -> uninitialised array (kept generation, replication, ...)."""
        return {
            name: np.empty((len(self.keep), replications, *start.shape))
            for name, start in self.start.items()
        }

    def blocks(self, into=None):
        """Yield, block by block in order, name -> array (kept generation, replication, ...).

        Blocks made in this process are written to their place in ``into``, if given.
        """
        count = -(-self.replications // BLOCK_SIZE)
        if count == 1 or self.n_jobs == 1:
            return (self.block(block, into) for block in range(count))
        return self._parallel_blocks(count)

    def _parallel_blocks(self, count):
        # In waves: joblib would go on however slowly the blocks are taken, and hold them all.
        # Small blocks travel together: handing one over takes longer than making it.
        block_elements = sum(values.size for values in self.empty(BLOCK_SIZE).values())
        together = max(1, _TASK_ELEMENTS // block_elements)
        jobs = min(self.n_jobs, count)
        with joblib.Parallel(n_jobs=jobs) as parallel:
            workers = joblib.effective_n_jobs(jobs)
            together = min(together, -(-count // (2 * workers)))
            wave = 2 * workers * together
            for first in range(0, count, wave):
                last = min(first + wave, count)
                tasks = parallel(
                    joblib.delayed(self.some_blocks)(start, min(start + together, last))
                    for start in range(first, last, together)
                )
                for blocks in tasks:
                    yield from blocks

    def some_blocks(self, first, last):
        """Return a list of blocks."""
        return [self.block(block) for block in range(first, last)]

    def block(self, block, into=None):
        """Return the kept generations of one block."""
        rows = self.rows(block)
        replications = rows.stop - rows.start
        # The child of a block is built, not spawned: spawning would change the caller's seed.
        child = np.random.SeedSequence(
            self.root.entropy,
            spawn_key=(*self.root.spawn_key, block),
            pool_size=self.root.pool_size,
        )
        state = _workflows.repeat(self.model, replications)
        if into is None:
            held = self.empty(replications)
        else:
            held = {name: values[:, rows] for name, values in into.items()}
        for first, path in self._advance(state, child, held):
            length = len(next(iter(path.values())))
            if self.keeps_all:
                low, high, inside = first, first + length, slice(None)
            else:
                low, high = np.searchsorted(self.keep, [first, first + length])
                inside = self.keep[low:high] - first
            for name, values in path.items():
                if not np.may_share_memory(values, held[name]):  # else it is in place already
                    held[name][low:high] = values[inside]
        return held

    def _advance(self, state, child, held):
        """Yield (first generation, path) with paths that cover generations 0, 1, ... in order.

        A path is name -> array (generation, replication, ...), good until the next one is asked
        for. Where every generation is kept it may lie in ``held``, at its place.
        """
        yield 0, {name: value[None] for name, value in state.items()}
        plain = self.fresh_fraction == 0 and self.workflow == "replace"
        if plain and hasattr(self.model, "path"):
            yield from self._advance_by_paths(state, child, held)
            return
        rng = _generator(child)
        wanted = {name: value.shape for name, value in state.items()}
        step = _workflows.make(self.model, self.source, self.fresh_fraction, self.workflow)
        for t, size in enumerate(self.sizes.tolist()):
            state = step(state, size, rng)
            shapes = {name: np.shape(value) for name, value in state.items()}
            if shapes != wanted:  # it would be broadcast over, or left out of, the result
                raise ValueError(f"model must return parameters of shapes {wanted}, got {shapes}")
            yield t + 1, {name: np.asarray(value)[None] for name, value in state.items()}

    def _advance_by_paths(self, state, child, held):
        rngs = [_generator(seed) for seed in child.spawn(self.model.streams)]
        replications = len(next(iter(state.values())))
        length = max(1, _PATH_ELEMENTS // replications)
        in_place = self.keeps_all and all(
            values.flags.c_contiguous for values in held.values()
        )
        workspace = {} if in_place else {
            name: np.empty((min(length, self.generations), *value.shape))
            for name, value in state.items()
        }  # fmt: skip
        for t in range(0, self.generations, length):
            sizes = self.sizes[t : t + length]
            if in_place:
                path = {name: values[t + 1 : t + 1 + len(sizes)] for name, values in held.items()}
            else:
                path = {name: values[: len(sizes)] for name, values in workspace.items()}
            self.model.path(state, sizes, rngs, path)
            state = {name: values[-1].copy() for name, values in path.items()}
            yield t + 1, path

    def dataset(self, arrays, replication):
        """Return labelled arrays from name -> (kept generation, replication, ...)."""
        named = getattr(self.model, "dims", {})
        variables = {}
        for name, values in arrays.items():
            extra = named.get(name, [f"{name}_{axis}" for axis in range(values.ndim - 2)])
            variables[name] = (("replication", "generation", *extra), np.swapaxes(values, 0, 1))
        coordinates = {"replication": replication, "generation": self.keep}
        # NumPy numbers come in through seeds and models.
        provenance = json.dumps(self.provenance(), default=lambda value: value.tolist())
        return xr.Dataset(variables, coordinates, {"provenance": provenance})

    def provenance(self):
        """Return, as a JSON-ready dict, what it takes to make the run again."""
        size = self.sample_size
        if isinstance(size, schedules.Schedule):
            size = size.describe()
        elif np.ndim(size) == 0 and not callable(size):
            size = int(size)
        else:
            size = self.sizes.tolist()
        return {
            "model": _describe(self.model),
            "model_repr": repr(self.model),
            "source": None if self.source is None else _describe(self.source),
            "source_repr": None if self.source is None else repr(self.source),
            "arguments": {
                "sample_size": size,
                "generations": self.generations,
                "replications": self.replications,
                "keep": None if self.keeps_all else self.keep.tolist(),
                "fresh_fraction": self.fresh_fraction,
                "workflow": self.workflow,
            },
            "seed": {
                "entropy": self.root.entropy,
                "spawn_key": list(self.root.spawn_key),
                "pool_size": self.root.pool_size,
            },
            "bit_generator": "SFC64",
            "block_size": BLOCK_SIZE,
            "versions": _VERSIONS,
        }


def _generator(seed):
    # NumPy's fastest bit generator. Its streams are made independent by seeding alone, which is
    # all that a block needs; a sixth of the time of a Gaussian run is saved.
    return np.random.Generator(np.random.SFC64(seed))


def _describe(model):
    """Return name and arguments of a model of this package, None for any other."""
    name = type(model).__name__
    if getattr(models, name, None) is not type(model):
        return None
    arguments = {
        key: value.tolist() if isinstance(value, np.ndarray) else value
        for key, value in vars(model).items()
        if not key.startswith("_")
    }
    return {"name": name, "arguments": arguments}


def _make(description):
    """Return the model that `_describe` described.

    Raises TypeError, ValueError or KeyError for anything else: a file may have been edited, and
    nothing but a model of this package is made from it.
    """
    if description["name"] not in models.__all__:
        raise ValueError(f"{_checks.shown(description['name'])} is not a model of this package")
    return getattr(models, description["name"])(**description["arguments"])


def _start(model):
    """Return the parameters of generation 0 as arrays of floats."""
    try:
        return {name: np.array(value, dtype=float) for name, value in model.parameters.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise TypeError(
            "model must have parameters that are a dict of arrays of numbers, got "
            f"{_checks.shown(model.parameters)}"
        ) from error


def _check_model(model, name):
    parts = ["parameters", "draw", "fit"] + ["streams"] * hasattr(model, "path")
    missing = [part for part in parts if getattr(model, part, None) is None]
    if missing or isinstance(model, type):
        what = "is a class, not an instance" if isinstance(model, type) else f"lacks {missing}"
        raise TypeError(
            f"{name} must have parameters, draw and fit; {_checks.shown(model)} {what}"
        )


def _check_keep(keep, generations):
    if keep is None:
        return np.arange(generations + 1)
    allowed = f"a non-empty increasing sequence of integers in [0, {generations}]"
    if isinstance(keep, (str, bytes)):
        raise TypeError(f"keep must be {allowed}, got {_checks.shown(keep)}")
    kept = _checks.integers(keep, "keep", low=0, high=generations)
    if kept.ndim != 1 or kept.size == 0:
        raise ValueError(f"keep must be {allowed}, got {_checks.shown(keep)}")
    if np.any(np.diff(kept) <= 0):
        raise ValueError(f"keep must be {allowed}, got {_checks.shown(keep)}")
    return kept


def _check_jobs(n_jobs):
    n_jobs = _checks.integer(n_jobs, "n_jobs", low=-1, high=_MAX_JOBS)
    if n_jobs == 0:
        raise ValueError(
            f"n_jobs must be an integer in [1, {_MAX_JOBS}], or -1 for all cores, got 0"
        )
    return n_jobs


def _check_mixing(source, fresh_fraction, workflow):
    if source is not None:
        _check_model(source, "source")
    _checks.real(fresh_fraction, "fresh_fraction", low=0.0, high=1.0)
    _checks.choice(workflow, "workflow", tuple(_workflows.WORKFLOWS))


def _check_source(model, source, size):
    """Check that the model can be fitted to samples of the source beside its own."""
    most = getattr(model, "max_fresh_size", None)
    if most is not None and size > most:
        raise ValueError(
            f"sample_size must be such that no model is fitted to more than {most} samples, the "
            f"capacity of {model!r}, some of which are fresh; got {size:.0f}"
        )
    size = getattr(model, "min_sample_size", 1)
    rng = np.random.default_rng(0)  # the samples are thrown away
    own, fresh = (np.asarray(m.draw(_workflows.repeat(m, 1), size, rng)) for m in (model, source))
    if np.any(np.abs(fresh) > _LARGEST_SAMPLE):
        raise ValueError(f"source must draw samples that are at most {_LARGEST_SAMPLE:g}")
    own, fresh = own.shape, fresh.shape
    if own != fresh:
        raise ValueError(
            f"source must draw samples of the shape of the model's, {own[2:]}, got {fresh[2:]}"
        )


def _seed_sequence(seed):
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if seed is not None:
        try:
            seed = _checks.integer(seed, "seed", low=0, high=np.inf)
        except TypeError:
            raise TypeError(
                "seed must be an integer >= 0, a numpy SeedSequence or None, got "
                f"{_checks.shown(seed)}"
            ) from None
        if seed.bit_length() > _SEED_BITS:
            raise ValueError(f"seed must be below 2**{_SEED_BITS}")
    return np.random.SeedSequence(seed)
