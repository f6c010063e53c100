"""Pairs of a chosen and a rejected answer: what besides quality may tell them apart, and pairs that cannot
teach.

It knows two answers and their prompt. It does not know which answer is better.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ...store.paths import find, parse_path
from .counting import Hits, Lengths, histogram
from .redundancy import Codes
from .seen import Said, Seen

LONGER: Final = 1.1
"""From this ratio of lengths on an answer is called the longer one."""


class Preference:
    """Counted over all pairs; what is wrong with a pair is a hit."""

    def __init__(self) -> None:
        self.pairs = 0
        self.longer = Counter[str]()
        self.difference = Lengths()
        self.prefix: list[float] = []
        self.hits = Hits()
        self.margins: dict[str, list[float]] = {}
        self._keys: list[bytes] = []

    def see(self, seen: Seen) -> None:
        prompts = seen.prompts
        sides = [(_side(pieces, "chosen"), _side(pieces, "rejected")) for pieces in seen.said]
        self.difference.update(len(chosen) - len(rejected) for chosen, rejected in sides)
        for position, (prompt, (chosen, rejected)) in enumerate(zip(prompts, sides, strict=True), seen.start):
            self._see_pair(position, prompt, chosen, rejected)
        for position, (pieces, prompt) in enumerate(zip(seen.said, prompts, strict=True), seen.start):
            if not prompt and _opens_with_user(pieces, "chosen") and _opens_with_user(pieces, "rejected"):
                self.hits.add("preference.prompt_mismatch", position)
        self._see_scores(seen)
        self.pairs += len(seen)

    def _see_pair(self, position: int, prompt: str, chosen: str, rejected: str) -> None:
        if not chosen.strip() or not rejected.strip():
            self.hits.add("preference.empty_side", position)
        elif chosen == rejected:
            self.hits.add("preference.identical_sides", position)
        self.longer[_longer(len(chosen), len(rejected))] += 1
        shortest = min(len(chosen), len(rejected))
        common = _common_start(chosen, rejected)
        self.prefix.append(common / shortest if shortest else 0.0)
        self._keys.append(_key(prompt, chosen) + _key(prompt, rejected))

    def _see_scores(self, seen: Seen) -> None:
        for name, other in score_columns(seen.records[0] if seen.records else {}):
            found = self.margins.setdefault(name, [])
            for position, record in enumerate(seen.records, seen.start):
                chosen, rejected = _score(record.get(name)), _score(record.get(other))
                if chosen is not None and rejected is not None:
                    found.append(chosen - rejected)
                    if chosen < rejected:
                        self.hits.add("preference.score_contradicts", position)

    def repeated(self) -> tuple[int, tuple[int, ...]]:
        """Pairs that repeat an earlier pair (prompt, chosen and rejected), and the first five of them."""
        seen: set[bytes] = set()
        found = []
        for i, key in enumerate(self._keys):
            if key in seen:
                found.append(i)
            seen.add(key)
        return len(found), tuple(found[:5])

    def contradictory(self) -> tuple[int, tuple[int, ...]]:
        """Pairs whose chosen answer another pair rejects in favour of this one's rejected answer."""
        keys = set(self._keys)
        found = [i for i, key in enumerate(self._keys) if key[:16] != key[16:] and key[16:] + key[:16] in keys]
        return len(found), tuple(found[:5])

    def details(self) -> dict[str, Any]:
        margins = {
            name: {"histogram": histogram(values), "ties": values.count(0.0), "count": len(values)}
            for name, values in self.margins.items()
            if values
        }
        prefixes = np.array(self.prefix)
        return {
            "pairs": self.pairs,
            "longer": {name: self.longer[name] for name in ("chosen", "rejected", "same")},
            "difference": self.difference.summary(),
            "half_shared_prefix": int((prefixes >= 0.5).sum()),
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


def _key(prompt: str, answer: str) -> bytes:
    whole = hashlib.blake2b(prompt.encode("utf-8", "surrogatepass"), digest_size=16)
    whole.update(b"\0" + answer.encode("utf-8", "surrogatepass"))
    return whole.digest()


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
        self._keys: list[bytes] = []
        self._labels: list[int] = []

    def see(self, seen: Seen) -> None:
        path = parse_path(seen.mapping.paths["label"], tuple(seen.mapping.columns))
        labels = [str(next(find(record, path), ((), None))[1]) for record in seen.records]
        self.labels.update(labels)
        self._labels.extend(self._codes.of(labels).tolist())
        self._keys.extend(map(_key, seen.prompts, seen.responses))

    def contradictory(self) -> tuple[int, tuple[int, ...]]:
        """Rows whose prompt and answer also occur under another label."""
        labels: dict[bytes, int] = {}
        both = {
            key for key, label in zip(self._keys, self._labels, strict=True) if labels.setdefault(key, label) != label
        }
        found = [i for i, key in enumerate(self._keys) if key in both]
        return len(found), tuple(found[:5])
