"""The only place that opens DuckDB. It knows the settings every query runs under, not what a query may say.

A connection is private to its thread. DuckDB is the engine here, never the vault: databases are in memory,
and the files they read are named by whoever asks.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_own = threading.local()


def connect(
    *, temp: Path | None, threads: int | None = None, io_threads: int | None = None, memory_share: float = 0.4
) -> duckdb.DuckDBPyConnection:
    """A fresh in-memory database.

    `temp` is the folder to which an operator spills when it outgrows its memory; None: such a query fails.
    Processes may share it; DuckDB sweeps what a killed one left there and spares foreign files. `threads`
    defaults to the cores the process may use, `io_threads`, which only wait for files, to DuckDB's own number; with
    1 and 0 there is no thread but the caller's. `memory_share`, in (0, 1], is of the machine's memory or of the
    control group's, whichever is less.
    """
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_share * 100:g}%",
        "preserve_insertion_order": True,
        "python_enable_replacements": False,  # a table name in SQL never finds a Python variable
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "allow_persistent_secrets": False,
    }
    if threads is not None:
        settings["threads"] = threads
    if io_threads is not None:
        settings["async_threads"] = io_threads
    connection = duckdb.connect(config=settings)
    connection.execute(f"set temp_directory = {text_literal(str(temp.absolute()) if temp else '')}")
    connection.execute("set global timezone = 'UTC'")  # global: cursors of this connection see it too
    connection.execute("set enable_progress_bar = false")  # it prints on stdout, where data goes
    return connection


LONGEST_SECONDS = 900.0
"""A query that is not done by then is taken for one that never ends."""


@contextmanager
def patient(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Interrupts what `connection` does after LONGEST_SECONDS: it then raises duckdb.InterruptException."""
    timer = threading.Timer(LONGEST_SECONDS, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def is_interrupt(error: BaseException) -> bool:
    """Whether an error is a person's Ctrl-C: while a query runs, DuckDB's Python module makes a RuntimeError of it."""
    return isinstance(error, KeyboardInterrupt) or (type(error) is RuntimeError and str(error) == "Query interrupted")


def calculator() -> duckdb.DuckDBPyConnection:
    """This thread's connection for expressions over registered Arrow tables; it reads no files."""
    if not hasattr(_own, "connection"):
        _own.connection = connect(temp=None, threads=1)
        lock_down(_own.connection, ())
    connection: duckdb.DuckDBPyConnection = _own.connection
    return connection


def lock_down(connection: duckdb.DuckDBPyConnection, allowed_paths: Iterable[Path]) -> None:
    """From now on `connection` opens no file but `allowed_paths` and what it spills, and keeps its settings.

    DuckDB grants writing together with reading: a COPY onto an allowed path would overwrite the file. What
    keeps such a statement away is `sql.validate_query`; this is the second wall.
    """
    paths = ", ".join(text_literal(str(path.absolute())) for path in allowed_paths)
    connection.execute(f"set allowed_paths = [{paths}]")  # first: the next two lines freeze it
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def text_literal(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def json_pointer(key: str) -> str:
    """The JSON pointer (RFC 6901) of an object's member as an SQL string literal."""
    return text_literal("/" + key.replace("~", "~0").replace("/", "~1"))
