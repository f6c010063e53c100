"""The proof that an export loads: every file read back, and the first row that would not load named.

It knows rows, splits and what readers say. It does not know how files are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...errors import Corrupt, Refused
from ..format.mapping import Mapping as RecordMapping
from ..rows import Rows
from . import loading
from .options import Options
from .splits import Plan


def row_name(rows: Rows, position: int) -> str:
    """A row as `tilth why` finds it, without the path it came from: `row 3f2a91bc`."""
    return f"row {rows.take([position], ['row_id'])['row_id'][0].as_py().hex()[:8]}"


def named(rows: Rows, position: int) -> str:
    """A row with its source: `row 3f2a91bc (chats.jsonl:4812)`."""
    line = rows.take([position], ["file", "line", "source"]).to_pylist()[0]
    place = f"{line['file']}:{line['line']}" if line["file"] and line["line"] else line["source"]
    return f"{row_name(rows, position)} ({place})"


def proved(rows: Rows, plan: Plan, paths: list[Path], asked: Options) -> loading.Loaded:
    """Read every file back; -> what all of them together hold. Raises Refused."""
    schema = pa.schema([])
    late: dict[str, None] = {}
    huge: dict[str, None] = {}
    for code, path in enumerate(paths):
        try:
            loaded = loading.read_back(path)
            schema = loading.merged(schema, loaded.schema) if path.suffix != ".parquet" else loaded.schema
        except loading.WontLoad as fault:
            position = int(np.flatnonzero(plan.codes == code)[fault.row])
            where = f"line {fault.row + 1} of data/{path.name}"
            raise Refused(
                f"{named(rows, position)}, {where}, would not load: {fault.column} {fault.why}.",
                next_step=_cure(asked, rows.mapping),
            ) from None
        except loading.Conflict as fault:
            why = f"{fault.column} {fault.why} between {paths[0].name} and {path.name}"
            raise Refused(f"The splits would not load together: {why}.", next_step=_cure(asked, rows.mapping)) from None
        count = int((plan.codes == code).sum())
        if loaded.rows != count:
            raise Corrupt(f"{path.name} was written with {count:,} rows and read with {loaded.rows:,}.")
        late.update(dict.fromkeys(loaded.late))
        huge.update(dict.fromkeys(loaded.huge))
    return loading.Loaded(len(rows), schema, tuple(late), tuple(huge))


def _cure(asked: Options, mapping: RecordMapping) -> str:
    spoken = mapping.format not in ("text", "table", "alpaca") and asked.format not in ("csv", "parquet")
    if spoken and not asked.uniform:
        return "--uniform writes content and tool calls in one type; repair or drop rows with another column so."
    return "Repair or drop such rows ('tilth do filter.where'), or export as csv, where all is text."


def features_told(asked: Options, loaded: loading.Loaded) -> tuple[Mapping[str, Any], ...] | None:
    """The types a card tells a loader: Parquet has its own, and CSV needs them where a guess would change."""
    if asked.format == "parquet" or (asked.format == "csv" and not loaded.late):
        return None
    found = loading.features(loaded.schema)
    return None if found is None else tuple(found)


def load_notes(asked: Options, loaded: loading.Loaded) -> Iterator[str]:
    """What a person should know of loading the files, as sentences."""
    if loaded.late:
        yield (
            f"{_few(loaded.late)}: first seen, or of another type, behind the part of the file that load_dataset "
            "takes types from. Load the folder, whose README.md tells them; what loads the file alone stops there."
        )
    if loaded.huge:
        told = "load_dataset stops at them" if asked.format == "csv" else "Arrow reads them as floating point"
        yield f"{_few(loaded.huge)}: integers beyond 64 bits; they are written as they were, but {told}."


def _few(columns: Sequence[str]) -> str:
    return ", ".join(columns[:5]) + (f" and {len(columns) - 5} more" if len(columns) > 5 else "")
