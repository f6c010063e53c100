"""A release report as Markdown for a pull request: at most 60 lines, what is left out is counted.

It knows Markdown and keeps names from data inert: they stand in code spans, where nothing is a link, a mention or
markup. The numbers are those of `agent.report`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..text import number, share, shorten
from .records.reviewing import rate_lines
from .results import version

if TYPE_CHECKING:
    from ...agent.report import Loss, ReleaseReport
    from ...tools.inspect.measures.drift import Shares

LONGEST: Final = 60
MOST: Final = (12, 10, 8, 7, 6, 5, 4, 3, 2)
"""Lines of one section that are tried, until the whole fits."""

VALUES: Final = 3
"""Values of a label that are named."""

NAME: Final = 60

T = TypeVar("T")


def markdown(report: ReleaseReport) -> list[str]:
    """The report, its sections cut alike until there are no more than 60 lines."""
    lines: list[str] = []
    for most in MOST:
        lines = [line for section in _SECTIONS for line in section(report, most)]
        if len(lines) <= LONGEST:
            break
    return lines


def code(text: Any, length: int = NAME) -> str:
    """Text from data as a code span that also holds inside a table."""
    flat = shorten(str(text), length)
    if flat and not re.search(r"[`|\\]", flat):
        padded = f" {flat} " if flat.strip() != flat else flat
        return f"`{padded}`"
    # Entities make no markup (CommonMark 6.2), so that neither a backtick nor a bar ends the cell or the span.
    return f"<code>{re.sub(r'[^0-9A-Za-z .,:-]', lambda found: f'&#{ord(found[0])};', flat)}</code>"


def _headline(report: ReleaseReport, most: int) -> Iterator[str]:
    old, new = report.old, report.new
    yield f"## {code(report.dataset)}: {code(old.address)} → {code(version(new.vid))}"
    yield ""
    yield "| | before | now |"
    yield "|---|--:|--:|"
    yield f"| version | {code(version(old.vid))} | {code(version(new.vid))} |"
    yield f"| read | {old.read:,} | {new.read:,} |"
    yield f"| rejected | {_rejected(old.rejected)} | {_rejected(new.rejected)} |"
    yield f"| **rows** | {old.rows:,} | **{new.rows:,}** ({_signed(new.rows - old.rows)}) |"
    yield ""
    withdrawn = sum(report.withdrawn.values())
    reasons = _few(list(report.withdrawn.items()), 3, lambda one: f"{code(one[0])} {one[1]:,}")
    yield (
        f"**{report.carried:,} carried, {report.added:,} new, {withdrawn:,} withdrawn**"
        f"{f' ({reasons})' if reasons else ''}; {report.edited:,} of the carried edited. "
        f"Rulings in force (`rulings.jsonl`): {report.ruled.get('keep', 0):,} keep, {report.ruled.get('drop', 0):,} drop."
    )


def _rejected(codes: Mapping[str, int]) -> str:
    """The rejected records of a version's imports, and what most of them were rejected for."""
    reasons = _few(
        sorted(codes.items(), key=lambda one: (-one[1], one[0])), 3, lambda one: f"{code(one[0])} {one[1]:,}"
    )
    return f"{sum(codes.values()):,}{f' ({reasons})' if reasons else ''}"


def _funnel(report: ReleaseReport, most: int) -> Iterator[str]:
    yield ""
    losses = [one for one in report.losses if one.reason]
    if losses:
        yield "| step | dropped for | before | now |"
        yield "|---|---|--:|--:|"
    # The largest are named, in the order of the steps.
    ranked = sorted(losses, key=_largest, reverse=True)
    shown = (
        len(losses) if len(losses) == most + 1 else most
    )  # a line that says "1 more" is no shorter than the one itself
    named = {id(one) for one in ranked[:shown]}
    for one in losses:
        if id(one) in named:
            yield f"| {code(one.tool)} | {code(one.reason)} | {_lost(one.old)} | {_lost(one.new)} |"
    left = ranked[shown:]
    what = "smaller" if left and _largest(left[0]) < _largest(ranked[shown - 1]) else "other"
    rest = f"… and {len(left):,} {what} reasons. " if left else ""
    idle = list(dict.fromkeys(one.tool for one in report.losses if not one.reason))
    if rest or idle or not losses:
        yield from [""] if losses else []
        yield f"{rest}Dropped nothing: {_few(idle, 5, code)}." if idle else rest.strip() or "No step has run."


def _largest(loss: Loss) -> int:
    return max(side[0] if side else 0 for side in (loss.old, loss.new))


def _lost(side: tuple[int, int] | None) -> str:
    return "no such step" if side is None else f"{side[0]:,} ({share(*side)})"


def _expectations(report: ReleaseReport, most: int) -> Iterator[str]:
    recipe = report.recipe
    if recipe is None:
        return
    states = {"matches": "its lock is of this version", "differs": "**its lock is of another version or recipe**",
              "missing": "**it has no lock**"}  # fmt: skip
    ordered = sorted(recipe.verdicts, key=lambda one: one.met)
    failed = sum(not one.met for one in ordered)
    verdict = f"**{failed} of {len(ordered)} NOT MET**" if failed else f"all {len(ordered)} met" if ordered else "none"
    yield ""
    yield f"**Expectations** of {code(recipe.name)}: {verdict}; {states[recipe.lock]}."
    for one in ordered[:most]:
        unit = " %" if one.expectation.percent else ""
        found = code(one.told) if one.told else f"{number(one.found)}{unit}"
        yield f"- {code(one.expectation)}: {found}, {'met' if one.met else '**NOT MET**'}"
    yield from _rest(len(ordered) - most, "that are met" if failed <= most else "expectations")


def _licences(report: ReleaseReport, most: int) -> Iterator[str]:
    yield ""
    yield "| source | licence | class | rows before | rows now |"
    yield "|---|---|---|--:|--:|"
    for one in sorted(report.sources, key=lambda one: (one.license == one.license_before, -one.rows[1]))[:most]:
        told = code(one.license) if one.license != "unspecified" else "unspecified"
        if one.license != one.license_before:
            told += f" (**was** {code(one.license_before)})"
        kind = one.kind if one.kind == "commercial" else f"**{one.kind}**"
        yield f"| {code(one.name)} | {told} | {kind} | {one.rows[0]:,} | {one.rows[1]:,} |"
    yield from _rest(len(report.sources) - most, "sources")


def _drift(report: ReleaseReport, most: int) -> Iterator[str]:
    yield ""
    yield "**Drift**"
    for one in report.lengths[:2]:
        old, new = one.quantiles
        told = ", ".join(f"{name} {was:,} → {new.get(name, 0):,}" for name, was in old.items())
        yield f"- characters of {code(one.of)}: {told or 'no rows to compare with'}"
    ranked = sorted(report.labels, key=lambda one: -one.distance)
    shown = [*([report.languages] if report.languages else []), *ranked[:most]]
    yield from (_moved(one) for one in shown)
    yield from _rest(len(ranked) - most, "labels that moved less", mark="- ")
    if not report.lengths and not shown:
        yield "- no text and no label that both versions have"


def _moved(one: Shares) -> str:
    old, new = one.examined
    moved = [value for value in one.values if round(abs(one.moved(value)), 4) > 0]
    values = _few(moved, VALUES, lambda value: f"{code(value[0], 30)} {share(value[1], old)} → {share(value[2], new)}")
    of = "languages" if one.of == "language" else code(one.of)
    unsure = ", `und` too short to tell" if any(value[0] == "und" for value in moved) and one.of == "language" else ""
    sample = f" ({old:,} and {new:,} rows sampled{unsure})" if one.of == "language" else ""
    return f"- {of}{sample}: {f'moved {one.distance:.1%}: {values}' if moved else 'as before'}"


def _findings(report: ReleaseReport, most: int) -> Iterator[str]:
    fresh = [one for one in report.findings if one.is_new]
    gone = sum(1 for one in report.findings if one.counts[0] and not one.counts[1])
    tools = ", ".join(code(tool) for tool in dict.fromkeys(one.tool for one in report.findings))
    yield ""
    yield f"**New findings**: {len(fresh)}, gone {gone}{f' ({tools})' if tools else ''}"
    for one in fresh[:most]:
        was = "not looked for" if one.counts[0] is None else "0"
        yield f"- {one.severity} {code(one.code)}: {was} → {one.counts[1] or 0:,}"
    yield from _rest(len(fresh) - most, "new findings", mark="- ")


def _rates(report: ReleaseReport, most: int) -> Iterator[str]:
    yield ""
    if not report.rates:
        yield f"**Review**: nobody has looked at a sample (`tilth review {report.dataset}`)."
        return
    yield "| reviewed | reason | looked at | wrong | share | 95 % interval |"
    yield "|---|---|--:|--:|--:|--:|"
    ranked = sorted(report.rates, key=lambda one: -one.low)
    for kind, reason, *numbers in rate_lines(ranked[:most]):
        yield f"| {kind} | {code(reason)} | {' | '.join(numbers)} |"
    yield from _rest(len(ranked) - most, "reasons with lower rates")


def _reproduce(report: ReleaseReport, most: int) -> Iterator[str]:
    yield ""
    if not report.reproduce:
        steps = code(f"tilth log {report.dataset}@{version(report.new.vid)} --recipe", 200)
        yield f"Reproduce: {NOT_AGAIN}; {steps} tells its steps, or why it cannot."
        return
    commands = ", then ".join(code(one, 200) for one in report.reproduce)
    yield f"Reproduce: {commands} gives version {code(version(report.new.vid))}."


NOT_AGAIN: Final = "no recipe gives this version as things stand (rulings, models or tools have changed since)"
_SECTIONS: Final[Sequence[Callable[[Any, int], Iterator[str]]]] = (
    _headline, _funnel, _expectations, _licences, _drift, _findings, _rates, _reproduce,
)  # fmt: skip


def _rest(count: int, what: str, mark: str = "") -> Iterator[str]:
    """A sentence after what was shown; after a table it needs a line between."""
    if count > 0:
        if not mark:
            yield ""
        yield f"{mark}… and {count:,} {what}"


def _few(items: Sequence[T], count: int, told: Callable[[T], str]) -> str:
    rest = f", {len(items) - count:,} more" if len(items) > count else ""
    return ", ".join(map(told, items[:count])) + rest


def _signed(value: int) -> str:
    return f"{value:+,}" if value else "as before"
