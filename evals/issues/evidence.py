"""Queries over the tables of an instance: what a defect shows. It knows SQL results, no families.

All cells are text; the card is the table `card(field, value)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa

from ...tools.store import door
from .card import CARD, parsed
from .data import KEY, Row, Table
from .files import read


class Shown:
    """Runs evidence over registered tables."""

    def __init__(self, names: Sequence[str]) -> None:
        self._connection = door.calculator()
        self.names = names

    def by(self, query: str) -> frozenset[str]:
        """The first column of a query's result: row keys, a column's name or a card's field."""
        return frozenset(str(row[0]) for row in self._connection.execute(query).fetchall())


@contextmanager
def shown(tables: Sequence[Table], card: Mapping[str, str]) -> Iterator[Shown]:
    """For the time of the block, queries see these tables and this card."""
    connection = door.calculator()
    made = {table.name: _arrow((KEY, *table.columns), table.rows) for table in tables}
    made["card"] = pa.table({"field": pa.array(card, pa.string()), "value": pa.array(card.values(), pa.string())})
    for name, table in made.items():
        connection.register(name, table)
    try:
        yield Shown(tuple(made))
    finally:
        for name in made:
            connection.unregister(name)


@contextmanager
def shown_in_files(files: Mapping[str, bytes]) -> Iterator[Shown]:
    """The same over the files an agent is given."""
    tables = []
    for name, content in files.items():
        if name != CARD:
            rows = read(name, content)
            tables.append(Table(name, [column for column in rows[0] if column != KEY], rows, {}))
    with shown(tables, parsed(files[CARD])) as queries:
        yield queries


def _arrow(columns: Sequence[str], rows: Sequence[Row]) -> pa.Table:
    return pa.table({column: pa.array([row[column] for row in rows], pa.string()) for column in columns})
