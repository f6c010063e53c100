"""Several items in one prompt to a judge: which stand together, in what order, and what their votes come to.

BatchPrompt (Lin, Diesendruck, Du, Abraham 2024, arXiv 2309.00384): b items with ids in one prompt, K votes over
permutations of them, and self-reflection-guided early stopping (SEAS) as its authors' code has it: an item that was given
the same answer twice in a row is not asked again. An answer belongs to the item whose id it repeats, never to a place.

What it costs and gives, on a simulated judge that is right about .95 of the first items of a prompt and .63 of the last,
but about .6 of every tenth item wherever it stands (128 prompts of b = 32, one question; `accuracy` in
tests/agent/test_panel_batch.py; alone in its prompt an item is judged right in .915):

    votes                 1     3     5     9    3, stop  5, stop  9, stop
    judged right        .769  .855  .902  .950    .864     .881     .885
    shown, an item      1.00  3.00  5.00  9.00    2.36     2.60     2.64
    prompts, an item    .031  .094  .156  .281    .094     .151     .173

So a stop is a cap on cost, not on error. What a real judge loses is measured on rows that people ruled on.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from ...prompts.fences import fence, nonce_for
from ...tools.panel import Job, Rejected, Rubric, Task
from ..models.offline import NAME as OFFLINE
from .ask import MOST_QUOTES, Ask, Json, all_of, item_id, label
from .eligible import Seats
from .policy import score_of

PROMPT: Final = "panel/review_batch"
ALONE: Final = "panel/review"
OWN: Final = "panel/own_review"
MOST_CHARACTERS: Final = 24_000
"""Of the texts of one prompt: as many as one item may have by itself."""
TOKENS_EACH: Final = 256
"""Of the review of one item among others."""

Shown = Mapping[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Votes:
    """How often items are voted on, at most, and whether two equal answers in a row are enough."""

    most: int = 1
    stop: bool = True


@dataclass(eq=False)
class Batch:
    """Items that judges see together, by id. Whoever needs a judge's word on one of them first asks about all."""

    items: Mapping[str, Shown]
    votes: Votes
    _asked: dict[str, asyncio.Future[dict[str, Json]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return hashlib.sha256("\0".join(self.items).encode()).hexdigest()[:16]

    async def review(self, ask: Ask, judge: str, rubric: Rubric, shown: Shown) -> Json:
        """A judge's review of one item, as `Ask.review` has it; `calls` are the keys of all its votes."""
        if judge not in self._asked:
            self._asked[judge] = asyncio.ensure_future(_reviews(ask, judge, rubric, self))
        return (await self._asked[judge])[item_id(shown)]


def review(
    ask: Ask, judge: str, rubric: Rubric, shown: Shown, batch: Batch | None, prompt: str = ALONE
) -> Coroutine[Any, Any, Json]:
    """A judge's review of an item, among others or alone."""
    if batch is not None:
        return batch.review(ask, judge, rubric, shown)
    return ask.review(judge, prompt, rubric, shown)


async def reviews(ask: Ask, seats: Seats, rubric: Rubric, shown: Shown, batch: Batch | None) -> list[Json]:
    """Those of all reviewers of a row, in the order of its seats."""
    prompt = OWN if seats.self_reviewed else ALONE
    return await all_of([review(ask, judge, rubric, shown, batch, prompt) for judge in seats.reviewers])


def planned(job: Job) -> Iterator[tuple[Task, Batch | None]]:
    """The plan with the batch that each task is judged in: None for one that is judged alone."""
    if job.batch == 1:
        return ((task, None) for task in job.tasks())
    return in_batches(((task, _shown(job, task)) for task in job.tasks()), job)


def in_batches(items: Iterable[tuple[T, Shown | None]], job: Job) -> Iterator[tuple[T, Batch | None]]:
    """Neighbours in the plan together, `job.batch` of them or as many as fit; what shows nothing is judged nowhere."""
    votes, waiting, characters = Votes(job.votes, not job.every_vote), list[tuple[T, Shown | None]](), 0
    for one in items:
        size = sum(map(len, (one[1] or {}).values()))
        if waiting and (len(waiting) == job.batch or characters + size > MOST_CHARACTERS):
            yield from _together(waiting, votes)
            waiting, characters = [], 0
        waiting.append(one)
        characters += size
    yield from _together(waiting, votes)


def _together(some: Sequence[tuple[T, Shown | None]], votes: Votes) -> Iterator[tuple[T, Batch | None]]:
    items = {item_id(shown): shown for _, shown in some if shown is not None}
    batch = Batch(items, votes) if len(items) > 1 else None
    return ((one, batch if shown is not None else None) for one, shown in some)


def _shown(job: Job, task: Task) -> Shown | None:
    made = job.candidate(task, {})
    if isinstance(made, Rejected) or any(gate(task, made) is not None for gate in job.gates):
        return None
    return made.shown


async def _reviews(ask: Ask, judge: str, rubric: Rubric, batch: Batch) -> dict[str, Json]:
    """A review of every item. An item that an answer leaves out or has twice is asked about alone, once and for all."""
    said: dict[str, list[Json]] = {item: [] for item in batch.items}
    calls: dict[str, list[str]] = {item: [] for item in batch.items}
    name, left = batch.name, list(batch.items)
    alone: list[str] = []
    if judge == OFFLINE:
        alone, left = left, []
    for number in range(batch.votes.most):
        if len(left) < 2:
            alone += left
            break
        order = sorted(left, key=lambda item, number=number: _rank(name, number, item))  # type: ignore[misc]
        found, keys = await _vote(ask, judge, rubric, {item: batch.items[item] for item in order})
        for item in left:
            calls[item] += keys
            if item in found:
                said[item].append(found[item])
        alone += [item for item in left if item not in found]
        left = [item for item in left if item in found and not (batch.votes.stop and _settled(said[item]))]
    asked = await all_of([ask.review(judge, ALONE, rubric, batch.items[item]) for item in alone])
    made = {item: _majority(judge, some) for item, some in said.items()}
    made |= {
        item: one for item, one in zip(alone, asked, strict=True) if "answers" in one or not said[item]
    }  # a vote that was read is better than none
    for item, one in made.items():
        keys = list(dict.fromkeys([*calls[item], *([one["call"]] if one["call"] else [])]))
        made[item] = {**one, "call": keys[-1] if keys else "", "calls": keys}
    return made


async def _vote(ask: Ask, judge: str, rubric: Rubric, items: Mapping[str, Shown]) -> tuple[dict[str, Json], list[str]]:
    """One prompt: what was said of each item that was answered exactly once, and the keys of its calls."""
    nonce = nonce_for(text for shown in items.values() for text in shown.values())
    told = (
        "\n\n".join([f"id: {item}", *(fence(label(name), text, nonce) for name, text in shown.items())])
        for item, shown in items.items()
    )
    messages = [
        {"role": "system", "content": ask.system(PROMPT, rubric)},
        {"role": "user", "content": "\n\n".join(told)},
    ]
    answer = await ask.put(judge, messages, schema=ask.schema(rubric, many=True), nonce=0, temperature=0.0,
                           max_tokens=TOKENS_EACH * (len(items) + 1))  # fmt: skip
    data: Mapping[str, Any] = answer.get("data") or {} if answer["outcome"] == "ok" else {}
    found: dict[str, list[Any]] = {}
    for one in data.get("reviews", ()):
        found.setdefault(str(one["id"]).strip(), []).append(one)
    read = {item: ask.read(rubric, found[item][0], items[item]) for item in items if len(found.get(item, ())) == 1}
    return read, list(answer.get("calls") or ())


def _settled(said: Sequence[Json]) -> bool:
    return len(said) > 1 and said[-1]["answers"] == said[-2]["answers"]


def _majority(judge: str, said: Sequence[Json]) -> Json:
    """Every question by the most votes, the last vote deciding a tie."""
    if not said:
        return {}
    answers = {}
    for name, last in said[-1]["answers"].items():
        yes = sum(one["answers"][name] for one in said)
        answers[name] = last if 2 * yes == len(said) else 2 * yes > len(said)
    quotes = dict.fromkeys(quote for one in said for quote in one["quotes"])
    return {
        "model": judge,
        "role": "reviewer",
        "call": "",
        "answers": answers,
        "score": score_of(answers),
        "quotes": list(quotes)[:MOST_QUOTES],
        "dropped_quotes": sum(one["dropped_quotes"] for one in said),
    }


def _rank(batch: str, number: int, item: str) -> bytes:
    return hashlib.sha256(f"{batch}\0{number}\0{item}".encode()).digest()
