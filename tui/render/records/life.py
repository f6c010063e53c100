"""The life of one row as a story: where it came from, what was decided about it and why, where it went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ....agent.plural import counted
from ...terminal import Terminal
from ...text import number, one_line, shorten, wrap
from .. import fitted
from .comparing import inline
from .drops import evidence, text_of
from .rows import body, plain

if TYPE_CHECKING:
    from ....tools.store.format.mapping import Mapping
    from ....tools.store.ledger import Entry
    from ....tools.store.past.history import Decision
    from ....tools.store.past.lives import Life
    from ....tools.store.past.stored import StoredRow


@fitted
def life(found: Life, mapping: Mapping, terminal: Terminal) -> Iterator[str]:
    if found.purged is not None:
        yield from _tombstone(found, found.purged, terminal)
        yield from _decisions(found, mapping, terminal)
        yield from _rulings(found, terminal)
        yield from _exports(found)
        return
    first = found.revisions[0]
    state = "is in the current version" if found.live else "is not in the current version"
    yield terminal.paint(f"row {found.row_id} of {found.dataset} {state}", "bold")
    key = f", key {first.key}" if first.key else ""
    split = f", split {first.split}" if first.split else ""
    born = (
        f"made from {', '.join(parent[:12] for parent in first.parents)}"
        if first.parents
        else f"read from {first.place}"
    )
    yield from wrap(one_line(f"{born} (source {first.source}{split}{key})"), terminal.columns, indent="  ")
    yield from body(first.record, mapping, terminal)
    yield from _decisions(found, mapping, terminal)
    yield from _rulings(found, terminal)
    yield from _signals(found, terminal)
    yield from _asked(found, terminal)
    yield from _exports(found)


def _asked(found: Life, terminal: Terminal) -> Iterator[str]:
    if found.asked:
        yield ""
        yield "models said ('--json' shows every question whole):"
    for one in found.asked:
        tokens = f"{one.call.tokens_in:,} + {one.call.tokens_out:,} tokens"
        told = f"{one.call.model} at {one.call.endpoint} ({tokens}): {shorten(one_line(one.answer), 160)}"
        yield from wrap(told, terminal.columns, indent="    ", first=f"  {one.key[:8]} ")


def _tombstone(found: Life, purged: Entry, terminal: Terminal) -> Iterator[str]:
    yield terminal.paint(f"row {found.row_id} of {found.dataset} was purged", "bold")
    told = purged.details
    said = one_line(f"{purged.at[:10]} {purged.actor}: {purged.args['because']}")
    yield from wrap(said, terminal.columns, indent="  ")
    came = f"it was read from {', '.join(told['places'])}; " if told["places"] else ""
    yield from wrap(one_line(f"{came}{broken(told['versions'], told['exports'])}"), terminal.columns, indent="  ")


def broken(versions: Sequence[str], exports: Sequence[str]) -> str:
    """What a purge has changed for good."""
    gone = f"{counted(len(versions), 'versions')} and {counted(len(exports), 'exports')}"
    return f"{gone} are no longer what they were"


def _decisions(found: Life, mapping: Mapping, terminal: Terminal) -> Iterator[str]:
    yield ""
    if not found.decisions:
        yield "no step decided anything about it"
    revision = {row.rev: row for row in found.revisions}
    steps: dict[tuple[str, int], list[int]] = {}  # a recipe that runs every week says the same every week
    changes: dict[tuple[str, int], str] = {}
    for one in found.decisions:
        before, after = revision.get(one.rev), revision.get(one.rev + 1)
        said = _sentence(one, before), one.rev if one.action == "edit" else -1
        steps.setdefault(said, []).append(one.entry.seq)
        if one.action == "edit" and one.entry.seq not in found.aside and before is not None and after is not None:
            changes[said] = inline(text_of(before, mapping), text_of(after, mapping))
    for said, numbers in steps.items():
        yield from wrap(f"{_steps(numbers)}, {said[0]}{_aside(numbers, found)}", terminal.columns, indent="  ")
        if said in changes:
            yield from wrap(changes[said], terminal.columns, indent="    ")


_BECAME = {"earlier": " (in an earlier version)", "undone": " (undone)", "trial": " (a trial only)"}


def _aside(numbers: Sequence[int], found: Life) -> str:
    """What became of steps, where none of them led to the current version."""
    if not all(number in found.aside for number in numbers):
        return ""
    became = {found.aside[number] for number in numbers}
    return next(text for word, text in _BECAME.items() if word in became)


_PAST = {"drop": "dropped it", "edit": "edited it", "add": "made it", "flag": "flagged it", "keep": "kept it"}


def _sentence(one: Decision, row: StoredRow | None) -> str:
    undone = " (its result was not applied)" if one.entry.details.get("refused") else ""
    told = evidence(one, None if row is None else row.record)
    survivor = one.evidence.get("survivor")
    stayed = f"; {survivor[:12]} stayed" if isinstance(survivor, str) else ""
    because = f" ({told})" if told else ""
    return f"{one.entry.tool}: {_PAST[one.action]}, {one_line(one.reason)}{because}{stayed}{undone}"


def _rulings(found: Life, terminal: Terminal) -> Iterator[str]:
    if found.rulings:
        yield ""
        yield "people ruled (the last word counts):"
    for one in found.rulings:
        looked = f"had been dropped for {one.of}" if one.of else "had stayed"
        drawn = ", drawn by a review" if one.sampled else ""
        blind = ", reason not shown" if one.blind else ""
        told = f"{one.word}, because {one.because or '(nothing said)'} (it {looked}{drawn}{blind})"
        yield from wrap(one_line(f"{one.date} {one.who}: {told}"), terminal.columns, indent="    ", first="  ")


def _signals(found: Life, terminal: Terminal) -> Iterator[str]:
    if found.signals:
        yield ""
        yield "measured:"
    steps: dict[tuple[str, str], list[int]] = {}
    for entry, values in found.signals:
        told = ", ".join(f"{name} {_value(value)}" for name, value in values.items())
        steps.setdefault((str(entry.tool), one_line(told)), []).append(entry.seq)
    for (tool, told), numbers in steps.items():
        lead = f"  {_steps(numbers)}, {tool}{_aside(numbers, found)}: "
        yield from wrap(told, terminal.columns, indent="    ", first=lead)


def _steps(numbers: Sequence[int]) -> str:
    return f"step{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


def _value(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "-" if value is None else str(value).lower()
    return number(value) if isinstance(value, int | float) else plain(value)


def _exports(found: Life) -> Iterator[str]:
    if found.exports:
        yield ""
        yield "exported to:"
        for entry in found.exports:
            yield f"  step {entry.seq}: {one_line(str(entry.details.get('folder', '')))}"
