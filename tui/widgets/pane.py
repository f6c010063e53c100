"""The right side: tabs about the dataset at hand, one in sight at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from .plain_text import BOLD, MUTED, PlainText, joined
from .tabs.tab import Tab

if TYPE_CHECKING:
    from ...agent.workspace import Workspace
    from .tabs.rows import RowsTab
    from .tabs.run import RunTab

TABS: Final = ("findings", "rows", "drops", "run", "ledger")
_GAP = "  "


class TabBar(PlainText):
    """The names of the tabs; the one in sight stands in brackets and in bold."""

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self._ends: list[int] = []

    def mark(self, current: str) -> None:
        parts: list[Any] = []
        self._ends = []
        at = 0
        for number, name in enumerate(TABS, 1):
            told = f"[{number} {name.capitalize()}]" if name == current else f" {number} {name.capitalize()} "
            parts.append((told, BOLD if name == current else MUTED))
            at += len(told)
            self._ends.append(at)
        self.show(joined(*parts))

    def on_click(self, event: events.Click) -> None:
        for name, end in zip(TABS, self._ends, strict=True):
            if event.x <= end:
                self.screen.query_one(Pane).look_at(name)
                return


class Pane(Vertical):
    """Keys 1 to 5 change the tab while the pane has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(str(number), f"look({name!r})", show=False) for number, name in enumerate(TABS, 1)
    ]

    def __init__(self, clock: Callable[[], float], *, id: str) -> None:
        super().__init__(id=id)
        self._clock = clock
        self.current = "findings"

    def compose(self) -> ComposeResult:
        yield TabBar()
        yield PlainText(id="tab-keys", classes="keys")

    def on_mount(self) -> None:
        self._mark()

    async def fill(self) -> None:
        """Put the tabs in. It is done after the first frame, which they would keep waiting."""
        from .tabs.drops import DropsTab
        from .tabs.findings import FindingsTab
        from .tabs.ledger import LedgerTab
        from .tabs.rows import RowsTab
        from .tabs.run import RunTab

        tabs = FindingsTab(id="findings"), RowsTab(id="rows"), DropsTab(id="drops"), RunTab(self._clock, id="run")
        made: tuple[Tab, ...] = (*tabs, LedgerTab(id="ledger"))
        for tab in made:
            tab.display = tab.id == self.current
        await self.mount_all(made, before="#tab-keys")
        self._mark()

    @property
    def filled(self) -> bool:
        return bool(self.query(Tab))

    @property
    def tab(self) -> Tab:
        return self.query_one(f"#{self.current}", Tab)

    @property
    def run(self) -> RunTab:
        from .tabs.run import RunTab

        return self.query_one("#run", RunTab)

    @property
    def rows(self) -> RowsTab:
        from .tabs.rows import RowsTab

        return self.query_one("#rows", RowsTab)

    def about(self, workspace: Workspace, address: str) -> None:
        for tab in self.query(Tab):
            tab.about(workspace, address)

    def look_at(self, name: str, *, focus: bool = True) -> None:
        """Bring a tab into sight."""
        self.current = name
        self._mark()
        if self.filled:
            self.tab.look()
            if focus:
                self.focus_tab()

    def focus_tab(self) -> None:
        if not self.filled:
            return
        for widget in self.tab.query("RowTable, ItemList, TextView"):
            if widget.can_focus:
                widget.focus()
                return

    def _mark(self) -> None:
        for tab in self.query(Tab):
            tab.display = tab.id == self.current
        self.query_one(TabBar).mark(self.current)
        self.query_one("#tab-keys", PlainText).show(self.tab.KEYS if self.filled else "")

    def action_look(self, name: str) -> None:
        self.look_at(name)
