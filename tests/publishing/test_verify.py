"""The manifest of a build, and what `collapse verify` finds when something differs from it."""

import copy
import json
import math
import re

import pytest

from collapse.publishing import results, verify
from collapse.publishing.project import UsageError

GAUSSIAN, LOOP = "book/rates/gaussian", "book/rates/loop"
EXACT, SIMULATED, FIGURE = "mini.rest", "mini.limit", "mini-gauss"


@pytest.fixture(scope="session")
def manifest_file(built_once):
    return built_once / "_build/html/results.json"


@pytest.fixture
def published(manifest_file):
    """A manifest of one's own."""
    return results.read(manifest_file)


def elsewhere(manifest):
    """The same book, built with another NumPy: its source hashes differ, too."""
    other = copy.deepcopy(manifest)
    other["environment"]["packages"]["numpy"] = "1.0"
    return with_other_sources(other)


def with_other_sources(manifest):
    other = copy.deepcopy(manifest)
    for chapter in other["chapters"].values():
        chapter["source"] = "0" * 64
    return other


def moved(manifest, name, by):
    """The manifest with one value moved by so much."""
    other = copy.deepcopy(manifest)
    other["quantities"][name]["value"] += by
    return other


def ulp(manifest, name):
    value = manifest["quantities"][name]["value"]
    return math.nextafter(value, math.inf) - value


def only_problem(published, built):
    [problem] = verify.compare(published, built).problems
    return problem


def test_the_manifest_has_everything(published, built_once):
    assert {name: entry["kind"] for name, entry in published["quantities"].items()} == {
        "mini.rest": "exact", "mini.bound": "exact", "mini.limit": "simulated"}
    assert published["quantities"]["mini.limit"] == {
        "chapter": LOOP, "kind": "simulated", "value": 0.5**30, "se": 1e-3,
        "replications": 400, "tolerance": None}
    assert published["chapters"][GAUSSIAN]["parameters"]["n"] == 10
    assert published["chapters"][GAUSSIAN]["seconds"] > 0
    hashes = published["figures"][FIGURE]
    assert hashes["chapter"] == GAUSSIAN and len(hashes["svg"]) == len(hashes["csv"]) == 64
    assert published["environment"]["packages"].keys() >= {"numpy", "scipy", "matplotlib"}


def test_a_build_agrees_with_its_manifest(mini, manifest_file):
    code, out, _ = mini.collapse("verify", manifest_file)
    assert code == 0
    assert "the same versions and type of machine" in out and "sources: the same" in out
    assert "exact quantities: 2 identical\n" in out
    assert "simulated quantities: 1 identical\n" in out
    assert "drawings (SVG): 1 identical\n" in out
    assert "tables (CSV): 1 identical\n" in out
    assert out.endswith("The two agree.\n")


def test_one_ulp_is_found(mini, published):
    results.write(moved(published, EXACT, ulp(published, EXACT)), mini.root / "results.json")
    code, out, _ = mini.collapse("verify", mini.root / "results.json")
    assert code == 1
    assert "mini.rest (book/rates/gaussian): 0.59049" in out and "must be identical" in out
    assert out.endswith("The two do not agree: 1 difference.\n")


@pytest.mark.parametrize("name", [EXACT, SIMULATED])
def test_the_same_sources_give_the_same_bits(published, name):
    assert "must be identical" in only_problem(published,
                                               moved(published, name, ulp(published, name)))


def test_zeros_have_a_sign(published):
    published["quantities"][EXACT]["value"] = 0.0
    other = copy.deepcopy(published)
    other["quantities"][EXACT]["value"] = -0.0
    assert "0.0 published, -0.0 here" in only_problem(published, other)


def test_the_same_versions_give_the_same_bits_from_other_sources_if_exact(published):
    other = with_other_sources(published)
    assert verify.compare(published, other).problems == []
    assert "with the same versions" in only_problem(
        published, moved(other, EXACT, ulp(published, EXACT)))
    assert verify.compare(published, moved(other, SIMULATED, 1e-9)).problems == []
    assert "others in 2 of 2 chapters" in verify.compare(published, other).text


@pytest.mark.parametrize(("relative", "agrees"), [(2**-52, True), (9e-10, True), (2e-9, False)])
def test_other_versions_give_the_same_exact_numbers_to_a_tolerance(published, relative, agrees):
    value = published["quantities"][EXACT]["value"]
    report = verify.compare(published, moved(elsewhere(published), EXACT, relative * value))
    assert (report.problems == []) == agrees
    assert "numpy " in report.text and " published, 1.0 here" in report.text


def test_an_error_has_the_tolerance_that_the_ledger_gives_it(published):
    published["quantities"][EXACT] |= {"value": 1e-15, "tolerance": 1e-12}
    other = elsewhere(published)
    assert verify.compare(published, moved(other, EXACT, 9e-13)).problems == []
    assert "1e-12 allowed" in only_problem(published, moved(other, EXACT, 2e-12))


@pytest.mark.parametrize(("errors", "agrees"), [(3, True), (-3, True), (8, False), (-8, False)])
@pytest.mark.parametrize("change", [elsewhere, with_other_sources])
def test_simulated_numbers_agree_within_standard_errors(published, change, errors, agrees):
    of_difference = math.hypot(1e-3, 1e-3)
    other = moved(change(published), SIMULATED, errors * of_difference)
    assert (verify.compare(published, other).problems == []) == agrees


def test_a_standard_error_that_grew_is_told(published):
    other = elsewhere(published)
    other["quantities"][SIMULATED]["se"] = 0.5
    assert "as large as published: mini.limit" in verify.compare(published, other).text


def test_one_false_alarm_rate_for_all_comparisons():
    assert verify.standard_errors(1) == pytest.approx(4.8916, abs=1e-4)
    for number in (1, 10, 1000):
        tail = math.erfc(verify.standard_errors(number) / math.sqrt(2))
        assert number * tail == pytest.approx(verify.FALSE_ALARM_RATE, rel=1e-6)


@pytest.mark.parametrize(("part", "name", "message"), [
    ("figures", FIGURE, "mini-gauss (book/rates/gaussian): is missing from the figures"),
    ("quantities", EXACT, "mini.rest (book/rates/gaussian): is missing from the quantities"),
])
def test_what_is_missing_is_named(published, part, name, message):
    other = copy.deepcopy(published)
    del other[part][name]
    assert only_problem(published, other) == message
    report = verify.compare(other, published)  # here and not published: named, and allowed
    assert report.problems == [] and f"{part} that were not published: {name}" in report.text


def test_a_missing_chapter_is_named(published):
    other = copy.deepcopy(published)
    del other["chapters"][LOOP], other["quantities"][SIMULATED]
    assert f"{LOOP} (chapter): is missing from the chapters" in verify.compare(published,
                                                                               other).problems


@pytest.mark.parametrize(("part", "words"), [("svg", "drawings (SVG)"), ("csv", "tables (CSV)")])
def test_a_figure_that_differs_is_named(published, part, words):
    other = copy.deepcopy(published)
    other["figures"][FIGURE][part] = "f" * 64
    assert f"mini-gauss (book/rates/gaussian): its {part.upper()} file differs" in only_problem(
        published, other)
    report = verify.compare(published, elsewhere(other))
    assert report.problems == [] and f"{words}: 1 different, as they may be" in report.text


def test_a_table_that_is_missing_is_named(published):
    other = elsewhere(published)
    other["figures"][FIGURE]["csv"] = None
    assert "its CSV file is missing" in only_problem(published, other)


def test_a_kind_that_changes_is_named(published):
    other = elsewhere(published)
    other["quantities"][EXACT] |= {"kind": "simulated", "se": 1e9}
    assert "published as exact, here simulated" in only_problem(published, other)


def test_against_another_build(mini, published, tmp_path):
    for name, manifest in (("a", published), ("b", moved(published, EXACT, 1e-16))):
        (tmp_path / name).mkdir()
        results.write(manifest, tmp_path / name / "results.json")
    assert mini.collapse("verify", tmp_path / "a", "--against", tmp_path / "a")[0] == 0
    code, out, _ = mini.collapse("verify", tmp_path / "a", "--against", tmp_path / "b")
    assert code == 1 and "mini.rest" in out
    code, _, error = mini.collapse("verify", tmp_path / "a", "--against", tmp_path / "c")
    assert code == 2 and "No such file" in error


def test_measured_quantities_only_have_to_be_there(mini, manifest_file, published):
    mini.edit(f"{LOOP}.md", "minutes: 5", "minutes: 5\nmeasured: [mini.limit]")
    other = copy.deepcopy(published)
    other["quantities"][SIMULATED]["kind"] = "measured"
    results.write(moved(other, SIMULATED, 1e3), mini.root / "results.json")
    code, out, _ = mini.collapse("verify", mini.root / "results.json")
    assert code == 0 and "measured quantities: 1 there, not compared" in out
    assert "published as simulated, here measured" in mini.collapse("verify", manifest_file)[1]


@pytest.mark.parametrize("names", ["[mini.rest]", "mini.limit", "[3]"])
def test_measured_must_name_what_the_chapter_emits(mini, manifest_file, names):
    mini.edit(f"{LOOP}.md", "minutes: 5", f"minutes: 5\nmeasured: {names}")
    code, _, error = mini.collapse("verify", manifest_file)
    assert code == 1 and "book/rates/loop: measured: must be a list of quantities" in error


def test_the_ledger_says_which_quantities_are_errors():
    def tolerance(*checks):
        return results._tolerances([{"checks": [{"quantity": "q", **c} for c in checks]}]).get("q")

    zero = {"rule": "at_most", "value": 0.0, "tolerance": 1e-12, "absolute": True}
    assert tolerance(zero) == 1e-12
    assert tolerance({**zero, "rule": "equals"}) == 1e-12
    assert tolerance(zero, {**zero, "tolerance": 1e-9}) == 1e-12  # the sharper of two
    assert tolerance({"rule": "at_most", "value": 1e-14}) == 1e-14
    assert tolerance({**zero, "value": 1.0}) is None
    assert tolerance({**zero, "rule": "at_least"}) is None
    assert tolerance({"rule": "at_most", "other": "p"}) is None


NOT_MANIFESTS = {
    "": "not a manifest",
    "nonsense": "not a manifest",
    "[" * 100_000: "not a manifest",
    "[]": "it must be a JSON object",
    "{}": "format must be 1, got None",
    '{"files": {}}': "it lists the files of a release; give the results.json beside it",
    '{"format": NaN}': "NaN is not a number",
}


@pytest.mark.parametrize("text", NOT_MANIFESTS)
def test_what_is_no_manifest_is_one_line_and_exit_2(mini, text):
    path = mini.root / "wrong.json"
    path.write_text(text)
    code, out, error = mini.collapse("verify", path)
    assert code == 2 and out == "" and error.count("\n") == 1
    assert error.startswith(f"collapse: {path} is not a manifest of results: ")
    assert NOT_MANIFESTS[text] in error


def test_what_is_not_there_is_one_line_and_exit_2(mini):
    for path in (mini.root / "missing.json", mini.root / "book"):
        code, out, error = mini.collapse("verify", path)
        assert code == 2 and out == "" and error.count("\n") == 1
        assert "No such file" in error
    (mini.root / "latin.json").write_bytes(b'"\xff"')
    assert mini.collapse("verify", mini.root / "latin.json")[0] == 2


@pytest.mark.parametrize(("place", "value", "message"), [
    (["format"], 2, "format must be 1, got 2"),
    (["version"], None, "version must be text"),
    (["environment"], [], "environment must be a JSON object"),
    (["environment", "python"], 3, "environment: python must be text"),
    (["environment", "simd"], "AVX", "environment: simd must be a list of texts"),
    (["environment", "packages"], {"numpy": 2}, "packages must be versions"),
    (["chapters"], None, "chapters must be a JSON object"),
    (["chapters", LOOP], 1, f"chapters: {LOOP} must be a JSON object"),
    (["chapters", LOOP, "source"], "x", f"{LOOP}: source must be a SHA-256 hash"),
    (["quantities", EXACT], None, "quantities: mini.rest must be a JSON object"),
    (["quantities", EXACT, "chapter"], "book/x", "mini.rest: chapter must be one of the chapters"),
    (["quantities", EXACT, "chapter"], [], "mini.rest: chapter must be one of the chapters"),
    (["quantities", EXACT, "kind"], "guessed", "mini.rest: kind must be one of exact, simulated"),
    (["quantities", EXACT, "kind"], "simulated", "mini.rest: kind is simulated with a standard"),
    (["quantities", EXACT, "value"], None, "mini.rest: value must be a finite number"),
    (["quantities", EXACT, "value"], True, "mini.rest: value must be a finite number"),
    (["quantities", EXACT, "value"], 10**400, "mini.rest: value must be a finite number"),
    (["quantities", SIMULATED, "se"], -1.0, "mini.limit: se must be null or a finite number of at"),
    (["quantities", SIMULATED, "tolerance"], "0", "mini.limit: tolerance must be null or a finite"),
    (["figures", FIGURE, "svg"], None, "mini-gauss: svg must be a SHA-256 hash"),
    (["figures", FIGURE, "csv"], "0" * 63, "mini-gauss: csv must be a SHA-256 hash or null"),
])
def test_a_wrong_shape_is_named(published, tmp_path, place, value, message):
    *parents, last = place
    entry = published
    for name in parents:
        entry = entry[name]
    entry[last] = value
    path = tmp_path / "results.json"
    path.write_text(json.dumps(published))
    with pytest.raises(UsageError, match=re.escape(message)):
        results.read(path)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_manifest_holds_finite_numbers(manifest_file, tmp_path, constant):
    path = tmp_path / "results.json"
    text = manifest_file.read_text()
    value = json.dumps(json.loads(text)["quantities"][EXACT]["value"])
    assert text.count(f'"value": {value}') == 1
    path.write_text(text.replace(f'"value": {value}', f'"value": {constant}'))
    with pytest.raises(UsageError, match="number"):
        results.read(path)
