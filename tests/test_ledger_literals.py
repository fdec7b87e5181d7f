"""Reference values that are typed into the ledger are computed here, most at 40 digits."""

from fractions import Fraction
from functools import cache
from math import comb, factorial

import mpmath as mp
import numpy as np
import pytest
import yaml
from symbolic import test_certified_bias
from test_packaging import ROOT

from collapse import datasets, language, laws, schedules

ROWS = yaml.safe_load((ROOT / "book/ledger.yml").read_text(encoding="utf-8"))
TYPED = {check["quantity"]: check for row in ROWS for check in row.get("checks", [])
         if "value" in check}


def g(k):
    value = mp.mpf(1)
    for _ in range(k - 1):
        value = 1 - mp.exp(-value)
    return value


def alpha(n):
    """E σ̂ of a sample with divisor n − 1 over σ."""
    return mp.sqrt(mp.mpf(2) / (n - 1)) * mp.gamma(mp.mpf(n) / 2) / mp.gamma(mp.mpf(n - 1) / 2)


def noise_exponent():
    """The e with 1 + ζ(e) = 10/q, q the upper 5 per cent point of χ² with one degree."""
    q = 2 * mp.erfinv(mp.mpf("0.95")) ** 2
    return mp.findroot(lambda e: 1 + mp.zeta(e) - 10 / q, 2)


def power_35(k):
    """10^0.7 E[(χ²_9/9)^0.35]^k."""
    s = mp.mpf("0.35")
    return mp.mpf(10) ** (2 * s) * ((mp.mpf(2) / 9) ** s * mp.gamma(4.5 + s) / mp.gamma(4.5)) ** k


def best_power(n, k):
    """min over s of 10^s E[(χ²_ν/ν)^{s/2}]^k, ν = n − 1; for k = ∞ what falls a generation."""
    def log_moment(s):
        nu = mp.mpf(n - 1)
        return s / 2 * mp.log(2 / nu) + mp.loggamma((nu + s) / 2) - mp.loggamma(nu / 2)
    level = 0 if k == mp.inf else mp.log(10) / k
    s = mp.findroot(lambda s: mp.diff(log_moment, s) + level, 0.7)
    return log_moment(s) + level * s


def improvement(rho, d):
    """½ I_x(d/2, ½), x = 4/(4 + ρ)."""
    return mp.betainc(mp.mpf(d) / 2, 0.5, 0, 4 / (4 + mp.mpf(rho)), regularized=True) / 2


def harmonic(n):
    return mp.digamma(n + 1) + mp.euler


REFERENCES = {
    "symbols.g.ten": lambda: 10 * g(10),
    "symbols.yaglom.mean": lambda: 1 / (100 * g(101)),
    "corr.panels.left": lambda: 2 * 10**4 * mp.mpf(999) / 10**6 * (1 - mp.mpf(1) / 10**4) ** 50,
    "corr.panels.right": lambda: 2 * 100 * mp.mpf(99) / 10**4 * (1 - mp.mpf(1) / 100) ** 50,
    "text.corpus.part": lambda: 100 * g(11),
    "text.corpus.fold": lambda: 1 / g(11),
    "text.smooth.return_one": lambda: 1 / (1 - (1 - mp.mpf(1) / 2000) ** 1000),
    "text.smooth.return_hundredth": lambda: 1 / (1 - (1 - mp.mpf(1) / 101_000) ** 1000),
    "text.smooth.memory": lambda: mp.log(2) / mp.log(mp.mpf(101) / 100),
    "gauss.sf100.theorem3": lambda: 10 * mp.exp(-mp.mpf(100) / 39),
    "gauss.sf100.bertrand": lambda: 10 * alpha(10) ** 100,
    "gauss.sf100.published": lambda: power_35(100),
    "corr.gauss.theorem111": lambda: 10 * mp.exp(-mp.mpf(111) / 39),
    "gmmlong.fallback.r10": lambda: (mp.exp(mp.mpf(25) / 612) - 1) ** mp.mpf("-0.5"),
    "gmmlong.fallback.r100": lambda: (mp.exp(mp.mpf(115) / 42_372) - 1) ** mp.mpf("-0.5"),
    "gmmlong.fallback.gain10": lambda: 1 + mp.log(mp.mpf(26) / 25) / (
        mp.log(5) - mp.digamma(mp.mpf(9) / 2)),
    "gmmlong.fallback.gain100": lambda: 1 + mp.log(mp.mpf(26) / 25) / (
        mp.log(50) - mp.digamma(mp.mpf(99) / 2)),
    "gmm.exponent.moment10": lambda: mp.log(mp.mpf(10) / 9) - mp.mpf(25) / 612,
    "corr.noise.second_error": lambda: 1 / mp.sqrt(4 * 5000),
    "symbols.abel.c1": lambda: mp.mpf(1) / 36,
    "symbols.abel.c2": lambda: mp.mpf(1) / 540,
    "symbols.abel.c3": lambda: -mp.mpf(1) / 7776,
    "gauss.sf100.best": lambda: mp.exp(100 * best_power(10, 100)),
    "checks.local.final": lambda: -60 * best_power(15, mp.inf),
    "better.dimension.thousand": lambda: -mp.log10(improvement(1, 1000)),
    "better.next.thousand": lambda: improvement(mp.mpf(1) / 100, 1000),
    "compute.price.order": lambda: (
        1 + mp.e / 2 * (1 + mp.log(10**4)) * 10**8) / (1 + mp.mpf(9999) ** 2),
    "compute.plan.price_scaled": lambda: mp.e / 2 * (1 + mp.log(150)) * (mp.mpf(150) / 149) ** 2,
    "walk.growth.log_step": lambda: mp.log(2),
    "walk.growth.linear_step": lambda: mp.log(100),
    "walk.kept.square": lambda: 6 / (6 + mp.pi**2),
    "better.worth.square": lambda: 6 / (6 + mp.pi**2),
    "better.worth.half": lambda: 1 / (1 + mp.zeta(mp.mpf(3) / 2)),
    "better.next.hundred": lambda: mp.atan(20) / mp.pi,
    "compute.price.square": lambda: (
        1 + mp.pi**2 / 6 * 9999 * 10**4 * 19_999 / 6) / (1 + mp.mpf(9999) ** 2),
    "growth.f3.risk100": lambda: (mp.mpf(101) / 99) ** 100 - 1,
    "growth.f3.risk500_ml": lambda: (
        (mp.mpf(99) * 101 / 10**4) ** 500 - 2 * (mp.mpf(99) / 100) ** 500 + 1),
    "walk.definition.linear": lambda: mp.erfc(mp.sqrt(10 / (1 + harmonic(10**6 - 1)))),
    "minor.scale.iid_half": lambda: mp.mpf(4) / 3,
    "minor.scale.iid_tenth": lambda: mp.mpf(100) / 19,
    "minor.trickle.effective": lambda: 1 + 999 * mp.mpf(5) / 1000 * mp.mpf(1995) / 1000,
    "minor.trickle.sd": lambda: 1 / mp.sqrt(mp.mpf("10.965025")),
    "minor.trickle.fresh": lambda: 1000 * (1 - mp.sqrt(mp.mpf(990) / 999)),
    "minor.gauss.first10": lambda: 10.5 - mp.sqrt(100 + mp.mpf(1) / 4),
    "minor.gauss.first100": lambda: 100.5 - mp.sqrt(10**4 + mp.mpf(1) / 4),
    "collapse.mrca.four": lambda: 3 * mp.mpf(99) / 101 * mp.mpf("0.99") ** 399,
    "excitation.speed.doeblin_digits": lambda: 100 + mp.log10(mp.log(100)),
    "picture.pooled.limit": lambda: mp.sin(mp.pi / mp.sqrt(20)) / (mp.pi / mp.sqrt(20)),
    "picture.bias.ml_limit": lambda: mp.exp(-sum(
        (1 + mp.zeta(mp.mpf(3 * j) / 2)) / (j * mp.mpf(20) ** j) for j in (1, 2, 3, 4))),
    "plan.decision.exponent": noise_exponent,
    "plan.decision.growing": lambda: 1000 * (
        1 + sum(mp.mpf(t) ** noise_exponent() for t in range(1, 20))),
}


def chain(n):
    """The transition matrix of the symbol's count on 1, ..., n − 1, in exact shares."""
    return mp.matrix([[comb(n, j) * mp.mpf(i) ** j * mp.mpf(n - i) ** (n - j) / mp.mpf(n) ** n
                       for j in range(1, n)] for i in range(1, n)])


def six(n):
    """1/E[X(1 − X)] under the left eigenvector for 1 − 1/n, by inverse iteration."""
    shifted = chain(n).T - (1 - mp.mpf(1) / n + mp.mpf(10) ** -20) * mp.eye(n - 1)
    law = mp.lu_solve(shifted, mp.ones(n - 1, 1))
    law = mp.lu_solve(shifted, law / sum(law))
    law /= sum(law)
    return 1 / sum(law[i - 1] * i * mp.mpf(n - i) / n**2 for i in range(1, n))


REFERENCES |= {"symbols.six.c10": lambda: six(10), "symbols.six.c50": lambda: six(50)}


def abel_coefficients(count):
    """c_1, ..., c_count of Abel's function: equal powers of z = g_k on both sides of Φ' = Φ + 1."""
    size = count + 3

    def times(a, b):
        return [sum(a[i] * b[j - i] for i in range(j + 1)) for j in range(size)]

    q = [Fraction((-1) ** i, factorial(i + 1)) for i in range(size)]  # (1 - e^-z)/z
    inverse = [Fraction(1)]
    for j in range(1, size):
        inverse.append(-sum(q[i] * inverse[j - i] for i in range(1, j + 1)))
    slope = times([(i + 1) * x for i, x in enumerate(q[1:])] + [Fraction(0)], inverse)
    log_q = [Fraction(0)] + [x / (i + 1) for i, x in enumerate(slope[:-1])]
    left = [2 * x for x in inverse[1:]] + [Fraction(0)]
    left = [x + y / 3 for x, y in zip(left, log_q, strict=True)]
    found, power = [], q
    for j in range(1, count + 1):
        # c_j (z^j q^j - z^j) = c_j z^j (-j z/2 + ...)
        found.append(2 * left[j + 1] / j)
        for i in range(1, size - j):
            left[i + j] += found[-1] * power[i]
        power = times(power, q)
    return found


def abel_constant():
    """Φ(1/g_k) - k at k = 1000; the first coefficient left out counts for less than 1e-20."""
    y = 1 / g(1000)
    series = sum(mp.mpf(c.numerator) / c.denominator / y**j
                 for j, c in enumerate(abel_coefficients(9), 1))
    return 2 * y - mp.log(y) / 3 + series - 1000


def kept(counts, size, generations):
    """The expected number of symbols that are left, one by one through their chains, exactly."""
    alive = 0
    for start, number in zip(*np.unique(counts, return_counts=True), strict=True):
        row = [Fraction(int(i == start)) for i in range(size + 1)]
        for _ in range(generations):
            row = [sum(row[i] * comb(size, j) * Fraction(i, size) ** j
                       * Fraction(size - i, size) ** (size - j) for i in range(size + 1))
                   for j in range(size + 1)]
        alive += int(number) * (1 - row[0])
    return mp.mpf(alive.numerator) / alive.denominator


def kept_at_once(counts, size):
    """Σ 1 - (1 - c/size)^size: the same after one generation of many samples."""
    return sum(number * (1 - (1 - mp.mpf(int(c)) / size) ** size)
               for c, number in zip(*np.unique(counts, return_counts=True), strict=True))


@cache
def small_text():
    return language.Corpus.from_text(datasets.load_text())


LOOPS = language.Corpus.from_text("a a b\nb a\nc a a a\nd c\nb b b a")


def at_most_all(corpus):
    return np.minimum(corpus.counts(), corpus.lengths.size)


def lost_tokens():
    counts = datasets.wikitext2_counts()
    gone = sum(int(c) * int(number) * mp.exp(-int(c) * g(10))
               for c, number in zip(*np.unique(counts, return_counts=True), strict=True))
    return 100 * gone / int(counts.sum())


def two_generations(x, n):
    """Pr(Q_1 Q_2 > (νx)²), ν = n - 1: the trapezoid rule in log Q_1 around log(νx)."""
    nu, step = mp.mpf(n - 1), mp.mpf(1) / 32
    total = 0
    for i in range(-64, 65):
        q = nu * x * mp.exp(i * step)
        density = (q / 2) ** (nu / 2) * mp.exp(-q / 2) / mp.gamma(nu / 2)
        total += density * mp.gammainc(nu / 2, (nu * x) ** 2 / q / 2, regularized=True)
    return step * total


def product_median(n, k):
    """exp of the median of ½ Σ log(χ²_ν/ν) over k terms, by Cornish and Fisher to third order."""
    nu = mp.mpf(n - 1)
    cumulants = [k * (mp.digamma(nu / 2) - mp.log(nu / 2)) / 2]
    cumulants += [k * mp.polygamma(j - 1, nu / 2) / mp.mpf(2) ** j for j in (2, 3, 4, 5)]
    mean, variance, *higher = cumulants
    c3, c4, c5 = (c / variance ** (mp.mpf(j) / 2) for j, c in enumerate(higher, 3))
    return mp.exp(mean + mp.sqrt(variance) * (
        -c3 / 6 + c5 / 40 - c3 * c4 / 12 + 17 * c3**3 / 324))


def mixture_growth(n, eta):
    nu = mp.mpf(n - 1)
    return (1 - 1 / eta) * (1 / nu - 1 / (2 * (nu + 4 * eta)))


def critical_eta(n, guess):
    """Where √((1 + κ)(n - 1)/n) E σ̂/σ is e^{-1/(4n)}."""
    bias = mp.log(mp.mpf(n - 1) / n) / 2 + mp.log(alpha(n)) + mp.mpf(1) / (4 * n)
    return mp.findroot(lambda eta: mixture_growth(n, eta) / 2 + bias, guess)


def certified_bias(r):
    found = test_certified_bias.at(r)
    return (mp.mpf(found.a) + mp.mpf(found.b)) / 2


def log_schedule_share():
    """Pr(N² > n δ²/S_T), the rounded sizes added one by one; t log t, n = 20, T = 10⁴."""
    noise = mp.fsum(mp.mpf(20) / int(size)
                    for size in schedules.log_power(20, 1)(np.arange(10**4)))
    return mp.erfc(mp.sqrt(20 * mp.mpf("0.25") / noise / 2))


def log_schedule_digits():
    """log10 of the T with S_T = n δ²/m: S_T = log log T + C, C by Euler and Maclaurin at 20 000."""
    last, log = 20_000, mp.log(20_000)
    f = 1 / (last * log)
    noise = 1 + mp.fsum(1 / max(1, t * mp.log(t)) for t in range(1, last))
    constant = noise - mp.log(log) + f / 2 + f * (1 + 1 / log) / last / 12
    return mp.exp(20 * mp.mpf("0.25") / median_of_square() - constant) / mp.log(10)


def median_of_square():
    return 2 * mp.erfinv(mp.mpf("0.5")) ** 2


def linear_digits():
    """log10 of the T with 1 + H_{T-1} = 80 δ²/m."""
    needed = 80 * mp.mpf("0.25") / median_of_square()
    return mp.findroot(lambda log_t: 1 + mp.digamma(mp.exp(log_t)) + mp.euler - needed,
                       needed - 1.5) / mp.log(10)


def shrunk_digits():
    """-log10 of the upper tail, by the law of the package for the tail itself; see its test."""
    sizes = schedules.power(10**5, 1.0)
    falls = np.cumsum(np.log1p(-sizes(np.arange(30_000)) ** -0.5))
    T = int(np.argmax(falls <= -np.log(2) - 0.1)) + 1
    level = np.sqrt(0.5 / np.exp(falls[T - 1]))
    return -np.log10(float(laws.gaussian.std_sf(level, sizes, T)))


def price_for_ever():
    """The any-time plan n t^e, 1 + ζ(e) = S, over the plan for T = 150, n (T - 1)²/(S - 1)."""
    point = mp.findroot(lambda x: mp.gammainc(mp.mpf(3) / 2, x / 2, regularized=True)
                        - mp.mpf("0.05"), 7.8)
    noise = 1000 * mp.mpf("0.15") ** 2 / point
    e = mp.findroot(lambda e: 1 + mp.zeta(e) - noise, 1.7)
    return sum(mp.mpf(t) ** e for t in range(1, 150)) * (noise - 1) / 149**2


def gamma_product(n, count):
    """Pr(G_1 ... G_count < n^count), G_i of the gamma law with shape n; Gil-Pelaez."""
    def integrand(s):
        phase = mp.loggamma(mp.mpc(n, s)) - mp.loggamma(n) - mp.mpc(0, s) * mp.log(n)
        return mp.im(mp.exp(count * phase)) / s
    return mp.mpf("0.5") - mp.quad(integrand, [mp.mpf(10) ** -15, *range(20, 121, 20)]) / mp.pi


REFERENCES |= {
    "symbols.abel.constant": abel_constant,
    "text.lost_tokens": lost_tokens,
    "ngram.first.bound": lambda: kept_at_once(
        at_most_all(small_text()), small_text().lengths.size),
    "ngram.first.bag": lambda: kept_at_once(small_text().counts(), small_text().counts().sum()),
    "ngram.loops.bag": lambda: kept(LOOPS.counts(), 15, 4),
    "ngram.loops.bound": lambda: kept(at_most_all(LOOPS), 5, 4),
    "ngram.loops.reciting": lambda: kept(LOOPS.sentence_counts(), 5, 4),
    "ngram.own.share": lambda: kept_at_once(
        small_text().counts(), small_text().counts().sum()) / small_text().distinct_words(),
    "gauss.exact.smallest": lambda: two_generations(20, 10),
    "loop.f2a.median": lambda: product_median(100, 2500),
    "gmm.eta.critical3": lambda: critical_eta(3, 30),
    "gmm.eta.critical10": lambda: critical_eta(10, 700),
    "gmm.eta.critical100": lambda: critical_eta(100, 5e5),
    "gmm.eta.alive10": lambda: mp.findroot(
        lambda eta: mixture_growth(10, eta) - mp.log(mp.mpf(10) / 9), 40),
    "gmmlong.map.r15_limit": lambda: certified_bias(Fraction(3, 2)) + mp.mpf("0.25"),
    "gmmlong.cannot.half": lambda: certified_bias(Fraction(1, 2)),
    "growth.schedules.log_last": log_schedule_share,
    "growth.far.digits": log_schedule_digits,
    "walk.definition.digits": linear_digits,
    "bias.collapse.left5_digits": shrunk_digits,
    "better.dimension.million": lambda: -mp.log10(improvement(1, 10**6)),
    "better.dimension.size": lambda: 1 / mp.findroot(
        lambda rho: improvement(rho, 1000) - mp.mpf("0.4"), (2.5e-4, 2.6e-4)),
    "compute.plan.price": price_for_ever,
    "families.above": lambda: gamma_product(500, 5),
    "measures.refit.fourth.ddof1": lambda: 3 * (
        mp.mpf(1) / 100 + mp.mpf(2) / 10 + 1 + mp.mpf(2) / 9),
    "measures.shift.ones": lambda: mp.mpf(2) / 3,
    "measures.shift.zeros": lambda: mp.mpf(1) / 3,
    **{f"excitation.circles.mean{i}": lambda: mp.mpf(1) / 3 for i in range(4)},
    **{name: lambda: mp.mpf(1) / 3 for name in (
        "collapse.two.slope", "collapse.two.slope_skew", "collapse.mrca.slope")},
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_typed_value(name):
    """What was lost in typing is no more than a tenth of what the check allows, or rounding."""
    check = TYPED[name]
    with mp.workdps(40):
        error = abs(REFERENCES[name]() / mp.mpf(check["value"]) - 1)
    assert error <= max(check.get("tolerance", 0) / 10, 1e-15)


def test_every_value_of_many_digits_is_computed_here():
    many = {name for name, check in TYPED.items()
            if len(repr(check["value"]).partition("e")[0].strip("-0.").replace(".", "")) > 6}
    assert many - REFERENCES.keys() == set()
    assert REFERENCES.keys() <= TYPED.keys()
