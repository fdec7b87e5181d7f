"""Sample sizes per generation: the formulas, the rounding, the ends."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collapse import schedules

LARGEST = 2**62


def exact(name, n, t, parameter):
    """The formula of the schedule before rounding, in mpmath."""
    with mp.workdps(60):
        t = mp.mpf(t)
        if name == "constant":
            value = mp.mpf(n)
        elif name == "power":
            value = n * max(t, mp.mpf(1)) ** mp.mpf(parameter)
        elif name == "log_power":
            value = n * max(mp.mpf(1), t * mp.log(t) ** mp.mpf(parameter) if t > 0 else mp.mpf(0))
        else:
            value = n * mp.mpf(parameter) ** t
        return value


def make(name, n, parameter, **options):
    if name == "constant":
        return schedules.constant(n, **options)
    return getattr(schedules, name)(n, parameter, **options)


NAMES = ["constant", "power", "log_power", "geometric"]
parameters = {"constant": st.none(), "power": st.floats(0, 4), "log_power": st.floats(0, 4),
              "geometric": st.floats(1, 1.5)}
named = st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), parameters[name]))


class TestValues:
    def test_tables(self):
        t = np.arange(6)
        np.testing.assert_array_equal(schedules.constant(7)(t), [7] * 6)
        np.testing.assert_array_equal(schedules.power(10, 1)(t), [10, 10, 20, 30, 40, 50])
        np.testing.assert_array_equal(schedules.power(10, 0)(t), [10] * 6)
        np.testing.assert_array_equal(schedules.power(10, 2)(t), [10, 10, 40, 90, 160, 250])
        np.testing.assert_array_equal(schedules.power(10, 0.5)(t), [10, 10, 14, 17, 20, 22])
        np.testing.assert_array_equal(schedules.geometric(10, 1.5)(t), [10, 15, 22, 34, 51, 76])
        # t log(t): 0, 0, 1.39, 3.30, 5.55, 8.05, and never less than 1.
        np.testing.assert_array_equal(schedules.log_power(10, 1)(t), [10, 10, 14, 33, 55, 80])
        # t log(t)²: 0, 0, 0.96, 3.62, 7.69, 12.95.
        np.testing.assert_array_equal(schedules.log_power(10, 2)(t), [10, 10, 10, 36, 77, 130])

    @given(named=named, n=st.integers(1, 10**6), t=st.integers(0, 10**4))
    def test_formula_and_rounding_to_nearest(self, named, n, t):
        name, parameter = named
        value = exact(name, n, t, parameter)
        assume(value < 2**62)
        # Doubles carry 53 bits, and t^exponent loses some of them.
        slack = float(value) * 1e-13 * max(1, math.log(float(value)))
        observed = int(make(name, n, parameter)(t))
        assert n <= observed and abs(observed - value) <= 0.5 + slack

    @given(named=named, n=st.integers(1, 10**6), t=st.integers(0, 10**4))
    def test_monotone_and_at_least_n(self, named, n, t):
        name, parameter = named
        assume(exact(name, n, t + 50, parameter) < 2**62)
        values = make(name, n, parameter)(np.arange(t, t + 50))
        assert np.all(np.diff(values) >= 0) and values[0] >= n

    @given(named=named, n=st.integers(100, 10**6), t=st.integers(0, 10**4))
    def test_relative_size_is_free_of_n(self, named, n, t):
        # c_t = n_t/n_0 is the formula for n = 1, up to rounding by 1/(2n).
        name, parameter = named
        assume(exact(name, n, t, parameter) < 2**50)
        schedule = make(name, n, parameter)
        assert int(schedule(0)) == n
        ratio = int(schedule(t)) / int(schedule(0))
        assert ratio == pytest.approx(float(exact(name, 1, t, parameter)), rel=1e-10,
                                      abs=0.51 / n)

    @given(named=named, n=st.integers(1, 10**6), t=st.integers(0, 10**4),
           maximum=st.integers(10**6, 10**9))
    def test_maximum_caps(self, named, n, t, maximum):
        name, parameter = named
        capped = int(make(name, n, parameter, maximum=maximum)(t))
        value = exact(name, n, t, parameter)
        assert n <= capped <= maximum
        if value > maximum + 1:
            assert capped == maximum
        elif value < maximum - 1:
            assert capped == int(make(name, n, parameter)(t))


class TestCalls:
    @pytest.mark.parametrize("name, parameter",
                             [("constant", None), ("power", 1.3), ("log_power", 1.3),
                              ("geometric", 1.3)])
    def test_scalars_and_arrays(self, name, parameter):
        schedule = make(name, 5, parameter)
        t = np.array([[0, 1, 2], [10, 3, 20]])
        values = schedule(t)
        assert values.shape == (2, 3) and values.dtype == np.int64
        for index in np.ndindex(2, 3):
            one = schedule(int(t[index]))
            assert np.ndim(one) == 0 and int(one) == values[index]
            assert np.asarray(one).dtype == np.int64
            assert int(schedule(t[index])) == values[index]
        assert schedule(np.array([], dtype=int)).shape == (0,)
        np.testing.assert_array_equal(schedule([0, 5]), schedule(np.array([0, 5])))

    @pytest.mark.parametrize("t", [-1, 1.0, True, "1", np.array([0, -3]), np.array([0.0, 1.0])],
                             ids=repr)
    def test_bad_generations(self, t):
        with pytest.raises((ValueError, TypeError), match=r"\bt\b"):
            schedules.power(5, 1.3)(t)


def test_a_sequence_may_be_longer_than_the_run():
    assert schedules.resolve([3, 5, 8, 13], 2).tolist() == [3, 5]


class TestEnds:
    def test_largest_size(self):
        assert int(schedules.constant(LARGEST)(3)) == LARGEST
        assert int(schedules.geometric(1, 2)(62)) == LARGEST
        assert int(schedules.power(1, 2)(2**31)) == LARGEST

    @pytest.mark.parametrize("schedule, t", [
        (schedules.geometric(1, 2), 63), (schedules.geometric(2, 2), 62),
        (schedules.power(1, 2), 2**31 + 1), (schedules.log_power(10, 1), 2**61),
        (schedules.geometric(10, 1.5), 10**9), (schedules.power(10, 300), 10**9),
    ], ids=repr)
    def test_above_the_largest_size(self, schedule, t):
        for argument in (t, np.array([0, t])):
            with pytest.raises(ValueError, match=r"2(\*\*|\^|⁶²|62)|4611686018427387904|maximum"):
                schedule(argument)

    @pytest.mark.parametrize("make_capped, t", [
        (lambda: schedules.geometric(10, 1.5, maximum=1000), 10**9),
        (lambda: schedules.power(10, 300, maximum=1000), 10**9),
        (lambda: schedules.log_power(10, 300, maximum=1000), 10**9),
        (lambda: schedules.geometric(10, 2, maximum=LARGEST), 10**6),
    ])
    def test_a_maximum_makes_any_generation_possible(self, make_capped, t):
        schedule = make_capped()
        assert int(schedule(t)) in (1000, LARGEST)
