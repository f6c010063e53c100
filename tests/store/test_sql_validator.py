"""The validator lets questions through and nothing else: no write, no file, no function nobody looked at.

What is let through and what is not stands in `sql_corpus.json`; `test_sql_fuzz.py` runs what is let through.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tilth.tools.errors import Retry
from tilth.tools.store.query import sql_functions
from tilth.tools.store.query.sql import tables_of, validate_order, validate_predicate, validate_query

CORPUS = json.loads(Path(__file__).with_name("sql_corpus.json").read_text("utf-8"))
VIEWS, COLUMNS = CORPUS["views"], CORPUS["columns"]


def accepted(sql: str) -> bool:
    try:
        validate_query(sql, views=VIEWS)
    except Retry:
        return False
    return True


# --- queries ---


@pytest.mark.parametrize("sql", CORPUS["questions"])
def test_questions_pass(sql: str) -> None:
    validate_query(sql, views=VIEWS)


@pytest.mark.parametrize("statement", CORPUS["statements"])
def test_nothing_but_a_question_passes(statement: str) -> None:
    """COPY, ATTACH, PRAGMA and the like, plain, shouted and spread, in every position of a query."""
    for form in (statement, statement.upper(), statement.replace(" ", "/**/ \n")):
        for position in CORPUS["statement_positions"]:
            sql = position.format(form)
            assert not accepted(sql), sql


@pytest.mark.parametrize("source", CORPUS["sources"])
def test_no_source_but_the_views(source: str) -> None:
    """Files, catalogues, other schemas and table functions, wherever a FROM may stand."""
    for position in CORPUS["source_positions"]:
        sql = position.format(source)
        assert not accepted(sql), sql


@pytest.mark.parametrize("sql", CORPUS["names_out_of_sight"])
def test_a_name_counts_only_where_it_is_in_sight(sql: str) -> None:
    assert not accepted(sql), sql


def test_tables_of_a_query() -> None:
    asked = "with a as (from Rows) select (select 1 from x.y) from a join signals on true"
    assert tables_of(asked) == {"rows", "signals", "x.y"}
    assert tables_of("select 1 where (label in (from dropped select label)\n)") == {"dropped"}


@pytest.mark.parametrize("sql", ["select '\ud800'", "select 1 \udfff"])
def test_half_a_character_is_refused(sql: str) -> None:
    assert not accepted(sql)


# --- functions ---


@pytest.mark.parametrize("call", CORPUS["call_positions"])
def test_refused_functions_in_every_position(call: str) -> None:
    functions = sql_functions.in_expressions()
    names = [name for name, _ in functions.refused if name.isidentifier()]
    assert len(names) > 80
    for name in [*names, "collate_de", "pg_sleep", "read_text", "query", "getenv", "no_such_function"]:
        assert not accepted(call.format(name)), call.format(name)


def test_refused_table_functions() -> None:
    names = [name for name, _ in sql_functions.in_from().refused if name.isidentifier()]
    assert len(names) > 30
    for name in [*names, "read_csv", "parquet_scan", "duckdb_settings", "no_such_function"]:
        for call in ("from {}()", "from {}('canary.csv')", "from main.{}('rows')", 'from "{}"(1)'):
            assert not accepted(call.format(name)), call.format(name)


@pytest.mark.parametrize(
    "clock",
    ["current_date", "CURRENT_TIME", "current_timestamp", "localtime", '"localtimestamp"', "now()", "today()"],
)
def test_no_clock(clock: str) -> None:
    for call in ("select {}", "select * from rows where day < {}", "select max({}) over () from rows"):
        with pytest.raises(Retry, match="reads the clock"):
            validate_query(call.format(clock), views=VIEWS)
    validate_predicate("current_date > 1", columns=["current_date"])


# --- conditions and orders ---


@pytest.mark.parametrize("condition", CORPUS["conditions"])
def test_conditions_pass(condition: str) -> None:
    validate_predicate(condition, columns=COLUMNS, views=VIEWS)
    validate_predicate(condition, views=VIEWS)


@pytest.mark.parametrize("condition", [*CORPUS["condition_escapes"], "text = '\ud800'"])
def test_a_condition_stays_in_its_parentheses(condition: str) -> None:
    with pytest.raises(Retry):
        validate_predicate(condition, columns=COLUMNS, views=VIEWS)


@pytest.mark.parametrize("order", CORPUS["orders"])
def test_orders_pass(order: str) -> None:
    validate_order(order, columns=COLUMNS)
    validate_order(order)


@pytest.mark.parametrize("order", CORPUS["order_escapes"])
def test_an_order_stays_an_order(order: str) -> None:
    with pytest.raises(Retry):
        validate_order(order, columns=COLUMNS)


# --- what refusals say ---


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("select * from rowz", r"there is no table 'rowz'\. Nearest: rows\."),
        ("select uper(text) from rows", r"it calls uper\(\).*Nearest: upper\."),
        ("select random() from rows", r"it calls random\(\); it is random"),
        ("from read_csv('a.csv')", r"it calls table function read_csv\(\); it reads files"),
        ("copy rows to 'a'", "COPY is not a SELECT"),
        ("with x as (delete from rows returning *) from x", "DELETE may not stand in it"),
        ("select 1; select 2", "it holds 2 statements"),
        ("pivot rows on label using count(*)", "PIVOT has no list of values. Write: pivot … on column in"),
        ("selekt 1", 'syntax error at or near "selekt"'),
        ("from rows using sample 10%", "its sample has no seed. Write: using sample"),
        ("select $1", "PARAMETER may not stand in it"),
        ("select \x1b[2J", "it has a control character"),
        ("   ", "it is empty"),
    ],
)
def test_a_refusal_names_what_and_what_to_do(sql: str, says: str) -> None:
    with pytest.raises(Retry, match=says) as caught:
        validate_query(sql, views=VIEWS)
    assert repr(sql) in str(caught.value)


def test_a_refused_column_names_the_nearest() -> None:
    with pytest.raises(Retry, match=r"'scor > 1' was refused: there is no column 'scor'\. Nearest: score\."):
        validate_predicate("scor > 1", columns=COLUMNS)
    with pytest.raises(Retry, match=r"no column 'txt'\. Nearest: text\."):
        validate_order("rows.txt desc", columns=COLUMNS)
    with pytest.raises(Retry, match=r"no column 'scor'\. Nearest: score\."):
        validate_predicate("scor in (select anything from rows)", columns=COLUMNS)


# --- queries made to hurt the parser ---


@pytest.mark.parametrize(
    "sql",
    [
        "select " + "(" * 5000,
        "select " + "(" * 400 + "1" + ")" * 400,
        "from " + "(" * 5000 + "rows" + ")" * 5000,
        "select " + "+-" * 4000 + "1",
        "select " + "- " * 9000 + "1",
        "select " + "-/**/" * 450,
        "select " + "[" * 6000 + "1" + "]" * 6000,
        "select " + "not " * 4000 + "true",
        "select " + "case when true then " * 800 + "1" + " end" * 800,
        "select 1" + " + 1" * 450,
        "select 'a'" + " || 'a'" * 1500,
        "select 1" + "::int" * 3000,
        "select text" + ".upper()" * 450,
        "select " + "(select " * 450 + "1" + ")" * 450,
        "select /*" * 2000,
        "select 1" + " union all select 1" * 1000,
        "select " + "1," * 9000 + "1",
        "select '" + "x" * 30_000 + "'",
        "with " + ",".join(f"c{i} as (select 1)" for i in range(490)) + " select 1",
    ],
    ids=lambda sql: f"{sql[:20]}… {len(sql)}",
)
def test_a_monster_is_answered_or_refused(sql: str) -> None:
    """Neither a crash nor a wait: without the caps some of these keep the parser busy for hours."""
    try:
        validate_query(sql, views=VIEWS)
    except Retry as refusal:
        assert len(str(refusal)) < 400


def test_many_threads_at_once() -> None:
    def ask(i: int) -> bool:
        return accepted(f"select {i} from {'rows' if i % 2 else 'rowz'} where label = {i}")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(200))) == [bool(i % 2) for i in range(200)]
