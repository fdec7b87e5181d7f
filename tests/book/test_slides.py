"""The slides of the book: one deck for each part with chapters, and everything fits."""

import subprocess
import sys

import pytest

from book.browser import require_chromium
from book.slides import Deck, problems

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_slides_of_the_book(book, browser, tmp_path):
    require_chromium()
    out = tmp_path / "slides"
    # A process of its own: the tests' browser runs in this one, which can have only one.
    command = [sys.executable, "-m", "collapse", "slides", "--out", str(out)]
    done = subprocess.run(command, cwd=book.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} == {
        "rates.html", "schedules.html", "measures.html", "synthesis.html"}
    for path in out.iterdir():
        assert path.stat().st_size < 10e6
        with Deck(browser, path) as deck:
            assert problems(deck) == []
            titles = deck.page.locator("h1").all_inner_texts()
            chapters = [page.title for page in book.chapters
                        if page.short.startswith(f"{path.stem}/")]
            shown = [title.split(". ")[-1].replace("\u2019", "'") for title in titles[1:]]
            assert shown == chapters
            assert deck.page.locator("figure img").count() >= len(chapters)
