"""One text against one part of an item: which words they share in runs, and how much of the part that is.

It knows words with their places in the original text, exact runs, and runs that go on past a few other words. It does
not know verdicts.
"""

from __future__ import annotations

import bisect
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

_WORD: Final = re.compile(r"\w+")
_WIDENING: Final = "\u0130"
"""The one character whose lower case is longer than itself."""

GAP: Final = 2
"""Words that may stand between two parts of one extended match, on either side."""

_AGREEING: Final = 1 << 22
"""Places that are looked at together: a bound on memory."""

_GAPS: Final = sorted(
    ((a, b) for a in range(GAP + 1) for b in range(GAP + 1) if a or b), key=lambda gap: (sum(gap), gap)
)
"""Words left out on either side, the fewest first."""

RESUME: Final = 2
"""Words that must agree again after such a gap, or as many as are left."""


@dataclass(frozen=True)
class Words:
    """The words of a text, lower-cased; word i is `text[start[i]:end[i]]` of the original text."""

    word: Sequence[str]
    start: Sequence[int]
    end: Sequence[int]

    @classmethod
    def of(cls, text: str) -> Words:
        lowered = text.lower()
        found = [match.span() for match in _WORD.finditer(lowered)]
        start, end = [low for low, _ in found], [high for _, high in found]
        if _WIDENING in text:
            origin = [i for i, character in enumerate(text) for _ in character.lower()]
            start, end = [origin[at] for at in start], [origin[at - 1] + 1 for at in end]
        return cls([lowered[low:high] for low, high in found], start, end)

    def __len__(self) -> int:
        return len(self.word)


class Run(NamedTuple):
    """`length` words that stand at `item` in the item's part and at `row` in the other text."""

    item: int
    row: int
    length: int


@dataclass(frozen=True)
class Extended:
    """An exact run of n words or more with what agrees before and after it, past gaps of a few words."""

    runs: tuple[Run, ...]

    @property
    def matched(self) -> int:
        return sum(run.length for run in self.runs)

    @property
    def first(self) -> int:
        return self.runs[0].item

    @property
    def last(self) -> int:
        return self.runs[-1].item + self.runs[-1].length


@dataclass(frozen=True)
class Overlap:
    """What a part of an item and a text share.

    `n`: words of a run that counts. `longest`: words of the longest common run, however short. `grams`: for each run of
    n words of the part, does the text hold it? `extended`: the matches, longest first. Shares are those of ConTAM
    (Singh et al. 2024): `token_match`, words in matched runs; `ngram_match`, matched runs; `token_extend`, words that
    agree in extended matches; `longest_match`, words of the longest extended match.
    """

    size: int
    n: int
    longest: int
    grams: np.ndarray
    extended: tuple[Extended, ...]

    @cached_property
    def covered(self) -> np.ndarray:
        """For each word: does it stand in a matched run?"""
        return covered(self.grams, self.n, self.size)

    @property
    def token_match(self) -> float:
        return float(self.covered.sum()) / self.size

    @property
    def ngram_match(self) -> float:
        return float(self.grams.sum()) / len(self.grams)

    @property
    def token_extend(self) -> float:
        agree = np.zeros(self.size, bool)
        for one in self.extended:
            for run in one.runs:
                agree[run.item : run.item + run.length] = True
        return float(agree.sum()) / self.size

    @property
    def longest_match(self) -> float:
        return max((one.matched for one in self.extended), default=0) / self.size

    def idf_coverage(self, weights: np.ndarray) -> float:
        """Share of the weight of the part's runs that the text holds."""
        whole = math.fsum(weights)
        return math.fsum(weights[self.grams]) / whole if whole else 0.0


def covered(grams: np.ndarray, n: int, size: int) -> np.ndarray:
    """Words inside any of the marked runs of n."""
    marked = np.zeros(size, bool)
    for i in range(n):
        marked[i : i + len(grams)] |= grams
    return marked


class Vocabulary:
    """A number for every word seen, so that texts can be compared as arrays."""

    def __init__(self) -> None:
        self._number = defaultdict[str, int]()
        self._number.default_factory = self._number.__len__  # a new word gets the next number

    def numbers(self, words: Sequence[str]) -> np.ndarray:
        return np.fromiter(map(self._number.__getitem__, words), np.int64, len(words))


class Places:
    """Where each word stands in a text. A long text is then looked at only where words of the part stand."""

    def __init__(self, text: np.ndarray) -> None:
        self._order = np.argsort(text, kind="stable")
        self._sorted = text[self._order]

    def of(self, words: np.ndarray) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
        """(low, high, number of a word from low to high - 1, place where it stands) for stretches of the words, each
        with about _AGREEING places at most."""
        first, end = (np.searchsorted(self._sorted, words, side) for side in ("left", "right"))
        count = end - first
        stretch = np.cumsum(count) // _AGREEING
        edges = [0, *(np.flatnonzero(np.diff(stretch)) + 1).tolist(), len(words)]
        for low, high in pairwise(edges):
            size = count[low:high]
            at = np.arange(size.sum()) + np.repeat(first[low:high] - (np.cumsum(size) - size), size)
            yield low, high, np.repeat(np.arange(low, high), size), self._order[at]


def overlap(part: np.ndarray, text: np.ndarray, n: int, places: Places | None = None) -> Overlap:
    """Compare a part of an item with a text, both as word numbers; the part has n words or more. `places` are the
    text's, made here when not given."""
    longest, grams, seeds = _runs(part, n, places or Places(text))
    extended: list[Extended] = []
    for seed in seeds:
        if any(seed in one.runs for one in extended):
            continue  # reached from an earlier one
        extended.append(_extend(part, text, seed))
    extended.sort(key=lambda one: (-one.matched, one.first, one.runs[0].row))
    return Overlap(len(part), n, longest, grams, tuple(extended))


def _runs(part: np.ndarray, n: int, places: Places) -> tuple[int, np.ndarray, list[Run]]:
    """(longest common run, runs of n words of the part that the text holds, maximal runs of n words or more)."""
    found: list[Run] = []
    longest = 0
    reaching: dict[int, Run] = {}  # runs up to the end of the stretch before, by the place where they go on
    for low, high, word, place in places.of(part):
        going: dict[int, Run] = {}
        for run in _stretch_runs(len(part), word, place, n, low, high):
            if run.item == low and run.row in reaching:
                before = reaching.pop(run.row)
                run = Run(before.item, before.row, before.length + run.length)
            longest = max(longest, run.length)
            if run.item + run.length == high < len(part):
                going[run.row + run.length] = run
            else:
                found.append(run)
        found += reaching.values()
        reaching = going
    seeds = sorted((run for run in found if run.length >= n), key=lambda run: (-run.length, run.item, run.row))
    grams = np.zeros(len(part) - n + 1, bool)
    for run in seeds:
        grams[run.item : run.item + run.length - n + 1] = True
    return longest, grams, seeds


def _stretch_runs(size: int, word: np.ndarray, place: np.ndarray, n: int, low: int, high: int) -> list[Run]:
    """Runs of a stretch of a part of `size` words: the longest, those of n words or more, and those that may go on."""
    if not len(word):
        return []
    # The words of a run lie on one diagonal, one after the other.
    at = np.sort((place - word + size) * (size + 1) + word)
    begins = np.flatnonzero(np.append(True, np.diff(at) != 1))
    length = np.diff(np.append(begins, len(at)))
    diagonal, item = np.divmod(at[begins], size + 1)
    kept = length >= min(n, length.max())
    kept |= (item == low) & (low > 0) | (item + length == high) & (high < size)
    each = (item[kept].tolist(), (diagonal + item - size)[kept].tolist(), length[kept].tolist())
    return [Run(*one) for one in zip(*each, strict=True)]


def _extend(part: np.ndarray, text: np.ndarray, seed: Run) -> Extended:
    after = _onwards(part, text, seed.item + seed.length, seed.row + seed.length)
    back = _onwards(part[::-1], text[::-1], len(part) - seed.item, len(text) - seed.row)
    before = [Run(len(part) - run.item - run.length, len(text) - run.row - run.length, run.length) for run in back]
    return Extended((*before[::-1], seed, *after))


def _onwards(part: np.ndarray, text: np.ndarray, i: int, j: int) -> list[Run]:
    """Runs that follow (i, j), each past a gap of at most GAP words on either side; the smallest gap first."""
    found: list[Run] = []
    while True:
        for a, b in _GAPS:
            length = _agree(part, text, i + a, j + b)
            if length >= min(RESUME, len(part) - i - a) and length:
                found.append(Run(i + a, j + b, length))
                i, j = i + a + length, j + b + length
                break
        else:
            return found


def _agree(part: np.ndarray, text: np.ndarray, i: int, j: int) -> int:
    """Words that agree from (i, j) on."""
    most = min(len(part) - i, len(text) - j)
    if most <= 0:
        return 0
    if part[i] != text[j]:
        return 0
    differ = part[i : i + most] != text[j : j + most]
    first = int(differ.argmax())
    return first if differ[first] else most


class Span(NamedTuple):
    """The same words in both texts: `text[start:end]` of piece `piece`, `part[item_start:item_end]` of the item."""

    piece: int
    start: int
    end: int
    item_start: int
    item_end: int


def spans(runs: Sequence[Run], part: Words, pieces: Sequence[Words]) -> list[Span]:
    """Runs as character spans; a run that crosses from one piece to the next is cut there."""
    ends = np.cumsum([len(piece) for piece in pieces]).tolist()
    found: list[Span] = []
    for run in runs:
        at, stop = run.row, run.row + run.length
        while at < stop:
            number = bisect.bisect_right(ends, at)
            begin = ends[number - 1] if number else 0
            upto = min(stop, ends[number])
            piece, low, high = pieces[number], at - begin, upto - begin - 1
            first = run.item + at - run.row
            last = first + upto - at - 1
            found.append(Span(number, piece.start[low], piece.end[high], part.start[first], part.end[last]))
            at = upto
    return found
