"""`offline:`, for work without a network: it quotes sentences of what it is given, and says so.

It is no language model: it writes no word of its own, follows no instruction and fills no schema.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from .answer import Answer

NAME: Final = "offline:"
QUOTED: Final = 3
"""The most sentences one answer quotes."""

WEAKEST: Final = 0.5
"""A quote's score is at least this share of the best one's, so that common words alone bring nothing in."""

_SENTENCE: Final = re.compile(
    r"[^\n.!?。！？]+(?:[.!?。！？]+[\"'”’)\]]*(?=\s|$)|[.!?](?=\S)[^\n.!?。！？]*|[。！？]+)*"
)
_WORD: Final = re.compile(r"\w+")


class OfflineModel:
    """The `Model` protocol without a model: extractive answers, the same for the same messages."""

    def __init__(self) -> None:
        self.name = NAME

    async def answer(
        self, messages: Sequence[Mapping[str, Any]], *, schema: type[BaseModel] | None = None, **request: Any
    ) -> Answer:
        """Up to three sentences of the material, verbatim and in their order, that share the rarest words with the
        question. The question is the last paragraph of the last user message; the material is all that users and
        tools said before it. `refused` when nothing matches or a schema is asked for."""
        if schema is not None:
            return _answer("", f"the offline model quotes; it cannot fill {schema.__name__}")
        question, material = _split(messages)
        quoted = quotes(question, material)
        return _answer(
            "\n".join(quoted), "" if quoted else "no sentence of the material shares a word with the question"
        )


def quotes(question: str, material: str) -> list[str]:
    """Sentences ranked by the summed rarity (log inverse sentence frequency) of the words they share with the question,
    over the root of their length; ties go to the earlier one."""
    sentences = [found for match in _SENTENCE.finditer(material) if (found := match.group().strip())]
    bags = [set(_words(sentence)) for sentence in sentences]
    frequency = Counter(word for bag in bags for word in bag)
    wanted = set(_words(question))
    scores = [
        math.fsum(math.log1p(len(bags) / frequency[word]) for word in sorted(bag & wanted)) / math.sqrt(len(bag) or 1)
        for bag in bags
    ]
    least = max(WEAKEST * max(scores, default=0.0), 1e-9)
    best = sorted((i for i, score in enumerate(scores) if score >= least), key=lambda i: (-round(scores[i], 9), i))
    return [sentences[i] for i in sorted(best[:QUOTED])]


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _split(messages: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """-> (question, material)."""
    said = [str(one.get("content") or "") for one in messages if one.get("role") in ("user", "tool")]
    users = [i for i, one in enumerate(messages) if one.get("role") == "user"]
    if not users:
        return "", ""
    last = str(messages[users[-1]].get("content") or "").strip()
    before, _, question = last.rpartition("\n\n")
    return question, "\n".join([*(text for text in said if text.strip() != last), before])


def _answer(text: str, problem: str) -> Answer:
    return Answer(
        model=NAME,
        outcome="refused" if problem else "ok",
        text=text,
        data=None,
        tool_calls=[],
        logprobs=[],
        prompt_logprobs=[],
        tokens={"input": 0, "output": 0},
        calls=[],
        cached=False,
        repaired=False,
        salvaged="",
        problem=problem,
    )
