"""Recursive training as the definition reads: one replication at a time, every sample drawn.

Nothing is shared with the package, so an agreement in law is evidence.
"""

import numpy as np
from scipy import optimize


def gaussian(rng, *, mean, std, sizes, replications, ddof):
    """Means and standard deviations, two arrays (replications, len(sizes) + 1)."""
    means = np.empty((replications, len(sizes) + 1))
    stds = np.empty_like(means)
    for replication in range(replications):
        means[replication, 0], stds[replication, 0] = mean, std
        for generation, size in enumerate(sizes):
            center, scale = means[replication, generation], stds[replication, generation]
            samples = center + scale * rng.standard_normal(size)
            means[replication, generation + 1] = samples.mean()
            stds[replication, generation + 1] = samples.std(ddof=ddof)
    return means, stds


def gaussian_excited(
    rng, *, mean, std, sizes, replications, ddof, source_mean, source_std, fraction
):
    """The same with fresh samples: each one comes from the source with chance ``fraction``."""
    means = np.empty((replications, len(sizes) + 1))
    stds = np.empty_like(means)
    for replication in range(replications):
        means[replication, 0], stds[replication, 0] = mean, std
        for generation, size in enumerate(sizes):
            samples = []
            for _ in range(size):
                if rng.random() < fraction:
                    samples.append(rng.normal(source_mean, source_std))
                else:
                    samples.append(
                        rng.normal(means[replication, generation], stds[replication, generation]))
            means[replication, generation + 1] = np.mean(samples)
            stds[replication, generation + 1] = np.std(samples, ddof=ddof)
    return means, stds


def exponential(rng, *, rate, sizes, replications):
    """Rates, an array (replications, len(sizes) + 1)."""
    rates = np.empty((replications, len(sizes) + 1))
    for replication in range(replications):
        rates[replication, 0] = rate
        for generation, size in enumerate(sizes):
            samples = rng.exponential(1 / rates[replication, generation], size)
            rates[replication, generation + 1] = 1 / samples.mean()
    return rates


def multivariate_gaussian(rng, *, mean, cov, sizes, replications, ddof):
    """Means (replications, len(sizes) + 1, d) and covariances (..., d, d)."""
    dim = len(mean)
    means = np.empty((replications, len(sizes) + 1, dim))
    covs = np.empty((replications, len(sizes) + 1, dim, dim))
    for replication in range(replications):
        means[replication, 0], covs[replication, 0] = mean, cov
        for generation, size in enumerate(sizes):
            center, spread = means[replication, generation], covs[replication, generation]
            samples = rng.multivariate_normal(center, spread, size=size, method="svd")
            means[replication, generation + 1] = samples.mean(axis=0)
            covs[replication, generation + 1] = np.cov(samples, rowvar=False, ddof=ddof)
    return means, covs


def categorical(rng, *, probabilities, sizes, replications):
    """Probabilities, an array (replications, len(sizes) + 1, symbols)."""
    symbols = len(probabilities)
    path = np.zeros((replications, len(sizes) + 1, symbols))
    for replication in range(replications):
        path[replication, 0] = probabilities
        for generation, size in enumerate(sizes):
            for symbol in rng.choice(symbols, size=size, p=path[replication, generation]):
                path[replication, generation + 1, symbol] += 1 / size
    return path


def gaussian_mixture(rng, *, mean, std, sizes, replications, estimator):
    """Means and standard deviations of a mode, two arrays (replications, len(sizes) + 1)."""
    means = np.empty((replications, len(sizes) + 1))
    stds = np.empty_like(means)
    fit = {"ml": _mixture_ml, "algorithm1": _mixture_algorithm_1, "em": _mixture_em}[estimator]
    for replication in range(replications):
        means[replication, 0], stds[replication, 0] = mean, std
        for generation, size in enumerate(sizes):
            center, scale = means[replication, generation], stds[replication, generation]
            samples = np.array([rng.normal(rng.choice([-center, center]), scale)
                                for _ in range(size)])
            means[replication, generation + 1], stds[replication, generation + 1] = fit(samples)
    return means, stds


def _mixture_ml(x):
    """By brute force: the likelihood on a fine grid of (mean, std) along its ridge."""
    square = np.mean(x**2)
    low = max(np.sqrt(np.var(np.abs(x))), 1e-12)
    std = np.geomspace(low, np.sqrt(square), 3000)
    mean = np.sqrt(np.maximum(square - std**2, 0))
    density = (np.exp(-((x[:, None] - mean) ** 2) / (2 * std**2))
               + np.exp(-((x[:, None] + mean) ** 2) / (2 * std**2))) / std
    with np.errstate(divide="ignore"):
        best = np.argmax(np.log(density).sum(axis=0))
    return mean[best], std[best]


def _mixture_algorithm_1(x):
    n, m, square = len(x), np.mean(np.abs(x)), np.mean(x**2)
    kappa = np.exp((n + 15) / (4 * (n - 1) * (n + 7))) - 1  # η = 2
    if square <= (1 + kappa) * m**2:
        a = 50
    else:
        a = 2 * (1 + kappa) * square / (square - (1 + kappa) * m**2)
    if square <= 2 * a / (a - 2) * m**2:
        variance = a * square * (square - m**2) / (a * m**2 + 2 * square)
    else:
        variance = square
    return np.sqrt(square - variance), np.sqrt(variance)


def _mixture_em(x):
    mean, variance = np.mean(np.abs(x)), np.var(np.abs(x))
    for _ in range(100):
        mean = np.mean(x * np.tanh(mean * x / variance))
        variance = np.mean(x**2) - mean**2
    return mean, np.sqrt(variance)


def glm(rng, *, coefficients, family, sizes, replications, std=1.0):
    """Coefficients, an array (replications, len(sizes) + 1, features); NaN once there are none.

    Covariates: an intercept and independent standard normals.
    """
    path = np.full((replications, len(sizes) + 1, len(coefficients)), np.nan)
    for replication in range(replications):
        path[replication, 0] = beta = coefficients
        for generation, size in enumerate(sizes):
            x = rng.standard_normal((size, len(beta)))
            x[:, 0] = 1
            eta = x @ beta
            if family == "gaussian":
                beta = np.linalg.lstsq(x, eta + std * rng.standard_normal(size))[0]
            elif family == "logistic":
                beta = glm_fit(x, rng.random(size) < 1 / (1 + np.exp(-eta)), family)
            else:
                beta = glm_fit(x, rng.poisson(np.exp(eta)), family)
            if beta is None:
                break
            path[replication, generation + 1] = beta
    return path


def glm_fit(x, y, family):
    """Coefficients of maximum likelihood for one data set, or None, by general solvers."""
    if np.linalg.matrix_rank(x) < x.shape[1] or glm_separated(x, y, family):
        return None
    y = np.asarray(y, dtype=float)

    def loss(beta):
        eta = x @ beta
        if family == "poisson":
            return np.sum(np.exp(eta) - y * eta)
        return np.sum(np.logaddexp(0, eta) - y * eta)

    def mean(beta):
        return np.exp(x @ beta) if family == "poisson" else 1 / (1 + np.exp(-x @ beta))

    def gradient(beta):
        return x.T @ (mean(beta) - y)

    def hessian(beta):
        m = mean(beta)
        return (x.T * (m if family == "poisson" else m * (1 - m))) @ x

    with np.errstate(over="ignore"):
        near = optimize.minimize(loss, np.zeros(x.shape[1]), jac=gradient, hess=hessian,
                                 method="trust-exact")
        return optimize.root(gradient, near.x, jac=hessian, options=dict(xtol=1e-13)).x


def glm_separated(x, y, family):
    """Tell whether the responses are separated: Konis's linear program in the box [-1, 1]."""
    ends = np.where(y == 0, -1, 1 if family == "logistic" else 0)
    z = ends[:, None] * x
    held = x[ends == 0]
    result = optimize.linprog(-z.sum(axis=0), A_ub=-z, b_ub=np.zeros(len(z)), bounds=(-1, 1),
                              A_eq=held, b_eq=np.zeros(len(held)))
    assert result.status == 0
    return -result.fun > 1e-6
