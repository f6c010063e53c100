"""Values that are not there: empty, blank, or a stand-in that looks like a value."""

from __future__ import annotations

from ..data import Planting, Table
from ..plant import Locus, family
from .sql import cells, literal


def _column(planting: Planting, table: Table) -> str | None:
    """A required column that no other column's value hangs on."""
    keys = table.role("key")[:1]
    free = [column for column in table.role("required") if column not in keys]
    return planting.draw.pick(free) if free else None


@family("missing", "cell")
def missing_value(planting: Planting) -> Locus | None:
    table = planting.table("required")
    column = _column(planting, table) if table else None
    rows = planting.rows(table) if table else []
    if table is None or column is None or not rows:
        return None
    for row in rows:
        row[column] = ""
    return cells(table, rows, column, f"{column} = ''")


@family("missing", "cell")
def blank_value(planting: Planting) -> Locus | None:
    table = planting.table("required")
    column = _column(planting, table) if table else None
    rows = planting.rows(table) if table else []
    if table is None or column is None or not rows:
        return None
    for row in rows:
        row[column] = planting.draw.pick((" ", "  ", "\t"))
    return cells(table, rows, column, f"{column} <> '' and trim({column}, ' \t') = ''")


STAND_INS = {
    "number": ("-999.00", "-1.00"),
    "date": ("1970-01-01", "1900-01-01"),
    "other": ("N/A", "unknown", "NULL", "TBD"),
}


@family("missing", "cell")
def sentinel(planting: Planting) -> Locus | None:
    table = planting.table("required")
    column = _column(planting, table) if table else None
    if table is None or column is None:
        return None
    if planting.draw.chance(0.3) and table.role("date"):
        column = table.role("date")[0]
    is_date = table.rows[0][column][:2] == "20" and table.rows[0][column][4:5] == "-"
    kind = "number" if column in table.role("number") else "date" if is_date else "other"
    value = planting.draw.pick(STAND_INS[kind])
    rows = planting.rows(table, least=2)
    for row in rows:
        row[column] = value
    return cells(table, rows, column, f"{column} = {literal(value)}") if rows else None
