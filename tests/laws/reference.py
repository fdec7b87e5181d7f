"""Three references for the law of a product of chi variables, each by another route.

log Σ_k - log σ_0 is a sum of independent terms ½ log(χ²_ν / m): one with ν = n - 1 and m = n - ddof
for each generation, and several with falling ν for a volume.  Such a sum is described here by
`factors`, a mapping (ν, m) -> number of terms.

- `convolution` stays on the real line: the densities are tabulated on a grid and convolved.  They
  are analytic in a strip, so sums over a grid converge faster than any power of its step, and they
  are positive, so nothing cancels.
- `inversion` integrates the moment function along a vertical line, with mpmath.
- `edgeworth` is the normal law with two corrections, for millions of terms.

All return logarithms as mpmath numbers.
"""

from collections import Counter

import mpmath as mp
import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, gammaln

DIGITS = 30


def factors_of(sizes, ddof):
    """The factors of log Σ_k - log σ_0 when generation t draws sizes[t] samples."""
    return Counter((n - 1, n - ddof) for n in sizes)


def volume_factors_of(sizes, dim, ddof):
    """The factors of ½ log det Σ_k - ½ log det Σ_0 (Bartlett's decomposition)."""
    return Counter((n - 1 - i, n - ddof) for n in sizes for i in range(dim))


def log_moment(s, factors):
    """log E exp(s Y) in mpmath, Y the sum that `factors` describes; Re s > -min ν."""
    return mp.fsum(
        count * (s / 2 * mp.log(mp.mpf(2) / m) + mp.loggamma((nu + s) / mp.mpf(2))
                 - mp.loggamma(mp.mpf(nu) / 2))
        for (nu, m), count in factors.items()
    )


def _float_log_moment(s, factors):
    return sum(count * (s / 2 * np.log(2 / m) + gammaln((nu + s) / 2) - gammaln(nu / 2))
               for (nu, m), count in factors.items())


def _slope(s, factors):
    return sum(count * (np.log(2 / m) + digamma((nu + s) / 2)) / 2
               for (nu, m), count in factors.items())


def _bracketed_root(function, factors, upper):
    """Root of an increasing (upper) or decreasing function of s > 0 or of -min ν < s < 0."""
    if upper:
        edge = 1.0
        while function(edge) < 0:
            edge *= 2
        return brentq(function, 0, edge, xtol=1e-14)
    lowest = -min(nu for nu, _ in factors)
    return brentq(function, lowest * (1 - 1e-9), 0, xtol=1e-14)


def saddle(log_x, factors):
    """The real s at which E exp(s(Y - log x)) is smallest."""
    return _bracketed_root(lambda s: _slope(s, factors) - float(log_x), factors,
                           upper=log_x > _slope(0.0, factors))


def log_x_at(log_tail, factors, *, upper):
    """log x such that the best moment bound on Pr(Y > log x), or Pr(Y <= log x), is log_tail."""
    def excess(s):
        return log_tail - (_float_log_moment(s, factors) - s * _slope(s, factors))

    return _slope(_bracketed_root(excess, factors, upper), factors)


def single(log_x, factors, *, upper):
    """log of the tail for one factor: the incomplete gamma function."""
    ((nu, m), count), = factors.items()
    assert count == 1
    return mp.log(_one_factor_tail(mp.mpf(log_x), nu, m, upper))


def _one_factor_tail(y, nu, m, upper):
    """Regularized incomplete gamma function of ν/2 at m e^{2y}/2 (mpmath's is slow for large ν)."""
    a, x = mp.mpf(nu) / 2, mp.mpf(m) / 2 * mp.exp(2 * y)
    front = mp.exp(a * mp.log(x) - x - mp.loggamma(a))
    small = mp.eps / 8
    if x < a + 1:  # Power series, all terms positive.
        term = total = 1 / a
        index = a
        while term > small * total:
            index += 1
            term *= x / index
            total += term
        lower = front * total
        return 1 - lower if upper else lower
    # Legendre's continued fraction, evaluated forwards (modified Lentz).
    b = x + 1 - a
    c, d = mp.inf, 1 / b
    fraction, j = d, 0
    while True:
        j += 1
        b += 2
        coefficient = -j * (j - a)
        d = 1 / (coefficient * d + b)
        c = b + coefficient / c
        fraction *= c * d
        if abs(c * d - 1) < 8 * mp.eps:
            return front * fraction if upper else 1 - front * fraction


def inversion(log_x, factors, *, upper, digits=DIGITS):
    """log Pr(Y > log_x), or log Pr(Y <= log_x): (1/2πi) ∫ E exp(s(Y - log x)) ds / s, |Re s| > 0.

    Trapezoid rule on the vertical line through the saddle point, kept one standard deviation away
    from the pole at 0.  Made for many factors: with one or two the integrand decays slowly.
    """
    with mp.workdps(digits + 10):
        log_x = mp.mpf(log_x)
        spread = float(mp.sqrt(mp.diff(lambda s: log_moment(s, factors), 0, 2)))
        point, room = saddle(log_x, factors), min(nu for nu, _ in factors)
        point = max(point, 1 / spread) if upper else min(point, -min(1 / spread, room / 2))
        point = mp.mpf(point)
        near = min(abs(point), mp.inf if upper else room + point)
        curvature = mp.sqrt(mp.diff(lambda s: log_moment(s, factors), point, 2))
        step = min(mp.mpf("0.2") / curvature, 2 * mp.pi * near / (2.5 * digits))
        top = log_moment(point, factors) - point * log_x
        total, j = 1 / (2 * point), 0
        while True:
            j += 1
            s = mp.mpc(point, j * step)
            term = mp.exp(log_moment(s, factors) - s * log_x - top) / s
            total += term.real
            if abs(term) < abs(total) * mp.mpf(10) ** (-digits):
                break
        return top + mp.log(abs(total) * step / mp.pi)


def convolution(log_x, factors, *, upper, exact=False, refine=1):
    """log Pr(Y > log_x), or log Pr(Y <= log_x), by convolving densities on a grid.

    All terms but one enter through their densities, the last one through its incomplete gamma
    function at log_x - y, so that every sum runs over a smooth function on the whole line.  The
    densities carry a factor exp(s y) that moves their bulk to where the tail comes from; it is
    divided out in the end.  Arithmetic in extended precision, or with `exact` in mpmath (slow).
    `refine` divides the step of the grid.
    """
    with mp.workdps(DIGITS):
        log_x = mp.mpf(log_x)
        lowest = min(nu for nu, _ in factors)
        best = saddle(log_x, factors)
        tilt = mp.mpf(max(best, 0.0) if upper else max(min(best, 0.0), -lowest / 2))
        # The answer relative to the tilted mass: what may be cut off must be small beside it.
        scale = (_float_log_moment(best, factors) - best * float(log_x)
                 - _float_log_moment(float(tilt), factors) + float(tilt) * float(log_x))
        if (upper and best < 0) or (not upper and best > 0):
            scale = 0.0
        cut = mp.exp(scale) * mp.mpf(10) ** (-(DIGITS if exact else 20))
        widths = [float(mp.sqrt(mp.psi(1, (nu + tilt) / mp.mpf(2)))) / 2 for nu, _ in factors]
        step = mp.mpf(min(0.08, min(widths) / 2)) / refine
        number = (lambda v: v) if exact else (lambda v: np.longdouble(mp.nstr(v, 25)))
        dtype = object if exact else np.longdouble

        def tabulate(function, start):
            """(first index, values) of a one-humped function on the grid, cut at both ends."""
            def walk(direction, index):
                values = []
                while True:
                    value = function(index * step)
                    if value < cut:
                        return values
                    values.append(value)
                    index += direction

            left, right = walk(-1, start - 1), walk(1, start)
            values = [number(v) for v in left[::-1] + right]
            return start - len(left), np.array(values, dtype=dtype)

        def density(nu, m):
            constant = (mp.log(2) + mp.mpf(nu) / 2 * mp.log(mp.mpf(m) / 2)
                        - mp.loggamma(mp.mpf(nu) / 2)
                        - log_moment(tilt, {(nu, m): 1}))
            mode = mp.log((nu + tilt) / mp.mpf(m)) / 2
            return tabulate(
                lambda y: mp.exp(constant + (nu + tilt) * y - mp.mpf(m) / 2 * mp.exp(2 * y)),
                int(mp.nint(mode / step)))

        def convolve(first, second):
            start = first[0] + second[0]
            values = np.convolve(first[1], second[1]) * number(step)
            heavy = np.flatnonzero(values >= number(cut))
            return start + int(heavy[0]), values[heavy[0]:heavy[-1] + 1]

        last = min(factors)
        rest = Counter(factors)
        rest[last] -= 1
        total = None
        for (nu, m), count in rest.items():
            power = density(nu, m) if count else None
            while count:
                if count % 2:
                    total = power if total is None else convolve(total, power)
                count //= 2
                if count:
                    power = convolve(power, power)
        start, values = total

        def tail(index):
            gap = log_x - index * step
            return (_one_factor_tail(gap, *last, upper)
                    * mp.exp(tilt * gap - log_moment(tilt, {last: 1})))

        # From its largest term on, the sum runs in both directions until its terms are negligible.
        def walk(direction, index):
            part, largest = number(mp.mpf(0)), number(mp.mpf(0))
            while 0 <= index < len(values):
                weight = tail(start + index)
                term = values[index] * number(weight) if weight > cut ** 2 else 0
                part, largest = part + term, max(largest, term)
                if largest > 0 and term < largest * number(cut):
                    break
                index += direction
            return part

        middle = int(np.argmax(values))
        answer = (walk(-1, middle - 1) + walk(1, middle)) * number(step)
        return (mp.log(mp.mpf(str(answer)) if not exact else answer)
                + log_moment(tilt, factors) - tilt * log_x)


def edgeworth(log_x, factors, *, upper):
    """log Pr(Y > log_x) or log Pr(Y <= log_x); its error is of the order of the skewness cubed."""
    with mp.workdps(3 * DIGITS):
        mean = mp.fsum(count * (mp.log(mp.mpf(2) / m) + mp.digamma(mp.mpf(nu) / 2)) / 2
                       for (nu, m), count in factors.items())
        variance, third, fourth = (
            mp.fsum(count * mp.psi(order - 1, mp.mpf(nu) / 2) / 2**order
                    for (nu, _), count in factors.items())
            for order in (2, 3, 4))
        z = (log_x - mean) / mp.sqrt(variance)
        skewness, excess = third / variance ** mp.mpf(1.5), fourth / variance**2
        correction = mp.npdf(z) * (
            skewness / 6 * (z**2 - 1) + excess / 24 * (z**3 - 3 * z)
            + skewness**2 / 72 * (z**5 - 10 * z**3 + 15 * z))
        return mp.log(mp.ncdf(-z) + correction if upper else mp.ncdf(z) - correction)
