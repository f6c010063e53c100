"""The parent's side of a sandbox: a warm process, started once, that answers one job after another.

It knows how the process is started, waited for and killed. It does not know what is asked of it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import asdict
from typing import Any, Final

from ..errors import Refused
from ..processes import PROGRAM, paths
from .wire import Job, receive, send

START: Final = 60.0
"""Seconds the process may take to start: a quarter of one is usual, a loaded machine takes longer."""

PATIENCE: Final = 3.0
"""Seconds after which a process that should have ended a query by itself is killed."""


class Sandbox:
    """Runs jobs, one at a time, whatever the thread. The process starts with the first job, or with `start`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._running = False

    def start(self) -> None:
        """Have the process ready before it is needed. Raises Refused when it cannot be started."""
        with self._lock:
            self._started()

    def run(self, job: Job) -> dict[str, Any]:
        """`child.reply_to` of the job: the answer, or `error` and `message`. Raises Refused when there is no process.

        A process that keeps silent for too long is killed, and the next job starts another.
        """
        with self._lock:
            channel = self._started()
            channel.settimeout(job.limits.seconds + PATIENCE)
            self._running = True
            try:
                send(channel, asdict(job))
                reply = receive(channel)
            except TimeoutError:
                reply = {"error": "Killed", "message": signal.SIGALRM.name}
                self._end()
            except OSError:
                reply = None
            except BaseException:  # an interrupt leaves an answer on its way, which the next job would take for its own
                self._end()
                raise
            finally:
                self._running = False
            if reply is None:
                self._end()
                reply = {"error": "Interrupted", "message": ""}
            return reply

    def interrupt(self) -> None:
        """End the job that is running, if any, from another thread; its `run` then says so."""
        process = self._process
        if self._running and process is not None:
            _kill(process)

    def close(self) -> None:
        """End the process; another job starts a new one."""
        with self._lock:
            self._end()

    def _started(self) -> socket.socket:
        if self._channel is not None and self._process is not None and self._process.poll() is None:
            return self._channel
        self._end()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", PROGRAM, paths(), f"{__package__}.child", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={},
                cwd="/",
                start_new_session=True,
            )
        self._channel = ours
        ours.settimeout(START)
        try:
            ready = receive(ours)
        except TimeoutError:
            ready = None
        if ready is None:
            self._end()
            raise Refused(
                "The process in which queries run could not be started.",
                next_step=f"Try: {sys.executable} -I -c 'import duckdb, pytz'",
            )
        return ours

    def _end(self) -> None:
        if self._channel is not None:
            self._channel.close()
        if self._process is not None:
            _kill(self._process)
            self._process.wait()
        self._process = self._channel = None


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its forks: it leads a session of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def shared() -> Sandbox:
    """The one sandbox of this process: it holds no data between jobs, so one serves every workspace."""
    return _shared(os.getpid())


@functools.cache
def _shared(pid: int) -> Sandbox:
    sandbox = Sandbox()
    atexit.register(sandbox.close)
    return sandbox
