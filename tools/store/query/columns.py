"""The columns of a version's own records in SQL: their names, also where one clashes with ours, and how they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .. import door
from ..door import identifier
from ..format.mapping import Mapping

OWN: Final = ("row_id", "source", "split", "file", "line", "key")
"""Columns of `rows` beside the record's own; a record's column of the same name is shown as `NAME_`."""
OF_A_DROP: Final = ("step", "tool", "reason", "score", "evidence")
"""Columns of `dropped` beside those of `rows`; a record's column of the same name is shown as `NAME_` there."""


@dataclass(frozen=True)
class Column:
    """A column of the record as `rows` shows it."""

    name: str
    shown: str
    expression: str


def own_columns(mapping: Mapping) -> list[Column]:
    """The record's own columns as SQL over `record`, typed by what the import saw in them."""
    taken = {name.lower() for name in OWN}
    found = []
    for name, kinds in mapping.columns.items():
        shown = name or "_"
        while shown.lower() in taken:
            shown += "_"
        taken.add(shown.lower())
        found.append(Column(name, shown, expression(name, kinds, mapping)))
    return found


def expression(name: str, kinds: Sequence[str], mapping: Mapping) -> str:
    if mapping.kind == "typed":
        return f"record.{identifier(name)}"
    pointer = door.json_pointer(name)
    text = f"json_extract_string(record, {pointer})"
    cast = {"integer": "bigint", "number": "double", "boolean": "boolean"}
    if name in mapping.cells:
        return f"try_cast({text} as {cast[mapping.cells[name]]})"
    seen = [kind for kind in kinds if kind != "null"]
    if seen == ["string"]:
        return text
    if seen and set(seen) <= {"integer", "number"}:
        return f"try_cast({text} as {cast['number' if 'number' in seen else 'integer']})"
    return f"cast({text} as boolean)" if seen == ["boolean"] else f"json_extract(record, {pointer})"


def renamed(mapping: Mapping) -> dict[str, str]:
    """The record's own columns that `dropped` shows under another name than `rows`, and that name."""
    shown = [column.shown for column in own_columns(mapping)]
    taken = {*OWN, *OF_A_DROP, *(name.lower() for name in shown)}
    found = {}
    for name in shown:
        if name.lower() in OF_A_DROP:
            now = f"{name}_"
            while now.lower() in taken:
                now += "_"
            taken.add(now.lower())
            found[name] = now
    return found


def without_clashes(mapping: Mapping) -> str:
    """What follows `*` where the columns of a drop stand beside those of its row."""
    renames = [f"{identifier(was)} as {identifier(now)}" for was, now in renamed(mapping).items()]
    return "exclude (ord, rev, record)" + (f" rename ({', '.join(renames)})" if renames else "")
