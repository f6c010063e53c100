"""Runs a recipe over and over, killing it, and tells what a further run makes of what is left.

Run as a program by test_crash.py: it must own its process (it forks), and prints one JSON line.

    crash_driver.py FOLDER commit         kill one step before every system call that changes the disk
    crash_driver.py FOLDER recipe EVERY   kill a whole recipe before every EVERYth such call
    crash_driver.py FOLDER moments COUNT  kill a whole recipe at COUNT random moments
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tilth.agent.workspace import Workspace
from tilth.tools.dedup import exact  # noqa: F401 - imported once, before any fork
from tilth.tools.document import card  # noqa: F401
from tilth.tools.store import upkeep

RECIPE = """
recipe: 1
dataset: chats
sources: [{name: chats, paths: [chats.jsonl]}]
steps:
  - dedup.exact
  - clean.unicode
  - filter.where: {keep: "row_id < 'f0'"}
export: {to: out, split: {train: 0.8, test: 0.2}}
"""
CHANGING = {"open", "os.rename", "os.remove", "os.truncate", "os.mkdir", "os.chmod", "os.rmdir"}


def prepare(folder: Path) -> None:
    folder.mkdir()
    with (folder / "chats.jsonl").open("w", encoding="utf-8") as file:
        for i in range(120):
            turns = [
                {"role": "user", "content": f"question {i % 100}"},
                {"role": "assistant", "content": f"cafÃ© {i % 100}"},
            ]
            file.write(json.dumps({"messages": turns}, ensure_ascii=False) + "\n")
    (folder / "r.yaml").write_text(RECIPE)
    (folder / "steps.yaml").write_text(RECIPE[: RECIPE.index("  - filter.where")])


def work(folder: Path) -> dict[str, Any]:
    """Run the recipe and tell all that must be the same each time."""
    workspace = Workspace(folder, threads=1)
    workspace.pack_rows = 50
    ran = workspace.run(folder / "r.yaml")
    out = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted([*(folder / "out").rglob("*"), folder / "r.lock.json"])
        if path.is_file()
    }
    left = sorted(path.name for path in (folder / ".tilth" / "tmp").iterdir())
    beside = sorted(path.name for path in folder.iterdir() if path.name.endswith(".tilth") and path.name != ".tilth")
    faults = upkeep.verify(workspace.store)
    ref = (folder / ".tilth" / "refs" / "chats").read_text().strip()
    return {"version": ran.version, "ref": ref, "files": out, "left": left + beside, "faults": faults}


def one_step(folder: Path) -> dict[str, Any]:
    """The last step of a recipe whose others are done, without an export; tells all that must be the same each time."""
    workspace = Workspace(folder, threads=1)
    vid = workspace.run(folder / "steps.yaml").version
    ref = (folder / ".tilth" / "refs" / "chats").read_text().strip()
    left = sorted(path.name for path in (folder / ".tilth" / "tmp").iterdir())
    return {"version": vid, "ref": ref, "left": left, "faults": upkeep.verify(workspace.store)}


def first_steps(folder: Path) -> dict[str, Any]:
    """Everything but the last step of `one_step`."""
    workspace = Workspace(folder, threads=1)
    workspace.pack_rows = 50
    return {"version": workspace.run(folder / "steps.yaml", until="dedup.exact").version}


def in_child(
    folder: Path, work: Callable[[Path], dict[str, Any]], kill_at: int | None = None
) -> tuple[int, dict[str, Any] | None]:
    """Run in a forked child that kills itself before changing call number `kill_at`; -> (wait status, result)."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        if kill_at is not None:
            _die_before(kill_at)
        result = json.dumps(work(folder)).encode()
        with os.fdopen(write, "wb") as pipe:
            pipe.write(result)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    return status, json.loads(data) if data else None


def _die_before(number: int) -> None:
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in CHANGING and (
            event != "open" or (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR))
        ):
            step()

    for name in ("fsync", "write"):
        original = getattr(os, name)
        setattr(os, name, lambda *args, original=original: (step(), original(*args))[1])
    sys.addaudithook(hook)


def main() -> None:
    root, how = Path(sys.argv[1]), sys.argv[2]
    done = one_step if how == "commit" else work
    prepare(root / "fresh")
    if how == "commit":
        in_child(root / "fresh", first_steps)
    shutil.copytree(root / "fresh", root / "calm")
    began = time.monotonic()
    _, calm = in_child(root / "calm", done)
    seconds = time.monotonic() - began
    assert calm is not None
    kills, wrong = 0, []
    rng = random.Random(1)
    number = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    for attempt in range(number) if how == "moments" else range(1, 10_000, number):
        folder = root / "torn"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(root / "fresh", folder)
        if how != "moments":
            status, _ = in_child(folder, done, attempt)
            if not os.WIFSIGNALED(status):
                break
        else:
            child = os.fork()
            if child == 0:
                work(folder)
                os._exit(0)
            time.sleep(rng.random() * seconds)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        kills += 1
        _, after = in_child(folder, done)
        if after != calm:
            wrong.append({"attempt": attempt, "after": after})
    print(json.dumps({"kills": kills, "wrong": wrong[:3], "count": len(wrong), "calm": calm, "seconds": seconds}))


main()
