"""What would happen: what-if tables, dry runs of a tool or a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ....agent.plural import counted
from ...cells import neutral
from ...terminal import Terminal
from ...text import one_line, shorten, table
from .. import fitted

if TYPE_CHECKING:
    from ....agent.workspace import Preview


@fitted
def what_if(name: str, previews: Sequence[Preview], terminal: Terminal) -> Iterator[str]:
    """Kept and dropped per value, and rows that are decided otherwise than at the value before."""
    reasons = list(dict.fromkeys(reason for one in previews for reason in one.dropped))
    rows = [
        [one.value, f"{one.kept:,}", f"{sum(one.dropped.values()):,}", *(f"{one.dropped.get(r, 0):,}" for r in reasons)]
        for one in previews
    ]
    head = [name, "kept", "dropped", *reasons]
    yield from table([head, *rows], columns=terminal.columns, numbers=range(len(head)))
    for before, after in pairwise(previews):
        yield from flips(name, before, after, terminal)
    yield ""
    yield "Nothing was changed."


@fitted
def flips(name: str, before: Preview, after: Preview, terminal: Terminal) -> Iterator[str]:
    """Rows that one value decides otherwise than the one before it."""
    from ....tools.store.past.stored import excerpt

    if after.flips:
        yield ""
        yield f"decided otherwise at {name} {one_line(after.value)} than at {one_line(before.value)}:"
        for row in after.flips:
            yield f"  {row.row_id[:12]}  {shorten(excerpt(row.record, 10_000), terminal.columns - 34)}"


@fitted
def dry_run(tool: str, dataset: str, counts: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    from ..results import result_lines

    if "estimate" in counts:
        yield f"{tool} {dataset}"
        yield from _estimate(counts["estimate"], done=counts["done"])
        yield "Nothing was sent."
        return
    line = {"tool": tool, "dataset": dataset, "version": "unchanged", **counts}
    yield from result_lines(line, terminal)
    yield "Nothing was changed."


@fitted
def plan(name: str, steps: Sequence[Mapping[str, Any]], terminal: Terminal) -> Iterator[str]:
    """The steps of a recipe with what is known of each before it runs."""
    head = ["", "step", "rows", "done", "arguments"]
    rows = [
        [
            number,
            step["step"],
            "" if step.get("rows") is None else f"{step['rows']:,}",
            "yes" if step["done"] else "no",
            ", ".join(step["sources"]) if "sources" in step else _arguments(step["args"]),
        ]
        for number, step in enumerate(steps)
    ]
    paid = [(number, step) for number, step in enumerate(steps) if "estimate" in step]
    models = f"{len(paid)} of them ask models" if paid else "no model calls"
    yield f"{name}: {counted(len(steps) - 1, 'steps')} after the import, {models}"
    yield from table([head, *rows], columns=terminal.columns, numbers=(0, 2))
    for number, step in paid:
        on = step.get("estimated_on")
        yield f"{number} {step['step']}" + (f" (on the rows there are after {on})" if on else "")
        if on == "":
            yield "  not known before the steps above it are done"
        else:
            yield from _estimate(step["estimate"], done=False)
    yield "Nothing was changed, nothing was sent." if paid else "Nothing was changed."


def _estimate(told: Mapping[str, Any] | None, *, done: bool) -> Iterator[str]:
    from ....agent.acting.spending import Estimate

    if done:
        yield "  was done before: nobody would be asked"
    elif told is None:
        yield "  would ask nobody"
    else:
        yield from (f"  {neutral(line)}" for line in Estimate(**told).lines())


def _arguments(args: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in args.items() if value not in (None, "", "default"))
