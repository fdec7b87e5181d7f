"""The laws in JavaScript, run by a browser, against their twins in the package."""

import json
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from scipy import stats

from collapse import schedules
from collapse.laws import excitation, gaussian, random_walk, wright_fisher

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "book" / "explorers" / "laws.mjs").read_text(encoding="utf-8")
RELATIVE = 1e-9  # more than a figure needs; sums are refined until they settle to 1e-10
ABSOLUTE = 1e-200
DRAWS = 100_000

pytestmark = pytest.mark.browser


class Module:
    """A module's text, loaded in a blank page."""

    def __init__(self, page, text):
        self.page = page
        url = f"data:text/javascript,{quote(text)}"
        page.evaluate("async (url) => { window.laws = await import(url); }", url)

    def values(self, name, points):
        """Return what the function gives at each point, a tuple of arguments."""
        return self.page.evaluate(
            """([name, points]) => points.map((point) => {
              const value = laws[name](...point);
              return ArrayBuffer.isView(value) ? Array.from(value) : value;
            })""",
            [name, [[float(x) for x in point] for point in points]],
        )

    def draws(self, name, *arguments, seed=1):
        """Return an array of independent draws."""
        text = self.page.evaluate(
            """([name, args, seed, size]) => {
              const source = laws.random(seed);
              return JSON.stringify(Array.from({ length: size }, () => source[name](...args)));
            }""",
            [name, arguments, seed, DRAWS],
        )
        return np.array(json.loads(text))


@pytest.fixture(scope="module")
def module(browser):
    page = browser.new_page()
    yield Module(page, TEXT)
    page.close()


@pytest.fixture
def with_fault(browser):
    """with_fault(old, new): the module with one piece of its text replaced."""
    page = browser.new_page()

    def load(old, new):
        assert TEXT.count(old) == 1
        return Module(page, TEXT.replace(old, new))

    yield load
    page.close()


def _std_survival(x, n, k, ddof):
    return gaussian.std_sf(x, n, k, ddof=ddof)


def _std_quantile(q, n, k, ddof):
    return gaussian.std_ppf(q, n, k, ddof=ddof)


def _symbol_survival(count, n, last):
    return wright_fisher.survival(count / n, n, np.arange(last + 1))


def _sample_sizes(n, exponent, last):
    return schedules.power(n, exponent)(np.arange(last))


def _noise_sum(n, exponent, last):
    return random_walk.noise_sum(schedules.power(n, exponent), np.arange(last + 1))


PROBABILITIES = (0.0, 1e-6, 0.01, 0.1, 0.5, 0.9, 0.99, 1 - 1e-6, 1.0)
LOOPS = list(product((2, 3, 10, 50, 200), (0, 1, 2, 10, 100, 1000), (0, 1)))  # n, k, ddof
SPREADS = [
    (x, *loop)
    for loop in LOOPS
    for x in (1e-300, 0.5, 1.0, 1.5, 30.0, 1e50, 1e300, *_std_quantile(PROBABILITIES, *loop))
]
SCHEDULES = list(product((1, 2, 20), (0.0, 0.5, 1.0, 1.05, 1.5, 2.0), (0, 1, 500)))
TIE = float(np.log2(1.25))  # 2 · 2^TIE is half an odd number, rounded to 2

# name: (twin, points)
LAWS = {
    "stdSurvival": (_std_survival, SPREADS),
    "stdQuantile": (_std_quantile, [(q, *loop) for loop in LOOPS for q in PROBABILITIES]),
    "symbolSurvival": (
        _symbol_survival,
        [(count, n, 300) for n in (1, 2, 3, 60) for count in {0, 1, n // 2, n}]
        + [(1, 200, 1000), (150, 200, 1000), (3, 10, 0), (3, 10, 1)],
    ),
    "sampleSizes": (_sample_sizes, [*SCHEDULES, (2, TIE, 3)]),
    "noiseSum": (_noise_sum, [*SCHEDULES, (20, 1.5, 10_000)]),
    "excitationPmf": (
        excitation.stationary_pmf,
        list(product((0.0, 1e-6, 0.3, 0.5, 0.99, 1.0), (1, 2, 20, 100),
                     (1e-9, 1e-3, 0.05, 0.5, 1.0))) + [(0.3, 200, 0.01)],
    ),
    "excitationVariance": (
        excitation.stationary_variance,
        list(product((0.0, 1e-6, 0.3, 1.0), (1, 2, 20, 200), (1e-9, 0.05, 1.0))),
    ),
}


@cache
def expected_values(name):
    twin, points = LAWS[name]
    return [np.asarray(twin(*point), dtype=float) for point in points]


def disagreements(module, name):
    """Return the points at which a function and its twin differ, with both values."""
    points = LAWS[name][1]
    values = [np.array(value, dtype=float) for value in module.values(name, points)]
    return [
        (point, value, expected)
        for point, value, expected in zip(points, values, expected_values(name), strict=True)
        if value.shape != expected.shape
        or not np.allclose(value, expected, rtol=RELATIVE, atol=ABSOLUTE)
    ]


@pytest.mark.parametrize("name", LAWS)
def test_a_law_agrees_with_its_twin(module, name):
    assert disagreements(module, name) == []


@pytest.mark.parametrize(("name", "old", "new"), [
    ("stdSurvival", "-1 / 360, 1 / 12]", "-1 / 360, 1 / 12.001]"),
    ("stdQuantile", "(n - 1) / (n - ddof)", "(n - 1) / (n - 1)"),
    ("symbolSurvival", "alive[0] = 0;", "alive[0] = 1e-6;"),
    ("sampleSizes", "near % 2 ? near - 1 : near", "near % 2 ? near : near"),
    ("noiseSum", "Math.max(t, 1)", "Math.max(t, 2)"),
    ("excitationPmf", "(1 - alpha) * (n - i) / n", "(1 - alpha) * (n - i) / (n + 1e-4)"),
    ("excitationVariance", "(n - 1) * alpha * (2 - alpha)", "n * alpha * (2 - alpha)"),
])
def test_a_wrong_constant_is_found(with_fault, name, old, new):
    assert disagreements(with_fault(old, new), name) != []


def test_without_fresh_data_all_is_kept_or_lost(module):
    [law] = module.values("excitationPmf", [(0.3, 20, 0.0)])
    assert np.allclose(law, excitation.stationary_pmf(0.3, 20, 1e-12), atol=1e-9)
    assert module.values("excitationVariance", [(0.3, 20, 0.0)]) == [pytest.approx(0.3 * 0.7)]


def fate(growth, decay):
    """Return the fate by the theorem of two sums, for sizes t^growth, fresh fraction t^−decay."""
    pull_is_finite, noise_is_finite = decay > 1, growth > 1
    if pull_is_finite:
        return "drift" if noise_is_finite else "collapse"
    if noise_is_finite or growth > decay:  # a finite sum of noise, or ever more fresh samples
        return "consistency"
    return "degeneration" if growth == decay else "collapse"


def misplaced(module):
    """Return the places whose region is not their fate, on a grid with all boundaries."""
    grid = [Fraction(i, 10) for i in range(21)]
    places = list(product(grid, [*grid, np.inf]))
    rounded = dict(zip(grid, np.cumsum([0.0] + [0.1] * 20), strict=True))  # as a slider adds up
    found = module.values("phase", [(rounded[growth], decay) for growth, decay in places])
    return [place for place, answer in zip(places, found, strict=True)
            if answer["region"] != fate(*place)]


def test_the_phase_diagram_is_the_corollary(module):
    assert misplaced(module) == []


@pytest.mark.parametrize(("old", "new"), [
    ("s > 1 && r > 1", "s >= 1 && r > 1"), ("s > 1 && r > 1", "s > 1 && r >= 1"),
    ("s < r", "s <= r"), ("Math.round(x * 1e9) / 1e9", "x"),
])
def test_a_wrong_boundary_is_found(with_fault, old, new):
    assert misplaced(with_fault(old, new)) != []


def test_the_phase_diagram_names_a_theorem_of_the_chapter(module):
    chapter = (ROOT / "book" / "synthesis" / "one-picture.md").read_text(encoding="utf-8")
    for place in module.values("phase", [(0, 0), (0, 1), (1, 0), (2, 2)]):
        assert f":label: {place['theorem']}\n" in chapter
        assert place["region"] in place["label"]


CONTINUOUS = {
    ("uniform",): stats.uniform(),
    ("normal",): stats.norm(),
    ("gamma", 0.7): stats.gamma(0.7),
    ("gamma", 1): stats.gamma(1),
    ("gamma", 7.5): stats.gamma(7.5),
    ("chi2", 1): stats.chi2(1),
    ("chi2", 9): stats.chi2(9),
}
DISCRETE = {
    ("integer", 7): stats.randint(0, 7),
    ("binomial", 1, 0.3): stats.binom(1, 0.3),
    ("binomial", 40, 0.02): stats.binom(40, 0.02),
    ("binomial", 41, 0.6): stats.binom(41, 0.6),
    ("binomial", 500, 0.37): stats.binom(500, 0.37),
    ("binomial", 3000, 0.999): stats.binom(3000, 0.999),
}


@pytest.fixture
def assert_moments(assert_within):
    """assert_moments(draws, law): their mean and variance are the law's."""

    def check(draws, law):
        mean, variance, kurtosis = map(float, law.stats(moments="mvk"))
        assert_within(draws.mean(), mean, np.sqrt(variance / DRAWS))
        squares = np.mean((draws - mean) ** 2)
        assert_within(squares, variance, variance * np.sqrt((kurtosis + 2) / DRAWS))

    return check


@pytest.mark.parametrize("call", [*CONTINUOUS, *DISCRETE], ids=str)
def test_draws_have_their_mean_and_variance(module, assert_moments, call):
    assert_moments(module.draws(*call), (CONTINUOUS | DISCRETE)[call])


@pytest.mark.parametrize("call", CONTINUOUS, ids=str)
def test_continuous_draws_have_their_law(module, assert_plausible, call):
    assert_plausible(stats.kstest(module.draws(*call), CONTINUOUS[call].cdf).pvalue)


@pytest.mark.parametrize("call", DISCRETE, ids=str)
def test_discrete_draws_have_their_law(module, assert_proportion, call):
    draws, law = module.draws(*call), DISCRETE[call]
    levels = np.unique(law.ppf([0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999]))
    assert_proportion((draws[:, None] <= levels).sum(axis=0), DRAWS, law.cdf(levels))
    assert np.all((draws >= law.support()[0]) & (draws <= law.support()[1]))


@pytest.mark.parametrize(("old", "new", "call"), [
    ("shape - 1 / 3", "shape - 1 / 2", ("gamma", 7.5)),
    ("g.uniform() ** (1 / shape)", "g.uniform()", ("chi2", 1)),
    ("2 * Math.PI * g.uniform()", "Math.PI / 2 * g.uniform()", ("normal",)),
    ("p = (p - median) / (1 - median);", "", ("binomial", 500, 0.37)),
])
def test_a_wrong_sampler_is_found(with_fault, assert_moments, old, new, call):
    draws = with_fault(old, new).draws(*call)
    with pytest.raises(AssertionError, match="standard errors from"):
        assert_moments(draws, (CONTINUOUS | DISCRETE)[call])


def test_a_seed_gives_one_stream_and_another_seed_another(module, assert_within):
    first, again, other = (module.draws("uniform", seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    products = 12 * (first - 0.5) * (other - 0.5)  # independent: mean 0, variance 1
    assert_within(products.mean(), 0.0, 1 / np.sqrt(DRAWS))


def test_first_draws_of_neighbouring_seeds_are_uniform(module, assert_plausible):
    firsts = module.page.evaluate(
        "(size) => Array.from({ length: size }, (_, seed) => laws.random(seed).uniform())", DRAWS
    )
    assert_plausible(stats.kstest(firsts, "uniform").pvalue)
