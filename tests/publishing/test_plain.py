"""MyST in plain Markdown: what becomes of each construct, and that no chapter keeps any MyST."""

import re
from pathlib import Path

import nbformat
import pytest

from collapse.publishing import notebooks
from collapse.publishing.plain import Code, Directive, Plain, blocks
from collapse.publishing.project import Project

ROOT = Path(__file__).resolve().parents[2]
BOOK = Project(ROOT)

PAGE = """\
(here)=
# Here

(sec-below)=
## Further below

````{prf:theorem} A decay · paper
:label: thm-a

```{math}
:label: eq-a
x =
1 .
```
````

$$ y = 2 $$ (eq-b)

```{exercise} How far?
:label: ex-far
:class: open

Go.
```
"""
OTHER = """\
(there)=
# There

```{prf:lemma}
:label: lem-b
Words.
```
"""
REFERENCES = """\
@book{one, author = {M{\\"o}rters, P.}, title = {T}, year = {1999}}
@book{two, author = {Van {de} Berg, P. and Peres, Y.}, title = {T}, year = {2001}}
@book{many, author = {A, B. and C, D. and E, F.}, title = {T}, year = {2003}}
"""


@pytest.fixture
def convert(tmp_path):
    """convert(text): as on the page `book/a/here` of a book with one more page."""
    (tmp_path / "book/a").mkdir(parents=True)
    (tmp_path / "_toc.yml").write_text("root: book/a/here\nchapters:\n  - file: book/a/there\n")
    (tmp_path / "book/a/here.md").write_text(PAGE)
    (tmp_path / "book/a/there.md").write_text(OTHER)
    (tmp_path / "book/references.bib").write_text(REFERENCES)
    project = Project(tmp_path)
    words = Plain(project)
    return lambda text: words.convert(text, project.pages[0])


@pytest.mark.parametrize(("source", "expected"), [
    ("{ref}`here`, {ref}`there`, {ref}`sec-below`", "“Here”, “There”, “Further below”"),
    ("{prf:ref}`thm-a` and {prf:ref}`lem-b`", "Theorem “A decay” and Lemma in “There”"),
    ("{eq}`eq-a`, {eq}`eq-b`", "(eq-a), (eq-b)"),
    ("{ref}`ex-far`; {ref}`an exercise <ex-far>`", "Exercise “How far?”; an exercise"),
    ("{ref}`nobody`", "nobody"),
    ("{doc}`there` {doc}`../a/there` {doc}`/book/a/there` {doc}`x <there>`",
     "“There” “There” “There” x"),
    ("[a $x$](there.md), [b](sec-below), [c](https://example.org)",
     "a $x$, b, [c](https://example.org)"),
    ("{cite:t}`one` {cite:t}`two` {cite:t}`many`",
     "Mörters (1999) Van de Berg and Peres (2001) A et al. (2003)"),
    ("{cite:p}`one,many` {cite}`two`",
     "(Mörters, 1999; A et al., 2003) (Van de Berg and Peres, 2001)"),
    ("{glue:text}`a.b:.3f` ± {glue:text}`a.b.se:.1e`", "`a.b` ± `a.b.se`"),
    ("{term}`loop` {term}`loops <loop>` {abbr}`ML`", "loop loops ML"),
    ("`{ref}` and ``{ref}`here` ``", "`{ref}` and ``{ref}`here` ``"),
    ("cost \\$5, $a_{ref}`$", "cost \\$5, $a_{ref}`$"),
    ("(label)=\n## Title", "## Title"),
    ("$$ y = 2 $$ (eq-b)", r"$$ y = 2 \qquad\text{(eq-b)} $$"),
    ("```{math}\n:label: eq-a\nx =\n1\n```", "$$\nx =\n1 \\qquad\\text{(eq-a)}\n$$"),
    ("1. a\n\n   ```{math}\n   x\n   ```\n2. b", "1. a\n\n   $$\n   x\n   $$\n\n2. b"),
    ("```{prf:theorem} A · paper\n:label: t\n\nLet $a\nb$.\n\n$$\nx\n$$\n```",
     "> **Theorem (A) · paper.** Let $a b$.\n>\n> $$ x $$"),
    ("````{prf:lemma}\n1. a\n2. b\n````", "> **Lemma.**\n>\n> 1. a\n> 2. b"),
    ("```{prf:proof}\nClear.\n```", "*Proof.* Clear. ∎"),
    ("```{prf:proof}\nSo\n\n$$\nx .\n$$\n```", "*Proof.* So\n\n$$\nx .\n$$\n\n∎"),
    ("`````{dropdown} Proof\n````{prf:proof}\nClear.\n````\n`````", "*Proof.* Clear. ∎"),
    ("```{admonition} Mind\n:class: dropdown\nThe gap.\n```", "> **Mind.** The gap."),
    (":::{note}\nThe gap.\n:::", "> **Note.** The gap."),
    ("```{exercise} How far?\n:label: x\n:class: open\n\nGo.\n```",
     "### Exercise: How far?\n\n*open*\n\nGo."),
    ("```{solution} x\n:class: dropdown\n\nFar.\n```", "**Solution.** Far."),
    ("```{div} some-class\nText.\n```", "Text."),
    ("```{unheard-of} Title\n:option: 1\n\nText {ref}`here`.\n```", "**Title.** Text “Here”."),
    ("```{code-block} python\nx = '{ref}`here`'\n```", "```python\nx = '{ref}`here`'\n```"),
    ("```\n{ref}`here`\n```\nand {ref}`here`", "```\n{ref}`here`\n```\nand “Here”"),
    ("| a | b |\n|---|---|\n| {ref}`here` | $x$ |", "| a | b |\n|---|---|\n| “Here” | $x$ |"),
    ("- [ ] a\n- b", "- [ ] a\n- b"),
])
def test_constructs(convert, source, expected):
    assert convert(source) == expected


def test_blocks_keep_every_line():
    for page in BOOK.pages:
        parts = [part.source if isinstance(part, Directive) else part
                 for part in blocks(page.text)]
        assert "\n".join(parts) == page.text


MYST = re.compile(r"[`:~]{3,}\{|\{[a-z][\w:+-]*\}`|^\s*\([\w:.-]+\)="
                  r"|^\s*:(label|class|name):", re.MULTILINE)


def leftovers(text):
    """What is still MyST, outside code."""
    return [found[0] for block in blocks(text) if not isinstance(block, Code)
            for found in MYST.finditer(getattr(block, "source", block))]


@pytest.mark.parametrize("source", ["a {eq}`b`", "```{prf:proof}\nx\n```", "(a)=", ":label: x",
                                    ":::{note}\nx\n:::", "{glue:text}`a:.3f`"])
def test_leftovers_are_recognised(source):
    assert leftovers(source)
    assert not leftovers(f"````\n{source}\n````")


@pytest.fixture(scope="module")
def words():
    return Plain(BOOK)


@pytest.mark.parametrize("page", BOOK.chapters, ids=lambda page: page.slug)
def test_no_chapter_keeps_myst_or_loses_a_formula(page, words):
    source = notebooks.read(page)
    clean = notebooks.clean(page, words)
    nbformat.validate(clean)
    markdown = "\n\n".join(c.source for c in clean.cells if c.cell_type == "markdown")
    assert leftovers(markdown) == []
    assert [c.source for c in source.cells if c.cell_type == "code"] == [
        c.source for c in clean.cells[1:] if c.cell_type == "code"]
    # Formulas survive, whatever box or list they stand in; only their line breaks may go.
    before = "\n\n".join(c.source for c in source.cells if c.cell_type == "markdown")
    after = squeezed(markdown)
    bodies = re.findall(r"\$\$((?:.|\n)+?)\$\$|```\{math\}\n((?:.|\n)+?)```", before)
    assert [body for pair in bodies for body in pair
            if body and squeezed(re.sub(r":label:.*", "", body)) not in after] == []


def squeezed(text):
    return re.sub(r"(^ *> ?|\s)", "", text, flags=re.MULTILINE)


def test_every_label_of_the_book_has_words(words):
    """Otherwise the label itself would be read; the page of the ledger writes its own labels."""
    unknown = set()
    for page in BOOK.pages:
        for label in re.findall(r"\{(?:ref|numref|eq|prf:ref)\}`([^`<>]+)`", page.text):
            if label not in words._targets and not label.startswith("ledger-"):
                unknown.add(label)
    assert unknown == set()


def test_captions_become_text(words):
    page = BOOK.chapter("loop")
    texts = [cell.source for cell in notebooks.clean(page, words).cells]
    assert any(text.startswith("**Figure P1-F2a.** 25 simulated runs") for text in texts)
