"""One endpoint over HTTP: a complete answer, or an error of the tree. Retries live here and nowhere else.

It knows the wire, deadlines and keys (read from the environment, held in memory only). It does not know schemas,
budgets, or what is recorded.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import httpx2
import openai
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from ...tools.errors import Misuse, TilthError
from ..config import Endpoint, is_local
from . import failures
from .answer import Tally
from .failures import Garbled, Late
from .traffic import Clock, Sleep, Traffic

ATTEMPTS: Final = 6
FIRST_WAIT_SECONDS: Final = 0.5
LONGEST_WAIT_SECONDS: Final = 30.0

T = TypeVar("T")
OnText = Callable[[str], None]
Lost = Callable[[], bool]


class Server:
    """A connection to one endpoint, shared by its models; used from one event loop, closed with `await close()`.

    `http_client` stands in place of the one over aiohttp.
    """

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        *,
        tally: Tally,
        attempts: int = ATTEMPTS,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        http_client: httpx2.AsyncClient | None = None,
        declared: bool = True,
    ) -> None:
        self.name, self.endpoint, self._tally, self._declared = name, endpoint, tally, declared
        self.traffic = Traffic(
            endpoint.host,
            cap=endpoint.concurrency,
            per_minute=endpoint.requests_per_minute,
            clock=clock,
            sleep=sleep,
        )
        self._attempts, self._sleep = attempts, sleep
        self._secret = _secret(name, endpoint)
        self._reached = False
        times = endpoint.timeouts
        timeout = httpx2.Timeout(times.total, connect=times.connect, pool=None)
        # What is sent goes to the host that was named: a redirect is an error, and no proxy stands before a local one.
        # Nor do variables of other programs speak for a key.
        self._client = openai.AsyncOpenAI(
            api_key=self._secret or "none",
            base_url=endpoint.base_url,
            max_retries=0,
            http_client=http_client
            or openai.DefaultAioHttpClient(
                follow_redirects=False, timeout=timeout, trust_env=not is_local(endpoint.base_url)
            ),
        )
        self._client.organization = self._client.project = None

    async def close(self) -> None:
        await self._client.close()

    async def models(self) -> list[dict[str, Any]]:
        """What /v1/models lists. Raises Unavailable and Misuse."""

        async def ask() -> list[dict[str, Any]]:
            async with asyncio.timeout(self.endpoint.timeouts.first_token):
                raw = await self._client.models.with_raw_response.list()
            listed = _json(raw.http_response.content).get("data")
            if not isinstance(listed, list):
                raise Garbled("no list of models")
            return [one for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str)]

        return await self._retried(ask)

    async def embed(self, model: str, texts: list[str]) -> list[list[float]]:
        """One vector per text. Raises Unavailable and Misuse."""

        async def ask() -> list[list[float]]:
            async with asyncio.timeout(self.endpoint.timeouts.total):
                raw = await self._client.embeddings.with_raw_response.create(
                    model=model, input=texts, encoding_format="float"
                )
            try:
                found = sorted(_json(raw.http_response.content)["data"], key=lambda one: int(one["index"]))
                vectors = [[float(value) for value in one["embedding"]] for one in found]
            except (KeyError, TypeError, ValueError):
                raise Garbled("the body holds no vectors") from None
            if len(vectors) != len(texts):
                raise Garbled(f"{len(vectors)} vectors for {len(texts)} texts")
            return vectors

        return await self._retried(ask)

    async def chat(self, body: Mapping[str, Any], *, on_text: OnText | None = None, lost: Lost = lambda: True) -> str:
        """The complete answer as the server's JSON text.

        `lost` is called for every request that was sent and never answered; it tells whether another may be paid. An
        answer some of which was shown through `on_text` is not asked for again. Raises Unavailable, Misuse, and
        openai.APIStatusError where the request itself is at fault (`failures.BAD_REQUEST`) or the model unknown (404).
        """
        again = True

        def show(text: str) -> None:
            nonlocal again
            again = False
            if on_text is not None:
                on_text(text)

        async def ask() -> str:
            nonlocal again
            self._tally.sent += 1
            try:
                return await (self._whole(body) if on_text is None else self._streamed(body, show))
            except (Exception, asyncio.CancelledError) as error:
                if failures.may_be_paid(error):
                    self._tally.lost += 1
                    again = lost() and again
                raise

        return await self._retried(ask, may_retry=lambda: again)

    def told(self, error: BaseException) -> TilthError:
        """An error as a person should read it."""
        return failures.told(error, self.name, self.endpoint, self._secret, declared=self._declared)

    def said(self, error: openai.APIStatusError) -> str:
        """What the server said about a request it refused."""
        return failures.server_text(error, self._secret)

    # -- one attempt -----------------------------------------------------------------------------------------------

    async def _whole(self, body: Mapping[str, Any]) -> str:
        seconds = self.endpoint.timeouts.total
        whole = {**body, **body.get("extra_body", {})}
        whole.pop("extra_body", None)
        try:
            async with asyncio.timeout(seconds):
                # Not `chat.completions.create`: walking through messages and schema by their types, to change nothing,
                # takes it a third of all the time a call takes.
                raw = await self._client.post("/chat/completions", body=whole, cast_to=httpx2.Response)
        except TimeoutError:
            raise Late("no complete answer", seconds) from None
        text: str = self._clean(raw.text)
        _check(_json(text.encode()))
        return text

    async def _streamed(self, body: Mapping[str, Any], show: OnText) -> str:
        times = self.endpoint.timeouts
        merged = Merged()
        try:
            async with asyncio.timeout(times.total) as whole, asyncio.timeout(times.first_token) as first:
                stream = await self._client.chat.completions.create(
                    **body, stream=True, stream_options={"include_usage": True}
                )
                async with stream:
                    async for chunk in stream:
                        text = merged.add(chunk.to_dict())
                        if merged.begun:
                            first.reschedule(None)
                        if text:
                            show(text)
        except TimeoutError:
            if whole.expired():
                raise Late("no complete answer", times.total) from None
            raise Late("no first token", times.first_token) from None
        except (httpx2.TransportError, ValueError) as error:
            raise Garbled(f"the stream broke off ({type(error).__name__})") from None
        except openai.APIError as error:
            if type(error) is openai.APIError:  # an error event inside the stream
                raise Garbled(f"the stream broke off ({' '.join(error.message.split())[: failures.SHOWN]})") from None
            raise
        answer = merged.answer()
        _check(answer)
        return self._clean(json.dumps(answer))

    def _clean(self, text: str) -> str:
        return text.replace(self._secret, "[key]") if self._secret else text

    # -- retries ---------------------------------------------------------------------------------------------------

    async def _retried(self, ask: Callable[[], Awaitable[T]], may_retry: Callable[[], bool] = lambda: True) -> T:
        def again(error: BaseException) -> bool:
            if not (may_retry() and failures.is_transient(error)):
                return False
            if failures.never_connected(error) and not self._reached:
                return False  # a server that never was there is not waited for
            return (failures.retry_after(error) or 0.0) <= self.traffic.patience

        attempts = AsyncRetrying(
            stop=stop_after_attempt(self._attempts),
            retry=retry_if_exception(again),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            async for attempt in attempts:
                with attempt:
                    if attempt.retry_state.attempt_number > 1:
                        self._tally.retries += 1
                    return await self._once(ask)
        except (openai.APIError, Garbled, Late) as error:
            if failures.status(error) in failures.BAD_REQUEST or failures.status(error) == 404:
                raise
            raise self.told(error) from None
        raise AssertionError

    async def _once(self, ask: Callable[[], Awaitable[T]]) -> T:
        async with self.traffic.slot() as permit:
            try:
                found = await ask()
            except openai.APIStatusError as error:
                self._reached = True
                if error.status_code in failures.OVERLOAD:
                    self.traffic.overloaded(permit, hold=min(failures.retry_after(error) or 0.0, self.traffic.patience))
                if error.status_code >= 500:
                    self.traffic.failed()
                else:
                    self.traffic.alive()
                raise
            except (openai.APIConnectionError, Garbled, Late, TimeoutError) as error:
                if isinstance(error, Late | openai.APITimeoutError):
                    self.traffic.overloaded(permit)
                self.traffic.failed()
                if type(error) is TimeoutError:
                    raise Late("no answer", self.endpoint.timeouts.total) from None
                raise
            self._reached = True
            self.traffic.succeeded()
            return found


def _secret(name: str, endpoint: Endpoint) -> str:
    variable = endpoint.api_key_env
    if variable is None:
        return ""
    value = os.environ.get(variable, "")
    if not value:
        raise Misuse(f"The key of endpoint {name} is missing: {variable} is not set.",
                     next_step=f"Run: export {variable}=…")  # fmt: skip
    return value


_backoff = wait_exponential_jitter(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS, jitter=FIRST_WAIT_SECONDS)


def _wait(state: RetryCallState) -> float:
    """What the server asked for, else twice as long each time, with jitter."""
    asked = failures.retry_after(state.outcome.exception() if state.outcome else None)
    return _backoff(state) if asked is None else asked


def _json(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        raise Garbled("the body is no JSON") from None
    if not isinstance(found, dict):
        raise Garbled("the body is no JSON object")
    return found


def _check(body: Mapping[str, Any]) -> None:
    """Is it a complete answer? Some proxies send errors under 200."""
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    if not isinstance(message, dict):
        raise Garbled("an error under 200" if "error" in body else "the body holds no answer")
    if not isinstance(message.get("content"), str | None) or not isinstance(body.get("usage"), dict | None):
        raise Garbled("the answer has an unknown form")


class Merged:
    """A stream put together into the body a whole answer would have had."""

    def __init__(self) -> None:
        self._head: dict[str, Any] = {}
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._finish: str | None = None
        self.begun = False
        """Has the model said anything, be it a thought? The role alone comes before its first token."""

    def add(self, chunk: Mapping[str, Any]) -> str:
        """Take in a chunk; -> the text it adds."""
        self._head |= {name: chunk[name] for name in ("id", "model", "usage") if chunk.get(name)}
        said = ""
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            said += delta.get("content") or ""
            self.begun = self.begun or any(value for name, value in delta.items() if name != "role")
            self._refusal.append(delta.get("refusal") or "")
            for part in delta.get("tool_calls") or ():
                self._add_call(part)
            self._finish = choice.get("finish_reason") or self._finish
        self._text.append(said)
        return said

    def _add_call(self, part: Mapping[str, Any]) -> None:
        empty = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        call = self._calls.setdefault(int(part.get("index") or 0), empty)
        call["id"] = part.get("id") or call["id"]
        for name in ("name", "arguments"):
            call["function"][name] += (part.get("function") or {}).get(name) or ""

    def answer(self) -> dict[str, Any]:
        """The whole. Raises Garbled when the stream ended without saying how."""
        if self._finish is None:
            raise Garbled("the stream broke off")
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._text)}
        if refusal := "".join(self._refusal):
            message["refusal"] = refusal
        if self._calls:
            message["tool_calls"] = [self._calls[i] for i in sorted(self._calls)]
        return {**self._head, "choices": [{"index": 0, "message": message, "finish_reason": self._finish}]}
