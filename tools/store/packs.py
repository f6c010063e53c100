"""The one Parquet writer, and the folder of immutable objects named by their sha256.

It knows Parquet, Arrow buffers and content addresses. It does not know versions, datasets or what a column means.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import Corrupt
from . import disk

ROW_GROUP: Final = 16_384
GROUP_BYTES: Final = 64 << 20
"""A row group ends at ROW_GROUP rows, or at the first write that brings it to GROUP_BYTES."""

ID: Final = pa.binary(16)
REPEATED: Final = ["source", "split", "file", "action", "reason", "parents"]
"""Columns written with a dictionary: their values repeat, those of all others hardly do."""


def pack_schema(record: pa.DataType) -> pa.Schema:
    """The columns of a pack of rows whose records have the given type (JSON text or a struct)."""
    return pa.schema(
        [
            pa.field("row_id", ID, nullable=False),
            pa.field("content_sha", ID, nullable=False),
            pa.field("ord", pa.int64(), nullable=False),
            pa.field("rev", pa.int32(), nullable=False),
            pa.field("source", pa.string(), nullable=False),
            pa.field("split", pa.string()),
            pa.field("file", pa.string()),
            pa.field("line", pa.int64()),
            pa.field("key", pa.string()),
            pa.field("parents", pa.list_(ID)),
            pa.field("record", record, nullable=False),
        ]
    )


def fixed_bytes(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """The bytes of a fixed-size binary column without nulls, shape (rows, width) uint8, no copy for one chunk."""
    if isinstance(column, pa.ChunkedArray):
        parts = [fixed_bytes(chunk) for chunk in column.chunks]
        width = column.type.byte_width
        return parts[0] if len(parts) == 1 else np.concatenate([np.empty((0, width), np.uint8), *parts])
    width = column.type.byte_width
    data = np.frombuffer(column.buffers()[1], np.uint8)
    return data[column.offset * width : (column.offset + len(column)) * width].reshape(-1, width)


def fixed_column(data: np.ndarray) -> pa.Array:
    """An Arrow fixed-size binary array over an array of shape (rows, width) uint8."""
    data = np.ascontiguousarray(data, np.uint8)
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(data.shape[1]), len(data), [None, pa.py_buffer(data)])


PACK_COLUMNS: Final = tuple(pack_schema(pa.string()).names)


class Objects:
    """`objects/ab/<sha256>.parquet`, mode 0444; `temporary` lies on the same file system."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        self.folder = folder
        self.temporary = temporary

    def path(self, sha: str) -> Path:
        return self.folder / sha[:2] / f"{sha}.parquet"

    def holds(self, sha: str) -> bool:
        return self.path(sha).is_file()

    def writer(self, schema: pa.Schema) -> ObjectWriter:
        return ObjectWriter(self, schema)

    def put(self, table: pa.Table) -> str:
        """Store one table; -> its sha256."""
        with self.writer(table.schema) as out:
            out.write(table)
        return out.sha

    def open(self, sha: str) -> pq.ParquetFile:
        with self.reading(sha):
            return pq.ParquetFile(self.path(sha), memory_map=True)

    @contextmanager
    def reading(self, sha: str) -> Iterator[None]:
        """Corrupt, with what to do, where an object is missing or its bytes are no longer those that were written."""
        try:
            yield
        except FileNotFoundError:
            next_step = (
                "It was left out of a bundle made without --rows, or deleted by hand; "
                "'tilth log --verify' tells what is missing."
            )
            raise Corrupt(f"The object {sha[:12]} is not in this workspace.", next_step=next_step) from None
        except PermissionError:
            raise
        except (pa.ArrowInvalid, OSError):
            next_step = "'tilth log --verify' names every fault; restore the file from a backup, or import again."
            raise Corrupt(f"The object {sha[:12]} of this workspace is damaged.", next_step=next_step) from None

    def read(self, sha: str, columns: Sequence[str] | None = None) -> pa.Table:
        with self.reading(sha):
            return self.open(sha).read(columns=None if columns is None else list(columns), use_threads=False)

    def pick(self, sha: str, places: np.ndarray, columns: Sequence[str]) -> pa.Table:
        """The rows at the given places of an object, in the order given; one row group is in memory at a time."""
        file = self.open(sha)
        starts = np.cumsum([0, *[file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]])
        order = np.argsort(places, kind="stable")
        ascending = places[order]
        edges = np.searchsorted(ascending, starts)
        with self.reading(sha):
            tables = [
                file.read_row_group(group, columns=list(columns), use_threads=False)
                .select(list(columns))
                .take(pa.array(ascending[edges[group] : edges[group + 1]] - starts[group], pa.int64()))
                for group in np.flatnonzero(np.diff(edges)).tolist()
            ]
        if not tables:
            return file.schema_arrow.empty_table().select(list(columns))
        back = np.empty(len(places), np.int64)
        back[order] = np.arange(len(places))
        return pa.concat_tables(tables).take(pa.array(back))


class ObjectWriter:
    """Writes one object; as a context manager it publishes on success and leaves nothing behind on failure."""

    def __init__(self, objects: Objects, schema: pa.Schema) -> None:
        self._objects = objects
        self._schema = schema
        self._path = objects.temporary / f"{uuid.uuid4().hex}.parquet"
        self._file = disk.HashingFile(self._path)
        names = [name for name in REPEATED if name in schema.names]
        self._parquet = pq.ParquetWriter(
            self._file,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=["parents.list.element" if name == "parents" else name for name in names],
            write_statistics=["ord"] if "ord" in schema.names else False,
            store_schema=True,
        )
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._waiting_bytes = 0
        self.rows = 0
        self.sha = ""

    def write(self, batch: pa.Table | pa.RecordBatch) -> None:
        """Append rows in the object's schema; they reach the file in row groups of a fixed size."""
        table = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
        self.rows += len(table)
        self._waiting.append(table)
        self._waiting_rows += len(table)
        self._waiting_bytes += table.nbytes
        while self._waiting_rows >= ROW_GROUP:
            self._flush(ROW_GROUP)
        if self._waiting_bytes >= GROUP_BYTES:
            self._flush(self._waiting_rows)

    def _flush(self, rows: int) -> None:
        table = pa.concat_tables(self._waiting)
        self._parquet.write_table(table.slice(0, rows), row_group_size=max(rows, 1))
        rest = table.slice(rows)
        self._waiting = [rest] if len(rest) else []
        self._waiting_rows = len(rest)
        self._waiting_bytes = rest.nbytes if len(rest) else 0

    def __enter__(self) -> ObjectWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._waiting_rows:
                self._flush(self._waiting_rows)
            self._parquet.close()
        finally:
            self._file.close()
            if kind is not None:
                self._path.unlink(missing_ok=True)
        if kind is None:
            self.sha = self._file.hexdigest()
            target = self._objects.path(self.sha)
            if target.is_file():
                os.unlink(self._path)
            else:
                disk.publish(self._path, target)


def bitmap(keep: np.ndarray) -> pa.Table:
    """A selection: one boolean for each row of a pack."""
    return pa.table({"keep": pa.array(keep, pa.bool_())})


def read_bitmap(objects: Objects, sha: str) -> np.ndarray:
    keep: Any = objects.read(sha)["keep"].combine_chunks()
    return np.asarray(keep.to_numpy(zero_copy_only=False), bool)
