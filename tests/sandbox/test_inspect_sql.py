"""`inspect.sql`, and its result as a model reads it."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.errors import Retry
from tilth.tools.inspect._sql_told import LONGEST, MOST_COLUMNS, MOST_ROWS, MOST_TOKENS, estimated_tokens, for_model
from tilth.tools.sandbox import query as sandbox_query

RECORDS = [{"text": f"Row {i} \x1b[2J", "label": i % 2} for i in range(250)]


def test_a_question_is_answered_and_changes_nothing(make_rows: Any, run_tool: Any) -> None:
    rows = make_rows(RECORDS)
    ran = run_tool("inspect.sql", rows, query="select label, count(*) as n from rows group by all order by all")
    assert ran.details == {
        "columns": ["label", "n"], "types": ["BIGINT", "BIGINT"], "rows": [[0, 125], [1, 125]],
        "shown": 2, "total": 2, "cut": 0,
    }  # fmt: skip
    assert ran.rows.vid == rows.vid
    assert ran.decisions == []


def test_a_person_gets_two_hundred_rows(make_rows: Any, run_tool: Any) -> None:
    ran = run_tool("inspect.sql", make_rows(RECORDS), query="select text from rows")
    assert (ran.details["shown"], ran.details["total"], len(ran.details["rows"])) == (200, None, 200)
    told = for_model(ran.details)
    assert told.splitlines()[:3] == ["shown 20 of 200+ rows", '["text"]', '["Row 0 \\u001b[2J"]']
    assert len(told.splitlines()) == 22


def test_an_answer_is_never_out_of_date(make_rows: Any, run_tool: Any) -> None:
    """The same query of the same version, after something new was found out about it."""
    rows, query = make_rows(RECORDS), "select count(*) from facts"
    assert run_tool("inspect.sql", rows, query=query).details["rows"] == [[0]]
    run_tool("inspect.rulings", rows)
    assert run_tool("inspect.sql", rows, query=query).details["rows"][0][0] > 0


def test_a_bad_query_is_refused_before_anything_is_recorded(make_rows: Any, run_tool: Any, store: Any) -> None:
    rows = make_rows(RECORDS)
    before = len(store.ledger.entries())
    for query, says in (("from 'data.jsonl'", "no table"), ("select lable from rows", "Nearest: label")):
        with pytest.raises(Retry, match=says):
            run_tool("inspect.sql", rows, query=query)
    assert len(store.ledger.entries()) == before


def test_a_missing_wall_is_said_to_the_person(make_rows: Any, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tilth.tools.context import Context
    from tilth.tools.inspect import sql as module

    monkeypatch.setattr(module, "missing_wall", lambda: sandbox_query.NO_LANDLOCK)
    said: list[str] = []
    context = Context(store=store, dataset="data", seed=0, threads=1, scratch=store.root, notice=said.append)
    rows = make_rows(RECORDS)
    module.sql(context, rows, query="select 1")
    assert said == [sandbox_query.NO_LANDLOCK]


# --- for a model ---


def details(columns: list[str], rows: list[list[Any]], total: int | None) -> dict[str, Any]:
    return {"columns": columns, "types": [], "rows": rows, "shown": len(rows), "total": total, "cut": 0}


def test_few_short_rows_are_told_in_full() -> None:
    told = for_model(details(["id", "n", "what"], [["a", 1, None], ["b", 2.5, ["x", {"y": True}]]], 2))
    assert told == 'shown 2 of 2 rows\n["id", "n", "what"]\n["a", 1, null]\n["b", 2.5, ["x", {"y": true}]]'


def test_a_long_value_is_cut_and_says_so() -> None:
    line = for_model(details(["t"], [["word " * 100]], 1)).splitlines()[2]
    (value,) = json.loads(line)
    assert len(value) <= LONGEST
    assert value.endswith("… (+392)")


def test_rows_that_cost_too_much_are_left_out_and_counted() -> None:
    told = for_model(details(["t", "u"], [["7" * 100, "8" * 100]] * 50, 50))
    heading, _, *lines = told.splitlines()
    assert heading == f"shown {len(lines)} of 50 rows"
    assert 0 < len(lines) < MOST_ROWS


def test_a_wide_row_has_shorter_values_and_fewer_columns() -> None:
    told = for_model(details([f"c{i}" for i in range(90)], [["漢" * 200] * 90], 1))
    heading, columns, line = told.splitlines()
    assert heading == "shown 1 of 1 rows, 40 of 90 columns"
    assert len(json.loads(columns)) == len(json.loads(line)) == MOST_COLUMNS


def test_no_rows_are_told_too() -> None:
    assert for_model(details(["t"], [], 0)) == 'shown 0 of 0 rows\n["t"]'


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=200),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.data(), columns=st.lists(st.text(max_size=60), max_size=50), more=st.booleans())
def test_what_a_model_reads_keeps_within_its_bounds(data: st.DataObject, columns: list[str], more: bool) -> None:
    row = st.lists(JSON, min_size=len(columns), max_size=len(columns))
    found = data.draw(st.lists(row, max_size=3)) * data.draw(st.integers(1, 12))
    told = for_model(details(columns, found, None if more else len(found)))
    assert estimated_tokens(told) <= MOST_TOKENS
    heading, *lines = told.split("\n")
    assert heading.startswith(f"shown {max(len(lines) - 1, 0)} of {len(found)}{'+' if more else ''} rows")
    assert len(lines) - 1 <= MOST_ROWS
    assert not any(unicodedata.category(one) in ("Cc", "Cf", "Cs") for line in lines for one in line)
    for line in lines:
        values = json.loads(line)
        assert len(values) == min(len(columns), MOST_COLUMNS)
        texts = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in values]
        assert all(len(text) <= LONGEST for text in texts)
