"""The built-in embedder: texts as points whose angles tell how alike they are written, from the texts alone.

It knows hashed character n-grams and one matrix factorisation. It has learned no language: a paraphrase in other words
lies far away. It does not know tools, rows or what vectors are compared for.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float64]
Rounded = npt.NDArray[np.int16]

NAME: Final = "char_wb(3,4) 2^15 TF-IDF SVD-128"
SAMPLE: Final = 5_000
"""Texts the built-in embedder is fitted on."""

UNIT: Final = 10_000
"""One, in rounded vectors: they count ten-thousandths."""

_DIMENSIONS: Final = 128
_FEATURES: Final = 1 << 15
_POWER_ITERATIONS: Final = 2
_FITTED_CHARACTERS: Final = 4_096
_TOGETHER: Final = 256
_NOTHING: Final = 1e-6  # lengths below this share of the whole are rounding errors, not directions


class TextEmbedder:
    """Latent semantic analysis of hashed character n-grams, fitted on a sample; see `fit`."""

    name = NAME

    def __init__(self, weights: Vectors, axes: Vectors) -> None:
        """`weights`: the inverse document frequency of each feature; `axes`: shape (features, dimensions)."""
        self._weights, self._axes = weights, axes

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A vector of length 1 for each text, shape (texts, dimensions).

        A text without words, or without any n-gram of the sample, gets zeros. Each vector depends on its own text
        only: batches and their order change no bit of it. To be compared after `rounded`.
        """
        parts = [np.empty((0, self._axes.shape[1]))]
        for low in range(0, len(texts), _TOGETHER):
            weighted = _weighted(_counts(texts[low : low + _TOGETHER]), self._weights)
            vectors = weighted @ self._axes  # sparse: each row is summed on its own, in order of its features
            length = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
            parts.append(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > _NOTHING))
        return np.concatenate(parts)


def fit(texts: Sequence[str], *, seed: int = 0) -> TextEmbedder:
    """The embedder of texts like these.

    Character n-grams of 3 and 4 within words (lower case, a space at either end), hashed to 2^15 features; weights
    log((1 + n) / (1 + df)) + 1, rows of length 1; the first 128 right singular vectors by the randomised method of
    Halko, Martinsson, Tropp (2011) with 2 power iterations: fewer where the texts span fewer. The first 4,096
    characters of each text count.

    What is promised: the same texts in the same order, and the same seed, give the same bits on one machine, whatever
    the threads: the factorisation runs on one BLAS thread. Take them from `sampled`, and the order of the rows does not
    matter either. Another processor or library may differ in the last bits, which `rounded` hides for nearly every
    value; where it does not, a cosine moves by about 0.0001, and a pair that close to a threshold may be decided
    otherwise there.
    """
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    counts = _counts([text[:_FITTED_CHARACTERS] for text in texts])
    frequency = np.bincount(counts.indices, minlength=_FEATURES)
    weights = np.log((1 + counts.shape[0]) / (1 + frequency)) + 1
    if not counts.nnz:
        return TextEmbedder(weights, np.empty((_FEATURES, 0)))
    with threadpool_limits(limits=1):
        _, strength, axes = randomized_svd(
            _weighted(counts, weights),
            n_components=min(_DIMENSIONS, counts.shape[0]),
            n_iter=_POWER_ITERATIONS,
            random_state=seed % (1 << 32),
        )
    spanned = strength > _NOTHING * strength[0]
    return TextEmbedder(weights, np.ascontiguousarray(axes[spanned].T))


def sampled(row_ids: npt.NDArray[np.uint8], *, seed: int = 0) -> npt.NDArray[np.int64]:
    """All rows in an order drawn from the seed and their ids, shape (rows, width), not from where they stand.

    Its first rows are a sample that is the same in whatever order the rows lie.
    """
    width, data, key = row_ids.shape[1], row_ids.tobytes(), str(seed).encode()[:64]
    drawn = [blake2b(data[at : at + width], digest_size=8, key=key).digest() for at in range(0, len(data), width)]
    return np.argsort(np.frombuffer(b"".join(drawn), ">u8"), kind="stable")


def rounded(vectors: Any) -> Rounded:
    """The directions of vectors, shape (n, dimensions), to 4 decimals: integers that count ten-thousandths.

    Their inner products are integers that float64 holds exactly, so that nothing computed from them depends on the
    order of a sum, hence on threads, batches or the processor. Zeros stay zeros.
    """
    found = np.array(vectors, np.float64)
    largest = np.abs(found).max(axis=1, keepdims=True, initial=0)
    np.divide(found, largest, out=found, where=largest > 0)  # first, so that no square overflows
    length = np.sqrt((found * found).sum(axis=1, keepdims=True))
    np.divide(found, length, out=found, where=largest > 0)
    return np.rint(found * UNIT).astype(np.int16)


def _counts(texts: Sequence[str]) -> Any:
    """How often each hashed n-gram stands in each text: sparse, shape (texts, features)."""
    from scipy.sparse import csr_matrix, vstack
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(
        analyzer="char_wb", ngram_range=(3, 4), n_features=_FEATURES, norm=None, alternate_sign=False
    )
    slices = [vectorizer.transform(texts[low : low + _TOGETHER]) for low in range(0, len(texts), _TOGETHER)]
    return vstack(slices, format="csr") if slices else csr_matrix((0, _FEATURES))


def _weighted(counts: Any, weights: Vectors) -> Any:
    """The counts by weight, each row of length 1."""
    from sklearn.preprocessing import normalize

    counts.data *= weights[counts.indices]
    return normalize(counts, copy=False)
