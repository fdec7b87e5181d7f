"""Bernoulli, Poisson, Categorical: the quick step against samples, exact laws and a slow twin."""

import numpy as np
import pytest
from scipy import stats
from slow_twin import categorical as slow_categorical

from collapse import Bernoulli, Categorical, Poisson, laws, recursive_training, replay
from models.starts import start

REPLICATIONS = 5000


def step(model, size, rng, replications=REPLICATIONS):
    return model.step(start(model, replications), size, rng)


def draw_then_fit(model, size, rng, replications=REPLICATIONS):
    return model.fit(model.draw(start(model, replications), size, rng))


def assert_counts(observed, law, assert_plausible):
    """A chi-square test of integers against a frozen scipy law, cells of at least ten."""
    low, high = int(law.ppf(1e-3)), int(law.ppf(1 - 1e-3))
    edges = np.arange(low, high + 1)
    expected = np.concatenate([[law.cdf(low)], law.pmf(edges[1:-1]), [law.sf(high - 1)]])
    cells = np.clip(observed, low, high) - low
    counts = np.bincount(cells, minlength=high - low + 1)
    if high == low:
        return
    keep = expected * observed.size > 10
    counts = np.append(counts[keep], counts[~keep].sum())
    means = np.append(expected[keep], expected[~keep].sum()) * observed.size
    used = means > 0
    assert np.all(counts[~used] == 0)
    means[used] *= counts.sum() / means[used].sum()
    assert_plausible(stats.chisquare(counts[used], means[used]).pvalue)


@pytest.mark.parametrize("route", [step, draw_then_fit])
class TestOneGeneration:
    @pytest.mark.parametrize("size, p", [(1, 0.5), (10, 0.2), (100, 0.01), (1000, 0.9)])
    def test_bernoulli(self, size, p, route, assert_plausible):
        fitted = route(Bernoulli(p), size, np.random.default_rng([1, size]))
        counts = np.rint(fitted["p"] * size).astype(int)
        np.testing.assert_allclose(fitted["p"], counts / size, rtol=1e-15)
        assert_counts(counts, stats.binom(size, p), assert_plausible)

    @pytest.mark.parametrize("size, rate", [(1, 0.5), (10, 1.0), (10, 10.0), (100, 0.03)])
    def test_poisson(self, size, rate, route, assert_plausible):
        fitted = route(Poisson(rate), size, np.random.default_rng([2, size]))
        counts = np.rint(fitted["rate"] * size).astype(int)
        assert_counts(counts, stats.poisson(size * rate), assert_plausible)

    def test_categorical_marginals(self, route, assert_plausible):
        p = np.array([0.5, 0.0, 0.3, 0.15, 0.05])
        fitted = route(Categorical(p), 40, np.random.default_rng(3))["probabilities"]
        np.testing.assert_allclose(fitted.sum(axis=1), 1)
        assert np.all(fitted[:, 1] == 0)
        for symbol in (0, 2, 3, 4):
            counts = np.rint(40 * fitted[:, symbol]).astype(int)
            assert_counts(counts, stats.binom(40, p[symbol]), assert_plausible)

    def test_categorical_joint_law(self, route, assert_plausible):
        # All ten outcomes of three samples from three symbols.
        p = np.array([0.5, 0.3, 0.2])
        fitted = route(Categorical(p), 3, np.random.default_rng(4))["probabilities"]
        counts = np.rint(3 * fitted).astype(int)
        outcomes = [(a, b, 3 - a - b) for a in range(4) for b in range(4 - a)]
        observed = [np.sum(np.all(counts == outcome, axis=1)) for outcome in outcomes]
        expected = [REPLICATIONS * stats.multinomial.pmf(outcome, 3, p) for outcome in outcomes]
        assert sum(observed) == REPLICATIONS
        assert_plausible(stats.chisquare(observed, expected).pvalue)
        with pytest.raises(AssertionError):  # power: independent symbols are told apart
            independent = [np.prod(stats.poisson.pmf(outcome, 3 * p)) for outcome in outcomes]
            independent = np.array(independent) / np.sum(independent)
            wrong = stats.multinomial.pmf(outcomes, 3, [0.45, 0.35, 0.2]) * REPLICATIONS
            assert_plausible(stats.chisquare(observed, wrong).pvalue)

    def test_smoothing(self, route, assert_plausible):
        p, beta = np.array([0.7, 0.3, 0.0]), 0.5
        fitted = route(Categorical(p, smoothing=beta), 8, np.random.default_rng(5))
        counts = fitted["probabilities"] * (8 + 3 * beta) - beta
        np.testing.assert_allclose(counts, np.rint(counts), atol=1e-12)
        assert np.all(fitted["probabilities"] >= beta / (8 + 3 * beta) - 1e-15)
        assert_counts(np.rint(counts[:, 0]).astype(int), stats.binom(8, 0.7), assert_plausible)


@pytest.mark.parametrize("model", [Bernoulli(0.3), Poisson(0.7), Categorical([0.2, 0.3, 0.5])],
                         ids=repr)
def test_step_and_draw_then_fit_have_one_law(model, assert_plausible):
    quick = step(model, 6, np.random.default_rng(6))
    plain = draw_then_fit(model, 6, np.random.default_rng(7))
    assert set(quick) == set(plain)
    for name in quick:
        assert quick[name].shape == plain[name].shape
        columns = [(quick[name], plain[name])] if quick[name].ndim == 1 else zip(
            quick[name].T, plain[name].T, strict=True)
        for a, b in columns:
            values = np.union1d(a, b)
            table = [[np.sum(np.isclose(x, v)) for v in values] for x in (a, b)]
            table = np.array(table)[:, np.sum(table, axis=0) > 10]
            assert_plausible(stats.chi2_contingency(table).pvalue)


class TestManyGenerations:
    @pytest.mark.parametrize("p, n, k", [(0.01, 100, 50), (0.001, 10_000, 20), (0.5, 5, 7)])
    def test_bernoulli(self, p, n, k, assert_proportion):
        run = recursive_training(Bernoulli(p), sample_size=n, generations=k, replications=20_000,
                                 seed=11, keep=[1, k])["p"].values
        exact = laws.wright_fisher.survival(p, n, [1, k])
        assert_proportion((run > 0).sum(axis=0), 20_000, exact)
        both = laws.wright_fisher.interior(p, n, [1, k])
        assert_proportion(((run > 0) & (run < 1)).sum(axis=0), 20_000, both)
        with pytest.raises(AssertionError):  # power: n and 2n are told apart
            assert_proportion((run > 0).sum(axis=0), 20_000,
                              laws.wright_fisher.survival(p, 2 * n, [1, k]))

    def test_bernoulli_with_changing_sizes(self, assert_proportion):
        sizes = [5, 50, 3, 20, 400]
        run = recursive_training(Bernoulli(0.2), sample_size=sizes, generations=5,
                                 replications=20_000, seed=12)["p"].values
        exact = laws.wright_fisher.survival(0.2, sizes, np.arange(1, 6))
        assert_proportion((run[:, 1:] > 0).sum(axis=0), 20_000, exact)

    @pytest.mark.parametrize("rate", [0.1, 1.0])
    def test_poisson(self, rate, assert_proportion):
        run = recursive_training(Poisson(rate), sample_size=10, generations=60,
                                 replications=20_000, seed=13, keep=[1, 10, 60])["rate"].values
        exact = laws.poisson.survival(rate, 10, [1, 10, 60])
        assert_proportion((run > 0).sum(axis=0), 20_000, exact)
        with pytest.raises(AssertionError):
            assert_proportion((run > 0).sum(axis=0), 20_000,
                              laws.poisson.survival(rate, 11, [1, 10, 60]))

    def test_distinct_symbols(self, assert_within):
        p = 1 / (np.arange(1, 201) + 2.7)
        p /= p.sum()
        run = recursive_training(Categorical(p), sample_size=200, generations=12,
                                 replications=4000, seed=14, keep=[1, 4, 12])
        distinct = (run["probabilities"].values > 0).sum(axis=-1)
        exact = laws.wright_fisher.expected_distinct([1, 4, 12], probabilities=p, n=200)
        assert_within(distinct.mean(axis=0), exact, distinct.std(axis=0, ddof=1) / 4000**0.5)

    def test_distinct_symbols_by_the_slow_twin(self, assert_plausible):
        p = np.array([0.4, 0.3, 0.2, 0.05, 0.05])
        slow = slow_categorical(np.random.default_rng(15), probabilities=p, sizes=[12] * 8,
                                replications=1500)
        run = recursive_training(Categorical(p), sample_size=12, generations=8, replications=5000,
                                 seed=16)["probabilities"].values
        # The whole path: when each of the symbols is lost.
        for symbol in (0, 3):
            lost = [(x[:, 1:, symbol] > 0).sum(axis=1) for x in (slow, run)]
            table = np.array([np.bincount(values, minlength=9) for values in lost])
            table = table[:, table.sum(axis=0) > 10]
            assert_plausible(stats.chi2_contingency(table).pvalue)


def test_lost_symbols_stay_lost():
    # Hundreds of symbols, few samples: whatever rounding leaves over goes to a living symbol.
    counts = np.arange(1, 400)
    run = recursive_training(Categorical(counts=counts), sample_size=60, generations=40,
                             replications=300, seed=17)["probabilities"].values
    alive = run > 0
    assert np.all(alive[:, 1:] <= alive[:, :-1])
    np.testing.assert_allclose(run.sum(axis=-1), 1, rtol=1e-12)


def test_the_last_symbol_is_like_the_others(assert_proportion):
    # The counts are drawn with the most probable symbol in the last place: is it put back?
    for p in ([0.6, 0.3, 0.1], [0.1, 0.3, 0.6], [0.3, 0.6, 0.1]):
        run = recursive_training(Categorical(p), sample_size=4, generations=3, replications=20_000,
                                 seed=18)["probabilities"].values[:, 3]
        assert_proportion((run > 0).sum(axis=0), 20_000,
                          laws.wright_fisher.survival(p, 4, 3))


@pytest.mark.parametrize("model", [Bernoulli(0.3), Poisson(0.7), Categorical([0.2, 0.3, 0.5]),
                                   Categorical(counts=[5, 0, 2], smoothing=0.1)], ids=repr)
def test_replay(model):
    run = recursive_training(model, sample_size=7, generations=5, replications=4, seed=19)
    again = replay(run)
    assert run.identical(again)
    assert set(run.data_vars) == set(model.parameters)


def test_dimensions():
    run = recursive_training(Categorical([0.2, 0.8]), sample_size=7, generations=5, seed=1)
    assert run["probabilities"].dims == ("replication", "generation", "symbol")
    assert recursive_training(Bernoulli(0.1), sample_size=1, generations=2, seed=1)["p"].dims == (
        "replication", "generation")


def test_counts_are_shares():
    np.testing.assert_array_equal(Categorical(counts=[3, 0, 1]).parameters["probabilities"],
                                  [0.75, 0, 0.25])
