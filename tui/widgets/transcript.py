"""The conversation as it is read: every event becomes a block of lines, the newest at the bottom.

It knows blocks and where each begins. Old turns cost nothing: only lines in view are drawn, and streaming text breaks
only its last paragraph into lines again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.style import Style

from ...agent.events import (
    Answered,
    Asked,
    Event,
    Failed,
    Noticed,
    Proposed,
    Returned,
    Reviewed,
    Ruled,
    Said,
    Wrote,
)
from ..terminal import Terminal
from .blocks import Answer, Block, Call, Note, Person, Ran
from .line_view import LineView
from .plain_text import BAD, MUTED, WARNING

FRAMES: Final = 15
"""Times a second at most that streaming text is put on the screen."""


class Transcript(LineView):
    """Up and down go from block to block, Enter opens a call, `y` copies."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"transcript--cursor"}
    DEFAULT_CSS = """
    Transcript { padding: 0 1; }
    Transcript:focus > .transcript--cursor { background: $primary 25%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "block(-1)", show=False),
        Binding("down", "block(1)", show=False),
        Binding("enter,space", "open", show=False),
        Binding("y", "copy", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.blocks: list[Block] = []
        self.cursor = -1
        self._starts: list[int] = []
        self._made: list[list[Content]] = []
        self._calls: dict[str, int] = {}
        self._buffer = ""
        self._at_end = True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._at_end = new_value >= self.max_scroll_y

    def on_resize(self, event: events.Resize) -> None:
        """A card has come, or the window is another size: who was at the end stays there."""
        if self._at_end:
            self.call_after_refresh(self.scroll_end, animate=False)

    def on_mount(self) -> None:
        self._frames = self.set_interval(1 / FRAMES, self.flush, pause=True)

    # -- what is told ----------------------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Put an event at the end."""
        match event:
            case Wrote(text):
                if not self._buffer:
                    self._frames.resume()
                self._buffer += text
                return
            case Answered(text, doubtful):
                self._answered(text, doubtful)
            case Proposed():
                self.flush()
                self._call(Call(event.call_id, event.tool, event.command, event.args))
            case Asked():
                self._update(event.call_id, state="asks", line=event.why)
            case Reviewed():
                self.flush()
                self.add(Note(_reviewed(event), "✔" if event.allowed else "✘", MUTED if event.allowed else WARNING))
            case Ruled():
                self._update(event.call_id, state="running" if event.word != "no" else "no", line=event.because)
            case Returned():
                self._returned(event)
            case Said(text):
                self.add(Person(text))
            case Noticed(text, level):
                loud = {"warning": ("!", WARNING), "loud": ("!!", f"bold {WARNING}")}
                self.add(Note(text, *loud.get(level, ("·", MUTED))))
            case Failed():
                self.flush()
                self.add(Note(f"{event.message} {event.next_step}".strip(), "✘", BAD))

    def tell_all(self, events: Iterable[Event]) -> None:
        """Many events at once, as a resumed session brings them: laid out when all are there."""
        width, self._width = self._width, 0
        for event in events:
            self.tell(event)
        self.flush()
        self._width = width
        self.remake()
        self.call_after_refresh(self.scroll_end, animate=False)

    def ran(self, typed: str, twin: str, render: Callable[[Terminal], Iterable[str]]) -> None:
        """A slash command and its answer."""
        self.add(Ran(typed, twin, render))

    def _answered(self, text: str, doubtful: tuple[tuple[int, int], ...]) -> None:
        """The whole answer takes the place of what was streamed."""
        self.flush()
        if self.blocks and isinstance(self.blocks[-1], Answer):
            self.blocks[-1] = Answer(text, doubtful)
            self._relay(len(self.blocks) - 1)
        elif text:
            self.add(Answer(text, doubtful))

    def _call(self, call: Call) -> None:
        self._calls[call.call_id] = len(self.blocks)
        self.add(call)

    def _returned(self, event: Returned) -> None:
        self.flush()
        if event.call_id not in self._calls:
            self._call(Call(event.call_id, event.tool, event.tool))
        self._update(
            event.call_id,
            state="done" if event.ok else "failed",
            line=event.line,
            seconds=event.seconds,
            told=event.told,
        )

    def _update(self, call_id: str, **values: object) -> None:
        index = self._calls.get(call_id)
        if index is not None:
            for name, value in values.items():
                setattr(self.blocks[index], name, value)
            self._relay(index)

    # -- lines -----------------------------------------------------------------------------------------------------

    def add(self, block: Block) -> None:
        """A block at the end."""
        if not isinstance(block, Answer):
            self.flush()
        self.blocks.append(block)
        self._starts.append(len(self._lines))
        self._made.append([])
        self._relay(len(self.blocks) - 1)

    def flush(self) -> None:
        """Put streamed text on the screen."""
        self._frames.pause()
        if not self._buffer:
            return
        text, self._buffer = self._buffer, ""
        last = self.blocks[-1] if self.blocks else None
        if not isinstance(last, Answer):
            self.add(Answer(text))
            return
        last.text += text
        if not self._width:
            return
        first, lines = last.tail(self._width)
        self._made[-1][first:] = lines
        with _Following(self):
            self.put(lines, start=self._starts[-1] + first)

    def make_lines(self, width: int) -> Sequence[Content]:
        if not self._width:
            return []
        self._made = [list(block.lines(width)) for block in self.blocks]
        self._find_starts(0)
        return [line for made in self._made for line in made]

    def _relay(self, index: int) -> None:
        """Make the lines of one block again."""
        if not self._width:
            return
        block = self.blocks[index]
        self._made[index] = list(block.lines(self._width))
        self._find_starts(index)
        with _Following(self):
            self.put([line for made in self._made[index:] for line in made], start=self._starts[index])

    def _find_starts(self, index: int) -> None:
        at = self._starts[index - 1] + len(self._made[index - 1]) if index else 0
        for number in range(index, len(self._made)):
            self._starts[number] = at
            at += len(self._made[number])

    # -- keys ------------------------------------------------------------------------------------------------------

    def line_style(self, y: int) -> Style:
        if 0 <= self.cursor < len(self.blocks):
            start = self._starts[self.cursor]
            if start <= y < start + len(self._made[self.cursor]):
                return self.visual_style + self.get_visual_style("transcript--cursor", partial=True)
        return self.visual_style

    def on_focus(self) -> None:
        if self.cursor < 0:
            self.cursor = len(self.blocks) - 1
        self._strips.clear()

    def on_blur(self) -> None:
        self._strips.clear()

    def action_block(self, by: int) -> None:
        if not self.blocks:
            return
        self.cursor = max(0, min(self.cursor + by, len(self.blocks) - 1))
        self._strips.clear()
        top, height = self._starts[self.cursor], len(self._made[self.cursor])
        view = max(self.size.height, 1)
        if top < self.scroll_offset.y or height >= view:
            self.scroll_to(y=top, animate=False)
        elif top + height > self.scroll_offset.y + view:
            self.scroll_to(y=top + height - view, animate=False)
        self.refresh()

    def action_open(self) -> None:
        if 0 <= self.cursor < len(self.blocks):
            block = self.blocks[self.cursor]
            if isinstance(block, Call | Ran):
                block.open = not block.open
                self._relay(self.cursor)

    def action_copy(self) -> None:
        if 0 <= self.cursor < len(self.blocks):
            self.app.copy_to_clipboard(self.blocks[self.cursor].plain)


class _Following:
    """Stay at the end if the view was at the end; never move a reader who has scrolled up."""

    def __init__(self, view: Transcript) -> None:
        self._view = view

    def __enter__(self) -> None:
        self._at_end = self._view.scroll_offset.y >= self._view.max_scroll_y

    def __exit__(self, *error: object) -> None:
        if self._at_end:
            self._view.scroll_to(y=self._view.max_scroll_y, animate=False, force=True, immediate=True)


def _reviewed(event: Reviewed) -> str:
    """What models said about a call, in one paragraph."""
    said = [f"{one['model']} ({one['role']}) {one['word']}{': ' + one['because'] if one['because'] else ''}"
            for one in event.opinions]  # fmt: skip
    return f"review of {event.tool}: {'yes' if event.allowed else 'no'}. {'; '.join(said)}"
