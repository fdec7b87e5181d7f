"""`show` and `emit`: how a chapter hands its figures and numbers to the page.

In a plain notebook they only display. During a build the environment variable COLLAPSE_OUTPUT names
a folder, and they also leave there

    figures/<id>.svg  figures/<id>.png  data/<id>.csv  emitted/<name>.json

This module is part of every chapter's cache key: keep it small and self-contained.
"""

import io
import json
import math
import numbers
import operator
import os
import re
from pathlib import Path

_FIGURE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_QUANTITY = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
SE_SUFFIX = ".se"
_DPI = 150  # of the PNG file, and of what a figure draws as pixels inside its SVG
_NEEDLESS = re.compile(r"<!DOCTYPE[^>]*>|<metadata>.*?</metadata>", re.DOTALL)
_PATH = re.compile(r'(?<=\sd=")[^"]*(?=")')
_PLACE = re.compile(r'(?<=\s[xy]=")[^"]*(?=")')
_COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")
_LONG = re.compile(r"-?\d+\.\d{3,}")


def show(fig, id, *, data=None, alt):
    """Display a matplotlib figure once, as SVG, and keep its files during a build.

    Parameters: `fig`, a matplotlib figure, which is closed; `id`, its name in the ledger such as
    "P1-F-gauss" (letters, digits, - and _); `data`, the numbers in the figure (a DataFrame, an
    xarray object, a dict of equally long 1-D arrays, or None); `alt`, what the figure shows, in
    words, for readers who cannot see it.

    The same figure gives the same bytes: fixed salt for the element ids, no date, and text drawn
    as outlines, because a browser gives an SVG image no fonts but its own. During a build the SVG
    has no paper, so that it takes that of the page, light or dark; a notebook may show it on
    anything, so there, and in the PNG, the paper is white.

    Raises TypeError or ValueError for a malformed `id`, `alt` or `data`, and ValueError when one
    build shows an id twice.
    """
    import matplotlib
    import matplotlib.pyplot as plt
    from IPython.display import display

    if not isinstance(fig, matplotlib.figure.Figure):
        raise TypeError(f"fig must be a matplotlib figure, got {type(fig).__name__}")
    if not isinstance(id, str) or not _FIGURE_ID.fullmatch(id):
        raise ValueError(f"id must consist of letters, digits, '-' and '_', got {_shown(id)}")
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError("alt must describe the figure in words; it is empty")
    table = _as_table(data)

    folder = _output_folder()
    with matplotlib.rc_context({"svg.hashsalt": id, "svg.fonttype": "path"}):
        svg = slim(_render(fig, format="svg", dpi=_DPI, transparent=folder is not None,
                           metadata={"Date": None, "Creator": None}))
    if folder is not None:
        _write_new(folder / "figures" / f"{id}.svg", svg, f"figure {id!r} is shown twice")
        png = _render(fig, format="png", dpi=_DPI, metadata={"Software": None})
        _write_new(folder / "figures" / f"{id}.png", png, f"figure {id!r} is shown twice")
        if table is not None:
            csv = table.to_csv(index=False, lineterminator="\n").encode()
            _write_new(folder / "data" / f"{id}.csv", csv, f"figure {id!r} is shown twice")
    plt.close(fig)  # or the notebook's own backend would display it a second time
    display(
        {"image/svg+xml": svg.decode(), "text/plain": alt},
        raw=True,
        metadata={"collapse": {"figure": id, "alt": alt, "data": table is not None}},
    )


def emit(name, value, se=None, replications=None):
    """Hand a number to the prose and to the ledger.

    Parameters: `name`, such as "gauss.theorem3.max_ratio" (parts of letters, digits, - and _,
    joined by dots); `value`, a finite real number; `se`, its standard error (finite, >= 0), or
    None where it has none; `replications`, the number of independent runs behind both (an integer
    >= 1), or None where there are none or they cannot be counted.

    On the page the number is available as {glue:text}`name:format`, its standard error as
    {glue:text}`name.se:format`. Outside a build the call displays one line of text.

    Raises TypeError or ValueError for a malformed argument, and ValueError when one build emits a
    name twice.
    """
    if not isinstance(name, str) or not _QUANTITY.fullmatch(name):
        raise ValueError(
            f"name must consist of letters, digits, '-', '_' and single dots, got {_shown(name)}"
        )
    if name.endswith(SE_SUFFIX):
        raise ValueError(f"name must not end in {SE_SUFFIX!r}, got {name!r}: pass se instead")
    value = _as_float("value", value)
    if se is not None and (se := _as_float("se", se)) < 0:
        raise ValueError(f"se must be at least 0, got {se}")
    if replications is not None:
        replications = _as_count("replications", replications)

    folder = _output_folder()
    if folder is None:
        print(f"{name} = {value:.6g}" + ("" if se is None else f" ± {se:.2g}"))
        return
    from myst_nb import glue

    record = json.dumps({"name": name, "value": value, "se": se, "replications": replications})
    _write_new(folder / "emitted" / f"{name}.json", record.encode(), f"{name!r} is emitted twice")
    glue(name, value, display=False)
    if se is not None:
        glue(name + SE_SUFFIX, se, display=False)


def _output_folder():
    """The folder that a build asks for files in, or None."""
    folder = os.environ.get("COLLAPSE_OUTPUT")
    return Path(folder) if folder else None


def _write_new(path, content, complaint):
    """Write a file in one step; raise ValueError(complaint) when it is there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        raise ValueError(f"{complaint} in this chapter")
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def _render(fig, **options):
    buffer = io.BytesIO()
    fig.savefig(buffer, bbox_inches="tight", **options)
    return buffer.getvalue()


def slim(svg):
    """The bytes of a matplotlib SVG file in fewer bytes, and the same to the eye.

    Coordinates are rounded to 0.01 points, a command of a path that follows itself is not
    repeated, metadata and indentation are dropped. Everything else stays.
    """
    svg = _NEEDLESS.sub("", svg.decode())
    svg = _PLACE.sub(lambda found: _rounded(found[0]), svg)
    svg = _PATH.sub(lambda found: _slim_path(found[0]), svg)
    return re.sub(r"\s*\n\s*", "\n", svg).encode()


def _slim_path(path):
    words, last = [], None
    for command, coordinates in _COMMAND.findall(_rounded(path)):
        words += [] if command == last and command in "LQC" else [command]
        words += coordinates.split()
        last = command
    return " ".join(words)


def _rounded(text):
    return _LONG.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), text)


def _as_float(name, number):
    """A finite Python float; numpy's real scalars count as numbers, truth values do not."""
    if hasattr(number, "ndim") and number.ndim == 0:
        number = number.item()
    if isinstance(number, bool) or not isinstance(number, numbers.Real):
        raise TypeError(f"{name} must be a real number, got {type(number).__name__}")
    try:
        value = float(number)
    except OverflowError:  # an int beyond the floats
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return value


def _shown(name):
    """What was given as a name, for an error message."""
    return repr(name) if isinstance(name, str) else f"a value of type {type(name).__name__}"


def _shape(column):
    """The shape of an array or a list, () for what has none."""
    if hasattr(column, "shape"):
        return column.shape
    return (len(column),) if hasattr(column, "__len__") else ()


def _as_count(name, number):
    """A Python int of at least 1; numpy's integers count, truth values do not."""
    try:
        if isinstance(number, bool):
            raise TypeError
        count = operator.index(number)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {type(number).__name__}") from None
    if count < 1:
        raise ValueError(f"{name} must be at least 1, got {count}")
    return count


def _as_table(data):
    """The data of a figure as a DataFrame whose columns hold everything, or None."""
    if data is None:
        return None
    import pandas as pd

    if isinstance(data, dict):
        lengths = {key: _shape(column) for key, column in data.items()}
        if len(set(lengths.values())) != 1 or any(len(shape) != 1 for shape in lengths.values()):
            raise ValueError(f"data must hold equally long 1-D arrays, got shapes {lengths}")
        return pd.DataFrame({key: list(column) for key, column in data.items()})
    if hasattr(data, "to_dataframe"):  # xarray; a DataArray needs a name for its column
        unnamed = hasattr(data, "to_dataset") and data.name is None
        try:
            data = data.to_dataframe(name="value") if unnamed else data.to_dataframe()
        except ValueError as error:
            raise ValueError("data must have at least one dimension") from error
    if not isinstance(data, pd.DataFrame):
        raise TypeError(
            "data must be a DataFrame, an xarray object, a dict of 1-D arrays or None, "
            f"got {type(data).__name__}"
        )
    unlabelled = isinstance(data.index, pd.RangeIndex) and data.index.name is None
    return data if unlabelled else data.reset_index()
