"""Hands in again what an agent handed in during an earlier run: replay:RUN, or replay:RUN:AGENT.

It knows records. Usage is that of the earlier run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...tools.errors import Misuse
from ..records import Record, open_run
from ..registry import Setting
from ..suite import Agent, Job, Submission


@dataclass(frozen=True)
class Replay:
    """`answers` are the earlier run's records by instance and epoch."""

    name: str
    answers: Mapping[tuple[str, int], Record]
    trusted: bool = True

    async def run(self, job: Job) -> Submission:
        record = self.answers.get((job.instance, job.epoch))
        if record is None or record.submission is None:
            raise Misuse(f"The earlier run holds no submission for instance {job.instance}, epoch {job.epoch}.")
        return Submission(record.submission, record.usage)


def agent(setting: Setting) -> Agent:
    """Raises Misuse when the run is of another suite or version, or holds several agents and none is named."""
    run_id, _, wanted = setting.rest.partition(":")
    run = open_run(setting.runs, run_id)
    if (run.plan.suite, run.plan.version) != (setting.suite.name, setting.suite.version):
        raise Misuse(f"Run {run_id} is of suite {run.plan.suite}@{run.plan.version}, not of this one.")
    label = run.label(wanted)
    answers = {(one.instance, one.epoch): one for one in run.records().values() if one.agent == label}
    return Replay(setting.name, answers)
