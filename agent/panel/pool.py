"""Texts that an accepted row must not nearly repeat: exact Jaccard of 5-word shingles against a pool that grows.

It knows texts, in the order they were added. Prefix filtering (Chaudhuri et al. 2006; Bayardo et al. 2007): two sets of
Jaccard >= t share one of their |A| - ceil(t|A|) + 1 smallest hashes, so only those are looked up.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa

from ...tools.panel import Rejected
from ...tools.text.tokens import Hashes, blocks, run_hashes, split_unspaced, word_hashes, words

NGRAM: Final = 5
RECENT: Final = 1 << 16
"""Entries kept in a dict before they are merged into the sorted array, which takes an eighth of the memory."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The shingles of a text, ascending; a text shorter than one shingle is compared by its words alone."""

    shingles: Hashes
    words: bytes


@dataclass(frozen=True, slots=True)
class Near:
    """A text of the pool and the similarity to it; `number` counts seeds, or is what an accepted row was added as."""

    seed: bool
    number: int
    jaccard: float


def signed(text: str) -> Signed:
    """The shingles of one text."""
    return next(all_signed([text]))


def all_signed(texts: Sequence[str]) -> Iterator[Signed]:
    """The shingles of many texts, in their order."""
    for block in blocks(pa.array(texts, pa.large_string())):
        cut = split_unspaced(words(block))
        hashes = word_hashes(cut)
        runs = run_hashes(hashes, NGRAM)
        for start, end in pairwise(cut.first.tolist()):
            inside = np.unique(runs[start : max(end - NGRAM + 1, start)])
            yield Signed(inside, b"" if len(inside) else hashes[start:end].tobytes())


class Pool:
    """A growing pool. `add` in ascending order of `added`; `nearest` may look at an earlier state of it."""

    def __init__(self, threshold: float, seeds: Sequence[str] = ()) -> None:
        self.threshold = threshold
        self._sets: list[Hashes] = []
        self._added: list[int] = []
        self._short: dict[bytes, int] = {}
        self._recent: dict[int, list[int]] = {}
        self._waiting = 0
        self._keys = np.empty(0, np.uint64)
        self._owners = np.empty(0, np.int32)
        for seed in all_signed(seeds) if seeds else ():
            self.add(seed, -1)

    def __len__(self) -> int:
        return len(self._sets)

    def add(self, text: Signed, added: int) -> None:
        """Add a text that was accepted as number `added`."""
        number = len(self._sets)
        self._sets.append(text.shingles)
        self._added.append(added)
        if not len(text.shingles):
            self._short.setdefault(text.words, number)
        for key in self._prefix(text.shingles).tolist():
            self._recent.setdefault(key, []).append(number)
            self._waiting += 1
        if self._waiting > RECENT:
            self._merge()

    def nearest(self, text: Signed, *, before: int | None = None) -> Near | None:
        """The most similar text at or above the threshold, the earliest of equals; with `before`, of those that were
        added as a number below it."""
        end = len(self._sets) if before is None else bisect_left(self._added, max(before, 0))
        if not len(text.shingles):
            number = self._short.get(text.words, end)
            return self._near(number, 1.0) if number < end else None
        numbers = self._candidates(text.shingles, end)
        if not numbers:
            return None
        sets = [self._sets[number] for number in numbers]
        sizes = np.array([len(one) for one in sets])
        place = np.searchsorted(text.shingles, all_ := np.concatenate(sets))
        inside = text.shingles[np.minimum(place, len(text.shingles) - 1)] == all_
        shared = np.add.reduceat(inside, np.cumsum(sizes) - sizes, dtype=np.int64)
        similarity = shared / (len(text.shingles) + sizes - shared)
        best = int(np.argmax(similarity))
        return self._near(numbers[best], float(similarity[best])) if similarity[best] >= self.threshold else None

    def _near(self, number: int, jaccard: float) -> Near:
        added = self._added[number]
        return Near(added < 0, number if added < 0 else added, jaccard)

    def _candidates(self, shingles: Hashes, end: int) -> list[int]:
        prefix = self._prefix(shingles)
        found = {number for key in prefix.tolist() for number in self._recent.get(key, ())}
        low, high = (np.searchsorted(self._keys, prefix, side) for side in ("left", "right"))
        for start, stop in zip(low.tolist(), high.tolist(), strict=True):
            if start < stop:
                found.update(self._owners[start:stop].tolist())
        return sorted(number for number in found if number < end)

    def _prefix(self, shingles: Hashes) -> Hashes:
        size = len(shingles)
        return shingles[: size - math.ceil(self.threshold * size - 1e-9) + 1] if size else shingles

    def _merge(self) -> None:
        keys = np.fromiter((key for key, owners in self._recent.items() for _ in owners), np.uint64, self._waiting)
        owners = np.fromiter((one for owners in self._recent.values() for one in owners), np.int32, self._waiting)
        keys, owners = np.concatenate([self._keys, keys]), np.concatenate([self._owners, owners])
        order = np.argsort(keys, kind="stable")
        self._keys, self._owners = keys[order], owners[order]
        self._recent, self._waiting = {}, 0


def near_duplicate(near: Near) -> Rejected:
    """A draft that nearly repeats what is there."""
    what = f"seed {near.number + 1}" if near.seed else f"the row accepted for task {near.number + 1}"
    evidence = {"of": "seed" if near.seed else "accepted", "number": near.number, "jaccard": round(near.jaccard, 6)}
    code = "near_duplicate_of_seed" if near.seed else "near_duplicate"
    return Rejected(code, f"nearly repeats {what} (Jaccard {near.jaccard:.2f})", evidence)
