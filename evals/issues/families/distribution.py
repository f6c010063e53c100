"""Defects no single row shows: a source that falls silent, readings that drift, a group with one label only."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from ..data import KEY, Planting, Row, Table
from ..plant import Locus, family
from .sql import cells, decimal, hundredths, is_number, literal, week


def _group(planting: Planting, table: Table, least: int) -> tuple[str, int, list[Row]] | None:
    """All rows of one source in one week, none of them anybody's yet; the smallest of a few, as the dose is small."""
    source, day = table.role("source")[0], table.role("date")[0]
    start = date.fromisoformat(planting.data.facts["period"][:10])
    groups: defaultdict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in table.rows:
        if row[day][:2] == "20" and row[day][4:5] == "-":
            groups[row[source], (date.fromisoformat(row[day][:10]) - start).days // 7].append(row)
    whole = [
        (*where, rows)
        for where, rows in sorted(groups.items())
        if len(rows) >= least and not any(row[KEY] in planting.data.taken for row in rows)
    ]
    return min(planting.draw.some(whole, 3), key=lambda one: (len(one[2]), one[:2])) if whole else None


@family("distribution", "table", tier="judgement", repair="document")
def silent_source(planting: Planting) -> Locus | None:
    """A source without a row for one week."""
    table = planting.table("source", "date")
    chosen = _group(planting, table, 3) if table else None
    if table is None or chosen is None:
        return None
    value, number, rows = chosen
    gone = {row[KEY] for row in rows}
    table.rows[:] = [row for row in table.rows if row[KEY] not in gone]
    source = table.role("source")[0]
    present = (
        f"select 1 from {table.name} where {source} = {literal(value)} and {week(planting.data, table)} = {number}"
    )
    return Locus(table.file, f"select '{source}' where not exists ({present})", column=source)


@family("distribution", "cell", tier="judgement", clash="scale")
def drift(planting: Planting) -> Locus | None:
    """All readings of one source are too high for a week."""
    table = planting.table("source", "date", "number")
    chosen = _group(planting, table, 5) if table else None
    if table is None or chosen is None:
        return None
    column = planting.column(table, "number")
    low, high = table.bounds[column]
    _, _, rows = chosen
    if not all(is_number(row[column]) for row in rows):
        return None
    planting.take(rows)
    by = round((high - low) * (90, 75, 65)[planting.stealth - 1])
    for row in rows:
        row[column] = decimal(hundredths(row[column]) + by)
    source, when = table.role("source")[0], week(planting.data, table)
    groups = (
        f"select {source}, {when} from {table.name} group by all having count(*) >= 5 "
        f"and avg(try_cast({column} as double)) > {low + (high - low) * 0.85:.4f}"
    )
    return cells(table, rows, column, f"({source}, {when}) in ({groups})")


@family("distribution", "cell", tier="judgement", severity=3, repair="relabel", clash="label")
def class_collapse(planting: Planting) -> Locus | None:
    """For one week everything from one source bears the same label."""
    table = planting.table("label", "source")
    chosen = _group(planting, table, 5) if table else None
    if table is None or chosen is None:
        return None
    _, _, rows = chosen
    planting.take(rows)
    label = planting.draw.pick(sorted({row["label"] for row in rows}))
    for row in rows:
        row["label"] = label
    source, when = table.role("source")[0], week(planting.data, table)
    groups = (
        f"select {source}, {when} from {table.name} group by all having count(*) >= 5 and count(distinct label) = 1"
    )
    return cells(table, rows, "label", f"({source}, {when}) in ({groups})")
