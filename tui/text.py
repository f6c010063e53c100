"""Text for answers: made safe, shortened with the rest counted, indented, laid out in columns.

It knows lines of text. How wide a character is and which ones are harmless is known in `cells`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from .cells import left, neutral, right, width
from .cells import wrap as broken

NARROWEST: Final = 8
"""Cells of a table's column that are never taken away."""


def one_line(text: str) -> str:
    """The text, safe to show, with every run of white space as one space."""
    return neutral(" ".join(text.split()))


def many_lines(text: str) -> list[str]:
    """The lines of a text, each safe to show."""
    return [neutral(line) for line in text.replace("\t", " ").splitlines()] or [""]


def wrap(text: str, columns: int, *, indent: str = "", first: str | None = None) -> list[str]:
    """The words of a safe text on lines of at most `columns` cells, the first behind `first`, others behind `indent`.

    A text that begins with spaces keeps them on every line.
    """
    lead = indent if first is None else first
    own = " " * min(len(text) - len(text.lstrip(" ")), 16)
    room = max(columns - max(width(indent), width(lead)) - len(own), 8)
    lines = broken(text.strip(" "), room)
    return [((lead if i == 0 else indent) + own + line).rstrip(" ") for i, line in enumerate(lines)]


def fold(lines: Iterable[str], columns: int) -> Iterator[str]:
    """Safe lines, those that are too long continued below, further in."""
    for line in lines:
        own = len(line) - len(line.lstrip(" "))
        yield from [line] if width(line) <= columns else wrap(line.strip(" "), columns, indent=" " * (own + 4),
                                                              first=" " * own)  # fmt: skip


def shorten(text: str, length: int) -> str:
    """At most `length` characters on one line, safe to show; what was left out is counted."""
    flat = one_line(text)
    if len(flat) <= length:
        return flat
    return f"{flat[:length].rstrip()}… (+{len(flat) - length:,} characters)"


def table(
    rows: Sequence[Sequence[object]], *, columns: int, numbers: Iterable[int] = (), header: bool = True
) -> list[str]:
    """Rows as aligned lines of at most `columns` cells; the widest column is cut when they do not fit.

    `numbers` are the columns aligned right. With `header`, the first row stands over a rule.
    """
    if not rows:
        return []
    cells = [[one_line(str(cell)) for cell in row] for row in rows]
    widths = [max(width(row[i]) for row in cells) for i in range(len(cells[0]))]
    while sum(widths) + 2 * (len(widths) - 1) > columns and max(widths) > NARROWEST:
        widths[widths.index(max(widths))] -= 1
    aligned = set(numbers)
    lines = [
        "  ".join((right if i in aligned else left)(cell, widths[i]) for i, cell in enumerate(row)).rstrip()
        for row in cells
    ]
    return [lines[0], "  ".join("-" * size for size in widths), *lines[1:]] if header else lines


def number(value: float | int) -> str:
    """A count with thousands separated; another number with four digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "0%"
