"""Bad input: no wrong number, no traceback from deep inside, no hang.

Valid arguments, one or two of which are replaced by hostile values (`hostile`), to every public
function (`calls`). What comes out is a result in its range, or one `TypeError` or `ValueError` that
is raised by the package itself and names the argument.
"""

import contextlib
import importlib
import inspect
import re
import signal
import traceback
import types
import warnings
from dataclasses import fields, is_dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from book.test_api import public_names
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import collapse
from collapse import _checks
from fuzz.calls import CALLS, RESULTS, Lazy, call
from fuzz.hostile import kind

PACKAGE = Path(collapse.__file__).parent
SECONDS = 5.0  # of processor time for one call


def judge(call, changed):
    """Call with hostile values for some arguments; returns what is wrong with it, or None."""
    arguments = {name: kind.value.make() if isinstance(kind.value, Lazy) else kind.value
                 for name, kind in call.arguments.items()}
    arguments |= changed
    try:
        with warnings.catch_warnings(), time_limit(SECONDS):
            warnings.simplefilter("error")
            result = call.function(**arguments)
            if isinstance(result, types.GeneratorType):
                result = list(islice(result, 3))
    except call.errors as error:
        return _fault_of_error(error, {*changed, *call.also})
    except BaseException as error:
        return "".join(traceback.format_exception(error)[-3:])
    return _fault_of_result(result, call.result)


def _fault_of_error(error, names):
    where = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    if PACKAGE not in where.parents:
        return "raised from deep inside:\n" + "".join(traceback.format_exception(error)[-4:])
    message = str(error)
    if not any(re.search(rf"\b{name}\b", message) for name in names):
        return f"names no argument: {message}"
    if "\n" in message or len(message) > 1000:
        return f"is not one clear line: {message[:2000]}"
    return None


def _fault_of_result(result, allowed):
    if allowed is None:
        return None
    low, high = allowed
    for values in _numbers(result):
        if not np.all((values >= low) & (values <= high)):  # NaN fails
            return f"result not in [{low}, {high}]: {result!r}"
    return None


def _numbers(result):
    """The arrays of numbers in a result."""
    if isinstance(result, (bool, str, bytes, types.NoneType)):
        return
    if isinstance(result, (list, tuple, dict)):
        for item in result.values() if isinstance(result, dict) else result:
            yield from _numbers(item)
    elif is_dataclass(result):
        for field in fields(result):
            yield from _numbers(getattr(result, field.name))
    elif isinstance(result, (xr.Dataset, pd.DataFrame)):
        for name in result:
            yield from _numbers(result[name].values)
    elif np.asarray(result).dtype.kind in "iuf":
        yield np.asarray(result, dtype=float)


@contextlib.contextmanager
def time_limit(seconds):
    """Stop what takes more processor time."""
    def stop(*_):
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _home(name):
    """The public object of this name, and the module and name under which it was defined."""
    module, public = name.rsplit(".", 1)
    value = getattr(importlib.import_module(module), public)
    return value, f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"


def test_every_public_name_is_in_the_table():
    covered = [entry.function for entry in CALLS.values()]
    covered += [function.args[0] for function in covered if hasattr(function, "args")]
    for name in public_names():
        value, home = _home(name)
        if callable(value) and home not in RESULTS:
            assert value in covered, f"{name} is not in tests/fuzz/calls.py"


def test_a_missing_name_is_found(monkeypatch):
    monkeypatch.delitem(CALLS, "collapse.planning.cost")
    with pytest.raises(AssertionError, match="collapse.planning.cost is not in"):
        test_every_public_name_is_in_the_table()


@pytest.mark.parametrize("name", CALLS)
def test_every_argument_is_in_the_table(name):
    """With one exception in each of two cases: arguments that exclude one another."""
    entry = CALLS[name]
    function = entry.function
    function = function.args[0] if hasattr(function, "args") else function
    parameters = [p.name for p in inspect.signature(function).parameters.values()]
    others = {"counts", "probabilities", "cov", "dim", "horizon", "tokens", "sentences"}
    assert set(entry.arguments) <= set(parameters)
    assert set(parameters) - set(entry.arguments) <= others


def test_the_valid_arguments_are_valid():
    for name, entry in CALLS.items():
        if name != "collapse.tables.load_table":
            entry = call(entry.function, entry.result, **entry.arguments)
            assert judge(entry, {}) is None, name


class TestTheJudge:
    """It must be able to find fault."""

    @staticmethod
    def fault(function, low=0.0, high=1.0):
        return judge(call(function, (low, high), x=kind(1)), {"x": 2})

    def test_a_wrong_number(self):
        assert "result not in" in self.fault(lambda x: np.nan)
        assert "result not in" in self.fault(lambda x: [0.5, {"a": np.array([2])}])
        assert self.fault(lambda x: 0.5) is None

    def test_an_error_from_deep_inside(self):
        assert "deep inside" in self.fault(lambda x: np.broadcast_shapes((2,), (3,)))
        assert "ZeroDivisionError" in self.fault(lambda x: 1 / 0)
        assert "deep inside" in self.fault(lambda x: int("x"))  # this file is not the package

    def test_an_argument_that_is_not_named(self):
        assert "names no argument" in self.fault(lambda x: _checks.integer("a", "y"))
        assert self.fault(lambda x: _checks.integer("a", "x")) is None

    def test_a_warning(self):
        assert "RuntimeWarning" in self.fault(lambda x: np.log(np.zeros(1)))

    def test_a_hang(self, monkeypatch):
        monkeypatch.setitem(globals(), "SECONDS", 0.05)

        def hang(x):
            while True:
                pass

        assert "TimeoutError" in self.fault(hang)


def check(name, changed):
    """The call with these hostile values must come out right."""
    fault = judge(CALLS[name], changed)
    if fault is not None:
        shown = {argument: _checks.shown(value) for argument, value in changed.items()}
        raise AssertionError(f"{name} with {shown}: {fault}")


with_arguments = pytest.mark.parametrize(
    "name", [name for name, entry in CALLS.items() if entry.arguments])


@with_arguments
@settings(max_examples=8, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_hostile_values(name, data):
    """One or two arguments at a time."""
    draw_and_check(name, data)


@pytest.mark.slow
@with_arguments
@settings(max_examples=300, suppress_health_check=list(HealthCheck), database=None)
@given(data=st.data())
def test_many_hostile_values(name, data):
    draw_and_check(name, data)


@pytest.mark.slow
@pytest.mark.parametrize("name, argument", [
    (name, argument) for name, entry in CALLS.items() for argument in entry.arguments])
def test_each_hostile_value(name, argument):
    for make in CALLS[name].arguments[argument].bad:
        check(name, {argument: make()})


def draw_and_check(name, data):
    arguments = CALLS[name].arguments
    names = data.draw(st.lists(st.sampled_from(sorted(arguments)), min_size=1, max_size=2,
                               unique=True), label="arguments")
    check(name, {argument: data.draw(arguments[argument].more, label=argument)
                 for argument in names})
