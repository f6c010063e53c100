"""Records as columns: edited, new, and hashed by their content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from .format import records
from .format.texts import plain_values
from .packs import ID, fixed_column


def edited_records(column: pa.Array, changes: list[list[tuple[records.Path, Any]]]) -> tuple[pa.Array, pa.Array]:
    """Records with changes applied, and their content hashes (16 bytes)."""
    if pa.types.is_struct(column.type):
        values = [records.edit_value(value, some) for value, some in zip(plain_values(column), changes, strict=True)]
        return new_records(values, column.type)
    texts = [records.edit(text, some) for text, some in zip(column.to_pylist(), changes, strict=True)]
    return pa.array(texts, column.type), fixed_column(text_hashes(texts))


def rewritten_schema(record: pa.DataType) -> pa.Schema:
    """The columns of `Outcome.rewritten`, for records of the given type."""
    return pa.schema([("position", pa.int64()), ("content_sha", ID), ("record", record)])


def new_records(values: list[Mapping[str, Any]], kind: pa.DataType) -> tuple[pa.Array, pa.Array]:
    """Python values as a record column of the given type, and their content hashes."""
    if pa.types.is_struct(kind):
        from .ingest.canonical import typed_content

        array = pa.array(values, kind)
        return array, fixed_column(typed_content(array))
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    return pa.array(texts, kind), fixed_column(text_hashes(texts))


def text_hashes(texts: Iterable[str]) -> np.ndarray:
    """First 16 bytes of the sha256 of each text, shape (n, 16)."""
    data = b"".join(hashlib.sha256(text.encode()).digest()[:16] for text in texts)
    return np.frombuffer(data, np.uint8).reshape(-1, 16)
