"""Work on a stream of items in several processes, where threads would wait for each other.

It knows how a process is started, fed, and ended with the one that started it. It does not know what the work is.
Small NumPy steps take the interpreter's lock again and again, so that two threads are hardly faster than one.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final, Self

from .errors import Unavailable

PROGRAM: Final = (
    "import importlib, json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "importlib.import_module(sys.argv[2]).main(int(sys.argv[3]))"
)
"""Calls `main` of a module with the number of a descriptor; arguments: `paths()`, the module, the number."""

Work = Callable[..., Any]


class Processes:
    """`prepare(*given)` makes the work, here and once in each process; calling this does it on one item.

    May be called from so many threads at once as there are processes. `prepare` is a function of a module; what it is
    given, the items and the answers are pickled. The first `alone` items are worked on here: less work than that is done
    before another process is ready. An error of the work is raised here. Raises Unavailable when a process
    is gone.
    """

    def __init__(self, prepare: Callable[..., Work], *given: Any, count: int, alone: int) -> None:
        self._prepare, self._given = prepare, given
        self._count = count if count > 1 else 0
        self._left = alone
        self._here: Work | None = None
        self._started: list[_Process] = []
        self._starting = threading.Lock()
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            process.end()

    def __call__(self, *item: Any) -> Any:
        """What the work answers."""
        self._left -= 1
        if not self._count or self._left >= 0:
            if self._here is None:
                self._here = self._prepare(*self._given)
            return self._here(*item)
        process = self._free()
        try:
            return process.answer(item)
        finally:
            self._idle.put(process)

    def _free(self) -> _Process:
        with contextlib.suppress(queue.Empty):
            return self._idle.get_nowait()
        with self._starting:
            if len(self._started) < self._count:
                self._started.append(_Process(self._prepare, self._given))
                return self._started[-1]
        return self._idle.get()


class _Process:
    """One process; it ends when this end of its socket is closed, however that comes."""

    def __init__(self, prepare: Callable[..., Work], given: tuple[Any, ...]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, paths(), __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # an interrupt is for the one that started it
            )
        self._connection: Connection = Connection(ours.detach())
        with contextlib.suppress(OSError):  # told when it is asked
            self._connection.send((prepare, given))

    def answer(self, item: tuple[Any, ...]) -> Any:
        try:
            self._connection.send(item)
            done, answer = self._connection.recv()
        except (EOFError, OSError):
            code = self._process.wait()
            died = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise Unavailable(f"A process that helped ended early ({died}).",
                              next_step="Try again with --threads 1, which needs the least memory.") from None  # fmt: skip
        if not done:
            raise answer
        return answer

    def end(self) -> None:
        self._connection.close()
        self._process.kill()
        self._process.wait()


def paths() -> str:
    """Where modules are found here, as PROGRAM wants to be told."""
    return json.dumps([os.path.abspath(path) for path in sys.path])


def main(descriptor: int) -> None:
    """Work on items until nobody sends any."""
    with Connection(descriptor) as connection, contextlib.suppress(EOFError, OSError):
        prepare, given = connection.recv()
        prepared, work = _done(prepare, given)
        while True:
            item = connection.recv()
            connection.send(_done(work, item) if prepared else (False, work))


def _done(work: Work, item: tuple[Any, ...]) -> tuple[bool, Any]:
    try:
        return True, work(*item)
    except Exception as error:
        return False, error
