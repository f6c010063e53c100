"""How much of a text repeats itself, and how much of it is a loop.

It knows one text. A loop is what a model falls into: the same words three times or more, back to back.
Choruses, lists, tables and code repeat too, but with something else between, so they are no loops.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

GRAM: Final = 5
"""Words of a run that is looked for again."""

COPIES: Final = 3
"""Copies back to back that make a loop."""

FEWEST_WORDS: Final = 20
"""Words of a loop, all copies together: "No, no, no, no!" is an answer, and a row of a table may say yes four
times. Shorter texts are not judged at all."""

_LONGEST_MEAN_WORD: Final = 20  # beyond it a text is taken to be written without spaces
_WORD: Final = re.compile(r"\S+")
_CHARACTER: Final = re.compile(r"\S")
_LETTER: Final = re.compile(r"[^\W\d_]")


class Loop(NamedTuple):
    """Words [start, end) of a text, of which the first `period` come again until the end."""

    start: int
    end: int
    period: int


class Repetition(NamedTuple):
    """`duplicates`: share of the characters in 5-grams that occurred before. `looped`: share in loops
    (without whitespace, first copies counted out). `loop`: [start, end) in characters of the longest loop."""

    duplicates: float
    looped: float
    loop: tuple[int, int] | None


NONE: Final = Repetition(0.0, 0.0, None)


def repetition(text: str) -> Repetition:
    """What of a text repeats. Texts under FEWEST_WORDS give NONE; those written without spaces are read by
    character."""
    words = text.split()
    by_character = len(words) * _LONGEST_MEAN_WORD < len(text)
    if by_character:
        words = list("".join(words))
    if len(words) < FEWEST_WORDS:
        return NONE
    grams = list(zip(*(words[i:] for i in range(GRAM)), strict=False))
    if len(set(grams)) == len(grams):
        return NONE
    duplicates = duplicated_characters(words) / len(text)
    found = [
        loop for loop in loops(words, grams) if any(map(_LETTER.search, words[loop.start : loop.start + loop.period]))
    ]
    if not found:
        return Repetition(duplicates, 0.0, None)
    repeated = {i for loop in found for i in range(loop.start + loop.period, loop.end)}
    share = sum(len(words[i]) for i in repeated) / sum(map(len, words))
    longest = max(found, key=lambda loop: (loop.end - loop.start, -loop.start))
    places = [match.span() for match in (_CHARACTER if by_character else _WORD).finditer(text)]
    return Repetition(duplicates, share, (places[longest.start][0], places[longest.end - 1][1]))


def duplicated_characters(words: Sequence[str], n: int = GRAM) -> int:
    """Characters of the word n-grams that occurred before; after one, the search goes on behind it.

    The "duplicate n-gram" of Gopher (Rae et al. 2021, table A1), as datatrove counts it: words without the
    space between them.
    """
    seen: set[tuple[str, ...]] = set()
    count = i = 0
    while i + n <= len(words):
        gram = tuple(words[i : i + n])
        if gram in seen:
            count += sum(map(len, gram))
            i += n
        else:
            seen.add(gram)
            i += 1
    return count


def loops(words: Sequence[str], grams: Sequence[tuple[str, ...]]) -> list[Loop]:
    """Runs of words that repeat themselves at one distance, COPIES times or more and FEWEST_WORDS or
    longer."""
    last: dict[tuple[str, ...], int] = {}
    examined: dict[int, int] = {}  # distance -> up to which gram a run at this distance is known
    found: list[Loop] = []
    for i, gram in enumerate(grams):
        period = i - last.get(gram, i)
        last[gram] = i
        if not period or i < examined.get(period, 0):
            continue
        start, end = i, i + GRAM
        while start > period and words[start - 1] == words[start - 1 - period]:
            start -= 1
        while end < len(words) and words[end] == words[end - period]:
            end += 1
        examined[period] = end - GRAM + 1
        if end - start >= (COPIES - 1) * period and end - start + period >= FEWEST_WORDS:
            found.append(Loop(start - period, end, period))
    return found
