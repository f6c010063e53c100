"""Values that contradict other values: of another file, of the same row, or of rows with the same key."""

from __future__ import annotations

from ..bases.events import LOW_BATTERY
from ..data import Data, Planting, Table
from ..plant import Locus, family
from .sql import decimal, found, hundredths, keys_where


def _orphans(table: Table, data: Data) -> list[Locus]:
    if table.name != "orders":
        return []
    return [found(table, keys_where(table, "customer_id not in (select customer_id from customers)"))]


@family("reference", "cross-table", severity=3, repair="drop", detect=_orphans)
def orphan_key(planting: Planting) -> Locus | None:
    if planting.data.base != "shop":
        return None
    orders, customers = planting.data.table("orders"), planting.data.table("customers")
    known = {row["customer_id"] for row in customers.rows}
    rows = planting.rows(orders)
    for row in rows:
        while row["customer_id"] in known:
            row["customer_id"] = f"C{planting.draw.between(10_000, 99_999)}"
    return _orphans(orders, planting.data)[0] if rows else None


def _odd_ones(table: Table, data: Data) -> list[Locus]:
    if not table.role("key"):
        return []
    key, told = table.role("key")
    usual = f"select {key}, mode({told}) as usual from {table.name} where trim({key}) <> '' group by 1"
    return [
        found(
            table,
            f"select row_key from {table.name} join ({usual}) using ({key}) where {told} <> usual and trim({told}) <> ''",
        )
    ]


@family("reference", detect=_odd_ones)
def broken_dependency(planting: Planting) -> Locus | None:
    """A city in another country, a device at another site: what one column says, the other denies."""
    table = planting.table("key")
    if table is None:
        return None
    key, told = table.role("key")
    counts: dict[str, int] = {}
    for row in table.rows:
        counts[row[key]] = counts.get(row[key], 0) + 1
    values = sorted({row[told] for row in table.rows})
    rows = planting.rows(table, lambda row: counts[row[key]] >= 5, most=len(table.rows) // 30)
    hit: set[str] = set()
    for row in rows:
        if row[key] not in hit:  # one row of a key at most, so that the others outvote it
            hit.add(row[key])
            row[told] = planting.draw.pick([value for value in values if value != row[told]])
    return _odd_ones(table, planting.data)[0] if rows else None


def _totals(table: Table, data: Data) -> list[Locus]:
    if table.name != "orders":
        return []
    product = "try_cast(quantity as decimal(18, 4)) * try_cast(unit_price as decimal(18, 4))"
    return [found(table, keys_where(table, f"abs({product} - try_cast(total as decimal(18, 2))) > 0.005"))]


@family("reference", "cell", detect=_totals)
def wrong_total(planting: Planting) -> Locus | None:
    if planting.data.base != "shop":
        return None
    orders = planting.data.table("orders")
    rows = planting.rows(orders)
    for row in rows:
        off = (planting.draw.between(500, 9_000), planting.draw.between(100, 900), planting.draw.between(2, 40))
        row["total"] = decimal(hundredths(row["total"]) + off[planting.stealth - 1])
    return _totals(orders, planting.data)[0] if rows else None


def _before(table: Table, data: Data) -> list[Locus]:
    if table.name != "orders":
        return []
    return [found(table, keys_where(table, "try_cast(shipped_on as date) < try_cast(ordered_on as date)"))]


@family("reference", detect=_before)
def date_order(planting: Planting) -> Locus | None:
    """Shipped before it was ordered."""
    if planting.data.base != "shop":
        return None
    orders = planting.data.table("orders")
    rows = planting.rows(orders, lambda row: row["shipped_on"][:2] == "20")
    for row in rows:
        row["ordered_on"], row["shipped_on"] = row["shipped_on"], row["ordered_on"]
    return _before(orders, planting.data)[0] if rows else None


def _states(table: Table, data: Data) -> list[Locus]:
    if table.name != "readings":
        return []
    low = f"try_cast(battery_v as double) < {LOW_BATTERY / 100}"
    return [found(table, keys_where(table, f"({low}) <> (status = 'low_battery')"))]


@family("reference", tier="judgement", detect=_states)
def state_contradiction(planting: Planting) -> Locus | None:
    """A status that the battery denies."""
    if planting.data.base != "events":
        return None
    table = planting.data.table("readings")
    rows = planting.rows(table)
    for row in rows:
        row["status"] = "ok" if row["status"] == "low_battery" else "low_battery"
    return _states(table, planting.data)[0] if rows else None
