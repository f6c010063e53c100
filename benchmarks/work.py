"""The pieces of work that are measured, one process each: `python -m benchmarks.work WHAT FILE`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import panel
from benchmarks.measure import report


def main() -> None:
    what, file = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    with tempfile.TemporaryDirectory() as folder:
        WORK[what](Path(folder), file)


def _import(folder: Path, file: str) -> None:
    from tilth.agent.workspace import Workspace

    def work() -> dict[str, Any]:
        with Workspace(folder, threads=1) as workspace:
            done = workspace.add(file, name="rows")
        return {"rows": done.kept, "bytes": Path(file).stat().st_size}

    report(work)


def _tool(tool: str, threads: int = 1, **args: Any) -> Any:
    def prepared(folder: Path, file: str) -> None:
        from tilth.agent.workspace import Workspace

        with Workspace(folder, threads=threads) as workspace:
            workspace.add(file, name="rows")
            report(lambda: dict(workspace.do(tool, "rows", **args).result))

    return prepared


def _pipeline(folder: Path, file: str) -> None:
    from tilth.agent.workspace import Workspace

    def work() -> dict[str, Any]:
        with Workspace(folder, threads=1) as workspace:
            workspace.add(file, name="rows")
            workspace.do("filter.length", "rows", min_words=20)
            done = workspace.export("rows", folder / "out")
        return {"rows": done.written.rows, "bytes": Path(file).stat().st_size}

    report(work)


WEEKLY = """\
recipe: 1
dataset: rows
sources: [{name: rows, paths: [rows.jsonl]}]
steps: [clean.unicode, clean.chat, clean.pii, clean.boilerplate, filter.length: {min_words: 20}, filter.rules]
"""


def _weekly(folder: Path, file: str) -> None:
    """The second run of a recipe of local tools: 5 % of the rows are new. Tells the CPU-seconds of the first too."""
    from tilth.agent.workspace import Workspace

    lines = Path(file).read_bytes().splitlines(keepends=True)

    def run(name: str, count: int) -> dict[str, Any]:
        place = folder / name
        place.mkdir(exist_ok=True)
        (place / "rows.jsonl").write_bytes(b"".join(lines[:count]))
        (place / "r.yaml").write_text(WEEKLY)
        with Workspace(place, threads=1) as workspace:
            return dict(workspace.run(place / "r.yaml").result)

    run("warm", 100)  # modules are loaded on first use
    began = time.process_time()
    run("weekly", len(lines) * 20 // 21)
    whole = time.process_time() - began
    report(lambda: {**run("weekly", len(lines)), "whole": whole})


def _help(folder: Path, file: str) -> None:
    command = [sys.executable, "-c", "import sys; from tilth.tui.cli import main; sys.exit(main(['--help']))"]
    report(lambda: subprocess.run(command, check=True, capture_output=True) and None)


WORK = {
    "import": _import,
    "exact": _tool("dedup.exact"),
    "exact_record": _tool("dedup.exact", compare="record"),
    "near": _tool("dedup.near"),
    "near_two": _tool("dedup.near", threads=2),
    "pipeline": _pipeline,
    "weekly": _weekly,
    "help": _help,
    "panel_graph": panel.graph,
    "panel_many": panel.many,
    "panel_resume": panel.resume,
    "panel_decided": panel.decided,
}

if __name__ == "__main__":
    main()
