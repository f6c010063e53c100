"""Driving a strategy without a panel: every request goes to a function, every answer through the strategy's own code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pytest

from tilth.tools.panel import Candidate, Job, Rejected, Request, Task

Model = Callable[[str, Request, Task], "str | Mapping[str, Any]"]
"""(name of the step, request, task) -> the text, or the data where a schema was given."""


@dataclass
class Drafted:
    """What became of one task; `rejected` is None for a candidate that passed every gate."""

    task: Task
    prior: dict[str, Any] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    candidate: Candidate | None = None
    rejected: Rejected | None = None

    @property
    def code(self) -> str:
        return self.rejected.code if self.rejected else ""

    @property
    def record(self) -> Mapping[str, Any]:
        assert self.candidate is not None and self.rejected is None, self.rejected
        return self.candidate.record


def drafted(job: Job, model: Model | None, task: Task) -> Drafted:
    done = Drafted(task)
    if model is None:
        assert job.offline is not None
        made = job.offline(task)
        if isinstance(made, Rejected):
            done.rejected = made
            return done
        done.prior |= made
    for step in job.steps if model is not None else ():
        request = step.request(task, done.prior)
        done.requests.append(request)
        said = model(step.name, request, task)
        answer: dict[str, Any] = {"text": said if isinstance(said, str) else "", "data": None}
        if request.schema is not None:
            answer["data"] = request.schema.model_validate(said).model_dump(mode="json")
        found = step.parse(task, done.prior, answer)
        if isinstance(found, Rejected):
            done.rejected = found
            return done
        done.prior[step.name] = found
    candidate = job.candidate(task, done.prior)
    if isinstance(candidate, Rejected):
        done.rejected = candidate
        return done
    done.candidate = candidate
    done.rejected = next((found for gate in job.gates if (found := gate(task, candidate))), None)
    return done


Drive = Callable[..., list[Drafted]]


@pytest.fixture
def drive() -> Drive:
    """`drive(job, model=None, count=None) -> [Drafted]`: the first `count` tasks of the plan, or all; without a model,
    offline."""

    def run(job: Job, model: Model | None = None, count: int | None = None) -> list[Drafted]:
        return [drafted(job, model, task) for task in islice(job.tasks(), count)]

    return run


@pytest.fixture
def fences() -> Callable[[Request], Sequence[tuple[str, str]]]:
    """`fences(request) -> [(label, text)]` of its user message."""

    def read(request: Request) -> list[tuple[str, str]]:
        found = re.findall(
            r"<([a-z_0-9]+) ([0-9a-f]{12})>\n(.*?)\n</\1 \2>", request.messages[-1]["content"], re.DOTALL
        )
        return [(label, text) for label, _, text in found]

    return read
