"""Regression, refitted to responses that it has drawn itself."""

import numpy as np
from scipy import special

from collapse import _checks
from collapse.models import _glm_likelihood

# Working set of a generation: bounds memory, keeps the arrays in the cache.
_ELEMENTS = 2**17

# Of one response, or its rounding would drown the others; and of a sum of responses, for NumPy.
_LARGEST_COVARIATE = 1e100  # its square is far from the end of the floats
_LARGEST_MEAN, _LARGEST_TOTAL = 1e12, 1e18


class GLM:
    """A generalised linear model with canonical link, its coefficients refitted to n samples.

    A sample is a row x of covariates and a response y, whose law given x has η = xᵀβ:

    "gaussian"
        y ~ N(η, std²), std known and kept;
    "logistic"
        y ~ Bernoulli(1/(1 + exp(−η)));
    "poisson"
        y ~ Poisson(exp η).

    Each generation draws n rows of covariates afresh, from a law that does not change, and n
    responses from the current β, and takes the β' that makes them most likely. Given the rows X,
    β' ~ N(β, std²(XᵀX)⁻¹) for "gaussian"; otherwise √n(β' − β) is N(0, E[w(xᵀβ)xxᵀ]⁻¹) in the
    limit, with w(η) the variance of y.

    There may be no β': the columns of X are linearly dependent, or some direction b != 0 separates
    the responses, with xᵀb >= 0 for all rows with y = 1 and xᵀb <= 0 for all with y = 0
    ("logistic"), or xᵀb = 0 for all rows with y > 0 and xᵀb <= 0 for all with y = 0 ("poisson"):
    the likelihood grows as β moves along b for ever (Albert & Anderson 1984; Haberman 1974). Then
    the parameter ``fitted``, 1 so far, is 0 and the coefficients are NaN, from this generation on:
    a model that does not exist draws no samples. Every β' that is reported is proved to exist, and
    every xᵀβ' is right to 10⁻⁹ (but for rounding); its absence is shown by a direction b, up to
    rounding (`collapse.models._glm_likelihood`). Numbers have an end before the mathematics has:
    ``fitted`` is also 0 should the mean of a "poisson" response exceed 10¹² (10¹⁸ for all n
    together), or the weights w of a β' be below 10⁻²⁸⁰.

    Parameters
    ----------
    coefficients : array of float, shape (features,), finite
    family : {"gaussian", "logistic", "poisson"}
    covariates : array of float, shape (rows, features), of full column rank, optional
        Each sample takes one of these rows, all equally likely; an intercept is a column of ones.
        No entry is beyond 1e100.
        Without them the first feature is an intercept and the others are independent standard
        normals.
    std : float > 0
        Of the responses, for "gaussian"; 1 for the other families, which have no use for it.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type, shape or range.
    """

    dims = {"coefficients": ("feature",), "fitted": ()}

    def __init__(self, coefficients, *, family, covariates=None, std=1.0):
        self.coefficients = _checks.reals(coefficients, "coefficients")
        self.family = _checks.choice(family, "family", ("gaussian", "logistic", "poisson"))
        self.covariates = None if covariates is None else _checks.reals(
            covariates, "covariates", low=-_LARGEST_COVARIATE, high=_LARGEST_COVARIATE
        )
        self.std = _checks.real(std, "std", low=0.0, open_low=True)
        shape = self.coefficients.shape
        if len(shape) != 1 or shape == (0,):
            raise ValueError(f"coefficients must have shape (features,), not empty, got {shape}")
        if self.family != "gaussian" and self.std != 1:
            raise ValueError(f"std must be 1 for the {self.family} family, got {self.std}")
        # What rows are drawn from; None for normals.
        self._rows = np.ones((1, 1)) if covariates is None and shape == (1,) else self.covariates
        if covariates is not None:
            _check_covariates(self.covariates, shape[0])

    def __repr__(self):
        covariates = "None" if self.covariates is None else f"<{len(self.covariates)} rows>"
        std = f", std={self.std!r}" if self.family == "gaussian" else ""
        return (f"GLM({self.coefficients.tolist()}, family={self.family!r}, "
                f"covariates={covariates}{std})")

    @property
    def min_sample_size(self):
        """The number of features: with fewer samples no estimator is unique."""
        return len(self.coefficients)

    @property
    def parameters(self):
        return {"coefficients": self.coefficients, "fitted": np.array(1.0)}

    def draw(self, parameters, size, rng):
        """Return samples, shape (replications, size, features + 1): covariates, then response."""
        coefficients = parameters["coefficients"]
        x = self._draw_rows(len(coefficients), size, rng)
        eta = (x @ coefficients[:, :, None])[:, :, 0]
        if self.family == "gaussian":
            responses = eta + self.std * rng.standard_normal(eta.shape)
        else:
            responses = self._respond(eta, None, rng)
        return np.concatenate([x, responses[:, :, None]], axis=2)

    def fit(self, samples):
        """Return the coefficients of each data set, and whether they exist."""
        samples = np.asarray(samples, dtype=float)
        coefficients = np.full((len(samples), samples.shape[2] - 1), np.nan)
        usable = np.flatnonzero(np.all(np.isfinite(samples), axis=(1, 2)))
        for part in _parts(usable, samples.shape[1] * samples.shape[2]):
            x, y = samples[part, :, :-1], samples[part, :, -1]
            if self.family == "gaussian":
                q, r = np.linalg.qr(x)
                coefficients[part] = _solve(r, y[:, None] @ q)
            else:
                coefficients[part] = _glm_likelihood.maximise(
                    np.ascontiguousarray(x.swapaxes(1, 2)), np.ones(y.shape), y,
                    np.zeros(coefficients[part].shape), self.family,
                )  # fmt: skip
        return _report(coefficients)

    def step(self, parameters, size, rng):
        """Return the next generation, from counts where they are cheaper than samples."""
        old = parameters["coefficients"]
        coefficients = np.full(old.shape, np.nan)
        alive = np.flatnonzero(parameters["fitted"] == 1)
        rows = size if self._rows is None else min(size, len(self._rows))
        for part in _parts(alive, rows * old.shape[1]):
            refit = self._refit_gaussian if self.family == "gaussian" else self._refit
            coefficients[part] = refit(old[part], size, rng)
        return _report(coefficients)

    def _refit(self, old, size, rng):
        if self._counts_rows(size):
            x = np.broadcast_to(self._rows.T, (len(old), *self._rows.T.shape))
            trials = self._draw_counts(len(old), size, rng)
        else:
            x = np.ascontiguousarray(self._draw_rows(len(old), size, rng).swapaxes(1, 2))
            trials = None
        totals = self._respond((old[:, None] @ x)[:, 0], trials, rng)
        trials = np.ones(totals.shape) if trials is None else trials.astype(float)
        return _glm_likelihood.maximise(x, trials, totals, old, self.family)

    def _refit_gaussian(self, old, size, rng):
        """β + std R⁻¹z, with X = QR and z standard normal."""
        replications, features = old.shape
        if self._rows is None:
            # R by Bartlett's decomposition: the first column of X is 1, the others are normal.
            r = np.triu(rng.standard_normal((replications, features, features)), 1)
            degrees = np.maximum(size - np.arange(1, features), 0)
            r[:, 0, 0] = np.sqrt(size)
            diagonal = np.arange(1, features)
            r[:, diagonal, diagonal] = np.sqrt(
                2 * rng.standard_gamma(degrees / 2, (replications, features - 1))
            )
        else:
            if self._counts_rows(size):
                counts = self._draw_counts(replications, size, rng)
                x = np.sqrt(counts)[:, :, None] * self._rows
            else:
                x = self._draw_rows(replications, size, rng)
            r = np.linalg.qr(x, mode="r")
        return old + self.std * _solve(r, rng.standard_normal((replications, features)))

    def _counts_rows(self, size):
        return self._rows is not None and size >= len(self._rows)

    def _draw_counts(self, replications, size, rng):
        """How often each row of the covariates is drawn, shape (replications, rows)."""
        rows = len(self._rows)
        return rng.multinomial(size, np.full(rows, 1 / rows), replications)

    def _draw_rows(self, replications, size, rng):
        """Rows of covariates, shape (replications, size, features)."""
        _checks.room(replications, size)
        if self._rows is not None:
            return self._rows[rng.integers(len(self._rows), size=(replications, size))]
        features = len(self.coefficients)
        x = np.empty((replications, features, size))
        x[:, 0] = 1
        x[:, 1:] = rng.standard_normal((replications, features - 1, size))
        return x.swapaxes(1, 2)

    def _respond(self, eta, trials, rng):
        """Totals of the responses of so many trials (None: one each), NaN where impossible."""
        if self.family == "logistic":
            p = special.expit(eta)
            if trials is None:
                return np.where(np.isnan(eta), np.nan, rng.random(eta.shape) < p)
            return rng.binomial(trials, p).astype(float)
        mean = np.exp(np.minimum(eta, 600))
        total = mean * (1 if trials is None else trials)
        countable = (mean <= _LARGEST_MEAN) & (total <= _LARGEST_TOTAL)
        return np.where(countable, rng.poisson(np.where(countable, total, 0)), np.nan)


def _check_covariates(covariates, features):
    if covariates.ndim != 2 or covariates.shape[1] != features:
        raise ValueError(
            f"covariates must have shape (rows, {features}) to match the coefficients, "
            f"got {covariates.shape}"
        )
    if len(covariates) < features or not _glm_likelihood.full_rank(covariates[None])[0]:
        raise ValueError("covariates must have full column rank: no sample could be fitted")


def _parts(indices, elements):
    """Cut indices so that no part has many more elements than the working set."""
    length = max(1, _ELEMENTS // elements)
    return [indices[first : first + length] for first in range(0, len(indices), length)]


def _solve(r, z):
    """Return r⁻¹z for triangular matrices, NaN where they are singular."""
    solution = np.full((len(r), r.shape[2]), np.nan)
    regular = _glm_likelihood.full_rank(r)
    if regular.any():
        z = z.reshape(len(z), -1, 1)
        solution[regular] = np.linalg.solve(r[regular], z[regular])[:, :, 0]
    return solution


def _report(coefficients):
    fitted = np.all(np.isfinite(coefficients), axis=1)
    coefficients[~fitted] = np.nan
    return {"coefficients": coefficients, "fitted": fitted.astype(float)}
