"""The one way text reaches the screen: without markup, control characters made visible.

Rows, model answers and file names are full of square brackets and escape sequences; a toolkit that reads markup in them
loses text or dies. Nothing else in tui/ may hand a string to a Textual widget (tests/tui/test_app_markup.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content
from textual.widgets import Input, Static

from ..cells import neutral
from ..text import many_lines

MUTED = "$foreground-muted"
GOOD = "$text-success"
WARNING = "$text-warning"
BAD = "$text-error"
ACCENT = "$text-accent"
BOLD = "bold"


def safe(text: str, style: str = "") -> Content:
    """One line of text as it is shown: no markup, nothing that acts on a terminal."""
    shown = neutral(text)
    return Content.styled(shown, style) if style else Content(shown)


def joined(*parts: Content | tuple[str, str] | str) -> Content:
    """Pieces of one line; a piece is safe Content, a string, or (string, style)."""
    made = [
        part if isinstance(part, Content) else safe(*((part,) if isinstance(part, str) else part)) for part in parts
    ]
    return Content("").join(made)


def stacked(lines: Iterable[Content | str]) -> Content:
    """Lines one under the other."""
    return Content("\n").join(line if isinstance(line, Content) else safe(line) for line in lines)


class PlainText(Static):
    """A text that is shown as it is."""

    def __init__(self, text: str | Content = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(_content(text), markup=False, id=id, classes=classes)

    def show(self, text: str | Content) -> None:
        self.update(_content(text))


class LineInput(Input):
    """One line to write in; what is put into it or pasted is made harmless as everything else."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, compact=True)
        self.cursor_blink = False

    def validate_value(self, value: str) -> str:
        return neutral(value)


def _content(text: str | Content) -> Content:
    return text if isinstance(text, Content) else stacked(many_lines(text))
