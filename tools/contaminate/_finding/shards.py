"""What was found in each pack of a dataset, kept, so that a new pack or another benchmark leaves the others unread.

It knows files in the workspace's cache, named by all that their content depends on; deleting one costs time only. It does
not know what a hit means: verdicts are made when the packs' hits are put together.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...context import Context
from ...processes import Processes
from ...store.rows import Rows
from ...text.characters import TOGETHER
from ...text.ngrams import NORMALISER
from .._benchmark import Benchmark
from .hits import Hits, Kept, Part, add_table, chunks, find_hits, looking, to_table
from .similar import Near, Nearest, Space, best

_FORMAT: Final = 2
_NEIGHBOURS: Final = {False: 5, True: 20}
"""Rows looked at for each item; code is rephrased further away than prose."""
_ALONE: Final = 3
"""Row groups, up to 64 MB each, that are looked through before other processes are started."""
_LOOKED_AT: Final = b"looked_at"


@dataclass(frozen=True)
class _Shard:
    """The live rows of one pack: their positions in the version, and their places in the pack."""

    pack: str
    size: int
    positions: np.ndarray
    places: np.ndarray

    def in_pack(self, table: pa.Table) -> pa.Table:
        """With the column `row` as places in the pack, from rows counted within the shard."""
        return _replaced(table, self.places[table["row"].to_numpy()])

    def in_version(self, table: pa.Table) -> pa.Table:
        """With the column `row` as positions, of live rows only."""
        where = self._position[table["row"].to_numpy()]
        return _replaced(table, where).filter(pa.array(where >= 0))

    @cached_property
    def _position(self) -> np.ndarray:
        position = np.full(self.size, -1, np.int64)
        position[self.places] = self.positions
        return position

    @property
    def live(self) -> np.ndarray:
        marked: np.ndarray = self._position >= 0
        return marked


def find(
    ctx: Context, data: Rows, field: str, benchmarks: Sequence[Benchmark], looked: np.ndarray
) -> tuple[list[Hits], Kept]:
    """The hits of each benchmark in the rows that are `looked` at (a mask), and records of rows with hits; packs whose
    hits are kept are not read."""
    kept = Kept(data)
    found = [Hits() for _ in benchmarks]
    identities = [("hits", NORMALISER, *_names(one), field, data.mapping.to_json()) for one in benchmarks]

    def work(
        rows: Rows, positions: np.ndarray, numbers: Sequence[int], progress: Callable[[int], None]
    ) -> list[pa.Table]:
        def keep(places: np.ndarray, records: pa.Array) -> None:
            kept.add(positions[places].tolist(), records)

        def look(some: np.ndarray) -> Part:
            return processes(some, numbers)  # type: ignore[no-any-return]

        return [
            to_table(one) for one in find_hits(data.row_groups(positions), look, progress, keep, threads=ctx.threads)
        ]

    wanted = [one.wanted for one in benchmarks]
    with Processes(looking, data, field, wanted, count=ctx.threads, alone=_ALONE) as processes:
        for tables in _by_shard(ctx, data, looked, identities, work, subset=True, what="runs of words"):
            for hits, table in zip(found, tables, strict=True):
                add_table(hits, table)
    return found, kept


def alike(
    ctx: Context,
    data: Rows,
    field: str,
    benchmarks: Sequence[Benchmark],
    looked: np.ndarray,
    spaces: Sequence[Sequence[tuple[Space, float]]],
) -> list[dict[int, list[Near]]]:
    """For each benchmark, item -> the rows most like its question of those `looked` at (a mask), in any of its spaces, each
    with its least cosine."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

    flat = [(number, space, least) for number, some in enumerate(spaces) for space, least in some]
    count = [_NEIGHBOURS[one.fields.code] for one in benchmarks]
    identities = [
        ("near", space.name, cut, count[number], *_names(benchmarks[number]), field, data.mapping.to_json())
        for number, space, cut in flat
    ]

    def work(
        rows: Rows, positions: np.ndarray, places: Sequence[int], progress: Callable[[int], None]
    ) -> list[pa.Table]:
        searches = []
        for number, space, cut in (flat[i] for i in places):
            questions = [item.question for item in benchmarks[number].items]
            searches.append(Nearest(space, questions, count=count[number], least=cut))
        with threadpool_limits(1):  # the products are small: two threads take twice the time of one
            _show(rows, field, searches, progress)
        return [_near_table(one) for one in searches]

    found: list[dict[int, list[Near]]] = [{} for _ in flat]
    for tables in _by_shard(ctx, data, looked, identities, work, subset=False, what="likeness"):
        for place, table in enumerate(tables):
            for item, row, piece, cosine in zip(*(table[name].to_pylist() for name in _NEAR), strict=True):
                found[place].setdefault(item, []).append(Near(row, piece, cosine))
    joined: list[dict[int, list[Near]]] = [{} for _ in benchmarks]
    for (number, _, _), near in zip(flat, found, strict=True):
        for item, rows in near.items():
            kept = joined[number].setdefault(item, [])
            seen = {one.position for one in kept}
            kept += [one for one in best(rows, count[number]) if one.position not in seen]
    return joined


Work = Callable[[Rows, np.ndarray, Sequence[int], Callable[[int], None]], list[pa.Table]]


def _by_shard(
    ctx: Context, data: Rows, looked: np.ndarray, identities: Sequence[Any], work: Work, *, subset: bool, what: str
) -> Iterator[list[pa.Table]]:
    """For each pack, a table for each identity: kept ones, else from `work` over the live rows, told with their positions.
    `subset`: what is kept holds for fewer live rows too."""
    read = 0
    part_of, place = data.index
    for number, part in enumerate(data.version.parts):
        positions = np.flatnonzero((part_of == number) & looked)
        if not len(positions):
            continue
        shard = _Shard(part.pack, part.rows, positions, place[positions])
        files = [_file(ctx, shard, identity) for identity in identities]
        tables = [_read(file, shard, subset=subset) for file in files]
        missing = [i for i, table in enumerate(tables) if table is None]
        if missing:
            made = work(data.only(positions), positions, missing, partial(_progress, ctx, int(positions[0]), len(data)))
            for i, table in zip(missing, made, strict=True):
                tables[i] = shard.in_pack(table)
                _write(ctx, files[i], shard, tables[i])
        else:
            read += len(positions)
        yield [shard.in_version(table) for table in tables]
    if read:
        ctx.notice(f"{read:,} of {len(data):,} rows were looked through for {what} before: what was found is used")


def _progress(ctx: Context, first: int, rows: int, done: int) -> None:
    ctx.progress(min(first + done, rows), rows)


def _names(benchmark: Benchmark) -> tuple[Any, ...]:
    return benchmark.vid, *benchmark.name.split(":")[1:], benchmark.fields.to_json()


_NEAR: Final = ("item", "row", "piece", "cosine")


def _near_table(search: Nearest) -> pa.Table:
    lines = [(item, one.position, one.piece, one.cosine) for item, near in search.found() for one in near]
    types = (pa.int64(), pa.int64(), pa.int64(), pa.float64())
    columns = list(zip(*lines, strict=True)) or [()] * len(_NEAR)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, types, strict=True)], names=list(_NEAR))


def _show(rows: Rows, field: str, searches: Sequence[Nearest], progress: Callable[[int], None]) -> None:
    for chunk in chunks(rows, field):
        row_of = np.repeat(np.arange(len(chunk)), np.diff(chunk.first))
        positions = (row_of + chunk.start).tolist()
        pieces = (np.arange(len(chunk.texts)) - np.array(chunk.first)[row_of]).tolist()
        for low in range(0, len(chunk.texts), TOGETHER):
            some = slice(low, low + TOGETHER)
            for search in searches:
                search.show(chunk.texts[some], positions[some], pieces[some])
        progress(chunk.start + len(chunk))


def _replaced(table: pa.Table, rows: np.ndarray) -> pa.Table:
    return table.set_column(table.schema.get_field_index("row"), "row", pa.array(rows.astype(np.int64)))


def _file(ctx: Context, shard: _Shard, identity: Any) -> Path:
    name = hashlib.sha256(json.dumps([_FORMAT, shard.pack, identity], sort_keys=True).encode()).hexdigest()
    return ctx.store.state / "cache" / f"contaminate-{name[:32]}.parquet"


def _read(file: Path, shard: _Shard, *, subset: bool) -> pa.Table | None:
    """What is kept, if it speaks of all live rows; the nearest rows must all be live still, or others would be nearest."""
    try:
        table = pq.read_table(file)
    except (OSError, pa.ArrowInvalid):
        return None
    looked_at = np.unpackbits(np.frombuffer(table.schema.metadata[_LOOKED_AT], np.uint8), count=shard.size).astype(bool)
    if not looked_at[shard.places].all():
        return None
    if not subset and not shard.live[table["row"].to_numpy()].all():
        return None
    return table


def _write(ctx: Context, file: Path, shard: _Shard, table: pa.Table) -> None:
    looked_at = np.packbits(shard.live).tobytes()
    temporary = ctx.scratch / file.name
    pq.write_table(table.replace_schema_metadata({_LOOKED_AT: looked_at}), temporary, compression="zstd")
    os.replace(temporary, file)
