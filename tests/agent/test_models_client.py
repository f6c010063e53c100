"""Asking models over real HTTP: what is sent, what comes back, what every fault turns into, and what is paid twice
(nothing)."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from tilth.agent.config import Config
from tilth.agent.models.budget import Budget, Caps
from tilth.agent.models.connections import Connections
from tilth.tools.errors import Misuse, OverBudget, TilthError, Unavailable
from tilth.tools.store.calls import Calls

Serve = Callable[..., Any]
ASK = [{"role": "user", "content": "Is it good soil?"}]
MODEL = "openai:small@lab"


class Verdict(BaseModel):
    word: Literal["accept", "reject"]
    score: int = Field(ge=0, le=10)


GOOD = '{"word": "accept", "score": 7}'


class Time:
    """Sleeping takes no time and moves the clock."""

    now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def config(server: Any, **endpoint: Any) -> Config:
    return Config.model_validate({"endpoints": {"lab": {"base_url": server.url, **endpoint}}})


def connect(server: Any, *, calls: Calls | None = None, budget: Budget | None = None, **endpoint: Any) -> Connections:
    time = Time()
    return Connections(config(server, **endpoint), calls=calls, budget=budget, clock=time.clock, sleep=time.sleep)


async def ask(server: Any, *, calls: Calls | None = None, **request: Any) -> Any:
    async with connect(server, calls=calls) as connections:
        return await connections.model(MODEL).answer(ASK, **request)


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    with Calls(tmp_path / "calls.sqlite") as opened:
        yield opened


# -- answers ---------------------------------------------------------------------------------------------------------


async def test_an_answer_and_its_tokens(serve: Serve) -> None:
    server = serve(lambda request: "Very good soil.")
    answer = await ask(server, temperature=1)
    assert (answer["outcome"], answer["text"], answer["cached"]) == ("ok", "Very good soil.", False)
    assert answer["tokens"] == {"input": 4, "output": 3}
    assert server.requests == [{"model": "small", "messages": ASK, "temperature": 1.0, "max_tokens": 2048}]


async def test_what_the_model_does_is_an_outcome(serve: Serve, sim: ModuleType) -> None:
    for reply, outcome, problem in [
        (sim.Say("Cut", "length"), "length", "cut off"),
        (sim.Say(None, refusal="I will not."), "refused", "I will not."),
        (sim.Say("", "content_filter"), "refused", "filter"),
        (sim.Status(400, "context of 4096 tokens exceeded"), "rejected", "4096"),
    ]:
        answer = await ask(serve(lambda request, reply=reply: reply))
        assert answer["outcome"] == outcome
        assert problem in answer["problem"]


async def test_tools_and_logprobs_come_through(serve: Serve) -> None:
    function = {"name": "dig", "parameters": {"type": "object", "properties": {"depth": {"type": "integer"}}}}
    answer = await ask(serve(), tools=[{"type": "function", "function": function}])
    assert answer["tool_calls"][0]["function"] == {"name": "dig", "arguments": '{"depth": 0}'}
    assert len((await ask(serve(), logprobs=True))["logprobs"]) == 2


async def test_a_server_that_wants_max_completion_tokens_gets_it(serve: Serve, sim: ModuleType) -> None:
    def answers(request: dict[str, Any]) -> Any:
        return "yes" if "max_completion_tokens" in request else sim.Status(400, "use max_completion_tokens instead")

    server = serve(answers)
    async with connect(server) as connections:
        model = connections.model(MODEL)
        assert [(await model.answer(ASK))["text"] for _ in range(2)] == ["yes", "yes"]
    assert server.calls == 3


async def test_an_unknown_setting_is_named(serve: Serve) -> None:
    with pytest.raises(Misuse, match="'temprature'") as told:
        await ask(serve(), temprature=0)
    assert "temperature" in told.value.next_step


# -- streams ---------------------------------------------------------------------------------------------------------


async def test_a_stream_is_shown_as_it_comes_and_whole_at_the_end(serve: Serve, sim: ModuleType) -> None:
    seen: list[str] = []
    reply = sim.Say("Dig deep, ünïcode 土.", "tool_calls", tool_calls=[("dig", '{"depth": 3}'), ("rake", "{}")])
    answer = await ask(serve(lambda request: reply), on_text=seen.append, record=False)
    assert "".join(seen) == answer["text"] == "Dig deep, ünïcode 土."
    assert len(seen) > 3
    assert [one["function"]["arguments"] for one in answer["tool_calls"]] == ['{"depth": 3}', "{}"]
    assert answer["tokens"]["output"] == 4


async def test_a_torn_stream_is_asked_again_only_while_nothing_was_shown(serve: Serve, sim: ModuleType) -> None:
    server = serve(sim.script(sim.Torn("Half of it", pieces=0), "Whole."))
    seen: list[str] = []
    assert (await ask(server, on_text=seen.append))["text"] == "Whole."
    server = serve(sim.script(sim.Torn("Half of it", pieces=3), "Whole."))
    seen.clear()
    with pytest.raises(Unavailable, match=r"endpoint lab\) broke its answer off\. Ask again"):
        await ask(server, on_text=seen.append)
    assert (server.calls, "".join(seen)) == (1, "Half of ")


async def test_first_token_and_total_have_their_own_deadlines(serve: Serve, sim: ModuleType) -> None:
    never = threading.Event()
    times = {"connect": 5, "first_token": 0.05, "total": 30}
    for reply, timeouts, what in [
        (sim.Hang(never), times, "no first token within 0.05 s"),
        (sim.Hang(never, "Some text"), {**times, "first_token": 5, "total": 0.1}, "no complete answer within 0.1 s"),
    ]:
        server = serve(lambda request, reply=reply: reply)
        async with connect(server, timeouts=timeouts) as connections:
            connections.server("lab")._attempts = 1
            with pytest.raises(Unavailable, match=what):
                await connections.model(MODEL).answer(ASK, on_text=lambda text: None)
    never.set()


async def test_a_whole_answer_has_a_deadline_and_is_asked_again(serve: Serve, sim: ModuleType) -> None:
    never = threading.Event()
    server = serve(sim.script(sim.Hang(never), "At last."))
    async with connect(server, timeouts={"total": 0.2}) as connections:
        assert (await connections.model(MODEL).answer(ASK))["text"] == "At last."
        assert connections.tally.lost == connections.tally.retries >= 1
    never.set()


# -- faults on the way -----------------------------------------------------------------------------------------------


async def test_transport_faults_are_asked_again(serve: Serve, sim: ModuleType) -> None:
    faults = [
        sim.Status(429, headers={"Retry-After": "0.01"}),
        sim.Status(503),
        sim.Torn(),
        sim.Raw(b'{"choices": [{"mess'),
        sim.Raw(b'{"choices": []}'),
    ]
    server = serve(sim.script(*faults, "Through."))
    async with connect(server) as connections:
        assert (await connections.model(MODEL).answer(ASK))["text"] == "Through."
        tally = connections.tally
        assert (tally.sent, tally.retries, tally.answered) == (6, 5, 1)
        assert tally.lost == 3  # 429 and 503 say that nothing was done; of the others nobody knows


async def test_a_body_cut_on_the_wire_is_asked_again(serve: Serve, sim: ModuleType) -> None:
    server = serve(sim.script(sim.Raw(b'{"choices"', declared=500), "Through."))
    assert (await ask(server))["text"] == "Through."


async def test_retry_after_is_waited_for_by_everybody(serve: Serve, sim: ModuleType) -> None:
    server = serve(sim.script(sim.Status(429, headers={"retry-after-ms": "7000"}), "Through."))
    async with connect(server) as connections:
        traffic = connections.server("lab").traffic
        await connections.model(MODEL).answer(ASK)
        assert traffic._clock() >= 7.0
        assert traffic._hold_until == 7.0
        assert traffic.limit == 24


async def test_a_wait_beyond_patience_is_told_at_once(serve: Serve, sim: ModuleType) -> None:
    server = serve(lambda request: sim.Status(429, "daily quota", {"Retry-After": "86400"}))
    with pytest.raises(Unavailable, match="daily quota"):
        await ask(server)
    assert server.calls == 1


async def test_cancellation_frees_the_place_and_the_connection(serve: Serve, sim: ModuleType) -> None:
    never = threading.Event()
    server = serve(sim.script(sim.Hang(never), "Next."))
    async with connect(server, concurrency=1) as connections:
        model = connections.model(MODEL)
        hanging = asyncio.create_task(model.answer(ASK))
        await asyncio.to_thread(server.arrived.acquire)
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        assert connections.server("lab").traffic.in_flight == 0
        assert (await model.answer(ASK))["text"] == "Next."
    never.set()


async def test_models_of_one_endpoint_share_its_limit(serve: Serve) -> None:
    server = serve(models=["small", "large"])
    async with connect(server, concurrency=3) as connections:
        pair = [connections.model(MODEL), connections.model("openai:large@lab")]
        await asyncio.gather(*(pair[i % 2].answer(ASK, nonce=i) for i in range(40)))
    assert (server.calls, server.peak <= 3) == (40, True)


# -- faults a person must see ----------------------------------------------------------------------------------------


async def failing(server: Any, **endpoint: Any) -> TilthError:
    with pytest.raises(TilthError) as told:
        async with connect(server, **endpoint) as connections:
            await connections.model(MODEL).answer(ASK)
    return told.value


async def test_an_unreachable_host_is_told_at_once(serve: Serve) -> None:
    class Gone:
        url = "http://127.0.0.1:9/v1"

    error = await failing(Gone)
    assert error.exit_code == 3
    assert "127.0.0.1:9 (endpoint lab) cannot be reached: connection refused." in str(error)
    assert "base_url of [endpoints.lab]" in error.next_step


async def test_a_missing_key_a_wrong_key_and_one_not_set(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(key="sk-right")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-right")  # a key for elsewhere is never sent here
    error = await failing(server)
    assert (error.exit_code, "asks for a key" in str(error), "api_key_env" in error.next_step) == (2, True, True)
    error = await failing(server, api_key_env="LAB_KEY")
    assert (error.exit_code, "LAB_KEY is not set" in str(error)) == (2, True)
    monkeypatch.setenv("LAB_KEY", "sk-wrong")
    error = await failing(server, api_key_env="LAB_KEY")
    assert (error.exit_code, "refuses the key in LAB_KEY" in str(error)) == (2, True)
    assert "sk-wrong" not in str(error)
    monkeypatch.setenv("LAB_KEY", "sk-right")
    async with connect(server, api_key_env="LAB_KEY") as connections:
        assert (await connections.model(MODEL).answer(ASK))["outcome"] == "ok"


async def test_an_unknown_model_names_the_nearest(serve: Serve) -> None:
    error = await failing(serve(models=["smaller", "large"]))
    assert (error.exit_code, error.next_step) == (2, "Nearest: smaller.")
    assert "has no model 'small'" in str(error)


async def test_a_wrong_path_and_a_redirect(serve: Serve, sim: ModuleType) -> None:
    class Bare:
        url = serve().url.removesuffix("/v1")

    error = await failing(Bare)
    assert "/v1" in error.next_step and error.exit_code == 2
    elsewhere = sim.Status(307, headers={"Location": "http://127.0.0.1:9/v1/chat/completions"})
    error = await failing(serve(lambda request: elsewhere))
    assert "does not follow" in str(error) and error.exit_code == 2


async def test_an_empty_account_is_not_asked_again(serve: Serve, sim: ModuleType) -> None:
    server = serve(lambda request: sim.Status(429, "no more", error_code="insufficient_quota"))
    error = await failing(server)
    assert "no credit left" in str(error) and server.calls == 1


async def test_an_endpoint_that_stays_down_is_told_with_its_error(serve: Serve, sim: ModuleType) -> None:
    server = serve(lambda request: sim.Status(500, "out of memory"))
    error = await failing(server)
    assert error.exit_code == 3
    assert "answers with error 500: out of memory" in str(error)


async def test_rows_do_not_leave_for_a_host_that_may_not_see_them(serve: Serve) -> None:
    server = serve()
    async with connect(server, may_see="statistics") as connections:
        model = connections.model(MODEL)
        with pytest.raises(Misuse, match="statistics only, no row text"):
            await model.answer(ASK)
        assert server.calls == 0
        assert (await model.answer(ASK, shows="statistics"))["outcome"] == "ok"


async def test_nothing_but_the_named_key_goes_along(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "belongs-elsewhere")
    server = serve()
    await ask(server)
    assert "belongs-elsewhere" not in json.dumps(server.headers)


async def test_no_proxy_stands_before_a_local_server(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert (await ask(serve()))["outcome"] == "ok"


# -- structured output -----------------------------------------------------------------------------------------------


async def test_the_schema_is_sent_strictly_and_validated(serve: Serve) -> None:
    server = serve(lambda request: GOOD)
    answer = await ask(server, schema=Verdict)
    assert answer["data"] == {"word": "accept", "score": 7}
    form = server.requests[0]["response_format"]["json_schema"]
    assert (form["strict"], form["schema"]["additionalProperties"]) == (True, False)
    assert form["schema"]["required"] == ["word", "score"]


@pytest.mark.parametrize(
    ("supports", "modes"),
    [
        (["json_object"], ["json_schema", "json_object", "json_object"]),
        ([], ["json_schema", "json_object", None, None]),
    ],
)
async def test_the_ladder_goes_down_once(serve: Serve, supports: list[str], modes: list[str | None]) -> None:
    server = serve(lambda request: GOOD, supports=frozenset(supports))
    async with connect(server) as connections:
        model = connections.model(MODEL)
        for nonce in range(2):
            assert (await model.answer(ASK, schema=Verdict, nonce=nonce))["outcome"] == "ok"
    assert [one.get("response_format", {}).get("type") for one in server.requests] == modes
    last = server.requests[-1]["messages"]
    assert last[0]["role"] == "system" and '"score"' in last[0]["content"]
    assert last[1:] == ASK  # the message that holds data is left alone


async def test_a_request_at_fault_does_not_send_a_working_rung_down(serve: Serve, sim: ModuleType) -> None:
    server = serve(sim.script(GOOD, sim.Status(400, "too long"), GOOD))
    async with connect(server) as connections:
        model = connections.model(MODEL)
        outcomes = [(await model.answer(ASK, schema=Verdict, nonce=i))["outcome"] for i in range(3)]
    assert outcomes == ["ok", "rejected", "ok"]
    assert {one["response_format"]["type"] for one in server.requests} == {"json_schema"}


async def test_one_repair_turn_carries_what_was_wrong(serve: Serve, sim: ModuleType) -> None:
    server = serve(sim.script('{"word": "perhaps", "score": 70}', GOOD))
    answer = await ask(server, schema=Verdict)
    assert (answer["outcome"], answer["repaired"], len(answer["calls"])) == ("ok", True, 2)
    said, told = server.requests[1]["messages"][-2:]
    assert said == {"role": "assistant", "content": '{"word": "perhaps", "score": 70}'}
    assert "word: Input should be 'accept' or 'reject'" in told["content"]
    assert "score: " in told["content"]


async def test_after_one_repair_it_is_unparsable(serve: Serve) -> None:
    server = serve(lambda request: "I would rather chat.")
    answer = await ask(server, schema=Verdict)
    assert (answer["outcome"], answer["data"], server.calls) == ("unparsable", None, 2)
    assert answer["problem"]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (GOOD, ""),
        (f"```json\n{GOOD}\n```", "fence"),
        (f"<think>{{a}} hm</think>\n{GOOD}", "thought"),
        (f"Sure! {GOOD} Anything else?", "prose"),
    ],
)
async def test_what_was_salvaged_is_said_and_counted(serve: Serve, text: str, cut: str) -> None:
    async with connect(serve(lambda request: text)) as connections:
        answer = await connections.model(MODEL).answer(ASK, schema=Verdict)
        assert (answer["outcome"], answer["salvaged"]) == ("ok", cut)
        assert connections.tally.salvaged == bool(cut)


async def test_a_cut_or_refused_answer_is_not_repaired(serve: Serve, sim: ModuleType) -> None:
    for reply in (sim.Say(GOOD[:12], "length"), sim.Say(None, refusal="no")):
        server = serve(lambda request, reply=reply: reply)
        answer = await ask(server, schema=Verdict)
        assert answer["outcome"] in ("length", "refused") and server.calls == 1


# -- recorded --------------------------------------------------------------------------------------------------------


async def test_the_second_run_costs_no_call(serve: Serve, sim: ModuleType, calls: Calls) -> None:
    replies = [
        "fine",
        sim.Say(None, refusal="no"),
        sim.Say("cut", "length"),
        sim.Status(400, "bad"),
        "no JSON",
        "still none",
    ]

    async def run(server: Any) -> list[Any]:
        async with connect(server, calls=calls) as connections:
            model = connections.model(MODEL)
            plain = [await model.answer(ASK, nonce=i) for i in range(4)]
            return [*plain, await model.answer(ASK, schema=Verdict)]

    first = await run(serve(sim.script(*replies)))
    silent = serve(lambda request: sim.Status(500))  # another port, the same endpoint name
    second = await run(silent)
    assert silent.calls == 0
    assert [{**one, "cached": True} for one in first] == second
    assert [one["outcome"] for one in second] == ["ok", "refused", "length", "rejected", "unparsable"]


async def test_transport_failures_are_not_recorded(serve: Serve, sim: ModuleType, calls: Calls) -> None:
    with pytest.raises(Unavailable):
        await ask(serve(lambda request: sim.Raw(b"{")), calls=calls)
    assert (await ask(serve(lambda request: "now"), calls=calls))["text"] == "now"


async def test_equal_questions_asked_at_once_are_sent_once(serve: Serve, calls: Calls) -> None:
    server = serve()
    async with connect(server, calls=calls) as connections:
        model = connections.model(MODEL)
        answers = await asyncio.gather(*(model.answer(ASK) for _ in range(20)))
        assert (server.calls, connections.tally.cached) == (1, 19)
        assert len({one["calls"][0] for one in answers}) == 1
        await asyncio.gather(*(model.answer(ASK, nonce=["t", i]) for i in range(5)))
        assert server.calls == 6


async def test_chat_is_neither_looked_up_nor_kept(serve: Serve, sim: ModuleType, calls: Calls) -> None:
    server = serve(sim.script("one", "two"))
    assert [(await ask(server, calls=calls, record=False))["text"] for _ in range(2)] == ["one", "two"]


async def test_a_new_revision_asks_anew(serve: Serve, calls: Calls) -> None:
    server = serve()
    for revision in ("a", "b", "a"):
        async with connect(server, calls=calls, models={"small": {"revision": revision}}) as connections:
            await connections.model(MODEL).answer(ASK)
    assert server.calls == 2


async def test_no_key_is_written_anywhere(
    serve: Serve, sim: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-0123456789abcdef"
    monkeypatch.setenv("LAB_KEY", secret)

    def echo(request: dict[str, Any]) -> Any:
        return (
            sim.Status(400, f"you sent {secret}") if request["messages"][0]["content"] == "bad" else f"psst: {secret}"
        )

    with Calls(tmp_path / "calls.sqlite") as calls:
        async with connect(serve(echo, key=secret), calls=calls, api_key_env="LAB_KEY") as connections:
            model = connections.model(MODEL)
            assert (await model.answer(ASK))["text"] == "psst: [key]"
            assert (await model.answer([{"role": "user", "content": "bad"}]))["outcome"] == "rejected"
        for path in tmp_path.rglob("*"):  # while the write-ahead log is still there
            assert secret.encode() not in path.read_bytes(), path


# -- budgets ---------------------------------------------------------------------------------------------------------


async def test_a_cap_on_calls_holds_over_resumes(serve: Serve, calls: Calls) -> None:
    server = serve()

    async def run(cap: int) -> int:
        budget = Budget(Caps(calls=cap), run="r", calls=calls)
        async with connect(server, calls=calls, budget=budget) as connections:
            model = connections.model(MODEL)
            found = await asyncio.gather(*(model.answer(ASK, nonce=i) for i in range(10)), return_exceptions=True)
        return sum(isinstance(one, OverBudget) for one in found)

    assert (await run(4), server.calls) == (6, 4)
    assert (await run(4), server.calls) == (6, 4)
    assert (await run(10), server.calls) == (0, 10)


async def test_a_killed_run_has_kept_its_time(serve: Serve, calls: Calls) -> None:
    now = 0.0
    budget = Budget(Caps(minutes=5), run="r", calls=calls, clock=lambda: now)
    async with connect(serve(), calls=calls, budget=budget) as connections:
        now = 90.0
        await connections.model(MODEL).answer(ASK)
    assert calls.elapsed("r") == 90.0  # though nobody closed the budget


async def test_dollars_are_counted_as_the_server_counts_tokens(serve: Serve, calls: Calls) -> None:
    models = {"small": {"price": {"input": 1000.0, "output": 2000.0, "as_of": "2026-11-01"}}}
    budget = Budget(Caps(usd=100.0), run="r", calls=calls)
    async with connect(serve(), calls=calls, budget=budget, models=models) as connections:
        await connections.model(MODEL).answer(ASK)
        assert connections.tally.usd == pytest.approx(4 * 0.001 + 2 * 0.002)
    assert calls.spent("r").usd == budget.spent.usd == pytest.approx(0.008)


async def test_the_worst_case_is_refused_before_anything_is_sent(serve: Serve) -> None:
    server, models = serve(), {"small": {"price": {"input": 0, "output": 1000.0}}}
    async with connect(server, budget=Budget(Caps(usd=1.0)), models=models) as connections:
        with pytest.raises(OverBudget):
            await connections.model(MODEL).answer(ASK, max_tokens=1001)
    assert server.calls == 0


async def test_an_unpriced_model_under_a_cap_in_dollars_is_refused(serve: Serve) -> None:
    async with connect(serve(), budget=Budget(Caps(usd=1.0))) as connections:
        with pytest.raises(Misuse, match="no price"):
            connections.model(MODEL)


async def test_lost_answers_count_against_the_cap(serve: Serve, sim: ModuleType) -> None:
    server = serve(lambda request: sim.Torn())
    budget = Budget(Caps(calls=3))
    async with connect(server, budget=budget) as connections:
        with pytest.raises(Unavailable):
            await connections.model(MODEL).answer(ASK)
    assert (server.calls, budget.spent.calls, budget.spent.lost) == (3, 3, 3)


async def test_a_storm_of_faults_changes_when_and_never_what(serve: Serve, sim: ModuleType, tmp_path: Path) -> None:
    """A third of all requests fail somehow; every question still gets its own answer, recorded once."""
    fates = [sim.Status(429, headers={"Retry-After": "0"}), sim.Status(502), sim.Torn(), sim.Raw(b"<html>")]
    seen: dict[str, int] = {}
    lock = threading.Lock()

    def answers(request: dict[str, Any]) -> Any:
        question = request["messages"][0]["content"]
        with lock:
            seen[question] = seen.get(question, 0) + 1
            time = seen[question]
        number = int(question)
        return fates[number % 4] if time <= number % 3 else f"answer {question}"

    server = serve(answers)
    with Calls(tmp_path / "calls.sqlite") as calls:
        async with connect(server, calls=calls, concurrency=16) as connections:
            traffic = connections.server("lab").traffic
            model = connections.model(MODEL)
            texts = await asyncio.gather(*(model.answer([{"role": "user", "content": str(i)}]) for i in range(120)))
            assert traffic.in_flight == 0
            assert connections.tally.answered == 120
        assert [one["text"] for one in texts] == [f"answer {i}" for i in range(120)]
        assert all(json.loads(calls.get(one["calls"][0]).body)["choices"] for one in texts)  # type: ignore[union-attr]
