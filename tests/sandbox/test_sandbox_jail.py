"""What the kernel takes from a process stays taken. Each script runs in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tilth.tools.sandbox.jail import landlock_abi

needs_landlock = pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

TRY = """
import os, socket, sys
from pathlib import Path
from tilth.tools.sandbox import jail
def attempt(name, act):
    try:
        act()
    except (OSError, MemoryError) as error:
        print(name, type(error).__name__)
    else:
        print(name, "done")
"""


def told_by(script: str, *arguments: object) -> tuple[list[str], int]:
    """The lines a script prints, and the code it ends with."""
    command = [sys.executable, "-c", TRY + script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.splitlines(), done.returncode


@needs_landlock
def test_landlock_leaves_the_named_files_and_nothing_else(tmp_path: Path) -> None:
    allowed, other, folder = tmp_path / "allowed", tmp_path / "other", tmp_path / "folder"
    folder.mkdir()
    for path in (allowed, other, folder / "in"):
        path.write_text("text")
    listener = """
listening = socket.socket(); listening.bind(("127.0.0.1", 0)); listening.listen()
allowed, other, folder = map(Path, sys.argv[1:4])
assert jail.landlock([allowed, folder, folder / "absent"]) > 0
attempt("read allowed", allowed.read_text)
attempt("read in folder", (folder / "in").read_text)
attempt("read other", other.read_text)
attempt("write allowed", lambda: allowed.write_text("gone"))
attempt("truncate allowed", lambda: os.truncate(allowed, 0))
attempt("append other", lambda: other.open("a"))
attempt("create", lambda: (folder / "new").touch())
attempt("remove", other.unlink)
attempt("rename", lambda: allowed.rename(folder / "moved"))
attempt("list", lambda: os.listdir(folder))
attempt("make folder", lambda: (folder / "deep").mkdir())
attempt("link", lambda: (folder / "link").symlink_to(other))
attempt("run", lambda: os.execv("/bin/true", ["true"]))
attempt("again", lambda: jail.landlock([other]) and other.read_text())
attempt("connect", lambda: socket.create_connection(listening.getsockname(), 1))
attempt("listen", lambda: socket.socket().bind(("127.0.0.1", 0)))
"""
    lines, code = told_by(listener, allowed, other, folder)
    assert code == 0
    assert lines[:2] == ["read allowed done", "read in folder done"]
    kept_by_all = lines[2:-2] if landlock_abi() < 4 else lines[2:]
    assert [line for line in kept_by_all if not line.endswith("PermissionError")] == []
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["allowed", "folder", "in", "other"]
    assert {path.read_text() for path in (allowed, other, folder / "in")} == {"text"}


def test_limits(tmp_path: Path) -> None:
    script = """
jail.limit(seconds=60, memory=64 << 20, files=3)
attempt("memory", lambda: bytearray(512 << 20))
attempt("some memory", lambda: bytearray(8 << 20))
attempt("files", lambda: [open(os.devnull) for _ in range(jail.OPEN_FILES + 4)])
attempt("write", lambda: Path(sys.argv[1]).write_text("text"))
"""
    lines, code = told_by(script, tmp_path / "new")
    assert code == 0
    memory = ["memory MemoryError"] if sys.platform.startswith("linux") else lines[:1]
    assert lines == [*memory, "some memory done", "files OSError", "write OSError"]
    assert (tmp_path / "new").read_text() == ""


def test_the_clock_ends_a_process() -> None:
    lines, code = told_by("jail.limit(seconds=0.05, memory=1 << 30, files=0)\nwhile True: pass")
    assert (lines, code) == ([], -14)


@linux
def test_duckdb_starts_no_thread_in_the_sandbox() -> None:
    """Landlock binds the thread that asks for it and those started later: there must be no other."""
    script = """
from tilth.tools.store import door
connection = door.connect(temp=None, threads=1, io_threads=0)
connection.execute("select count(*) from range(1000000) a join range(1000000) b using (range)").fetchall()
print(len(os.listdir("/proc/self/task")))
"""
    assert told_by(script) == (["1"], 0)
