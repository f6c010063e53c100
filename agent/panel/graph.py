"""One sample as a graph: draft -> review -> adjudicate -> revise | end. It knows how a verdict comes about.

State is JSON types; there is no checkpoint, for recorded answers are the truth. It does not know other samples but
through the pool as it was a window ago, nor when anything happens.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypedDict

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command

from ...tools.panel import Candidate, Job, PolicyName, Rejected, Request, Rubric, Step, Verdict
from ..models.offline import NAME as OFFLINE
from .ask import ADJUDICATOR, Ask, Json, all_of, as_review, revision
from .batch import ALONE, OWN, Batch, review
from .eligible import Sample
from .policy import Decision, decide, settled
from .pool import Pool, near_duplicate, signed

INSTRUCTION_CUT: Final = 5.0
"""An instruction is answered when at least half of the questions about it were answered with yes."""
CODES: Final = {"refused": "refused", "length": "length", "unparsable": "unparsable", "rejected": "bad_request"}
"""What a generator's answer that is none makes of its sample."""
_NODES_A_ROUND: Final = 3


@contextmanager
def untraced() -> Iterator[None]:
    """LangGraph brings LangSmith, which environment variables of other programs may switch on: here it stays off."""
    from langsmith.run_helpers import tracing_context

    with tracing_context(enabled=False):
        yield


class State(TypedDict, total=False):
    """`said`: the last step's answer, kept for a revision; `reviews`: of the last round, the adjudicator's last."""

    round: int
    prior: Json
    said: str
    candidate: Json
    reviews: list[Json]
    calls: list[str]
    outcome: str
    code: str
    message: str
    evidence: Json
    score: float | None
    escalated: bool


class SampleGraph:
    """Makes verdicts for the samples of one run. `cut` is where the policy accepts; `pool` may be looked at as it was
    `window` samples ago."""

    def __init__(
        self, job: Job, ask: Ask, *, policy: PolicyName, cut: float, pool: Pool | None = None, window: int = 0
    ) -> None:
        self.job, self.ask, self.policy, self.cut = job, ask, policy, cut
        self.pool, self.window = pool, window
        graph = StateGraph(State, context_schema=Sample)
        graph.add_node("draft", self._draft, destinations=("review", END))
        graph.add_node("review", self._review, destinations=("adjudicate", "revise", END))
        graph.add_node("adjudicate", self._adjudicate, destinations=("revise", END))
        graph.add_node("revise", self._revise, destinations=("review", END))
        graph.add_edge(START, "draft")
        self._graph = graph.compile()
        self._limit = RunnableConfig(recursion_limit=_NODES_A_ROUND * (job.revisions + 1) + 2)

    async def run(self, sample: Sample) -> Verdict:
        """The verdict, before it is compared with the rows accepted meanwhile. Raises what asking raises."""
        state = await self._graph.ainvoke(State(round=0, calls=[]), self._limit, context=sample)
        return self._verdict(sample, state)

    # -- nodes -----------------------------------------------------------------------------------------------------

    async def _draft(self, state: State, runtime: Runtime[Sample]) -> Command[str]:
        sample, calls = runtime.context, list(state["calls"])
        prior: Json = {}
        said = ""
        if sample.seats.generator == OFFLINE:
            made = (
                self.job.offline(sample.task) if self.job.offline else Rejected("offline", "it cannot be made offline")
            )
            if isinstance(made, Rejected):
                return _refused(made, calls)
            prior = dict(made)
        for step in self.job.steps if sample.seats.generator != OFFLINE else ():
            said, value = await self._step(sample, step, step.request(sample.task, prior), prior, 0, calls)
            if isinstance(value, Rejected):
                return _refused(value, calls)
            prior[step.name] = value
            if step.name == self.job.instruction_after and self.job.instruction_review != "none":
                refused = await self._instruction(sample, prior, calls)
                if refused is not None:
                    return _refused(refused, calls)
        return self._gated(sample, prior, said, calls)

    async def _review(self, state: State, runtime: Runtime[Sample]) -> Command[str]:
        seats, shown = runtime.context.seats, state["candidate"]["shown"]
        prompt = OWN if seats.self_reviewed else ALONE
        reviews = await self._reviews(seats.reviewers, prompt, self.job.rubric, shown, runtime.context.batch)
        scores = [one["score"] for one in reviews if "score" in one]
        found: State = {"reviews": reviews, "calls": [*state["calls"], *_keys(reviews)]}
        if not scores:
            return self._unreadable(found)
        decision = decide(self.policy, self.job.policy, self.cut, scores)
        if decision.near and seats.adjudicator is not None:
            return Command(update=found, goto="adjudicate")
        return self._concluded(state, found, decision)

    async def _adjudicate(self, state: State, runtime: Runtime[Sample]) -> Command[str]:
        seats, reviews = runtime.context.seats, state["reviews"]
        assert seats.adjudicator is not None
        others = reviews if self.policy == "replace" else ()  # blind, but where it is to replace what others said
        vote = await self.ask.review(seats.adjudicator, "panel/adjudicate", self.job.rubric,
                                     state["candidate"]["shown"], ADJUDICATOR, others)  # fmt: skip
        scores = [one["score"] for one in reviews if "score" in one]
        found: State = {"reviews": [*reviews, vote], "calls": [*state["calls"], *_keys([vote])], "escalated": True}
        return self._concluded(state, found, decide(self.policy, self.job.policy, self.cut, scores, vote.get("score")))

    async def _revise(self, state: State, runtime: Runtime[Sample]) -> Command[str]:
        sample, calls, number = runtime.context, list(state["calls"]), state["round"] + 1
        step = self.job.steps[-1]
        prior = {name: value for name, value in state["prior"].items() if name != step.name}
        again = [
            {"role": "assistant", "content": state["said"]},
            {"role": "user", "content": revision(self.ask.prompts, self.job.rubric, state["reviews"])},
        ]
        said, value = await self._step(sample, step, step.request(sample.task, prior), prior, number, calls, again)
        if isinstance(value, Rejected):
            return _refused(value, calls, round=number)
        return self._gated(sample, {**prior, step.name: value}, said, calls, round=number)

    # -- what nodes are made of ------------------------------------------------------------------------------------

    async def _step(
        self,
        sample: Sample,
        step: Step,
        request: Request,
        prior: Json,
        number: int,
        calls: list[str],
        further: Sequence[Mapping[str, Any]] = (),
    ) -> tuple[str, Any]:
        """-> (what the generator said, what it comes to); the keys of its calls are added to `calls`."""
        nonce: list[str | int] = [sample.name, step.name, number]
        answer = await self.ask.generate(sample.seats.generator, request, nonce, further)
        calls.extend(answer.get("calls") or ())
        said = str(answer.get("text") or "")
        if answer["outcome"] != "ok":
            problem = str(answer.get("problem") or answer["outcome"])
            return said, Rejected(CODES[answer["outcome"]], f"step {step.name}: {problem}")
        return said, step.parse(sample.task, prior, {"text": said, "data": answer.get("data")})

    async def _instruction(self, sample: Sample, prior: Json, calls: list[str]) -> Rejected | None:
        """Is the instruction worth an answer? What cannot be read is judged with the answer."""
        job = self.job
        assert job.instruction is not None and job.instruction_rubric is not None
        judges = sample.seats.reviewers[:1] if job.instruction_review == "one" else sample.seats.reviewers
        shown = job.instruction(sample.task, prior)
        reviews = await self._reviews(judges, "panel/instruction_review", job.instruction_rubric, shown)
        calls.extend(_keys(reviews))
        scores = [one["score"] for one in reviews if "score" in one]
        if not scores:
            return None
        decision = decide("mean", job.policy, INSTRUCTION_CUT, scores)
        if decision.accepted:
            return None
        failed = sorted({key for one in reviews for key, met in one.get("answers", {}).items() if not met})
        return Rejected("instruction_below_cut", f"the instruction scored {decision.score:g}", {"failed": failed})

    async def _reviews(
        self, judges: Sequence[str], prompt: str, rubric: Rubric, shown: Mapping[str, str], batch: Batch | None = None
    ) -> list[Json]:
        """All at once, in the order of the seats; k_of_n asks one after the other and stops when nothing can change."""
        if self.policy == "k_of_n" and rubric is self.job.rubric:
            found: list[Json] = []
            for i, judge in enumerate(judges):
                found.append(await review(self.ask, judge, rubric, shown, batch, prompt))
                scores = [one["score"] for one in found if "score" in one]
                if settled(self.job.policy, self.cut, scores, len(judges) - i - 1):
                    break
            return found
        return await all_of([review(self.ask, judge, rubric, shown, batch, prompt) for judge in judges])

    def _gated(self, sample: Sample, prior: Json, said: str, calls: list[str], **more: Any) -> Command[str]:
        """Make the candidate and check what needs no model; then judges are asked."""
        made = self.job.candidate(sample.task, prior)
        refused = made if isinstance(made, Rejected) else self._gate(sample, made)
        found: State = {"prior": prior, "said": said, "calls": calls, **more}  # type: ignore[typeddict-item]
        if isinstance(made, Candidate):
            found["candidate"] = {"record": dict(made.record), "shown": dict(made.shown), "text": made.text,
                                  "data": dict(made.data)}  # fmt: skip
        if refused is not None:
            return _refused(refused, **found)
        return Command(update=found, goto="review")

    def _gate(self, sample: Sample, made: Candidate) -> Rejected | None:
        for gate in self.job.gates:
            if (refused := gate(sample.task, made)) is not None:
                return refused
        if self.pool is None or not made.text:
            return None
        near = self.pool.nearest(signed(made.text), before=sample.index - self.window)
        return None if near is None else near_duplicate(near)

    def _concluded(self, state: State, found: State, decision: Decision) -> Command[str]:
        found["score"] = decision.score
        if decision.accepted:
            return Command(update={**found, "outcome": "accepted"}, goto=END)
        if state["round"] < self.job.revisions and state.get("said"):
            return Command(update=found, goto="revise")
        message = f"scored {decision.score:.2f}, the cut is {self.cut:.2f}"
        return Command(update={**found, "outcome": "rejected", "code": "below_cut", "message": message}, goto=END)

    def _unreadable(self, found: State) -> Command[str]:
        outcome = "rejected" if self.job.steps else "undecided"
        problems = ", ".join(sorted({one["problem"] for one in found["reviews"]}))
        message = f"no judge gave a readable answer ({problems})"
        return Command(update={**found, "outcome": outcome, "code": "unreadable_review", "message": message}, goto=END)

    def _verdict(self, sample: Sample, state: Mapping[str, Any]) -> Verdict:
        held = state.get("candidate")
        evidence: Json = dict(state.get("evidence") or {})
        if sample.seats.generator:
            evidence["generator"] = sample.seats.generator
        if sample.seats.self_reviewed:
            evidence["self_reviewed"] = True
        if state["round"]:
            evidence["revisions"] = state["round"]
        return Verdict(
            task=sample.task,
            outcome=state["outcome"],
            code=state.get("code", ""),
            message=state.get("message", ""),
            candidate=None if held is None else Candidate(**held),
            score=state.get("score"),
            reviews=[as_review(one) for one in state.get("reviews", ()) if "score" in one],
            escalated=bool(state.get("escalated")),
            calls=tuple(dict.fromkeys(state["calls"])),
            evidence=evidence,
        )


def _refused(why: Rejected, calls: list[str], **more: Any) -> Command[str]:
    update = {**more, "calls": calls, "outcome": "rejected", "code": why.code, "message": why.message,
              "evidence": dict(why.evidence)}  # fmt: skip
    return Command(update=update, goto=END)


def _keys(reviews: Sequence[Json]) -> list[str]:
    return [key for one in reviews for key in one.get("calls", (one["call"],)) if key]
