"""What a panel is asked and what it answers: the words that strategies, tools and the panel's engine share.

It knows data and pure functions. How models are asked, in what order, by whom and at what cost is the agent layer's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import BaseModel

Prior = Mapping[str, Any]
"""What the earlier steps of a draft came to, by step name (JSON values)."""

Outcome = Literal["accepted", "rejected", "failed", "undecided"]
"""`failed`: given up by a person's word; `undecided`: no judge gave a readable answer (judging existing rows only)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the generator; the answer is validated against `schema` when there is one."""

    messages: Sequence[Mapping[str, Any]]
    schema: type[BaseModel] | None = None
    temperature: float = 0.7
    max_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a draft does not become a row: a stable code (snake case) and a sentence for people."""

    code: str
    message: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parent:
    """A row that something was made from (32 hex digits), and the characters of a field when it was a part of it."""

    row_id: str
    field: str = ""
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to make or to judge: its place in the plan, JSON data, and what it comes from."""

    position: int
    data: Mapping[str, Any]
    parents: tuple[Parent, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A draft: the record as it would be stored, and what judges read of it.

    `shown` maps labels ("question", "answer", "source") to texts; they are fenced as data. `text` is what near-duplicates
    and contamination are looked for in. `data` is kept as the row's evidence.
    """

    record: Mapping[str, Any]
    shown: Mapping[str, str]
    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One question of a draft. Both functions are pure; `parse` gets the answer's `text` and, with a schema, `data`."""

    name: str
    request: Callable[[Task, Prior], Request]
    parse: Callable[[Task, Prior, Mapping[str, Any]], Any]  # -> a JSON value or Rejected


Gate = Callable[[Task, Candidate], Rejected | None]
"""A check without a model, made before a judge is paid."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """A yes/no question to a judge; "yes" is good."""

    id: str
    question: str


@dataclass(frozen=True, slots=True)
class Rubric:
    """What judges are asked. `text` is the instruction, `sha` the first 16 hex digits of its prompt file's sha256."""

    name: str
    text: str
    sha: str
    criteria: tuple[Criterion, ...]


PolicyName = Literal["near_cut_vote", "mean", "k_of_n", "single", "replace"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How scores (0 to 10) become a verdict. `cut` None: set by a calibration or by controls.

    near_cut_vote: when |mean - cut| < `band`, one blind adjudicator vote of weight R/2 is added; accepted at >= cut.
    """

    name: PolicyName | None = None  # None: what the judges at hand allow
    cut: float | None = None
    band: float = 0.75
    reviewers: int = 3
    k: int = 2


@dataclass(frozen=True)
class Job:
    """Everything a panel needs to make or judge rows; a pure function of configuration and rows.

    `tasks()` draws the plan anew from its beginning; it may be endless when `wanted` rows are to be accepted, and is
    finite otherwise. Without `steps` nothing is generated: `candidate` is made from the task alone. `corrupted` makes a
    mechanically spoiled copy of a real candidate (a control), None when it cannot.
    """

    name: str  # "few_shot@1"
    tasks: Callable[[], Iterator[Task]]
    steps: Sequence[Step]
    candidate: Callable[[Task, Prior], Candidate | Rejected]
    rubric: Rubric
    policy: Policy = field(default_factory=Policy)
    gates: Sequence[Gate] = ()
    wanted: int | None = None
    instruction_review: Literal["none", "one", "panel"] = "none"
    instruction: Callable[[Task, Prior], Mapping[str, str]] | None = None  # what an instruction review is shown
    instruction_rubric: Rubric | None = None
    instruction_after: str = ""  # the step whose outcome is the instruction
    revisions: int = 0  # how often a rejected draft may be revised with the reviewers' quotes
    controls: Sequence[Candidate] = ()  # real candidates, for calibration by controls
    corrupted: Callable[[Candidate, random.Random], Candidate | None] | None = None
    near_duplicate: float | None = 0.7  # exact Jaccard of 5-word shingles to seeds and accepted rows; None: not checked
    seeds: Sequence[str] = ()  # texts that accepted rows must not nearly repeat
    batch: int = 1  # items a judge sees in one prompt (BatchPrompt); above 1 only where nothing is drafted
    votes: int = 1  # how often a batch is voted on, at most, each time in another order
    every_vote: bool = False  # also vote again on what was answered the same way twice in a row
    fields: Sequence[str] = ()  # which fields of the data leave for the endpoint, for the consent block
    allow_self_review: bool = False  # without another model, the generator's may judge under its own prompt
    give_up: bool = False  # what cannot be asked now is recorded as failed(code) instead of being parked
    offline: Callable[[Task], Prior | Rejected] | None = None  # what the steps come to without a generator
    first: Sequence[Request] = ()  # asked of the generators before the plan is drawn; equal questions have one answer
    plan: Callable[[Sequence[Mapping[str, Any]]], Callable[[], Iterator[Task]]] | None = (
        None  # `tasks` from its answers
    )


@dataclass(frozen=True, slots=True)
class Review:
    """One judge's answer: yes/no by criterion, the score 0 to 10, verbatim quotes. `call` is the key in calls.sqlite."""

    model: str
    role: Literal["reviewer", "adjudicator"]
    answers: Mapping[str, bool]
    score: float
    quotes: Sequence[str]
    call: str
    dropped_quotes: int = 0  # quotes that stand nowhere in what was shown


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one task, in plan order. `score` is what the policy came to; `calls` are keys of calls.sqlite."""

    task: Task
    outcome: Outcome
    code: str = ""  # for rejected and failed
    message: str = ""
    candidate: Candidate | None = None
    score: float | None = None
    reviews: Sequence[Review] = ()
    escalated: bool = False
    calls: Sequence[str] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Books:
    """The accounts of a run: planned = accepted + rejected + failed + pending, `surplus` apart."""

    planned: int = 0
    accepted: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    undecided: int = 0
    pending: int = 0
    surplus: int = 0
    escalated: int = 0
    calls: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0
    cut: float = 0.0
    policy: str = ""
    cut_from: str = ""  # "given", "calibration …", "controls, optimistic"
    self_reviewed: bool = False
    window: int = 0  # how far ahead of the last decision a task may begin; the result depends on it
    dropped_quotes: int = 0
    auc: float | None = None  # of the controls

    def counts(self) -> dict[str, Any]:
        """What became of the tasks, as ledger and result line have it."""
        return {
            "planned": self.planned,
            "accepted": self.accepted,
            "rejected": dict(self.rejected),
            "failed": dict(self.failed),
            "undecided": self.undecided,
            "pending": self.pending,
            "surplus": self.surplus,
            "escalated": self.escalated,
            **({"self_reviewed": True} if self.self_reviewed else {}),
        }

    def spent(self) -> dict[str, Any]:
        """What it took; no version depends on it."""
        tokens = {"in": self.tokens_in, "out": self.tokens_out}
        return {"calls": self.calls, "cached": self.cached, "tokens": tokens, "usd": self.usd}


class Panel(Protocol):
    """Generator, reviewers and adjudicator behind one call. `offline`: the generator is "offline:", so that strategies
    draft by rules."""

    @property
    def offline(self) -> bool: ...

    def run(self, job: Job, verdict: Callable[[Verdict], None]) -> Books:
        """Work through a job; `verdict` is called in plan order, from this thread. -> the final accounts.

        Raises Misuse (roles, sight, no endpoint), Unavailable (tasks are parked: run again to go on), OverBudget,
        Refused (judges that cannot tell controls apart).
        """
        ...
