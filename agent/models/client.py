"""A model at an endpoint: one question in, one recorded answer out.

It knows what makes two questions the same, the ladder of structured output with its one repair turn, and what may
leave for this host. How bytes travel is `server`'s business.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakValueDictionary

import openai
from pydantic import BaseModel

from ...tools.errors import Misuse, nearest
from ...tools.store.calls import Call, Calls, Cost, Nonce, call_key, canonical
from ..config import ModelFacts, Sight
from . import failures
from .answer import Answer, Outcome, Tally
from .budget import Budget, usd
from .server import Lost, OnText, Server
from .structured import LADDER, Message, Mode, lowered, read, repair_turn, strict_schema

MAX_TOKENS: Final = 2048
"""Every request has a bound, so that its worst case has one."""
TOKENS_PER_MESSAGE: Final = 8
SETTINGS: Final = frozenset(
    ["temperature", "top_p", "max_tokens", "stop", "seed", "presence_penalty", "frequency_penalty", "tools",
     "tool_choice", "logprobs", "top_logprobs", "extra_body"]
)  # fmt: skip
_HALVES: Final = re.compile("[\ud800-\udfff]")
"""Half characters, which JSON can write and no text can hold."""
_REJECTED: Final = '{"rejected": '
_RANK: Final[dict[Sight, int]] = {"nothing": 0, "statistics": 1, "rows": 2}


@dataclass
class Learned:
    """What the models of one endpoint taught us about it; it changes how a question is put, never which it is."""

    rung: dict[tuple[str, str], int] = field(default_factory=dict)
    """(model, schema name) -> the rung of the ladder that is known to work."""
    completion_tokens: set[str] = field(default_factory=set)
    """Models that want `max_completion_tokens` in place of `max_tokens`."""


@dataclass(frozen=True)
class _Question:
    """What is asked, in the model's own terms: this and nothing else is the key."""

    messages: list[Message]
    settings: dict[str, Any]
    schema: dict[str, Any] | None
    name: str
    nonce: Nonce

    def logical(self) -> dict[str, Any]:
        return {"messages": self.messages, **self.settings}


class OpenAIModel:
    """The `Model` protocol over an OpenAI-compatible endpoint. Equal questions asked at once are sent once."""

    def __init__(
        self,
        model: str,
        server: Server,
        *,
        name: str,
        tally: Tally,
        facts: ModelFacts | None = None,
        learned: Learned | None = None,
        calls: Calls | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.model, self._server, self.name, self._tally = model, server, name, tally
        self._facts = facts or ModelFacts()
        self._learned = learned or Learned()
        self._calls = calls
        self._budget = budget or Budget()
        self._budget.check(self.name, self._facts.price)
        self._sees = server.endpoint.sees
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def answer(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        schema: type[BaseModel] | None = None,
        nonce: Nonce = 0,
        record: bool = True,
        shows: Sight = "rows",
        on_text: OnText | None = None,
        **request: Any,
    ) -> Answer:
        """Ask. `nonce` is (task, step, round) where answers are sampled, 0 where equal questions have one answer;
        `shows` is what of the data the messages hold; `record=False` (chat) neither looks up nor keeps the answer;
        with `on_text` it streams. Other settings are those of chat completions (`SETTINGS`).

        Raises Misuse (also when the host may not see as much), Unavailable, OverBudget.
        """
        self.may_leave(shows)
        question = _Question(list(messages), self._settings(request), strict_schema(schema) if schema else None,
                             schema.__name__ if schema else "", nonce)  # fmt: skip
        first = await self._complete(question, record, on_text)
        if schema is None or first["outcome"] != "ok":
            return first
        answer = self._validated(first, schema)
        if answer["outcome"] == "ok":
            return answer
        self._tally.repairs += 1
        turn = repair_turn(question.messages, first["text"], answer["problem"])
        again = _Question(turn, question.settings, question.schema, question.name, _repair_of(nonce))
        second = await self._complete(again, record, None)
        if second["outcome"] == "ok":
            second = self._validated(second, schema)
        second["repaired"] = True
        second["calls"] = first["calls"] + second["calls"]
        second["cached"] = first["cached"] and second["cached"]
        for side in ("input", "output"):
            second["tokens"][side] += first["tokens"][side]
        return second

    def _validated(self, answer: Answer, schema: type[BaseModel]) -> Answer:
        data, salvaged, problem = read(answer["text"], schema)
        if salvaged and data is not None:
            self._tally.salvaged += 1
        outcome: Outcome = "unparsable" if data is None else "ok"
        return {**answer, "outcome": outcome, "data": data, "salvaged": salvaged, "problem": problem}

    def may_leave(self, shows: Sight) -> None:
        """May this host see as much of the data? Raises Misuse."""
        endpoint = self._server.endpoint
        if _RANK[shows] > _RANK[self._sees]:
            next_step = f'If it may, write may_see = "{shows}" under [endpoints.{self._server.name}] in tilth.toml.'
            allowed = {"nothing": "nothing of the data", "statistics": "statistics only, no row text", "rows": "rows"}
            message = f"{endpoint.host} (endpoint {self._server.name}) may see {allowed[self._sees]}; nothing was sent."
            raise Misuse(message, next_step=next_step)

    def _settings(self, request: Mapping[str, Any]) -> dict[str, Any]:
        for name in request:
            if name not in SETTINGS:
                raise Misuse(f"A model call has no setting {name!r}.", next_step=nearest(name, SETTINGS))
        settings = {name: value for name, value in request.items() if value is not None}
        settings.setdefault("max_tokens", MAX_TOKENS)
        numbers = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
        return {name: float(value) if name in numbers else value for name, value in settings.items()}

    # -- one complete answer, recorded or new ----------------------------------------------------------------------

    async def _complete(self, question: _Question, record: bool, on_text: OnText | None) -> Answer:
        key = call_key(
            endpoint=self._server.name,
            model=self.model,
            revision=self._facts.revision,
            request=question.logical(),
            schema=question.schema,
            nonce=question.nonce,
        )
        if not record or self._calls is None:
            return self._read(await self._ask(key, question, None, on_text), key, cached=False)
        lock = self._asking.setdefault(key, asyncio.Lock())
        async with lock:
            found = self._calls.get(key)
            if found is not None:
                self._tally.cached += 1
                answer = self._read(found, key, cached=True)
                if on_text is not None:
                    on_text(answer["text"])
                return answer
            return self._read(await self._ask(key, question, self._calls, on_text), key, cached=False)

    async def _ask(self, key: str, question: _Question, calls: Calls | None, on_text: OnText | None) -> Call:
        """A new answer, paid and recorded together."""
        reservation = await self._budget.reserve(self._worst(question))
        try:
            mode, body = await self._climb(question, on_text, lambda: self._budget.lose(reservation))
        except BaseException:
            self._budget.release(reservation)
            raise
        tokens_in, tokens_out = _usage(body)
        cost = Cost(1, usd(self._facts.price, tokens_in, tokens_out), tokens_in, tokens_out)
        call = Call(self._server.name, self.model, canonical(question.logical()), mode, body, tokens_in, tokens_out)
        try:
            if calls is not None:
                call = calls.record(key, call, run=self._budget.run, cost=cost, seconds=self._budget.seconds)
        finally:
            self._budget.settle(reservation, cost)
        self._tally.answered += 1
        self._tally.tokens_in += tokens_in
        self._tally.tokens_out += tokens_out
        self._tally.usd += cost.usd
        return call

    def _worst(self, question: _Question) -> Cost:
        """No tokeniser makes more tokens than there are bytes; without a price they need not be counted."""
        if self._facts.price is None:
            return Cost(1)
        said = [question.messages, question.settings.get("tools"), question.schema]
        tokens_in = sum(
            len(json.dumps(one, ensure_ascii=False).encode("utf-8", "surrogatepass")) for one in said if one
        )
        tokens_in += TOKENS_PER_MESSAGE * len(question.messages)
        tokens_out = int(question.settings["max_tokens"])
        return Cost(1, usd(self._facts.price, tokens_in, tokens_out), tokens_in, tokens_out)

    async def _climb(self, question: _Question, on_text: OnText | None, lost: Lost) -> tuple[str, str]:
        """-> (how it was put, the body). A server that refuses a rung is asked on the next; a refusal of all is the
        answer, and recorded as one."""
        if question.schema is None:
            return await self._put(question, {"messages": question.messages}, "plain", on_text, lost)
        known, place = self._learned.rung, (self.model, question.name)
        for i in range(known.get(place, 0), len(LADDER)):
            mode: Mode = LADDER[i]
            body = lowered(question.messages, question.name, question.schema, mode)
            found = await self._put(question, body, mode, on_text, lost)
            if not _is_rejection(found[1]):
                known[place] = max(i, known.get(place, 0))
                return found
            if i >= known.get(place, len(LADDER)):
                return found  # this rung is known to work, so the request itself is at fault
        return found

    async def _put(
        self, question: _Question, body: Mapping[str, Any], mode: str, on_text: OnText | None, lost: Lost
    ) -> tuple[str, str]:
        settings = dict(question.settings)
        if self.model in self._learned.completion_tokens:
            settings["max_completion_tokens"] = settings.pop("max_tokens")
        try:
            sent = {"model": self.model, **body, **settings}
            return mode, await self._server.chat(sent, on_text=on_text, lost=lost)
        except openai.APIStatusError as error:
            if error.status_code == 404:
                raise await self._not_found(error) from None
            said = self._server.said(error)
            if "max_completion_tokens" in said and "max_tokens" in settings:
                self._learned.completion_tokens.add(self.model)
                return await self._put(question, body, mode, on_text, lost)
            return mode, _REJECTED + json.dumps({"status": error.status_code, "message": said}) + "}"

    async def _not_found(self, error: openai.APIStatusError) -> Exception:
        try:
            offered = [str(one["id"]) for one in await self._server.models()]
        except openai.APIStatusError:
            offered = []
        if offered and self.model not in offered:
            return failures.unknown_model(self.model, self._server.name, self._server.endpoint, offered)
        return self._server.told(error)

    def _read(self, call: Call, key: str, *, cached: bool) -> Answer:
        body = json.loads(call.body)
        answer = Answer(
            model=self.name,
            outcome="ok",
            text="",
            data=None,
            tool_calls=[],
            logprobs=[],
            prompt_logprobs=[],
            tokens={"input": call.tokens_in, "output": call.tokens_out},
            calls=[key],
            cached=cached,
            repaired=False,
            salvaged="",
            problem="",
        )
        if _is_rejection(call.body):
            answer["outcome"] = "rejected"
            answer["problem"] = str(body["rejected"]["message"])
            return answer
        choice = body["choices"][0]
        message = choice["message"]
        answer["text"] = _HALVES.sub("\ufffd", message.get("content") or "")
        answer["tool_calls"] = message.get("tool_calls") or []
        answer["logprobs"] = (choice.get("logprobs") or {}).get("content") or []
        answer["prompt_logprobs"] = _prompt_logprobs(body.get("prompt_logprobs"))
        if message.get("refusal") or choice.get("finish_reason") == "content_filter":
            answer["outcome"] = "refused"
            answer["problem"] = message.get("refusal") or "stopped by the server's filter"
        elif choice.get("finish_reason") == "length":
            answer["outcome"] = "length"
            answer["problem"] = "cut off at max_tokens"
        return answer


def _repair_of(nonce: Nonce) -> Nonce:
    return [*nonce, "repair"] if isinstance(nonce, list | tuple) else [nonce, "repair"]  # type: ignore[list-item]


def _prompt_logprobs(given: Any) -> list[dict[str, Any]]:
    """vLLM's form: for each token null or {token id: {"logprob", "decoded_token"}, …}, the token itself first."""
    if not isinstance(given, list) or not all(one is None or (isinstance(one, dict) and one) for one in given):
        return []
    firsts = [next(iter(one.values())) if one else {} for one in given]
    return [{"token": one.get("decoded_token") or "", "logprob": one.get("logprob")} for one in firsts]


def _is_rejection(body: str) -> bool:
    return body.startswith(_REJECTED)


def _usage(body: str) -> tuple[int, int]:
    """(in, out) tokens as the server counts them; 0 where it does not."""
    usage = json.loads(body).get("usage") or {}
    return int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
