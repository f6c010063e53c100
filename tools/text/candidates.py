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

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .shingles import MIX, Run, ShingleSets
from .tokens import Hashes, Positions

SAMPLE = 48
FINE_SAMPLE = 512
PAIRED = 4  # documents of one key that are paired with each other; more become a crowd
LARGE = 1024  # documents in a crowd that is worth a finer join
_MARGIN = 3.8  # standard deviations of the sampled overlap that the prefix filter leaves room for
_CHUNK = 1 << 19  # shingles sampled at a time


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
    """Candidates among the given documents (ascending)."""
    bits = max(len(documents) - 1, 1).bit_length()
    low = np.uint64((1 << bits) - 1)
    free = int(np.searchsorted(documents, pinned))
    slice_bits = min(max((sample * len(documents) >> 15).bit_length(), 1), 8)
    sampled, slices = _sampled_keys(sets, documents, sample, bits, slice_bits, run)

    def found(i: int) -> Hashes:
        keys = np.concatenate(slices[i])
        slices[i] = []  # together they are the largest thing here
        return _shared(keys, bits, slice_bits, free)

    shared = list(run(found, range(len(slices))))
    held = np.zeros(len(documents), np.int64)
    for i in range(0, len(shared), 16):
        holder = np.concatenate(shared[i : i + 16]) & low
        held += np.bincount(holder.view(np.int64), minlength=len(documents))
    share = np.full(len(documents), threshold - _MARGIN * np.sqrt(threshold * (1 - threshold) / sample))
    # a document similar to one of these is so short that it gives all of its shingles: nothing is left to chance
    share[sets.size[documents] <= threshold * sample] = threshold
    prefix = held - np.maximum(np.ceil(share * sampled - 1e-9), 1).astype(np.int64) + 1

    def grouped(i: int) -> tuple[Positions, Hashes]:
        """(pairs, sorted keys of many documents) of one slice."""
        keys, shared[i] = shared[i], shared[i][:0]
        keys = keys[prefix[(keys & low).view(np.int64)] > 0]
        frequency = _group_sizes(keys >> np.uint64(bits))
        few = np.repeat(frequency <= PAIRED, frequency)
        return _pairs(keys[few], bits, free), keys[~few]

    pairs, many = (np.concatenate(column) for column in zip(*run(grouped, range(len(shared))), strict=True))
    a, b = distinct(pairs)
    prefix -= held - np.bincount((many & low).view(np.int64), minlength=len(documents))
    members, sizes = _crowds(many, prefix, bits)
    return Candidates(documents[a], documents[b], documents[members], sizes)


def _sampled_keys(
    sets: ShingleSets, documents: Positions, sample: int, bits: int, slice_bits: int, run: Run
) -> tuple[Positions, list[list[Hashes]]]:
    """(number of keys of each document, all keys by slice of hash space).

    A key is hash bits above, index in `documents` below.
    """
    stored = np.argsort(sets.start[documents], kind="stable")
    work = np.cumsum(sets.size[documents][stored])
    edges = np.searchsorted(work, np.arange(_CHUNK, work[-1] if len(work) else 0, _CHUNK))
    low = np.uint64((1 << bits) - 1)

    def draw(index: Positions) -> tuple[Positions, list[Hashes]]:
        size = sets.size[documents[index]]
        rate = sample / np.maximum(size, 1)
        limit = np.minimum(rate * 2.0**64, 2.0**64 - 2048).astype(np.uint64)
        limit[rate >= 1] = np.uint64(2**64 - 1)
        hashes = sets.gather(documents[index])
        taken = np.flatnonzero(hashes <= np.repeat(limit, size))
        count = np.diff(np.searchsorted(taken, np.cumsum(size)), prepend=0)
        keys = hashes[taken] * MIX  # the sample is the low end of hash space: spread it again
        keys &= ~low
        keys |= np.repeat(index.astype(np.uint64), count)
        sets.release()
        part = (keys >> np.uint64(64 - slice_bits)).astype(np.uint8)
        order = np.argsort(part, kind="stable")  # a radix sort
        cuts = [0, *np.cumsum(np.bincount(part, minlength=1 << slice_bits)).tolist()]
        return count, [keys[order[begin:end]] for begin, end in itertools.pairwise(cuts)]

    sampled = np.zeros(len(documents), np.int64)
    slices: list[list[Hashes]] = [[np.empty(0, np.uint64)] for _ in range(1 << slice_bits)]
    chunks = [chunk for chunk in np.split(stored, edges) if len(chunk)]
    for chunk, (count, parts) in zip(chunks, run(draw, chunks), strict=True):
        sampled[chunk] = count
        for collected, part in zip(slices, parts, strict=True):
            collected.append(part)
    return sampled, slices


def _shared(keys: Hashes, bits: int, slice_bits: int, free: int) -> Hashes:
    """The keys of one slice, sorted, whose hash two documents have, one of them numbered `free` or above."""
    if not len(keys):
        return keys
    width = (4 * len(keys)).bit_length()
    slot = (keys << np.uint64(slice_bits) >> np.uint64(64 - width)).view(np.int64)
    keys = keys[(np.bincount(slot) > 1)[slot]]  # most keys of one document only leave here, without being sorted
    keys.sort()
    size = _group_sizes(keys >> np.uint64(bits))
    last_holder = keys[np.cumsum(size) - 1] & np.uint64((1 << bits) - 1)
    return keys[np.repeat((size > 1) & (last_holder >= free), size)]


def _group_sizes(values: npt.NDArray[Any]) -> Positions:
    """Lengths of the runs of equal values."""
    last = np.flatnonzero(np.append(values[1:] != values[:-1], True)) if len(values) else np.empty(0, np.int64)
    return np.diff(last, prepend=-1)


def _pairs(keys: Hashes, bits: int, free: int) -> Positions:
    """All pairs of documents that have one of the sorted keys in common, some more than once."""
    bucket, holder = keys >> np.uint64(bits), (keys & np.uint64((1 << bits) - 1)).view(np.int64)
    pairs = [holder[:0]]
    for step in range(1, PAIRED):
        same = np.flatnonzero(bucket[step:] == bucket[:-step])
        a, b = holder[same], holder[same + step]
        useful = (a < b) & (b >= free)
        pairs.append(packed(a[useful], b[useful]))
    return np.concatenate(pairs)


def packed(a: Positions, b: Positions) -> Positions:
    """Each pair as one number. Documents are numbered below 2^31."""
    return a << 32 | b


def distinct(pairs: Positions) -> tuple[Positions, Positions]:
    """The packed pairs in order, each once, unpacked. Sorts its argument."""
    pairs.sort()
    pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])] if len(pairs) else pairs
    return pairs >> 32, pairs & 0xFFFFFFFF


def _crowds(keys: Hashes, prefix: Positions, bits: int) -> tuple[Positions, Positions]:
    """(members, sizes) of the groups of documents connected by the `prefix[d]` rarest of the sorted keys of each d."""
    frequency = _group_sizes(keys >> np.uint64(bits))
    # rarest first, ties by hash: the same order in every document
    rank = np.empty(len(frequency), np.int64)
    rank[np.argsort(frequency, kind="stable")] = np.arange(len(frequency))
    shift = 63 - bits
    entry = np.repeat(rank, frequency) | (keys & np.uint64((1 << bits) - 1)).astype(np.int64) << shift
    entry = np.sort(entry[prefix[entry >> shift] > 0])
    held = _group_sizes(entry >> shift)
    begin = np.cumsum(held) - held
    entry = entry[np.arange(len(entry)) < np.repeat(begin + prefix[entry[begin] >> shift], held)]
    bucket = entry & ((1 << shift) - 1)
    by_bucket = np.argsort(bucket, kind="stable")
    bucket, holder = bucket[by_bucket], entry[by_bucket] >> shift
    same = np.flatnonzero(bucket[1:] == bucket[:-1])
    return components(holder[same], holder[same + 1])


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
