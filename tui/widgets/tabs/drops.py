"""Drops: what the steps took, by reason, and one example at a time with what decided."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content

from ....agent.plural import counted
from ...render.records import drops
from ...terminal import Terminal
from ...text import share
from ..background import Fetched, fetch
from ..item_list import Item, ItemList
from ..line_view import TextView
from ..plain_text import BOLD, MUTED, PlainText, joined
from .tab import Tab

if TYPE_CHECKING:
    from ....agent.review import Case
    from ....tools.store.format.mapping import Mapping
    from ....tools.store.past.history import Dropped, Funnel

EXAMPLES = 20
REVIEWED = 20
NARROW = 90
"""Cells below which examples stand under the reasons, not beside them."""


@dataclass(frozen=True)
class Reason:
    """One line of the list: a step and a reason."""

    seq: int
    tool: str
    name: str
    count: int
    before: int


class DropsTab(Tab):
    """`k` keeps the row in sight for good, `R` draws rows at random to rule on."""

    TITLE = "Drops"
    KEYS = "←→ examples   k keep this row   R review 20"
    DEFAULT_CSS = """
    DropsTab #both { height: 1fr; }
    DropsTab #reasons { width: 2fr; height: 1fr; padding: 0 1; }
    DropsTab #example { width: 3fr; height: 1fr; padding: 0 1; border-left: solid $line; }
    DropsTab.-narrow #both { layout: vertical; }
    DropsTab.-narrow #reasons { width: 1fr; height: auto; max-height: 35%; }
    DropsTab.-narrow #example { width: 1fr; border-left: none; border-top: solid $line; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "example(-1)", show=False),
        Binding("right", "example(1)", show=False),
        Binding("k", "keep", show=False),
        Binding("R", "review", show=False),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._reasons: list[Reason] = []
        self._examples: list[Dropped] = []
        self._at = 0
        self._mapping: Mapping | None = None

    def compose(self) -> ComposeResult:
        yield PlainText(classes="facts")
        yield PlainText(classes="trouble")
        with Horizontal(id="both"):
            yield ItemList(id="reasons")
            yield TextView(self._example, id="example")

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width < NARROW, "-narrow")

    def reload(self) -> None:
        workspace, address = self.workspace, self.address
        assert workspace is not None
        fetch(self, "funnel", lambda: (workspace.drops(address, count=0)[0], workspace.rows(address).mapping))

    def on_fetched(self, event: Fetched) -> None:
        event.stop()
        self.trouble(event.trouble)
        if event.trouble:
            return
        match event.what:
            case "funnel":
                funnel, self._mapping = event.value
                self._show(funnel)
            case "examples":
                self._examples, self._at = event.value, 0
                self.query_one("#example", TextView).show(self._example)
            case "cases":
                self._review(event.value)

    def _show(self, funnel: list[Funnel]) -> None:
        self._reasons = [
            Reason(one.entry.seq, one.entry.tool or "", name, count, one.before)
            for one in funnel
            for name, count in one.dropped.items()
        ]
        gone = sum(one.count for one in self._reasons)
        text = (
            f"{counted(gone, 'rows')} dropped in {counted(len(funnel), 'steps')}"
            if self._reasons
            else "no step has dropped a row"
        )
        self.query_one(".facts", PlainText).show(text)
        self._examples = []
        self.query_one("#example", TextView).show(self._example)
        self.query_one("#reasons", ItemList).show([_item(one) for one in self._reasons])

    @on(ItemList.Moved, "#reasons")
    def _moved(self, event: ItemList.Moved) -> None:
        event.stop()
        if event.index < len(self._reasons) and self.workspace is not None:
            workspace, address, one = self.workspace, self.address, self._reasons[event.index]
            fetch(
                self,
                "examples",
                lambda: workspace.drops(address, step=str(one.seq), reason=one.name, count=EXAMPLES)[1],
            )

    @on(ItemList.Chosen, "#reasons")
    def _chosen(self, event: ItemList.Chosen) -> None:
        event.stop()
        self.query_one("#example").focus()

    def _example(self, terminal: Terminal) -> Iterable[str]:
        if not self._examples or self._mapping is None:
            return
        one = self._examples[self._at]
        total = one.decision.entry.counts["dropped"].get(one.decision.reason, 0)
        yield f"example {self._at + 1} of {len(self._examples)} drawn from {total:,}"
        yield from drops.example(one, self._mapping, terminal)

    def action_example(self, by: int) -> None:
        if self._examples:
            self._at = (self._at + by) % len(self._examples)
            self.query_one("#example", TextView).show(self._example)

    # -- ruling ----------------------------------------------------------------------------------------------------

    def action_keep(self) -> None:
        from ...screens.over import Question

        if not self._examples or self.workspace is None:
            return
        row, dataset, workspace = self._examples[self._at].row.row_id, self.dataset, self.workspace

        def ruled(because: str | None) -> None:
            if because:
                what = shlex.join(["tilth", "keep", row[:12], "--because", because])
                self.post_message(self.Act(what, lambda: workspace.keep(row, because=because, dataset=dataset)))

        hint = "It stays from now on, whatever any step says; the steps are done again."
        self.app.push_screen(Question(f"Keep row {row[:12]}, because", hint), ruled)

    def action_review(self) -> None:
        workspace, dataset = self.workspace, self.dataset
        if workspace is not None and self._reasons:
            fetch(self, "cases", lambda: workspace.cases(dataset, count=REVIEWED))

    def _review(self, cases: list[Case]) -> None:
        from ...screens.review import ReviewScreen, Said

        workspace, dataset = self.workspace, self.dataset
        if not cases or self._mapping is None or workspace is None:
            self.trouble("every row that could be drawn has been ruled on")
            return

        def ended(said: Said | None) -> None:
            if said:
                self.post_message(self.Act(f"tilth review {dataset}", lambda: workspace.rule(dataset, said)))

        self.app.push_screen(ReviewScreen(dataset, cases, self._mapping), ended)


def _item(one: Reason) -> Item:
    def lines(width: int) -> list[Content]:
        told = f"{one.count:>9,}  {share(one.count, one.before):>6}  "
        line = joined((told, BOLD), one.name, (f"   {one.tool}", MUTED))
        if line.cell_length <= width:
            return [line]
        below = [joined(f"  {one.name}"), joined((f"  {one.tool}", MUTED))]
        return [part.truncate(width, ellipsis=True) for part in (joined((told, BOLD)), *below)]

    return lines
