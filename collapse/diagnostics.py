"""Is something wrong with a loop? Three questions to a run, each answered with a false-alarm rate.

    contraction   does the estimator contract, and at the expected rate?
    survival      are as many runs above a level as predicted, at every generation?
    stability     does the mean rise, do the steps alternate, are the runs independent?

The tests use only the runs themselves and, where it is known, the exact law. None of them estimates
E Σ_k² by an average: a few rare runs carry it, and no standard error shows that they are missing.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy import special

from collapse import _checks

__all__ = ["Stability", "Verdict", "contraction", "stability", "survival"]

# What the gambler of `stability` stakes. With a half at most, no single step can ruin him.
_STAKES = 0.5 ** np.arange(1, 13)

# Variance of the steps below which they are rounding. 2⁶² samples leave more.
_NO_NOISE = 1e-22


@dataclass(frozen=True)
class Verdict:
    """What a test found.

    Attributes
    ----------
    statistic, standard_error, expected : float
        The estimate, its standard error, and its value in a healthy loop (NaN where none is known).
    p_value : float
        As each function says.
    flagged : bool
        Whether something is wrong, or cannot be told to be right.
    message : str
        One sentence.
    """

    statistic: float
    standard_error: float
    expected: float
    p_value: float
    flagged: bool
    message: str


class Stability(NamedTuple):
    """The three verdicts of `stability`."""

    rising: Verdict
    correlated: Verdict
    shared: Verdict


def contraction(run, variable, *, expected=None, false_alarm=1e-3):
    """Test whether a scale contracts: the mean of log(last/first)/(number of generations).

    Where the logarithm makes independent steps, as for every scale-equivariant estimator, this
    mean estimates their mean λ, and λ < 0 is what sends almost every run to 0. One number a run,
    so that the standard error is that of independent numbers, compared with Student's t. This is
    an approximation, good when replications times generations is large.

    Without ``expected`` the verdict is flagged unless the mean is significantly negative: a loop
    that does not contract (λ >= 0) passes with probability at most ``false_alarm``. A loop that
    does contract is flagged too if the runs are too few to show it. With ``expected`` it is flagged
    also if the mean differs from it, which for λ = ``expected`` happens with probability
    ``false_alarm``.

    A run that has reached 0 has contracted: its logarithm is −∞. It enters as if it had stopped at
    the smallest positive value that any run shows, which understates the contraction, never
    overstates it. With ``expected`` zeros are flagged, because a finite exponent excludes them, but
    for underflow: then look at fewer generations, ``run.sel(generation=slice(0, 500))``.

    Parameters
    ----------
    run : xarray.Dataset
        A result of `collapse.recursive_training`, with at least 2 replications and 2 kept
        generations.
    variable : str
        Name of a variable with one number >= 0 per replication and generation, > 0 at the first
        kept one.
    expected : float, optional
        The exact exponent λ, such as `collapse.laws.gaussian.lyapunov_exponent`.
    false_alarm : float in (0, 0.5]

    Returns
    -------
    Verdict
        ``p_value`` is that of λ = ``expected`` against λ ≠ ``expected``; without ``expected``,
        that of λ >= 0 against λ < 0, and then a *small* one is good.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    values, generation = _paths(run, variable, kept=2)
    if expected is not None:
        expected = _checks.real(expected, "expected")
    false_alarm = _level(false_alarm)
    runs, span = len(values), generation[-1] - generation[0]
    zeros = int(np.count_nonzero(values[:, -1] == 0))
    last = np.where(values[:, -1] > 0, values[:, -1], values[values > 0].min())
    growth = (np.log(last) - np.log(values[:, 0])) / span
    mean, error = growth.mean(), growth.std(ddof=1) / np.sqrt(runs)
    p_value = _student(mean, error, runs)
    faults = []
    if p_value >= false_alarm:
        faults.append("no contraction to be seen: there is none, or too few runs")
    if expected is not None and zeros:
        p_value = 0.0
        faults.append("a finite exponent excludes zeros, but for underflow")
    elif expected is not None:
        p_value = 2 * _student(-abs(mean - expected), error, runs)
        if p_value < false_alarm:
            faults.append(f"not by the expected {expected:.3g} ({_shown(p_value)})")
    fallen = f", {zeros} of {runs} runs have reached 0" if zeros else ""
    return Verdict(
        float(mean),
        float(error),
        np.nan if expected is None else expected,
        float(p_value),
        bool(faults),
        f"log {variable} changes by {mean:.3g} ± {error:.1g} a generation{fallen}: "
        f"{'; '.join(faults) if faults else 'it contracts'}",
    )


def survival(run, variable, predicted, *, above=0.0, false_alarm=1e-3):
    """Test the share of runs above a level against its predicted probability, at every generation.

    At each kept generation the number of runs above the level is binomial under the prediction.
    Both tails are computed exactly, so that small numbers are judged as what they are, and the
    smallest of them is multiplied by the number of generations at which the prediction leaves
    room for chance (Bonferroni; valid however the generations depend on each other). Where the
    prediction is exactly 0 or 1, a single exception is flagged.

    Parameters
    ----------
    run, variable
        As in `contraction`, with at least 1 replication and 1 kept generation.
    predicted : array of float in [0, 1], one for each kept generation
        Exact probabilities, such as `collapse.laws.gaussian.std_sf` at ``run["generation"]``; not
        bounds, nor shares of another simulation.
    above : float
        The level.
    false_alarm : float in (0, 0.5]
        Bound on the chance that a run with these probabilities is flagged.

    Returns
    -------
    Verdict
        The share at the generation with the smallest tail, its predicted value and standard error
        there, and the corrected ``p_value`` for all generations.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    values, generation = _paths(run, variable, kept=1, runs=1, low=-np.inf)
    predicted = _checks.reals(predicted, "predicted", low=0.0, high=1.0)
    if predicted.shape != generation.shape:
        raise ValueError(
            f"predicted must have one value in [0, 1] for each of the {generation.size} kept "
            f"generations of run, got shape {predicted.shape}"
        )
    above, false_alarm = _checks.real(above, "above"), _level(false_alarm)
    runs, seen = len(values), np.count_nonzero(values > above, axis=0)
    # Binomial tails, Pr(X >= seen) and Pr(X <= seen), as incomplete Beta functions.
    least, most = np.maximum(seen, 1), np.minimum(seen, runs - 1)
    upper = np.where(seen > 0, special.betainc(least, runs - least + 1, predicted), 1.0)
    lower = np.where(seen < runs, special.betaincc(most + 1, runs - most, predicted), 1.0)
    tail = np.minimum(lower, upper)
    p_values = np.minimum(2 * tail, 1) * max(np.count_nonzero(predicted % 1), 1)
    worst = int(p_values.argmin())
    p_value = min(p_values[worst], 1.0)
    flagged = bool(p_value < false_alarm)
    share, exact = seen[worst] / runs, predicted[worst]
    return Verdict(
        float(share),
        float(np.sqrt(exact * (1 - exact) / runs)),
        float(exact),
        float(p_value),
        flagged,
        f"{seen[worst]} of {runs} runs have {variable} > {above:g} at generation "
        f"{generation[worst]}, {runs * exact:.5g} are predicted ({_shown(p_value)} for "
        f"{generation.size} generations): {'not as predicted' if flagged else 'as predicted'}",
    )


def stability(run, variable, *, power=2.0, false_alarm=1e-3):
    """Test whether the mean rises, whether steps hang together, and whether runs do.

    rising
        E variable^power must not rise: Σ², P and Λ are martingales, Σ² with divisor n is a
        supermartingale. An average over runs is no witness, since rare runs carry the mean. So
        let a gambler bet on the rise: he stakes a share s of his capital on each run in each
        generation, and it is multiplied by 1 + s(F − 1), F = (new/old)^power. If E[F | past] <= 1
        and the runs are independent, his capital W (the average over s = ½, ¼, ..., 2⁻¹²) is a
        nonnegative supermartingale with W = 1 at the start, and by Ville's inequality
        Pr(sup W >= a) <= 1/a. So 1/sup W is a p-value, whatever the law of F, the number of runs
        and of generations. (The mean over runs of (Σ_k/Σ_0)^power is a supermartingale as well.
        But for false_alarm = 0.001 it would have to rise a thousandfold.)
    correlated
        The logarithm of the variable must make independent steps of one law, as for every
        scale-equivariant estimator at a fixed sample size. Their lag-one correlation is negative
        if values alternate, positive if noise is used again. For independent steps products of
        neighbours are uncorrelated, so the standard error is 1/√(number of neighbours); normal
        approximation.
    shared
        In one generation the runs' steps must be as different as across generations. They are not
        if runs share random numbers, or if all of them alternate in step. Analysis of variance of
        the same steps by generation, F test, exact for normal steps.

    Steps over several generations, where not all are kept, are scaled to one. The last two
    verdicts use the steps between positive values; they say nothing about the symbols of a discrete
    model, or sample sizes that change.

    Parameters
    ----------
    run, variable
        As in `contraction`, with at least 3 kept generations.
    power : float > 0
    false_alarm : float in (0, 0.5]
        Chance, for each verdict, that a healthy loop is flagged: for the first a bound, for the
        others up to their approximation.

    Returns
    -------
    Stability
        Named tuple of verdicts. Statistics: the mean of F (expected: at most 1), the correlation
        (0), and the ratio of mean squares between and within generations (1).

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong type or out of range.
    """
    values, generation = _paths(run, variable, kept=3)
    power = _checks.real(power, "power", low=0.0, open_low=True)
    false_alarm = _level(false_alarm)
    with np.errstate(divide="ignore", invalid="ignore"):  # logarithms of 0, and their differences
        steps = np.diff(np.log(values), axis=1)
    stays = (values[:, :-1] == 0) & (values[:, 1:] == 0)
    rising = _rising(np.where(stays, 0.0, steps), f"{variable}^{power:g}", power, false_alarm)

    # Steps of mean 0 and one variance: less the mean growth, over the root of the generations.
    gaps = np.diff(generation)
    used = np.isfinite(steps)
    time = np.broadcast_to(gaps, steps.shape)
    mean = steps[used].sum() / max(time[used].sum(), 1)
    noise = np.where(used, (np.where(used, steps, 0.0) - mean * gaps) / np.sqrt(gaps), 0.0)
    return Stability(
        rising,
        _correlated(noise, used, false_alarm),
        _shared(noise, used, false_alarm),
    )


def _rising(steps, name, power, false_alarm):
    """Return the verdict of the gambler, from the logarithms of new/old."""
    with np.errstate(over="ignore"):  # infinite if a value rises from 0: so is his gain
        factor = np.exp(power * steps)
    gains = [np.log1p(stake * (factor - 1)).sum(axis=0).cumsum() for stake in _STAKES]
    capital = special.logsumexp(gains, axis=0) - np.log(len(_STAKES))
    best = max(float(capital.max()), 0.0)
    p_value = float(np.exp(-best))
    flagged = p_value < false_alarm
    with np.errstate(invalid="ignore"):
        mean, error = factor.mean(), factor.std(ddof=1) / np.sqrt(factor.size)
    return Verdict(
        float(mean),
        float(error),
        1.0,
        p_value,
        flagged,
        f"{name} is multiplied by {mean:.4g} ± {error:.1g} a step; a bet on its rise turns 1 "
        f"into {np.exp(min(best, 700.0)):.3g} ({_shown(p_value, '<=')}): "
        + ("its mean rises" if flagged else "no rise to be seen"),
    )


def _correlated(noise, used, false_alarm):
    """Return the verdict on the lag-one correlation within runs."""
    pairs = np.count_nonzero(used[:, 1:] & used[:, :-1])
    variance = (noise**2).sum() / max(np.count_nonzero(used), 1)
    if pairs == 0 or variance < _NO_NOISE:
        return _no_noise("correlation")
    value = (noise[:, 1:] * noise[:, :-1]).sum() / pairs / variance
    error = 1 / np.sqrt(pairs)
    p_value = float(2 * special.ndtr(-abs(value) / error))
    flagged = p_value < false_alarm
    kind = "they alternate" if value < 0 else "noise is used again, or lasts"
    return Verdict(
        float(value),
        float(error),
        0.0,
        p_value,
        flagged,
        f"successive steps have correlation {value:.3g} ± {error:.1g} ({_shown(p_value)}): "
        + (kind if flagged else "independent, as far as can be seen"),
    )


def _shared(noise, used, false_alarm):
    """Return the verdict on what the runs have in common in a generation."""
    there = used.sum(axis=0)
    there, noise, used = there[there > 0], noise[:, there > 0], used[:, there > 0]
    groups, rest = len(there) - 1, int(there.sum()) - len(there)
    if groups < 1 or rest < 1:
        return _no_noise("ratio")
    centre = noise.sum(axis=0) / there
    within = (((noise - centre) ** 2)[used]).sum()
    between = (there * (centre - noise.sum() / there.sum()) ** 2).sum()
    if within + between < _NO_NOISE * (groups + rest):
        return _no_noise("ratio")
    with np.errstate(divide="ignore"):
        ratio = (between / groups) / (within / rest)
    p_value = float(special.fdtrc(groups, rest, ratio))
    flagged = p_value < false_alarm
    return Verdict(
        float(ratio),
        float(np.sqrt(2 / groups)),
        1.0,
        p_value,
        flagged,
        f"generations differ {ratio:.3g} times as much as independent runs do "
        f"({_shown(p_value)}): "
        + ("runs share their noise, or alternate together" if flagged else "independent runs"),
    )


def _no_noise(name):
    """Return the verdict on steps without any variation."""
    return Verdict(
        np.nan, np.nan, 0.0 if name == "correlation" else 1.0, 0.0, True,
        f"no {name}, because no two steps between positive values differ: nothing random in them",
    )  # fmt: skip


def _shown(p_value, sign="="):
    """Return a p-value in words; none is 0, though a number may be too small to be held."""
    return f"p {sign} {p_value:.2g}" if p_value > 1e-300 else "p < 1e-300"


def _student(difference, error, runs):
    """Return the lower tail of Student's law, also for runs that all agree."""
    if error == 0:
        return 1.0 if difference >= 0 else 0.0
    with np.errstate(over="ignore"):
        return float(special.stdtr(runs - 1, difference / error))


def _paths(run, variable, *, kept, runs=2, low=0.0):
    """Return the values of a variable, shape (replications, generations), and the generations."""
    if not isinstance(run, xr.Dataset):
        raise TypeError(f"run must be a Dataset of recursive_training, got {_checks.shown(run)}")
    scalar = [name for name, array in run.data_vars.items()
              if set(array.dims) == {"replication", "generation"}]  # fmt: skip
    if not isinstance(variable, str) or variable not in scalar:
        raise ValueError(
            f"variable must be one of {sorted(scalar)}, those of run with one number per "
            f"replication and generation, got {_checks.shown(variable)}"
        )
    array = run[variable].transpose("replication", "generation")
    if array.shape[0] < runs or array.shape[1] < kept:
        raise ValueError(
            f"run must have at least {runs} replications and {kept} kept generations, got "
            f"{array.shape[0]} and {array.shape[1]}"
        )
    values = _checks.reals(array.values, f"run[{variable!r}]", low=low)
    generation = run["generation"].values
    if generation.dtype.kind not in "iu" or np.any(np.diff(generation) <= 0):
        raise ValueError("run must have increasing integers as its generations")
    if low == 0 and not np.all(values[:, 0] > 0):
        raise ValueError(f"run must have {variable} > 0 at its first kept generation")
    return values, generation


def _level(false_alarm):
    return _checks.real(false_alarm, "false_alarm", low=0.0, high=0.5, open_low=True)
