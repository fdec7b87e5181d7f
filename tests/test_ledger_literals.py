"""Reference values that are typed into the ledger are computed here, at 40 digits."""

from math import comb

import mpmath as mp
import pytest
import yaml
from test_packaging import ROOT

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


@pytest.mark.parametrize("name", REFERENCES)
def test_a_typed_value(name):
    """What was lost in typing is no more than a tenth of what the check allows, or rounding."""
    check = TYPED[name]
    with mp.workdps(40):
        error = abs(REFERENCES[name]() / mp.mpf(check["value"]) - 1)
    assert error <= max(check["tolerance"] / 10, 1e-15)
