"""The symmetric mixture of two Gaussians, refitted by maximum likelihood or nearly so."""

import numpy as np

from collapse import _checks
from collapse.bounds import suresh
from collapse.models import _mixture_likelihood

# Of mean to std. Beyond it the modes overlap by exp(−10¹⁶), and no number depends on it.
_LARGEST_RATIO = 1e8


class GaussianMixture:
    """½N(mean, std²) + ½N(−mean, std²), both parameters refitted to n samples.

    With m, V and S the mean, the variance (divisor n) and the mean square of |x|, the estimators
    of μ = mean and σ = std are

    "ml"
        Maximum likelihood: the best solution of t = mean(x tanh(t x/(S − t²))), μ = |t|,
        σ² = S − t². The global maximum, located with a certificate. Where one mode fits best,
        μ = 0; where all |x| are equal, σ = 0.
    "algorithm1"
        Algorithm 1 of Suresh et al. (2025), with κ of `collapse.bounds.suresh.kappa`: for a =
        ``fallback`` if S <= (1 + κ)m², and a = 2(1 + κ)S/(S − (1 + κ)m²) otherwise,
        σ² = aSV/(am² + 2S) if S <= 2a/(a − 2) m², and S otherwise; μ = √(S − σ²).
    "em"
        ``em_steps`` steps of expectation–maximisation from μ = m, σ² = V: each replaces μ by
        mean(x tanh(μ x/σ²)), then σ² by S − μ². Where it converges, it finds the largest
        solution of the equation of "ml", which need not be the best.

    Parameters
    ----------
    mean : float >= 0
    std : float > 0
    estimator : {"ml", "algorithm1", "em"}
    eta : float in (1, 1e100]
        Enters κ.
    fallback : float in (2, 1e100]
        The paper has 50.
    em_steps : int in [1, 10⁶]

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    RuntimeError
        From `fit` and `step`: if a maximum of the likelihood cannot be located.
    """

    min_sample_size = 2
    dims = {"mean": (), "std": ()}

    def __init__(self, mean, std, *, estimator="ml", eta=2.0, fallback=50.0, em_steps=100):
        self.mean = _checks.real(mean, "mean", low=0.0)
        self.std = _checks.real(std, "std", low=0.0, open_low=True)
        self.estimator = _checks.choice(estimator, "estimator", ("ml", "algorithm1", "em"))
        self.eta = _checks.real(eta, "eta", low=1.0, high=1e100, open_low=True)
        self.fallback = _checks.real(fallback, "fallback", low=2.0, high=1e100, open_low=True)
        self.em_steps = _checks.integer(em_steps, "em_steps", low=1, high=10**6)

    def __repr__(self):
        options = {
            "ml": "",
            "algorithm1": f", eta={self.eta!r}, fallback={self.fallback!r}",
            "em": f", em_steps={self.em_steps}",
        }[self.estimator]
        return (
            f"GaussianMixture(mean={self.mean!r}, std={self.std!r}, "
            f"estimator={self.estimator!r}{options})"
        )

    @property
    def parameters(self):
        return {"mean": np.array(self.mean), "std": np.array(self.std)}

    def draw(self, parameters, size, rng):
        """Return samples, shape (replications, size)."""
        mean, std = parameters["mean"], parameters["std"]
        samples = rng.standard_normal((len(mean), size))
        samples *= std[:, None]
        samples += np.where(rng.random(samples.shape) < 0.5, 1, -1) * mean[:, None]
        return samples

    def fit(self, samples):
        """Return the mean and the standard deviation of a mode, for each row."""
        y = np.abs(samples)
        scale = y.max(axis=1)
        scale[scale == 0] = 1
        # Deviations from an entry of the row are exactly 0 where all entries are equal.
        return self._refit(y[:, 0], scale, (y - y[:, :1]) / scale[:, None])

    def step(self, parameters, size, rng):
        """Return the next generation.

        |x| has the law of |μ + σz| = μ + σ max(z, −z − 2μ/σ): written like this, no digit of σ is
        lost beside μ, however small it has become.
        """
        mean, std = parameters["mean"], parameters["std"]
        _checks.room(len(mean), size)
        z = rng.standard_normal((len(mean), size))
        return self._refit(mean, std, np.maximum(z, -z - 2 * _ratio(mean, std)[:, None]))

    def _refit(self, origin, unit, w):
        """Return the parameters fitted to |x| = origin + unit·w, row by row."""
        shift = _ratio(origin, unit)
        centre = w.mean(axis=1)
        variance = ((w - centre[:, None]) ** 2).mean(axis=1)
        y, m = shift[:, None] + w, shift + centre
        if self.estimator == "ml":
            sigma2, gap = _mixture_likelihood.maximise(y, m, variance)
        elif self.estimator == "em":
            sigma2, gap = self._em(y, m, variance)
        else:
            sigma2, gap = self._algorithm_1(m, variance, w.shape[1])
        # Of the two ways to write the new mean, take the one that does not cancel.
        near = m - gap < shift / 2
        mean = np.where(near, unit * (m - gap), origin + unit * (centre - gap))
        return {"mean": mean, "std": unit * np.sqrt(sigma2)}

    def _em(self, y, m, variance):
        sigma2, gap = variance.copy(), np.zeros(len(m))
        rows = np.flatnonzero(variance > 0)
        y, m = y[rows], m[rows]
        for _ in range(self.em_steps):
            slope = (m - gap[rows]) / sigma2[rows]
            with np.errstate(under="ignore"):
                u = np.exp(-2 * slope[:, None] * y)
                gap[rows] = 2 * (y * u / (1 + u)).mean(axis=1)  # y (1 − tanh(slope y))
            sigma2[rows] = variance[rows] + gap[rows] * (2 * m - gap[rows])
        return sigma2, gap

    def _algorithm_1(self, m, variance, size):
        kappa = suresh.kappa(size, eta=self.eta)
        square = variance + m**2
        beyond = variance - kappa * m**2  # S − (1 + κ)m²
        with np.errstate(divide="ignore", invalid="ignore"):  # only rows without variance
            a = np.where(beyond > 0, 2 * (1 + kappa) * square / beyond, self.fallback)
            sigma2 = np.where(
                square <= 2 * a / (a - 2) * m**2,
                a * square * variance / (a * m**2 + 2 * square),
                square,
            )
        sigma2 = np.where(variance > 0, sigma2, 0.0)
        t = np.sqrt(np.maximum(square - sigma2, 0))
        gap = np.divide(sigma2 - variance, m + t, out=np.zeros_like(m), where=m > 0)
        return sigma2, gap


def _ratio(mean, std):
    """Return mean/std, cut off where it no longer matters."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.where(std > 0, np.minimum(mean / std, _LARGEST_RATIO), _LARGEST_RATIO)
