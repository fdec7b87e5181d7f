"""Finding things in the built book: lists, symbols, citations, labels, metadata, search."""

import re

import pytest

from collapse.publishing import finding, labels, notation
from collapse.publishing.build import load_ledger


def normal_mathematics(page):
    """All formulas of a page as one string, without blanks."""
    text = re.sub(r"^```+\{code-cell\}.*?^```+\s*$", " ", page.text, flags=re.S | re.M)
    found = re.findall(r"\$\$.*?\$\$|\$[^$]+\$|^ *```+\{math\}.*?^ *```+", text, re.S | re.M)
    return "\n".join(map(notation.normal, found))


def occurs(spelling, mathematics):
    """Whether a spelling stands in formulas as a whole, not as the start of another macro."""
    pattern = r"(?<![a-zA-Z\\])" + re.escape(notation.normal(spelling)) + r"(?![a-zA-Z_^])"
    if spelling[0] == "\\":
        pattern = re.escape(notation.normal(spelling)) + ("(?![a-zA-Z])" * spelling[-1].isalpha())
    return re.search(pattern, mathematics) is not None


def in_scope(page, scope):
    return scope == notation.EVERYWHERE or page.short == scope \
        or page.short.startswith(f"{scope}/")


def test_every_symbol_occurs_in_its_scope(book):
    mathematics = {page.name: normal_mathematics(page) for page in book.pages if page.is_chapter}
    missing = []
    for entry in notation.load(book):
        for scope in entry["scope"]:
            texts = [mathematics[page.name] for page in book.chapters if in_scope(page, scope)]
            if not any(occurs(tex, text) for tex in entry["tex"] for text in texts):
                missing.append((entry["tex"], scope))
        texts = [mathematics[page.name] for page in book.chapters
                 if any(in_scope(page, scope) for scope in entry["scope"])]
        missing += [tex for tex in entry["tex"] if not any(occurs(tex, t) for t in texts)]
    assert missing == []
    assert not occurs(r"\omega_\infty", "\n".join(mathematics.values()))


def test_every_symbol_is_defined_where_it_says(book, site):
    ids = {name: {tag["id"] for tag in page.find_all(id=True)} for name, page in site.pages.items()}
    places = [entry["defined"].split("#") for entry in notation.load(book)]
    assert [place for place in places if place[1] not in ids[f"{place[0]}.html"]] == []


def test_a_page_carries_a_few_kilobytes_of_symbols(site):
    sizes = [len(script.text) for page in site.pages.values()
             for script in page.select("script#symbol-meanings")]
    assert len(sizes) > 10 and max(sizes) < 4000


def test_the_lists_have_every_box_and_every_figure(book, site):
    theorems = site.pages["book/appendix/theorems.html"].find("article")
    linked = {link["href"].split("#")[-1] for link in theorems.find_all("a")}
    boxes = {box.label for page in book.pages for box in finding.boxes(page)}
    assert boxes and boxes <= linked
    figures = site.pages["book/appendix/figures.html"].find("article")
    linked = {link["href"].split("#")[-1] for link in figures.find_all("a")}
    shown = {tag["id"] for page in site.pages.values() for tag in page.select("figure[id^=fig-]")}
    assert shown and shown <= linked


def test_boxes_link_to_their_rows_and_back(book, site):
    """The card of a row links to the box; the line below the box links to the card."""
    for row in load_ledger(book):
        page_name, _, mark = row.get("proved", "").partition("#")
        box = site.pages[f"{page_name}.html"].find(id=mark) if mark else None
        if row["status"] != "closed" or box is None or "proof" not in box.get("class", []):
            continue
        links = box.find_next_sibling()
        assert "box-links" in links["class"], row["id"]
        assert row["id"] in [link.text for link in links.find_all("a")], row["id"]
        if "drawn" in row:
            assert any(link["href"].endswith("#" + row["drawn"].split("#")[1])
                       for link in links.find_all("a")), row["id"]


def test_every_chapter_says_how_to_cite_it(book, site):
    for page in book.chapters:
        block = site.pages[f"{page.name}.html"].select_one(".cite-page")
        assert block is not None, page.name
        assert page.title in block.text and f"companion-{page.label}" in block.text


def test_labels_are_permanent_and_listed(book):
    new, lost = labels.compare(book)
    assert lost == []
    assert new == [], "add them: .venv/bin/collapse labels --write"


def test_every_page_describes_itself(book, site):
    seen = {}
    for page in book.pages:
        head = site.pages[f"{page.name}.html"].head
        tag = head.find("meta", attrs={"name": "description"})
        assert tag is not None, f"{page.name}: give it a field description: in its header"
        text = tag["content"]
        assert 50 <= len(text) <= 200 and not re.search(r"[$\\`{}<>*]", text), page.name
        assert text not in seen, (page.name, seen[text])
        seen[text] = page.name
        told = {meta["property"]: meta["content"] for meta in head.find_all("meta", property=True)}
        assert told["og:description"] == text and told["og:title"] == page.title
        assert told["og:type"] == "article" and "og:url" not in told
        assert head.find("meta", attrs={"name": "author"})["content"]


@pytest.fixture
def visit(book, browser):
    """Open a page of the book as a file; script and console errors fail the test."""
    errors, pages = [], []

    def open_page(name, width=1280):
        page = browser.new_page(viewport={"width": width, "height": 800})
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text)
                if message.type == "error" else None)
        path, _, query = name.partition("?")
        page.goto((book.html / path).as_uri() + (f"?{query}" if query else ""))
        page.wait_for_load_state("load")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert errors == []


def symbol(page, name):
    """The first formula on the page that is explained and reads `name`."""
    page.wait_for_selector("mjx-container.symbol")
    return page.locator("mjx-container.symbol-first").filter(has_text=re.compile(f"^{name}$")).first


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(("page", "meaning"), [
    ("book/rates/gaussian.html", "number of samples drawn in each generation"),
    ("book/measures/persistent-excitation.html", "generation"),
])
def test_one_symbol_has_the_meaning_of_its_page(visit, width, page, meaning):
    opened = visit(page, width)
    formula, tip = symbol(opened, "n"), opened.get_by_role("tooltip")
    formula.scroll_into_view_if_needed()
    formula.hover()
    tip.wait_for()
    assert tip.inner_text() == meaning
    box = tip.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    opened.keyboard.press("Escape")
    assert tip.count() == 0  # hidden from everyone
    opened.mouse.move(0, 0)
    formula.focus()
    assert tip.inner_text() == meaning
    assert formula.get_attribute("aria-describedby") == tip.get_attribute("id")
    formula.blur()
    assert tip.count() == 0
    formula.click()
    assert tip.count() == 1


@pytest.mark.browser
def test_symbols_do_not_crowd_the_tab_key(visit):
    page = visit("book/rates/symbols.html")
    page.wait_for_selector("mjx-container.symbol")
    assert page.locator("mjx-container[tabindex='0']").count() < 120
    assert page.locator("mjx-container").count() > 500


@pytest.mark.browser
def test_a_page_with_an_open_definition_is_accessible(visit):
    from axe_playwright_python.sync_playwright import Axe

    page = visit("book/rates/gaussian.html")
    symbol(page, "n")
    page.evaluate("""() => document.querySelectorAll('mjx-container:not(.symbol-first)')
        .forEach(formula => formula.replaceChildren())""")  # axe takes seconds for them
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        symbol(page, "n").focus()
        page.get_by_role("tooltip").wait_for()
        found = Axe().run(page, context="#symbol-tip, .box-links, .cite-page, .headerlink",
                          options={"preload": False})  # it would read files
        assert found.response["violations"] == []


@pytest.mark.browser
def test_boxes_have_links_to_themselves(visit):
    page = visit("book/rates/gaussian.html")
    link = page.locator("#thm-suresh-gaussian > .admonition-title > a.headerlink")
    assert link.get_attribute("href") == "#thm-suresh-gaussian"
    page.locator("#thm-suresh-gaussian > .admonition-title").hover()
    assert link.evaluate("e => getComputedStyle(e).opacity") == "1"


@pytest.mark.browser
def test_the_search_works_on_files(visit):
    page = visit("search.html?q=martingale")
    page.wait_for_selector("#search-results li a")
    page.wait_for_function("!document.querySelector('#search-results h2').innerText"
                           ".startsWith('Searching')")
    titles = page.locator("#search-results li a").all_inner_texts()
    assert any("Measures and martingales" in title for title in titles)
