"""The rows of a version, or of those a predicate finds, as pages of cells: what a table on the screen is drawn from.

It knows positions and how a record becomes cells. It does not know the screen; whoever calls `page` is in a thread.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..render.records.rows import plain

if TYPE_CHECKING:
    import numpy as np

    from ...agent.workspace import Workspace
    from ...tools.store.format.mapping import Mapping
    from ...tools.store.past.stored import StoredRow
    from ...tools.store.rows import Rows

PAGE: Final = 128
BLOCK: Final = 16
"""Pages read at once where rows lie scattered: reading few costs as much as reading many."""
FEW: Final = 20_000
"""Up to so many rows, reading any of them is quick wherever they lie."""
LAID_BYTES: Final = 1 << 30
"""Objects of more bytes than this are not laid out."""
LONGEST: Final = 400
"""Characters of a cell that are kept for drawing; the whole cell is read again when somebody opens it."""

Cells = tuple[str | None, ...]
"""One row: its number in the version, then the fields; None is a null."""


@dataclass(frozen=True)
class Field:
    """A column of the table."""

    name: str
    numeric: bool
    read: Callable[[Any], Any]


class Pages:
    """Rows of one version in the order asked for: `positions`, or all of them.

    `laid` are the records laid out so that any is reached at once; without, scattered rows are read many pages at once.
    """

    def __init__(self, rows: Rows, positions: np.ndarray | None = None, *, laid: Laid | None = None) -> None:
        self.rows = rows
        self.fields = fields_of(rows.mapping)
        self.laid = laid
        self._positions = positions
        self._scattered = positions is not None and laid is None and len(rows) > FEW
        self._block: tuple[int, list[Cells]] = (-1, [])

    def __len__(self) -> int:
        return len(self.rows) if self._positions is None else len(self._positions)

    def position(self, index: int) -> int:
        """Where the row lies in the version."""
        return index if self._positions is None else int(self._positions[index])

    def page(self, number: int) -> list[Cells]:
        """Rows `number * PAGE` and on."""
        if not self._scattered:
            return self._read(number * PAGE, PAGE)
        block, at = divmod(number, BLOCK)
        if self._block[0] != block:
            self._block = (block, self._read(block * BLOCK * PAGE, BLOCK * PAGE))
        return self._block[1][at * PAGE : (at + 1) * PAGE]

    def _read(self, start: int, count: int) -> list[Cells]:
        positions = [self.position(index) for index in range(start, min(start + count, len(self)))]
        if not positions:
            return []
        source = self.rows if self.laid is None or self._positions is None else self.laid
        return [
            (f"{position + 1:,}", *(_cell(field, record) for field in self.fields))
            for position, record in zip(positions, source.records(positions), strict=True)
        ]

    def stored(self, index: int) -> StoredRow:
        """One row whole."""
        from ...tools.store.past.stored import stored_rows

        return stored_rows(self.rows, [self.position(index)])[0]


class Laid:
    """The records of a version, uncompressed, in a file without a name: it is gone when nobody reads it any more."""

    def __init__(self, rows: Rows, folder: Path) -> None:
        import pyarrow as pa

        with tempfile.NamedTemporaryFile(dir=folder) as file:
            with pa.OSFile(file.name, "wb") as out, pa.ipc.new_file(out, rows.schema(("record",))) as writer:
                for batch in rows.batches(("record",), size=FEW):
                    writer.write_table(batch.table)
            with pa.memory_map(file.name) as source:
                reader = pa.ipc.open_file(source)
                self._batches = [reader.get_batch(i) for i in range(reader.num_record_batches)]
        self._starts = list(accumulate(map(len, self._batches), initial=0))

    def records(self, positions: Sequence[int]) -> list[Any]:
        """The records at these positions."""
        import pyarrow as pa

        from ...tools.store.rows import parse_records

        found = [(bisect_right(self._starts, position) - 1, position) for position in positions]
        rows = [self._batches[batch].slice(position - self._starts[batch], 1) for batch, position in found]
        return parse_records(pa.Table.from_batches(rows).column("record"))


def open_pages(
    workspace: Workspace,
    address: str,
    where: str,
    order: str,
    before: Pages | None = None,
    *,
    positions: np.ndarray | None = None,
) -> Pages:
    """The rows that meet a predicate ("": all), or those at `positions`, in an order ("": as they are).

    Raises Retry for SQL that may not run. `before` are pages that were shown before; what was laid out for the same
    version is used again.
    """
    import numpy as np

    from ...tools.store.query.views import positions_where, ranks

    rows = workspace.rows(address)
    if where:
        positions = positions_where(workspace.store, address, where, threads=workspace.threads)
    if order:
        place = ranks(workspace.store, rows, order)
        some = np.arange(len(rows)) if positions is None else positions
        positions = some[np.argsort(place[some], kind="stable")]
    if positions is None or len(rows) <= FEW:
        return Pages(rows, positions)
    if before is not None and before.rows.vid == rows.vid and before.laid is not None:
        return Pages(rows, positions, laid=before.laid)
    objects = workspace.store.objects
    size = sum(objects.path(part.pack).stat().st_size for part in rows.version.parts)
    return Pages(rows, positions, laid=Laid(rows, objects.temporary) if size <= LAID_BYTES else None)


def fields_of(mapping: Mapping) -> tuple[Field, ...]:
    """What a table shows of a record: of a conversation the first question and the last answer, then other columns."""
    roles = {
        "messages": ("first_user", "response"),
        "sharegpt": ("first_user", "response"),
        "preference": ("prompt", "chosen", "rejected"),
    }.get(mapping.format, ())
    used = {path.split(".")[0].split("[")[0].lstrip("/") for path in mapping.paths.values()} if roles else set()
    texts = [Field(role, False, _role_reader(mapping, role)) for role in roles]
    own = [
        Field(name, _numeric(kinds) or name in mapping.cells, _column_reader(name))
        for name, kinds in mapping.columns.items()
        if name not in used
    ]
    return (*texts, *own)


def _numeric(kinds: tuple[str, ...]) -> bool:
    seen = {kind for kind in kinds if kind != "null"}
    return bool(seen) and all(kind in ("integer", "number") or kind.startswith(("int", "double")) for kind in seen)


def _role_reader(mapping: Mapping, role: str) -> Callable[[Any], Any]:
    return lambda record: mapping.text(record, role) if isinstance(record, dict) else record


def _column_reader(name: str) -> Callable[[Any], Any]:
    return lambda record: record.get(name) if isinstance(record, dict) else record


def _cell(field: Field, record: Any) -> str | None:
    value = field.read(record)
    return None if value is None else plain(value)[:LONGEST]
