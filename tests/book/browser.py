"""Headless Chromium for tests, or the reason why there is none."""

import os
from contextlib import ExitStack, contextmanager

import pytest

from collapse.publishing import browser
from collapse.publishing.project import UsageError


@contextmanager
def chromium():
    """A browser; without one the test is skipped, but fails where the variable CI is set."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(browser.chromium())
        except UsageError as error:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))
        yield found
