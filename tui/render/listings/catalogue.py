"""Lists of what there is: tools, the verdicts on own tools, the doctor's checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from ....agent.plural import counted
from ...cells import width
from ...terminal import Terminal
from ...text import one_line, wrap
from .. import fitted

if TYPE_CHECKING:
    from ....agent.acting.contract import Verdict
    from ....agent.doctor import Check
    from ....tools.tool import Tool


@fitted
def tools(found: Sequence[Tool], terminal: Terminal) -> Iterator[str]:
    """Ids and one-sentence summaries, a blank line between two verbs."""
    longest = max((width(one.id) for one in found), default=0)
    for i, (_, group) in enumerate(groupby(found, key=lambda one: one.id.partition(".")[0])):
        if i:
            yield ""
        for one in group:
            own = "" if one.source == "tilth" else " (own)"
            yield from wrap(one_line(one.summary) + own, terminal.columns, indent=" " * (longest + 2),
                            first=f"{one.id:<{longest}}  ")  # fmt: skip
    yield ""
    yield "'tilth tools TOOL' shows a tool's arguments; 'tilth do TOOL X' runs it."


@fitted
def verdicts(found: Sequence[Verdict], terminal: Terminal) -> Iterator[str]:
    for one in found:
        yield f"{one.tool}: {'keeps the contract' if not one.faults else 'breaks the contract'} ({one.runs} runs)"
        for fault in one.faults:
            yield from wrap(one_line(fault), terminal.columns, indent="    ", first="  - ")


_WORDS = {"ok": "ok      ", "note": "note    ", "fault": "FAULT   "}
_STYLES = {"ok": "green", "note": "yellow", "fault": "red"}


@fitted
def checks(found: Sequence[Check], terminal: Terminal) -> Iterator[str]:
    """One line a check, and under it what to do about it."""
    longest = max(width(one.name) for one in found)
    for one in found:
        lead = terminal.paint(_WORDS[one.state], _STYLES[one.state])
        lines = wrap(
            one_line(one.found), terminal.columns - 8, indent=" " * (longest + 2), first=f"{one.name:<{longest}}  "
        )
        yield lead + lines[0]
        yield from (" " * 8 + line for line in lines[1:])
        if one.todo:
            yield from (" " * 8 + line for line in
                        wrap(one_line(one.todo), terminal.columns - 8, indent=" " * (longest + 2)))  # fmt: skip
    faults = sum(one.state == "fault" for one in found)
    yield f"{counted(len(found), 'checks')}, {counted(faults, 'faults')}"
