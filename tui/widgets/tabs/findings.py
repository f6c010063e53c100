"""Findings: the verdicts of the profile, worst first; Enter shows their rows, `f` what the suggested fix would do.

A finding's rows are those its query names; without one those its fix would touch; without that its examples.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from ....agent.plural import counted
from ...cells import left, neutral, right, wrap
from ...render.profile import command, number, percent
from ...text import many_lines
from ..background import Fetched, fetch
from ..item_list import Item, ItemList
from ..plain_text import ACCENT, BAD, BOLD, GOOD, MUTED, WARNING, PlainText, joined, safe
from .tab import Tab

if TYPE_CHECKING:
    import numpy as np

    from ...screens.fix import Choices

UNASKED: Final = 200_000
"""Rows up to which a dataset is profiled as soon as it is opened."""

ROOMY: Final = 50
"""Cells from which on a verdict's message stands beside its count."""

GLYPHS: Final = {"error": ("✘ error  ", BAD), "warning": ("! warning", WARNING), "note": ("· note   ", ACCENT)}
_COUNTED: Final = re.compile(
    r"select count\((?:\*|distinct row_id)\) (from (?:rows join|texts|turns|\(select row_id)\b.*)", re.DOTALL
)
_ROWS: Final = "select count(*) from rows where "


class FindingsTab(Tab):
    """The verdict list."""

    TITLE = "Findings"
    KEYS = "Enter rows   f fix: what it would do"
    DEFAULT_CSS = "FindingsTab #verdicts { height: 1fr; padding: 0 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f", "fix", show=False)]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._found: Sequence[Mapping[str, Any]] = ()
        self._waits = False
        self._looked_at = ""
        self._told = ""

    def compose(self) -> ComposeResult:
        yield PlainText(classes="facts")
        yield PlainText(classes="trouble")
        yield ItemList(id="verdicts")

    @property
    def _facts(self) -> PlainText:
        return self.query_one(".facts", PlainText)

    def reload(self) -> None:
        workspace, address = self.workspace, self.address
        assert workspace is not None
        fetch(self, "size", lambda: len(workspace.rows(address)))

    def on_fetched(self, event: Fetched) -> None:
        event.stop()
        self.trouble(event.trouble)
        if event.what in ("fix", "touched"):
            self._facts.show(self._told)
        if event.trouble:
            return
        match event.what:
            case "size":
                again = self._looked_at == self.dataset
                self._waits = again or event.value > UNASKED
                if again:
                    self._facts.show("these are of an earlier version: Enter looks again")
                elif self._waits:
                    self._show_items([])
                    self._facts.show(f"{counted(event.value, 'rows')}, not looked at yet: Enter profiles them")
                else:
                    self.profile()
            case "fix":
                self._offer(*event.value)
            case "touched":
                positions, note = event.value
                self.post_message(self.Rows("", positions, note))

    def profile(self) -> None:
        """Look at every row, in a thread; what is recorded is read back at once."""
        workspace, address = self.workspace, self.address
        assert workspace is not None
        self._waits, self._looked_at = False, self.dataset
        self._facts.show("looking at every row …")

        def look() -> None:
            self.post_message(self.Profiled(workspace.inspect(address).details))

        self.post_message(self.Act(f"tilth inspect {address}", look, quiet=True))

    class Profiled(Message):
        """The profile is made."""

        def __init__(self, details: Mapping[str, Any]) -> None:
            super().__init__()
            self.details = details

    @on(Profiled)
    def _show(self, event: Profiled) -> None:
        event.stop()
        profile = event.details
        self._found = profile["findings"]
        clean, skipped = len(profile["clean"]), len(profile["not_checked"])
        rows = f"{counted(profile['rows'], profile['unit'])}, {profile['format']} format"
        checks = f"{counted(clean, 'checks')} found nothing, {skipped:,} not checked"
        self._told = f"{rows}   {counted(len(self._found), 'findings')}, {checks}"
        self._facts.show(self._told)
        items = [_item(one, self.dataset) for one in self._found]
        self._show_items(items or [lambda width: [safe("✔ nothing wrong found", GOOD)]])

    def _show_items(self, items: Sequence[Item]) -> None:
        self.query_one("#verdicts", ItemList).show(items)

    @on(ItemList.Chosen, "#verdicts")
    def _chosen(self, event: ItemList.Chosen) -> None:
        event.stop()
        if self._waits:
            self.profile()
        elif event.index < len(self._found):
            self._show_rows(self._found[event.index])

    def _show_rows(self, finding: Mapping[str, Any]) -> None:
        where, workspace, address = predicate(finding), self.workspace, self.address
        assert workspace is not None
        if where or not finding["fix"]:
            note = "" if where else "examples"
            self.post_message(self.Rows(where or examples(finding), note=note))
            return
        self._facts.show("looking for its rows …")

        def touched() -> tuple[np.ndarray, str]:
            tool, args = call_of(finding["fix"])
            return workspace.touched(tool, address, finding["code"], **args), f"those that {tool} would touch"

        fetch(self, "touched", touched)

    @on(ItemList.Moved, "#verdicts")
    def _moved(self, event: ItemList.Moved) -> None:
        event.stop()

    def on_key(self, event: Any) -> None:
        if event.key == "enter" and self._waits:
            event.stop()
            self.profile()

    # -- the fix ---------------------------------------------------------------------------------------------------

    @property
    def fix(self) -> str | None:
        """The fix of the finding the cursor is on, "" when no tool fixes it, None without a finding."""
        at = self.query_one("#verdicts", ItemList).cursor
        return str(self._found[at]["fix"]) if at < len(self._found) else None

    def action_fix(self) -> None:
        workspace, address, fix = self.workspace, self.address, self.fix
        if workspace is None or fix is None:
            return
        if not fix:
            self.trouble("no tool fixes this by itself; ask for one below")
            return
        self.trouble("")

        self._facts.show("trying the fix …")

        def tried() -> tuple[str, Choices]:
            from ...screens.fix import choices

            return fix, choices(workspace, address, *call_of(fix))

        fetch(self, "fix", tried)

    def _offer(self, fix: str, found: Choices) -> None:
        from ...screens.fix import FixScreen

        workspace, dataset = self.workspace, self.dataset
        assert workspace is not None
        line = command(fix, dataset)

        def done(args: Mapping[str, Any] | None) -> None:
            if args is not None:
                said = found.said(line, args)
                self.post_message(self.Act(said, lambda: workspace.do(found.tool, dataset, **args)))

        self.app.push_screen(FixScreen(line, dataset, found), done)


def predicate(finding: Mapping[str, Any]) -> str:
    """SQL for the rows of a finding where its query says which they are, else ""."""
    sql = str(finding["sql"])
    if sql.startswith(_ROWS):
        return sql.removeprefix(_ROWS)
    counted_in = _COUNTED.fullmatch(sql)
    return f"row_id in (select row_id {counted_in[1]})" if counted_in else ""


def examples(finding: Mapping[str, Any]) -> str:
    """SQL for the rows that a finding names."""
    ids = ", ".join(f"'{one['row']}'" for one in finding["examples"])
    return f"row_id in ({ids or 'null'})"


def call_of(fix: str) -> tuple[str, dict[str, Any]]:
    """A finding's fix as a tool and its arguments."""
    from ....tools import tool as registry
    from ...line.tool_flags import ToolFlags, describe

    name, *words = shlex.split(fix)
    tool = registry.get(name)
    parser = argparse.ArgumentParser(exit_on_error=False)
    describe(parser, tool)
    return name, ToolFlags(tool).values(parser.parse_args(words))


def _item(one: Mapping[str, Any], dataset: str) -> Item:
    glyph, style = GLYPHS[one["severity"]]

    def lines(width: int) -> list[Content]:
        share = percent(one["share"]) if one["share"] is not None else one["unit"]
        head = joined((glyph, style), (right(number(one["count"]), 7), BOLD), (f" {left(share, 6)} ", MUTED))
        beside = head.cell_length if width >= ROOMY else 2
        told = wrap(" ".join(map(neutral, many_lines(one["message"]))), width - beside)
        indent = " " * beside
        lines = [head + safe(told[0])] if width >= ROOMY else [head, safe(indent + told[0])]
        lines += [safe(indent + line) for line in told[1:]]
        if one["fix"]:
            lines.append(safe(f"{indent}→ {neutral(command(one['fix'], dataset))}", GOOD))
        return [line.truncate(width, ellipsis=True) for line in lines]

    return lines
