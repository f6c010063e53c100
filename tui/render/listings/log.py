"""The ledger, one line an entry, oldest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ....agent.plural import counted
from ...terminal import Terminal
from ...text import one_line, table
from .. import fitted
from ..results import version

if TYPE_CHECKING:
    from ....tools.store.ledger import Entry

ROOMY: Final = 80
"""Cells from which on version ids are shown too."""


@fitted
def log(entries: Sequence[Entry], terminal: Terminal) -> Iterator[str]:
    if not entries:
        yield "nothing was done here yet"
        return
    head: list[object] = ["", "when", "dataset", "what", "rows", "details", "version"]
    rows: list[list[object]] = [
        [one.seq, one.at[:16].replace("T", " "), one.dataset, one.tool or one.kind, rows_told(one), details_told(one),
         version(one.output) if one.output else ""]
        for one in entries
    ]  # fmt: skip
    shown = len(head) if terminal.columns >= ROOMY else len(head) - 1
    yield from table([row[:shown] for row in (head, *rows)], columns=terminal.columns, numbers=(0,))


def rows_told(one: Entry) -> str:
    before, after = one.counts.get("before"), one.counts.get("after")
    if after is None:
        return ""
    return f"{after:,}" if before in (None, after) else f"{before:,} -> {after:,}"


def details_told(one: Entry) -> str:
    parts = [f"-{count:,} {reason}" for reason, count in one.counts.get("dropped", {}).items()]
    if one.counts.get("edited"):
        parts.append(f"~{one.counts['edited']:,} edited")
    if one.counts.get("findings"):
        parts.append(counted(one.counts["findings"], "findings"))
    if one.kind == "import" and any(one.details.get("rejected", {}).values()):
        parts.append(f"{sum(one.details['rejected'].values()):,} rejected")
    if one.args.get("ruled"):
        parts.append(f"{counted(len(one.args['ruled']), 'rulings')} heeded")
    if one.kind == "tag":
        parts.append(f"@{one.args['label']}")
    if one.kind == "purge":
        parts.append(f"row {one.args['row'][:12]}: {one_line(one.args['because'])}")
    if one.kind == "export":
        parts.append(f"to {one.details.get('folder')}")
    if one.details.get("refused"):
        parts.append("refused: over --max-drop")
    if not one.moves and one.kind == "step" and not one.details.get("refused"):
        parts.append("scratch")
    if one.actor != "person":
        parts.append(f"by {one.actor}")
    return ", ".join(parts)
