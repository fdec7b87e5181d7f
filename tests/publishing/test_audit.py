"""The audit: what may not be missing, with something missing each time."""

import pytest

from collapse.publishing import audit
from collapse.publishing.build import load_ledger
from collapse.publishing.project import Project

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


def test_a_number_is_checked_or_quoted(omissions, fresh):
    assert omissions(idle=None) == ["idle is emitted by c, but neither checked nor quoted"]
    fresh.edit("book/index.md", "It has", "It is {glue:text}`rates/loop.md::idle:.2f` and has")
    assert omissions(idle=None) == []


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
