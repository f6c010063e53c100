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

from ...errors import Misuse
from ..tokens import BLOCK_BYTES, Hashes, Positions, blocks, run_hashes, runs_inside, split_unspaced, word_hashes, words

Mask = npt.NDArray[np.bool_]
Run = Callable[..., Iterable[Any]]  # `map`, or the same over threads

MIX = np.uint64(0xC2B2AE3D27D4EB4F)
_RESERVED = 1 << 27  # hashes that addresses are taken for at first; memory is only taken where one is written
_COMPARED = 1 << 17  # shingles compared at a time


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


class Stack:
    """A growing array of hashes.

    Addresses are reserved ahead in one piece, which the system then backs with large pages: to have small ones mapped
    takes longer than to write them. Memory is only used where something was put.
    """

    def __init__(self, reserved: int) -> None:
        try:
            self._array = np.empty(reserved, np.uint64)
        except MemoryError:  # where the system promises no more than it has
            self._array = np.empty(0, np.uint64)
        self._used = 0

    @property
    def all(self) -> Hashes:
        """What was put so far; not valid after the next `put`."""
        return self._array[: self._used]

    def put(self, hashes: Hashes) -> int:
        """Add to the end; returns the position where it begins."""
        begin, self._used = self._used, self._used + len(hashes)
        if self._used > len(self._array):
            self._array.resize(self._used + max(self._used // 16, 1 << 20), refcheck=False)
        self._array[begin : self._used] = hashes
        return begin

    def clear(self) -> None:
        self._used = 0


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
    stack, sizes = Stack(0 if spill else _RESERVED), [np.empty(0, np.int64)]
    # threads take turns between operations: theirs are to be longer
    block = BLOCK_BYTES if threads <= 1 else 4 * BLOCK_BYTES
    for signed in in_order(lambda batch: _signed(batch, ngram, block), batches, threads):
        for hashes, size in signed:
            if spill:
                hashes.tofile(spill)
            else:
                stack.put(hashes)
            sizes.append(size)
    size = np.concatenate(sizes)
    start = np.cumsum(size) - size
    if not spill or not size.any():
        return ShingleSets(stack.all, start, size)
    spill.flush()
    file = mmap.mmap(spill.fileno(), 8 * int(size.sum()), access=mmap.ACCESS_READ)
    return ShingleSets(np.frombuffer(file, np.uint64), start, size, file)


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


def in_order(work: Callable[[Any], Iterable[Any]], items: Iterable[Any], threads: int) -> Iterator[Iterable[Any]]:
    """What `work` yields for each item, over threads that are only a few items ahead."""
    if threads <= 1:
        yield from map(work, items)
        return

    def done(item: Any) -> list[Any]:
        return list(work(item))

    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[list[Any]]] = deque()
        for item in items:
            waiting.append(pool.submit(done, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _signed(texts: pa.Array[Any], ngram: int, block_bytes: int) -> Iterator[tuple[Hashes, Positions]]:
    """(shingle hashes of all documents, number of them for each), block after block."""
    for block in blocks(texts, block_bytes):
        cut = split_unspaced(words(block))
        runs = run_hashes(word_hashes(cut), ngram)[runs_inside(cut.first, ngram)]
        size = np.maximum(np.diff(cut.first) - ngram + 1, 0)
        again = _repeated(runs + np.repeat(np.arange(len(size), dtype=np.uint64) * MIX, size))
        if len(again):
            size -= np.bincount(np.searchsorted(np.cumsum(size), again, "right"), minlength=len(size))
            runs = np.delete(runs, again)
        yield runs, size


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
        mixed, live, holder = mixed[lost], live[lost], holder[lost]
        same = values[holder] == values[live]
        if same.any():
            again.append(live[same].astype(np.int64))
            mixed, live = mixed[~same], live[~same]
        mixed *= MIX
    return np.sort(np.concatenate(again))


def _intersections(sets: ShingleSets, a: Positions, b: Positions) -> Positions:
    """|A & B| of each pair."""
    shared = np.empty(len(a), np.int64)
    same_size = sets.size[a] == sets.size[b]
    for count, pairs in ((_shared_in_place, same_size), (_shared_anywhere, ~same_size)):
        if pairs.any():
            shared[pairs] = count(sets, a[pairs], b[pairs])
    sets.release()
    return shared


def _shared_in_place(sets: ShingleSets, a: Positions, b: Positions) -> Positions:
    """|A & B| where |A| = |B|. Such documents often differ in single words: only what moved is looked up."""
    ours, theirs = sets.gather(a), sets.gather(b)
    differ = np.flatnonzero(ours != theirs)
    pair = np.repeat(np.arange(len(a)), sets.size[a])[differ]
    tag = pair.astype(np.uint64) * MIX
    found = _among(theirs[differ] + tag, ours[differ] + tag)
    return sets.size[a] - np.bincount(pair[~found], minlength=len(a))


def _shared_anywhere(sets: ShingleSets, a: Positions, b: Positions) -> Positions:
    """|A & B|: each A is tagged and put into the table once, however many B follow each other with it."""
    new = np.append(True, a[1:] != a[:-1])
    tag = np.cumsum(new).astype(np.uint64) * MIX
    ours = sets.gather(a[new]) + np.repeat(tag[new], sets.size[a[new]])
    found = _among(sets.gather(b) + np.repeat(tag, sets.size[b]), ours)
    return np.bincount(np.repeat(np.arange(len(b)), sets.size[b])[found], minlength=len(b))


def _among(values: Hashes, members: Hashes) -> Mask:
    """Which of the well-mixed values are among the members (distinct, none of them 0).

    All members enter a hash table of one entry per slot at once. Those that lost their slot go into the next table, with
    the values that may be one of them.
    """
    bits = _slot_bits(len(members))
    found, live = np.zeros(len(values), bool), np.arange(len(values))
    while len(members) and len(values):
        table = np.zeros(1 << bits, np.uint64)
        slot = _slot(members, bits)
        table[slot] = members
        met = table[_slot(values, bits)]
        hit = met == values
        found[live[hit]] = True
        open_ = np.flatnonzero((met != 0) & ~hit)
        members = members[table[slot] != members] * MIX
        values, live = values[open_] * MIX, live[open_]
    return found


def _slot_bits(entries: int) -> int:
    """Bits of a slot number in a table of two to four slots per entry."""
    return (2 * entries).bit_length()


def _slot(values: Hashes, bits: int) -> Positions:
    return (values >> np.uint64(64 - bits)).view(np.int64)
