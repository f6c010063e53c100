"""What the data card says and the data deny. These are planted last: they speak of the finished tables."""

from __future__ import annotations

from datetime import date, timedelta

from ..card import CARD, fields
from ..data import Planting
from ..plant import Locus, family
from .sql import literal


def _said(planting: Planting, field: str, value: str | None, shown: str) -> Locus:
    """The card's field says `value` (None: the line is missing); `shown` is true of (field, value) then."""
    planting.data.said[field] = value
    return Locus(CARD, f"select field from card where field = {literal(field)} and {shown}", field=field)


@family("documentation", "doc", repair="document", clash="rows")
def card_rows(planting: Planting) -> Locus | None:
    table = planting.draw.pick(planting.data.tables)
    off = planting.draw.between(3, 40) * (100, 7, 1)[planting.stealth - 1]
    return _said(
        planting,
        f"rows of {table.file}",
        str(len(table.rows) + off),
        f"try_cast(value as bigint) <> (select count(*) from {table.name})",
    )


@family("documentation", "doc", repair="document")
def card_columns(planting: Planting) -> Locus | None:
    table = planting.draw.pick(planting.data.tables)
    field, extra = f"columns of {table.file}", planting.draw.pick(("region", "consent", "reviewed_by", "checksum"))
    columns = fields(planting.data)[field].split(", ")
    columns.insert(planting.draw.between(2, len(columns)), extra)
    return _said(planting, field, ", ".join(columns), f"list_contains(string_split(value, ', '), {literal(extra)})")


@family("documentation", "doc", tier="judgement", repair="document")
def card_period(planting: Planting) -> Locus | None:
    tables = planting.data.with_role("date", "source")
    if not tables:
        return None
    table, (start, _, end) = tables[0], planting.data.facts["period"].split(" ")
    by = planting.draw.pick((-1, 3)) * planting.draw.between(14, 20)
    stated = (date.fromisoformat(end) + timedelta(days=by)).isoformat()
    last = f"(select max(try_cast({table.role('date')[0]} as date)) from {table.name})"
    shown = f"abs(datediff('day', try_cast(right(value, 10) as date), {last})) > 9"
    return _said(planting, "period", f"{start} to {stated}", shown)


@family("documentation", "doc", repair="document")
def card_splits(planting: Planting) -> Locus | None:
    tables = planting.data.with_role("split")
    if not tables:
        return None
    train, test = (sum(row["split"] == split for row in tables[0].rows) for split in ("train", "test"))
    moved = planting.draw.between(10, 50)
    counts = " || ', ' || ".join(
        f"'{split} ' || (select count(*) from {tables[0].name} where split = '{split}')" for split in ("train", "test")
    )
    return _said(planting, "splits", f"train {train + moved}, test {test - moved // 2}", f"value <> {counts}")


@family("documentation", "doc", tier="judgement", repair="document")
def card_labels(planting: Planting) -> Locus | None:
    if "labels" not in planting.data.facts:
        return None
    labels = planting.data.facts["labels"].split(", ")
    gone = labels.pop(planting.draw.below(len(labels)))
    shown = (
        f"not list_contains(string_split(value, ', '), {literal(gone)}) and "
        f"(select count(*) from tickets where label = {literal(gone)}) > 5"
    )
    return _said(planting, "labels", ", ".join(labels), shown)


@family("documentation", "doc", repair="document")
def card_license(planting: Planting) -> Locus | None:
    planting.data.said["license"] = None
    query = "select 'license' where not exists (select 1 from card where field = 'license')"
    return Locus(CARD, query, field="license")


@family("documentation", "doc", repair="document")
def card_language(planting: Planting) -> Locus | None:
    if "language" not in planting.data.facts:
        return None
    table = planting.data.with_role("text")[0]
    english = f"(select avg((' ' || {table.role('text')[0]} like '% the %')::int) from {table.name}) > 0.2"
    return _said(
        planting, "language", planting.draw.pick(("German", "Dutch", "Italian")), f"value <> 'English' and {english}"
    )
