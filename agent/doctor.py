"""Is everything here that tilth needs? Versions, workspace, disk, terminal, sandbox walls, endpoints.

It knows how to look and what to do about each fault. It writes one file and removes it, opens no connection and
reads no secret: of environment variables it tells whether they are set.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from ..tools.errors import TilthError
from ..tools.sandbox.jail import landlock_abi
from ..tools.store.store import find_workspace
from ..tools.version import VERSION
from .config import read_config

State = Literal["ok", "note", "fault"]

NEEDED: Final = ("duckdb", "pyarrow", "numpy", "scipy", "scikit-learn", "pydantic", "PyYAML")
NETWORK_DISKS: Final = frozenset(
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "ceph", "glusterfs", "lustre"]
)
LEAST_FREE: Final = 1 << 30


@dataclass(frozen=True)
class Check:
    """What was looked at, what was found, what to do about it. A `note` limits, a `fault` stops."""

    name: str
    state: State
    found: str
    todo: str = ""


def examine(folder: Path) -> list[Check]:
    """Every check, in the order a person should read them."""
    root = find_workspace(folder.resolve()) or folder.resolve()
    return [*_versions(), *_workspace(root), *_terminal(), *_walls(), *_endpoints(root)]


def _versions() -> Iterator[Check]:
    python = platform.python_version()
    yield Check("tilth", "ok", f"{VERSION} on Python {python}, {platform.system()} {platform.machine()}")
    found, missing = [], []
    for name in NEEDED:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Check("packages", "fault", f"missing: {', '.join(missing)}", f"Run: pip install {' '.join(missing)}")
    else:
        yield Check("packages", "ok", ", ".join(found))


def _workspace(root: Path) -> Iterator[Check]:
    state = root / ".tilth"
    place = state if state.is_dir() else root
    what = f"{root}" if state.is_dir() else f"none at {root} yet"
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix="doctor-") as file:
            yield Check("workspace", "ok", f"{what}; it can be written to")
            yield _locking(file.name)
    except OSError as error:
        todo = "Choose a folder you may write in with --workspace, or ask for the right to."
        yield Check("workspace", "fault", f"{what}; writing fails: {error.strerror}", todo)
    kind = _disk_kind(place)
    if kind in NETWORK_DISKS:
        todo = "Keep the workspace on a local disk: locks and renames are not safe over a network."
        yield Check("disk", "fault", f"a network file system ({kind})", todo)
    free = shutil.disk_usage(place).free
    told = f"{free / 1e9:,.1f} GB free{f' on {kind}' if kind else ''}"
    if kind not in NETWORK_DISKS:
        few = free < LEAST_FREE
        yield Check("disk", "note" if few else "ok", told, "Free some space: an import is copied once." if few else "")


def _locking(path: str) -> Check:
    """Two descriptors of one file: the second must not get the lock the first holds."""
    with open(path) as one, open(path) as other:
        try:
            fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return Check("locking", "fault", f"files cannot be locked: {error.strerror}",
                         "Keep the workspace on a local disk.")  # fmt: skip
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return Check("locking", "ok", "a second writer is kept out")
    return Check("locking", "fault", "a lock keeps nobody out", "Keep the workspace on a local disk.")


def _disk_kind(path: Path) -> str:
    """The file system's name by /proc/mounts; "" where that is unknown."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    mounts = [line.split()[1:3] for line in lines]
    real = os.path.realpath(path)
    over = [(len(at), kind) for at, kind in mounts if real == at or real.startswith(at.rstrip("/") + "/")]
    return max(over)[1] if over else ""


def _terminal() -> Iterator[Check]:
    tty = [name for name, stream in (("stdin", sys.stdin), ("stdout", sys.stdout), ("stderr", sys.stderr))
           if stream is not None and stream.isatty()]  # fmt: skip
    size = shutil.get_terminal_size((0, 0))
    told = [f"terminal on {', '.join(tty)}" if tty else "no terminal: plain lines, no colour"]
    if size.columns:
        told.append(f"{size.columns} x {size.lines}")
    told.append(f"TERM {os.environ.get('TERM') or 'not set'}")
    if os.environ.get("NO_COLOR"):
        told.append("NO_COLOR is set")
    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    told.append(f"encoding {encoding}")
    if encoding.lower().replace("-", "") != "utf8":
        yield Check(
            "terminal", "note", ", ".join(told), "Set a UTF-8 locale (LANG=C.UTF-8), or letters show as escapes."
        )
    elif tty and 0 < size.columns < 60:
        yield Check("terminal", "note", ", ".join(told), "Tables need 60 columns; make the window wider.")
    else:
        yield Check("terminal", "ok", ", ".join(told))


def _walls() -> Iterator[Check]:
    abi = landlock_abi()
    if abi >= 4:
        yield Check("sandbox", "ok", f"Landlock {abi}: a process can be kept from files and from the network")
    elif abi > 0:
        yield Check("sandbox", "note", f"Landlock {abi}: a process can be kept from files, not from the network",
                    "Linux 6.7 or later adds the network.")  # fmt: skip
    else:
        why = "Landlock is not available" if sys.platform == "linux" else f"no Landlock on {platform.system()}"
        yield Check("sandbox", "note", f"{why}; queries are validated and run in a locked database",
                    "Nothing to do for work of your own; it is a second wall.")  # fmt: skip


def _endpoints(root: Path) -> Iterator[Check]:
    try:
        config = read_config(root)
    except TilthError as error:
        yield Check("tilth.toml", "fault", str(error.args[0]), error.next_step or "Correct the file.")
        return
    written = (root / "tilth.toml").is_file()
    yield Check("tilth.toml", "ok", "valid" if written else "none; 'tilth init' writes one")
    if not config.endpoints:
        yield Check("endpoints", "ok", "none; only what judges or makes rows, and the chat, needs one")
    for name, endpoint in config.endpoints.items():
        host = urlsplit(endpoint.base_url).hostname
        variable = endpoint.api_key_env
        if host is None:
            yield Check(f"endpoint {name}", "fault", "base_url is no URL", 'Write it as "http://host:8000/v1".')
        elif variable and variable not in os.environ:
            yield Check(f"endpoint {name}", "fault", f"at {host}; {variable} is not set", f"Run: export {variable}=…")
        else:
            key = f"{variable} is set" if variable else "no key"
            yield Check(f"endpoint {name}", "ok", f"at {host}; {key}; it was not called")
    for path in config.tools.load:
        if not (root / path).is_file():
            yield Check(f"tools {path}", "fault", "there is no such file", "Correct [tools] load in tilth.toml.")
