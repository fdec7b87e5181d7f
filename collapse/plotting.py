"""The house style of the figures: one colour and one line per role, on every page.

The colours stay apart for colour-blind readers, on white paper and on the dark one, where the page
turns each figure's lightness round; every role has its own dash pattern too, so that a figure also
reads in grey. `tests/test_plotting.py` measures this.
"""

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes

from collapse import _checks

__all__ = ["LINES", "band", "fan", "shades", "use_style"]

LINES = {
    "exact": {"color": "#000000", "linestyle": "-", "linewidth": 1.6},
    "simulated": {"color": "#0072B2", "linestyle": "-", "linewidth": 1.3},
    "paper": {"color": "#D55E00", "linestyle": "--", "linewidth": 1.8},
    "published": {"color": "#6A4E11", "linestyle": "-.", "linewidth": 1.8},
    "other": {"color": "#1D9F75", "linestyle": ":", "linewidth": 2.2},
    "ours": {"color": "#9F3F68", "linestyle": (0, (6, 1.5, 1, 1.5, 1, 1.5)), "linewidth": 1.6},
    "neutral": {"color": "#777777", "linestyle": (0, (4, 2)), "linewidth": 1.5},
    "trajectory": {"color": "#0072B2", "linewidth": 0.7, "alpha": 0.75},
}
"""Keyword arguments of ``Axes.plot`` by what a line is: an exact law, a simulation, a bound as the
paper states it, a curve as published, another paper's bound, a result of this book, something
else to compare with, or one trajectory."""

_LARGEST = 1e100  # number to draw
_CYCLE = ("simulated", "paper", "other", "ours", "published")  # where colours have no role
_STYLE = {
    "figure.figsize": (7.2, 3.4),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 11,
    "axes.labelsize": 10.5,
    "axes.prop_cycle": cycler(color=[LINES[role]["color"] for role in _CYCLE]),
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same picture everywhere
    "mathtext.fontset": "cm",
    "savefig.facecolor": "white",
}


def use_style():
    """Set the house style for all figures made from here on."""
    mpl.rcParams.update(_STYLE)


def shades(count):
    """`count` colours (1 to 1000) for curves in an order, from dark to light, all legible.

    Raises TypeError or ValueError for another ``count``.
    """
    count = _checks.integer(count, "count", low=1, high=1000)
    return mpl.colormaps["plasma"](np.linspace(0, 0.63, count))


def band(ax, x, share, replications, *, label):
    """Draw a simulated share with a band of one binomial standard error on either side.

    ``share`` is the share (in [0, 1]) of ``replications`` (an int >= 1) independent replications,
    at each x. Along x the errors are correlated: one set of replications makes the whole curve.
    Raises TypeError or ValueError for wrong arguments.
    """
    _check_axes(ax)
    x = _curve(x, "x")
    share = _curve(share, "share", like=x, low=0.0, high=1.0)
    replications = _checks.integer(replications, "replications", low=1)
    _checks.text(label, "label")
    error = (share * (1 - share) / replications) ** 0.5
    line = LINES["simulated"]
    ax.fill_between(x, share - error, share + error, color=line["color"], alpha=0.25, linewidth=0)
    ax.plot(x, share, label=label, **line)


def fan(ax, x, quantiles, *, labels):
    """Draw quantile curves (lowest first, an odd number of them) as a shaded fan.

    Opposite curves enclose a band; the middle one is drawn as an exact line. ``labels`` has one
    label for each band, outermost first, and one for the middle. Raises TypeError or ValueError for
    wrong arguments.
    """
    _check_axes(ax)
    x = _curve(x, "x")
    quantiles = _checks.reals(quantiles, "quantiles", low=-_LARGEST, high=_LARGEST)
    if quantiles.ndim != 2 or len(quantiles) % 2 == 0 or quantiles.shape[1:] != x.shape:
        raise ValueError(
            f"quantiles must be an odd number of curves of {x.size} points, as x has, "
            f"got shape {quantiles.shape}"
        )
    bands = len(quantiles) // 2
    if not isinstance(labels, (list, tuple)) or len(labels) != bands + 1:
        raise ValueError(
            f"labels must be {bands + 1} str, for the bands and the middle, "
            f"got {_checks.shown(labels)}"
        )
    for label in labels:
        _checks.text(label, "labels")
    pairs = len(quantiles) // 2
    for i in range(pairs):
        grey = str(0.88 - 0.16 * i)  # darker towards the middle, in the legend too
        ax.fill_between(
            x, quantiles[i], quantiles[-1 - i], color=grey, linewidth=0, label=labels[i]
        )
    ax.plot(x, quantiles[pairs], label=labels[pairs], **LINES["exact"])


def _check_axes(ax):
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be the axes of a figure, got {_checks.shown(ax)}")


def _curve(values, name, *, like=None, low=-_LARGEST, high=_LARGEST):
    """Return checked values, one-dimensional and as many as those of ``like``."""
    array = _checks.reals(values, name, low=low, high=high)
    if array.ndim != 1 or (like is not None and array.shape != like.shape):
        as_many = "" if like is None else f" of {like.size} values, as x has,"
        raise ValueError(
            f"{name} must be a one-dimensional array{as_many} got shape {array.shape}"
        )
    return array
