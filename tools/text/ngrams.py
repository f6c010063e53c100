"""Which documents share a run of n words with which items: an index of the items' runs, and a lossless scan for them.

Knows runs of words as 64-bit hashes, and where they stand. Does not know what an item is, or what a shared run means.

A run of n words holds a run of m words that begins at a multiple of n - m + 1. So only every (n - m + 1)th run of m
words of a document, its anchors, is looked up in a table of all m-word runs of the items; the n-word runs around those
found are then looked up themselves. Nothing is lost, and nearly all of the time goes into cutting text into words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .tokens import RUN_FACTOR, Hashes, Positions, blocks, mix_runs, run_hashes, runs_inside, word_hashes, words

NORMALISER: Final = "lower-words@1"
"""`re.findall(r"\\w+", text.lower())`, with Unicode's idea of both; part of every number that depends on it."""

_ANCHOR: Final = {13: 6, 10: 5, 8: 4}
"""Words of an anchor: longer ones are rarer, shorter ones fewer."""

_NONE: Final = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Hashed:
    """The word hashes of a block of documents; document d holds `words[first[d]:first[d + 1]]`."""

    words: Hashes
    first: Positions

    @classmethod
    def of(cls, texts: pa.Array[Any]) -> Hashed:
        """The words of every text (Arrow string or large_string; null counts as empty), fastest on some 256 kB."""
        cut = words(texts)
        return cls(word_hashes(cut), cut.first)

    @property
    def sizes(self) -> Positions:
        """Words of each document."""
        return np.diff(self.first)

    def document(self, number: int) -> Hashes:
        """The words of one document."""
        return self.words[self.first[number] : self.first[number + 1]]

    @property
    def openings(self) -> Hashes:
        """For each document a hash of its first word and the number of words: different for most that differ."""
        if not len(self.words):
            return np.zeros(len(self.first) - 1, np.uint64)
        opening = self.words[np.minimum(self.first[:-1], len(self.words) - 1)]
        return mix_runs(opening * RUN_FACTOR + self.sizes.view(np.uint64))

    def taken(self, documents: Positions) -> Hashed:
        """Some of the documents, in the order given."""
        size = self.sizes[documents]
        first = np.concatenate([[0], np.cumsum(size)])
        return Hashed(self.words[np.arange(first[-1]) + np.repeat(self.first[documents] - first[:-1], size)], first)

    def regrouped(self, first: Positions) -> Hashed:
        """The same words as fewer documents: new document g holds the old ones `first[g]` to `first[g + 1] - 1`."""
        return Hashed(self.words, self.first[first])


@dataclass(frozen=True, slots=True)
class Hits:
    """Runs of documents that some item holds too, in reading order: arrays of one length.

    `document`, `position` of the first word in it, and `run`, the number of the run in the index.
    """

    document: Positions
    position: Positions
    run: Positions


def hashed(texts: pa.Array[Any]) -> Hashed:
    """The word hashes of many texts, worked through in blocks."""
    parts = [Hashed.of(block) for block in blocks(texts)]
    if not parts:
        return Hashed(np.empty(0, np.uint64), np.zeros(1, np.int64))
    sizes = np.concatenate([part.sizes for part in parts])
    return Hashed(np.concatenate([part.words for part in parts]), np.concatenate([[0], np.cumsum(sizes)]))


class KnownRuns:
    """Runs of `n` words that are looked for in documents: `hashes`, distinct and ascending."""

    def __init__(self, n: int, hashes: Hashes, anchors: Hashes) -> None:
        """`anchors` are the runs of m words inside them."""
        self.n, self.hashes = n, hashes
        # About sixteen slots for each anchor: one lookup in sixteen of strange text finds a taken slot.
        self._bits = min(max(int(16 * len(anchors)).bit_length(), 12), 24)
        taken = np.zeros(1 << self._bits, bool)
        taken[self._slot(anchors)] = True
        self._taken = np.packbits(taken, bitorder="little")  # small enough to stay in the processor's cache

    def scan(self, documents: Hashed) -> Hits:
        """Every run of n words of the documents that some item holds too."""
        n, m = self.n, anchor_words(self.n)
        step = n - m + 1
        text, total = documents.words, len(documents.words)
        if total < n or not len(self.hashes):
            return Hits(_NONE, _NONE, _NONE)
        count = (total - m) // step + 1
        anchors = _runs([text[i : i + (count - 1) * step + 1 : step] for i in range(m)])
        near = np.flatnonzero(self._known(anchors)) * step
        at = (near[:, None] + np.arange(1 - step, 1)).ravel()
        at = at[(at >= 0) & (at <= total - n)]
        # Most of what is left holds a chance anchor: its first and its last m words tell.
        at = at[self._known(_runs([text[at + i] for i in range(m)]))]
        at = at[self._known(_runs([text[at + i] for i in range(n - m, n)]))]
        document = np.searchsorted(documents.first, at, "right") - 1
        inside = at + n <= documents.first[document + 1]
        at, document = at[inside], document[inside]
        gram = _runs([text[at + i] for i in range(n)])
        run = np.minimum(np.searchsorted(self.hashes, gram), len(self.hashes) - 1)
        found = self.hashes[run] == gram
        at, document, run = at[found], document[found], run[found]
        return Hits(document, at - documents.first[document], run)

    def _known(self, runs: Hashes) -> npt.NDArray[np.bool_]:
        """May these runs of m words be anchors? All that are, and some others."""
        slot = self._slot(runs)
        byte = self._taken.take(slot >> 3)
        byte >>= (slot & 7).astype(np.uint8)
        byte &= np.uint8(1)
        return byte.view(np.bool_)

    def _slot(self, hashes: Hashes) -> Positions:
        return (hashes >> np.uint64(64 - self._bits)).view(np.int64)


class NgramIndex:
    """Every run of `n` words of some items.

    `hashes`: distinct runs, ascending. Run r stands in `item[first[r]:first[r + 1]]` at the words `position[...]`. `known`
    is what of it is needed to find the runs in documents.
    """

    def __init__(self, n: int, gram: Hashes, item: Positions, position: Positions, anchors: Hashes) -> None:
        """`gram` ascending, with the item and the position of each; `anchors`, the runs of m words inside them."""
        self.n = n
        self.gram, self.item, self.position, self.anchors = gram, item, position, anchors
        new = np.flatnonzero(np.append(True, gram[1:] != gram[:-1])) if len(gram) else _NONE
        self.hashes = gram[new]
        self.first = np.append(new, len(gram))
        self.known = KnownRuns(n, self.hashes, anchors)

    @classmethod
    def of(cls, items: Hashed, n: int) -> NgramIndex:
        """The index of all runs of `n` words of some items."""
        gram = run_hashes(items.words, n)
        at = np.flatnonzero(runs_inside(items.first, n))
        gram = gram[at]
        item = np.searchsorted(items.first, at, "right") - 1
        order = np.argsort(gram, kind="stable")
        m = anchor_words(n)
        every = run_hashes(items.words, m)
        inside = np.zeros(len(every) + 1, np.int64)
        np.add.at(inside, at, 1)
        np.add.at(inside, at + (n - m + 1), -1)
        anchors = np.sort(every[np.cumsum(inside)[:-1] > 0])  # far faster than np.unique, which hashes first
        anchors = anchors[np.append(True, anchors[1:] != anchors[:-1])] if len(anchors) else anchors
        return cls(n, gram[order], item[order], (at - items.first[item])[order], anchors)

    def scan(self, documents: Hashed) -> Hits:
        """Every run of n words of the documents that some item holds too."""
        return self.known.scan(documents)

    def spread(self, hits: Hits) -> tuple[Positions, Positions]:
        """(number of a hit, number of a standing place in `item` and `position`) for every place a hit's run has."""
        count = np.diff(self.first)[hits.run]
        end = np.cumsum(count)
        total = int(end[-1]) if len(end) else 0
        place = np.arange(total) + np.repeat(self.first[hits.run] - (end - count), count)
        return np.repeat(np.arange(len(count)), count), place

    def pairs(self, hits: Hits) -> npt.NDArray[np.int64]:
        """The distinct (document, item) that share a run, ascending: shape (pairs, 2)."""
        which, place = self.spread(hits)
        return np.unique(np.stack([hits.document[which], self.item[place]], 1), axis=0)


def anchor_words(n: int) -> int:
    """Words of an anchor of runs of `n`."""
    return _ANCHOR.get(n, max(1, n // 2))


def whole_hashes(documents: Hashed) -> Hashes:
    """The hash of each document as one run of all its words: what `run_hashes` gives for that length; 0 for none."""
    # The polynomial of a stretch is a difference of prefix sums, since the factor has an inverse modulo 2^64.
    inverse = np.uint64(pow(int(RUN_FACTOR), -1, 1 << 64))
    total = len(documents.words)
    falling = np.cumprod(np.concatenate([[np.uint64(1)], np.full(total, inverse)]), dtype=np.uint64)
    rising = np.cumprod(np.concatenate([[np.uint64(1)], np.full(total, RUN_FACTOR)]), dtype=np.uint64)
    prefix = np.concatenate([np.zeros(1, np.uint64), np.cumsum(documents.words * falling[:-1], dtype=np.uint64)])
    first, last = documents.first[:-1], documents.first[1:]
    polynomial = (prefix[last] - prefix[first]) * rising[np.maximum(last - 1, 0)]
    return np.where(last > first, mix_runs(polynomial), np.uint64(0))


def _runs(columns: list[Hashes]) -> Hashes:
    """The hash of the run columns[0][i], columns[1][i], … for every i: the number `run_hashes` gives it."""
    run = columns[0].copy()
    for column in columns[1:]:
        run *= RUN_FACTOR
        run += column
    return mix_runs(run)
