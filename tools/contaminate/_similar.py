"""Which texts are most like a question, by their characters: candidates for a rephrase, never a proof of one.

It knows hashed character n-grams, weights frozen from the questions, and the nearest texts. It does not know verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

FEATURES: Final = 1 << 18
SHORTEST: Final = 3
LONGEST: Final = 5
METHOD: Final = f"character {SHORTEST} to {LONGEST}-grams, hashed to {FEATURES}, TF-IDF, cosine"

READ: Final = 2_000
"""Characters of a text that are compared: a rephrase of a question is not longer, and more would only thin it out."""

_DIGITS: Final = 6  # cosines are rounded before they are ranked, so that the order of sums cannot show


class Near(NamedTuple):
    """A row whose text is like a question: its position, the number of the piece, and the cosine."""

    position: int
    piece: int
    cosine: float


class Similar:
    """The `count` texts nearest to each question whose cosine is `least` or more, kept while texts are shown to it."""

    def __init__(self, questions: Sequence[str], items: Sequence[int], *, count: int, least: float) -> None:
        """`questions` are all of the benchmark's, which give the weights; `items` the numbers of those looked for."""
        counts: Any = _counts(questions)
        seen: np.ndarray = np.bincount(counts.indices, minlength=FEATURES)
        self._weights = np.log((1 + len(questions)) / (1 + seen)) + 1
        self._items = list(items)
        self._questions = self._weighted(counts[np.array(self._items)]) if self._items else None
        self._count, self._least = count, least
        self._found: list[list[Near]] = [[] for _ in self._items]

    def show(self, texts: Sequence[str], positions: Sequence[int], pieces: Sequence[int]) -> None:
        """Compare more texts: piece `pieces[i]` of the row at `positions[i]`; rows ascend over all calls."""
        if self._questions is None or not texts:
            return
        vectors = self._weighted(_counts([text[:READ] for text in texts]))
        cosines = np.round((self._questions @ vectors.T).toarray(), _DIGITS)
        for item, row in enumerate(cosines):
            for at in np.flatnonzero(row >= self._least).tolist():
                self._found[item].append(Near(positions[at], pieces[at], float(row[at])))
            self._found[item] = _best(self._found[item], self._count)

    def found(self) -> Iterator[tuple[int, list[Near]]]:
        """(item, its nearest rows, nearest first) for every item that has any."""
        yield from ((item, near) for item, near in zip(self._items, self._found, strict=True) if near)

    def _weighted(self, counts: Any) -> Any:
        from sklearn.preprocessing import normalize

        weighted = counts.astype(np.float64)
        weighted.data *= self._weights[weighted.indices]
        return normalize(weighted, copy=False)


def _best(found: list[Near], count: int) -> list[Near]:
    """The nearest `count` rows, each by its nearest piece; ties by position."""
    rows: dict[int, Near] = {}
    for one in sorted(found, key=lambda near: (-near.cosine, near.position, near.piece)):
        rows.setdefault(one.position, one)
        if len(rows) == count:
            break
    return list(rows.values())


def _counts(texts: Sequence[str]) -> Any:
    """How often each hashed character n-gram stands in each text: sparse, texts by FEATURES."""
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(
        analyzer="char", ngram_range=(SHORTEST, LONGEST), n_features=FEATURES, norm=None, alternate_sign=False
    )
    return vectorizer.transform(texts)
