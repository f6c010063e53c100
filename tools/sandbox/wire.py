"""What goes between a sandbox and its process: a job there, a reply back, each as JSON behind its length.

It knows frames and limits. It does not know SQL, and what a job's statements say is its maker's business.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Any, Final

_LENGTH: Final = 4
"""Bytes of a frame's length, most significant first."""


@dataclass(frozen=True)
class Limits:
    """What one question may take: seconds by the clock, bytes of memory for DuckDB, and what of the answer is shown.

    `rows` at most, each value to `cell` characters, all together to `size` bytes of JSON.
    """

    seconds: float = 10.0
    memory: int = 512 << 20
    rows: int = 200
    cell: int = 4_000
    size: int = 1 << 20


@dataclass(frozen=True)
class Job:
    """One question: `statements` make its views, `files` are all that it may read."""

    sql: str
    statements: tuple[str, ...]
    files: tuple[str, ...]
    limits: Limits


def send(channel: socket.socket, message: dict[str, Any]) -> None:
    """Raises OSError when nobody listens."""
    text = json.dumps(message).encode()
    channel.sendall(len(text).to_bytes(_LENGTH, "big") + text)


def receive(channel: socket.socket) -> dict[str, Any] | None:
    """The next message; None when the other side is gone. Raises TimeoutError as the channel is set."""
    head = _exactly(channel, _LENGTH)
    text = None if head is None else _exactly(channel, int.from_bytes(head, "big"))
    message: dict[str, Any] | None = None if text is None else json.loads(text)
    return message


def _exactly(channel: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        try:
            part = channel.recv(count - len(parts))
        except ConnectionError:
            return None
        if not part:
            return None
        parts += part
    return bytes(parts)
