"""What can go wrong between here and a model, told in one sentence of the error tree.

It knows the client library's errors and HTTP. It never shows a key, and of a server's text only a short, clean piece.
"""

from __future__ import annotations

import email.utils
import json
import os
import time
from collections.abc import Sequence
from typing import Final

import aiohttp
import httpx2
import openai

from ...tools.errors import Misuse, TilthError, Unavailable, nearest
from ..config import Endpoint

RETRYABLE: Final = frozenset([408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529])
OVERLOAD: Final = frozenset([429, 503, 529])
BAD_REQUEST: Final = frozenset([400, 413, 422])
"""The request itself is at fault: an outcome, as asking again would change nothing."""

SHOWN: Final = 200


class Garbled(Exception):
    """A 200 whose body is no complete answer; to be asked again like any broken connection."""


class Late(Exception):
    """A deadline of ours ran out; `what` is what did not come."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} within {seconds:g} s")


def status(error: BaseException) -> int | None:
    """The HTTP status of an error that has one."""
    return error.status_code if isinstance(error, openai.APIStatusError) else None


def is_transient(error: BaseException) -> bool:
    """May the same request succeed a moment later?"""
    if isinstance(error, openai.APIStatusError):
        return error.status_code in RETRYABLE and error.code != "insufficient_quota"
    return isinstance(error, openai.APIConnectionError | Garbled | Late)


def never_connected(error: BaseException) -> bool:
    """Did the request not even leave?"""
    if not isinstance(error, openai.APIConnectionError) or _hung_up(error):
        return False
    return isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)


def _hung_up(error: BaseException) -> bool:
    """Did the server close the connection without a byte? The transport calls that a connect timeout."""
    cause = error.__cause__
    return cause is not None and isinstance(cause.__cause__, aiohttp.ServerDisconnectedError)


def may_be_paid(error: BaseException) -> bool:
    """Was the request sent, and its answer lost? An HTTP error is an answer: that the work was not done."""
    return not isinstance(error, openai.APIStatusError) and not never_connected(error)


def retry_after(error: BaseException | None) -> float | None:
    """Seconds the server asks to wait (RFC 9110, 10.2.3: seconds or a date; `retry-after-ms` as some send it)."""
    if not isinstance(error, openai.APIStatusError):
        return None
    headers = error.response.headers
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        if "retry-after" not in headers:
            return None
        value = headers["retry-after"]
        if value.strip().replace(".", "", 1).isdigit():
            return float(value)
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def server_text(error: openai.APIStatusError, secret: str = "") -> str:
    """What the server says, shortened, on one line, without the key."""
    try:
        body = json.loads(error.response.text)
        found = body.get("error", body) if isinstance(body, dict) else body
        text = str(found.get("message", found) if isinstance(found, dict) else found)
    except ValueError:
        text = error.response.text
    text = " ".join(text.split())
    if secret:
        text = text.replace(secret, "[key]")
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def told(error: BaseException, name: str, endpoint: Endpoint, secret: str = "", *, declared: bool = True) -> TilthError:
    """The error as a person should read it. `name` is the endpoint's in tilth.toml, where it is not yet `declared` while
    it is being added."""
    where = f"{endpoint.host} (endpoint {name})"
    url = f"base_url of [endpoints.{name}] in tilth.toml" if declared else "the URL"
    if not isinstance(error, openai.APIStatusError):
        next_step = f"Is the server running, and is {url} right?"
        if isinstance(error, Garbled | Late):
            return Unavailable(f"{where} gave no usable answer: {error}.", next_step=next_step)
        if (how := _broken_off(error)) is not None:
            next_step = "Ask again; if it happens again, the server's log may tell why."
            return Unavailable(f"{where} {how}.", next_step=next_step)
        return Unavailable(f"{where} cannot be reached: {_reason(error)}.", next_step=next_step)
    code, said = error.status_code, server_text(error, secret)
    if code in (401, 403):
        return _key_refused(where, code, name, endpoint, declared)
    if code == 404:
        return Misuse(f"{where} does not know {_path(error)}.", next_step=f"Usually {url} ends in /v1.")
    if 300 <= code < 400:
        return Misuse(f"{where} sends requests elsewhere; tilth does not follow.",
                      next_step=f"Write the server's own address as {url}.")  # fmt: skip
    if code == 402 or error.code == "insufficient_quota":
        return Unavailable(
            f"{where} says the account has no credit left: {said}", next_step="Recorded answers are kept."
        )
    if code in RETRYABLE or code >= 500:
        next_step = "Recorded answers are kept; run the same command again later."
        return Unavailable(f"{where} answers with error {code}: {said}", next_step=next_step)
    return Misuse(f"{where} refuses the request with error {code}: {said}")


def unknown_model(model: str, name: str, endpoint: Endpoint, offered: Sequence[str]) -> Misuse:
    """The endpoint has no such model; the nearest it has is named."""
    return Misuse(f"{endpoint.host} (endpoint {name}) has no model {model!r}.", next_step=nearest(model, offered))


def _key_refused(where: str, code: int, name: str, endpoint: Endpoint, declared: bool) -> Misuse:
    if endpoint.api_key_env is None:
        next_step = "Name the variable that holds it: --key-env LAB_KEY"
        if declared:
            next_step = f'Put the name of the variable that holds it under [endpoints.{name}]: api_key_env = "LAB_KEY"'
        return Misuse(f"{where} asks for a key (error {code}).", next_step=next_step)
    next_step = "Put a valid key into that variable."
    return Misuse(f"{where} refuses the key in {endpoint.api_key_env} (error {code}).", next_step=next_step)


def _broken_off(error: BaseException) -> str | None:
    """How a server that was reached ended the connection before its answer was complete; None when it did not."""
    if _hung_up(error):
        return "closed the connection without an answer"
    return "broke its answer off" if isinstance(error.__cause__, httpx2.ReadError) else None


def _path(error: openai.APIStatusError) -> str:
    return error.request.url.path


def _reason(error: BaseException) -> str:
    """The innermost reason a connection failed."""
    inner: BaseException = error
    while (cause := inner.__cause__ or inner.__context__) is not None:
        inner = cause
    if isinstance(inner, OSError) and inner.errno is not None and inner.errno > 0:
        return os.strerror(inner.errno).lower()
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror.lower()  # a name that cannot be looked up has a number of another kind
    if isinstance(error, openai.APITimeoutError):
        return "it did not answer in time"
    return " ".join(str(inner).split())[:SHOWN].rstrip(".") or type(inner).__name__
