"""The page on the package: every public name, with a docstring that is on the page."""

import importlib
import pkgutil

import pytest

import collapse
from collapse.publishing import api


def public_names():
    """Every name of every `__all__` of a public module."""
    modules = ["collapse", "collapse.publishing"] + [
        name for _, name, _ in pkgutil.walk_packages(collapse.__path__, "collapse.")
        if not any(part.startswith("_") for part in name.split("."))
        and not name.startswith("collapse.publishing")]
    return sorted(f"{name}.{public}" for name in modules
                  for public in getattr(importlib.import_module(name), "__all__", ()))


@pytest.fixture(scope="module")
def reference():
    return api.Reference()


def test_every_public_name_has_a_docstring_on_the_page(reference, site):
    page = site.pages[f"{api.PAGE}.html"]
    # Sphinx sets typographic apostrophes, dots and dashes.
    plain = str.maketrans({"\u2019": "'", "\u2026": "...", "\u2013": "--",
                           "\u201c": '"', "\u201d": '"'})
    text = " ".join(page.text.translate(plain).split())
    names = public_names()
    assert len(names) > 100
    for name in names:
        home = reference.homes[name]
        assert page.find(id=home), name
        first = reference.docstring(name).split("\n")[0]
        assert first, f"{name} has no docstring"
        words = first.split("`")[0].split()  # up to the first code
        assert " ".join(words).translate(plain) in text, name


def test_a_name_is_described_once(reference):
    text = reference.as_myst()
    for home in set(reference.homes.values()):
        assert text.count(f'id="{home}"') == 1, home


def test_docstrings_become_markdown(reference):
    text = "Return x_1 of `Gaussian`.\n\nParameters\n----------\nn : int\n    Its [size].\n"
    assert reference._prose(text, "collapse") == (
        'Return x\\_1 of <a href="#collapse.models.Gaussian"><code>Gaussian</code></a>.\n\n\n'
        "**Parameters**\n\n- `n`: int\n\n  Its \\[size\\].")
