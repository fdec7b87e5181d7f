"""The PDF of the whole book: complete, with right page numbers, nothing unresolved."""

import re
import subprocess
import sys

import pypdfium2
import pytest
from pypdf import PdfReader

from book import checks
from book.browser import require_chromium
from collapse.publishing import pdf
from collapse.publishing.build import PDF_NAME, has_pdf

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def printed(book):
    """The PDF, made when it is older than its sources."""
    if not has_pdf(book):
        require_chromium()
        # A process of its own: the tests' browser runs in this one, which can have only one.
        command = [sys.executable, "-m", "collapse", "pdf"]
        done = subprocess.run(command, cwd=book.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return PdfReader(book.pdf)


@pytest.fixture(scope="module")
def texts(book, printed):
    # Of two readers, the one that needs seconds and not minutes.
    with pypdfium2.PdfDocument(book.pdf) as document:
        return [" ".join(page.get_textpage().get_text_bounded().split()) for page in document]


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


def test_size_and_metadata(book, printed):
    assert 100 < len(printed.pages) < 1000
    assert book.pdf.stat().st_size < 25e6
    assert printed.metadata.title and printed.metadata.author
    assert "/CreationDate" not in printed.metadata
    root = printed.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"]


def test_every_page_of_the_book_has_a_bookmark_that_leads_to_it(book, printed, texts):
    bookmarks = {re.sub(r"^\d+\. ", "", title): printed.get_destination_page_number(entry)
                 for depth, title, entry in outline(printed.outline)
                 if depth == 1 or title == book.pages[0].title}
    for page in book.pages:
        assert page.title in straight(texts[bookmarks[page.title]]), page.title


def test_bookmarks_of_parts_chapters_and_sections(book, printed):
    bookmarks = list(outline(printed.outline))
    parts = [title for depth, title, _ in bookmarks if depth == 0]
    assert parts == [book.pages[0].title, *(caption for caption, _ in book.parts)]
    titles = [title for _, title, _ in bookmarks]
    assert titles.index("1. The loop") < titles.index("The first figure")
    assert titles.count("Exercises") >= len(book.chapters) / 2
    assert not any("\\" in title or title != title.strip() for title in titles)


def test_the_contents_name_the_right_pages(book, printed, texts):
    contents = " ".join(texts[1:9])
    for page in (book.chapters[0], book.chapters[len(book.chapters) // 2], book.chapters[-1]):
        number = int(re.search(rf"{re.escape(page.title)} (\d+)\b", straight(contents))[1])
        assert page.title in straight(texts[number - 1])
        assert re.search(rf"\b{number}\b", texts[number - 1])
        target = printed.named_destinations[f"/{pdf.mark(page.name)}"]
        assert printed.get_destination_page_number(target) == number - 1


def test_nothing_is_left_unresolved(texts):
    # The reference of the package quotes this role, in the docstring of `emit`.
    found = [problem for problem in checks.unresolved(texts) if "{glue:text}name" not in problem]
    assert found == []


@pytest.mark.parametrize("fault", [
    "see Theorem ??", "see {ref}`thm-x`", "by {eq}`eq-x`", r"\begin{aligned}", r"\(x\)",
    "{glue:text}`a.b`", "<!-- ledger -->"])
def test_a_planted_fault_is_found(fault):
    assert checks.unresolved(["fine", f"and {fault} here"])


def test_every_figure_is_there(texts, site):
    captions = {" ".join(tag.text.split()) for page in site.pages.values()
                for tag in page.select("figcaption .caption-number")}
    everything = " ".join(texts)
    assert captions
    assert [caption for caption in captions if caption not in everything] == []


def test_the_first_page_links_to_it(book, site, printed):
    assert (book.html / PDF_NAME).read_bytes() == book.pdf.read_bytes()
    opening = (book.html / f"{book.pages[0].name}.html").read_text()
    assert f'href="../{PDF_NAME}"' in opening


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
