"""Genealogies: by hand, against a naive trace, and against the exact laws."""

import numpy as np
import pytest
from scipy import stats

from collapse import genealogy
from collapse.laws import excitation, wright_fisher


def test_parents():
    chosen = genealogy.parents(7, 500, fresh_fraction=0.25, seed=1)
    assert chosen.shape == (500, 7) and chosen.min() == -1 and chosen.max() == 6
    np.testing.assert_array_equal(
        chosen, genealogy.parents(7, 500, fresh_fraction=0.25, seed=1))
    assert genealogy.parents(7, 500, seed=1).min() == 0
    assert np.all(genealogy.parents(7, 5, fresh_fraction=1.0, seed=1) == -1)
    assert genealogy.parents(3, 0, seed=1).shape == (0, 3)


def test_parents_are_uniform_and_fresh_as_told(assert_plausible, assert_proportion):
    chosen = genealogy.parents(5, 4000, fresh_fraction=0.3, seed=2)
    counts = np.bincount(chosen[chosen >= 0], minlength=5)
    assert_plausible(stats.chisquare(counts).pvalue)
    assert_proportion(np.count_nonzero(chosen < 0), chosen.size, 0.3)


def test_inherit_by_hand():
    parents = np.array([[1, 1, -1], [2, -1, 0]])
    labels = genealogy.inherit(parents, np.array([10.0, 20, 30]), np.array([1.5, 2.5]))
    np.testing.assert_array_equal(labels, [[10, 20, 30], [20, 20, 1.5], [1.5, 2.5, 20]])
    paths = genealogy.inherit(np.array([[1, 1]]), np.array([[0.0, 1], [2, 3]]))
    np.testing.assert_array_equal(paths[1], [[2, 3], [2, 3]])


def test_lineages_by_hand():
    parents = np.array([[1, 1, -1], [2, -1, 0]])
    np.testing.assert_array_equal(
        genealogy.lineages(parents), [[False, True, False], [True, False, True], [True] * 3])


def naive_ancestors(parents, sample):
    """The places of one sample's ancestors, generation by generation back, until it stops."""
    line = [sample]
    for row in parents[::-1]:
        if row[line[-1]] < 0:
            break
        line.append(int(row[line[-1]]))
    return line


@pytest.mark.parametrize("fraction", [0.0, 0.05])
@pytest.mark.parametrize("seed", range(5))
def test_tree_against_a_naive_trace(fraction, seed):
    """Two samples meet in the tree exactly when their ancestors first agree."""
    n = 12
    parents = genealogy.parents(n, 30, fresh_fraction=fraction, seed=seed)
    tree = genealogy.from_parents(parents)
    lines = [naive_ancestors(parents, sample) for sample in range(n)]

    def up(node):
        out = [node]
        while tree.parent[out[-1]] >= 0:
            out.append(tree.parent[out[-1]])
        return out

    for a in range(n):
        root = up(a)[-1]
        last = len(lines[a]) - 1
        assert tree.stop[root] == (last if last < 30 else np.inf)
        for b in range(a):
            meet = next((t for t, (x, y) in enumerate(zip(lines[a], lines[b], strict=False))
                         if x == y), None)
            common = [node for node in up(a) if node in up(b)]
            assert (common == []) == (meet is None)
            if common:
                assert tree.time[common[0]] == meet


def test_tree_by_hand():
    parents = np.array([[0, 0, 0], [0, 0, 2]])
    tree = genealogy.from_parents(parents)
    np.testing.assert_array_equal(tree.time, [0, 0, 0, 1, 2])
    np.testing.assert_array_equal(tree.parent, [3, 3, 4, 4, -1])
    assert tree.mrca == 2 and tree.samples == 3
    place = tree.positions()
    assert sorted(place[:3]) == [0, 1, 2] and place[3] == (place[0] + place[1]) / 2
    assert abs(place[0] - place[1]) == 1  # the pair stands together


def test_one_sample():
    assert genealogy.coalescent(1, seed=1).mrca == 0
    assert genealogy.mrca_times(1, replications=3, seed=1).tolist() == [0, 0, 0]


@pytest.mark.parametrize("fraction", [0.0, 0.01])
def test_trees_are_drawn_without_crossings(fraction):
    """The samples below each node stand in one block."""
    for seed in range(20):
        tree = genealogy.coalescent(40, fresh_fraction=fraction, seed=seed)
        place = tree.positions()
        below = [{node} if node < 40 else set() for node in range(len(tree.parent))]
        for node, parent in enumerate(tree.parent):
            assert parent < 0 or tree.time[parent] > tree.time[node]
            if parent >= 0:
                below[parent] |= below[node]
        for samples in below:
            spots = sorted(place[sorted(samples)])
            assert spots == list(range(int(spots[0]), int(spots[0]) + len(samples)))


def test_every_ancestor_has_two_children():
    tree = genealogy.coalescent(1000, seed=3)
    children = np.bincount(tree.parent[tree.parent >= 0], minlength=len(tree.parent))
    assert np.all(children[:1000] == 0) and np.all(children[1000:] >= 2)
    assert np.count_nonzero(tree.parent < 0) == 1
    assert np.all(np.diff(tree.time[1000:]) >= 0)


@pytest.mark.parametrize("route", ["tree", "quick"])
@pytest.mark.parametrize("n", [2, 3, 25])
def test_time_to_the_common_ancestor(route, n, assert_within, assert_proportion):
    if route == "quick":
        times = genealogy.mrca_times(n, replications=3000, seed=4)
    else:
        seeds = np.random.SeedSequence(5).spawn(1500)
        times = np.array([genealogy.coalescent(n, seed=seed).mrca for seed in seeds])
    k = np.array([0, 1, n, 2 * n])
    assert_proportion((times[:, None] > k).sum(axis=0), len(times), wright_fisher.mrca_sf(n, k))
    mean = wright_fisher.mrca_mean(n)
    assert_within(times.mean(), mean, times.std() / np.sqrt(len(times)))
    with pytest.raises(AssertionError):  # power
        assert_within(times.mean(), 1.3 * mean, times.std() / np.sqrt(len(times)))


def test_lineages_that_end_at_the_source(assert_within):
    """As many as there are atoms; also from a run that was followed forwards."""
    n, fraction = 30, 0.02
    ends = np.array([
        np.isfinite(genealogy.coalescent(n, fresh_fraction=fraction, seed=seed).stop).sum()
        for seed in np.random.SeedSequence(6).spawn(2000)])
    expected = excitation.atoms(n, fraction)
    assert_within(ends.mean(), expected, ends.std() / np.sqrt(len(ends)))
    forwards = np.array([
        np.isfinite(genealogy.from_parents(
            genealogy.parents(n, 600, fresh_fraction=fraction, seed=seed)).stop).sum()
        for seed in np.random.SeedSequence(7).spawn(500)])
    assert_within(forwards.mean(), expected, forwards.std() / np.sqrt(len(forwards)))


@pytest.mark.parametrize("fraction", [1e-17, 1e-300])
def test_next_to_no_fresh_samples(fraction):
    """The last lineage goes back very far, and at once."""
    tree = genealogy.coalescent(20, fresh_fraction=fraction, seed=1)
    root = np.flatnonzero(tree.parent < 0)
    assert len(root) == 1 and 1e12 < tree.stop[root[0]] < np.inf


def test_the_last_lineage_stops_after_a_geometric_time(assert_plausible):
    trees = [genealogy.coalescent(1, fresh_fraction=0.2, seed=seed)
             for seed in np.random.SeedSequence(9).spawn(3000)]
    stops = np.array([tree.stop[0] for tree in trees]).astype(int)
    counts = np.bincount(np.minimum(stops, 15), minlength=16)
    law = 0.2 * 0.8 ** np.arange(16)
    law[15] = 0.8**15
    assert_plausible(stats.chisquare(counts, 3000 * law).pvalue)


def test_lineages_alive(assert_within):
    n, fraction, back = 40, 0.03, 25
    alive = np.array([
        genealogy.lineages(genealogy.parents(n, back, fresh_fraction=fraction, seed=seed))[0].sum()
        for seed in np.random.SeedSequence(8).spawn(2000)])
    assert_within(alive.mean(), excitation.lineages(n, fraction, back),
                  alive.std() / np.sqrt(len(alive)))
