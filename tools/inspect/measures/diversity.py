"""How varied texts are, and how rich: numbers that do not depend on the order of the texts.

It knows texts, vectors and sets of shingles. It does not know rows, groups or what a good number is.
"""

from __future__ import annotations

import bz2
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from ...text.near.shingles import shingle_sets
from ...text.near.similarity import near_duplicates
from ...text.space.embedding import Rounded
from ...text.tokens import blocks, run_hashes, runs_inside, split_unspaced, word_hashes, words

DECIMALS: Final = 6
"""Digits that are kept of what linear algebra gives: the last ones depend on the processor."""

NOTHING: Final = 1e-12
"""Eigenvalues up to this share of the whole are rounding errors."""


def vendi(vectors: Rounded) -> float:
    """The Vendi score (Friedman and Dieng 2023, arXiv 2210.02410) of vectors of shape (n, dimensions), as `rounded` gives
    them: the exponential of the entropy of the eigenvalues of K / n, K the cosines of all pairs.

    1 for equal vectors, k for k orthogonal groups of one size; at most the dimensions. Computed from the covariance,
    whose eigenvalues other than 0 are those of K; sums are exact. Vectors of zeros do not count; none at all give 0.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    some = vectors[vectors.any(axis=1)].astype(np.float64)
    if not len(some):
        return 0.0
    with threadpool_limits(limits=1):
        covariance = some.T @ some
        found = np.linalg.eigvalsh(covariance / np.trace(covariance))
    shares = [share for share in found.tolist() if share > NOTHING]
    return round(math.exp(-math.fsum(share * math.log(share) for share in shares)), DECIMALS)


def distinct_share(texts: Sequence[str], n: int) -> float:
    """distinct-n (Li et al. 2016): different runs of n words over all runs of n words; 0 without any. It falls as texts
    grow more, so compare groups of like size."""
    found = _runs(texts, n)
    return len(np.unique(found)) / len(found) if len(found) else 0.0


def vocabulary(texts: Sequence[str]) -> int:
    """Different words, case aside."""
    return len(np.unique(_runs(texts, 1)))


def word_counts(texts: Sequence[str]) -> list[int]:
    """Words of each text; single characters of scripts without spaces."""
    return [size for block in _blocks(texts) for size in np.diff(split_unspaced(words(block)).first).tolist()]


def compression_ratio(texts: Sequence[str]) -> float:
    """Bytes over compressed bytes (bzip2) of all texts in alphabetical order, a line each: higher for what repeats itself
    (Shaib et al. 2024, arXiv 2403.00553); 0 without text."""
    whole = "\n".join(sorted(texts)).encode("utf-8", "surrogatepass")
    return round(len(whole) / len(bz2.compress(whole)), 3) if whole else 0.0


def near_duplicate_share(texts: Sequence[str], *, threshold: float, threads: int = 1) -> float:
    """The share of texts that go when of texts of one kind one is kept: equal ones, and those whose runs of 5 words have
    this Jaccard similarity to one kept before. They come in alphabetical order, so that theirs does not matter."""
    if not texts:
        return 0.0
    kept = sorted({text.casefold() for text in texts})
    sets = shingle_sets([pa.array(kept, pa.large_string())], threads=threads)
    found = near_duplicates(sets, threshold=threshold, threads=threads)
    return (len(texts) - len(kept) + len(found.dropped)) / len(texts)


def shared_runs(texts: Sequence[str], others: Sequence[str]) -> float:
    """The share of the different runs of 5 words of some texts that stand in others too; 0 without any."""
    ours, theirs = (np.unique(shingle_sets([pa.array(list(one), pa.large_string())]).hashes) for one in (texts, others))
    return float(np.isin(ours, theirs, assume_unique=True).mean()) if len(ours) else 0.0


def _runs(texts: Sequence[str], n: int) -> np.ndarray:
    """The hash of every run of n words."""
    found = [np.empty(0, np.uint64)]
    for block in _blocks(texts):
        cut = split_unspaced(words(block))
        found.append(run_hashes(word_hashes(cut), n)[runs_inside(cut.first, n)])
    return np.concatenate(found)


def _blocks(texts: Sequence[str]) -> list[pa.Array]:
    return list(blocks(pa.array(list(texts), pa.large_string()))) if texts else []
