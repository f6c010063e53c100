"""Winnowed fingerprints of texts: few hashes by which two texts that share a long enough run of words are sure to meet.

It knows words and their hashes. It does not know rows, nor which of two texts that share a run stays.

Winnowing (Schleimer, Wilkerson, Aiken, SIGMOD 2003): of every `w` consecutive hashes of `k` words the least is taken,
the first of equals. Equal runs of k + w - 1 words have the same hashes and so take the same one. A text gives about
2 / (w + 1) of its hashes. The paper's guarantee threshold is the `length` of a run here, its noise threshold k half.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..tokens import UNSPACED, Hashes, Positions, blocks, run_hashes, runs_inside, split_unspaced, word_hashes, words

_PLACE: Final = np.uint64(0xFFFFFFFF)


class Windows(NamedTuple):
    """Every run of `length` words that lies within one text: its `text`, its `place` (the number of its first word
    there), the `fingerprint` it takes, and its own `hash`. All of one length, in reading order."""

    text: Positions
    place: Positions
    fingerprint: Hashes
    hash: Hashes


def windows(texts: Sequence[str], length: int) -> Iterator[Windows]:
    """The runs of `length` words of each text, in blocks; texts are numbered from 0."""
    first_text = 0
    for block in blocks(pa.array(texts, pa.large_string())):
        cut = split_unspaced(words(block))
        hashes = word_hashes(cut)
        at = np.flatnonzero(runs_inside(cut.first, length))
        if len(at):
            text = np.searchsorted(cut.first, at, "right") - 1
            short = run_hashes(hashes, length // 2)
            picked = _least(short, length - length // 2 + 1)[at]
            yield Windows(text + first_text, at - cut.first[text], short[picked], run_hashes(hashes, length)[at])
        first_text += len(block)


def _least(hashes: Hashes, width: int) -> Positions:
    """The place of the least of every `width` consecutive hashes, by their upper 32 bits; the first of equals."""
    least = hashes & ~_PLACE | np.arange(len(hashes), dtype=np.uint64)
    size = 1
    while 2 * size <= width:
        least = np.minimum(least[:-size], least[size:])
        size *= 2
    if size < width:
        least = np.minimum(least[: size - width], least[width - size :])
    return (least & _PLACE).astype(np.int64)


class Word(NamedTuple):
    """A word in lower case, and where it stands: text[start:end]."""

    word: str
    start: int
    end: int


def placed_words(text: str) -> list[Word]:
    """The words that `tokens.split_unspaced(tokens.words(…))` cuts a text into, with their places in it."""
    lowered = text.lower()
    found = [Word(one.group(), *one.span()) for one in _words().finditer(lowered)]
    if len(lowered) == len(text):
        return found
    origin = np.repeat(np.arange(len(text)), [len(character.lower()) for character in text]).tolist()
    return [Word(one.word, origin[one.start], origin[one.end - 1] + 1) for one in found]


@cache
def _words() -> re.Pattern[str]:
    ranges: npt.NDArray[np.uint32] = UNSPACED
    unspaced = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges.tolist())
    return re.compile(rf"(?=\w)[{unspaced}]|(?:(?![{unspaced}])\w)+")
