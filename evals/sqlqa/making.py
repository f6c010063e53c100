"""From a number to an item: tables, a question, its answer, and the proof that no mistake gives the same answer.

It knows the order of these steps, and that queries of ours run in this process while those handed in run in the sandbox.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from ...tools.errors import Corrupt
from ...tools.sandbox.wire import Limits
from ...tools.store import door
from ..folder_sql import ask as ask_folder
from ..planted.draw import Draw
from .answers import MOST_ROWS, same
from .questions import Query, Question, ask
from .tables import Tables, make

MOST_QUESTIONS: Final = 40
MOST_TABLES: Final = 10
LIMITS: Final = Limits(seconds=10, rows=MOST_ROWS + 1)


@dataclass(frozen=True, slots=True)
class Item:
    """`wrong` holds the answer of every mutant, by the mistake's name."""

    tables: Tables
    question: Question
    gold: Sequence[Sequence[Any]]
    wrong: Mapping[str, Sequence[Sequence[Any]]]


def item(seed: str, shape: str) -> Item:
    """The same for the same seed and shape. Raises Corrupt when no question can be found, which would be a bug."""
    for redraw in range(MOST_TABLES):
        draw = Draw.named(f"{seed}/{redraw}")
        tables = make(draw)
        with _shown(tables) as connection:
            for _ in range(MOST_QUESTIONS):
                question = ask(draw, tables, shape)
                if found := _kept(connection, tables, question):
                    return found
    raise Corrupt(f"No question {shape!r} of {MOST_QUESTIONS * MOST_TABLES} tells right from wrong (seed {seed!r}).")


def _kept(connection: duckdb.DuckDBPyConnection, tables: Tables, question: Question) -> Item | None:
    """The item, unless its answer is empty, long, or also that of a mistake."""
    gold = _answer(connection, question.query)
    if not gold or len(gold) > MOST_ROWS // 4 or any(cell is None for row in gold for cell in row):
        return None
    wrong = {}
    for name, mutant in question.query.mutants().items():
        wrong[name] = _answer(connection, mutant)
        if same(wrong[name], gold, question.columns, ordered=question.ordered):
            return None
    return Item(tables, question, gold, wrong)


def _answer(connection: duckdb.DuckDBPyConnection, query: Query) -> list[list[Any]]:
    """Rows as JSON has them, sorted where the query does not say how."""
    text = query.sql()
    found = connection.execute(text).fetchall()
    rows = [[float(cell) if hasattr(cell, "as_tuple") else cell for cell in row] for row in found]
    return rows if query.order else sorted(rows, key=repr)


@contextmanager
def _shown(tables: Tables) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = door.calculator()
    for name, rows in tables.rows.items():
        arrays = {column: pa.array([row[column] for row in rows], pa.string()) for column in rows[0]}
        connection.register(name, pa.table(arrays))
    try:
        yield connection
    finally:
        for name in tables.rows:
            connection.unregister(name)


def run(files: Mapping[str, bytes], sql: str, *, limits: Limits = LIMITS) -> list[list[Any]]:
    """Rows of one SELECT over the CSV files of an instance, in the sandbox. Raises Retry when it is refused or fails."""
    with tempfile.TemporaryDirectory(prefix="tilth-sqlqa-") as name:
        folder = Path(name)
        for file, body in files.items():
            if file.endswith(".csv"):
                (folder / file).write_bytes(body)
        return [list(row) for row in ask_folder(folder, sql, limits)["rows"]]
