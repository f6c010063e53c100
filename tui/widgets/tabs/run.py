"""Run: what is happening now, counted, with rates and what is left; then what has ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from textual.app import ComposeResult

from ....agent.events import Counted, Event, Finished, Progressed, Started
from ....agent.plural import counted
from ...cells import bar, left, neutral, right
from ...faces.plain import duration
from ...render.results import result_lines
from ...terminal import Terminal
from ...text import fold, one_line, share
from ..line_view import TextView
from ..plain_text import PlainText
from .tab import Tab

KEPT: Final = 20
"""Results that are listed."""
FRAMES: Final = 8
BAR: Final = 30


class RunTab(Tab):
    """Live counters. It is told events and asks the workspace nothing."""

    TITLE = "Run"
    KEYS = "↑↓ scroll"
    DEFAULT_CSS = "RunTab TextView { padding: 0 1; }"

    def __init__(self, clock: Callable[[], float], *, id: str) -> None:
        super().__init__(id=id)
        self._clock = clock
        self._started: Started | None = None
        self._progress: Progressed | None = None
        self._panel: Counted | None = None
        self._since = clock()
        self._ended: deque[Finished] = deque(maxlen=KEPT)

    def compose(self) -> ComposeResult:
        yield PlainText(classes="facts")
        yield PlainText(classes="trouble")
        yield TextView(self._lines, id="run")

    def on_mount(self) -> None:
        self._frames = self.set_interval(1 / FRAMES, self._draw, pause=True)
        self._draw()

    def tell(self, event: Event) -> None:
        """Take an event; it is drawn a few times a second at most."""
        match event:
            case Started():
                self._started, self._progress, self._since = event, None, self._clock()
            case Progressed():
                self._progress = event
            case Counted():
                self._panel = event
            case Finished():
                self._ended.appendleft(event)
                self._started = self._progress = self._panel = None
            case _:
                return
        self._frames.resume()

    def rest(self) -> None:
        """The turn is over: nothing runs, whatever was left unsaid."""
        self._started = self._progress = None
        self._frames.resume()

    @property
    def state(self) -> str:
        """What runs, in a few words; "" when nothing does."""
        if self._started is None:
            return ""
        done = self._progress
        far = f" {100 * done.done / done.total:.0f} %" if done is not None and done.total else ""
        return f"runs {self._started.tool}{far}"

    def _draw(self) -> None:
        self._frames.pause()
        if self.is_mounted and self.display:
            self.query_one("#run", TextView).remake()
            running = self._started
            told = (
                f"{running.tool} on {running.dataset} ({counted(running.rows, 'rows')})" if running else "nothing runs"
            )
            self.query_one(".facts", PlainText).show(told)

    def look(self) -> None:
        super().look()
        self._draw()

    def _lines(self, terminal: Terminal) -> Iterator[str]:
        yield from fold(self._now(terminal), terminal.columns)
        for event in self._ended:
            yield ""
            yield from result_lines(event.result, terminal)
        if self._started is None and not self._ended and self._panel is None:
            yield "Tools report here while they run."

    def _now(self, terminal: Terminal) -> Iterator[str]:
        running, done = self._started, self._progress
        if running is not None and running.reads:
            yield f"reads: {one_line(running.reads)}"
        if done is not None:
            yield from _progress(done, self._clock() - self._since, min(BAR, terminal.columns // 3))
        if self._panel is not None:
            yield from _accounts(self._panel, terminal)


def _progress(done: Progressed, seconds: float, cells: int) -> Iterator[str]:
    scale, unit = (1e6, "MB") if done.unit == "bytes" else (1.0, neutral(done.unit))
    told = f"{done.done / scale:,.0f}" + (f" of {done.total / scale:,.0f}" if done.total else "") + f" {unit}"
    if done.total:
        part = done.done / done.total
        yield f"{left(bar(part, cells), cells)} {100 * part:3.0f} %   {told}"
    else:
        yield told
    if seconds >= 1 and done.done:
        rate = done.done / seconds
        remains = f"   {duration((done.total - done.done) / rate)} left" if done.total else ""
        yield f"{rate / scale:,.0f} {unit}/s{remains}"


def _accounts(one: Counted, terminal: Terminal) -> Iterator[str]:
    """The panel's books: planned = accepted + rejected + failed + pending."""
    rejected, failed = sum(one.rejected.values()), sum(one.failed.values())
    decided = one.accepted + rejected + failed
    yield f"{one_line(one.what)}"
    wanted = one.wanted or one.planned
    if wanted:
        cells = min(BAR, terminal.columns // 3)
        yield f"{left(bar(one.accepted / wanted, cells), cells)} {one.accepted:,} accepted of {wanted:,} wanted"
    yield f"planned {one.planned:,}   decided {decided:,}   in flight {one.in_flight:,}   parked {one.parked:,}"
    yield f"calls {one.calls:,}   cached {one.cached:,}   tokens ↑{one.tokens_in:,} ↓{one.tokens_out:,}   ${one.usd:.2f}"
    remains = "" if one.minutes_left is None else f"   {duration(60 * one.minutes_left)} left"
    yield f"{one.rate:.1f} verdicts/s   accepted {share(one.accepted, decided)}{remains}"
    both = {**one.rejected, **one.failed}
    most, names = max(both.values(), default=1), max((len(neutral(name)) for name in both), default=0)
    names = min(names, terminal.columns // 3)
    for title, counts in (("rejected", one.rejected), ("failed", one.failed)):
        if counts:
            yield ""
            yield f"{title} {sum(counts.values()):,}"
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            cells = max(min(BAR, terminal.columns - names - 12), 4)
            yield f"  {left(neutral(name), names)} {right(f'{count:,}', 7)} {bar(count / most, cells)}"
