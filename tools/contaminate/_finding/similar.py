"""Which texts are most like a question: candidates for a rephrase, never a proof of one.

It knows spaces in which texts are compared, and the nearest texts of each question. It does not know verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np

from ...context import Embedder
from ...text.characters import TOGETHER, Pairs, rounded

READ: Final = 2_000
"""Characters of a text that are compared: a rephrase of a question is not longer, and more would only thin it out."""

_CELLS: Final = 1 << 22


class Near(NamedTuple):
    """A row whose text is like a question: its position, the number of the piece, and the cosine."""

    position: int
    piece: int
    cosine: float


class Space(Protocol):
    """Where texts lie; `compared` gives a function of texts: their pairs with a question of this cosine or more."""

    name: str

    def compared(self, questions: Sequence[str], *, least: float) -> Callable[[Sequence[str]], Pairs]: ...


class Embedded:
    """The vectors of an embedder."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self.name = embedder, f"embeddings of {embedder.name}, cosine"

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """Of shape (texts, the embedder's dimensions); rows have length 1, or 0."""
        parts = [self._embedder.embed(texts[low : low + TOGETHER]) for low in range(0, len(texts), TOGETHER)]
        found = np.concatenate([np.asarray(part, np.float64) for part in parts])
        length = np.sqrt((found * found).sum(axis=1, keepdims=True))
        unit: np.ndarray = found / np.where(length == 0, 1, length)
        return unit

    def compared(self, questions: Sequence[str], *, least: float) -> Callable[[Sequence[str]], Pairs]:
        vectors = self.vectors(questions)

        def pairs(texts: Sequence[str]) -> Pairs:
            cosines = rounded(self.vectors(texts) @ vectors.T)
            places, items = np.nonzero(cosines >= least)
            return places, items, cosines[places, items]

        return pairs


class Nearest:
    """The `count` rows nearest to each question whose cosine is `least` or more, kept while texts are shown to it."""

    def __init__(self, space: Space, questions: Sequence[str], *, count: int, least: float) -> None:
        self._pairs, self._count = space.compared(questions, least=least), count
        self._found: list[list[Near]] = [[] for _ in questions]
        self._last = np.full(len(questions), -1.0)  # the cosine of a question's last row, once it has enough of them

    def show(self, texts: Sequence[str], positions: Sequence[int], pieces: Sequence[int]) -> None:
        """Compare more texts: piece `pieces[i]` of the row at `positions[i]`; rows ascend over all calls."""
        step = max(1, min(TOGETHER, _CELLS // max(len(self._found), 1)))
        for low in range(0, len(texts), step):
            places, items, cosines = self._pairs([text[:READ] for text in texts[low : low + step]])
            nearer = cosines > self._last[items]  # of rows equally near, the first are kept
            changed = items[nearer].tolist()
            for place, item, cosine in zip(places[nearer].tolist(), changed, cosines[nearer].tolist(), strict=True):
                self._found[item].append(Near(positions[low + place], pieces[low + place], cosine))
            for item in set(changed):
                self._found[item] = best(self._found[item], self._count)
                if len(self._found[item]) == self._count:
                    self._last[item] = self._found[item][-1].cosine

    def found(self) -> Iterator[tuple[int, list[Near]]]:
        """(number of the question, its nearest rows, nearest first) for every question that has any."""
        yield from ((item, near) for item, near in enumerate(self._found) if near)


def best(found: Sequence[Near], count: int) -> list[Near]:
    """The nearest `count` rows, each by its nearest piece; ties by position."""
    rows: dict[int, Near] = {}
    for one in sorted(found, key=lambda near: (-near.cosine, near.position, near.piece)):
        rows.setdefault(one.position, one)
        if len(rows) == count:
            break
    return list(rows.values())
