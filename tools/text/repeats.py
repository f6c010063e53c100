"""Runs of words that occur more than once on a page.

Knows word hashes and where pages end. Two counts of "characters in repeated runs" are made here, that of the Gopher
paper and that of datatrove; which of them a rule uses is not known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .pages import Mask, Spans
from .tokens import Hashes, Positions

_STEP, _MIX = np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0xD6E8FEB86659FD93)
_SLOT_BITS = 19  # a table that stays in cache


@dataclass(frozen=True, eq=False)
class Repeats:
    """The runs of `n` words that occur on their page at least twice, each occurrence once, run by run and page by page.

    Run r occurs `count[r]` times, at the words `at[start[r] : start[r] + count[r]]`, ascending. Runs are compared by
    64-bit hashes of which the bits remain that page and place leave over, 36 or so."""

    words: Spans
    n: int
    at: Positions
    start: Positions
    count: Positions

    def joined_duplicates(self) -> Positions:
        """Characters, on each page, of runs that occurred before; after one, the search goes on behind it
        (datatrove)."""
        found = np.zeros(len(self.words.pages), np.int64)
        order = np.argsort(self.at)
        run = np.repeat(self.start, self.count)[order]
        at = self.at[order]
        seen: set[int] = set()
        free, hits = 0, []
        for place, one in zip(at.tolist(), run.tolist(), strict=True):
            if place < free:
                continue
            if one in seen:
                hits.append(place)
                free = place + self.n
            else:
                seen.add(one)
        if hits:
            where = np.array(hits)
            length = self.words.length
            np.add.at(found, self.words.doc[where], length[where + self.n] - length[where])
        return found

    def covered_duplicates(self) -> Positions:
        """Characters, on each page, of words in a run that occurred before; each word counts once (the paper)."""
        again = np.ones(len(self.at), bool)
        again[self.start] = False
        return self._covered(again)

    def joined_top(self) -> Positions:
        """Length of the most frequent run, its words joined by a space, times its count (datatrove).

        Of equally frequent runs the first; where none repeats, that is the first run of the page; 0 without any.
        """
        words, n = self.words, self.n
        top = np.zeros(len(words.pages), np.int64)
        enough = np.flatnonzero(words.count >= n)
        place = words.first[enough]
        top[enough] = words.length[place + n] - words.length[place] + n - 1
        winner = self._most_frequent()
        place, count = self.at[self.start[winner]], self.count[winner]
        top[words.doc[place]] = count * (words.length[place + n] - words.length[place] + n - 1)
        return top

    def covered_top(self) -> Positions:
        """Characters, on each page, of the words in its most frequent run, each once; 0 where no run repeats (the
        paper)."""
        return self._covered(np.repeat(self._most_frequent(), self.count))

    def _covered(self, which: Mask) -> Positions:
        at = np.sort(self.at[which])
        words = self.words
        if not len(at):
            return np.zeros(len(words.pages), np.int64)
        upto = np.minimum(at + self.n, np.append(at[1:], len(words)))
        return words.pages.per_doc(words.doc[at], words.length[upto] - words.length[at])

    def _most_frequent(self) -> Mask:
        """Which run is the most frequent of its page, the first of equals."""
        first = self.at[self.start]
        doc = self.words.doc[first]
        page = np.flatnonzero(np.diff(doc, prepend=-1))
        if not len(page):
            return np.zeros(0, bool)
        rank = (self.count << 32) - first  # counts and places stay below 2^31: a block has fewer words
        best: Mask = rank == np.repeat(np.maximum.reduceat(rank, page), np.diff(np.append(page, len(doc))))
        return best


def repeats(words: Spans, longest: int) -> Iterator[Repeats]:
    """The repeated runs of 2, 3, … `longest` words. A longer run repeats only where the shorter one did."""
    total = len(words)
    place_bits = np.uint64(max(total.bit_length(), 1))
    places = np.uint64((1 << int(place_bits)) - 1)
    page_bits = np.uint64(max((len(words.pages) - 1).bit_length(), 1))
    page = words.doc.astype(np.uint64) << (np.uint64(64) - page_bits)
    hashes, shorter = words.hashes, words.hashes
    at = np.empty(0, np.int64)
    for n in range(2, longest + 1):
        if n == 2:
            longer = _longer(hashes[:-1], hashes[1:])
            key = (longer >> page_bits) & ~places | page[:-1]
            at = np.flatnonzero(_maybe_twice(key, int(place_bits)) & (page[1:] == page[:-1]))
            longer, key = longer[at], key[at]
        else:
            # Where this run may repeat: the shorter ones it begins and ends with do, and it stays on its page.
            at = at[:-1][at[1:] == at[:-1] + 1]
            at = at[at + n <= total]
            at = at[page[at + n - 1] == page[at]]
            longer = _longer(shorter[at], hashes[at + n - 1])
            key = (longer >> page_bits) & ~places | page[at]
        key |= at.astype(np.uint64)
        shorter = np.empty(total, np.uint64)
        shorter[at] = longer
        key.sort()
        again = (key[1:] ^ key[:-1]) <= places
        continues = np.concatenate([[False], again])[: len(key)]
        begins = np.concatenate([again, [False]])[: len(key)] & ~continues
        several = begins | continues
        place = (key & places).astype(np.int64)[several]
        start = np.flatnonzero(begins[several])
        yield Repeats(words, n, place, start, np.diff(np.append(start, len(place))))
        at = np.sort(place)


def _longer(run: Hashes, word: Hashes) -> Hashes:
    """The hash of a run and the word after it."""
    longer = run * _STEP
    longer += word
    longer ^= longer >> np.uint64(31)
    longer *= _MIX
    longer ^= longer >> np.uint64(29)
    return longer


def _maybe_twice(key: Hashes, unused_bits: int) -> Mask:
    """True wherever a key occurs twice, and for few others: sorting is for those only."""
    mixed = (key >> np.uint64(unused_bits)) * _STEP
    slot = (mixed >> np.uint64(64 - _SLOT_BITS)).astype(np.int32)
    number = np.arange(len(key), dtype=np.int32)
    last = np.empty(1 << _SLOT_BITS, np.int32)
    last[slot] = number
    shared = np.zeros(1 << _SLOT_BITS, bool)
    shared[slot[last[slot] != number]] = True
    return shared[slot]
