"""A panel without a network: models that answer by a script, a small job, and an event loop in virtual time.

It knows the `Model` protocol. Answers are kept by what was asked, as calls.sqlite keeps them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import re
import selectors
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tilth.agent.panel.runner import PanelRunner
from tilth.tools.errors import Unavailable
from tilth.tools.panel import Books, Candidate, Criterion, Job, Policy, Prior, Request, Rubric, Step, Task, Verdict

T = TypeVar("T")
CRITERIA = (Criterion("correct", "Is it correct?"), Criterion("complete", "Is it complete?"))
RUBRIC = Rubric("answers", "Judge the answer.", "0123456789abcdef", CRITERIA)
Say = Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], Any]


def chance(*parts: object) -> float:
    """A number from 0 to 1 that depends on `parts` only."""
    return random.Random("\0".join(map(str, parts))).random()


def user(messages: Sequence[Mapping[str, Any]]) -> str:
    return str(next(one["content"] for one in reversed(messages) if one["role"] == "user"))


def fenced_text(messages: Sequence[Mapping[str, Any]], label: str) -> str:
    """What stands between the fences of a label; the first fence of a prompt shows the nonce of them all."""
    text = user(messages)
    nonce = re.findall(r"<[a-z_0-9]+ ([0-9a-f]{12})>", text)[0]
    return text.partition(f"<{label} {nonce}>\n")[2].partition(f"\n</{label} {nonce}>")[0]


@dataclass
class Memory:
    """What was answered, by model and question; `paid` counts every answer that was not here before."""

    answers: dict[str, Any] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)


@dataclass
class Scripted:
    """The `Model` protocol: `say` gives a text, or the data of a schema. `fault` may raise, `delay` is virtual."""

    name: str
    say: Say
    memory: Memory = field(default_factory=Memory)
    fault: Callable[[str], bool] = lambda key: False
    delay: Callable[[str], float] = lambda key: 0.0
    asked: list[tuple[list[Mapping[str, Any]], dict[str, Any]]] = field(default_factory=list)
    keep: bool = True

    async def answer(self, messages: Sequence[Mapping[str, Any]], **request: Any) -> Mapping[str, Any]:
        if self.keep:
            self.asked.append((list(messages), request))
        key = hashlib.sha256(json.dumps([self.name, list(messages), request["nonce"]]).encode()).hexdigest()
        if key in self.memory.answers:
            return {**self.memory.answers[key], "cached": True}
        await asyncio.sleep(self.delay(key))
        if self.fault(key):
            raise Unavailable("lab:8000 does not answer.")
        found = self._answer(self.say(messages, request), request, key)
        if self.keep:
            self.memory.paid[key] = self.memory.paid.get(key, 0) + 1
            self.memory.answers[key] = found
        return found

    def _answer(self, said: Any, request: Mapping[str, Any], key: str) -> dict[str, Any]:
        told = {"outcome": "ok", "text": said, "data": None, "calls": [key], "cached": False, "problem": "",
                "tokens": {"input": 2, "output": 1}}  # fmt: skip
        if isinstance(said, tuple):
            return {**told, "text": "", "outcome": said[0], "problem": said[1]}
        if request.get("schema") is not None:
            text = said if isinstance(said, str) else json.dumps(said)
            return {**told, "text": text, "data": request["schema"].model_validate_json(text).model_dump(mode="json")}
        return told


def writer(name: str = "writer", text: Callable[[str], str] | None = None, **options: Any) -> Scripted:
    """A generator that answers the last line of its prompt."""
    make = text or (lambda question: f"An answer to {question}, number {chance(question):.12f}.")
    return Scripted(name, lambda messages, request: make(user(messages).rpartition("\n")[2]), **options)


def judge(
    name: str, verdict: Callable[[str], Mapping[str, bool]], quotes: Sequence[str] = (), **options: Any
) -> Scripted:
    """A judge that gives `verdict(answer text)` by criterion."""

    def say(messages: Sequence[Mapping[str, Any]], request: Mapping[str, Any]) -> Any:
        met = verdict(fenced_text(messages, "answer"))
        said = {key: "yes" if value else "no" for key, value in met.items()}
        return {"id": user(messages)[4:12], "answers": said, "quotes": list(quotes)}

    return Scripted(name, say, **options)


def fair(name: str, error: float = 0.2, good: float = 0.6) -> Callable[[str], Mapping[str, bool]]:
    """Yes or no by criterion: right but for independent errors."""

    def verdict(answer: str) -> Mapping[str, bool]:
        truth = chance("good", answer) < good
        return {one.id: truth != (chance(name, one.id, answer) < error) for one in CRITERIA}

    return verdict


def job(count: int | None = 60, **changes: Any) -> Job:
    """A question in, an answer out; without `count` the plan is endless."""

    def tasks() -> Iterator[Task]:
        position = 0
        while count is None or position < count:
            yield Task(position, {"question": f"question {position}"})
            position += 1

    def request(task: Task, prior: Prior) -> Request:
        return Request([{"role": "user", "content": f"Answer this.\n{task.data['question']}"}])

    def candidate(task: Task, prior: Prior) -> Candidate:
        text = str(prior.get("answer", task.data.get("answer", "")))
        return Candidate({"answer": text}, {"question": str(task.data["question"]), "answer": text}, text)

    step = Step("answer", request, lambda task, prior, answer: answer["text"])
    plain: dict[str, Any] = {"name": "plain@1", "tasks": tasks, "steps": [step], "candidate": candidate,
                             "rubric": RUBRIC, "policy": Policy(cut=7.0)}  # fmt: skip
    return Job(**{**plain, **changes})


ROLES = {"generator": ["writer"], "reviewer": ["anna", "ben", "cleo"], "adjudicator": ["dora"]}


def panel(*models: Scripted, roles: Mapping[str, Sequence[str]] = ROLES, **options: Any) -> PanelRunner:
    return PanelRunner(models={one.name: one for one in models}, roles=roles, **options)


def cast(memory: Memory | None = None, error: float = 0.2, **options: Any) -> list[Scripted]:
    """A writer, three reviewers and an adjudicator who err."""
    memory = memory or Memory()
    names = ["anna", "ben", "cleo", "dora"]
    return [writer(memory=memory, **options),
            *(judge(name, fair(name, error), memory=memory, **options) for name in names)]  # fmt: skip


def told(verdict: Verdict) -> tuple[Any, ...]:
    """All of a verdict that may be stored, to compare runs by."""
    text = None if verdict.candidate is None else verdict.candidate.text
    reviews = tuple((one.model, one.role, one.score) for one in verdict.reviews)
    return (verdict.task.position, verdict.outcome, verdict.code, verdict.score, text, reviews, verdict.escalated,
            tuple(verdict.calls), tuple(sorted(verdict.evidence.items())))  # fmt: skip


def outcome(panel: PanelRunner, work: Job) -> tuple[Books, list[tuple[Any, ...]]]:
    """Run in this thread; -> books and verdicts."""
    found: list[tuple[Any, ...]] = []
    books = panel.run(work, lambda verdict: found.append(told(verdict)))
    return books, found


class _Instant(selectors.SelectSelector):
    """Waiting takes no time and moves the clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        if not found and timeout:
            self.now += timeout
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only while everybody waits for it."""

    def __init__(self) -> None:
        self._instant = _Instant()
        super().__init__(self._instant)

    def time(self) -> float:
        return self._instant.now


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)
