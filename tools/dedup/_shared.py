"""Runs of words that stand in several rows, and which row holds each first.

It knows fingerprints, hashes and an order of rows. It does not know what is done about a repetition; its runs are
those of equal 64-bit hashes, to be compared word by word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from ..context import Context
from ..store.rows import Rows
from ..text.editable import editable
from ..text.near.winnow import windows
from ..text.tokens import Hashes, Positions

Source = tuple[Rows, str]
"""Rows and the field that is read of them; rows of several sources are numbered one after the other."""

_TOGETHER: Final = 1_024


class Run(NamedTuple):
    """The words `start` to `end` of a text of a row stand, from `kept_start` on, in a text of the row that keeps them.
    Texts are numbered as `editable` gives them."""

    row: int
    text: int
    start: int
    end: int
    kept_by: int
    kept_text: int
    kept_start: int


class _Places(NamedTuple):
    """Where some runs of the given length begin, and their hashes."""

    row: Positions
    text: Positions
    place: Positions
    hash: Hashes


def shared_runs(ctx: Context, sources: Sequence[Source], rank: np.ndarray, length: int) -> list[Run]:
    """The longest runs, of `length` words or more, of rows of the first source that a row before them in `rank` holds.

    In order of row, text and start. Runs kept by different rows, or at different places of one, may overlap.
    """
    ours = len(sources[0][0])
    fingerprints, rows = _shared(ctx, sources, length)
    found = _candidates(sources, rows, fingerprints, length)
    order = np.lexsort((found.place, found.text, rank[found.row], found.hash))
    row, text, place, hashes = (column[order] for column in found)
    new = np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)]
    head = np.flatnonzero(new)[np.cumsum(new) - 1]
    again = np.flatnonzero((row != row[head]) & (row < ours))
    if not len(again):
        return []
    again = again[np.lexsort((place[again], text[again], row[again]))]
    kept = head[again]
    told = np.stack([row[again], text[again], place[again], row[kept], text[kept], place[kept]], axis=1)
    goes_on = (np.diff(told, axis=0) == (0, 0, 1, 0, 0, 1)).all(axis=1)
    starts = np.flatnonzero(np.append(True, ~goes_on))
    ends = np.append(starts[1:], len(told)) - 1
    last = told[ends, 2] + length
    return [
        Run(one[0], one[1], one[2], end, *one[3:])
        for one, end in zip(told[starts].tolist(), last.tolist(), strict=True)
    ]


def _shared(ctx: Context, sources: Sequence[Source], length: int) -> tuple[Hashes, Positions]:
    """Fingerprints that two rows hold, one of them of the first source, ascending; and the rows that hold one."""
    ours, start = len(sources[0][0]), 0
    fingerprints, owners = [np.empty(0, np.uint64)], [np.empty(0, np.int32)]
    for data, field in sources:
        for batch in data.batches():
            told = [
                (row, text.text)
                for row, record in enumerate(batch.records(), start + batch.start)
                for text in editable(record, data.mapping, field)
            ]
            row_of = np.array([row for row, _ in told], np.int32)
            for found in windows([text for _, text in told], length):
                again = (found.fingerprint[1:] == found.fingerprint[:-1]) & (found.text[1:] == found.text[:-1])
                fresh = np.append(True, ~again)
                fingerprints.append(found.fingerprint[fresh])
                owners.append(row_of[found.text[fresh]])
            if start == 0:
                ctx.progress((batch.start + len(batch)) // 2, len(data))
        start += len(data)
    fingerprint, row = np.concatenate(fingerprints), np.concatenate(owners)
    if not len(fingerprint):
        return fingerprint, row.astype(np.int64)
    order = np.argsort(fingerprint, kind="stable")
    fingerprint, row = fingerprint[order], row[order]
    starts = np.flatnonzero(np.append(True, fingerprint[1:] != fingerprint[:-1]))
    least, most = np.minimum.reduceat(row, starts), np.maximum.reduceat(row, starts)
    shared = (least != most) & (least < ours)
    members = np.repeat(shared, np.diff(np.append(starts, len(row))))
    return fingerprint[starts[shared]], np.unique(row[members]).astype(np.int64)


def _candidates(sources: Sequence[Source], rows: Positions, fingerprints: Hashes, length: int) -> _Places:
    """The runs of those rows that take one of those fingerprints."""
    nothing = np.empty(0, np.int64)
    parts = [_Places(nothing, nothing, nothing, np.empty(0, np.uint64))]
    start = 0
    for data, field in sources:
        mine = rows[(rows >= start) & (rows < start + len(data))]
        for low in range(0, len(mine), _TOGETHER):
            parts += _among(mine[low : low + _TOGETHER], data, field, start, fingerprints, length)
        start += len(data)
    return _Places(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _among(rows: Positions, data: Rows, field: str, start: int, fingerprints: Hashes, length: int) -> Iterator[_Places]:
    told = [
        (row, number, text.text)
        for row, record in zip(rows.tolist(), data.records(rows - start), strict=True)
        for number, text in enumerate(editable(record, data.mapping, field))
    ]
    row_of, number_of = np.array([one[:2] for one in told], np.int64).reshape(-1, 2).T
    for found in windows([text for _, _, text in told], length):
        at = np.minimum(np.searchsorted(fingerprints, found.fingerprint), len(fingerprints) - 1)
        hit = fingerprints[at] == found.fingerprint
        text = found.text[hit]
        yield _Places(row_of[text], number_of[text], found.place[hit], found.hash[hit])
