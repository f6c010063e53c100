"""Parquet and Arrow files, read as they are: rows stay typed, no value changes its type.

It knows pyarrow's readers. It does not look into values, except that text must be UTF-8.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from ...errors import BadInput, Misuse
from .canonical import typed_content as typed_content
from .chunks import CHUNK_BYTES, CHUNK_ROWS

_FILE_MAGIC = b"ARROW1"


class TypedFile:
    """A Parquet file, or an Arrow file in stream or file format. BadInput when it cannot be read as such.

    `path` names it; a remote file lies `at` a local path.
    """

    def __init__(self, path: str, kind: Literal["parquet", "arrow"], *, at: str | None = None) -> None:
        self.path = path
        self._at = at or path
        self.kind = kind
        with self._explained():
            if kind == "parquet":
                with pq.ParquetFile(self._at) as file:
                    self.schema: pa.Schema = file.schema_arrow
                    self.rows = file.metadata.num_rows
            else:
                with pa.memory_map(self._at) as source:
                    self.schema = _arrow_reader(source).schema
                    self.rows = 0  # a stream does not say
        names = self.schema.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise BadInput(f"{path} has several columns named {', '.join(map(repr, twice))}.")
        if not names:
            raise BadInput(f"{path} has no columns.")

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in order, at most CHUNK_ROWS and about CHUNK_BYTES at a time."""
        with self._explained():
            if self.kind == "parquet":
                with pq.ParquetFile(self._at) as file:
                    for batch in file.iter_batches(batch_size=_rows_at_once(file.metadata)):
                        yield from _pieces(batch)
            else:
                with pa.memory_map(self._at) as source:
                    for batch in _arrow_batches(_arrow_reader(source)):
                        yield from _pieces(batch)

    def sha256(self) -> str:
        with open(self._at, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """pyarrow's errors as sentences about this file."""
        try:
            yield
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            name = "Parquet" if self.kind == "parquet" else "Arrow"
            raise BadInput(f"{self.path} cannot be read as {name}: {error}") from None


def _arrow_reader(source: Any) -> Any:
    start = source.read(len(_FILE_MAGIC))
    source.seek(0)
    return pa.ipc.open_file(source) if start == _FILE_MAGIC else pa.ipc.open_stream(source)


def _arrow_batches(reader: Any) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.ipc.RecordBatchFileReader):
        yield from map(reader.get_batch, range(reader.num_record_batches))
    else:
        yield from reader


def _rows_at_once(metadata: Any) -> int:
    """Rows of about CHUNK_BYTES, by the uncompressed size of the largest row group's rows."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    widest = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=1.0)
    return max(1, min(CHUNK_ROWS, int(CHUNK_BYTES / max(widest, 1.0))))


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    rows = min(CHUNK_ROWS, max(1, int(len(batch) * CHUNK_BYTES / max(batch.nbytes, 1))))
    for start in range(0, len(batch), rows):
        yield batch.slice(start, rows)


def common_schema(files: Sequence[TypedFile]) -> pa.Schema:
    """The schema that all files share, a field nullable when it is in any; BadInput where they differ."""
    first = files[0]
    nullable = list(first.schema)
    for other in files[1:]:
        if other.schema.names != first.schema.names:
            differing = sorted(set(first.schema.names) ^ set(other.schema.names))
            what = f"the fields {', '.join(map(repr, differing))}" if differing else "the order of their fields"
            raise BadInput(
                f"{first.path} and {other.path} differ in {what}.",
                next_step="Import them one by one, or unify them.",
            )
        for index, (mine, yours) in enumerate(zip(first.schema, other.schema, strict=True)):
            if mine.type != yours.type:
                raise BadInput(
                    f"Field {mine.name!r} is {mine.type} in {first.path} and {yours.type} in {other.path}.",
                    next_step="Cast one of them, or import them one by one.",
                )
            if yours.nullable:
                nullable[index] = nullable[index].with_nullable(True)
    return pa.schema(nullable, first.schema.metadata)


def rows_of(batch: pa.RecordBatch, schema: pa.Schema) -> pa.StructArray:
    """A batch as one struct column with the fields of `schema`."""
    return pa.StructArray.from_arrays(batch.columns, fields=list(schema))


def keys_of(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column as the owner's keys. Misuse when its values have no plain text form."""
    try:
        return batch.column(name).cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        kind = batch.schema.field(name).type
        raise Misuse(f"--id {name}: a column of {kind} makes no keys; name one of text or numbers.") from None


def undecodable(batch: pa.RecordBatch) -> list[int]:
    """Rows in which some text is not UTF-8 or a value contradicts its type; usually none."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        return [index for index in range(len(batch)) if not _valid(batch.slice(index, 1))]
    return []


def _valid(row: pa.RecordBatch) -> bool:
    try:
        row.take(pa.array([0])).validate(full=True)  # a copy without the other rows' children
    except pa.ArrowInvalid:
        return False
    return True
