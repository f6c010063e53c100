"""`tilth models check`: what a model and its server really can do, found out by asking.

It sends fixed sentences only, nothing of any dataset, and records nothing.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import openai
from pydantic import BaseModel, ConfigDict, ValidationError

from ...tools.errors import TilthError
from . import failures
from .connections import Connections, context_told, reference
from .server import Server
from .structured import strict_schema

SAMPLES: Final = 5
SAMPLE_TOKENS: Final = 64

ABILITIES: Final = ("json_schema", "strict tools", "logprobs", "prompt logprobs", "embeddings", "streaming")


class _Colour(BaseModel):
    """A form nobody fills by chance when asked for a greeting."""

    model_config = ConfigDict(title="colour")
    colour: Literal["ochre", "umber"]


@dataclass(frozen=True)
class Probed:
    """What was found. An ability is "yes", "no" or a phrase; `seconds` and `tokens_per_second` are medians of five
    calls one after another. With `fault` nothing else was found out."""

    model: str
    host: str = ""
    context: int | None = None
    abilities: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    tokens_per_second: float | None = None
    fault: str = ""
    next_step: str = ""
    exit_code: int = 0


async def probe(name: str, connections: Connections, *, clock: Callable[[], float] = time.perf_counter) -> Probed:
    """Ask a model what it can. An endpoint at fault is told in the result; a name that means no model raises Misuse."""
    wanted = reference(name, connections.config.endpoints)
    if wanted.kind == "offline":
        return Probed(name, "this machine", abilities=dict.fromkeys(ABILITIES, "no"))
    host = ""
    try:
        server = connections.server(wanted.endpoint)
        host = server.endpoint.host
        listed = {str(one["id"]): one for one in await _listed(server)}
        if wanted.model not in listed:
            raise failures.unknown_model(wanted.model, wanted.endpoint, server.endpoint, sorted(listed))
        context = context_told(listed[wanted.model])
        asker = _Asker(server, wanted.model)
        abilities = {
            "json_schema": await asker.schema(),
            "strict tools": await asker.tools(),
            "logprobs": await asker.logprobs(),
            "prompt logprobs": await asker.prompt_logprobs(),
            "embeddings": await asker.embeddings(),
            "streaming": await asker.streaming(),
        }
        seconds, speed = await asker.speed(clock)
    except TilthError as error:
        return Probed(name, host, fault=str(error.args[0]), next_step=error.next_step, exit_code=error.exit_code)
    return Probed(name, host, context, abilities, seconds, speed)


async def _listed(server: Server) -> list[dict[str, Any]]:
    try:
        return await server.models()
    except openai.APIStatusError as error:
        raise server.told(error) from None


class _Asker:
    """One small request per ability; "no" is a server that refuses it."""

    def __init__(self, server: Server, model: str) -> None:
        self._server, self._model = server, model

    async def _body(self, **more: Any) -> dict[str, Any] | None:
        """The answer's body, or None when the server refuses the request."""
        on_text = more.pop("on_text", None)
        ask = {"model": self._model, "messages": [{"role": "user", "content": "Say hello."}],
               "max_tokens": SAMPLE_TOKENS, "temperature": 0.0}  # fmt: skip
        try:
            found: dict[str, Any] = json.loads(await self._server.chat({**ask, **more}, on_text=on_text))
        except openai.APIStatusError:
            return None
        return found

    async def schema(self) -> str:
        form = {
            "type": "json_schema",
            "json_schema": {"name": "colour", "schema": strict_schema(_Colour), "strict": True},
        }
        body = await self._body(response_format=form)
        return "no" if body is None else _fits(body["choices"][0]["message"].get("content"))

    async def tools(self) -> str:
        function = {"name": "paint", "description": "Paint.", "parameters": strict_schema(_Colour), "strict": True}
        choice = {"type": "function", "function": {"name": "paint"}}
        body = await self._body(tools=[{"type": "function", "function": function}], tool_choice=choice)
        if body is None:
            return "no"
        called = body["choices"][0]["message"].get("tool_calls")
        return _fits(called[0]["function"]["arguments"]) if called else "accepted, not called"

    async def logprobs(self) -> str:
        body = await self._body(logprobs=True)
        return "yes" if body and (body["choices"][0].get("logprobs") or {}).get("content") else "no"

    async def prompt_logprobs(self) -> str:
        body = await self._body(extra_body={"prompt_logprobs": 1})
        return "yes" if body and body.get("prompt_logprobs") else "no"

    async def embeddings(self) -> str:
        try:
            vectors = await self._server.embed(self._model, ["Good soil."])
        except (openai.APIStatusError, TilthError):
            return "no"
        return f"yes, {len(vectors[0])} dimensions"

    async def streaming(self) -> str:
        pieces: list[str] = []
        body = await self._body(on_text=pieces.append)
        return "yes" if body and pieces else "no"

    async def speed(self, clock: Callable[[], float]) -> tuple[float | None, float | None]:
        """(median seconds of a call, median tokens per second)."""
        seconds, speeds = [], []
        for i in range(SAMPLES):
            start = clock()
            body = await self._body(messages=[{"role": "user", "content": f"Count from {i} to {i + 20}."}])
            took = clock() - start
            if body is None:
                continue
            seconds.append(took)
            if tokens := (body.get("usage") or {}).get("completion_tokens"):
                speeds.append(tokens / took)
        return (statistics.median(seconds) if seconds else None, statistics.median(speeds) if speeds else None)


def _fits(text: str | None) -> str:
    try:
        _Colour.model_validate_json(text or "")
    except ValidationError:
        return "accepted, not enforced"
    return "yes"
