"""Text out of a column of records, for every text tool.

It knows record columns (JSON text or Arrow structs) and asks the mapping which parts of a record a field means. It
does not know versions or files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import pyarrow as pa

from .. import door
from .mapping import Mapping

TextReader: TypeAlias = Callable[[pa.Array], pa.LargeStringArray]


def text_reader(mapping: Mapping, field: str) -> TextReader:
    """A function from a batch of records to the text of one field of each; "" for a record without it.

    Where the field is made of whole string columns they are taken out by DuckDB (JSON) or as they lie (Arrow), several
    times faster than through parsed records; the result is the same.
    """
    columns = mapping.string_columns(field)
    if columns is not None and mapping.kind == "typed" and len(columns) == 1:
        return lambda records: _without_nulls(records.field(columns[0]))
    expression = text_expression(mapping, field)
    if expression is None:
        return lambda records: _parsed(records, mapping, field)
    return _extractor(expression)


def text_expression(mapping: Mapping, field: str) -> str | None:
    """SQL over `record` for the text of a field that is made of whole string columns; of others, None.

    DuckDB joins columns, since Arrow's binary_join_element_wise (26.0) leaves out rows of which every text is null.
    """
    columns = mapping.string_columns(field)
    if columns is None:
        return None
    member = "record.{}".format if mapping.kind == "typed" else "json_extract_string(record, {})".format
    name = door.identifier if mapping.kind == "typed" else door.json_pointer
    members = [member(name(column)) for column in columns]
    said = ", ".join(f"nullif({one}, '')" for one in members)
    return f"coalesce({members[0]}, '')" if len(members) == 1 else f"concat_ws(e'\\n\\n', {said})"


def _parsed(records: pa.Array, mapping: Mapping, field: str) -> pa.LargeStringArray:
    values = plain_values(records) if pa.types.is_struct(records.type) else map(json.loads, records.to_pylist())
    read = mapping.reader(field)
    return pa.array([read(record) for record in values], pa.large_string())


def _extractor(expression: str) -> TextReader:
    def read(records: pa.Array) -> pa.LargeStringArray:
        connection = door.calculator()
        connection.register("records", pa.table({"record": records}))
        found = connection.sql(f"select {expression} as text from records").to_arrow_table()
        connection.unregister("records")
        return _without_nulls(found.column("text").combine_chunks())

    return read


def _without_nulls(texts: pa.Array) -> pa.LargeStringArray:
    texts = texts.cast(pa.large_string())
    return texts.fill_null("") if texts.null_count else texts


def plain_values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Typed records as Python values; times finer than a microsecond are shown to the microsecond."""
    values: list[Any] = column.cast(_coarse(column.type), safe=False).to_pylist()
    return values


def _coarse(kind: pa.DataType) -> pa.DataType:
    """The type with nanoseconds replaced by microseconds, since Python's own times end there."""
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return pa.duration("us")
    if pa.types.is_time64(kind) and kind.unit == "ns":
        return pa.time64("us")
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_coarse(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_coarse(kind.value_type)))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_coarse(kind.value_type)))
    return kind
