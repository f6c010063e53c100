"""Spherical k-means over rounded vectors, in whole numbers: the same clusters whatever the threads and the processor.

It knows directions and centres. It does not know texts, rows or how many clusters are wanted.
"""

from __future__ import annotations

from math import fsum, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from .embedding import UNIT, Rounded

Positions = npt.NDArray[np.int64]

_ITERATIONS: Final = 10
_TOGETHER: Final = 8_192  # vectors compared with the centres at a time


def centres_of(sample: Rounded, clusters: int) -> Rounded:
    """Centres of up to so many clusters, shape (clusters, dimensions), fitted in at most 10 iterations.

    The first different vectors of the sample are where the centres begin: draw them.
    """
    distinct = np.sort(np.unique(sample, axis=0, return_index=True)[1])
    centres, labels = sample[distinct[:clusters]], np.full(len(sample), -1, np.int64)
    for _ in range(_ITERATIONS):
        before, labels = labels, nearest(sample, centres)
        if (labels == before).all():
            break
        centres = moved(centres, sample, labels)
    return centres


def nearest(vectors: Rounded, centres: Rounded) -> Positions:
    """For every vector the centre of the largest inner product, of equal ones the first."""
    axes = centres.astype(np.float64).T
    parts = [
        (vectors[low : low + _TOGETHER].astype(np.float64) @ axes).argmax(axis=1)
        for low in range(0, len(vectors), _TOGETHER)
    ]
    return np.concatenate([np.empty(0, np.int64), *parts])


def moved(centres: Rounded, vectors: Rounded, labels: Positions) -> Rounded:
    """Each centre in the middle of its vectors; one that has none, or whose vectors cancel out, stays."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    sums = np.add.reduceat(vectors[order].astype(np.int64), starts)
    found = centres.copy()
    for label, total in zip(labels[order][starts].tolist(), sums.astype(np.float64), strict=True):
        length = sqrt(fsum((total * total).tolist()))
        if length:
            found[label] = np.rint(total / length * UNIT)
    return found
