"""What a probe asks, and asking it: all questions of a probe in one event loop, answers in the order of the questions.

It knows messages, answers and where in a prompt's tokens a text lies. It does not know what is made of the answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ...context import Model

BYTES_PER_TOKEN: Final = 4
_ANSWERED: Final = ("ok", "length")

T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """`text` is what the user says. `sample` 0 is the likeliest answer, from 1 on one of several drawn at `temperature`.

    With `scored` nothing is to be said: asked for are the log-probabilities of the text's own tokens, from character
    `start` on.
    """

    text: str
    system: str = ""
    max_tokens: int = 1
    temperature: float = 0.0
    sample: int = 0
    scored: bool = False
    start: int = 0


@dataclass(frozen=True)
class Reply:
    """`text` is None where the model refused or the server called the question bad; `logprobs` where it gives none."""

    text: str | None = None
    logprobs: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Ask:
    """The questions about one item, and what their replies come to: values by name; None when they cannot be read."""

    questions: tuple[Question, ...]
    score: Callable[[Sequence[Reply]], Mapping[str, float] | None]


OpenModel = Callable[[str, int, int], AbstractAsyncContextManager[Model]]


def replies(
    open_model: OpenModel, name: str, questions: Sequence[Question], progress: Callable[[int], None]
) -> list[Reply]:
    """Ask a model everything. Where the first scored question brings no log-probabilities, no other is asked.

    Raises what the model raises; answers that came are recorded, so that asking again goes on from there.
    """

    async def work() -> list[Reply]:
        tokens = sum((len(one.text.encode()) + len(one.system.encode())) // BYTES_PER_TOKEN + one.max_tokens
                     for one in questions)  # fmt: skip
        async with open_model(name, len(questions), tokens) as model:
            return await _all(model, questions, progress)

    return _finished(work)


async def _all(model: Model, questions: Sequence[Question], progress: Callable[[int], None]) -> list[Reply]:
    found: list[Reply] = [Reply()] * len(questions)
    done = 0

    async def ask(place: int) -> None:
        nonlocal done
        found[place] = await _one(model, questions[place])
        done += 1
        progress(done)

    scored = [i for i, one in enumerate(questions) if one.scored]
    waiting = [i for i, one in enumerate(questions) if not one.scored]
    if scored:
        await ask(scored[0])
        if found[scored[0]].logprobs is not None:
            waiting += scored[1:]
    tasks = [asyncio.create_task(ask(i)) for i in waiting]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return found


async def _one(model: Model, question: Question) -> Reply:
    system = [{"role": "system", "content": question.system}] if question.system else []
    request: dict[str, Any] = {"max_tokens": question.max_tokens, "temperature": question.temperature}
    if question.sample:
        # Servers that know seeds then repeat a draw; for the others the recorded answer does.
        request |= {"seed": question.sample, "nonce": ["probe", question.sample, 0]}
    if question.scored:
        request["extra_body"] = {"prompt_logprobs": 1}
    answer = await model.answer([*system, {"role": "user", "content": question.text}], **request)
    if question.scored:
        return Reply(logprobs=_inside(answer.get("prompt_logprobs") or (), question.text, question.start))
    return Reply(str(answer["text"]) if answer["outcome"] in _ANSWERED else None)


def _inside(tokens: Sequence[Mapping[str, Any]], text: str, start: int) -> tuple[float, ...] | None:
    """Log-probabilities of the tokens that hold characters of `text[start:]`; the rest is the server's template."""
    whole = "".join(str(token["token"]) for token in tokens)
    at = whole.rfind(text)
    if at < 0:
        return None
    low, high, place = at + start, at + len(text), 0
    found = []
    for token in tokens:
        end = place + len(str(token["token"]))
        if place < high and end > low and token["logprob"] is not None:
            found.append(float(token["logprob"]))
        place = end
    return tuple(found) or None


def _finished(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end, in a thread of its own where a loop already runs in this one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()
