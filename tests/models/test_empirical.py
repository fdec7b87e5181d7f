"""EmpiricalMeasure: its quick step against samples, slots, and the exact laws."""

import numpy as np
import pytest
from scipy import stats

from collapse import EmpiricalMeasure, Gaussian, recursive_training, replay
from collapse.laws import excitation, wright_fisher
from models.starts import start


def means(fitted, function=lambda x: x):
    """The integral of a function over each measure."""
    return (fitted["weights"] * function(fitted["atoms"])).sum(axis=1)


@pytest.mark.parametrize("size", [1, 4, 30])
def test_step_and_draw_then_fit_have_one_law(size, assert_plausible):
    model = EmpiricalMeasure([0.0, 1.0, 3.0, 7.0], [0.5, 0.2, 0.2, 0.1])
    state = start(model, 4000)
    quick = model.step(state, size, np.random.default_rng(1))
    plain = model.fit(model.draw(state, size, np.random.default_rng(2)))
    for fitted in (quick, plain):
        np.testing.assert_allclose(fitted["weights"].sum(axis=1), 1, rtol=1e-14)
        np.testing.assert_allclose(fitted["weights"] * size, np.rint(fitted["weights"] * size))
    both = [np.round(means(f), 9) for f in (quick, plain)]
    if size > 1:
        assert_plausible(stats.ks_2samp(*both).pvalue)
    for atom in (0.0, 7.0):
        counts = [np.bincount(np.rint(means(f, lambda x, a=atom: x == a) * size).astype(int),
                              minlength=size + 1) for f in (quick, plain)]
        table = np.array(counts)[:, np.sum(counts, axis=0) > 20]
        assert_plausible(stats.chi2_contingency(table).pvalue)


def test_an_atom_keeps_its_slot():
    atoms = np.arange(20.0)
    run = recursive_training(
        EmpiricalMeasure(atoms), sample_size=20, generations=100, seed=1, source=Gaussian(50.0),
        fresh_fraction=0.02)
    points, weights = run["atoms"][0].values, run["weights"][0].values
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    stays = (weights[1:] > 0) & (weights[:-1] > 0) & (points[1:] != points[:-1])
    # A slot whose atom changes held a new sample: its weight is that of one.
    assert np.all(weights[1:][stays] == 1 / 20)
    changed = points[1:] != points[:-1]
    assert changed.any() and np.all(points[1:][changed] > 25)
    alone = recursive_training(EmpiricalMeasure(atoms), sample_size=20, generations=100, seed=1)
    assert np.all(alone["atoms"] == atoms)


def test_capacity():
    model = EmpiricalMeasure([1.0, 2.0], [0.25, 0.75], capacity=5)
    np.testing.assert_array_equal(model.parameters["weights"], [0.25, 0.75, 0, 0, 0])
    run = recursive_training(model, sample_size=5, generations=3, seed=1, fresh_fraction=1.0)
    assert run["weights"].shape == (1, 4, 5)
    assert set(np.unique(run["atoms"].values)) == {1.0, 2.0}
    assert "capacity=5" in repr(model)


def test_paths_are_atoms_as_well():
    paths = np.cumsum(np.random.default_rng(1).normal(size=(6, 11)), axis=1)
    model = EmpiricalMeasure(paths)
    run = recursive_training(model, sample_size=6, generations=200, replications=2, seed=2)
    assert run["atoms"].dims == ("replication", "generation", "atom", "feature")
    assert np.all(run["weights"][:, -1].max("atom") == 1)
    drawn = model.draw(start(model, 3), 4, np.random.default_rng(3))
    assert drawn.shape == (3, 4, 11)
    fitted = model.fit(drawn)
    np.testing.assert_allclose(
        (fitted["weights"][:, :, None] * fitted["atoms"]).sum(axis=1), drawn.mean(axis=1))
    assert replay(run).identical(run)


def test_without_fresh_samples_it_is_wright_fisher(assert_proportion):
    run = recursive_training(
        EmpiricalMeasure(np.arange(12.0)), sample_size=12, generations=20, replications=4000,
        seed=3, keep=[20])
    alive = (run["weights"][:, 0, 0] > 0).sum().item()
    assert_proportion(alive, 4000, wright_fisher.survival(1 / 12, 12, 20))
    collapsed = (run["weights"][:, 0].max("atom") == 1).sum().item()
    # The start has atoms, all of one size: generation 1 is drawn from it with ancestors D_20.
    assert_proportion(collapsed, 4000, wright_fisher.ancestors(12, 20)[1])


@pytest.fixture(scope="module")
def end():
    """A stationary population: sample size, fresh fraction, atoms and weights."""
    n, fraction = 15, 0.05
    run = recursive_training(
        EmpiricalMeasure(np.zeros(n)), sample_size=n, generations=200, replications=6000,
        seed=4, source=Gaussian(1.0, 2.0), fresh_fraction=fraction, keep=[200])
    return n, fraction, {name: run[name][:, 0].values for name in ("atoms", "weights")}


class TestStationary:
    def test_barycenter_and_variance(self, end, assert_within):
        n, fraction, fitted = end
        below = means(fitted, lambda x: x < 0.0)
        p = stats.norm(1, 2).cdf(0)
        variance = excitation.stationary_variance(p, n, fraction)
        assert_within(below.mean(), p, np.sqrt(variance / 6000))
        squares = (below - p) ** 2
        assert_within(squares.mean(), variance, squares.std() / np.sqrt(6000))
        average = means(fitted)
        assert_within(average.mean(), 1.0, average.std() / np.sqrt(6000))

    def test_atoms(self, end, assert_within, assert_proportion):
        n, fraction, fitted = end
        weights = fitted["weights"]
        pairs = (weights**2).sum(axis=1)
        assert_within(pairs.mean(), excitation.homozygosity(n, fraction),
                      pairs.std() / np.sqrt(6000))
        number = (weights > 0).sum(axis=1)
        assert_within(number.mean(), excitation.atoms(n, fraction), number.std() / np.sqrt(6000))
        assert_proportion((weights.max(axis=1) == 1).sum(), 6000, excitation.dirac(n, fraction))
