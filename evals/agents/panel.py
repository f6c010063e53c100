"""The panel as a judge of rows: `panel`, and `panel:VARIANT` with a part of it taken away.

It works on instances that hold a rubric and rows to be judged. Its models are the roles of tilth.toml; with --model, one
model reviews alone. All variants have the same budget, the job's limits; what each took is in its records.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Final

from ...agent.models.connections import roles
from ...agent.panel.runner import PanelRunner
from ...prompts import load
from ...tools.errors import Misuse, nearest
from ...tools.panel import Candidate, Criterion, Policy, Rubric, Task, Verdict
from ...tools.panel import Job as PanelJob
from ..asking import Asking
from ..registry import Setting
from ..suite import Agent, Job, Submission, Usage

ROWS: Final = "probes.jsonl"
RUBRIC: Final = "rubric.json"
FULL: Final = "full"
VARIANTS: Final = (FULL, "no_adjudicator", "no_reviewer", "majority", "replace")
"""no_adjudicator: the reviewers' mean. no_reviewer: the adjudicator alone. majority: more than half of the reviewers
accept. replace: near the cut the adjudicator, who sees the reviews, decides alone."""

Roles = Mapping[str, Sequence[str]]


@dataclass
class PanelAgent:
    """`roles` are models by role; `variant` is one of VARIANTS."""

    name: str
    asking: Asking
    roles: Roles
    variant: str = FULL
    trusted: bool = True
    recounts: bool = True
    expected: Usage = field(default_factory=lambda: Usage(calls=84, tokens_in=40_000, tokens_out=6_000))

    async def __aenter__(self) -> PanelAgent:
        await self.asking.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.asking.__aexit__(kind, error, trace)

    async def run(self, job: Job) -> Submission:
        """Raises Misuse when the job holds no rows to judge, else as the panel does."""
        rows, rubric, cut = _given(job)
        named, policy = cast_of(self.variant, self.roles)
        models = {name: self.asking.model(name, job) for names in named.values() for name in names}
        verdicts: list[Verdict] = []
        runner = PanelRunner(models=models, roles=named, seed=job.seed)
        await runner.work(_judging(rows, rubric, replace(policy, cut=cut)), verdicts.append)
        return Submission(told(verdicts))


def cast_of(variant: str, named: Roles) -> tuple[Roles, Policy]:
    """Who takes part in a variant, and how they decide. Raises Misuse when tilth.toml has not enough models."""
    reviewers, adjudicators = list(named.get("reviewer", ())), list(named.get("adjudicator", ()))
    if variant in ("no_reviewer", "replace") and not adjudicators:
        raise Misuse(f"panel:{variant} needs an adjudicator.", next_step="Add one to [roles] in tilth.toml.")
    if not reviewers:
        raise Misuse("The panel has no reviewer.", next_step="Add one to [roles] in tilth.toml, or give --model.")
    match variant:
        case "no_adjudicator":
            return {"reviewer": reviewers}, Policy("mean" if len(reviewers) > 1 else "single")
        case "no_reviewer":
            return {"reviewer": adjudicators}, Policy("single", reviewers=1)
        case "majority":
            seats = min(len(reviewers), Policy().reviewers)
            return {"reviewer": reviewers}, Policy("k_of_n", k=seats // 2 + 1)
        case "replace":
            return {"reviewer": reviewers, "adjudicator": adjudicators}, Policy("replace")
    return {"reviewer": reviewers, "adjudicator": adjudicators}, Policy()


def told(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """A submission: 10 for rows that were accepted, 0 for the others, and every judge's own answers."""
    each: dict[str, dict[str, Any]] = {}
    for verdict in verdicts:
        for review in verdict.reviews:
            each.setdefault(review.model, {})[str(verdict.task.data["id"])] = dict(review.answers)
    answers = {str(one.task.data["id"]): 10 if one.outcome == "accepted" else 0 for one in verdicts}
    whole = {name: said for name, said in sorted(each.items()) if len(said) == len(answers)}
    return {"answers": answers, **({"reviewers": whole} if whole else {})}


def _judging(rows: Sequence[Mapping[str, str]], rubric: Rubric, policy: Policy) -> PanelJob:
    def tasks() -> Iterator[Task]:
        return (Task(at, dict(row)) for at, row in enumerate(rows))

    def candidate(task: Task, prior: Mapping[str, Any]) -> Candidate:
        shown = {name: str(value) for name, value in task.data.items() if name != "id"}
        return Candidate(dict(task.data), shown, "")

    return PanelJob("evals.rows@1", tasks, (), candidate, rubric, policy, near_duplicate=None)


def _given(job: Job) -> tuple[list[dict[str, str]], Rubric, float]:
    """Rows, rubric and cut as the job's folder has them. Raises Misuse."""
    try:
        lines = (job.folder / ROWS).read_text(encoding="utf-8").splitlines()
        given = json.loads((job.folder / RUBRIC).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Misuse(
            f"The panel judges rows, and suite {job.suite} has none ({error.filename} is missing).",
            next_step="Use it on the suite panel, and react elsewhere.",
        ) from None
    text = load("evals/row")
    criteria = tuple(Criterion(id, question) for id, question in given["criteria"].items())
    return [json.loads(line) for line in lines], Rubric("evals/row", text.text, text.sha, criteria), float(given["cut"])


def agent(setting: Setting) -> Agent:
    """Raises Misuse for a variant that is none, and when roles or --model name no model."""
    variant = setting.rest or FULL
    if variant not in VARIANTS:
        raise Misuse(f"The panel has no variant {variant!r}.", next_step=nearest(variant, VARIANTS))
    asking = Asking(setting.root, setting.folder)
    if setting.model is not None:
        named: Roles = {"reviewer": [setting.model]}
    else:
        named = {role: [str(one) for one in found] for role, found in roles(asking.config()).items()}
    cast_of(variant, named)
    return PanelAgent(setting.name, asking, named, variant)
