"""An agent without a model for `contamination`: `contaminate.scan` in a workspace of its own, its verdicts handed in.

What the scan leaves undecided, as no judge was asked, is handed in as clean.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ...agent.workspace import open_workspace
from ...tools.errors import Misuse
from ..registry import Setting
from ..suite import Agent, Job, Submission, Usage

SUITE: Final = "contamination"
BENCHMARK: Final = "benchmark.jsonl"
TRAINING: Final = "train.jsonl"
VERDICTS: Final = ("exact", "near_verbatim", "partial", "rephrased")
_NAME: Final = "leak-check"


@dataclass(frozen=True)
class Scan:
    name: str
    trusted: bool = True
    expected: Usage = field(default_factory=Usage)

    async def run(self, job: Job) -> Submission:
        return Submission({"items": await asyncio.to_thread(verdicts, job.folder)})


def verdicts(folder: Path) -> dict[str, str]:
    """The verdict of every item that a row holds, by the item's id."""
    with open_workspace(folder, threads=1) as workspace:
        workspace.add(folder / TRAINING, name="training")
        workspace.add_benchmark(_NAME, folder / BENCHMARK)
        done = workspace.do("contaminate.scan", "training", benchmarks=[_NAME], similar=False)
    (told,) = done.details["benchmarks"]
    return {id: verdict for verdict, ids in told["held"].items() if verdict in VERDICTS for id in ids}


def agent(setting: Setting) -> Agent:
    """Raises Misuse for another suite."""
    if setting.suite.name != SUITE:
        raise Misuse(f"scan looks for benchmark items; suite {setting.suite.name} asks for something else.")
    return Scan(setting.name)
