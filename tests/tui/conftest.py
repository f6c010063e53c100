"""A workspace to look at, a conversation that follows a script, and how a test waits: never for time to pass."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tilth.agent.chat.window import Part, Window
from tilth.agent.events import Asked, Event, Failed, Metered, Ruled
from tilth.agent.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tilth.tui.app import TilthApp

SUBJECTS = (
    "refund",
    "password",
    "invoice",
    "delivery",
    "account",
    "discount",
    "warranty",
    "address",
    "receipt",
    "plan",
)
ASKS = ("How do I get my {0} sorted out?", "Where can I see the {0} of last month?", "Please change the {0} for me.")


def records(count: int = 60) -> list[dict[str, Any]]:
    """Made-up support chats: some said twice, some nearly, one empty answer, a note that is null in most rows."""
    told = []
    for i in range(count):
        subject = SUBJECTS[i % len(SUBJECTS)]
        ask = ASKS[(i // 10) % 3].format(subject) + (f" My number is {4000 + i}." if i < 30 else "")
        answer = f"Open the {subject} page, choose your order, and follow the three steps shown there. Case {i % 40}."
        if i == 7:
            answer = ""
        told.append(
            {
                "messages": [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}],
                "score": None if i % 3 else i / 10,
                "note": "[bold]checked[/] by hand" if i % 20 == 5 else None,
            }
        )
    told[33:36] = told[13:16]
    for i in range(50, count):
        question, answer = told[i - 10]["messages"]
        thanks = {**answer, "content": f"{answer['content']} Thanks for asking!"}
        told[i] = {**told[i], "messages": [question, thanks]}
    return told


@dataclass
class Scripted:
    """A conversation that tells what a script says. An `Asked` waits for the person; a callable is called."""

    workspace: Workspace
    dataset: str = ""
    script: Sequence[Event | Callable[[], Any]] = ()
    model: str = "openai:small@lab"
    limit: int = 32_768
    sees: str = "rows"
    running: bool = False
    begun: bool = False
    unfinished: bool = False
    session: Any = None
    said: list[str] = field(default_factory=list)
    ruled: list[Ruled] = field(default_factory=list)
    interrupted: bool = False

    def __post_init__(self) -> None:
        self._answer: asyncio.Queue[Ruled | None] = asyncio.Queue()

    async def chat(self, text: str) -> AsyncIterator[Event]:
        self.said.append(text)
        self.running = True
        try:
            for step in self.script:
                if isinstance(step, Asked):
                    yield step
                    ruled = await self._answer.get()
                    if ruled is None:
                        yield Failed("Stopped. What was said and done so far is kept.", "", 130)
                        return
                    yield ruled
                elif callable(step):
                    await asyncio.to_thread(step)
                else:
                    yield step
        finally:
            self.running = False

    async def go_on(self) -> AsyncIterator[Event]:
        async for event in self.chat(""):
            yield event

    def context(self) -> Window:
        said = sum(map(len, self.said))
        parts = [Part("instructions", 400), Part("what you said", said)]
        return Window([{"role": "user", "content": text} for text in self.said], "statistics", parts)

    def rule(self, ruled: Ruled) -> None:
        self.ruled.append(ruled)
        self._answer.put_nowait(ruled)

    def interrupt(self) -> None:
        self.interrupted = True
        self._answer.put_nowait(None)

    async def close(self) -> None:
        self.interrupt()


@dataclass
class Clock:
    """Time that passes only when a test says so."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


NOW = "2026-01-02T03:04:05+00:00"
METERED = Metered(3_200, 32_768, 4_100, 220, 0.01, 54.0, "openai:small@lab", "rows")


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, nothing remembered from elsewhere, and a ledger whose clock stands still."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("tilth.tools.store.ledger._now", lambda: NOW)
    home = tmp_path / "work"
    home.mkdir()
    monkeypatch.chdir(home)
    return home


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace as every test begins with it, made once: a dataset, two steps, and its profile."""
    home = tmp_path_factory.mktemp("prepared")
    lines = [json.dumps(record, ensure_ascii=False) for record in records()]
    (home / "tickets.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tilth.tools.store.ledger._now", lambda: NOW)
        patch.chdir(home)
        with open_workspace(home, threads=1) as workspace:
            workspace.add("tickets.jsonl", name="tickets")
            workspace.do("dedup.exact", "tickets")
            workspace.do("dedup.near", "tickets", threshold=0.6)
            workspace.inspect("tickets")
    return home


@pytest.fixture
def tickets(at_home: Path, prepared: Path) -> Iterator[Workspace]:
    """A workspace with the dataset `tickets`, on which two steps have run."""
    shutil.copytree(prepared, at_home, dirs_exist_ok=True)
    with open_workspace(at_home, threads=1) as workspace:
        yield workspace


OpenApp = Callable[..., "TilthApp"]


@pytest.fixture
def open_app(tickets: Workspace) -> OpenApp:
    """`open_app(script=(), dataset="tickets", **options) -> TilthApp`, talking by a script; `.engine` is the script's."""
    from tilth.tui.app import TilthApp

    def make(script: Sequence[Event | Callable[[], Any]] = (), *, dataset: str = "tickets", **options: Any) -> TilthApp:
        options.setdefault("clock", Clock())
        opening = options.pop("opening", lambda: tickets)
        settings = {name: options.pop(name) for name in ("model", "begun", "session", "unfinished") if name in options}
        return TilthApp(
            opening,
            dataset=dataset,
            engine=lambda opened, name: Scripted(opened, name, script, **settings),
            **options,
        )

    return make


Settle = Callable[["Pilot[Any]"], Awaitable[None]]


@pytest.fixture
def settle() -> Settle:
    """`await settle(pilot)`: until every message is handled and no thread is at work; a turn may wait for a person."""

    async def wait(pilot: Pilot[Any]) -> None:
        quiet = 0
        while quiet < 3:
            await pilot.pause()
            busy = [one for one in pilot.app.workers if one.group != "turn" and not one.is_finished]
            quiet = 0 if busy else quiet + 1
            if busy:
                await pilot.app.workers.wait_for_complete(busy)

    return wait
