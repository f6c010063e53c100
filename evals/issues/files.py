"""Rows as CSV or JSON Lines and back. Every cell is text; a missing value is an empty one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from .data import Row


def written(file: str, columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """The file's bytes in UTF-8, by its ending."""
    if file.endswith(".jsonl"):
        lines = (json.dumps({column: row[column] for column in columns}, ensure_ascii=False) for row in rows)
        return ("\n".join(lines) + "\n").encode("utf-8")
    out = io.StringIO(newline="")
    table = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue().encode("utf-8")


def read(file: str, content: bytes) -> list[Row]:
    """The rows of a file in its order."""
    text = content.decode("utf-8")
    if file.endswith(".jsonl"):
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    return list(csv.DictReader(io.StringIO(text, newline="")))
