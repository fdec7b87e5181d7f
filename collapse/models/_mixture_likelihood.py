"""The global maximum of the likelihood of ½N(μ, σ²) + ½N(−μ, σ²), for many samples at once.

Only y = |x| matters. Write m, V and S = V + m² for its mean, variance and mean square. For a fixed
slope a = μ/σ² the likelihood is largest where σ² = v with v + a²v² = S. The profile that is left
has, per sample, the derivative

    F(a) = mean(y tanh(a y)) − t(a),    t = a v = √(S − v),

both terms increasing and concave in a. Four facts, proved in the chapter on mixtures, make the
search for its maximum finite:

1. every zero a > 0 of F has t <= m, hence V <= σ² and a <= m/V;
2. the maximiser has σ² <= 9.83 V;
3. near a = 0 the sign of F is that of 3 S² − mean y⁴, up to an explicit a;
4. the profile bends down by t'(a) at most, a decreasing function: between a₁ and a₂ it exceeds the
   larger of its values there by t'(a₁)(a₂ − a₁)²/8 at most.
"""

import numpy as np

_LARGEST_RATIO = 9.83  # the larger root of log c + 1/c = 1 + 2 log 2, rounded up
_CELLS = 6
_MAX_HALVINGS = 60
_NEWTON_STEPS = 8
_BISECTIONS = 70
# Per sample: maxima closer than this count as equal. Cells and peaks each may lose as much.
_TIE = 1e-12

# Rows of an array of points on the profile.
_A, _VALUE, _SLOPE, _UP, _DOWN = range(5)  # a, ℓ(a), F(a), and the two terms of F'(a)


def maximise(y, m, variance):
    """Return σ² and m − μ at the global maximum, for each row of ``y``.

    ``y`` has shape (replications, n); ``m`` and ``variance`` are the mean and the variance of its
    rows. Where one mode is the best fit, μ = 0. Where all y are equal the likelihood is unbounded,
    and its limit σ² = 0, μ = m is returned.

    Raises RuntimeError, and returns nothing, if the maximum of any row cannot be located.
    """
    sigma2, gap = np.zeros(len(m)), np.zeros(len(m))
    rows = np.flatnonzero(variance > 0)
    if rows.size:
        profile = _Profile(y[rows], m[rows], variance[rows])
        sigma2[rows], gap[rows] = profile.spread(_best_slope(profile))
    return sigma2, gap


class _Profile:
    """ℓ(a) for each row of y."""

    def __init__(self, y, m, variance):
        self.y, self.m, self.variance = y, m, variance
        self.square = variance + m**2
        self.count = len(m)

    def spread(self, a, rows=slice(None)):
        """Return v(a) and m − t(a), without cancellation."""
        square, m, variance = self.square[rows], self.m[rows], self.variance[rows]
        v = 2 * square / (1 + np.sqrt(1 + 4 * a**2 * square))
        gap = np.where(a > 0, (v - variance) / (m + a * v), m)
        return np.where(a > 0, v, square), gap

    def points(self, a, rows=slice(None)):
        """Return the points of the profile at a, an array (5, len(a))."""
        y, variance = self.y[rows], self.variance[rows]
        v, gap = self.spread(a, rows)
        with np.errstate(under="ignore"):
            u = np.exp(-2 * a[:, None] * y)
            value = np.log1p(u).mean(axis=1) - 0.5 * np.log(v) - (variance + gap**2) / (2 * v)
            missing = y * u / (1 + u)  # y (1 − tanh(a y))/2
            slope = gap - 2 * missing.mean(axis=1)
            up = 4 * (missing * y / (1 + u)).mean(axis=1)
        return np.stack([a, value, slope, up, v**2 / (self.square[rows] + (a * v) ** 2)])


def _best_slope(profile):
    """Return the maximiser a of each row; 0 where one mode is the best fit."""
    everyone = np.arange(profile.count)
    grid, one_mode = _search_range(profile)
    points = np.stack([profile.points(a) for a in grid], axis=1)  # (5, grid, rows)
    values = points[_VALUE]
    best = np.maximum(values.max(axis=0), one_mode)
    slope = np.where(best > one_mode, grid[values.argmax(axis=0), everyone], 0.0)

    rows = np.tile(everyone, _CELLS)
    left, right = points[:, :-1].reshape(5, -1), points[:, 1:].reshape(5, -1)
    for _ in range(_MAX_HALVINGS):
        excess = left[_DOWN] * (right[_A] - left[_A]) ** 2 / 8
        open_ = np.maximum(left[_VALUE], right[_VALUE]) + excess > best[rows] + _TIE
        # Where F decreases throughout, there is one maximum at most: Newton's method finds it.
        single = left[_UP] < right[_DOWN]
        peak = open_ & single & (left[_SLOPE] > 0) & (right[_SLOPE] < 0)
        if peak.any():
            top = _peak(profile, left[:, peak], right[:, peak], rows[peak])
            # A peak may lie so close to a point of the grid that rounding decides: take the peak.
            _take_better(best, slope, top, rows[peak], slack=_TIE)
        halve = open_ & ~single
        if not halve.any():
            return slope
        rows, left, right = rows[halve], left[:, halve], right[:, halve]
        middle = profile.points((left[_A] + right[_A]) / 2, rows)
        _take_better(best, slope, middle, rows)
        rows = np.concatenate([rows, rows])
        left, right = np.hstack([left, middle]), np.hstack([middle, right])
    raise RuntimeError(f"the likelihood of {np.unique(rows).size} samples was not maximised")


def _search_range(profile):
    """Return a geometric grid that encloses every candidate a > 0, and the value at a = 0.

    That value is −∞ where a = 0 is no local maximum.
    """
    m, variance, square = profile.m, profile.variance, profile.square
    scaled = profile.y**2 / square[:, None]
    excess = 1 - (scaled**2).mean(axis=1) / 3
    sixth = (scaled**3).mean(axis=1)
    one_mode = np.where(excess <= 0, np.log(2) - 0.5 - 0.5 * np.log(square), -np.inf)
    # Fact 3, in units of √S. At excess = 0 nothing is certain but that smaller a gain nothing.
    certain = np.sqrt(np.maximum(np.where(excess > 0, excess / 2, -7.5 * excess / sixth), 1e-12))
    largest = np.minimum(square, _LARGEST_RATIO * variance)
    low = np.maximum(certain / np.sqrt(square), np.sqrt(square - largest) / largest)
    high = m / variance
    low = np.minimum(low, high)
    grid = low * (high / low) ** np.linspace(0, 1, _CELLS + 1)[:, None]
    grid[-1] = high
    return grid, one_mode


def _peak(profile, left, right, rows):
    """Return the points where F = 0, given brackets on which F decreases."""
    low, high = left[_A].copy(), right[_A].copy()
    a = (low + high) / 2
    points = profile.points(a, rows)
    busy = np.arange(a.size)
    for step in range(_NEWTON_STEPS + _BISECTIONS):
        now = points[:, busy]
        rising = now[_SLOPE] > 0
        low[busy] = np.where(rising, now[_A], low[busy])
        high[busy] = np.where(rising, high[busy], now[_A])
        new = (low[busy] + high[busy]) / 2
        if step < _NEWTON_STEPS:
            newton = now[_A] - now[_SLOPE] / (now[_UP] - now[_DOWN])
            inside = (newton >= low[busy]) & (newton <= high[busy])
            new = np.where(inside, newton, new)
        moving = np.abs(new - now[_A]) > 4e-16 * now[_A]
        busy = busy[moving]
        if not busy.size:
            return points
        points[:, busy] = profile.points(new[moving], rows[busy])
    return points


def _take_better(best, slope, points, rows, slack=0.0):
    """Enter the points that are at least as good as the best so far of their rows."""
    np.maximum.at(best, rows, points[_VALUE])
    good = points[_VALUE] >= best[rows] - slack
    slope[rows[good]] = points[_A, good]
