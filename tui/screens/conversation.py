"""What a screen needs of an engine, and how it hears of what happens: by messages, never by a call from a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

from ...agent.events import Event, Ruled

if TYPE_CHECKING:
    from ...agent.session import Session
    from ...agent.window import Window
    from ...agent.workspace import Workspace


class Conversation(Protocol):
    """What a screen needs of an engine (agent/engine.py)."""

    dataset: str
    limit: int

    def context(self) -> Window: ...

    @property
    def running(self) -> bool: ...

    @property
    def begun(self) -> bool: ...

    @property
    def unfinished(self) -> bool: ...

    @property
    def model(self) -> str: ...

    @property
    def session(self) -> Session: ...

    def chat(self, text: str) -> AsyncIterator[Event]: ...

    def go_on(self) -> AsyncIterator[Event]: ...

    def rule(self, ruled: Ruled) -> None: ...

    def interrupt(self) -> None: ...

    async def close(self) -> None: ...


Opening = Callable[[], "Workspace"]
"""Opens the workspace; called in a thread."""

OpenEngine = Callable[["Workspace", str], Conversation]
"""Makes the conversation of a workspace about a dataset."""


class Told(Message):
    """An event, from the engine or from a thread that works on the workspace."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self.event = event


class Ended(Message):
    """The turn is over."""
