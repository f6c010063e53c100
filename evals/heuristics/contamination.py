"""Leaks by `contaminate.scan` in a workspace of its own, its verdicts handed in.

What the scan leaves undecided, as no judge was asked, is handed in as clean.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ...agent.workspace import open_workspace

BENCHMARK: Final = "benchmark.jsonl"
TRAINING: Final = "train.jsonl"
VERDICTS: Final = ("exact", "near_verbatim", "partial", "rephrased")
_NAME: Final = "leak-check"


def submission(folder: Path, task: str) -> dict[str, Any]:
    """The verdict of every item that a row holds, by the item's id."""
    with open_workspace(folder, threads=1) as workspace:
        workspace.add(folder / TRAINING, name="training")
        workspace.add_benchmark(_NAME, folder / BENCHMARK)
        done = workspace.do("contaminate.scan", "training", benchmarks=[_NAME], similar=False)
    (told,) = done.details["benchmarks"]
    return {"items": {id: verdict for verdict, ids in told["held"].items() if verdict in VERDICTS for id in ids}}
