"""The ledger file: complete, well-formed, and honest about who claims what."""

import re
from pathlib import Path

import pytest
import yaml

from collapse.publishing import ledger

LEDGER = Path(__file__).parents[1] / "book" / "ledger.yml"

KINDS = {
    "theorem", "lemma", "corollary", "proposition", "algorithm", "figure", "definition", "identity",
}  # fmt: skip
GROUPS = {"P1", "P2", "P3", "synthesis"}
SOURCES = {"paper", "restored", "ours"}
STATUSES = {"open", "closed", "unavailable"}
REQUIRED = {"id", "kind", "group", "source", "statement", "status"}
OPTIONAL = {"proved", "drawn", "note", "checks"}

# The figures of the papers, and those that the book adds.
PAPER_FIGURES = {
    *(f"P1-{name}" for name in ("F2a", "F2b", "F-bern", "F-bern01", "F-poisson", "F-gauss")),
    *(f"P1-{name}" for name in ("F-unigram", "F-ngram", "F-zipf", "F-gmm-scatter", "F-gmm")),
    *(f"P2-F{number}" for number in range(1, 12)),
}
OWN_FIGURES = {
    *(f"P1-X-{name}" for name in ("words", "corpus", "half-life", "survivors", "smoothing")),
    *(f"P1-X-gauss-{name}" for name in ("runs", "n15", "prefactor", "point", "plane")),
    *(f"P1-X-{name}" for name in ("g", "six", "yaglom", "slope")),
    *(f"P1-X-ngram-{name}" for name in ("live", "script", "loss")),
    *(f"P1-X-checks-{name}" for name in ("small", "estimators", "symbols")),
    *(f"P1-X-corr-{name}" for name in ("readings", "wikitext")),
    *(f"P1-X-gmm-{name}" for name in ("profiles", "algorithm", "eta", "runs")),
    *(f"P1-X-gmm-long-{name}" for name in ("fallback", "runs", "separated", "point")),
    *(f"P1-X-gmm-long-{name}" for name in ("map", "tail")),
    *(f"P2-X-{name}" for name in ("schedules", "bias", "better", "families", "table")),
    *(f"P2-X-walk-{name}" for name in ("definition", "sup")),
    *(f"P2-X-growth-{name}" for name in ("exit", "risk", "far")),
    *(f"P2-X-bias-{name}" for name in ("runs", "ridge", "map")),
    *(f"P2-X-better-{name}" for name in ("plane", "cov", "worth")),
    *(f"P2-X-table-{name}" for name in ("line", "generators", "visits", "ties")),
    *(f"P2-X-{name}" for name in ("budget", "plan", "families-clouds", "families-exact")),
    *(f"P3-X-{name}" for name in ("collapse", "degeneration", "stationary", "barycenter")),
    *(f"P3-X-{name}" for name in ("scale", "paths", "circles", "gauss")),
    *(f"P3-X-measures-{name}" for name in ("weak", "paths", "law", "embedding")),
    *(f"P3-X-measures-{name}" for name in ("tight", "martingale", "cesaro", "shift")),
    *(f"P3-X-collapse-{name}" for name in ("counterexample", "mrca", "tree", "time", "where")),
    *(f"P3-X-excitation-{name}" for name in ("line", "speed", "dirichlet", "kolmogorov")),
    *(f"P3-X-minor-{name}" for name in ("fan", "trickle", "inexact")),
    *(f"S-X-{name}" for name in ("loop", "mean", "phase")),
    *(f"S-X-picture-{name}" for name in ("models", "decay", "accumulate", "papers")),
    *(f"S-X-plan-{name}" for name in ("symbol", "scale", "mean", "words", "gauss", "table")),
    *(f"S-X-own-{name}" for name in ("gamma", "kernel", "mixture")),
    *(f"S-X-room-{name}" for name in ("tail", "cores")),
    *(f"S-X-{name}" for name in ("bench",)),
    *(f"S-X-picture-{name}" for name in ("models", "decay", "accumulate", "papers")),
}
UNAVAILABLE_FIGURES = {f"P2-F{number}" for number in range(6, 12)}

# What the papers themselves claim, figures apart. Everything else is restored or ours.
PAPER_CLAIMS = {
    "P1-D-g", "P1-D-symbols", "P1-L-g", "P1-T1", "P1-T1-ends", "P1-B-seddik", "P1-T2", "P1-C1",
    "P1-C1-linear", "P1-T3", "P1-B-bertrand", "P1-D-gmm-ml", "P1-A1", "P1-T4",
    "P2-T-growth", "P2-T-bias", "P2-T-better", "P2-T-families",
    "P3-L-III.2", "P3-P-circles", "P3-P-finite",
    "S-D-loop",
}  # fmt: skip

GAUSSIAN_CLAIMS = {
    "P1-T3", "P1-B-bertrand", "P1-O-gauss-sharp", "P1-O-gauss-moment", "P1-O-gauss-prefactor",
    "P1-O-gauss-typical", "P1-O-gauss-exact", "P1-O-gauss-mean", "P1-O-gauss-point",
    "P1-O-gauss-tail", "P1-O-gauss-mv", "P1-O-gauss-line", "P1-O-gauss-scales",
    "P1-O-gauss-mlbound",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows():
    return yaml.safe_load(LEDGER.read_text(encoding="utf-8"))


def ids(rows, **wanted):
    """Return the ids of the rows with the given fields."""
    return {row["id"] for row in rows if all(row[key] == wanted[key] for key in wanted)}


def test_each_row_follows_the_schema(rows):
    for row in rows:
        name = row.get("id")
        assert re.fullmatch(r"[A-Za-z0-9.-]+", name), name
        assert REQUIRED <= set(row) <= REQUIRED | OPTIONAL, name
        assert row["kind"] in KINDS, name
        assert row["group"] in GROUPS, name
        assert row["source"] in SOURCES, name
        assert row["status"] in STATUSES, name


def test_the_build_accepts_the_file(rows):
    assert ledger.load(LEDGER) == rows


def test_ids_are_unique_even_as_lower_case_anchors(rows):
    anchors = [row["id"].lower() for row in rows]
    assert len(anchors) == len(set(anchors))


def test_ids_begin_with_their_group(rows):
    prefix = {"synthesis": "S-"}
    for row in rows:
        assert row["id"].startswith(prefix.get(row["group"], row["group"] + "-")), row["id"]


def test_statements_are_one_line_of_closed_formulas(rows):
    for row in rows:
        for field in ("statement", "note"):
            text = row.get(field, "-")
            assert text and text == text.strip() and "\n" not in text, row["id"]
            assert text.count("$") % 2 == 0 and "$$" not in text, row["id"]
            for formula in text.split("$")[1::2]:
                assert formula == formula.strip(), (row["id"], formula)
                assert formula.count("{") == formula.count("}"), (row["id"], formula)
        assert row["statement"].endswith("."), row["id"]


def test_unavailable_rows_say_why(rows):
    for row in rows:
        if row["status"] == "unavailable":
            assert row.get("note"), row["id"]


def test_closed_rows_are_proved_or_drawn_and_checked(rows):
    anchor = re.compile(r"book/[\w/-]+#[\w.-]+")
    for row in rows:
        for field in ("proved", "drawn"):
            assert anchor.fullmatch(row.get(field, "book/page#anchor")), row["id"]
        if row["status"] == "closed":
            assert row.get("checks"), row["id"]
            if row["kind"] == "figure":
                assert "drawn" in row, row["id"]
            elif row["kind"] != "definition":
                assert "proved" in row, row["id"]


def test_every_figure_has_a_row_and_a_name_fit_for_a_file(rows):
    assert all(re.fullmatch(r"[A-Za-z0-9-]+", name) for name in ids(rows, kind="figure"))
    assert ids(rows, kind="figure", source="paper") == PAPER_FIGURES
    assert ids(rows, kind="figure", source="ours") == OWN_FIGURES
    assert ids(rows, kind="figure", status="unavailable") == UNAVAILABLE_FIGURES


def test_the_papers_are_credited_with_their_claims_and_no_others(rows):
    assert ids(rows, source="paper") - PAPER_FIGURES == PAPER_CLAIMS


def test_own_results_are_named_as_such(rows):
    own = {name for name in ids(rows) if re.search(r"-[OX]-", name)}
    assert ids(rows, source="ours") == own, "a result of ours is <part>-O-<word>, a figure -X-"


def test_the_gaussian_has_all_its_rows(rows):
    assert GAUSSIAN_CLAIMS <= ids(rows, group="P1")
