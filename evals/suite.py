"""The nouns of an evaluation: a suite draws instances, an agent makes a submission, the suite scores it.

It knows values and protocols. How agents are run, limited and recorded is `runner`'s; where truth lives is here: in
the runner's process, never in what an agent is given.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from ..tools.errors import OverBudget

Json = Mapping[str, Any]
Baseline = Literal["oracle", "nothing", "random", "sprayer"]
"""Those that need the truth or know the form only."""


@dataclass(frozen=True)
class Instance:
    """One drawn problem.

    `id` says nothing of the seed. `task` is the text an agent reads, `files` what its folder holds (relative path ->
    bytes), `submission` the JSON schema of what it hands in, `tags` what reports group by (family, tier, dose, …);
    `truth` (JSON) stays in the runner's process. `cluster` is the unit of resampling: a name shared by instances that were
    made from the same drawn material, empty for one made anew. A handful of kinds that every set has is a tag, not a
    cluster: from 6 clusters no test can tell two agents apart.
    """

    id: str
    suite: str
    task: str
    files: Mapping[str, bytes]
    submission: Json
    truth: Json
    tags: Mapping[str, str] = field(default_factory=dict)
    cluster: str = ""


@dataclass(frozen=True)
class Score:
    """`value` is the suite's primary metric (None where the instance does not define it), `metrics` all figures,
    `weights` numerators and denominators that pool over instances ("precision": (hits, found)), `curve` points (x, y)
    where the suite has a recovery curve, `notes` sentences for `eval show`.

    The metric `accepted`, where a suite has it, counts rows; reports tell what each of them cost.
    """

    value: float | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    families: Mapping[str, float] = field(default_factory=dict)  # recall or score by family
    notes: Sequence[str] = ()
    weights: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    curve: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Usage:
    """What a run took; `reported` tells whether the agent said so itself, `simulated` whether an endpoint was asked that is
    declared as simulated. `seconds` are the runner's."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0
    tool_calls: int = 0
    seconds: float = 0.0
    reported: Literal["measured", "self-reported"] = "measured"
    simulated: bool = False

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.usd + other.usd,
            self.tool_calls + other.tool_calls,
            self.seconds + other.seconds,
            self.reported if other.reported == "measured" else other.reported,
            self.simulated or other.simulated,
        )


@dataclass(frozen=True)
class Limits:
    """The budget of one instance."""

    seconds: float = 300.0
    tokens: int | None = None
    tool_calls: int | None = 100
    usd: float | None = None


class Meter:
    """Counts what one job takes, so that it is known however the job ends, and stops it at its limits."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits(tool_calls=None)
        self.usage = Usage()
        self.largest = 0  # tokens of the longest answer with its question
        self.dearest = 0.0  # dollars of the dearest
        self._dollars: list[float] = []

    def add(
        self,
        *,
        calls: int = 0,
        tokens_in: int = 0,
        tokens_out: int = 0,
        usd: float = 0.0,
        tool_calls: int = 0,
        simulated: bool = False,
    ) -> None:
        """Raises OverBudget when the sum passes a limit; what was added stays counted."""
        self._dollars.append(usd)
        self.largest = max(self.largest, tokens_in + tokens_out)
        self.dearest = max(self.dearest, usd)
        self.usage += Usage(calls, tokens_in, tokens_out, 0.0, tool_calls, simulated=simulated)
        self.usage = replace(self.usage, usd=math.fsum(self._dollars))  # the same in whatever order answers come
        if said := passed(self.usage, self._limits):
            raise OverBudget(f"This instance is over its budget: {said}.")


def passed(usage: Usage, limits: Limits) -> str:
    """Which limit `usage` passes, in words; empty when none."""
    if limits.tokens is not None and usage.tokens > limits.tokens:
        return f"{usage.tokens:,} tokens of {limits.tokens:,}"
    if limits.tool_calls is not None and usage.tool_calls > limits.tool_calls:
        return f"{usage.tool_calls:,} tool calls of {limits.tool_calls:,}"
    if limits.usd is not None and usage.usd > limits.usd:
        return f"${usage.usd:.4f} of ${limits.usd:.4f}"
    return ""


@dataclass(frozen=True)
class Job:
    """What an agent gets: the task, a folder of its own with the files in it, limits, a seed and the epoch.

    `meter` is where an agent of this process counts calls, tokens, dollars and tool calls as it takes them.
    """

    instance: str
    suite: str
    task: str
    folder: Path
    submission: Json
    limits: Limits
    seed: int
    epoch: int
    meter: Meter = field(default_factory=Meter, compare=False)


@dataclass(frozen=True)
class Submission:
    """What an agent handed in (JSON), and what it took; without `usage`, what its job's meter counted."""

    value: Json
    usage: Usage | None = None
    transcript: Sequence[Json] = ()  # OpenAI messages, for reports


Ended = Literal["answered", "crashed", "unavailable", "over_budget", "timed_out", "malformed"]
"""How an instance ended; only `answered` has a score, and none of the others is ever a zero among scores."""


class Agent(Protocol):
    """Someone who works on a job. Raises Unavailable and OverBudget as tools/errors.py has them, and Misuse when what it
    made is no submission; any other error is a crash of the agent.

    One that holds connections is an asynchronous context manager too: the runner enters it for a whole run. Work that
    blocks goes into a thread (`asyncio.to_thread`), or neither the time limit nor other jobs can act. An attribute
    `expected: Usage`, what one instance is likely to take, is shown by `--dry-run`; `recounts = True` says that a job done
    again counts answers that were recorded the first time as well.
    """

    @property
    def name(self) -> str: ...

    @property
    def trusted(self) -> bool:
        """Does it run in this process, where the truth is?"""
        ...

    async def run(self, job: Job) -> Submission: ...


class Suite(Protocol):
    """A family of instances with a scorer. All randomness comes from the seed.

    `metric` is the primary metric's name. `version` changes whenever the same seed would draw anything else or the same
    submission score otherwise. It may have, beside what stands here,
    - `with_data(folder) -> Suite`: the suite over real data of that folder, named SUITE[FOLDER], whose `data` is a digest
      of the files it reads and `most` the number of instances they give. Raises Misuse when the folder does not hold what
      it needs.
    - `judge_scored`: metric -> rubric, for metrics that a model's judgement decides. Until people's verdicts calibrate the
      rubric, reports say "uncalibrated" beside them.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def summary(self) -> str: ...

    @property
    def metric(self) -> str: ...

    @property
    def better(self) -> Literal["higher", "lower"]: ...

    def draw(self, seed: str, count: int) -> Sequence[Instance]:
        """`count` instances; the first n of a larger draw are those of a smaller one."""
        ...

    def score(self, instance: Instance, submission: Json) -> Score:
        """Raises Misuse when the submission does not fit the instance's schema."""
        ...

    def known(self, name: Baseline, instance: Instance, rng: random.Random) -> Json | None:
        """The submission of a baseline that needs the truth or knows the form only; None where it makes no sense."""
        ...
