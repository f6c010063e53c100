"""Pieces of SQL and of cells that several families share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ...planted.draw import Draw
from ..data import Data, Planting, Row, Table
from ..plant import Locus

_NUMBER: Final = re.compile(r"\d+\.\d\d")


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def among(values: Iterable[str]) -> str:
    return "(" + ", ".join(literal(value) for value in sorted(values)) + ")"


def keys_where(table: Table, condition: str) -> str:
    return f"select row_key from {table.name} where {condition}"


def cells(table: Table, rows: Iterable[Row], column: str, condition: str) -> Locus:
    """A locus of cells of one column; `condition` is true of exactly these rows."""
    return Locus(table.file, keys_where(table, condition), tuple(row["row_key"] for row in rows), column)


def records(table: Table, rows: Iterable[Row], condition: str) -> Locus:
    """A locus of whole rows."""
    return Locus(table.file, keys_where(table, condition), tuple(row["row_key"] for row in rows))


def found(table: Table, query: str) -> Locus:
    """A locus that is whatever a query finds."""
    return Locus(table.file, query)


def identity(table: Table) -> str:
    """What makes two records the same, as one SQL text."""
    return "concat_ws(' ', " + ", ".join(table.role("identity")) + ")"


def bag(table: Table) -> str:
    """The words of a record without case, order, punctuation and fillers."""
    plain = rf"regexp_replace(lower({identity(table)}), '\b(just|really|indeed)\b', '', 'g')"
    return rf"list_sort(regexp_extract_all({plain}, '[\pL\d]+'))"


def is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def hundredths(cell: str) -> int:
    """`12.34` as 1234, without floats on the way."""
    whole, _, part = cell.partition(".")
    return int(whole) * 100 + int(part)


def decimal(value: int) -> str:
    return f"{value // 100}.{value % 100:02d}"


def new_id(draw: Draw, table: Table) -> str:
    """An id like the others of the table, and like none of them."""
    column = table.role("id")[0]
    known = {row[column] for row in table.rows}
    letter = table.rows[0][column][0]
    while (made := f"{letter}{draw.between(10_000, 99_999)}") in known:
        pass
    return made


def spread(planting: Planting, table: Table, rows: Iterable[Row], **changes: str) -> list[Row]:
    """A copy of each row under a new id, with changes."""
    column = table.role("id")[0]
    copies = []
    for row in rows:
        copies.append(planting.data.add(table, {**row, column: new_id(planting.draw, table), **changes}))
    planting.take(copies)
    return copies


def week(data: Data, table: Table) -> str:
    """The number of the week, 0 first, as SQL."""
    start = data.facts["period"][:10]
    return f"datediff('day', date {literal(start)}, try_cast({table.role('date')[0]} as date)) // 7"
