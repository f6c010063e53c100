"""What a screen needs of an engine, and how it hears of what happens: by messages, never by a call from a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

from ...agent.events import Event, Failed, Listener, Ruled
from ...tools.errors import TilthError
from ..widgets.background import Broke

if TYPE_CHECKING:
    from textual.screen import Screen

    from ...agent.chat.session import Session
    from ...agent.chat.window import Window
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
    def sees(self) -> str: ...

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


async def relay(screen: Screen[None], begin: Callable[[], AsyncIterator[Event]]) -> None:
    """A turn: hand on what the engine tells; the screen hears of it by messages alone."""
    try:
        async for event in begin():
            screen.post_message(Told(event))
    except TilthError as error:
        screen.post_message(Told(Failed(str(error.args[0]), error.next_step)))
    except Exception as error:
        screen.post_message(Broke(error, screen))
        return
    screen.post_message(Ended())


def overheard(screen: Screen[None]) -> Listener:
    """Takes the events of work on the workspace, from the thread that works, to the screen."""

    def listener(event: Event) -> None:
        screen.post_message(Told(event))

    return listener
