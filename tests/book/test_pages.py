"""The built book: every page there, every link alive, every figure complete, nothing external."""

from pathlib import Path

import nbformat
import pytest

from book import checks
from collapse.publishing import ledger
from collapse.publishing.build import load_ledger
from collapse.publishing.project import Project

ROOT = Path(__file__).resolve().parents[2]


def test_every_page_of_the_contents_was_rendered(book, site):
    names = [page.name for page in book.pages]
    assert names
    assert [name for name in names if f"{name}.html" not in site.pages] == []
    assert "index.html" in site.pages


def test_no_link_anchor_or_image_is_dead(site):
    assert checks.dead_links(site) == []


def test_nothing_is_loaded_from_elsewhere(site):
    assert checks.external_loads(site) == []


def test_every_image_says_what_it_shows(site):
    assert checks.poor_images(site) == []


@pytest.fixture
def notebooks(book):
    """The executed notebooks, as they were rendered."""
    return [nbformat.read(book.stage / f"{chapter.name}.ipynb", as_version=4)
            for chapter in book.chapters]


def test_no_cell_prints_a_warning(notebooks):
    assert checks.printed_warnings(notebooks) == []


def test_every_figure_has_its_links(book, site, notebooks):
    expected = checks.expected_links(notebooks, {row["id"] for row in load_ledger(book)})
    assert checks.incomplete_figures(site, expected) == []


def test_every_ledger_row_is_on_the_ledger_page(book, site):
    rows = load_ledger(book)
    assert rows
    page = site.pages["book/appendix/ledger.html"]
    assert [row["id"] for row in rows if page.find(id=ledger.anchor(row["id"])) is None] == []


def test_every_chapter_offers_a_notebook_without_outputs(book, site):
    for chapter in book.chapters:
        page = site.pages[f"{chapter.name}.html"]
        link = page.select_one(".notebook-link a")
        assert link is not None, chapter.name
        path, _ = site.target(f"{chapter.name}.html", link["href"])
        source = book.html / "_sources" / f"{chapter.name}.ipynb"
        assert path.read_bytes() == source.read_bytes()
        assert '"outputs": []' in source.read_text()
        assert "image/svg+xml" not in source.read_text()


PAGES = [page.name for page in Project(ROOT).pages]
MAX_BYTES = 1_200_000  # a page's own HTML and images, without the theme and MathJax


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light(book, name):
    assert checks.page_weight(book.html / f"{name}.html") <= MAX_BYTES


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_a_browser_without_network(book, browser, name):
    """One visit to each page: every width, light and dark; screenshots go to _build."""
    folder = book.build / "screenshots"
    folder.mkdir(exist_ok=True)
    slug = name.replace("/", ".")
    assert checks.browser_problems(
        browser, book.html / f"{name}.html", formulas_fit=True, axe=checks.AXE,
        shots=lambda width, mode: folder / f"{slug}-{width}-{mode}.png") == []
