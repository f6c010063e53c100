"""Reports, which change no row: a profile as its own page, any other as its findings with the command for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..cells import neutral
from ..terminal import Terminal
from ..text import many_lines, table, wrap
from .records.rows import grid
from .results import result_lines

if TYPE_CHECKING:
    from ...agent.acting.toolbox import Done
    from ...tools.contaminate._finding.scanned import Shown

_STYLES = {"error": "red", "warning": "yellow", "note": "dim"}


def report(
    done: Done, findings: Sequence[Mapping[str, Any]], terminal: Terminal, shown: Sequence[Shown] = ()
) -> Iterator[str]:
    """`shown`: pairs of a contamination scan with their texts."""
    name = done.entry.dataset
    from .profile import command, render_profile

    if done.entry.tool == "inspect.profile":
        page = render_profile(done.details, dataset=name, width=terminal.columns, color=terminal.colour)
        yield from page.split("\n")
        return
    if "markdown" in done.details:
        yield from many_lines(done.details["markdown"])
        return
    yield from result_lines({**done.result, "report": True}, terminal)
    if done.entry.tool == "contaminate.scan":
        from .listings.benchmarks import evidence, scanned

        yield from scanned(done.details, terminal)
        yield from evidence(shown, terminal)
        yield ""
    for one in findings:
        first = terminal.paint(f"{one['severity']:<8}", _STYLES.get(one["severity"], "dim"))
        lines = wrap(f"{one['count']:,} {one['unit']}: {one['message']}", terminal.columns - 8, indent="")
        yield first + lines[0]
        yield from (" " * 8 + line for line in lines[1:])
        if one["fix"]:
            yield f"{' ' * 8}{neutral(command(one['fix'], name))}"
    yield from _answers(done.entry.tool, done.details, terminal)
    for told in _tables(done.details):
        yield ""
        yield from table([told["head"], *told["rows"]], columns=terminal.columns, numbers=told["numbers"])


def _answers(tool: str | None, details: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    """What a report found beside its findings, also where it is nothing."""
    if tool == "inspect.sql":
        names = [f"{name}" for name in details["columns"]]
        yield from grid(names, [list(row) for row in details["rows"]], terminal)
        if details["total"] is None or details["total"] > details["shown"]:
            of = "more" if details["total"] is None else f"{details['total']:,}"
            yield f"shown {details['shown']:,} of {of}"
    elif tool == "inspect.pii":
        told = ", ".join(f"{kind} {count:,}" for kind, count in details["occurrences"].items())
        yield from wrap(f"looked for in {neutral(details['field'])}: {told}", terminal.columns, indent="  ")
    elif tool == "inspect.rulings":
        rates = [[one["reason"], f"{one['looked_at']:,}", f"{one['contradicted']:,}", f"{one['share']:.1%}",
                  f"{one['low']:.1%}", f"{one['high']:.1%}"] for one in details["rates"]]  # fmt: skip
        if rates:
            head = ["reason", "looked at", "contradicted", "share", "at least", "at most"]
            yield from table([head, *rates], columns=terminal.columns, numbers=range(1, 6))
        else:
            yield "no sampled row has been ruled on: 'tilth review' draws some"


def _tables(details: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Tables a report brings along as {"head", "rows", "numbers"}: cells are data, cut to lines by `table`."""
    return [told for told in details.get("tables", ()) if told["rows"]]
