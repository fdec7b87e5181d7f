"""Building the mini book: what is executed and when, and that no failure goes unnoticed."""

import json
import os
import shutil
import signal
import time

import nbformat
import pytest
from book.checks import (
    Site,
    browser_problems,
    dead_links,
    external_loads,
    incomplete_figures,
)

from collapse.publishing.execute import _prune, science_hash
from publishing.processes import finish, start, wait_for, wait_until_empty

GAUSSIAN, LOOP = "book/rates/gaussian", "book/rates/loop"


def test_the_pages_are_complete(built_once):
    site = Site(built_once / "_build/html")
    assert dead_links(site) + external_loads(site) == []
    links = {"cell-mini-gauss": {"code", "data (CSV)", "SVG", "ledger"}}
    assert incomplete_figures(site, links) == []
    page = site.pages[f"{GAUSSIAN}.html"]
    text = page.find("article").get_text()
    assert "What is left is 0.5905, at most 0.6065" in text
    assert page.select_one("figure img")["alt"].startswith("A curve that falls")
    assert "ZeroDivisionError" in site.pages[f"{LOOP}.html"].get_text()  # the cell may raise
    rows = site.pages["book/appendix/ledger.html"].get_text()
    assert "± 0.001 from 400 runs" in rows
    assert "equal to 0.59049, relative tolerance 1e-12" in rows
    assert not list((built_once / "_build/cache").glob(".tmp-*"))


@pytest.mark.browser
def test_the_pages_work_in_a_browser_without_network(built_once, browser):
    html = built_once / "_build/html/book"
    pages = sorted(html.rglob("*.html"))
    assert len(pages) == 5
    assert [p for page in pages for p in browser_problems(browser, page)] == []


def test_the_download_button_gives_the_clean_notebook(built_once):
    source = built_once / f"_build/html/_sources/{GAUSSIAN}.ipynb"
    notebook = nbformat.read(source, as_version=4)
    assert notebook.cells[0].metadata.jupyter.source_hidden
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_changed_prose_is_rendered_without_executing(mini):
    before = mini.results()
    mini.edit(f"{GAUSSIAN}.md", "A line of prose", "Quite another line")
    mini.edit(f"{GAUSSIAN}.md", "What is left after", "What remains after")
    code, out, _ = mini.collapse("build")
    assert code == 0 and out.count("cached") == 2
    assert mini.results() == before
    assert "Quite another line" in mini.html(GAUSSIAN)
    assert "What remains after" in mini.html(GAUSSIAN)


def test_changed_science_runs_again_and_its_numbers_arrive(mini):
    before = mini.results()
    mini.edit("collapse/__init__.py", "(1 - 1 / n) ** k", "0.9 * (1 - 1 / n) ** k")
    code, out, error = mini.collapse("build")
    assert out.count("executed in") == 2
    assert len(mini.results().items() - before.items()) == 2
    assert "What is left is <span class=\"pasted-text\">0.5314" in mini.html(GAUSSIAN)
    assert code == 1  # the ledger knows the right number
    assert "mini-gauss: mini.rest = 0.531441, allowed 0.59049 ± 5.9e-13" in error
    assert "falls short" in mini.html("book/appendix/ledger")  # written all the same


def test_changed_show_and_emit_run_again(mini):
    mini.edit("collapse/publishing/page.py", "_DPI = 150", "_DPI = 100")
    assert mini.collapse("build", "--no-render")[1].count("executed in") == 2


def test_only_the_changed_chapter_runs_again(mini):
    mini.edit(f"{LOOP}.md", "decay(2, 30)", "decay(2, 31)")
    _, out, _ = mini.collapse("build", "--no-render")
    assert f"{LOOP}  executed in" in out and f"{GAUSSIAN}  cached" in out


def test_what_belongs_to_the_science(fresh):
    hashes = [science_hash(fresh.project)]
    for name in ("collapse/__init__.py", "collapse/laws.py", "collapse/publishing/page.py",
                 "requirements.lock", "book/data/table.csv", "collapse/data/table.csv"):
        path = fresh.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text((path.read_text() if path.exists() else "") + "# more\n")
        hashes.append(science_hash(fresh.project))
    assert len(set(hashes)) == 7
    for name in ("collapse/publishing/render.py", "book/index.md", "book/ledger.yml"):
        (fresh.root / name).write_text("other\n")
    assert science_hash(fresh.project) == hashes[-1]


@pytest.mark.slow
def test_a_kill_leaves_nothing_to_trust_and_costs_no_finished_chapter(fresh):
    sleepy = fresh.root / "sleepy"
    sleepy.touch()
    fresh.edit(f"{GAUSSIAN}.md", "import numpy as np\n", "import numpy as np\n"
               "import pathlib, time\n"
               f"time.sleep(600 if pathlib.Path({str(sleepy)!r}).exists() else 0)\n")
    build = start(fresh.root, "build", "--no-render")
    cache = fresh.root / "_build/cache"
    wait_for(lambda: list(cache.glob("rates.loop-*"))
             and list(cache.glob(".tmp-rates.gaussian-*/run/executed.ipynb")))
    time.sleep(0.5)
    os.kill(build.pid, signal.SIGKILL)
    build.communicate()
    wait_until_empty(fresh.root)  # no worker and no kernel lives on
    finished = list(cache.glob("rates.*"))
    assert [path.name.split("-")[0] for path in finished] == ["rates.loop"]
    inode = finished[0].stat().st_ino

    sleepy.unlink()
    code, out, _ = fresh.collapse("build", "--no-render")
    assert code == 0
    assert f"{LOOP}  cached" in out and f"{GAUSSIAN}  executed" in out
    assert finished[0].stat().st_ino == inode
    assert not list(cache.glob(".tmp-*"))


def test_an_unfinished_result_is_not_trusted(mini):
    [good] = (mini.root / "_build/cache").glob("rates.gaussian-*")
    good.rename(good.with_name(f".tmp-{good.name}-abc"))
    _, out, _ = mini.collapse("build", "--no-render")
    assert f"{GAUSSIAN}  executed" in out and f"{LOOP}  cached" in out
    assert not list((mini.root / "_build/cache").glob(".tmp-*"))


def test_chapters_run_at_the_same_time(fresh):
    """Each chapter waits for the other one's sign."""
    for mine, other, name in (("a", "b", LOOP), ("b", "a", GAUSSIAN)):
        fresh.edit(f"{name}.md", "from collapse import decay\n", f"""\
import pathlib, time
here = pathlib.Path({str(fresh.root)!r})
(here / {mine!r}).touch()
for _ in range(600):
    if (here / {other!r}).exists():
        break
    time.sleep(0.1)
else:
    raise RuntimeError("alone")
from collapse import decay
""")
    code, _, error = fresh.collapse("build", "--no-render", "--jobs", 2)
    assert code == 0, error


def test_two_builds_at_once_do_the_work_once(fresh):
    builds = [start(fresh.root, "build", "--no-render") for _ in range(2)]
    codes, out, error = zip(*map(finish, builds), strict=True)
    assert codes == (0, 0)
    assert "".join(out).count("executed in") == 2 and "".join(out).count("cached") == 2
    assert "".join(error) == "another build is running here; waiting for it\n"


def test_a_failing_cell_is_shown_and_the_others_run(fresh):
    fresh.edit(f"{GAUSSIAN}.md", "left = decay(n, steps)", "left = decay(n, stepps)")
    code, out, error = fresh.collapse("build")
    assert code == 1
    assert f"{LOOP}  executed" in out and f"{GAUSSIAN}  failed" in out
    assert f"{GAUSSIAN}: a cell failed" in error
    assert "fig, ax = plt.subplots(figsize=(6, 3.5))" in error  # the cell
    assert "NameError: name 'stepps' is not defined" in error
    assert "\x1b" not in error
    assert not (fresh.root / "_build/html").exists()
    assert [name.split("-")[0] for name in fresh.results()] == ["rates.loop"]


def test_a_dying_kernel_is_a_failure_of_its_chapter(mini):
    mini.edit(f"{LOOP}.md", "from collapse import decay\n",
              "import os\nos._exit(0)\n")
    code, out, error = mini.collapse("build", "--no-render")
    assert code == 1 and f"{LOOP}  failed" in out and f"{GAUSSIAN}  cached" in out
    assert f"{LOOP}: a cell failed" in error and "os._exit(0)" in error


def test_a_name_emitted_twice_fails(mini):
    mini.edit(f"{LOOP}.md", "from collapse.publishing import emit\n",
              "from collapse.publishing import emit\nemit('mini.limit', 0)\n")
    code, _, error = mini.collapse("build", "--no-render")
    assert code == 1 and "'mini.limit' is emitted twice" in error


def test_a_name_emitted_by_two_chapters_fails(mini):
    mini.edit(f"{LOOP}.md", '"mini.limit"', '"mini.rest"')
    code, _, error = mini.collapse("build", "--no-render")
    assert code == 1 and f"'mini.rest' is emitted by both {LOOP} and {GAUSSIAN}" in error


def test_bad_references_fail_again_and_keep_the_old_pages(mini):
    (mini.root / "_build/html").mkdir()
    (mini.root / "_build/html/old.html").touch()
    for file, old, new in (("book/index.md", "{ref}`ledger`", "{ref}`nowhere`"),
                           (f"{GAUSSIAN}.md", "{eq}`mini-log`", "{eq}`no-log`"),
                           (f"{GAUSSIAN}.md", "a citation {cite}`student1908`", "{cite}`nobody`"),
                           (f"{GAUSSIAN}.md", "`mini.rest:.4f`", "`mini.rust:.4f`")):
        mini.edit(file, old, new)
    lines = (mini.root / f"{GAUSSIAN}.md").read_text().splitlines()
    place = {word: f"{GAUSSIAN}.md:{1 + next(i for i, line in enumerate(lines) if word in line)}:"
             for word in ("no-log", "nobody", "mini.rust")}
    for _ in range(2):
        code, _, error = mini.collapse("build")
        assert code == 1
        for word in ("nowhere", *place):
            start = place.get(word, "book/index.md:")
            assert [x for x in error.splitlines() if x.startswith(start) and word in x], word
        assert (mini.root / "_build/html/old.html").exists()


def test_what_only_the_pages_can_tell_is_named(mini):
    mini.edit("book/index.md", "It has", "<script src='https://example.org/x.js'></script>\n\nIt")
    mini.edit("book/_static/book.css", "div.math", "@import '//example.org/x.css';\ndiv.math")
    mini.edit("book/ledger.yml", "#thm-mini", "#thm-other")
    code, _, error = mini.collapse("build")
    assert code == 1
    assert "book/index loads https://example.org/x.js" in error
    assert "book.css loads //example.org/x.css" in error
    assert "MINI-T1: proved: no book/rates/gaussian#thm-other" in error
    assert not (mini.root / "_build/html").exists()


@pytest.mark.parametrize(("file", "old", "new", "message"), [
    (f"{GAUSSIAN}.md", "    caption: |\n      What is left", "    align: |\n      What is left",
     "figure mini-gauss has no caption"),
    (f"{GAUSSIAN}.md", "# The Gaussian\n", "", "has no title"),
    ("book/ledger.yml", "rates/gaussian#thm", "rates/other#thm", "not in the table of contents"),
    ("book/appendix/ledger.md", "<!-- ledger -->", "", "needs the line <!-- ledger --> once"),
    ("_toc.yml", "book/rates/loop", "book/rates/lop", "_toc.yml names book/rates/lop"),
    (f"{LOOP}.md", "kernelspec:", "kernelspec: [", "the header is not valid YAML"),
    (f"{LOOP}.md", "  display_name: Python 3\n", "", "cannot be read as a notebook"),
    (f"{GAUSSIAN}.md", "# The Gaussian\n", "# The Gaussian\f\n", "cannot be read as a notebook"),
])
def test_faults_of_the_sources_are_named(mini, file, old, new, message):
    mini.edit(file, old, new)
    code, _, error = mini.collapse("build")
    assert code == 1
    assert message in error


NEW_BOX = """:::{prf:lemma} One more
:label: lem-more
$1 = 1$.
:::
"""
OPEN_ROW = """
- {id: MINI-O.open, kind: lemma, group: P2, source: ours, statement: "Some day.", status: open}
"""


@pytest.mark.parametrize(("file", "old", "new", "message"), [
    ("book/ledger.yml", "- id: MINI-F9", OPEN_ROW + "- id: MINI-F9", "MINI-O.open: still open"),
    (f"{LOOP}.md", "\n(loop)=", f"\n{NEW_BOX}\n(loop)=",
     f"{LOOP}: the box lem-more (One more) has no row in the ledger"),
    ("book/ledger.yml", "#thm-mini", "#fig-mini-gauss",
     "is neither a box nor a labelled derivation"),
])
def test_an_incomplete_ledger_fails_the_build(mini, file, old, new, message):
    mini.edit(file, old, new)
    for command in (("build", "--no-render"), ("ledger",)):
        code, _, error = mini.collapse(*command)
        assert code == 1 and message in error


def test_settings_of_the_user_change_nothing(mini, built_once, monkeypatch, tmp_path):
    [cached] = (mini.root / "_build/cache").glob("rates.gaussian-*")
    shutil.rmtree(cached)
    home = tmp_path / "home"
    startup = home / ".ipython/profile_default/startup/00.py"
    kernel = home / "jupyter/kernels/python3/kernel.json"
    for path, text in {
        home / ".config/matplotlib/matplotlibrc": "figure.facecolor: red\n",
        startup: "raise SystemExit('the startup file of the user')\n",
        home / "startup.py": "raise SystemExit('the startup file of the user')\n",
        kernel: json.dumps({"argv": ["false"], "display_name": "x", "language": "python"}),
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, value in {"HOME": home, "IPYTHONDIR": home / ".ipython", "MPLBACKEND": "svg",
                        "JUPYTER_PATH": home / "jupyter", "PYTHONSTARTUP": home / "startup.py",
                        "XDG_CONFIG_HOME": home / ".config"}.items():
        monkeypatch.setenv(name, str(value))
    assert mini.collapse("build", "--no-render")[0] == 0
    svg = [next((root / "_build/cache").glob("rates.gaussian-*/figures/*.svg")).read_bytes()
           for root in (mini.root, built_once)]
    assert svg[0] == svg[1]


def test_only_the_results_used_last_are_kept(tmp_path):
    for age, letter in enumerate("abcdef"):
        folder = tmp_path / f"rates.loop-{letter * 32}"
        folder.mkdir()
        os.utime(folder, (1e9 - age, 1e9 - age))
    (tmp_path / f"rates.loop-two-{'a' * 32}").mkdir()
    _prune(tmp_path, "rates.loop")
    assert sorted(path.name[-1] for path in tmp_path.glob("rates.loop-?????*")
                  if "two" not in path.name) == ["a", "b", "c"]
    assert (tmp_path / f"rates.loop-two-{'a' * 32}").is_dir()
