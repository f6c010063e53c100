"""An upper bound of the Jaccard similarity of two documents, far cheaper than the similarity itself and never too low.

A document's sketch is a row of bits; each shingle flips the bit where its hash falls (the odd sketch of Mitzenmacher,
Pagh and Pham, WWW 2014). Every bit in which two sketches differ shows another shingle that only one document has. Where
they differ in more bits than two documents of the threshold may differ in shingles, the pair is impossible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..tokens import Hashes, Positions
from .shingles import Mask, Run, ShingleSets

_NARROW, _WIDE = 4, 32  # bits per shingle, at least: the first rejects most, the second nearly all the others
_FEWEST, _MOST = 256, 1 << 16  # bits of a sketch
_ROWS = 256  # documents sketched or compared at a time
_CELLS = 1 << 20  # bits built, or pairs compared, at a time


@dataclass(frozen=True, slots=True, eq=False)
class Sketches:
    """Sketches of the same two widths of some documents, a row for each."""

    documents: Positions
    size: Positions
    narrow: Hashes
    wide: Hashes

    @staticmethod
    def of(sets: ShingleSets, documents: Positions, typical: int) -> Sketches:
        """Sketches as wide as suits documents of `typical` shingles."""
        narrow, wide = (int(_widths(np.array([typical]), bits)[0]) for bits in (_NARROW, _WIDE))
        return Sketches(documents, sets.size[documents], _rows(sets, documents, narrow), _rows(sets, documents, wide))

    def select(self, mask: Mask) -> Sketches:
        return Sketches(self.documents[mask], self.size[mask], self.narrow[mask], self.wide[mask])

    def and_also(self, other: Sketches) -> Sketches:
        return Sketches(
            np.concatenate([self.documents, other.documents]),
            np.concatenate([self.size, other.size]),
            np.concatenate([self.narrow, other.narrow]),
            np.concatenate([self.wide, other.wide]),
        )


def possible_between(left: Sketches, right: Sketches, threshold: float, run: Run = map) -> tuple[Positions, Positions]:
    """The pairs of a left and a right document whose similarity may reach the threshold, left ones ascending."""

    def among(part: slice) -> tuple[Positions, Positions]:
        most = _most_different(left.size[part], threshold)[:, None] + _most_different(right.size, threshold)
        may = _differ_all(left.narrow[part], right.narrow) <= most
        i, j = np.divmod(np.flatnonzero(may), may.shape[1])  # far faster than nonzero of two dimensions
        if len(i) > may.size // 8:
            differ = _differ_all(left.wide[part], right.wide)[i, j]
        else:
            differ = _differ(left.wide[part], right.wide, i, j)
        still = differ <= most[i, j]
        return left.documents[part][i[still]], right.documents[j[still]]

    none = left.documents[:0]
    if not len(right.documents):
        return none, none
    parts = [slice(low, low + _ROWS) for low in range(0, len(left.documents), _ROWS)]
    a, b = (np.concatenate(column) for column in zip((none, none), *run(among, parts), strict=True))
    return a, b


def possible(sets: ShingleSets, a: Positions, b: Positions, threshold: float) -> Mask:
    """For each pair (a[i], b[i]) of documents: may its similarity reach the threshold?"""
    may = np.ones(len(a), bool)
    most = _most_different(sets.size[a], threshold) + _most_different(sets.size[b], threshold)
    for bits in (_NARROW, _WIDE):
        width = _widths(np.maximum(sets.size[a], sets.size[b]), bits)
        for each in np.unique(width[may]).tolist():
            pairs = np.flatnonzero(may & (width == each))
            used = np.zeros(len(sets), bool)
            used[a[pairs]] = used[b[pairs]] = True
            rows = _rows(sets, np.flatnonzero(used), each)
            row = np.cumsum(used) - 1
            may[pairs] = _differ(rows, rows, row[a[pairs]], row[b[pairs]]) <= most[pairs]
    return may


def _most_different(size: Positions, threshold: float) -> npt.NDArray[np.float32]:
    """The share of a document of that size in how many shingles two similar documents may have for themselves.

    |A ^ B| = (|A| + |B|) (1 - J) / (1 + J). A little is added, so that rounding never rejects a pair.
    """
    return (size * ((1 - threshold) / (1 + threshold)) * (1 + 1e-6) + 1e-3).astype(np.float32)


def _differ_all(left: Hashes, right: Hashes) -> npt.NDArray[np.int32]:
    """The number of bits in which each row of `left` and each row of `right` differ."""
    differ = np.zeros((len(left), len(right)), np.int32)
    for ours, theirs in zip(left.T, np.ascontiguousarray(right.T), strict=True):
        differ += np.bitwise_count(ours[:, None] ^ theirs)
    return differ


def _differ(left: Hashes, right: Hashes, i: Positions, j: Positions) -> npt.NDArray[np.int32]:
    """The number of bits in which row i of `left` and row j of `right` differ, for each pair."""
    differ = np.zeros(len(i), np.int32)
    step = max(_CELLS // (left.shape[1] or 1), 1)
    for low in range(0, len(i), step):
        part = slice(low, low + step)
        np.sum(np.bitwise_count(left[i[part]] ^ right[j[part]]), axis=1, out=differ[part])
    return differ


def _rows(sets: ShingleSets, documents: Positions, width: int) -> Hashes:
    """The sketches of `width` bits, a power of two: shape (documents, width / 64)."""
    rows = [np.empty((0, width // 64), np.uint64)]
    step = max(_CELLS // width, 1)
    shift = np.uint64(64 - width.bit_length() + 1)
    for low in range(0, len(documents), step):
        part = documents[low : low + step]
        bit = (sets.gather(part) >> shift).view(np.int64)
        bit += np.repeat(np.arange(len(part)) * width, sets.size[part])
        flipped = np.zeros(len(part) * width, np.uint8)
        np.bitwise_xor.at(flipped, bit, np.uint8(1))
        rows.append(np.packbits(flipped).view(np.uint64).reshape(len(part), -1))
    return np.concatenate(rows)


def _widths(size: Positions, bits: int) -> Positions:
    """The least power of two that gives each shingle that many bits, within limits."""
    exponent = np.ceil(np.log2(np.maximum(bits * size, 1))).astype(np.int64)
    width: Positions = np.clip(np.left_shift(1, exponent), _FEWEST, _MOST)
    return width
