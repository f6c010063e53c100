"""The demo's table: for each planted kind of defect how many there were, were found, and were found wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..terminal import Terminal
from ..text import one_line, table
from .results import result_lines

if TYPE_CHECKING:
    from ...evals.demo import Demo


def demo(found: Demo, terminal: Terminal) -> Iterator[str]:
    yield from result_lines(found.ran, terminal)
    yield ""
    head = ["planted", "lines", "found", "recall", "false alarms", "by"]
    rows = [
        [one.kind, one.planted, one.found, "-" if one.recall is None else f"{100 * one.recall:.1f}%",
         one.false_alarms, one.expected_step]
        for one in found.scores
        if not one.decoy
    ]  # fmt: skip
    yield from table([head, *rows], columns=terminal.columns, numbers=(1, 2, 3, 4))
    yield ""
    decoys = [[one.kind, one.planted, one.false_alarms] for one in found.scores if one.decoy]
    yield from table([["look-alike", "lines", "mistaken"], *decoys], columns=terminal.columns, numbers=(1, 2))
    yield ""
    folder = one_line(str(found.folder))
    yield "recall leaves out lines that another of their defects had already dropped"
    yield f"export: {one_line(str(found.export))}"
    yield f"card:   {one_line(str(found.card))}"
    yield f"look on: cd {folder} && tilth drops demo"
