"""Which of several repetitions stays: the order in which rows are considered for keeping.

Rows of an evaluation split come first, so that a repetition is taken from train and never from test; then rows of the
release a recipe names with `since`, so that a newer copy never evicts one; then the person's ORDER BY; then the
earlier row.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..context import Context
from ..store.packs import fixed_bytes
from ..store.rows import Rows

EVALUATION_SPLITS: Final = ("test", "validation")


def keep_ranks(ctx: Context, data: Rows, keep: str | None, field: str) -> np.ndarray:
    """The place of every row in the keep order, 0 first; shape (rows,) int64."""
    places = np.arange(len(data)) if keep is None else ctx.ranks(data, keep, _lengths(data, keep, field))
    if not len(data):
        return places
    columns = data.arrow(("row_id", "split"))
    splits = columns["split"].combine_chunks()
    rank = np.full(len(data), len(EVALUATION_SPLITS), np.int64)
    for number, name in enumerate(EVALUATION_SPLITS):
        rank[pc.fill_null(pc.equal(splits, name), False).to_numpy(zero_copy_only=False)] = number
    newer = np.ones(len(data), bool)
    if ctx.released is not None:
        newer = ~np.isin(_ids(columns), _ids(ctx.store.rows_of(ctx.released).arrow(("row_id",))))
    order = np.lexsort((places, newer, rank))
    ranked = np.empty(len(order), np.int64)
    ranked[order] = np.arange(len(order))
    return ranked


def _ids(table: pa.Table) -> np.ndarray:
    """Row ids as 16-byte strings, which NumPy can sort."""
    ids = fixed_bytes(table["row_id"])
    return np.ascontiguousarray(ids).view("S16").reshape(-1)


def _lengths(data: Rows, keep: str, field: str) -> np.ndarray | None:
    """Characters of each row's text, when the order speaks of `length`."""
    if "length" not in keep.lower():
        return None
    parts = [pc.utf8_length(batch).to_numpy(zero_copy_only=False) for batch in data.texts(field)]
    return np.concatenate([np.empty(0, np.int64), *parts])
