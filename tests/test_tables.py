"""Tables: what is read, what a generator keeps of a table, and the loop around it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from collapse import schedules, tables
from collapse.tables import Table


@pytest.fixture(scope="module")
def real():
    return tables.load_table()


def sample(table, rows, seed=1):
    chosen = np.random.default_rng(seed).permutation(len(table.values))[:rows]
    return Table(table.names, table.kinds, table.values[chosen])


def write(path, **columns):
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


class TestLoad:
    def test_default(self, real):
        assert real.values.shape == (20_190, 8) and real.names[0] == "mdvis"
        assert real.kinds[0] == real.kinds[-1] == "count" and real.kinds.count("binary") == 1

    def test_health_is_one_column(self, real):
        from statsmodels.datasets import randhie

        frame = randhie.load_pandas().data
        for level, name in enumerate(("hlthg", "hlthf", "hlthp"), 1):
            np.testing.assert_array_equal(frame[name] == 1, real.values[:, -1] == level)

    def test_a_file(self, tmp_path):
        rng = np.random.default_rng(1)
        path = write(tmp_path / "t.csv", a=rng.normal(size=120), b=rng.integers(0, 9, 120),
                     c=rng.random(120) < 0.5)
        table = tables.load_table(path)
        assert table.names == ("a", "b", "c")
        assert table.kinds == ("measurement", "count", "binary")
        assert table.values.shape == (120, 3) and table.values.dtype == float

    def test_large_integers_are_measurements(self, tmp_path):
        path = write(tmp_path / "t.csv", a=np.arange(881, 1001), b=np.arange(882, 1002))
        assert tables.load_table(path).kinds == ("count", "measurement")

    @pytest.mark.parametrize("columns, message", [
        (dict(a=np.arange(50), b=np.arange(50)), "100 rows"),
        (dict(a=np.arange(150)), "2 columns"),
        (dict(a=np.arange(150), town=["x"] * 150), "'town'.*numbers, not text"),
        (dict(a=np.arange(150), b=[1.0] * 149 + [np.nan]), "'b'.*complete.*1 of 150"),
        (dict(a=np.arange(150), b=[1.0] * 149 + [np.inf]), "'b'.*finite.*1 of 150"),
        (dict(a=np.arange(150), b=np.ones(150)), "'b'.*two values"),
    ])
    def test_unusable(self, tmp_path, columns, message):
        path = write(tmp_path / "t.csv", **columns)
        with pytest.raises(ValueError, match=message) as caught:
            tables.load_table(path)
        assert "\n" not in str(caught.value)

    def test_no_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="table must be"):
            tables.load_table(tmp_path / "absent.csv")

    def test_not_a_table(self, tmp_path):
        path = tmp_path / "t.csv"
        path.write_bytes(b"\xff\xfe\x00\x01" * 50)
        with pytest.raises(ValueError, match="t.csv"):
            tables.load_table(path)
        path.write_text("")
        with pytest.raises(ValueError, match="not a CSV file"):
            tables.load_table(path)


class TestHalves:
    def test_blocks_of_neighbours(self):
        rows = np.arange(1000.0)
        table = Table(("a", "b"), ("measurement",) * 2, np.column_stack([rows, -rows]))
        train, test = tables.halves(table, 1)
        assert train.names == table.names and len(train.values) == len(test.values) == 500
        np.testing.assert_array_equal(np.sort([*train.values[:, 0], *test.values[:, 0]]), rows)
        for half in (train, test):  # 200 blocks of five rows
            assert np.all(half.values[:, 0].reshape(100, 5) % 5 == np.arange(5))
        again, other = tables.halves(table, 1)[0], tables.halves(table, 2)[0]
        np.testing.assert_array_equal(train.values, again.values)
        assert not np.array_equal(train.values, other.values)

    def test_few_rows_are_split_one_by_one(self):
        rows = np.arange(101.0)
        table = Table(("a", "b"), ("measurement",) * 2, np.column_stack([rows, rows]))
        assert [len(half.values) for half in tables.halves(table, 1)] == [50, 51]

    def test_a_column_must_vary_in_both(self):
        values = np.column_stack([np.arange(200.0), np.arange(200) == 0])
        table = Table(("a", "rare"), ("measurement", "binary"), values)
        with pytest.raises(ValueError, match="'rare' must vary in both halves.*is 0 throughout"):
            tables.halves(table, 1)


class TestCopula:
    def test_normal_data_keep_their_correlations(self, assert_within):
        rng = np.random.default_rng(1)
        true = np.array([[1, 0.8, -0.3], [0.8, 1, 0.1], [-0.3, 0.1, 1]])
        values = rng.multivariate_normal(np.zeros(3), true, size=20_000)
        for margins in ("empirical", "parametric"):
            model = tables.fit_copula(values, ("measurement",) * 3, margins=margins)
            drawn = model.draw(20_000, rng)
            found, kept = np.corrcoef(drawn, rowvar=False), np.corrcoef(values, rowvar=False)
            pairs = np.triu_indices(3, 1)
            assert_within(found[pairs], kept[pairs], (1 - kept[pairs] ** 2) / np.sqrt(20_000))

    def test_ties_do_not_weaken_the_dependence(self, assert_within):
        # Two binary columns from normal numbers with correlation 0.6: found again, though the
        # correlation of the columns themselves is only about 0.4.
        rng = np.random.default_rng(1)
        n = 40_000
        z = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=n)
        values = (z > 0.0).astype(float)
        model = tables.fit_copula(values, ("binary", "binary"))
        latent = (model.factor @ model.factor.T)[0, 1]
        # Pr(both above) = 1/4 + arcsin(r)/(2π); its binomial error, divided by the slope.
        share = 0.25 + np.arcsin(0.6) / (2 * np.pi)
        slope = 1 / (2 * np.pi * np.sqrt(1 - 0.36))
        assert_within(latent, 0.6, np.sqrt(share * (1 - share) / n) / slope)

    def test_empirical_margins_only_repeat_values(self, real):
        rows = sample(real, 1000)
        drawn = tables.fit_copula(rows.values, rows.kinds).draw(5000, np.random.default_rng(1))
        for j in range(drawn.shape[1]):
            assert np.isin(drawn[:, j], rows.values[:, j]).all()

    def test_empirical_margins_have_the_law_of_the_table(self, real, assert_plausible):
        rows = sample(real, 1000)
        drawn = tables.fit_copula(rows.values, rows.kinds).draw(4000, np.random.default_rng(1))
        values, counts = np.unique(rows.values[:, 0], return_counts=True)
        common = counts >= 20
        seen = np.array([(drawn[:, 0] == value).sum() for value in values[common]])
        expected = 4.0 * counts[common]
        others = 4000 - expected.sum()
        assert_plausible(stats.chisquare([*seen, 4000 - seen.sum()], [*expected, others]).pvalue)

    def test_parametric_margins(self, assert_plausible):
        rng = np.random.default_rng(1)
        n = 20_000
        values = np.column_stack([
            rng.normal(3, 2, n), rng.negative_binomial(2, 0.4, n), rng.poisson(4, n),
            np.where(rng.random(n) < 0.3, 7.0, 1.0),
            np.where(rng.random(n) < 0.4, 0.0, rng.normal(5, 1, n))])
        kinds = ("measurement", "count", "count", "binary", "measurement")
        drawn = tables.fit_copula(values, kinds, margins="parametric").draw(2000, rng)
        for j in range(5):  # fitted to ten times as many numbers: the error of the fit is small
            # The exact laws; for discrete ones Kolmogorov's test errs on the safe side.
            assert_plausible(stats.ks_2samp(drawn[:, j], values[:, j]).pvalue)
        assert 0.35 < np.mean(drawn[:, 4] == 0) < 0.45

    @pytest.mark.parametrize("margins", ["empirical", "parametric"])
    def test_columns_that_have_become_constant(self, margins):
        values = np.column_stack([np.full(50, 3.0), np.arange(50.0), np.zeros(50)])
        model = tables.fit_copula(values, ("count", "measurement", "binary"), margins=margins)
        drawn = model.draw(100, np.random.default_rng(1))
        assert np.isfinite(drawn).all()
        np.testing.assert_array_equal(drawn[:, 2], 0.0)
        if margins == "empirical":
            np.testing.assert_array_equal(drawn[:, 0], 3.0)

    def test_hermite_coefficients_of_a_step(self):
        # 1{z > 0} standardised is sign(z): f_1 = √(2/π), f_2 = 0, f_3 = −1/√(3π).
        margin = tables._Empirical(np.array([0.0, 1.0]), "binary")
        found = tables._hermite_coefficients(margin)[:3]
        np.testing.assert_allclose(found, [np.sqrt(2 / np.pi), 0, -1 / np.sqrt(3 * np.pi)],
                                   atol=1e-15)

    @pytest.mark.parametrize("margin", [
        tables._Empirical(np.array([0.0, 0, 1, 1, 1, 5, 7, 7]), "count"),
        tables._Parametric(np.array([0.0, 0, 1, 1, 2, 5, 9, 30]), "count"),
        tables._Parametric(np.array([2.0, 2, 2, 7]), "binary"),
        tables._Parametric(np.array([0.0, 0, 0, 1.5, 2.5, 4]), "measurement"),
        tables._Parametric(np.array([0.5, 1.5, 2.5, 4]), "measurement"),
    ])
    def test_hermite_coefficients_by_quadrature(self, margin):
        u = (np.arange(10**6) + 0.5) / 10**6
        value, z = margin.quantile(u), special.ndtri(u)
        value = (value - value.mean()) / value.std()
        found = tables._hermite_coefficients(margin)
        for degree in (1, 2, 3, 6):
            h = special.eval_hermitenorm(degree, z) / np.sqrt(special.factorial(degree))
            np.testing.assert_allclose(found[degree - 1], np.mean(value * h), atol=1e-3)
        assert (found**2).sum() < 1 + 1e-5

    def test_the_series_is_the_covariance(self):
        # Against the distribution function of two normal numbers, at every pair of jumps.
        first, second = (tables._Empirical(np.array(column), "count")
                         for column in ([0.0, 0, 1, 1, 1, 4], [0.0, 2, 2, 3]))
        (a, at), (b, bt) = first.steps(), second.steps()
        f, g = map(tables._hermite_coefficients, (first, second))
        for r in (-0.8, 0.3, 0.7):
            normal = stats.multivariate_normal(cov=[[1, r], [r, 1]])
            joint = np.array([[normal.cdf([special.ndtri(u), special.ndtri(v)]) for v in bt]
                              for u in at])
            covariance = np.diff(a) @ (joint - np.outer(at, bt)) @ np.diff(b)
            expected = covariance / first.sorted.std() / second.sorted.std()
            series = (f * g) @ r ** np.arange(1, len(f) + 1)
            assert series == pytest.approx(expected, abs=1e-6)

    def test_the_fit_induces_the_observed_correlations(self, real):
        rows = sample(real, 500)
        factor = tables.fit_copula(rows.values, rows.kinds).factor
        np.testing.assert_allclose(tables.induced(rows.values, factor @ factor.T),
                                   tables.correlation(rows.values), atol=1e-9)

    def test_correlations_that_cannot_be(self):
        # Three columns that exclude one another: no three normal numbers do.
        values = np.eye(4)[np.arange(400) % 4][:, :3]
        model = tables.fit_copula(values, ("binary",) * 3)
        drawn = model.draw(5000, np.random.default_rng(1))
        assert np.linalg.eigvalsh(model.factor @ model.factor.T)[0] > -1e-12
        assert (drawn.sum(axis=1) > 1).any() and np.corrcoef(drawn, rowvar=False)[0, 1] < 0

    def test_observed_correlations_are_another_model(self):
        values = np.repeat(np.eye(2), 100, axis=0)[:, 0]
        values = np.column_stack([values, values])
        values[:60, 1] = 0
        observed = tables.correlation(values)[0, 1]
        model = tables.fit_copula(values, ("binary",) * 2, latent="observed")
        assert (model.factor @ model.factor.T)[0, 1] == pytest.approx(observed, abs=1e-12)
        fitted = tables.fit_copula(values, ("binary",) * 2)
        assert (fitted.factor @ fitted.factor.T)[0, 1] > observed + 0.1
        with pytest.raises(ValueError, match="latent must be one of 'fitted', 'observed'"):
            tables.fit_copula(values, ("binary",) * 2, latent="ranks")

    def test_margins_must_be_known(self, real):
        with pytest.raises(ValueError, match="margins must be one of 'empirical', 'parametric'"):
            tables.fit_copula(real.values[:200], real.kinds, margins="kernel")


class TestRegression:
    def test_coefficients(self, real):
        from statsmodels.api import GLM, families

        rows = sample(real, 1500).values
        targets = {"count": (rows[:, 0], families.Poisson()),
                   "binary": (np.where(rows[:, 0] > 2, 9.0, 4.0), families.Binomial()),
                   "measurement": (np.log1p(rows[:, 0]) - 1, families.Gaussian())}
        for kind, (y, family) in targets.items():
            values = np.column_stack([y, rows[:, 1:]])
            model = tables.fit_regression(values, (kind,))
            x = np.column_stack([np.ones(len(rows)), rows[:, 1:]])
            answer = GLM(y == 9 if kind == "binary" else y, x, family=family).fit(tol=1e-13)
            np.testing.assert_allclose(model.coefficients, answer.params, rtol=1e-5, atol=1e-7)
            np.testing.assert_allclose(model.explained(values),
                                       1 - answer.deviance / answer.null_deviance, rtol=1e-7)
            if kind != "measurement":
                np.testing.assert_allclose((model.residuals(values) ** 2).sum(),
                                           answer.pearson_chi2, rtol=1e-5)
            information = (x * model.information(values)[:, None]).T @ x
            scale = len(y) / answer.df_resid if kind == "measurement" else 1
            np.testing.assert_allclose(np.linalg.inv(information) * scale,
                                       answer.cov_params(), rtol=1e-4, atol=1e-9)

    def test_counts_have_their_conditional_mean(self, real, assert_within):
        rows = sample(real, 2000)
        model = tables.fit_regression(rows.values)
        drawn = model.draw(20_000, np.random.default_rng(1))
        rate = model.mean(drawn)
        assert_within(np.mean(drawn[:, 0] - rate), 0.0, np.sqrt(rate.mean() / 20_000))
        # Variance equal to the mean, given the covariates.
        excess = (drawn[:, 0] - rate) ** 2 - rate
        assert_within(np.mean(excess), 0.0, excess.std() / np.sqrt(20_000))

    @pytest.mark.parametrize("kind", ["binary", "measurement"])
    def test_it_finds_itself_again(self, kind, assert_within):
        rng = np.random.default_rng(1)
        n = 20_000
        x = np.stack([rng.normal(5, 3, n), rng.random(n) < 0.4], axis=1)
        y = -1 + 0.3 * x[:, 0] - x[:, 1]
        noise = rng.normal(0, 2, n) if kind == "measurement" else rng.logistic(size=n)
        y = y + noise if kind == "measurement" else y + noise > 0
        first = tables.fit_regression(np.column_stack([y, x]), (kind,))
        second = tables.fit_regression(first.draw(n, rng), (kind,))
        weight = 1 / 4 if kind == "measurement" else np.mean(first.mean(first.draw(n, rng)) / 9)
        error = 1 / np.sqrt(n * weight * x.var(axis=0))  # generous for the binary one
        assert_within(second.coefficients[1:], first.coefficients[1:], error)
        assert_within(first.coefficients[1:], [0.3, -1], error)
        squares = second.residuals(first.draw(n, rng)) ** 2
        assert_within(squares.mean(), 1.0, squares.std() / np.sqrt(n))

    def test_a_target_that_the_others_tell(self):
        x = np.repeat([0.0, 1.0], 50)
        rng = np.random.default_rng(1)
        for kind, y in (("count", 3 * x), ("binary", x), ("measurement", 3 * x - 1)):
            values = np.column_stack([y, x, np.ones(100)])
            drawn = tables.fit_regression(values, (kind,)).draw(500, rng)
            if kind == "count":
                assert np.all(drawn[drawn[:, 1] == 0, 0] == 0)
            else:
                np.testing.assert_allclose(drawn[:, 0], np.interp(drawn[:, 1], [0, 1], y[[0, -1]]),
                                           atol=1e-6)

    def test_a_target_that_has_become_constant(self):
        rng = np.random.default_rng(1)
        for kind, level in (("count", 0.0), ("binary", 0.0), ("binary", 1.0), ("measurement", 7.0)):
            values = np.column_stack([np.full(50, level), np.arange(50.0)])
            model = tables.fit_regression(values, (kind,))
            np.testing.assert_allclose(model.draw(100, rng)[:, 0], level, atol=1e-6)
        with pytest.raises(ValueError, match="first column that varies"):
            model.explained(values)


class TestLoop:
    @pytest.mark.parametrize("name", tables.GENERATORS)
    def test_sizes_and_seeds(self, real, name):
        rows = sample(real, 300)
        arguments = dict(sample_size=schedules.power(300, 1), generations=3)
        fit = tables.GENERATORS[name]
        run = list(tables.recursive_table(rows, fit, seed=1, **arguments))
        assert [len(values) for values in run] == [300, 300, 600, 900]
        np.testing.assert_array_equal(run[0], rows.values)
        again = list(tables.recursive_table(rows, fit, seed=1, **arguments))
        other = list(tables.recursive_table(rows, fit, seed=2, **arguments))
        np.testing.assert_array_equal(run[3], again[3])
        assert not np.array_equal(run[3], other[3])

    def test_each_generation_sees_only_the_one_before(self, real):
        rows, seen = sample(real, 300), []

        class Echo:
            def draw(self, size, rng):
                return np.full((size, 8), len(seen))

        def fit(values, kinds):
            seen.append(values.copy())
            return Echo()

        list(tables.recursive_table(rows, fit, sample_size=20, generations=3, seed=1))
        np.testing.assert_array_equal(seen[0], rows.values)
        assert [values[0, 0] for values in seen[1:]] == [1, 2]

    def test_bad_arguments_at_once(self, real):
        fit = tables.GENERATORS["regression"]
        with pytest.raises(ValueError, match="generations"):
            tables.recursive_table(real, fit, sample_size=20, generations=0, seed=1)
        with pytest.raises(ValueError, match="10"):
            tables.recursive_table(real, fit, sample_size=3, generations=2, seed=1)


def test_dependence_is_spearmans():
    rng = np.random.default_rng(1)
    values = rng.integers(0, 5, (200, 3)) + rng.normal(size=(200, 1))
    np.testing.assert_allclose(tables.dependence(values),
                               stats.spearmanr(values).statistic, atol=1e-12)
    constant = np.column_stack([values[:, 0], np.ones(200)])
    np.testing.assert_array_equal(tables.dependence(constant), np.eye(2))


def test_kolmogorov_distance():
    rng = np.random.default_rng(1)
    values = np.column_stack([rng.integers(0, 9, 300), rng.normal(size=300), np.ones(300)])
    reference = np.column_stack([rng.integers(2, 12, 500), rng.normal(size=500), np.ones(500)])
    expected = [stats.ks_2samp(a, b).statistic for a, b in zip(values.T, reference.T, strict=True)]
    np.testing.assert_allclose(tables.kolmogorov(values, reference), expected, atol=1e-12)


def test_the_latent_correlation_of_normal_columns_is_their_own():
    grid = special.ndtri((np.arange(2000) + 0.5) / 2000)
    margin = tables._Empirical(grid, "measurement")
    coefficients = np.array([tables._hermite_coefficients(margin)] * 2)
    for r in (-0.95, 0.0, 0.3, 0.99):
        observed = np.array([[1, r], [r, 1]])
        assert tables._latent(observed, coefficients)[0, 1] == pytest.approx(r, abs=3e-3)


def test_the_chapter_takes_a_file(tmp_path, monkeypatch):
    # Running it takes too long for a test; its parameter must be a table that can be read.
    from collapse.publishing import notebooks
    from collapse.publishing.project import Project, UsageError

    page = Project(Path(__file__).resolve().parents[1]).chapter("a-real-table")
    path = write(tmp_path / "my.csv", a=np.arange(150), b=np.arange(150) % 7)
    monkeypatch.chdir(tmp_path)
    values = notebooks.parse_parameters(page, [("table", "my.csv")])
    assert values == {"table": str(path)} and tables.load_table(values["table"]).names == ("a", "b")
    assert notebooks.parameters(page)["table"].default == "default"
    with pytest.raises(UsageError, match="table must be 'default' or the path of a file"):
        notebooks.parse_parameters(page, [("table", "absent.csv")])
