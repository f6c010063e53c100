"""A table over any number of rows: only what is on the screen is read, page by page, in a thread.

It knows pages, widths and a cursor. It does not know where rows come from (pages.py) or what is done with one.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import ClassVar, Final

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..cells import neutral
from .background import Fetched, fetch
from .pages import PAGE, Cells, Pages

HELD: Final = 16
"""Pages that are kept."""
WIDEST: Final = 60
GAP: Final = "  "
NULL: Final = "∅ null"


class RowTable(ScrollView, can_focus=True):
    """Arrows move the cursor over cells, Enter opens one."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--cell",
        "table--odd",
        "table--faint",
    }
    DEFAULT_CSS = """
    RowTable {
        height: 1fr;
        scrollbar-color: $line;
        scrollbar-corner-color: $background;
        scrollbar-background: $background;
        scrollbar-size: 1 1;
        scrollbar-gutter: stable;
    }
    RowTable > .table--header { text-style: bold; color: $text-accent; background: $panel; }
    RowTable > .table--odd { background: $boost; }
    RowTable > .table--faint { color: $foreground-muted; }
    RowTable > .table--cursor { background: $surface-lighten-2; }
    RowTable:focus > .table--cursor { background: $primary-background; }
    RowTable:focus > .table--cell { background: $primary; color: $background; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("left", "across(-1)", show=False),
        Binding("right", "across(1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home", "first", show=False),
        Binding("end", "last", show=False),
        Binding("enter", "open", show=False),
    ]

    class Opened(Message):
        """Enter on a cell: the row's index in the pages and the field's number."""

        def __init__(self, index: int, field: int) -> None:
            super().__init__()
            self.index = index
            self.field = field

    class Painted(Message):
        """Rows that were asked for are on the screen."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.pages: Pages | None = None
        self.cursor = 0
        self.field = 0
        self._held: OrderedDict[int, list[Cells]] = OrderedDict()
        self._asked: int | None = None
        self._widths: list[int] = []

    def show(self, pages: Pages | None) -> None:
        """Show these rows from the first on."""
        self.pages = pages
        self.cursor = self.field = 0
        self._held.clear()
        self._asked = None
        self._widths = [len(self._title(i)) for i in range(self._columns)]
        self.scroll_to(0, 0, animate=False)
        self._measure()
        self._ask()

    @property
    def total(self) -> int:
        return 0 if self.pages is None else len(self.pages)

    def cell(self) -> str | None:
        """The cell under the cursor as far as it is kept for drawing; None when null or not read yet."""
        row = self._row(self.cursor)
        return None if row is None else row[self.field]

    # -- reading ---------------------------------------------------------------------------------------------------

    def _row(self, index: int) -> Cells | None:
        page = self._held.get(index // PAGE)
        return page[index % PAGE] if page is not None and index % PAGE < len(page) else None

    def _ask(self) -> None:
        """Have the first page read that is on the screen and not held; one is under way at a time."""
        if self._asked is not None or not self.total:
            return
        top = self.scroll_offset.y
        last = min(top + max(self.size.height, 1), self.total - 1)
        for number in range(top // PAGE, last // PAGE + 1):
            if number in self._held:
                self._held.move_to_end(number)
                continue
            assert self.pages is not None
            self._asked = number
            fetch(self, "page", partial(_read, self.pages, number))
            return

    def on_fetched(self, event: Fetched) -> None:
        event.stop()
        if event.trouble:
            self._asked = None
            self.post_message(Fetched("trouble", trouble=event.trouble))
            return
        pages, number, cells = event.value
        if pages is not self.pages:
            return
        self._asked = None
        self._held[number] = cells
        while len(self._held) > HELD:
            self._held.popitem(last=False)
        for row in cells:
            for i, value in enumerate(row):
                if self._widths[i] < WIDEST:
                    shown = NULL if value is None else neutral(value[:WIDEST])
                    self._widths[i] = min(max(self._widths[i], cell_len(shown)), WIDEST)
        self._measure()
        self.refresh()
        self._ask()
        self.post_message(self.Painted())

    # -- drawing ---------------------------------------------------------------------------------------------------

    @property
    def _columns(self) -> int:
        return 0 if self.pages is None else len(self.pages.fields) + 1

    def _title(self, column: int) -> str:
        assert self.pages is not None
        return "#" if column == 0 else neutral(self.pages.fields[column - 1].name)

    def _numeric(self, column: int) -> bool:
        assert self.pages is not None
        return column == 0 or self.pages.fields[column - 1].numeric

    def _shown_widths(self) -> list[int]:
        """Widths as drawn: no text takes more than half of the room, what is left goes to the last one."""
        most = max(self.scrollable_content_region.width // 2, 20)
        widths = [min(width, most) for width in self._widths]
        left = self.scrollable_content_region.width - sum(widths) - len(GAP) * max(len(widths) - 1, 0)
        texts = [i for i in range(len(widths)) if not self._numeric(i)]
        if left > 0 and texts:
            widths[texts[-1]] += left
        return widths

    def _measure(self) -> None:
        width = sum(self._shown_widths()) + len(GAP) * max(self._columns - 1, 0)
        self.virtual_size = Size(width, self.total + 1)

    def on_resize(self, event: events.Resize) -> None:
        self._measure()
        self._ask()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._ask()

    def render_line(self, y: int) -> Strip:
        scroll_x, scroll_y = self.scroll_offset
        width = self.size.width
        base = self.rich_style
        index = scroll_y + y - 1
        if self.pages is None or (y > 0 and index >= self.total):
            return Strip.blank(width, base)
        widths = self._shown_widths()
        if y == 0:
            style = base + self.get_component_rich_style("table--header", partial=True)
            cells = [_placed(self._title(i), w, self._numeric(i)) for i, w in enumerate(widths)]
            return Strip([Segment(GAP.join(cells), style)]).crop_extend(scroll_x, scroll_x + width, style)
        name = "table--cursor" if index == self.cursor else "table--odd" if index % 2 else ""
        style = base + self.get_component_rich_style(name, partial=True) if name else base
        row = self._row(index)
        if row is None:
            faint = style + self.get_component_rich_style("table--faint", partial=True)
            waiting = Segment(f"{index + 1:,} …".rjust(widths[0]), faint)
            return Strip([waiting]).crop_extend(scroll_x, scroll_x + width, style)
        segments = []
        for i, (value, w) in enumerate(zip(row, widths, strict=True)):
            own = style
            if value is None or i == 0:
                own = own + self.get_component_rich_style("table--faint", partial=True)
            if index == self.cursor and i == self.field and self.has_focus:
                own = own + self.get_component_rich_style("table--cell", partial=True)
            text = NULL if value is None else neutral(value[: 2 * w])
            segments += [Segment(_placed(text, w, self._numeric(i)), own), Segment(GAP, style)]
        return Strip(segments[:-1]).crop_extend(scroll_x, scroll_x + width, style)

    # -- moving ----------------------------------------------------------------------------------------------------

    def go(self, index: int) -> None:
        """Put the cursor on a row and bring it into view."""
        self.cursor = max(0, min(index, self.total - 1))
        body = max(self.size.height - 1 - (1 if self.show_horizontal_scrollbar else 0), 1)
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + body:
            self.scroll_to(y=self.cursor - body + 1, animate=False)
        self.refresh()

    def action_move(self, by: int) -> None:
        self.go(self.cursor + by)

    def action_page(self, by: int) -> None:
        self.go(self.cursor + by * max(self.size.height - 2, 1))

    def action_first(self) -> None:
        self.go(0)

    def action_last(self) -> None:
        self.go(self.total - 1)

    def action_across(self, by: int) -> None:
        if not self._columns:
            return
        self.field = max(0, min(self.field + by, self._columns - 1))
        widths = self._shown_widths()
        start = sum(widths[: self.field]) + len(GAP) * self.field
        room = self.scrollable_content_region.width
        if start < self.scroll_offset.x or start + widths[self.field] > self.scroll_offset.x + room:
            self.scroll_to(x=start, animate=False)
        self.refresh()

    def action_open(self) -> None:
        if self.total:
            self.post_message(self.Opened(self.cursor, self.field))

    def on_click(self, event: events.Click) -> None:
        index = self.scroll_offset.y + int(event.y) - 1
        if event.y >= 1 and index < self.total:
            again = index == self.cursor
            at, x = self.scroll_offset.x + int(event.x), 0
            for i, w in enumerate(self._shown_widths()):
                if x <= at < x + w + len(GAP):
                    again = again and i == self.field
                    self.field = i
                x += w + len(GAP)
            self.go(index)
            if again:
                self.action_open()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


def _read(pages: Pages, number: int) -> tuple[Pages, int, list[Cells]]:
    """In a thread: a page, with what it is a page of."""
    return pages, number, pages.page(number)


def _placed(text: str, width: int, right: bool) -> str:
    """Exactly `width` cells; what is cut ends in …"""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(width - 1, 0)) + "…"
    return " " * (width - length) + text if right else text + " " * (width - length)
