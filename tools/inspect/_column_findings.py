"""What is wrong with the columns of a table, or worth knowing: one finding for each kind of trouble.

It knows readings of columns and dependencies between them. It measures nothing and names no row it was not
shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from ..change import Finding
from . import _sql as sql
from ._measured import Measured
from .measures.columns import LONG, Table, shown
from .measures.dependencies import MOST_COLUMNS, Dependency, correlated, dependencies, flagged, keys
from .measures.values import Reading

NEAR_CONSTANT: Final = 0.99
MANY_MISSING: Final = 0.05
FEWEST_ROWS: Final = 20
"""A column of fewer rows is not called constant or identifying."""


class Relations:
    """Keys, dependencies and correlations among the columns of a table, over its sampled rows."""

    def __init__(self, measured: Measured, readings: Mapping[str, Reading]) -> None:
        table = measured.table
        usable = [name for name, reading in readings.items() if reading.kind not in ("empty", "nested", "text")]
        self.left_out = usable[MOST_COLUMNS:]
        names = usable[:MOST_COLUMNS] if measured.mapping.format == "table" else []
        codes = table.codes(names)
        self.examined = len(table.sample.items)
        self.positions = np.array(table.sample.positions, np.int64)
        self.keys = keys(codes) if table.sample.whole else []
        self.dependencies = dependencies(codes)
        self.correlated = correlated(table.numbers(name for name in names if readings[name].quantiles))

    def strongest(self) -> dict[str, Dependency]:
        """For each column that another one decides: the dependency that is broken least."""
        best: dict[str, Dependency] = {}
        for one in self.dependencies:
            if one.right not in best or one.confidence > best[one.right].confidence:
                best[one.right] = one
        return best

    def broken(self) -> dict[str, np.ndarray]:
        """For each such column: positions of the rows that some dependency names."""
        return {name: self.positions[rows] for name, rows in flagged(self.dependencies).items() if len(rows)}


def column_findings(measured: Measured, readings: Mapping[str, Reading], relations: Relations) -> list[Finding]:
    """All findings about columns; empty for versions without rows."""
    if not measured.rows:
        return []
    if measured.mapping.format == "table":
        parts: Sequence[Callable[[Table, Mapping[str, Reading]], Iterator[Finding]]] = (
            _missing, _constant, _identifying, _odd, _mixed_formats, _placeholders, _untidy,
        )  # fmt: skip
    else:
        parts = (_constant,)
    found = [finding for part in parts for finding in part(measured.table, readings)]
    return [*found, *_broken(relations)]


def _named(counts: Mapping[str, int], *, limit: int = 3) -> str:
    """Columns with their counts, the largest first."""
    order = sorted(counts, key=lambda name: (-counts[name], name))
    told = ", ".join(f"{name} {counts[name]:,}" for name in order[:limit])
    return told + (f" and {len(order) - limit} more columns" if len(order) > limit else "")


def _listed(names: Sequence[str], *, limit: int = 5) -> str:
    told = ", ".join(names[:limit])
    return told + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _missing(table: Table, readings: Mapping[str, Reading]) -> Iterator[Finding]:
    counts = {
        name: column.missing
        for name, column in table.columns.items()
        if 0 < column.missing < table.rows and column.missing >= MANY_MISSING * table.rows
    }
    if counts:
        query = sql.summed([sql.missing_values(name) for name in counts])
        message = f"Values are missing: {_named(counts)}."
        yield Finding("columns.missing", "note", message, sum(counts.values()), unit="values", sql=query)


def _constant(table: Table, readings: Mapping[str, Reading]) -> Iterator[Finding]:
    if table.rows < FEWEST_ROWS:
        return
    empty = [name for name, column in table.columns.items() if readings[name].kind == "empty"]
    if empty:
        yield Finding("columns.empty", "note", f"Columns hold nothing: {_listed(empty)}.", len(empty), unit="columns")
    constant, nearly = [], []
    for name, column in table.columns.items():
        if name in empty or readings[name].kind == "nested" or column.filled < FEWEST_ROWS:
            continue
        top = max((count for _, count in (*column.texts.top(1), *column.scalars.top(1))), default=0)
        if column.texts.distinct + column.scalars.distinct == 1 and not column.missing:
            constant.append(name)
        elif top >= NEAR_CONSTANT * table.rows:
            nearly.append(name)
    if constant:
        message = f"Columns hold one value only: {_listed(constant)}."
        yield Finding("columns.constant", "note", message, len(constant), unit="columns")
    if nearly:
        message = f"Columns hold one value in 99 % of the rows or more: {_listed(nearly)}."
        yield Finding("columns.near_constant", "note", message, len(nearly), unit="columns")


def identifying(table: Table, name: str, reading: Reading) -> bool:
    """Whether a column names rows: codes or whole numbers, different in every row."""
    column = table.columns[name]
    if table.rows < FEWEST_ROWS or column.missing or not (column.texts.exact and column.scalars.exact):
        return False
    whole = reading.kind == "number" and all(float(edge).is_integer() for edge in reading.quantiles.values())
    distinct = column.texts.distinct + column.scalars.distinct
    return (whole or reading.kind == "code") and distinct == table.rows and not reading.odd


def _identifying(table: Table, readings: Mapping[str, Reading]) -> Iterator[Finding]:
    found = [name for name, reading in readings.items() if identifying(table, name, reading)]
    if found:
        message = f"Columns name each row, so a model could learn rows by heart: {_listed(found)}."
        yield Finding("columns.identifier", "note", message, len(found), unit="columns")


def _odd(table: Table, readings: Mapping[str, Reading]) -> Iterator[Finding]:
    counts: dict[str, int] = {}
    rows: list[int] = []
    for name, reading in readings.items():
        if reading.odd:
            counts[name] = sum(reading.odd.values())
            rows += table.positions(name, reading.odd)
    if counts:
        odd = {name: next(iter(readings[name].odd)) for name in counts}
        first = max(counts, key=lambda name: counts[name])
        what = f"{_named(counts)}; e.g. “{shown(odd[first])}” in {first}"
        message = f"Values do not fit the numbers or dates of their column: {what}."
        query = sql.summed([sql.values_unlike(name, readings[name].pattern) for name in counts])
        exact = all(readings[name].pattern and table.columns[name].texts.exact for name in counts)
        yield Finding(
            "columns.mixed_types",
            "warning",
            message,
            sum(counts.values()),
            unit="values",
            rows=tuple(sorted(set(rows))[:5]),
            sql=query if exact else "",
        )


def _mixed_formats(table: Table, readings: Mapping[str, Reading]) -> Iterator[Finding]:
    for kind, what in (("date", "dates"), ("quantity", "units")):
        mixed = {
            name: reading.formats
            for name, reading in readings.items()
            if reading.kind == kind and len(reading.formats) > 1
        }
        for name, formats in mixed.items():
            told = ", ".join(f"{form} {count:,}" for form, count in list(formats.items())[:4])
            minor = sum(formats.values()) - max(formats.values())
            yield Finding(f"columns.mixed_{what}", "warning", f"{name} mixes {what}: {told}.", minor, unit="values")


def _placeholders(table: Table, readings: Mapping[str, Reading]) -> Iterator[Finding]:
    found = {name: reading.placeholders for name, reading in readings.items() if reading.placeholders}
    if found:
        counts = {name: sum(values.values()) for name, values in found.items()}
        words = sorted({word.strip() for values in found.values() for word in values})
        message = f"Words stand for a missing value ({_listed(words)}): {_named(counts)}."
        query = sql.summed([sql.values_among(name, values) for name, values in found.items()])
        yield Finding("columns.placeholders", "note", message, sum(counts.values()), unit="values", sql=query)


def _untidy(table: Table, readings: Mapping[str, Reading]) -> Iterator[Finding]:
    variants = {name: sum(reading.variants.values()) for name, reading in readings.items() if reading.variants}
    if variants:
        first = max(variants, key=lambda name: variants[name])
        example = shown(next(iter(readings[first].variants)))
        message = f"Categories are spelled in several ways (case, spaces): {_named(variants)}; e.g. “{example}”."
        spelled = {name: [text for text in readings[name].variants if len(text) <= LONG] for name in variants}
        query = sql.summed([sql.values_among(name, texts) for name, texts in spelled.items() if texts])
        yield Finding("columns.variants", "warning", message, sum(variants.values()), unit="values", sql=query)
    padded = {name: reading.padded for name, reading in readings.items() if reading.padded}
    if padded:
        message = f"Values begin or end with spaces: {_named(padded)}."
        query = sql.summed([sql.padded_values(name) for name in padded])
        yield Finding("columns.padded", "note", message, sum(padded.values()), unit="values", sql=query)


def _broken(relations: Relations) -> Iterator[Finding]:
    broken = relations.broken()
    if not broken:
        return
    counts = {name: len(rows) for name, rows in broken.items()}  # a value may contradict several columns
    message = f"Values contradict what other columns say elsewhere: {_named(counts)}."
    rows = np.unique(np.concatenate(list(broken.values())))[:5]
    yield Finding("columns.dependency", "warning", message, sum(counts.values()), unit="values",
                  rows=tuple(rows.tolist()))  # fmt: skip
