"""Rows that people rule on: one case with what was decided and the row that stayed, then how often steps were wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ....agent.plural import counted
from ....tools.store.past.rulings import STAYED
from ...terminal import Terminal
from ...text import one_line, table, wrap
from .. import fitted
from ..results import version
from .comparing import beside, marked
from .drops import evidence, text_of
from .rows import body, heading

if TYPE_CHECKING:
    from ....agent.recipes.replay import Replayed
    from ....agent.review import Case
    from ....tools.store.format.mapping import Mapping as RecordMapping
    from ....tools.store.past.lives import Life
    from ....tools.store.past.rulings import Rate


@fitted
def case(one: Case, number: int, count: int, mapping: RecordMapping, blind: bool, terminal: Terminal) -> Iterator[str]:
    """One row to rule on; `blind` shows the row alone, so that nothing tells what had been decided."""
    yield ""
    yield f"{number} of {count}  {heading(one.row, terminal)}"
    if blind:
        yield from body(one.row.record, mapping, terminal)
        return
    if one.decision is None:
        yield "  stayed"
    else:
        told = evidence(one.decision, one.row.record)
        because = f"dropped by {one.decision.entry.tool}: {one_line(one.reason)}{f' ({told})' if told else ''}"
        yield from wrap(because, terminal.columns, indent="    ", first="  ")
    if one.survivor is None:
        yield from body(one.row.record, mapping, terminal)
        return
    texts = marked(text_of(one.row, mapping), text_of(one.survivor, mapping))
    titles = ("this row", f"stayed: {one.survivor.row_id[:12]} {one_line(one.survivor.place)}")
    yield from beside(titles, texts, terminal)


@fitted
def ruled(made: Replayed, life: Life, terminal: Terminal) -> Iterator[str]:
    state = "is in the current version" if life.live else "is not in the current version"
    yield f"row {life.row_id[:12]} of {made.dataset} {state}   {counted(made.rows, 'rows')} @ {version(made.version)}"


@fitted
def outcome(line: Mapping[str, Any], rates: Sequence[Rate], terminal: Terminal) -> Iterator[str]:
    """What a review came to, and the rates of every review so far."""
    yield (
        f"{line['dataset']}: {line['ruled']:,} of {line['drawn']:,} rows ruled on: keep {line['keep']:,}, "
        f"drop {line['drop']:,}, unsure {line['unsure']:,}   @ {version(line['version'])}"
    )
    if not line["drawn"]:
        yield "  every row that could be drawn has been ruled on"
    if rates:
        yield ""
        yield from table([RATES_HEAD, *rate_lines(rates)], columns=terminal.columns, numbers=(2, 3, 4, 5))


RATES_HEAD = ["rate", "reason", "looked at", "wrong", "share", "95 % interval"]


def rate_lines(rates: Sequence[Rate]) -> list[list[str]]:
    """`false drop  near_duplicate  20  3  15.0%  5.2 to 36.0%`"""
    return [
        [
            "false keep" if one.reason == STAYED else "false drop",
            one.reason,
            f"{one.looked_at:,}",
            f"{one.contradicted:,}",
            f"{one.share:.1%}",
            f"{100 * one.low:.1f} to {one.high:.1%}",
        ]
        for one in rates
    ]
