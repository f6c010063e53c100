"""What differs between two versions: counts, then added, dropped by reason, edited with the edit marked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ....tools.store.past.stored import excerpt
from ...terminal import Terminal
from ...text import one_line, share, shorten, wrap
from .. import fitted
from .comparing import inline
from .rows import heading, plain

if TYPE_CHECKING:
    from ....tools.store.format.mapping import Mapping
    from ....tools.store.past.differences import Difference


@fitted
def diff(title: str, found: Difference, mapping: Mapping, terminal: Terminal) -> Iterator[str]:
    yield terminal.paint(one_line(title), "bold")
    yield counts(found)
    for reason, count in found.dropped.items():
        yield f"  dropped {count:,} {one_line(reason)} ({share(count, found.before)})"
    room = terminal.columns - 40
    if found.added[1]:
        yield ""
        yield f"added {found.added[0]:,}:"
        for row in found.added[1]:
            yield f"+ {heading(row, terminal)}  {shorten(excerpt(row.record, 10_000), room)}"
    if found.dropped_rows:
        yield ""
        yield f"dropped {sum(found.dropped.values()):,}:"
        for row, reason in found.dropped_rows:
            yield f"- {heading(row, terminal)}  {one_line(reason)}"
            yield f"    {shorten(excerpt(row.record, 10_000), terminal.columns - 30)}"
    if found.edited[1]:
        yield ""
        yield f"edited {found.edited[0]:,}:"
    for before, after, reason in found.edited[1]:
        yield f"~ {heading(before, terminal)}  {one_line(reason)}"
        yield from wrap(inline(plain(before.record), plain(after.record)), terminal.columns, indent="    ")


def counts(found: Difference) -> str:
    dropped = sum(found.dropped.values())
    return (
        f"{found.before:,} -> {found.after:,} rows: added {found.added[0]:,}, dropped {dropped:,}, "
        f"edited {found.edited[0]:,}"
    )


def markdown(title: str, found: Difference) -> Iterator[str]:
    """For a pull request: a heading, the counts, a table of reasons."""
    yield f"### {one_line(title)}"
    yield ""
    yield counts(found)
    if found.dropped:
        yield ""
        yield "| reason | dropped | share |"
        yield "|---|--:|--:|"
        for reason, count in found.dropped.items():
            yield f"| {one_line(reason)} | {count:,} | {share(count, found.before)} |"
