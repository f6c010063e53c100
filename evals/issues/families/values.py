"""Values that are there and wrong: other units, off the scale, in the wrong column, frozen or rounded away."""

from __future__ import annotations

from collections import defaultdict

from ..bases.words import CRAFTS
from ..data import KEY, Planting, Row
from ..plant import Locus, family
from .sql import among, cells, decimal, hundredths, is_number, records

FACTORS = {"weight_kg": (1000, 1, 100), "pressure_kpa": (1000, 1, 9_600), "minutes": (60, 1, 200)}
"""Of a column: what it is multiplied by and divided by in the wrong unit, and the least hundredths for that to show."""


@family("value", "cell", severity=3, clash="scale")
def unit_shift(planting: Planting) -> Locus | None:
    """Grams for kilograms, pascals for kilopascals, seconds for minutes, Fahrenheit for Celsius."""
    table = planting.table("number")
    if table is None:
        return None
    column = planting.column(table, "number")
    least = FACTORS[column][2] if column in FACTORS else 1_600
    rows = planting.rows(table, lambda row: is_number(row[column]) and hundredths(row[column]) >= least)
    for row in rows:
        value = hundredths(row[column])
        times, over, _ = FACTORS.get(column, (9, 5, 0))
        row[column] = decimal(value * times // over + (0 if column in FACTORS else 3_200))
    return cells(table, rows, column, f"try_cast({column} as double) > {table.bounds[column][1]}") if rows else None


@family("value", "cell", severity=3, clash="scale")
def outlier(planting: Planting) -> Locus | None:
    table = planting.table("number")
    if table is None:
        return None
    column = planting.column(table, "number")
    most = table.bounds[column][1]
    rows = planting.rows(
        table, lambda row: is_number(row[column]) and hundredths(row[column]) > most * 25, most=len(table.rows) // 50
    )
    for row in rows:
        row[column] = decimal(hundredths(row[column]) * (300, 40, 12)[planting.stealth - 1])
    return cells(table, rows, column, f"try_cast({column} as double) > {most * 1.5}") if rows else None


@family("value", "cell")
def decimal_comma(planting: Planting) -> Locus | None:
    table = planting.table("number")
    if table is None:
        return None
    column = planting.column(table, "number")
    rows = planting.rows(table, lambda row: is_number(row[column]))
    for row in rows:
        row[column] = row[column].replace(".", ",")
    return cells(table, rows, column, f"contains({column}, ',')") if rows else None


SWAPS = {
    "orders": ("quantity", "unit_price", "contains(quantity, '.')"),
    "readings": (
        "temperature_c",
        "pressure_kpa",
        "try_cast(temperature_c as double) > try_cast(pressure_kpa as double)",
    ),
    "tickets": ("desk", "annotator", "starts_with(desk, 'ann_')"),
    "documents": ("title", "author", f"regexp_matches(lower(author), '{'|'.join(CRAFTS)}')"),
}


@family("value", severity=3, clash="scale")
def swapped_columns(planting: Planting) -> Locus | None:
    tables = [table for table in planting.data.tables if table.name in SWAPS]
    if not tables:
        return None
    first, second, shown = SWAPS[tables[0].name]
    rows = planting.rows(tables[0])
    for row in rows:
        row[first], row[second] = row[second], row[first]
    return records(tables[0], rows, shown) if rows else None


@family("value", severity=2, tier="judgement")
def stale_run(planting: Planting) -> Locus | None:
    """A sensor that repeats itself for at least six readings in a row."""
    if planting.data.base != "events":
        return None
    table = planting.data.table("readings")
    by_device: defaultdict[str, list[Row]] = defaultdict(list)
    for row in sorted(table.rows, key=lambda row: (row["recorded_at"], int(row[KEY]))):
        by_device[row["device_id"]].append(row)
    length = max(6, min(14, round(planting.dose * len(table.rows))))
    for device in planting.draw.shuffled(sorted(by_device)):
        history = by_device[device]
        for start in planting.draw.shuffled(range(max(0, len(history) - length + 1))):
            run = history[start : start + length]
            if not any(row[KEY] in planting.data.taken for row in run):
                planting.take(run)
                for row in run:
                    row.update(temperature_c=run[0]["temperature_c"], pressure_kpa=run[0]["pressure_kpa"])
                same = "partition by device_id, temperature_c, pressure_kpa"
                query = f"select row_key from readings qualify count(*) over ({same}) >= 6"
                return Locus(table.file, query, tuple(row[KEY] for row in run))
    return None


@family("value", "cell", severity=1, clash="scale", repair="restore")
def rounded_values(planting: Planting) -> Locus | None:
    """Decimals that were cut off."""
    table = planting.table("number")
    if table is None:
        return None
    column = planting.column(table, "number")
    rows = planting.rows(table, lambda row: is_number(row[column]), least=3)
    for row in rows:
        row[column] = row[column].partition(".")[0] + (".00" if planting.stealth == 3 else "")
    shown = f"regexp_matches({column}, '^\\d+(\\.00)?$') and {column} not in {among(['0.00'])}"
    return cells(table, rows, column, shown) if rows else None
