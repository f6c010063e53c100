"""A conversation outlives its process: killed anywhere, resumed, replayed, and long."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tilth.agent.chat import session as sessions
from tilth.agent.chat.account import Account
from tilth.agent.chat.session import Grant, Line, Payment, Usage
from tilth.agent.events import Answered, Asked, Failed, Proposed, Returned, Ruled, Said
from tilth.agent.models.budget import Caps
from tilth.tools.errors import Busy, Corrupt, Misuse
from tilth.tools.store.calls import Calls, Cost
from tilth.tools.store.store import Store

Converse = Callable[..., Any]

DIES_WHEN_ASKED = """
import asyncio, os, signal, sys
from tilth.agent.engine import Engine
from tilth.agent.events import Asked
from tilth.agent.workspace import open_workspace

async def main():
    with open_workspace(sys.argv[1], threads=1) as workspace:
        async with Engine(workspace, dataset="chats") as engine:
            async for event in engine.chat("Halve it."):
                if isinstance(event, Asked):
                    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""

DIES_AFTER_THE_EFFECT = """
import asyncio, os, signal, sys
from tilth.agent.chat import session
from tilth.agent.engine import Engine
from tilth.agent.workspace import open_workspace

session.Session.finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # the effect is done, its result not written

async def main():
    with open_workspace(sys.argv[1], threads=1) as workspace:
        async with Engine(workspace, dataset="chats") as engine:
            async for event in engine.chat(sys.argv[2]):
                pass
asyncio.run(main())
"""


def killed(program: str, root: Path, *words: str) -> None:
    done = subprocess.run([sys.executable, "-c", program, str(root), *words], capture_output=True, timeout=100)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def calls(sim: ModuleType, *proposed: tuple[str, str]) -> Any:
    return sim.Say(None, "tool_calls", tool_calls=proposed)


LARGE = '{"tool": "filter.where", "args": {"keep": "row_id < \'8\'"}}'


@pytest.mark.slow
async def test_killed_while_a_person_is_asked_it_asks_again(converse: Converse, turn: Any, sim: ModuleType) -> None:
    talk = converse(calls(sim, ("do", LARGE)), "Half of them are gone.")
    killed(DIES_WHEN_ASKED, talk.root)
    assert len(talk.workspace.log("chats")) == 1
    session = sessions.resume(talk.workspace.store, "last")
    assert session.unfinished and [call["tool"] for call in session.unanswered] == ["filter.where"]
    async with talk.engine(session=session) as engine:
        assert engine.unfinished
        events = await turn(engine.go_on(), lambda one: engine.rule(Ruled(one.call_id, "once")))
    assert [type(one) for one in events if isinstance(one, Asked | Answered)] == [Asked, Answered]
    assert [entry.kind for entry in talk.workspace.log("chats")] == ["import", "step"]
    assert talk.server.calls == 2  # the call was not proposed again


@pytest.mark.slow
@pytest.mark.parametrize(("tool", "goes_on"), [("dedup", True), ("undo", False)])
async def test_killed_between_an_effect_and_its_result_the_effect_is_not_made_twice(
    converse: Converse, turn: Any, sim: ModuleType, tool: str, goes_on: bool
) -> None:
    call = ("do", '{"tool": "dedup.exact"}') if tool == "dedup" else ("undo", "{}")
    talk = converse(calls(sim, call), "Done.")
    if tool == "undo":
        talk.workspace.do("dedup.exact", "chats")
        talk.workspace.do("filter.where", "chats", keep="row_id >= '1'")
    killed(DIES_AFTER_THE_EFFECT, talk.root, "Do it.")
    entries = talk.workspace.log("chats")
    async with talk.engine(session=sessions.resume(talk.workspace.store, "last")) as engine:
        events = await turn(engine.go_on() if goes_on else engine.chat("And?"))
    assert [entry.seq for entry in talk.workspace.log("chats")] == [entry.seq for entry in entries]
    assert entries[-1].call_id == "c00000001" and isinstance(events[-1], Answered)
    assert "done before" in talk.sent()


async def test_calls_a_person_went_on_without_are_told_to_be_undone(
    converse: Converse, turn: Any, sim: ModuleType
) -> None:
    talk = converse(calls(sim, ("do", LARGE)), "Never mind.")
    async with talk.engine() as engine:
        stream = engine.chat("Halve it.")
        async for event in stream:
            if isinstance(event, Asked):
                break
        await stream.aclose()
        assert engine.unfinished
        await turn(engine.chat("Forget it."))
    roles = [one["role"] for one in talk.server.requests[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "user"]
    assert "went on without it" in talk.sent()


async def test_a_replay_tells_the_same_story_without_a_model(converse: Converse, turn: Any, sim: ModuleType) -> None:
    talk = converse(calls(sim, ("do", LARGE)), "No rows: 812 of them.", "None.")
    async with talk.engine() as engine:
        events = await turn(engine.chat("Halve it."), lambda one: engine.rule(Ruled(one.call_id, "no", "no")))
    kinds = (Proposed, Asked, Ruled, Returned, Answered, Failed)
    asked = talk.server.calls
    story = list(sessions.resume(talk.workspace.store, engine.session.id).replay())
    assert story[0] == Said("Halve it.")
    assert story[1:] == [event for event in events if isinstance(event, kinds)]
    assert talk.server.calls == asked


def filled(store: Store, turns: int) -> sessions.Session:
    session = sessions.begin(store, "chats")
    for i in range(turns):
        call = {"id": f"c{i:08d}", "name": "drops", "arguments": "{}", "tool": "drops", "dataset": "chats", "args": {},
                "command": "tilth drops chats"}  # fmt: skip
        notes = {"tool": "drops", "ok": True, "line": "0 rows", "seconds": 0.1, "result": {}}
        session.say(Line("user", f"question {i} " + "word " * 40))
        session.say(Line("assistant", "", "rows", (call,)))
        session.say(Line("tool", "result " * 120, "rows", call_id=call["id"], notes=notes))
        session.say(Line("assistant", "answer " * 60, "rows"))
        session.use(Usage(2, 1000, 100, 0.001))
    return session


def test_a_session_of_a_thousand_turns_grows_in_proportion_and_replays_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    sizes = {turns: filled(store, turns).path.stat().st_size for turns in (250, 1000)}
    assert sizes[1000] == pytest.approx(4 * sizes[250], rel=0.02)
    session = sessions.resume(store, "last")
    story = list(session.replay())
    assert len(story) == 4 * session.calls and session.usage.calls == 2 * session.calls


def test_a_torn_last_line_is_ignored_and_cut_off(store: Store) -> None:
    session = filled(store, 2)
    session.close()
    whole = session.path.read_bytes()
    session.path.write_bytes(whole + b'{"is": "message", "role": "us')
    again = sessions.resume(store, session.id)
    assert again.lines == session.lines
    assert sessions.listed(store)[0].turns == 2
    again.say(Line("user", "and on"))
    again.close()
    assert session.path.read_bytes().startswith(whole)
    assert [line.text for line in sessions.resume(store, session.id).lines][-1] == "and on"


HOLDS = """
import sys
from pathlib import Path
from tilth.agent.chat.session import Session
session = Session(Path(sys.argv[1])).hold()
print("held", flush=True)
sys.stdin.read()
"""


def test_two_processes_do_not_go_on_with_one_session(store: Store) -> None:
    session = filled(store, 1)
    with pytest.raises(Busy, match="is open in another process"):  # two objects are as two processes
        sessions.resume(store, session.id)
    session.close()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(session.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with pytest.raises(Busy) as refused:
            session.say(Line("user", "me too"))
        assert "tilth chat" in refused.value.next_step
        assert [one.id for one in sessions.listed(store)] == [session.id]  # reading goes on
        other.communicate()
    sessions.resume(store, session.id).say(Line("user", "I was quicker"))
    with pytest.raises(Busy, match="went on in another process"):
        session.say(Line("user", "me too"))
    assert [line.text for line in sessions.resume(store, session.id).lines][-1] == "I was quicker"


def test_a_broken_line_in_the_middle_is_an_error_that_names_it(store: Store) -> None:
    session = filled(store, 1)
    lines = session.path.read_bytes().split(b"\n")
    session.path.write_bytes(b"\n".join([lines[0], b'{"is": "message"}', *lines[1:]]))
    with pytest.raises(Corrupt, match="line 2"):
        sessions.resume(store, session.id)


def test_grants_usage_and_the_dataset_survive(store: Store) -> None:
    session = filled(store, 1)
    session.grant(Grant("synthesize.rows", "chats", "lab:8000", 2.5))
    session.about("other")
    session.close()
    again = sessions.resume(store, session.id[:17])
    assert (again.grants, again.usage, again.dataset) == (session.grants, session.usage, "other")


def test_what_a_killed_tool_had_paid_is_counted_by_the_next_process(store: Store) -> None:
    session = filled(store, 1)
    with Calls(store.state / "calls.sqlite") as calls:
        calls.spend("run", "before", Cost(usd=0.5))
        session.pay(Payment("synthesize.rows", "run", Usage(1, 0, 0, 0.5)))
        for i in range(3):
            calls.spend("run", f"answer {i}", Cost(usd=0.25, tokens_in=10, tokens_out=2))
    session.close()
    again = sessions.resume(store, session.id)
    for _ in range(2):  # and once only
        account = Account(again, Caps(), store.state)
        assert again.usage == Usage(2 + 3, 1000 + 30, 100 + 6, 0.001 + 0.75)
        assert account.budget.spent.usd == pytest.approx(0.751) and again.paid == {"synthesize.rows": 0.75}


def test_a_session_is_found_by_the_beginning_of_its_id(store: Store) -> None:
    with pytest.raises(Misuse, match="no session 'x'"):
        sessions.resume(store, "x")
    one, two = filled(store, 0), filled(store, 0)
    two.close()
    assert sessions.resume(store, two.id).id == two.id
    with pytest.raises(Misuse, match="2 sessions"):
        sessions.resume(store, one.id[:4])
    assert {one.id, two.id} == {listed.id for listed in sessions.listed(store)}
    assert json.loads(one.path.read_text())["is"] == "session"
