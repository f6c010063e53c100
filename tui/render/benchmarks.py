"""Benchmarks: what of them can be checked, and what a scan found of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..terminal import Terminal
from ..text import one_line, table
from . import fitted
from .results import version

if TYPE_CHECKING:
    from ...tools.contaminate._registered import Registered


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
    yield f"{one.name}: {told['items']:,} items, {told['distinct']:,} of them distinct; {one_line(_fields(one))}"
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
        shared = ", ".join(f"{n} words {one['items_hit']:,} items in {one['docs_hit']:,} rows"
                           for n, one in told["ngram"].items())  # fmt: skip
        yield f"shared runs ({told['normaliser']}): {shared}"
        for said in told["not_checked"]:
            yield f"not checked: {said}"
    yield ""
