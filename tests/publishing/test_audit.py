"""The audit: what may not be missing, with something missing each time."""

import pytest

from collapse.publishing import audit, illustrations
from collapse.publishing.build import load_ledger
from collapse.publishing.project import BuildError, Project

NUMBERS = {name: {"value": 1.0, "se": se, "chapter": "book/rates/loop"}
           for name, se in (("mini.rest", None), ("mini.bound", None), ("mini.limit", 0.1))}


@pytest.fixture
def omissions(fresh):
    """The omissions of the mini book, as its files are, with some more quantities."""
    def look(**more):
        project = Project(fresh.root)
        extra = {name: {"value": 1.0, "se": se, "chapter": "c"} for name, se in more.items()}
        return audit.omissions(project, load_ledger(project), NUMBERS | extra)
    return look


def test_nothing_is_missing_in_a_complete_book_or_one_without_ledger(omissions, fresh):
    assert omissions() == []
    assert audit.omissions(fresh.project, [], {"idle": {"se": None, "chapter": "c"}}) == []


def describe(book, text):
    (book.root / "book/illustrations.yml").write_text(text)


def test_a_number_is_checked_or_quoted_and_described(omissions, fresh):
    missing = ["idle is emitted by c, but neither compared by a check nor described in "
               "illustrations.yml"]
    assert omissions(idle=None) == missing
    fresh.edit("book/index.md", "It has", "It is {glue:text}`rates/loop.md::idle:.2f` and has")
    assert omissions(idle=None) == missing
    describe(fresh, "sample:\n  idle: seen once\n")
    assert omissions(idle=None) == []
    fresh.edit("book/index.md", "It is {glue:text}`rates/loop.md::idle:.2f` and has", "It has")
    assert omissions(idle=None) == ["illustrations.yml: idle is not quoted in the text"]


@pytest.mark.parametrize("name, fault", [
    ("gone", "is not emitted by any chapter"), ("mini.rest", "is compared by a check")])
def test_a_description_has_a_use(omissions, fresh, name, fault):
    describe(fresh, f"law:\n  {name}: a law\n")
    assert omissions() == [f"illustrations.yml: {name} {fault}"]


@pytest.mark.parametrize("text, fault", [
    ("[idle]", "must map kinds to names"), ("sample: idle", "must map kinds to names"),
    ("guess:\n  idle: a guess\n", "kind must be one of parameter, data, law, reading, sample"),
    ("law:\n  idle: a law\nsample:\n  idle: seen\n", "idle is there twice"),
    ("law:\n  idle:\n", "idle: needs a description of at most 160 characters"),
    (f"law:\n  idle: {'long ' * 40}\n", "idle: needs a description"),
    ("law: [", "not valid YAML"),
])
def test_a_list_of_descriptions_that_is_none(omissions, fresh, text, fault):
    describe(fresh, text)
    with pytest.raises(BuildError, match="illustrations.yml") as failure:
        omissions()
    assert fault in str(failure.value)


def test_a_simulated_number_is_checked_even_if_quoted(omissions, fresh):
    fresh.edit("book/index.md", "It has", "It is {glue:text}`idle` ± {glue:text}`idle.se:.1g`; has")
    assert omissions(idle=0.1) == ["idle is emitted by c, but a simulation that no check compares"]
    fresh.edit("book/ledger.yml", "quantity: mini.limit", "quantity: idle")
    assert omissions(idle=0.1) == [
        "mini.limit is emitted by book/rates/loop, but a simulation that no check compares"]


def test_a_box_has_a_row_unless_it_is_classical(omissions, fresh):
    box = ":::{prf:lemma} Known · classical\n:label: lem-known\nTrue.\n:::\n"
    fresh.edit("book/rates/loop.md", "\n(loop)=", f"\n{box}\n(loop)=")
    assert omissions() == []
    fresh.edit("book/rates/loop.md", "Known · classical", "Known · ours")
    assert omissions() == [
        "book/rates/loop: the box lem-known (Known) has no row in the ledger"]


@pytest.mark.parametrize("place", ["fig-mini-gauss", "nowhere"])
def test_what_is_proved_is_proved_somewhere(omissions, fresh, place):
    fresh.edit("book/ledger.yml", "gaussian#thm-mini", f"gaussian#{place}")
    assert omissions() == [
        "book/rates/gaussian: the box thm-mini (A decay {cite}`student1908`) has no row in the "
        "ledger",
        f"MINI-T1: proved: book/rates/gaussian#{place} is neither a box nor a labelled derivation"]


@pytest.mark.parametrize("place", ["gaussian#gaussian", "gaussian#ex-mini"])
def test_a_section_and_an_exercise_can_prove(omissions, fresh, place):
    fresh.edit("book/ledger.yml", "- id: mini-gauss", f"""- id: MINI-T2
  kind: identity
  group: P1
  source: ours
  statement: "One."
  status: closed
  proved: book/rates/{place}
  checks: [{{quantity: mini.rest, rule: at_most, value: 1.0, reason: r}}]
- id: mini-gauss""")
    assert omissions() == []


def test_the_list_on_the_page():
    numbers = {"a.n": ("parameter", "rows"), "b.x": ("sample", "seen once"),
               "a.p": ("sample", "$p$")}
    values = {name: {"value": value, "chapter": f"book/{name[0]}"}
              for name, value in (("a.n", 10.0), ("b.x", 1 / 3), ("a.p", 1e-9))}
    assert illustrations.as_myst(numbers, values) == """\
**3 numbers.**

### Parameters, and arithmetic with them

- `a.n` = 10 · rows · {doc}`/book/a`

### Seen in simulated runs, to illustrate

- `b.x` = 0.333333 · seen once · {doc}`/book/b`
- `a.p` = 1e-09 · $p$ · {doc}`/book/a`
"""
