"""A simulated server to ask, and connections to it that wait for nothing."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tilth.agent.engine import Engine
from tilth.agent.events import Asked, Event, Wrote
from tilth.agent.workspace import open_workspace


def _load(name: str) -> ModuleType:
    """A module of this folder: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def sim() -> ModuleType:
    """The module `simulated_server`: `sim.Say`, `sim.Status`, `sim.script`, …"""
    return _load("simulated_server")


@pytest.fixture
def serve(sim: ModuleType) -> Iterator[Callable[..., Any]]:
    """`serve(answers, **options) -> SimulatedServer`, running until the test ends."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(sim.SimulatedServer(*args, **options))


@pytest.fixture(scope="session")
def panelists() -> ModuleType:
    """The module `scripted_panel`: scripted models, a job to work on, and a loop whose time only events move."""
    return _load("scripted_panel")


def _chat(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


CHATS = [
    _chat(f"How do I return parcel {i}, please?", f"Parcel {i} goes back to the shop it came from.") for i in range(36)
]
CHATS += CHATS[:4]
"""40 conversations, 4 of them copies."""


class Conversation:
    """A workspace with a dataset, a scripted model, and an engine per call of `engine()`."""

    def __init__(self, root: Path, server: Any, config: str, rows: Sequence[Mapping[str, Any]]) -> None:
        self.root, self.server = root, server
        (root / "tilth.toml").write_text(config)
        (root / "chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.workspace = open_workspace(root, threads=1)
        if rows:
            self.workspace.add(str(root / "chats.jsonl"))

    def engine(self, **options: Any) -> Engine:
        return Engine(self.workspace, **{"dataset": "chats", **options})

    def sent(self, request: int = -1) -> str:
        """Everything the model was shown in one request, as text."""
        return json.dumps(self.server.requests[request]["messages"], ensure_ascii=False)


async def told(events: AsyncIterator[Event], rule: Callable[[Asked], None] | None = None) -> list[Event]:
    """All events of a turn but the pieces of text; `rule` answers what is asked."""
    found = []
    async for event in events:
        if not isinstance(event, Wrote):
            found.append(event)
        if isinstance(event, Asked):
            assert rule is not None, f"nobody expected to be asked: {event}"
            rule(event)
    return found


@pytest.fixture
def turn() -> Callable[..., Any]:
    """`await turn(engine.chat("…"), rule=…) -> events`."""
    return told


@pytest.fixture
def converse(tmp_path: Path, serve: Callable[..., Any], sim: ModuleType) -> Iterator[Callable[..., Conversation]]:
    """`converse(*replies, rows=…, may_see="rows", chat="", context=…) -> Conversation`; replies are strings, `sim.Say` …"""
    opened: list[Conversation] = []

    def make(
        *replies: Any,
        rows: Sequence[Mapping[str, Any]] = CHATS,
        may_see: str = "rows",
        chat: str = "",
        context: int | None = 32768,
    ) -> Conversation:
        server = serve(sim.script(*replies), context=context)
        price = "[endpoints.lab.models.small]\nprice = {input = 1, output = 1}"
        endpoint = f'[endpoints.lab]\nbase_url = "{server.url}"\nmay_see = "{may_see}"\n{price}'
        config = f'[chat]\n{chat}\n{endpoint}\n[roles]\ngenerator = ["openai:small@lab"]\n'
        opened.append(Conversation(tmp_path, server, config, rows))
        return opened[-1]

    yield make
    for one in opened:
        one.workspace.close()
