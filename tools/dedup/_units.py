"""The lines or paragraphs of a text, and a text with some of them taken out.

It knows line ends, blank lines and code fences. It does not know which units repeat.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from hashlib import blake2b
from typing import Final, Literal, NamedTuple

from ..text.signals.prose import fenced

UnitKind = Literal["line", "paragraph"]

_AS_CODE: Final = 0.25
_STATEMENT: Final = re.compile(r"^(?:[^\S\n]{2,}|\t)\S|[;{}]\s*$|\):?\s*$|^\s*(?://|/\*|#include\b)", re.MULTILINE)
_BETWEEN: Final = {"line": re.compile(r"\n"), "paragraph": re.compile(r"\n(?:[^\S\n]*\n)+")}


class Unit(NamedTuple):
    """One line or paragraph, text[start:end]. `key` is the hash of its words; None where it is not compared."""

    start: int
    end: int
    key: bytes | None


def units(text: str, kind: UnitKind, min_characters: int) -> list[Unit]:
    """All units of a text in order; short ones and code have no key.

    Code is what touches a fenced block, and all of a text that `looks_like_code`. The key is blake2b (8 bytes) of the
    unit with single spaces between its words.
    """
    if looks_like_code(text):
        return [Unit(start, end, None) for start, end in _spans(text, kind)]
    fences = fenced(text)
    openings = [low for low, _ in fences]
    found: list[Unit] = []
    for start, end in _spans(text, kind):
        words = " ".join(text[start:end].split())
        before = bisect_left(openings, end) - 1
        in_code = before >= 0 and fences[before][1] > start
        compared = len(words) >= min_characters and not in_code
        found.append(Unit(start, end, blake2b(words.encode(), digest_size=8).digest() if compared else None))
    return found


def looks_like_code(text: str) -> bool:
    """Whether over a quarter of the lines that are not blank are indented, comments, or end as statements do: ; { } )
    or ): at the end."""
    lines = [line for line in text.split("\n") if line.strip()]
    return sum(_STATEMENT.search(line) is not None for line in lines) > _AS_CODE * len(lines)


def _spans(text: str, kind: UnitKind) -> Iterator[tuple[int, int]]:
    start = 0
    for between in _BETWEEN[kind].finditer(text):
        yield start, between.start()
        start = between.end()
    yield start, len(text)


def without(text: str, found: Sequence[Unit], gone: Collection[int]) -> str:
    """The text without the units of these numbers; each goes with what parts it from the unit before, or the first with
    what follows."""
    parts: list[str] = []
    for number, unit in enumerate(found):
        if number not in gone:
            before = found[number - 1].end if parts and number else unit.start
            parts.append(text[before : unit.end])
    return "".join(parts)
