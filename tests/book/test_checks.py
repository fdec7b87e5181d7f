"""The checks themselves: each finds the fault that it is there for."""

import nbformat
import pytest

from book import checks
from book.checks import Site

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


MATH = r"""<html><body><span class="math">\(x\)</span>
<script>window.MathJax = {startup: {promise: Promise.resolve(render())}};
function render() { for (const e of document.querySelectorAll('.math')) e.innerHTML =
  '<mjx-container>x</mjx-container>'; }</script></body></html>"""


@pytest.mark.browser
@pytest.mark.parametrize(("old", "new", "problem"), [
    ("</body>", "</body>", None),
    ("x</mjx", "<mjx-merror>x</mjx-merror></mjx", "formula error"),
    ("<mjx-container>x</mjx-container>", "x", "0 of 1 formulas"),
    ("</body>", r"<p>\(y\)</p></body>", "raw TeX"),
    ("</body>", "<div style='width: 900px'>wide</div></body>", "pixels wide"),
    ("</body>", "<script>console.error('oh')</script></body>", "console: oh"),
    ("</body>", "<script>undefined.x</script></body>", "script error"),
    ("</body>", "<img src='https://example.org/x.png'></body>", "asks for https://example.org"),
    ("</body>", "<img src='missing.png'></body>", "could not load"),
])
def test_a_fault_is_found_in_the_browser(tmp_path, browser, old, new, problem):
    assert old in MATH
    page = tmp_path / "page.html"
    page.write_text(MATH.replace(old, new))
    found = "\n".join(checks.browser_problems(browser, page, 360))
    assert (problem in found) if problem else found == ""


@pytest.mark.browser
def test_a_formula_that_is_cut_off_is_found(tmp_path, browser):
    block = ('<div class="math" style="width: 300px; overflow-x: auto"><mjx-container '
             'style="display: block; width: 900px">x</mjx-container></div>')
    page = tmp_path / "page.html"
    page.write_text(f"<html><body>{block}</body></html>")
    found = checks.browser_problems(browser, page, 1280, formulas_fit=True)
    assert "formula cut off" in "\n".join(found)
    assert checks.browser_problems(browser, page, 1280) == []


def test_a_printed_warning_is_found():
    def notebook(stream):
        output = nbformat.v4.new_output("stream", name=stream, text="RuntimeWarning: oh\n")
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[output])])

    assert checks.printed_warnings([notebook("stdout")]) == []
    assert "oh" in checks.printed_warnings([notebook("stderr")])[0]
