"""Text out of a column of records, for every text tool.

It knows record columns (JSON text or Arrow structs) and asks the mapping which parts of a record a field means. It
does not know versions or files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from .mapping import Mapping
from .records import DELETE, Path


def texts(records: pa.Array, mapping: Mapping, field: str) -> pa.LargeStringArray:
    """The text of one field of every record; a record without it gives the empty text."""
    values = plain_values(records) if pa.types.is_struct(records.type) else map(json.loads, records.to_pylist())
    return pa.array([mapping.text(record, field) for record in values], pa.large_string())


def plain_values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Typed records as Python values; times finer than a microsecond are shown to the microsecond."""
    return column.cast(_coarse(column.type), safe=False).to_pylist()


def edited_value(value: Any, changes: Sequence[tuple[Path, Any]]) -> Any:
    """A record with the values at some paths replaced, or taken away (DELETE); what is not on a path is shared."""
    direct = {path[0]: new for path, new in changes if len(path) == 1}
    below: dict[str | int, list[tuple[Path, Any]]] = {}
    for path, new in changes:
        if not path:
            return new
        if len(path) > 1:
            below.setdefault(path[0], []).append((path[1:], new))
    steps = range(len(value)) if isinstance(value, list) else list(value)
    kept = {}
    for step in steps:
        kept[step] = direct.get(step, edited_value(value[step], below[step]) if step in below else value[step])
    kept |= {step: new for step, new in direct.items() if step not in kept}
    kept = {step: new for step, new in kept.items() if new is not DELETE}
    return list(kept.values()) if isinstance(value, list) else kept


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
