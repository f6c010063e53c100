"""What a suggested fix would do, for three values of its threshold where it has one: Enter does the one the cursor is on.

It knows choices and what each would come to. Who asked for the fix does it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from ..cells import neutral
from ..render.records import previews
from ..terminal import Terminal
from ..widgets.item_list import Item, ItemList
from ..widgets.line_view import TextView
from ..widgets.plain_text import BOLD, MUTED, PlainText, joined, safe

if TYPE_CHECKING:
    from ...agent.workspace import Preview, Workspace
    from ...tools.tool import Parameter, Tool

STEP: Final = 0.1
"""Between the values of a threshold that ends at 1; others are halved and doubled."""
MANY: Final = 200_000
"""Rows from which on only the suggested value is tried."""


@dataclass(frozen=True)
class Choices:
    """A fix's tool and arguments, and what it comes to: for values of the threshold `name`, or, without one, `counts`."""

    tool: str
    args: Mapping[str, Any]
    counts: Mapping[str, Any]
    name: str = ""
    values: Sequence[Any] = ()
    previews: Sequence[Preview] = ()

    @property
    def suggested(self) -> int:
        """The place of the value that the fix itself names."""
        return next((i for i, value in enumerate(self.values) if value == self.args.get(self.name)), 0)

    def said(self, line: str, args: Mapping[str, Any]) -> str:
        """The command line of the fix with the value that was chosen."""
        if not self.name or args[self.name] == self.args[self.name]:
            return line
        flag, value, words = f"--{self.name.replace('_', '-')}", str(args[self.name]), shlex.split(line)
        if flag in words:
            words[words.index(flag) + 1] = value
            return shlex.join(words)
        return shlex.join([*words, flag, value])


def choices(workspace: Workspace, address: str, tool: str, args: Mapping[str, Any]) -> Choices:
    """Try them, in a thread. Raises what the tool raises."""
    from ...tools import tool as registry

    declared = registry.get(tool)
    threshold = _threshold(declared, args)
    if threshold is None or len(workspace.rows(address)) > MANY:
        return Choices(tool, args, workspace.dry_run(tool, address, **args))
    name, at = threshold.name, declared.validate(args)[threshold.name]
    values = _around(at, threshold)
    rest = {key: value for key, value in args.items() if key != name}
    made = workspace.what_if(tool, address, name, [str(value) for value in values], **rest)
    return Choices(tool, {**args, name: at}, {}, name, values, made)


def _threshold(tool: Tool, args: Mapping[str, Any]) -> Parameter | None:
    """The threshold that a fix is about: the one it names, else the only one that is in force."""
    if tool.effect_of(args) != "writes":
        return None
    all_of = [one for one in tool.parameters if one.arg.threshold and args.get(one.name, one.default) is not None]
    named = [one for one in all_of if one.name in args]
    return named[0] if named else all_of[0] if len(all_of) == 1 else None


def _around(value: Any, parameter: Parameter) -> list[Any]:
    """The value between two neighbours that the parameter allows."""
    least, most = parameter.arg.minimum, parameter.arg.maximum
    if isinstance(value, float) and most == 1:
        near = [round(value - STEP, 6), value, round(value + STEP, 6)]
    elif value:
        near = [value // 2 if isinstance(value, int) else value / 2, value, value * 2]
    else:
        near = [value, value + 1, value + 2]
    return [one for one in near if (least is None or one >= least) and (most is None or one <= most)]


class FixScreen(ModalScreen[Mapping[str, Any]]):
    """Enter gives back the arguments to do it with; Escape nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", show=False)]
    DEFAULT_CSS = """
    FixScreen #values { height: auto; max-height: 6; }
    FixScreen #told { border-top: solid $line; }
    """

    def __init__(self, line: str, dataset: str, found: Choices) -> None:
        super().__init__()
        self._line = line
        self._dataset = dataset
        self._found = found

    def compose(self) -> ComposeResult:
        with Vertical(id="over"):
            yield PlainText(safe("What the fix would do", "bold"), id="title")
            yield PlainText(safe(f"$ {neutral(self._line)}", MUTED))
            yield ItemList(id="values")
            yield TextView(self._told, id="told")
            values = "↑↓ value   " if self._found.name else ""
            yield PlainText(f"{values}Enter do it   Esc leave it", classes="keys")

    def on_mount(self) -> None:
        values = self.query_one("#values", ItemList)
        made = self._found.previews
        items = [self._item(one, value) for one, value in zip(made, self._found.values, strict=True)]
        items = items or [lambda width: [safe("as suggested", BOLD)]]
        values.styles.height = len(items)
        values.show(items, cursor=self._found.suggested)
        values.focus()

    def _item(self, one: Preview, value: Any) -> Item:
        reasons = "   ".join(f"{reason} {count:,}" for reason, count in one.dropped.items())
        suggested = "   (suggested)" if value == self._found.args[self._found.name] else ""

        def lines(width: int) -> list[Content]:
            head = (f"{self._found.name} {one.value:<6}", BOLD)
            counts = f"  drops {sum(one.dropped.values()):>9,}   keeps {one.kept:>9,}"
            return [joined(head, counts, (f"   {reasons}{suggested}", MUTED)).truncate(width, ellipsis=True)]

        return lines

    def _told(self, terminal: Terminal) -> Iterable[str]:
        found = self._found
        if not found.previews:
            return previews.dry_run(found.tool, self._dataset, found.counts, terminal)
        at = self.query_one("#values", ItemList).cursor if self.is_mounted else found.suggested
        near = [found.previews[i : i + 2] for i in (at - 1, at) if 0 <= i < len(found.previews) - 1]
        told = [line for before, after in near for line in previews.flips(found.name, before, after, terminal)]
        return told or ["", "The values beside it decide every row alike."]

    @on(ItemList.Moved, "#values")
    def _moved(self, event: ItemList.Moved) -> None:
        event.stop()
        self.query_one("#told", TextView).show(self._told)

    @on(ItemList.Chosen, "#values")
    def _chosen(self, event: ItemList.Chosen) -> None:
        event.stop()
        found = self._found
        own = {found.name: found.values[event.index]} if found.name else {}
        self.dismiss({**found.args, **own})

    def action_leave(self) -> None:
        self.dismiss(None)
