"""Questions to a version: what is answered, and what is said when it is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tilth.agent.acting import resolving
from tilth.agent.recipes.expect import parse
from tilth.tools import tool as registry
from tilth.tools.context import Context
from tilth.tools.errors import Misuse, Refused, Retry
from tilth.tools.sandbox import query as module
from tilth.tools.sandbox.query import NO_LANDLOCK, ask, missing_wall, schema
from tilth.tools.sandbox.sandbox import Sandbox
from tilth.tools.sandbox.wire import Limits
from tilth.tools.store.query import views
from tilth.tools.store.query.views import VIEWS, columns_of


def test_every_view_answers_with_the_columns_it_is_said_to_have(yard: Any, sandbox: Sandbox) -> None:
    told = columns_of(yard.store.rows("data").mapping)
    assert tuple(told) == VIEWS
    for view in VIEWS:
        assert ask(yard.store, "data", f"from {view}", within=sandbox).columns == told[view]


def test_an_answer_is_that_of_the_plain_query(yard: Any, sandbox: Sandbox) -> None:
    sql = "select label, count(*) as n, max(text) as t from rows join texts using (row_id, text) group by all order by all"
    plain = views.query(yard.store, "data", sql).to_pylist()
    answer = ask(yard.store, "data", sql, within=sandbox)
    assert [dict(zip(answer.columns, row, strict=True)) for row in answer.rows] == plain
    assert (answer.total, answer.more, answer.cut) == (3, False, 0)
    assert answer.types == ("BIGINT", "BIGINT", "VARCHAR")


def test_rows_beyond_the_first_are_not_counted(yard: Any, sandbox: Sandbox) -> None:
    answer = ask(yard.store, "data", "from rows", limits=Limits(rows=7), within=sandbox)
    assert (len(answer.rows), answer.total, answer.more) == (7, None, True)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        (
            "select txt from rows",
            r"There is no column 'txt'\. Nearest: text\. Views: rows\(row_id, .*label.*\); dropped\(",
        ),
        ("select r.lable from rows r", r"no column 'lable'\. Nearest: label\."),
        ("select filed from texts", r"no column 'filed'\. Nearest: field\."),
        ("select lable", r"no column 'lable'\. Nearest: label\."),
        ("from rowz", r"no table 'rowz'\. Nearest: rows\."),
        ("select text + 1 from rows", r"The query failed: .*Views: rows\("),
        ("select sum(text) from rows", r"The query failed: .*facts\(tool, id"),
        ("copy rows to 'x'", "COPY is not a SELECT"),
        ("select count(*) from range(100000000000)", r"took longer than 0\.2 s and was stopped\. Read fewer"),
        ("select levenshtein(repeat('ab', 30000), repeat('ba', 30000))", r"took longer than 0\.2 s"),
        ("select len(repeat('x', 1000000000))", r"needs more than 96 MB of memory"),
    ],
)
def test_what_goes_wrong_says_how_to_go_on(sql: str, says: str, yard: Any, sandbox: Sandbox) -> None:
    with pytest.raises(Retry) as caught:
        ask(yard.store, "data", sql, limits=Limits(seconds=0.2, memory=96 << 20), within=sandbox)
    assert re.search(says, str(caught.value)), caught.value
    assert str(yard.folder) not in str(caught.value)


def test_a_wide_view_is_not_listed_in_full() -> None:
    assert schema({"rows": [f"c{i}" for i in range(70)]}).endswith("c59, … (+10))")


@pytest.fixture
def no_landlock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    missing_wall.cache_clear()
    monkeypatch.setattr(module, "landlock_abi", lambda: 0)
    yield
    missing_wall.cache_clear()


@pytest.mark.usefixtures("no_landlock")
def test_a_missing_wall_is_said() -> None:
    assert missing_wall() == NO_LANDLOCK


class Lax(Sandbox):
    """A sandbox whose process forgot to lock itself up."""

    def run(self, job: Any) -> dict[str, Any]:
        return {**super().run(job), "landlock": 0}


def test_an_answer_without_a_wall_that_there_is_is_not_used(yard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    missing_wall.cache_clear()
    monkeypatch.setattr(module, "landlock_abi", lambda: 7)
    lax = Lax()
    with pytest.raises(Refused, match="without Landlock"):
        ask(yard.store, "data", "select 1", within=lax)
    lax.close()
    missing_wall.cache_clear()


# --- SQL in arguments ---

HOSTILE = ["true) or (select count(*) from read_text('x')) > 0", "1; drop view rows", "getenv('HOME')", "random() < 1"]


def sql_arguments() -> list[tuple[str, str]]:
    """Every argument of every tool that is SQL, by what it says of itself."""
    return [
        (tool_id, parameter.name)
        for tool_id in registry.ids()
        for parameter in registry.get(tool_id).parameters
        if parameter.arg.predicate or parameter.arg.order or parameter.arg.query
    ]


@pytest.mark.parametrize(("tool_id", "name"), sql_arguments())
def test_every_sql_argument_passes_the_validator(tool_id: str, name: str, yard: Any) -> None:
    others = {
        one.name: "data"
        for one in registry.get(tool_id).parameters
        if one.required and one.name != name and not one.many and one.kind is str
    }
    for text in HOSTILE:
        with pytest.raises(Retry, match="was refused"):
            resolving.resolve(yard.store, tool_id, "data", {**others, name: text}, resolving.Settings())


def test_the_known_sql_arguments_are_among_them() -> None:
    assert {
        ("filter.where", "keep"),
        ("filter.where", "drop"),
        ("dedup.near", "keep"),
        ("inspect.sql", "query"),
    } <= set(sql_arguments())


def test_nothing_that_runs_sql_trusts_its_caller(yard: Any, tmp_path: Any) -> None:
    """A tool of one's own may hand any text to its context; a person any text to a query or a filter of rows."""
    rows = yard.store.rows("data")
    context = Context(store=yard.store, dataset="data", seed=0, threads=1, scratch=tmp_path)
    for text in HOSTILE:
        with pytest.raises(Retry, match="was refused"):
            context.where(rows, text)
        with pytest.raises(Retry, match="was refused"):
            context.ranks(rows, text)
        with pytest.raises(Retry, match="was refused"):
            views.query(yard.store, "data", text)
        with pytest.raises(Retry, match="was refused"):
            ask(yard.store, "data", text)


@pytest.mark.parametrize("condition", [*HOSTILE, ">= (select 1)", ">= 1 or true"])
def test_an_expectation_is_no_sql(condition: str) -> None:
    with pytest.raises(Misuse):
        parse("rows", condition)


def test_a_record_s_own_score_stands_beside_that_of_a_drop(make_rows: Any, run_tool: Any, store: Any) -> None:
    rows = make_rows([{"text": "same", "score": i, "score_": "x", "Step": 7} for i in range(3)])
    run_tool("dedup.exact", rows, field="text")
    answer = ask(store, "data", "select score, score__, score_, step_, tool from dropped order by score__")
    assert [row[1:] for row in answer.rows] == [[1, "x", 7, "dedup.exact"], [2, "x", 7, "dedup.exact"]]
    names = columns_of(store.rows("data").mapping)["dropped"]
    assert ask(store, "data", "from dropped").columns == names
    assert ("Step_" in names, "score__" in names) == (True, True)
