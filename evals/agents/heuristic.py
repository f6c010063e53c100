"""An agent without a model: `heuristic`, the floor that a model has to beat. Its rules stand in `tilth.evals.heuristics`.

`heuristic:loose` is for the suite issues: it reports everything that is a little odd.
"""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...tools.errors import Misuse
from .. import heuristics
from ..registry import Setting
from ..suite import Agent, Job, Submission, Usage

Rules = Callable[..., Mapping[str, Any]]


@dataclass(frozen=True)
class Heuristic:
    """`rules(folder, task, **options)` make a submission."""

    name: str
    rules: Rules
    options: Mapping[str, Any] = field(default_factory=dict)
    trusted: bool = True
    expected: Usage = field(default_factory=Usage)

    async def run(self, job: Job) -> Submission:
        return Submission(await asyncio.to_thread(self.rules, job.folder, job.task, **self.options))


def agent(setting: Setting) -> Agent:
    """`heuristic`, or `heuristic:loose`. Raises Misuse for another word, and for a suite that has no rules."""
    suite = setting.suite.name.partition("[")[0]
    known = {one.name for one in pkgutil.iter_modules([str(Path(heuristics.__file__).parent)])}
    if suite not in known:
        raise Misuse(f"There are no rules for the suite {suite}: it has no heuristic.")
    options = {"loose": True} if setting.rest == "loose" and suite == "issues" else {}
    if setting.rest and not options:
        raise Misuse(
            f"Suite {suite} has no heuristic:{setting.rest}.",
            next_step="Valid: heuristic, and for the suite issues heuristic:loose.",
        )
    module = importlib.import_module(f"{heuristics.__name__}.{suite}")
    return Heuristic(setting.name, module.submission, options)
