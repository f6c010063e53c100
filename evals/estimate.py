"""What a run is likely to take, by earlier runs of the same agents or by what agents expect, before it is begun.

It knows records and guesses; where nothing is known it says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import statistics
from .records import Plan, Record, open_run, run_ids
from .suite import Agent, Instance, Usage


@dataclass(frozen=True)
class Guess:
    """One agent's part: `each` is what one job takes, None where `by` nothing it is known."""

    agent: str
    jobs: int
    each: Usage | None
    by: Literal["earlier runs", "the agent", "nothing"]
    trusted: bool = True


@dataclass(frozen=True)
class Estimated:
    """`detectable`: the least difference of two agents that the run can be expected to separate, if instances are as
    independent as they are many; `clusters` tells whether they are."""

    suite: str
    set: str
    instances: int
    clusters: int
    epochs: int
    guesses: Sequence[Guess]
    detectable: float


def estimate(plan: Plan, instances: Sequence[Instance], agents: Mapping[str, Agent], runs: Path) -> Estimated:
    jobs = len(plan.instances) * plan.epochs
    earlier = _earlier(plan, runs)
    guesses = []
    for label, agent in agents.items():
        expected = getattr(agent, "expected", None)
        if records := earlier.get(label):
            guesses.append(Guess(label, jobs, _average(records), "earlier runs", agent.trusted))
        else:
            by: Literal["the agent", "nothing"] = "nothing" if expected is None else "the agent"
            guesses.append(Guess(label, jobs, expected, by, agent.trusted))
    return Estimated(
        plan.suite,
        plan.set,
        len(instances),
        len({one.cluster or one.id for one in instances}),
        plan.epochs,
        guesses,
        statistics.planned_detectable(len(plan.instances), plan.epochs),
    )


def _earlier(plan: Plan, runs: Path) -> dict[str, list[Record]]:
    """Records by agent of runs under the same limit of tokens: some agents spend what they may."""
    found: dict[str, list[Record]] = {}
    for id in run_ids(runs):
        run = open_run(runs, id)
        kinds = [(one.suite, one.version, one.limits.tokens) for one in (run.plan, plan)]
        if kinds[0] == kinds[1]:
            for record in run.records().values():
                if record.ended != "unavailable":
                    found.setdefault(record.agent, []).append(record)
    return found


def _average(records: Sequence[Record]) -> Usage:
    count, usages = len(records), [one.usage for one in records]
    return Usage(
        calls=round(sum(one.calls for one in usages) / count),
        tokens_in=round(sum(one.tokens_in for one in usages) / count),
        tokens_out=round(sum(one.tokens_out for one in usages) / count),
        usd=math.fsum(one.usd for one in usages) / count,
        tool_calls=round(sum(one.tool_calls for one in usages) / count),
        seconds=math.fsum(one.seconds for one in usages) / count,
    )
