"""What the terminal face costs, one process each: `python -m benchmarks.tui WHAT FILE`. Nothing is drawn for anybody.

`start`: from the process's start to the first frame. `stream`: an answer of 200 tokens a second under 30 earlier turns.
`table`: a million rows opened, paged through, jumped in.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from benchmarks.measure import report

TURNS, RATE, SECONDS = 30, 200, 8
HEAVY = ("numpy", "pyarrow", "duckdb", "openai", "langgraph")
WORDS = [
    "rows",
    "that",
    "repeat",
    "the",
    "same",
    "question",
    "about",
    "an",
    "invoice",
    "were",
    "dropped",
    "because",
    "their",
    "overlap",
    "is",
    "high",
]


def main() -> None:
    what, file = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    with tempfile.TemporaryDirectory() as folder:
        WORK[what](Path(folder), file)


def _start(folder: Path, file: str) -> None:
    """Its own process, imports and all."""
    from tilth.agent.workspace import Workspace

    with Workspace(folder, threads=1) as workspace:
        (folder / "a.jsonl").write_text('{"text": "a"}\n' * 10)
        workspace.add(folder / "a.jsonl", name="a")
    command = [sys.executable, "-m", "benchmarks.tui", "first_frame", str(folder)]

    def work() -> dict[str, Any]:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told

    report(work)


def _first_frame(folder: Path, file: str) -> None:
    from tilth.tui.app import TilthApp, engine_of
    from tilth.tui.screens.main import MainScreen

    class Face(TilthApp):
        """Leaves as soon as a frame holds the main screen."""

        def _display(self, screen: Any, renderable: Any) -> None:
            super()._display(screen, renderable)
            if isinstance(screen, MainScreen) and renderable is not None and not hasattr(self, "told"):
                heavy = [name for name in HEAVY if name in sys.modules]
                self.told = {"first_frame": time.process_time(), "loaded": heavy}
                self.exit()

    def opened() -> Any:
        from tilth.agent.workspace import Workspace

        return Workspace(Path(file), threads=1)

    app = Face(opened, dataset="a", engine=engine_of(None))
    app.run(headless=True, size=(120, 36))
    print(json.dumps(app.told))


def _stream(folder: Path, file: str) -> None:
    from textual.app import App

    from tilth.agent.events import Answered, Proposed, Returned, Said, Wrote
    from tilth.tui.app import DARK
    from tilth.tui.widgets.transcript import Transcript

    class Face(App[None]):
        def get_theme_variable_defaults(self) -> dict[str, str]:
            return dict(DARK.variables)

        def compose(self) -> Any:
            yield Transcript()

    def turns() -> Any:
        for number in range(TURNS):
            yield Said(f"question {number}")
            yield Proposed(str(number), "dedup.near", "rows", {}, "tilth do dedup.near rows")
            yield Returned(str(number), "dedup.near", True, "100 -> 90", 1.0)
            yield Answered("\n\n".join(" ".join(WORDS * 3) for _ in range(6)))

    async def streamed() -> dict[str, Any]:
        app = Face()
        async with app.run_test(size=(120, 36)) as pilot:
            view = app.query_one(Transcript)
            view.tell_all(turns())
            await pilot.pause()
            cpu, began = time.process_time(), time.monotonic()
            for number in range(RATE * SECONDS):
                end = "\n\n" if number % 60 == 59 else " "
                view.tell(Wrote(WORDS[number % len(WORDS)] + end))
                ahead = began + (number + 1) / RATE - time.monotonic()
                if ahead > 0:
                    await asyncio.sleep(ahead)
            spent, took = time.process_time() - cpu, time.monotonic() - began
            return {"share": spent / took, "lines": len(view.text.splitlines())}

    report(lambda: asyncio.run(streamed()))


def _table(folder: Path, file: str) -> None:
    from textual.app import App

    from tilth.agent.workspace import Workspace
    from tilth.tui.app import DARK
    from tilth.tui.widgets.pages import open_pages
    from tilth.tui.widgets.row_table import RowTable

    class Face(App[None]):
        def get_theme_variable_defaults(self) -> dict[str, str]:
            return dict(DARK.variables)

        def compose(self) -> Any:
            yield RowTable()

    async def looked(workspace: Workspace) -> dict[str, Any]:
        app = Face()
        async with app.run_test(size=(120, 36)) as pilot:
            await pilot.pause()
            table = app.query_one(RowTable)
            before, began, cpu = _resident(), time.monotonic(), time.process_time()
            pages = open_pages(workspace, "rows", "", "")
            table.show(pages)
            async for _ in _until(lambda: table.cell() is not None, pilot):
                pass
            painted = {"painted": time.monotonic() - began, "painted_cpu": time.process_time() - cpu}
            rng = random.Random(7)
            jumps = _jumps(pages, rng)
            for _ in range(20):
                table.go(rng.randrange(len(pages)))
                async for _ in _until(lambda: table.cell() is not None, pilot):
                    pass
            resident, cpu = _resident() - before, time.process_time()
            ordered = open_pages(workspace, "rows", "", f"{pages.fields[0].name} desc")
            cpu = time.process_time() - cpu
            return {"rows": len(pages), **painted, "page_ms": jumps, "resident_mb": resident,
                    "sorted_cpu": cpu, "sorted_page_ms": _jumps(ordered, rng)}  # fmt: skip

    with Workspace(folder, threads=1) as workspace:
        workspace.add(file, name="rows")
    with Workspace(folder, threads=1) as workspace:
        report(lambda: asyncio.run(looked(workspace)))


def _jumps(pages: Any, rng: random.Random) -> list[float]:
    """Milliseconds of CPU that a page at random takes: the median and the most of 40."""
    from tilth.tui.widgets.pages import PAGE

    took = []
    for _ in range(40):
        at, began = rng.randrange(len(pages)), time.process_time()
        pages.page(at // PAGE)
        took.append(1000 * (time.process_time() - began))
    return [sorted(took)[20], max(took)]


async def _until(done: Any, pilot: Any) -> AsyncIterator[None]:
    while not done():
        await pilot.pause(0.005)
        yield


def _resident() -> float:
    """Megabytes of this process now; its peak where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / 1e6


WORK = {"start": _start, "first_frame": _first_frame, "stream": _stream, "table": _table}

if __name__ == "__main__":
    main()
