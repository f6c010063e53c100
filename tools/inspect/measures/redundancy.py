"""What occurs more than once: equal texts, equal prompts with other answers, and texts that two splits share.

It knows 64-bit keys and small codes, one a row. It does not know texts: those were read before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

NOTHING: Final = hash("")
"""The key of an empty text: rows without text are never copies of one another."""


def keys(texts: Sequence[str]) -> np.ndarray:
    """A 64-bit key for every text, shape (n,), int64: equal for equal texts, `NOTHING` for "".

    Python's own string hash (SipHash), whose secret changes from process to process: only equality is ever
    used. At 10 million different texts two share a key with a probability of 3 in a million.
    """
    return np.fromiter(map(hash, texts), np.int64, len(texts))


@dataclass(frozen=True)
class Copies:
    """Rows that equal an earlier row: `rows` of them in `groups` groups, the largest with `largest` rows."""

    rows: int
    groups: int
    largest: int
    examples: tuple[int, ...]


def copies(keys: np.ndarray) -> Copies:
    """How many rows repeat an earlier key; examples are the first five of them."""
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    again = np.zeros(len(keys), bool)
    again[1:] = (ranked[1:] == ranked[:-1]) & (ranked[1:] != NOTHING)
    starts = np.flatnonzero(~again)
    sizes = np.diff(np.append(starts, len(keys)))
    sizes = sizes[sizes > 1]
    examples = tuple(np.sort(order[again])[:5].tolist())
    return Copies(int(again.sum()), len(sizes), int(sizes.max(initial=0)), examples)


@dataclass(frozen=True)
class Shared:
    """`rows` rows of `left` hold a text that `right` holds too; `right_rows` counts the other way round."""

    left: str
    right: str
    rows: int
    right_rows: int
    examples: tuple[int, ...]


def shared(keys: np.ndarray, codes: np.ndarray, names: Sequence[str]) -> list[Shared]:
    """Pairs of parts (splits, sources) that have texts in common, `left` being the larger one."""
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    order = sorted(range(len(names)), key=lambda code: (-sizes[code], code))
    held = {code: np.unique(keys[(codes == code) & (keys != NOTHING)]) for code in order}
    found = []
    for left, right in combinations(order, 2):
        common = np.intersect1d(held[left], held[right], assume_unique=True)
        if len(common):
            inside = np.isin(keys, common)
            of_left = np.flatnonzero(inside & (codes == left))
            of_right = int((inside & (codes == right)).sum())
            examples = tuple(int(i) for i in of_left[:5])
            found.append(Shared(names[left], names[right], len(of_left), of_right, examples))
    return found


@dataclass(frozen=True)
class Forks:
    """`prompts` prompts that are answered in more than one way, in `rows` rows."""

    prompts: int
    rows: int
    examples: tuple[int, ...]


def forks(prompts: np.ndarray, answers: np.ndarray) -> Forks:
    """Prompts with several different answers."""
    order = np.lexsort((answers, prompts))
    by, of = prompts[order], answers[order]
    if not len(by):
        return Forks(0, 0, ())
    new_prompt = np.append(True, by[1:] != by[:-1])
    new_answer = new_prompt | np.append(True, of[1:] != of[:-1])
    group = np.cumsum(new_prompt) - 1
    different = np.bincount(group, weights=new_answer)
    forked = (different > 1) & (by[new_prompt] != NOTHING)
    rows = order[forked[group]]
    return Forks(int(forked.sum()), len(rows), tuple(int(i) for i in np.sort(rows)[:5]))


def occurrence(keys: np.ndarray) -> np.ndarray:
    """For every row, how many earlier rows have its key."""
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1])) if len(keys) else np.empty(0, np.int64)
    found = np.empty(len(keys), np.int64)
    found[order] = np.arange(len(keys)) - np.repeat(starts, np.diff(np.append(starts, len(keys))))
    return found


class Codes:
    """Names (of splits, of sources) as small whole numbers by first appearance; -1 for no name."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._known: dict[str | None, int] = {None: -1}

    def of(self, values: Sequence[str | None]) -> np.ndarray:
        for value in dict.fromkeys(values):
            if value not in self._known:
                self._known[value] = len(self.names)
                self.names.append(str(value))
        return np.array([self._known[value] for value in values], np.int32)
