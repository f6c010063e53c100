"""Does a written file load where it will be trained? It is read back with Arrow's own readers, as
`load_dataset` does.

It knows JSON lines, CSV and Parquet files and the types Arrow infers from them. It does not know rows or
formats.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from . import numerals

CHUNK: Final = 10 << 20
"""Bytes that `datasets` 5 reads of a JSON file before it fixes the types of all columns
(JsonConfig.chunksize)."""

CSV_ROWS: Final = 10_000
"""Rows that `datasets` 5 reads of a CSV file before it fixes the types of all columns (CsvConfig.chunksize).
"""

_CHANGED = re.compile(r"Column\((?P<column>.*)\) changed from (?P<was>.+?) to (?P<now>.+?) in row")


@dataclass(frozen=True)
class Loaded:
    """What a reader made of a file.

    `late` are columns whose type its first chunk does not show yet: a loader that is not told the types in
    advance (the card tells them) stops there. `huge` are columns with integers that 64 bits cannot hold.
    """

    rows: int
    schema: pa.Schema
    late: tuple[str, ...] = ()
    huge: tuple[str, ...] = ()


class WontLoad(Exception):
    """The first row (0-based) that would not load, the column, and why."""

    def __init__(self, row: int, column: str, why: str) -> None:
        super().__init__(f"row {row}: {column}: {why}")
        self.row = row
        self.column = column
        self.why = why


def read_back(path: Path) -> Loaded:
    """Read a whole .jsonl, .csv or .parquet file in bounded memory. Raises WontLoad."""
    return {".jsonl": read_jsonl, ".csv": read_csv, ".parquet": read_parquet}[path.suffix](path)


# -- JSON lines ---


def read_jsonl(path: Path) -> Loaded:
    first: pa.Schema | None = None
    schema = pa.schema([])
    huge: set[str] = set()
    rows = 0
    for chunk in chunks(path):
        count = chunk.count(b"\n")
        try:
            schema = merged(schema, _inferred(chunk))
        except (pa.ArrowException, Conflict):
            raise _first_fault(chunk, schema, rows) from None
        rows += count
        first = schema if first is None else first
        huge |= _huge_columns(chunk)
    return Loaded(rows, schema, _differing(first or schema, schema), tuple(sorted(huge)))


def chunks(path: Path) -> Iterator[bytes]:
    """Whole lines of a file, about CHUNK bytes at a time."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk + file.readline()


def _inferred(chunk: bytes) -> pa.Schema:
    """The schema Arrow infers from JSON lines, read as one block so that every row is compared with every
    other."""
    options = pyarrow.json.ReadOptions(use_threads=False, block_size=len(chunk) + 1)
    return pyarrow.json.read_json(io.BytesIO(chunk), read_options=options).schema


_LONG: Final = re.compile(rb":\s?-?[0-9]{19}")
_EXAMINED: Final = 100


def _huge_columns(chunk: bytes) -> set[str]:
    """Columns with integers that 64 bits cannot hold, as far as 100 suspicious lines tell; Arrow makes them floats."""
    found: set[str] = set()
    for hit in islice(_LONG.finditer(chunk), _EXAMINED):
        begin, end = chunk.rfind(b"\n", 0, hit.start()) + 1, chunk.find(b"\n", hit.end())
        record = numerals.read(chunk[begin:end].decode())
        found |= {name for name, value in record.items() if numerals.holds_huge(value)}
    return found


def _first_fault(chunk: bytes, schema: pa.Schema, before: int) -> WontLoad:
    """The first line of `chunk` that does not fit what stands above it, found by halving."""
    lines = chunk.removesuffix(b"\n").split(b"\n")
    good, bad = 0, len(lines)
    while bad - good > 1:
        middle = (good + bad) // 2
        if _fault(lines[:middle], schema) is None:
            good = middle
        else:
            bad = middle
    fault = _fault(lines[:bad], schema)
    if isinstance(fault, Conflict):
        return WontLoad(before + bad - 1, fault.column, fault.why)
    found = _CHANGED.search(str(fault))
    if found:
        column = found["column"].strip("/").replace("/[]", "[]").replace("/", ".")
        return WontLoad(before + bad - 1, column, f"changes from {found['was']} to {found['now']}")
    return WontLoad(before + bad - 1, "the record", str(fault).partition(": ")[2] or str(fault))


def _fault(lines: list[bytes], schema: pa.Schema) -> Exception | None:
    """Why these lines cannot follow rows of this schema; None when they can."""
    try:
        merged(schema, _inferred(b"\n".join(lines) + b"\n"))
    except (pa.ArrowException, Conflict) as error:
        return error
    return None


# -- types ---


class Conflict(Exception):
    """Two types of one column that no reader can hold together."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(f"{column}: {why}")
        self.column = column
        self.why = why


def merged(a: pa.Schema, b: pa.Schema) -> pa.Schema:
    """The schema that holds the rows of both, columns in order of appearance. Raises Conflict."""
    return pa.schema(_merged_fields(list(a), list(b), ""))


def _merged_fields(a: list[pa.Field], b: list[pa.Field], path: str) -> list[pa.Field]:
    found = {field.name: field.type for field in a}
    for field in b:
        name = f"{path}.{field.name}" if path else field.name
        found[field.name] = _merged_type(found.get(field.name, pa.null()), field.type, name)
    return [pa.field(name, kind) for name, kind in found.items()]


def _merged_type(a: pa.DataType, b: pa.DataType, path: str) -> pa.DataType:
    if a == b or pa.types.is_null(b):
        return a
    if pa.types.is_null(a):
        return b
    if pa.types.is_struct(a) and pa.types.is_struct(b):
        return pa.struct(_merged_fields(list(a), list(b), path))
    if pa.types.is_list(a) and pa.types.is_list(b):
        return pa.list_(_merged_type(a.value_type, b.value_type, f"{path}[]"))
    kinds = {_kind(a), _kind(b)}
    if kinds == {"number"}:
        return pa.float64()
    if kinds <= {"time", "string"}:
        return pa.string()
    raise Conflict(path, f"changes from {_kind(a)} to {_kind(b)}")


def _kind(kind: pa.DataType) -> str:
    """A type in the words of Arrow's JSON reader."""
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    if pa.types.is_temporal(kind):
        return "time"
    if pa.types.is_list(kind):
        return "array"
    if pa.types.is_struct(kind):
        return "object"
    return "boolean" if pa.types.is_boolean(kind) else "string"


def _differing(first: pa.Schema, whole: pa.Schema) -> tuple[str, ...]:
    """Paths at which the whole file's schema says more than that of its first chunk."""
    found: list[str] = []
    _compare(pa.struct(list(first)), pa.struct(list(whole)), "", found)
    return tuple(found)


def _compare(a: pa.DataType, b: pa.DataType, path: str, found: list[str]) -> None:
    if a == b:
        return
    if pa.types.is_struct(a) and pa.types.is_struct(b):
        have = {field.name: field.type for field in a}
        for field in b:
            name = f"{path}.{field.name}" if path else field.name
            if field.name in have:
                _compare(have[field.name], field.type, name, found)
            else:
                found.append(name)
    elif pa.types.is_list(a) and pa.types.is_list(b):
        _compare(a.value_type, b.value_type, f"{path}[]", found)
    else:
        found.append(path)


# -- CSV ---

_NUMBERS: Final = (pa.int64(), pa.float64())


def read_csv(path: Path) -> Loaded:
    """Cells are read as text, which shows a broken row; types are those pandas would guess, gaps making floats."""
    names = _header(path)
    kinds: dict[str, pa.DataType] = dict.fromkeys(names, pa.null())
    huge: set[str] = set()
    first: pa.Schema | None = None
    rows = 0
    try:
        for batch in _cells(path, names):
            for name in names:
                kind = _cell_type(batch.column(name))
                huge |= {name} if kind == HUGE else set()
                kinds[name] = _wider(kinds[name], pa.string() if kind == HUGE else kind)
            rows += len(batch)
            if first is None and rows >= CSV_ROWS:
                first = pa.schema(list(kinds.items()))
    except pa.ArrowInvalid as error:
        found = re.search(r"[Rr]ow #(\d+)", str(error))
        row = int(found[1]) - 2 if found else rows
        raise WontLoad(row, "the row", str(error).partition(": ")[2] or str(error)) from None
    schema = pa.schema(list(kinds.items()))
    return Loaded(rows, schema, _differing(first or schema, schema), tuple(sorted(huge)))


def _header(path: Path) -> list[str]:
    import csv

    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


def _cells(path: Path, names: list[str]) -> Iterator[pa.RecordBatch]:
    """The cells as text; a batch ends at row CSV_ROWS."""
    options = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    batches = pyarrow.csv.open_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=16 << 20),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=options,
    )
    left = CSV_ROWS
    for batch in batches:
        if 0 < left < len(batch):
            yield batch.slice(0, left)
            yield batch.slice(left)
        else:
            yield batch
        left -= len(batch)


HUGE: Final = pa.decimal128(38)
"""Stands for integers that 64 bits cannot hold: pandas would make Python objects of them, and Arrow refuses those."""


def _cell_type(column: pa.Array) -> pa.DataType:
    if column.null_count == len(column):
        return pa.null()
    for kind in _NUMBERS:
        try:
            column.cast(kind)
        except pa.ArrowInvalid:
            continue
        if kind == pa.float64() and pc.any(pc.match_substring_regex(column, r"^\s*[+-]?\d{19,}\s*$")).as_py():
            return HUGE
        return pa.float64() if column.null_count else kind
    return pa.string()


def _wider(a: pa.DataType, b: pa.DataType) -> pa.DataType:
    order = [pa.null(), *_NUMBERS, pa.string()]
    return order[max(order.index(a), order.index(b))]


# -- Parquet ---


def read_parquet(path: Path) -> Loaded:
    with pq.ParquetFile(path) as file:
        rows = 0
        try:
            for batch in file.iter_batches(use_threads=False):
                rows += len(batch)
        except pa.ArrowException as error:
            raise WontLoad(rows, "the file", str(error)) from None
        return Loaded(rows, file.schema_arrow)


# -- what a card says about the types ---


def features(schema: pa.Schema) -> list[dict[str, object]] | None:
    """The columns as the `dataset_info.features` of a hub card, or None when one has no name there."""
    try:
        return [{"name": field.name, **_feature(field.type)} for field in schema]
    except KeyError:
        return None


def _feature(kind: pa.DataType) -> dict[str, object]:
    if pa.types.is_struct(kind):
        if not kind.num_fields:
            raise KeyError("an object without keys")
        return {"struct": [{"name": field.name, **_feature(field.type)} for field in kind]}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = _feature(kind.value_type)
        return {"list": inner.get("struct", inner.get("dtype", inner))}
    return {"dtype": _DTYPES[str(kind)]}


_SAME: Final = ("null", "bool", "string", "large_string", "binary", "large_binary")
_DTYPES: Final = {
    **{name: name for name in _SAME},
    **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"timestamp[{unit}]": f"timestamp[{unit}]" for unit in ("s", "ms", "us", "ns")},
    "halffloat": "float16",
    "float": "float32",
    "double": "float64",
    "date32[day]": "date32",
    "date64[ms]": "date64",
}


def described(schema: pa.Schema) -> list[dict[str, str]]:
    """Column names and types as a person reads them, for the manifest: [{"name", "type"}]."""
    return [{"name": field.name, "type": _words(field.type)} for field in schema]


def _words(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return "{" + ", ".join(f"{json.dumps(f.name, ensure_ascii=False)[1:-1]}: {_words(f.type)}" for f in kind) + "}"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"[{_words(kind.value_type)}]"
    return {"large_string": "string", "double": "number", "int64": "integer", "bool": "boolean"}.get(
        str(kind), str(kind)
    )
