"""Explorers in a page: the modules become one script, or the build says why not."""

from pathlib import Path

import pytest

from collapse.publishing import explorers
from collapse.publishing.project import BuildError, Project

MAIN = """\
// A figure.
import { double } from "./tools.mjs";

export default function (root) {
  root.explorer = { values: () => double(21) };
}
"""
TOOLS = """\
const factor = 2;

export function double(x) {
  return factor * x;
}
"""
PAGE = "Before.\n\n<!-- explorer: main -->\n\nAfter.\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "main.mjs").write_text(MAIN)
    (tmp_path / "tools.mjs").write_text(TOOLS)
    return tmp_path


def test_the_line_becomes_a_figure_with_one_script(folder):
    first, second = explorers.insert([PAGE, "no figure"], folder, "page")
    assert second == "no figure"
    assert first.startswith("Before.\n") and first.endswith("\nAfter.\n")
    assert '<figure class="explorer" id="explorer-main">' in first
    assert "<figcaption>A figure.</figcaption>" in first
    script = first.partition('<script type="module">')[2].partition("</script>")[0]
    assert "import" not in script and "export" not in script
    assert script.index("const factor = 2;") < script.index("function explorer(root) {")


@pytest.mark.parametrize(("file", "old", "new", "problem"), [
    ("page", "main", "mian", "no explorer 'mian'; choose one of: main"),
    ("page", "main", "tools", "explorers/tools.mjs must start"),
    ("page", "After.", "<!-- explorer: main -->", "the explorer main stands there twice"),
    ("main", "// A figure.\n", "", "must start with a line '// title'"),
    ("main", "export default", "export", "must start with a line '// title'"),
    ("main", "{ double }", "{ triple }", "imports triple, which explorers/tools.mjs does not"),
    ("main", "tools.mjs", "others.mjs", "no explorer 'others'"),
    ("main", "\nexport", "\nconst factor = 3;\n\nexport", "tools.mjs and explorers/main.mjs both"),
    ("main", "import {", "import * as all, {", "cannot be put into a page: 'import * as all"),
    ("main", "double(21)", 'import("x")', "cannot be put into a page"),
    ("main", "double(21)", '"</script>"', "cannot be put into a page"),
    ("tools", "const factor", "const [factor]", "cannot be put into a page: 'const [factor]"),
    ("tools", "const factor", "var factor", "cannot be put into a page: 'var factor"),
    ("tools", "const factor = 2", "const factor = 2, other = 3", "cannot be put into a page"),
    ("tools", "export function", "export { factor };\nexport function", "'export { factor };'"),
])
def test_what_would_break_the_script_is_an_error(folder, file, old, new, problem):
    texts = {"page": PAGE, "main": MAIN, "tools": TOOLS}
    assert old in texts[file]
    texts[file] = texts[file].replace(old, new, 1)
    for name in ("main", "tools"):
        (folder / f"{name}.mjs").write_text(texts[name])
    with pytest.raises(BuildError) as error:
        explorers.insert([texts["page"]], folder, "a-page")
    assert problem in str(error.value)
    assert str(error.value).startswith("a-page: ")


def test_every_explorer_of_the_book_stands_on_one_page():
    project = Project(Path(__file__).resolve().parents[2])
    shown = [name for page in project.pages for name in explorers.names(page.text)]
    assert sorted(shown) == sorted(path.stem for path in project.explorers.glob("*.mjs")
                                   if "export default" in path.read_text(encoding="utf-8"))
