"""The EPUB of the book: nothing in it is wrong."""

import subprocess
import sys

import pytest
from publishing.test_epub import faults

from book.browser import require_chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_epub_of_the_book(book):
    require_chromium()
    # A process of its own: the tests' browser may run in this one, which can have only one.
    command = [sys.executable, "-m", "collapse", "epub"]
    done = subprocess.run(command, cwd=book.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    content = book.epub.read_bytes()
    assert len(content) < 10e6
    assert faults(content) == []
