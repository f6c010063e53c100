"""`dedup.exact`: rows whose text repeats that of another row.

It knows 16-byte hashes and the order in which rows are kept. Rows that nearly repeat are `dedup.near`'s business.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa

from ..change import Change, Outcome, drops, one
from ..context import Context
from ..store.packs import fixed_bytes
from ..store.rows import Rows
from ..tool import Arg, TextField, tool
from ._order import keep_ranks
from ._survivors import row_ids

Compare = Literal["record", "text", "normalized"]
Within = Literal["all", "split", "source"]

_SPACE = re.compile(r"\s+")


@tool("dedup.exact", reasons=("exact_duplicate",))
def exact(
    ctx: Context,
    data: Rows,
    *,
    field: TextField = "default",
    compare: Annotated[
        Compare,
        Arg("record: all of the record's bytes; text: the field as it is; normalized: NFKC, lower case, single spaces"),
    ] = "text",
    within: Annotated[Within, Arg("look for repetitions in all rows, or only within one split or source")] = "all",
    keep: Annotated[
        str | None, Arg("which row of a group stays: an ORDER BY over the row's columns and `length`", order=True)
    ] = None,
    against: Annotated[str | None, Arg("also drop rows that repeat a row of this dataset", dataset=True)] = None,
) -> Change:
    """Drop rows that repeat the text of a kept row exactly.

    Reason `exact_duplicate`; the evidence names the row that stayed (`survivor`). Rows without any text in the field
    are no repetitions of each other and stay. A row of a split called test or validation is kept before any other,
    so that a repetition goes from train, never from test; then `keep` decides, then the earlier row.

    Texts are compared by the first 16 bytes of their sha256.
    """
    others = None if against is None else ctx.rows(against)
    keys, theirs = _keys(ctx, data, others, field, compare)
    if within != "all":
        labels = data.arrow((within,))[within].combine_chunks().dictionary_encode(null_encoding="encode")
        keys = _salted(keys, labels.indices.to_numpy(zero_copy_only=False))
    order = keep_ranks(ctx, data, keep, field)
    positions, survivors = repetitions(keys, order)
    evidence = [{"survivor": row_id} for row_id in row_ids(data, survivors)]
    if others is not None:
        positions, evidence = _with_others(keys, positions, evidence, others, theirs)
    ctx.progress(len(data), len(data))
    return Change(one(Outcome(decisions=drops(positions, "exact_duplicate", scores=np.ones(len(positions)),
                                              evidence=evidence))))  # fmt: skip


_NONE = b"\0" * 16


def _keys(ctx: Context, data: Rows, others: Rows | None, field: str, compare: Compare) -> tuple[np.ndarray, np.ndarray]:
    """A 16-byte key for every row of both datasets, shape (n,) S16; rows without text have the empty key.

    Where quick hashes tell that no other row can have a row's text, its key is left empty: that text is never read.
    """
    both = [data] if others is None else [data, others]
    if compare == "record":
        keys = [_strings(fixed_bytes(rows.arrow(("content_sha",))["content_sha"])) for rows in both]
    else:
        hashes = [ctx.text_hashes(rows, field_of(rows, field)) if compare == "text" else None for rows in both]
        known = [one for one in hashes if one is not None]
        repeated = _repeated(known) if len(known) == len(both) else None
        keys = [_text_keys(ctx, rows, field, compare, one, repeated) for rows, one in zip(both, hashes, strict=True)]
    return keys[0], keys[1] if others is not None else np.empty(0, "S16")


def _strings(hashes: np.ndarray) -> np.ndarray:
    """Hashes of shape (n, 16) as strings, which NumPy can sort."""
    return np.ascontiguousarray(hashes).view("S16").reshape(-1)


def _repeated(hashes: list[np.ndarray]) -> np.ndarray:
    """The hashes that stand at two places or more, sorted; 0 (no text) apart."""
    found, counts = np.unique(np.concatenate(hashes), return_counts=True)
    repeated: np.ndarray = found[(counts > 1) & (found != 0)]
    return repeated


def _text_keys(
    ctx: Context, rows: Rows, field: str, compare: Compare, hashes: np.ndarray | None, repeated: np.ndarray | None
) -> np.ndarray:
    field = field_of(rows, field)
    if hashes is None or repeated is None:
        parts = [_hashes(batch, compare) for batch in rows.texts(field)]
        return np.frombuffer(b"".join(parts), "S16")
    at = np.flatnonzero(np.isin(hashes, repeated))
    keys = np.zeros(len(rows), "S16")
    if len(at):
        keys[at] = ctx.text_digests(rows, field, at)
    return keys


def field_of(rows: Rows, field: str) -> str:
    """The same field where a dataset has it, else its own default."""
    return field if field in rows.mapping.fields else rows.mapping.default_field


def _hashes(texts: pa.LargeStringArray, compare: Compare) -> bytes:
    sha = hashlib.sha256
    if compare == "normalized":
        told = [_normalized(text) for text in texts.to_pylist()]
        return b"".join([sha(text.encode()).digest()[:16] if text else _NONE for text in told])
    return b"".join([sha(text).digest()[:16] if text else _NONE for text in texts.cast(pa.large_binary()).to_pylist()])


def _normalized(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _SPACE.sub(" ", text.lower()).strip()


def normalized_keys(data: Rows, positions: np.ndarray, field: str) -> np.ndarray:
    """Keys of some rows' normalized texts, shape (n,) S16."""
    if not len(positions):
        return np.empty(0, "S16")
    texts = [data.mapping.text(record, field) for record in data.records(positions)]
    return np.frombuffer(_hashes(pa.array(texts, pa.large_string()), "normalized"), "S16")


def _salted(keys: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Keys that differ between groups."""
    numbers = np.frombuffer(keys.tobytes(), np.uint64).reshape(-1, 2).copy()
    some = numbers.any(axis=1)
    numbers[some, 0] ^= (labels.astype(np.uint64)[some] + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return np.frombuffer(numbers.tobytes(), "S16")


def repetitions(keys: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the repetitions among 16-byte keys, ascending, and the place each repeats: the least by `order`.

    Empty keys repeat nothing.
    """
    ranked = np.lexsort((order, keys))
    sorted_keys = keys[ranked]
    new = np.ones(len(keys), bool)
    new[1:] = sorted_keys[1:] != sorted_keys[:-1]
    head = np.maximum.accumulate(np.where(new, np.arange(len(keys)), 0))
    again = ~new & (sorted_keys != b"")
    positions, survivors = ranked[again], ranked[head[again]]
    back = np.argsort(positions)
    return positions[back], survivors[back]


def _with_others(
    keys: np.ndarray, positions: np.ndarray, evidence: list[dict[str, str]], rows: Rows, theirs: np.ndarray
) -> tuple[np.ndarray, list[dict[str, str]]]:
    """Add the rows that repeat one of the other dataset; a row that repeats both is told with its own."""
    order = np.argsort(theirs, kind="stable")
    at = np.minimum(np.searchsorted(theirs[order], keys), max(len(theirs) - 1, 0))
    hit = np.flatnonzero((theirs[order][at] == keys) & (keys != b"")) if len(theirs) else np.empty(0, np.int64)
    hit = hit[~np.isin(hit, positions)]
    more = [{"survivor": row_id, "of": rows.vid} for row_id in row_ids(rows, order[at[hit]])]
    both = np.concatenate([positions, hit])
    back = np.argsort(both, kind="stable")
    told = [*evidence, *more]
    return both[back], [told[i] for i in back]
