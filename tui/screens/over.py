"""What is laid over a screen for a moment: something to read, a question with one line for an answer.

They know a title, lines and keys; they give back what the person said.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from ..widgets.line_view import Render, TextView
from ..widgets.plain_text import LineInput, PlainText, safe


class Reader(ModalScreen[bool]):
    """A text as long as it is. With `action`, `y` closes it with the answer yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", show=False),
        Binding("y", "yes", show=False),
        Binding("c", "copy", show=False),
    ]

    def __init__(self, title: str, render: Render, *, action: str = "") -> None:
        super().__init__()
        self._title = title
        self._render_text = render
        self._action = action

    def compose(self) -> ComposeResult:
        with Vertical(id="over"):
            yield PlainText(safe(self._title, "bold"), id="title")
            yield TextView(self._render_text, id="text")
            yes = f"y {self._action}   " if self._action else ""
            yield PlainText(f"{yes}↑↓ scroll   c copy   Esc close", classes="keys")

    def action_leave(self) -> None:
        self.dismiss(False)

    def action_yes(self) -> None:
        if self._action:
            self.dismiss(True)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.query_one(TextView).text)


class Question(ModalScreen[str]):
    """One line from the person; "" when they left without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def __init__(self, question: str, hint: str = "") -> None:
        super().__init__()
        self._question = question
        self._hint = hint

    def compose(self) -> ComposeResult:
        with Vertical(id="over", classes="small"):
            yield PlainText(safe(self._question, "bold"), id="title")
            yield PlainText(self._hint, id="hint")
            yield LineInput(id="answer")
            yield PlainText("Enter say   Esc leave", classes="keys")

    def on_mount(self) -> None:
        self.query_one("#answer").focus()

    @on(LineInput.Submitted)
    def _said(self, event: LineInput.Submitted) -> None:
        if text := event.value.strip():
            self.dismiss(text)

    def action_leave(self) -> None:
        self.dismiss("")
