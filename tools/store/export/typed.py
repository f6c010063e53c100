"""Typed Arrow values as JSON values, and which of them cannot be told from text or numbers any more.

It knows Arrow types. It does not know formats or files.
"""

from __future__ import annotations

import base64
import math
from collections import Counter
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

LOSSES: Final[dict[str, str]] = {
    "decimals": "decimals are written as texts",
    "times": "dates and times are written as ISO texts",
    "durations": "durations are written as whole numbers of their unit",
    "binary": "binary values are written as base64 texts",
    "maps": "maps are written as lists of [key, value]",
    "not_finite": "NaN and infinities are written as null",
}


def losses_of(kind: pa.DataType) -> set[str]:
    """What the values of a type lose on the way to JSON, apart from single values."""
    found: set[str] = set()
    if pa.types.is_decimal(kind):
        found.add("decimals")
    elif pa.types.is_duration(kind):
        found.add("durations")
    elif pa.types.is_temporal(kind):
        found.add("times")
    elif _is_binary(kind):
        found.add("binary")
    elif pa.types.is_map(kind):
        found |= {"maps"} | losses_of(kind.key_type) | losses_of(kind.item_type)
    elif pa.types.is_dictionary(kind):
        found |= losses_of(kind.value_type)
    elif pa.types.is_struct(kind):
        found |= {loss for field in kind for loss in losses_of(field.type)}
    elif _is_list(kind):
        found |= losses_of(kind.value_type)
    return found


def json_values(column: pa.Array, losses: Counter[str]) -> list[Any]:
    """The values of a column of any type, made of JSON types. `losses` counts rows with numbers that are not
    finite."""
    found = []
    for value in column.cast(_target(column.type)).to_pylist():
        before = losses["not_finite"]
        found.append(_plain(value, losses))
        losses["not_finite"] = min(losses["not_finite"], before + 1)
    return found


def _target(kind: pa.DataType) -> pa.DataType:
    """The type to cast to, so that Arrow itself writes what JSON has no type for."""
    if pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_decimal(kind) or pa.types.is_temporal(kind):
        return pa.string()
    if pa.types.is_dictionary(kind):
        return _target(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_target(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_target(kind.key_type), _target(kind.item_type))
    if _is_list(kind):
        return pa.large_list(kind.value_field.with_type(_target(kind.value_type)))
    return kind


def _plain(value: Any, losses: Counter[str]) -> Any:
    kind = type(value)
    if kind is dict:
        return {name: _plain(child, losses) for name, child in value.items()}
    if kind is list or kind is tuple:
        return [_plain(child, losses) for child in value]
    if kind is bytes:
        return base64.b64encode(value).decode()
    if kind is float and not math.isfinite(value):
        losses["not_finite"] += 1
        return None
    return value


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def row_bytes(array: pa.Array) -> int:
    """Bytes of content in an array, the same however its buffers are laid out."""
    kind = array.type
    if pa.types.is_struct(kind):
        return sum(row_bytes(array.field(i)) for i in range(kind.num_fields))
    if _is_list(kind) or pa.types.is_map(kind):
        return 4 * len(array) + row_bytes(array.flatten() if _is_list(kind) else array.items)
    if pa.types.is_fixed_size_binary(kind):
        return int(kind.byte_width) * len(array)
    if _is_binary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return int(pc.sum(pc.binary_length(array)).as_py() or 0)
    return 8 * len(array)
