"""Closed forms in the solutions of the exercises that ask for a derivation."""

from fractions import Fraction
from math import comb

import pytest
import sympy as sp

from .proofs import mean, normal_moment, positive, rises_from_zero, same

N, a, alpha, b, c, e, k, m, n, p, r, rho, s, x, y = sp.symbols(
    "N a alpha b c e k m n p r rho s x y", positive=True)
half = sp.Rational(1, 2)


def test_two_samples_of_one_generation():
    """ex-excitation-pairs: the correlation, and where it is a half."""
    correlation = (1 - alpha) ** 2 / (N - (N - 1) * (1 - alpha) ** 2)
    at = 1 - sp.sqrt(N / (N + 1))
    assert same(correlation.subs(alpha, at), half)
    assert sp.limit(N * at, N, sp.oo) == half


def test_all_on_one_day():
    """ex-minor-tenth: the recursion of the mean square about p."""
    h = sp.symbols("h", positive=True)
    inside = p * (1 - p) - (1 - alpha) ** 2 * h  # E ν(1 - ν)
    claim = p * (1 - p) / N + (1 - 1 / N) * (1 - alpha) ** 2 * h
    assert same((1 - alpha) ** 2 * h + inside / N, claim)


def test_stale_data():
    """ex-picture-stale: the error of reused real data."""
    keep = (1 - alpha) ** 2
    spread = keep / (n * (1 - keep))
    assert same(spread, keep * (spread + 1 / n))
    assert same(1 / n + spread, 1 / (n * (1 - keep)))


def test_hodges():
    """ex-families-hodges: v = (v + 1)/4 has the solution (1 - 4^-T)/3."""
    T = sp.symbols("T", integer=True, nonnegative=True)
    claim = (1 - sp.Integer(4) ** -T) / 3
    assert claim.subs(T, 0) == 0 and same((claim + 1) / 4, claim.subs(T, T + 1))


def test_growing_horizon():
    """ex-families-horizon, ex-loop-average: 1/(2n) and 1/n, from the bounds of the toolkit."""
    for bound in (1 / (2 * n), 1 / (2 * n) + 1 / (12 * n**2)):
        assert sp.limit(n * bound, n, sp.oo) == half
    for bound in (1 / n + 1 / (2 * n**2), 1 / n + 1 / n**2):
        assert sp.limit(n * bound, n, sp.oo) == 1
    # The weight e^w shifts a normal law by its variance: from -k/ν to k/ν.
    nu = sp.symbols("nu", positive=True)
    shift = 2 * k / nu
    assert same(-k / nu + shift, k / nu) and same(shift / sp.sqrt(shift), sp.sqrt(2 * k / nu))


def test_two_branches():
    """ex-better-branches, ex-families-first: the determinant, and the first order."""
    assert same((1 + a) * (1 + b) - 1, a + b + a * b)
    threshold = e / (2 * sp.sqrt((1 + b + e) * (1 + b) - 1))
    assert same(sp.diff(threshold, e).subs(e, 0) / sp.pi,
                1 / (2 * sp.pi * sp.sqrt(2 * b + b**2)))
    root = sp.sqrt(2 * b + b**2).subs(b, sp.Rational(1, 4))
    assert sp.Rational(5, 4) / root == sp.Rational(5, 3)
    assert same(2 * sp.sqrt(sp.pi / 2 / 4), sp.sqrt(sp.pi / 2))


def test_prior_that_knows_the_truth():
    """ex-bias-oracle: the stationary variance."""
    w = sp.symbols("w", positive=True)
    v = 1 / (n * w * (2 + w))
    assert same(v, (v + 1 / n) / (1 + w) ** 2)


@pytest.mark.parametrize("root, holds", [(half, True), (1, False)])
def test_price_of_real_data(root, holds):
    """ex-compute-price: the smallest bill, at ρ = (T - 1)/√π."""
    price, T = sp.symbols("price T", positive=True)
    bill = (1 + rho) * (price + T**2 / rho)  # T for T - 1
    at = T / price**root
    assert same(sp.diff(bill, rho).subs(rho, at), 0) is holds
    assert same(bill.subs(rho, at), (price**root + T) ** 2) is holds


def test_costs_that_grow_faster():
    """ex-compute-power: equal sizes attain (T - 1)^(1+p)/ρ^p."""
    T = sp.symbols("T", positive=True)
    assert same(sp.powsimp(sp.expand_power_base(T * (T / rho) ** p / (
        T ** (1 + p) / rho**p), force=True), force=True), 1)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_dependent_samples(size):
    """ex-growth-dependent: Σ (m - |k|) γ(k) = m^(2H) for fractional Gaussian noise."""
    H = sp.symbols("H", positive=True)

    def power(value):
        return sp.Integer(abs(value)) ** (2 * H) if value else sp.Integer(0)

    def gamma(lag):
        return (power(lag + 1) - 2 * power(lag) + power(lag - 1)) / 2

    total = sum((size - abs(lag)) * gamma(lag) for lag in range(1 - size, size))
    assert same(total, power(size))


def test_hapaxes():
    """ex-text-heaps: ρV'(ρ) counts the words that are kept once."""
    kept = rho * sp.diff(1 - (1 - rho) ** c, rho)
    assert same(kept, c * rho * (1 - rho) ** (c - 1))


def test_two_coins():
    """ex-table-coins: H' is four times the density at 0 of the normal numbers, H(1) = 1."""
    H = 2 / sp.pi * sp.asin(r)
    assert same(sp.diff(H, r), 4 / (2 * sp.pi * sp.sqrt(1 - r**2)))
    assert H.subs(r, 1) == 1 and H.subs(r, 0) == 0


@pytest.mark.parametrize("rounds", [3, 5])
def test_best_of_several(rounds):
    """ex-bench-best: means of the smallest and of the median of exponentials."""
    def order(i):  # E of the i-th smallest, by its density
        rank = comb(rounds, i) * i
        survival = sp.exp(-x)
        return sp.integrate(sp.expand(
            x * rank * (1 - survival) ** (i - 1) * survival ** (rounds - i + 1)), (x, 0, sp.oo))

    assert order(1) == sp.Rational(1, rounds)
    assert order((rounds + 1) // 2) == sum(
        sp.Rational(1, i) for i in range((rounds + 1) // 2, rounds + 1))


def test_corrected_uniform():
    """ex-own-corrected: the mean n/(n + 1), and the drift about -1/(2n²)."""
    assert same(sp.integrate(n * x**n, (x, 0, 1)), n / (n + 1))
    assert rises_from_zero(x - sp.log(1 + x), x)  # x = 1/n
    assert sp.limit((sp.log(1 + x) - x) / x**2, x, 0) == -half


def test_growing_samples():
    """ex-collapse-growth: doubling from 100 loses a little less than 2 %."""
    left = Fraction(1)
    for i in range(20):
        left *= 1 - Fraction(1, 100 * 2**i)
    assert Fraction(98, 100) < left < Fraction(981, 1000)


def test_hindsight():
    """ex-walk-hindsight: the conditional variance."""
    assert same(a - a**2 / (a + b), a * b / (a + b))
    assert same(a - a / (a + b) * (a + b), 0)


def test_slow_start():
    """ex-gmm-slow: doubling takes 3/(8ca²) steps of da/dk = ca³."""
    clock = -1 / (2 * c * a**2)  # k as a function of a
    assert same(sp.diff(clock, a), 1 / (c * a**3))
    assert same(clock.subs(a, 2 * a) - clock, 3 / (8 * c * a**2))


@pytest.mark.parametrize("sign, holds", [(-1, True), (1, False)])
def test_drift_of_the_separation(sign, holds):
    """ex-gmmlong-drift: the second-order expansion of μ/σ around (r, 1)."""
    u, v = sp.symbols("u v")  # the errors of μ and σ
    ratio = (r + u) / (1 + v)
    second = sp.diff(ratio, v, 2).subs({u: 0, v: 0}) / 2, sp.diff(ratio, u, v).subs({u: 0, v: 0})
    first = sp.diff(ratio, u).subs({u: 0, v: 0}), sp.diff(ratio, v).subs({u: 0, v: 0})
    assert (first == (1, -r) and second == (r, sign)) is holds


def test_best_constants():
    """ex-symbols-best: k/2 + k/(6(k + 1)) < (k + 1)/2."""
    assert positive((k + 1) / 2 - k / 2 - k / (6 * (k + 1)), k)


def test_effective_dimension():
    """ex-better-effective: mean and variance of Z'CZ for two eigenvalues."""
    form = a * x**2 + b * y**2
    normal = {x: normal_moment, y: normal_moment}
    assert sp.expand(mean(form, normal) - (a + b)) == 0
    assert sp.expand(mean(form**2, normal) - (a + b) ** 2 - 2 * (a**2 + b**2)) == 0


def test_how_much_smoothing():
    """ex-text-smooth: for large m and n the limit of V/q² is m/(1 + 2mλ)."""
    rate = sp.symbols("lambda", positive=True)
    fresh = m * rate / (n + m * rate)
    value = (1 - fresh) ** 2 / (n - (1 - fresh) ** 2 * (n - 1))
    assert same(sp.limit(value, n, sp.oo), 1 / (1 + 2 * m * rate))
