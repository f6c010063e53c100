"""Which texts are most like a question: candidates for a rephrase, never a proof of one.

It knows hashed character n-grams, weights frozen from the questions, vectors of an embedder, and the nearest texts. It
does not know verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from ...context import Embedder

FEATURES: Final = 1 << 18
SHORTEST: Final = 3
LONGEST: Final = 5
METHOD: Final = f"character {SHORTEST} to {LONGEST}-grams, hashed to {FEATURES}, TF-IDF, cosine"

READ: Final = 2_000
"""Characters of a text that are compared: a rephrase of a question is not longer, and more would only thin it out."""

_DIGITS: Final = 6  # cosines are rounded before they are ranked, so that the order of sums cannot show
_CELLS: Final = 1 << 22
TOGETHER: Final = 256
"""Texts that are compared at a time."""
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)


class Near(NamedTuple):
    """A row whose text is like a question: its position, the number of the piece, and the cosine."""

    position: int
    piece: int
    cosine: float


class Space(Protocol):
    """Where texts lie: a row of length 1, or 0 for a text without features, for each."""

    name: str

    def vectors(self, texts: Sequence[str]) -> Any: ...


class TfIdf:
    """Hashed character n-grams, weighted by how few of a benchmark's questions hold them."""

    name = METHOD

    def __init__(self, frequency: np.ndarray, questions: int) -> None:
        """`frequency`: for each feature the number of questions, of so many, that hold it."""
        self._weights = np.log((1 + questions) / (1 + frequency)) + 1

    def vectors(self, texts: Sequence[str]) -> Any:
        from sklearn.preprocessing import normalize

        counts = _counts_of(tuple(texts)).copy()
        counts.data *= self._weights[counts.indices]
        return normalize(counts, copy=False)


class Embedded:
    """The vectors of an embedder."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self.name = embedder, f"embeddings of {embedder.name}, cosine"

    def vectors(self, texts: Sequence[str]) -> Any:
        parts = [self._embedder.embed(texts[low : low + TOGETHER]) for low in range(0, len(texts), TOGETHER)]
        found = np.concatenate([np.asarray(part, np.float64) for part in parts])
        length = np.sqrt((found * found).sum(axis=1, keepdims=True))
        return found / np.where(length == 0, 1, length)


class Nearest:
    """The `count` rows nearest to each question whose cosine is `least` or more, kept while texts are shown to it."""

    def __init__(self, space: Space, questions: Sequence[str], *, count: int, least: float) -> None:
        self._space, self._questions = space, space.vectors(questions)
        self._count, self._least = count, least
        self._found: list[list[Near]] = [[] for _ in questions]

    def show(self, texts: Sequence[str], positions: Sequence[int], pieces: Sequence[int]) -> None:
        """Compare more texts: piece `pieces[i]` of the row at `positions[i]`; rows ascend over all calls."""
        step = max(1, min(TOGETHER, _CELLS // max(len(self._found), 1)))
        for low in range(0, len(texts), step):
            vectors = self._space.vectors([text[:READ] for text in texts[low : low + step]])
            cosines = np.round(_product(self._questions, vectors), _DIGITS)
            items, places = np.nonzero(cosines >= self._least)
            for item, place in zip(items.tolist(), places.tolist(), strict=True):
                at = low + place
                self._found[item].append(Near(positions[at], pieces[at], float(cosines[item, place])))
            for item in np.unique(items).tolist():
                self._found[item] = best(self._found[item], self._count)

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


def question_counts(questions: Sequence[str]) -> np.ndarray:
    """For each feature the number of questions that hold it."""
    found = np.zeros(FEATURES, np.int32)
    for low in range(0, len(questions), TOGETHER):
        counts = character_counts(questions[low : low + TOGETHER])
        found += np.bincount(counts.indices, minlength=FEATURES).astype(np.int32)
    return found


def character_counts(texts: Sequence[str]) -> Any:
    """How often each hashed character n-gram stands in each text, lower-cased, white space run together: a sparse matrix
    of shape (texts, FEATURES)."""
    from scipy.sparse import csr_matrix

    lines = [" ".join(text.lower().split()) for text in texts]
    size = np.fromiter(map(len, lines), np.int64, len(lines))
    points = np.frombuffer("".join(lines).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    first = np.repeat(np.arange(len(lines)) * FEATURES, size)  # a text's features are counted from here
    found = [np.empty(0, np.int64)]
    for n in range(SHORTEST, LONGEST + 1):
        count = len(points) - n + 1
        if count <= 0:
            break
        hashed = np.full(count, n, np.uint64)
        for k in range(n):
            hashed = (hashed ^ points[k : k + count]) * _MULTIPLIER
            hashed ^= hashed >> np.uint64(29)
        inside = first[:count] == first[n - 1 :]
        found.append(first[:count][inside] + (hashed[inside] & np.uint64(FEATURES - 1)).astype(np.int64))
    every = np.sort(np.concatenate(found))
    new = np.flatnonzero(np.append(True, every[1:] != every[:-1])) if len(every) else np.empty(0, np.int64)
    distinct, counts = every[new], np.diff(np.append(new, len(every))).astype(np.float64)
    edges = np.searchsorted(distinct, np.arange(len(lines) + 1) * FEATURES)
    return csr_matrix((counts, (distinct % FEATURES).astype(np.int32), edges), shape=(len(lines), FEATURES))


@lru_cache(maxsize=1)
def _counts_of(texts: tuple[str, ...]) -> Any:
    """The counts of texts that are compared with one benchmark after the other."""
    return character_counts(texts)


def _product(questions: Any, vectors: Any) -> np.ndarray:
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    with threadpool_limits(1):
        found = questions @ vectors.T
    return found.toarray() if hasattr(found, "toarray") else np.asarray(found)
