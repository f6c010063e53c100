"""What a run has decided so far, a line for every verdict in plan order: a run that was stopped goes on behind it.

It knows verdicts as JSON. It is no truth of its own: without the file, all of it comes again from the recorded answers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final, Self

from ...tools.panel import Candidate, Job, Rejected, Review, Task, Verdict
from ...tools.store.calls import canonical

_PLAIN: Final = ("outcome", "code", "message", "score", "escalated", "calls", "evidence")


class Journal:
    """The verdicts of one job in a file, which is begun anew where its `identity` (whatever verdicts depend on beside
    the job's own arguments) is another. One process writes it at a time."""

    def __init__(self, path: Path, job: Job, identity: Mapping[str, Any]) -> None:
        self._job, self._path = job, path
        self._head = canonical({"of": identity}).encode() + b"\n"
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()
        self._file = self._path.open("r+b")
        if self._file.readline() != self._head:
            self._cut(0)
            self._file.write(self._head)
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def verdict(self, task: Task) -> Verdict | None:
        """What was decided next, if it was this task; else None, and what follows is cut off: `add` goes on there."""
        if self._file is None:
            return None
        line = self._file.readline()
        found = self._read(line, task) if line.endswith(b"\n") else None
        if found is None:
            self._cut(self._file.tell() - len(line))
        return found

    def add(self, verdict: Verdict) -> None:
        """Write a verdict. What was given up ends the journal: it may be had when the run goes on."""
        if self._file is None:
            return
        if verdict.outcome == "failed":
            self._close()
            return
        told = {name: getattr(verdict, name) for name in _PLAIN}
        told["task"] = _named(verdict.task)
        told["reviews"] = [_fields(one) for one in verdict.reviews]
        if self._job.steps and verdict.candidate is not None:  # without steps it is made from the task alone
            told["candidate"] = _fields(verdict.candidate)
        self._file.write(json.dumps(told, separators=(",", ":")).encode() + b"\n")

    def flush(self) -> None:
        """From here on no death of the process takes what was added."""
        if self._file is not None:
            self._file.flush()

    def _read(self, line: bytes, task: Task) -> Verdict | None:
        """None for what is no verdict of this task: a torn line, or another plan."""
        try:
            told = json.loads(line)
        except ValueError:
            return None
        if not isinstance(told, dict) or told.pop("task", None) != _named(task):
            return None
        held = told.pop("candidate", None)
        made = None if held is None else Candidate(**held)
        if not self._job.steps and not isinstance(drawn := self._job.candidate(task, {}), Rejected):
            made = drawn
        reviews, calls = [Review(**one) for one in told.pop("reviews")], tuple(told.pop("calls"))
        return Verdict(task, **told, reviews=reviews, calls=calls, candidate=made)

    def _cut(self, end: int) -> None:
        assert self._file is not None
        self._file.seek(end)
        self._file.truncate()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _fields(one: Candidate | Review) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def _named(task: Task) -> str:
    """What of a task its verdict depends on, in short."""
    parents = [[one.row_id, one.field, one.start, one.end] for one in task.parents]
    return hashlib.sha256(canonical([task.position, task.data, parents]).encode()).hexdigest()[:16]
