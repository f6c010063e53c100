"""Verbs that make versions or move between them: do, inspect, run, undo, redo, tag."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...tools.errors import Misuse, nearest
from .. import as_json
from ..render import reports
from ..render.records import previews

if TYPE_CHECKING:
    from ...agent.acting.toolbox import Done
    from ...agent.workspace import Workspace
    from ..command import Command
    from ..line.tool_flags import ToolFlags


def do(command: Command) -> None:
    args, flags = command.args, command.tool
    assert flags is not None
    values = flags.values(args)
    with command.open(args.dataset) as workspace:
        if args.amend:
            return _amend(command, workspace, flags, values)
        if args.what_if is not None:
            return _what_if(command, workspace, flags, values)
        if args.dry_run:
            return _dry_run(command, workspace, flags, values)
        options = {"sample": command.option("sample"), "max_drop": command.option("max_drop")}
        done = workspace.do(flags.tool.id, args.dataset, **options, **values)
        if done.entry.kind == "report" and "made" not in done.entry.details:
            _report(command, workspace, done)
        else:
            command.face.result(done.result, instead=True)
    return None


def _amend(command: Command, workspace: Workspace, flags: ToolFlags, values: dict[str, Any]) -> None:
    limits = {"--what-if": command.args.what_if, "--dry-run": command.args.dry_run or None,
              "--sample": command.option("sample"), "--max-drop": command.option("max_drop")}  # fmt: skip
    for name, value in limits.items():
        if value is not None:
            raise Misuse(f"--amend and {name} exclude each other.",
                         next_step=f"'tilth undo {command.args.dataset}' takes an amended step back.")  # fmt: skip
    command.face.result(as_json.replayed(workspace.amend(flags.tool.id, command.args.dataset, **values)), instead=True)


def _what_if(command: Command, workspace: Workspace, flags: ToolFlags, values: dict[str, Any]) -> None:
    name, equals, listed = command.args.what_if.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not listed:
        thresholds = [one.name for one in flags.tool.parameters if one.arg.threshold]
        raise Misuse("--what-if wants NAME=V1,V2,V3.",
                     next_step=f"{flags.tool.id} has these thresholds: {', '.join(thresholds) or 'none'}.")  # fmt: skip
    tried = [value.strip() for value in listed.split(",")]
    sample = command.option("sample")
    found = workspace.what_if(flags.tool.id, command.args.dataset, name, tried, sample=sample, **values)
    line = {"tool": flags.tool.id, "dataset": command.args.dataset, "what_if": name,
            "values": [as_json.preview(one) for one in found]}  # fmt: skip
    command.face.result(line, lambda screen: previews.what_if(name, found, screen))


def _dry_run(command: Command, workspace: Workspace, flags: ToolFlags, values: dict[str, Any]) -> None:
    counts = workspace.dry_run(flags.tool.id, command.args.dataset, sample=command.option("sample"), **values)
    line = {"tool": flags.tool.id, "dataset": command.args.dataset, "dry_run": True, **counts}
    command.face.result(line, lambda screen: previews.dry_run(flags.tool.id, command.args.dataset, counts, screen))


def inspect(command: Command) -> None:
    with command.open(command.args.dataset) as workspace:
        done = workspace.do("inspect.profile", command.args.dataset, sample=command.option("sample"))
        if command.args.html == "-":
            return _print_page(command, done)
        _report(command, workspace, done)
        if command.args.html is not None:
            _write_page(command, workspace, done)
    return None


def _print_page(command: Command, done: Done) -> None:
    from ..pages.profile import render_html

    html = render_html(done.details, dataset=done.entry.dataset)
    command.face.result({**done.result, "html": html}, lambda screen: html.rstrip("\n").split("\n"), instead=True)


def _write_page(command: Command, workspace: Workspace, done: Done) -> None:
    from ...agent.events import Noticed
    from ..pages.profile import render_html

    path = Path(command.args.html)
    try:
        path.write_text(render_html(done.details, dataset=done.entry.dataset), encoding="utf-8")
    except OSError as error:
        raise Misuse(f"Cannot write {path}: {error.strerror}.") from None
    command.face.listener(Noticed(f"wrote {path}"))


def _report(command: Command, workspace: Workspace, done: Done) -> None:
    findings = workspace.findings(done.entry)
    line = {**done.result, "found": findings, "details": done.details}
    shown = workspace.contamination(done.entry) if done.entry.tool == "contaminate.scan" else []
    command.face.result(line, lambda screen: reports.report(done, findings, screen, shown), instead=True)


def run(command: Command) -> None:
    args = command.args
    if args.dry_run:
        with command.open(create=True) as workspace:
            steps = workspace.plan(args.recipe, set=args.set)
        line = {"recipe": Path(args.recipe).name, "dry_run": True, "steps": steps}
        command.face.result(line, lambda screen: previews.plan(Path(args.recipe).name, steps, screen))
        return
    if not Path(args.recipe).is_file():
        beside = [str(path) for path in Path(args.recipe).parent.glob("*.y*ml")]
        raise Misuse(f"There is no recipe {args.recipe}.", next_step=nearest(args.recipe, beside))
    with command.open(create=True) as workspace:
        workspace.run(
            args.recipe,
            set=args.set,
            until=args.until,
            locked=args.locked,
            sample=command.option("sample"),
            max_drop=command.option("max_drop"),
        )


def undo(command: Command) -> None:
    with command.open() as workspace:
        workspace.undo(command.args.dataset, to=command.args.to)


def redo(command: Command) -> None:
    with command.open() as workspace:
        workspace.redo(command.args.dataset)


def tag(command: Command) -> None:
    with command.open() as workspace:
        vid = workspace.tag(command.args.dataset, command.args.label, move=command.args.move)
        name = command.args.dataset.partition("@")[0].partition("~")[0]
    line = {"tool": "tag", "dataset": name, "tag": command.args.label, "version": vid}
    command.face.result(line, lambda screen: [f"{name}@{command.args.label} is {vid[:16]}"])
