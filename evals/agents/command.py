"""An agent that is a command: `cmd:"python mine.py"`, in a process of its own, in a folder of its own.

It reads the task as JSON on standard input (instance, suite, task, submission, limits, seed, epoch), works in the
folder the files are in, and hands in a JSON object as the last line of standard output or as `submission.json`:
the submission itself, or {"submission": …, "usage": {"calls", "tokens_in", "tokens_out", "usd", "tool_calls"}}.
Exit code 3 says that an endpoint was unavailable, 4 that a budget was reached, any other but 0 is a crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ...tools.errors import BadInput, Misuse, OverBudget, TilthError, Unavailable
from ..registry import Setting
from ..suite import Agent, Job, Submission, Usage

ALLOWED: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONUTF8")
"""All of the environment that a command sees, but for HOME and TMPDIR (new and empty) and variables named for it."""

LONGEST: Final = 16 << 20
PATIENCE: Final = 5.0
"""Seconds for a killed process to be gone."""


@dataclass(frozen=True)
class Command:
    """`words` is the command line, `variables` the environment variables it may see besides ALLOWED."""

    name: str
    words: Sequence[str]
    variables: Sequence[str] = ()
    trusted: bool = False

    async def run(self, job: Job) -> Submission:
        with tempfile.TemporaryDirectory(prefix="tilth-home-") as home:
            out = await self._answer(job, self._environment(home))
        return _submission(out, job.folder)

    def _environment(self, home: str) -> dict[str, str]:
        seen = {name: os.environ[name] for name in (*ALLOWED, *self.variables) if name in os.environ}
        return {**seen, "HOME": home, "TMPDIR": home}

    async def _answer(self, job: Job, environment: Mapping[str, str]) -> bytes:
        """What the process wrote; it and its children are gone afterwards, whatever happened."""
        process = await asyncio.create_subprocess_exec(
            *self.words,
            cwd=job.folder,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = await _spoken(process, _told(job))
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await _gone(process)
        code = process.returncode
        if code:
            last = " ".join(err.decode("utf-8", "replace").split())[-500:]
            raised: type[TilthError] = {3: Unavailable, 4: OverBudget}.get(code, BadInput)
            raise raised(f"The command ended with exit code {code}: {last or 'it said nothing'}")
        return out


async def _spoken(process: asyncio.subprocess.Process, told: bytes) -> tuple[bytes, bytes]:
    """Give the task, take both streams to their ends. Raises BadInput when they are endless."""
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    streams = [asyncio.create_task(_read(stream)) for stream in (process.stdout, process.stderr)]
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(told)
            await process.stdin.drain()
        process.stdin.close()
        out, err = await asyncio.gather(*streams)
    finally:
        for one in streams:
            one.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
    await process.wait()
    return out, err


async def _gone(process: asyncio.subprocess.Process) -> None:
    """Wait for the end of a process that was killed. What it wrote and nobody read is thrown away: a stream that is full is
    not read any further, so that its end, for which `wait` waits, would never be seen."""
    assert process.stdout is not None and process.stderr is not None
    with contextlib.suppress(TimeoutError):  # a child that left the process group may hold the streams open
        async with asyncio.timeout(PATIENCE):
            for stream in (process.stdout, process.stderr):
                while await stream.read(1 << 16):
                    pass
            await process.wait()


async def _read(stream: asyncio.StreamReader) -> bytes:
    parts, size = [], 0
    while part := await stream.read(1 << 16):
        parts.append(part)
        size += len(part)
        if size > LONGEST:
            raise BadInput(f"The command wrote over {LONGEST >> 20} MB.")
    return b"".join(parts)


def _told(job: Job) -> bytes:
    names = ("instance", "suite", "task", "submission", "seed", "epoch")
    return json.dumps({**{name: getattr(job, name) for name in names}, "limits": asdict(job.limits)}).encode()


def _submission(out: bytes, folder: Path) -> Submission:
    """Raises Misuse when nothing was handed in, or no JSON object."""
    file = folder / "submission.json"
    lines = [line for line in out.splitlines() if line.strip()]
    if file.is_file() and not file.is_symlink() and file.stat().st_size <= LONGEST:
        text, where = file.read_bytes(), "submission.json"
    elif lines:
        text, where = lines[-1], "The last line of standard output"
    else:
        raise Misuse("The command handed nothing in: no submission.json, and nothing on standard output.")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Misuse(f"{where} is not JSON: {error}.") from None
    if not isinstance(told, dict):
        raise Misuse(f"{where} is not a JSON object.")
    value = told.get("submission", told)
    if not isinstance(value, dict):
        raise Misuse(f"{where}: 'submission' is not a JSON object.")
    return Submission(value, _usage(told.get("usage") if value is not told else None))


def _usage(told: Any) -> Usage:
    """Its own account of what it took; figures that are no amounts are not counted."""
    given = told if isinstance(told, dict) else {}

    def amount(name: str) -> float:
        value = given.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return 0.0
        return float(value) if 0 <= value < 1e15 else 0.0

    return Usage(
        calls=int(amount("calls")),
        tokens_in=int(amount("tokens_in")),
        tokens_out=int(amount("tokens_out")),
        usd=amount("usd"),
        tool_calls=int(amount("tool_calls")),
        reported="self-reported",
    )


def agent(setting: Setting) -> Agent:
    """Words that name files here are made absolute, for the command runs elsewhere. Raises Misuse."""
    try:
        words = shlex.split(setting.rest)
    except ValueError as error:
        raise Misuse(f"cmd:{setting.rest} is no command line: {error}.") from None
    if not words:
        raise Misuse("cmd: names no command.", next_step='For example: --agent cmd:"python mine.py"')
    found = [os.path.abspath(word) if os.path.isfile(word) else word for word in words]
    return Command(setting.name, found, tuple(setting.variables))
