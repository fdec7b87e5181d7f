"""`show` and `emit`: the files they leave, and what they refuse."""

import io
import json
import os
import re
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from collapse.publishing import emit, show
from collapse.publishing.page import slim

matplotlib.use("agg")
ALT = "A straight line that rises from zero to one."


@pytest.fixture
def figure():
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(2, 1))
    ax.plot([0, 1], [0, 1], label="$x^2$ and text")
    ax.legend()
    yield fig
    plt.close(fig)


@pytest.fixture
def output(tmp_path, monkeypatch):
    monkeypatch.setenv("COLLAPSE_OUTPUT", str(tmp_path))
    return tmp_path


@pytest.fixture
def displayed(monkeypatch):
    """What is displayed, as (bundle, metadata) pairs."""
    import IPython.display

    seen = []
    monkeypatch.setattr(IPython.display, "display",
                        lambda bundle, *, raw, metadata: seen.append((bundle, metadata)))
    return seen


def tokens(svg):
    """The words of an SVG file: numbers as floats, every command of a path with its letter."""
    svg = re.sub(r"<!DOCTYPE[^>]*>|<metadata>.*?</metadata>", "", svg.decode(), flags=re.DOTALL)
    path = re.compile(r'(?<=\sd=")[^"]*')
    svg = path.sub(lambda found: " ".join(spelled_out(found[0])), svg)
    return [float(word) if re.fullmatch(r"-?\d+(\.\d+)?", word) else word
            for word in re.findall(r"-?\d+(?:\.\d+)?|\w+|[^\w\s]", svg)]


def spelled_out(path):
    """The commands of a path, each with as many coordinates as it takes."""
    for letter, rest in re.findall(r"([A-Za-z])([^A-Za-z]*)", path):
        size = {"M": 2, "L": 2, "Q": 4, "C": 6}.get(letter, 1)
        numbers = rest.split()
        for start in range(0, max(len(numbers), 1), size):
            yield " ".join([letter, *numbers[start:start + size]])


@pytest.fixture
def drawing():
    """A figure with lines, curves, markers, bands, pixels and text, as matplotlib writes it."""
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots()
    ax.plot(np.linspace(0, 1, 40) ** 3, "o-", alpha=0.5, label="$\\alpha^2$ and text")
    ax.fill_between([0, 20, 40], [0, 1, 0], alpha=0.3)
    ax.scatter(np.arange(9), np.linspace(0, 1, 9), s=20)
    ax.plot([0, 39], [1, 0], ".", rasterized=True)
    ax.legend()
    file = io.BytesIO()
    fig.savefig(file, format="svg")
    plt.close(fig)
    return file.getvalue()


def test_a_slim_figure_is_the_same_figure(drawing):
    slimmed = slim(drawing)
    assert len(slimmed) < 0.85 * len(drawing)
    assert slim(slimmed) == slimmed
    before, after = tokens(drawing), tokens(slimmed)
    assert [word for word in before if isinstance(word, str)] == [
        word for word in after if isinstance(word, str)]
    pairs = [pair for pair in zip(before, after, strict=True) if isinstance(pair[0], float)]
    assert pairs and max(abs(one - two) for one, two in pairs) <= 0.005 + 1e-9


def test_a_change_of_the_figure_would_be_seen(drawing):
    assert tokens(slim(drawing).replace(b"L", b"M", 1)) != tokens(slim(drawing))
    assert tokens(slim(drawing).replace(b"stroke-width", b"width", 1)) != tokens(slim(drawing))


def test_the_paper_is_white_but_for_the_pages(figure, displayed, output, monkeypatch):
    import matplotlib.image
    import matplotlib.pyplot as plt

    show(figure, "f", alt=ALT)
    assert "#ffffff" not in re.sub(r'<g id="legend.*', "", (output / "figures/f.svg").read_text(),
                                   flags=re.DOTALL)
    assert np.all(matplotlib.image.imread(output / "figures/f.png")[0, 0] == 1)
    monkeypatch.delenv("COLLAPSE_OUTPUT")
    show(plt.figure(facecolor="white"), "f", alt=ALT)
    assert "#ffffff" in displayed[1][0]["image/svg+xml"]


def test_show_displays_once_and_closes(figure, displayed, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.delenv("COLLAPSE_OUTPUT", raising=False)
    show(figure, "P1-F-x", alt=ALT)
    [(bundle, metadata)] = displayed
    assert bundle["image/svg+xml"].lstrip().startswith("<?xml")
    assert metadata == {"collapse": {"figure": "P1-F-x", "alt": ALT, "data": False}}
    assert not plt.fignum_exists(figure.number)


def test_show_leaves_files_in_a_build(figure, displayed, output):
    show(figure, "f", data={"x": [1, 2], "y": np.array([0.1, 1 / 3])}, alt=ALT)
    svg = (output / "figures/f.svg").read_text()
    assert svg == displayed[0][0]["image/svg+xml"]
    assert "<text" not in svg  # outlines: no font is needed
    assert (output / "figures/f.png").read_bytes().startswith(b"\x89PNG")
    assert (output / "data/f.csv").read_text() == f"x,y\n1,0.1\n2,{1 / 3!r}\n"
    assert not list(output.rglob("*.part"))


@pytest.mark.parametrize(("data", "csv"), [
    (pd.DataFrame({"x": [1, 2]}), "x\n1\n2\n"),
    (pd.DataFrame({"x": [1, 2]}, index=pd.Index([5, 6], name="k")), "k,x\n5,1\n6,2\n"),
    (xr.DataArray([1.5, 2.5], dims="k", coords={"k": [5, 6]}), "k,value\n5,1.5\n6,2.5\n"),
    (xr.DataArray([1.5], dims="k", coords={"k": [5]}, name="std"), "k,std\n5,1.5\n"),
    (xr.Dataset({"a": ("k", [1, 2])}, coords={"k": [5, 6]}), "k,a\n5,1\n6,2\n"),
])
def test_show_writes_every_kind_of_data(figure, displayed, output, data, csv):
    show(figure, "f", data=data, alt=ALT)
    assert (output / "data/f.csv").read_text() == csv


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"id": "a b"}, ValueError, "id must consist"),
    ({"id": "../f"}, ValueError, "id must consist"),
    ({"id": 3}, ValueError, "id must consist"),
    ({"alt": "  "}, ValueError, "alt must describe"),
    ({"data": {"x": [1, 2], "y": [1]}}, ValueError, "equally long"),
    ({"data": {"x": np.zeros((2, 2)), "y": np.zeros((2, 2))}}, ValueError, "1-D"),
    ({"data": [1, 2]}, TypeError, "data must be a DataFrame"),
])
def test_show_refuses(figure, displayed, output, arguments, error, message):
    with pytest.raises(error, match=message):
        show(figure, **{"id": "f", "alt": ALT, **arguments})
    assert not displayed and not list(output.iterdir())


def test_show_refuses_an_id_twice(figure, displayed, output):
    show(figure, "f", alt=ALT)
    with pytest.raises(ValueError, match="'f' is shown twice"):
        show(figure, "f", alt=ALT)


def test_svg_bytes_do_not_depend_on_process_or_time(tmp_path):
    program = """
import matplotlib; matplotlib.use("agg")
import matplotlib.pyplot as plt
from collapse.publishing import show
fig, ax = plt.subplots()
ax.fill_between([0, 1, 2], [0, 1, 2], label="a"); ax.legend(); ax.set_title("$\\\\alpha$")
show(fig, "f", alt="a figure")
"""
    files = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        environment = {**os.environ, "PYTHONHASHSEED": seed, "COLLAPSE_OUTPUT": str(folder),
                       "SOURCE_DATE_EPOCH": str(int(seed) * 10**8)}
        subprocess.run([sys.executable, "-c", program], check=True, env=environment,
                       capture_output=True)
        files.append((folder / "figures/f.svg").read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize("value", [2, 2.5, np.float32(2.5), np.int64(2), np.array(2.5)])
def test_emit_leaves_a_record_in_a_build(output, capsys, value):
    emit("a.b-c_d", value, se=np.float64(0.5), replications=np.int64(40))
    record = json.loads((output / "emitted/a.b-c_d.json").read_text())
    assert record == {"name": "a.b-c_d", "value": float(value), "se": 0.5, "replications": 40}


def test_emit_says_one_line_outside_a_build(capsys, monkeypatch):
    monkeypatch.delenv("COLLAPSE_OUTPUT", raising=False)
    emit("x", 1 / 3)
    emit("x", 1 / 3, se=0.01)  # again is fine here: cells are run again
    assert capsys.readouterr().out == "x = 0.333333\nx = 0.333333 ± 0.01\n"


@pytest.mark.parametrize(("arguments", "error", "message"), [
    (("a b", 1), ValueError, "name must consist"),
    (("../a", 1), ValueError, "name must consist"),
    (("a..b", 1), ValueError, "name must consist"),
    ((1, 1), ValueError, "name must consist"),
    (("a.se", 1), ValueError, "must not end in"),
    (("a", float("nan")), ValueError, "value must be finite"),
    (("a", np.inf), ValueError, "value must be finite"),
    (("a", True), TypeError, "value must be a real number"),
    (("a", np.bool_(True)), TypeError, "value must be a real number"),
    (("a", "1"), TypeError, "value must be a real number"),
    (("a", 1 + 0j), TypeError, "value must be a real number"),
    (("a", np.array([1.0])), TypeError, "value must be a real number"),
    (("a", 1, -0.1), ValueError, "se must be at least 0"),
    (("a", 1, float("nan")), ValueError, "se must be finite"),
    (("a", 1, 0.1, 0), ValueError, "replications must be at least 1"),
    (("a", 1, 0.1, 10.0), TypeError, "replications must be an integer"),
    (("a", 1, 0.1, True), TypeError, "replications must be an integer"),
])
def test_emit_refuses(output, arguments, error, message):
    with pytest.raises(error, match=message):
        emit(*arguments)
    assert not list(output.iterdir())


def test_emit_refuses_a_name_twice(output, capsys):
    emit("a", 1)
    with pytest.raises(ValueError, match="'a' is emitted twice"):
        emit("a", 2)


def test_the_science_does_not_import_publishing():
    program = "import collapse, sys; print([m for m in sys.modules if 'collapse.publ' in m])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n"


def test_a_saved_table_reads_back_exactly(figure, displayed, output):
    table = pd.DataFrame({"x": np.random.default_rng(1).random(50)})
    show(figure, "f", data=table, alt=ALT)
    text = (output / "data/f.csv").read_text()
    pd.testing.assert_series_equal(pd.read_csv(io.StringIO(text), dtype=str)["x"].map(float),
                                   table["x"], check_exact=True)
