"""A list with a cursor. It knows which item the cursor is on; what an item means is known by whoever shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.style import Style

from .line_view import LineView

Item = Callable[[int], Sequence[Content]]
"""The lines of an item for a width in cells."""


def one(line: Content) -> Item:
    """An item of one line, cut where the list ends."""
    return lambda width: [line.truncate(width, ellipsis=True)]


class ItemList(LineView):
    """Items one under the other; arrows move, Enter chooses."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"list--cursor"}
    DEFAULT_CSS = """
    ItemList > .list--cursor { background: $surface-lighten-2; }
    ItemList:focus > .list--cursor { background: $primary 35%; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("home", "move(-1000000000)", show=False),
        Binding("end", "move(1000000000)", show=False),
        Binding("enter", "choose", show=False),
    ]

    class Moved(Message):
        """The cursor is on another item."""

        def __init__(self, items: ItemList, index: int) -> None:
            super().__init__()
            self.items = items
            self.index = index

        @property
        def control(self) -> ItemList:
            return self.items

    class Chosen(Moved):
        """Enter was pressed on an item, or it was clicked twice."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._items: Sequence[Item] = ()
        self._starts: list[int] = [0]
        self.cursor = 0

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return True

    def show(self, items: Sequence[Item], *, cursor: int | None = None) -> None:
        """Show these; the cursor stays where it was if it can."""
        self._items = items
        self.cursor = max(0, min(self.cursor if cursor is None else cursor, len(items) - 1))
        self.remake()
        self._reveal()
        if items:
            self.post_message(self.Moved(self, self.cursor))

    def make_lines(self, width: int) -> Sequence[Content]:
        lines: list[Content] = []
        self._starts = [0]
        for item in self._items:
            lines += item(width)
            self._starts.append(len(lines))
        return lines

    def line_style(self, y: int) -> Style:
        if self._items and self._starts[self.cursor] <= y < self._starts[self.cursor + 1]:
            return self.visual_style + self.get_visual_style("list--cursor", partial=True)
        return self.visual_style

    def action_move(self, by: int) -> None:
        self.go(self.cursor + by)

    def action_choose(self) -> None:
        if self._items:
            self.post_message(self.Chosen(self, self.cursor))

    def go(self, index: int) -> None:
        """Put the cursor on an item."""
        index = max(0, min(index, len(self._items) - 1))
        if index == self.cursor or not self._items:
            return
        old, self.cursor = self.cursor, index
        self.restyle(*range(self._starts[old], self._starts[old + 1]))
        self.restyle(*range(self._starts[index], self._starts[index + 1]))
        self._reveal()
        self.post_message(self.Moved(self, index))

    def _reveal(self) -> None:
        if not self._items:
            return
        top, bottom = self._starts[self.cursor], self._starts[self.cursor + 1]
        height = max(self.size.height, 1)
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False)
        elif bottom > self.scroll_offset.y + height:
            self.scroll_to(y=bottom - height, animate=False)

    def on_focus(self) -> None:
        self._strips.clear()

    def on_blur(self) -> None:
        self._strips.clear()

    def on_click(self, event: events.Click) -> None:
        y = int(event.y) + self.scroll_offset.y
        for index in range(len(self._items)):
            if self._starts[index] <= y < self._starts[index + 1]:
                same = index == self.cursor
                self.go(index)
                if same or event.chain > 1:
                    self.action_choose()
