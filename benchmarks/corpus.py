"""Synthetic documents with planted near-duplicates whose Jaccard similarity is known exactly.

Knows words, sentences and edits: made-up words of natural lengths and frequencies (Zipf-Mandelbrot, exponent 1.07,
shift 2.7), 100 to 300 of them in a document of sentences and paragraphs. 70 % of the documents are sources, 5 % exact
copies and 25 % copies with some words replaced; a source has at most one copy. Text with boilerplate is another matter:
measure it on real data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

SEED = 20261120
NGRAM = 5
_VOCABULARY = 20_000
_EXACT, _EDITED = 0.05, 0.25
_BATCH = 5_000
_SPACE, _FULL_STOP, _PARAGRAPH, _END = range(4)  # what follows a word
_ENDINGS = (" ", ". ", ".\n\n", ".")


@dataclass(frozen=True, eq=False)
class Planted:
    """Document `copy[i]` is a copy of `source[i]`; `jaccard[i]` is the similarity of their sets of 5-word runs."""

    source: npt.NDArray[np.int64]
    copy: npt.NDArray[np.int64]
    jaccard: npt.NDArray[np.float64]


class Corpus:
    """`count` documents, the same ones for the same count."""

    def __init__(self, count: int) -> None:
        rng = np.random.default_rng(SEED)
        exact, edited = int(count * _EXACT), int(count * _EDITED)
        sources = count - exact - edited
        self._rng = rng
        self._size = rng.integers(100, 301, sources)
        self._start = np.cumsum(self._size) - self._size
        self._words = self._draw(int(self._size.sum()))
        copied = rng.permutation(sources)[: exact + edited]
        self._edits = [self._edit(source, kind < exact) for kind, source in enumerate(copied.tolist())]
        place = rng.permutation(count)
        self._content = np.empty(count, np.int64)  # of each document: a source, or `sources` + a copy
        self._content[place] = np.arange(count)
        similarity = [self._similarity(source, words) for source, words in zip(copied, self._edits, strict=True)]
        self.planted = Planted(place[copied], place[sources:], np.array(similarity))
        self._copied = copied
        self._variants = _variants(_vocabulary(rng))

    def batches(self) -> Iterator[pa.LargeStringArray]:
        """The texts, some thousands at a time."""
        for low in range(0, len(self._content), _BATCH):
            yield self._rendered(self._content[low : low + _BATCH])

    def _draw(self, count: int) -> npt.NDArray[np.int32]:
        weight = np.cumsum(1 / (np.arange(_VOCABULARY) + 2.7) ** 1.07)
        return np.searchsorted(weight / weight[-1], self._rng.random(count)).astype(np.int32)

    def _source(self, source: int) -> npt.NDArray[np.int32]:
        return self._words[self._start[source] : self._start[source] + self._size[source]]

    def _edit(self, source: int, exact: bool) -> npt.NDArray[np.int32]:
        """A copy with as many words replaced as bring its similarity to about a random target."""
        words = self._source(source).copy()
        if not exact:
            target = self._rng.uniform(0.4, 0.98)
            edits = max(1, round((len(words) - NGRAM + 1) * (1 - target) / (1 + target) / NGRAM))
            words[self._rng.choice(len(words), edits, replace=False)] = self._draw(edits)
        return words

    def _similarity(self, source: int, words: npt.NDArray[np.int32]) -> float:
        a, b = (
            set(zip(*(text[i:] for i in range(NGRAM)), strict=False))
            for text in (self._source(source).tolist(), words.tolist())
        )
        return len(a & b) / len(a | b)

    def _rendered(self, content: npt.NDArray[np.int64]) -> pa.LargeStringArray:
        """Sentences of 6 to 24 words, paragraphs of 2 to 6 sentences, the same for a source and its copy."""
        sources = len(self._size)
        words, variants = [], []
        for each in content.tolist():
            source = each if each < sources else int(self._copied[each - sources])
            words.append(self._source(source) if each < sources else self._edits[each - sources])
            variants.append(_layout(source, len(words[-1])))
        size = np.array([len(one) for one in words])
        return self._variants.text(np.concatenate(words) * np.int64(8) + np.concatenate(variants), size)


@dataclass(frozen=True, eq=False)
class _Variants:
    """Every word, as it is and capitalised, with each ending: variant 8 w + 4 capital + ending."""

    data: npt.NDArray[np.uint8]
    offset: npt.NDArray[np.int64]

    def text(self, variant: npt.NDArray[np.int64], size: npt.NDArray[np.int64]) -> pa.LargeStringArray:
        """The variants strung together, `size[d]` of them in document d."""
        length = self.offset[variant + 1] - self.offset[variant]
        end = np.cumsum(length)
        at = np.arange(end[-1]) + np.repeat(self.offset[variant] - (end - length), length)
        offset = np.append(0, end[np.cumsum(size) - 1])
        return pa.LargeStringArray.from_buffers(len(size), pa.py_buffer(offset), pa.py_buffer(self.data[at]))


def _variants(words: list[str]) -> _Variants:
    spelled = [(case + ending).encode() for word in words for case in (word, word.capitalize()) for ending in _ENDINGS]
    return _Variants(np.frombuffer(b"".join(spelled), np.uint8), np.append(0, np.cumsum([len(one) for one in spelled])))


def _layout(source: int, count: int) -> npt.NDArray[np.int64]:
    """For each word of a document: 4 where a sentence begins, plus what follows the word."""
    rng = np.random.default_rng([SEED, source])
    last = np.cumsum(rng.integers(6, 25, count // 6 + 1)) - 1
    last = last[last < count - 1]
    paragraph = np.cumsum(rng.integers(2, 7, len(last) // 2 + 1)) - 1
    layout = np.full(count, _SPACE)
    layout[last] = _FULL_STOP
    layout[last[paragraph[paragraph < len(last)]]] = _PARAGRAPH
    layout[-1] = _END
    layout[np.append(0, last + 1)] += 4
    return layout


def _vocabulary(rng: np.random.Generator) -> list[str]:
    """Distinct made-up words, frequent ones short."""
    vowels, consonants = np.array(list("aeiou")), np.array(list("bcdfghjklmnprstvwz"))
    words: dict[str, None] = {}
    while len(words) < _VOCABULARY:
        length = min(max(round(rng.normal(1.3 + 0.46 * np.log2(len(words) + 2), 1.5)), 1), 14)
        letters = np.where(
            np.arange(length) % 2 == rng.integers(2), rng.choice(vowels, length), rng.choice(consonants, length)
        )
        words["".join(letters)] = None
    return list(words)


def write_jsonl(target: Path, count: int) -> None:
    """The corpus as lines of `{"id", "text"}`."""
    number = 0
    with target.open("w", encoding="utf-8") as file:
        for batch in Corpus(count).batches():
            for text in batch.to_pylist():
                file.write(json.dumps({"id": str(number), "text": text}) + "\n")
                number += 1
