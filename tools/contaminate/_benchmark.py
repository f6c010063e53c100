"""A benchmark as it is searched for: its items, the runs of words in them, how many items hold each, and what of it can
be checked at all.

It knows how this is computed from items, stored as tables and read back. It does not know training data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ..text.characters import FEATURES, METHOD, question_counts
from ..text.ngrams import NORMALISER, Hashed, KnownRuns, NgramIndex, hashed, whole_hashes
from ..text.tokens import Hashes
from ._items import PARTS, Item, ItemFields

SEED: Final = 8
"""Words of a run that makes a row worth comparing with an item."""

COMPARED: Final = 13
"""Words of the longer run that others count."""

SHORTEST: Final = 5
"""Questions of fewer words are found by their fingerprint only."""

TEMPLATED: Final = 5
"""A run that stands in so many different items is a template, not the mark of one."""


@dataclass(frozen=True)
class Wanted:
    """What of a benchmark is looked for in rows: `fingerprints` and `openings` of whole texts, and `known` runs of words."""

    fingerprints: Mapping[int, Sequence[int]]
    openings: Hashes
    known: Mapping[int, KnownRuns]


@dataclass(frozen=True)
class Benchmark:
    """Items, and the indexes of their runs.

    `indexes`: 8 and 13 over the items' parts joined by a newline; 5, 6 and 7 over the questions of just so many words.
    `features`: for each hashed character n-gram the number of questions that hold it. `frequencies`: as registration froze
    them, else made when first asked for.
    """

    name: str
    vid: str
    fields: ItemFields
    revision: str
    license: str
    items: Sequence[Item]
    indexes: Mapping[int, NgramIndex]
    features: np.ndarray
    frequencies: dict[int, np.ndarray] = field(default_factory=dict, compare=False, repr=False)
    _parts: dict[str, Hashed] = field(default_factory=dict, compare=False, repr=False)

    def frequency(self, n: int) -> np.ndarray:
        """Different items that hold each run of `n` words, in the order of the index; copies of an item are one."""
        if n not in self.frequencies:
            index = self.indexes[n]
            run = np.repeat(np.arange(len(index.hashes)), np.diff(index.first))
            pairs = np.sort(run * len(self.items) + self.first_copy[index.item])
            new = np.append(True, pairs[1:] != pairs[:-1]) if len(pairs) else np.empty(0, bool)
            self.frequencies[n] = np.bincount(pairs[new] // max(len(self.items), 1), minlength=len(index.hashes))
        return self.frequencies[n]

    @cached_property
    def first_copy(self) -> np.ndarray:
        """For each item the number of the first with the same words in all parts."""
        whole = whole_hashes(hashed(pa.array([item.joined for item in self.items], pa.large_string())))
        _, first, inverse = np.unique(whole, return_index=True, return_inverse=True)
        copies: np.ndarray = first[inverse]
        return copies

    def parts(self, name: str) -> Hashed:
        """The words of this part of every item; an item without it has none."""
        if name not in self._parts:
            self._parts[name] = _hashed_parts(self.items, name)
        return self._parts[name]

    @property
    def words(self) -> np.ndarray:
        """Words of each question."""
        return self.parts("question").sizes

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.fingerprints, self.openings, {n: index.known for n, index in self.indexes.items()})

    @cached_property
    def fingerprints(self) -> dict[int, list[int]]:
        """The hash of a whole question, question and answer, question and options, or item -> numbers of items.

        A question says which item it is if it has 8 words, or 5 and neither options nor passage beside it, or nothing
        at all beside it: "Which of the following is true?" is no item's own.
        """
        found: dict[int, list[int]] = {}
        for texts in self._telling:
            for number, fingerprint in enumerate(whole_hashes(texts).tolist()):
                if fingerprint and number not in found.setdefault(fingerprint, []):
                    found[fingerprint].append(number)
        return found

    @cached_property
    def openings(self) -> Hashes:
        """How the texts open that `fingerprints` are of (see `Hashed.openings`), ascending."""
        return np.unique(
            np.concatenate([np.empty(0, np.uint64), *(one.openings[one.sizes > 0] for one in self._telling)])
        )

    @cached_property
    def _telling(self) -> list[Hashed]:
        """The texts that say which item they are, kind by kind; an item without one has an empty text."""
        found = []
        for parts in (("question",), ("question", "answer"), ("question", "options"), ("passage", "question"), PARTS):
            texts = [
                "\n".join(item.parts[part] for part in parts if part in item.parts)
                if parts == PARTS or (set(parts) <= set(item.parts) and (len(parts) > 1 or _telling(item, size)))
                else ""
                for item, size in zip(self.items, self.words.tolist(), strict=True)
            ]
            if any(texts):
                found.append(hashed(pa.array(texts, pa.large_string())))
        return found

    def preflight(self) -> dict[str, Any]:
        """What can be checked of it, and by what; JSON."""
        words = self.words
        frequency = self.frequency(SEED)
        index = self.indexes[SEED]
        common = np.repeat(frequency >= TEMPLATED, np.diff(index.first))
        empty = int((words == 0).sum())
        below = {str(n): int((words < n).sum()) for n in (SHORTEST, SEED, COMPARED)}
        return {
            "items": len(self.items),
            "distinct": len(np.unique(self.first_copy)),
            "empty": empty,
            "shorter_than": below,
            "templated_runs": int((frequency >= TEMPLATED).sum()),
            "templated_items": len(np.unique(index.item[common])),
            "parts": dict(Counter(part for item in self.items for part in item.parts)),
            "not_checked_by": {
                "fingerprint": empty,
                "n-grams": below[str(SHORTEST)],
                "similarity": empty,
                "translation": len(self.items),
            },
            "normaliser": NORMALISER,
        }


def build(
    name: str, vid: str, fields: ItemFields, items: Sequence[Item], *, revision: str = "", license: str = ""
) -> Benchmark:
    """Index the items."""
    joined = hashed(pa.array([item.joined for item in items], pa.large_string()))
    questions = _hashed_parts(items, "question")
    indexes = {n: NgramIndex.of(joined, n) for n in (SEED, COMPARED)}
    for n in range(SHORTEST, SEED):
        short = [item.question if size == n else "" for item, size in zip(items, questions.sizes, strict=True)]
        indexes[n] = NgramIndex.of(hashed(pa.array(short, pa.large_string())), n)
    features = question_counts([item.question for item in items])
    return Benchmark(name, vid, fields, revision, license, items, indexes, features)


def to_tables(benchmark: Benchmark) -> dict[str, pa.Table]:
    """What registration freezes: every run with its places and the number of different items that hold it; anchors; the
    numbers of questions that the weights of character n-grams come from."""
    runs, anchors = [], []
    for n, index in sorted(benchmark.indexes.items()):
        frequency = np.repeat(benchmark.frequency(n), np.diff(index.first))
        runs.append(
            pa.table(
                {
                    "n": pa.array(np.full(len(index.gram), n, np.int8)),
                    "gram": pa.array(index.gram),
                    "item": pa.array(index.item.astype(np.int32)),
                    "position": pa.array(index.position.astype(np.int32)),
                    "items": pa.array(frequency.astype(np.int32)),
                }
            )
        )
        anchors.append(pa.table({"n": pa.array(np.full(len(index.anchors), n, np.int8)), "gram": index.anchors}))
    held = np.flatnonzero(benchmark.features)
    features = pa.table({"feature": pa.array(held.astype(np.int32)), "questions": pa.array(benchmark.features[held])})
    features = features.replace_schema_metadata({"method": METHOD})
    return {"ngrams": pa.concat_tables(runs), "anchors": pa.concat_tables(anchors), "features": features}


def from_tables(
    ngrams: pa.Table,
    anchors: pa.Table,
    features: pa.Table,
    name: str,
    vid: str,
    fields: ItemFields,
    items: Sequence[Item],
) -> Benchmark:
    """A benchmark as it was registered."""
    column = {key: ngrams[key].to_numpy() for key in ngrams.column_names}
    anchor = {key: anchors[key].to_numpy() for key in anchors.column_names}
    indexes, frequencies = {}, {}
    for n in (*range(SHORTEST, SEED + 1), COMPARED):
        at, near = (slice(*np.searchsorted(one["n"], [n, n + 1]).tolist()) for one in (column, anchor))
        item, position = column["item"][at].astype(np.int64), column["position"][at].astype(np.int64)
        indexes[n] = NgramIndex(n, column["gram"][at], item, position, anchor["gram"][near])
        frequencies[n] = column["items"][at][indexes[n].first[:-1]].astype(np.int64)
    held = np.zeros(FEATURES, np.int32)
    held[features["feature"].to_numpy()] = features["questions"].to_numpy()
    return Benchmark(name, vid, fields, "", "", items, indexes, held, frequencies)


def _telling(item: Item, words: int) -> bool:
    """Does the question alone say which item it is?"""
    beside = set(item.parts) - {"question"}
    return words >= SEED or not beside or (words >= SHORTEST and beside == {"answer"})


def _hashed_parts(items: Sequence[Item], part: str) -> Hashed:
    return hashed(pa.array([item.parts.get(part, "") for item in items], pa.large_string()))
