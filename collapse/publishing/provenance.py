"""Where numbers come from: the environment that made them, and the stamp of an executed chapter."""

import json
import platform
from functools import cache
from importlib import metadata

from collapse.publishing.project import distribution_version

# The packages that the numbers and figures of a chapter depend on, and those that a page names.
_PACKAGES = ("joblib", "matplotlib", "mpmath", "numpy", "pandas", "scikit-learn", "scipy",
             "seaborn", "statsmodels", "sympy", "xarray")
_NAMED = {"numpy": "NumPy", "scipy": "SciPy", "matplotlib": "matplotlib"}


@cache
def environment():
    """What decides the last bits of a number, besides the sources: versions and type of machine.

    Two processors of one type have the same vector instructions, as NumPy finds them.
    """
    import numpy

    simd = numpy.show_config(mode="dicts").get("SIMD Extensions", {})
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "simd": sorted({*simd.get("baseline", ()), *simd.get("found", ())}),
        "packages": installed(_PACKAGES),
    }


def installed(names):
    """The versions of those packages that this machine has, by name."""
    versions = {}
    for name in sorted(set(names)):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def stamp(*, chapter, key, code, parameters, seconds):
    """What an executed notebook says of itself, in plain types; all but `seconds` is repeatable.

    `key` names the result: the hash of the chapter's code, its parameters, the package, the data,
    the lock and the environment. `code` is the hash of the chapter's code alone.
    """
    return {
        "chapter": chapter,
        "source": key,
        "code": code,
        "parameters": json.loads(json.dumps(parameters, default=repr)),
        "seed": parameters.get("seed"),
        "version": distribution_version(),
        "environment": environment(),
        "seconds": round(seconds, 3),
    }


def block(stamp):
    """The folded block at the end of a chapter that says how its numbers came about, in MyST."""
    made = stamp["environment"]
    versions = [f"Python {made['python']}"]
    versions += [f"{title} {made['packages'][name]}" for name, title in _NAMED.items()
                 if name in made["packages"]]
    settings = ", ".join(f"`{name} = {value!r}`" for name, value in stamp["parameters"].items())
    return f"""\
`````{{dropdown}} How this page was computed
:class-container: cite-page computed-page

Version {stamp["version"]} of the book with {", ".join(versions)}, on {made["system"]}
{made["machine"]}, in <span class="computed-seconds">{stamp["seconds"]:.1f}</span> seconds.

Settings: {settings or "none"}.

Hash of code, settings, package, data, lock file and environment: `{stamp["source"]}`
`````"""
