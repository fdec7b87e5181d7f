"""The interactive figures on their pages: right numbers, by keyboard, on a phone, at rest.

Each page is opened as a file, with no network. What a figure draws it also tells, in
`figure.explorer.values()`; that is compared with the laws of the package. What it simulates is
compared with the same laws in `test_simulations_follow_the_laws`.
"""

import itertools
import re
from contextlib import contextmanager

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from scipy import stats

from collapse import laws, schedules

pytestmark = pytest.mark.browser

PAGES = {
    "gaussian": "book/rates/gaussian",
    "symbols": "book/rates/symbols",
    "schedules": "book/schedules/growth-schedules",
    "excitation": "book/measures/persistent-excitation",
    "phase": "book/synthesis/one-picture",
}
everywhere = pytest.mark.parametrize("name", PAGES)


class Explorer:
    """One figure in an open page."""

    def __init__(self, page, name):
        self.page, self.name = page, name
        self.figure = page.locator(f"#explorer-{name}")
        self.figure.locator("svg").first.wait_for()

    def values(self):
        return self.figure.evaluate("figure => figure.explorer.values()")

    def button(self, words):
        return self.figure.get_by_role("button", name=words, exact=True)

    def sliders(self):
        return self.figure.locator("input[type=range]").all()


def alone(text, name):
    """The text of a page with nothing but the figure in its article, and room to scroll."""
    start, end = text.index('<article class="bd-article">'), text.index("</article>")
    [figure] = re.findall(rf'<figure class="explorer" id="explorer-{name}">.*?</figure>\s*'
                          '<script type="module">.*?</script>', text[start:end], re.DOTALL)
    return (f'{text[:start]}<article class="bd-article">{figure}<div style="height: 3000px"></div>'
            f"{text[end:]}")


@contextmanager
def opened(browser, book, name, *, width=1280, change=("", ""), **options):
    """The figure `name` on its page, whose text is changed from one string to another on the way.

    The rest of the page, MathJax and pictures, which a page takes seconds for, stay out; but for
    the phase diagram, which leads to boxes of its page. `test_pages.py` opens whole pages. Fails
    when the page wants something from elsewhere, or has an error.
    """
    path = book.html / f"{PAGES[name]}.html"
    old, new = change
    text = path.read_text(encoding="utf-8")
    assert old in text
    text = text.replace(old, new) if old else text
    text = text if name == "phase" else alone(text, name)
    problems = []

    def serve(route):
        url = route.request.url
        if url == path.as_uri():
            route.fulfill(body=text, content_type="text/html")
        elif "/tex-mml-chtml.js" in url:
            route.fulfill(body="", content_type="text/javascript")
        elif ".svg" in url:
            route.fulfill(body='<svg xmlns="http://www.w3.org/2000/svg"/>',
                          content_type="image/svg+xml")
        elif url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            problems.append(f"asks for {url}")
            route.abort()

    page = browser.new_page(viewport={"width": width, "height": 800}, **options)
    page.route("**/*", serve)
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on("console", lambda message: problems.append(f"console: {message.text}")
            if message.type == "error" else None)
    try:
        page.goto(path.as_uri())
        yield Explorer(page, name)
    finally:
        page.close()
    assert problems == []


def exact(name, values):
    """What the drawn numbers must be, by the laws of the package, at the values of the controls."""
    if name == "gaussian":
        levels = np.array(values["levels"])[:, None]
        return {"quantiles": laws.gaussian.std_ppf(
            levels, values["n"], values["generations"], ddof=values["ddof"])}
    if name == "symbols":
        share = values["first"] / values["n"]
        k = np.arange(len(values["survival"]))
        return {"survival": laws.wright_fisher.survival(share, values["n"], k)}
    if name == "schedules":
        sizes = schedules.power(values["n"], round(values["exponent"], 9))
        sums = laws.random_walk.noise_sum(sizes, np.arange(len(values["sums"])))
        return {"sums": sums, "error": np.sqrt(sums / values["n"]),
                "limit": laws.random_walk.total_noise(sizes).value}
    if name == "excitation":
        p, n, alpha = values["p"], values["n"], values["alpha"]
        if alpha == 0:  # collapse: all samples equal, to a symbol of the half line or another
            return {"pmf": [1 - p, *[0] * (n - 1), p], "deviation": np.sqrt(p * (1 - p))}
        return {"pmf": laws.excitation.stationary_pmf(p, n, alpha),
                "deviation": np.sqrt(laws.excitation.stationary_variance(p, n, alpha))}
    # Corollary "Powers": cases in the order of its text.
    s, r = round(values["growth"], 9), round(values["decay"], 9)
    cases = {"consistency": s > r and r <= 1, "degeneration": s == r and r <= 1,
             "collapse": s < r and s <= 1, "drift": s > 1 and r > 1}
    [region] = [region for region, holds in cases.items() if holds]
    return {"region": region}


def off(name, values):
    """The quantities that differ from their laws by more than a millionth."""
    expected = exact(name, values)
    return [key for key, value in expected.items()
            if not (values[key] == value if isinstance(value, str) else
                    np.allclose(np.asarray(values[key], dtype=float), value,
                                rtol=1e-6, atol=1e-12))]


def controls(values):
    """The part of the values that the controls set."""
    names = ("n", "ddof", "first", "exponent", "alpha", "growth", "decay", "seed")
    return {key: values[key] for key in names if key in values}


@everywhere
def test_numbers_are_exact_wherever_the_sliders_stand(book, browser, name):
    with opened(browser, book, name) as explorer:
        assert off(name, explorer.values()) == []
        for slider in explorer.sliders():
            slider.focus()
            seen = [controls(explorer.values())]
            for key in ("ArrowRight", "End", "Home"):
                explorer.page.keyboard.press(key)
                values = explorer.values()
                assert off(name, values) == [], (key, controls(values))
                assert controls(values) != seen[-1]
                seen.append(controls(values))
                assert slider.get_attribute("aria-valuetext") in explorer.figure.inner_text()


def test_other_controls_keep_the_numbers_exact(book, browser):
    with opened(browser, book, "gaussian") as explorer:
        explorer.figure.get_by_label("n", exact=True).check()
        values = explorer.values()
        assert values["ddof"] == 0 and off("gaussian", values) == []
    with opened(browser, book, "symbols") as explorer:
        bar = explorer.figure.get_by_role("button", name=re.compile("Symbol J"))
        bar.focus()
        explorer.page.keyboard.press("Enter")
        values = explorer.values()
        assert values["symbol"] == "J" and values["first"] == 1
        assert bar.get_attribute("aria-pressed") == "true"
        assert off("symbols", values) == []


@pytest.mark.parametrize(("name", "old", "new"), [
    ("gaussian", "stdQuantile(level, size.value, k", "stdQuantile(level, size.value, k + 1"),
    ("symbols", "symbolSurvival(first(chosen), size.value,",
     "symbolSurvival(first(chosen), size.value + 1,"),
    ("schedules", "noiseSum(size.value, exponent.value,",
     "noiseSum(size.value, exponent.value + 1e-4,"),
    ("excitation", "excitationPmf(p, n, alpha())", "excitationPmf(p, n, 1.001 * alpha())"),
    ("phase", "phase(place().growth,", "phase(place().growth + 1.5,"),
])
def test_a_planted_fault_is_found(book, browser, name, old, new):
    with opened(browser, book, name, change=(old, new)) as explorer:
        assert off(name, explorer.values()) != []


def test_the_lines_are_where_the_axes_say(book, browser):
    """The end of the exact line, read against the marks of its axis as a reader would."""
    for name, value in (("gaussian", lambda v: v["quantiles"][2][-1]),
                        ("symbols", lambda v: v["survival"][-1])):
        with opened(browser, book, name) as explorer:
            values = explorer.values()
            height, ticks = explorer.figure.locator("svg[role=img]").evaluate("""svg => [
                svg.querySelector('svg').y.baseVal.value
                  + Number(svg.querySelector('svg .exact').getAttribute('d').split(',').pop()),
                [...svg.querySelectorAll(':scope > text[text-anchor=end]')].slice(0, -1)
                  .map(t => [t.y.baseVal[0].value - 4, t.textContent])]""")
            logarithmic = name == "gaussian"
            marks = [(y, exponent(text) if logarithmic else float(text)) for y, text in ticks]
            (low, a), (high, b) = marks[0], marks[-1]
            read = a + (height - low) / (high - low) * (b - a)
            true = np.log10(value(values)) if logarithmic else value(values)
            assert abs(read - true) < 0.01 * abs(b - a)


def exponent(text):
    """The decimal logarithm of a mark such as 0.01 or 10⁻⁵."""
    superscript = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    if len(text) > 2 and text[2] in "⁻⁰¹²³⁴⁵⁶⁷⁸⁹":
        return int(text[2:].translate(superscript))
    return np.log10(float(text))


def test_simulations_follow_the_laws(book, browser, assert_plausible, assert_proportion,
                                     assert_within):
    again = "figure => { for (const b of figure.querySelectorAll('button')) " \
            "if (b.textContent.startsWith('New run')) b.click(); }"
    with opened(browser, book, "gaussian") as explorer:
        for divisor in ("n − 1", "n"):
            explorer.figure.get_by_label(divisor, exact=True).check()
            ends = []
            for _ in range(60):
                values = explorer.values()
                ends += [run[30] for run in values["runs"]]
                explorer.figure.evaluate(again)
            chances = laws.gaussian.std_cdf(ends, values["n"], 30, ddof=values["ddof"])
            assert_plausible(stats.kstest(chances, "uniform").pvalue)
    with opened(browser, book, "schedules") as explorer:
        ends = []
        for _ in range(60):
            values = explorer.values()
            ends += [run[-1] / values["error"][-1] for run in values["runs"]]
            explorer.figure.evaluate(again)
        assert_plausible(stats.kstest(ends, stats.norm.cdf).pvalue)
    with opened(browser, book, "symbols") as explorer:
        kept = 0
        for _ in range(20):
            values = explorer.values()
            kept += round(200 * values["alive"][30])
            explorer.figure.evaluate(again)
        assert_proportion(kept, 4000, values["survival"][30])
        for _ in range(15):
            before = np.array(values["counts"])
            explorer.button("Step").click()
            values = explorer.values()
            after = np.array(values["counts"])
            assert after.sum() == values["n"] and not np.any(after[before == 0])
    with opened(browser, book, "excitation") as explorer:
        slider = explorer.sliders()[0]
        slider.focus()
        for _ in range(3):
            explorer.page.keyboard.press("ArrowRight")  # α = 0.2
        for _ in range(20):
            explorer.button("100 steps").click()
        values = explorer.values()
        visits = np.array(values["visits"])
        T, alpha = visits.sum(), values["alpha"]
        assert (alpha, T) == (0.2, 2000)
        mean = visits @ np.arange(len(visits)) / values["n"] / T
        # The start has the source's mean and less variance; correlations are (1 − α)^k.
        se = values["deviation"] * np.sqrt((2 - alpha) / alpha / T)
        assert_within(mean, values["p"], se)
        assert sum(values["atoms"].values()) == pytest.approx(1)


@everywhere
def test_the_keyboard_reaches_every_control(book, browser, name):
    with opened(browser, book, name) as explorer:
        explorer.values()
        figure = explorer.figure
        figure.locator("input").first.focus()
        place = """figure => {
            const all = [...figure.querySelectorAll('input, button, a, [tabindex]')];
            const at = all.indexOf(document.activeElement);
            return at < 0 ? null : [at, document.activeElement.name || at];
        }"""
        reached = []
        while (here := figure.evaluate(place)) is not None:
            reached.append(here[1])
            outline = figure.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none"
            explorer.page.keyboard.press("Tab")
        expected = figure.evaluate("""figure => [...new Set(
            [...figure.querySelectorAll('input, button, a, [tabindex]')]
              .map((e, at) => e.name || at))]""")
        assert reached == expected and len(reached) >= 3


@pytest.mark.parametrize("width", [360, 1280])
def test_every_fate_has_its_name_in_the_phase_diagram(book, browser, width):
    with opened(browser, book, "phase", width=width) as explorer:
        explorer.values()
        edges = """nodes => nodes.map((node) => {
            const { left, top, right, bottom } = node.getBoundingClientRect();
            return [node.textContent, left, top, right, bottom];
        })"""
        [[_, *area]] = explorer.figure.locator(".explorer-map > svg > svg").evaluate_all(edges)
        names = {name: box for name, *box in explorer.figure.locator(".name").evaluate_all(edges)}
        assert names.keys() == {"collapse", "drift", "consistency", "degeneration"}
        boxes = list(names.values())
        assert all(area[0] <= left and area[1] <= top and right <= area[2] and bottom <= area[3]
                   for left, top, right, bottom in boxes)
        assert not any(one[0] < other[2] and other[0] < one[2] and one[1] < other[3]
                       and other[1] < one[3]
                       for one, other in itertools.combinations(boxes, 2))


def test_arrow_keys_and_pointer_move_in_the_phase_diagram(book, browser):
    with opened(browser, book, "phase") as explorer:
        explorer.values()
        diagram = explorer.figure.get_by_role("application")
        diagram.focus()
        for key, growth, decay in (("ArrowRight", 0.55, 1.5), ("ArrowDown", 0.55, 1.45),
                                   ("ArrowLeft", 0.5, 1.45), ("ArrowUp", 0.5, 1.5)):
            explorer.page.keyboard.press(key)
            values = explorer.values()
            assert (values["growth"], values["decay"]) == pytest.approx((growth, decay))
        explorer.figure.scroll_into_view_if_needed()
        box = explorer.figure.locator(".explorer-map > svg").evaluate("""svg => {
            const box = svg.getBoundingClientRect(), area = svg.querySelector("svg");
            const [x, y, width, height] = ["x", "y", "width", "height"].map(
                (name) => area[name].baseVal.value);
            return { x: box.x + x, y: box.y + y, width, height };
        }""")
        for s in np.linspace(0, 2, 9):
            for r in np.linspace(0, 2, 9):
                x = box["x"] + box["width"] * (0.001 + 0.998 * s / 2)
                y = box["y"] + box["height"] * (0.999 - 0.998 * r / 2)
                explorer.page.mouse.move(x, y)
                values = explorer.values()
                assert (values["growth"], values["decay"]) == pytest.approx((s, r))
                assert off("phase", values) == []
                words = explorer.figure.locator("strong").inner_text().lower()
                assert words == values["region"]
                # Off the boundaries the colour is that of the region, too.
                if s != r and 1 not in (s, r) and 0 < s < 2 and 0 < r < 2:
                    drawn = explorer.page.evaluate(
                        "([x, y]) => document.elementsFromPoint(x, y)"
                        ".find(e => e.classList.contains('region')).classList[1]", [x, y])
                    assert drawn == f"region-{values['region']}"
        explorer.page.mouse.move(0, 0)
        assert explorer.values()["growth"] == 0.5
        link = explorer.figure.locator("a")
        target = link.get_attribute("href")
        assert target == f"#{values['theorem']}"
        assert explorer.page.locator(target).count() == 1
        assert "Powers" in link.inner_text()


@pytest.mark.parametrize(("name", "steps"), [("gaussian", 10), ("symbols", 10),
                                             ("excitation", 100)])
def test_nothing_moves_unless_asked_seen_and_welcome(book, browser, name, steps):
    def rests(explorer):
        before = explorer.values()["generation"]
        explorer.page.wait_for_timeout(400)
        return explorer.values()["generation"] == before

    def moves(explorer):
        before = explorer.values()["generation"]
        explorer.page.wait_for_function(
            "([id, before]) => document.getElementById(id).explorer.values().generation !== before",
            arg=[f"explorer-{name}", before])
        return True

    with opened(browser, book, name) as explorer:
        explorer.figure.scroll_into_view_if_needed()
        assert rests(explorer)
        explorer.button("Run").click()
        assert moves(explorer)
        explorer.page.evaluate("scrollTo(0, document.body.scrollHeight)")
        explorer.page.wait_for_timeout(500)
        assert rests(explorer)
        explorer.figure.scroll_into_view_if_needed()
        assert moves(explorer)
        explorer.button("Pause").click()
        assert rests(explorer)
        # A reader changes the setting while it runs.
        explorer.button("Run").click()
        explorer.page.emulate_media(reduced_motion="reduce")
        assert rests(explorer)
    with opened(browser, book, name, reduced_motion="reduce") as explorer:
        explorer.figure.scroll_into_view_if_needed()
        assert not explorer.button("Run").is_visible()
        explorer.button("Step").click()
        start = explorer.values()["generation"]
        explorer.button("Step").click()
        assert explorer.values()["generation"] == start + 1
        explorer.button(f"{steps} steps").click()
        assert explorer.values()["generation"] == start + 1 + steps
        assert f"Generation {start + 1 + steps}:" in explorer.figure.inner_text()
        assert rests(explorer)


@everywhere
def test_new_runs_follow_from_the_seed_that_is_shown(book, browser, name):
    if name == "phase":
        pytest.skip("nothing is simulated there")

    def state(explorer):
        return explorer.values(), explorer.figure.locator("[aria-live]").inner_text()

    with opened(browser, book, name) as explorer:
        first, words = state(explorer)
        assert "seed 1)" in words.lower().replace(".)", ")")
        new = explorer.figure.get_by_role("button", name=re.compile("New run"))
        new.click()
        second, words = state(explorer)
        assert second["seed"] == 2 and "seed 2)" in words.lower().replace(".)", ")")
        assert second != first | {"seed": 2}
    with opened(browser, book, name) as explorer:
        assert explorer.values() == first


@everywhere
def test_a_phone_shows_all_of_it_in_both_themes(book, browser, name):
    with opened(browser, book, name, width=360) as explorer:
        explorer.values()
        page, figure = explorer.page, explorer.figure
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        outside = figure.evaluate("""figure => [...figure.querySelectorAll('*')]
            .filter(e => !e.ownerSVGElement?.ownerSVGElement)
            .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
            .filter(([, box]) => box.width && (box.left < 0 || box.right > 360))
            .map(([words]) => words)""")
        assert outside == []
        low = figure.evaluate("""figure => [...figure.querySelectorAll(
            'button:not([hidden]), input[type=range], fieldset label')]
            .map(e => [e.textContent, e.getBoundingClientRect().height])
            .filter(([, height]) => height < 40)""")
        assert low == []
        for theme in ("light", "dark"):
            page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
            found = Axe().run(page, context=f"#explorer-{name}",
                              options={"preload": False}).response["violations"]
            assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in found] == []
            colours = figure.evaluate("""figure => {
                const style = (query, name) => [...figure.querySelectorAll(query)]
                  .map(e => getComputedStyle(e)[name]);
                return {
                  text: style('svg text', 'fill'),
                  lines: style('.exact, .simulated, .limit, .border, .balance, .axis, .band, '
                    + '.moment', 'stroke'),
                  background: getComputedStyle(document.body).backgroundColor,
                };
            }""")
            background = colours["background"]
            assert len(colours["text"]) > 8 and len(colours["lines"]) > 2
            assert min(contrast(c, background) for c in colours["text"]) >= 4.5
            assert min(contrast(c, background) for c in colours["lines"]) >= 3


def contrast(first, second):
    """The contrast ratio of two CSS colours `rgb(r, g, b)`, as WCAG defines it."""

    def luminance(colour):
        parts = np.array([float(x) for x in re.findall(r"[\d.]+", colour)[:3]]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@everywhere
def test_a_figure_costs_the_page_little(book, name):
    html = (book.html / f"{PAGES[name]}.html").read_text(encoding="utf-8")
    figure = html[html.index(f'id="explorer-{name}"'):]
    script = figure.partition('<script type="module">')[2].partition("</script>")[0]
    assert 1000 < len(script.encode()) <= 40_000
    assert "<noscript>" in figure.partition("<script")[0]
