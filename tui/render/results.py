"""Result lines of DESIGN section 7 as sentences: imports, steps, runs, undo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...agent.plural import counted
from ..terminal import Terminal
from ..text import number, one_line, share, table, wrap
from . import fitted

VERSION_DIGITS = 16


def version(vid: str) -> str:
    """A version id as people see it."""
    return vid[:VERSION_DIGITS]


@fitted
def result_lines(result: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    """A result in one to a few lines, by its kind."""
    if "recipe" in result:
        yield from _run(result, terminal)
    elif result.get("tool") == "import":
        yield from _import(result, terminal)
    elif result.get("tool") == "export":
        unchanged = "" if result["changed"] else "   (the same export was there already)"
        yield f"{one_line(result['folder'])}   format {result['format']}   {counted(result['rows'], 'rows')}{unchanged}"
    elif result.get("tool") == "amend":
        yield f"{result['dataset']} @ {version(result['version'])}   {counted(result['rows'], 'rows')}"
        yield from ("  " + line for line in _steps(result.get("steps", ()), terminal))
    elif result.get("tool") in ("undo", "redo"):
        yield f"{result['dataset']} @ {version(result['version'])}   {counted(result['rows'], 'rows')}"
    elif "into" in result:
        yield from _making(result, terminal)
    elif "after" in result:
        yield from _step(result, terminal)
    else:
        yield "   ".join(f"{name} {one_line(str(value))}" for name, value in result.items())


def _import(result: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    yield (
        f"{result['dataset']} @ {version(result['version'])}   format {result['format']}   "
        f"read {result['read']:,} = kept {result['kept']:,} + rejected {result['rejected']:,}"
    )
    if result.get("blank"):
        yield f"  {result['blank']:,} blank lines"
    if result.get("rejects"):
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in result["rejects"].items())
        told = f"{reasons}; listed in {result['rejects_file']}"
        yield from wrap(one_line(told), terminal.columns, indent="    ", first="  rejected: ")


def _step(result: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    """`chats 80,395 -> 47,310 ...`; a report, which changes no row, tells its findings."""
    name = f"{result['tool']}  {result['dataset']}"
    if sampled := result.get("sample"):
        name += f" (sample {sampled['rows']:,} of {sampled['of']:,})"
    before, after = result["before"], result["after"]
    parts = [f"{name}  {before:,} -> {after:,}"]
    if result.get("refused"):
        parts.append("not applied")
    if result.get("edited"):
        parts.append(f"edited {result['edited']:,}")
    if result.get("added"):
        parts.append(f"added {result['added']:,}")
    if result.get("findings"):
        parts.append(f"findings {result['findings']:,}")
    if flagged := result.get("flagged"):
        parts.append(f"flagged {counted(flagged, 'rows')}")
    if len(parts) == 1 and before == after and not result.get("report"):
        parts.append("nothing to change")
    yield "   ".join([*parts, f"@ {version(result['version'])}"])
    if dropped := result.get("dropped"):
        reasons = ", ".join(f"{reason} {count:,} ({share(count, before)})" for reason, count in dropped.items())
        yield from wrap(one_line(reasons), terminal.columns, indent="    ", first="  dropped: ")
    if result.get("flagged"):
        query = "select row_id, reason from decisions where action = 'flag'"
        yield f'  to see them: tilth sql {result["dataset"]} "{query}"'
    if edits := result.get("edits"):
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in edits.items())
        yield from wrap(one_line(reasons), terminal.columns, indent="    ", first="  edits: ")
    if "planned" in result:
        yield from _panel(result, terminal)


def _making(result: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    """Rows that were made from a dataset into another."""
    made = f"{result['dataset']} => {result['into']}  {counted(result['accepted'], 'rows')} made"
    yield f"{result['tool']}  {made}   @ {version(result['version'])}"
    yield from _panel(result, terminal)


def _panel(result: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    """The accounts of a panel and what it took."""
    rejected, failed = result["rejected"], result["failed"]
    parts = [
        f"accepted {result['accepted']:,}",
        f"rejected {sum(rejected.values()):,}",
        f"failed {sum(failed.values()):,}",
    ]
    parts += [f"undecided {result['undecided']:,}"] if result.get("undecided") else []
    sums = f"planned {result['planned']:,} = {' + '.join(parts)} + pending {result['pending']:,}"
    yield from wrap(f"{sums}; surplus {result['surplus']:,}, escalated {result['escalated']:,}", terminal.columns,
                    indent="    ", first="  ")  # fmt: skip
    for name, reasons in (("rejected", rejected), ("failed", failed)):
        if reasons:
            told = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
            yield from wrap(one_line(told), terminal.columns, indent="    ", first=f"  {name}: ")
    if "calls" in result:
        tokens = result["tokens"]
        yield (
            f"  {counted(result['calls'], 'calls')}, {result['cached']:,} of them recorded before; tokens {tokens['in']:,} in, "
            f"{tokens['out']:,} out; ${result['usd']:.4f}"
        )


def _run(result: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    yield (
        f"{result['recipe']}: {result['dataset']} @ {version(result['version'])}   read {result['read']:,} = kept "
        f"{result['kept']:,} + rejected {result['rejected']:,}   {result['before']:,} -> {result['after']:,}"
    )
    yield from ("  " + line for line in _steps(result["steps"], terminal))
    if result.get("reused"):
        yield f"  {_reused(result)} done before and not done again"
    for verdict in result.get("expect", ()):
        unit = " %" if verdict["expect"].endswith("%") else ""
        yield f"  expect {verdict['expect']}: {number(verdict['found'])}{unit} {'ok' if verdict['met'] else 'NOT MET'}"
    for name in ("export", "lock"):
        if result.get(name):
            yield f"  {name}: {one_line(str(result[name]))}"


def _reused(result: Mapping[str, Any]) -> str:
    """`the import and 4 of 4 steps were`: `reused` counts the import too."""
    imported = bool(result["import_reused"])
    steps, count = len(result["steps"]), result["reused"] - imported
    parts = ["the import"] if imported else []
    parts += [f"{count:,} of {counted(steps, 'steps')}"] if count else []
    return f"{' and '.join(parts)} {'was' if result['reused'] == 1 else 'were'}"


def _steps(steps: Sequence[Mapping[str, Any]], terminal: Terminal) -> list[str]:
    lines = [
        [
            step["tool"],
            number(step.get("before", 0)),
            number(step.get("after", step.get("before", 0))),
            step.get("edited") or "",
            f"=> {step['into']} {counted(step['accepted'], 'rows')}"
            if "into" in step
            else ", ".join(f"{reason} {count:,}" for reason, count in step.get("dropped", {}).items()),
        ]
        for step in steps
    ]
    head = ["step", "before", "after", "edited", "dropped"]
    return table([head, *lines], columns=terminal.columns - 2, numbers=(1, 2, 3)) if lines else []
