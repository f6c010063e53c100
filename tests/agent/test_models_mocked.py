"""The client against mocked HTTP: the exact requests, and answers no server of ours would think of."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Literal

import httpx  # respx builds responses of it, for httpx2 too
import httpx2
import pytest
import respx
from pydantic import BaseModel

from tilth.agent.config import Config
from tilth.agent.models.connections import Connections
from tilth.tools.errors import Misuse, Unavailable

HOST = "https://lab.example/v1"
CONFIG = Config.model_validate({"endpoints": {"lab": {"base_url": HOST, "may_see": "rows", "api_key_env": "LAB_KEY"}}})
ASK = [{"role": "user", "content": "Which colour is loam?"}]
MODEL = "openai:small@lab"


class Colour(BaseModel):
    colour: Literal["ochre", "umber"]


def said(text: str | None, **more: Any) -> httpx.Response:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}, **more}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    body = {"id": "1", "object": "chat.completion", "created": 1, "model": "small", "choices": [choice], "usage": usage}
    return httpx.Response(200, json=body)


@pytest.fixture
async def lab(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connections]:
    """Connections over a client that can be mocked, which sleep without waiting."""
    monkeypatch.setenv("LAB_KEY", "sk-secret")

    slept: list[float] = []

    async def at_once(seconds: float) -> None:
        slept.append(seconds)

    client = httpx2.AsyncClient()
    async with Connections(CONFIG, clock=lambda: sum(slept), sleep=at_once, http_client=client) as connections:
        connections.slept = slept  # type: ignore[attr-defined]
        yield connections


def chat(mock: respx.MockRouter) -> respx.Route:
    return mock.post(f"{HOST}/chat/completions")


async def test_a_request_bears_what_was_asked_and_no_more(lab: Connections, httpx2_mock: respx.MockRouter) -> None:
    route = chat(httpx2_mock).mock(return_value=said('{"colour": "umber"}'))
    answer = await lab.model(MODEL).answer(ASK, schema=Colour, temperature=0, max_tokens=20)
    assert (answer["data"], answer["tokens"]) == ({"colour": "umber"}, {"input": 7, "output": 3})
    request = route.calls.last.request
    body = json.loads(request.content)
    assert request.headers["authorization"] == "Bearer sk-secret"
    assert {name: body[name] for name in ("model", "messages", "temperature", "max_tokens")} == {
        "model": "small", "messages": ASK, "temperature": 0.0, "max_tokens": 20,
    }  # fmt: skip
    assert body["response_format"]["json_schema"]["strict"] is True
    assert set(body) == {"model", "messages", "temperature", "max_tokens", "response_format"}


async def test_a_server_says_how_long_to_wait(lab: Connections, httpx2_mock: respx.MockRouter) -> None:
    chat(httpx2_mock).mock(
        side_effect=[
            httpx.Response(429, headers={"retry-after": "17"}, json={"error": {"message": "slow down"}}),
            httpx.Response(503, text="<html>busy</html>"),
            said("Umber."),
        ]
    )
    answer = await lab.model(MODEL).answer(ASK)
    assert answer["text"] == "Umber."
    assert max(lab.slept) >= 17  # type: ignore[attr-defined]


@pytest.mark.parametrize("fault", [httpx2.ReadTimeout, httpx2.RemoteProtocolError])
async def test_faults_on_the_way_end_as_unavailable(
    lab: Connections, httpx2_mock: respx.MockRouter, fault: type[Exception]
) -> None:
    route = chat(httpx2_mock).mock(side_effect=fault("gone"))
    with pytest.raises(Unavailable, match=r"lab\.example"):
        await lab.model(MODEL).answer(ASK)
    assert route.call_count > 1


async def test_a_wrong_key_is_asked_once_and_never_shown(lab: Connections, httpx2_mock: respx.MockRouter) -> None:
    body = {"error": {"message": "Incorrect API key provided: sk-secret"}}
    route = chat(httpx2_mock).mock(return_value=httpx.Response(401, json=body))
    with pytest.raises(Misuse, match="LAB_KEY") as told:
        await lab.model(MODEL).answer(ASK)
    assert route.call_count == 1
    assert "sk-secret" not in str(told.value)


async def test_a_refusal_is_an_answer(lab: Connections, httpx2_mock: respx.MockRouter) -> None:
    chat(httpx2_mock).mock(return_value=said(None, message={"role": "assistant", "content": None, "refusal": "No."}))
    answer = await lab.model(MODEL).answer(ASK)
    assert (answer["outcome"], answer["problem"]) == ("refused", "No.")
