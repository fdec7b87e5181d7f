"""The PDF of the mini book: complete, with right page numbers, nothing unresolved.

The tests of `Printed` are for the PDF of any book; `make verify` has those of the whole book.
"""

import re
import shutil

import pypdfium2
import pytest
from book.browser import require_chromium
from pypdf import PdfReader

from book import checks
from collapse.publishing import pdf
from collapse.publishing.build import PDF_NAME
from collapse.publishing.project import Project
from publishing.processes import run

pytestmark = pytest.mark.browser


def straight(text):
    """The text with the apostrophes of its source."""
    return text.replace("\u2019", "'")


def outline(entries, depth=0):
    """The bookmarks: (depth, title, the entry)."""
    for entry in entries:
        if isinstance(entry, list):
            yield from outline(entry, depth + 1)
        else:
            yield depth, straight(entry.title), entry


@pytest.fixture(scope="module")
def book(built_once, tmp_path_factory):
    """A mini book with its PDF."""
    require_chromium()
    root = tmp_path_factory.mktemp("pdf") / "book"
    shutil.copytree(built_once, root)
    opening = root / "book/index.md"
    opening.write_text(opening.read_text() + "\n<!-- pdf -->\n")
    code, out, error = run(root, "pdf")
    assert (code, out.splitlines()[-1]) == (0, str(root / "_build/book.pdf")), error
    return Project(root)


@pytest.fixture(scope="module")
def printed(book):
    return PdfReader(book.pdf)


@pytest.fixture(scope="module")
def texts(book):
    """The text of each page, by that of two readers that needs seconds and not minutes."""
    with pypdfium2.PdfDocument(book.pdf) as document:
        return [" ".join(page.get_textpage().get_text_bounded().split()) for page in document]


class Printed:
    """Tests of the PDF of any `book`."""

    def test_metadata(self, printed):
        assert printed.metadata.title and printed.metadata.author
        assert "/CreationDate" not in printed.metadata
        root = printed.trailer["/Root"]
        assert root["/MarkInfo"]["/Marked"] and root["/Lang"]

    def test_every_page_of_the_book_has_a_bookmark_that_leads_to_it(self, book, printed, texts):
        bookmarks = {re.sub(r"^\d+\. ", "", title): printed.get_destination_page_number(entry)
                     for depth, title, entry in outline(printed.outline)
                     if depth == 1 or title == book.pages[0].title}
        for page in book.pages:
            assert page.title in straight(texts[bookmarks[page.title]]), page.title

    def test_the_bookmarks_of_parts(self, book, printed):
        bookmarks = list(outline(printed.outline))
        parts = [title for depth, title, _ in bookmarks if depth == 0]
        assert parts == [book.pages[0].title, *(caption for caption, _ in book.parts)]
        assert not any("\\" in title or title != title.strip() for _, title, _ in bookmarks)

    def test_the_contents_name_the_right_pages(self, book, printed, texts):
        contents = " ".join(texts[1:9])
        for page in book.chapters:
            number = int(re.search(rf"{re.escape(page.title)} (\d+)\b", straight(contents))[1])
            assert page.title in straight(texts[number - 1])
            assert re.search(rf"\b{number}\b", texts[number - 1])
            target = printed.named_destinations[f"/{pdf.mark(page.name)}"]
            assert printed.get_destination_page_number(target) == number - 1

    def test_nothing_is_left_unresolved(self, texts):
        # The reference of the package quotes this role, in the docstring of `emit`.
        found = [problem for problem in checks.unresolved(texts)
                 if "{glue:text}name" not in problem]
        assert found == []

    def test_every_figure_is_there(self, book, texts):
        captions = {" ".join(tag.text.split()) for page in checks.Site(book.html).pages.values()
                    for tag in page.select("figcaption .caption-number")}
        everything = " ".join(texts)
        assert captions
        assert [caption for caption in captions if caption not in everything] == []

    def test_the_first_page_links_to_it(self, book):
        assert (book.html / PDF_NAME).read_bytes() == book.pdf.read_bytes()
        opening = (book.html / f"{book.pages[0].name}.html").read_text()
        assert f'href="../{PDF_NAME}"' in opening


class TestMiniBook(Printed):
    def test_sections(self, printed, texts):
        bookmarks = [(depth, title) for depth, title, _ in outline(printed.outline)]
        assert bookmarks == [
            (0, "A mini book"), (0, "Rates of collapse"), (1, "1. The loop"),
            (1, "2. The Gaussian"), (0, "Appendix"), (1, "The ledger"),
            (2, "P1: Rates of collapse"), (2, "Synthesis"), (1, "Bibliography")]
        text = " ".join(texts)
        assert "What is left is 0.5905, at most 0.6065" in text
        assert "import numpy" in text and "plt.subplots" not in text  # folded code of a figure


def test_letters_are_as_wide_as_their_font_says(browser, tmp_path):
    """Not fitted to the pixels of a screen, which leaves gaps within words."""
    sizes = 9, 11, 13, 900
    text = "".join(f"<b style='font-size: {size}px'>against forgetting</b><br>" for size in sizes)
    place = tmp_path / "page.html"
    fonts = "\n".join(pdf._fonts())
    place.write_text(f"<style>{fonts} b {{ font-family: Text; white-space: pre }}</style>{text}")
    page = browser.new_page()
    page.goto(place.as_uri())
    page.evaluate("() => document.fonts.ready.then(() => true)")
    widths = page.evaluate(
        "[...document.querySelectorAll('b')].map(e => e.getBoundingClientRect().width)")
    page.close()
    ems = [width / size for size, width in zip(sizes, widths, strict=True)]
    assert ems[:-1] == pytest.approx(3 * [ems[-1]], rel=0.002)


@pytest.mark.parametrize("fault", [
    "see Theorem ??", "see {ref}`thm-x`", "by {eq}`eq-x`", r"\begin{aligned}", r"\(x\)",
    "{glue:text}`a.b`", "<!-- ledger -->"])
def test_a_planted_fault_is_found(fault):
    assert checks.unresolved(["fine", f"and {fault} here"])


def test_a_link_to_nowhere_is_found():
    assert pdf.dead_links('<p id="a"></p><a href="#a"></a>') == []
    assert pdf.dead_links('<p id="a"></p><a href="#b"></a>') == ["#b"]


@pytest.mark.parametrize(("body", "problem"), [
    ("<p>fine</p>", ""),
    ("<div id='d' style='width: 900px'>wide</div>", "d: <div> reaches 900 px"),
    ("<table id='t'><tr><td style='min-width: 1500px'>x</td></tr></table>", "too wide"),
    ("<p><mjx-merror>oh</mjx-merror></p>", "formula error"),
    ("<div class='math' id='m' style='width: 300px'><mjx-container style='display: block'>"
     "<div style='width: 900px'>x</div></mjx-container></div>", "m: 900 px wide, 300 available"),
])
def test_what_does_not_fit_on_paper_is_found(tmp_path, browser, body, problem):
    place = tmp_path / "page.html"
    place.write_text(f"<html><body style='margin: 0'>{body}</body></html>")
    page = browser.new_page(viewport={"width": pdf.WIDTH, "height": pdf.HEIGHT})
    page.goto(place.as_uri())
    found = "\n".join(pdf.fit(page))
    page.close()
    assert problem in found if problem else found == ""
