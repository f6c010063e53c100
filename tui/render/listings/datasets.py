"""Datasets in a line each, and where a workspace stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...terminal import Terminal
from ...text import one_line, table
from .. import fitted
from ..results import version

if TYPE_CHECKING:
    from ....agent.workspace import DatasetStatus
    from ....tools.store.ledger import Entry


@fitted
def datasets(found: Sequence[DatasetStatus], terminal: Terminal) -> Iterator[str]:
    if not found:
        yield "no datasets yet; 'tilth import NAME PATH' makes one"
        return
    head = ["dataset", "rows", "format", "version", "undo", "redo", "tags"]
    rows = [
        [one.name, f"{one.rows:,}", one.format, version(one.version), one.undoable, one.redoable, ", ".join(one.tags)]
        for one in found
    ]
    yield from table([head, *rows], columns=terminal.columns, numbers=(1, 4, 5))


@fitted
def status(line: Mapping[str, Any], found: Sequence[DatasetStatus], terminal: Terminal) -> Iterator[str]:
    yield f"workspace {one_line(line['workspace'])}   {size(line['bytes'])} in .tilth/"
    running = line["running"]
    yield f"running: {one_line(running['command'])} (process {running['pid']})" if running else "running: nothing"
    yield ""
    yield from datasets(found, terminal)
    yield ""
    yield f"next: {line['next']}"


def next_command(found: Sequence[DatasetStatus], last: Sequence[Entry]) -> str:
    """A command that follows from what was done last."""
    if not found:
        return "tilth import NAME PATH"
    name = last[0].dataset if last else found[0].name
    kind = last[0].kind if last else ""
    if name.startswith("benchmarks/"):
        own = [one.name for one in found if not one.name.startswith("benchmarks/")]
        return f"tilth inspect {own[0]}" if own else "tilth import NAME PATH"
    if kind == "step":
        return f"tilth drops {name}"
    return f"tilth inspect {name}" if kind == "import" else f"tilth export {name}"


def size(count: int) -> str:
    """Bytes in the largest unit that leaves one digit before the point."""
    value, units = float(count), ("bytes", "kB", "MB", "GB", "TB")
    for unit in units:
        if value < 1000 or unit == units[-1]:
            return f"{count} bytes" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    raise AssertionError
