"""What was exported, and whether an exported card still tells the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ...agent.plural import counted
from ..terminal import Terminal
from ..text import many_lines, one_line, table, wrap
from . import fitted
from .results import result_lines

if TYPE_CHECKING:
    from ...agent.release import Exported
    from ...tools.document.card import Verified


@fitted
def exported(made: Exported, terminal: Terminal) -> Iterator[str]:
    written = made.written
    told = {"tool": "export", "folder": str(made.folder), "format": written.options.format, "rows": written.rows}
    yield from result_lines({**told, "changed": made.changed}, terminal)
    files = [[file.path, f"{file.rows:,}", f"{file.bytes:,}"] for file in written.files]
    head = ["file", "rows", "bytes"]
    yield from ("  " + line for line in table([head, *files], columns=terminal.columns - 2, numbers=(1, 2)))
    for loss in written.losses:
        yield from wrap(
            f"loss: {loss.message} ({counted(loss.rows, 'rows')})", terminal.columns, indent="    ", first="  "
        )
    if made.paste:
        yield "to train on it:"
        yield from ("  " + line for line in many_lines(made.paste))


def fields(made: Exported) -> dict[str, Any]:
    """An export as JSON; schema and mapping stand in its manifest."""
    written = made.written
    return {
        "folder": str(made.folder),
        "format": written.options.format,
        "rows": written.rows,
        "files": [asdict(file) for file in written.files],
        "splits": [dict(share) for share in written.shares],
        "losses": [asdict(loss) for loss in written.losses],
        "changed": made.changed,
        "paste": made.paste,
    }


def verified(folder: str, found: Verified, terminal: Terminal) -> Iterator[str]:
    for drift in found.drifted:
        text = f"{drift.fact}: the card says {drift.said}, found {drift.found}"
        yield from wrap("DRIFTED " + one_line(text), terminal.columns, indent="  ")
    yield (
        f"{one_line(folder)}: {found.checked_from_export:,} facts computed again from the files, "
        f"{found.checked_from_ledger:,} compared with the provenance, {len(found.drifted):,} drifted"
    )
