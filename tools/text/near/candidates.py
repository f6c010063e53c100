"""Which pairs of documents can reach a Jaccard threshold: a sampled prefix-filter join (no MinHash permutations).

Knows shingle sets and a threshold. Does not compare documents exactly, and does not know which of them stays.

1. Sample: a shingle takes part when its hash < SAMPLE / size * 2^64, where size counts the shingles of its document.
   These limits are nested: two documents always compare the same part of hash space, and each gives about SAMPLE keys
   whatever its length. Documents of up to SAMPLE shingles give all of them.
2. Prefix filter (Chaudhuri, Ganti, Kaushik, ICDE 2006; Bayardo, Ma, Srikant, WWW 2007): two documents that share
   enough keys share one of their rarest. A key of one document only can never match, and a document left with fewer
   shared keys than it needs leaves. In text without copies nearly every document leaves here.
3. Documents that share a key with few others become pairs; those that share it with many become a crowd (typically a
   template with some words replaced), in which every pair is possible. A crowd of very many is joined once more with a
   larger sample, which leaves out the documents that only share their boilerplate.

Where both documents give all of their shingles nothing is missed. Otherwise a pair whose similarity equals the
threshold is missed with a probability of about 1e-4 at worst (one document contained in the other), and a more similar
one far less often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ..tokens import Hashes, Positions
from .shingles import MIX, Run, ShingleSets, Stack

SAMPLE = 48
FINE_SAMPLE = 512
PAIRED = 4  # documents of one key that are paired with each other; more become a crowd
LARGE = 1024  # documents in a crowd that is worth a finer join
_MARGIN = 3.8  # standard deviations of the sampled overlap that the prefix filter leaves room for
_CHUNK = 1 << 18  # shingles sampled at a time
_MOST_KEYS = 1 << 26  # keys held at a time (8 bytes each); beyond, hash space is gone through in several passes


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Pairs of documents (`a[i] < b[i]`, each pair once) and crowds, within each of which any pair is possible.

    `members` lists the crowds one after the other, documents ascending; `sizes` says how many belong to each.
    """

    a: Positions
    b: Positions
    members: Positions
    sizes: Positions


def candidates(sets: ShingleSets, threshold: float, *, pinned: int = 0, run: Run = map) -> Candidates:
    """All pairs of documents that may have a Jaccard similarity of `threshold` or more.

    The first `pinned` documents are not compared among themselves.
    """
    found = _join(sets, np.arange(len(sets)), SAMPLE, threshold, pinned, run)
    large = found.sizes > LARGE
    if not large.any():
        return found
    in_large = np.repeat(large, found.sizes)
    fine = _join(sets, np.sort(found.members[in_large]), FINE_SAMPLE, threshold, pinned, run)
    a, b = distinct(np.concatenate([packed(found.a, found.b), packed(fine.a, fine.b)]))
    members = np.concatenate([found.members[~in_large], fine.members])
    return Candidates(a, b, members, np.concatenate([found.sizes[~large], fine.sizes]))


def _join(sets: ShingleSets, documents: Positions, sample: int, threshold: float, pinned: int, run: Run) -> Candidates:
    """Candidates among the given documents (ascending), numbered from 0 in here."""
    count = len(documents)
    keys = _Keys(sets, documents, sample, free=int(np.searchsorted(documents, pinned)))
    sampled, shared = keys.shared(run)
    held = sum(keys.held(shared[i : i + 16]) for i in range(0, len(shared), 16))
    share = np.full(count, threshold - _MARGIN * np.sqrt(threshold * (1 - threshold) / sample))
    # a document similar to one of these is so short that it gives all of its shingles: nothing is left to chance
    share[sets.size[documents] <= threshold * sample] = threshold
    prefix = held - np.maximum(np.ceil(share * sampled - 1e-9), 1).astype(np.int64) + 1

    def grouped(i: int) -> tuple[Positions, Hashes]:
        """(pairs, sorted keys of many documents) of one slice."""
        some = shared[i][prefix[keys.holder(shared[i])] > 0]
        frequency = _run_lengths(keys.bucket(some))
        few = np.repeat(frequency <= PAIRED, frequency)
        return keys.pairs(some[few]), some[~few]

    pairs, many = (np.concatenate(column) for column in zip(*map(grouped, range(len(shared))), strict=True))
    a, b = distinct(pairs)
    prefix -= held - keys.held([many])
    members, sizes = keys.crowds(many, prefix)
    return Candidates(documents[a], documents[b], documents[members], sizes)


class _Keys:
    """The sampled keys of some documents: upper bits of a mixed shingle hash, the number of the document below.

    They come in slices of hash space, which are sorted one by one. Documents numbered below `free` are pinned.
    """

    def __init__(self, sets: ShingleSets, documents: Positions, sample: int, *, free: int) -> None:
        self.sets, self.documents, self.sample, self.free = sets, documents, sample, free
        self.bits = np.uint64(max(len(documents) - 1, 1).bit_length())
        self.low = np.uint64((1 << int(self.bits)) - 1)
        self.slice_bits = min(max((sample * len(documents) >> 15).bit_length(), 1), 8)
        self.passes = min(-(-sample * len(documents) // _MOST_KEYS) or 1, 1 << self.slice_bits)

    def holder(self, keys: Hashes) -> Positions:
        return (keys & self.low).view(np.int64)

    def bucket(self, keys: Hashes) -> Hashes:
        return keys >> self.bits

    def held(self, slices: Sequence[Hashes]) -> Positions:
        """The number of keys of each document."""
        return np.bincount(self.holder(np.concatenate(slices)), minlength=len(self.documents))

    def shared(self, run: Run) -> tuple[Positions, list[Hashes]]:
        """(number of keys of each document, slices of the keys that more than one document holds, sorted)."""
        stored = np.argsort(self.sets.start[self.documents], kind="stable")
        size = self.sets.size[self.documents][stored]
        edges = np.searchsorted(np.cumsum(size), np.arange(_CHUNK, size.sum(), _CHUNK))
        chunks = [chunk for chunk in np.split(stored, edges) if len(chunk)]
        sampled, lengths = np.zeros(len(self.documents), np.int64), []
        expected = int(np.minimum(size, self.sample).sum())
        drawn, shared = Stack(expected * 9 // 8 // self.passes), Stack(expected)
        for wanted in np.array_split(np.arange(1 << self.slice_bits), self.passes):
            drawn.clear()
            cuts: list[Positions] = []
            for chunk, (count, keys, cut) in zip(chunks, run(partial(self.draw, wanted), chunks), strict=True):
                sampled[chunk] = count
                cuts.append(drawn.put(keys) + cut)
            for i in range(len(wanted)):
                keys = self.repeated(drawn.all, np.array(cuts), i)
                lengths.append(len(keys))
                shared.put(keys)
        return sampled, np.split(shared.all, np.cumsum(lengths)[:-1])

    def draw(self, slices: Positions, numbers: Positions) -> tuple[Positions, Hashes, Positions]:
        """(number of keys of each of these documents, their keys in these slices, where a slice begins and ends)."""
        documents = self.documents[numbers]
        size = self.sets.size[documents]
        rate = self.sample / np.maximum(size, 1)
        limit = np.minimum(rate * 2.0**64, 2.0**64 - 2048).astype(np.uint64)
        limit[rate >= 1] = np.uint64(2**64 - 1)
        hashes = self.sets.gather(documents)
        taken = np.flatnonzero(hashes <= np.repeat(limit, size))
        count = np.diff(np.searchsorted(taken, np.cumsum(size)), prepend=0)
        keys = hashes[taken] * MIX  # the sample is the low end of hash space: spread it again
        self.sets.release()
        keys &= ~self.low
        keys |= np.repeat(numbers.astype(np.uint64), count)
        part = (keys >> np.uint64(64 - self.slice_bits)).astype(np.uint8)
        order = np.argsort(part, kind="stable")  # a radix sort
        cut = np.searchsorted(part[order], np.append(slices, slices[-1] + 1))
        return count, keys[order[cut[0] : cut[-1]]], cut - cut[0]

    def repeated(self, drawn: Hashes, cuts: Positions, i: int) -> Hashes:
        """The keys of slice i, sorted, whose hash two documents have, one of them numbered `free` or above.

        The slice lies in `drawn` in pieces: row by row of `cuts` from column i to column i + 1.
        """
        keys = np.concatenate([drawn[:0], *(drawn[cut[i] : cut[i + 1]] for cut in cuts)])
        if not len(keys):
            return keys
        width = (4 * len(keys)).bit_length()
        slot = (keys << np.uint64(self.slice_bits) >> np.uint64(64 - width)).view(np.int64)
        number = np.arange(len(keys), dtype=np.uint32)
        table, met = np.empty(1 << width, np.uint32), np.zeros(1 << width, bool)
        table[slot] = number
        met[slot[table[slot] != number]] = True
        keys = keys[met[slot]]  # most keys of one document only have left, without being sorted
        keys.sort()
        size = _run_lengths(self.bucket(keys))
        last = self.holder(keys)[np.cumsum(size) - 1]
        return keys[np.repeat((size > 1) & (last >= self.free), size)]

    def pairs(self, keys: Hashes) -> Positions:
        """All pairs of documents that have one of the sorted keys in common, packed, some more than once."""
        bucket, holder = self.bucket(keys), self.holder(keys)
        pairs = [holder[:0]]
        for step in range(1, PAIRED):
            same = np.flatnonzero(bucket[step:] == bucket[:-step])
            a, b = holder[same], holder[same + step]
            useful = (a < b) & (b >= self.free)
            pairs.append(packed(a[useful], b[useful]))
        return np.concatenate(pairs)

    def crowds(self, keys: Hashes, prefix: Positions) -> tuple[Positions, Positions]:
        """(members, sizes) of the groups connected by the `prefix[d]` rarest of the sorted keys of each document d."""
        frequency = _run_lengths(self.bucket(keys))
        # rarest first, ties by hash: the same order in every document
        rank = np.empty(len(frequency), np.int64)
        rank[np.argsort(frequency, kind="stable")] = np.arange(len(frequency))
        shift = 63 - int(self.bits)
        entry = np.repeat(rank, frequency) | self.holder(keys) << shift
        entry = np.sort(entry[prefix[entry >> shift] > 0])
        held = _run_lengths(entry >> shift)
        begin = np.cumsum(held) - held
        entry = entry[np.arange(len(entry)) < np.repeat(begin + prefix[entry[begin] >> shift], held)]
        bucket = entry & ((1 << shift) - 1)
        by_bucket = np.argsort(bucket, kind="stable")
        bucket, holder = bucket[by_bucket], entry[by_bucket] >> shift
        same = np.flatnonzero(bucket[1:] == bucket[:-1])
        return components(holder[same], holder[same + 1])


def _run_lengths(values: npt.NDArray[Any]) -> Positions:
    """Lengths of the runs of equal values."""
    last = np.flatnonzero(np.append(values[1:] != values[:-1], True)) if len(values) else np.empty(0, np.int64)
    return np.diff(last, prepend=-1)


def packed(a: Positions, b: Positions) -> Positions:
    """Each pair as one number. Documents are numbered below 2^31."""
    return a << 32 | b


def distinct(pairs: Positions) -> tuple[Positions, Positions]:
    """The packed pairs in order, each once, unpacked. Sorts its argument."""
    pairs.sort()
    pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])] if len(pairs) else pairs
    return pairs >> 32, pairs & 0xFFFFFFFF


def components(a: Positions, b: Positions) -> tuple[Positions, Positions]:
    """(members, sizes) of the connected components of the edges (a, b): members ascending within each component."""
    if not len(a):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    used = np.zeros(int(max(a.max(), b.max())) + 1, bool)
    used[a] = used[b] = True
    members = np.flatnonzero(used)
    index = np.cumsum(used) - 1
    graph = coo_array((np.ones(len(a), bool), (index[a], index[b])), shape=(len(members), len(members)))
    _, label = connected_components(graph, directed=False)
    return members[np.argsort(label, kind="stable")], np.bincount(label)
