"""The same loops with established estimators, one replication and one generation at a time.

Imported where installed: a missing package leaves its row out.
"""

import warnings

import numpy as np
from scipy import special


def logistic_statsmodels(*, coefficients, sample_size, generations, replications, seed):
    """Coefficients, (replications, generations + 1, features): one `Logit.fit` a generation.

    As `plain.logistic`. A replication ends when the data are separated.
    """
    import statsmodels.api as sm

    rng = np.random.default_rng(seed)
    path = np.full((replications, generations + 1, len(coefficients)), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nearly separated data
        for replication in range(replications):
            path[replication, 0] = current = np.asarray(coefficients, dtype=float)
            for generation in range(1, generations + 1):
                x = rng.standard_normal((sample_size, len(current)))
                x[:, 0] = 1
                y = (rng.random(sample_size) < special.expit(x @ current)).astype(float)
                try:
                    current = sm.Logit(y, x).fit(disp=0).params
                except (np.linalg.LinAlgError, sm.tools.sm_exceptions.PerfectSeparationError):
                    break
                if np.all((x @ current > 0) == (y > 0)):
                    break
                path[replication, generation] = current
    return path


def mixture_sklearn(*, mean, std, sample_size, generations, replications, seed):
    """Standard deviations of a mode, (replications, generations + 1): one fit a generation.

    `sklearn.mixture.GaussianMixture` with two components and a tied variance. Its means and
    weights are free, so it solves another, larger problem, and only to a local maximum.
    """
    from sklearn.mixture import GaussianMixture

    rng = np.random.default_rng(seed)
    stds = np.full((replications, generations + 1), float(std))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no convergence within the default number of steps
        for replication in range(replications):
            center, scale = mean, std
            for generation in range(1, generations + 1):
                signs = rng.choice([-1, 1], sample_size)
                x = center * signs + rng.normal(0, scale, sample_size)
                fit = GaussianMixture(2, covariance_type="tied", random_state=0).fit(x[:, None])
                center = np.abs(np.diff(fit.means_[:, 0])).item() / 2
                scale = np.sqrt(fit.covariances_[0, 0])
                stds[replication, generation] = scale
    return stds


def bigrams_nltk(sentences, *, tokens, seed):
    """Words of an NLTK bigram model (maximum likelihood), sentence by sentence."""
    from nltk.lm import MLE
    from nltk.lm.preprocessing import padded_everygram_pipeline

    grams, vocabulary = padded_everygram_pipeline(2, sentences)
    model = MLE(2)
    model.fit(grams, vocabulary)
    words = []
    while len(words) < tokens:
        for word in model.generate(50, text_seed=["<s>"], random_seed=seed + len(words)):
            if word == "</s>":
                break
            words.append(word)
    return words
