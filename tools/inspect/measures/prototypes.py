"""What two datasets are about, side by side: clusters of their texts, and how much of each dataset lies in each.

It knows samples, vectors and centres. Which of the rows both hold, and what a difference means, it does not know.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import compress
from math import isqrt, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from ...store.packs import fixed_bytes
from ...store.rows import Rows
from ...text.space.embedding import fit, rounded, sampled
from ...text.space.kmeans import centres_of, nearest

SAMPLED: Final = 2_000
"""Rows with text of each dataset that are looked at, drawn by seed and row id."""

MOST_CLUSTERS: Final = 24
EXAMPLES: Final = 2
_TOGETHER: Final = 1_024

Side = tuple[Rows, str, npt.NDArray[np.bool_]]
"""Rows, the field that is read, and which rows have text there."""


@dataclass(frozen=True)
class Prototype:
    """One cluster: how many of the sampled rows of (here, there) lie in it, and the rows of each that lie nearest to its
    centre, as (position, text), each text once."""

    counts: tuple[int, int]
    sampled: tuple[int, int]
    nearest: tuple[list[tuple[int, str]], list[tuple[int, str]]]

    @property
    def difference(self) -> float:
        """Share of the rows here less share of the rows there, -1 to 1."""
        here, there = (count / max(size, 1) for count, size in zip(self.counts, self.sampled, strict=True))
        return here - there

    @property
    def z(self) -> float:
        """The difference over the standard error that two samples of one dataset would have (pooled shares)."""
        share = sum(self.counts) / max(sum(self.sampled), 1)
        variance = share * (1 - share) * sum(1 / max(size, 1) for size in self.sampled)
        return self.difference / sqrt(variance) if variance else 0.0


@dataclass(frozen=True)
class _Sample:
    """Rows of one dataset, in order of position."""

    positions: npt.NDArray[np.int64]
    texts: list[str]

    def of(self, known: Container[str]) -> _Sample:
        """The rows with one of these texts."""
        some = [text in known for text in self.texts]
        return _Sample(self.positions[some], list(compress(self.texts, some)))


def prototypes(here: Side, there: Side, *, seed: int) -> list[Prototype]:
    """Clusters of the texts of both, those whose shares differ most first; [] where neither has words.

    Up to 2,000 rows with text of each; the built-in embedder is fitted on their different texts, and spherical k-means
    on its vectors, with sqrt(n / 2) clusters for n texts, at most 24. Both go through the texts in an order drawn from
    seed and text: where a row stands, packs and threads change nothing, and the two datasets seen from the other side
    give the same clusters.
    """
    samples = [_sample(side, seed) for side in (here, there)]
    texts = sorted({text for one in samples for text in one.texts}, key=lambda text: _drawn(text, seed))
    vectors = rounded(fit(texts, seed=seed).embed(texts)) if texts else np.empty((0, 0), np.int16)
    directed = np.flatnonzero(vectors.any(axis=1))
    if not len(directed):
        return []
    texts, vectors = [texts[i] for i in directed.tolist()], vectors[directed]
    centres = centres_of(vectors, min(MOST_CLUSTERS, max(isqrt(len(texts) // 2), 1)))
    labels = nearest(vectors, centres)
    near = (vectors.astype(np.int64) * centres[labels]).sum(axis=1)
    place = {text: i for i, text in enumerate(texts)}
    samples = [one.of(place) for one in samples]
    rows = [np.array([place[text] for text in one.texts], np.int64) for one in samples]
    found = [_prototype(cluster, samples, rows, labels, near) for cluster in np.unique(labels).tolist()]
    # Of equal differences the larger cluster comes first, then the one whose example does: the same from both sides.
    return sorted(found, key=lambda one: (-abs(one.difference), -sum(one.counts), min(_openings(one))))


def _prototype(
    cluster: int, samples: Sequence[_Sample], rows: Sequence[np.ndarray], labels: np.ndarray, near: np.ndarray
) -> Prototype:
    counts, shown = [], []
    for sample, at in zip(samples, rows, strict=True):
        inside = np.flatnonzero(labels[at] == cluster)
        counts.append(len(inside))
        chosen: dict[int, int] = {}
        for i in inside[np.argsort(-near[at[inside]], kind="stable")].tolist():
            chosen.setdefault(int(at[i]), i)
            if len(chosen) == EXAMPLES:
                break
        shown.append([(int(sample.positions[i]), sample.texts[i]) for i in chosen.values()])
    sizes = (len(rows[0]), len(rows[1]))
    return Prototype((counts[0], counts[1]), sizes, (shown[0], shown[1]))


def _openings(one: Prototype) -> list[str]:
    return [text for side in one.nearest for _, text in side]


def _drawn(text: str, seed: int) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=str(seed).encode()[:64]).digest()


def _sample(side: Side, seed: int) -> _Sample:
    """The first rows with text in an order drawn from seed and row ids."""
    rows, field, told = side
    if not told.any():
        return _Sample(np.empty(0, np.int64), [])
    order = sampled(fixed_bytes(rows.arrow(("row_id",))["row_id"]), seed=seed)
    positions = np.sort(order[told[order]][:SAMPLED])
    reader, texts = rows.mapping.reader(field), list[str]()
    for low in range(0, len(positions), _TOGETHER):
        texts += map(reader, rows.records(positions[low : low + _TOGETHER]))
    return _Sample(positions, texts)
