"""Lines on the screen, drawn one by one as they are scrolled into view: a million cost as little as ten.

It knows lines, scrolling and selecting text. What the lines say is known by those who derive from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual

from ..terminal import Terminal
from .plain_text import safe


class LineView(ScrollView, can_focus=True):
    """`make_lines(width)` is asked for all lines whenever the width changes; each must fit into it."""

    DEFAULT_CSS = """
    LineView {
        height: 1fr;
        scrollbar-color: $line;
        scrollbar-background: $background;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[Content] = []
        self._strips: dict[int, Strip] = {}
        self._width = 0

    def make_lines(self, width: int) -> Sequence[Content]:
        """Every line for a width in cells."""
        return self._lines

    @property
    def text(self) -> str:
        """What the lines say."""
        return "\n".join(line.plain for line in self._lines)

    @property
    def columns(self) -> int:
        """Cells a line has; 80 before the first layout."""
        return self._width or 80

    def remake(self) -> None:
        """Ask for all lines again."""
        self.put(self.make_lines(self.columns))

    def put(self, lines: Sequence[Content], *, start: int = 0) -> None:
        """These lines, from line `start` on, in place of what was there."""
        self._lines[start:] = lines
        self._strips = {y: strip for y, strip in self._strips.items() if y < start}
        self.virtual_size = Size(self._width, len(self._lines))
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        width = self.scrollable_content_region.width
        if width != self._width:
            self._width = width
            self.remake()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def line_style(self, y: int) -> Style:
        """The style a line is drawn on; the cursor of a list, for example."""
        return self.visual_style

    def restyle(self, *lines: int) -> None:
        """Draw these lines again."""
        for y in lines:
            self._strips.pop(y, None)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        y += self.scroll_offset.y
        width = self.size.width
        style = self.line_style(y)
        if y >= len(self._lines):
            return Strip.blank(width, self.visual_style.rich_style)
        selection = self.text_selection
        strip = self._strips.get(y)
        if strip is None or selection is not None:
            line = self._lines[y] if selection is None else self._selected(self._lines[y], selection, y)
            drawn = Visual.to_strips(self, line, max(line.cell_length, 1), 1, style, apply_selection=False)
            strip = (drawn[0] if drawn else Strip.blank(0)).crop_extend(0, width, style.rich_style)
            if selection is None:
                self._strips[y] = strip
        return strip.apply_offsets(0, y)

    def _selected(self, line: Content, selection: Selection, y: int) -> Content:
        span = selection.get_span(y)
        if span is None:
            return line
        start, end = span
        style = Style.from_styles(self.screen.get_component_styles("screen--selection"))
        return line.stylize(style, start, len(line) if end == -1 else end)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selection.extract(self.text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


_BARS = re.compile("[█▏▎▍▌▋▊▉]+")

Render = Callable[[Terminal], Iterable[str]]


class TextView(LineView):
    """An answer as the command line would print it, for the width there is (tui/render)."""

    def __init__(self, render: Render = lambda terminal: (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines_for = render

    def show(self, render: Render) -> None:
        self._lines_for = render
        self.scroll_to(0, 0, animate=False)
        self.remake()

    def make_lines(self, width: int) -> Sequence[Content]:
        return [marks(line) for line in self._lines_for(Terminal(columns=max(width, 20)))]


def marks(line: str) -> Content:
    """A line in which bars and [-gone-] and {+new+} words stand out; the marks stay, colour is never the only sign."""
    content = safe(line)
    for opening, closing, style in (("[-", "-]", "$text-error"), ("{+", "+}", "$text-success")):
        start = content.plain.find(opening)
        while start >= 0:
            end = content.plain.find(closing, start)
            end = len(content) if end < 0 else end + 2
            content = content.stylize(style, start, end)
            start = content.plain.find(opening, end)
    return content.highlight_regex(_BARS, style="$primary")
