"""The page for teachers: made from the chapters and `book/teaching.yml`."""

from pathlib import Path

import pytest
import yaml

from collapse.publishing import teaching
from collapse.publishing.project import BuildError, Project

CHAPTER = """---
jupytext: {{text_representation: {{extension: .md, format_name: myst}}}}
kernelspec: {{display_name: Python 3, language: python, name: python3}}
minutes: {minutes}
---
# {title}

```{{exercise}} One
:label: ex-{title}-one
:class: derivation
```

````{{exercise}} Two
:class: open
:label: ex-{title}-two
````
"""
ENTRY = {"needs": [], "knows": "sums", "goals": ["count"]}


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "book" / "part"
    folder.mkdir(parents=True)
    for minutes, title in ((10, "first"), (20, "second")):
        (folder / f"{title}.md").write_text(CHAPTER.format(minutes=minutes, title=title))
    (tmp_path / "book" / "index.md").write_text("# Book\n")
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump({
        "root": "book/index",
        "chapters": [{"file": "book/part/first"}, {"file": "book/part/second"}]}))
    write(tmp_path)
    return Project(tmp_path)


def write(root, **changed):
    entries = {"part/first": ENTRY, "part/second": ENTRY | {"needs": ["part/first"]}}
    (root / "book" / "teaching.yml").write_text(yaml.safe_dump(entries | changed))


def test_the_page_shows_needs_times_exercises_and_goals(project):
    assert ("| [second](../part/second.md) | 20 min | 1 + 0 + 0 + 1 | [first](../part/first.md) "
            "| sums |") in teaching.table(project)
    assert "[first](../part/first.md)\n: - count" in teaching.goals(project)
    graph = teaching.graph(project)
    assert graph.count("marker-end") == 1 and "second needs first" in graph


@pytest.mark.parametrize(("changed", "message"), [
    ({"part/third": ENTRY}, "differs in: part/third"),
    ({"part/first": {"needs": []}}, "part/first must have needs, knows and goals"),
    ({"part/first": ENTRY | {"needs": ["part/second"]}}, "needs part/second: no earlier chapter"),
    ({"part/first": ENTRY | {"needs": ["part/zeroth"]}}, "needs part/zeroth: no earlier chapter"),
])
def test_a_wrong_file_is_refused(project, changed, message):
    write(project.root, **changed)
    with pytest.raises(BuildError, match=message):
        teaching.load(project)


def test_every_chapter_of_the_book_has_an_entry():
    project = Project(Path(__file__).parents[2])
    entries = teaching.load(project)
    assert len(entries) >= 24
    assert all(2 <= len(entry["goals"]) <= 3 for entry in entries.values())
