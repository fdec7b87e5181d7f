"""Every public function and class, with the kind of each argument and what may come out.

`test_functions.py` complains when a public name is missing here.
"""

from dataclasses import dataclass
from functools import partial

import matplotlib.pyplot as plt
import numpy as np

import collapse
from collapse import (
    bounds,
    datasets,
    diagnostics,
    genealogy,
    language,
    laws,
    planning,
    plotting,
    publishing,
    schedules,
    tables,
)
from fuzz import hostile
from fuzz.hostile import ANYTHING, INF, INTEGERS, REALS, SCHEDULES, _arrays, kind

# ---------------------------------------------------------------- what may come out: (low, high)

PROBABILITY = (0.0, 1.0)
POSITIVE = (0.0, INF)  # infinity is a value of some laws, NaN of none
NUMBER = (-INF, INF)
ANY = None  # no numbers, or NaN is documented

# ---------------------------------------------------------------- kinds of arguments

REAL = kind(0.5, ANYTHING, REALS)
INT = kind(5, ANYTHING, INTEGERS)
REALS_ = kind(0.5, ANYTHING, REALS, _arrays(0.5, 1.0, 2.0))
SHARES = kind(0.3, ANYTHING, REALS, _arrays(0.25, 0.5, 1.0))
SIZES_ = kind(10, ANYTHING, INTEGERS, _arrays(3, 5, 9))
GENERATIONS = kind(3, ANYTHING, INTEGERS, _arrays(1, 2, 3))
SCHEDULE = kind(5, ANYTHING, INTEGERS, SCHEDULES, _arrays(5, 6, 7))
NO_CHOICE = [lambda: "Replace", lambda: np.str_("ml"), lambda: ("ml",)]
CHOICE = kind(1, ANYTHING, INTEGERS, NO_CHOICE)
FLAG = kind(False, ANYTHING, [lambda: 0, lambda: 1])
SEED = kind(1, ANYTHING, INTEGERS, [lambda: 2**200, lambda: np.random.SeedSequence(1),
                                    lambda: np.random.default_rng(1), lambda: [1, 2]])
RNG = kind(None, ANYTHING, [lambda: 1, lambda: np.random.RandomState(1), lambda: np.random])
TEXT = kind("a b a c. B a b!", ANYTHING, [lambda: " \n\t", lambda: "\0\ud800", lambda: "." * 5000])
VECTOR = kind(None, ANYTHING, REALS, _arrays(0.25, 0.5, 1.0), _arrays(0.2, 0.3, 0.5))
COUNTS = kind(None, ANYTHING, INTEGERS, _arrays(3, 0, 9), [lambda: [0, 0], lambda: [2**62, 2**62]])
MATRIX = kind(None, ANYTHING, hostile.MATRICES)
ROWS = kind(None, ANYTHING, hostile.ROWS)
MODEL = kind(None, ANYTHING, hostile.MODELS)
RUN = kind(None, ANYTHING, hostile.RUNS)
EVENT = kind(None, ANYTHING, hostile.EVENTS)
PARENTS = kind([[0, 0, 1], [2, 1, 1]], ANYTHING, hostile.PARENTS)
NAME = kind("", ANYTHING, [lambda: "\n", lambda: "../x", lambda: ("a",), lambda: ["a"]])


def option(value, *others):
    """A choice from a list; the other choices are tried with what else is hostile."""
    return kind(value, ANYTHING, INTEGERS, NO_CHOICE, [partial(str, other) for other in others])


@dataclass(frozen=True)
class Call:
    """A public function, the kinds of its arguments, the range of its result, other errors."""

    function: object
    arguments: dict
    result: tuple | None
    errors: tuple
    also: tuple  # names that an error may give instead: what an argument holds


def call(function, result, *, errors=(), also=(), **arguments):
    return Call(function, arguments, result, (TypeError, ValueError, *errors), also)


class Lazy:
    """A valid argument that is made anew for each call."""

    def __init__(self, make):
        self.make = make


def lazy(kind, make):
    return kind.but(Lazy(make))


def _corpus():
    return language.Corpus.from_text("a b a c. b a b! c c a d")


CORPUS = lazy(kind(None, ANYTHING, [
    lambda: language.Corpus([], [0], []), lambda: language.Corpus([0], [1], ["a"]),
    lambda: language.Corpus([0, 0], [0, 2, 0], ["a", "b"]), lambda: language.Corpus,
]), _corpus)
GENERATOR = lazy(RNG, lambda: np.random.default_rng(1))
TABLE = lazy(kind(None, ANYTHING, hostile.TABLES), hostile.table)
VALUES = lazy(ROWS, lambda: hostile.table().values)
KINDS = kind(("count", "binary", "measurement"), ANYTHING, [
    lambda: ("count",), lambda: ("count", "binary", "what"), lambda: "count", lambda: (1, 2, 3),
    lambda: ("count",) * 4, lambda: ("binary",) * 3, lambda: ("count",) * 3,
    lambda: ("measurement",) * 3,
])  # fmt: skip
RUN_ = lazy(RUN, hostile.run)
SYMBOL = EVENT.but(planning.SymbolLost(0.1))

TRAINING = dict(
    model=lazy(MODEL, collapse.Gaussian), sample_size=SCHEDULE, generations=INT.but(4),
    replications=INT.but(3), seed=SEED, source=MODEL, fresh_fraction=REAL.but(0.0),
    workflow=option("replace", "accumulate", "subsample"), n_jobs=INT.but(1),
    keep=kind(None, ANYTHING, INTEGERS, _arrays(0, 2, 4)),
)  # fmt: skip
NGRAMS = dict(
    corpus=CORPUS, order=INT.but(2), generations=INT.but(2), start=option("sentence", "uniform"),
    size=option("tokens", "sentences"), joined=FLAG, max_words=INT.but(50),
)  # fmt: skip
SPECTRUM = dict(k=GENERATIONS, counts=COUNTS.but((5, 3, 2)), probabilities=VECTOR,
                n=SCHEDULE.but(10))
SHARE_BOUND = dict(p0=SHARES, n=SIZES_, k=GENERATIONS)
RATE_BOUND = dict(rate=REALS_, n=SIZES_, k=GENERATIONS)
LEVEL_BOUND = dict(x=REALS_, n=SIZES_, k=GENERATIONS, std=REALS_.but(1.0))
GAUSSIAN_LAW = dict(x=REALS_, n=SCHEDULE, k=GENERATIONS, std=REALS_.but(1.0), ddof=CHOICE)
PLANNING = dict(sample_size=SCHEDULE.but(20), generations=GENERATIONS, fresh_fraction=REAL.but(0.0))


def _axes():
    return plt.figure().add_subplot()


def _finish(function, *arguments, **options):
    """Plotting functions: what they draw goes away with the figure."""
    try:
        return function(*arguments, **options)
    finally:
        plt.close("all")


AX = lazy(kind(None, ANYTHING), _axes)

CALLS = {
    # ------------------------------------------------------------ models
    "collapse.models.Bernoulli": call(collapse.Bernoulli, ANY, p=REAL),
    "collapse.models.Categorical": call(
        collapse.Categorical, ANY, probabilities=VECTOR.but((0.5, 0.5)), smoothing=REAL),
    "collapse.models.Categorical of counts": call(
        collapse.Categorical, ANY, counts=COUNTS.but((3, 4)), smoothing=REAL),
    "collapse.models.EmpiricalMeasure": call(
        collapse.EmpiricalMeasure, ANY, atoms=VECTOR.but((1.0, 2.0, 5.0)), weights=VECTOR,
        capacity=INT.but(None)),
    "collapse.models.Exponential": call(collapse.Exponential, ANY, rate=REAL),
    "collapse.models.GLM": call(
        collapse.GLM, ANY, coefficients=VECTOR.but((0.5, 1.0)),
        family=option("gaussian", "logistic", "poisson"), covariates=MATRIX, std=REAL),
    "collapse.models.Gaussian": call(collapse.Gaussian, ANY, mean=REAL, std=REAL, ddof=CHOICE),
    "collapse.models.GaussianMixture": call(
        collapse.GaussianMixture, ANY, mean=REAL, std=REAL,
        estimator=option("ml", "algorithm1", "em"), eta=REAL.but(2.0), fallback=REAL.but(50.0),
        em_steps=INT),
    "collapse.models.MultivariateGaussian": call(
        collapse.MultivariateGaussian, ANY, mean=VECTOR.but((0.0, 1.0)),
        cov=MATRIX.but(np.eye(2)), ddof=CHOICE),
    "collapse.models.Poisson": call(collapse.Poisson, ANY, rate=REAL),
    # ------------------------------------------------------------ runs
    "collapse.recursion.recursive_training": call(collapse.recursive_training, ANY, **TRAINING),
    "collapse.recursion.iter_blocks": call(collapse.iter_blocks, ANY, **TRAINING),
    "collapse.recursion.replay": call(
        collapse.replay, ANY, also=("generations", "keep"),
        run=lazy(kind(None, ANYTHING, hostile.RUNS, hostile.PROVENANCES), hostile.run),
        model=MODEL, source=MODEL, n_jobs=INT.but(1)),
    "collapse.recursion.hitting_time": call(
        collapse.hitting_time, POSITIVE, run=RUN_, variable=NAME.but("std"), below=REAL),
    "collapse.diagnostics.contraction": call(
        diagnostics.contraction, ANY, run=RUN_, variable=NAME.but("std"), expected=REAL.but(-0.1),
        false_alarm=REAL.but(0.01)),
    "collapse.diagnostics.survival": call(
        diagnostics.survival, ANY, run=RUN_, variable=NAME.but("std"),
        predicted=SHARES.but((1.0, 0.9, 0.8, 0.7, 0.6)), above=REAL, false_alarm=REAL.but(0.01)),
    "collapse.diagnostics.stability": call(
        diagnostics.stability, ANY, run=RUN_, variable=NAME.but("std"), power=REAL.but(2.0),
        false_alarm=REAL.but(0.01)),
    # ------------------------------------------------------------ schedules, planning
    "collapse.schedules.Schedule": call(
        schedules.Schedule, ANY, kind=option("power", "geometric", "log_power"), n=INT,
        growth=REAL.but(1.5), maximum=INT.but(None)),
    "collapse.schedules.Schedule.__call__": call(
        schedules.power(5, 2.0), POSITIVE, also=("sample_size",), t=GENERATIONS),
    "collapse.schedules.constant": call(schedules.constant, ANY, n=INT, maximum=INT.but(None)),
    "collapse.schedules.power": call(
        schedules.power, ANY, n=INT, exponent=REAL, maximum=INT.but(None)),
    "collapse.schedules.log_power": call(
        schedules.log_power, ANY, n=INT, exponent=REAL, maximum=INT.but(None)),
    "collapse.schedules.geometric": call(
        schedules.geometric, ANY, n=INT, ratio=REAL.but(2.0), maximum=INT.but(None)),
    "collapse.schedules.resolve": call(
        schedules.resolve, POSITIVE, also=("sample_size",), sample_size=SCHEDULE,
        generations=INT.but(3), name=kind("sample_size", [
            lambda: None, lambda: 1, lambda: "", lambda: "a b", lambda: ["n"]]),
        low=INT.but(1)),
    "collapse.planning.SymbolLost": call(planning.SymbolLost, ANY, p=REAL),
    "collapse.planning.ScaleBelow": call(planning.ScaleBelow, ANY, ratio=REAL, ddof=CHOICE),
    "collapse.planning.MeanOff": call(planning.MeanOff, ANY, error=REAL, std=REAL, dim=INT),
    "collapse.planning.SymbolLost.risk": call(
        planning.SymbolLost(0.1).risk, PROBABILITY, **PLANNING),
    "collapse.planning.ScaleBelow.risk": call(
        planning.ScaleBelow(0.1).risk, PROBABILITY, **PLANNING),
    "collapse.planning.MeanOff.risk": call(planning.MeanOff(0.1).risk, PROBABILITY, **PLANNING),
    "collapse.planning.cost": call(
        planning.cost, POSITIVE, sample_size=SCHEDULE, generations=INT.but(3)),
    "collapse.planning.noise_for": call(
        planning.noise_for, POSITIVE, error=REAL, probability=REAL, sample_size=INT, std=REAL,
        dim=INT),
    "collapse.planning.plan": call(
        planning.plan, ANY, sample_size=INT, noise=REAL.but(3.0), horizon=INT.but(9)),
    "collapse.planning.plan for ever": call(
        planning.plan, ANY, sample_size=INT, noise=REAL.but(3.0)),
    "collapse.planning.smallest_exponent": call(
        planning.smallest_exponent, POSITIVE, event=SYMBOL, sample_size=INT.but(50),
        generations=INT.but(3), probability=REAL),
    "collapse.planning.smallest_fresh_fraction": call(
        planning.smallest_fresh_fraction, PROBABILITY, event=SYMBOL, sample_size=INT.but(50),
        probability=REAL.but(0.2)),
    "collapse.planning.smallest_sample_size": call(
        planning.smallest_sample_size, POSITIVE, event=SYMBOL, generations=INT.but(3),
        probability=REAL.but(0.2)),
    "collapse.planning.time_to": call(
        planning.time_to, POSITIVE, event=SYMBOL, sample_size=SCHEDULE.but(50),
        probability=REAL.but(0.2), horizon=INT.but(9), fresh_fraction=REAL.but(0.0)),
    # ------------------------------------------------------------ laws
    "collapse.laws.branching.g": call(laws.branching.g, PROBABILITY, k=GENERATIONS),
    "collapse.laws.poisson.survival": call(laws.poisson.survival, PROBABILITY, **RATE_BOUND),
    "collapse.laws.gaussian.std_sf": call(laws.gaussian.std_sf, PROBABILITY, **GAUSSIAN_LAW),
    "collapse.laws.gaussian.std_cdf": call(laws.gaussian.std_cdf, PROBABILITY, **GAUSSIAN_LAW),
    "collapse.laws.gaussian.log_std_sf": call(
        laws.gaussian.log_std_sf, (-INF, 0.0), **GAUSSIAN_LAW),
    "collapse.laws.gaussian.std_ppf": call(
        laws.gaussian.std_ppf, POSITIVE, q=SHARES, n=SCHEDULE, k=GENERATIONS, std=REALS_.but(1.0),
        ddof=CHOICE),
    "collapse.laws.gaussian.moment": call(
        laws.gaussian.moment, POSITIVE, power=REALS_, n=SCHEDULE, k=GENERATIONS,
        std=REALS_.but(1.0), ddof=CHOICE),
    "collapse.laws.gaussian.mean_variance": call(
        laws.gaussian.mean_variance, POSITIVE, n=SCHEDULE, k=GENERATIONS, std=REALS_.but(1.0),
        ddof=CHOICE),
    "collapse.laws.gaussian.lyapunov_exponent": call(
        laws.gaussian.lyapunov_exponent, (-INF, 0.0), n=SIZES_, ddof=CHOICE),
    "collapse.laws.gaussian.decay_power": call(
        laws.gaussian.decay_power, POSITIVE, n=SIZES_, ddof=CHOICE),
    "collapse.laws.gaussian.decay_rate": call(
        laws.gaussian.decay_rate, POSITIVE, n=SIZES_, ddof=CHOICE),
    "collapse.laws.gaussian.collapse_point_cdf": call(
        laws.gaussian.collapse_point_cdf, (-1e-8, 1 + 1e-8), x=REALS_, n=INT, std=REAL.but(1.0),
        ddof=CHOICE),
    "collapse.laws.multivariate_gaussian.volume_sf": call(
        laws.multivariate_gaussian.volume_sf, PROBABILITY, also=("n",), x=REALS_, n=INT,
        k=GENERATIONS, dim=INT.but(2), ddof=CHOICE),
    "collapse.laws.multivariate_gaussian.lyapunov_exponents": call(
        laws.multivariate_gaussian.lyapunov_exponents, NUMBER, also=("n",), n=INT, dim=INT.but(2),
        ddof=CHOICE),
    "collapse.laws.random_walk.noise_sum": call(
        laws.random_walk.noise_sum, POSITIVE, also=("sample_size",), schedule=SCHEDULE,
        T=GENERATIONS),
    "collapse.laws.random_walk.total_noise": call(
        laws.random_walk.total_noise, POSITIVE, schedule=SCHEDULE),
    "collapse.laws.random_walk.deviation_sf": call(
        laws.random_walk.deviation_sf, PROBABILITY, x=REALS_, noise=REALS_, n=SIZES_,
        dim=SIZES_.but(2), std=REALS_),
    "collapse.laws.random_walk.improvement_probability": call(
        laws.random_walk.improvement_probability, PROBABILITY, rho=REALS_, dim=SIZES_.but(2)),
    "collapse.laws.random_walk.improvement_probability with cov": call(
        laws.random_walk.improvement_probability, PROBABILITY, rho=REALS_,
        cov=MATRIX.but(np.diag([1.0, 2.0]))),
    "collapse.laws.random_walk.log_improvement_probability": call(
        laws.random_walk.log_improvement_probability, (-INF, 0.0), rho=REALS_, dim=SIZES_.but(2)),
    "collapse.laws.random_walk.log_improvement_probability with cov": call(
        laws.random_walk.log_improvement_probability, (-INF, 0.0), rho=REALS_,
        cov=MATRIX.but(np.diag([1.0, 2.0]))),
    "collapse.laws.random_walk.against_independent": call(
        laws.random_walk.against_independent, PROBABILITY, noise=REALS_, dim=SIZES_.but(2)),
    "collapse.laws.wright_fisher.survival": call(
        laws.wright_fisher.survival, PROBABILITY, p0=SHARES, n=SCHEDULE, k=GENERATIONS),
    "collapse.laws.wright_fisher.interior": call(
        laws.wright_fisher.interior, PROBABILITY, p0=SHARES, n=SCHEDULE, k=GENERATIONS),
    "collapse.laws.wright_fisher.expected_distinct": call(
        laws.wright_fisher.expected_distinct, POSITIVE, **SPECTRUM),
    "collapse.laws.wright_fisher.expected_distinct of probabilities": call(
        laws.wright_fisher.expected_distinct, POSITIVE, k=GENERATIONS,
        probabilities=VECTOR.but((0.25, 0.75)), n=SCHEDULE),
    "collapse.laws.wright_fisher.distinct_variance": call(
        laws.wright_fisher.distinct_variance, (-1e-10, INF), **SPECTRUM),
    "collapse.laws.wright_fisher.ancestors": call(
        laws.wright_fisher.ancestors, PROBABILITY, n=INT, k=GENERATIONS),
    "collapse.laws.wright_fisher.mrca_sf": call(
        laws.wright_fisher.mrca_sf, PROBABILITY, n=INT, k=GENERATIONS),
    "collapse.laws.wright_fisher.mrca_mean": call(laws.wright_fisher.mrca_mean, POSITIVE, n=INT),
    "collapse.laws.wright_fisher.quasi_stationary": call(
        laws.wright_fisher.quasi_stationary, PROBABILITY, n=INT),
    "collapse.laws.wright_fisher.decay_constant": call(
        laws.wright_fisher.decay_constant, POSITIVE, n=INT),
    "collapse.laws.excitation.atoms": call(
        laws.excitation.atoms, POSITIVE, n=INT, fresh_fraction=REAL),
    "collapse.laws.excitation.dirac": call(
        laws.excitation.dirac, PROBABILITY, n=INT, fresh_fraction=REAL),
    "collapse.laws.excitation.gaussian_moments": call(
        laws.excitation.gaussian_moments, POSITIVE, n=SIZES_, fresh_fraction=SHARES, ddof=CHOICE,
        std=REAL),
    "collapse.laws.excitation.gaussian_threshold": call(
        laws.excitation.gaussian_threshold, PROBABILITY, n=INT, moment=CHOICE, ddof=CHOICE),
    "collapse.laws.excitation.homozygosity": call(
        laws.excitation.homozygosity, PROBABILITY, n=SIZES_, fresh_fraction=SHARES, source=SHARES),
    "collapse.laws.excitation.limit": call(
        laws.excitation.limit, ANY, p=REAL, n=INT, fresh_fraction=REAL),
    "collapse.laws.excitation.lineages": call(
        laws.excitation.lineages, POSITIVE, n=INT, fresh_fraction=REAL, k=GENERATIONS),
    "collapse.laws.excitation.pmf": call(
        laws.excitation.pmf, PROBABILITY, p0=REAL, p=REAL, n=INT, fresh_fraction=REAL,
        k=GENERATIONS),
    "collapse.laws.excitation.smallest_fraction": call(
        laws.excitation.smallest_fraction, PROBABILITY, ratio=SHARES, n=SIZES_),
    "collapse.laws.excitation.stationary_pmf": call(
        laws.excitation.stationary_pmf, PROBABILITY, p=REAL, n=INT, fresh_fraction=REAL),
    "collapse.laws.excitation.stationary_variance": call(
        laws.excitation.stationary_variance, PROBABILITY, p=SHARES, n=SIZES_,
        fresh_fraction=SHARES),
    # ------------------------------------------------------------ bounds
    "collapse.bounds.bertrand.gaussian": call(bounds.bertrand.gaussian, POSITIVE, **LEVEL_BOUND),
    "collapse.bounds.seddik.interior": call(bounds.seddik.interior, POSITIVE, **SHARE_BOUND),
    "collapse.bounds.suresh.bernoulli": call(bounds.suresh.bernoulli, POSITIVE, **SHARE_BOUND),
    "collapse.bounds.suresh.interior": call(bounds.suresh.interior, NUMBER, **SHARE_BOUND),
    "collapse.bounds.suresh.poisson": call(bounds.suresh.poisson, PROBABILITY, **RATE_BOUND),
    "collapse.bounds.suresh.distinct": call(
        bounds.suresh.distinct, POSITIVE, **SPECTRUM | {"n": INT.but(10)}),
    "collapse.bounds.suresh.gaussian": call(bounds.suresh.gaussian, POSITIVE, **LEVEL_BOUND),
    "collapse.bounds.suresh.mixture": call(bounds.suresh.mixture, POSITIVE, **LEVEL_BOUND),
    "collapse.bounds.suresh.kappa": call(
        bounds.suresh.kappa, POSITIVE, n=SIZES_, eta=REALS_.but(2.0)),
    "collapse.bounds.ours.ancestors": call(
        bounds.ours.ancestors, POSITIVE, n=SIZES_, k=GENERATIONS),
    "collapse.bounds.ours.bernoulli": call(bounds.ours.bernoulli, PROBABILITY, **SHARE_BOUND),
    "collapse.bounds.ours.bernoulli_exponential": call(
        bounds.ours.bernoulli_exponential, NUMBER, **SHARE_BOUND),
    "collapse.bounds.ours.distinct": call(
        bounds.ours.distinct, POSITIVE, **SPECTRUM | {"n": INT.but(10)}),
    "collapse.bounds.ours.gaussian": call(bounds.ours.gaussian, PROBABILITY, **GAUSSIAN_LAW),
    "collapse.bounds.ours.interior": call(bounds.ours.interior, NUMBER, **SHARE_BOUND),
    "collapse.bounds.ours.mixture": call(
        bounds.ours.mixture, PROBABILITY, **LEVEL_BOUND, eta=REAL.but(2.0)),
    "collapse.bounds.ours.mixture_moment": call(
        bounds.ours.mixture_moment, POSITIVE, **LEVEL_BOUND, eta=REAL.but(2.0)),
    "collapse.bounds.ours.poisson": call(bounds.ours.poisson, PROBABILITY, **RATE_BOUND),
    "collapse.bounds.ours.walk": call(
        bounds.ours.walk, PROBABILITY, x=REALS_, noise=REALS_, n=SIZES_, dim=SIZES_.but(2),
        std=REALS_),
    "collapse.bounds.ours.walk_reflection": call(
        bounds.ours.walk_reflection, PROBABILITY, x=REALS_, noise=REALS_, n=SIZES_,
        dim=SIZES_.but(2), std=REALS_),
    # ------------------------------------------------------------ genealogy
    "collapse.genealogy.parents": call(
        genealogy.parents, NUMBER, n=INT, generations=INT.but(3), fresh_fraction=REAL, seed=SEED),
    "collapse.genealogy.inherit": call(
        genealogy.inherit, ANY, parents=PARENTS,
        founders=kind((1, 2, 3), ANYTHING, _arrays(1, 2, 3)),
        fresh=kind(None, ANYTHING, _arrays(1, 2, 3))),
    "collapse.genealogy.lineages": call(genealogy.lineages, ANY, parents=PARENTS),
    "collapse.genealogy.from_parents": call(genealogy.from_parents, ANY, parents=PARENTS),
    "collapse.genealogy.coalescent": call(
        genealogy.coalescent, ANY, n=INT, fresh_fraction=REAL, seed=SEED),
    "collapse.genealogy.mrca_times": call(
        genealogy.mrca_times, POSITIVE, n=INT, replications=INT, seed=SEED),
    # ------------------------------------------------------------ texts
    "collapse.datasets.count_spectrum": call(
        datasets.count_spectrum, POSITIVE, tokens=kind(("a", "b"), [
            make for make in ANYTHING if make() is not None], [lambda: None])),
    "collapse.datasets.load_text": call(
        datasets.load_text, ANY, errors=(OSError,),
        source=NAME.but("default"), cache=NAME.but(None), progress=FLAG),
    "collapse.datasets.published_readings": call(
        datasets.published_readings, POSITIVE, figure=NAME.but("P1-F-gmm"),
        curve=NAME.but("exact ML")),
    "collapse.datasets.stored": call(datasets.stored, ANY, name=NAME.but("tail")),
    "collapse.datasets.words": call(datasets.words, ANY, text=TEXT),
    "collapse.datasets.wikitext2_counts": call(datasets.wikitext2_counts, POSITIVE),
    "collapse.datasets.wikitext2_ngrams": call(datasets.wikitext2_ngrams, ANY),
    "collapse.datasets.wikitext2_script": call(datasets.wikitext2_script, ANY),
    "collapse.datasets.wikitext2_sentence_counts": call(
        datasets.wikitext2_sentence_counts, POSITIVE),
    "collapse.language.split_sentences": call(
        language.split_sentences, ANY, text=TEXT, rule=option("published", "sentences", "none")),
    "collapse.language.Corpus": call(
        language.Corpus, ANY, also=("tokens", "lengths"), tokens=COUNTS.but((0, 1, 0)),
        lengths=COUNTS.but((2, 1)),
        vocabulary=kind(("a", "b"), ANYTHING, [lambda: "ab", lambda: (1, 2), lambda: ("a",)])),
    "collapse.language.Corpus.from_text": call(
        language.Corpus.from_text, ANY, text=TEXT,
        split=option("none", "published", "sentences"), punctuation=FLAG),
    "collapse.language.Corpus.sentences": call(_corpus().sentences, ANY, stop=INT),
    "collapse.language.Corpus.distinct_ngrams": call(
        _corpus().distinct_ngrams, POSITIVE, n=INT),
    "collapse.language.Corpus.conditional_entropy": call(
        _corpus().conditional_entropy, POSITIVE, order=INT),
    "collapse.language.NGram": call(language.NGram, ANY, corpus=CORPUS, order=INT.but(2)),
    "collapse.language.NGram.generate": call(
        language.NGram(_corpus(), 2).generate, ANY, rng=GENERATOR, tokens=INT, max_words=INT,
        start=option("sentence", "uniform")),
    "collapse.language.NGram.generate sentences": call(
        language.NGram(_corpus(), 2).generate, ANY, rng=GENERATOR, sentences=INT, max_words=INT,
        start=option("uniform", "sentence")),
    "collapse.language.iter_generations": call(
        language.iter_generations, ANY, rng=GENERATOR, **NGRAMS),
    "collapse.language.recursive_ngram": call(
        language.recursive_ngram, ANY, replications=INT.but(2), seed=SEED,
        statistics=kind(("words",), ANYTHING, [lambda: ("word",), lambda: [["words"]]]), **NGRAMS),
    # ------------------------------------------------------------ tables
    "collapse.tables.Table": call(
        tables.Table, ANY, also=("names", "kinds"), names=NAME.but(("visits", "sex", "size")),
        kinds=KINDS, values=VALUES),
    "collapse.tables.load_table": call(
        tables.load_table, ANY, errors=(OSError,), source=NAME.but("no such file.csv")),
    "collapse.tables.halves": call(tables.halves, ANY, table=TABLE, seed=SEED),
    "collapse.tables.fit_copula": call(
        tables.fit_copula, ANY, values=VALUES, kinds=KINDS,
        margins=option("empirical", "parametric"), latent=option("fitted", "observed")),
    "collapse.tables.fit_regression": call(
        tables.fit_regression, ANY, values=VALUES, kinds=KINDS),
    "collapse.tables.recursive_table": call(
        tables.recursive_table, NUMBER, table=TABLE,
        fit=kind(tables.fit_copula, [make for make in ANYTHING if not callable(make())],
                 [lambda: tables.fit_regression]),
        sample_size=SCHEDULE.but(30), generations=INT.but(2), seed=SEED),
    "collapse.tables.kolmogorov": call(
        tables.kolmogorov, PROBABILITY, values=VALUES, reference=VALUES),
    "collapse.tables.dependence": call(tables.dependence, (-1.0001, 1.0001), values=VALUES),
    "collapse.tables.correlation": call(tables.correlation, (-1.0001, 1.0001), values=VALUES),
    "collapse.tables.induced": call(
        tables.induced, (-1.0001, 1.0001), values=VALUES, latent=MATRIX.but(np.eye(3))),
    # ------------------------------------------------------------ figures and numbers of chapters
    "collapse.plotting.shades": call(plotting.shades, PROBABILITY, count=INT),
    "collapse.plotting.use_style": call(plotting.use_style, ANY),
    "collapse.plotting.band": call(
        partial(_finish, plotting.band), ANY, ax=AX, x=REALS_.but((1.0, 2.0)),
        share=SHARES.but((0.5, 0.5)), replications=INT, label=NAME.but("a")),
    "collapse.plotting.fan": call(
        partial(_finish, plotting.fan), ANY, ax=AX, x=REALS_.but((1.0, 2.0)),
        quantiles=MATRIX.but(((1, 2), (2, 3), (3, 4))), labels=NAME.but(("band", "middle"))),
    "collapse.publishing.emit": call(
        publishing.emit, ANY, name=NAME.but("a.b"), value=REAL, se=REAL,
        replications=INT),
    "collapse.publishing.show": call(
        partial(_finish, publishing.show), ANY, fig=lazy(kind(None, ANYTHING), plt.figure),
        id=NAME.but("a"), alt=NAME.but("nothing"),
        data=kind(None, ANYTHING, ROWS.bad, [lambda: {"a": 1}, lambda: {"a": [1], "b": [1, 2]}])),
}

RESULTS = {
    "collapse.bounds._common.Bounds", "collapse.diagnostics.Stability",
    "collapse.diagnostics.Verdict", "collapse.genealogy.Tree",
    "collapse.laws.excitation.GaussianMoments", "collapse.laws.random_walk.Total",
    "collapse.planning.Plan",
}  # fmt: skip
"""Classes that the package makes and nobody else has to."""
