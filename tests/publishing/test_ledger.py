"""The ledger: its schema, each rule passing and failing, and its pages."""

import copy

import pytest
import yaml

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
           "exact": {"value": 1.0, "se": None}, "zero": {"value": 1e-9, "se": None}}


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
    (checked(rule="within_se", tolerance=...), r"checks\[0\].tolerance: the rule within_se needs"),
    (checked(value=0), r"checks\[0\].tolerance: relative to 0"),
    (checked(absolute="yes"), r"checks\[0\].absolute: must be true or false"),
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
    ({"rule": "within_se", "value": 1.0, "tolerance": 2.6}, True),
    ({"rule": "within_se", "value": 1.0, "tolerance": 2.4}, False),
    ({"rule": "within_se", "value": 1.1, "tolerance": 2.4}, False),
    ({"rule": "within_se", "other": "b", "tolerance": 1.4}, True),  # 0.05 / 0.036 = 1.387
    ({"rule": "within_se", "other": "b", "tolerance": 1.3}, False),
    ({"rule": "within_se", "other": "exact", "tolerance": 2.6}, True),
])
def test_every_rule_can_hold_and_fail(check, holds):
    row = changed(checks=[{"quantity": "a", "reason": "r"} | check])
    [verdict] = ledger.evaluate([row], EMITTED)
    assert verdict.holds is holds
    assert bool(ledger.shortfalls([row], [verdict])) is not holds


@pytest.mark.parametrize(("quantity", "check", "text"), [
    ("missing", {"rule": "at_most", "value": 9.0}, "missing is not emitted"),
    ("a", {"rule": "at_most", "other": "missing"}, "missing is not emitted"),
    ("exact", {"rule": "within_se", "value": 1.0, "tolerance": 9}, "without a standard error"),
])
def test_what_cannot_be_compared_does_not_hold(quantity, check, text):
    [verdict] = ledger.evaluate([changed(checks=[{"quantity": quantity, "reason": "r"} | check])],
                                EMITTED)
    assert not verdict.holds and text in verdict.text


@pytest.mark.parametrize(("check", "direction"), [
    ({"rule": "at_most", "value": 1.2}, -1),
    ({"rule": "at_least", "value": -0.8}, 1),
    ({"rule": "equals", "value": 1.04, "tolerance": 0.03, "absolute": True}, 1),
    ({"rule": "within_se", "value": 1.0, "tolerance": 3}, 1),
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


def test_open_rows_fall_short_only_under_strict():
    row = changed(status="open", checks=[ROW["checks"][0] | {"value": 0.0, "absolute": True}])
    verdicts = ledger.evaluate([row], EMITTED)
    assert not verdicts[0].holds
    assert ledger.shortfalls([row], verdicts) == []
    assert ledger.shortfalls([row], verdicts, strict=True) == ["P1-T3: still open"]


def test_a_quantity_has_one_chapter():
    one, two = {"a": {"value": 1, "se": None}}, {"b": {"value": 2, "se": None}}
    assert ledger.collect({"x": one, "y": two}) == one | two
    with pytest.raises(BuildError, match="'a' is emitted by both x and y"):
        ledger.collect({"x": one, "y": one})


def test_the_chapter_of_a_figure_is_found():
    figure = changed(id="P1-F", kind="figure")
    assert ledger.figure_to_chapter([ROW, figure]) == {"P1-F": "book/rates/gaussian"}


def test_cards_show_what_is_known():
    rows = [ROW, changed(id="Q", status="unavailable", note="lost", checks=...),
            changed(id="R", group="P3", status="open", checks=...)]
    text = ledger.as_myst(rows, ledger.evaluate(rows, EMITTED), lambda target: f"<{target}>")
    assert "3 rows: 1 closed, 1 open, 1 unavailable" in text
    assert "(ledger-p1-t3)=" in text and "For $n$ large." in text
    assert text.count("<book/rates/gaussian#thm>") == 1  # only closed rows link
    assert "a = 1.05, at most 1, relative tolerance 0.1" in text and "rounding" in text
    assert ">holds<" in text and "*lost*" in text
    assert "## P1" in text and "## P3" in text and "## P2" not in text
