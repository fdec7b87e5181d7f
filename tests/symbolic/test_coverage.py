"""Which test verifies the algebra of which box: every numbered box of the book is accounted for.

A test of this folder names, at the start of its docstring, the boxes whose algebra it verifies.
ELSEWHERE names tests of other folders, SOFT says why there is nothing to verify, and LIMITS what
the second route does not reach.  COVERAGE is all of it together.
"""

import ast
import re
from pathlib import Path

import pytest

from collapse.publishing import finding
from collapse.publishing.project import Project

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for path in Path(__file__).parent.glob("test_*.py")
               if path.name not in ("test_coverage.py", "test_proofs.py"))
LABEL = re.compile(r"\b(?:alg|cor|def|ex|lem|prop|prp|thm|tool)-[a-z0-9-]*[a-z0-9]")

ELSEWHERE = {
    "cor-distinct-better": "tests/bounds/test_discrete.py::TestDistinct::test_lies_between",
    "cor-suresh-distinct": "tests/bounds/test_discrete.py::TestDistinct::test_lies_between",
    "prp-whole": "tests/test_planning.py::test_against_all_integer_schedules",
    "thm-gauss-exact": "tests/laws/test_gaussian.py::TestStd::test_both_tails_and_the_bulk",
    "thm-ngram-end":
        "tests/test_language.py::test_a_small_corpus_ends_in_one_sentence_without_a_repeated_word",
    "thm-ngram-mean": "tests/test_language.py::test_the_mean_number_of_visits_is_the_count",
    "thm-ngram-sentences": "tests/test_language.py::test_a_long_order_resamples_whole_sentences",
}

DEFINITION = "no algebra: a definition"
CITED = "no algebra: a theorem of the literature, cited"
LIMIT = "no algebra: a limit theorem, by compactness or dominated convergence"
MARTINGALE = "no algebra: martingales, stopping and zero-one laws"
CONVEX = "no algebra: convexity"
ORDERS = "no algebra: orders of growth are compared"

SOFT = {
    "cor-heaps": ORDERS,
    "cor-picture-powers": ORDERS,
    "def-collapse-chain": DEFINITION,
    "def-excitation-step": DEFINITION,
    "def-families-normal": DEFINITION,
    "def-loop": DEFINITION,
    "def-measures-barycenter": DEFINITION,
    "def-measures-loop": DEFINITION,
    "def-symbols": DEFINITION,
    "def-walk-collapse": DEFINITION,
    "def-walk-framework": DEFINITION,
    "lem-collapse-martingale": MARTINGALE,
    "lem-excitation-feller": LIMIT,
    "lem-growth-kakutani": MARTINGALE,
    "lem-picture-average": LIMIT,
    "prp-bet": MARTINGALE,
    "prp-definitions": LIMIT,
    "prp-excitation-jensen": CONVEX,
    "prp-excitation-kolmogorov": ORDERS,
    "prp-measures-class": LIMIT,
    "prp-measures-embedding": LIMIT,
    "prp-ngram-copy": CONVEX,
    "prp-table-ties": "no algebra: the triangle inequality",
    "thm-bias": MARTINGALE,
    "thm-bias-collapse": MARTINGALE,
    "thm-families": LIMIT,
    "thm-growth-unbiased": MARTINGALE,
    "thm-measures-cesaro": LIMIT,
    "thm-measures-doeblin": "no algebra: Hahn's decomposition",
    "thm-measures-martingale": MARTINGALE,
    "thm-picture-noise": MARTINGALE,
    "thm-scale-equivariant": LIMIT,
    "thm-walk-paths": "no algebra: recurrence of Brownian motion",
    "tool-association": "no algebra: an independent copy",
    "tool-borel-cantelli": MARTINGALE,
    "tool-branching": CONVEX,
    "tool-clt": LIMIT,
    "tool-decomposition": MARTINGALE,
    "tool-doeblin": "no algebra: a fixed point theorem",
    "tool-donsker": CITED,
    "tool-doob": MARTINGALE,
    "tool-exponential": LIMIT,
    "tool-gibbs": CONVEX,
    "tool-hoeffding": "no algebra: an independent copy",
    "tool-jensen": CONVEX,
    "tool-kesten": CITED,
    "tool-l2": MARTINGALE,
    "tool-levy-upward": MARTINGALE,
    "tool-limits": LIMIT,
    "tool-lln": LIMIT,
    "tool-markov": "no algebra: expectations of an inequality",
    "tool-martingale-convergence": MARTINGALE,
    "tool-mle": CITED,
    "tool-moments": "no algebra: terms are counted up to a constant",
    "tool-orthogonal": MARTINGALE,
    "tool-oseledets": CITED,
    "tool-perron": CITED,
    "tool-products": "no algebra: induction over the factors",
    "tool-prohorov": CITED,
    "tool-series": MARTINGALE,
    "tool-slutsky": LIMIT,
    "tool-stopping": MARTINGALE,
    "tool-transforms": CITED,
    "tool-tv": "no algebra: couplings",
    "tool-weak": CITED,
    "tool-zero-one": MARTINGALE,
}

# What a box claims for all sizes and the tests above show for some, or not at all.
LIMITS = {
    "cor-linear": "for every c by the inequalities of g; exact half-lives for n <= 16",
    "lem-ancestors": "the page's induction; exactly for four sizes; its analytic step for all",
    "prop-gmm-one-step": "b for every r in [0.75, 2.5]; not below, where the information is nearly "
                         "singular; the finite n are simulated",
    "prp-collapse-mrca": "the inequalities of the steps for all sizes; the bounds for N <= 30",
    "prp-plan-fresh": "Jensen and convexity are the page's; the bounds for n <= 4, k <= 8",
    "prp-plan-worth": "the spread (item 2) is a limit theorem; the bracket in three cases",
    "prp-six": "C_n -> 6 is a compactness argument; its ingredients for all n, C_n for n <= 9",
    "prp-walk-sup": "reflection is the page's; sign walks of up to six steps by enumeration",
    "prp-window": "for every p, but for seven pairs of n and k",
    "thm-anytime": "one budget, T³; the sums over blocks are the page's",
    "thm-bern-better": "lower half for every p and seven pairs of n and k; the upper one is "
                       "Jensen, with exponents that are not whole",
    "thm-bern-ends": "for every p, but for seven pairs of n and k",
    "thm-bern-k": "for every p, but for seven pairs of n and k; the last steps for all",
    "thm-collapse-time": "item 2 for N <= 12 exactly; its inequality for m <= 12, and the "
                         "derivative that proves it for all",
    "thm-excitation-speed": "two chains exactly; the coupling is the page's",
    "thm-gmm-algorithm-end": "constants only; the rest is almost sure convergence",
    "thm-gmm-ml-end": "constants only; the rest is almost sure convergence",
    "thm-half-life": "exact half-lives for n <= 16",
    "thm-ngram-bound": "the derivatives; convexity is the page's",
    "thm-shrinking-corpus": "the identity by enumeration for texts of up to four tokens",
    "thm-suresh-bernoulli": "left half for every p and seven pairs of n and k; right half from "
                            "thm-bern-k, for all",
    "prp-seddik": "for every p, but for seven pairs of n and k",
    "thm-suresh-ends": "for every p, but for seven pairs of n and k",
}


def _tests_of(path):
    """name -> docstring, for the tests of a file; methods as Class::name."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(inner, ast.FunctionDef) and inner.name.startswith("test_"):
                name = inner.name if inner is node else f"{node.name}::{inner.name}"
                found[name] = ast.get_docstring(inner) or ""
    return found


def _coverage():
    table = {label: [reason] for label, reason in SOFT.items()}
    for label, test in ELSEWHERE.items():
        table.setdefault(label, []).append(test)
    for path in FILES:
        for name, words in _tests_of(path).items():
            for label in LABEL.findall(words.partition(":")[0]):
                table.setdefault(label, []).append(f"tests/symbolic/{path.name}::{name}")
    return {label: entries for label, entries in table.items() if not label.startswith("ex-")}


COVERAGE = _coverage()


def missing(boxes, table):
    """The boxes that the table does not know, and what it knows that is no box."""
    return sorted(set(boxes) ^ set(table))


@pytest.fixture(scope="module")
def boxes():
    return [box.label for page in Project(ROOT).pages for box in finding.boxes(page)]


def test_every_box_is_accounted_for(boxes):
    assert missing(boxes, COVERAGE) == []


def test_a_box_that_is_missing_is_seen(boxes):
    assert missing([*boxes, "thm-new"], COVERAGE) == ["thm-new"]
    assert missing(boxes[1:], COVERAGE) == boxes[:1]


def test_a_reason_stands_where_there_is_no_test():
    assert all(len(entries) == 1 for label, entries in COVERAGE.items() if label in SOFT)


def test_exercises_that_are_named_exist():
    known = (ROOT / "book/labels.txt").read_text(encoding="utf-8")
    words = " ".join(doc for path in FILES for doc in _tests_of(path).values())
    named = {label for label in LABEL.findall(words) if label.startswith("ex-")}
    assert named and all(label in known for label in named)


def test_tests_elsewhere_exist():
    for test in ELSEWHERE.values():
        path, _, name = test.partition("::")
        assert name in _tests_of(ROOT / path), test


def test_limits_are_those_of_boxes_with_tests():
    assert not [label for label in LIMITS if label in SOFT or label not in COVERAGE]


def test_every_test_says_what_it_verifies():
    for path in FILES:
        for name, words in _tests_of(path).items():
            assert LABEL.search(words.partition(":")[0]), f"{path.name}::{name}"
