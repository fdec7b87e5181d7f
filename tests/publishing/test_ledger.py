"""The ledger: its schema, each rule passing and failing, and its pages."""

import copy

import pytest
import yaml
from scipy import stats

from collapse.publishing import ledger
from collapse.publishing.project import BuildError

ROW = {
    "id": "P1-T3", "kind": "theorem", "group": "P1", "source": "paper",
    "statement": "For $n$ large.", "status": "closed",
    "proved": "book/rates/gaussian#thm", "drawn": "book/rates/gaussian#fig",
    "checks": [{"quantity": "a", "rule": "at_most", "value": 1.0, "tolerance": 0.1,
                "reason": "rounding"}],
}
EMITTED = {"a": {"value": 1.05, "se": 0.02}, "b": {"value": 1.0, "se": 0.03},
           "exact": {"value": 1.0, "se": None}, "zero": {"value": 1e-9, "se": None},
           "far": {"value": 1.2, "se": 0.03}, "z": {"value": 5.0, "se": None},
           "share": {"value": 0.009, "se": (0.002 * 0.998 / 1000) ** 0.5},
           "p": {"value": 2e-6, "se": None}}


def changed(**fields):
    """ROW with other fields; the value ... removes a field."""
    row = copy.deepcopy(ROW) | fields
    return {name: value for name, value in row.items() if value is not ...}


def checked(**fields):
    check = ROW["checks"][0] | fields
    return changed(checks=[{name: value for name, value in check.items() if value is not ...}])


def load(tmp_path, *rows):
    path = tmp_path / "ledger.yml"
    path.write_text(yaml.safe_dump(list(rows)))
    return ledger.load(path)


def test_a_good_ledger_loads(tmp_path):
    figure = changed(id="P1-F", kind="figure", proved=...)
    unknown = changed(id="P1-X", status="unavailable", note="lost", proved=..., checks=...)
    rows = load(tmp_path, ROW, figure, unknown, changed(id="O", status="open", checks=...))
    assert [row["id"] for row in rows] == ["P1-T3", "P1-F", "P1-X", "O"]


@pytest.mark.parametrize(("row", "message"), [
    (changed(id=...), "row 1: id"),
    (changed(id="a b"), "a b: id"),
    (changed(kind="claim"), "kind: must be one of"),
    (changed(group="P4"), "group: must be one of"),
    (changed(source="us"), "source: must be one of"),
    (changed(status="done"), "status: must be one of"),
    (changed(statement="two\nlines"), "statement: must be one line"),
    (changed(statement=...), "statement: is missing"),
    (changed(colour="red"), "colour: is not a field"),
    (changed(proved=...), "proved: a closed row"),
    (changed(proved="book/rates/gaussian"), "proved: must look like"),
    (changed(kind="figure", drawn=...), "drawn: a closed figure"),
    (changed(checks=...), "checks: a closed row"),
    (changed(checks=[]), "checks: a closed row"),
    (changed(checks={"a": 1}), "checks: must be a list"),
    (changed(status="unavailable"), "note: an unavailable row"),
    (checked(quantity=...), r"checks\[0\].quantity: is missing"),
    (checked(reason=...), r"checks\[0\].reason: is missing"),
    (checked(reason=" "), r"checks\[0\].reason: must be text"),
    (checked(rule="near"), r"checks\[0\].rule: must be one of"),
    (checked(value=...), r"checks\[0\].value: give either"),
    (checked(other="b"), r"checks\[0\].value: give either"),
    (checked(value="1e-12"), r"checks\[0\].value: must be a finite number"),
    (checked(value=float("nan")), r"checks\[0\].value: must be a finite number"),
    (checked(tolerance=-1), r"checks\[0\].tolerance: must be at least 0"),
    (checked(rule="equals", tolerance=...), r"checks\[0\].tolerance: the rule equals needs"),
    (checked(rule="within_se", reason=...), r"checks\[0\].reason: is missing"),
    (checked(value=0), r"checks\[0\].tolerance: relative to 0"),
    (checked(absolute="yes"), r"checks\[0\].absolute: must be true or false"),
    (checked(rule="within_se", binomial=1), r"checks\[0\].binomial: must be true or false"),
    (checked(degrees=9), r"checks\[0\].degrees: only for the rules"),
    (checked(binomial=True), r"checks\[0\].binomial: only for the rules"),
    (checked(rule="within_se", degrees=0), r"checks\[0\].degrees: must be an integer"),
    (checked(rule="at_most_se", extreme_of=2.0), r"checks\[0\].extreme_of: must be an integer"),
    (checked(rule="plausible"), r"checks\[0\].tolerance: a p-value is compared with nothing"),
    (checked(colour="red"), r"checks\[0\].colour: is not a field"),
])
def test_a_bad_row_is_named_with_its_field(tmp_path, row, message):
    with pytest.raises(BuildError, match=message) as error:
        load(tmp_path, row)
    assert "ledger.yml" in str(error.value)
    assert row.get("id", "row 1") in str(error.value)


@pytest.mark.parametrize("twin", ["P1-T3", "p1-t3", "P1.T3"])
def test_ids_and_their_anchors_are_unique(tmp_path, twin):
    with pytest.raises(BuildError, match="id: another row"):
        load(tmp_path, ROW, changed(id=twin))


def test_a_ledger_that_is_no_list_is_refused(tmp_path):
    (tmp_path / "ledger.yml").write_text("id: P1")
    with pytest.raises(BuildError, match="must be a list"):
        ledger.load(tmp_path / "ledger.yml")


@pytest.mark.parametrize(("check", "holds"), [
    ({"rule": "at_most", "value": 1.05}, True),
    ({"rule": "at_most", "value": 1.04}, False),
    ({"rule": "at_most", "value": 1.0, "tolerance": 0.051}, True),
    ({"rule": "at_most", "value": 1.0, "tolerance": 0.049}, False),
    ({"rule": "at_most", "other": "b"}, False),
    ({"rule": "at_most", "value": 7.0}, True),
    ({"rule": "at_least", "value": 1.05}, True),
    ({"rule": "at_least", "value": 1.06}, False),
    ({"rule": "at_least", "value": 10.0, "tolerance": 0.9}, True),
    ({"rule": "at_least", "value": 10.0, "tolerance": 0.9, "absolute": True}, False),
    ({"rule": "at_least", "value": -3.0}, True),
    ({"rule": "equals", "value": 1.0, "tolerance": 0.06}, True),
    ({"rule": "equals", "value": 1.0, "tolerance": 0.04}, False),
    ({"rule": "equals", "value": 1.1, "tolerance": 0.04}, False),
    ({"rule": "equals", "value": -1.05, "tolerance": 0.5}, False),
    ({"rule": "equals", "value": 0.0, "tolerance": 2.0, "absolute": True}, True),
    ({"rule": "equals", "other": "b", "tolerance": 0.06}, True),
    ({"rule": "within_se", "value": 0.96}, True),  # z of one comparison is 4.89: 0.098 here
    ({"rule": "within_se", "value": 1.14}, True),
    ({"rule": "within_se", "value": 0.94}, False),
    ({"rule": "within_se", "value": 1.16}, False),
    ({"rule": "within_se", "value": 0.94, "tolerance": 0.02, "absolute": True}, True),
    ({"rule": "within_se", "value": 0.94, "degrees": 20}, True),
    ({"rule": "within_se", "other": "exact"}, True),
    ({"rule": "within_se", "quantity": "exact", "other": "b"}, True),
    ({"rule": "within_se", "quantity": "far", "other": "b"}, True),  # √2 · 0.03 · 4.89 = 0.207
    ({"rule": "within_se", "quantity": "far", "other": "exact"}, False),
    ({"rule": "at_most_se", "value": 0.96}, True),
    ({"rule": "at_most_se", "value": 0.94}, False),
    ({"rule": "at_most_se", "value": 9.0}, True),
    ({"rule": "at_least_se", "value": 1.14}, True),
    ({"rule": "at_least_se", "value": 1.16}, False),
    ({"rule": "at_least_se", "value": -9.0}, True),
    ({"rule": "at_most_se", "quantity": "z", "value": 0.0, "extreme_of": 1}, False),
    ({"rule": "at_most_se", "quantity": "z", "value": 0.0, "extreme_of": 60}, True),
    ({"rule": "within_se", "quantity": "share", "value": 0.002}, False),
    ({"rule": "within_se", "quantity": "share", "value": 0.002, "binomial": True}, True),
    ({"rule": "plausible", "quantity": "p"}, True),
    ({"rule": "plausible", "quantity": "zero"}, False),
    ({"rule": "plausible", "quantity": "a"}, False),  # more than 1
    ({"rule": "plausible", "quantity": "zero", "extreme_of": 2000}, True),
])
def test_every_rule_can_hold_and_fail(check, holds):
    row = changed(checks=[{"quantity": "a", "reason": "r"} | check])
    [verdict] = ledger.evaluate([row], EMITTED)
    assert verdict.holds is holds
    assert bool(ledger.shortfalls([row], [verdict])) is not holds


@pytest.mark.parametrize(("quantity", "check", "text"), [
    ("missing", {"rule": "at_most", "value": 9.0}, "missing is not emitted"),
    ("a", {"rule": "at_most", "other": "missing"}, "missing is not emitted"),
    ("exact", {"rule": "within_se", "value": 1.0}, "without a standard error"),
])
def test_what_cannot_be_compared_does_not_hold(quantity, check, text):
    [verdict] = ledger.evaluate([changed(checks=[{"quantity": quantity, "reason": "r"} | check])],
                                EMITTED)
    assert not verdict.holds and text in verdict.text


@pytest.mark.parametrize(("check", "direction"), [
    ({"rule": "at_most", "value": 1.2}, -1),
    ({"rule": "at_least", "value": -0.8}, 1),
    ({"rule": "equals", "value": 1.04, "tolerance": 0.03, "absolute": True}, 1),
    ({"rule": "within_se", "value": 1.0}, 1),
])
def test_a_reference_that_is_wrong_by_more_than_the_sharpness_is_refused(check, direction):
    def verdict(value):
        changed_check = {"quantity": "a", "reason": "r"} | check | {"value": value}
        return ledger.evaluate([changed(checks=[changed_check])], EMITTED)[0]

    value = check["value"]
    error = verdict(value).sharpness * abs(value)
    assert error > 0
    assert verdict(value + 0.999 * direction * error).holds
    assert not verdict(value + 1.001 * direction * error).holds
    assert verdict(0.0).sharpness is None


def test_open_rows_fall_short_whatever_their_checks_say():
    row = changed(status="open", checks=[ROW["checks"][0] | {"value": 0.0, "absolute": True}])
    verdicts = ledger.evaluate([row], EMITTED)
    assert not verdicts[0].holds
    assert ledger.shortfalls([row], verdicts) == ["P1-T3: still open"]


def test_all_statistical_checks_together_keep_the_one_rate():
    checks = [{"quantity": "z", "rule": "at_most_se", "value": 0.0, "extreme_of": 60},
              {"quantity": "a", "rule": "within_se", "value": 1.0},
              {"quantity": "p", "rule": "plausible"},
              {"quantity": "a", "rule": "equals", "value": 1.0, "tolerance": 0.1, "reason": "r"}]
    share = ledger.chance([changed(checks=checks), changed(checks=checks[:2])])
    assert share.comparisons == 60 + 1 + 1 + 60 + 1
    assert share.comparisons * 2 * stats.norm.sf(share.z()) == pytest.approx(1e-6)
    assert share.comparisons * 2 * stats.t.sf(share.z(7), 7) == pytest.approx(1e-6)
    below, above = share.binomial(0.002, (0.002 * 0.998 / 5000) ** 0.5)
    law = stats.binom(5000, 0.002)
    outside = law.cdf((0.002 - below) * 5000 - 1) + law.sf((0.002 + above) * 5000)
    assert outside < 1e-6 / 123
    assert law.sf((0.002 + above) * 5000 - 1) > 0.5e-6 / 123  # no wider than it must be


def test_more_checks_make_each_of_them_laxer():
    check = {"quantity": "a", "rule": "within_se", "value": 0.945}  # 5.25 standard errors
    many = [{"quantity": "p", "rule": "plausible", "extreme_of": 10}]
    assert not ledger.evaluate([changed(checks=[check])], EMITTED)[0].holds
    assert ledger.evaluate([changed(checks=[check, *many])], EMITTED)[0].holds


def test_a_quantity_has_one_chapter():
    one, two = {"a": {"value": 1, "se": None}}, {"b": {"value": 2, "se": None}}
    joined = ledger.collect({"x": one, "y": two})
    assert joined == {"a": one["a"] | {"chapter": "x"}, "b": two["b"] | {"chapter": "y"}}
    with pytest.raises(BuildError, match="'a' is emitted by both x and y"):
        ledger.collect({"x": one, "y": one})


def test_the_chapter_of_a_figure_is_found():
    figure = changed(id="P1-F", kind="figure")
    assert ledger.figure_to_chapter([ROW, figure]) == {"P1-F": "book/rates/gaussian"}


def test_cards_show_what_is_known():
    rows = [ROW, changed(id="Q", status="unavailable", note="lost", checks=...),
            changed(id="R", group="P3", status="open", checks=...),
            changed(id="P1-F", kind="figure", checks=[
                {"quantity": "a", "rule": "within_se", "other": "b"}])]
    emitted = {name: quantity | {"chapter": "book/rates/gaussian", "replications": 400}
               for name, quantity in EMITTED.items()}
    text = ledger.as_myst(rows, emitted, {"book/rates/gaussian": 31.4}, lambda to: f"<{to}>")
    assert "4 rows: 2 closed, 1 open, 1 unavailable" in text
    assert "Of 2 checks 1 are statistical" in text and "*z* = 4.89 standard errors" in text
    assert "Drawn in <book/rates/gaussian#fig>. Rerun: `collapse run gaussian` (31\xa0s)." in text
    assert "Rerun: `collapse run --figure P1-F` (31\xa0s)." in text
    assert "(ledger-p1-t3)=" in text and "For $n$ large." in text
    assert text.count("<book/rates/gaussian#thm>") == 2  # only closed rows link
    assert ("`a` = 1.05 ± 0.02 from 400 runs, allowed (−∞, 1.1]: at most 1, "
            "relative tolerance 0.1 · rounding") in text
    assert "allowed [0.8236, 1.176]: equal to b = 1, up to 4.89 standard errors\n" in text
    assert ">holds<" in text and "*lost*" in text
    assert "## P1" in text and "## P3" in text and "## P2" not in text
