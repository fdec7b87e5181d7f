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

    def test_no_digit_is_lost_and_blocks_do_not_show(self, monkeypatch):
        schedule, T = schedules.power(7, 0.7), np.arange(0, 30_001, 1000)
        sizes = schedule(np.arange(30_000))
        exact = [math.fsum(sizes[0] / sizes[:horizon]) for horizon in T]
        np.testing.assert_allclose(law.noise_sum(schedule, T), exact, rtol=3e-16)
        monkeypatch.setattr(law, "_BLOCK", 997)
        for same in (schedule, sizes, sizes.tolist()):
            np.testing.assert_allclose(law.noise_sum(same, T), exact, rtol=3e-16)

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


class TestTotalNoise:
    @pytest.mark.parametrize("exponent", [1.01, 1.2, 1.5, 2.0, 3.0, 20.0])
    def test_zeta(self, exponent):
        # With so large an n rounding changes nothing that could be seen.
        value, error = law.total_noise(schedules.power(10**15, exponent))
        assert abs(value - 1 - float(mp.zeta(exponent))) <= error < 1e-13 * value

    def test_geometric_growth(self):
        value, error = law.total_noise(schedules.geometric(8, 2))
        assert abs(value - 2) <= error < 1e-12

    @pytest.mark.parametrize("schedule", [
        schedules.power(1, 1.01), schedules.power(1, 1.5), schedules.power(2, 2.2),
        schedules.log_power(1, 1.1), schedules.log_power(3, 2), schedules.geometric(1, 1.0001)])
    def test_the_error_bound_holds(self, schedule, monkeypatch):
        # Against a bracket that is far narrower: 32 times as many sizes taken as they are.
        value, error = law.total_noise(schedule)
        monkeypatch.setattr(law, "_HEAD", 2**22)
        finer, smaller = law.total_noise(schedule)
        assert smaller < error and abs(value - finer) <= error + smaller
        # Without the rounding of sizes the number is another one.
        unrounded = law.total_noise(schedules.Schedule(schedule.kind, 10**15, schedule.growth))
        assert abs(unrounded.value - finer) > 10 * (unrounded.error + smaller)

    def test_against_partial_sums(self):
        # S_T < S_∞ < S_T + ∫ over t >= T − 1 of the least that n c_t can be rounded to.
        value, error = law.total_noise(schedules.power(3, 2))
        T = 10**6
        below = law.noise_sum(schedules.power(3, 2), T)
        assert below < value + error and value - error < below + 1 / (T - 2)

    @pytest.mark.parametrize("schedule", [
        5, schedules.constant(5), schedules.power(5, 1), schedules.log_power(5, 1),
        schedules.geometric(5, 1), schedules.power(5, 2, maximum=10**9)])
    def test_divergence(self, schedule):
        assert law.total_noise(schedule) == (math.inf, 0.0)

    @pytest.mark.parametrize("schedule, error", [
        ([1, 2, 4], TypeError), (lambda t: t + 1, TypeError), (0, ValueError), ("5", TypeError)])
    def test_bad_schedules(self, schedule, error):
        with pytest.raises(error, match="schedule"):
            law.total_noise(schedule)


class TestDeviation:
    @pytest.mark.parametrize("dim", [1, 2, 3, 10, 100, 1000])
    def test_chi_squared_tail(self, dim):
        for log_tail in (-1e-3, -0.7, -5.0, -50.0, -300.0, -650.0):
            level = stats.chi2.isf(math.exp(log_tail), dim)
            x = math.sqrt(4 * 3.5 * level / 50)
            with mp.workdps(40):
                exact = mp.gammainc(mp.mpf(dim) / 2, 50 * mp.mpf(x) ** 2 / (4 * 3.5 * 2), mp.inf,
                                    regularized=True)
                found = law.deviation_sf(x, 3.5, 50, dim=dim, std=2.0)
                assert abs(mp.mpf(float(found)) / exact - 1) < 1e-12
            # Power: another dimension, and the noise of S_T − 1, give other numbers.
            assert abs(law.deviation_sf(x, 3.5, 50, dim=dim + 1, std=2.0) / float(exact) - 1) > 1e-7
            assert abs(law.deviation_sf(x, 2.5, 50, dim=dim, std=2.0) / float(exact) - 1) > 1e-7

    def test_ends(self):
        x = [-1.0, 0.0, 1.0, np.inf]
        np.testing.assert_array_equal(law.deviation_sf(x, 0.0, 5), [1, 0, 0, 0])
        np.testing.assert_array_equal(law.deviation_sf(x, np.inf, 5), [1, 1, 1, 0])
        assert law.deviation_sf(0.0, 2.0, 5) == 1
        assert law.deviation_sf([[1.0], [2.0]], [1.0, 2.0, 3.0], 5, dim=2).shape == (2, 3)

    def test_the_walk(self, assert_proportion):
        rng = np.random.default_rng(3)
        sizes = schedules.power(20, 1)(np.arange(8))
        ends = (rng.standard_normal((50_000, 8, 2)) * 1.5 / np.sqrt(sizes)[:, None]).sum(axis=1)
        for x in (0.3, 0.8, 1.3):
            outside = int(np.sum(np.hypot(*ends.T) > x))
            exact = law.deviation_sf(x, law.noise_sum(sizes, 8), 20, dim=2, std=1.5)
            assert_proportion(outside, 50_000, exact)

    @pytest.mark.parametrize("change, error", [
        (dict(x=np.nan), ValueError), (dict(noise=-1.0), ValueError), (dict(n=0), ValueError),
        (dict(n=2.0), TypeError), (dict(dim=0), ValueError), (dict(std=0.0), ValueError)])
    def test_bad_arguments(self, change, error):
        with pytest.raises(error, match=next(iter(change))):
            law.deviation_sf(**dict(x=1.0, noise=2.0, n=5) | change)


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

    @pytest.mark.parametrize("dim, rho", [
        (10**4, 0.3), (10**4, 0.55), (10**5, 0.01), (10**5, 0.06), (10**6, 0.0055), (10**6, 1.0)])
    def test_very_many_dimensions(self, dim, rho):
        # The hypergeometric form, where the incomplete beta function of mpmath gives up.
        with mp.workdps(50):
            x, a, half = 4 / (4 + mp.mpf(rho)), mp.mpf(dim) / 2, mp.mpf(1) / 2
            exact = a * mp.log(x) + mp.log(1 - x) / 2 - mp.log(2 * a * mp.beta(a, half)) + mp.log(
                mp.hyp2f1(1, a + half, a + 1, x))
        found = law.log_improvement_probability(rho, dim=dim)
        assert found == pytest.approx(float(exact), rel=1e-14, abs=1e-12)

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


def log_doubled(rho, eigenvalues):
    """log P for eigenvalues that occur twice each: poles only, so that P is a sum of residues."""
    with mp.workdps(600):
        rho = mp.mpf(rho)
        ratio = ((rho + mp.sqrt(rho * (rho + 4))) / 2) ** 2 / rho
        eigenvalues = [mp.mpf(value) for value in eigenvalues]
        total = mp.mpf(0)
        for here in eigenvalues:
            others = [other / here for other in eigenvalues if other != here]
            total += 1 / ((1 + ratio) * mp.fprod((1 + ratio * q) * (1 - q) for q in others))
        return float(mp.log(total))


def log_on_another_line(rho, eigenvalues, counts, abscissa, step=0.01):
    """log P by the inversion formula at 30 digits, not through the saddle point."""
    with mp.workdps(30):
        rho = mp.mpf(rho)
        ratio = ((rho + mp.sqrt(rho * (rho + 4))) / 2) ** 2 / rho
        pairs = [(mp.mpf(value), count) for value, count in zip(eigenvalues, counts, strict=True)]

        def log_integrand(u):
            return -mp.log(u) - mp.fsum(
                count * (mp.log(1 + ratio * value * u) + mp.log(1 - value * u)) / 2
                for value, count in pairs)

        centre, scale = mp.mpf(abscissa), min(mp.mpf(abscissa), 1 - mp.mpf(abscissa))
        level, total, node, term = log_integrand(centre), mp.mpf(1) / 2, 0, mp.mpf(1)
        while abs(term) > mp.mpf(10) ** -25:
            node += 1
            v = mp.mpf(step) * node
            u = mp.mpc(centre, scale * mp.sinh(v))
            term = mp.exp(log_integrand(u) - level) * mp.cosh(v)
            total += mp.re(term)
        return float(level + mp.log(total * step * scale / mp.pi))


class TestCovariance:
    @pytest.mark.parametrize("dim", [1, 2, 5, 40, 300, 1000, 3000])
    def test_equal_eigenvalues(self, dim):
        for rho in (1e-6, 0.01, 1.0, 50.0, 1e4, 1e6):
            found = law.log_improvement_probability(rho, cov=np.full(dim, 3.0))
            expected = law.log_improvement_probability(rho, dim=dim)
            assert found == pytest.approx(expected, rel=1e-14, abs=1e-12)

    @pytest.mark.parametrize("eigenvalues", [
        [1.0], [1.0, 0.5], [1.0, 1e-3], [1.0, 0.9, 1e-6], 2.0 ** -np.arange(6),
        1 / np.arange(1.0, 31), np.arange(1.0, 13) ** -6, [1.0, *(1e-3 * np.arange(1, 40))],
        np.linspace(0.5, 1, 40)])
    def test_residues(self, eigenvalues):
        for rho in (1e-6, 1e-3, 0.3, 1.0, 40.0, 1e3, 1e6):
            found = law.log_improvement_probability(rho, cov=np.repeat(eigenvalues, 2))
            assert found == pytest.approx(log_doubled(rho, eigenvalues), rel=1e-14, abs=1e-12)

    @pytest.mark.parametrize("rho, small, count", [(1.0, 0.001, 1000), (1e3, 0.001, 1000),
                                                   (1e3, 0.01, 300), (30.0, 0.5, 5)])
    def test_one_large_and_many_small_ones(self, rho, small, count):
        # Oscillates most on the line; fixed steps are not enough.
        exact = log_on_another_line(rho, [1.0, small], [1, count], 0.9 if count > 5 else 0.3)
        cov = np.append(1.0, np.full(count, small))
        assert law.log_improvement_probability(rho, cov=cov) == pytest.approx(exact, abs=1e-12)

    def test_three_dimensions_by_quadrature(self):
        # Z on the sphere is (√(1 − c²), c) up to rotation where two eigenvalues agree; the rest is
        # Student's law with 3 degrees of freedom.
        for rho in (0.01, 2.0, 1e4):
            for single in (0.2, 5.0):
                def at(c, rho=rho, single=single):
                    slope = (1 - c * c + single * c * c) / math.sqrt(
                        1 - c * c + (single * c) ** 2)
                    return stats.t.sf(math.sqrt(3 * rho) / 2 * slope, 3)

                expected = integrate.quad(at, 0, 1, epsabs=0, epsrel=1e-11, limit=500)[0]
                assert law.improvement_probability(rho, cov=[1.0, 1.0, single]) == pytest.approx(
                    expected, rel=1e-9)

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

    def test_the_largest_eigenvalue_counts_as_often_as_it_occurs(self):
        for rho in (0.5, 4.0, 1e3):
            value = law.improvement_probability(rho, cov=[1.0, 1.0, 1.0, 0.3])
            assert value < law.improvement_probability(rho, dim=3)
            # Power: with one dimension more the inequality is false.
            assert value > law.improvement_probability(rho, dim=4)

    def test_tiny_negative_eigenvalues_are_rounding(self):
        root = np.array([[1.0, 2.0, 3.0], [0.5, 0.1, 0.7]])
        cov = root.T @ root  # rank 2
        expected = law.improvement_probability(1e6, cov=root @ root.T)
        assert law.improvement_probability(1e6, cov=cov) == pytest.approx(expected, rel=1e-9)

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
