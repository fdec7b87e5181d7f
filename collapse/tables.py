"""Recursive training of generators of tables: fit to a table, write a new one, fit to that.

A table is a matrix of numbers, one row per record. Its columns are binary (two values), counts
(integers >= 0) or measurements (anything else), and a generator treats each by its kind.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special, stats

from collapse import _checks, schedules

__all__ = [
    "GENERATORS",
    "Table",
    "dependence",
    "fit_copula",
    "fit_regression",
    "load_table",
    "recursive_table",
]

_HERMITE = 40  # terms in which a margin is expanded
_NODES = 4096  # equally likely points that stand for the standard normal law


@dataclass(frozen=True)
class Table:
    """Numbers with the names and the kinds of their columns.

    ``values`` has shape (rows, columns); ``kinds`` are "binary", "count" or "measurement". The
    first column is the one that a user of the table wants to predict.
    """

    names: tuple
    kinds: tuple
    values: np.ndarray


def load_table(source="default"):
    """Read a table.

    Parameters
    ----------
    source : str or path
        "default": the RAND Health Insurance Experiment as statsmodels ships it, 20 190 rows, first
        column: visits to a doctor. Otherwise a CSV file with a header, at least two columns and
        100 rows, all numbers.

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
    if source == "default":
        from statsmodels.datasets import randhie  # belongs to the book, not to the science

        frame = randhie.load_pandas().data
    else:
        path = Path(source)
        if not path.is_file():
            raise FileNotFoundError(f"table must be 'default' or a CSV file, got {str(path)!r}")
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
        elif distinct[0] >= 0 and np.all(distinct == np.rint(distinct)):
            kinds.append("count")
        else:
            kinds.append("measurement")
    return Table(tuple(map(str, frame.columns)), tuple(kinds), frame.to_numpy(dtype=float))


# ---------------------------------------------------------------- margins


class _Empirical:
    """The empirical law of a column."""

    def __init__(self, values, kind):
        self.sorted = np.sort(values)

    def quantile(self, u):
        index = np.minimum((u * self.sorted.size).astype(np.int64), self.sorted.size - 1)
        return self.sorted[index]


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
            self.mean, self.variance = values.mean(), values.var()
        else:
            if counts.max() >= 0.05 * values.size:
                self.share = counts.max() / values.size
            rest = values[values != self.atom] if self.share else values
            self.mean = rest.mean() if rest.size else self.atom
            self.std = rest.std() if rest.size else 0.0

    def quantile(self, u):
        if self.kind == "binary":
            return np.where(u < self.share, self.low, self.high)
        if self.kind == "count":
            return self._count(u)
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

    def _count(self, u):
        if self.variance > self.mean * (1 + 1e-9):
            success = self.mean / self.variance
            law = stats.nbinom(self.mean * success / (1 - success), success)
        else:
            law = stats.poisson(self.mean)
        # A table of the distribution function: its own inverse is slow in SciPy.
        top = int(law.isf(1e-12)) + 1 if self.mean > 0 else 0
        return np.searchsorted(law.cdf(np.arange(top + 1)), u, side="left").clip(0, top) * 1.0


_MARGINS = {"empirical": _Empirical, "parametric": _Parametric}


# ---------------------------------------------------------------- generators


class Copula:
    """Margins tied together by correlated normal numbers."""

    def __init__(self, margins, factor):
        self.margins, self.factor = margins, factor

    def draw(self, size, rng):
        """Return rows, shape (size, columns)."""
        normal = rng.standard_normal((size, len(self.margins))) @ self.factor.T
        u = special.ndtr(normal)
        columns = [margin.quantile(u[:, j]) for j, margin in enumerate(self.margins)]
        return np.stack(columns, axis=1)


def fit_copula(values, kinds, *, margins="empirical"):
    """Fit a Gaussian copula: first the margins, then the correlations behind them.

    The correlation r of two normal numbers gives the columns Σ_j r^j f_j g_j as theirs, with f_j,
    g_j the Hermite coefficients of the standardised quantile functions; r is chosen so that it is
    the observed one. This is consistent also where values are tied.

    Parameters
    ----------
    values : array of float, (rows, columns)
    kinds : sequence of {"binary", "count", "measurement"}
    margins : {"empirical", "parametric"}

    Returns
    -------
    Copula, with a method ``draw(size, rng)``
    """
    make = _MARGINS[_checks.choice(margins, "margins", tuple(_MARGINS))]
    fitted = [make(values[:, j], kind) for j, kind in enumerate(kinds)]
    coefficients = np.array([_hermite_coefficients(margin) for margin in fitted])
    return Copula(fitted, _factor(_latent(_correlation(values), coefficients)))


class Regression:
    """Poisson counts in the first column, given resampled values of the others."""

    def __init__(self, covariates, coefficients, centre, scale):
        self.covariates, self.coefficients = covariates, coefficients
        self.centre, self.scale = centre, scale

    def draw(self, size, rng):
        """Return rows, shape (size, columns)."""
        x = self.covariates[rng.integers(len(self.covariates), size=size)]
        predictor = self.coefficients[0] + ((x - self.centre) / self.scale) @ self.coefficients[1:]
        visits = rng.poisson(np.exp(np.clip(predictor, -30, 10)))
        return np.column_stack([visits, x])


def fit_regression(values, kinds=None):
    """Fit a Poisson regression of the first column on the others, which are kept as they are.

    Parameters, returns as `fit_copula`. The counts are refitted, the covariates resampled: a
    parametric and an empirical generator side by side.
    """
    covariates = values[:, 1:]
    centre, scale = covariates.mean(axis=0), covariates.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    x = np.column_stack([np.ones(len(values)), (covariates - centre) / scale])
    coefficients = _poisson_newton(x, values[:, 0])
    return Regression(covariates, coefficients, centre, scale)


GENERATORS = {
    "copula, empirical margins": lambda values, kinds: fit_copula(values, kinds),
    "copula, parametric margins": lambda values, kinds: fit_copula(
        values, kinds, margins="parametric"
    ),
    "Poisson regression": fit_regression,
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
    sample_size : int, sequence of int, or schedule; >= 10
        Rows of generation t = 1, 2, ...; generation 0 has those of the table.
    generations : int >= 1
    seed : int, numpy.random.SeedSequence

    Yields
    ------
    numpy.ndarray of float, (rows, columns)
    """
    generations = _checks.integer(generations, "generations", low=1)
    sizes = schedules.resolve(sample_size, generations + 1, low=10)
    return _generations(table, fit, sizes[1:], np.random.default_rng(seed))


def _generations(table, fit, sizes, rng):
    values = table.values
    yield values
    for size in sizes.tolist():
        values = fit(values, table.kinds).draw(size, rng)
        yield values


# ---------------------------------------------------------------- numbers behind them


def dependence(values):
    """Return the matrix of rank correlations (Spearman), 0 where a column is constant."""
    ranks = stats.rankdata(values, axis=0)
    return _correlation(ranks)


def _correlation(values):
    centred = values - values.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    centred = centred / np.where(norm > 0, norm, 1.0)
    matrix = centred.T @ centred
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _hermite_coefficients(margin):
    """Return those of the standardised quantile function at Φ(z), degrees 1, 2, ...

    The Hermite polynomials are normalised, so that the squares add up to at most 1.
    """
    middle = (np.arange(_NODES) + 0.5) / _NODES
    value = margin.quantile(middle)
    spread = value.std()
    if spread == 0:
        return np.zeros(_HERMITE)
    value = (value - value.mean()) / spread
    z = special.ndtri(middle)
    before, now = np.ones_like(z), z
    out = np.empty(_HERMITE)
    for degree in range(1, _HERMITE + 1):
        out[degree - 1] = np.mean(value * now)
        before, now = now, (z * now - np.sqrt(degree) * before) / np.sqrt(degree + 1)
    return out


def _latent(observed, coefficients):
    """Return the correlations of the normal numbers, by bisection for all pairs at once."""
    products = coefficients[:, None, :] * coefficients[None, :, :]
    degrees = np.arange(1, _HERMITE + 1)
    low, high = np.full_like(observed, -1.0), np.full_like(observed, 1.0)
    for _ in range(40):
        middle = (low + high) / 2
        below = (products * middle[..., None] ** degrees).sum(axis=-1) < observed
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    latent = (low + high) / 2
    silent = np.all(coefficients == 0, axis=1)
    latent[silent] = latent[:, silent] = 0
    np.fill_diagonal(latent, 1.0)
    return latent


def _factor(correlations):
    """Return L with LL' the nearest matrix of correlations, by clipping eigenvalues."""
    eigenvalues, vectors = np.linalg.eigh((correlations + correlations.T) / 2)
    factor = vectors * np.sqrt(np.maximum(eigenvalues, 0))
    return factor / np.sqrt((factor**2).sum(axis=1))[:, None]


def _poisson_newton(x, y):
    """Return the coefficients of a Poisson regression with intercept (Newton's method)."""
    ridge = 1e-9 * len(y) * np.eye(x.shape[1])  # a covariate may have become constant
    coefficients = np.zeros(x.shape[1])
    coefficients[0] = np.log(max(y.mean(), 1e-10))
    for _ in range(50):
        rate = np.exp(np.clip(x @ coefficients, -30, 30))
        step = np.linalg.solve((x * rate[:, None]).T @ x + ridge, x.T @ (y - rate))
        step *= min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))
        coefficients += step
        if np.abs(step).max() < 1e-10:
            return coefficients
    raise RuntimeError("the Poisson regression did not converge")
