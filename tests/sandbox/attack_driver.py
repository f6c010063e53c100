"""Runs attacks in forks of itself, without a validator, and prints what came of each as JSON.

Arguments: a file with `how`, `statements`, `files` and `attacks`, and the folder in which relative names are looked up.
`how` is `locked`, as in the sandbox; `settings`, with DuckDB's own locks alone; `jail`, with the kernel's alone; or `open`,
which shows what the attacks do where nothing stops them.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any

import duckdb
import pytz

from tilth.tools.sandbox import child
from tilth.tools.sandbox.wire import Job, Limits

LOADED = (datetime, decimal, uuid, pytz)
BATCH = 25
"""Attacks in one fork: what one of them does to the database may stand in the way of the next few only."""


def opened(job: Job, how: str) -> duckdb.DuckDBPyConnection:
    if how == "settings":
        child.jail.landlock = lambda readable: 0
        child.jail.limit = lambda **limits: None
    if how == "jail":
        child.door.lock_down = lambda connection, allowed_paths: None
    if how != "open":
        connection, _ = child.locked(job)
        return connection
    connection = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
    for statement in job.statements:
        connection.execute(statement)
    return connection


def attack(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    try:
        return repr(connection.execute(sql).fetchmany(200))
    except Exception as error:
        return type(error).__name__
    finally:
        with contextlib.suppress(duckdb.Error):
            connection.execute("rollback")


def batch(job: Job, how: str, attacks: list[str]) -> list[str]:
    reading, writing = os.pipe()
    if os.fork() == 0:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        connection = opened(job, how)
        results = [attack(connection, sql) for sql in attacks]
        with os.fdopen(writing, "w") as out:
            json.dump(results, out)
            out.flush()
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.wait()
    if not text and len(attacks) > 1:  # one of them ended the fork: which?
        return [result for sql in attacks for result in batch(job, how, [sql])]
    found: list[str] = json.loads(text) if text else ["Killed"]
    return found


def main(file: str, folder: str) -> None:
    told: dict[str, Any] = json.loads(Path(file).read_text("utf-8"))
    os.chdir(folder)
    job = Job("", tuple(told["statements"]), tuple(told["files"]), Limits(seconds=60.0))
    attacks = told["attacks"]
    results = [
        result
        for start in range(0, len(attacks), BATCH)
        for result in batch(job, told["how"], attacks[start : start + BATCH])
    ]
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
