"""Rows: the version as a table, filtered and sorted by SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from ....agent.plural import counted
from ...cells import neutral
from ...render.records import life, rows
from ...render.records.rows import plain
from ...terminal import Terminal
from ..background import Fetched, fetch
from ..line_view import Render
from ..pages import Pages, open_pages
from ..plain_text import LineInput, PlainText
from ..row_table import RowTable
from .tab import Tab

if TYPE_CHECKING:
    import numpy as np

    from ....agent.workspace import Workspace


class RowsTab(Tab):
    """`f` filters, `s` sorts, Enter opens the cell, `w` tells why the row is here."""

    TITLE = "Rows"
    KEYS = "Enter cell   f filter   s sort   w why   y copy"
    DEFAULT_CSS = """
    RowsTab #asks { height: 1; display: none; padding: 0 1; }
    RowsTab.-asking #asks { display: block; }
    RowsTab #asks PlainText { width: auto; color: $text-muted; }
    RowsTab #where { width: 3fr; }
    RowsTab #order { width: 2fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "ask('where')", show=False),
        Binding("s", "ask('order')", show=False),
        Binding("w", "why", show=False),
        Binding("y", "copy", show=False),
    ]

    def compose(self) -> ComposeResult:
        yield PlainText(classes="facts")
        with Horizontal(id="asks"):
            yield PlainText("where ")
            yield LineInput(id="where")
            yield PlainText(" order by ")
            yield LineInput(id="order")
        yield PlainText(classes="trouble")
        yield RowTable(id="table")

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._meant: dict[str, str] = {}
        self._positions: np.ndarray | None = None
        self._note = ""

    @property
    def table(self) -> RowTable:
        return self.query_one(RowTable)

    def reload(self) -> None:
        where, order = (self.query_one(f"#{name}", LineInput).value.strip() for name in ("where", "order"))
        where = self._meant.get(where, where)
        workspace, address = self.workspace, self.address
        assert workspace is not None
        before, positions = self.table.pages, self._positions
        fetch(self, "rows", lambda: open_pages(workspace, address, where, order, before, positions=positions))

    def about(self, workspace: Workspace, address: str) -> None:
        self._positions, self._note = None, ""
        super().about(workspace, address)

    def find(self, where: str, positions: np.ndarray | None = None, note: str = "") -> None:
        """Show the rows that meet a predicate, or those at these positions of the version; `note` says which they are."""
        self.query_one("#where", LineInput).value = where
        self.query_one("#order", LineInput).value = ""
        self._meant = {neutral(where): where}  # the line shows it harmless; what runs is what was meant
        self._positions, self._note = positions, note
        self.set_class(bool(where), "-asking")
        self._stale = True
        self.look()

    def on_fetched(self, event: Fetched) -> None:
        event.stop()
        self.trouble(event.trouble)
        if event.what == "rows" and not event.trouble:
            self._show(event.value)
        elif event.what == "whole" and not event.trouble:
            title, render = event.value
            self._read(title, render)

    def _show(self, pages: Pages) -> None:
        note = f"   {self._note}" if self._note else ""
        of = f"{len(pages):,} of " if len(pages) != len(pages.rows) else ""
        self.query_one(".facts", PlainText).show(
            f"{of}{counted(len(pages.rows), 'rows')}   {pages.rows.mapping.format}{note}"
        )
        self.table.show(pages)

    def _read(self, title: str, render: Render) -> None:
        from ...screens.over import Reader

        self.app.push_screen(Reader(title, render))

    @on(LineInput.Submitted)
    def _asked(self, event: LineInput.Submitted) -> None:
        event.stop()
        if event.input.id == "where":
            self._positions, self._note = None, ""
        self._stale = True
        self.look()
        self.table.focus()

    def action_ask(self, name: str) -> None:
        self.add_class("-asking")
        self.query_one(f"#{name}", LineInput).focus()

    def action_copy(self) -> None:
        cell = self.table.cell()
        if cell is not None:
            self.app.copy_to_clipboard(cell)

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened) -> None:
        event.stop()
        pages, index, column = self.table.pages, event.index, event.field
        assert pages is not None

        def whole() -> tuple[str, Render]:
            stored = pages.stored(index)
            if column:
                field = pages.fields[column - 1]
                value = field.read(stored.record)
                text = "∅ null" if value is None else plain(value)
                return f"{field.name} of row {index + 1:,}", lambda terminal: cell_lines(text, terminal)
            mapping = pages.rows.mapping
            return f"row {stored.row_id[:12]}", lambda terminal: [
                rows.heading(stored, terminal),
                *rows.body(stored.record, mapping, terminal, longest=1_000_000),
            ]

        fetch(self, "whole", whole)

    def action_why(self) -> None:
        pages, index, workspace, dataset = self.table.pages, self.table.cursor, self.workspace, self.dataset
        if pages is None or workspace is None or not len(pages):
            return

        def told() -> tuple[str, Render]:
            found = workspace.why(pages.stored(index).row_id, dataset=dataset)
            mapping = pages.rows.mapping
            return f"why {found.row_id[:12]}", lambda terminal: life.life(found, mapping, terminal)

        fetch(self, "whole", told)


def cell_lines(text: str, terminal: Terminal) -> list[str]:
    """A whole cell, its own line ends kept, long lines wrapped."""
    from ...text import many_lines, wrap

    if not text:
        return ["(empty)"]
    return [piece for line in many_lines(text) for piece in wrap(line, terminal.columns)]
