"""The process behind a sandbox. It reads jobs, holds no data, and does each job in a fork of itself that then ends.

So nothing a query leaves behind, in memory or in DuckDB's catalogue, is there for the next one. It knows how DuckDB is
locked and how its answer becomes JSON; what SQL may say was settled before.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..store import door
from . import jail
from .wire import Job, Limits, receive, send

if TYPE_CHECKING:
    import duckdb

GRACE: Final = 0.5
"""Seconds that DuckDB has to stop by itself before the kernel ends the process."""

_AT_START: Final = (Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
"""What DuckDB 2.0 must be able to read when a database is made: it asks for the control group's memory."""


def main(descriptor: int) -> None:
    """Answer jobs from the socket until nobody is there any more."""
    _load()
    channel = socket.socket(fileno=descriptor)
    send(channel, {"ready": True})
    while (message := receive(channel)) is not None:
        job = Job(message["sql"], tuple(message["statements"]), tuple(message["files"]), Limits(**message["limits"]))
        send(channel, _in_a_fork(job, channel))


def _load() -> None:
    """Import all that DuckDB's answers may need: once locked in, a process finds no module."""
    for name in ("datetime", "decimal", "duckdb", "pytz", "uuid"):
        importlib.import_module(name)


def _in_a_fork(job: Job, channel: socket.socket) -> dict[str, Any]:
    """The reply to a job, made by a process that ends with it; or how that process died."""
    most = 2 * job.limits.size + (64 << 10)  # a fork that sends more than any reply is not waited for
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            channel.close()
            os.close(reading)
            with os.fdopen(writing, "wb") as out:
                out.write(json.dumps(reply_to(job)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    text = bytearray()
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while len(text) <= most and (part := pipe.read(1 << 16)):
            text += part
    if len(text) > most:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if len(text) > most:
        return {"error": "TooLarge", "message": ""}
    if os.WIFSIGNALED(status):
        return {"error": "Killed", "message": signal.Signals(os.WTERMSIG(status)).name}
    reply: dict[str, Any] = json.loads(text) if text else {"error": "Killed", "message": ""}
    return reply


def reply_to(job: Job) -> dict[str, Any]:
    """The answer to a job, or `error` and `message`. After this the process is good for nothing else."""
    abi = 0
    try:
        connection, abi = locked(job)
        reply = _answer(connection.sql(job.sql), job.limits)
    except MemoryError:
        reply = {"error": "OutOfMemoryException", "message": ""}
    except Exception as error:
        reply = {"error": type(error).__name__, "message": str(error).split("\n")[0][:500]}
    return {**reply, "landlock": abi}


def locked(job: Job) -> tuple[duckdb.DuckDBPyConnection, int]:
    """Lock this process up for good; -> the connection with the job's views, and Landlock's ABI, 0 without it."""
    limits, files = job.limits, [Path(name) for name in job.files]
    jail.limit(seconds=limits.seconds + GRACE, memory=2 * limits.memory, files=len(files))
    abi = jail.landlock([*files, *_AT_START])
    # Landlock binds a thread and those it starts: DuckDB, made to start none, is bound by what follows too.
    connection = door.connect(temp=None, threads=1, io_threads=0)
    if abi:
        jail.landlock(files)
    connection.execute(f"set memory_limit = '{limits.memory}B'")
    connection.execute(f"set max_execution_time = {math.ceil(limits.seconds * 1000)}")
    for statement in job.statements:
        connection.execute(statement)
    door.lock_down(connection, files)
    return connection, abi


def _answer(relation: Any, limits: Limits) -> dict[str, Any]:
    """Columns, their types and the first rows; `more` when there are others, `cut` counts shortened values."""
    if relation is None:
        return {"columns": [], "types": [], "rows": [], "more": False, "cut": 0}
    columns, types = list(relation.columns), [str(kind) for kind in relation.types]
    found = relation.limit(limits.rows + 1).fetchall()
    rows: list[list[Any]] = []
    size = cut = 0
    more = False
    for values in found:
        row = []
        for value in values:
            shown, shortened = _cell(value, limits.cell)
            row.append(shown)
            cut += shortened
        size += len(json.dumps(row))
        more = len(rows) >= limits.rows or size > limits.size
        if more:
            break
        rows.append(row)
    return {"columns": columns, "types": types, "rows": rows, "more": more, "cut": cut}


def _cell(value: Any, longest: int) -> tuple[Any, bool]:
    """A value as JSON has it, and whether it was cut to `longest` characters."""
    told = _plain(value)
    if told is None or isinstance(told, bool | int | float):
        return told, False
    text = told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)
    if len(text) <= longest:
        return told, False
    return f"{text[:longest]}… (+{len(text) - longest:,} characters)", True


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.hex() if isinstance(value, bytes) else str(value)
