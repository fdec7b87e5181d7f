"""The manifest of a build: every number and figure of the book, for `collapse verify`.

Every build leaves it among its pages as `results.json`: all quantities that the chapters emitted,
the hashes of all figures, and what they were made from and with.

A quantity is `exact`, or `simulated` if it has a standard error, or `measured`: a time or an amount
of memory, declared by `measured: [name, ...]` in the header of its chapter. The `tolerance` of a
quantity that the ledger calls an error, comparing it with 0 or hardly more, is how far from 0 it
may be.
"""

import hashlib
import json
import math
import re

from collapse.publishing import execute, provenance
from collapse.publishing.project import (
    DISTRIBUTION,
    BuildError,
    UsageError,
    distribution_version,
)

RESULTS = "results.json"  # its name in a folder of pages or in a release
FORMAT = 1
KINDS = ("exact", "simulated", "measured")
_HARDLY_MORE = 1e-6
_SHA256 = re.compile(r"[0-9a-f]{64}")


def make(project, results, rows):
    """What the chapters computed, in plain types.

    `results` maps a chapter's name to the folder with its result, `rows` is the ledger. Raises
    BuildError when a chapter declares a quantity as measured that it does not emit.
    """
    tolerances = _tolerances(rows)
    chapters, quantities, figures = {}, {}, {}
    for page in project.chapters:
        folder = results[page.name]
        stamp, emitted = execute.stamp(folder), execute.emitted(folder)
        chapters[page.name] = {key: stamp[key] for key in ("source", "code", "parameters", "seed",
                                                           "seconds")}
        measured = _measured(page, emitted)
        for name, quantity in emitted.items():
            kind = ("measured" if name in measured else
                    "exact" if quantity["se"] is None else "simulated")
            quantities[name] = {"chapter": page.name, "kind": kind, **quantity,
                                "tolerance": tolerances.get(name)}
        for svg in sorted(folder.glob("figures/*.svg")):
            csv = folder / "data" / f"{svg.stem}.csv"
            figures[svg.stem] = {"chapter": page.name, "svg": _hash(svg),
                                 "csv": _hash(csv) if csv.is_file() else None}
    return {
        "format": FORMAT,
        "name": DISTRIBUTION,
        "version": distribution_version(),
        "environment": provenance.environment(),
        "chapters": chapters,
        "quantities": quantities,
        "figures": figures,
    }


def write(manifest, path):
    path.write_text(json.dumps(manifest, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read(path):
    """Read and validate a manifest; `path` may also be the folder that holds it.

    Raises UsageError, in one line, when it is not there or not a manifest.
    """
    try:
        path = path / RESULTS if path.is_dir() else path
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
        _validate(found)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # JSON and Unicode errors are ValueErrors
        reason = str(error).splitlines()[0]
        raise UsageError(f"{path} is not a manifest of results: {reason}") from None
    return found


def _tolerances(rows):
    """How far from 0 the ledger allows a quantity to be, for those that it so calls errors."""
    tolerances = {}
    for check in (check for row in rows for check in row.get("checks", [])):
        reference = check.get("value")
        if check["rule"] in ("at_most", "equals") and reference is not None \
                and abs(reference) <= _HARDLY_MORE:
            tolerance = check.get("tolerance", 0.0)
            slack = abs(reference) + (tolerance if check.get("absolute") else
                                      tolerance * abs(reference))
            name = check["quantity"]
            tolerances[name] = min(slack, tolerances.get(name, math.inf))
    return tolerances


def _measured(page, emitted):
    """The quantities that a chapter's header declares as measured."""
    names = page.front_matter.get("measured", [])
    if not isinstance(names, list) or not set(map(str, names)) <= emitted.keys():
        raise BuildError(f"{page.name}: measured: must be a list of quantities that the chapter "
                         f"emits, got {names!r}")
    return names


def _hash(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _refuse(constant):
    raise ValueError(f"{constant} is not a number")


def _validate(found):
    """Raise ValueError("where: what is wrong") for anything but a manifest of this format."""
    _require(isinstance(found, dict), "it", "must be a JSON object")
    if "format" not in found and "files" in found:
        raise ValueError(f"it lists the files of a release; give the {RESULTS} beside it")
    _require(found.get("format") == FORMAT, "format",
             f"must be {FORMAT}, got {found.get('format')!r}")
    _require(isinstance(found.get("version"), str), "version", "must be text")
    made = _mapping(found, "environment")
    for name in ("python", "system", "machine"):
        _require(isinstance(made.get(name), str), f"environment: {name}", "must be text")
    _require(_texts(made.get("simd")), "environment: simd", "must be a list of texts")
    _require(_texts(list(_mapping(made, "packages").values())), "packages", "must be versions")
    chapters = _mapping(found, "chapters")
    for name, entry in _entries(found, "chapters"):
        _require(_is_hash(entry.get("source")), f"{name}: source", "must be a SHA-256 hash")
    for name, entry in _entries(found, "quantities"):
        _validate_quantity(name, entry, chapters)
    for name, entry in _entries(found, "figures"):
        _in_chapter(name, entry, chapters)
        _require(_is_hash(entry.get("svg")), f"{name}: svg", "must be a SHA-256 hash")
        _require("csv" in entry and (entry["csv"] is None or _is_hash(entry["csv"])),
                 f"{name}: csv", "must be a SHA-256 hash or null")


def _validate_quantity(name, entry, chapters):
    _in_chapter(name, entry, chapters)
    _require(entry.get("kind") in KINDS, f"{name}: kind", f"must be one of {', '.join(KINDS)}")
    _require(_is_finite(entry.get("value")), f"{name}: value", "must be a finite number")
    for field in ("se", "tolerance"):
        number = entry.get(field)
        _require(field in entry and (number is None or (_is_finite(number) and number >= 0)),
                 f"{name}: {field}", "must be null or a finite number of at least 0")
    if entry["kind"] != "measured":
        _require((entry["kind"] == "simulated") == (entry["se"] is not None), f"{name}: kind",
                 "is simulated with a standard error and exact without")


def _in_chapter(name, entry, chapters):
    chapter = entry.get("chapter")
    _require(isinstance(chapter, str) and chapter in chapters, f"{name}: chapter",
             "must be one of the chapters")


def _mapping(parent, name):
    _require(isinstance(parent.get(name), dict), name, "must be a JSON object")
    return parent[name]


def _entries(found, name):
    for key, entry in _mapping(found, name).items():
        _require(isinstance(entry, dict), f"{name}: {key}", "must be a JSON object")
        yield key, entry


def _require(condition, where, what):
    if not condition:
        raise ValueError(f"{where} {what}")


def _is_hash(value):
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _texts(value):
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_finite(value):
    try:
        return (isinstance(value, (int, float)) and not isinstance(value, bool)
                and math.isfinite(value))
    except OverflowError:  # an integer beyond all floats
        return False
