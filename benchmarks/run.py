"""Speed and memory of the loop, measured in one run: `make bench`.

Speed is a ratio, so that the machine cancels: the package against `plain.py`, against loops around
established estimators (`established.py`), and for the Gaussian against the bare cost of the random
numbers that one generation needs (a normal for the mean, a gamma for the variance).  The routes
take turns; for a target the best of five counts, and all five are stored.  The slow loops run a
part of the replications and count in proportion.  Exit status 1 if a target is missed.

The page of the book shows what `make bench-store` has measured.
"""

import argparse
import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import time

import established
import numpy as np
import plain
import scipy

import collapse
import collapse.datasets
from collapse import genealogy, language, laws

ROUNDS = 5
FIGURES = {
    "P1-F-gauss": dict(replications=1000, generations=200, sample_size=10),
    "P1-F2a": dict(replications=25, generations=2500, sample_size=100),
}
GIBIBYTE = 2**30


def zipf(a, b):
    """p_i proportional to 1/(i + b)^a, i = 1, ..., 1000."""
    weight = 1 / (np.arange(1, 1001) + b) ** a
    return weight / weight.sum()


LOGISTIC = [0.0, 0.5, -0.5, 0.5, -0.5, 0.5]  # an intercept and five covariates

# Figure: its runs (model, arguments of a plain loop, sizes), and the share of the replications
# that the plain loop does.
AGAINST_PLAIN = {
    "P1-F-bern": (plain.bernoulli, 40, [
        (collapse.Bernoulli(p), dict(p=p),
         dict(replications=5000, generations=50, sample_size=n))
        for p, n in ((0.001, 10_000), (0.01, 100))]),
    "P1-F-poisson": (plain.poisson, 40, [
        (collapse.Poisson(rate), dict(rate=rate),
         dict(replications=5000, generations=500, sample_size=10)) for rate in (1.0, 10.0)]),
    "P1-F-zipf": (plain.categorical, 200, [
        (collapse.Categorical(zipf(a, b)), dict(probabilities=zipf(a, b), one_by_one=True),
         dict(replications=200, generations=10, sample_size=1000))
        for a, b in ((1, 2.7), (2, 5))]),
    "P1-F-zipf, one call a generation": (plain.categorical, 5, [
        (collapse.Categorical(zipf(a, b)), dict(probabilities=zipf(a, b), one_by_one=False),
         dict(replications=200, generations=10, sample_size=1000))
        for a, b in ((1, 2.7), (2, 5))]),
    "P1-F-gmm, maximum likelihood": (plain.mixture, 50, [
        (collapse.GaussianMixture(1.0, 1.0), dict(mean=1.0, std=1.0),
         dict(replications=500, generations=200, sample_size=10))]),
    "P3-X-degeneration, two symbols": (plain.excited_bernoulli, 40, [
        (collapse.Bernoulli(0.3), dict(p=0.3),
         dict(replications=2000, generations=600, sample_size=100, fresh_fraction=0.005))]),
    "P3-X-gauss": (plain.excited_gaussian, 40, [
        (collapse.Gaussian(), {},
         dict(replications=2000, generations=300, sample_size=100, fresh_fraction=0.02))]),
    "logistic regression": (plain.logistic, 50, [
        (collapse.GLM(LOGISTIC, family="logistic"), dict(coefficients=LOGISTIC),
         dict(replications=1000, generations=50, sample_size=200))]),
}
TARGETS = {"P1-F-bern": 400, "P1-F-poisson": 70, "P1-F-zipf": 500,
           "P1-F-zipf, one call a generation": 1, "P1-F-gmm, maximum likelihood": 8,
           "P3-X-degeneration, two symbols": 40, "P3-X-gauss": 60,
           "logistic regression": 20}
# The same against established estimators: also the package that is needed.
AGAINST_ESTABLISHED = {
    "logistic regression against statsmodels' Logit": (
        "statsmodels", established.logistic_statsmodels, 100,
        AGAINST_PLAIN["logistic regression"][2]),
    "P1-F-gmm against scikit-learn's GaussianMixture": (
        "sklearn", established.mixture_sklearn, 250,
        AGAINST_PLAIN["P1-F-gmm, maximum likelihood"][2]),
}
KEPT = [0, 50, 100, 150, 200]
MANY = (10**4, 10**5, 10**6)


def ours(sizes):
    collapse.recursive_training(collapse.Gaussian(), seed=1, **sizes)


def bare_draws(sizes):
    """Nothing but the random numbers, in two calls."""
    rng = np.random.default_rng(1)
    shape = (sizes["replications"], sizes["generations"])
    rng.standard_normal(shape)
    rng.standard_gamma((sizes["sample_size"] - 1) / 2, shape)


def seconds(function, *arguments, **options):
    start = time.perf_counter()
    function(*arguments, **options)
    return time.perf_counter() - start


def gaussian_in_turns(sizes):
    """Times of each route; the routes take turns, so a slow spell hits all of them."""
    rounds = [(seconds(ours, sizes), seconds(bare_draws, sizes),
               seconds(plain.gaussian, seed=1, **sizes)) for _ in range(ROUNDS)]
    return dict(zip(("ours", "bare", "plain"), map(list, zip(*rounds, strict=True)), strict=True))


def in_turns(function, part, runs):
    """Times of the package and of another loop for all runs of a figure."""
    rounds = []
    for _ in range(ROUNDS):
        quick = sum(seconds(collapse.recursive_training, model, seed=1, **sizes)
                    for model, _, sizes in runs)
        slow = sum(
            part * seconds(function, seed=1, **start,
                           **sizes | {"replications": sizes["replications"] // part})
            for _, start, sizes in runs)
        rounds.append((quick, slow))
    return dict(zip(("ours", "plain"), map(list, zip(*rounds, strict=True)), strict=True))


def ratio(times, slow="plain", quick="ours"):
    """How many times as long the slow route takes, by the best round of each."""
    return min(times[slow]) / min(times[quick])


# Exact laws: what, call, unit of time in seconds, at most so many of them.
WIKITEXT, ZIPF, GENERATIONS = collapse.datasets.wikitext2_counts(), zipf(1, 2.7), np.arange(11)
LAWS = [
    ("survival, n = 10^4, all k <= 50", "ms", 1e-3, 200,
     lambda: laws.wright_fisher.survival(0.001, 10**4, np.arange(51))),
    ("survival, n = 10^6, all k <= 200", "s", 1.0, 6, lambda: large_survival()),
    ("expected_distinct, WikiText, k <= 10", "ms", 1e-3, 20,
     lambda: laws.wright_fisher.expected_distinct(GENERATIONS, counts=WIKITEXT)),
    ("expected_distinct, Zipf averaged, k <= 10", "ms", 1e-3, 50,
     lambda: laws.wright_fisher.expected_distinct(GENERATIONS, probabilities=ZIPF, n=1000)),
    ("excitation.stationary_pmf, n = 2000", "s", 1.0, 2,
     lambda: laws.excitation.stationary_pmf(0.3, 2000, 1 / 4000)),
    ("genealogy.coalescent, n = 10^4", "s", 1.0, 3,
     lambda: genealogy.coalescent(10**4, seed=1)),
    ("branching.g(10^9)", "us", 1e-6, 100, lambda: laws.branching.g(10**9)),
]


def large_survival():
    return laws.wright_fisher.survival(1e-6, 10**6, np.arange(201))


def ngrams_in_turns():
    """Seconds a token: bigrams of the package, and drawn one by one from lists and fractions.

    The text has the words of WikiText-2, as often as there, in random order, in sentences of 20.
    """
    rng = np.random.default_rng(1)
    words = rng.permutation(np.repeat(np.arange(WIKITEXT.size), WIKITEXT))
    words = words[: words.size // 20 * 20]
    corpus = language.Corpus(words, np.full(words.size // 20, 20), map(str, range(WIKITEXT.size)))
    lists, fractions = plain.bigram_tables(words.reshape(-1, 20).tolist())
    models = {order: language.NGram(corpus, order) for order in (2, 16)}
    times = {}
    for _ in range(ROUNDS):
        routes = {
            "ours": (10**6, lambda size: models[2].generate(rng=rng, tokens=size)),
            "ours, order 16": (10**6, lambda size: models[16].generate(rng=rng, tokens=size)),
            "lists": (10**5, lambda size: plain.bigrams(lists, tokens=size, seed=1, copying=True)),
            "fractions": (10**4, lambda size: plain.bigrams(fractions, tokens=size, seed=1,
                                                            copying=False)),
        }
        if importlib.util.find_spec("nltk"):
            sentences = [list(map(str, row)) for row in words[:20_000].reshape(-1, 20)]
            routes["nltk"] = (2000, lambda size, sentences=sentences: established.bigrams_nltk(
                sentences, tokens=size, seed=1))
        for name, (size, draw) in routes.items():
            times.setdefault(name, []).append(seconds(draw, size) / size)
    return times


def peak_bytes():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def one_long_run(replications):
    """Time and peak memory of one run; called in a process of its own."""
    ours(FIGURES["P1-F-gauss"])  # First calls import and compile; they are not the loop.
    run_time = seconds(collapse.recursive_training, collapse.Gaussian(), sample_size=10,
                       generations=200, replications=replications, seed=1, keep=KEPT)
    return {"replications": replications, "seconds": run_time, "peak_bytes": peak_bytes()}


def one_large_law():
    """Peak memory of the largest law that has a target; called in a process of its own."""
    large_survival()
    return {"peak_bytes": peak_bytes()}


def in_a_process(*arguments):
    command = [sys.executable, __file__, *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure():
    """All measurements, and rows (what, value, unit, comparison, target)."""
    rows, times = [], {}
    # Processes first: one that a large process starts inherits its peak memory.
    long_runs = [min((in_a_process("--long-run", replications) for _ in range(3)),
                     key=lambda r: r["seconds"]) for replications in MANY]
    slope = np.polyfit(np.log([r["replications"] for r in long_runs]),
                       np.log([r["seconds"] for r in long_runs]), 1)[0].item()
    law = in_a_process("--large-law")
    for figure, sizes in FIGURES.items():
        ours(sizes)  # Imports and caches are warm before the first round.
        bare_draws(sizes)
        times[figure] = gaussian_in_turns(sizes)
    gauss, trajectories = times["P1-F-gauss"], times["P1-F2a"]
    rows.append(("P1-F-gauss: plain / ours", ratio(gauss), "", ">=", 120))
    rows.append(("P1-F-gauss: ours / bare draws", ratio(gauss, "ours", "bare"), "", "<=", 1.5))
    rows.append(("P1-F2a: plain / ours", ratio(trajectories), "", ">=", 100))

    for figure, (function, part, runs) in AGAINST_PLAIN.items():
        times[figure] = in_turns(function, part, runs)
        rows.append((f"{figure}: plain / ours", ratio(times[figure]), "", ">=", TARGETS[figure]))
    for what, (package, function, part, runs) in AGAINST_ESTABLISHED.items():
        if importlib.util.find_spec(package):
            times[what] = in_turns(function, part, runs)
            rows.append((f"{what}: theirs / ours", ratio(times[what]), "", ">=", 5))

    token = ngrams_in_turns()
    times["P1-F-ngram, 10^6 tokens"] = {
        name: [1e6 * t for t in rounds] for name, rounds in token.items()}
    for order in ("ours", "ours, order 16"):
        rows.append((f"P1-F-ngram, {order}: million tokens a second", 1e-6 / min(token[order]), "",
                     ">=", 1))
    rows.append(("P1-F-ngram: lists token by token / ours", ratio(token, "lists"), "", ">=", 10))
    rows.append(("P1-F-ngram: fractions token by token / ours", ratio(token, "fractions"), "",
                 ">=", 300))

    rows.append(("P1-F-gmm, maximum likelihood: 500 trajectories x 200",
                 min(times["P1-F-gmm, maximum likelihood"]["ours"]), "s", "<=", 1))
    rows.append(("logistic regression: 1000 replications x 50",
                 min(times["logistic regression"]["ours"]), "s", "<=", 60))

    for what, unit, scale, target, call in LAWS:
        call()
        times[what] = {"ours": [seconds(call) for _ in range(ROUNDS)]}
        rows.append((what, min(times[what]["ours"]) / scale, unit, "<=", target))

    rows.append(("10^6 x 200, five kept: peak memory", long_runs[-1]["peak_bytes"] / GIBIBYTE,
                 "GiB", "<", 1.0))
    rows.append(("survival, n = 10^6, all k <= 200: peak memory of the process",
                 law["peak_bytes"] / 2**20, "MiB", "<=", 512))
    rows.append(("time ~ replications^slope, 10^4 to 10^6: slope", slope, "", "<=", 1.1))
    return {"seconds": times, "long_runs": long_runs}, rows


def processor():
    """The name of the processor, where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":", 1)[1].strip() for line in file
                     if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or "unknown"


def met(value, comparison, target):
    return {"<": value < target, "<=": value <= target, ">=": value >= target}[comparison]


def main():
    parser = argparse.ArgumentParser(description="Speed and memory of the loop.")
    parser.add_argument("--json", metavar="FILE", help="write the results to this file, too")
    parser.add_argument("--long-run", type=int, metavar="REPLICATIONS", help=argparse.SUPPRESS)
    parser.add_argument("--large-law", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.large_law:
        print(json.dumps(one_large_law()))
        return 0
    if arguments.long_run is not None:
        print(json.dumps(one_long_run(arguments.long_run)))
        return 0

    details, rows = measure()
    for figure, times in details["seconds"].items():
        milliseconds = ", ".join(
            f"{name} {1000 * min(rounds):.2f} ms" for name, rounds in times.items())
        print(f"{figure}: {milliseconds}")
    for run in details["long_runs"]:
        print(f"{run['replications']:>9,} replications x 200: {run['seconds']:.3f} s, "
              f"peak {run['peak_bytes'] / GIBIBYTE:.2f} GiB")
    width = max(len(what) for what, *_ in rows)
    for what, value, unit, comparison, target in rows:
        verdict = "met" if met(value, comparison, target) else "MISSED"
        target = f"{comparison} {target}"
        print(f"{what:<{width}}  {value:8.2f} {unit:<3}  target {target:<7}  {verdict}")

    if arguments.json:
        result = {
            "versions": {"collapse": collapse.__version__, "numpy": np.__version__,
                         "scipy": scipy.__version__, "python": platform.python_version()},
            "machine": {"architecture": platform.machine(), "processor": processor(),
                        "cores": os.cpu_count(), "system": platform.system()},
            "details": details,
            "targets": [{"what": what, "value": value, "unit": unit, "comparison": comparison,
                         "target": target, "met": bool(met(value, comparison, target))}
                        for what, value, unit, comparison, target in rows],
        }
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=2)
            file.write("\n")
    missed = [what for what, value, _, *target in rows if not met(value, *target)]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
