"""How far the Gaussian mean ever strays: bounds against the exact probability, killed outside."""

import numpy as np
import pytest
from scipy import special, stats

from collapse import bounds, laws, schedules

noise_sum = laws.random_walk.noise_sum
GENERATIONS = 30


def ever_outside(radius, sizes, nodes=300):
    """Pr(max_t |θ_t − θ*| >= radius), d = 1, σ = 1: the density of the walks never outside.

    Gauss-Legendre nodes resolve steps that are not much shorter than the radius.
    """
    x, weights = special.roots_legendre(nodes)
    x, weights = radius * x, radius * weights
    density = stats.norm.pdf(x, scale=1 / np.sqrt(sizes[0]))
    for size in sizes[1:]:
        density = stats.norm.pdf(x[:, None] - x, scale=1 / np.sqrt(size)) @ (weights * density)
    return 1 - weights @ density


@pytest.mark.parametrize("schedule", [schedules.constant(10), schedules.power(10, 1),
                                      schedules.power(10, 1.3)])
def test_against_the_exact_probability(schedule):
    sizes = schedule(np.arange(GENERATIONS))
    noise = noise_sum(schedule, GENERATIONS)
    x = np.array([0.8, 1.2, 2.0, 3.0, 4.5]) * np.sqrt(noise / 10)
    exact = np.array([ever_outside(radius, sizes) for radius in x])
    assert np.all(exact <= bounds.ours.walk(x, noise, 10))
    assert np.all(exact <= bounds.ours.walk_reflection(x, noise, 10))
    assert np.all(exact >= laws.random_walk.deviation_sf(x, noise, 10))
    # Power: with Σ 1/n_t² for Σ 1/n_t, and without the factor two, they are false.
    squares = np.sum((sizes[0] / sizes) ** 2)
    if schedule.growth == 1:
        assert np.any(exact > bounds.ours.walk(x, squares, 10))
    if schedule.growth >= 1:
        assert np.all(exact[1:] > bounds.ours.walk_reflection(x, squares, 10)[1:])
    assert np.all(exact > bounds.ours.walk_reflection(x, noise, 10) / 2)


def test_dimensions_matter():
    # The chance at one time alone exceeds the bound for one dimension fewer.
    for dim in (2, 5, 30):
        x = np.sqrt(stats.chi2.isf([0.9, 0.5], dim) / 10)
        ends = laws.random_walk.deviation_sf(x, 1.0, 10, dim=dim)
        assert np.all(ends <= bounds.ours.walk_reflection(x, 1.0, 10, dim=dim))
        assert np.all(ends <= bounds.ours.walk(x, 1.0, 10, dim=dim))
        far = np.sqrt(stats.chi2.isf(1e-30, dim) / 10)
        ends = laws.random_walk.deviation_sf(far, 1.0, 10, dim=dim)
        assert ends > bounds.ours.walk_reflection(far, 1.0, 10, dim=dim - 1)


def test_reflection_is_sharper():
    dim = np.array([1, 2, 3, 10, 100, 1000])[:, None]
    x = np.sqrt(dim * np.geomspace(0.1, 100, 200))
    doob = bounds.ours.walk(x, 1.0, 1, dim=dim)
    reflection = bounds.ours.walk_reflection(x, 1.0, 1, dim=dim)
    assert np.all(reflection <= doob)
    # The exponential submartingale too: Pr <= inf_s (1 − 2s)^(−d/2) e^(−s x²).
    ratio = np.maximum(x**2 / dim, 1)
    with np.errstate(under="ignore"):
        assert np.all(reflection <= np.exp(-dim / 2 * (ratio - 1 - np.log(ratio))))


def test_formulas_and_ends():
    assert bounds.ours.walk(2.0, 3.0, 10, dim=4, std=1.5) == pytest.approx(4 * 2.25 * 3 / 40)
    assert bounds.ours.walk_reflection(2.0, 3.0, 10, dim=2, std=1.5) == pytest.approx(
        2 * np.exp(-10 * 4 / (2.25 * 3) / 2))
    for bound in (bounds.ours.walk, bounds.ours.walk_reflection):
        np.testing.assert_array_equal(bound(1.0, [0.0, np.inf], 10), [0, 1])
        assert bound(1e-9, 1.0, 10) == 1
        assert bound([[1.0], [2.0]], [1.0, 2.0, 3.0], 10).shape == (2, 3)


@pytest.mark.parametrize("bound", [bounds.ours.walk, bounds.ours.walk_reflection])
@pytest.mark.parametrize("change, error", [
    (dict(x=0.0), ValueError), (dict(noise=-1.0), ValueError), (dict(n=0), ValueError),
    (dict(n=1.5), TypeError), (dict(dim=0), ValueError), (dict(std=0.0), ValueError)])
def test_bad_arguments(bound, change, error):
    with pytest.raises(error, match=next(iter(change))):
        bound(**dict(x=1.0, noise=2.0, n=5) | change)
