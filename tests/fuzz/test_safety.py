"""Nothing that a user or the network brings is executed, and nothing dangerous slips in unseen."""

import ast
import functools
import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from papermill.parameterize import parameterize_notebook

from collapse import Gaussian, datasets, recursive_training, replay, tables
from collapse.publishing import notebooks
from collapse.publishing.project import Project

ROOT = Path(__file__).resolve().parents[2]
BOOK = Project(ROOT)

# ---------------------------------------------------------------- the sources

# Calls that execute or load what may come from elsewhere, by the last parts of their names.
FORBIDDEN = {
    "eval", "exec", "compile", "__import__", "execfile", "pickle.load", "pickle.loads",
    "cPickle.load", "dill.load", "marshal.load", "marshal.loads", "shelve.open", "joblib.load",
    "pd.read_pickle", "pandas.read_pickle", "yaml.load", "yaml.load_all", "yaml.full_load",
    "yaml.unsafe_load", "os.system", "os.popen", "subprocess.getoutput", "tempfile.mktemp",
    "ssl._create_unverified_context", "pd.eval", "np.loads", "shutil.unpack_archive",
    "extractall", "to_pickle",
}  # fmt: skip
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"}
BAD_OPTIONS = {("shell", True), ("allow_pickle", True), ("verify", False)}


NAMESPACES = ("http://www.w3.org/", "http://www.idpf.org/2007/op", "http://purl.org/dc/")


def faults(source, name):
    """What a source must not hold, with its place."""
    for node in ast.walk(ast.parse(source)):
        what = None
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            endings = {called, ".".join(called.split(".")[-2:])}
            if "." in called:
                endings.add(called.rsplit(".", 1)[1] if called.endswith(
                    ("extractall", "to_pickle")) else called)
            options = {(option.arg, getattr(option.value, "value", None))
                       for option in node.keywords}
            if endings & FORBIDDEN:
                what = called
            elif called in ("np.load", "numpy.load") and ("allow_pickle", False) not in options:
                what = f"{called} without allow_pickle=False"
            elif options & BAD_OPTIONS:
                what = f"{called} with {options & BAD_OPTIONS}"
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            what = ", ".join(MODULES & {name.split(".")[0] for name in names})
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # An XML namespace is a name, not an address that is opened.
            found = [url for url in re.findall(r"http://[^\s\"'<>]*", node.value)
                     if not url.startswith(NAMESPACES)]
            what = ", ".join(found)
        if what:
            yield f"{name}:{node.lineno}: {what}"


# A cell without its options, which are YAML: much faster than reading the notebook.
_CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(?:---\n.*?\n---\n|(?::[^\n]*\n)*)(.*?)^```$",
                   re.MULTILINE | re.DOTALL)


@functools.cache
def sources():
    """All code that ships, with names: package, benchmarks, and the cells of the chapters."""
    files = [*(ROOT / "collapse").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    found = [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
             for path in files]
    for page in BOOK.chapters:
        found += [(page.name, source) for source in _CELL.findall(page.text)]
    return found


def test_all_cells_are_looked_at():
    page = next(page for page in BOOK.chapters if page.short == "rates/language")
    cells = [cell.source.strip() for cell in notebooks.code_cells(notebooks.read(page))]
    assert [source.strip() for name, source in sources() if name == page.name] == cells


def test_no_source_executes_or_unpickles_anything():
    found = [fault for name, source in sources() for fault in faults(source, name)]
    assert found == []


@pytest.mark.parametrize("line", [
    "eval('1')", "exec(text)", "x = pickle.load(f)", "import pickle", "from pickle import loads",
    "import marshal as m", "np.load('a.npy')", "np.load('a.npy', allow_pickle=True)",
    "joblib.load(path)", "yaml.load(text)", "yaml.unsafe_load(text)", "pd.read_pickle(path)",
    "subprocess.run(c, shell=True)", "os.system('ls')", "archive.extractall()", "__import__('os')",
    "urlopen('http://example.org')", "get(url, verify=False)", "numpy.load(f, mmap_mode='r')",
])
def test_the_scan_finds(line):
    assert list(faults(line, "x")), line


@pytest.mark.parametrize("line", [
    "re.compile('a')", "np.load('a.npy', allow_pickle=False)", "yaml.safe_load(text)",
    "model.eval_at(3)", "'http://www.w3.org/2000/svg'", "subprocess.run(['git'], shell=False)",
])
def test_the_scan_lets_pass(line):
    assert not list(faults(line, "x")), line


# ---------------------------------------------------------------- parameters

TEXTS = st.one_of(st.text(), st.sampled_from([
    "'; import os; os.system('x') #", '"""\nimport os\n"""', "\\", "\\'", "{0}{x}", "a\nb\r\n",
    "'" * 3,
    "%run x", "!touch owned", "None", "\0", "\u2028import os", "__import__('os')"]))


def injected(parameters):
    """The assignments of the cell that papermill adds to a notebook: name -> value."""
    cell = nbformat.v4.new_code_cell("text = 'default'", metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"papermill": {}})
    notebook = parameterize_notebook(notebook, parameters, kernel_name="python3",
                                     language="python")
    [cell] = [cell for cell in notebook.cells if "injected-parameters" in notebooks.tags(cell)]
    found = {}
    for statement in ast.parse(cell.source).body:
        assert isinstance(statement, ast.Assign), cell.source
        found[statement.targets[0].id] = ast.literal_eval(statement.value)
    return found


@given(text=TEXTS)
def test_a_text_stays_a_text(text):
    try:
        text.encode()
    except UnicodeEncodeError:  # no such text comes from a terminal
        return
    assert injected({"text": text, "seed": 3}) == {"text": text, "seed": 3}


@given(value=st.lists(st.one_of(TEXTS, st.integers(), st.floats(allow_nan=False,
                                                                allow_infinity=False))))
def test_lists_stay_lists(value):
    assert injected({"sizes": value}) == {"sizes": value}


@pytest.mark.parametrize("text", ["__import__('os')", "[__import__('os')]", "(lambda: 1)()", "1+1",
                                  "[x for x in ()]", "n", "f'{1}'", "open('x')"])
@pytest.mark.parametrize("default", [1, 1.0, True, [1], (1,), {"a": 1}])
def test_values_are_read_and_not_computed(default, text):
    from collapse.publishing.project import UsageError

    with pytest.raises(UsageError, match="parameter p must be"):
        notebooks.Parameter("p", default).parse(text)


# ---------------------------------------------------------------- provenance

@pytest.mark.parametrize("name", ["os", "__loader__", "bernoulli", "__builtins__", "Gaussian ", 3])
@pytest.mark.parametrize("part", ["model", "source"])
def test_replay_makes_models_of_this_package_and_nothing_else(part, name):
    run = recursive_training(Gaussian(), sample_size=5, generations=1, seed=1)
    record = json.loads(run.attrs["provenance"])
    record[part] = {"name": name, "arguments": {}}
    with pytest.raises(ValueError, match="run must carry the provenance .* not a model of this"):
        replay(json.dumps(record))


# ---------------------------------------------------------------- users' texts and tables

SCRIPT = "<script>alert(1)</script>"
FORMULA = "=HYPERLINK(A1)"
DOLLARS = "$\\frac{$"


@pytest.fixture
def hostile_table(tmp_path):
    path = tmp_path / "hostile.csv"
    rows = "\n".join(f"{i % 7},{i % 2},{i * 0.37 % 1}" for i in range(400))
    path.write_text(f'"{DOLLARS}{SCRIPT}","{FORMULA}","__import__(\'os\')"\n{rows}\n')
    return path


def test_names_of_columns_are_names(hostile_table):
    table = tables.load_table(hostile_table)
    assert table.names == (DOLLARS + SCRIPT, FORMULA, "__import__('os')")


def test_code_in_a_table_is_text(tmp_path):
    path = tmp_path / "code.csv"
    path.write_text("a,b\n" + "__import__('os'),1\n" * 200)
    with pytest.raises(ValueError, match="must hold numbers, not text"):
        tables.load_table(path)


def test_code_in_a_text_is_text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(f"{{0}} {SCRIPT} %s __import__('os') `touch owned`")
    assert datasets.load_text(path) == path.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("parameter", ["text", "table"])
def test_markup_of_users_is_escaped_in_the_notebook(tmp_path, hostile_table, parameter):
    """The chapter executed with a hostile file: in no output is a script that a browser runs."""
    from collapse.publishing.cli import main

    text = tmp_path / "text.txt"
    text.write_text(f"{SCRIPT} one two. {FORMULA} three four five! {DOLLARS} six one two.\n" * 300)
    chapter, path, options = {
        "text": ("language", text, ["-p", "replications", "2", "-p", "generations", "2"]),
        "table": ("a-real-table", hostile_table, ["-p", "rows", "100", "-p", "generations", "2",
                                                  "-p", "replications", "5"]),
    }[parameter]
    out = tmp_path / "out"
    assert main(["run", chapter, "-p", parameter, str(path), *options, "--out", str(out)]) == 0
    [file] = out.glob("*.ipynb")
    shown = [output.get("data", {}).get("text/html", "") + output.get("data", {}).get(
             "text/markdown", "") + output.get("data", {}).get("image/svg+xml", "")
             for cell in nbformat.read(file, as_version=4).cells
             for output in cell.get("outputs", [])]
    assert not any("<script" in html for html in shown)
    if parameter == "table":
        assert any("&lt;script&gt;" in html for html in shown)


def test_tables_with_names_of_users_are_escaped():
    """pandas escapes in frames, but in a styled one only if asked to."""
    page = next(page for page in BOOK.chapters if page.short == "schedules/a-real-table")
    styled = [cell.source for cell in notebooks.code_cells(notebooks.read(page))
              if ".style" in cell.source and "names" in cell.source]
    assert styled and all('escape="html"' in source for source in styled)
    style = pd.DataFrame({"column": [SCRIPT]}).style
    assert SCRIPT in style.to_html()
    assert SCRIPT not in style.format({}, escape="html").to_html()


# ---------------------------------------------------------------- downloads, CI

def test_downloads_need_https_and_a_hash(monkeypatch):
    assert datasets._WIKITEXT2["url"].startswith("https://")
    assert re.fullmatch(r"[0-9a-f]{64}", datasets._WIKITEXT2["sha256"])
    for url in ("http://example.org/x", "file:///etc/passwd", "ftp://example.org/x"):
        monkeypatch.setitem(datasets._WIKITEXT2, "url", url)
        with pytest.raises(ConnectionError, match="https"):
            datasets._fetch(False)


def test_a_download_that_is_led_elsewhere_is_refused(monkeypatch):
    class Answer:
        url = "http://example.org/x"

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

        def read(self, _):
            raise AssertionError("read what came without encryption")

    monkeypatch.setattr(datasets.urllib.request, "urlopen", lambda *_, **__: Answer())
    with pytest.raises(ConnectionError, match="https"):
        datasets._fetch(False)


def test_only_one_place_opens_addresses():
    found = [name for name, source in sources()
             if re.search(r"\burlopen\(|\brequests\.|\bhttpx\.|http\.client\.HTTPS?Conn|\bsocket\.",
                          source)]
    assert found == ["collapse/datasets.py"]


def test_the_lock_has_a_hash_for_every_package():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert len(entries) > 100
    assert [entry.split("==")[0] for entry in entries
            if not re.match(r"[\w.\[\]-]+==", entry) or "--hash=sha256:" not in entry] == []


WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_there_are_workflows():
    assert WORKFLOWS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_ci_has_the_least_rights(path):
    text = path.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    events = workflow[True]  # YAML reads `on` as true
    assert "pull_request_target" not in events and "workflow_run" not in events
    assert "secrets" not in text
    for name, job in workflow["jobs"].items():
        rights = job.get("permissions", {})
        if rights:  # only the job that publishes the pages, which runs nothing of ours
            assert rights == {"pages": "write", "id-token": "write"}
            assert all("run" not in step for step in job["steps"]), name
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step["uses"]), step
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
            assert "${{ github.event" not in json.dumps(step)
