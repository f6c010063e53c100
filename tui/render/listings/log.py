"""The ledger, one line an entry, oldest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Final

from ....agent.plural import counted
from ...terminal import Terminal
from ...text import one_line, table
from .. import fitted
from ..results import version

if TYPE_CHECKING:
    from ....tools.store.ledger import Entry

ROOMY: Final = 80
"""Cells from which on version ids are shown too."""
MOST_RULED: Final = 3
"""Rows that are named; more are counted."""


@fitted
def log(entries: Sequence[Entry], terminal: Terminal) -> Iterator[str]:
    if not entries:
        yield "nothing was done here yet"
        return
    head: list[object] = ["", "when", "dataset", "what", "rows", "details", "version"]
    trials = on_trial(entries)
    rows: list[list[object]] = [
        [one.seq, one.at[:16].replace("T", " "), one.dataset, what_told(one), rows_told(one), details_told(one, trials),
         version(one.output) if one.output else ""]
        for one in entries
    ]  # fmt: skip
    shown = len(head) if terminal.columns >= ROOMY else len(head) - 1
    yield from table([row[:shown] for row in (head, *rows)], columns=terminal.columns, numbers=(0,))


def what_told(one: Entry) -> str:
    """The tool, or what was done; of steps done again, why: people ruled on rows, or a step got other arguments."""
    if one.kind == "run" and not one.tool:
        return "ruling" if "ruled" in one.args else "amend" if "again" in one.args else "run"
    return one.tool or one.kind


def on_trial(entries: Sequence[Entry]) -> Set[int]:
    """The steps that led to no version their dataset has had, by number: tried on a sample, or not followed."""
    made_of = {one.output: one.before for one in entries if one.kind == "step" and one.output and not one.moves}
    led: set[str | None] = set()
    for one in entries:
        at = one.output if one.moves else None
        while at is not None and at not in led:
            led.add(at)
            at = made_of.get(at)
    return {
        one.seq for one in entries if one.kind == "step" and not one.moves and (one.output or one.before) not in led
    }


def rows_told(one: Entry) -> str:
    before, after = one.counts.get("before"), one.counts.get("after")
    if after is None:
        return ""
    return f"{after:,}" if before in (None, after) else f"{before:,} -> {after:,}"


def details_told(one: Entry, trials: Set[int] = frozenset()) -> str:
    parts = [f"-{count:,} {reason}" for reason, count in one.counts.get("dropped", {}).items()]
    if one.counts.get("edited"):
        parts.append(f"~{one.counts['edited']:,} edited")
    if one.counts.get("findings"):
        parts.append(counted(one.counts["findings"], "findings"))
    if one.kind == "import" and any(one.details.get("rejected", {}).values()):
        parts.append(f"{sum(one.details['rejected'].values()):,} rejected")
    if one.kind == "run":
        parts.append(_run_told(one.args))
    if one.kind == "tag":
        parts.append(f"@{one.args['label']}")
    if one.kind == "purge":
        parts.append(f"row {one.args['row'][:12]}: {one_line(one.args['because'])}")
    if one.kind == "export":
        parts.append(f"to {one.details.get('folder')}")
    if one.details.get("refused"):
        parts.append("refused: over --max-drop")
    if one.seq in trials and not one.details.get("refused"):
        parts.append("scratch")
    if one.actor != "person":
        parts.append(f"by {one.actor}")
    return ", ".join(part for part in parts if part)


def _run_told(args: Mapping[str, Any]) -> str:
    """Whose word made steps run again, or which recipe."""
    if ruled := args.get("ruled"):
        if len(ruled) > MOST_RULED:
            return counted(len(ruled), "rows")
        return ", ".join(f"{now} {row_id[:12]}" for row_id, (_, now) in ruled.items())
    return f"{counted(len(args['again']), 'steps')} done again" if "again" in args else ""
