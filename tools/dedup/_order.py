"""Which of several repetitions stays: the order in which rows are considered for keeping.

Rows of an evaluation split come first, so that a repetition is taken from train and never from test; then the
person's ORDER BY; then the earlier row.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow.compute as pc

from ..context import Context
from ..store.rows import Rows

EVALUATION_SPLITS: Final = ("test", "validation")


def keep_ranks(ctx: Context, data: Rows, keep: str | None, field: str) -> np.ndarray:
    """The place of every row in the keep order, 0 first; shape (rows,) int64."""
    places = np.arange(len(data)) if keep is None else ctx.ranks(data, keep, _lengths(data, keep, field))
    splits = data.arrow(("split",))["split"].combine_chunks()
    if splits.null_count == len(splits):
        return places
    rank = np.full(len(data), len(EVALUATION_SPLITS), np.int64)
    for number, name in enumerate(EVALUATION_SPLITS):
        rank[pc.fill_null(pc.equal(splits, name), False).to_numpy(zero_copy_only=False)] = number
    order = np.lexsort((places, rank))
    ranked = np.empty(len(order), np.int64)
    ranked[order] = np.arange(len(order))
    return ranked


def _lengths(data: Rows, keep: str, field: str) -> np.ndarray | None:
    """Characters of each row's text, when the order speaks of `length`."""
    if "length" not in keep.lower():
        return None
    parts = [pc.utf8_length(batch).to_numpy(zero_copy_only=False) for batch in data.texts(field)]
    return np.concatenate([np.empty(0, np.int64), *parts])
