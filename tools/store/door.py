"""The only place that opens DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect(*, temp: Path | None, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    import duckdb

    con = duckdb.connect(config={"threads": threads or 1, "python_enable_replacements": False})
    con.execute("set enable_progress_bar=false; set timezone='UTC'")
    if temp is not None:
        con.execute(f"set temp_directory='{temp}'")
    return con


def lock_down(con: duckdb.DuckDBPyConnection, allowed: Sequence[Path]) -> None:
    paths = ", ".join("'" + str(p).replace("'", "''") + "'" for p in allowed)
    con.execute(f"set allowed_paths=[{paths}]")
    con.execute("set enable_external_access=false")
    con.execute("set lock_configuration=true")
