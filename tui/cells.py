"""Text on a character grid: how wide it is, how it is cut and wrapped, how text from data is made harmless.

It knows cells and colours of a terminal. It does not know what is shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

BLOCKS: Final = " ▁▂▃▄▅▆▇█"
_PICTURES: Final = {10: "⏎", 9: "⇥", 13: "␍", 127: "␡"}
_HIDDEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def neutral(text: str) -> str:
    """Text from data, safe to print on one line: control characters become pictures, invisible ones a dot.

    Escape sequences, line ends and characters that turn the reading direction would otherwise act on the
    terminal.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    code = ord(character)
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return _PICTURES.get(code) or (chr(0x2400 + code) if code < 32 else "·")


def width(text: str) -> int:
    """Cells that a neutral text takes: two for wide East Asian characters, none for combining ones."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, cells: int) -> str:
    """A neutral text cut to at most `cells`, ending in … where something is missing."""
    if width(text) <= cells:
        return text
    kept, used = [], 0
    for character in text:
        used += _cells(character)
        if used > cells - 1:
            break
        kept.append(character)
    return "".join(kept) + "…" if cells > 0 else ""


def left(text: str, cells: int) -> str:
    """Cut and padded on the right to exactly `cells`."""
    text = fit(text, cells)
    return text + " " * (cells - width(text))


def right(text: str, cells: int) -> str:
    """Cut and padded on the left to exactly `cells`."""
    text = fit(text, cells)
    return " " * (cells - width(text)) + text


def wrap(text: str, cells: int) -> list[str]:
    """Lines of at most `cells`, broken at spaces; a word longer than a line is broken where the line ends."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        candidate = f"{line} {word}" if line else word
        if width(candidate) <= cells:
            line = candidate
            continue
        if line:
            lines.append(line)
        *full, line = _chunks(word, max(cells, 2))
        lines += full
    return [*lines, line]


def _chunks(word: str, cells: int) -> Iterator[str]:
    """Pieces of a word, each as wide as a line holds; at least one."""
    piece, used = "", 0
    for character in word:
        more = _cells(character)
        if used + more > cells:
            yield piece
            piece, used = "", 0
        piece += character
        used += more
    yield piece


def spark(counts: Sequence[int]) -> str:
    """A histogram as block characters, one a bin; what is not empty shows at least the lowest block."""
    most = max(counts, default=0)
    return "".join(BLOCKS[-(-8 * count // most)] if most else " " for count in counts)


def bar(share: float, cells: int) -> str:
    """A horizontal bar for a share of 1, in eighths of a cell."""
    eighths = round(max(0.0, min(share, 1.0)) * cells * 8)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
