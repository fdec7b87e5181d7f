"""Chapters as notebooks: conversion from MyST Markdown, clean copies, declared parameters."""

import ast
import copy
import math
import re
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import jupytext
import nbformat
import yaml

from collapse.publishing.archive import below
from collapse.publishing.plain import Plain
from collapse.publishing.project import (
    DISTRIBUTION,
    BuildError,
    UsageError,
    distribution_version,
    in_one_step,
)

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}

_INSTALL = '''\
# Installs the package that goes with this book where it is missing; otherwise does nothing.
import importlib.metadata as _metadata

try:
    _found = _metadata.version("{name}")
except _metadata.PackageNotFoundError:
    _found = None
if _found != "{version}":
    %pip install --quiet "{name}[book]=={version}"'''

_NUMBER = r"\s*([+-]?(?:inf|[0-9.]+(?:[eE][+-]?[0-9]+)?))\s*"
_INTERVAL = re.compile(rf"\s*([\[(]){_NUMBER},{_NUMBER}([\])])")
_NAMES = re.compile(r"\s*\[path((?:,[^\],]+)*)\]")


def read(page):
    """The notebook of a chapter, without outputs; the same text gives the same notebook."""
    try:
        notebook = copy.deepcopy(_parsed(page.text))  # whoever asks may change it
    except (ValueError, yaml.YAMLError, nbformat.ValidationError) as error:
        reason = str(error).strip().splitlines()[0]
        raise BuildError(f"{page.name} cannot be read as a notebook: {reason}") from None
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNELSPEC})
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    return notebook


@lru_cache(maxsize=100)  # a build asks four times for each chapter
def _parsed(text):
    return jupytext.reads(text, fmt="md:myst")


def code_cells(notebook):
    """The code cells that the author wrote, not those that papermill adds."""
    return [cell for cell in notebook.cells
            if cell.cell_type == "code" and "injected-parameters" not in tags(cell)]


def tags(cell):
    return cell.metadata.get("tags", [])


def clean(page, words):
    """The notebook that readers download: plain Markdown, no outputs, a folded install cell.

    `words` is the project's `plain.Plain`.
    """
    notebook = read(page)
    cells = [install_cell()]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = words.convert(cell.source, page)
        cells.append(cell)
        if caption := words.caption(cell, page):
            cells.append(nbformat.v4.new_markdown_cell(caption, id=f"{cell.id}-caption"))
    notebook.cells = cells
    return notebook


def install_cell():
    """The folded cell that installs this package where it is missing."""
    source = _INSTALL.format(name=DISTRIBUTION, version=distribution_version())
    return nbformat.v4.new_code_cell(source, id="install", metadata={
        "tags": ["hide-input"], "jupyter": {"source_hidden": True}})


def write_clean(project, folder):
    """Write the clean notebooks of all chapters to `<folder>/<page>.ipynb`; returns the paths.

    `folder` appears in one step when all are there. Earlier ones in its place are replaced; raises
    UsageError when it holds anything else.
    """
    folder, words = Path(folder).resolve(), Plain(project)
    names = {f"{page.name}.ipynb": page for page in project.chapters}
    if folder.exists() and not (folder.is_dir() and below(folder).keys() <= names.keys()):
        raise UsageError(f"--out {folder} exists and holds something else; choose another folder")
    with in_one_step(folder) as new:
        for name, page in names.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(clean(page, words), new / name)
    return [folder / name for name in names]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a chapter: its default and the range that its comment declares.

    `low` and `high` may be infinite; `open_low` and `open_high` say whether they are excluded.
    A text with `names` is one of them, or else the path of an existing file, relative to where
    the command was given.
    """

    name: str
    default: object
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = True
    open_high: bool = True
    names: tuple | None = None

    @property
    def allowed(self):
        """The allowed values in words, such as "int in [2, inf)"."""
        if self.names is not None:
            names = ", ".join(map(repr, self.names))
            return f"{names} or the path of a file" if names else "the path of a file"
        kind = type(self.default).__name__
        if (self.low, self.high) == (-math.inf, math.inf):
            return kind
        left, right = "(" if self.open_low else "[", ")" if self.open_high else "]"
        return f"{kind} in {left}{self.low:g}, {self.high:g}{right}"

    def parse(self, text):
        """The value that `text` stands for; raises UsageError for a wrong type or range."""
        try:
            value = self._convert(text)
        except (OSError, ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            value = None
        if value is None or not self._in_range(value):
            raise UsageError(f"parameter {self.name} must be {self.allowed}, got {text!r}")
        return value

    def _convert(self, text):
        if isinstance(self.default, bool):
            return {"true": True, "false": False}.get(text.lower())
        if isinstance(self.default, str):
            if self.names is None or text in self.names:
                return text
            # The chapter runs in a folder of its own, where a relative path means nothing.
            return str(Path(text).resolve()) if Path(text).is_file() else None
        if isinstance(self.default, (int, float)):
            return type(self.default)(text)
        value = ast.literal_eval(text)
        return value if isinstance(value, type(self.default)) else None

    def _in_range(self, value):
        """Whether a number, or every number of a list, lies in the declared interval."""
        if isinstance(value, (list, tuple)):
            return all(self._in_range(item) for item in value)
        if isinstance(value, (bool, str)):
            return True
        if not isinstance(value, (int, float)) or math.isnan(value):
            return False
        above = value > self.low if self.open_low else value >= self.low
        return above and (value < self.high if self.open_high else value <= self.high)


def parameters(page):
    """The parameters that a chapter declares, by name, see `declared`."""
    return declared(read(page))


def declared(notebook):
    """The parameters that a notebook declares in its cell tagged `parameters`, by name.

    A comment after the value may start with an interval, `n = 10  # [2, inf) samples drawn`, or,
    for a text that is one of some names or the path of a file, with `[path, name, another]`.
    """
    import papermill

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chapter.ipynb"
        nbformat.write(notebook, path)
        entries = papermill.inspect_notebook(path)
    found = {}
    for name, entry in entries.items():
        try:
            default = ast.literal_eval(entry["default"])
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue  # computed from others: not for the command line
        interval = _INTERVAL.match(entry["help"] or "")
        limits = {}
        if interval:
            left, low, high, right = interval.groups()
            limits = {"low": float(low), "high": float(high),
                      "open_low": left == "(", "open_high": right == ")"}
        if names := _NAMES.match(entry["help"] or ""):
            limits["names"] = tuple(n.strip() for n in names[1].split(",")[1:])
        found[name] = Parameter(name, default, **limits)
    return found


def parse_parameters(page, pairs):
    """The values of `-p NAME VALUE` pairs for a chapter; raises UsageError for a wrong one."""
    known = parameters(page)
    values = {}
    for name, text in pairs:
        if name not in known:
            names = ", ".join(f"{p.name} ({p.allowed})" for p in known.values()) or "none"
            raise UsageError(f"{page.name} has no parameter {name!r}; it has: {names}")
        values[name] = known[name].parse(text)
    return values
