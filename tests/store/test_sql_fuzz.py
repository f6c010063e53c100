"""What the validator accepts is run, and may touch, read and reveal nothing but the views."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.errors import Retry
from tilth.tools.store.door import connect, lock_down, text_literal
from tilth.tools.store.query.sql import validate_order, validate_predicate, validate_query
from tilth.tools.store.query.sql_functions import in_expressions, in_from

CORPUS = json.loads(Path(__file__).with_name("sql_corpus.json").read_text("utf-8"))
VIEWS, COLUMNS = CORPUS["views"], CORPUS["columns"]
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
        """Run what the validator accepted. As SQL it may fail."""
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
        tables = self.open.execute("select name from (show all tables) order by name").fetchall()
        assert [name for (name,) in tables] == sorted(VIEWS), sql


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("room")
    data = {
        "row_id": ["a1", "b2", "c3"],
        "text": ["Once", "upon -- a", None],
        "label": [0, 1, 1],
        "score": [0.5, 1.5, -2.0],
        "tags": [["x", "y"], [], None],
        "day": pa.array([0, 1, 2], pa.date32()),
    }
    assert list(data) == COLUMNS
    pq.write_table(pa.table(data), folder / "data.parquet")
    pq.write_table(pa.table({"x": [SECRET]}), folder / "x.parquet")
    (folder / "canary.csv").write_text(f"a\n{SECRET}\n")
    (folder / "canary.json").write_text(f'{{"a": "{SECRET}"}}\n')

    with (
        connect(temp=None, threads=1, memory_share=0.05) as locked,
        connect(temp=None, threads=1, memory_share=0.05) as unlocked,
    ):
        for connection in (locked, unlocked):
            for view in VIEWS:
                path = text_literal(str(folder / "data.parquet"))
                connection.execute(f"create view {view} as from read_parquet({path})")
            connection.execute("set max_execution_time = 5000")
        lock_down(locked, [folder / "data.parquet"])
        before = Path.cwd()
        os.chdir(folder)  # relative names must find the files, or nothing is proved
        yield Room(folder, locked, unlocked)
        os.chdir(before)


def test_the_room_can_tell(room: Room) -> None:
    """The two ways to notice a breach work."""
    with pytest.raises(AssertionError):
        room.run("from 'canary.csv'")
    with pytest.raises(AssertionError):
        room.run("select content from read_text('canary.json')")


@pytest.mark.parametrize("sql", CORPUS["questions"])
def test_questions_run(sql: str, room: Room) -> None:
    room.locked.execute(sql).fetchall()
    room.run(sql)


@pytest.mark.parametrize("condition", CORPUS["conditions"])
def test_conditions_run(condition: str, room: Room) -> None:
    room.locked.execute(f"select row_id from rows where ({condition})").fetchall()


@pytest.mark.parametrize("order", CORPUS["orders"])
def test_orders_run(order: str, room: Room) -> None:
    assert len(room.locked.execute(f"select row_id from rows order by {order}, row_id").fetchall()) == 3


TOKENS = [
    *CORPUS["words"].split(" "),
    *["\n", "copy rows to 'out.csv'", "from 'canary.csv'", "as materialized (", "with x as (", "using sample 1"],
    *['with "x.parquet" as (select 1)', "at (version => 1)"],
]


@pytest.mark.parametrize("arguments", ["'canary.csv'", "'x.parquet', 'x'", "['*.csv'], 1"])
def test_no_allowed_function_reaches_out(arguments: str, room: Room) -> None:
    calls = [f"select {name}({arguments})" for name in in_expressions().allowed if name.isidentifier()]
    before = room.contents()
    for call in [*calls, *(f"from {name}({arguments})" for name in in_from().allowed)]:
        try:
            result = room.open.execute(call).fetchall()
        except duckdb.Error as error:
            assert not isinstance(error, (duckdb.PermissionException, duckdb.IOException)), call
        else:
            assert SECRET not in repr(result), call
    assert room.contents() == before


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A question in which some words were replaced, dropped, doubled or taken from another."""
    questions = st.sampled_from(CORPUS["questions"])
    words = draw(questions).split(" ")
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(words)))
        token = draw(st.one_of(st.sampled_from(TOKENS), questions.map(lambda sql: f"({sql})")))
        words[place : place + draw(st.integers(0, 2))] = [token]
    return draw(st.sampled_from([" ", "\n", "/**/"])).join(words)


@st.composite
def nested(draw: st.DrawFn) -> str:
    """Something in a position of something else, to some depth."""
    sources = [*CORPUS["sources"], *VIEWS, "range(3)"]
    sql = draw(st.sampled_from([*CORPUS["questions"], *CORPUS["statements"], *(f"from {name}" for name in sources)]))
    for _ in range(draw(st.integers(1, 3))):
        position = draw(st.sampled_from([*CORPUS["statement_positions"], *CORPUS["source_positions"]]))
        sql = position.format(f"({sql})" if position in CORPUS["source_positions"] else sql)
    return sql


def soup(longest: int) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(TOKENS), max_size=longest).map(" ".join)


@given(sql=st.one_of(mutated(), nested(), soup(14).map("select ".__add__), st.text(max_size=40)))
def test_what_is_accepted_touches_no_file(sql: str, room: Room) -> None:
    try:
        validate_query(sql, views=VIEWS)
    except Retry:
        return
    room.run(sql)


CONDITIONS, ESCAPES = st.sampled_from(CORPUS["conditions"]), st.sampled_from(CORPUS["condition_escapes"])


@given(
    condition=st.one_of(
        st.tuples(CONDITIONS, st.one_of(ESCAPES, st.sampled_from(TOKENS))).map(" ".join),
        st.tuples(ESCAPES, CONDITIONS).map(" ".join),
        soup(8),
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
    for frame in ("({}) and false", "false and ({})", "not (({}) or true)"):
        try:
            kept = room.locked.execute(f"select row_id from rows where {frame.format(condition)}").fetchall()
        except duckdb.Error:
            continue
        assert kept == [], (frame, condition)


@given(order=st.one_of(soup(8), st.lists(st.sampled_from([*CORPUS["orders"], *TOKENS]), max_size=4).map(" ".join)))
def test_an_accepted_order_only_orders(order: str, room: Room) -> None:
    try:
        validate_order(order, columns=COLUMNS)
    except Retry:
        return
    sql = f"select row_id from rows order by {order}, row_id"
    room.run(sql)
    try:
        found = room.locked.execute(sql).fetchall()
    except duckdb.ParserException as error:
        raise AssertionError(f"accepted, but no SQL: {order!r}") from error
    except duckdb.Error:
        return
    assert sorted(found) == [("a1",), ("b2",), ("c3",)]
