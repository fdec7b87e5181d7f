"""The PDF of the whole book."""

import subprocess
import sys

import pytest
from publishing import test_pdf as of_any_book

from book.browser import require_chromium
from collapse.publishing.build import has_pdf

pytestmark = [pytest.mark.browser, pytest.mark.slow]
printed, texts = of_any_book.printed, of_any_book.texts


@pytest.fixture(scope="module")
def book(book):
    """The PDF is made when it is older than its sources."""
    if not has_pdf(book):
        require_chromium()
        # A process of its own: the tests' browser runs in this one, which can have only one.
        command = [sys.executable, "-m", "collapse", "pdf"]
        done = subprocess.run(command, cwd=book.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return book


class TestBook(of_any_book.Printed):
    def test_size(self, book, printed):
        assert 100 < len(printed.pages) < 1000
        assert book.pdf.stat().st_size < 25e6

    def test_the_bookmarks_of_sections(self, book, printed):
        titles = [title for _, title, _ in of_any_book.outline(printed.outline)]
        assert titles.index("1. The loop") < titles.index("The first figure")
        assert titles.count("Exercises") >= len(book.chapters) / 2
