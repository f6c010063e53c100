"""Where in a record texts lie that may hold personal data, and how a record is told with them replaced.

It knows records, their pieces and JSON inside strings (the arguments of a tool call). It does not know what is
looked for in a text.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

from ...store.format import records
from ...store.format.mapping import Mapping as RecordMapping
from ...store.format.records import Path
from ...store.format.texts import plain_values
from ...store.rows import Batch, Rows
from . import Kind, may_hold


class Place(NamedTuple):
    """One text of a record: the value at `path`, or what lies at `inner` within the JSON written at `path`."""

    path: Path
    inner: Path
    text: str


def suspects(data: Rows, kinds: Collection[Kind], region: str | None) -> Iterator[tuple[Batch, list[tuple[int, Any]]]]:
    """Every batch with (position, record) of its rows that may hold such a value; the others are not even parsed."""
    for batch in data.batches():
        column = batch.column("record")
        if pa.types.is_struct(column.type):
            found = list(enumerate(plain_values(column), batch.start))
        else:
            found = [
                (position, json.loads(text))
                for position, text in enumerate(column.to_pylist(), batch.start)
                if may_hold(text, kinds, region) or "\\u00" in text or "\\/" in text
            ]
        yield batch, found


def places(record: Any, mapping: RecordMapping, field: str) -> list[Place]:
    """The texts of a field in reading order; arguments and schemas of tools value by value.

    Names of members are no text. Whole numbers count as their digits where a piece of the field is or holds one, in
    JSON records: a typed column could not take a placeholder.
    """
    with_numbers = mapping.kind == "json"
    found: dict[tuple[Path, Path], Place] = {}
    for piece in mapping.pieces(record, field):
        value = records.value_at(record, piece.path)
        if type(value) is str and piece.kind in ("tool_call", "tool_schema"):
            told = _within_json(value, piece.path)
        else:
            told = (Place(path, (), text) for path, text in _texts(value, piece.path, with_numbers))
        for place in told:
            found.setdefault((place.path, place.inner), place)
    return list(found.values())


def _within_json(text: str, path: Path) -> Iterator[Place]:
    try:
        value = records.parse(text)
    except records.RecordError:
        value = None
    if type(value) not in (dict, list):
        yield Place(path, (), text)
        return
    for inner, leaf in _texts(value, (), with_numbers=True):
        yield Place(path, inner, leaf)


def _texts(value: Any, path: Path, with_numbers: bool) -> Iterator[tuple[Path, str]]:
    if type(value) is str:
        yield path, value
    elif type(value) is int and with_numbers:
        yield path, str(value)
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from _texts(child, (*path, key), with_numbers)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _texts(child, (*path, index), with_numbers)


def replaced(record: Any, new: Iterable[tuple[Place, str]]) -> dict[Path, str]:
    """The new value at each path of the record, once the texts at some places have become others."""
    values: dict[Path, str] = {}
    within: dict[Path, list[tuple[Path, str]]] = {}
    for place, text in new:
        if place.inner:
            within.setdefault(place.path, []).append((place.inner, text))
        else:
            values[place.path] = text
    for path, changes in within.items():
        values[path] = records.edit(records.value_at(record, path), changes)
    return values
