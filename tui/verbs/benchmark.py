"""The verb benchmark: register benchmarks, list them, report a scan, and list items to leave out of an evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...tools.errors import Misuse
from .. import as_json
from ..render.listings import benchmarks

if TYPE_CHECKING:
    from ..command import Command

_FIELDS = ("question", "answer", "options", "passage")


def benchmark(command: Command) -> None:
    args = command.args
    if args.action == "list":
        if args.name is not None:
            raise Misuse(f"{args.name!r} is one word too many for 'tilth benchmark list'.")
        with command.open() as workspace:
            found = workspace.benchmarks()
        line = {"tool": "benchmark", "benchmarks": [as_json.benchmark(one) for one in found]}
        command.face.result(line, lambda screen: benchmarks.listed(found, screen))
        return
    if args.action == "report":
        return _report(command)
    if args.action == "exclude":
        return _exclude(command)
    if args.name is None or not args.paths:
        raise Misuse("A benchmark wants a name and a file.", next_step="Write: tilth benchmark add NAME PATH")
    fields = {name: getattr(args, name) for name in _FIELDS}
    with command.open(create=True) as workspace:
        made = workspace.add_benchmark(args.name, *args.paths, revision=args.id or "", license=args.license, **fields)
    line = {"tool": "benchmark", **as_json.benchmark(made)}
    command.face.result(line, lambda screen: benchmarks.added(made, screen))


def _report(command: Command) -> None:
    """`tilth benchmark report X`: what the last scan of a dataset found; with --html as a page."""
    from ..pages.contamination import MOST, render_html

    args = command.args
    if args.name is None or args.paths:
        raise Misuse("A report is of one dataset.", next_step="Write: tilth benchmark report X [--html FILE]")
    with command.open(args.name) as workspace:
        scan = workspace.last_scan(args.name)
        details = workspace.details(scan)
        shown = workspace.contamination(scan, most=MOST)
    line: dict[str, Any] = {"tool": "benchmark", "dataset": scan.dataset, "version": scan.before, **details}
    if args.html is None:

        def told(screen: Any) -> list[str]:
            return [*benchmarks.scanned(details, screen), *benchmarks.evidence(shown, screen)]

        command.face.result(line, told, instead=True)
        return
    html = render_html(scan.dataset, str(scan.before), details, shown)
    if args.html == "-":
        command.face.result({**line, "html": html}, lambda screen: html.rstrip("\n").split("\n"), instead=True)
        return
    _write(Path(args.html), html)
    command.face.result({**line, "wrote": args.html}, lambda screen: [f"wrote {args.html}"], instead=True)


def _exclude(command: Command) -> None:
    """`tilth benchmark exclude X [DIR]`: a JSON file for each benchmark of the last scan."""
    args = command.args
    if args.name is None or len(args.paths) > 1:
        raise Misuse("What is left out is said of one dataset.", next_step="Write: tilth benchmark exclude X [DIR]")
    with command.open(args.name) as workspace:
        scan = workspace.last_scan(args.name)
        found = workspace.excluded(scan, args.verdicts.split(","))
        folder = Path(args.paths[0]) if args.paths else workspace.root / "exports" / f"{scan.dataset}-eval-exclude"
    wrote = [str(folder / f"{one['benchmark'].replace('/', '-')}.json") for one in found]
    for one, file in zip(found, wrote, strict=True):
        _write(Path(file), json.dumps(one, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
    line = {"tool": "benchmark", "dataset": scan.dataset, "excluded": found, "wrote": wrote}
    command.face.result(line, lambda screen: benchmarks.excluded(found, wrote, screen))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Misuse(f"Cannot write {path}: {error.strerror}.", next_step="Name a file you may write.") from None
