"""Ledger: everything that was done, newest first, what each entry holds, undo and redo."""

from __future__ import annotations

import json
from collections.abc import Iterable, Set
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from ...render.listings.log import details_told, on_trial, rows_told, what_told
from ...render.records import life
from ...render.results import version
from ...terminal import Terminal
from ...text import one_line, wrap
from ..background import Fetched, fetch
from ..item_list import ItemList, one
from ..line_view import TextView
from ..plain_text import BOLD, MUTED, PlainText, joined
from .tab import Tab

if TYPE_CHECKING:
    from ....tools.store.ledger import Entry


class LedgerTab(Tab):
    """`u` undoes, `r` redoes, `w` asks for a row and tells its life."""

    TITLE = "Ledger"
    KEYS = "u undo   r redo   w why a row"
    DEFAULT_CSS = """
    LedgerTab #entries { height: 1fr; padding: 0 1; }
    LedgerTab #entry { height: auto; max-height: 45%; padding: 0 1; border-top: solid $line; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "move('undo')", show=False),
        Binding("r", "move('redo')", show=False),
        Binding("w", "why", show=False),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._entries: list[Entry] = []

    def compose(self) -> ComposeResult:
        yield PlainText(classes="facts")
        yield PlainText(classes="trouble")
        yield ItemList(id="entries")
        yield TextView(self._entry, id="entry")

    def reload(self) -> None:
        workspace, dataset = self.workspace, self.dataset
        assert workspace is not None
        fetch(
            self,
            "log",
            lambda: (workspace.log(dataset), next(one for one in workspace.datasets() if one.name == dataset)),
        )

    def on_fetched(self, event: Fetched) -> None:
        event.stop()
        self.trouble(event.trouble)
        if event.trouble:
            return
        if event.what == "log":
            entries, status = event.value
            self._entries, trials = list(reversed(entries)), on_trial(entries)
            undo, redo = status.undoable, status.redoable
            self.query_one(".facts", PlainText).show(
                f"{len(entries)} entries   now @{version(status.version)}   {undo} to undo, {redo} to redo"
            )
            self.query_one("#entries", ItemList).show([one(_line(entry, trials)) for entry in self._entries])
        else:
            from ...screens.over import Reader

            found, mapping = event.value
            title = f"why {found.row_id[:12]}"
            self.app.push_screen(Reader(title, lambda terminal: life.life(found, mapping, terminal)))

    @on(ItemList.Moved, "#entries")
    @on(ItemList.Chosen, "#entries")
    def _moved(self, event: ItemList.Moved) -> None:
        event.stop()
        self.query_one("#entry", TextView).show(self._entry)

    def _entry(self, terminal: Terminal) -> Iterable[str]:
        entries = self.query("#entries").results(ItemList)
        at = next((items.cursor for items in entries), 0)
        if at >= len(self._entries):
            return
        entry = self._entries[at]
        args = {name: value for name, value in entry.args.items() if value not in (None, "")}
        facts = {
            "what": " ".join(part for part in (entry.kind, entry.tool) if part),
            "by": f"{entry.actor}, {entry.at[:19].replace('T', ' ')}",
            "took": f"{entry.seconds:,.0f} s" if entry.seconds >= 1 else "",
            "args": json.dumps(args, ensure_ascii=False, default=str) if args else "",
            "counts": json.dumps(dict(entry.counts), ensure_ascii=False, default=str) if entry.counts else "",
            "from": ", ".join(map(version, entry.inputs)),
            "made": version(entry.output) if entry.output else "",
        }
        for name, text in facts.items():
            if text:
                yield from wrap(one_line(text), terminal.columns, indent=" " * 8, first=f"{name:<8}")

    def action_move(self, kind: str) -> None:
        workspace, dataset = self.workspace, self.dataset
        if workspace is not None:
            move = workspace.undo if kind == "undo" else workspace.redo
            self.post_message(self.Act(f"tilth {kind} {dataset}", lambda: move(dataset)))

    def action_why(self) -> None:
        from ...screens.over import Question

        workspace, dataset = self.workspace, self.dataset
        if workspace is None:
            return

        def asked(row: str | None) -> None:
            if row:
                fetch(self, "why", lambda: (workspace.why(row, dataset=dataset), workspace.rows(dataset).mapping))

        self.app.push_screen(Question("Why is this row here, or gone?", "A row id, FILE:LINE, or its own key."), asked)


def _line(entry: Entry, trials: Set[int]) -> Content:
    when = entry.at[5:16].replace("T", " ")
    return joined(
        (f"{entry.seq:>4}  ", MUTED), (f"{when}  ", MUTED), (one_line(what_told(entry)), BOLD),
        f"  {rows_told(entry).replace('->', '→')}", (f"  {one_line(details_told(entry, trials))}", MUTED),
    )  # fmt: skip
