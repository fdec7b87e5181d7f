"""What all tests share: one false-alarm rate for the whole suite, and the hypothesis profiles.

A statistical test compares numbers that contain chance with their exact values, so a correct
program can fail it.  The chance that a correct program fails *anywhere* in the suite is declared
here, once: `FALSE_ALARM_RATE`.  It is divided equally (Bonferroni) over `DECLARED_COMPARISONS`;
the session fails when the suite makes more comparisons than declared.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from book.browser import chromium
from hypothesis import settings
from scipy import stats

from collapse import datasets

FALSE_ALARM_RATE = 1e-6
DECLARED_COMPARISONS = 5000
LEVEL = FALSE_ALARM_RATE / DECLARED_COMPARISONS
Z = float(stats.norm.isf(LEVEL / 2))

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium; one for all tests, since a process can run Playwright only once."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def wikitext():
    """WikiText-2, from a copy beside the project or from the loader's cache; nothing is fetched."""
    name = datasets._WIKITEXT2["file"]
    beside = Path(__file__).parents[2] / "shared" / "data" / name
    cached = datasets._cache_folder(None) / name
    for path in (beside, cached):
        if path.is_file():
            return datasets.load_text(path)
    pytest.skip(f"needs {name}: in ../shared/data or in the cache of datasets.load_text")


_made = 0


def _count(number):
    global _made
    _made += number


@pytest.fixture
def assert_within():
    """assert_within(observed, expected, se): every |observed - expected| is at most z * se.

    Arrays broadcast and every element counts as one comparison.  `se` is the standard error of
    `observed`; the rule needs an average of so many terms that its tails are normal out to z = 6.4.
    For proportions use `assert_proportion`, for whole laws a Kolmogorov test and
    `assert_plausible`: their levels are exact.
    """

    def check(observed, expected, se):
        observed, expected, se = np.broadcast_arrays(observed, expected, se)
        _count(observed.size)
        assert np.all(np.isfinite(observed)) and np.all(se > 0)
        distance = np.abs(observed - expected) / se
        worst = np.unravel_index(np.argmax(distance), distance.shape)
        assert distance[worst] <= Z, (
            f"{observed[worst]:.6g} is {distance[worst]:.2f} standard errors from "
            f"{expected[worst]:.6g}; {Z:.2f} are allowed (index {worst})"
        )

    return check


@pytest.fixture
def assert_proportion():
    """assert_proportion(successes, trials, probability): by exact binomial tails, both sides."""

    def check(successes, trials, probability):
        successes, trials, probability = np.broadcast_arrays(successes, trials, probability)
        _count(successes.size)
        below = stats.binom.cdf(successes, trials, probability)
        above = stats.binom.sf(successes - 1, trials, probability)
        tail = np.minimum(below, above)
        worst = np.unravel_index(np.argmin(tail), tail.shape)
        assert tail[worst] >= LEVEL / 2, (
            f"{successes[worst]} of {trials[worst]} with probability {probability[worst]:.6g}: "
            f"the tail is {tail[worst]:.2g}, below {LEVEL / 2:.2g} (index {worst})"
        )

    return check


@pytest.fixture
def assert_plausible():
    """assert_plausible(p_value): an exact p-value is not below the level of one comparison."""

    def check(p_value):
        _count(1)
        assert p_value >= LEVEL, f"p = {p_value:.2g}, below {LEVEL:.2g}"

    return check


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests go to whichever process is free, those of a file that shares one long set-up together.

    (The marks of pytest-xdist for this go unnoticed by pytest 9.2.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return file if file.endswith(("test_pdf.py", "test_epub.py")) else nodeid

    return Scheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Add up what the parallel workers report (pytest-xdist)."""
    _count(getattr(node, "workeroutput", {}).get("comparisons", 0))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["comparisons"] = _made
    elif _made > DECLARED_COMPARISONS:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if _made > DECLARED_COMPARISONS:
        terminalreporter.write_line(
            f"FAILED: {_made} statistical comparisons were made, {DECLARED_COMPARISONS} declared "
            "in tests/conftest.py",
            red=True,
        )
    elif _made:
        terminalreporter.write_line(
            f"{_made} of {DECLARED_COMPARISONS} declared statistical comparisons were made; "
            f"false-alarm rate of the suite at most {FALSE_ALARM_RATE:g}"
        )
