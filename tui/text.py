"""Text for answers: made safe, shortened with the rest counted, indented, laid out in columns.

It knows lines of text. How wide a character is and which ones are harmless is known in `cells`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from .cells import left, neutral, right, width
from .cells import wrap as broken

NARROWEST: Final = 8
"""Cells of a column of text that are never taken away."""
LONGEST_PIECE: Final = 24
"""Cells of a number, or of a part of a heading, that are kept on one line."""
_PIECE: Final = re.compile(r"[^ _.\-/]*[ _.\-/]?")


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
    """Rows as aligned lines of at most `columns` cells.

    `numbers` are the columns aligned right. With `header`, the first row stands over a rule. What does not fit gives
    way in this order: headings go on below, texts are cut, each row becomes a block of one line a column. A heading and
    a number are never cut.
    """
    if not rows:
        return []
    cells = [[one_line(str(cell)) for cell in row] for row in rows]
    aligned = set(numbers)
    widths = _widths(cells, columns, aligned, header)
    if widths is None:
        return _row_by_row(cells, columns)

    def line(row: Sequence[str]) -> str:
        return "  ".join((right if i in aligned else left)(cell, widths[i]) for i, cell in enumerate(row)).rstrip()

    if not header:
        return [line(row) for row in cells]
    stacks = [_stacked(heading, widths[i]) for i, heading in enumerate(cells[0])]
    height = max(map(len, stacks))
    above = [line(row) for row in zip(*([""] * (height - len(stack)) + stack for stack in stacks), strict=True)]
    return [*above, "  ".join("-" * size for size in widths), *map(line, cells[1:])]


def _widths(cells: Sequence[Sequence[str]], columns: int, numbers: set[int], header: bool) -> list[int] | None:
    """Cells of each column, at most `columns` in all with the gaps; None where they cannot stand side by side."""
    across = range(len(cells[0]))
    body = [max((width(row[i]) for row in cells[header:]), default=0) for i in across]
    heads = [max(map(width, _pieces(cells[0][i]))) if header else 0 for i in across]
    least = [max(min(body[i], LONGEST_PIECE if i in numbers else NARROWEST), heads[i], 1) for i in across]
    uncut = [max(body[i], heads[i], 1) for i in across]
    widths = [max(width(row[i]) for row in cells) for i in across]
    room = columns - 2 * (len(widths) - 1)
    if header and sum(least) > room:
        return None
    for floor in (uncut, least if header else [min(one, NARROWEST) for one in uncut]):
        while sum(widths) > room and (wider := [i for i in across if widths[i] > floor[i]]):
            widths[max(wider, key=lambda i: widths[i])] -= 1
    return widths


def _pieces(heading: str) -> list[str]:
    """The parts between which a heading may be broken."""
    parts = [part for part in _PIECE.findall(heading) if part]
    return [chunk for part in parts for chunk in broken(part.rstrip(" "), LONGEST_PIECE)] or [""]


def _stacked(heading: str, cells: int) -> list[str]:
    """A heading on lines of at most `cells`."""
    if width(heading) <= cells:
        return [heading]
    lines = [""]
    for part in _PIECE.findall(heading):
        for chunk in broken(part.rstrip(" "), LONGEST_PIECE):
            if width(lines[-1] + chunk) > cells:
                lines.append(chunk)
            else:
                lines[-1] += chunk
        lines[-1] += " " if part.endswith(" ") and width(lines[-1]) < cells else ""
    return [line.rstrip(" ") for line in lines if line.strip(" ")]


def _row_by_row(cells: Sequence[Sequence[str]], columns: int) -> list[str]:
    lines: list[str] = []
    for row in cells[1:]:
        for heading, cell in zip(cells[0], row, strict=True):
            lines += wrap(f"{heading}: {cell}", columns, indent="    ", first="")
        lines.append("")
    return lines[:-1]


def number(value: float | int) -> str:
    """A count with thousands separated; another number with four digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "0%"
