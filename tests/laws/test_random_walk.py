"""The random walk of estimates: sums of noise, and who comes closer to the truth."""

import math

import mpmath as mp
import numpy as np
import pytest
from scipy import integrate, stats

from collapse import laws, schedules

law = laws.random_walk


def log_isotropic(rho, dim):
    """log of ½ I_{4/(4+ρ)}(d/2, ½) at 60 digits, by quadrature-free series of mpmath."""
    with mp.workdps(60):
        rho, half = mp.mpf(rho), mp.mpf(dim) / 2
        value = mp.betainc(half, mp.mpf(1) / 2, 0, 4 / (4 + rho), regularized=True) / 2
        return mp.log(value)


class TestNoiseSum:
    def test_small_cases_by_hand(self):
        assert law.noise_sum(10, 0) == 0 and law.noise_sum(10, 1) == 1
        np.testing.assert_array_equal(law.noise_sum([10, 20, 5], [0, 1, 2, 3]), [0, 1, 1.5, 3.5])
        assert law.noise_sum(7, [[3, 4]]).shape == (1, 2)

    @pytest.mark.parametrize("schedule", [
        schedules.power(100, 1), schedules.power(3, 1.5), schedules.log_power(10, 1),
        schedules.geometric(5, 1.01), schedules.power(2, 2, maximum=1000)])
    def test_against_exact_summation(self, schedule):
        T = np.array([1, 2, 1023, 1024, 1025, 2048, 4000])
        sizes = schedule(np.arange(4000))
        exact = [math.fsum(sizes[0] / sizes[:horizon]) for horizon in T]
        np.testing.assert_allclose(law.noise_sum(schedule, T), exact, rtol=2e-13)

    def test_a_long_sum(self):
        # Σ 1/t to 10⁶ is log + Euler's constant; rounding of sizes plays no part with n = 1.
        t = 10**6
        exact = 1 + np.log(t - 1) + np.euler_gamma + 1 / (2 * (t - 1)) - 1 / (12 * (t - 1) ** 2)
        assert law.noise_sum(schedules.power(1, 1), t) == pytest.approx(exact, rel=1e-13)

    def test_superlinear_growth_is_bounded_and_linear_growth_is_not(self):
        T = 10 ** np.arange(2, 7)
        bounded = law.noise_sum(schedules.power(100, 1.5), T)
        assert np.all(np.diff(bounded) > 0) and bounded[-1] < 1 + float(mp.zeta(1.5)) + 1e-3
        growing = np.diff(law.noise_sum(schedules.power(100, 1), T))
        np.testing.assert_allclose(growing, np.log(10), rtol=0.01)
        # The threshold is Σ 1/n, not Σ 1/n²: that one converges for linear growth too.
        squares = [1 + sum(1 / t**2 for t in range(1, stop)) for stop in (100, 1000, 10_000)]
        assert np.ptp(squares) < 0.011

    @pytest.mark.parametrize("schedule, T, error", [
        (0, 3, ValueError), (2.5, 3, TypeError), ([5, 6], 3, ValueError), (5, -1, ValueError),
        (5, 1.5, TypeError), (5, 10**8 + 1, ValueError), ("5", 3, TypeError)])
    def test_bad_arguments(self, schedule, T, error):
        with pytest.raises(error):
            law.noise_sum(schedule, T)


class TestImprovement:
    @pytest.mark.parametrize("dim", [1, 2, 3, 10, 57, 300, 1000])
    def test_relative_error(self, dim):
        for rho in (1e-6, 1e-3, 0.1, 1.0, 5.0, 100.0, 1e4, 1e6):
            exact = log_isotropic(rho, dim)
            found = law.log_improvement_probability(rho, dim=dim)
            with mp.workdps(60):
                assert abs(mp.expm1(mp.mpf(float(found)) - exact)) < 1e-12 * max(1, -exact / 10)
            if exact > -690:
                value = law.improvement_probability(rho, dim=dim)
                assert abs(float(mp.mpf(float(value)) / mp.exp(exact)) - 1) < 1e-12

    @pytest.mark.slow
    def test_relative_error_on_a_wide_grid(self):
        for dim in (1, 2, 4, 7, 20, 33, 100, 200, 500, 800, 1000):
            for rho in np.geomspace(1e-6, 1e6, 40):
                exact = log_isotropic(rho, dim)
                found = law.log_improvement_probability(rho, dim=dim)
                with mp.workdps(60):
                    assert abs(mp.expm1(mp.mpf(float(found)) - exact)) < 1e-12 * max(1, -exact / 10)

    def test_forms(self):
        rho = np.array([0.01, 1.0, 30.0])
        arctan = np.arctan(2 / np.sqrt(rho)) / np.pi
        np.testing.assert_allclose(law.improvement_probability(rho), arctan, rtol=1e-13)
        for dim in (1, 2, 5, 40):
            student = stats.t.sf(np.sqrt(dim * rho) / 2, dim)
            np.testing.assert_allclose(law.improvement_probability(rho, dim=dim), student,
                                       rtol=1e-9)
            # Another dimension gives another number.
            wrong = stats.t.sf(np.sqrt((dim + 1) * rho) / 2, dim + 1)
            assert np.all(law.improvement_probability(rho, dim=dim) > wrong * 1.001)

    def test_monotone_and_below_one_half(self):
        rho, dim = np.geomspace(1e-6, 1e6, 50), np.arange(1, 60)[:, None]
        value = law.improvement_probability(rho, dim=dim)
        assert np.all(value < 0.5) and np.all(np.diff(value, axis=0) < 0)
        assert np.all(np.diff(value, axis=1) < 0)

    def test_underflow(self):
        assert law.improvement_probability(1e6, dim=1000) == 0
        assert law.log_improvement_probability(1e6, dim=1000) < -6000


class TestCovariance:
    @pytest.mark.parametrize("dim", [1, 2, 5, 40, 300])
    def test_equal_eigenvalues(self, dim):
        for rho in (1e-6, 0.01, 1.0, 50.0, 1e4, 1e6):
            found = law.log_improvement_probability(rho, cov=np.full(dim, 3.0))
            expected = law.log_improvement_probability(rho, dim=dim)
            assert np.expm1(found - expected) == pytest.approx(0, abs=1e-10)

    @pytest.mark.parametrize("rho", [0.05, 1.0, 20.0])
    @pytest.mark.parametrize("eigenvalues", [(1.0, 0.3), (1.0, 1e-6), (5.0, 2.0)])
    def test_two_dimensions_by_quadrature(self, eigenvalues, rho):
        # E Φ(−(√ρ/2) Z'CZ/√(Z'C²Z)), Z = (radius, angle): one angle, and Rayleigh's radius.
        first, second = eigenvalues

        def at(angle):
            c, s = np.cos(angle) ** 2, np.sin(angle) ** 2
            slope = np.sqrt(rho) / 2 * (first * c + second * s) / np.hypot(first * np.sqrt(c),
                                                                           second * np.sqrt(s))
            # ∫ Φ(−u r) r e^{−r²/2} dr = ½(1 − u/√(1 + u²))
            return 0.5 * (1 - slope / np.sqrt(1 + slope**2))

        whole = integrate.quad(at, 0, np.pi / 2, epsabs=0, epsrel=1e-11, limit=500)[0]
        expected = whole * 2 / np.pi
        assert law.improvement_probability(rho, cov=np.diag(eigenvalues)) == pytest.approx(
            expected, rel=1e-9)

    def test_sandwich(self):
        rng = np.random.default_rng(1)
        for dim in (2, 3, 8):
            root = rng.standard_normal((dim, dim))
            for rho in (0.1, 3.0, 100.0):
                value = law.improvement_probability(rho, cov=root @ root.T)
                assert law.improvement_probability(rho, dim=dim) < value
                assert value < law.improvement_probability(rho, dim=1)

    @pytest.mark.slow
    def test_simulation_of_ten_million(self, assert_proportion):
        rng = np.random.default_rng(1)
        eigenvalues, rho, runs = np.array([4.0, 1.0, 0.5, 0.1]), 0.8, 10**6
        wins = 0
        for _ in range(10):
            start = rng.standard_normal((runs, 4)) * np.sqrt(eigenvalues)
            end = start + rng.standard_normal((runs, 4)) * np.sqrt(rho * eigenvalues)
            wins += int(np.sum((end**2).sum(1) < (start**2).sum(1)))
        assert_proportion(wins, 10 * runs, law.improvement_probability(rho, cov=eigenvalues))

    def test_simulation(self, assert_proportion):
        rng = np.random.default_rng(2)
        eigenvalues, rho, runs = np.array([4.0, 1.0, 0.5, 0.1]), 0.8, 400_000
        start = rng.standard_normal((runs, 4)) * np.sqrt(eigenvalues)
        end = start + rng.standard_normal((runs, 4)) * np.sqrt(rho * eigenvalues)
        wins = int(np.sum((end**2).sum(1) < (start**2).sum(1)))
        assert_proportion(wins, runs, law.improvement_probability(rho, cov=eigenvalues))

    def test_scale_rotation_and_empty_directions(self):
        rng = np.random.default_rng(1)
        rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        cov = rotation @ np.diag([3.0, 1.0, 0.2]) @ rotation.T
        expected = law.improvement_probability(2.0, cov=[3.0, 1.0, 0.2])
        for other in (cov, 1e-200 * np.array([3.0, 1.0, 0.2]), [3.0, 0.0, 1.0, 0.2]):
            assert law.improvement_probability(2.0, cov=other) == pytest.approx(expected, rel=1e-10)

    @pytest.mark.parametrize("cov", [[[1, 0.5], [0.4, 1]], [[1, 2], [2, 1]], [0.0], [], [-1.0, 2.0],
                                     [[1.0, 2.0]], [np.nan, 1.0]])
    def test_bad_covariances(self, cov):
        with pytest.raises(ValueError, match="cov"):
            law.improvement_probability(1.0, cov=cov)


class TestAgainstIndependent:
    def test_it_is_fishers_law(self):
        noise = np.array([0.5, 1.0, 3.0, 100.0])
        for dim in (1, 2, 7, 100):
            np.testing.assert_allclose(law.against_independent(noise, dim=dim),
                                       stats.f.cdf(1 / noise, dim, dim), rtol=1e-10)
        assert law.against_independent(1.0, dim=9) == pytest.approx(0.5, rel=1e-14)

    def test_simulation(self, assert_proportion):
        rng = np.random.default_rng(1)
        synthetic = 3.0 * rng.chisquare(4, 300_000)
        real = rng.chisquare(4, 300_000)
        assert_proportion(int((synthetic < real).sum()), 300_000,
                          law.against_independent(3.0, dim=4))


@pytest.mark.parametrize("rho", [0.0, -1.0, np.nan, np.inf])
def test_bad_rho(rho):
    with pytest.raises(ValueError, match="rho"):
        law.improvement_probability(rho)


@pytest.mark.parametrize("dim, error", [(0, ValueError), (1.0, TypeError), (True, TypeError)])
def test_bad_dim(dim, error):
    with pytest.raises(error, match="dim"):
        law.improvement_probability(1.0, dim=dim)
    with pytest.raises(error, match="dim"):
        law.against_independent(1.0, dim=dim)
