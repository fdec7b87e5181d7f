"""Persistent excitation: laws against brute force, closed forms, and one another."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy
from scipy import stats

from collapse.laws import excitation, wright_fisher


def transition(p, n, fraction):
    """The chain by scipy: an independent route to what the module builds from ratios."""
    count = np.arange(n + 1)
    chance = fraction * p + (1 - fraction) * count[:, None] / n
    other = fraction * (1 - p) + (1 - fraction) * (n - count[:, None]) / n
    return np.where(
        chance < 0.5, stats.binom.pmf(count, n, chance), stats.binom.pmf(n - count, n, other))


def exact_stationary(p, n, fraction):
    """The stationary law in rational arithmetic."""
    p, fraction = sympy.Rational(*p), sympy.Rational(*fraction)
    chance = [fraction * p + (1 - fraction) * sympy.Rational(i, n) for i in range(n + 1)]
    steps = sympy.Matrix(n + 1, n + 1, lambda i, j: (
        sympy.binomial(n, j) * chance[i] ** j * (1 - chance[i]) ** (n - j)))
    system = (steps.T - sympy.eye(n + 1)).as_mutable()
    system[n, :] = sympy.ones(1, n + 1)
    return list(system.LUsolve(sympy.Matrix([0] * n + [1])))


class TestStationary:
    @pytest.mark.parametrize("p", [(1, 2), (3, 10), (1, 1000)], ids=str)
    @pytest.mark.parametrize("fraction", [(1, 10**12), (1, 20), (1, 2), (1, 1)], ids=str)
    @pytest.mark.parametrize("n", [1, 2, 5])
    def test_rational_arithmetic(self, p, n, fraction):
        exact = exact_stationary(p, n, fraction)
        law = excitation.stationary_pmf(p[0] / p[1], n, fraction[0] / fraction[1])
        np.testing.assert_allclose(law, np.array(exact, dtype=float), rtol=5e-14)

    @pytest.mark.parametrize("p", [0.3, 1e-6, 0.99])
    @pytest.mark.parametrize("theta", [1e-6, 0.1, 1, 20])
    @pytest.mark.parametrize("n", [7, 64, 65, 130, 700])  # blocks begin and end here
    def test_it_is_stationary(self, p, theta, n):
        fraction = min(theta / (2 * n), 1)
        law = excitation.stationary_pmf(p, n, fraction)
        np.testing.assert_allclose(law @ transition(p, n, fraction), law, rtol=1e-10, atol=1e-14)

    @pytest.mark.parametrize("theta", [0.1, 0.5, 1, 2, 20])
    def test_the_promise_for_two_thousand(self, theta):
        n, p = 2000, 0.3
        law = excitation.stationary_pmf(p, n, theta / (2 * n))
        share = np.arange(n + 1) / n
        assert abs(law.sum() - 1) < 1e-12
        assert abs(law @ share - p) < 1e-12
        variance = law @ (share - p) ** 2
        closed = excitation.stationary_variance(p, n, theta / (2 * n))
        assert abs(variance / closed - 1) < 1e-10
        with pytest.raises(AssertionError):  # power: N in the place of N − 1
            wrong = p * (1 - p) / (n - n * (1 - theta / (2 * n)) ** 2)
            assert abs(variance / wrong - 1) < 1e-10

    def test_small_probabilities_have_their_digits(self):
        """Half of the samples fresh: the ends are out of reach but not zero."""
        law = excitation.stationary_pmf(0.5, 200, 0.5)
        assert 0 < law[0] < 1e-40
        np.testing.assert_allclose(law, law[::-1], rtol=1e-11)
        steps = excitation._transition(np.arange(201) / 200, 0.5, 200, 0.5)
        np.testing.assert_allclose(law @ steps, law, rtol=1e-11)

    def test_all_fresh_is_binomial(self):
        law = excitation.stationary_pmf(0.3, 500, 1.0)
        np.testing.assert_allclose(law, stats.binom.pmf(np.arange(501), 500, 0.3), rtol=1e-11)

    def test_a_symbol_that_the_source_has_not_dies(self):
        np.testing.assert_array_equal(excitation.stationary_pmf(0.0, 3, 0.1), [1, 0, 0, 0])
        np.testing.assert_array_equal(excitation.stationary_pmf(1.0, 3, 0.1), [0, 0, 0, 1])

    def test_symmetry(self):
        law = excitation.stationary_pmf(0.2, 90, 0.01)
        other = excitation.stationary_pmf(0.8, 90, 0.01)
        np.testing.assert_allclose(law, other[::-1], rtol=1e-12)

    def test_it_tends_to_the_beta_law(self):
        """At the rate 1/N away from the ends, and not to a Beta law of another θ."""
        distances, wrong = [], []
        for n in (100, 200, 400):
            law = excitation.stationary_pmf(0.3, n, 20 / (2 * n))
            cdf, grid = np.cumsum(law), np.arange(n + 1) / n
            limit = excitation.limit(0.3, n, 20 / (2 * n))
            distances.append(np.abs(cdf - law / 2 - limit.cdf(grid)).max())
            wrong.append(np.abs(cdf - law / 2 - stats.beta(10 * 0.3, 10 * 0.7).cdf(grid)).max())
        assert distances[0] < 0.05
        assert all(0.4 < b / a < 0.6 for a, b in zip(distances, distances[1:], strict=False))
        assert min(wrong) > 0.04


class TestAfterSomeGenerations:
    @pytest.mark.parametrize("fraction", [0.0, 0.02, 1.0])
    def test_brute_force(self, fraction):
        p0, p, n = 0.9, 0.3, 40
        law = stats.binom.pmf(np.arange(n + 1), n, fraction * p + (1 - fraction) * p0)
        got = excitation.pmf(p0, p, n, fraction, np.array([[1, 2], [7, 3]]))
        assert got.shape == (2, 2, n + 1)
        for k in range(1, 8):
            for place in zip(*np.nonzero(np.array([[1, 2], [7, 3]]) == k), strict=True):
                np.testing.assert_allclose(got[place], law, rtol=1e-10, atol=1e-15)
            law = law @ transition(p, n, fraction)

    def test_without_fresh_samples_it_is_wright_fisher(self):
        law = excitation.pmf(0.3, 0.5, 50, 0.0, 30)
        np.testing.assert_allclose(1 - law[0], wright_fisher.survival(0.3, 50, 30), rtol=1e-11)

    def test_it_ends_stationary(self):
        law = excitation.pmf(1.0, 0.3, 30, 0.1, 600)
        np.testing.assert_allclose(law, excitation.stationary_pmf(0.3, 30, 0.1), rtol=1e-9)

    @pytest.mark.parametrize("p0", [0.0, 1.0, 0.5])
    def test_between_the_two_bounds(self, p0):
        """(1 − α)^k |p0 − p| <= TV <= lineages <= n (1 − α)^k."""
        n, p, fraction = 60, 0.3, 0.03
        k = np.array([1, 5, 20, 100, 300])
        stationary = excitation.stationary_pmf(p, n, fraction)
        distance = np.abs(excitation.pmf(p0, p, n, fraction, k) - stationary).sum(axis=1) / 2
        lineages = excitation.lineages(n, fraction, k)
        assert np.all((1 - fraction) ** k * abs(p0 - p) <= distance * (1 + 1e-9))
        assert np.all(distance <= lineages)
        assert np.all(lineages <= n * (1 - fraction) ** k)
        assert distance[2] > 0.05 * lineages[2]  # the bound is of the right size


def partition_chain(n, fraction):
    """The stationary law of the partition of n samples by atom, in rational arithmetic."""
    start = (1,) * n
    states, steps, waiting = {start: 0}, {}, [start]
    while waiting:
        state = waiting.pop()
        label = [atom for atom, size in enumerate(state) for _ in range(size)]
        law = {}
        for parents in product([-1, *range(n)], repeat=n):
            chance = Fraction(1)
            names = []
            for child, parent in enumerate(parents):
                chance *= fraction if parent < 0 else (1 - fraction) / n
                names.append(("new", child) if parent < 0 else label[parent])
            following = tuple(sorted((names.count(name) for name in set(names)), reverse=True))
            law[following] = law.get(following, 0) + chance
            if following not in states:
                states[following] = len(states)
                waiting.append(following)
        steps[state] = law
    order = sorted(states, key=states.get)
    size = len(order)
    system = sympy.zeros(size, size)
    for state, law in steps.items():
        for following, chance in law.items():
            system[states[following], states[state]] += sympy.Rational(
                chance.numerator, chance.denominator)
    system -= sympy.eye(size)
    system[size - 1, :] = sympy.ones(1, size)
    solution = system.LUsolve(sympy.Matrix([0] * (size - 1) + [1]))
    return {state: float(solution[states[state]]) for state in order}


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("fraction", [Fraction(1, 50), Fraction(1, 2)], ids=str)
def test_atoms_of_a_diffuse_source_by_enumeration(n, fraction):
    law = partition_chain(n, fraction)
    share = {state: np.array(state) / n for state in law}
    mean = {
        "homozygosity": sum(law[s] * (share[s] ** 2).sum() for s in law),
        "dirac": law[(n,)],
        "atoms": sum(law[s] * len(s) for s in law),
    }
    for name, value in mean.items():
        assert getattr(excitation, name)(n, float(fraction)) == pytest.approx(value, rel=1e-13)


def test_only_fresh_samples():
    assert excitation.atoms(7, 1.0) == 7 and excitation.dirac(7, 1.0) == 0
    assert excitation.atoms(1, 1.0) == excitation.dirac(1, 1.0) == 1
    assert excitation.homozygosity(7, 1.0) == 1 / 7


def test_two_routes_to_the_homozygosity():
    """Of a source with two symbols, from the stationary law."""
    n, p, fraction = 80, 0.3, 0.004
    law, share = excitation.stationary_pmf(p, n, fraction), np.arange(n + 1) / n
    mean = law @ (share**2 + (1 - share) ** 2)
    closed = excitation.homozygosity(n, fraction, source=p**2 + (1 - p) ** 2)
    assert mean == pytest.approx(closed, rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 30])
@pytest.mark.parametrize("fraction", [0.0, 0.1, 1.0])
def test_lineages_by_the_chain_of_ancestors(n, fraction):
    """Thinned and merged, by scipy and by the occupancy law of `wright_fisher.ancestors`."""
    law = np.zeros(n + 1)
    law[n] = 1.0
    merge = np.array([wright_fisher._occupancy(n)[d] for d in range(n + 1)])
    for k in range(4):
        assert excitation.lineages(n, fraction, k) == pytest.approx(law @ np.arange(n + 1))
        thinned = sum(law[d] * stats.binom.pmf(np.arange(n + 1), d, 1 - fraction)
                      for d in range(n + 1))
        law = thinned @ merge
    if fraction == 0:
        mean = wright_fisher.ancestors(n, 3) @ np.arange(n + 1)
        assert excitation.lineages(n, 0.0, 3) == pytest.approx(mean)


class TestSmallestTrickle:
    @pytest.mark.parametrize("n", [2, 10, 10**9])
    @pytest.mark.parametrize("ratio", [1.0, 0.99, 0.5])
    def test_inverse_of_the_variance(self, n, ratio):
        fraction = excitation.smallest_fraction(ratio, n)
        if ratio == 1:
            assert fraction == 0
        else:
            variance = excitation.stationary_variance(0.5, n, fraction)
            assert variance == pytest.approx(0.25 * ratio, rel=1e-12)
            assert excitation.stationary_variance(0.5, n, 0.99 * fraction) > 0.25 * ratio

    def test_independent_draws_need_all(self):
        assert excitation.smallest_fraction(1 / 7, 7) == 1.0

    def test_a_fixed_number_of_fresh_samples(self):
        for n, close in ((10**3, 1e-2), (10**6, 1e-5), (10**12, 1e-11)):
            fresh = n * excitation.smallest_fraction(0.1, n)
            assert fresh == pytest.approx((10 - 1) / 2, rel=close)


def expectation(polynomial, samples, moments):
    """E of a polynomial in independent samples with these moments."""
    terms = sympy.Poly(sympy.expand(polynomial), *samples).terms()
    return sympy.expand(sum(c * sympy.prod([moments[k] for k in powers]) for powers, c in terms))


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("ddof", [0, 1])
class TestRefittedGaussian:
    """By symbolic moments of the samples, drawn from the mixture itself."""

    @pytest.fixture
    def setting(self, n, ddof):
        mean, variance, fraction, source = sympy.symbols("M V alpha s2", positive=True)
        x = sympy.symbols(f"x:{n}")
        old = [1, mean, mean**2 + variance, mean**3 + 3 * mean * variance,
               mean**4 + 6 * mean**2 * variance + 3 * variance**2]
        new = [1, 0, source, 0, 3 * source**2]
        moments = [fraction * b + (1 - fraction) * a for a, b in zip(old, new, strict=True)]
        average = sum(x) / n
        spread = sum((one - average) ** 2 for one in x) / (n - ddof)
        return mean, variance, fraction, source, x, moments, average, spread

    def test_stationary_moments(self, n, ddof, setting):
        mean, variance, fraction, source, x, moments, average, spread = setting
        square = expectation(average**2, x, moments)
        inner = expectation(spread, x, moments)
        unknown = sympy.symbols("u v")
        replace = {mean**2: unknown[0], variance: unknown[1]}
        system = [sympy.expand(square).subs(replace) - unknown[0],
                  sympy.expand(inner).subs(replace) - unknown[1]]
        solution = sympy.solve(system, unknown)
        for value in (0.9, 0.3):
            at = {fraction: value, source: 2}
            exact = [float(solution[u].subs(at)) for u in unknown]
            got = excitation.gaussian_moments(n, value, ddof=ddof, std=np.sqrt(2))
            if ddof == 1 and value <= excitation.gaussian_threshold(n):
                assert exact[1] < 0 and got.variance == got.mean_square == np.inf
            else:
                np.testing.assert_allclose(got, exact, rtol=1e-12)

    def test_the_map_of_fourth_order(self, n, ddof, setting):
        mean, variance, fraction, source, x, moments, average, spread = setting
        basis = [mean**4, mean**2 * variance, variance**2]
        images = [average**4, average**2 * spread, spread**2]
        rows = []
        for image in images:
            value = sympy.Poly(
                expectation(image, x, moments).subs({source: 0, fraction: sympy.Rational(1, 3)}),
                mean, variance)
            rows.append([float(value.coeff_monomial(b)) for b in basis])
        np.testing.assert_allclose(excitation._fourth_order(n, 1 / 3, ddof), rows, rtol=1e-12)


class TestThresholds:
    @pytest.mark.parametrize("n", [2, 3, 10, 1000, 10**4])
    def test_first_moment(self, n):
        root = excitation.gaussian_threshold(n)
        assert n * root * (2 - root) == pytest.approx(1 - root, rel=1e-14)
        below, above = excitation.gaussian_moments(n, [root * (1 - 1e-9), root * (1 + 1e-9)])[1]
        assert below == np.inf and 1e5 < above < np.inf
        assert excitation.gaussian_threshold(n, ddof=0) == 0.0

    @pytest.mark.parametrize("ddof, limit", [(0, 0.5), (1, 1.5)])
    def test_second_moment(self, ddof, limit):
        """Half a fresh sample a generation, or one and a half, for large n."""
        for n in (5, 50, 500):
            root = excitation.gaussian_threshold(n, moment=2, ddof=ddof)
            radius = [np.abs(np.linalg.eigvals(excitation._fourth_order(n, a, ddof))).max()
                      for a in (root * 0.999, root, root * 1.001)]
            assert radius[0] > 1 > radius[2] and radius[1] == pytest.approx(1, abs=1e-12)
            above = np.linspace(root * 1.001, 1, 50)
            assert all(np.abs(np.linalg.eigvals(excitation._fourth_order(n, a, ddof))).max() < 1
                       for a in above)
        assert root * 500 == pytest.approx(limit, rel=3e-3)
        first = excitation.gaussian_threshold(500, ddof=ddof)
        assert root > first


class TestMostRecentCommonAncestor:
    def test_small_cases(self):
        assert wright_fisher.mrca_mean(1) == 0
        assert wright_fisher.mrca_mean(2) == pytest.approx(2, rel=1e-15)  # geometric, 1/2
        # Three lines: all in one box 1/9, in two 6/9 (then 1/3 a step), apart 2/9.
        assert wright_fisher.mrca_mean(3) == pytest.approx((1 + 6 / 9 * 3) / (7 / 9), rel=1e-15)
        np.testing.assert_allclose(wright_fisher.mrca_sf(2, [0, 1, 5]), [1, 0.5, 1 / 32])
        assert wright_fisher.mrca_sf(1, 0) == 0

    @pytest.mark.parametrize("n", [5, 100])
    def test_mean_is_the_sum_of_the_tail(self, n):
        tail = wright_fisher.mrca_sf(n, np.arange(40 * n))
        assert tail.sum() == pytest.approx(wright_fisher.mrca_mean(n), rel=1e-11)

    def test_about_two_n(self):
        assert wright_fisher.mrca_mean(2000) / 2000 == pytest.approx(2, rel=5e-3)
