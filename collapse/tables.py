"""Recursive training of generators of tables: fit to a table, write a new one, fit to that.

A table is a matrix of numbers, one row per record. Its columns are binary (two values), counts
(integers from 0 to at most 1000) or measurements (anything else), and a generator treats each by
its kind.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special, stats

from collapse import _checks, schedules

__all__ = [
    "GENERATORS",
    "Table",
    "correlation",
    "dependence",
    "fit_copula",
    "fit_regression",
    "halves",
    "induced",
    "kolmogorov",
    "load_table",
    "recursive_table",
]

_HERMITE = 60  # terms in which a margin is expanded
_GRID = np.linspace(-8, 8, 3202)  # ends of cells that stand for the standard normal law
_BLOCKS = 200  # of consecutive rows, which a split leaves together
_MAX_COUNT = 1000  # larger integers are measurements
_LARGEST = 1e100  # number in a table: its square is far from the end of the floats
_LARGEST_COUNT = 1e6  # that a margin is fitted to: it holds a table of all counts up to there
_ABOUT_ONE = 1 + 1e-9  # a correlation of 1, after rounding
_KINDS = ("binary", "count", "measurement")


@dataclass(frozen=True)
class Table:
    """Numbers with the names and the kinds of their columns.

    ``values`` has shape (rows, columns); ``kinds`` are "binary", "count" or "measurement". The
    first column is the one that a user of the table wants to predict.

    Raises
    ------
    TypeError, ValueError
        If there are not as many names and kinds as columns, the numbers are not in
        [-1e100, 1e100], or a column is not of its kind.
    """

    names: tuple
    kinds: tuple
    values: np.ndarray

    def __post_init__(self):
        values = _rows(self.values)
        columns = values.shape[1]
        names = self.names if isinstance(self.names, (list, tuple)) else ()
        if len(names) != columns or not all(isinstance(name, str) for name in names):
            raise ValueError(
                f"names must be {columns} str, one for each column, "
                f"got {_checks.shown(self.names)}"
            )
        _check_kinds(self.kinds, columns)
        _check_columns(values, self.kinds)
        for name, value in (("names", tuple(names)), ("kinds", tuple(self.kinds)),
                            ("values", values)):  # fmt: skip
            object.__setattr__(self, name, value)


def load_table(source="default"):
    """Read a table.

    Parameters
    ----------
    source : str or path
        "default": the RAND Health Insurance Experiment as statsmodels ships it, 20 190 rows, first
        column: visits to a doctor. Its three columns that say whether the health is good, fair or
        poor become one, 0 (excellent) to 3 (poor). Otherwise a CSV file with a header, at least
        two columns and 100 rows, all numbers.

    Returns
    -------
    Table

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not such a table; the message names the column.
    """
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            f"source must be 'default' or the path of a CSV file, got {_checks.shown(source)}"
        )
    if isinstance(source, str) and source == "default":
        from statsmodels.datasets import randhie  # belongs to the book, not to the science

        frame = randhie.load_pandas().data
        frame["health"] = frame.pop("hlthg") + 2 * frame.pop("hlthf") + 3 * frame.pop("hlthp")
    else:
        path = Path(source)
        try:
            found = path.is_file()
        except (OSError, ValueError):  # a name that no file can have
            found = False
        if not found:
            raise FileNotFoundError(
                f"source: the table must be 'default' or a CSV file, got {_checks.shown(str(path))}"
            )
        try:
            frame = pd.read_csv(path)
        except (ValueError, UnicodeDecodeError) as error:
            raise ValueError(f"table {str(path)!r} is not a CSV file: {error}") from None
    return _table(frame, str(source))


def _table(frame, source):
    rows, columns = frame.shape
    if rows < 100 or columns < 2:
        raise ValueError(
            f"table {source!r} must have at least 100 rows and 2 columns, got {rows} and {columns}"
        )
    kinds = []
    for name in frame.columns:
        column = frame[name]
        if column.dtype.kind not in "iufb":
            raise ValueError(f"table {source!r}: column {name!r} must hold numbers, not text")
        values = column.to_numpy(dtype=float)
        if not np.all(np.isfinite(values)):
            bad = int(np.sum(~np.isfinite(values)))
            raise ValueError(
                f"table {source!r}: column {name!r} must be complete and finite, "
                f"{bad} of {rows} entries are not"
            )
        distinct = np.unique(values)
        if distinct.size < 2:
            raise ValueError(f"table {source!r}: column {name!r} must have at least two values")
        if distinct.size == 2:
            kinds.append("binary")
        elif (
            distinct[0] >= 0
            and distinct[-1] <= _MAX_COUNT
            and np.all(distinct == np.rint(distinct))
        ):
            kinds.append("count")
        else:
            kinds.append("measurement")
    return Table(tuple(map(str, frame.columns)), tuple(kinds), frame.to_numpy(dtype=float))


def halves(table, seed):
    """Split a table at random into rows to train on and rows to test on.

    Neighbouring rows often belong together (years of one person), so the table is cut into 200
    blocks of consecutive rows (rows, if there are no more), and half of these are drawn.

    Parameters
    ----------
    table : Table
    seed : int >= 0, numpy.random.SeedSequence, numpy.random.Generator

    Returns
    -------
    Table, Table

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, or a column is constant in one of the halves; the
        message names it.
    """
    _check_table(table, least=2)
    rng = _generator(seed)
    rows = len(table.values)
    blocks = min(rows, _BLOCKS)
    first = rng.permutation(blocks) < blocks // 2
    chosen = first[np.arange(rows) * blocks // rows]
    parts = table.values[chosen], table.values[~chosen]
    for part in parts:
        for name, column in zip(table.names, part.T, strict=True):
            if np.all(column == column[0]):
                raise ValueError(
                    f"column {name!r} must vary in both halves of the table, it is {column[0]:g} "
                    "throughout one of them"
                )
    return tuple(Table(table.names, table.kinds, part) for part in parts)


# ---------------------------------------------------------------- arguments


def _rows(values, name="values", least=1):
    """Return the checked numbers of a table, at least so many rows, as an array of floats."""
    array = _checks.reals(values, name, low=-_LARGEST, high=_LARGEST)
    if array.ndim != 2 or len(array) < least or array.shape[1] == 0:
        raise ValueError(
            f"{name} must have shape (rows, columns), at least ({least}, 1), got {array.shape}"
        )
    return array


def _check_kinds(kinds, columns):
    if not isinstance(kinds, (list, tuple)) or len(kinds) != columns:
        raise ValueError(
            f"kinds must be {columns} of {_KINDS}, one for each column of values, "
            f"got {_checks.shown(kinds)}"
        )
    for kind in kinds:
        _checks.choice(kind, "kinds", _KINDS)


def _check_columns(values, kinds):
    """Check that the columns are what they are said to be."""
    for column, kind in zip(values.T, kinds, strict=False):
        if kind == "count":
            _checks.reals(column, "values of kinds 'count'", low=0.0, high=_LARGEST_COUNT)
        elif kind == "binary" and np.any((column != column.min()) & (column != column.max())):
            raise ValueError("values of kinds 'binary' must be two different ones, or one")


def _check_table(table, least=1):
    if not isinstance(table, Table):
        raise TypeError(f"table must be a Table, got {_checks.shown(table)}")
    if len(table.values) < least:
        raise ValueError(f"table must have at least {least} rows, got {len(table.values)}")


def _generator(seed):
    if not isinstance(seed, (np.random.SeedSequence, np.random.Generator)):
        seed = _checks.integer(seed, "seed", low=0, high=np.inf)
    return np.random.default_rng(seed)


# ---------------------------------------------------------------- margins
#
# A margin has a quantile function and says where its distribution function jumps: `steps` returns
# values in increasing order and the probability of what lies below the second, the third, ...


class _Empirical:
    """The empirical law of a column."""

    def __init__(self, values, kind):
        self.sorted = np.sort(values)

    def quantile(self, u):
        index = np.minimum((u * self.sorted.size).astype(np.int64), self.sorted.size - 1)
        return self.sorted[index]

    def steps(self):
        rises = np.flatnonzero(np.diff(self.sorted)) + 1
        return self.sorted[np.append(0, rises)], rises / self.sorted.size


class _Parametric:
    """A parametric law: Bernoulli, negative binomial (Poisson without overdispersion), normal.

    Of a measurement with an atom (a value that at least a twentieth of the rows have, such as 0)
    the rest is normal.
    """

    def __init__(self, values, kind):
        self.kind = kind
        distinct, counts = np.unique(values, return_counts=True)
        self.atom, self.share = distinct[counts.argmax()], 0.0
        if kind == "binary":
            self.low, self.high = distinct[0], distinct[-1]
            self.share = np.mean(values == self.low)
        elif kind == "count":
            self.cdf = _count_cdf(values.mean(), values.var())
        else:
            if counts.max() >= 0.05 * values.size:
                self.share = counts.max() / values.size
            rest = values[values != self.atom] if self.share else values
            self.mean = rest.mean() if rest.size else self.atom
            self.std = rest.std() if rest.size else 0.0

    def quantile(self, u):
        if self.kind == "binary":
            return np.where(u < self.share, self.low, self.high)
        if self.kind == "count":  # by a table: the inverse in SciPy is slow
            return np.searchsorted(self.cdf, u, side="left").clip(0, self.cdf.size - 1) * 1.0
        if not self.share:
            return self.mean + self.std * special.ndtri(u)
        # The atom splits the normal law of the rest: below, at, above.
        if self.std == 0:
            return np.where(u < self.share, self.atom, self.mean)
        below = (1 - self.share) * special.ndtr((self.atom - self.mean) / self.std)
        inside = (u >= below) & (u < below + self.share)
        other = np.where(u < below, u, u - self.share) / (1 - self.share)
        smooth = self.mean + self.std * special.ndtri(np.clip(other, 1e-300, 1 - 1e-16))
        return np.where(inside, self.atom, smooth)

    def steps(self):
        if self.kind == "binary":
            return np.array([self.low, self.high]), np.array([self.share])
        if self.kind == "count":
            return np.arange(self.cdf.size) * 1.0, self.cdf[:-1]
        # A continuous law by its values in the middle of small cells.
        below = special.ndtr(_GRID)
        return self.quantile((below[1:] + below[:-1]) / 2), below[1:-1]


def _count_cdf(mean, variance):
    """Return the distribution function at 0, 1, ... up to where it is practically 1."""
    if mean == 0:
        return np.ones(1)
    if variance > mean * (1 + 1e-9):
        success = mean / variance
        law = stats.nbinom(mean * success / (1 - success), success)
    else:
        law = stats.poisson(mean)
    return law.cdf(np.arange(int(law.isf(1e-12)) + 2))


_MARGINS = {"empirical": _Empirical, "parametric": _Parametric}


# ---------------------------------------------------------------- generators


class Copula:
    """Margins tied together by correlated normal numbers."""

    def __init__(self, margins, factor):
        self.margins, self.factor = margins, factor

    def draw(self, size, rng):
        """Return rows, shape (size, columns)."""
        u = special.ndtr(self.factor @ rng.standard_normal((len(self.margins), size)))
        rows = np.empty((size, len(self.margins)), order="F")  # columns are what is worked on
        for j, margin in enumerate(self.margins):
            rows[:, j] = margin.quantile(u[j])
        return rows


def fit_copula(values, kinds, *, margins="empirical", latent="fitted"):
    """Fit a Gaussian copula: first the margins, then the correlations behind them.

    The correlation r of two normal numbers gives the columns Σ_j r^j f_j g_j as theirs, with f_j,
    g_j the Hermite coefficients of the standardised quantile functions; r is chosen so that it is
    the observed one. This is consistent also where values are tied. Correlations that no normal
    numbers have (of columns that exclude one another, say) are replaced by others.

    Parameters
    ----------
    values : array of float, (rows, columns)
    kinds : sequence of {"binary", "count", "measurement"}
    margins : {"empirical", "parametric"}
    latent : {"fitted", "observed"}
        "observed": r is the correlation of the columns itself. A tempting short cut, and wrong
        unless the columns are normal.

    Returns
    -------
    Copula, with a method ``draw(size, rng)``

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, shape or range: counts are in [0, 10⁶], there are two
        rows at least, and no number is beyond 1e100.
    """
    values = _rows(values, least=2)
    _check_kinds(kinds, values.shape[1])
    _check_columns(values, kinds)
    make = _MARGINS[_checks.choice(margins, "margins", tuple(_MARGINS))]
    latent = _checks.choice(latent, "latent", ("fitted", "observed"))
    fitted = [make(values[:, j], kind) for j, kind in enumerate(kinds)]
    correlations = correlation(values)
    if latent == "fitted":
        coefficients = np.array([_hermite_coefficients(margin) for margin in fitted])
        correlations = _latent(correlations, coefficients)
    return Copula(fitted, _factor(correlations))


class Regression:
    """The first column given resampled values of the others.

    A count is Poisson with the logarithm of its mean linear in the others, a binary column
    logistic, a measurement normal with a linear mean.
    """

    def __init__(self, kind, levels, covariates, coefficients, spread):
        self.kind, self.levels, self.spread = kind, levels, spread
        self.covariates, self.coefficients = covariates, coefficients

    def predictor(self, values):
        """Return the linear predictor of rows (of all columns: the first is not looked at)."""
        return self.coefficients[0] + values[:, 1:] @ self.coefficients[1:]

    def mean(self, values):
        """Return the expected first column of rows, as 0 or 1 if it is binary."""
        return _FAMILIES[self.kind][0](self.predictor(values))

    def information(self, values):
        """Return the Fisher information of each row's first column about its linear predictor."""
        variance = self._variance(self.mean(values))
        return 1 / variance if self.kind == "measurement" else variance

    def residuals(self, values):
        """Return (y − m)/√v: their mean square is 1 if the variance is as the model says."""
        mean = self.mean(values)
        return (self._target(values) - mean) / np.sqrt(self._variance(mean))

    def draw(self, size, rng):
        """Return rows, shape (size, columns)."""
        rows = np.empty((size, 1 + self.covariates.shape[1]), order="F")
        rows[:, 1:] = self.covariates[rng.integers(len(self.covariates), size=size)]
        mean = self.mean(rows)
        if self.kind == "count":
            rows[:, 0] = rng.poisson(mean)
        elif self.kind == "binary":
            rows[:, 0] = self.levels[(rng.random(size) < mean).astype(int)]
        else:
            rows[:, 0] = mean + self.spread * rng.standard_normal(size)
        return rows

    def explained(self, values):
        """Return the share of the deviance of the first column that the model explains.

        One minus the deviance of the model over that of the best constant: for a measurement R²,
        for a binary column the skill in log-loss. 1 is perfect, below 0 worse than no model.
        """
        y, deviance = self._target(values), _FAMILIES[self.kind][2]
        constant = deviance(y, np.full(len(y), y.mean())).sum()
        if constant == 0:
            raise ValueError("values must have a first column that varies")
        return 1 - deviance(y, self.mean(values)).sum() / constant

    def _variance(self, mean):
        if self.kind == "measurement":
            return np.full_like(mean, self.spread**2)
        return _FAMILIES[self.kind][1](mean)

    def _target(self, values):
        return values[:, 0] == self.levels[1] if self.kind == "binary" else values[:, 0]


def fit_regression(values, kinds=("count",)):
    """Fit a regression of the first column on the others, which are kept as they are.

    Parameters, errors as `fit_copula`, but that the first of the ``kinds`` is enough. The first
    column is refitted, the others are resampled: a parametric and an empirical generator side by
    side.

    Returns
    -------
    Regression, with a method ``draw(size, rng)``
    """
    values = _rows(values, least=2)
    if not isinstance(kinds, (list, tuple)) or len(kinds) not in (1, values.shape[1]):
        raise ValueError(
            f"kinds must be one of {_KINDS} for the first column of values, or for each, "
            f"got {_checks.shown(kinds)}"
        )
    _check_kinds(kinds, len(kinds))
    _check_columns(values, kinds[:1])
    y, covariates = values[:, 0], values[:, 1:]
    levels = np.array([y.min(), y.max()])
    if kinds[0] == "binary":
        y = 1.0 * (y == levels[1]) if levels[0] < levels[1] else np.ones(len(y))
    centre, scale = covariates.mean(axis=0), covariates.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    x = np.column_stack([np.ones(len(values)), (covariates - centre) / scale])
    coefficients = _newton(x, y, kinds[0])
    spread = max(np.std(y - x @ coefficients), 1e-150)  # of a measurement
    coefficients[1:] /= scale
    coefficients[0] -= coefficients[1:] @ centre
    return Regression(kinds[0], levels, covariates, coefficients, spread)


_FAMILIES = {
    # kind: mean from the linear predictor, variance from the mean, deviance of each row
    "count": (
        lambda predictor: np.exp(np.clip(predictor, -30, 30)),
        lambda mean: mean,
        lambda y, mean: 2 * (special.xlogy(y, y / mean) - y + mean),
    ),
    "binary": (
        lambda predictor: special.expit(np.clip(predictor, -30, 30)),
        lambda mean: mean * (1 - mean),
        lambda y, mean: -2 * np.log(np.where(y, mean, 1 - mean)),
    ),
    "measurement": (
        lambda predictor: predictor,
        None,  # estimated
        lambda y, mean: (y - mean) ** 2,
    ),
}


GENERATORS = {
    "copula, empirical margins": lambda values, kinds: fit_copula(values, kinds),
    "copula, parametric margins": lambda values, kinds: fit_copula(
        values, kinds, margins="parametric"
    ),
    "regression": fit_regression,
}
"""Name of a generator -> function of (values, kinds) that fits it."""


def recursive_table(table, fit, *, sample_size, generations, seed):
    """Yield the rows of generation 0 (the table), 1, 2, ... of one replication.

    Parameters
    ----------
    table : Table
        The real rows: generation 0.
    fit : callable
        (values, kinds) -> an object with ``draw(size, rng)``; see `GENERATORS`.
    sample_size : int, sequence of int, or schedule; in [10, 10⁸]
        Rows of generation t = 1, 2, ...; generation 0 has those of the table.
    generations : int in [1, 10⁶]
    seed : int >= 0, numpy.random.SeedSequence, numpy.random.Generator

    Yields
    ------
    numpy.ndarray of float, (rows, columns)

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, before any work.
    """
    _check_table(table, least=2)
    if not callable(fit):
        raise TypeError(f"fit must be a function of values and kinds, got {_checks.shown(fit)}")
    generations = _checks.integer(generations, "generations", low=1, high=10**6)
    sizes = schedules.resolve(sample_size, generations + 1, low=10)
    _checks.integers(sizes, "sample_size", high=10**8)
    return _generations(table, fit, sizes[1:], _generator(seed))


def _generations(table, fit, sizes, rng):
    values = table.values
    yield values
    for size in sizes.tolist():
        values = fit(values, table.kinds).draw(size, rng)
        yield values


# ---------------------------------------------------------------- numbers behind them


def kolmogorov(values, reference):
    """Return the Kolmogorov distance of each column from that of other rows.

    Parameters
    ----------
    values, reference : array of float, (rows, columns)

    Returns
    -------
    numpy.ndarray of float, (columns,)

    Raises
    ------
    TypeError, ValueError
        If they are not rows of numbers with as many columns.
    """
    values, reference = _rows(values), _rows(reference, "reference")
    if values.shape[1] != reference.shape[1]:
        raise ValueError(
            f"values and reference must have as many columns, got shapes {values.shape} and "
            f"{reference.shape}"
        )
    out = np.empty(values.shape[1])
    for j in range(len(out)):
        column, other = np.sort(values[:, j]), np.sort(reference[:, j])
        points, before = np.unique(other, return_index=True)
        after = np.append(before[1:], other.size) / other.size
        # Between two points of the reference the other function may rise: look at both ends.
        up = np.searchsorted(column, points, side="right") / column.size
        low = np.searchsorted(column, points, side="left") / column.size
        out[j] = max(np.abs(up - after).max(), np.abs(low - before / other.size).max())
    return out


def dependence(values):
    """Return the matrix of rank correlations (Spearman), 0 where a column is constant."""
    return correlation(np.stack([stats.rankdata(column) for column in _rows(values).T], axis=1))


def correlation(values):
    """Return the matrix of correlations (Pearson), 0 where a column is constant."""
    values = _rows(values)
    centred = values - values.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    centred = centred / np.where(norm > 0, norm, 1.0)
    matrix = centred.T @ centred
    np.fill_diagonal(matrix, 1.0)
    return matrix


def induced(values, latent):
    """Return the correlations of columns that normal numbers induce through empirical margins.

    Parameters
    ----------
    values : array of float, (rows, columns)
        Their margins are used, not their dependence.
    latent : array of float, (columns, columns)
        The correlations of the normal numbers: between -1 and 1, 1 on the diagonal.

    Returns
    -------
    numpy.ndarray of float, (columns, columns)
        Σ_j r^j f_j g_j, see `fit_copula`. What is left out is at most |r|^61.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, shape or range.
    """
    values = _rows(values)
    latent = _checks.reals(latent, "latent", low=-_ABOUT_ONE, high=_ABOUT_ONE)
    if latent.shape != (values.shape[1],) * 2:
        raise ValueError(
            f"latent must have a row and a column for each of the {values.shape[1]} columns "
            f"of values, got shape {latent.shape}"
        )
    f = np.array([_hermite_coefficients(_Empirical(column, None)) for column in values.T])
    out, power = np.zeros(latent.shape), np.ones(latent.shape)
    for degree in range(_HERMITE):
        power = power * latent
        out += power * np.outer(f[:, degree], f[:, degree])
    np.fill_diagonal(out, 1.0)
    return out


def _hermite_coefficients(margin):
    """Return those of the standardised quantile function at Φ(z), degrees 1, 2, ...

    The Hermite polynomials h_j are normalised, so that the squares add up to at most 1. A jump by d
    at z adds d φ(z) h_{j−1}(z)/√j.
    """
    value, below = margin.steps()
    share = np.diff(below, prepend=0.0, append=1.0)
    centred = value - share @ value
    spread = np.sqrt(share @ centred**2)
    out = np.zeros(_HERMITE)
    if spread == 0:
        return out
    z = special.ndtri(below)
    finite = np.isfinite(z)
    z = z[finite]
    jump = np.diff(value)[finite] / spread * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    before, now = np.zeros_like(z), np.ones_like(z)
    for degree in range(1, _HERMITE + 1):
        out[degree - 1] = jump @ now / np.sqrt(degree)
        before, now = now, (z * now - np.sqrt(degree - 1) * before) / np.sqrt(degree)
    return out


def _latent(observed, coefficients):
    """Return the correlations of the normal numbers, by bisection for all pairs at once."""
    first, second = np.triu_indices(len(observed), 1)
    products = coefficients[first] * coefficients[second]
    target = observed[first, second]
    low, high = -np.ones(len(first)), np.ones(len(first))
    for _ in range(40):
        middle = (low + high) / 2
        powers = np.cumprod(np.broadcast_to(middle[:, None], products.shape), axis=1)
        below = (products * powers).sum(axis=1) < target
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    latent = np.eye(len(observed))
    silent = np.all(products == 0, axis=1)  # a column is constant
    latent[first, second] = latent[second, first] = np.where(silent, 0, (low + high) / 2)
    return latent


def _factor(correlations):
    """Return L with LL' a matrix of correlations close by, by clipping eigenvalues."""
    eigenvalues, vectors = np.linalg.eigh(correlations)
    factor = vectors * np.sqrt(np.maximum(eigenvalues, 0))
    return factor / np.sqrt((factor**2).sum(axis=1))[:, None]


def _newton(x, y, kind):
    """Return the coefficients of a regression whose first covariate is 1, by Newton's method.

    A minute ridge keeps them finite where a covariate has become constant or tells the target
    exactly. Poisson and logistic likelihoods have |third derivative| <= second derivative in the
    predictor: steps that are shortened as here go up, however far away the start is.
    """
    ridge = 1e-8 * len(y)
    if kind == "measurement":
        return np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y)
    coefficients = np.zeros(x.shape[1])
    start = y.mean()
    if kind == "count":
        if start == 0:
            coefficients[0] = -30
            return coefficients
        coefficients[0] = np.log(start)
    else:
        if start in (0, 1):
            coefficients[0] = 60 * start - 30
            return coefficients
        coefficients[0] = special.logit(start)
    mean_of, variance_of, _ = _FAMILIES[kind]
    for _ in range(500):
        mean = mean_of(x @ coefficients)
        gradient = x.T @ (y - mean) - ridge * coefficients
        hessian = (x * variance_of(mean)[:, None]).T @ x + ridge * np.eye(x.shape[1])
        step = np.linalg.solve(hessian, gradient)
        length = np.abs(x @ step).max()
        coefficients += step * min(1.0, np.log1p(length) / max(length, 1e-300))
        if length < 1e-7:  # the next one would be about its square
            return coefficients
    raise RuntimeError("the regression did not converge")
