"""The verb `serve`: a vLLM server for this workspace, in the foreground until Ctrl-C."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...agent.events import Noticed, Progressed
from ...agent.models import serving
from ...agent.models.connections import VLLM, VLLM_URL
from ...tools.errors import Misuse
from ...tools.store.store import find_workspace

if TYPE_CHECKING:
    from ..command import Command


def serve(command: Command) -> int:
    from ...agent.config import read_config

    folder = command.folder.resolve()
    root = find_workspace(folder) or folder
    args = command.args
    if args.stop:
        stopped = serving.stop(root)
        command.face.result({"tool": "serve", "model": stopped.model, "stopped": True}, lambda screen: ["stopped"])
        return 0
    if not args.model:
        raise Misuse("tilth serve wants a model: a name on a hub, or a folder.", next_step="Write: tilth serve MODEL")
    declared = read_config(root).endpoints
    urls = [declared[VLLM].base_url] if VLLM in declared else [VLLM_URL]
    running = serving.find(root, args.model, urls)
    if running is not None:
        _tell(command, running)
        return 0
    return _run(command, root)


def _run(command: Command, root: Path) -> int:
    args = command.args
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    server = serving.Server(root, args.model, python=args.python or sys.executable, arguments=args.passed)
    with server:
        command.face.listener(Noticed(f"starting; its log is {server.log}"))
        found = server.ready(
            seconds=args.wait,
            progress=lambda waited: command.face.listener(Progressed("waiting", int(waited), 0, "s")),
        )
        told = f"vllm:{found.model} at {found.base_url}; Ctrl-C, or 'tilth serve --stop' elsewhere, stops it"
        command.face.listener(Noticed(told))
        code = server.wait()
    line = {"tool": "serve", "model": found.model, "base_url": found.base_url, "stopped": True}
    command.face.result(line, lambda screen: ["the server has ended"])
    return 0 if code in (0, -signal.SIGTERM) else 3


def _leave(number: int, frame: object) -> None:
    """A signal that ends us ends the server first."""
    raise KeyboardInterrupt


def _tell(command: Command, found: serving.Served) -> None:
    line = {"tool": "serve", "model": found.model, "base_url": found.base_url, "how": found.how}
    told = f"{found.how}: vllm:{found.model} at {found.base_url}"
    command.face.result(line, lambda screen: [told])
