"""Where the person types: one line that grows, what can be completed above it, what was typed before on the arrow keys.

It knows text and completions. It does not know what a line means: that is the screen's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from ..cells import neutral
from .item_list import ItemList, one
from .plain_text import BOLD, MUTED, joined

MOST_SHOWN: Final = 8
MOST_LINES: Final = 6


@dataclass(frozen=True)
class Completion:
    """`text` takes the place of the word being typed; `help` says what it is."""

    text: str
    help: str


Complete = Callable[[str], Sequence[Completion]]
"""What the word that ends a text can become."""


class Prompt(TextArea):
    """The text itself. Enter sends, Ctrl+J and Shift+Enter begin a new line."""

    DEFAULT_CSS = """
    Prompt { height: auto; max-height: 6; border: none; padding: 0 1; background: $surface; scrollbar-size-vertical: 1; }
    Prompt:focus { border: none; }
    """

    class Key(Message):
        """A key that is not about the text."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, soft_wrap=True, show_line_numbers=False, placeholder=HINT, highlight_cursor_line=False)
        self.cursor_blink = False
        self.completing = False

    async def _on_key(self, event: events.Key) -> None:
        key = event.key
        row, _ = self.cursor_location
        ours = key in ("enter", "escape") or (key == "tab" and self.text)
        ours = ours or (key == "up" and (self.completing or row == 0))
        ours = ours or (key == "down" and (self.completing or row == self.document.line_count - 1))
        if ours:
            event.stop()
            event.prevent_default()
            self.post_message(self.Key(key))
        elif key in ("shift+enter", "ctrl+j"):
            event.stop()
            event.prevent_default()
            self.insert("\n")

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.insert("\n".join(map(neutral, event.text.replace("\t", " ").splitlines())))


HINT: Final = "Ask about the data   / commands   @ datasets   ! SQL"


class Composer(Vertical):
    """The prompt with its completions."""

    DEFAULT_CSS = """
    Composer { height: auto; border-top: solid $line; }
    Composer:focus-within { border-top: solid $primary; }
    Composer #completions { height: auto; max-height: 8; background: $panel; display: none; padding: 0 1; }
    Composer.-completing #completions { display: block; }
    """

    class Sent(Message):
        """Enter: what was typed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """Escape with nothing to close."""

    def __init__(self, complete: Complete, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._complete = complete
        self._found: Sequence[Completion] = ()
        self._history: list[str] = []
        self._at = 0
        self._draft = ""
        self._silent = ""

    def compose(self) -> ComposeResult:
        completions = ItemList(id="completions")
        completions.can_focus = False
        yield completions
        yield Prompt(id="prompt")

    @property
    def prompt(self) -> Prompt:
        return self.query_one("#prompt", Prompt)

    @property
    def text(self) -> str:
        return self.prompt.text

    def write(self, text: str) -> None:
        """Put a text in; the cursor goes to its end."""
        self.prompt.text = "\n".join(map(neutral, text.replace("\t", " ").split("\n")))
        self.prompt.move_cursor(self.prompt.document.end)

    def remember(self, texts: Sequence[str]) -> None:
        """What was typed in earlier turns, oldest first."""
        self._history = list(texts)
        self._at = len(self._history)

    # -- completing ------------------------------------------------------------------------------------------------

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        text = self.text
        self._show([] if text == self._silent else self._complete(text))
        self._silent = ""

    def _show(self, found: Sequence[Completion]) -> None:
        self._found = found
        self.prompt.completing = bool(found)
        self.set_class(bool(found), "-completing")
        completions = self.query_one("#completions", ItemList)
        completions.styles.height = min(len(found), MOST_SHOWN)
        widest = max((len(one.text) for one in found), default=0)
        completions.show(
            [one(joined((f"{each.text:<{widest}}  ", BOLD), (each.help, MUTED))) for each in found], cursor=0
        )

    def _take(self) -> None:
        """The chosen completion takes the place of the last word."""
        chosen = self._found[self.query_one("#completions", ItemList).cursor]
        head = self.text[: len(self.text) - len(last_word(self.text))]
        self._silent = f"{head}{chosen.text} "
        self.write(self._silent)
        self._show([])

    @on(ItemList.Chosen, "#completions")
    def _clicked(self, event: ItemList.Chosen) -> None:
        event.stop()
        if self._found:
            self._take()
            self.prompt.focus()

    # -- keys ------------------------------------------------------------------------------------------------------

    @on(Prompt.Key)
    def _key(self, event: Prompt.Key) -> None:
        event.stop()
        match event.key:
            case "enter":
                self._enter()
            case "tab":
                if self._found:
                    self._take()
                else:
                    self.screen.focus_next()
            case "escape":
                if self._found:
                    self._show([])
                else:
                    self.post_message(self.Left())
            case "up" | "down":
                by = -1 if event.key == "up" else 1
                if self._found:
                    self.query_one("#completions", ItemList).action_move(by)
                else:
                    self._recall(by)

    def _enter(self) -> None:
        if self._found and all(each.text != last_word(self.text) for each in self._found):
            self._take()
            return
        text = self.text.strip()
        if not text:
            return
        self._show([])
        self._history = [one for one in self._history if one != text] + [text]
        self._at = len(self._history)
        self.write("")
        self.post_message(self.Sent(text))

    def _recall(self, by: int) -> None:
        """An earlier text; past the newest, what was being typed."""
        at = self._at + by
        if not 0 <= at <= len(self._history):
            return
        if self._at == len(self._history):
            self._draft = self.text
        self._at = at
        self._silent = self._draft if at == len(self._history) else self._history[at]
        self.write(self._silent)


def last_word(text: str) -> str:
    """The word that ends a text: what a completion takes the place of."""
    return "" if not text or text[-1].isspace() else text.split()[-1]
