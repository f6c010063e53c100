"""One tab of the pane: something about the dataset at hand, read when it is first looked at.

It knows which version it is about and whether what it shows is still that. What it shows is known by each tab.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from textual.containers import Vertical
from textual.message import Message

if TYPE_CHECKING:
    import numpy as np

    from ....agent.workspace import Workspace


class Tab(Vertical):
    """`about` says what is looked at; `reload` reads it (in a thread) when the tab is in sight."""

    TITLE: ClassVar[str] = ""
    KEYS: ClassVar[str] = ""
    DEFAULT_CSS = """
    Tab { height: 1fr; }
    Tab > .facts { height: auto; max-height: 2; padding: 0 1; color: $foreground-muted; }
    Tab > .trouble { height: auto; max-height: 3; padding: 0 1; color: $text-error; display: none; }
    Tab > .trouble.-shown { display: block; }
    """

    class Act(Message):
        """Something that writes, to be done in a thread when nothing else is writing; the tabs then read again.

        `quiet`: what the work notes by the way is not said in the conversation.
        """

        def __init__(self, what: str, do: Callable[[], Any], *, quiet: bool = False) -> None:
            super().__init__()
            self.what = what
            self.do = do
            self.quiet = quiet

    class Rows(Message):
        """Show the rows that meet a predicate, or those at `positions`; `note` says which they are."""

        def __init__(self, where: str, positions: np.ndarray | None = None, note: str = "") -> None:
            super().__init__()
            self.where = where
            self.positions = positions
            self.note = note

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.workspace: Workspace | None = None
        self.address = ""
        self._stale = True

    def about(self, workspace: Workspace, address: str) -> None:
        """Look at this version; what was read before is out of date."""
        self.workspace, self.address = workspace, address
        self._stale = True
        if self.display:
            self.look()

    def look(self) -> None:
        """The tab is in sight: read what is out of date."""
        if self._stale and self.address:
            self._stale = False
            self.reload()

    def reload(self) -> None:
        """Read what the tab shows."""

    @property
    def dataset(self) -> str:
        """The name in the address."""
        return self.address.partition("@")[0].partition("~")[0]

    def trouble(self, text: str) -> None:
        """Say in place what went wrong; "" takes it back."""
        from ..plain_text import PlainText

        line = self.query_one(".trouble", PlainText)
        line.show(text)
        line.set_class(bool(text), "-shown")
