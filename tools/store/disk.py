"""How bytes reach the disk so that a crash at any moment leaves either the old state or the new one.

It knows files, folders and fsync (POSIX: rename is atomic, a folder must be synced for a rename to last). It knows
nothing of what the files mean. Every write of the store goes through here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import Misuse

READ_ONLY = 0o444


@contextmanager
def writing_to(place: Path) -> Iterator[None]:
    """Where the system does not let `place` be made or written, that is said: Misuse."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        next_step = "Name a place you may write in; reading (show, sql, drops, why …) needs none."
        raise Misuse(f"Cannot write {place}: {why}.", next_step=next_step) from None


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Create a folder and make its name durable; nothing happens when it exists."""
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    sync_folder(folder.parent)


def publish(temporary: Path, target: Path, *, mode: int = READ_ONLY) -> None:
    """Give a finished temporary file (same file system) its final name, durably."""
    handle = os.open(temporary, os.O_RDONLY)
    try:
        os.fchmod(handle, mode)
        os.fsync(handle)
    finally:
        os.close(handle)
    make_folder(target.parent)
    os.replace(temporary, target)
    sync_folder(target.parent)


def write_file(target: Path, data: bytes, *, temporary: Path, mode: int = 0o644) -> None:
    """Replace a whole small file: the old or the new content, never a mixture."""
    temporary.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_bytes(data)
    publish(temporary, target, mode=mode)


def append_line(path: Path, line: bytes) -> None:
    """Append one line (without its newline) and make it durable."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class HashingFile:
    """A new binary file that knows the sha256 of all bytes written to it, in order."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self._sha = hashlib.sha256()
        self.closed = False

    def write(self, data: Any) -> int:
        self._sha.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            self.closed = True

    def hexdigest(self) -> str:
        return self._sha.hexdigest()

    readable = staticmethod(lambda: False)
    writable = staticmethod(lambda: True)
    seekable = staticmethod(lambda: False)
