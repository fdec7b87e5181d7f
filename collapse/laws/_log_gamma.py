"""Sums of independent logarithms of Gamma variables: moments, tails, densities.

With G_i ~ Gamma(a_i, 1) this is the law of W = Σ_i log(G_i/a_i). The logarithm of a refitted
variance is such a sum, whatever the divisor, the schedule or the dimension; the public laws
translate their arguments into shapes a_i and counts.

The cumulant generating function of W is K(z) = Σ_i κ(a_i, z) with

    κ(a, z) = log E (G/a)^z = log Γ(a+z) − log Γ(a) − z log a,    Re z > −a,

and for any real c in its strip, on either side of the pole at 0,

    Pr(W > w) =  (1/2πi) ∫_{c−i∞}^{c+i∞} e^{K(z) − zw} dz/z    (c > 0),
    Pr(W < w) = −(1/2πi) ∫_{c−i∞}^{c+i∞} e^{K(z) − zw} dz/z    (c < 0).

We take c at the saddle point of e^{K(z) − zw}/z, bend the line along the path of steepest descent
(to the left, into a hyperbola, which crosses no singularity), and apply the trapezoid rule, which
converges exponentially there [TW14]_. The step is halved until two results agree.

.. [TW14] Trefethen and Weideman, The exponentially convergent trapezoidal rule, SIAM Review 56
   (2014) 385-458.
"""

import numpy as np
from scipy import special

# log Γ(x) = (x − ½) log x − x + ½ log 2π + Σ_j STIRLING[j] x^{−1−2j}: below 1e-17 for |x| >= 12.
_STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
)  # fmt: skip
# ψ(x) = log x − 1/(2x) − Σ_j DIGAMMA[j] x^{−2−2j}.
_DIGAMMA = (
    1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160,
)  # fmt: skip
_SHIFT = 12

_NEGLIGIBLE = -42.0  # logarithm of a term that no sum of 10³ notices
_LAPLACE = -1e7  # logarithm of a probability below which the saddle point alone is exact
_ELEMENTS = 2**18  # working set of one vectorised evaluation
_AGREEMENT = 2e-14
_MAX_HALVINGS = 9


def log_moment(a, z):
    """Return κ(a, z) = log E (G/a)^z, without cancellation however large or small a is.

    ``a`` > 0, ``z`` real or complex, off the poles −a, −a−1, ...; they broadcast. The imaginary
    part is right up to a multiple of 2π.
    """
    a, z = np.asarray(a, dtype=float), np.asarray(z)
    total = 0.0
    base = a
    # Complex z comes from contours through the right half plane, on which |a + z| > 0.7 a.
    nearest = np.min(a) if np.iscomplexobj(z) else np.min(np.minimum(a, a + z), initial=np.inf)
    if nearest < _SHIFT:
        # Γ(a) = Γ(a + m)/(a (a+1) ... (a+m−1)) moves every shape to where Stirling's series is
        # exact to rounding.
        base = a + _SHIFT
        factors = _log1p(z[..., None] / (a[..., None] + np.arange(_SHIFT)))
        total = z * np.log1p(_SHIFT / a) - factors.sum(axis=-1)
    u = z / base
    total = total + base * _phi(u) - 0.5 * _log1p(u)
    return total + _stirling(base + z) - _stirling(base)


def digamma_minus_log(a):
    """Return ψ(a) − log a to full relative accuracy, a > 0."""
    a = np.asarray(a, dtype=float)
    small = a < _SHIFT
    base = np.where(small, a + _SHIFT, a)
    series = -0.5 / base - _polynomial(_DIGAMMA, base**-2.0) * base**-2.0
    if not np.any(small):
        return series
    # ψ(a) = ψ(a+m) − Σ 1/(a+j); for large a the shift would only cost digits.
    steps = np.log1p(_SHIFT / a) - sum(1 / (a + j) for j in range(_SHIFT))
    return series + np.where(small, steps, 0.0)


def moment_at(a, counts, z):
    """Return K(z) = Σ_i counts_i κ(a_i, z) for shapes (U,), counts (U, P) and real z (P,)."""
    smallest = a + np.min(np.minimum(z, 0.0))
    return sum(
        (counts[rows] * log_moment(a[rows, None], z)).sum(axis=0)
        for rows in _chunks(smallest, counts.shape[1])
    )


def tail(w, a, counts, *, upper):
    """Return the logarithms of a tail probability and of the density of W.

    Parameters
    ----------
    w : array (P,), finite
    a : array (U,)
        Different shapes, > 0, increasing.
    counts : array (U, P)
        How often each occurs in the sum, for each point; every point has at least one.
    upper : bool
        Pr(W > w) or Pr(W < w). Either can be asked for at any w; it is relatively accurate
        as long as it is not almost 1.

    Returns
    -------
    pair of arrays (P,)
    """
    log_tail, log_density = np.empty(len(w)), np.empty(len(w))
    width = max(1, _ELEMENTS // (32 * len(a)))
    for start in range(0, len(w), width):
        points = slice(start, start + width)
        log_tail[points], log_density[points] = _tail(w[points], a, counts[:, points], upper)
    return log_tail, log_density


def chernoff(w, a, counts):
    """Return min_{s >= 0} K(s) − s w and the minimising s, arrays (P,)."""
    scale = 1 / np.sqrt(_weighted(counts, special.polygamma(1, a)[:, None]))
    mean = _weighted(counts, digamma_minus_log(a)[:, None])

    def slope(y):
        return _slope(a, counts, scale * np.exp(y)) - w

    s = np.where(w > mean, scale * np.exp(_bisect(slope, -40.0, 600.0, len(w), 70)), 0.0)
    return np.where(w > mean, moment_at(a, counts, s) - s * w, 0.0), s


def _tail(w, a, counts, upper):
    c, shapes, log1p_ratio = _saddle(w, a, counts, upper)
    # Everything below is relative to the tilted law, in which G_i has the shape a_i + c: the
    # large real parts of the exponent never meet its imaginary part.
    linear = _weighted(counts, log1p_ratio) - w
    level = _moment_at_saddle(a, counts, c, shapes, log1p_ratio) - c * w
    if np.any(level < _LAPLACE):
        return _tail_far_out(w, a, counts, upper, level < _LAPLACE)

    second = _weighted(counts, special.polygamma(1, shapes)) + c**-2
    third = _weighted(counts, special.polygamma(2, shapes)) - 2 * c**-3
    bend = np.maximum(0.0, -third / (6 * second))  # steepest descent is z = it − bend t² + ...

    def along_contour(t, rows):
        # The hyperbola with that curvature whose arms open at 45 degrees.
        radius = np.hypot(1.0, 2 * bend[rows, None] * t)
        z = 1j * t - 2 * bend[rows, None] * t**2 / (1 + radius)
        direction = 1 + 2j * bend[rows, None] * t / radius
        exponent = z * linear[rows, None]
        for u in _chunks(shapes.min(axis=1), t.size):
            moments = log_moment(shapes[u, rows, None], z)
            exponent = exponent + (counts[u, rows, None] * moments).sum(axis=0)
        return z, direction, exponent

    everything = np.arange(len(w))
    # Where to cut: the first point of a geometric grid beyond which the integrand is negligible.
    grid = 4 * 1.3 ** np.arange(22) / np.sqrt(second)[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        alive = along_contour(grid, everything)[2].real > _NEGLIGIBLE
    cut = grid[everything, np.minimum(alive.cumsum(axis=1).argmax(axis=1) + 1, grid.shape[1] - 1)]

    def terms(nodes, rows):
        """Return the integrands of tail and density at the nodes, shape (2, rows, nodes)."""
        z, direction, exponent = along_contour(cut[rows, None] * nodes, rows)
        density = np.exp(exponent) * direction
        return np.array([(density / (1 + z / c[rows, None])).real, density.real])

    # The integrand is conjugate symmetric: half of its value at 0 and the real parts beyond.
    nodes = 64
    first = terms(np.arange(1, nodes) / nodes, everything)
    coarse = (0.5 + first[..., 1::2].sum(axis=-1)) / (nodes / 2)
    sums = 0.5 + first.sum(axis=-1)
    values = sums / nodes
    open_points = np.flatnonzero(_differ(values, coarse))
    for _ in range(_MAX_HALVINGS):
        if not len(open_points):
            break
        odd = (np.arange(nodes) + 0.5) / nodes
        nodes *= 2
        sums[:, open_points] += terms(odd, open_points).sum(axis=-1)
        finer = sums[:, open_points] / nodes
        unsettled = _differ(finer, values[:, open_points])
        values[:, open_points] = finer
        open_points = open_points[unsettled]
    tail_value, density_value = values
    log_scale = level + np.log(cut / np.pi)
    log_tail = log_scale + np.log(tail_value / np.abs(c))
    return log_tail, log_scale + np.log(density_value)


def _tail_far_out(w, a, counts, upper, far):
    """Return what `_tail` does where some points are too far out for their phase to be known.

    There Laplace's approximation of the integral, at the exact saddle point, gives every digit
    that the logarithm can hold.
    """
    c, shapes, log1p_ratio = _saddle(w, a, counts, upper, steps=64)
    second = _weighted(counts, special.polygamma(1, shapes))
    level = _moment_at_saddle(a, counts, c, shapes, log1p_ratio) - c * w
    log_density = level - 0.5 * np.log(2 * np.pi * second)
    log_tail = log_density - np.log(np.abs(c))
    if upper:  # the saddle point itself may lie beyond the largest float
        beyond = _slope(a, counts, c) < w - 1e-6 * np.abs(w)
        log_tail[beyond] = log_density[beyond] = -np.inf
    if not np.all(far):
        log_tail[~far], log_density[~far] = _tail(w[~far], a, counts[:, ~far], upper)
    return log_tail, log_density


def _differ(values, others):
    """Return whether, for each point, either of the two integrals has not settled."""
    return np.any(np.abs(values - others) > _AGREEMENT * np.abs(values), axis=0)


def _saddle(w, a, counts, upper, steps=26):
    """Return c, the tilted shapes a + c and log((a + c)/a), to the few digits that matter."""
    if upper:
        # In units of the inverse standard deviation; K'(c) − w − 1/c increases in c.
        scale = 1 / np.sqrt(_weighted(counts, special.polygamma(1, a)[:, None]))

        def slope(y):
            c = scale * np.exp(y)
            return _slope(a, counts, c) - w - 1 / c

        c = scale * np.exp(_bisect(slope, -40.0, 600.0, len(w), steps))
        return c, a[:, None] + c, np.log1p(c / a[:, None])

    # c lies in (−a_min, 0). Both ends matter, so y is the logit of −c/a_min, and the tilted
    # shape is formed from the distance to the pole, not as a difference.
    smallest = a.min()

    def shapes_at(y):
        return (a[:, None] - smallest) + smallest * special.expit(-y)

    def log1p_ratio(c, shapes):
        # A rounded ratio near 1 would lose what many generations add up to.
        ratio = c / a[:, None]
        near = np.log1p(np.maximum(ratio, -0.5))
        return np.where(ratio > -0.5, near, np.log(shapes / a[:, None]))

    def slope(y):
        c, shapes = -smallest * special.expit(y), shapes_at(y)
        terms = digamma_minus_log(shapes) + log1p_ratio(c, shapes)
        return w + 1 / c - _weighted(counts, terms)

    y = _bisect(slope, -60.0, 60.0, len(w), steps)
    c, shapes = -smallest * special.expit(y), shapes_at(y)
    return c, shapes, log1p_ratio(c, shapes)


def _moment_at_saddle(a, counts, c, shapes, log1p_ratio):
    """Return K(c) from what `_saddle` returns.

    Where a + c has lost its digits, by κ(a, c) = c log((a + c)/a) − κ(a + c, −c).
    """
    far = 2 * c < -a[:, None]
    start, z = np.where(far, shapes, a[:, None]), np.where(far, -c, c)
    total = 0.0
    for u in _chunks(np.minimum(a, shapes.min(axis=1)), len(c)):
        moments = log_moment(start[u], z[u])
        moments = np.where(far[u], c * log1p_ratio[u] - moments, moments)
        total = total + (counts[u] * moments).sum(axis=0)
    return total


def _slope(a, counts, c):
    """Return K'(c) for c > 0, without cancellation however large the shapes are."""
    a = a[:, None]
    return _weighted(counts, digamma_minus_log(a + c) + np.log1p(c / a))


def _bisect(function, low, high, points, steps):
    """Return zeros of an increasing function of (P,), to (high − low)/2^steps."""
    low, high = np.full(points, low), np.full(points, high)
    for _ in range(steps):
        middle = (low + high) / 2
        below = function(middle) < 0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def _weighted(counts, values):
    return (counts * values).sum(axis=0)


def _chunks(shapes, width):
    """Yield slices of rows that keep rows × width within the working set.

    Shapes increase; the small ones, which cost more to evaluate, are kept to themselves.
    """
    step = max(1, _ELEMENTS // max(width, 1))
    small = np.count_nonzero(shapes < _SHIFT)
    for first, last in ((0, small), (small, len(shapes))):
        for start in range(first, last, step):
            yield slice(start, min(start + step, last))


def _log1p(z):
    """Return log(1 + z), accurate near 0 for complex z too (NumPy's is not)."""
    if not np.iscomplexobj(z):
        return np.log1p(z)
    x, y = z.real, z.imag
    result = np.empty_like(z)
    result.real = 0.5 * np.log1p(x * (2 + x) + y * y)
    result.imag = np.arctan2(y, 1 + x)
    return result


def _phi(u):
    """Return (1 + u) log(1 + u) − u, which is u²/2 for small u, without cancellation."""
    near = np.abs(u) < 0.25
    if np.all(near):
        return _phi_series(u)
    far = (1 + u) * _log1p(u) - u
    if not np.any(near):
        return far
    return np.where(near, _phi_series(np.where(near, u, 0.0)), far)


def _phi_series(u):
    # log(1 + u) = 2 artanh r with r = u/(2 + u); |r| < 1/7 here.
    r = u / (2 + u)
    square = r * r
    odd = r * square * _polynomial([1 / (2 * j + 3) for j in range(9)], square)
    return 2 * (square + (1 + r) * odd) / (1 - r)


def _stirling(x):
    inverse = 1 / x
    return inverse * _polynomial(_STIRLING, inverse * inverse)


def _polynomial(coefficients, x):
    """Return Σ_j coefficients[j] x^j."""
    total = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = coefficient + total * x
    return total
