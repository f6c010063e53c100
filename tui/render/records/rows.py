"""Rows for people: where each came from, then its turns or columns; query results as a grid."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ....agent.plural import counted
from ...terminal import Terminal
from ...text import many_lines, one_line, share, shorten, table, wrap
from .. import fitted

if TYPE_CHECKING:
    import pyarrow as pa

    from ....tools.store.format.mapping import Mapping
    from ....tools.store.past.stored import StoredRow

LONGEST = 600
"""Characters of one text that are shown; the rest is counted."""


@fitted
def rows(
    found: Sequence[StoredRow], mapping: Mapping, whole: int, where: str | None, terminal: Terminal
) -> Iterator[str]:
    for stored in found:
        yield heading(stored, terminal)
        yield from body(stored.record, mapping, terminal)
        yield ""
    asked = " that meet the predicate" if where is not None else ""
    yield f"{len(found):,} of {counted(whole, 'rows')}{asked} ({share(len(found), whole)}); -n N shows more"


def heading(stored: StoredRow, terminal: Terminal) -> str:
    """Id, place and split of a row."""
    split = f"  split {stored.split}" if stored.split else ""
    key = f"  key {stored.key}" if stored.key else ""
    return terminal.paint(f"{stored.row_id[:12]}  {one_line(stored.place + split + key)}", "bold")


def body(record: Any, mapping: Mapping, terminal: Terminal, *, longest: int = LONGEST) -> Iterator[str]:
    """The dialogue turn by turn and the columns beside it; a record that is no dialogue by its columns."""
    turns = mapping.turns(record) if isinstance(record, dict) else []
    if turns and mapping.format != "text":
        for turn in turns:
            yield from labelled(turn.role, turn.text, terminal, longest=longest)
        used = {path.split(".")[0].split("[")[0].lstrip("/") for path in mapping.paths.values()}
        for name, value in record.items():
            if name not in used and value not in (None, "", [], {}):
                yield from labelled(name, plain(value), terminal, longest=longest)
    elif isinstance(record, dict):
        for name, value in record.items():
            yield from labelled(name, plain(value), terminal, longest=longest)
    else:
        yield from labelled("record", plain(record), terminal, longest=longest)


def labelled(label: str, text: str, terminal: Terminal, *, longest: int = LONGEST) -> Iterator[str]:
    """`  label: text`, its lines wrapped under it; what is left out is counted."""
    rest = len(text) - longest
    lines = many_lines(text[:longest] if rest > 0 else text)
    if rest > 0:
        lines[-1] += f"… (+{rest:,} characters)"
    first = f"  {one_line(str(label))}: "
    for i, line in enumerate(lines):
        yield from wrap(line, terminal.columns, indent="    ", first=first if i == 0 else "    ")


def plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def table_rows(result: pa.Table) -> list[dict[str, Any]]:
    """A query's result as JSON objects."""
    from ....tools.store.format.texts import plain_values

    columns = [plain_values(result.column(i).combine_chunks()) for i in range(result.num_columns)]
    return [dict(zip(result.column_names, line, strict=True)) for line in zip(*columns, strict=True)]


def grid(names: Sequence[str], values: Sequence[Sequence[Any]], terminal: Terminal) -> Iterator[str]:
    """A query's result in columns, or row by row where they do not fit side by side; NULL is shown as such."""
    told = [["NULL" if value is None else shorten(plain(value), 300) for value in row] for row in values]
    numbers = [i for i in range(len(names)) if values and all(isinstance(row[i], int | float | None) for row in values)]
    if names:
        yield from table([list(names), *told], columns=terminal.columns, numbers=numbers)
    yield f"({counted(len(values), 'rows')})"
