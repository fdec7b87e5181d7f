"""Headless Chromium: for the PDF, and for tests that open pages."""

import shutil
from contextlib import contextmanager

from collapse.publishing.project import UsageError

# The first has no windows around its pages, which take others about a second for each page.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome",
         "google-chrome-stable")


def executable():
    """The path of the browser; raises UsageError when there is none."""
    if found := next(filter(None, map(shutil.which, NAMES)), None):
        return found
    raise UsageError(f"no browser: install Chromium (looked for {', '.join(NAMES)})")


@contextmanager
def chromium():
    """A browser of this machine, closed at the end; raises UsageError when there is none."""
    path = executable()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Containers, where books are often built, do not let Chromium make its sandbox. The shell
        # would fit each letter to the pixels of a screen: gaps within words, on paper, too.
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--font-render-hinting=none"])
        try:
            yield browser
        finally:
            browser.close()
