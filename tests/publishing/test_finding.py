"""Lists, links, symbols, citations and labels: what they say, and that each fault is named."""

import types

import pytest
import yaml

from collapse.publishing import citing, finding, labels, notation
from collapse.publishing.project import BuildError, Page, Project

CHAPTER = """---
kernelspec: {{name: python3}}
{extra}---

(first)=
# The first chapter

Some plain words that are long enough to describe a page of a book.

````{{prf:theorem}} A decay in $n$ · ours, in part
:label: thm-one

For $n \\ge 2$: $\\alpha < 1$, with $x_k$ and

$$
\\beta = n
$$
````

:::{{prf:lemma}} A step
:label: lem-step

Words.
:::
"""
ROWS = [
    {"id": "P1-T1", "kind": "theorem", "source": "paper", "status": "closed", "statement": "A.",
     "proved": "book/a/one#thm-one", "drawn": "book/a/one#fig-f"},
    {"id": "P1-T2", "kind": "theorem", "source": "ours", "status": "closed", "statement": "B.",
     "proved": "book/a/one#thm-one", "drawn": "book/a/one#fig-f"},
    {"id": "P1-T3", "kind": "lemma", "source": "ours", "status": "open", "statement": "C.",
     "proved": "book/a/one#lem-step"},
    {"id": "f", "kind": "figure", "source": "ours", "status": "closed", "statement": "It falls.",
     "drawn": "book/a/one#fig-f"},
    {"id": "P1-F9", "kind": "figure", "source": "paper", "status": "unavailable",
     "statement": "Figure 9.", "note": "Not public."},
]


@pytest.fixture
def project(tmp_path):
    """Two chapters of a part, in two folders."""
    for name in ("a/one", "b/two"):
        path = tmp_path / f"book/{name}.md"
        path.parent.mkdir(parents=True)
        path.write_text(CHAPTER.format(extra=""))
    (tmp_path / "book/index.md").write_text("# Start\n")
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump({"root": "book/index", "parts": [
        {"caption": "Part", "chapters": [{"file": "book/a/one"}, {"file": "book/b/two"}]}]}))
    return Project(tmp_path)


def chapter(tmp_path, extra="", old="", new=""):
    path = tmp_path / "one.md"
    path.write_text(CHAPTER.format(extra=extra).replace(old, new))
    return Page("book/a/one", path)


def test_boxes_are_found_with_title_and_provenance(project):
    assert finding.boxes(project.chapters[0]) == [
        finding.Box("thm-one", "A decay in $n$", "ours, in part"),
        finding.Box("lem-step", "A step", "")]


@pytest.mark.parametrize("old", [":label: thm-one\n", " A decay in $n$ · ours, in part"])
def test_a_box_without_label_or_title_is_named(tmp_path, old):
    with pytest.raises(BuildError, match="book/a/one: a box prf:theorem .* needs a title"):
        finding.boxes(chapter(tmp_path, old=old))


def test_links_stand_below_the_box_that_has_closed_rows():
    text = CHAPTER.format(extra="")
    linked = finding.link_boxes(text, "book/a/one", ROWS)
    line = ("ledger: {ref}`P1-T1 <ledger-p1-t1>`, {ref}`P1-T2 <ledger-p1-t2>`"
            " · figure: {numref}`fig-f`")
    assert f"\n````\n\n```{{div}} box-links\n{line}\n```" in linked
    assert linked.count("box-links") == 1  # the row of the lemma is open
    assert finding.link_boxes(text, "book/b/two", ROWS) == text


def test_the_list_of_theorems_has_every_box(project):
    text = finding.theorems(project, ROWS)
    assert text.count("### The first chapter") == 2 and text.startswith("## Part\n")
    assert ("- {prf:ref}`thm-one` · **A decay in $n$** · ours, in part · ledger: "
            "{ref}`P1-T1 <ledger-p1-t1>`") in text
    assert "- {prf:ref}`lem-step` · **A step**\n" in text


def test_the_list_of_figures_tells_all_and_what_is_missing(project):
    page = project.chapters[0]
    shown = [finding.Figure(page, "f", "fig-f", "A curve.", "/files/f.csv"),
             finding.Figure(page, "loose", "fig-loose", "Two\nlines.", None)]
    text = finding.figures(project, ROWS, shown)
    assert "{numref}`fig-f` **f** · It falls." in text
    assert ("ours · {download}`data (CSV) </files/f.csv>` · {ref}`ledger <ledger-f>` · "
            "`collapse run --figure f`") in text
    assert "**loose** · Two lines." in text and "--figure loose" not in text
    assert "## Not drawn\n\n- {ref}`P1-F9 <ledger-p1-f9>` · Figure 9. Not public." in text


ENTRY = {"tex": ["n"], "means": "a number", "scope": ["a"], "defined": "book/a/one#first"}


def load_notation(project, *entries):
    (project.book / "notation.yml").write_text(yaml.safe_dump(list(entries)))
    return notation.load(project)


@pytest.mark.parametrize(("change", "message"), [
    ({"means": ""}, "means: must be one line"),
    ({"means": "A number."}, "means: must be one line"),
    ({"tex": "n"}, "tex: must be a list"),
    ({"tex": []}, "tex: must be a list"),
    ({"scope": ["c"]}, "scope: c is no page"),
    ({"defined": "book/a/one"}, "defined: must look like"),
    ({"colour": "red"}, "must have the fields"),
])
def test_a_bad_entry_is_named_with_its_field(project, change, message):
    with pytest.raises(BuildError, match=message):
        load_notation(project, ENTRY | change)


def test_the_narrowest_scope_counts(project):
    one, two = project.chapters
    wide = ENTRY | {"scope": ["everywhere"], "means": "wide"}
    folder = ENTRY | {"scope": ["a", "b"], "means": "folder"}
    page = ENTRY | {"scope": ["a/one"], "means": "page"}
    entries = load_notation(project, page, folder, wide)
    assert notation.dictionary(entries, one)["n"]["means"] == "page"
    assert notation.dictionary(entries, two)["n"]["means"] == "folder"
    assert notation.dictionary(entries, project.pages[0])["n"]["means"] == "wide"
    with pytest.raises(BuildError, match="n has two meanings on book/a/one"):
        load_notation(project, ENTRY, folder)


def test_the_dictionary_of_a_page_holds_what_stands_alone_in_it(tmp_path):
    page = chapter(tmp_path, old="Words.", new="By $\\hat x$ and $ n $ </script>.")
    entries = [ENTRY | {"tex": ["n", "\\beta", "m"], "means": "$a < b$ & </script>"}]
    script = notation.as_script(entries, page)
    assert script.count("</script>") == 1 and '"n":' in script and '"m":' not in script
    assert "\\\\(a &lt; b\\\\) &amp;" in script.replace("\\u003c", "<").replace("\\u0026", "&") \
        or "&lt;" in script
    assert notation.as_script([], page) == ""


def test_the_index_of_symbols_goes_by_part(project):
    entries = [ENTRY, ENTRY | {"scope": ["everywhere"], "tex": ["m"]}]
    text = notation.as_myst(project, entries, lambda target: f"<{target}>")
    assert text.index("## Everywhere") < text.index("$m$") < text.index("## Part")
    assert "- $n$: a number. Defined in <book/a/one#first>." in text


CITATION = citing.Citation("A <Book>", "Its authors", 2026, "1.2")


def test_the_citation_names_book_chapter_version_year_and_label(tmp_path):
    text = citing.block(chapter(tmp_path), CITATION)
    assert "Its authors (2026). The first chapter. In *A <Book>*, version 1.2." in text
    assert "@incollection{companion-first," in text and "{{Its authors}}" in text
    with pytest.raises(BuildError, match="book/a/one: the chapter has no label"):
        citing.block(chapter(tmp_path, old="(first)=\n", new=""), CITATION)


@pytest.mark.parametrize("text", ["", "title: t\nauthors: [{name: x}]\n"])
def test_a_citation_file_without_what_is_needed_is_refused(tmp_path, text):
    (tmp_path / "CITATION.cff").write_text(text)
    with pytest.raises(BuildError, match="CITATION.cff must have"):
        citing.load(types.SimpleNamespace(root=tmp_path))


def test_a_description_is_the_field_or_the_first_plain_sentences(tmp_path):
    own = "A description of this page that is of a sensible length, I think."
    assert citing.description(chapter(tmp_path, f'description: "{own}"\n')) == own
    assert citing.description(chapter(tmp_path)).startswith("Some plain words that")
    assert citing.description(chapter(tmp_path, old="Some plain", new="Some $n$")) is None
    assert citing.description(chapter(tmp_path, old="plain words that are", new="")) is None


@pytest.mark.parametrize("text", ["too short", "long " * 50, "With $TeX$ " * 8, "`code` " * 9])
def test_a_poor_description_is_refused(tmp_path, text):
    with pytest.raises(BuildError, match="description: must be plain text of 50 to 200"):
        citing.description(chapter(tmp_path, f'description: "{text}"\n'))


def test_metadata_is_escaped_and_stands_in_the_head(tmp_path):
    page = chapter(tmp_path)
    for head in ("<title>x</title>", '<meta http-equiv="Refresh" content="0" />'):
        text = citing.add_metadata(f"<head>{head}</head><title>y</title>", page, CITATION)
        assert text.index('property="og:title" content="The first chapter"') < text.index("</head>")
        assert 'content="A &lt;Book&gt;"' in text and text.count('name="description"') == 1


HTML = """<div class="proof theorem admonition" id="thm-one"></div><div class="proof admonition"
id="proof"></div><figure id="fig-f"></figure><div class="math" id="equation-e"></div>
<div class="exercise admonition" id="ex-a"></div><span id="first"></span><p id="other"></p>"""
LABELS = ["equation-e", "ex-a", "fig-f", "first", "thm-one"]


def test_labels_are_listed_and_a_lost_one_is_told_with_the_remedy(project):
    for page in project.pages:
        (project.html / page.name).parent.mkdir(parents=True, exist_ok=True)
        (project.html / f"{page.name}.html").write_text("")
    path = project.html / "book/a/one.html"
    path.write_text(HTML)
    new, lost = labels.compare(project)
    assert sorted(new) == sorted([f"book/a/one#{name}" for name in LABELS] + ["book/b/two#first"])
    assert lost == []
    labels.add(project, new)
    (project.html / "book/b/two.html").write_text('<span id="first"></span>')
    assert labels.compare(project) == ([], [])
    path.write_text(HTML.replace('id="thm-one"', 'id="thm-new"'))
    new, lost = labels.compare(project)
    assert new == ["book/a/one#thm-new"]
    assert len(lost) == 1 and '<a id="thm-one"></a> in the text of book/a/one' in lost[0]
    path.write_text(HTML.replace('id="thm-one"', 'id="thm-new"') + '<a id="thm-one"></a>')
    assert labels.compare(project)[1] == []  # the alias serves
