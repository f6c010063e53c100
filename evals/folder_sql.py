"""SQL over the files of a folder, in the sandbox: each CSV and JSON Lines file is a table named by its stem.

It knows how files become tables. What may be asked is the validator's, how it is run the sandbox's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..tools.errors import Retry
from ..tools.sandbox.sandbox import shared
from ..tools.sandbox.wire import Job, Limits
from ..tools.store.door import identifier, text_literal
from ..tools.store.query.sql import tables_of, validate_query

_CSV = "header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"', null_padding = false"
_JSONL = "format = 'newline_delimited', ignore_errors = true, sample_size = -1"


def tables(folder: Path) -> dict[str, Path]:
    """The files of a folder that can be asked, by their names in SQL."""
    found = sorted(path for path in folder.rglob("*") if path.suffix in (".csv", ".jsonl") and path.is_file())
    return {path.stem: path for path in found}


def ask(folder: Path, sql: str, limits: Limits) -> Mapping[str, Any]:
    """`columns`, `rows` as JSON has them, `more` when there are others. In a CSV file every cell is a text, an empty one
    NULL. Raises Retry when the query is refused or fails."""
    known = tables(folder)
    validate_query(sql, views=[name.lower() for name in known])
    asked = {name.lower() for name in tables_of(sql)}
    read = [path for name, path in known.items() if name.lower() in asked]
    reply = shared().run(Job(sql, tuple(map(_statement, read)), tuple(map(str, read)), limits))
    if "error" in reply:
        raise Retry(f"The query failed: {str(reply['message'] or reply['error']).rstrip('.')}.")
    return reply


def _statement(path: Path) -> str:
    reader = f"read_csv({text_literal(str(path))}, {_CSV})" if path.suffix == ".csv" else (
        f"read_json({text_literal(str(path))}, {_JSONL})"
    )  # fmt: skip
    return f"create table {identifier(path.stem)} as select * from {reader}"
