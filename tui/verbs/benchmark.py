"""The verb benchmark: register benchmarks, list them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...tools.errors import Misuse
from .. import as_json
from ..render import benchmarks

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
    if args.name is None or not args.paths:
        raise Misuse("A benchmark wants a name and a file.", next_step="Write: tilth benchmark add NAME PATH")
    fields = {name: getattr(args, name) for name in _FIELDS}
    with command.open(create=True) as workspace:
        made = workspace.add_benchmark(args.name, *args.paths, revision=args.id or "", license=args.license, **fields)
    line = {"tool": "benchmark", **as_json.benchmark(made)}
    command.face.result(line, lambda screen: benchmarks.added(made, screen))
