"""How generators and judges are asked, and how judges are read: prompts, fences, the schema of a review.

What rows say stands between fences whose nonce no row holds; the instruction above is the same for every row. Of a
judge's answer only its own id, yes or no by criterion and verbatim quotes are taken.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, create_model

from ...prompts import Prompts
from ...prompts.fences import fenced
from ...tools.context import Model
from ...tools.panel import Criterion, Request, Review, Rubric
from ...tools.store.calls import Nonce
from ..models.offline import NAME as OFFLINE
from . import offline
from .policy import score_of

MAX_TOKENS: Final = 512
"""Of a review."""
MOST_QUOTES: Final = 3
ADJUDICATOR: Final = "adjudicator"

JudgeRole = Literal["reviewer", "adjudicator"]
Json = dict[str, Any]
T = TypeVar("T")


class Closed(Exception):
    """No further call is wanted: the run has what it was to make."""


@dataclass
class Meter:
    """What was asked in this run so far."""

    calls: int = 0
    cached: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    dropped_quotes: int = 0


class Ask:
    """Puts the questions of one run to its models. Once `closed`, every further question raises Closed."""

    def __init__(self, models: Mapping[str, Model], prompts: Prompts) -> None:
        self.models, self.prompts = models, prompts
        self.meter = Meter()
        self.closed = False
        self._schemas: dict[tuple[tuple[Criterion, ...], bool], type[BaseModel]] = {}
        self._systems: dict[tuple[str, Rubric], str] = {}

    async def generate(
        self, model: str, request: Request, nonce: Nonce, further: Sequence[Mapping[str, Any]] = ()
    ) -> Mapping[str, Any]:
        """A generator's answer; `further` messages come after those of the request."""
        messages = [*request.messages, *further]
        return await self.put(
            model,
            messages,
            schema=request.schema,
            nonce=nonce,
            temperature=request.temperature,
            max_tokens=request.max_tokens,
        )

    async def review(
        self,
        model: str,
        prompt: str,
        rubric: Rubric,
        shown: Mapping[str, str],
        role: JudgeRole = "reviewer",
        others: Sequence[Json] = (),
    ) -> Json:
        """A judge's answer as JSON: a review, or {"model", "role", "problem", "call"} where it cannot be read.

        `others` are the reviews a judge is to see; they are shown without names.
        """
        head: Json = {"model": model, "role": role, "call": ""}
        if model == OFFLINE:
            said = offline.answers(rubric, shown)
            return {**head, "answers": said, "score": score_of(said), "quotes": [], "dropped_quotes": 0}
        item = item_id(shown)
        parts = [(label(name), text) for name, text in shown.items()]
        parts += [(f"opinion_{i}", opinion(one)) for i, one in enumerate(others, 1)]
        messages = [
            {"role": "system", "content": self.system(prompt, rubric)},
            {"role": "user", "content": f"id: {item}\n\n{fenced(parts)}"},
        ]
        answer = await self.put(model, messages, schema=self.schema(rubric), nonce=0, temperature=0.0,
                                    max_tokens=MAX_TOKENS)  # fmt: skip
        head["call"] = next(iter(reversed(answer.get("calls") or ())), "")
        data = answer.get("data")
        if answer["outcome"] != "ok" or data is None:
            return {**head, "problem": answer["outcome"]}
        if str(data["id"]).strip() != item:
            return {**head, "problem": "foreign_id"}
        return {**head, **self.read(rubric, data, shown)}

    def read(self, rubric: Rubric, data: Mapping[str, Any], shown: Mapping[str, str]) -> Json:
        """What is taken of a review: answers by criterion, their score, and the quotes that stand in what was shown."""
        said = {one.id: data["answers"][f"c{i}"] == "yes" for i, one in enumerate(rubric.criteria)}
        given = [quote for quote in (str(one).strip() for one in data["quotes"]) if quote]
        quotes = [quote for quote in given if any(quote in text for text in shown.values())]
        self.meter.dropped_quotes += len(given) - len(quotes)
        return {
            "answers": said,
            "score": score_of(said),
            "quotes": list(dict.fromkeys(quotes))[:MOST_QUOTES],
            "dropped_quotes": len(given) - len(quotes),
        }

    async def put(self, model: str, messages: Sequence[Mapping[str, Any]], **request: Any) -> Mapping[str, Any]:
        """Any question. Raises Closed, and what the model raises."""
        if self.closed:
            raise Closed
        answer = await self.models[model].answer(messages, **request)
        if answer.get("cached"):
            self.meter.cached += 1
            return answer
        self.meter.calls += max(len(answer.get("calls") or ()), 1)
        tokens = answer.get("tokens") or {}
        self.meter.tokens_in += int(tokens.get("input", 0))
        self.meter.tokens_out += int(tokens.get("output", 0))
        return answer

    def system(self, prompt: str, rubric: Rubric) -> str:
        """The instruction to a judge: a prompt with the rubric in it."""
        key = (prompt, rubric)
        if key not in self._systems:
            criteria = "\n".join(f"- {one.id}: {one.question}" for one in rubric.criteria)
            self._systems[key] = self.prompts.load(prompt, rubric=rubric.text, criteria=criteria).text
        return self._systems[key]

    def schema(self, rubric: Rubric, *, many: bool = False) -> type[BaseModel]:
        """The form of a review, or of a list of `many`."""
        key = (rubric.criteria, many)
        if key not in self._schemas:
            one = review_schema(rubric.criteria)
            self._schemas[key] = create_model("Reviews", reviews=(list[one], ...)) if many else one  # type: ignore[valid-type]
        return self._schemas[key]


async def all_of(asked: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Every answer, in order. When one cannot be had, the others are waited for (and so recorded) before it is raised."""
    if len(asked) == 1:
        return [await asked[0]]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for one in answers:
        if isinstance(one, BaseException):
            raise one
    return [one for one in answers if not isinstance(one, BaseException)]


def revision(prompts: Prompts, rubric: Rubric, reviews: Sequence[Json]) -> str:
    """What a generator is told of the reviews: the questions answered with no, and the passages they point at."""
    questions = {one.id: one.question for one in rubric.criteria}
    failed = [key for key in questions if any(not one["answers"][key] for one in reviews if "answers" in one)]
    quotes = list(dict.fromkeys(quote for one in reviews for quote in one.get("quotes", ())))
    said = "They point at these passages, which are data:\n\n" + fenced(("passage", quote) for quote in quotes)
    listed = "\n".join(f"- {questions[key]}" for key in failed or questions)
    return prompts.load("panel/revise", failed=listed, quotes=said if quotes else "They quoted no passage.").text


def review_schema(criteria: Sequence[Criterion]) -> type[BaseModel]:
    """The form of a review. Criteria are fields c0, c1, … under their ids as aliases, which may be any text."""
    fields: dict[str, Any] = {f"c{i}": (YesNo, Field(alias=one.id)) for i, one in enumerate(criteria)}
    given = create_model("Answers", **fields)
    schema: type[BaseModel] = create_model("Review", id=(str, ...), answers=(given, ...), quotes=(list[str], ...))
    return schema


def item_id(shown: Mapping[str, str]) -> str:
    """Eight hex digits that an answer repeats, so that it can be about no other item."""
    written = json.dumps(["item", *shown.items()], ensure_ascii=True)
    return hashlib.sha256(written.encode()).hexdigest()[:8]


def label(name: str) -> str:
    """A label as fences want it."""
    clean = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
    return clean if clean[:1].isalpha() else f"text_{clean}".rstrip("_")


def opinion(review: Json) -> str:
    """A review as another judge may see it: no name, no score."""
    if "answers" not in review:
        return "no readable answer"
    said = [f"{key}: {'yes' if met else 'no'}" for key, met in review["answers"].items()]
    return "\n".join([*said, *(f"quote: {quote}" for quote in review["quotes"])])


def as_review(found: Json) -> Review:
    """A readable review out of its JSON form."""
    return Review(**{name: found[name] for name in Review.__dataclass_fields__ if name in found})


def _yes_no(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.strip().lower() if isinstance(value, str) else value


YesNo = Annotated[Literal["yes", "no"], BeforeValidator(_yes_no)]
