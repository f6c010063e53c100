"""Baselines that a suite answers for itself: nothing, random, oracle, sprayer. They are given the truth."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from ...tools.errors import Misuse
from ..registry import Setting
from ..suite import Agent, Baseline, Instance, Job, Submission, Suite, Usage


@dataclass(frozen=True)
class Known:
    """`baseline` is which of the four; `name` the label in reports."""

    name: str
    baseline: Baseline
    suite: Suite
    instances: Mapping[str, Instance]
    trusted: bool = True
    expected: Usage = field(default_factory=Usage)

    async def run(self, job: Job) -> Submission:
        value = self.suite.known(self.baseline, self.instances[job.instance], random.Random(job.seed))
        if value is None:
            raise Misuse(f"Suite {self.suite.name} defines no submission of {self.baseline!r} for this instance.")
        return Submission(value)


def agent(setting: Setting) -> Agent:
    """Raises Misuse for a baseline that makes no sense for the suite."""
    made = Known(setting.name, cast(Baseline, setting.rest), setting.suite, setting.instances)
    first = next(iter(setting.instances.values()), None)
    if first is not None and setting.suite.known(made.baseline, first, random.Random(0)) is None:
        raise Misuse(f"Suite {setting.suite.name} has no {setting.rest} baseline.")
    return made
