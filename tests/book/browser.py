"""Headless Chromium, or the reason why there is none."""

import os
import shutil
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def chromium():
    """A browser; without one the test is skipped, but fails where the variable CI is set."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()
