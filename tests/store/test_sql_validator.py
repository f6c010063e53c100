"""The validator lets questions through and nothing else: no write, no file, no function nobody looked at."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.errors import Retry
from tilth.tools.store import sql_functions
from tilth.tools.store.door import connect, lock_down, text_literal
from tilth.tools.store.sql import tables_of, validate_order, validate_predicate, validate_query

VIEWS = ("rows", "dropped", "signals")
COLUMNS = ("row_id", "text", "label", "score", "tags", "day")
SECRET = "not for your eyes"


@dataclass(frozen=True)
class Room:
    """A folder with views over one Parquet file, files that are no query's business, and two connections.

    `locked` is what queries run in. `open` may read and write anything: what runs there shows what the
    validator alone keeps away.
    """

    folder: Path
    locked: duckdb.DuckDBPyConnection
    open: duckdb.DuckDBPyConnection

    def contents(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file()}

    def run(self, sql: str) -> None:
        """Run what the validator accepted. It may fail as SQL; it may touch, read and reveal nothing."""
        before = self.contents()
        for connection in (self.locked, self.open):
            try:
                result = connection.execute(sql).fetchmany(1000)
            except (duckdb.PermissionException, duckdb.IOException, duckdb.HTTPException) as error:
                raise AssertionError(f"{sql!r} reached for a file: {error}") from error
            except duckdb.Error:
                continue
            assert SECRET not in repr(result), sql
        assert self.contents() == before, sql
        tables = "select string_agg(name, ',' order by name) from (show all tables)"
        assert self.open.execute(tables).fetchall() == [("dropped,rows,signals",)], sql


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("room")
    data = pa.table(
        {
            "row_id": ["a1", "b2", "c3"],
            "text": ["Once", "upon -- a", None],
            "label": [0, 1, 1],
            "score": [0.5, 1.5, -2.0],
            "tags": [["x", "y"], [], None],
            "day": pa.array([0, 1, 2], pa.date32()),
        }
    )
    pq.write_table(data, folder / "data.parquet")
    pq.write_table(pa.table({"x": [SECRET]}), folder / "x.parquet")
    (folder / "canary.csv").write_text(f"a\n{SECRET}\n")
    (folder / "canary.json").write_text(f'{{"a": "{SECRET}"}}\n')
    connections = []
    for _ in range(2):
        connection = connect(temp=None, threads=1, memory_share=0.05)
        for view in VIEWS:
            path = text_literal(str(folder / "data.parquet"))
            connection.execute(f"create view {view} as from read_parquet({path})")
        connection.execute("set max_execution_time = 5000")
        connections.append(connection)
    locked, unlocked = connections
    lock_down(locked, [folder / "data.parquet"])
    before = os.getcwd()
    os.chdir(folder)  # relative names of files must find them, or the test proves nothing
    yield Room(folder, locked, unlocked)
    os.chdir(before)
    for connection in connections:
        connection.close()


def accepted(sql: str) -> bool:
    try:
        validate_query(sql, views=VIEWS)
    except Retry:
        return False
    return True


# --- what people ask ---

GOOD = [
    "select 1",
    "select count(*) from rows",
    "from rows",
    "FROM Rows SELECT Text LIMIT 2",
    "table rows",
    "(select 1);",
    "select label, count(*) n from rows group by all order by all",
    "with a as (select * from rows where label = 1) select max(row_id) from a",
    'with "Ä" as (select 1 as n) select n from "Ä"',
    "with rows as (select * from rows limit 1) select * from rows",
    "with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select * from r",
    "with a as materialized (select 1 as n), b as (from a) select * from b, (with c as (from b) from c)",
    "describe rows",
    "summarize rows",
    "select column_name from (describe rows)",
    "values (1), (2)",
    "select * from (values (1, 'a')) v(n, t)",
    "pivot rows on label in (0, 1) using count(*)",
    "from rows pivot (count(*) for label in (0, 1))",
    "unpivot (select label, score::int as s from rows) on label, s into name n value v",
    "select * exclude (text) replace (label + 1 as label) from rows",
    "select columns('l.*') from rows",
    "select columns(lambda c: c like 'l%') from rows",
    "select list_transform(tags, lambda t: upper(t)), [t for t in tags if t <> 'x'] from rows",
    "select unnest(tags) from rows",
    "select * from range(3) t(i), generate_series(1, 2)",
    "select * from rows, unnest(tags) u(tag)",
    """select value from json_each('{"a": 1}')""",
    """select j -> 'a', j ->> '$.a' from (select json '{"a": 1}' as j)""",
    "select text.upper() from rows",
    "select rows.text.lower().length() from rows",
    "select struct_pack(a := 1).a, {'b': 2}['b'], map {'k': 1}['k'], [1, 2, 3][1:2], row(1, 2)",
    "select row_number() over (partition by label order by score desc nulls last) from rows",
    "select sum(score) over w from rows window w as (order by label rows between 1 preceding and 2 following)",
    "select * from rows qualify row_number() over (partition by label order by row_id) = 1",
    "select quantile_cont(score, [0.1, 0.5]), median(score), mode(label) from rows",
    "select percentile_cont(0.5) within group (order by score) from rows",
    "select string_agg(text, ',' order by row_id) filter (where label > 0) from rows",
    "select distinct on (label) label, text from rows order by label, row_id",
    "select * from rows r where exists (select 1 from signals s where s.row_id = r.row_id)",
    "select * from rows where label in (select label from dropped) or row_id = any (select 'a' from signals)",
    "select * from rows a join dropped b using (row_id) left join signals c on c.row_id = a.row_id",
    "from rows anti join dropped using (row_id)",
    "from rows positional join dropped",
    "select 1 union all select 2 except select 3 intersect select 4",
    "select text from rows union all by name select text from dropped",
    "select case label when 0 then 'no' else 'yes' end, nullif(label, 1), if(label > 0, 1, 2) from rows",
    "select text like '%--%', text ilike 'o%', text similar to 'o.*', text ~ '^O', text glob 'x*' from rows",
    "select regexp_extract(text, '(\\w+)', 1), regexp_replace(text, 'a', 'b', 'g'), split(text, ' ') from rows",
    "select text collate nocase, cast(label as varchar), label::decimal(4, 1), try_cast(text as int[]) from rows",
    "select date '2024-01-01' + interval 3 day, date_trunc('month', day), extract(year from day), day - 1 from rows",
    "select '2024-01-01T00:00:00Z'::timestamptz at time zone 'UTC'",
    "select -label, not true, 5 // 2, 2 ^ 3, 7 % 2, 1 << 2, label is null, label between 0 and 1, 3! from rows",
    "select label, grouping(label), count(*) from rows group by rollup (label) having count(*) > 0",
    "select * from rows using sample reservoir(2 rows) repeatable (7)",
    "select * from rows limit (select 1) offset 1",
    "select try(1 / 0), hash(row_id), md5(text), levenshtein(text, 'a') from rows",
    "select /* a comment */ 1 -- and another",
    "select ';', '--', '/*', $$;$$, \"label\" from rows",
    "select r.current_date from (select 1 as current_date) r",
]  # fmt: skip


@pytest.mark.parametrize("sql", GOOD)
def test_questions_pass_and_run(sql: str, room: Room) -> None:
    validate_query(sql, views=VIEWS)
    room.locked.execute(sql).fetchall()
    room.run(sql)


def test_tables_of_a_query() -> None:
    assert tables_of("with a as (from Rows) select (select 1 from x.y) from a join signals on true") == {
        "rows", "signals", "x.y",
    }  # fmt: skip
    assert tables_of("select 1 where (label in (from dropped select label)\n)") == {"dropped"}


# --- statements that are no question, in every position ---

STATEMENTS = [
    "copy rows to 'out.csv'",
    "copy (select 1) to 'x.parquet' (format parquet, use_tmp_file false)",
    "copy rows from 'canary.csv'",
    "attach 'new.db' as new",
    "attach ':memory:' as new",
    "detach memory",
    "use memory",
    "pragma database_list",
    "pragma enable_profiling",
    "set threads = 8",
    "set variable v = 1",
    "reset threads",
    "install fts",
    "load x",
    "create table t as select 1",
    "create temp view v as select 1",
    "create macro m() as 1",
    "create secret s (type s3)",
    "drop view rows",
    "alter view rows rename to gone",
    "insert into rows values (1) returning *",
    "update rows set label = 1 returning *",
    "delete from rows returning *",
    "merge into rows using dropped using (row_id) when matched then delete returning *",
    "truncate rows",
    "export database 'out'",
    "import database 'out'",
    "call enable_logging()",
    "checkpoint memory",
    "vacuum rows",
    "begin transaction",
    "prepare p as select 1",
    "execute p",
    "explain select 1",
    "explain analyze copy rows to 'out.csv'",
    "comment on view rows is 'mine'",
    "show tables",
    "show databases",
    "show all tables",
]

POSITIONS = [
    "{}",
    "{};",
    ";{}",
    "/* a question */ {}",
    "-- a question\n{}",
    "\u00a0{}\u2003",
    "\ufeff{}",
    "({})",
    "select 1; {}",
    "{}; select 1",
    "select 1;\u00a0;{}",
    "select ';'; {} --",
    "with x as ({}) select * from x",
    "with x as ({}) select 1",
    "with a as (select 1), x as not materialized ({}) from a, x",
    "with recursive x as (select 1 union all ({})) from x",
    "with recursive x as ({} union all select 1) from x",
    "select (with x as ({}) select 1)",
    "select * from rows where label in (with x as ({}) select 1)",
    "select 1 union all (with x as ({}) from x)",
    "from (with x as ({}) from x)",
    "from ({})",
    "select ({})",
    "select 1 union all ({})",
    "select * from rows where exists ({})",
    "select * from rows order by ({})",
    "select * from rows limit ({})",
    "select list_transform(tags, lambda t: ({})) from rows",
    "describe {}",
    "summarize (with x as ({}) from x)",
    "explain {}",
    "pivot (with x as ({}) from x) on a in (1) using count(*)",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_nothing_but_a_question_passes(statement: str) -> None:
    for form in (statement, statement.upper(), statement.replace(" ", "/**/ \n")):
        for position in POSITIONS:
            sql = position.format(form)
            assert not accepted(sql), sql
    assert len(STATEMENTS) * len(POSITIONS) * 3 > 3000


# --- sources that are no view, in every position ---

SOURCES = [
    "'canary.csv'",
    '"canary.csv"',
    "'x.parquet'",
    "'*.parquet'",
    "'canary.json'",
    "'https://example.org/x.csv'",
    "read_text('canary.csv')",
    "read_blob('*')",
    "read_csv('canary.csv')",
    "READ_CSV_AUTO('canary.csv')",
    "\"read_csv\"('canary.csv')",
    "read_json('canary.json')",
    "read_ndjson_objects('canary.json')",
    "read_parquet(['x.parquet'])",
    "parquet_scan('x.parquet')",
    "parquet_metadata('x.parquet')",
    "main.read_parquet('x.parquet')",
    "system.main.read_text('canary.csv')",
    "sniff_csv('canary.csv')",
    "glob('*')",
    "query('select 1')",
    "query_table('rows')",
    "query_table(['rows', 'dropped'])",
    "json_execute_serialized_sql(json_serialize_sql('from glob(''*'')'))",
    "duckdb_settings()",
    "duckdb_secrets()",
    "duckdb_views",
    "pragma_database_size()",
    "sqlite_master",
    "information_schema.tables",
    "pg_catalog.pg_tables",
    "main.rows",
    "memory.main.rows",
    "rows.rows",
    "which_secret('a', 's3')",
    "test_all_types()",
    "repeat('a', 3)",
    "summary((from rows))",
    "histogram(rows, label)",
    "arrow_scan(1, 2, 3)",
    "rows at (version => 1)",
    "rows using sample 10%",
    "rows tablesample reservoir(2)",
    "(show databases)",
    "rowz",
    "x",
]

FROMS = [
    "from {}",
    "select * from {}",
    "select * from rows, {}",
    "select * from rows join {} on true",
    "select * from {} natural join rows",
    "from rows positional join {}",
    "from rows, lateral (select * from {})",
    "select (select 1 from {})",
    "select exists (from {}) from rows",
    "select * from rows where label in (select 1 from {})",
    "select * from rows where label = all (select 1 from {})",
    "select count(*) filter (exists (from {})) from rows",
    "select count(*) from rows group by (select 1 from {})",
    "select count(*) from rows having exists (from {})",
    "select * from rows qualify exists (from {})",
    "select * from rows order by (select 1 from {})",
    "select * from rows limit (select 1 from {})",
    "select * from rows offset (select 1 from {})",
    "select case when exists (from {}) then 1 end",
    "select array(select 1 from {})",
    "select [t for t in (select [1] from {})]",
    "select list_filter(tags, lambda t: exists (from {})) from rows",
    "select sum(label) over (order by (select 1 from {})) from rows",
    "select sum(label) over (rows (select 1 from {}) preceding) from rows",
    "select * replace ((select 1 from {}) as label) from rows",
    "select {{'a': (select 1 from {})}}",
    "select cast((select 1 from {}) as int)",
    "select unnest((select [1] from {}))",
    "from range((select 1 from {}))",
    "values ((select 1 from {}))",
    "select 1 union all from {}",
    "(from {}) intersect select 1",
    "with a as (from {}) from a",
    "with a as (from {}) select 1",
    "with a as (select 1), b as (from {}) from a",
    "with recursive a as (select 1 union select * from {}) from a",
    "with recursive a as (from {} union select 1) from a",
    "select (with a as (from {}) select 1)",
    "pivot (from {}) on a in (1) using count(*)",
    "unpivot (from {}) on a",
    "describe from {}",
    "summarize from {}",
    "select * from (describe from {})",
]


@pytest.mark.parametrize("source", SOURCES)
def test_no_source_but_the_views(source: str) -> None:
    for position in FROMS:
        sql = position.format(source)
        assert not accepted(sql), sql


@pytest.mark.parametrize(
    "sql",
    [
        "with \"x.parquet\" as (select 1) from \"x.parquet\"",
        "with \"x.parquet\" as (from \"x.parquet\") from \"x.parquet\"",
        "with sqlite_master as (from sqlite_master) from sqlite_master",
        "with x as (from x) from x",
        "with a as (from b), b as (select 1) from a",
        "with recursive a as (from b), b as (select 1) from a",
        "select * from (with x as (select 1) from x), x",
        "select (with x as (select 1) select * from x), (select * from x)",
        "from x union all (with x as (select 1) from x)",
        "with a as (with x as (select 1) from x) from x",
        'with "Ä" as (select 1) from "ä"',
        "select * from rows x where exists (from x)",
        "select * from (select 1) x, (from x)",
    ],
)  # fmt: skip
def test_a_name_counts_only_where_it_is_in_sight(sql: str) -> None:
    assert not accepted(sql), sql


# --- functions ---

CALLS = [
    "select {}('a')",
    "select {}()",
    'select "{}"(1, 2)',
    "select main.{}('a')",
    "select system.main.{}('a')",
    "select 'a'.{}()",
    "select text.{}() from rows",
    "select rows.text.{}() from rows",
    "select 'a'.upper().{}()",
    "select {}(text) over () from rows",
    "select {}(distinct text order by label) filter (label > 0) from rows",
    "select * from rows where {}(text)",
    "select * from rows order by {}(text)",
    "select list_transform(tags, lambda t: {}(t)) from rows",
    "select list_transform(tags, t -> t.{}()) from rows",
    "select * from range({}(1))",
    "select cast({}(1) as int)",
    "select count(*) from rows group by {}(text)",
    "select columns(c -> {}(c)) from rows",
    "with a as (select {}(1)) from a",
]

INSTALLED = sql_functions.installed()


def refused_words(functions: sql_functions.FunctionList, present: frozenset[str]) -> list[str]:
    return sorted(name for name in present if name.isidentifier() and functions.refusal(name))


@pytest.mark.parametrize("call", CALLS)
def test_refused_functions_in_every_position(call: str) -> None:
    names = refused_words(sql_functions.in_expressions(), INSTALLED[1])
    assert len(names) > 300
    special = [
        name for name in names if not name.startswith(("collate_", "icu_", "__internal", "pg_", "has_"))
    ]
    for name in [*special, "read_text", "query", "getenv", "no_such_function"]:
        assert not accepted(call.format(name)), call.format(name)


def test_refused_table_functions() -> None:
    names = refused_words(sql_functions.in_from(), INSTALLED[2])
    assert len(names) > 90
    for name in names:
        for call in ("from {}()", "from {}('canary.csv')", "from main.{}('rows')", 'from "{}"(1)'):
            assert not accepted(call.format(name)), call.format(name)


@pytest.mark.parametrize(
    "word",
    [
        "current_date",
        "CURRENT_TIME",
        "current_timestamp",
        "localtime",
        '"localtimestamp"',
        "now()",
        "today()",
    ],
)
def test_no_clock(word: str) -> None:
    for call in ("select {}", "select * from rows where day < {}", "select max({}) over () from rows"):
        with pytest.raises(Retry, match="reads the clock"):
            validate_query(call.format(word), views=VIEWS)


def test_every_function_of_this_duckdb_has_a_verdict() -> None:
    """Red after an upgrade of DuckDB: run `python -m tilth.tools.store.sql_functions` and decide."""
    _, sections = sql_functions.parse(
        sql_functions.updated(sql_functions.LIST.read_text("utf-8"), *INSTALLED)
    )
    assert [name for header in sections if "undecided" in header for name in sections[header]] == []


def test_allowed_functions_answer_the_same_every_time() -> None:
    allowed = sql_functions.in_expressions().allowed
    with connect(temp=None, threads=1) as connection:
        unsteady = connection.execute(
            "select distinct function_name from duckdb_functions() where stability <> 'CONSISTENT'"
        ).fetchall()
    assert len(unsteady) > 20
    assert [name for (name,) in unsteady if name.lower() in allowed] == []


def test_no_name_is_both_allowed_and_refused() -> None:
    for functions in (sql_functions.in_expressions(), sql_functions.in_from()):
        for pattern, reason in functions.refused:
            assert reason
            assert not fnmatch.filter(functions.allowed, pattern), pattern


def test_the_list_for_another_duckdb() -> None:
    text = sql_functions.LIST.read_text("utf-8")
    version, expressions, tables = INSTALLED
    assert (
        sql_functions.updated(text, version, expressions, tables).split("\n\n")[1:] == text.split("\n\n")[1:]
    )

    later = sql_functions.updated(
        text, "v9.9.9", (expressions | {"new_one"}) - {"upper"}, tables | {"read_mind", "scry"}
    )
    preamble, sections = sql_functions.parse(later)
    assert preamble.rstrip().endswith("duckdb v9.9.9")
    assert sections["undecided"] == ["new_one"]
    assert sections["as a table undecided"] == ["scry"]  # read_* is decided
    assert "upper" not in sections["allowed"]
    assert "lower" in sections["allowed"]
    assert (
        sql_functions.updated(later, version, expressions, tables) != text
    )  # a lost permission is not given back


# --- conditions ---

CONDITIONS = [
    "true",
    "text is not null",
    "length(text) > 3 and label in (0, 1)",
    "text like '%--%' or text like '%/*%' or text = ')' or text = ';'",
    "text = '''; drop view rows; --'",
    "Text ILIKE 'o%'",
    "rows.label = 1",
    "score > (select avg(score) from rows)",
    "row_id not in (select row_id from signals where score > 0)",
    "exists (from dropped d where d.row_id = rows.row_id)",
    "list_contains(list_transform(tags, lambda t: upper(t)), 'X')",
    "len(list_filter(tags, lambda t, i: i > 1 and t <> text)) = 0",
    "text.lower().contains('once')",
    "columns(*) is not null",
    "label = 1 -- a comment\n and score > 0",
    "\n label = 1 /* and */ \n",
    "(label = 1) or (score < 0)",
    "not (label = 1)",
    "case when label = 1 then true else false end",
    "day >= date '1970-01-02'",
    "hash(row_id) % 2 = 0",
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_pass_and_run(condition: str, room: Room) -> None:
    validate_predicate(condition, columns=COLUMNS, views=VIEWS)
    validate_predicate(condition, views=VIEWS)
    query = f"select row_id from rows where ({condition})"
    room.locked.execute(query).fetchall()
    room.run(query)


ESCAPES = [
    "",
    "  ",
    "--",
    "true --",
    "true --\n--",
    "true /*",
    "true /* */ --",
    "true;",
    "true; drop view rows",
    "true) union select 1 --",
    "1) union select 'a' from read_text('canary.csv') --",
    "true) or (true",
    "label = 1) and (label = 2",
    "true) --",
    "true)) --",
    "true) limit 1 --",
    "true) order by (label",
    "true), (true",
    "true, true",
    "true from rows --",
    "true from rows where (true",
    "true from rows where true",
    "true as x",
    "true x",
    "x: true",
    "distinct true",
    "all true",
    "*, true",
    "true,",
    "label = 1 group by label",
    "label = 1 order by label",
    "label = 1 limit 1",
    "label = 1 union select 1",
    "label = 1 union all select true from rows where (true",
    "label = 1 window w as ()",
    "label = 1 using sample 1",
    "where true",
    "select true",
    "from rows",
    "$$ or true",
    "'",
    '"',
    "e'\\'",
    "true and $1",
    "true and ?",
    "default",
    "#1 = 1",
    "true\x00",
    "true \x1b[2J",
    "text = '\ud800'",
    "random() < 0.5",
    "read_text('canary.csv') is null",
    "exists (from 'canary.csv')",
    "exists (from facts)",
    "exists (with x as (delete from rows returning *) from x)",
    "label in (select label from rows using sample 1)",
    "current_date > day",
    "no_such_column = 1",
    "rows.no_such_column = 1",
    "signals.label = 1",
    "list_filter(tags, lambda t: u = t) = []",
]


@pytest.mark.parametrize("condition", ESCAPES)
def test_a_condition_stays_in_its_parentheses(condition: str) -> None:
    with pytest.raises(Retry):
        validate_predicate(condition, columns=COLUMNS, views=VIEWS)


ORDERS = [
    "score",
    "length(text) desc",
    "label desc nulls last, score asc",
    "text collate nocase, row_id",
    "case when label = 1 then score end desc",
    "rows.score desc",
    "hash(row_id)",
]


@pytest.mark.parametrize("order", ORDERS)
def test_orders_pass_and_run(order: str, room: Room) -> None:
    validate_order(order, columns=COLUMNS)
    validate_order(order)
    room.run(f"select row_id from rows order by {order}, row_id")


@pytest.mark.parametrize(
    "order",
    [
        "", "1", "2 desc", "'score'", "all", "*", "score, 1", "score limit 1", "score desc --", "score /*", "score;",
        "score; drop view rows", "score) from rows --", "score) over (order by label", "score rows 1 preceding",
        "score desc desc", "score union select 1", "score asc limit 1 --", "random()", "no_such_column",
        "(select max(score) from rows)", "(select 1 from 'canary.csv')", "score offset 1", "score, ", ", score",
        "score collate", "score using sample 1", "score qualify true", "score\x00", "#1",
    ],
)  # fmt: skip
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
        ("   ", "it is empty"),
    ],
)
def test_a_refusal_names_what_and_what_to_do(sql: str, says: str) -> None:
    with pytest.raises(Retry, match=says) as caught:
        validate_query(sql, views=VIEWS)
    assert sql in str(caught.value)


def test_a_refused_column_names_the_nearest() -> None:
    with pytest.raises(
        Retry, match=r"The condition 'scor > 1' was refused: there is no column 'scor'\. Nearest: score\."
    ):
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
        "select " + "[" * 6000 + "1" + "]" * 6000,
        "select " + "not " * 4000 + "true",
        "select " + "case when true then " * 800 + "1" + " end" * 800,
        "select 1" + " + 1" * 450,
        "select 'a'" + " || 'a'" * 1500,
        "select 1" + "::int" * 3000,
        "select text" + ".upper()" * 450,
        "select " + "(select " * 450 + "1" + ")" * 450,
        "select /*" * 2000,
        "select 1" + " union all select 1" * 1100,
        "select " + "1," * 9000 + "1",
        "select '" + "x" * 30_000 + "'",
        "with " + ",".join(f"c{i} as (select 1)" for i in range(490)) + " select 1",
    ],
    ids=lambda sql: sql[:24],
)
def test_a_monster_is_answered_or_refused(sql: str) -> None:
    accepted(sql)  # neither a crash nor minutes: without the caps some of these take the parser hours


def test_many_threads_at_once() -> None:
    def ask(i: int) -> bool:
        return accepted(f"select {i} from {'rows' if i % 2 else 'rowz'} where label = {i}")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(200))) == [bool(i % 2) for i in range(200)]


# --- fuzzing ---

TOKENS = [
    *"select from where and or not ( ) ) ( , ; * = < + - || . :: [ ] { } : ' \" -- /* */ -> as in is null with".split(),
    *"recursive x a b rows dropped signals text label score tags row_id 1 2 'a' true union all exists values".split(),
    *"lambda t: upper( length( unnest( range( count( over ( list_filter( sum( filter ( case when then end".split(),
    *"order by group limit having qualify join on using lateral describe summarize pivot distinct columns(*)".split(),
    *"delete update insert into returning copy to attach pragma set create table drop view call load".split(),
    *"read_text( read_csv( query( glob( 'x.parquet' 'canary.csv' \"x.parquet\" read_text('canary.csv')".split(),
    *"'*.parquet' sqlite_master duckdb_settings() main. memory.main. current_setting('temp_directory')".split(),
    "\n", "\u00a0", "$$", "e'\\''", "\ufeff", "copy rows to 'out.csv'", "from 'canary.csv'", "as materialized (",
    "with x as (", "with \"x.parquet\" as (select 1)", "$1", "at (version => 1)", "using sample 1", "'canary.csv'",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good query in which some words were replaced, dropped, doubled or taken from another."""
    words = draw(st.sampled_from(GOOD)).split(" ")
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(words)))
        token = draw(st.one_of(st.sampled_from(TOKENS), st.sampled_from(GOOD).map(lambda sql: f"({sql})")))
        words[place : place + draw(st.integers(0, 2))] = [token]
    return draw(st.sampled_from([" ", "\n", "/**/"])).join(words)


@st.composite
def assembled(draw: st.DrawFn) -> str:
    """A position for a query filled with another, to some depth."""
    sql = draw(st.sampled_from([*GOOD, *STATEMENTS, *(f"from {source}" for source in SOURCES)]))
    for _ in range(draw(st.integers(1, 3))):
        position = draw(st.sampled_from([*POSITIONS, *FROMS]))
        sql = position.format(f"({sql})" if position in FROMS else sql)
    return sql


def soup() -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(TOKENS), min_size=1, max_size=14).map(
        lambda tokens: "select " + " ".join(tokens)
    )


@given(sql=st.one_of(mutated(), assembled(), soup(), st.text(max_size=40)))
def test_what_is_accepted_touches_no_file(sql: str, room: Room) -> None:
    if accepted(sql):
        room.run(sql)


@given(
    condition=st.one_of(
        st.tuples(st.sampled_from(CONDITIONS), st.sampled_from([*ESCAPES, *TOKENS])).map(" ".join),
        st.tuples(st.sampled_from(ESCAPES), st.sampled_from(CONDITIONS)).map(" ".join),
        st.lists(st.sampled_from(TOKENS), max_size=8).map(" ".join),
        st.text(max_size=30),
    )
)
def test_an_accepted_condition_is_one_condition(condition: str, room: Room) -> None:
    """Between parentheses it has no say over what stands around it."""
    try:
        validate_predicate(condition, columns=COLUMNS, views=VIEWS)
    except Retry:
        return
    room.run(f"select row_id from rows where ({condition})")
    for frame in ("({}) and false", "false and ({})", "(({}) is not null) = (({}) is null)"):
        try:
            kept = room.locked.execute(
                f"select row_id from rows where {frame.format(condition, condition)}"
            ).fetchall()
        except duckdb.Error:
            continue
        assert kept == [], (frame, condition)


@given(
    order=st.one_of(
        st.lists(st.sampled_from([*TOKENS, *ORDERS, "desc", "asc", "nulls", "first"]), max_size=8).map(
            " ".join
        ),
        st.text(max_size=30),
    )
)
def test_an_accepted_order_only_orders(order: str, room: Room) -> None:
    try:
        validate_order(order, columns=COLUMNS)
    except Retry:
        return
    sql = f"select row_id from rows order by {order}, row_id"
    room.run(sql)
    try:
        found = room.locked.execute(sql).fetchall()
    except duckdb.Error:
        return
    assert sorted(found) == [("a1",), ("b2",), ("c3",)]
