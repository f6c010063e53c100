"""One pass over training rows: which of them share runs of words, or whole texts, with the items of benchmarks.

It knows rows as pieces of text and hits as numbers. It does not know how much a hit means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ...store.format.wording import WordReader, pieces_of
from ...store.rows import Rows, parse_records
from ...text.near.shingles import in_order
from ...text.ngrams import Hashed, KnownRuns, NgramIndex, whole_hashes
from ...text.tokens import BLOCK_BYTES, Hashes, blocks
from .._benchmark import COMPARED, SEED, Wanted

COMMON_ROWS: Final = 20
"""A run that stands in so many different rows, and in COMMON_SHARE of all, is boilerplate of the training data."""

COMMON_SHARE: Final = 0.001

BLOCK: Final = 1 << 21
"""Bytes of records that are read together: many arrays are made of each block, and small ones cost as much."""

KEPT_BYTES: Final = 64 << 20

_NONE: Final = np.empty((0, 2), np.int64)
_TOGETHER: Final = 4_096


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows, about a block of text: `texts[first[i]:first[i + 1]]` are the pieces of row `start + i`."""

    start: int
    texts: list[str]
    first: list[int]

    def __len__(self) -> int:
        return len(self.first) - 1


def chunks(data: Rows, field: str) -> Iterator[Chunk]:
    """All rows, cut where a block of text is full, whatever the packs."""
    start, texts, first, size = 0, list[str](), [0], 0
    for batch in data.batches():
        for record in batch.records():
            for piece in pieces_of(data.mapping, record, field):
                texts.append(piece.text)
                size += len(piece.text)
            first.append(len(texts))
            if size >= BLOCK_BYTES:
                yield Chunk(start, texts, first)
                start, texts, first, size = start + len(first) - 1, [], [0], 0
    if len(first) > 1:
        yield Chunk(start, texts, first)


@dataclass
class Hits:
    """What was found of one benchmark in some rows.

    `runs[n]`: (row, run) for n from 5 to 8 and 13, with `whole`, the fingerprint of each such row; a row's all stand in
    one array. `exact`: row -> items whose fingerprint is that of one of its pieces or of all of it.
    """

    runs: dict[int, list[np.ndarray]] = field(default_factory=dict)
    whole: dict[int, list[Hashes]] = field(default_factory=dict)
    exact: dict[int, list[int]] = field(default_factory=dict)

    def add(self, other: Hits, start: int) -> None:
        """Add what was found in rows that follow, counted from `start`."""
        for n, runs in other.runs.items():
            self.runs.setdefault(n, []).extend(some + np.array([start, 0]) for some in runs)
            self.whole.setdefault(n, []).extend(other.whole[n])
        self.exact.update({start + row: items for row, items in other.exact.items()})

    @property
    def rows(self) -> np.ndarray:
        """The rows that hold something, ascending."""
        runs = (some[:, 0] for found in self.runs.values() for some in found)
        return np.unique(np.concatenate([np.array(list(self.exact), np.int64), *runs]))

    def counts(self, n: int, index: NgramIndex) -> dict[str, int]:
        """Rows and items that share a run of n words, and pairs of them."""
        rows, pairs, items = 0, 0, set[int]()
        for _, found in self.items_by_row(n, index, np.ones(len(index.hashes), bool)):
            rows, pairs = rows + 1, pairs + len(found)
            items.update(found)
        return {"docs_hit": rows, "items_hit": len(items), "pairs": pairs}

    def common(self, n: int, index: NgramIndex, rows: int) -> np.ndarray:
        """For each run of the index: does it stand in so many different rows that it is boilerplate?"""
        runs = np.concatenate([_NONE, *self.runs.get(n, [])])
        whole = np.concatenate([np.empty(0, np.uint64), *self.whole.get(n, [])])
        order = np.lexsort((whole, runs[:, 1]))
        run, whole = runs[order, 1], whole[order]
        new = np.append(True, (run[1:] != run[:-1]) | (whole[1:] != whole[:-1])) if len(run) else np.empty(0, bool)
        often = np.bincount(run[new], minlength=len(index.hashes))
        marked: np.ndarray = often >= max(COMMON_ROWS, COMMON_SHARE * rows)
        return marked

    def items_by_row(self, n: int, index: NgramIndex, wanted: np.ndarray) -> Iterator[tuple[int, list[int]]]:
        """(row, the items it shares one of the wanted runs with, ascending), by row."""
        for runs in self.runs.get(n, []):  # by chunk: a run may stand in very many items
            some = runs[wanted[runs[:, 1]]]
            count = np.diff(index.first)[some[:, 1]]
            end = np.cumsum(count)
            place = np.arange(end[-1] if len(end) else 0) + np.repeat(index.first[some[:, 1]] - (end - count), count)
            pairs = np.unique(np.stack([np.repeat(some[:, 0], count), index.item[place]], 1), axis=0)
            rows, first = np.unique(pairs[:, 0], return_index=True)
            for row, items in zip(rows.tolist(), np.split(pairs[:, 1], first[1:]), strict=False):
                yield row, items.tolist()


def to_table(hits: Hits) -> pa.Table:
    """Hits as they are kept: columns row, n (0: a fingerprint), value (run or item), whole (0 beside a fingerprint)."""
    runs = [(n, found, whole) for n in hits.runs for found, whole in zip(hits.runs[n], hits.whole[n], strict=True)]
    exact = np.array([(row, item) for row, items in hits.exact.items() for item in items], np.int64).reshape(-1, 2)
    runs.append((0, exact, np.zeros(len(exact), np.uint64)))
    n = np.concatenate([np.full(len(found), n, np.int8) for n, found, _ in runs])
    both = np.concatenate([found for _, found, _ in runs])
    whole = np.concatenate([whole for _, _, whole in runs])
    return pa.table({"row": both[:, 0], "n": n, "value": both[:, 1], "whole": whole})


def add_table(hits: Hits, table: pa.Table) -> None:
    """Add hits of other rows, as `to_table` lays them out."""
    row, n, value, whole = (table[name].to_numpy() for name in ("row", "n", "value", "whole"))
    both = np.stack([row, value], 1)
    for length in np.unique(n).tolist():
        at = np.flatnonzero(n == length)
        at = at[np.lexsort((value[at], row[at]))]
        if length == 0:
            for one, item in both[at].tolist():
                hits.exact.setdefault(one, []).append(item)
            continue
        first = np.flatnonzero(np.append(True, np.diff(row[at]) != 0))  # of each row: its hits stay together
        for some in np.split(at, first[np.flatnonzero(np.diff(first // _TOGETHER)) + 1]):
            hits.runs.setdefault(length, []).append(both[some])
            hits.whole.setdefault(length, []).append(whole[some])


class Kept:
    """Records of rows that were found to hold something, so that the packs need not be read again for them; no more
    than KEPT_BYTES of them, the others are read."""

    def __init__(self, data: Rows) -> None:
        self._data = data
        self._records: dict[int, Any] = {}
        self._bytes = 0

    def add(self, positions: Sequence[int], records: pa.Array) -> None:
        self._bytes += records.nbytes
        if self._bytes <= KEPT_BYTES:
            self._records.update(zip(positions, parse_records(records), strict=True))

    def records(self, positions: Sequence[int]) -> list[Any]:
        """The records at these positions of the data."""
        missing = [position for position in positions if position not in self._records]
        read = dict(zip(missing, self._data.records(missing), strict=True)) if missing else {}
        return [self._records[position] if position in self._records else read[position] for position in positions]


@dataclass
class Part:
    """What was found in some rows: hits of each benchmark, counted from the first of them, and the records of the rows
    that hold something."""

    hits: list[Hits]
    rows: list[np.ndarray] = field(default_factory=list)
    records: list[pa.Array] = field(default_factory=list)


def find_hits(
    parts: Sequence[np.ndarray],
    look: Callable[[np.ndarray], Part],
    progress: Callable[[int], None],
    keep: Callable[[np.ndarray, pa.Array], None] = lambda rows, records: None,
    *,
    threads: int = 1,
) -> list[Hits]:
    """The hits of each benchmark in rows, given in `parts` as `look` is to be asked for them, from so many threads.

    Rows are counted over all parts. `progress` is told how many were read, `keep` those that hold something, with their
    records.
    """
    found, start = list[Hits](), 0
    for size, part in in_order(lambda some: (len(some), look(some)), parts, threads):
        for rows, records in zip(part.rows, part.records, strict=True):
            keep(rows + start, records)
        found = found or [Hits() for _ in part.hits]
        for all_, hits in zip(found, part.hits, strict=True):
            all_.add(hits, start)
        start += size
        progress(start)
    return found


def looking(data: Rows, field: str, wanted: Sequence[Wanted]) -> Callable[..., Part]:
    """What finds the hits of the benchmarks of these numbers in the rows at these positions. One serves several threads."""
    reader = WordReader(data.mapping, field)

    def look(positions: np.ndarray, numbers: Sequence[int]) -> Part:
        found, start = Part([Hits() for _ in numbers]), 0
        for records in record_blocks(data.only(positions)):
            hits = _look(reader, [wanted[number] for number in numbers], records)
            for all_, some in zip(found.hits, hits, strict=True):
                all_.add(some, start)
            rows = np.unique(np.concatenate([some.rows for some in hits]))
            if len(rows):
                found.rows.append(rows + start)
                found.records.append(records.take(pa.array(rows)))
            start += len(records)
        return found

    return look


def _look(reader: WordReader, wanted: Sequence[Wanted], records: pa.Array) -> list[Hits]:
    """What is found of each benchmark in a block of records, rows counted from its first."""
    wording = reader.read(records)
    pieces = Hashed.of(wording.texts)
    if wording.order is not None:
        pieces = pieces.taken(wording.order)
    rows, every = pieces.regrouped(wording.first), np.arange(len(records))
    row_of = np.repeat(every, np.diff(wording.first))
    found = [Hits() for _ in wanted]
    for benchmark, hits in zip(wanted, found, strict=True):
        _exact(hits, benchmark, pieces, row_of)
        if len(row_of) != len(every) or (row_of != every).any():  # else a row is its one piece
            _exact(hits, benchmark, rows, every)
        _shared(hits, benchmark, rows)
    return found


def record_blocks(data: Rows) -> Iterator[pa.Array]:
    """The records of all rows, in order, about a block of text at a time."""
    for batch in data.batches():
        records = batch.column("record")
        if not pa.types.is_struct(records.type):
            yield from blocks(records, BLOCK)
            continue
        step = max(len(records) * BLOCK // max(records.nbytes, 1), 1)
        yield from (records.slice(low, step) for low in range(0, len(records), step))


def _exact(hits: Hits, benchmark: Wanted, documents: Hashed, row_of: np.ndarray) -> None:
    """Documents that are an item's text, whole; the few that open like one are compared."""
    known, openings = benchmark.openings, documents.openings
    if not len(known):
        return
    like = np.flatnonzero(known[np.searchsorted(known, openings).clip(max=len(known) - 1)] == openings)
    for at, whole in zip(like.tolist(), whole_hashes(documents.taken(like)).tolist(), strict=True):
        if whole in benchmark.fingerprints:
            items = hits.exact.setdefault(int(row_of[at]), [])
            items.extend(item for item in benchmark.fingerprints[whole] if item not in items)


def _shared(hits: Hits, benchmark: Wanted, rows: Hashed) -> None:
    for n, known in benchmark.known.items():
        if n != COMPARED:
            found = _add_runs(hits, known, rows, np.arange(len(rows.sizes)))
            if n == SEED and len(found):  # who shares a longer run shares one of 8 words
                _add_runs(hits, benchmark.known[COMPARED], rows.taken(found), found)


def _add_runs(hits: Hits, known: KnownRuns, rows: Hashed, number: np.ndarray) -> np.ndarray:
    """Add the known runs in rows; they are those of these numbers in the block. -> numbers of those that hold some."""
    shared = known.scan(rows)
    if not len(shared.run):
        return number[:0]
    row, run = np.divmod(np.unique(shared.document * len(known.hashes) + shared.run), len(known.hashes))
    some, place = np.unique(row, return_inverse=True)
    hits.runs.setdefault(known.n, []).append(np.stack([number[row], run], 1))
    hits.whole.setdefault(known.n, []).append(whole_hashes(rows.taken(some))[place])
    sharing: np.ndarray = number[some]
    return sharing
