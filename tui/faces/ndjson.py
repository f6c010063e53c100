"""The face for programs: every event one JSON line on stdout, the last line the result; or bare rows.

It knows JSON and CSV. It narrates nothing.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TextIO

from ...agent.events import Event, Finished, Noticed, to_json


def dumps(value: Any) -> str:
    """One line of JSON. What JSON has no form for becomes text; NaN and infinities become null."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


class Unwritten(Exception):
    """Standard output took no more; says why."""


@contextmanager
def writing_out() -> Iterator[None]:
    """Around every write to standard output. A reader that went away stays BrokenPipeError; all else is Unwritten."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unwritten(error.strerror) from None


class NdjsonFace:
    """`--json`. A result is held back until something follows it, so that the outermost one comes last."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._held: dict[str, Any] | None = None

    def listener(self, event: Event) -> None:
        if not isinstance(event, Noticed):
            self._release()
        if isinstance(event, Finished):
            self._held = to_json(event)
        else:
            self._write(to_json(event))

    def result(self, line: Mapping[str, Any], human: Any = None, *, instead: bool = False) -> None:
        """The result of the command; with `instead`, in place of the last one told as an event."""
        if instead:
            self._held = None
        self._release()
        self._held = {"event": "result", **line}

    def rows(self, rows: Iterable[Mapping[str, Any]], columns: Iterable[str] = ()) -> None:
        """Rows as the result: `columns`, or the names of all rows in order of appearance, and the rows."""
        listed = [dict(row) for row in rows]
        self.result({"columns": _columns(listed, columns), "rows": listed})

    def fail(self, message: str, next_step: str, exit_code: int) -> None:
        self._release()
        self._held = {"event": "error", "message": message, "next_step": next_step, "exit_code": exit_code}

    def close(self) -> None:
        self._release()
        with writing_out():
            self._out.flush()

    def _release(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._write(held)

    def _write(self, line: Mapping[str, Any]) -> None:
        with writing_out():
            self._out.write(dumps(line) + "\n")
            self._out.flush()


RowFormat = Literal["jsonl", "csv"]


def write_rows(out: TextIO, rows: Iterable[Mapping[str, Any]], form: RowFormat, columns: Sequence[str] = ()) -> None:
    """Bare rows. CSV has the given columns, or those of all rows in order of appearance; nested values are JSON."""
    if form == "jsonl":
        for row in rows:
            with writing_out():
                out.write(dumps(row) + "\n")
        return
    listed = list(rows)
    names = _columns(listed, columns)
    writer = csv.writer(out, lineterminator="\n")
    with writing_out():
        writer.writerow(names)
        for row in listed:
            writer.writerow([_cell(row.get(name)) for name in names])


def _columns(rows: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> list[str]:
    return list(columns) or list(dict.fromkeys(name for row in rows for name in row))


def _cell(value: Any) -> Any:
    return dumps(value) if isinstance(value, Mapping | list | tuple | bool) else value
