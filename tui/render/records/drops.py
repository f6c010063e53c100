"""What was dropped: the funnel, then examples with what decided, and for duplicates the row that stayed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ....agent.plural import counted
from ...terminal import Terminal
from ...text import number, one_line, share, shorten, table, wrap
from .. import fitted
from .comparing import beside, marked
from .rows import body, heading, plain

if TYPE_CHECKING:
    from ....tools.store.format.mapping import Mapping as Fields
    from ....tools.store.ledger import Entry
    from ....tools.store.past.drafts import Draft
    from ....tools.store.past.history import Decision, Dropped, Funnel
    from ....tools.store.past.stored import StoredRow

EXAMPLE = 240
"""Characters of one text in an example."""

LINES = 12
"""Lines of an example that are shown; the rest is counted."""

SPANS = 3
"""Places of one decision that are named."""


@fitted
def drops(
    address: str, funnel: Sequence[Funnel], found: Sequence[Dropped], mapping: Fields, terminal: Terminal
) -> Iterator[str]:
    lines = [
        [*([one.entry.seq, _tool(one.entry), f"{one.before:,}", f"{one.after:,}"] if i == 0 else [""] * 4), *told]
        for one in funnel
        for i, told in enumerate(_reasons(one))
    ]
    if not lines:
        yield f"{one_line(address)}: no step has run on it"
        return
    head = ["step", "tool", "before", "after", "reason", "dropped", "share"]
    yield from table([head, *lines], columns=terminal.columns, numbers=(0, 2, 3, 5, 6))
    for (seq, reason), group in groupby(found, key=lambda one: (one.decision.entry.seq, one.decision.reason)):
        examples = list(group)
        tool = _tool(examples[0].decision.entry)
        total = examples[0].decision.entry.counts["dropped"][reason]
        yield ""
        yield terminal.paint(f"{tool} {reason}: {len(examples)} of {total:,}  (step {seq})", "bold")
        for one in examples:
            yield from example(one, mapping, terminal)


@fitted
def drafts(codes: Mapping[str, int], found: Sequence[Draft], mapping: Fields, terminal: Terminal) -> Iterator[str]:
    """Drafts of a panel that became no row, by code."""
    if not codes:
        return
    yield ""
    yield terminal.paint(f"{sum(codes.values()):,} drafts became no row", "bold")
    yield from table([["code", "drafts"], *([code, f"{count:,}"] for code, count in codes.items())],
                     columns=terminal.columns, numbers=(1,))  # fmt: skip
    for code, group in groupby(found, key=lambda one: one.code):
        examples = list(group)
        yield ""
        yield terminal.paint(f"{one_line(code)}: {len(examples)} of {codes[code]:,}", "bold")
        for one in examples:
            score = "" if one.score is None else f" (score {number(one.score)})"
            yield from wrap(one_line(f"{one.message}{score}"), terminal.columns, indent="    ",
                            first=f"- task {one.position}: ")  # fmt: skip
            if one.record is not None:
                lines = list(body(one.record, mapping, terminal, longest=EXAMPLE))
                yield from ("  " + line for line in lines[:LINES])


def _tool(one: Entry) -> str:
    return f"{one.tool} (not applied)" if one.details.get("refused") else str(one.tool)


def _reasons(one: Funnel) -> Iterator[tuple[str, str, str]]:
    if not one.dropped:
        yield "", "0", ""
    for reason, count in one.dropped.items():
        yield reason, f"{count:,}", share(count, one.before)


def example(one: Dropped, mapping: Fields, terminal: Terminal) -> Iterator[str]:
    yield f"- {heading(one.row, terminal)}"
    told = evidence(one.decision, one.row.record)
    if told:
        yield from wrap(f"because {told}", terminal.columns, indent="      ", first="    ")
    if one.survivor is None:
        lines = list(body(one.row.record, mapping, terminal, longest=EXAMPLE))
        yield from ("  " + line for line in lines[:LINES])
        if len(lines) > LINES:
            yield f"    … (+{counted(len(lines) - LINES, 'lines')}; tilth why {one.row.row_id[:12]})"
        return
    field = str(one.decision.entry.args.get("field") or "default")
    texts = marked(text_of(one.row, mapping, field), text_of(one.survivor, mapping, field))
    titles = ("dropped", f"kept {one.survivor.row_id[:12]} {one_line(one.survivor.place)}")
    yield from ("  " + line for line in beside(titles, texts, replace(terminal, columns=terminal.columns - 2)))


def text_of(row: StoredRow, mapping: Fields, field: str = "default") -> str:
    """A text of a row, the one that a step read for example, else all of its record."""
    text = mapping.text(row.record, field) if isinstance(row.record, dict) else ""
    return text or plain(row.record)


def evidence(decision: Decision, record: Any = None) -> str:
    """What decided, as `name value` pairs, spans with the text they point at; the survivor is told elsewhere."""
    parts = [] if decision.score is None else [f"score {number(decision.score)}"]
    for name, value in decision.evidence.items():
        if name == "spans" and isinstance(value, list):
            parts += [_span(span, record) for span in value[:SPANS]]
            parts += [counted(len(value) - SPANS, "more places")] if len(value) > SPANS else []
        elif name == "reviews" and isinstance(value, list):
            parts += [_review(one) for one in value if isinstance(one, dict)]
        elif name == "pairs" and isinstance(value, list):
            parts += [_pair(pair, record) for pair in value[:SPANS]]
            parts += [f"{len(value) - SPANS} more items"] if len(value) > SPANS else []
        elif name not in ("survivor", "of", "calls", "prompts") and value not in (False, [], {}):
            parts.append(f"{name} {_value(value)}")
    return one_line(", ".join(parts))


def _review(one: dict[str, Any]) -> str:
    no = f", no to {' and '.join(map(str, one['no']))}" if one.get("no") else ""
    quotes = "".join(f', "{shorten(str(quote), 60)}"' for quote in one.get("quotes", ()))
    return f"{one.get('role', 'reviewer')} {one.get('model')} {number(one.get('score', 0))}{no}{quotes}"


def _pair(pair: Any, record: Any) -> str:
    """An item of a benchmark that a row holds, with the place in the row."""
    match pair:
        case {"item": item, "reason": reason, "spans": [{"path": path, "start": start, "end": end}, *_]}:
            return f"item {plain(item)} ({plain(reason)}) at {_span([path, start, end], record)}"
        case {"item": item, "reason": reason}:
            return f"item {plain(item)} ({plain(reason)})"
    return plain(pair)


def _span(span: Any, record: Any) -> str:
    """`messages.1.content 18:28 "<|im_end|>"`"""
    match span:
        case [[*path], int(start), int(end)]:
            at: Any = record
            for step in path:
                fits = (isinstance(at, dict) and step in at) or (isinstance(at, list) and isinstance(step, int))
                at = at[step] if fits else None
            quoted = f' "{shorten(at[start:end], 60)}"' if isinstance(at, str) else ""
            return f"{'.'.join(map(str, path))} {start}:{end}{quoted}"
    return plain(span)


def _value(value: Any) -> str:
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else plain(value)
