"""Recursive training as a random walk: the noise that adds up, and who comes closer to the truth.

With n_t samples from generation t, the estimate of a Gaussian mean in d dimensions moves by
independent steps σ Z_t/√n_t, so that

    θ_T − θ* ~ N(0, σ² S_T/n_0 · I),    S_T = Σ_{t < T} n_0/n_t.

S_1 = 1 is the noise of one fit to real data, ρ = S_T − 1 what synthetic training adds to it.
"""

import numpy as np
from scipy import optimize, special

from collapse import _checks, schedules

__all__ = [
    "against_independent",
    "improvement_probability",
    "log_improvement_probability",
    "noise_sum",
]

_MAX_HORIZON = 10**8
_BLOCK = 1024
_SERIES_TERMS = 200


def noise_sum(schedule, T):
    """Return S_T = Σ_{t < T} n_0/n_t, with the rounded sizes of the schedule.

    Relative error below (1024 + T/1024) times 1.1e-16, typically far below. O(max T) work.

    Parameters
    ----------
    schedule : int, sequence of int, or schedule; >= 1
    T : array of int in [0, 10⁸]
        S_0 = 0.

    Returns
    -------
    numpy.ndarray of float, the shape of T

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range, or a sequence is shorter than T.
    """
    T = _checks.integers(T, "T", low=0, high=_MAX_HORIZON)
    last = int(T.max(initial=0))
    sizes = schedules.resolve(schedule, last, low=1)
    if last == 0:
        return np.zeros(T.shape)[()]
    blocks = np.zeros(-(-last // _BLOCK) * _BLOCK)
    blocks[:last] = sizes[0] / sizes
    blocks = blocks.reshape(-1, _BLOCK)
    # Sums within blocks, then of blocks: rounding errors add up over two short chains.
    within = np.cumsum(blocks, axis=1)
    before = np.cumsum(within[:, -1]) - within[:, -1]
    sums = np.concatenate([[0.0], (within + before[:, None]).ravel()])
    return sums[T][()]


def improvement_probability(rho, *, dim=1, cov=None):
    """Return Pr(‖θ_T − θ*‖ < ‖θ_1 − θ*‖), the chance that synthetic training beat its own start.

    For d equal variances it is

        Pr(t_d > √(dρ)/2) = ½ I_{4/(4+ρ)}(d/2, ½),    (1/π) arctan(2/√ρ) for d = 1;

    relative error below 1e-12 for d <= 1000. For a covariance with eigenvalues λ_i it is
    Pr(Σ λ_i a X_i² < Σ λ_i b Y_i²), X, Y standard normal, a − b = ρ, ab = ρ, by inversion of the
    moment-generating function through its saddle point; relative error below 1e-10.

    Parameters
    ----------
    rho : array of float > 0
        S_T − 1.
    dim : array of int >= 1
        Ignored if ``cov`` is given.
    cov : (d, d) array, symmetric and positive semidefinite, not 0, or (d,) array of eigenvalues
        Only ratios matter. Directions without variance do not count.

    Returns
    -------
    numpy.ndarray of float in (0, ½), the broadcast shape of ``rho`` and ``dim`` (of ``rho``, with
    ``cov``); 0 where it underflows

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    with np.errstate(under="ignore"):
        return np.exp(log_improvement_probability(rho, dim=dim, cov=cov))


def log_improvement_probability(rho, *, dim=1, cov=None):
    """Return the logarithm of `improvement_probability`, also where that underflows."""
    rho = _checks.reals(rho, "rho", low=0.0, open_low=True)
    if cov is not None:
        eigenvalues = _eigenvalues(cov)
        return np.array([_log_quadratic(value, eigenvalues) for value in rho.ravel()]).reshape(
            rho.shape
        )[()]
    dim = _checks.integers(dim, "dim", low=1)
    rho, half = np.broadcast_arrays(rho, dim / 2)
    with np.errstate(under="ignore"):
        value = special.betainc(half, 0.5, 4 / (4 + rho))
    out = np.array(np.log(np.maximum(value, np.finfo(float).tiny) / 2))
    small = value < 1e-280
    out[small] = _log_series(rho[small], half[small])
    return out[()]


def _log_series(rho, half):
    """Return log(½ I_x(h, ½)) = log(x^h √(1−x)/(2h B(h, ½)) · Σ_j x^j Π (h+½+i)/(h+1+i)).

    Used where the value is tiny, that is, x is not close to 1.
    """
    x = 4 / (4 + rho)
    total, term = np.ones(x.shape), np.ones(x.shape)
    for j in range(_SERIES_TERMS):
        term = term * x * (half + 0.5 + j) / (half + 1 + j)
        total += term
    front = half * np.log(x) + 0.5 * np.log(rho / (4 + rho))
    return front - np.log(2 * half) - special.betaln(half, 0.5) + np.log(total)


def _log_quadratic(rho, eigenvalues):
    root = np.sqrt(rho * (rho + 4))
    larger = (root + rho) / 2
    a, b = eigenvalues * larger, eigenvalues * (rho / larger)
    # Pr(Q < 0) = (1/2πi) ∫ E e^{−zQ} dz/z on Re z = c, 0 < c < 1/(2 max b).
    end = 1 / (2 * b.max())

    def slope(c):
        return np.sum(-a / (1 + 2 * c * a) + b / (1 - 2 * c * b)) - 1 / c

    c = optimize.brentq(slope, end * 1e-12, end * (1 - 1e-12), xtol=1e-300, rtol=1e-14)
    # y = w sinh(θ) keeps the nearest singularity a distance of order 1 away in θ, and the tail
    # |z|^(−1−d), d >= 1, falls exponentially in θ: the trapezoid rule converges geometrically.
    width = min(c, end - c)
    top = np.log(4e17 * end / width)
    theta = np.linspace(0, top, int(top / 0.05) + 2)
    z = c + 1j * width * np.sinh(theta)

    def log_integrand(z):
        factors = np.log1p(2 * np.multiply.outer(z, a)) + np.log1p(-2 * np.multiply.outer(z, b))
        return -0.5 * factors.sum(axis=-1) - np.log(z)

    peak = log_integrand(np.array(c)).real
    with np.errstate(under="ignore"):
        values = (np.exp(log_integrand(z) - peak) * np.cosh(theta)).real
    integral = theta[1] * (values.sum() - values[0] / 2)  # symmetric: twice the upper half
    return peak + np.log(width * integral / np.pi)


def _eigenvalues(cov):
    array = _checks.reals(cov, "cov")
    if array.ndim == 2 and array.shape[0] == array.shape[1] and array.size:
        if not np.allclose(array, array.T, rtol=1e-10, atol=0):
            raise ValueError("cov must be symmetric")
        array = np.linalg.eigvalsh(array)
    elif array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"cov must be a square matrix or a vector of eigenvalues, got shape {array.shape}"
        )
    largest = array.max()
    if largest <= 0 or array.min() < -1e-12 * largest:
        raise ValueError("cov must be positive semidefinite, and not 0")
    array = array / largest
    return array[array > 1e-15]


def against_independent(noise, *, dim=1):
    """Return Pr(‖θ_T − θ*‖ < ‖θ'_1 − θ*‖) for an independent model θ'_1 fitted to n_0 real samples.

    It is F_{d,d}(1/S_T), F the distribution function of Fisher's law: ½ at S_T = 1.

    Parameters
    ----------
    noise : array of float > 0
        S_T.
    dim : array of int >= 1

    Returns, errors as `improvement_probability`.
    """
    noise = _checks.reals(noise, "noise", low=0.0, open_low=True)
    dim = _checks.integers(dim, "dim", low=1)
    with np.errstate(under="ignore"):
        return special.betainc(dim / 2, dim / 2, 1 / (1 + noise))
