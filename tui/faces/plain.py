"""The face for people: narration on stderr, results as short lines on stdout.

It knows events and when to speak: on a terminal one line is redrawn, elsewhere a line every few seconds or ten
percent. It does not know how a table is drawn: that is `render`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TextIO

from ...agent.events import (
    Asked,
    Counted,
    Event,
    Finished,
    Noticed,
    Progressed,
    Proposed,
    Returned,
    Reviewed,
    Ruled,
    Started,
)
from ...agent.plural import counted
from ..cells import fit
from ..render import chat
from ..render.results import result_lines
from ..terminal import Terminal
from ..text import many_lines, one_line, wrap
from .ndjson import RowFormat, write_rows, writing_out

REDRAW_SECONDS: Final = 0.1
SPEAK_SECONDS: Final = 5.0
SPEAK_SHARE: Final = 0.1

Human = Callable[[Terminal], Iterable[str]]


class PlainFace:
    """Narrates to `narration`, answers on `out`; with `quiet` only warnings and answers, with `rows` bare rows."""

    def __init__(
        self,
        out: TextIO,
        narration: TextIO,
        *,
        screen: Terminal,
        narrator: Terminal,
        quiet: bool = False,
        row_format: RowFormat | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._out = out
        self._narration = narration
        self.screen = screen
        self.narrator = narrator
        self._quiet = quiet
        self.row_format = row_format
        self._held: list[str] = []
        self._loud: list[str] = []
        self._progress = _Progress(narrator, clock, self._say, self._redraw)

    # -- events ----------------------------------------------------------------------------------------------------

    def listener(self, event: Event) -> None:
        match event:
            case Started():
                self._release()
                if not self._quiet:
                    self._say("\n".join(wrap(_opening(event), self.narrator.columns, indent="  ", first="")))
                self._progress.begin()
            case Progressed():
                if not self._quiet:
                    self._progress.at(event)
            case Counted():
                if not self._quiet:
                    self._progress.count(event)
            case Noticed():
                self._notice(event)
            case Finished():
                self._release()
                self._progress.end()
                self._held = list(result_lines(event.result, self.screen))
            case Proposed() | Asked() | Reviewed() | Ruled() | Returned():
                self._release()
                self._progress.end()
                if not self._quiet:
                    for line in chat.event_lines(event, self.narrator):
                        self._say(line)

    def _notice(self, event: Noticed) -> None:
        if event.level == "loud":
            self._loud.append(event.text)
        elif event.level == "warning" or not self._quiet:
            mark = "warning: " if event.level == "warning" else ""
            self._say("\n".join(wrap(mark + one_line(event.text), self.narrator.columns, indent="  ", first="")))

    def _release(self) -> None:
        """What was held turned out not to be the answer: it is narration."""
        if not self._quiet:
            for line in self._held:
                self._say(line)
        self._held = []
        self._shout()

    def _shout(self) -> None:
        for text in self._loud:
            for line in wrap("!! " + one_line(text), self.narrator.columns, indent="   ", first=""):
                self._say(self.narrator.paint(line, "bold"))
        self._loud = []

    # -- answers ---------------------------------------------------------------------------------------------------

    def result(self, line: Mapping[str, Any], human: Human | None = None, *, instead: bool = False) -> None:
        """The answer: the lines `human` makes, or those of the result line. `instead` of the last event's."""
        if not instead:
            self._release()
        self._progress.end()
        self._held = list(human(self.screen) if human is not None else result_lines(line, self.screen))

    def rows(self, rows: Iterable[Mapping[str, Any]], columns: Iterable[str] = ()) -> None:
        """Bare rows in the format asked for."""
        assert self.row_format is not None
        self._release()
        write_rows(self._out, rows, self.row_format, list(columns))

    def fail(self, message: str, next_step: str, exit_code: int) -> None:
        self._release()
        self._progress.end()
        first, *rest = many_lines(message)
        for line in (f"{self.narrator.paint('tilth:', 'red')} {first}", *rest):
            self._say(line)
        for line in many_lines(next_step) if next_step else ():
            self._say(f"  {line}")

    def close(self) -> None:
        self._progress.end()
        with writing_out():
            if self.row_format is None:
                for line in self._held:
                    self._out.write(line + "\n")
            self._held = []
            self._out.flush()
        self._shout()
        self._narration.flush()

    def _say(self, text: str) -> None:
        self._progress.erase()
        self._narration.write(text + "\n")
        self._narration.flush()

    def _redraw(self, text: str) -> None:
        self._narration.write(f"\r\x1b[2K{text}")
        self._narration.flush()


def _opening(event: Started) -> str:
    reads = f"; reads: {one_line(event.reads)}" if event.reads else ""
    return f"{event.tool} on {event.dataset} ({counted(event.rows, 'rows')}){reads}"


class _Progress:
    """One piece of work: how far, how fast, how long still."""

    def __init__(
        self,
        terminal: Terminal,
        clock: Callable[[], float],
        say: Callable[[str], None],
        redraw: Callable[[str], None],
    ) -> None:
        self._terminal, self._clock, self._say, self._redraw = terminal, clock, say, redraw
        self._drawn = False
        self.begin()

    def begin(self) -> None:
        self._what = ""
        self._start = self._spoken_at = self._clock()
        self._spoken_share = 0.0

    def at(self, event: Progressed) -> None:
        if event.what != self._what:
            self.begin()
            self._what = event.what
        now = self._clock()
        share = event.done / event.total if event.total else 0.0
        if self._terminal.live:
            if now - self._spoken_at >= REDRAW_SECONDS:
                self._spoken_at = now
                self._drawn = True
                self._redraw(fit(_progress_line(event, now - self._start), self._terminal.columns - 1))
        elif now - self._spoken_at >= SPEAK_SECONDS or (
            share - self._spoken_share >= SPEAK_SHARE and share < 1 and now - self._start >= 1
        ):
            self._spoken_at, self._spoken_share = now, share
            self._say(_progress_line(event, now - self._start))

    def count(self, event: Counted) -> None:
        """The accounts of a panel: redrawn on a terminal, elsewhere told every few seconds."""
        now = self._clock()
        if now - self._spoken_at < (REDRAW_SECONDS if self._terminal.live else SPEAK_SECONDS):
            return
        self._spoken_at = now
        line = _panel_line(event)
        if self._terminal.live:
            self._drawn = True
            self._redraw(fit(line, self._terminal.columns - 1))
        else:
            self._say(line)

    def erase(self) -> None:
        if self._drawn:
            self._drawn = False
            self._redraw("")

    def end(self) -> None:
        self.erase()


def _progress_line(event: Progressed, seconds: float) -> str:
    rate = event.done / seconds if seconds > 0 else 0.0
    scale, unit, digits = (1e6, "MB", 1) if event.unit == "bytes" else (1, event.unit, 0)

    def shown(count: float) -> str:
        return f"{count / scale:,.{digits}f}"

    parts = [f"{event.what}: {shown(event.done)}"]
    if event.total:
        parts[0] += f" of {shown(event.total)} {unit} ({100 * event.done / event.total:.0f} %)"
    else:
        parts[0] += f" {unit}"
    if seconds >= 1:
        parts.append(f"{shown(rate)} {unit}/s")
        if event.total and rate:
            parts.append(f"{duration((event.total - event.done) / rate)} left")
    return ", ".join(parts)


def _panel_line(event: Counted) -> str:
    wanted = "" if event.wanted is None else f" of {event.wanted:,}"
    parts = [f"{event.what}: accepted {event.accepted:,}{wanted}", f"rejected {sum(event.rejected.values()):,}"]
    parts += [f"failed {sum(event.failed.values()):,}"] if event.failed else []
    parts += [f"parked {event.parked:,}"] if event.parked else []
    parts += [f"{event.in_flight} in flight", f"{counted(event.calls, 'calls')}"]
    parts += [f"${event.usd:.2f}"] if event.usd else []
    parts += [f"{event.rate:.1f}/s"]
    parts += [f"{duration(60 * event.minutes_left)} left"] if event.minutes_left is not None else []
    parts += [f"{event.tokens_in:,} tokens in and {event.tokens_out:,} out"] if event.tokens_in else []
    why = sorted({**event.rejected, **event.failed}.items(), key=lambda one: (-one[1], one[0]))
    parts += [f"{one_line(code)} {count:,}" for code, count in why]  # last: a narrow terminal cuts them off
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """A length of time in its two largest units."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
