"""The scorer of findings: one to one, by place, whatever the order."""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.evals.issues.data import KEY
from tilth.evals.issues.files import read, written
from tilth.evals.issues.scoring import MOST_FINDINGS, assigned, findings, likeness, schema, score
from tilth.evals.issues.truth import Plant, Truth, merged
from tilth.tools.errors import Misuse

ROWS = tuple("abcdefgh")


def plant(rows: tuple[str, ...] = (), *, unit: str = "row", columns: tuple[str, ...] = (), **more: Any) -> Plant:
    family = {
        "families": ("exact_duplicate",),
        "file": "x.csv",
        "field": "",
        "severity": 2,
        "repair": "drop",
        "evidence": "",
    }
    return Plant(**{**family, "unit": unit, "rows": (rows,) if rows else (), "columns": columns, **more})


def truth(*plants: Plant, natural: tuple[str, ...] = ()) -> Truth:
    kept = (("exact_duplicate", "x.csv", natural),) if natural else ()
    return Truth("tests", not plants, plants, kept, ())


def finding(rows: str = "", *, unit: str = "row", **more: str) -> dict[str, Any]:
    told: dict[str, Any] = {"file": "x.csv", "unit": unit, "why": "Because.", **more}
    return {**told, "rows": list(rows)} if rows else told


def value(true: Truth, *found: dict[str, Any]) -> float | None:
    return score(true, {"findings": list(found)}).value


def test_half_of_the_rows_are_enough_and_less_is_not() -> None:
    true = truth(plant(("a", "b", "c", "d")))
    assert value(true, finding("ab")) == 1.0
    assert value(true, finding("abcdefgh")) == 1.0
    assert value(true, finding("a")) == 0.0


def test_a_second_finding_of_the_same_is_a_false_alarm() -> None:
    assert value(truth(plant(("a", "b"))), finding("ab"), finding("ab")) == pytest.approx(2 / 3)


def test_a_column_that_is_named_must_be_the_right_one() -> None:
    true = truth(plant(("a", "b"), unit="cell", columns=("price",)))
    assert value(true, finding("ab", unit="cell", column="price")) == 1.0
    assert value(true, finding("ab")) == 1.0  # a row of which nothing more is said
    assert value(true, finding("ab", unit="cell", column="name")) == 0.0


def test_columns_tables_and_fields_are_found_by_name() -> None:
    column, field = plant(unit="column", columns=("code",)), plant(unit="doc", field="rows")
    assert value(truth(column, field), finding(unit="column", column="code"), finding(unit="doc", field="rows")) == 1.0
    assert value(truth(column), finding(unit="table", column="code")) == 0.0


def test_what_was_there_before_counts_neither_way() -> None:
    true = truth(plant(("a", "b")), natural=("g", "h"))
    assert value(true, finding("ab"), finding("gh")) == 1.0
    assert value(true, finding("gh")) == 0.0
    assert value(true, finding("ab"), finding("efh")) == pytest.approx(2 / 3)


def test_any_of_the_alternatives_will_do() -> None:
    one = merged([plant(("b", "d")), plant(("a", "b", "c", "d"), families=("near_duplicate",))])
    assert [two.families for two in one] == [("exact_duplicate", "near_duplicate")]
    assert value(truth(*one), finding("abcd")) == value(truth(*one), finding("bd")) == 1.0


def test_the_family_is_a_figure_of_its_own() -> None:
    true = truth(plant(("a", "b")))
    for family, share in (("duplication", 1.0), ("missing", 0.0)):
        found = score(true, {"findings": [finding("ab", family=family)]})
        assert (found.value, found.metrics["family_accuracy"]) == (1.0, share)
    assert "family_accuracy" not in score(true, {"findings": [finding("ab")]}).metrics


@pytest.mark.parametrize(
    ("submission", "said"),
    [
        ({}, "findings"),
        ({"findings": [finding("a")] * (MOST_FINDINGS + 1)}, "50"),
        ({"findings": [{**finding("a"), "unit": "rows"}]}, "row"),
        ({"findings": [{**finding("a"), "row": "a"}]}, "Nearest: rows"),
        ({"findings": [finding(unit="cell", column="x")]}, "names no rows"),
        ({"findings": [finding(unit="doc")]}, "names no field"),
        ({"findings": [{**finding("a"), "why": ""}]}, "why"),
        ({"findings": [{**finding("a"), "rows": "a"}]}, "list of row keys"),
        ({"findings": [{**finding("a"), "family": "dup"}]}, "duplication"),
        ({"findings": ["a"]}, "not an object"),
    ],
)
def test_a_submission_of_another_form_is_refused_by_name(submission: dict[str, Any], said: str) -> None:
    with pytest.raises(Misuse, match=said):
        score(truth(plant(("a",))), submission)


def test_the_schema_says_what_is_read() -> None:
    item = schema()["properties"]["findings"]["items"]
    told = {**finding("a", family="missing"), "column": "x", "field": "y"}
    assert set(told) == set(item["properties"])
    assert findings({"findings": [told]})[0].rows == frozenset("a")


some_rows = st.sets(st.sampled_from(ROWS), min_size=1).map(lambda rows: tuple(sorted(rows)))
plants = st.lists(some_rows.map(plant), min_size=1, max_size=4)
found = st.lists(some_rows.map(lambda rows: finding("".join(rows))), max_size=6)


@given(plants, found, st.integers(0, 1 << 30))
def test_order_changes_nothing(true: list[Plant], told: list[dict[str, Any]], seed: int) -> None:
    first = score(truth(*true), {"findings": told})
    random.Random(seed).shuffle(told)
    random.Random(seed).shuffle(true)
    second = score(truth(*true), {"findings": told})
    assert (first.value, first.metrics, first.weights) == (second.value, second.metrics, second.weights)
    assert first.value is not None and 0 <= first.value <= 1


@given(plants, found)
def test_taking_back_a_false_alarm_never_lowers_precision(true: list[Plant], told: list[dict[str, Any]]) -> None:
    before = score(truth(*true), {"findings": told}).metrics
    matched = {i for i, _ in assigned(findings({"findings": told}), true)}
    for wrong in set(range(len(told))) - matched:
        after = score(truth(*true), {"findings": told[:wrong] + told[wrong + 1 :]}).metrics
        assert after.get("precision", 0.0) >= before["precision"]
        assert after["recall"] == before["recall"]


@given(plants, st.lists(some_rows.map(lambda rows: finding("".join(rows))), max_size=4))
def test_no_other_assignment_finds_more(true: list[Plant], told: list[dict[str, Any]]) -> None:
    parsed = findings({"findings": told})
    slots = [*range(len(true)), *[-1] * len(parsed)]
    best = max(
        sum(j >= 0 and likeness(one, true[j]) > 0 for one, j in zip(parsed, order, strict=True))
        for order in permutations(slots, len(parsed))
    )
    assert len(assigned(parsed, true)) == best


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=12)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5), st.sampled_from(["x.csv", "x.jsonl"]))
def test_files_give_back_what_was_written(rows: list[tuple[str, str]], file: str) -> None:
    table = [{KEY: str(at), "one": one, "other": other} for at, (one, other) in enumerate(rows)]
    assert read(file, written(file, (KEY, "one", "other"), table)) == table
