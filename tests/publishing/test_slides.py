"""Slides of the mini book: what is on them, that it fits, that the file needs nothing else."""

import io
import shutil

import pytest
from book.browser import require_chromium
from book.slides import Deck, problems
from bs4 import BeautifulSoup
from pypdf import PdfReader

from collapse.publishing import slides
from collapse.publishing.project import UsageError
from publishing.conftest import MiniBook
from publishing.processes import run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def made(built_once, tmp_path_factory):
    """The folder with the decks of a mini book, whose first chapter has a long theorem."""
    require_chromium()
    root = tmp_path_factory.mktemp("slides") / "book"
    shutil.copytree(built_once, root)
    page = root / "_build/html/book/rates/loop.html"  # rendering it anew would take seconds
    items = "".join(f"<li>Item {number}, with <span class='math'>\\(x_{{{number}}}\\)</span></li>"
                    for number in range(1, 31))
    theorem = ("<div class='proof theorem'><p class='admonition-title'>Long</p>"
               f"<section class='theorem-content'><ol>{items}</ol></section></div>")
    text = page.read_text(encoding="utf-8")
    assert text.count("</article>") == 1
    page.write_text(text.replace("</article>", f"{theorem}</article>"), encoding="utf-8")
    code, out, error = run(root, "slides", "--out", root / "slides")
    assert (code, out) == (0, f"{root / 'slides/rates.html'}\n"), error
    return root / "slides"


def test_what_is_on_the_slides(made):
    text = (made / "rates.html").read_text(encoding="utf-8")
    found = BeautifulSoup(text, "html.parser").select(".slide")
    titles = [" ".join(slide.select_one("h1, h2, .admonition-title").text.split())
              for slide in found]
    assert titles[0] == "Rates of collapse"
    assert titles[1] == "1. The loop" and "2. The Gaussian" in titles
    long = [slide for slide in found if "Long" in slide.text]
    assert len(long) >= 2 and all("continued" in slide["class"] for slide in long[1:])
    numbers = [int(item["value"]) for slide in long for item in slide.select("li")]
    assert numbers == list(range(1, 31))
    assert len([slide for slide in found if slide.select("figure img[alt]")]) == 1


def test_every_slide_fits(made, browser):
    with Deck(browser, made / "rates.html") as deck:
        assert deck.count() > 4
        assert problems(deck) == []


@pytest.mark.parametrize(("change", "problem"), [
    ("slide.querySelector('.content').append(high)", "too high"),
    ("slide.querySelector('.content').append(wide)", "too wide"),
    ("slide.append(error)", "formula error"),
])
def test_what_does_not_fit_is_found(made, browser, change, problem):
    with Deck(browser, made / "rates.html") as deck:
        deck.page.evaluate(f"""() => {{
            const make = (style, name = "div") => {{
              const made = document.createElement(name);
              made.style = style;
              return made;
            }};
            const high = make("height: 800px"), wide = make("width: 1400px; height: 1px");
            const error = make("", "mjx-merror");
            const slide = document.querySelectorAll(".slide")[2];
            {change};
        }}""")
        [found] = problems(deck)
        assert found.startswith("3: ") and problem in found


def test_keys_buttons_and_address(made, browser):
    with Deck(browser, made / "rates.html") as deck:
        last = deck.count() - 1
        for key, expected in (("ArrowRight", 1), (" ", 2), ("PageDown", 3), ("ArrowLeft", 2),
                              ("PageUp", 1), ("End", last), ("ArrowRight", last), ("Home", 0),
                              ("ArrowLeft", 0)):
            deck.page.keyboard.press(key)
            assert deck.shown() == [expected], key
        deck.page.get_by_role("button", name="On").click()
        deck.page.keyboard.press(" ")  # presses the button again, once
        assert deck.shown() == [2]
        deck.page.get_by_role("button", name="Back").click()
        assert deck.shown() == [1]
        assert deck.page.url.endswith("#2")
        deck.page.reload()
        assert deck.shown() == [1]


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (800, 900), (360, 640)])
def test_a_slide_fills_the_window(made, browser, size):
    width, height = size
    with Deck(browser, made / "rates.html", width=width, height=height) as deck:
        box = deck.page.locator(".slide.current").bounding_box()
        assert box["x"] >= -0.5 and box["x"] + box["width"] <= width + 0.5
        assert box["y"] >= -0.5 and box["y"] + box["height"] <= height + 0.5
        assert min(width - box["width"], height - box["height"]) == pytest.approx(0, abs=1)


def test_one_slide_a_page_when_printed(made, browser):
    with Deck(browser, made / "rates.html") as deck:
        count = deck.count()
        printed = PdfReader(io.BytesIO(deck.page.pdf(prefer_css_page_size=True)))
    assert len(printed.pages) == count
    assert float(printed.pages[0].mediabox.width) == pytest.approx(1280 * 0.75, abs=1)
    assert "Rates of collapse" in printed.pages[0].extract_text()


def test_without_a_script_all_slides_are_there(made, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((made / "rates.html").as_uri())
    assert all(slide.is_visible() for slide in page.locator(".slide").all())
    context.close()


def test_the_folder_is_replaced_and_nothing_else(made, fresh):
    out = fresh.root / "slides"
    shutil.copytree(made, out)
    (out / "notes.txt").write_text("Mine")
    code, _, error = fresh.collapse("slides", "--out", out)
    assert code == 2 and "holds something else" in error and error.count("\n") == 1
    assert (out / "notes.txt").read_text() == "Mine"


def test_a_file_in_the_place_of_the_folder(fresh):
    (fresh.root / "slides").write_text("Mine")
    with pytest.raises(UsageError, match="holds something else"):
        slides.write(fresh.project, fresh.root / "slides")


def test_without_chapters_there_are_no_slides(fresh):
    (fresh.root / "_toc.yml").write_text("format: jb-book\nroot: book/index\n")
    book = MiniBook(fresh.root, fresh._monkeypatch, fresh._capfd)
    code, _, error = book.collapse("slides", "--out", "slides")
    assert code == 1 and "no part of the book has a chapter" in error
    assert not (fresh.root / "slides").exists()
