"""Rows as they lie in packs, with where they came from. It knows no decisions about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ..packs import PACK_COLUMNS
from ..rows import Rows, parse_records

EXCERPT: Final = 160


@dataclass(frozen=True)
class StoredRow:
    """One revision of a row as it lies in a pack."""

    row_id: str
    ord: int
    rev: int
    source: str
    split: str | None
    file: str | None
    line: int | None
    key: str | None
    parents: tuple[str, ...]
    record: Any

    @property
    def place(self) -> str:
        """Where the row came from, as `FILE:LINE`."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.source


def stored_rows(rows: Rows, positions: Sequence[int] | np.ndarray) -> list[StoredRow]:
    """Whole rows of a version, in the order given."""
    if not len(positions):
        return []
    return rows_of_table(rows.take(positions, PACK_COLUMNS))


def rows_of_table(table: pa.Table) -> list[StoredRow]:
    parsed = parse_records(table.column("record"))
    lines = table.drop_columns(["record", "content_sha"]).to_pylist()
    return [
        StoredRow(
            **{**line, "row_id": line["row_id"].hex(), "parents": tuple(one.hex() for one in line["parents"] or ())},
            record=record,
        )
        for line, record in zip(lines, parsed, strict=True)
    ]


def places_of(rows: Rows, ords: Sequence[int]) -> np.ndarray:
    have = rows.arrow(("ord",))["ord"].to_numpy()
    return np.searchsorted(have, np.asarray(ords, np.int64))


def excerpt(record: Any, length: int = EXCERPT) -> str:
    """The beginning of a record on one line."""
    text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
