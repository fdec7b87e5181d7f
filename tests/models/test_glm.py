"""GLM: fits against general solvers, separation against exact arithmetic, laws where exact."""

import itertools
import tracemalloc
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from scipy import stats
from slow_twin import glm as slow_glm
from slow_twin import glm_fit, glm_separated

from collapse import GLM, laws, recursive_training, replay
from collapse.models import _glm_likelihood
from models.starts import start

FAMILIES = ("gaussian", "logistic", "poisson")
BETA = np.array([0.3, 0.8, -0.5])
REPLICATIONS = 5000

# A small experiment: dose, group and an intercept; units and centre are awkward on purpose.
TABLE = np.column_stack([np.ones(12), np.repeat([1000.0, 1001.0, 1003.0], 4), np.tile([0, 1], 6)])
TABLE_BETA = np.array([-401.0, 0.4, 0.5])


def step(model, size, rng, replications=REPLICATIONS):
    return model.step(start(model, replications), size, rng)


def draw_then_fit(model, size, rng, replications=REPLICATIONS):
    return model.fit(model.draw(start(model, replications), size, rng))


def fit(x, y, family):
    """Coefficients of data sets (sets, rows, features), (sets, rows)."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    model = GLM(np.zeros(x.shape[2]), family=family)
    fitted = model.fit(np.concatenate([x, y[:, :, None]], axis=2))
    missing = np.isnan(fitted["coefficients"])
    np.testing.assert_array_equal(missing.any(axis=1), fitted["fitted"] == 0)
    np.testing.assert_array_equal(missing.any(axis=1), missing.all(axis=1))
    return fitted["coefficients"]


def responses(eta, family, rng, std=1.0):
    if family == "gaussian":
        return eta + std * rng.standard_normal(eta.shape)
    if family == "logistic":
        return (rng.random(eta.shape) < 1 / (1 + np.exp(-eta))).astype(float)
    return rng.poisson(np.exp(eta)).astype(float)


def normal_design(rng, sets, rows, features):
    x = rng.standard_normal((sets, rows, features))
    x[:, :, 0] = 1
    return x


class TestOneFit:
    @pytest.mark.parametrize("family", ["logistic", "poisson"])
    @pytest.mark.parametrize("rows, features, scale", [
        (30, 2, 0.5), (30, 3, 1.0), (100, 6, 0.6), (15, 3, 2.0), (300, 10, 0.2)])
    def test_general_solvers_agree(self, family, rows, features, scale):
        rng = np.random.default_rng([1, rows, features])
        x = normal_design(rng, 40, rows, features)
        beta = scale * rng.standard_normal((40, features, 1))
        y = responses((x @ beta)[:, :, 0], family, rng)
        fitted = fit(x, y, family)
        for one, design, response in zip(fitted, x, y, strict=True):
            expected = glm_fit(design, response, family)
            if expected is None:
                assert np.all(np.isnan(one))
            else:
                np.testing.assert_allclose(one, expected, rtol=1e-8, atol=1e-8)

    def test_least_squares(self):
        rng = np.random.default_rng(2)
        x = rng.standard_normal((20, 9, 4)) * [1, 1e-6, 1e6, 1] + [1, 0, 0, 50]
        y = 1e9 + rng.standard_normal((20, 9))
        for one, design, response in zip(fit(x, y, "gaussian"), x, y, strict=True):
            scaled = design / np.linalg.norm(design, axis=0)  # the solver needs it
            np.testing.assert_allclose(design @ one, scaled @ np.linalg.lstsq(scaled, response)[0],
                                       rtol=1e-12)

    @pytest.mark.parametrize("family", ["logistic", "poisson"])
    def test_predictors_to_many_digits(self, family):
        # From easy to hard: large coefficients leave few responses in doubt.
        rng = np.random.default_rng(3)
        x = normal_design(rng, 60, 40, 3)
        scale = np.geomspace(0.1, 30 if family == "logistic" else 2, 60)[:, None, None]
        y = responses((x @ (scale * BETA[:, None]))[:, :, 0], family, rng)
        fitted = fit(x, y, family)
        there = np.flatnonzero(~np.isnan(fitted[:, 0]))
        assert 20 <= len(there)
        for one in there:
            exact = many_digits(x[one], y[one], fitted[one], family)
            error = np.abs(x[one] @ fitted[one] - exact)
            assert np.all(error <= 1e-10 * np.maximum(np.abs(exact).max(), 1))

    @pytest.mark.parametrize("gap", 10.0 ** -np.arange(1, 15))
    def test_on_the_verge_of_separation(self, gap):
        # One pair on the wrong sides of each other, by 2·gap.
        x = np.array([-1.0, -0.5, -gap, gap, 0.5, 1.0])
        design = np.column_stack([np.ones(6), x])
        y = np.array([0.0, 0, 1, 0, 1, 1])
        fitted = fit(design[None], y[None], "logistic")[0]
        exact = many_digits(design, y, fitted, "logistic")
        np.testing.assert_allclose(design @ fitted, exact, rtol=1e-9, atol=1e-9)
        assert abs(fitted[1]) > -np.log(gap)
        y[2], y[3] = 0, 1  # the pair changes sides
        assert np.all(np.isnan(fit(design[None], y[None], "logistic")))

    @pytest.mark.parametrize("family", FAMILIES)
    def test_units_of_the_covariates_do_not_matter(self, family):
        rng = np.random.default_rng(4)
        x = normal_design(rng, 50, 30, 3)
        y = responses(x @ BETA, family, rng)
        plain = fit(x, y, family)
        units = np.array([1.0, 1e150, 1e-150])
        np.testing.assert_allclose(fit(x * units, y, family) * units, plain, rtol=1e-9, atol=1e-9)
        change = np.array([[1, 2000.0, 0], [0, 1, 1], [0, 0, 3]])  # far from the origin, mixed
        np.testing.assert_allclose(fit(x @ change, y, family) @ change.T, plain,
                                   rtol=1e-7, atol=1e-7)
        order = rng.permutation(30)
        np.testing.assert_allclose(fit(x[:, order], y[:, order], family), plain,
                                   rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize("family", ["logistic", "poisson"])
    @pytest.mark.parametrize("some", [slice(None), slice(3, 6)], ids=["all", "a few"])
    def test_nearly_dependent_columns(self, family, some):
        # The square of 1e-6 is lost in a Hessian, but the columns are not dependent.
        rng = np.random.default_rng(5)
        x = normal_design(rng, 20, 40, 3)
        x[some, :, 2] = x[some, :, 1] + 1e-6 * x[some, :, 2]
        y = responses(0.5 * x[:, :, 1], family, rng)
        for one, design, response in zip(fit(x, y, family), x, y, strict=True):
            exact = many_digits(design, response, one, family)
            np.testing.assert_allclose(design @ one, exact, rtol=1e-8, atol=1e-8)

    def test_counts_of_all_sizes(self):
        # Weights from 1 to 1e17: the one large count must not drown the others.
        rng = np.random.default_rng(6)
        x = normal_design(rng, 8, 15, 3)
        x[:, 3, 1] = 40
        y = rng.poisson(np.exp(x @ [0.3, 0.95, 0.1])).astype(float)
        for one, design, response in zip(fit(x, y, "poisson"), x, y, strict=True):
            exact = many_digits(design, response, one, "poisson")
            np.testing.assert_allclose(design @ one, exact, rtol=1e-8, atol=1e-8)

    def test_large_counts(self):
        y = np.array([[1e6, 3e6, 2e6, 8e6]])
        x = np.array([[[1, 0], [1, 1], [1, 0], [1, 1]]])
        expected = np.log([1.5e6, 5.5e6])
        np.testing.assert_allclose(fit(x, y, "poisson")[0],
                                   [expected[0], expected[1] - expected[0]], rtol=1e-12)

    def test_what_is_not_a_number_is_not_fitted(self):
        x = normal_design(np.random.default_rng(1), 3, 9, 2)
        for family in FAMILIES:
            y = responses(x @ BETA[:2], family, np.random.default_rng(2))
            broken = y.copy()
            broken[1, 4] = np.nan
            expected, fitted = fit(x, y, family), fit(x, broken, family)
            assert np.all(np.isnan(fitted[1]))
            np.testing.assert_array_equal(fitted[[0, 2]], expected[[0, 2]])

    def test_impossible_responses_have_no_fit(self):
        x = normal_design(np.random.default_rng(1), 2, 9, 2)
        assert np.all(np.isnan(fit(x, np.full((2, 9), 2.0), "logistic")))
        assert np.all(np.isnan(fit(x, np.full((2, 9), -1.0), "poisson")))

    def test_weights_of_all_sizes(self):
        # With η = 0, log 3 and 6 at the first three rows, the last two are at ±u in a direction
        # of their own: e^{a + u} = e^{b − u}, so that the weights of both are e^{(a + b)/2}.
        for a, b in ((-100, -80), (-500, -300), (-1200, 0)):
            x = np.array([[1.0, 0, 0], [1, 1, 0], [1, 1, 0], [1, a, 1], [1, b, -1]])
            y = np.array([1.0, 3, 0, 0, 0])
            fitted = fit(x[None], y[None], "poisson")[0]
            beta = np.array([0, np.log(1.5)])
            u = -(a - b) / 2 * beta[1]
            np.testing.assert_allclose(fitted, [*beta, u], rtol=1e-12, atol=1e-12)
        x[3:, 1] = -3000  # weights e^{−1200}
        assert np.all(np.isnan(fit(x[None], y[None], "poisson")))

    def test_what_rounding_holds_up_is_no_maximum(self):
        # The first three rows are fitted; of the last two one has a weight below rounding.
        x = np.array([[1.0, 0, 0], [1, 1, 0], [1, 1, 0], [1, -3000, 1], [1, -3000, -1]])
        y, ones = np.array([1.0, 3, 0, 0, 0]), np.ones(5)
        for slope, u, stationary in ((-3000, 1179, False), (-100, 0, True), (-100, 1e-3, False)):
            x[3:, 1] = slope
            eta = x @ [0, np.log(1.5), u]
            assert _glm_likelihood._is_stationary(x, eta, ones, y, "poisson") == stationary

def many_digits(x, y, guess, family):
    """Predictors at the maximum of the likelihood, by Newton's method with 60 digits."""
    with mp.workdps(60):
        x, beta = mp.matrix(x.tolist()), mp.matrix(guess.tolist())
        for _ in range(40):
            odds = [mp.exp(eta) for eta in x * beta]
            mean = odds if family == "poisson" else [o / (1 + o) for o in odds]
            weight = mean if family == "poisson" else [m * (1 - m) for m in mean]
            gradient = x.T * mp.matrix([mp.mpf(r) - m for r, m in zip(y.tolist(), mean,
                                                                     strict=True)])
            change = mp.lu_solve(x.T * mp.diag(weight) * x, gradient)
            beta += change
            if max(abs(v) for v in x * change) < mp.mpf(10) ** -25:
                return np.array([float(eta) for eta in x * beta])
    raise AssertionError("no maximum near the fit")


def exact_rank(rows):
    rows, rank = [[Fraction(int(v)) for v in row] for row in rows], 0
    for column in range(len(rows[0])):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is not None:
            rows[rank], rows[pivot] = rows[pivot], rows[rank]
            for i in range(rank + 1, len(rows)):
                ratio = rows[i][column] / rows[rank][column]
                rows[i] = [a - ratio * b for a, b in zip(rows[i], rows[rank], strict=True)]
            rank += 1
    return rank


def exact_verdict(x, side):
    """"dependent", "separated" or "exists", for three integer columns, in integer arithmetic.

    With independent columns the cone of separating directions is pointed: if it is not {0}, it
    has an extreme ray, orthogonal to two independent rows.
    """
    if exact_rank(x) < 3:
        return "dependent"
    for i, j in itertools.combinations(range(len(x)), 2):
        b = np.cross(x[i], x[j])
        for ray in (b, -b) if b.any() else ():
            values = x @ ray
            if np.all(values[side == 0] == 0) and np.all(values * side >= 0):
                return "separated"
    return "exists"


class TestSeparation:
    @pytest.mark.parametrize("rows", [3, 4, 6, 10, 20])
    @pytest.mark.parametrize("family", ["logistic", "poisson"])
    def test_against_integer_arithmetic(self, family, rows):
        rng = np.random.default_rng([1, rows])
        seen = set()
        for largest in (1, 2, 4):
            x = rng.integers(-largest, largest + 1, (30, rows, 3))
            x[:, :, 0] = 1
            eta = x @ [0, 1, -1] if family == "logistic" else 0.3 * (x @ [-5, 1, -1])
            y = responses(eta.astype(float), family, rng)
            for one, design, response in zip(fit(x, y, family), x, y, strict=True):
                side = np.where(response == 0, -1, int(family == "logistic"))
                verdict = exact_verdict(design, side)
                seen.add(verdict)
                assert (verdict == "exists") == np.all(np.isfinite(one)), (design, response)
        assert {"separated"} < seen

    @pytest.mark.parametrize("y, exists", [
        ([0, 0, 0, 1, 1, 1], False),  # complete: a threshold tells them apart
        ([0, 0, 1, 0, 1, 1], True),  # overlap
        ([1, 1, 1, 1, 1, 1], False),  # only one kind
        ([0, 1, 1, 1, 1, 0], True),
    ])
    def test_a_threshold(self, y, exists):
        x = np.column_stack([np.ones(6), np.arange(6)])
        assert np.all(np.isfinite(fit(x[None], [y], "logistic"))) == exists
        assert glm_separated(x, np.array(y), "logistic") != exists

    def test_quasi_complete(self):
        # Both kinds at x = 2, where the threshold is; away from it all is told apart.
        x = np.column_stack([np.ones(6), [0, 1, 2, 2, 3, 4]])
        y = np.array([0, 0, 0, 1, 1, 1])
        assert np.all(np.isnan(fit(x[None], y[None], "logistic")))
        y[0] = 1
        assert np.all(np.isfinite(fit(x[None], y[None], "logistic")))
        # A group with one kind of response only, in the presence of a good covariate.
        group = np.column_stack([np.ones(9), [0, 1, 2, 3, 0, 1, 2, 3, 1], [0] * 8 + [1]])
        y = np.array([0, 1, 0, 1, 1, 0, 1, 0, 1])
        assert np.all(np.isnan(fit(group[None], y[None], "logistic")))
        assert np.all(np.isfinite(fit(group[None, :, :2], y[None], "logistic")))

    def test_quasi_complete_far_from_the_origin(self):
        # An overlap that only differs from the above in the last digits of x.
        rng = np.random.default_rng(1)
        x = np.column_stack([np.ones(20), 1e4 + np.repeat(np.arange(10), 2), rng.random(20)])
        y = (x[:, 1] >= 1e4 + 5).astype(float)
        y[x[:, 1] == 1e4 + 5] = [0, 1]
        x[x[:, 1] == 1e4 + 5, 2] = 0.5  # the two differ in the response alone
        assert np.all(np.isnan(fit(x[None], y[None], "logistic")))
        y[0] = 1
        assert np.all(np.isfinite(fit(x[None], y[None], "logistic")))

    def test_poisson(self):
        x = np.column_stack([np.ones(6), [0, 0, 0, 1, 1, 1]])
        assert np.all(np.isnan(fit(x[None], [[1, 2, 0, 0, 0, 0]], "poisson")))  # group without
        assert np.all(np.isnan(fit(x[None], [[0, 0, 0, 0, 0, 0]], "poisson")))
        np.testing.assert_allclose(fit(x[None], [[1, 2, 0, 0, 3, 0]], "poisson"), [[0, 0]],
                                   atol=1e-12)
        slope = np.column_stack([np.ones(4), [0, 1, 2, 3]])
        assert np.all(np.isnan(fit(slope[None], [[5, 0, 0, 0]], "poisson")))  # e^{−∞} beyond 0
        assert np.all(np.isfinite(fit(slope[None], [[0, 5, 0, 0]], "poisson")))
        assert np.all(np.isfinite(fit(slope[None], [[5, 1, 0, 0]], "poisson")))

    @pytest.mark.parametrize("family", FAMILIES)
    def test_dependent_columns(self, family):
        rng = np.random.default_rng(1)
        x = normal_design(rng, 4, 30, 4)
        y = responses(0.1 * x[:, :, 1], family, rng)
        x[1, :, 3] = 0
        x[2, :, 3] = x[2, :, 0] - 2 * x[2, :, 1] + 1e3 * x[2, :, 2]
        x[3, 3:] = x[3, :27] = x[3, :1]  # at most four different rows
        x[3, 27:] = x[3, 26]
        fitted = fit(x, y, family)
        np.testing.assert_array_equal(np.isnan(fitted[:, 0]), [False, True, True, True])
        assert np.all(np.isnan(fit(x[:, :3], y[:, :3], family)))  # fewer rows than columns
        assert fit(x[:, :4], y[:, :4], "gaussian").shape == (4, 4)

    def test_the_program_and_newton_agree_in_many_dimensions(self):
        # Near the number of rows at which half of all data sets are separated: n = 2p (Cover).
        rng = np.random.default_rng(2)
        x = normal_design(rng, 60, 16, 8)
        y = responses(np.zeros((60, 16)), "logistic", rng)
        there = np.isfinite(fit(x, y, "logistic")[:, 0])
        assert 10 < there.sum() < 50
        for exists, design, response in zip(there, x, y, strict=True):
            assert glm_separated(design, response, "logistic") != exists

    def test_the_program_decides_alike_where_newton_has_decided(self):
        rng = np.random.default_rng(3)
        x = normal_design(rng, 40, 14, 5)
        y = responses(np.zeros((40, 14)), "logistic", rng)
        there = np.isfinite(fit(x, y, "logistic")[:, 0])
        for exists, design, response in zip(there, x, y, strict=True):
            sides = _glm_likelihood._sides(np.ones(14), response, "logistic")
            assert _glm_likelihood._is_separated(design, sides) != exists

    @pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9, 1e-11])
    def test_the_program_sees_small_gaps(self, gap):
        # Below its tolerance of 1e-10 a yes of the program must be verified.
        x = np.column_stack([np.ones(6), [-1.0, -0.5, -gap, gap, 0.5, 1.0]])
        assert not _glm_likelihood._is_separated(x, np.array([-1, -1, 1, -1, 1, 1]))
        assert _glm_likelihood._is_separated(x, np.array([-1, -1, -1, 1, 1, 1]))

    def test_cover_s_count(self, assert_proportion):
        # With fair responses, 2 Σ_{k<p} C(n−1, k) of the 2^n labellings are separated by p
        # features in general position (Cover 1965).
        n, p, replications = 12, 4, 3000
        share = 2 * sum(stats.binom.pmf(k, n - 1, 0.5) for k in range(p)) / 2
        for route in (step, draw_then_fit):
            fitted = route(GLM(np.zeros(p), family="logistic"), n, np.random.default_rng(4),
                           replications)["fitted"]
            assert_proportion(np.sum(fitted == 0), replications, share)
        with pytest.raises(AssertionError):  # power: one row less
            wrong = 2 * sum(stats.binom.pmf(k, n - 2, 0.5) for k in range(p)) / 2
            assert_proportion(np.sum(fitted == 0), replications, wrong)


@pytest.mark.parametrize("family", ["logistic", "poisson"])
class TestProofs:
    """The three inequalities in the head of `_glm_likelihood`, from anywhere."""

    def places(self, family):
        """Data sets, some separated, with f and, at random β, λ, ϱ, the Newton step and so on."""
        rng = np.random.default_rng(1)
        for _ in range(200):
            x = normal_design(rng, 1, 10, 3)[0]
            y = responses(x @ [-0.7, 1, 0.5], family, rng)
            b = fit(x[None], y[None], family)[0]
            near = rng.standard_normal(3) * rng.choice([0.03, 0.3, 1.0, 5.0])
            beta = near + np.nan_to_num(b) * rng.choice([0, 1])
            eta = x @ beta
            mean = np.exp(eta) if family == "poisson" else 1 / (1 + np.exp(-eta))
            weight = mean if family == "poisson" else mean * (1 - mean)
            inverse = np.linalg.inv((x.T * weight) @ x)
            gradient = x.T @ (mean - y)
            size = np.sqrt(gradient @ inverse @ gradient)
            reach = np.sqrt(np.max(np.sum(x @ inverse * x, axis=1)))

            def f(at, x=x, y=y):
                eta = x @ at
                each = np.exp(eta) if family == "poisson" else np.logaddexp(0, eta)
                return np.sum(each - y * eta)

            yield x, b, beta, f, -inverse @ gradient, size, reach

    def test_every_step_descends(self, family):
        for x, _, beta, f, v, size, _ in self.places(family):
            s = np.abs(x @ v).max()
            for t in (np.log1p(s) / s, *([1] if s <= 1.7 else [])):
                bound = f(beta) - size**2 * (t - (np.exp(s * t) - s * t - 1) / s**2)
                assert bound < f(beta)
                assert f(beta + t * v) <= bound + 1e-9 * (1 + abs(bound))

    def test_existence(self, family):
        seen = [0, 0]
        for x, b, beta, _, _, size, reach in self.places(family):
            if np.isnan(b[0]):
                assert size * reach >= 1 - 1e-9
                seen[0] += 1
            elif size * reach < 1:
                assert np.all(np.abs(x @ (b - beta)) <= -np.log1p(-size * reach) + 1e-9)
                seen[1] += 1
        assert min(seen) >= 10


class TestCounts:
    """Rows with many trials are the same rows many times."""

    @pytest.mark.parametrize("family", ["logistic", "poisson"])
    def test_likelihood(self, family):
        rng = np.random.default_rng(1)
        x = np.column_stack([TABLE[:, 0], TABLE[:, 1] - 1001, TABLE[:, 2]])
        beta = np.array([-0.6, 0.4, 0.5])
        for _ in range(60):
            index = rng.integers(12, size=rng.integers(4, 60))
            y = responses(x[index] @ beta, family, rng)
            trials = np.bincount(index, minlength=12).astype(float)
            totals = np.bincount(index, weights=y, minlength=12)
            grouped = _glm_likelihood.maximise(x.T[None], trials[None], totals[None],
                                               np.zeros((1, 3)), family)
            np.testing.assert_allclose(grouped, fit(x[index][None], y[None], family),
                                       rtol=1e-9, atol=1e-9)

    def test_far_rows_that_were_not_drawn_do_no_harm(self):
        rows = np.column_stack([np.ones(40), np.append(np.linspace(-1, 1, 39), 1e6)])
        for family in ("logistic", "poisson"):
            model = GLM([0.1, -0.5], family=family, covariates=rows)
            fitted = step(model, 40, np.random.default_rng(1), 300)
            assert np.mean(fitted["fitted"]) > 0.9 and np.all(
                np.isfinite(fitted["coefficients"][fitted["fitted"] == 1]))


@pytest.mark.parametrize("covariates, size", [
    (None, 25), (None, 5), (TABLE, 9), (TABLE, 40), (np.ones((1, 1)), 6)],
    ids=["normal", "normal, few", "rows", "counts", "intercept"])
@pytest.mark.parametrize("family", FAMILIES)
def test_step_and_draw_then_fit_have_one_law(family, covariates, size, assert_plausible):
    beta = {3: TABLE_BETA, 1: [0.4]}.get(0 if covariates is None else covariates.shape[1], BETA)
    std = 0.5 if family == "gaussian" else 1.0
    model = GLM(beta, family=family, covariates=covariates, std=std)
    replications = 800
    quick = step(model, size, np.random.default_rng(1), replications)
    plain = draw_then_fit(model, size, np.random.default_rng(2), replications)
    assert set(quick) == set(plain) == {"coefficients", "fitted"}
    there = [int(route["fitted"].sum()) for route in (quick, plain)]
    if there[0] + there[1] < 2 * replications:
        assert_plausible(stats.fisher_exact(
            [there, [replications - count for count in there]]).pvalue)
    for name in quick:
        assert quick[name].shape == plain[name].shape
    for feature in range(len(beta)):
        # Rounded: where they are discrete, equal values of both routes differ in the last digits.
        first, second = (route["coefficients"][route["fitted"] == 1, feature].round(9)
                         for route in (quick, plain))
        assert_plausible(stats.ks_2samp(first, second).pvalue)


class TestGaussian:
    def test_given_the_rows(self, assert_plausible):
        # R(β' − β)/σ with XᵀX = RᵀR has independent standard normal entries, for every X.
        for model, size in ((GLM(BETA, family="gaussian", std=2.0), 5),
                            (GLM(TABLE_BETA, family="gaussian", covariates=TABLE, std=2.0), 8)):
            samples = model.draw(start(model, REPLICATIONS), size, np.random.default_rng(1))
            fitted = model.fit(samples)
            there = fitted["fitted"] == 1
            r = np.linalg.qr(samples[there, :, :-1], mode="r")
            error = fitted["coefficients"][there] - model.coefficients
            scores = (r @ error[:, :, None])[:, :, 0] / 2
            for score in scores.T:
                assert_plausible(stats.kstest(score, "norm").pvalue)
            assert_plausible(stats.spearmanr(scores[:, 0], scores[:, 1]).pvalue)
            assert_plausible(stats.kstest(np.sum(scores**2, axis=1), stats.chi2(3).cdf).pvalue)

    @pytest.mark.parametrize("route", [step, draw_then_fit])
    @pytest.mark.parametrize("size", [3, 6, 50])
    def test_normal_covariates(self, route, size, assert_plausible):
        # A slope is σ t/√ν with ν = n − p + 1, since 1/[(XᵀX)⁻¹]_jj ~ χ²_ν for a slope j.
        fitted = route(GLM(BETA, family="gaussian", std=3.0), size, np.random.default_rng(2))
        assert np.all(fitted["fitted"] == 1)
        nu = size - 2
        for slope in (1, 2):
            error = (fitted["coefficients"][:, slope] - BETA[slope]) / 3
            assert_plausible(stats.kstest(error * np.sqrt(nu), stats.t(nu).cdf).pvalue)
            with pytest.raises(AssertionError):  # power: the classical variance σ²/n is not it
                assert_plausible(stats.kstest(error * np.sqrt(size), stats.t(nu).cdf).pvalue
                                 if size < 50 else 0)

    @pytest.mark.parametrize("route", [step, draw_then_fit])
    def test_covariance(self, route, assert_within):
        # Cov β' = σ² E(XᵀX)⁻¹: (n − 2)/(n (n − p − 1)) for the intercept, 1/(n − p − 1) for slopes.
        n, p, replications = 20, 3, 20_000
        fitted = route(GLM(BETA, family="gaussian"), n, np.random.default_rng(3), replications)
        error = fitted["coefficients"] - BETA
        products = error[:, :, None] * error[:, None]
        expected = np.diag([(n - 2) / (n * (n - p - 1)), 1 / (n - p - 1), 1 / (n - p - 1)])
        assert_within(products.mean(axis=0), expected,
                      products.std(axis=0) / np.sqrt(replications))

    def test_many_generations_are_a_random_walk(self, assert_plausible):
        run = recursive_training(GLM([2.0], family="gaussian", std=0.7),
                                 sample_size=[5, 10, 20, 40], generations=4,
                                 replications=REPLICATIONS, seed=4)
        total = 0.49 * np.cumsum([1 / 5, 1 / 10, 1 / 20, 1 / 40])
        for generation in range(1, 5):
            values = run["coefficients"].values[:, generation, 0]
            cdf = stats.norm(2, np.sqrt(total[generation - 1])).cdf
            assert_plausible(stats.kstest(values, cdf).pvalue)

    def test_no_rank_no_fit(self, assert_proportion):
        # Two groups, n draws: both must occur.
        model = GLM([1.0, 2.0], family="gaussian", covariates=[[1.0, 0.0], [0.0, 1.0]])
        for route in (step, draw_then_fit):
            fitted = route(model, 4, np.random.default_rng(5))["fitted"]
            assert_proportion(np.sum(fitted == 0), REPLICATIONS, 2.0**-3)


class TestExactLaws:
    """An intercept alone: the mean response is the Bernoulli or the Poisson chain."""

    @pytest.mark.parametrize("covariates", [None, [[2.0]]])
    def test_logistic_is_wright_fisher(self, covariates, assert_proportion, assert_plausible):
        p, n = 0.3, 8
        scale = 1 if covariates is None else 2
        model = GLM([np.log(p / (1 - p)) / scale], family="logistic", covariates=covariates)
        run = recursive_training(model, sample_size=n, generations=12, replications=REPLICATIONS,
                                 seed=1)
        fitted = run["fitted"].values
        exact = laws.wright_fisher.interior(p, n, np.arange(1, 13))
        assert_proportion(fitted[:, 1:].sum(axis=0), REPLICATIONS, exact)
        with pytest.raises(AssertionError):  # power
            assert_proportion(fitted[:, 1:].sum(axis=0), REPLICATIONS,
                              laws.wright_fisher.interior(p, n + 1, np.arange(1, 13)))
        first = 1 / (1 + np.exp(-scale * run["coefficients"].values[:, 1, 0]))
        counts = np.bincount(np.rint(n * first[fitted[:, 1] == 1]).astype(int), minlength=n)[1:]
        weight = stats.binom.pmf(np.arange(1, n), n, p)
        assert_plausible(stats.chisquare(counts, weight / weight.sum() * counts.sum()).pvalue)

    def test_poisson(self, assert_proportion):
        rate, n = 0.4, 5
        run = recursive_training(GLM([np.log(rate)], family="poisson"), sample_size=n,
                                 generations=10, replications=REPLICATIONS, seed=2)
        exact = laws.poisson.survival(rate, n, np.arange(1, 11))
        assert_proportion(run["fitted"].values[:, 1:].sum(axis=0), REPLICATIONS, exact)
        means = n * np.exp(run["coefficients"].values[:, 1, 0])
        whole = means[np.isfinite(means)]
        np.testing.assert_allclose(whole, np.rint(whole), atol=1e-9)

    def test_groups_are_independent_chains(self, assert_proportion):
        # One indicator for each of two groups: each is a chain with a random number of samples.
        p, n = np.array([0.3, 0.6]), 12
        model = GLM(np.log(p / (1 - p)), family="logistic", covariates=np.eye(2))
        fitted = step(model, n, np.random.default_rng(3), 1000)["fitted"]
        m = np.arange(1, n)
        both = np.sum(stats.binom.pmf(m, n, 0.5) * (1 - p[0]**m - (1 - p[0])**m)
                      * (1 - p[1]**(n - m) - (1 - p[1])**(n - m)))
        assert_proportion(fitted.sum(), 1000, both)


@pytest.mark.parametrize("family", ["logistic", "poisson"])
class TestAsymptotics:
    def information(self, rows, beta, family):
        mean = np.exp(rows @ beta) if family == "poisson" else 1 / (1 + np.exp(-rows @ beta))
        weight = mean if family == "poisson" else mean * (1 - mean)
        return (rows.T * weight) @ rows / len(rows)

    def test_covariance_of_one_generation(self, family, assert_within):
        # At n = 10⁵ the relative deviation of order p/n is far below the standard error.
        n, replications = 10**5, 10_000
        rows = np.column_stack([np.ones(60), np.linspace(-2, 2, 60), np.tile([0, 0, 1], 20)])
        beta = np.array([0.2, 0.5, -0.3])
        model = GLM(beta, family=family, covariates=rows)
        error = np.sqrt(n) * (step(model, n, np.random.default_rng(1),
                                   replications)["coefficients"] - beta)
        products = error[:, :, None] * error[:, None]
        expected = np.linalg.inv(self.information(rows, beta, family))
        se = products.std(axis=0) / np.sqrt(replications)
        assert_within(products.mean(axis=0), expected, se)
        with pytest.raises(AssertionError):  # power: weights at another β
            other = np.linalg.inv(self.information(rows, 1.5 * beta, family))
            assert_within(products.mean(axis=0), other, se)

    def test_covariance_adds_up_over_generations(self, family, assert_within):
        # P2.7: S_T V/n, here S_3 = 1 + 1/2 + 1/4.
        n, replications = 10**6, 10_000
        rows = np.column_stack([np.ones(10), np.linspace(-1, 1, 10)])
        beta = np.array([0.2, 0.5])
        run = recursive_training(GLM(beta, family=family, covariates=rows),
                                 sample_size=[n, 2 * n, 4 * n], generations=3,
                                 replications=replications, seed=2, keep=[3])
        error = np.sqrt(n) * (run["coefficients"].values[:, 0] - beta)
        products = error[:, :, None] * error[:, None]
        expected = 1.75 * np.linalg.inv(self.information(rows, beta, family))
        assert_within(products.mean(axis=0), expected,
                      products.std(axis=0) / np.sqrt(replications))

    def test_time_does_not_follow_the_sample_size(self, family):
        rows = np.column_stack([np.ones(10), np.linspace(-1, 1, 10)])
        run = recursive_training(GLM([0.2, 0.5], family=family, covariates=rows),
                                 sample_size=10**15, generations=3, replications=200, seed=3)
        assert np.all(np.abs(run["coefficients"] - [0.2, 0.5]) < 1e-6)
        assert np.all(run["coefficients"][:, 3] != run["coefficients"][:, 2])


@pytest.mark.parametrize("family", FAMILIES)
def test_paths_by_the_slow_twin(family, assert_plausible):
    beta, size, replications = np.array([0.2, 0.5, -0.4]), 18, 80
    path = slow_glm(np.random.default_rng(1), coefficients=beta, family=family, sizes=[size] * 5,
                    replications=replications)
    run = recursive_training(GLM(beta, family=family), sample_size=size, generations=5,
                             replications=REPLICATIONS, seed=2)
    alive, twin_alive = run["fitted"].values == 1, np.isfinite(path[:, :, 0])
    assert np.all(np.diff(run["fitted"].values, axis=1) <= 0)
    for generation in (1, 3, 5):
        here, there = alive[:, generation], twin_alive[:, generation]
        if family != "gaussian":
            assert_plausible(stats.fisher_exact([[here.sum(), (~here).sum()],
                                                 [there.sum(), (~there).sum()]]).pvalue)
        for feature in range(3):
            assert_plausible(stats.ks_2samp(
                run["coefficients"].values[here, generation, feature],
                path[there, generation, feature]).pvalue)


class TestEnd:
    def test_it_stays_ended(self):
        run = recursive_training(GLM([1.0, 1.0], family="logistic"), sample_size=8,
                                 generations=15, replications=400, seed=1)
        fitted, coefficients = run["fitted"].values, run["coefficients"].values
        assert set(np.unique(fitted)) == {0, 1} and np.all(fitted[:, 0] == 1)
        assert np.all(np.diff(fitted, axis=1) <= 0)
        np.testing.assert_array_equal(np.isnan(coefficients),
                                      np.repeat(fitted[:, :, None] == 0, 2, axis=2))
        assert fitted[:, -1].mean() < 0.2

    @pytest.mark.parametrize("family", FAMILIES)
    def test_a_model_that_does_not_exist_draws_nothing(self, family):
        model = GLM(BETA, family=family)
        state = start(model, 3)
        state["coefficients"][1], state["fitted"][1] = np.nan, 0
        samples = model.draw(state, 50, np.random.default_rng(1))
        assert np.all(np.isnan(samples[1, :, -1])) and np.all(np.isfinite(samples[[0, 2]]))
        for fitted in (model.fit(samples), model.step(state, 50, np.random.default_rng(2))):
            np.testing.assert_array_equal(fitted["fitted"], [1, 0, 1])
            np.testing.assert_array_equal(np.isnan(fitted["coefficients"][:, 0]),
                                          [False, True, False])

    def test_all_ended(self):
        model = GLM(BETA, family="logistic")
        state = start(model, 3)
        state["coefficients"][:], state["fitted"][:] = np.nan, 0
        assert np.all(model.step(state, 50, np.random.default_rng(1))["fitted"] == 0)

    def test_counts_beyond_all_bounds(self):
        model = GLM([30.0, 0.1], family="poisson")  # e^30 = 10^13
        for route in (step, draw_then_fit):
            assert np.all(route(model, 50, np.random.default_rng(1), 3)["fitted"] == 0)
        assert np.all(step(GLM([1e3, 1.0], family="poisson"), 50, np.random.default_rng(1),
                           3)["fitted"] == 0)

    def test_fewer_samples_than_features(self):
        for family in FAMILIES:
            for covariates in (None, TABLE):
                model = GLM(BETA, family=family, covariates=covariates)
                assert model.min_sample_size == 3
                for route in (step, draw_then_fit):
                    assert np.all(route(model, 2, np.random.default_rng(1), 4)["fitted"] == 0)


class TestRuns:
    def test_labels(self):
        run = recursive_training(GLM(BETA, family="poisson"), sample_size=20, generations=2,
                                 replications=3, seed=1)
        assert run["coefficients"].dims == ("replication", "generation", "feature")
        assert run["fitted"].dims == ("replication", "generation")

    @pytest.mark.parametrize("family", FAMILIES)
    @pytest.mark.parametrize("covariates", [None, TABLE], ids=["normal", "rows"])
    def test_a_run_can_be_made_again(self, family, covariates):
        std = 2.0 if family == "gaussian" else 1.0
        model = GLM([0.1, 0.0, 0.2], family=family, covariates=covariates, std=std)
        run = recursive_training(model, sample_size=20, generations=3, replications=4, seed=1)
        assert run.equals(replay(run))
        assert family in repr(model) and ("12 rows" in repr(model)) == (covariates is not None)

    def test_numbers_do_not_depend_on_jobs_or_keep(self):
        arguments = dict(sample_size=15, generations=4, replications=1100, seed=1)
        model = GLM([0.0, 1.0], family="logistic")
        run = recursive_training(model, **arguments)
        assert run.equals(recursive_training(model, **arguments, n_jobs=2))
        kept = recursive_training(model, **arguments, keep=[0, 2, 4])
        short = recursive_training(model, **arguments | {"generations": 2})
        for name in ("coefficients", "fitted"):
            np.testing.assert_array_equal(kept[name], run[name].sel(generation=[0, 2, 4]))
            np.testing.assert_array_equal(short[name], run[name].sel(generation=[0, 1, 2]))

    @pytest.mark.parametrize("covariates", [None, "table"])
    def test_memory_is_that_of_a_part(self, covariates):
        # All samples of a block at once would be 1024 · 2000 · 3 · 8 bytes = 49 MB.
        if covariates == "table":
            covariates = normal_design(np.random.default_rng(1), 1, 2000, 3)[0]
        for family in FAMILIES:
            model = GLM([0.1, 0.1, 0.2], family=family, covariates=covariates)
            state = start(model, 1024)
            tracemalloc.start()
            fitted = model.step(state, 2000, np.random.default_rng(1))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert np.all(fitted["fitted"] == 1) and peak < 15e6
