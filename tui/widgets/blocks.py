"""What a conversation is made of on the screen: things said, calls, commands, notices, each as lines for a width.

They know their own text. They do not know where they stand or what follows them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from textual.content import Content

from ...agent.plural import counted
from ..cells import neutral, wrap
from ..terminal import Terminal
from ..text import many_lines
from .plain_text import ACCENT, BAD, BOLD, GOOD, MUTED, WARNING, joined, safe

MOST_LINES: Final = 60
"""Lines of what a call told that an open block shows; the rest is counted."""

_DOUBT, _END = "\ue000", "\ue001"
"""Around a doubtful number while lines are broken: no text holds them, private characters are shown as dots."""


@dataclass
class Person:
    """What the person typed."""

    text: str

    def lines(self, width: int) -> Iterator[Content]:
        yield Content("")
        for number, line in enumerate(_wrapped(self.text, width - 2)):
            yield joined(("❯ " if number == 0 else "  ", ACCENT), (line, BOLD))

    @property
    def plain(self) -> str:
        return self.text


@dataclass
class Answer:
    """What the model wrote; `doubtful` are the spans of numbers no result holds. Grows while it streams."""

    text: str = ""
    doubtful: tuple[tuple[int, int], ...] = ()
    _settled: int = 0
    _settled_lines: int = 0
    _in_code: bool = False

    def lines(self, width: int) -> Iterator[Content]:
        """All lines, from the beginning."""
        self._settled, self._settled_lines, self._in_code = 0, 0, False
        yield from self.tail(width)[1]

    def tail(self, width: int) -> tuple[int, list[Content]]:
        """(the number of the first line that may have changed since the last time, the lines from there on).

        A paragraph settles when the next one begins: only the last one is broken into lines again as it grows.
        """
        first = self._settled_lines
        made: list[Content] = []
        *whole, last = self._marked()[self._settled :].split("\n")
        for paragraph in whole:
            made += self._paragraph(paragraph, width)
            self._settled += len(paragraph) + 1
        self._settled_lines += len(made)
        code = self._in_code
        made += self._paragraph(last, width)
        self._in_code = code
        return first, made

    def _marked(self) -> str:
        """The text, harmless, doubtful numbers between marks."""
        parts, at = [], 0
        for start, end in sorted(self.doubtful):
            parts += [_harmless(self.text[at:start]), _DOUBT, _harmless(self.text[start:end]), _END]
            at = end
        return "".join([*parts, _harmless(self.text[at:])])

    def _paragraph(self, paragraph: str, width: int) -> Iterator[Content]:
        fence = paragraph.lstrip().startswith("```")
        style = MUTED if fence or self._in_code else BOLD if paragraph.startswith("#") else ""
        if fence:
            self._in_code = not self._in_code
        indent = " " * min(len(paragraph) - len(paragraph.lstrip(" ")), 12)
        for line in wrap(paragraph.strip(" "), max(width - len(indent), 8)):
            yield _doubts(indent + line, style)

    @property
    def plain(self) -> str:
        return self.text


def _harmless(text: str) -> str:
    return "\n".join(map(neutral, text.replace("\t", " ").split("\n")))


def _doubts(line: str, style: str) -> Content:
    if _DOUBT not in line and _END not in line:
        return safe(line, style)
    parts: list[tuple[str, str]] = []
    for number, piece in enumerate(line.replace(_END, _DOUBT).split(_DOUBT)):
        parts.append((piece + "?", WARNING) if number % 2 else (piece, style))
    return joined(*parts)


@dataclass
class Call:
    """A tool call: one muted line, and all of it when open."""

    call_id: str
    tool: str
    command: str
    args: Mapping[str, Any] = field(default_factory=dict)
    state: str = "running"
    line: str = ""
    seconds: float = 0.0
    told: str = ""
    open: bool = False

    def lines(self, width: int) -> Iterator[Content]:
        glyph, style = {"done": ("✔", GOOD), "failed": ("✘", BAD), "asks": ("?", WARNING)}.get(
            self.state, ("…", ACCENT)
        )
        took = f"  {self.seconds:.1f} s" if self.state in ("done", "failed") else f"  {self.state}"
        told = f"  {neutral(self.line).replace('->', '→')}" if self.line else ""
        yield joined((f"{glyph} ", style), (f"{neutral(self.tool)}{took}{told}", MUTED)).truncate(width, ellipsis=True)
        if self.open:
            yield from self._inside(width)

    def _inside(self, width: int) -> Iterator[Content]:
        told = many_lines(self.told) if self.told else []
        args = [f"{name} = {json.dumps(value, ensure_ascii=False, default=str)}" for name, value in self.args.items()]
        for line in (f"$ {self.command}", *args, *told[:MOST_LINES]):
            for piece in _wrapped(line, width - 4):
                yield joined(("  │ ", MUTED), (piece, MUTED))
        if len(told) > MOST_LINES:
            yield safe(f"  │ … (+{counted(len(told) - MOST_LINES, 'lines')})", MUTED)

    @property
    def plain(self) -> str:
        return "\n".join(part for part in (self.command, self.line, self.told) if part)


@dataclass
class Ran:
    """A slash command: what was typed, the same thing for the command line, and its answer."""

    typed: str
    twin: str = ""
    render: Callable[[Terminal], Iterable[str]] = lambda terminal: ()
    open: bool = True

    def lines(self, width: int) -> Iterator[Content]:
        yield Content("")
        yield joined(("❯ ", ACCENT), (self.typed, BOLD)).truncate(width, ellipsis=True)
        if self.twin:
            yield joined(("  $ ", MUTED), (self.twin, MUTED)).truncate(width, ellipsis=True)
        if self.open:
            for line in self.render(Terminal(columns=max(width - 2, 20))):
                yield safe(f"  {line}").truncate(width, ellipsis=True)

    @property
    def plain(self) -> str:
        return "\n".join([self.twin or self.typed, *self.render(Terminal(columns=100))])


@dataclass
class Note:
    """A sentence by us: a notice, a warning, a failure."""

    text: str
    glyph: str = "·"
    style: str = MUTED

    def lines(self, width: int) -> Iterator[Content]:
        for number, line in enumerate(_wrapped(self.text, width - 2)):
            yield joined((f"{self.glyph} " if number == 0 else "  ", self.style), (line, self.style))

    @property
    def plain(self) -> str:
        return self.text


Block = Person | Answer | Call | Ran | Note


def _wrapped(text: str, width: int) -> Sequence[str]:
    return [piece for line in many_lines(text) for piece in wrap(line, max(width, 8))]
