"""Typed rows as bytes, so that equal rows have equal hashes however Arrow lays them out.

A row is the sha256 of a tag for its columns (names and types) followed by every value: one byte for
null or not, then fixed-width values as their little-endian bytes, variable ones after their length (8
bytes), lists after their count, structs as their children one after another. Offset widths,
dictionaries, runs and views are layout and leave no trace; value types, time units and time zones are
part of the tag.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import struct
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import BadInput

_NULL = b"\0"
_VALID = b"\1"
_count: Callable[[int], bytes] = struct.Struct("<Q").pack


def typed_content(rows: pa.StructArray | pa.ChunkedArray) -> np.ndarray:
    """First half of the sha256 of every row, shape (n, 16) uint8. BadInput for union columns."""
    if isinstance(rows, pa.ChunkedArray):
        return np.concatenate([np.empty((0, 16), np.uint8), *map(typed_content, rows.chunks)])
    prefix = hashlib.sha256(tag(rows.type).encode())
    sha_of = prefix.copy
    digests = []
    for parts in _encoded(rows):
        sha = sha_of()
        sha.update(parts)
        digests.append(sha.digest())
    return np.ascontiguousarray(np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)[:, :16])


def tag(kind: pa.DataType) -> str:
    """A type as text, without what is only layout."""
    types = pa.types
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return tag(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType):
        return f"extension<{json.dumps(kind.extension_name)}, {tag(kind.storage_type)}>"
    if types.is_struct(kind):
        return f"struct<{', '.join(f'{json.dumps(field.name)}: {tag(field.type)}' for field in kind)}>"
    if types.is_map(kind):
        return f"map<{tag(kind.key_type)}, {tag(kind.item_type)}>"
    if types.is_fixed_size_list(kind):
        return f"list<{tag(kind.value_type)}>[{kind.list_size}]"
    if _is_list(kind):
        return f"list<{tag(kind.value_type)}>"
    if _is_string(kind):
        return "string"
    if _is_binary(kind):
        return "binary"
    if types.is_union(kind):
        raise BadInput(f"The type {kind} is a union; cast it to one type first.")
    return str(kind)


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        test(kind) for test in (types.is_list, types.is_large_list, types.is_list_view, types.is_large_list_view)
    )


def _is_string(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def _is_binary(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view))


def _encoded(array: pa.Array) -> list[bytes]:
    """The bytes of every value."""
    array = _plain(array)
    values = _values(array)
    if array.null_count:
        valid = array.is_valid().to_numpy(zero_copy_only=False).tolist()
        return [_VALID + value if there else _NULL for value, there in zip(values, valid, strict=True)]
    return [_VALID + value for value in values]


def _plain(array: pa.Array) -> pa.Array:
    """The array without dictionaries, runs and extension types."""
    while True:
        if isinstance(array.type, pa.BaseExtensionType):
            array = array.storage
        elif pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        elif pa.types.is_run_end_encoded(array.type):
            array = pc.run_end_decode(array)
        else:
            return array


def _values(array: pa.Array) -> list[bytes]:
    """The bytes of every value as if none were null; what stands for a null is of no account."""
    kind = array.type
    if pa.types.is_null(kind):
        return [b""] * len(array)
    if pa.types.is_struct(kind):
        fields = [_encoded(array.field(i)) for i in range(kind.num_fields)]
        return [b"".join(parts) for parts in zip(*fields, strict=True)] if fields else [b""] * len(array)
    if pa.types.is_map(kind):
        entries = pa.StructArray.from_arrays([array.keys, array.items], ["key", "value"])
        return _listed(entries, array.offsets.to_numpy())
    if pa.types.is_fixed_size_list(kind):
        return _listed(array.values, np.arange(array.offset, array.offset + len(array) + 1) * kind.list_size)
    if pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        children = _encoded(array.values)
        places = zip(array.offsets.to_pylist(), array.sizes.to_pylist(), strict=True)
        return [_count(size) + b"".join(children[at : at + size]) for at, size in places]
    if _is_list(kind):
        return _listed(array.values, array.offsets.to_numpy())
    if _is_string(kind) or _is_binary(kind):
        return _bytes(array.cast(pa.large_binary()))
    if pa.types.is_boolean(kind):
        array = array.cast(pa.uint8())
    return _fixed(array)


def _listed(values: pa.Array, offsets: np.ndarray) -> list[bytes]:
    first, last = int(offsets[0]), int(offsets[-1])
    children = _encoded(values.slice(first, last - first))
    edges = (offsets - first).tolist()
    return [_count(end - at) + b"".join(children[at:end]) for at, end in itertools.pairwise(edges)]


def _bytes(array: pa.Array) -> list[bytes]:
    _, offsets, data = array.buffers()
    edges = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1].tolist() if offsets else []
    raw = data.to_pybytes()[edges[0] : edges[-1]] if data is not None and edges else b""
    start = edges[0] if edges else 0
    return [_count(end - at) + raw[at - start : end - start] for at, end in itertools.pairwise(edges)]


def _fixed(array: pa.Array) -> list[bytes]:
    width = array.type.bit_width // 8
    if not len(array) or not width:
        return [b""] * len(array)
    data = np.frombuffer(array.buffers()[1], f"V{width}", count=len(array), offset=array.offset * width)
    found: list[bytes] = data.tolist()
    return found
