"""How like each other texts are by their characters: hashed n-grams of 3 to 5, weighted by how few questions hold them.

It knows counts of n-grams, the weights, and how the pairs worth an exact cosine are found among very many. It does not
know rows, or which of the pairs are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np

FEATURES: Final = 1 << 18
SHORTEST: Final = 3
LONGEST: Final = 5
METHOD: Final = f"character {SHORTEST} to {LONGEST}-grams, hashed to {FEATURES}, TF-IDF, cosine"

TOGETHER: Final = 256
"""Texts that are compared at a time."""

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_NONE: Final = np.uint32(0xFFFFFFFF)  # where an n-gram would go on into the next text

_SUMS: Final = 1 << 10
_MARGIN: Final = 0.1  # 3 standard deviations of an estimate from so many sums
_UNIT: Final = (
    1 << 10
)  # sums are whole numbers of this part of 1: their products stay below 2^24, where float32 is exact
_PAIRS: Final = 1 << 10  # whose exact cosines are computed at a time

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Numbers of texts, ascending; numbers of questions; and their cosines."""


class TfIdf:
    """Hashed character n-grams, weighted by how few of a benchmark's questions hold them."""

    name = METHOD

    def __init__(self, frequency: np.ndarray, questions: int) -> None:
        """`frequency`: for each feature the number of questions, of so many, that hold it."""
        self._weights = np.log((1 + questions) / (1 + frequency)) + 1

    def vectors(self, texts: Sequence[str]) -> Any:
        """A sparse matrix of shape (texts, FEATURES); rows have length 1, or 0 for a text without features."""
        found = _counts_of(tuple(texts)).copy()
        found.data *= self._weights[found.indices]
        row = np.repeat(np.arange(len(texts)), np.diff(found.indptr))
        found.data /= np.sqrt(np.bincount(row, found.data**2, minlength=len(texts)))[row]
        return found

    def compared(self, questions: Sequence[str], *, least: float) -> Callable[[Sequence[str]], Pairs]:
        """A function of texts: their pairs with a question whose cosine, to 6 decimals, is `least` or more.

        Every cosine given is exact; which pairs are computed is estimated first, from the product of two count sketches
        (Charikar, Chen, Farach-Colton 2002): features are added up, with a random sign each, to 1,024 sums. The estimate
        is without bias; its standard deviation is at most ((1 + cosine²) / 1024)^½, .033 at a cosine of .3. Pairs
        estimated below `least` - .1 are left out. Of the pairs of .3 and more, and of the nearest 5 (HumanEval: 20) of
        each question, this left: GSM8K test and train 8,153 of 8,154 and 3,037 of 3,037; HumanEval and GPTeacher 919 of
        920 and 338 of 338; GSM8K test and itself with other names and numbers, sentences shuffled and a third of the
        words gone, among train, 7,905 of 7,905 and 3,795 of 3,795. The sums are whole numbers, so that an estimate
        depends on the two texts only.
        """
        vectors = self.vectors(questions)
        sketches = _sketches(vectors)

        def pairs(texts: Sequence[str]) -> Pairs:
            others = self.vectors(texts)
            likely = _sketches(others) @ sketches.T >= (least - _MARGIN) * _UNIT**2
            places, items = np.nonzero(likely)
            cosines = np.empty(len(places))
            for low in range(0, len(places), _PAIRS):
                some = slice(low, low + _PAIRS)
                cosines[some] = _cosines(others, vectors, places[some], items[some])
            enough = cosines >= least
            return places[enough], items[enough], cosines[enough]

        return pairs


def rounded(cosines: np.ndarray) -> np.ndarray:
    """To 6 decimals, before they are ranked: the order of sums cannot show."""
    return np.round(cosines, 6)


def question_counts(questions: Sequence[str]) -> np.ndarray:
    """For each feature the number of questions that hold it."""
    return np.bincount(character_counts(questions).indices, minlength=FEATURES).astype(np.int32)


def character_counts(texts: Sequence[str]) -> Any:
    """How often each hashed character n-gram stands in each text, lower-cased, white space run together: a sparse matrix
    of shape (texts, FEATURES)."""
    from scipy.sparse import csr_matrix, vstack

    if len(texts) > TOGETHER:
        parts = [character_counts(texts[low : low + TOGETHER]) for low in range(0, len(texts), TOGETHER)]
        return vstack(parts, format="csr")
    every = _features(texts)
    new = np.flatnonzero(np.append(True, every[1:] != every[:-1])) if len(every) else np.empty(0, np.int64)
    distinct, counts = every[new], np.diff(np.append(new, len(every))).astype(np.float64)
    edges = np.searchsorted(distinct // FEATURES, np.arange(len(texts) + 1))
    return csr_matrix((counts, (distinct % FEATURES).astype(np.int32), edges), shape=(len(texts), FEATURES))


def _features(texts: Sequence[str]) -> np.ndarray:
    """The features of all places in the texts, ascending; those of the i-th text are counted from i * FEATURES."""
    lines = [" ".join(text.lower().split()) for text in texts]
    size = np.fromiter(map(len, lines), np.int64, len(lines))
    points = np.frombuffer("".join(lines).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    first = np.repeat(np.arange(len(lines), dtype=np.uint32) * np.uint32(FEATURES), size)
    found = np.full((len(points), LONGEST - SHORTEST + 1), _NONE)
    for n in range(SHORTEST, LONGEST + 1):
        count = len(points) - n + 1
        if count <= 0:
            break
        hashed = np.full(count, n, np.uint64)
        for k in range(n):
            hashed ^= points[k : k + count]
            hashed *= _MULTIPLIER
            hashed ^= hashed >> np.uint64(29)
        hashed &= np.uint64(FEATURES - 1)
        inside = first[:count] == first[n - 1 :]
        found[:count, n - SHORTEST] = np.where(inside, hashed.astype(np.uint32) | first[:count], _NONE)
    edges = np.append(0, np.cumsum(size)).tolist()
    for low, high in pairwise(edges):
        found[low:high].reshape(-1).sort()  # a text at a time stays in the processor's cache
    every: np.ndarray = found[found != _NONE]
    return every


@lru_cache(maxsize=1)
def _counts_of(texts: tuple[str, ...]) -> Any:
    """The counts of texts that are compared with one benchmark after the other."""
    return character_counts(texts)


@cache
def _sum_of() -> tuple[np.ndarray, np.ndarray]:
    """For each feature which sum it is added to, and +1 or -1."""
    mixed = (np.arange(FEATURES, dtype=np.uint64) + np.uint64(1)) * _MULTIPLIER
    for shift in (29, 32):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(40)).astype(np.int64) % _SUMS, np.where(mixed >> np.uint64(63), -1.0, 1.0)


def _sketches(vectors: Any) -> np.ndarray:
    """Of shape (vectors, _SUMS): signed sums of features, as whole numbers of 1 / _UNIT."""
    place, sign = _sum_of()
    found = np.empty((vectors.shape[0], _SUMS), np.float32)
    for low in range(0, len(found), TOGETHER):
        some = vectors[low : low + TOGETHER]
        row = np.repeat(np.arange(some.shape[0]) * _SUMS, np.diff(some.indptr))
        weights = some.data * sign[some.indices]
        sums = np.bincount(row + place[some.indices], weights, minlength=some.shape[0] * _SUMS)
        found[low : low + TOGETHER] = np.rint(sums.reshape(-1, _SUMS) * _UNIT)
    return found


def _cosines(texts: Any, questions: Any, places: np.ndarray, items: np.ndarray) -> np.ndarray:
    """The products of texts and questions, pair by pair; pairs of a text stand together."""
    chosen = questions[items]
    values = np.empty(len(chosen.data))
    text = np.zeros(FEATURES)
    for group in np.split(np.arange(len(places)), np.flatnonzero(np.diff(places)) + 1):
        held = slice(*texts.indptr[places[group[0]] : places[group[0]] + 2])
        text[texts.indices[held]] = texts.data[held]
        wanted = slice(chosen.indptr[group[0]], chosen.indptr[group[-1] + 1])
        values[wanted] = text[chosen.indices[wanted]]
        text[texts.indices[held]] = 0
    pair = np.repeat(np.arange(len(places)), np.diff(chosen.indptr))
    return rounded(np.bincount(pair, values * chosen.data, minlength=len(places)))
