"""Runs of words that occur more than once on a page.

Knows word hashes and where pages end. Two counts of "characters in repeated runs" are made here, that of the Gopher
paper and that of datatrove; which of them a rule uses is not known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..tokens import Hashes, Positions
from .pages import Mask, Spans

_STEP, _MIX, _PAGE = (np.uint64(c) for c in (0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93, 0x9E3779B97F4A7C15))
_SLOT_BITS = 19  # a table that stays in cache


@dataclass(frozen=True, eq=False)
class Repeats:
    """The runs of `n` words that occur on their page at least twice, each occurrence once, run by run and page by page.

    Run r occurs `count[r]` times, at the words `at[start[r] : start[r] + count[r]]`, ascending. Pairs of words are
    compared by 64-bit hashes of which the bits remain that page and place leave over, 36 or so."""

    words: Spans
    n: int
    at: Positions
    start: Positions
    count: Positions

    def joined_duplicates(self) -> Positions:
        """Characters, on each page, of runs that occurred before; after one, the search goes on behind it
        (datatrove)."""
        found = np.zeros(len(self.words.pages), np.int64)
        if not len(self.at):
            return found
        repeated = np.zeros(len(self.words), bool)
        repeated[self.at] = True
        run_at = np.empty(len(self.words), np.int64)
        run_at[self.at] = np.repeat(self.start, self.count)
        at = np.flatnonzero(repeated)
        run = run_at[at]
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
    """The repeated runs of 2, 3, … `longest` words.

    Two runs of n + 1 words are equal where the runs of n words that they begin and end with are: pairs of words are
    compared by hash, everything longer by the numbers of the shorter runs."""
    key, place_bits = _pairs(words)
    at, number = (key & ((1 << place_bits) - 1)).astype(np.int64), key >> place_bits
    run_at = np.full(len(words) + 1, -1)
    for n in range(2, longest + 1):
        again = number[1:] == number[:-1]
        continues = np.concatenate([[False], again])[: len(at)]
        begins = np.concatenate([again, [False]])[: len(at)] & ~continues
        several = np.flatnonzero(begins | continues)
        at, begins = at[several], begins[several]
        start = np.flatnonzero(begins)
        yield Repeats(words, n, at, start, np.diff(np.append(start, len(at))))
        run = np.cumsum(begins) - 1
        run_at[at] = run
        after = run_at[at + 1]
        run_at[at] = -1
        longer = np.flatnonzero(after >= 0)
        number = run[longer] << 32 | after[longer]
        # They stand in order of the run they begin with, so a sort that makes use of order has little to do.
        order = np.argsort(number, kind="stable")
        at, number = at[longer[order]], number[order]


def _pairs(words: Spans) -> tuple[Hashes, int]:
    """Every pair of words that may occur on its page twice, as page, hash of the pair and place in one number, sorted;
    and how many bits the place takes."""
    place_bits = max(len(words).bit_length(), 1)
    page_bits = max((len(words.pages) - 1).bit_length(), 1)
    pair = words.hashes[:-1] * _STEP
    pair += words.hashes[1:]
    pair ^= pair >> np.uint64(31)
    pair *= _MIX
    pair ^= pair >> np.uint64(29)
    page = words.doc.view(np.uint64)
    at = _maybe_twice(pair + page[:-1] * _PAGE)
    at = at[page[at + 1] == page[at]]
    key = pair[at] >> np.uint64(page_bits + place_bits) << np.uint64(place_bits)
    key |= page[at] << np.uint64(64 - page_bits)
    key |= at.view(np.uint64)
    key.sort()
    return key, place_bits


def _maybe_twice(hashes: Hashes) -> Positions:
    """Where the hashes stand that occur twice, and a few others: sorting is for those only."""
    bits = min(len(hashes).bit_length() + 3, _SLOT_BITS)
    slot = (hashes >> np.uint64(64 - bits)).view(np.int64)
    place = np.arange(len(hashes), dtype=np.int32)
    last = np.empty(1 << bits, np.int32)
    last[slot] = place
    other = np.flatnonzero(last[slot] != place)
    shared = np.zeros(len(hashes), bool)
    shared[other] = shared[last[slot[other]]] = True
    return np.flatnonzero(shared)
