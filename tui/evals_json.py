"""Runs, instances and estimates as the JSON that `tilth eval --json` prints. It knows fields only."""

from __future__ import annotations

from typing import Any

from ..evals.estimate import Estimated
from ..evals.records import Run
from ..evals.suite import Instance
from ..evals.summary_json import figure


def run(one: Run) -> dict[str, Any]:
    plan = one.plan
    records = one.records()
    return {
        "run": one.id,
        "suite": plan.suite,
        "version": plan.version,
        "set": plan.set,
        "instances": len(plan.instances),
        "epochs": plan.epochs,
        "agents": plan.labels,
        "done": len(records),
        "jobs": len(plan.instances) * plan.epochs * len(plan.labels),
    }


def instance(one: Instance) -> dict[str, Any]:
    return {"instance": one.id, "tags": dict(one.tags), "files": {name: len(body) for name, body in one.files.items()}}


def whole_instance(one: Instance) -> dict[str, Any]:
    """With the truth: for people who look, never for agents."""
    return {**instance(one), "task": one.task, "submission": one.submission, "truth": one.truth}


def estimated(one: Estimated) -> dict[str, Any]:
    agents = []
    for guess in one.guesses:
        each = guess.each
        total = None if each is None else {
            "calls": each.calls * guess.jobs,
            "tokens": {"in": each.tokens_in * guess.jobs, "out": each.tokens_out * guess.jobs},
            "usd": figure(each.usd * guess.jobs),
            "minutes": figure(each.seconds * guess.jobs / 60),
        }  # fmt: skip
        agents.append(
            {"agent": guess.agent, "jobs": guess.jobs, "by": guess.by, "total": total, "trusted": guess.trusted}
        )
    return {
        "suite": one.suite,
        "set": one.set,
        "instances": one.instances,
        "clusters": one.clusters,
        "epochs": one.epochs,
        "detectable": figure(one.detectable),
        "agents": agents,
    }
