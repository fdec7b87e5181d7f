"""Values that no caller should pass, by the kind of the argument, and the valid ones they replace.

A kind has a valid ``value`` and a list ``bad`` of makers of hostile ones (makers, because a
generator, say, can be used up). Some hostile values are allowed after all: then the result has to
be right.
"""

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import xarray as xr
from hypothesis import strategies as st

import collapse
from collapse import planning, schedules, tables

NAN, INF = math.nan, math.inf


class Unprintable:
    """Whoever shows it, fails."""

    def __repr__(self):
        raise RuntimeError("no repr")


def _frozen(values):
    array = np.array(values)
    array.flags.writeable = False
    return array


def _endless():
    while True:
        yield 1


_LOOP = []
_LOOP.append(_LOOP)

# Nothing that any argument takes, but for None where it is the default.
ANYTHING = [
    lambda: None, lambda: True, lambda: np.bool_(False), lambda: "", lambda: "1", lambda: "x" * 999,
    lambda: b"1", lambda: 1j, lambda: NAN, lambda: INF, lambda: -INF, lambda: object(),
    lambda: Unprintable(), lambda: [], lambda: {}, lambda: {1}, lambda: [[1], [1, 2]],
    lambda: [None, 1], lambda: np.array(["a"]), lambda: np.array([None, 1], dtype=object),
    lambda: np.datetime64("2020-01-01"), lambda: np.timedelta64(1, "D"), lambda: pd.NA,
    lambda: pd.NaT, lambda: Decimal("0.5"), lambda: (i for i in [1, 2]), lambda: _LOOP,
    lambda: xr.Dataset(), lambda: np.zeros((2, 2), dtype=[("a", float)]), lambda: np.array([1j]),
    lambda: 10**5000, lambda: float, lambda: np.ma.masked_array([1, 2], [False, True]),
    lambda: [True, 2],
]  # fmt: skip

REALS = [
    lambda: -0.0, lambda: 0, lambda: 5e-324, lambda: -5e-324, lambda: 1e-300, lambda: 1e-16,
    lambda: 0.3, lambda: 1, lambda: 2.5, lambda: -1.0, lambda: 1e9, lambda: 1e300,
    lambda: 1.7976931348623157e308, lambda: -1e300, lambda: 10**30, lambda: 10**400,
    lambda: np.float32(0.5), lambda: np.float16(0.5), lambda: np.longdouble(0.5),
    lambda: np.float64(NAN), lambda: Fraction(1, 3), lambda: np.array(0.5), lambda: np.int8(1),
    lambda: np.nextafter(1.0, 2.0), lambda: np.nextafter(1.0, 0.0), lambda: 2**62,
]  # fmt: skip

INTEGERS = [
    lambda: 0, lambda: -1, lambda: 1, lambda: 2, lambda: 3, lambda: 7, lambda: 2.5, lambda: 3.0,
    lambda: np.float64(3.0), lambda: np.int8(3), lambda: np.uint64(2**64 - 1), lambda: np.array(3),
    lambda: 10**30, lambda: 2**62, lambda: 2**62 + 1, lambda: 2**63 - 1, lambda: 2**63,
    lambda: 2**64, lambda: -(2**63), lambda: 2**31, lambda: -0.0,
]  # fmt: skip


def _arrays(*numbers):
    """Arrays of all shapes and containers, of valid numbers and others."""
    one, two, three = numbers
    return [
        lambda: np.zeros(0), lambda: np.zeros((0, 3), dtype=int), lambda: [one, NAN],
        lambda: [one, INF], lambda: np.array([one, two, three]), lambda: _frozen([one, two, three]),
        lambda: np.array([[one], [two]]), lambda: np.array([one, two, three] * 2)[::2],
        lambda: pd.Series([one, two], index=["b", "a"]), lambda: pd.Series([one, NAN]),
        lambda: pd.DataFrame({"a": [one, two], "b": [two, three]}), lambda: pd.Index([one, two]),
        lambda: xr.DataArray([one, two, three], dims="t"), lambda: [one, -three],
        lambda: np.array([one, 10**30], dtype=object), lambda: [one, 2**64], lambda: range(1, 4),
        lambda: np.array([one, two, three], dtype=">f4"), lambda: (three, two, one),
        lambda: np.full((1,) * 33, one), lambda: [[[one]]], lambda: [one] * 7,
    ]  # fmt: skip


SCHEDULES = [
    lambda: schedules.power(5, 2.0), lambda: schedules.power(1, 1e300),
    lambda: schedules.geometric(1, 1e308), lambda: schedules.log_power(5, 1.5, maximum=9),
    lambda: schedules.geometric(2**62, 1.0), lambda: (lambda t: t * 1.5), lambda: (lambda t: "a"),
    lambda: (lambda t: None), lambda: (lambda t: 5), lambda: (lambda t: -t), lambda: [5, 4, 9, 9],
    lambda: [5, 5, 0, 5], lambda: [5], lambda: [5, NAN, 5, 5], lambda: [2**62] * 9,
    lambda: (lambda t: np.full(len(t) + 1, 5)), lambda: schedules.constant(7), lambda: [9, 9, 5, 5],
]  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A valid value, makers of hostile ones to put in its place, and a strategy for more."""

    value: object
    bad: tuple
    more: object

    def but(self, value):
        """The same kind with another valid value."""
        return replace(self, value=value)


def kind(value, *lists):
    """The kind with this valid value and the hostile ones of all lists."""
    more = [strategy for makers, strategy in ((REALS, ANY_REALS), (INTEGERS, ANY_INTEGERS))
            if makers in lists]
    bad = tuple(make for makers in lists for make in makers)
    return Kind(value, bad, st.sampled_from(bad).map(lambda make: make()) | st.one_of(more))


ANY_REALS = st.floats() | st.lists(st.floats(width=16), max_size=3)
# Between the two, numbers are legal in many places, and take their time.
ANY_INTEGERS = st.integers(-60, 60) | st.integers(min_value=2**33) | st.lists(
    st.integers(-9, 60), max_size=3)


def run():
    """A small run of the package."""
    return collapse.recursive_training(
        collapse.Gaussian(), sample_size=5, generations=4, replications=6, seed=1)


def table(rows=40):
    """A small table: a count, a binary column, a measurement."""
    rng = np.random.default_rng(5)
    values = np.column_stack([rng.poisson(2.0, rows), rng.random(rows) < 0.5,
                              rng.standard_normal(rows)]).astype(float)
    return tables.Table(("visits", "sex", "size"), ("count", "binary", "measurement"), values)


def _altered(**changes):
    """A run with something wrong in it."""
    made = run()
    for name, change in changes.items():
        made[name] = made[name].copy(data=change(made[name].values.copy()))
    return made


def _put(value):
    def change(values):
        values[0, -1] = value
        return values

    return change


def _with_provenance(text):
    made = run()
    made.attrs["provenance"] = text
    return made


def _tampered(part, value):
    import json

    made = run()
    record = json.loads(made.attrs["provenance"])
    *path, last = part.split(".")
    place = record
    for key in path:
        place = place[key]
    place[last] = value
    made.attrs["provenance"] = json.dumps(record)
    return made


RUNS = [
    lambda: run().to_dataframe(), lambda: run()["std"], lambda: _altered(std=_put(NAN)),
    lambda: _altered(std=_put(INF)), lambda: _altered(std=_put(-1.0)),
    lambda: _altered(std=_put(0.0)), lambda: _altered(std=np.zeros_like),
    lambda: _altered(std=np.ones_like), lambda: _altered(std=lambda v: v * 1e300),
    lambda: _altered(std=lambda v: v * 5e-324), lambda: run().isel(generation=[0]),
    lambda: run().isel(replication=[0]), lambda: run().isel(generation=[]),
    lambda: run().isel(replication=[]), lambda: run().isel(generation=slice(None, None, -1)),
    lambda: run().drop_vars("generation"), lambda: run().rename(generation="time"),
    lambda: run().assign_coords(generation=[0, 1, 1, 2, 2]),
    lambda: run().assign_coords(generation=list("abcde")),
    lambda: run().assign_coords(generation=[0.0, NAN, 1.0, 2.0, 3.0]),
    lambda: run().assign(std=run()["std"].astype(str)),
    lambda: run().assign(std=run()["std"] > 1), lambda: run().assign(std=run()["std"] * 1j),
]  # fmt: skip

PROVENANCES = [
    lambda: "{}", lambda: "null", lambda: "[" * 100_000, lambda: '{"arguments": 1}',
    lambda: _with_provenance(None), lambda: _with_provenance("{}"), lambda: _with_provenance(3),
    lambda: _tampered("block_size", 7), lambda: _tampered("model", None),
    lambda: _tampered("model.name", "os"), lambda: _tampered("model.name", "__loader__"),
    lambda: _tampered("model.name", 3), lambda: _tampered("model", {"name": "Gaussian"}),
    lambda: _tampered("model.arguments", {"shape": 3}), lambda: _tampered("model.arguments", []),
    lambda: _tampered("model.arguments.std", -1), lambda: _tampered("seed.entropy", "x"),
    lambda: _tampered("seed.spawn_key", None), lambda: _tampered("seed.pool_size", -4),
    lambda: _tampered("seed", 5), lambda: _tampered("arguments.generations", -1),
    lambda: _tampered("arguments.sample_size", {"kind": "import os"}),
    lambda: _tampered("arguments.colour", "red"), lambda: _tampered("arguments.keep", "all"),
    lambda: _tampered("arguments", [1, 2]), lambda: _tampered("source", {"name": "eval"}),
]  # fmt: skip

TABLES = [
    lambda: tables.Table(("a", "b"), ("count", "count"), np.ones((40, 2))),
    lambda: tables.Table(("a", "b"), ("measurement", "count"), [[1e100, 1e6], [-1e100, 0]]),
    lambda: tables.Table(("a",), ("measurement",), [[-1e100], [1e100]]), lambda: tables.Table,
    lambda: table(1), lambda: table(2), lambda: table().values,
    lambda: pd.DataFrame(table().values),
]  # fmt: skip

ROWS = [
    lambda: np.zeros((0, 3)), lambda: np.zeros((40, 0)), lambda: np.ones(40),
    lambda: np.full((40, 3), NAN), lambda: np.full((40, 3), INF), lambda: np.ones((40, 3)),
    lambda: np.zeros((40, 3)), lambda: -table().values, lambda: table().values[:1],
    lambda: table().values[:, :1], lambda: table().values * 1e300, lambda: table().values * 1e150,
    lambda: table().values.astype(str), lambda: table().values.astype(object),
    lambda: table().values > 0, lambda: table(7).values, lambda: _frozen(table().values),
    lambda: pd.DataFrame(table().values), lambda: xr.DataArray(table().values),
    lambda: table().values.tolist(), lambda: np.ones((40, 3, 2)), lambda: table().values * 5e-324,
    lambda: np.asfortranarray(table().values), lambda: table().values[:2],
]  # fmt: skip

MATRICES = [
    lambda: np.zeros((2, 2)), lambda: np.eye(3), lambda: np.eye(1), lambda: [[1, 2], [2, 1]],
    lambda: [[1, 0.5], [0.4, 1]], lambda: np.eye(2) * 1e300, lambda: np.eye(2) * 1e-300,
    lambda: np.eye(2) * 5e-324, lambda: [[1e300, 1e300], [1e300, 1e300]],
    lambda: np.full((2, 2), NAN), lambda: -np.eye(2), lambda: np.ones((2, 2)),
    lambda: np.ones((2, 3)), lambda: pd.DataFrame(np.eye(2)), lambda: xr.DataArray(np.eye(2)),
    lambda: np.diag([1.0, 1e300]), lambda: np.diag([1e-300, 1e300]), lambda: np.eye(2, dtype=bool),
    lambda: [1.0, 0.0], lambda: [0.0], lambda: np.zeros((0, 0)),
]  # fmt: skip

PARENTS = [
    lambda: [[0, 1, 2]], lambda: [[0, 1, 3]], lambda: [[0, -2, 1]], lambda: [[0, 1]],
    lambda: np.zeros((0, 3), dtype=int), lambda: np.zeros((3, 0), dtype=int), lambda: [0, 1, 2],
    lambda: [[0.0, 1.0, 2.0]], lambda: [[0, NAN, 1]], lambda: [[-1, -1, -1]],
    lambda: np.zeros((2, 2, 3), dtype=int), lambda: pd.DataFrame([[0, 1, 2], [2, 2, 2]]),
    lambda: np.array([[0, 1, 2]], dtype=np.uint8), lambda: [[2**63, 1, 2]],
]  # fmt: skip


class Broken:
    """Has the names of a model, and nothing behind them."""

    parameters = draw = fit = None


MODELS = [
    lambda: Broken(), lambda: Broken, lambda: collapse.Gaussian,
    lambda: collapse.Categorical([1.0]),
    lambda: collapse.Gaussian(1e300, 1e300), lambda: collapse.Gaussian(0, 5e-324),
    lambda: collapse.Exponential(1e300), lambda: collapse.Exponential(5e-324),
    lambda: collapse.Poisson(0.0), lambda: collapse.Poisson(1e18), lambda: collapse.Bernoulli(0.0),
    lambda: collapse.EmpiricalMeasure([[1.0, 2.0]]), lambda: planning.SymbolLost(0.5),
    lambda: collapse.MultivariateGaussian(np.zeros(2), np.eye(2)),
    lambda: collapse.GaussianMixture(1e300, 5e-324),
    lambda: collapse.GLM([1e300], family="poisson"),
    lambda: collapse.GLM([0.0, 800.0], family="logistic"), lambda: collapse.Poisson(1e300),
]  # fmt: skip

EVENTS = [
    lambda: planning.SymbolLost(1e-300), lambda: planning.SymbolLost(1 - 1e-16),
    lambda: planning.ScaleBelow(1e-300), lambda: planning.ScaleBelow(1 - 1e-16),
    lambda: planning.MeanOff(1e300), lambda: planning.MeanOff(5e-324), lambda: planning.SymbolLost,
    lambda: planning.MeanOff(1.0, std=1e300, dim=2**62), lambda: collapse.Gaussian(),
]  # fmt: skip
