"""Verbs that answer questions: tools, datasets, status, show, sql, drops, why, log, diff, report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...tools.errors import Misuse, Refused
from .. import as_json
from ..render.listings import catalogue
from ..render.listings import datasets as listing
from ..render.listings import log as past
from ..render.records import differences, life
from ..render.records import drops as losses
from ..render.records import rows as records
from ..text import one_line

if TYPE_CHECKING:
    from ..command import Command
    from ..terminal import Terminal


def tools(command: Command) -> int:
    words = command.args.words
    if words and words[0] == "check":
        return _check_tools(command, words[1:])
    from ...tools import tool as registry
    from ..line.parsing import find_verb, parser_for
    from ..line.tool_flags import describe, load_own

    load_own(str(command.folder))
    if len(words) > 1:
        raise Misuse(f"{words[1]!r} is one word too many for 'tilth tools'.", next_step="Name one tool, or none.")
    if words:
        one = registry.get(words[0])

        def page(screen: Terminal) -> list[str]:
            parser = parser_for(find_verb("do", [], 0), screen.columns)
            describe(parser, one)
            return parser.format_help().rstrip().split("\n")

        command.face.result({"tool": "tools", **as_json.tool(one)}, page)
        return 0
    found = [registry.get(id) for id in registry.ids()]
    line = {"tool": "tools", "tools": [{"id": one.id, "summary": one.summary, "effect": one.effect} for one in found]}
    command.face.result(line, lambda screen: catalogue.tools(found, screen))
    return 0


def _check_tools(command: Command, files: list[str]) -> int:
    if len(files) != 1:
        raise Misuse("'tilth tools check' wants one file.", next_step="Write: tilth tools check my_tools.py")
    from ...agent.acting.contract import check_file

    verdicts = check_file(Path(files[0]))
    line = {"tool": "tools check", "file": files[0],
            "tools": [{"id": one.tool, "faults": list(one.faults)} for one in verdicts]}  # fmt: skip
    command.face.result(line, lambda screen: catalogue.verdicts(verdicts, screen))
    return 1 if any(one.faults for one in verdicts) else 0


def datasets(command: Command) -> None:
    with command.open() as workspace:
        found = workspace.datasets()
    line = {"tool": "datasets", "datasets": [as_json.status(one) for one in found]}
    command.face.result(line, lambda screen: listing.datasets(found, screen))


def status(command: Command) -> None:
    with command.open() as workspace:
        found = workspace.datasets()
        running = workspace.running()
        root, used = workspace.root, workspace.disk_used()
        last = workspace.log()[-1:]
    line = {"tool": "status", "workspace": str(root), "datasets": [as_json.status(one) for one in found],
            "running": running, "bytes": used, "next": listing.next_command(found, last)}  # fmt: skip
    command.face.result(line, lambda screen: listing.status(line, found, screen))


def show(command: Command) -> None:
    args = command.args
    with command.open(args.dataset) as workspace:
        found = workspace.show(args.dataset, where=args.where, count=args.count)
        rows = workspace.rows(args.dataset)
        whole, mapping = len(rows), rows.mapping
    if command.wants_rows:
        command.face.rows(map(as_json.bare, found))
        return
    line = {"tool": "show", "dataset": args.dataset, "of": whole, "rows": [as_json.row(one) for one in found]}
    command.face.result(line, lambda screen: records.rows(found, mapping, whole, args.where, screen))


def sql(command: Command) -> None:
    args = command.args
    with command.open(args.dataset) as workspace:
        table = workspace.sql(args.dataset, args.query, limit=args.count)
    values = records.table_rows(table)
    if command.wants_rows:
        command.face.rows(values, table.column_names)
        return
    line: dict[str, Any] = {"tool": "sql", "dataset": args.dataset, "columns": table.column_names, "rows": values}
    command.face.result(
        line, lambda screen: records.grid(table.column_names, [list(one.values()) for one in values], screen)
    )


def drops(command: Command) -> None:
    args = command.args
    with command.open(args.dataset) as workspace:
        funnel, found = workspace.drops(args.dataset, step=args.step, reason=args.reason, count=args.count)
        codes, drafts = ({}, []) if args.step else workspace.refused(args.dataset, reason=args.reason, count=args.count)
        mapping = workspace.rows(args.dataset).mapping
        if not drafts and not found:
            _known(args, funnel or workspace.drops(args.dataset, count=0)[0])
    if command.wants_rows:
        command.face.rows([*map(as_json.dropped, found), *map(as_json.draft, drafts)])
        return
    line = {"tool": "drops", "dataset": args.dataset, "funnel": [as_json.funnel(one) for one in funnel],
            "examples": [as_json.dropped(one) for one in found], "refused": codes,
            "drafts": [as_json.draft(one) for one in drafts]}  # fmt: skip

    def told(screen: Terminal) -> Iterator[str]:
        if funnel or not codes:
            yield from losses.drops(args.dataset, funnel, found, mapping, screen)
        yield from losses.drafts(codes, drafts, mapping, screen)

    command.face.result(line, told)


def _known(args: Any, funnel: Any) -> None:
    """A step or reason that took nothing and is not in the funnel was misspelt."""
    from ...tools.errors import nearest

    steps = {name for one in funnel for name in (one.entry.tool, str(one.entry.seq))}
    reasons = {reason for one in funnel for reason in one.dropped}
    if args.step is not None and args.step not in steps:
        raise Misuse(f"--step {args.step}: {args.dataset} has no such step.", next_step=nearest(args.step, steps))
    if args.reason is not None and args.reason not in reasons:
        raise Misuse(f"--reason {args.reason}: nothing was dropped for it.", next_step=nearest(args.reason, reasons))


def why(command: Command) -> None:
    with command.open() as workspace:
        found = workspace.why(command.args.row, dataset=command.args.dataset)
        mapping = workspace.rows(found.dataset).mapping
    line = {"tool": "why", **as_json.life(found)}
    command.face.result(line, lambda screen: life.life(found, mapping, screen))


def log(command: Command) -> None:
    args = command.args
    if args.verify and args.recipe:
        raise Misuse("--verify and --recipe exclude each other.")
    with command.open() as workspace:
        if args.verify:
            return _verify(command, workspace)
        if args.recipe:
            if args.dataset is None:
                raise Misuse("--recipe wants a dataset.", next_step="Write: tilth log X --recipe > curate.yaml")
            text = workspace.recipe(args.dataset)
            line = {"tool": "log", "dataset": args.dataset, "recipe": text}
            command.face.result(line, lambda screen: text.rstrip("\n").split("\n"))
            return None
        entries = workspace.log(args.dataset)
    line = {"tool": "log", "dataset": args.dataset, "entries": [as_json.entry(one) for one in entries]}
    command.face.result(line, lambda screen: past.log(entries, screen))
    return None


def _verify(command: Command, workspace: Any) -> None:
    faults = workspace.verify_log()
    entries = len(workspace.log())
    purges = workspace.purges() if not faults else []
    line = {"tool": "log", "verified": not faults, "entries": entries, "faults": faults, "purges": purges}
    command.face.result(line, lambda screen: [*faults, *map(one_line, purges),
                                              f"log: {entries} entries, {len(faults)} faults"])  # fmt: skip
    if faults:
        raise Refused(f"The log has {len(faults)} faults; the first: {faults[0]}.",
                      next_step="Restore .tilth/ from a backup, or import the sources again.")  # fmt: skip


def diff(command: Command) -> None:
    args = command.args
    count = 1 << 62 if command.wants_rows or args.rows else 0 if args.stat else args.count
    with command.open() as workspace:
        found = workspace.diff(args.a, args.b, count=count)
        mapping = workspace.rows(args.a).mapping
    if command.wants_rows:
        command.face.rows(as_json.changes(found), ("change", "row_id", "reason", "before", "after"))
        return
    line = {"tool": "diff", "a": args.a, "b": args.b, **as_json.difference(found),
            "rows": list(as_json.changes(found))}  # fmt: skip
    title = f"{args.a} -> {args.b}" if args.b else f"{args.a}: its last step"
    if args.md:
        command.face.result(line, lambda screen: differences.markdown(title, found))
    else:
        command.face.result(line, lambda screen: differences.diff(title, found, mapping, screen))


def report(command: Command) -> None:
    from ..render.report_md import markdown

    args = command.args
    if args.md and args.html is not None:
        raise Misuse("--md and --html exclude each other.")
    with command.open(args.dataset) as workspace:
        found = workspace.report(args.dataset, since=args.since, recipe=args.recipe)
    line = {"tool": "report", **found.to_json()}
    if args.html is None:
        command.face.result(line, lambda screen: markdown(found), instead=True)
        return
    from ..pages.report import render_html

    html = render_html(found)
    if args.html == "-":
        command.face.result({**line, "html": html}, lambda screen: html.rstrip("\n").split("\n"), instead=True)
        return
    try:
        Path(args.html).write_text(html, encoding="utf-8")
    except OSError as error:
        raise Misuse(f"Cannot write {args.html}: {error.strerror}.", next_step="Name a file you may write.") from None
    command.face.result({**line, "wrote": args.html}, lambda screen: [f"wrote {args.html}"], instead=True)
