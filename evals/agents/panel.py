"""The panel as a judge of rows: `panel`, and `panel:VARIANT` with a part of it taken away.

It works on instances that hold a rubric and rows to be judged. Its models are the roles of tilth.toml; with --model, one
model reviews alone. Variants ask unequally much. Under a limit of tokens they are compared at an equal budget: each goes
round the rows again as long as the limit reaches, and what most rounds say of a row holds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ...agent.models.connections import roles
from ...agent.panel.runner import PanelRunner
from ...prompts import load
from ...tools.errors import Misuse, nearest
from ...tools.panel import Candidate, Criterion, Policy, Rubric, Task, Verdict
from ...tools.panel import Job as PanelJob
from ..asking import Asking, AskingAgent
from ..registry import Setting
from ..suite import Agent, Job, Limits, Meter, Submission, Usage

if TYPE_CHECKING:
    from ...tools.context import Model

ROWS: Final = "probes.jsonl"
RUBRIC: Final = "rubric.json"
ELSEWHERE: Final = "It is for the suite panel, and for others that hand out rows with a rubric; elsewhere use react."
FULL: Final = "full"
VARIANTS: Final = (FULL, "no_adjudicator", "no_reviewer", "majority", "replace")
"""no_adjudicator: the reviewers' mean. no_reviewer: the adjudicator alone. majority: more than half of the reviewers
accept. replace: near the cut the adjudicator, who sees the reviews, decides alone."""

SAMPLED: Final = 0.7
"""The temperature of every round but the first, for at 0 a judge repeats itself."""
ONE_ROUND: Final = Usage(calls=84, tokens_in=40_000, tokens_out=6_000)

Roles = Mapping[str, Sequence[str]]


@dataclass
class PanelAgent(AskingAgent):
    """`roles` are models by role; `variant` is one of VARIANTS."""

    roles: Roles
    variant: str = FULL
    expected: Usage = ONE_ROUND

    async def run(self, job: Job) -> Submission:
        """Raises Misuse when the job holds no rows to judge, else as the panel does."""
        rows, rubric, cut = _given(job)
        named, policy = cast_of(self.variant, self.roles)
        policy = replace(policy, cut=cut)
        said: list[list[Verdict]] = [[] for _ in rows]
        number, todo, slowest, began = 0, len(rows), 0.0, time.monotonic()
        while todo:
            start = time.monotonic()
            models = {name: self._model(name, job, number) for names in named.values() for name in names}
            runner = PanelRunner(models=models, roles=named, seed=job.seed + number)
            await runner.work(_judging(rows[:todo], rubric, policy), lambda one: said[one.task.position].append(one))
            slowest = max(slowest, (time.monotonic() - start) / todo)
            calls = max(len(verdict.calls) for verdicts in said for verdict in verdicts)
            left = job.limits.seconds / 2 - (time.monotonic() - began)
            number, todo = number + 1, min(todo, affordable(job.limits, job.meter, calls), int(left / slowest))
            todo = max(todo, 0)
        return Submission(told(said))

    def _model(self, name: str, job: Job, number: int) -> Model:
        model = self.asking.model(name, job)
        return Again(name, model, number) if number else model


@dataclass
class Again:
    """A judge in a later round: sampled, so that it can say something else, and recorded under the round."""

    name: str
    model: Model
    number: int

    async def answer(self, messages: Sequence[Mapping[str, Any]], **request: Any) -> Mapping[str, Any]:
        asked = {**request, "temperature": SAMPLED, "nonce": ["round", self.number]}
        return await self.model.answer(messages, **asked)


def affordable(limits: Limits, meter: Meter, calls: int) -> int:
    """For how many rows the limits of tokens and dollars reach once more, each taking so many calls, the longest and the
    dearest so far: a job that passes a limit is without a score. None without a limit of tokens to be filled, and where an
    endpoint does not tell tokens."""
    if limits.tokens is None or not meter.largest:
        return 0
    rows = (limits.tokens - meter.usage.tokens) // (max(calls, 1) * meter.largest)
    if limits.usd is not None and meter.dearest:
        rows = min(rows, int((limits.usd - meter.usage.usd) / (max(calls, 1) * meter.dearest)))
    return max(rows, 0)


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


def told(said: Sequence[Sequence[Verdict]]) -> dict[str, Any]:
    """A submission of each row's verdicts, by round: 10 for rows that were accepted, 0 for the others, and every judge's
    own answers of the first round."""
    first = [verdicts[0] for verdicts in said]
    each: dict[str, dict[str, Any]] = {}
    for verdict in first:
        for review in verdict.reviews:
            each.setdefault(review.model, {})[str(verdict.task.data["id"])] = dict(review.answers)
    answers = {str(verdicts[0].task.data["id"]): 10 if accepted(verdicts) else 0 for verdicts in said}
    whole = {name: told for name, told in sorted(each.items()) if len(told) == len(answers)}
    return {"answers": answers, **({"reviewers": whole} if whole else {})}


def accepted(verdicts: Sequence[Verdict]) -> bool:
    """What most rounds say (self-consistency, arXiv 2203.11171); where they are even, the first of them."""
    said = [one.outcome == "accepted" for one in verdicts]
    return 2 * sum(said) > len(said) or (2 * sum(said) == len(said) and said[0])


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
            f"The panel judges rows, and suite {job.suite} has none ({error.filename} is missing).", next_step=ELSEWHERE
        ) from None
    text = load("evals/row")
    criteria = tuple(Criterion(id, question) for id, question in given["criteria"].items())
    return [json.loads(line) for line in lines], Rubric("evals/row", text.text, text.sha, criteria), float(given["cut"])


def agent(setting: Setting) -> Agent:
    """Raises Misuse for a suite without rows to judge, for a variant that is none, and when roles or --model name no model."""
    first = next(iter(setting.instances.values()), None)
    if first is not None and not {ROWS, RUBRIC} <= set(first.files):
        raise Misuse(f"The panel judges rows, and suite {setting.suite.name} has none.", next_step=ELSEWHERE)
    variant = setting.rest or FULL
    if variant not in VARIANTS:
        raise Misuse(f"The panel has no variant {variant!r}.", next_step=nearest(variant, VARIANTS))
    asking = Asking(setting.root, setting.folder)
    if setting.model is not None:
        named: Roles = {"reviewer": [setting.model]}
    else:
        named = {role: [str(one) for one in found] for role, found in roles(asking.config()).items()}
    cast_of(variant, named)
    return PanelAgent(setting.name, asking, named, variant, _expected(setting.limits))


def _expected(limits: Limits) -> Usage:
    """One round, or what fills the limit of tokens."""
    one = ONE_ROUND
    share = max(1.0, (limits.tokens or 0) / one.tokens)
    return Usage(round(one.calls * share), round(one.tokens_in * share), round(one.tokens_out * share))
