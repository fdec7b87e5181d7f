"""The lint of typed numbers: what it finds, what may be typed, and that the build listens."""

import pytest

from collapse.publishing.prose import typed_numbers

NUMBERS = {
    "About 17 runs.": ["17"],
    "It is 0.25, or 1e-3.": ["0.25", "1e-3"],
    "A share of 5 % of 20 000 words.": ["5", "20 000"],
    "See [the 3 runs](page.md).": ["3"],
    "| size | 42 |": ["42"],
    "**12** and *13* and (14)": ["12", "13", "14"],
    "- 5 runs": ["5"],
    "$n = 10$, and 11 more": ["11"],
    "costs 5\\$ and 6\\$": ["5", "6"],
    "```{prf:proof}\nIt is 7.\n```": ["7"],
    "````{prf:theorem} T\n:label: t\n\n```{math}\n1\n```\nand 8\n````": ["8"],
    "```\n1\n```\n\n9": ["9"],
    ":::{note}\n10\n:::": ["10"],
    "a <b>10</b> b": ["10"],
    "{glue:text}`a.b:.2f` of 30": ["30"],
    "40 <!-- typed --> or 41<!-- other -->": ["40", "41"],
}
ALLOWED = [
    "Two thirds.",
    "$n = 10$ and $$\nx = 2\n$$ and\n\\begin{align}\n3\n\\end{align}",
    "`x[3]` and ``4` 5`` and {glue:text}`a.b6:.2f` and {ref}`words 7 <label-8>`",
    "```python\nx = 1\n```\n\n~~~\n2\n~~~",
    "  ```sh\n  head -n 5\n  ```",
    "```{code-cell} ipython3\n---\nmystnb:\n  figure:\n    caption: 10 runs\n---\nx = 1\n```",
    "````{prf:theorem} Theorem 3\n:label: thm-3\n\n```{math}\n:label: eq-2\n1\n```\n````",
    "```{exercise} The constant 50\n:label: ex-50\n```",
    "(sec-1)=\n## The 3 walks",
    "---\nminutes: 25\ndescription: 25 runs\n---\n",
    "P1, P2-X-walk-sup, WikiText-2, SHA-256, UTF-8 and Python 3.11",
    "Theorem 3, Corollaries 1 and 2, parts 2 to 4, Steps 1–3, Section 2.1, Figure 5",
    "1. One.\n2. Two.\n\n- (1) yes (2) no\n\n*1.* First. *2, 3.* *4 and 5.* The rest is *1*.",
    "[page](page-2.md) and <a href='3.html'>there</a> and https://example.org/4",
    "<!-- 5 -->",
    "20 000<!-- typed --> words",
]


@pytest.mark.parametrize("text", NUMBERS)
def test_a_typed_number_is_found(text):
    assert [number for _, number in typed_numbers(text)] == NUMBERS[text]


@pytest.mark.parametrize("text", ALLOWED)
def test_what_may_be_typed(text):
    assert typed_numbers(text) == []


def test_lines_are_those_of_the_file():
    text = "---\na: 1\n---\n\n# T 1\n\n```{code-cell}\n2\n```\n$3\n+ 4$ and\n5 runs\n"
    assert typed_numbers(text) == [(12, "5")]


def test_the_build_names_file_line_and_number(mini):
    mini.edit("book/rates/gaussian.md", "A line of prose", "A line of 17 words")
    code, out, error = mini.collapse("build", "--no-render")
    assert code == 1 and "cached" not in out
    above = (mini.root / "book/rates/gaussian.md").read_text().split("A line of")[0]
    line = above.count("\n") + 1
    assert f"book/rates/gaussian.md:{line}: 17" in error
    mini.edit("book/rates/gaussian.md", "17 words", "17<!-- typed --> words")
    assert mini.collapse("build", "--no-render")[0] == 0
