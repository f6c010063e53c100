"""Prompts: a table of names, or one text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...terminal import Terminal
from ...text import many_lines, one_line, table
from .. import fitted


@fitted
def listed(found: Sequence[Mapping[str, Any]], terminal: Terminal) -> Iterator[str]:
    rows = [[one["name"], one["sha"], "this workspace's" if one["shadowed"] else ""] for one in found]
    yield from table([["prompt", "sha", ""], *rows], columns=terminal.columns)
    yield "next: tilth prompts NAME shows one; with --eject it is copied into prompts/ for you to change"


@fitted
def one(line: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    if line["ejected"]:
        yield f"copied to {one_line(line['path'])}; what stands there is now used in its place"
        return
    yield f"{line['name']}  {line['sha']}  {one_line(line['path'])}"
    yield ""
    yield from many_lines(line["text"])
