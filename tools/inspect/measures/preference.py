"""Pairs of a chosen and a rejected answer: what but quality may tell them apart, and which teach nothing.

It knows two answers and their prompt. It does not know which answer is better.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ...store.format.paths import find, parse_path
from .counting import Hits, Lengths, histogram
from .redundancy import Codes, Copies, Forks, copies, forks
from .seen import Said, Seen

LONGER: Final = 1.1
"""From this ratio of lengths on an answer is called the longer one."""


class Preference:
    """Counted over all pairs; what is wrong with a pair is a hit."""

    def __init__(self) -> None:
        self.pairs = 0
        self.longer = Counter[str]()
        self.difference = Lengths()
        self.half_shared = 0
        self.hits = Hits()
        self.margins: dict[str, array[float]] = {}
        self._keys: list[np.ndarray] = []
        self._turned: list[np.ndarray] = []

    def see(self, seen: Seen) -> None:
        sides = [(_side(said, "chosen"), _side(said, "rejected")) for said in seen.said]
        self.difference.update(len(chosen) - len(rejected) for chosen, rejected in sides)
        for position, (chosen, rejected) in enumerate(sides, seen.start):
            self._see_pair(position, chosen, rejected)
        for position, (said, prompt) in enumerate(zip(seen.said, seen.prompts, strict=True), seen.start):
            if not prompt and _opens_with_user(said, "chosen") and _opens_with_user(said, "rejected"):
                self.hits.add("preference.prompt_mismatch", position)
        pairs = [(prompt, *side) for prompt, side in zip(seen.prompts, sides, strict=True)]
        self._keys.append(np.fromiter(map(hash, pairs), np.int64, len(pairs)))
        turned = ((prompt, rejected, chosen) for prompt, chosen, rejected in pairs)
        self._turned.append(np.fromiter(map(hash, turned), np.int64, len(pairs)))
        self._see_scores(seen)
        self.pairs += len(seen)

    def _see_pair(self, position: int, chosen: str, rejected: str) -> None:
        if not chosen.strip() or not rejected.strip():
            self.hits.add("preference.empty_side", position)
        elif chosen == rejected:
            self.hits.add("preference.identical_sides", position)
        self.longer[_longer(len(chosen), len(rejected))] += 1
        shortest = min(len(chosen), len(rejected))
        self.half_shared += shortest > 0 and 2 * _common_start(chosen, rejected) >= shortest

    def _see_scores(self, seen: Seen) -> None:
        for name, other in score_columns(seen.records[0] if seen.records else {}):
            found = self.margins.setdefault(name, array("d"))
            for position, record in enumerate(seen.records, seen.start):
                chosen, rejected = _score(record.get(name)), _score(record.get(other))
                if chosen is not None and rejected is not None:
                    found.append(chosen - rejected)
                    if chosen < rejected:
                        self.hits.add("preference.score_contradicts", position)

    def repeated(self) -> Copies:
        """Pairs that repeat an earlier pair: the same prompt, chosen and rejected."""
        return copies(np.concatenate([np.empty(0, np.int64), *self._keys]))

    def contradictory(self) -> tuple[int, tuple[int, ...]]:
        """Pairs whose chosen answer another pair rejects in favour of this one's rejected answer; the first five."""
        none = np.empty(0, np.int64)
        ours, turned = np.concatenate([none, *self._keys]), np.concatenate([none, *self._turned])
        found = np.flatnonzero(np.isin(ours, turned) & (ours != turned))
        return len(found), tuple(found[:5].tolist())

    def details(self) -> dict[str, Any]:
        margins = {
            name: {"histogram": histogram(values), "ties": values.count(0.0), "count": len(values)}
            for name, values in self.margins.items()
            if values
        }
        return {
            "pairs": self.pairs,
            "longer": {name: self.longer[name] for name in ("chosen", "rejected", "same")},
            "difference": self.difference.summary(),
            "half_shared_prefix": self.half_shared,
            "margins": margins,
        }


def _common_start(a: str, b: str) -> int:
    """How many characters two texts have in common from their beginning, by bisection."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[:middle] == b[:middle] else (low, middle - 1)
    return low


def _longer(chosen: int, rejected: int) -> str:
    if chosen >= LONGER * rejected and chosen > rejected:
        return "chosen"
    return "rejected" if rejected >= LONGER * chosen and rejected > chosen else "same"


def _side(said: Said, side: str) -> str:
    return "\n\n".join([text for role, text, kind, _ in said if role == side and kind == "text" and text])


def _opens_with_user(said: Said, side: str) -> bool:
    """Whether one side is a whole conversation of its own: it has turns of its own before the answer."""
    return len({turn for role, _, _, turn in said if role == side}) > 1


def score_columns(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Columns that score the two sides, such as score_chosen and score_rejected, as pairs."""
    pairs = ((name, name.replace("chosen", "rejected")) for name in record if "chosen" in name)
    return [
        (name, other)
        for name, other in pairs
        if other in record and _score(record[name]) is not None and _score(record[other]) is not None
    ]


def _score(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and abs(value) < 1e308 else None


class Verdicts:
    """Answers with one label each (unpaired preference): how often each label, and answers that got both."""

    def __init__(self) -> None:
        self.labels = Counter[str]()
        self._codes = Codes()
        self._keys: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []

    def see(self, seen: Seen) -> None:
        path = parse_path(seen.mapping.paths["label"], tuple(seen.mapping.columns))
        labels = [str(next(find(record, path), ((), None))[1]) for record in seen.records]
        self.labels.update(labels)
        self._labels.append(self._codes.of(labels))
        answers = zip(seen.prompts, seen.responses, strict=True)
        self._keys.append(np.fromiter(map(hash, answers), np.int64, len(seen)))

    def contradictory(self) -> Forks:
        """Rows whose prompt and answer also occur under another label."""
        none = np.empty(0, np.int64)
        return forks(np.concatenate([none, *self._keys]), np.concatenate([none, *self._labels]))
