"""Which near-duplicate documents to drop: the greedy rule over exact Jaccard similarities.

Knows the order in which documents are preferred and asks `candidates` what to compare. Does not know tools or stores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import Misuse
from .candidates import candidates, components, distinct_pairs
from .shingles import Mask, Run, ShingleSets, jaccard, ragged, runner
from .tokens import Hashes, Positions

Similarities = npt.NDArray[np.float64]

_SMALL = 64  # members of a crowd whose pairs are listed at once
_ROUNDS = 64
_BLOCK = 256  # members of a large crowd settled at a time
_UNDECIDED, _KEPT, _DROPPED = 0, 1, 2
_WIDEST = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class NearDuplicates:
    """Document `dropped[i]` has the exact Jaccard similarity `jaccard[i]` to the kept document `survivor[i]`.

    Positions in document order; `dropped` ascending. `compared` counts the pairs compared exactly.
    """

    dropped: Positions
    survivor: Positions
    jaccard: Similarities
    compared: int


def near_duplicates(
    sets: ShingleSets,
    *,
    threshold: float = 0.7,
    rank: npt.ArrayLike | None = None,
    pinned: npt.ArrayLike | None = None,
    threads: int = 1,
) -> NearDuplicates:
    """Go through the documents in keep order; drop one when its similarity to a document kept before reaches `threshold`.

    rank: a number per document, low is kept first; ties, and the default, by position. pinned: a flag per document; pinned
    ones come first and are never dropped (a second set of documents to compare against). Of several kept documents
    that reach the threshold the survivor reported is the most similar one, of equals the first in keep order. A document
    without shingles (`ShingleSets.too_short`) is never dropped.

    The result does not depend on threads, nor on how the documents were batched. What is dropped is certain: the
    similarity is exact. A pair is missed with the probability stated in `candidates`. Raises Misuse for a threshold
    outside (0, 1] and for a `rank` or `pinned` of another length than `sets`.
    """
    if not 0 < threshold <= 1:
        raise Misuse(f"threshold is {threshold}; a Jaccard similarity lies in (0, 1].", next_step="Use 0.7, the default.")
    ranks = np.zeros(len(sets)) if rank is None else np.asarray(rank)
    fixed = np.zeros(len(sets), bool) if pinned is None else np.asarray(pinned, bool)
    for name, given in (("rank", ranks), ("pinned", fixed)):
        if given.shape != (len(sets),):
            raise Misuse(f"{name} has the shape {given.shape}, but there are {len(sets)} documents.")
    order = np.lexsort((ranks, ~fixed))
    with runner(threads) as run:
        greedy = _Greedy(sets.ordered(order), threshold, int(fixed.sum()), run)
        a, b, similarity = greedy.edges()
    best = np.lexsort((a, -similarity, b))
    best = best[np.append(True, b[best][1:] != b[best][:-1])] if len(best) else best
    dropped = order[b[best]]
    ascending = np.argsort(dropped)
    return NearDuplicates(
        dropped[ascending], order[a[best]][ascending], similarity[best][ascending], greedy.compared
    )


class _Greedy:
    """The greedy rule over sets in keep order. A document's state is final once all earlier candidates are."""

    def __init__(self, sets: ShingleSets, threshold: float, pinned: int, run: Run) -> None:
        self.sets, self.threshold, self.run = sets, threshold, run
        self.pinned = pinned
        self.state = np.zeros(len(sets), np.uint8)
        self.state[:pinned] = _KEPT
        self.compared = 0

    def edges(self) -> tuple[Positions, Positions, Similarities]:
        """(kept, dropped, similarity) of every pair that reaches the threshold."""
        found = candidates(self.sets, self.threshold, pinned=self.pinned, run=self.run)
        small = np.repeat(found.sizes <= _SMALL, found.sizes)
        a, b = _all_pairs(found.members[small], found.sizes[found.sizes <= _SMALL])
        free = b >= self.pinned
        a, b = distinct_pairs(np.concatenate([found.a, a[free]]), np.concatenate([found.b, b[free]]))
        if len(a) > len(self.sets) // 2 or not small.all():  # else comparing them costs less than the bound
            possible = self.possible(a, b)
            a, b = a[possible], b[possible]
        crowds, sizes = self._with_pairs(found.members[~small], found.sizes[found.sizes > _SMALL], a, b)
        inside = np.zeros(len(self.sets), bool)
        inside[crowds] = True
        apart = ~inside[a]
        edges = [self.settle(a[apart], b[apart])]
        for crowd in np.split(crowds, np.cumsum(sizes)[:-1]) if len(sizes) else []:
            edges += self.settle_crowd(crowd)
        a, b, similarity = (np.concatenate(column) for column in zip(*edges, strict=True))
        return a, b, similarity

    def settle(self, a: Positions, b: Positions) -> tuple[Positions, Positions, Similarities]:
        """Decide all documents of the pairs (a < b); compares only pairs whose first document is kept."""
        edges = [(a[:0], b[:0], np.empty(0))]
        for _ in range(_ROUNDS):
            if not len(a):
                break
            waiting = np.zeros(len(self.sets), bool)
            waiting[b] = True
            self.state[a[(self.state[a] == _UNDECIDED) & ~waiting[a]]] = _KEPT
            ready = self.state[a] == _KEPT
            edges.append(self.reaching(a[ready], b[ready]))
            self.state[edges[-1][1]] = _DROPPED
            open_ = ~ready & (self.state[a] != _DROPPED)
            a, b = a[open_], b[open_]
        if len(a):  # a long chain, each link waiting for the one before: compare the rest, then go through it
            a, b, similarity = self.reaching(a, b)
            for i in np.lexsort((a, b)).tolist():
                if self.state[a[i]] != _DROPPED:
                    self.state[b[i]] = _DROPPED
            kept = self.state[a] != _DROPPED
            edges.append((a[kept], b[kept], similarity[kept]))
        a, b, similarity = (np.concatenate(column) for column in zip(*edges, strict=True))
        return a, b, similarity

    def settle_crowd(self, members: Positions) -> list[tuple[Positions, Positions, Similarities]]:
        """Decide the members of a crowd (ascending), each against those kept before, block after block."""
        width = _width(int(np.median(self.sets.size[members])))
        fixed = members < self.pinned
        kept = members[fixed]
        maps = _bitmaps(self.sets, kept, width)
        edges = []
        members = members[~fixed]
        for low in range(0, len(members), _BLOCK):
            block = members[low : low + _BLOCK]
            block_maps = _bitmaps(self.sets, block, width)
            pairs = [self.possible_between(kept, maps, block, block_maps)]
            first, second = self.possible_between(block, block_maps, block, block_maps)
            pairs.append((first[first < second], second[first < second]))
            a, b = (np.concatenate(column) for column in zip(*pairs, strict=True))
            edges.append(self.settle(a, b))
            stays = self.state[block] != _DROPPED
            self.state[block[stays]] = _KEPT
            kept = np.concatenate([kept, block[stays]])
            maps = np.concatenate([maps, block_maps[stays]])
        return edges

    def reaching(self, a: Positions, b: Positions) -> tuple[Positions, Positions, Similarities]:
        """The pairs whose exact similarity reaches the threshold, and the similarity."""
        self.compared += len(a)
        similarity = jaccard(self.sets, a, b, self.run)
        reach = similarity >= self.threshold
        return a[reach], b[reach], similarity[reach]

    def possible(self, a: Positions, b: Positions) -> Mask:
        """False only where a bound shows that the pair cannot reach the threshold."""
        size = self.sets.size
        width = _widths(np.maximum(size[a], size[b]))
        possible = np.ones(len(a), bool)
        for each in np.unique(width).tolist():
            of_width = np.flatnonzero(width == each)
            used = np.zeros(len(size), bool)
            used[a[of_width]] = used[b[of_width]] = True
            maps, index = _bitmaps(self.sets, np.flatnonzero(used), each), np.cumsum(used) - 1
            for low in range(0, len(of_width), _BLOCK * _BLOCK // 4):
                part = of_width[low : low + _BLOCK * _BLOCK // 4]
                differ = np.bitwise_count(maps[index[a[part]]] ^ maps[index[b[part]]]).sum(axis=1, dtype=np.int64)
                possible[part] = differ <= self.most_different(size[a[part]] + size[b[part]])
        return possible

    def possible_between(
        self, left: Positions, left_maps: Hashes, right: Positions, right_maps: Hashes
    ) -> tuple[Positions, Positions]:
        """The pairs of a left and a right document which the same bound leaves possible."""
        found = [(left[:0], right[:0])]
        for low in range(0, len(left), _BLOCK):
            part, maps = left[low : low + _BLOCK], left_maps[low : low + _BLOCK]
            differ = np.zeros((len(part), len(right)), np.int32)
            for ours, theirs in zip(maps.T, right_maps.T, strict=True):
                differ += np.bitwise_count(ours[:, None] ^ theirs)
            most = self.most_different(self.sets.size[part][:, None] + self.sets.size[right])
            i, j = np.nonzero(differ <= most)
            found.append((part[i], right[j]))
        a, b = (np.concatenate(column) for column in zip(*found, strict=True))
        return a, b

    def most_different(self, total: Positions) -> npt.NDArray[np.float64]:
        """How many shingles two sets of `total` shingles together may not share if they reach the threshold."""
        return total * ((1 - self.threshold) / (1 + self.threshold)) + 1e-6

    def _with_pairs(
        self, members: Positions, sizes: Positions, a: Positions, b: Positions
    ) -> tuple[Positions, Positions]:
        """The crowds, and what hangs together with one by pairs added to it: what is left can be settled on its own."""
        if not len(sizes):
            return members, sizes
        follows = np.ones(len(members), bool)
        follows[np.cumsum(sizes) - 1] = False
        links = np.flatnonzero(follows)
        everything, total = components(
            np.concatenate([members[links], a]), np.concatenate([members[links + 1], b])
        )
        crowded = np.zeros(len(self.sets), bool)
        crowded[members] = True
        holds_crowd = np.add.reduceat(crowded[everything], np.cumsum(total) - total) > 0
        return everything[np.repeat(holds_crowd, total)], total[holds_crowd]


def _all_pairs(members: Positions, sizes: Positions) -> tuple[Positions, Positions]:
    """All pairs within each group, first before second; groups lie one after the other."""
    following = ragged(np.zeros_like(sizes), sizes)  # 0, 1, … within each group
    following = np.repeat(sizes, sizes) - 1 - following
    first = np.repeat(np.arange(len(members)), following)
    return members[first], members[ragged(np.arange(len(members)) + 1, following)]


def _bitmaps(sets: ShingleSets, documents: Positions, width: int) -> Hashes:
    """A row of `width` bits per document: bit i is set when a shingle falls there.

    Each bit in which two rows differ shows another shingle that only one of the documents has.
    """
    rows = [np.empty((0, width // 64), np.uint64)]
    for low in range(0, len(documents), _BLOCK):
        part = documents[low : low + _BLOCK]
        bits = np.zeros(len(part) * width, bool)
        slot = (sets.gather(part) >> np.uint64(65 - width.bit_length())).view(np.int64)
        bits[slot + np.repeat(np.arange(len(part)) * width, sets.size[part])] = True
        rows.append(np.packbits(bits).view(np.uint64).reshape(len(part), -1))
    return np.concatenate(rows)


def _widths(size: Positions) -> Positions:
    """Bits of the bitmap for documents of that many shingles: four to eight for each, a power of two."""
    return np.clip(1 << np.ceil(np.log2(np.maximum(4 * size, 1))).astype(np.int64), 256, _WIDEST)


def _width(size: int) -> int:
    return int(_widths(np.array([size]))[0])
