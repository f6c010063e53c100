"""Benchmarks: what of them can be checked, what a scan found of each, and the evidence side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ....agent.plural import counted
from ...terminal import Terminal
from ...text import one_line, table
from .. import fitted
from ..records.comparing import beside
from ..results import version

if TYPE_CHECKING:
    from ....tools.contaminate._finding.scanned import Excerpt, Shown
    from ....tools.contaminate._registered import Registered


@fitted
def listed(found: Sequence[Registered], terminal: Terminal) -> Iterator[str]:
    if not found:
        yield "no benchmarks yet; 'tilth benchmark add NAME PATH' registers one"
        return
    head = ["benchmark", "items", "distinct", "under 5 words", "fields", "revision", "licence", "version"]
    rows = [
        [one.name, f"{one.preflight['items']:,}", f"{one.preflight['distinct']:,}",
         f"{one.preflight['not_checked_by']['n-grams']:,}", _fields(one), one.revision, one.license, version(one.vid)]
        for one in found
    ]  # fmt: skip
    yield from table([head, *rows], columns=terminal.columns, numbers=(1, 2, 3))


@fitted
def added(one: Registered, terminal: Terminal) -> Iterator[str]:
    """What was registered, and what of it no method here can check."""
    told = one.preflight
    short = told["shorter_than"]
    yield f"{one.name}: {counted(told['items'], 'items')}, {told['distinct']:,} of them distinct; {one_line(_fields(one))}"
    yield f"questions under 5 words: {short['5']:,}, under 8: {short['8']:,}, under 13: {short['13']:,}"
    yield f"runs of 8 words in 5 items or more: {told['templated_runs']:,}, in {told['templated_items']:,} items"
    for method, count in told["not_checked_by"].items():
        if count:
            yield f"not checked by {method}: {count:,} items"
    yield f"next: tilth do contaminate.scan X --benchmarks {one.name}"


def _fields(one: Registered) -> str:
    told = one.fields.to_json()
    parts = [(name, told[name]) for name in ("question", "answer", "options", "passage") if name in told]
    return ", ".join(f"{name}={path if isinstance(path, str) else '+'.join(path)}" for name, path in parts)


MARKS = ("[=", "=]")
"""Around words that count: a match is seen where nothing is coloured, too."""


@fitted
def evidence(found: Sequence[Shown], terminal: Terminal) -> Iterator[str]:
    """Rows beside the items they hold, with what both say marked."""
    for one in found:
        yield ""
        verdict = terminal.paint(one.verdict, "bold")
        item = one_line(f"{one.benchmark} {one.item}")
        yield f"{verdict}  row {one.row_id[:12]} of {one_line(one.source)}, {item}: {one_line(one.reason)}"
        titles = ("row", f"{one.part} of {one_line(one.item)}")
        yield from beside(titles, (_marked(one.row_text), _marked(one.item_text)), terminal)


def _marked(one: Excerpt) -> str:
    """On one line, what counts between marks."""
    told, at = ["… " if one.cut[0] else ""], 0
    for start, end in one.marks:
        told += [one.text[at:start], MARKS[0], one.text[start:end], MARKS[1]]
        at = end
    return one_line("".join([*told, one.text[at:], " …" if one.cut[1] else ""]))


@fitted
def excluded(found: Sequence[Mapping[str, Any]], wrote: Sequence[str], terminal: Terminal) -> Iterator[str]:
    """How many items of each benchmark are left out of an evaluation, and where that is written."""
    for told, file in zip(found, wrote, strict=True):
        yield (f"{told['benchmark']}: {len(told['exclude']):,} of {told['items']:,} items left out, {told['stay']:,} stay, "
               f"of which {told['not_checkable']:,} could not be checked; {file}")  # fmt: skip


@fitted
def scanned(details: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    """A line for each benchmark and verdict; what was not looked at; the strongest evidence."""
    for told in details["benchmarks"]:
        bad = told["contaminated"]
        yield ""
        yield (f"{told['benchmark']}: {bad['count']:,} of {told['items']:,} items contaminated "
               f"({100 * bad['share']:.2f}%, 95% interval {100 * bad['low']:.2f} to {100 * bad['high']:.2f}%)")  # fmt: skip
        rows = [
            [verdict, f"{count:,}", f"{told['rows'].get(verdict, 0):,}"] for verdict, count in told["verdicts"].items()
        ]
        yield from table([["verdict", "items", "rows"], *rows], columns=terminal.columns, numbers=(1, 2))
        shared = ", ".join(f"{n} words {counted(one['items_hit'], 'items')} in {counted(one['docs_hit'], 'rows')}"
                           for n, one in told["ngram"].items())  # fmt: skip
        yield f"shared runs ({told['normaliser']}): {shared}"
        if told.get("judged"):
            yield "pairs that are alike, as judged: " + ", ".join(
                f"{count:,} {word}" for word, count in told["judged"].items()
            )
        for said in told["not_checked"]:
            yield f"not checked: {said}"
    yield ""
