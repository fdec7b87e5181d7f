"""Headless Chromium for tests, or the reason why there is none."""

import os
from contextlib import contextmanager

import pytest

from collapse.publishing import browser
from collapse.publishing.project import UsageError


def require_chromium():
    """Without a browser the test is skipped, but fails where the variable CI is set."""
    try:
        browser.executable()
    except UsageError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


@contextmanager
def chromium():
    """A browser for as long as the context lasts."""
    require_chromium()
    with browser.chromium() as found:
        yield found
