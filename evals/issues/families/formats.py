"""Values in the wrong clothes: damaged letters, markup, dates in another style, invisible characters, broken JSON."""

from __future__ import annotations

from datetime import date

from ..data import Planting, Row, Table
from ..plant import Locus, family
from .sql import cells


def _text_column(planting: Planting, table: Table) -> str:
    """A column of text; one of short text where there is no other, or by chance."""
    long, short = table.role("text"), table.role("name")
    return planting.draw.pick(short) if not long or (short and planting.draw.chance(0.2)) else planting.draw.pick(long)


def misread(text: str) -> str:
    """The text as it looks when its UTF-8 is read as Windows-1252, or as Latin-1 where that has no such byte."""
    raw = text.encode("utf-8")
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


@family("format", "cell", repair="restore")
def mojibake(planting: Planting) -> Locus | None:
    table = planting.table("name") if planting.draw.chance(0.3) else planting.table("text")
    if table is None:
        return None
    column = _text_column(planting, table)
    rows = planting.rows(table, lambda row: not row[column].isascii())
    for row in rows:
        row[column] = misread(row[column])
    quoted = f"replace({column}, '\"Ã©\"', '')"  # a look-alike: an article that shows a damaged letter
    return cells(table, rows, column, f"regexp_matches({quoted}, 'Ã[^ ]')") if rows else None


TAGS = ("<p>{}</p>", '<div class="body">{}</div>', "<span>{}</span>&nbsp;<br/>", "{}<br/><br/>")


@family("format", "cell", repair="restore")
def html_residue(planting: Planting) -> Locus | None:
    table = planting.table("text")
    rows = planting.rows(table) if table else []
    if table is None or not rows:
        return None
    column = table.role("text")[0]
    for row in rows:
        if planting.stealth < 3:
            row[column] = planting.draw.pick(TAGS).format(row[column])
        else:
            before, _, after = row[column].partition(" ")
            row[column] = f"{before}&nbsp;{after}"
    return cells(table, rows, column, f"regexp_matches({column}, '<(p|div|span|br/)[ >]?|&nbsp;')")


def _otherwise(cell: str, style: int) -> str:
    day = date.fromisoformat(cell[:10])
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    styles = (
        f"{day.day:02d}/{day.month:02d}/{day.year}",
        f"{day.day} {months[day.month - 1]} {day.year}",
        f"{day.year}.{day.month:02d}.{day.day:02d}",
    )
    return styles[style - 1] + cell[10:]


@family("format", "cell")
def mixed_dates(planting: Planting) -> Locus | None:
    table = planting.table("date")
    if table is None:
        return None
    column = table.role("date")[0]
    rows = planting.rows(table)
    for row in rows:
        row[column] = _otherwise(row[column], planting.stealth)
    shown = f"trim({column}) <> '' and not regexp_matches({column}, '^\\d{{4}}-\\d\\d-\\d\\d')"
    return cells(table, rows, column, shown) if rows else None


@family("format", "cell", severity=1, repair="restore")
def zero_width(planting: Planting) -> Locus | None:
    table = planting.table("name")
    if table is None:
        return None
    column = _text_column(planting, table)
    rows = planting.rows(table, lambda row: len(row[column]) > 3)
    for row in rows:
        at = planting.draw.between(1, 2)
        row[column] = row[column][:at] + "\u200b" + row[column][at:]
    return cells(table, rows, column, f"contains({column}, chr(8203))") if rows else None


def _broken(planting: Planting, row: Row, column: str) -> str:
    cell = row[column]
    return (cell[: len(cell) // 2], cell.replace('"', "'"), cell[:-1])[planting.stealth - 1]


@family("format", "cell", severity=3, repair="restore")
def invalid_json(planting: Planting) -> Locus | None:
    table = planting.table("json")
    rows = planting.rows(table) if table else []
    if table is None or not rows:
        return None
    column = table.role("json")[0]
    for row in rows:
        row[column] = _broken(planting, row, column)
    return cells(table, rows, column, f"not json_valid({column})")
