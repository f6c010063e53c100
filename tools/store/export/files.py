"""The kinds of file an export writes: JSON lines, CSV and Parquet, each the same bytes whatever the batches.

It knows how lines and tables become files. It does not know formats, splits or where rows come from.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from . import loading, numerals
from .typed import row_bytes

FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![\d.])")
"""How a cell begins that a spreadsheet runs as a formula; numbers with a sign are none."""

LONG: Final = re.compile(rb"[0-9]{19}")
"""Digits of which an integer beyond 64 bits has at least as many."""

GROUP_ROWS: Final = 16_384
GROUP_BYTES: Final = 64 << 20
BLOCK_ROWS: Final = 256
"""A Parquet row group ends at GROUP_ROWS rows, or at the first BLOCK_ROWS rows that bring it to GROUP_BYTES.
"""


class Lines:
    """A file of JSON lines."""

    suffix: Final = ".jsonl"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._file = path.open("xb")

    def write(self, texts: Sequence[str]) -> None:
        """Append records given as JSON texts; a line break between tokens becomes a space."""
        if texts:
            self.rows += len(texts)
            self._file.write("\n".join(map(on_one_line, texts)).encode() + b"\n")

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def on_one_line(text: str) -> str:
    """JSON text without line breaks: strict JSON has none inside its strings."""
    if "\n" in text or "\r" in text:
        return text.replace("\r\n", " ").replace("\n", " ").replace("\r", " ")
    return text


class NewColumn(Exception):
    """A record has a key that no column was made for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Cells:
    """A CSV file with a header (RFC 4180, lines end in a bare line feed). Nested values are written as JSON
    texts."""

    suffix: Final = ".csv"

    def __init__(self, path: Path, columns: Sequence[str], *, escape_formulas: bool = False) -> None:
        self.path = path
        self.rows = 0
        self.losses: Counter[str] = Counter()
        self._columns = dict.fromkeys(columns)
        self._escape = escape_formulas
        self._file = path.open("x", newline="", encoding="utf-8")
        self._csv = csv.writer(self._file, lineterminator="\n")
        self._csv.writerow(columns)

    def write(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Append records. Raises NewColumn."""
        for record in records:
            for name in record:
                if name not in self._columns:
                    raise NewColumn(name)
            lost: set[str] = set()
            self._csv.writerow([self._cell(record.get(name), lost) for name in self._columns])
            self.losses.update(lost)
            self.rows += 1

    def _cell(self, value: Any, lost: set[str]) -> str:
        if type(value) is str:
            if value and FORMULA.match(value):
                lost.add("escaped" if self._escape else "formulas")
                return f"'{value}" if self._escape else value
            return value
        if value is None:
            lost.add("empty")
            return ""
        if type(value) in (dict, list, tuple) and type(value) is not numerals.Number:
            lost.add("nested")
        return numerals.write(value)

    def __enter__(self) -> Cells:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


class Table:
    """A Parquet file (zstd, Arrow schema stored)."""

    suffix: Final = ".parquet"

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.rows = 0
        self._schema = schema
        self._file = pq.ParquetWriter(path, schema, compression="zstd", compression_level=3, store_schema=True)
        self._blocks: list[pa.Table] = []
        self._bytes = 0
        self._loose: list[pa.Table] = []
        self._loose_rows = 0

    def write(self, table: pa.Table) -> None:
        """Append rows; they are cut into blocks of a fixed size before anything is measured."""
        self.rows += len(table)
        self._loose.append(table)
        self._loose_rows += len(table)
        if self._loose_rows < BLOCK_ROWS:
            return
        whole = pa.concat_tables(self._loose)
        full = len(whole) - len(whole) % BLOCK_ROWS
        for start in range(0, full, BLOCK_ROWS):
            self._add(whole.slice(start, BLOCK_ROWS))
        self._loose = [whole.slice(full)] if full < len(whole) else []
        self._loose_rows = len(whole) - full

    def _add(self, block: pa.Table) -> None:
        self._blocks.append(block)
        self._bytes += sum(row_bytes(chunk) for column in block.columns for chunk in column.chunks)
        if self._bytes >= GROUP_BYTES or len(self._blocks) * BLOCK_ROWS >= GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._blocks:
            whole = pa.concat_tables(self._blocks)
            self._file.write_table(whole, row_group_size=len(whole))
        self._blocks, self._bytes = [], 0

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._blocks.extend(self._loose)
            self._flush()
        self._file.close()


def lines_to_table(source: Path, target: Path, schema: pa.Schema, losses: Counter[str]) -> int:
    """Rewrite JSON lines as Parquet under a schema that holds them all; -> rows."""
    options = pyarrow.json.ParseOptions(explicit_schema=schema)
    with Table(target, schema) as out:
        for chunk in loading.chunks(source):
            block = pyarrow.json.ReadOptions(use_threads=False, block_size=len(chunk) + 1)
            out.write(pyarrow.json.read_json(io.BytesIO(chunk), read_options=block, parse_options=options))
            losses["big_integers"] += _big_integers(chunk)
    return out.rows


def _big_integers(chunk: bytes) -> int:
    """How many lines hold an integer that 64 bits cannot."""
    lines = chunk.splitlines() if LONG.search(chunk) else []
    return sum(1 for line in lines if LONG.search(line) and numerals.holds_huge(numerals.read(line.decode())))


def flat(records: pa.Array) -> pa.Table:
    """A column of typed records as a table of their columns."""
    kind = records.type
    return pa.Table.from_arrays(records.flatten(), schema=pa.schema([kind.field(i) for i in range(kind.num_fields)]))
