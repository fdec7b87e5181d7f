"""The checks themselves: each finds the fault that it is there for."""

import nbformat
import pytest

from book import checks
from book.checks import AXE, Site

GOOD = """<html><head><link rel="stylesheet" href="style.css"></head><body><article>
<div class="cell" id="cell-f"><div class="cell_output"><figure id="fig-f">
<img src="f.svg" alt="a curve that falls from one to a half">
<figcaption>A curve</figcaption></figure></div></div>
<div class="figure-links"><a href="#cell-f">code</a> <a href="f.csv">data (CSV)</a>
<a href="f.svg">SVG</a> <a href="other.html#row">ledger</a></div>
<a href="https://example.org/">a link in text is fine</a></article></body></html>"""

EXPECTED = {"cell-f": {"code", "data (CSV)", "SVG", "ledger"}}
OTHER = '<html><body><p id="row">a row</p></body></html>'


def site(folder, page):
    (folder / "page.html").write_text(page)
    (folder / "other.html").write_text(OTHER)
    for name in ("style.css", "f.svg", "f.csv"):
        (folder / name).touch()
    return Site(folder)


def everything(site):
    return (checks.dead_links(site) + checks.external_loads(site) + checks.poor_images(site)
            + checks.incomplete_figures(site, EXPECTED))


def test_a_good_page_has_no_problems(tmp_path):
    assert everything(site(tmp_path, GOOD)) == []


@pytest.mark.parametrize(("old", "new", "problem"), [
    ('href="other.html#row"', 'href="other.html#nothing"', "no such anchor"),
    ('href="other.html#row"', 'href="missing.html"', "no such file"),
    ('src="f.svg"', 'src="g.svg"', "no such file"),
    ('href="style.css"', 'href="https://example.org/style.css"', "<link> loads"),
    ('src="f.svg"', 'src="//example.org/f.svg"', "<img> loads"),
    ("</head>", '<script src="https://example.org/x.js"></script></head>', "<script> loads"),
    ("</head>", '<script>const url = "https://example.org"</script></head>', "names an address"),
    ("a curve that falls from one to a half", "a curve", "alt text"),
    ('<a href="f.csv">data (CSV)</a>', "", "the links are ['SVG', 'code', 'ledger']"),
    ('class="cell_output"', 'class="other"', "no figure on any page for cell-f"),
    ('href="#cell-f"', 'href="#fig-f"', "does not lead to its cell"),
    ("figure-links", "other", "no links below"),
    ("<figcaption>A curve</figcaption>", "", "no caption"),
])
def test_a_planted_fault_is_found(tmp_path, old, new, problem):
    assert old in GOOD
    assert problem in "\n".join(everything(site(tmp_path, GOOD.replace(old, new))))


MATH = r"""<!DOCTYPE html><html lang="en"><head><title>A page</title><style>
html { background: #fff; color: #000 } html[data-theme="dark"] { background: #14181e; color: #fff }
html[data-theme="dark"] img { filter: invert(1) } mjx-container { display: inline-block }
</style></head><body><main><h1>A page</h1><hr style="height: 60px; background: currentcolor">
<p>text <span class="math">\(x\)</span></p>
<script>window.MathJax = {startup: {promise: Promise.resolve(render())}};
function render() { for (const e of document.querySelectorAll('.math')) e.innerHTML =
  '<mjx-container>x</mjx-container>'; }</script>
<article><div class="cell_output"><img alt="a figure" src="f.svg"></div></article></main></body>
</html>"""
FIGURE = """<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><!-- paper -->
<circle cx="45" cy="45" r="9"/></svg>"""
PAPER = '<rect width="90" height="90" fill="#e0e0ff"/>'
END = "</main>"


def seen(folder, browser, html, *, figure=FIGURE, **options):
    (folder / "f.svg").write_text(figure)
    (folder / "page.html").write_text(html)
    return "\n".join(checks.browser_problems(browser, folder / "page.html", (1280, 360),
                                             formulas_fit=True, **options))


@pytest.mark.browser
@pytest.mark.parametrize(("old", "new", "problem"), [
    (END, END, None),
    ("x</mjx", "<mjx-merror>x</mjx-merror></mjx", "formula error"),
    ("<mjx-container>x</mjx-container>", "x", "0 of 1 formulas"),
    (END, r"<p>\(y\)</p>" + END, "raw TeX"),
    (END, "<div style='width: 900px'>wide</div>" + END, "pixels wide on a screen of 360"),
    (END, "<details><div style='width: 900px'>wide</div></details>" + END, "pixels wide"),
    (END, "<script>console.error('oh')</script>" + END, "console: oh"),
    (END, "<script>undefined.x</script>" + END, "script error"),
    (END, "<img src='https://example.org/x.png'>" + END, "asks for https://example.org"),
    (END, "<img src='missing.png'>" + END, "could not load"),
    ("x</mjx", '<b style="display: block; width: 700px">x</b></mjx', "formula widens the page"),
    ("background: #14181e", "background: #fff", "in dark mode"),
    ("background: #fff;", "background: #111;", "in light mode"),
    ("<body>", "<body hidden>", "blank"),
    ("<p>text", "<p style='color: #ccc'>text", "axe"),
    ("<p>text", "<p style='width: 90px; overflow: auto'>" + "w" * 99, "axe"),
    ('alt="a figure"', "", "axe"),
])
def test_a_fault_is_found_in_the_browser(tmp_path, browser, old, new, problem):
    assert old in MATH
    rules = {"axe": AXE} if problem in (None, "axe") else {}
    found = seen(tmp_path, browser, MATH.replace(old, new, 1), **rules)
    if problem == "axe":
        assert any(rule in found for rule in ("color-contrast", "scrollable-region", "image-alt"))
    else:
        assert (problem in found) if problem else found == ""


@pytest.mark.browser
def test_paper_of_a_figure_is_found(tmp_path, browser):
    figure = FIGURE.replace("<!-- paper -->", PAPER)
    assert "a figure's paper is" in seen(tmp_path, browser, MATH, figure=figure)


@pytest.mark.browser
def test_a_formula_that_is_cut_off_is_found(tmp_path, browser):
    block = ('<div class="math" style="width: 300px; overflow-x: auto"><mjx-container '
             'style="display: block; width: 900px">x</mjx-container></div>')
    html = MATH.replace("<p>text", block + "<p>text").replace(".math')", "span.math')")
    assert "formula cut off" in seen(tmp_path, browser, html)
    assert seen(tmp_path, browser, html.replace("width: 900px", "")) == ""


@pytest.mark.browser
def test_every_state_leaves_a_screenshot(tmp_path, browser):
    assert seen(tmp_path, browser, MATH,
                shots=lambda width, mode: tmp_path / f"{width}-{mode}.png") == ""
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        "1280-dark.png", "1280-light.png", "360-dark.png", "360-light.png"]


def test_the_weight_of_a_page_counts_its_images(tmp_path):
    (tmp_path / "f.svg").write_text("x" * 1000)
    (tmp_path / "page.html").write_text('<img src="f.svg"><img src="f.svg">')
    assert checks.page_weight(tmp_path / "page.html") == 1000 + 34


def test_a_printed_warning_is_found():
    def notebook(stream):
        output = nbformat.v4.new_output("stream", name=stream, text="RuntimeWarning: oh\n")
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[output])])

    assert checks.printed_warnings([notebook("stdout")]) == []
    assert "oh" in checks.printed_warnings([notebook("stderr")])[0]
