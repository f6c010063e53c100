"""Who a row is: ids given at birth and never changed.

The first row with some content has row_id = content_sha (first 16 bytes of sha256 of the record's bytes); the k-th
repetition has sha256(content_sha, k). It knows hashes and counting; it does not know where rows come from.
"""

from __future__ import annotations

import hashlib

import numpy as np

MERGE_FACTOR = 2


class Occurrences:
    """Numbers repetitions of 16-byte content hashes, in order of arrival, in 12 bytes a distinct content.

    Content is told apart by the first 8 bytes of its hash, kept in sorted runs that are merged when they have grown
    alike (a dict would take about 275 bytes a row). Two contents that share those 8 bytes count as repetitions of
    each other: their ids still differ, since an id hashes all 16.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[np.ndarray, np.ndarray]] = []

    def number(self, content: np.ndarray) -> np.ndarray:
        """For every row of `content`, shape (n, 16) uint8: how many rows of this content came before; (n,) int64."""
        keys = _keys(content)
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        new = np.ones(len(ranked), bool)
        new[1:] = ranked[1:] != ranked[:-1]
        first = np.flatnonzero(new)
        within = np.arange(len(ranked)) - np.repeat(first, np.diff(np.append(first, len(ranked))))
        distinct = ranked[first]
        counts = np.diff(np.append(first, len(ranked))).astype(np.int32)
        earlier = np.zeros(len(distinct), np.int64)
        for known, times in self._runs:
            at = np.minimum(np.searchsorted(known, distinct), len(known) - 1)
            hit = known[at] == distinct
            earlier[hit] += times[at[hit]]
        numbers = np.empty(len(keys), np.int64)
        numbers[order] = within + np.repeat(earlier, counts)
        if len(distinct):
            self._add(distinct, counts)
        return numbers

    def _add(self, keys: np.ndarray, counts: np.ndarray) -> None:
        while self._runs and len(self._runs[-1][0]) < MERGE_FACTOR * len(keys):
            other, times = self._runs.pop()
            both = np.concatenate([other, keys])
            order = np.argsort(both, kind="stable")
            both, summed = both[order], np.concatenate([times, counts])[order]
            first = np.flatnonzero(np.append(True, both[1:] != both[:-1]))
            keys, counts = both[first], np.add.reduceat(summed, first).astype(np.int32)
        self._runs.append((keys, counts))


def row_ids(content: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The ids of new rows, shape (n, 16) uint8."""
    ids = content.copy()
    for i in np.flatnonzero(numbers):
        ids[i] = _repeated(content[i].tobytes(), int(numbers[i]))
    return ids


def made_row_id(content: bytes, place: int) -> bytes:
    """The id of a row a tool made: it depends on its content and on its place (`ord`) in the dataset."""
    return hashlib.sha256(b"made\0" + content + place.to_bytes(8, "big")).digest()[:16]


def _repeated(content: bytes, number: int) -> np.ndarray:
    return np.frombuffer(hashlib.sha256(content + number.to_bytes(8, "big")).digest()[:16], np.uint8)


def _keys(content: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(content[:, :8]).view(np.uint64).reshape(-1)
