"""Which near-duplicate documents to drop: the greedy rule over exact Jaccard similarities.

Knows the order in which documents are preferred and asks `candidates` what to compare. Does not know tools or stores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...errors import Misuse
from ..tokens import Positions
from .bounds import Sketches, possible, possible_between
from .candidates import candidates, components, distinct, packed
from .shingles import Run, ShingleSets, jaccard, ragged, runner

Similarities = npt.NDArray[np.float64]
Edges = tuple[Positions, Positions, Similarities]  # kept documents, later ones, similarities

_SMALL = 32  # members of a crowd whose pairs are listed at once
_ROUNDS = 64
_BLOCK = 256  # members of a large crowd settled at a time
_UNDECIDED, _KEPT, _DROPPED = 0, 1, 2


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
    """Go through the documents in keep order; drop one when its similarity to one kept before reaches `threshold`.

    rank: a number per document, low is kept first; ties, and the default, by position. pinned: a flag per document;
    pinned ones come first and are never dropped (a second set of documents to compare against). Of several kept
    documents that reach the threshold the survivor reported is the most similar one, of equals the first in keep
    order. A document without shingles (`ShingleSets.too_short`) is never dropped.

    The result does not depend on threads, nor on how the documents were batched. What is dropped is certain: the
    similarity is exact. A pair is missed with the probability stated in `candidates`. Time and memory grow linearly,
    but in a crowd (many documents of one template) the kept ones are each compared with all, at some 5 ns a pair.
    Raises Misuse for a threshold outside (0, 1] and for a `rank` or `pinned` of another length than `sets`.
    """
    if not 0 < threshold <= 1:
        raise Misuse(
            f"threshold is {threshold}; a Jaccard similarity lies in (0, 1].", next_step="Use 0.7, the default."
        )
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
    return NearDuplicates(dropped[ascending], order[a[best]][ascending], similarity[best][ascending], greedy.compared)


class _Greedy:
    """The greedy rule over sets in keep order. A document's state is final once all earlier candidates are."""

    def __init__(self, sets: ShingleSets, threshold: float, pinned: int, run: Run) -> None:
        self.sets, self.threshold, self.run = sets, threshold, run
        self.pinned = pinned
        self.state = np.zeros(len(sets), np.uint8)
        self.state[:pinned] = _KEPT
        self.compared = 0

    def edges(self) -> Edges:
        """(kept, dropped, similarity) of every pair that reaches the threshold."""
        found = candidates(self.sets, self.threshold, pinned=self.pinned, run=self.run)
        small = np.repeat(found.sizes <= _SMALL, found.sizes)
        a, b = _all_pairs(found.members[small], found.sizes[found.sizes <= _SMALL])
        free = b >= self.pinned
        a, b = distinct(np.concatenate([packed(found.a, found.b), packed(a[free], b[free])]))
        if len(a) > len(self.sets) // 2 or not small.all():  # else comparing them costs less than the bound
            may = possible(self.sets, a, b, self.threshold)
            a, b = a[may], b[may]
        crowds, sizes = self._with_pairs(found.members[~small], found.sizes[found.sizes > _SMALL], a, b)
        inside = np.zeros(len(self.sets), bool)
        inside[crowds] = True
        apart = ~inside[a]
        edges = [self.settle(a[apart], b[apart])]
        for crowd in np.split(crowds, np.cumsum(sizes)[:-1]) if len(sizes) else []:
            edges += self.settle_crowd(crowd)
        a, b, similarity = (np.concatenate(column) for column in zip(*edges, strict=True))
        return a, b, similarity

    def settle(self, a: Positions, b: Positions) -> Edges:
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
            pending = ~ready & (self.state[a] != _DROPPED)
            a, b = a[pending], b[pending]
        if len(a):  # a long chain, each link waiting for the one before: compare the rest at once, then go through it
            a, b, similarity = self.reaching(a, b)
            for i in np.lexsort((a, b)).tolist():
                if self.state[a[i]] != _DROPPED:
                    self.state[b[i]] = _DROPPED
            kept = self.state[a] != _DROPPED
            edges.append((a[kept], b[kept], similarity[kept]))
        a, b, similarity = (np.concatenate(column) for column in zip(*edges, strict=True))
        return a, b, similarity

    def settle_crowd(self, members: Positions) -> list[Edges]:
        """Decide the members of a crowd (ascending), each against those kept before, block after block."""
        typical = int(np.median(self.sets.size[members]))
        kept = Sketches.of(self.sets, members[members < self.pinned], typical)
        members = members[members >= self.pinned]
        edges = []
        low, step = 0, _SMALL // 2
        while low < len(members):
            block = Sketches.of(self.sets, members[low : low + step], typical)
            low, step = low + step, min(2 * step, _BLOCK)  # few at first: they often decide all the others
            edges.append(self.settle(*possible_between(kept, block, self.threshold, self.run)))
            left = block.select(self.state[block.documents] != _DROPPED)
            a, b = possible_between(left, block, self.threshold)
            edges.append(self.settle(a[a < b], b[a < b]))
            stays = self.state[left.documents] != _DROPPED
            self.state[left.documents[stays]] = _KEPT
            kept = kept.and_also(left.select(stays))
        return edges

    def reaching(self, a: Positions, b: Positions) -> Edges:
        """The pairs whose exact similarity reaches the threshold, and the similarity."""
        self.compared += len(a)
        similarity = jaccard(self.sets, a, b, self.run)
        reach = similarity >= self.threshold
        return a[reach], b[reach], similarity[reach]

    def _with_pairs(
        self, members: Positions, sizes: Positions, a: Positions, b: Positions
    ) -> tuple[Positions, Positions]:
        """The crowds, and what hangs together with one by pairs added to it: what is left can be settled on its own."""
        if not len(sizes):
            return members, sizes
        follows = np.ones(len(members), bool)
        follows[np.cumsum(sizes) - 1] = False
        links = np.flatnonzero(follows)
        everything, total = components(np.concatenate([members[links], a]), np.concatenate([members[links + 1], b]))
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
