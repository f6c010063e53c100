"""The `.tilth` folder of a workspace: objects, versions, refs, ledger, and the lock that orders writers.

It knows where everything lies, how an address names a version, and how an entry is made durable. It does not know
tools, recipes or faces.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final

from ..errors import Busy, Corrupt, Misuse, nearest
from . import disk
from .ledger import Entry, History, Ledger, referenced
from .packs import Objects
from .rows import Rows
from .versions import Version

STATE: Final = ".tilth"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
RESERVED: Final = frozenset(
    ["con", "prn", "aux", "nul", "com1", "com2", "lpt1", "lpt2", "check", "list", "verify", "add", "all", "from-ledger"]
)


def find_workspace(start: Path) -> Path | None:
    """The nearest folder at or above `start` that holds `.tilth/` or `tilth.toml`."""
    for folder in [start, *start.parents]:
        if (folder / STATE).is_dir() or (folder / "tilth.toml").is_file():
            return folder
    return None


def check_name(name: str, *, use: str = "name a dataset") -> str:
    """A name, safe as a file name everywhere; `use` is what it cannot be otherwise. Raises Misuse."""
    parts = name.split("/") if name.startswith("benchmarks/") else [name]
    if not all(NAME.fullmatch(part) for part in parts) or parts[-1] in RESERVED:
        rule = "Names are 1 to 64 of a-z, 0-9, '.', '_', '-', begin with a letter or digit, and are no reserved word."
        raise Misuse(f"{name!r} cannot {use}.", next_step=rule)
    return name


class Store:
    """One open workspace. Reading needs no lock; writing happens inside `writing()`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = root / STATE
        self._prepare()
        self.objects = Objects(self.state / "objects", self.state / "tmp")
        self.ledger = Ledger(self.state / "ledger.jsonl")
        self._lock: IO[str] | None = None
        self.readers = self._open_readers()
        self._close = weakref.finalize(self, os.close, self.readers)
        fcntl.flock(self.readers, fcntl.LOCK_SH)

    def _prepare(self) -> None:
        if self.state.is_dir() and not self._writable:
            return
        with disk.writing_to(self.state):
            for folder in ("objects", "versions", "refs", "rejects", "tmp", "cache", "sessions"):
                (self.state / folder).mkdir(parents=True, exist_ok=True)
            ignore = self.state / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n")

    @property
    def _writable(self) -> bool:
        return os.access(self.state, os.W_OK)

    def _open_readers(self) -> int:
        """What readers lock together; in a workspace that cannot be written nothing is collected, and any handle will do."""
        if self._writable:
            return os.open(self.state / "readers", os.O_RDWR | os.O_CREAT, 0o644)
        return os.open(self.state, os.O_RDONLY)

    def close(self) -> None:
        self._close()

    @property
    def locked(self) -> bool:
        """Is the write lock held here?"""
        return self._lock is not None

    @property
    def inputs(self) -> Path:
        """Where copies of remote sources lie; disposable."""
        return self.state / "cache" / "inputs"

    # -- addresses ---------------------------------------------------------------------------------------------

    def histories(self) -> dict[str, History]:
        self.ledger.refresh()
        return self.ledger.histories()

    def history(self, dataset: str) -> History:
        histories = self.histories()
        if dataset not in histories:
            next_step = f"{nearest(dataset, histories)} 'tilth import NAME PATH' makes one."
            raise Misuse(f"There is no dataset {dataset!r} here.", next_step=next_step)
        return histories[dataset]

    def resolve(self, address: str) -> tuple[str, str]:
        """`NAME`, `NAME~1`, `NAME@TAG` or `NAME@VID` (a prefix of 6 digits or more) -> (dataset, version id)."""
        match = re.fullmatch(r"([^@~]+)(?:~(\d+)|@(.+))?", address)
        if not match:
            raise Misuse(f"{address!r} is no address.", next_step="Write NAME, NAME~1, NAME@TAG or NAME@VERSION.")
        name, back, label = match.groups()
        history = self.history(name)
        if back is not None:
            at = history.cursor - int(back)
            if at < 0:
                first = f"{name} has {history.cursor + 1} versions; the oldest is {name}~{history.cursor}."
                raise Misuse(f"{address!r} goes back too far.", next_step=first)
            return name, history.vids[at]
        if label is None:
            return name, history.current
        if label in history.tags:
            return name, history.tags[label]
        known = {vid for entry in self.ledger.of(name) for vid in (*entry.inputs, entry.output) if vid}
        hits = sorted(vid for vid in known if vid.startswith(label)) if len(label) >= 6 else []
        if len(hits) != 1:
            what = "names several versions" if hits else "is neither a tag nor the beginning of a version id"
            tags = f"{nearest(label, history.tags)} " if history.tags else ""
            next_step = f"{tags}'tilth log {name}' lists its versions."
            raise Misuse(f"{address!r}: {label!r} {what} of {name}.", next_step=next_step)
        return name, hits[0]

    def version(self, vid: str) -> Version:
        """A stored version; rows purged since are left out, under the id it always had."""
        try:
            version = Version.from_json((self.state / "versions" / f"{vid}.json").read_bytes())
        except FileNotFoundError:
            raise Misuse(f"The version {vid} is not stored here.") from None
        except (ValueError, KeyError, TypeError):
            next_step = "'tilth log --verify' names every fault; restore the file from a backup."
            raise Corrupt(f"The manifest of version {vid} is damaged.", next_step=next_step) from None
        moved, parts = self.ledger.moved_parts, list(version.parts)
        for number, part in enumerate(parts):
            while (to := moved.get((part.pack, part.selection))) is not None:
                part = parts[number] = replace(part, **to)
        return version if tuple(parts) == version.parts else version.without_purged(parts)

    def rows(self, address: str) -> Rows:
        """The rows an address means."""
        return self.rows_of(self.resolve(address)[1])

    def rows_of(self, vid: str) -> Rows:
        return Rows(self.objects, self.version(vid))

    # -- writing -----------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self, command: str = "") -> Iterator[None]:
        """Hold the workspace's one write lock. On entry refs are brought up to the ledger and tmp is swept."""
        if self._lock is not None:
            yield
            return
        with disk.writing_to(self.state):
            if not self._writable:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            file = (self.state / "lock").open("a+")
        with file as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _busy(lock) from None
            lock.seek(0)
            lock.truncate()
            holder = {"pid": os.getpid(), "command": command or " ".join(sys.argv)[:200]}
            lock.write(json.dumps(holder))
            lock.flush()
            self._lock = lock
            try:
                self._roll_forward()
                yield
            finally:
                self._lock = None
                lock.seek(0)
                lock.truncate()

    def commit(self, entry: Entry, version: Version | None = None) -> Entry:
        """Make an entry durable: manifest, ledger line, ref, in this order. The caller holds the lock."""
        if self._lock is None:
            raise RuntimeError("commit outside writing()")
        if version is not None:
            path = self.state / "versions" / f"{version.vid}.json"
            if not path.exists():
                disk.write_file(path, version.to_json(), temporary=self._temporary(version.vid), mode=disk.READ_ONLY)
        entry = self.ledger.append(replace(entry, at=""))
        self._roll_forward(sweep=False)
        return entry

    def _roll_forward(self, *, sweep: bool = True) -> None:
        """The ledger decides: move every ref that lags behind it."""
        if sweep:
            shutil.rmtree(self.state / "tmp", ignore_errors=True)
            (self.state / "tmp").mkdir(exist_ok=True)
        self._remove_purged()
        for name, history in self.histories().items():
            ref = self.state / "refs" / name
            wanted = f"{history.current}\n".encode()
            if not ref.exists() or ref.read_bytes() != wanted:
                disk.write_file(ref, wanted, temporary=self._temporary(f"ref-{name.replace('/', '-')}"))

    def _remove_purged(self) -> None:
        """Objects a purge has replaced go, unless a later entry has made the same one again."""
        self.ledger.refresh()
        if not self.ledger.purged:
            return
        named = referenced(self.ledger.entries())
        for tombstone in self.ledger.purged.values():
            for sha in tombstone.details["objects"]:
                if sha not in named:
                    self.objects.path(sha).unlink(missing_ok=True)

    def _temporary(self, stem: str) -> Path:
        return self.state / "tmp" / f"{stem}.{os.getpid()}"

    def scratch(self, name: str) -> Path:
        """A folder under tmp for one call; swept at the latest by the next writer."""
        folder = self.state / "tmp" / f"{name}.{os.getpid()}"
        with disk.writing_to(self.state):
            folder.mkdir(parents=True, exist_ok=True)
        return folder


def _busy(lock: IO[str]) -> Busy:
    lock.seek(0)
    try:
        holder: dict[str, Any] = json.loads(lock.read() or "{}")
    except ValueError:
        holder = {}
    who = f" (process {holder['pid']}: {holder['command']})" if "pid" in holder else ""
    next_step = "Wait until it has ended, or stop it; reading (show, sql, drops, why …) works meanwhile."
    return Busy(f"Another command is writing in this workspace{who}.", next_step=next_step)
