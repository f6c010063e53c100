"""A watch over new texts, one at a time: does a text hold an item of a benchmark? It is a panel's gate.

It uses the indexes and the verdicts of `contaminate.scan`, but for what needs a whole dataset: a run is boilerplate here
when it stands in many items, not when it stands in many rows, and texts that are only alike are not looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ..store.format.pieces import Piece
from ..text.align import Vocabulary
from ..text.ngrams import Hashed, whole_hashes
from ._benchmark import SEED, SHORTEST, TEMPLATED, Benchmark
from ._verdicts import CONTAMINATED, Judge, RowText, Verdict

HELD: Final[frozenset[Verdict]] = frozenset([*CONTAMINATED, "partial"])
"""What makes a new text no training row: there is no reason to keep a doubtful one."""


def watch(benchmarks: Sequence[Benchmark]) -> Callable[[str], Mapping[str, Any] | None]:
    """-> a function from a text to the evidence of the strongest verdict on it, None where nothing was found."""
    watches = [_Watch(one) for one in benchmarks]

    def held(text: str) -> Mapping[str, Any] | None:
        return next((found for one in watches if (found := one.look(text)) is not None), None)

    return held


class _Watch:
    """One benchmark, its templated runs and its fingerprints made ready."""

    def __init__(self, benchmark: Benchmark) -> None:
        self._benchmark = benchmark
        self._own = {n: benchmark.frequency(n) < TEMPLATED for n in range(SHORTEST, SEED + 1)}
        boilerplate = np.unique(np.concatenate([benchmark.indexes[n].hashes[~own] for n, own in self._own.items()]))
        self._vocabulary = Vocabulary()
        self._judge = Judge(benchmark, boilerplate, self._vocabulary)

    def look(self, text: str) -> Mapping[str, Any] | None:
        words = Hashed.of(pa.array([text], pa.large_string()))
        exact = list(self._benchmark.fingerprints.get(int(whole_hashes(words)[0]), ()))
        items = set(exact)
        for n, own in self._own.items():
            index = self._benchmark.indexes[n]
            runs = np.unique(index.scan(words).run)
            for run in runs[own[runs]]:
                items.update(index.item[index.first[run] : index.first[run + 1]].tolist())
        if not items:
            return None
        row = RowText.of(0, [Piece((), "text", text, "text", -1)], self._vocabulary)
        pairs = [one for one in self._judge.row(row, sorted(items), exact) if one.verdict in HELD]
        if not pairs:
            return None
        first = pairs[0]
        return {"benchmark": self._benchmark.name, "item": first.item, "verdict": first.verdict, "reason": first.reason}
