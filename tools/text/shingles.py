"""Sets of word n-grams ("shingles") of many documents, and the exact Jaccard similarity of pairs of them.

Knows how the sets are made, stored and compared; does not know which pairs are worth comparing (`candidates`) nor which
document stays (`similarity`).
"""

from __future__ import annotations

import mmap
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..errors import Misuse
from .tokens import Hashes, Positions, blocks, run_hashes, runs_inside, split_unspaced, word_hashes, words

Mask = npt.NDArray[np.bool_]
Run = Callable[..., Iterable[Any]]  # `map`, or the same over threads

MIX = np.uint64(0xC2B2AE3D27D4EB4F)
_RESERVED = 1 << 27  # hashes that addresses are taken for at first; memory is only taken where one is written
_COMPARED = 1 << 15  # shingles of the first documents compared at a time; their table stays in cache


@dataclass(frozen=True, slots=True, eq=False)
class ShingleSets:
    """One set of 64-bit shingle hashes per document: `hashes[start[d] : start[d] + size[d]]`, distinct, in no order.

    Two different shingles have the same hash with probability 2^-64; the hash is not made against crafted collisions.
    """

    hashes: Hashes
    start: Positions
    size: Positions
    file: mmap.mmap | None = None  # where the hashes lie, if not in memory

    def __len__(self) -> int:
        return len(self.size)

    @property
    def too_short(self) -> Positions:
        """Positions of the documents that have no shingle, being shorter than one: compare them by exact text."""
        return np.flatnonzero(self.size == 0)

    def ordered(self, order: Positions) -> ShingleSets:
        """The same sets with document `order[i]` at position i."""
        return ShingleSets(self.hashes, self.start[order], self.size[order], self.file)

    def gather(self, documents: Positions) -> Hashes:
        """The hashes of the given documents, one set after the other."""
        if not len(documents):
            return np.empty(0, np.uint64)
        size = self.size[documents]
        low, total = int(self.start[documents[0]]), int(size.sum())
        if (self.start[documents] == low + np.cumsum(size) - size).all():
            return self.hashes[low : low + total]
        return self.hashes[ragged(self.start[documents], size)]

    def release(self) -> None:
        """Hand back the memory into which hashes were read from the file; they are read again when needed."""
        if self.file is not None and hasattr(mmap, "MADV_DONTNEED"):
            self.file.madvise(mmap.MADV_DONTNEED)


def shingle_sets(
    batches: Iterable[pa.Array[Any]], *, ngram: int = 5, threads: int = 1, spill: BinaryIO | None = None
) -> ShingleSets:
    """The sets of runs of `ngram` words of every document, documents numbered in the order in which they come.

    batches: Arrow string arrays of any lengths; null counts as empty. Words are `\\w+` of the lower-cased text; each
    character of a script written without spaces is a word of its own, so that Chinese, Japanese or Thai text is
    compared by `ngram` characters. A document of fewer words has an empty set (`ShingleSets.too_short`).

    Memory: 8 bytes per word. With `spill`, a file opened "w+b", the hashes lie there and are mapped piece by piece, at no
    loss of speed while the page cache holds them: 10 million documents of 200 words then take 16 GB of disk, not of
    memory. The file may be closed afterwards, and deleted.
    Raises Misuse if ngram < 1.
    """
    if ngram < 1:
        raise Misuse(f"ngram is {ngram}; a shingle has at least one word.", next_step="Use 5, the usual length.")
    hashes, used = np.empty(0 if spill else _RESERVED, np.uint64), 0
    sizes = [np.empty(0, np.int64)]
    for signed in _in_order(lambda batch: _signed(batch, ngram), batches, threads):
        for found, size in signed:
            if spill:
                found.tofile(spill)
            else:
                if used + len(found) > len(hashes):
                    hashes.resize(used + max(len(found), _RESERVED // 16), refcheck=False)
                hashes[used : used + len(found)] = found
            used += len(found)
            sizes.append(size)
    file = None
    if spill and used:
        spill.flush()
        file = mmap.mmap(spill.fileno(), 8 * used, access=mmap.ACCESS_READ)
        hashes = np.frombuffer(file, np.uint64)
    elif not spill:
        hashes.resize(used, refcheck=False)
    size = np.concatenate(sizes)
    return ShingleSets(hashes, np.cumsum(size) - size, size, file)


def jaccard(sets: ShingleSets, a: Positions, b: Positions, run: Run = map) -> npt.NDArray[np.float64]:
    """Exact Jaccard similarity |A & B| / |A | B| of each pair (a[i], b[i]) of documents with shingles.

    Faster where equal `a` follow each other.
    """
    work = np.cumsum(sets.size[b])
    parts, low = [], 0
    while low < len(a):
        done = work[low - 1] if low else 0
        high = max(low + 1, int(np.searchsorted(work, done + _COMPARED, "right")))
        parts.append(slice(low, high))
        low = high
    shared = np.concatenate([np.empty(0, np.int64), *run(lambda part: _intersections(sets, a[part], b[part]), parts)])
    similarity: npt.NDArray[np.float64] = shared / (sets.size[a] + sets.size[b] - shared)
    return similarity


def ragged(start: Positions, size: Positions) -> Positions:
    """The positions start[i] to start[i] + size[i] - 1, one range after the other."""
    end = np.cumsum(size)
    positions: Positions = np.repeat(start - (end - size), size)
    positions += np.arange(len(positions))
    return positions


@contextmanager
def runner(threads: int) -> Iterator[Run]:
    """`map`, over that many threads. Results keep their order."""
    if threads <= 1:
        yield map
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool.map


def _in_order(work: Callable[[Any], Any], items: Iterable[Any], threads: int) -> Iterator[Any]:
    """`map` over threads which reads only a few items ahead."""
    if threads <= 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Any]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _signed(texts: pa.Array[Any], ngram: int) -> list[tuple[Hashes, Positions]]:
    """(shingle hashes of all documents, number of them for each), in blocks."""
    signed = []
    for block in blocks(texts):
        cut = split_unspaced(words(block))
        runs = run_hashes(word_hashes(cut), ngram)[runs_inside(cut.first, ngram)]
        size = np.maximum(np.diff(cut.first) - ngram + 1, 0)
        again = _repeated(runs + np.repeat(np.arange(len(size), dtype=np.uint64) * MIX, size))
        if len(again):
            size -= np.bincount(np.searchsorted(np.cumsum(size), again, "right"), minlength=len(size))
            runs = np.delete(runs, again)
        signed.append((runs, size))
    return signed


def _repeated(values: Hashes) -> Positions:
    """Positions of the well-mixed values that stand at another position too: all of each group but one.

    All enter a hash table of one entry per slot at once; who finds another in its slot either equals it or tries again.
    """
    bits = _slot_bits(len(values))
    kind = np.uint16 if len(values) <= 1 << 16 else np.uint32  # a small table stays in the nearest cache
    mixed, live, again = values, np.arange(len(values), dtype=kind), [np.empty(0, np.int64)]
    while len(live):
        table = np.empty(1 << bits, kind)
        slot = _slot(mixed, bits)
        table[slot] = live
        holder = table[slot]
        lost = np.flatnonzero(holder != live)
        live = live[lost]
        same = values[holder[lost]] == values[live]
        again.append(live[same].astype(np.int64))
        live = live[~same]
        mixed = mixed[lost[~same]] * MIX
    return np.sort(np.concatenate(again))


def _intersections(sets: ShingleSets, a: Positions, b: Positions) -> Positions:
    """|A & B| of each pair: the shingles of each A go into a hash table, tagged by A, and those of B look there."""
    new = np.append(True, a[1:] != a[:-1])
    tag = np.cumsum(new).astype(np.uint64) * MIX
    ours = sets.gather(a[new]) + np.repeat(tag[new], sets.size[a[new]])
    theirs = sets.gather(b) + np.repeat(tag, sets.size[b])
    sets.release()
    bits = _slot_bits(len(ours))
    found, live = np.zeros(len(theirs), bool), np.arange(len(theirs))
    while len(ours) and len(theirs):
        table = np.zeros(1 << bits, np.uint64)
        slot = _slot(ours, bits)
        table[slot] = ours
        met = table[_slot(theirs, bits)]
        hit = met == theirs
        found[live[hit]] = True
        # whose slot was taken by another tries again; so do those that may have looked for one of them
        open_ = np.flatnonzero((met != 0) & ~hit)
        ours = ours[table[slot] != ours] * MIX
        theirs, live = theirs[open_] * MIX, live[open_]
    end = np.cumsum(sets.size[b])
    return np.diff(np.searchsorted(np.flatnonzero(found), end), prepend=0)


def _slot_bits(entries: int) -> int:
    """Bits of a slot number in a table of two to four slots per entry."""
    return (2 * entries).bit_length()


def _slot(values: Hashes, bits: int) -> Positions:
    return (values >> np.uint64(64 - bits)).view(np.int64)
