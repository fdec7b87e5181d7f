"""Chapters as notebooks: parameters and their ranges, clean copies, what the cache key sees."""

import pytest

from collapse.publishing import notebooks
from collapse.publishing.execute import cache_key
from collapse.publishing.plain import Plain
from collapse.publishing.project import Page, UsageError, distribution_version


def test_parameters_are_declared_with_type_and_range(fresh):
    found = notebooks.parameters(fresh.project.chapter("gaussian"))
    assert {name: p.allowed for name, p in found.items()} == {
        "n": "int in [2, inf)", "k": "int in [0, 100]", "rate": "float in (0, 1]",
        "verbose": "bool", "label": "str", "sizes": "list in [0, 9]"}
    assert notebooks.parameters(fresh.project.chapter("loop")) == {}


@pytest.mark.parametrize(("name", "text", "value"), [
    ("n", "2", 2), ("n", "+30", 30), ("k", "0", 0), ("k", "100", 100),
    ("rate", "1", 1.0), ("rate", "1e-3", 1e-3),
    ("verbose", "true", True), ("verbose", "False", False),
    ("label", "12", "12"), ("sizes", "[3, 9]", [3, 9]), ("sizes", "[]", []),
])
def test_good_values_are_read(fresh, name, text, value):
    page = fresh.project.chapter("gaussian")
    found = notebooks.parse_parameters(page, [(name, text)])[name]
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(("name", "text"), [
    ("n", "1"), ("n", "2.5"), ("n", "3.0"), ("n", "ten"), ("n", "inf"), ("k", "-1"), ("k", "101"),
    ("rate", "0"), ("rate", "1.01"), ("rate", "nan"), ("rate", "x"), ("verbose", "1"),
    ("sizes", "3"), ("sizes", "[10]"), ("sizes", "['a', 10]"), ("sizes", "[1"), ("sizes", "(1,)"),
])
def test_bad_values_are_refused_with_what_is_allowed(fresh, name, text):
    page = fresh.project.chapter("gaussian")
    allowed = notebooks.parameters(page)[name].allowed
    with pytest.raises(UsageError) as error:
        notebooks.parse_parameters(page, [(name, text)])
    assert f"parameter {name} must be {allowed}, got {text!r}" == str(error.value)


TEXT_PARAMETER = notebooks.Parameter("text", "default", names=("default", "wikitext-2"))


def test_paths_are_relative_to_where_the_command_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.txt").write_text("words")
    assert TEXT_PARAMETER.parse("my.txt") == str((tmp_path / "my.txt").resolve())
    assert notebooks.Parameter("text", "default").parse("my.txt") == "my.txt"


def test_names_stay_names_whatever_lies_in_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "default").write_text("a file")
    (tmp_path / "wikitext-2").mkdir()
    assert TEXT_PARAMETER.parse("default") == "default"
    assert TEXT_PARAMETER.parse("wikitext-2") == "wikitext-2"
    # Who means the file can say so.
    assert TEXT_PARAMETER.parse("./default") == str((tmp_path / "default").resolve())


@pytest.mark.parametrize("text", ["wikitext-3", "folder", "", "a\0b", "x" * 10_000, "Default"])
def test_what_is_neither_a_name_nor_a_file_is_refused(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError) as error:
        TEXT_PARAMETER.parse(text)
    assert str(error.value) == ("parameter text must be 'default', 'wikitext-2' or the path of a "
                                f"file, got {text!r}")


@pytest.mark.parametrize(("comment", "names"), [
    ("[path] name of the", ()), ("[path, decay, a-b 2] the", ("decay", "a-b 2")),
    ("a [path] of the", None),
])  # fmt: skip
def test_a_comment_says_that_a_parameter_is_a_path(fresh, comment, names):
    fresh.edit("book/rates/gaussian.md", "# name of the", f"# {comment}")
    found = notebooks.parameters(fresh.project.chapter("gaussian"))
    assert found["label"].names == names
    assert all(p.names is None for name, p in found.items() if name != "label")


def test_clean_notebooks_have_an_install_cell_and_no_outputs(fresh):
    page = fresh.project.chapter("gaussian")
    words = Plain(fresh.project)
    first, second = notebooks.clean(page, words), notebooks.clean(page, words)
    assert first == second
    install = first.cells[0]
    assert install.metadata.jupyter.source_hidden and "hide-input" in install.metadata.tags
    assert f"model-collapse-companion[book]=={distribution_version()}" in install.source
    assert [c.outputs for c in first.cells if c.cell_type == "code"] == [[]] * 7
    assert "%pip" not in "".join(c.source for c in first.cells[1:])


TEXT = """---
kernelspec: {name: python3, display_name: Python 3}
---
# Title

prose

```{code-cell} ipython3
:tags: [hide-input]

x = 1
```

```{code-cell} ipython3
y = 2
```
"""


def key(tmp_path, text, **arguments):
    path = tmp_path / "chapter.md"
    path.write_text(text)
    notebook = notebooks.read(Page("book/chapter", path))
    return cache_key(notebook, arguments.pop("science", "s"), **arguments)


@pytest.mark.parametrize(("old", "new", "same"), [
    ("prose", "other prose", True),
    ("# Title", "# Another", True),
    (":tags: [hide-input]\n", ":tags: [hide-output]\n", True),
    ("x = 1", "x = 3", False),
    (":tags: [hide-input]\n", ":tags: [raises-exception]\n", False),
    (":tags: [hide-input]\n", ":tags: [skip-execution]\n", False),
    (":tags: [hide-input]\n", ":tags: [parameters]\n", False),
    ("x = 1\n```\n", "x = 1\ny = 2\n```\n", False),
])
def test_the_key_follows_code_not_prose(tmp_path, old, new, same):
    assert old in TEXT
    assert (key(tmp_path, TEXT) == key(tmp_path, TEXT.replace(old, new))) is same


def test_the_key_follows_parameters_and_science(tmp_path):
    keys = {key(tmp_path, TEXT), key(tmp_path, TEXT, science="t"),
            key(tmp_path, TEXT, parameters={"x": 2}), key(tmp_path, TEXT, parameters={"x": 3})}
    assert len(keys) == 4
