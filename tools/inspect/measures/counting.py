"""Distributions counted in one pass and in bounded memory: whole numbers, frequent and distinct values.

It knows counts, ranks and bins. It does not know rows, columns or what a value means. Every result depends on
the values (and, beyond capacity, on their order) alone, never on how they were cut into batches.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

import numpy as np

PERCENTS: Final = (0, 5, 25, 50, 75, 95, 99, 100)
BINS: Final = 16
KEPT_HASHES: Final = 4_096

Key = TypeVar("Key", bound=Any)


def rank(percent: int, count: int) -> int:
    """Nearest rank, from 0, of a percentile among `count` sorted values, as DuckDB's quantile_disc has it."""
    return max(-(-percent * count // 100) - 1, 0)


def edges(low: float, high: float, middle: float, *, whole: bool = False, bins: int = BINS) -> list[float]:
    """Rising bin edges over low..high: in steps of 1, 2 or 5 x 10^k, or by factors.

    By factors: values span two orders of magnitude and their median lies in the lowest eighth of the range.
    Steps of whole numbers are at least 1.
    """
    if low == high:
        return [low, high]
    if low >= 0 and high >= 100 * max(low, 1) and middle < low + (high - low) / 8:
        factor = next(f for f in (2, 4, 10, 100, 10_000, 1e8, 1e32) if high <= max(low, 1) * float(f) ** bins)
        first = math.floor(math.log(max(low, 1), factor))
        cuts = [0.0] if low < 1 else []
        return _covering([*cuts, *(float(factor**power) for power in range(first, first + bins + 2))], high)
    step = 10.0 ** math.floor(math.log10((high - low) / bins))
    step = next(step * by for by in (1, 2, 5, 10, 20) if (high - low) / (step * by) <= bins)
    step = max(step, 1.0) if whole else step
    first = math.floor(low / step)
    return _covering([_tidy((first + i) * step) for i in range(bins + 3)], high)


def _covering(cuts: Sequence[float], high: float) -> list[float]:
    """The cuts up to the first one above `high`; a bin is closed on the left and open on the right."""
    stop = next(i for i, cut in enumerate(cuts) if cut > high)
    return list(cuts[: stop + 1])


def _tidy(value: float) -> float:
    return float(f"{value:.12g}")


def histogram(values: Sequence[float], weights: Sequence[int] | None = None) -> dict[str, Any]:
    """-> {"edges": n + 1 rising numbers, "counts": n, "even": whether bins are equally wide}.

    Edges are equal only when all values are.
    """
    if not len(values):
        return {"edges": [], "counts": [], "even": True}
    array = np.asarray(values, np.float64)
    many = np.ones(len(array), np.int64) if weights is None else np.asarray(weights, np.int64)
    order = np.argsort(array, kind="stable")
    upto = np.cumsum(many[order])
    middle = float(array[order][np.searchsorted(upto, rank(50, int(upto[-1])), "right")])
    cuts = edges(float(array.min()), float(array.max()), middle, whole=bool((array == np.round(array)).all()))
    if cuts[0] == cuts[-1]:
        return {"edges": cuts, "counts": [int(upto[-1])], "even": True}
    place = np.clip(np.searchsorted(np.array(cuts), array, "right") - 1, 0, len(cuts) - 2)
    counts = np.bincount(place, weights=many, minlength=len(cuts) - 1)
    even = cuts[-1] - cuts[-2] < 1.5 * (cuts[2] - cuts[1]) if len(cuts) > 3 else True
    return {"edges": cuts, "counts": [int(count) for count in counts], "even": even}


class Lengths:
    """An exact distribution of whole numbers (lengths, counts), held as one count a value."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def update(self, values: Iterable[int]) -> None:
        self._counts.update(values)

    @property
    def count(self) -> int:
        return sum(self._counts.values())

    @property
    def total(self) -> int:
        return sum(value * count for value, count in self._counts.items())

    def quantiles(self, percents: Sequence[int] = PERCENTS) -> dict[str, int]:
        """{"p50": value, …} by nearest rank; empty when nothing was counted."""
        values = sorted(self._counts)
        if not values:
            return {}
        upto = np.cumsum([self._counts[value] for value in values])
        found = np.searchsorted(upto, [rank(percent, int(upto[-1])) for percent in percents], "right")
        return {f"p{percent}": values[place] for percent, place in zip(percents, found.tolist(), strict=True)}

    def summary(self) -> dict[str, Any]:
        """{"count", "total", "mean", "quantiles", "histogram"}."""
        values = sorted(self._counts)
        count, total = self.count, self.total
        return {
            "count": count,
            "total": total,
            "mean": total / count if count else None,
            "quantiles": self.quantiles(),
            "histogram": histogram(values, [self._counts[value] for value in values]),
        }


class Distinct:
    """How many different keys were seen, from the 4,096 smallest 64-bit hashes (standard error 1.6 %).

    K minimum values: Bar-Yossef et al. 2002, estimator (k - 1) / kth smallest of Beyer et al. 2007.
    """

    def __init__(self, kept: int = KEPT_HASHES) -> None:
        self._kept = kept
        self._smallest = np.empty(0, np.uint64)

    def update(self, keys: Iterable[str]) -> None:
        digests = b"".join(
            hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest() for key in keys
        )
        hashes = np.frombuffer(digests, np.uint64)
        if len(self._smallest) == self._kept:
            hashes = hashes[hashes < self._smallest[-1]]
        if len(hashes):
            self._smallest = np.unique(np.concatenate([self._smallest, hashes]))[: self._kept]

    def estimate(self) -> int:
        if len(self._smallest) < self._kept:
            return len(self._smallest)
        return round((self._kept - 1) * 2**64 / int(self._smallest[-1]))


class Frequent(Generic[Key]):
    """Counts of values, exact up to `capacity` different ones; beyond it the rare ones are forgotten.

    The counters of Misra and Gries 1982, lowered together when they are too many: `undercount` is the most
    any count can be too low by, and a value that occurs more often than that is always held. `distinct` then
    is an estimate.
    """

    def __init__(self, capacity: int = 50_000) -> None:
        self._capacity = capacity
        self._counts: Counter[Key] = Counter()
        self._seen: Distinct | None = None
        self.undercount = 0

    def update(self, keys: Iterable[Key]) -> None:
        """Count some keys. Rare ones are forgotten between calls, so calls must fall at the same rows always."""
        if self._seen is None:
            self._counts.update(keys)
        else:
            fresh = Counter(keys)
            self._seen.update(map(str, fresh))
            self._counts.update(fresh)
        if len(self._counts) > self._capacity:
            self._forget()

    def _forget(self) -> None:
        if self._seen is None:
            self._seen = Distinct()
            self._seen.update(map(str, self._counts))
        while len(self._counts) > self._capacity // 2:
            self.undercount += 1
            for key in [key for key, count in self._counts.items() if count <= 1]:
                del self._counts[key]
            self._counts.subtract(dict.fromkeys(self._counts, 1))

    @property
    def exact(self) -> bool:
        return self._seen is None

    @property
    def distinct(self) -> int:
        return len(self._counts) if self._seen is None else self._seen.estimate()

    @property
    def counts(self) -> Mapping[Key, int]:
        """What is held: every count when exact, else lower bounds of the frequent ones."""
        return self._counts

    def top(self, n: int) -> list[tuple[Key, int]]:
        """The n most frequent, ties by the value as text."""
        return heapq.nsmallest(n, self._counts.items(), key=lambda item: (-item[1], str(item[0])))


class Hits:
    """Rows counted by code, with the positions of the first five of each."""

    EXAMPLES: Final = 5

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._examples: dict[str, list[int]] = {}

    def add(self, code: str, position: int) -> None:
        self.counts[code] += 1
        kept = self._examples.setdefault(code, [])
        if len(kept) < self.EXAMPLES:
            kept.append(position)

    def examples(self, code: str) -> tuple[int, ...]:
        return tuple(self._examples.get(code, ()))


class Sample(Generic[Key]):
    """At most `size` items, chosen by a hash of their position and a seed: every item while they fit."""

    def __init__(self, size: int, seed: int) -> None:
        self._size = size
        self._seed = np.uint64(seed % 2**64)
        self._mask = np.uint64(0)
        self.positions: list[int] = []
        self.items: list[Key] = []

    def choose(self, start: int, count: int) -> list[int]:
        """Which of the `count` items from position `start` on are wanted, as offsets."""
        chosen: list[int] = np.flatnonzero(self._wanted(np.arange(start, start + count))).tolist()
        return chosen

    def add(self, positions: Sequence[int], items: Sequence[Key]) -> None:
        """Hold chosen items; when they are too many, half of all are let go."""
        self.positions.extend(positions)
        self.items.extend(items)
        while len(self.items) > self._size:
            self._mask = self._mask * np.uint64(2) + np.uint64(1)
            keep = np.flatnonzero(self._wanted(np.array(self.positions))).tolist()
            self.positions = [self.positions[i] for i in keep]
            self.items = [self.items[i] for i in keep]

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return not self._mask

    def _wanted(self, positions: np.ndarray) -> np.ndarray:
        mixed: np.ndarray = scramble(positions.astype(np.uint64) ^ scramble(self._seed))
        wanted: np.ndarray = (mixed & self._mask) == 0
        return wanted


def scramble(values: Any) -> Any:
    """64-bit integers mixed one to one (the finaliser of splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        values = np.asarray(values, np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))
