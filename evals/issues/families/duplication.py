"""Records that are there more than once, and ids that are."""

from __future__ import annotations

from ..data import Data, Planting, Row, Table
from ..plant import Locus, family
from .sql import bag, found, identity, records, spread


def same_records(table: Table, data: Data) -> list[Locus]:
    same = identity(table)
    return [
        found(
            table,
            f"select row_key from {table.name} where length(trim({same})) > 3 "
            f"qualify count(*) over (partition by {same}) > 1",
        )
    ]


def similar_records(table: Table, data: Data) -> list[Locus]:
    if not table.role("text"):
        return []
    same = identity(table)
    return [
        found(
            table,
            f"select row_key from {table.name} where length(trim({same})) > 3 window words as (partition by {bag(table)}) "
            f"qualify min({same}) over words <> max({same}) over words",
        )
    ]


@family("duplication", repair="drop", detect=same_records)
def exact_duplicate(planting: Planting) -> Locus | None:
    table = planting.table("identity", "id")
    rows = planting.rows(table) if table else []
    if table is None or not rows:
        return None
    spread(planting, table, rows)
    return same_records(table, planting.data)[0]


def reworded(planting: Planting, text: str) -> str:
    """The same words: in another case, spaced otherwise, or with a filler and the sentences in another order."""
    if planting.stealth == 1:
        return text.lower() if text != text.lower() else text.upper()
    if planting.stealth == 2:
        return text.replace(", ", " , ").replace(" a ", "  a ").replace(" the ", "  the ") + " "
    first, stop, rest = text.partition(". ")
    turned = f"{rest.rstrip()} {first}." if stop else text
    filler = planting.draw.pick(("just", "really", "indeed"))
    before, blank, after = turned.partition(" ")
    return f"{before} {filler}{blank}{after}" if "\n" not in text else f"{text} "


@family("duplication", repair="drop", detect=similar_records)
def near_duplicate(planting: Planting) -> Locus | None:
    table = planting.table("identity", "text")
    rows = planting.rows(table) if table else []
    if table is None or not rows:
        return None
    column = table.role("text")[0]
    for copy in spread(planting, table, rows):
        copy[column] = reworded(planting, copy[column])
    return similar_records(table, planting.data)[0]


def _one_id_two_records(table: Table, data: Data) -> list[Locus]:
    if table.name == "customers":
        return []
    column, same = table.role("id")[0], identity(table)
    return [
        found(
            table,
            f"select row_key from {table.name} window ids as (partition by {column}) "
            f"qualify min({same}) over ids <> max({same}) over ids",
        )
    ]


@family("duplication", severity=3, detect=_one_id_two_records)
def id_collision(planting: Planting) -> Locus | None:
    tables = [table for table in planting.data.with_role("id", "identity") if table.name != "customers"]
    table = planting.draw.pick(tables)
    rows = planting.rows(table, least=2)
    if not rows:
        return None
    column, half = table.role("id")[0], len(rows) // 2
    for one, other in zip(rows[:half], rows[half:], strict=False):
        other[column] = one[column]
    return _one_id_two_records(table, planting.data)[0]


@family("duplication", severity=3, repair="drop")
def fan_out(planting: Planting) -> Locus | None:
    """A join that met two partners: the same record again under the same id, one attribute aside."""
    varied = {"orders": "channel", "tickets": "annotator", "preferences": "annotator"}
    tables = [table for table in planting.data.tables if table.name in varied]
    if not tables:
        return None
    table = tables[0]
    column, same, other = table.role("id")[0], identity(table), varied[table.name]
    rows = planting.rows(table)
    values = sorted({row[other] for row in table.rows})
    copies: list[Row] = []
    for row in rows:
        value = planting.draw.pick([value for value in values if value != row[other]])
        copies.append(planting.data.add(table, {**row, other: value}))
    planting.take(copies)
    ids = f"select {column} from {table.name} group by 1 having count(*) > 1 and min({same}) = max({same})"
    return records(table, [*rows, *copies], f"{column} in ({ids})") if rows else None
