"""Reading a version: its rows in order, in batches, by position, or as text.

It knows how parts are merged by `ord` and how records are read through the mapping. It writes nothing and does not
know datasets, refs or the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import Misuse
from .format import texts as text_reading
from .format.mapping import Mapping
from .packs import Objects, fixed_bytes, read_bitmap
from .versions import Part, Version

BATCH = 8_192


class Batch:
    """Consecutive rows of a version: `table` holds the columns asked for, `start` is the position of the first."""

    __slots__ = ("start", "table")

    def __init__(self, start: int, table: pa.Table) -> None:
        self.start = start
        self.table = table

    def __len__(self) -> int:
        return len(self.table)

    def column(self, name: str) -> pa.Array:
        return self.table.column(name).combine_chunks()

    def records(self) -> list[Any]:
        """The records as Python values, in order."""
        return parse_records(self.table.column("record"))


def parse_records(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    """A record column (JSON text or structs) as Python values."""
    if pa.types.is_struct(column.type):
        return text_reading.plain_values(column)
    loads = json.loads
    return [loads(text) for text in column.to_pylist()]


class Rows:
    """The live rows of one version, addressed by position: 0 to len - 1, in order of `ord`."""

    def __init__(self, objects: Objects, version: Version) -> None:
        self._objects = objects
        self.version = version
        self._masks: dict[Part, np.ndarray] = {}

    def __len__(self) -> int:
        return self.version.rows

    @property
    def mapping(self) -> Mapping:
        return self.version.mapping

    @property
    def vid(self) -> str:
        return self.version.vid

    def batches(self, columns: Sequence[str] = ("record",), *, size: int = BATCH) -> Iterator[Batch]:
        """All rows in order. A batch holds at most about `size` rows."""
        position = 0
        for table in self._tables(tuple(columns), size):
            yield Batch(position, table)
            position += len(table)

    def arrow(self, columns: Sequence[str] = ("record",)) -> pa.Table:
        """All rows of the given columns at once: for small columns, or small datasets."""
        tables = list(self._tables(tuple(columns), 65_536))
        if not tables:
            return self.schema(columns).empty_table()
        return pa.concat_tables(tables).combine_chunks()

    def texts(self, field: str, *, size: int = BATCH) -> Iterator[pa.LargeStringArray]:
        """The text of `field` of every row, in order, in batches; a row without it gives the empty text."""
        read = text_reading.text_reader(self.mapping, field)
        for batch in self.batches(("record",), size=size):
            yield read(batch.column("record"))

    def take(self, positions: Sequence[int] | np.ndarray, columns: Sequence[str]) -> pa.Table:
        """The rows at the given positions, in the order given."""
        wanted = np.asarray(positions, np.int64)
        if len(wanted) and (wanted.min() < 0 or wanted.max() >= len(self)):
            raise IndexError(f"position outside 0..{len(self) - 1}")
        part_of, place = self.index
        tables, order = [], []
        for number, part in enumerate(self.version.parts):
            here = np.flatnonzero(part_of[wanted] == number)
            if len(here):
                tables.append(self._objects.pick(part.pack, place[wanted[here]], columns))
                order.append(here)
        if not tables:
            return self.schema(columns).empty_table()
        back = np.argsort(np.concatenate(order), kind="stable")
        return pa.concat_tables(tables).take(pa.array(back))

    def records(self, positions: Sequence[int] | np.ndarray) -> list[Any]:
        return parse_records(self.take(positions, ["record"]).column("record"))

    def only(self, positions: np.ndarray) -> Rows:
        """The rows at these positions (ascending) alone, addressed from 0; nothing is stored for it."""
        part_of, place = self.index
        part_of, place = part_of[positions], place[positions]
        masks: dict[Part, np.ndarray] = {}
        for number in np.unique(part_of).tolist():
            part = self.version.parts[number]
            mask = np.zeros(part.rows, bool)
            mask[place[part_of == number]] = True
            masks[replace(part, live=int(mask.sum()))] = mask
        some = Rows(self._objects, replace(self.version, parts=tuple(masks), rows=len(positions)))
        some._masks = masks
        return some

    def row_groups(self, positions: np.ndarray) -> list[np.ndarray]:
        """Positions (ascending, all of one part) cut where a row group of its pack ends: each piece is read at once."""
        part_of, place = self.index
        pack = self.version.parts[int(part_of[positions[0]])].pack
        metadata = self._objects.open(pack).metadata
        ends = np.cumsum([metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)])
        group = np.searchsorted(ends, place[positions], "right")
        return np.split(positions, np.flatnonzero(np.diff(group)) + 1)

    def schema(self, columns: Sequence[str]) -> pa.Schema:
        if not self.version.parts:
            raise Misuse(f"The version {self.vid} holds no rows.")
        whole = self._objects.open(self.version.parts[0].pack).schema_arrow
        return pa.schema([whole.field(name) for name in columns])

    @cached_property
    def index(self) -> tuple[np.ndarray, np.ndarray]:
        """For every position: the number of its part (int16) and the row within that part's pack (int32)."""
        parts, places, ords = [], [], []
        for number, part in enumerate(self.version.parts):
            live = self._live(part)
            parts.append(np.full(len(live), number, np.int16))
            places.append(live.astype(np.int32))
            if self._overlapping:
                ords.append(self._objects.read(part.pack, ["ord"])["ord"].to_numpy()[live])
        part_of = np.concatenate([np.empty(0, np.int16), *parts])
        place = np.concatenate([np.empty(0, np.int32), *places])
        if self._overlapping:
            order = np.argsort(np.concatenate(ords), kind="stable")
            part_of, place = part_of[order], place[order]
        return part_of, place

    def positions_of(self, row_ids: Sequence[str]) -> dict[str, int]:
        """Positions of those of the given row ids (32 hex digits) that are live here."""
        wanted = {bytes.fromhex(row_id) for row_id in row_ids}
        found: dict[str, int] = {}
        for batch in self.batches(("row_id",), size=65_536):
            ids = fixed_bytes(batch.column("row_id"))
            data = ids.tobytes()
            for i in range(len(ids)):
                one = data[16 * i : 16 * i + 16]
                if one in wanted:
                    found[one.hex()] = batch.start + i
        return found

    @cached_property
    def _overlapping(self) -> bool:
        parts = self.version.parts
        return any(later.first <= earlier.last for earlier, later in pairwise(parts))

    def _live(self, part: Part) -> np.ndarray:
        mask = self._mask(part)
        return np.arange(part.rows) if mask is None else np.flatnonzero(mask)

    def _mask(self, part: Part) -> np.ndarray | None:
        """Which rows of a part's pack are live; None: all."""
        if part in self._masks:
            return self._masks[part]
        return None if part.selection is None else read_bitmap(self._objects, part.selection)

    def _tables(self, columns: tuple[str, ...], size: int) -> Iterator[pa.Table]:
        for group in self._groups():
            if len(group) == 1:
                yield from self._stream(group[0], columns, size)
            else:
                with_ord = (*columns, *(("ord",) if "ord" not in columns else ()))
                for table in _merge([self._stream(part, with_ord, size) for part in group]):
                    yield table.select(list(columns))

    def _groups(self) -> list[list[Part]]:
        """Parts in order; parts whose ranges of `ord` overlap stand in one group and must be merged."""
        groups: list[list[Part]] = []
        last = -1
        for part in self.version.parts:
            if groups and part.first <= last:
                groups[-1].append(part)
            else:
                groups.append([part])
            last = max(last, part.last)
        return groups

    def _stream(self, part: Part, columns: Sequence[str], size: int) -> Iterator[pa.Table]:
        keep = self._mask(part)
        file = self._objects.open(part.pack)
        groups = list(range(file.metadata.num_row_groups))
        if keep is not None:  # row groups without a live row are not read
            starts = np.cumsum([0, *[file.metadata.row_group(group).num_rows for group in groups]])
            groups = [group for group in groups if keep[starts[group] : starts[group + 1]].any()]
            keep = np.concatenate([np.empty(0, bool), *[keep[starts[group] : starts[group + 1]] for group in groups]])
        at = 0
        batches = file.iter_batches(batch_size=size, row_groups=groups, columns=list(columns), use_threads=False)
        while True:
            with self._objects.reading(part.pack):
                batch = next(batches, None)
            if batch is None:
                return
            mask = None if keep is None else keep[at : at + len(batch)]
            at += len(batch)
            if mask is None or mask.all():
                yield pa.Table.from_batches([batch]).select(list(columns))
            elif mask.any():
                yield pa.Table.from_batches([batch.filter(pa.array(mask))]).select(list(columns))


def _merge(streams: list[Iterator[pa.Table]]) -> Iterator[pa.Table]:
    """Merge streams that are each sorted by `ord` into one, holding one batch of each in memory."""
    heads: list[pa.Table] = []
    live: list[Iterator[pa.Table]] = []
    for stream in streams:
        head = next(stream, None)
        if head is not None:
            heads.append(head)
            live.append(stream)
    while heads:
        boundary = min(head.column("ord")[len(head) - 1].as_py() for head in heads)
        ready, heads_left, live_left = [], [], []
        for head, stream in zip(heads, live, strict=True):
            count = int(np.searchsorted(head.column("ord").to_numpy(), boundary, "right"))
            ready.append(head.slice(0, count))
            rest: pa.Table | None = head.slice(count)
            if rest is not None and not len(rest):
                rest = next(stream, None)
            if rest is not None:
                heads_left.append(rest)
                live_left.append(stream)
        heads, live = heads_left, live_left
        merged = pa.concat_tables(ready)
        order = np.argsort(merged.column("ord").to_numpy(), kind="stable")
        yield merged.take(pa.array(order))
