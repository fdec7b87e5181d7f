"""The loop as one would first write it with NumPy: the yardstick of `benchmarks/run.py`.

One replication at a time, one generation at a time; all samples are drawn, and the parameters of
every generation are stored.
"""

import random
from collections import Counter

import numpy as np
from scipy import optimize, special


def gaussian(*, sample_size, generations, replications, seed):
    """Means and standard deviations (divisor n - 1), two arrays (replications, generations + 1)."""
    rng = np.random.default_rng(seed)
    means = np.zeros((replications, generations + 1))
    stds = np.ones((replications, generations + 1))
    for replication in range(replications):
        mean, std = 0.0, 1.0
        for generation in range(1, generations + 1):
            samples = rng.normal(mean, std, sample_size)
            mean = samples.mean()
            std = samples.std(ddof=1)
            means[replication, generation] = mean
            stds[replication, generation] = std
    return means, stds


def bernoulli(*, p, sample_size, generations, replications, seed):
    """Shares of the symbol, an array (replications, generations + 1)."""
    rng = np.random.default_rng(seed)
    shares = np.full((replications, generations + 1), float(p))
    for replication in range(replications):
        share = p
        for generation in range(1, generations + 1):
            samples = rng.binomial(1, share, sample_size)
            share = samples.mean()
            shares[replication, generation] = share
    return shares


def poisson(*, rate, sample_size, generations, replications, seed):
    """Rates, an array (replications, generations + 1)."""
    rng = np.random.default_rng(seed)
    rates = np.full((replications, generations + 1), float(rate))
    for replication in range(replications):
        mean = rate
        for generation in range(1, generations + 1):
            samples = rng.poisson(mean, sample_size)
            mean = samples.mean()
            rates[replication, generation] = mean
    return rates


def excited_bernoulli(*, p, fresh_fraction, sample_size, generations, replications, seed):
    """Shares of the symbol when each sample is fresh with a chance, as `bernoulli`."""
    rng = np.random.default_rng(seed)
    shares = np.full((replications, generations + 1), float(p))
    for replication in range(replications):
        share = p
        for generation in range(1, generations + 1):
            fresh = rng.random(sample_size) < fresh_fraction
            samples = rng.random(sample_size) < np.where(fresh, p, share)
            share = samples.mean()
            shares[replication, generation] = share
    return shares


def excited_gaussian(*, fresh_fraction, sample_size, generations, replications, seed):
    """Means and standard deviations when each sample is fresh with a chance, as `gaussian`."""
    rng = np.random.default_rng(seed)
    means = np.zeros((replications, generations + 1))
    stds = np.ones((replications, generations + 1))
    for replication in range(replications):
        mean, std = 0.0, 1.0
        for generation in range(1, generations + 1):
            fresh = rng.random(sample_size) < fresh_fraction
            samples = np.where(fresh, 0.0, mean) + np.where(
                fresh, 1.0, std) * rng.standard_normal(sample_size)
            mean = samples.mean()
            std = samples.std(ddof=1)
            means[replication, generation] = mean
            stds[replication, generation] = std
    return means, stds


def mixture(*, mean, std, sample_size, generations, replications, seed):
    """Standard deviations of a mode under maximum likelihood, (replications, generations + 1).

    One call of a root finder for each replication and generation, started where every solution is
    below: it finds the largest one.
    """
    rng = np.random.default_rng(seed)
    stds = np.full((replications, generations + 1), float(std))
    for replication in range(replications):
        center, scale = mean, std
        for generation in range(1, generations + 1):
            signs = rng.choice([-1, 1], sample_size)
            x = center * signs + rng.normal(0, scale, sample_size)
            square = np.mean(x**2)
            center, *_ = optimize.fsolve(
                lambda t, x=x, square=square: np.mean(
                    x * np.tanh(t * x / max(square - t[0] ** 2, 1e-20))) - t,
                np.mean(np.abs(x)), full_output=True)[0]
            scale = np.sqrt(max(square - center**2, 0))
            stds[replication, generation] = scale
    return stds


def logistic(*, coefficients, sample_size, generations, replications, seed):
    """Coefficients under maximum likelihood, (replications, generations + 1, features).

    Covariates: an intercept and independent standard normals. One call of a general minimiser for
    each replication and generation. A replication ends once its fit tells all responses apart:
    the minimiser would not notice that there is nothing to find.
    """
    rng = np.random.default_rng(seed)
    path = np.full((replications, generations + 1, len(coefficients)), np.nan)
    for replication in range(replications):
        path[replication, 0] = current = np.asarray(coefficients, dtype=float)
        for generation in range(1, generations + 1):
            x = rng.standard_normal((sample_size, len(current)))
            x[:, 0] = 1
            y = (rng.random(sample_size) < special.expit(x @ current)).astype(float)

            def loss_and_gradient(beta, x=x, y=y):
                eta = x @ beta
                return np.logaddexp(0, eta).sum() - y @ eta, x.T @ (special.expit(eta) - y)

            current = optimize.minimize(loss_and_gradient, np.zeros_like(current), jac=True).x
            if np.all((x @ current > 0) == (y > 0)):
                break
            path[replication, generation] = current
    return path


def categorical(*, probabilities, sample_size, generations, replications, seed, one_by_one):
    """Probabilities, an array (replications, generations + 1, symbols).

    ``one_by_one`` draws each sample with a call of its own, as the public code of Suresh et al.
    (2025) does for its Zipf figure; otherwise a generation is drawn in one call.
    """
    rng = np.random.default_rng(seed)
    symbols = np.arange(len(probabilities))
    path = np.zeros((replications, generations + 1, len(probabilities)))
    for replication in range(replications):
        path[replication, 0] = current = probabilities
        for generation in range(1, generations + 1):
            if one_by_one:
                samples = [rng.choice(symbols, p=current) for _ in range(sample_size)]
            else:
                samples = rng.choice(symbols, size=sample_size, p=current)
            current = np.bincount(samples, minlength=len(symbols)) / sample_size
            path[replication, generation] = current
    return path


def bigrams(table, *, tokens, seed, copying, max_words=50):
    """Words of a bigram model, an int list, drawn token by token; None ends a sentence.

    ``table`` has for each word (and for None, the start) what follows it: with ``copying`` the
    list of all that followed it in the text, otherwise the pair (distinct followers, fractions).
    """
    rng, choose = np.random.default_rng(seed), random.Random(seed).choice
    words = []
    while len(words) < tokens:
        context = None
        for _ in range(max_words):
            if copying:
                context = choose(table[context])
            else:
                followers, fractions = table[context]
                context = followers[rng.choice(len(followers), p=fractions)]
            if context is None:
                break
            words.append(context)
    return words


def bigram_tables(sentences):
    """The two tables that `bigrams` draws from."""
    lists = {}
    for sentence in sentences:
        for word, follower in zip([None, *sentence], [*sentence, None], strict=True):
            lists.setdefault(word, []).append(follower)
    fractions = {word: (list(count), np.array(list(count.values())) / len(lists[word]))
                 for word, count in ((word, Counter(row)) for word, row in lists.items())}
    return lists, fractions
