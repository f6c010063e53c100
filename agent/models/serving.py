"""A vLLM server of our own: started in a process group of its own, watched, found again, and stopped with all it started.

It knows processes and the answer of `/v1/models`. vLLM itself is never imported: it lives in whichever Python it is
installed in, and everything is said to it over HTTP.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ...tools.errors import Misuse, Unavailable
from ...tools.store import disk
from ..config import server_file

SERVER: Final = "vllm.entrypoints.openai.api_server"
FIRST_PORT: Final = 8000
POLL_SECONDS: Final = 0.25
GRACE_SECONDS: Final = 15.0
TAIL_LINES: Final = 20
_PR_SET_PDEATHSIG: Final = 1

QUIET: Final = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
"""No telemetry, also not from what we start."""


@dataclass(frozen=True)
class Served:
    """A server that answers. `how` says whether it was running already."""

    model: str
    base_url: str
    pid: int
    how: Literal["attached", "reused", "started"]
    log: Path | None = None


def known(root: Path) -> dict[str, Any] | None:
    """What was written down of the workspace's server; it may have died since."""
    try:
        found: dict[str, Any] = json.loads(server_file(root).read_text())
    except (OSError, ValueError):
        return None
    return found


def offers(base_url: str, model: str) -> bool:
    """Does a server at `base_url` (…/v1) answer and have the model?"""
    try:
        with urllib.request.urlopen(f"{base_url}/models", timeout=2) as answer:
            return any(one.get("id") == model for one in json.load(answer)["data"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def find(root: Path, model: str, urls: Sequence[str]) -> Served | None:
    """A server that has the model already: the workspace's own, or one at `urls`."""
    state = known(root)
    if state is not None and offers(state["base_url"], model):
        return Served(model, state["base_url"], int(state["pid"]), "reused", Path(state["log"]))
    for url in urls:
        if offers(url, model):
            return Served(model, url, 0, "attached")
    return None


class Server:
    """A process that is being started, `with Server(...) as server: server.ready()`; leaving stops it and its children."""

    def __init__(
        self,
        root: Path,
        model: str,
        *,
        python: str = sys.executable,
        arguments: Sequence[str] = (),
        port: int | None = None,
    ) -> None:
        self.root, self.model = root, model
        self.port = port or _free_port()
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self.log = server_file(root).with_name("server.log")
        self._command = [python, "-m", SERVER, "--model", model, "--served-model-name", model, "--host", "127.0.0.1",
                         "--port", str(self.port), *arguments]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Server:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            try:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_die_with_parent if sys.platform == "linux" else None,
                    env={**os.environ, **QUIET},
                )
            except OSError as error:
                next_step = "Name the Python that vLLM is installed in: --python /path/to/venv/bin/python"
                raise Misuse(f"{self._command[0]} cannot be run: {error.strerror}.", next_step=next_step) from None
        return self

    def ready(self, *, seconds: float, progress: Callable[[float], None] = lambda waited: None) -> Served:
        """Wait until the server has the model. Raises Unavailable with the end of its log when it exits or is late."""
        assert self._process is not None
        began = time.monotonic()
        while not offers(self.base_url, self.model):
            if (code := self._process.poll()) is not None:
                raise Unavailable(f"The server ended with exit code {code}. Its last lines:\n{self.tail()}",
                                  next_step=f"The whole log is {self.log}.")  # fmt: skip
            waited = time.monotonic() - began
            if waited > seconds:
                raise Unavailable(f"The server was not ready after {seconds:.0f} s. Its last lines:\n{self.tail()}",
                                  next_step=f"Give it more time with --wait, or read {self.log}.")  # fmt: skip
            progress(waited)
            time.sleep(POLL_SECONDS)
        state = {"model": self.model, "base_url": self.base_url, "pid": self._process.pid, "log": str(self.log)}
        path = server_file(self.root)
        disk.write_file(path, json.dumps(state).encode() + b"\n", temporary=path.with_suffix(".tmp"))
        return Served(self.model, self.base_url, self._process.pid, "started", self.log)

    def wait(self) -> int:
        """Until the server ends by itself; -> its exit code."""
        assert self._process is not None
        return self._process.wait()

    def tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:])

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            _end_group(self._process.pid, self._process.poll)
            self._process.wait()
            server_file(self.root).unlink(missing_ok=True)


def stop(root: Path) -> Served:
    """Stop the workspace's server, whoever started it. Raises Misuse when none is running."""
    state = known(root)
    if state is None or not _runs(int(state["pid"]), str(state["model"])):
        server_file(root).unlink(missing_ok=True)
        raise Misuse("No server of this workspace is running.", next_step="'tilth serve MODEL' starts one.")
    pid = int(state["pid"])
    _end_group(pid, lambda: None if _runs(pid, str(state["model"])) else 0)
    server_file(root).unlink(missing_ok=True)
    return Served(str(state["model"]), str(state["base_url"]), pid, "reused", Path(state["log"]))


def _end_group(pid: int, ended: Callable[[], int | None]) -> None:
    """SIGTERM to the server, then SIGKILL to whatever is left of its group: engines outlive a killed server."""
    _signal(os.kill, pid, signal.SIGTERM)
    limit = time.monotonic() + GRACE_SECONDS
    while ended() is None and time.monotonic() < limit:
        time.sleep(POLL_SECONDS)
    _signal(os.killpg, pid, signal.SIGKILL)


def _signal(send: Callable[[int, int], None], pid: int, number: int) -> None:
    try:
        send(pid, number)
    except ProcessLookupError:
        return


def _runs(pid: int, model: str) -> bool:
    """Is `pid` still the server that was written down, not another process of the same number?"""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        try:
            command = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True,
                                     check=False).stdout.split()  # fmt: skip
        except OSError:
            return False
    return SERVER in command and model in command


def _die_with_parent() -> None:
    """Linux: when the process that started the server dies, however it dies, the server is told to end."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _free_port() -> int:
    for port in (FIRST_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Unavailable("There is no free port on this machine.")
