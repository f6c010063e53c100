"""The first screen when no dataset is named: a path to open, the datasets of this workspace, workspaces seen before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen

from ...agent.plural import counted
from ..recent import recent
from ..render.results import version
from ..widgets.background import Broke, Fetched, fetch
from ..widgets.item_list import Item, ItemList, one
from ..widgets.plain_text import BOLD, MUTED, LineInput, PlainText, joined, safe
from .conversation import Opening

if TYPE_CHECKING:
    from ...agent.workspace import DatasetStatus, Workspace


class StartScreen(Screen[None]):
    """Enter in the field opens the path, Enter in the list what the cursor is on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "app.quit", show=False),
        Binding("down", "list", show=False),
    ]

    class Dataset(Message):
        """Go on with this dataset."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class Folder(Message):
        """Go on in this workspace."""

        def __init__(self, root: Path) -> None:
            super().__init__()
            self.root = root

    def __init__(self, opening: Opening, *, straight: bool = False) -> None:
        super().__init__()
        self._opening = opening
        self._straight = straight
        self._choices: list[Callable[[], Message]] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="start"):
            yield PlainText(safe("tilth", "bold $primary"), id="name")
            yield PlainText("Soil made ready for sowing: see, clean, and grow a training set.", id="motto")
            yield PlainText("A file, a folder or a pattern to open:", classes="label")
            yield LineInput(id="path")
            yield PlainText(id="said")
            yield ItemList(id="choices")
            yield PlainText("Enter open   ↓ list   Esc leave", classes="keys")

    def on_mount(self) -> None:
        self.query_one("#path").focus()
        self.query_one("#said", PlainText).show("opening …")

        def known() -> tuple[list[DatasetStatus], list[Path]]:
            workspace = self._opening()
            return workspace.datasets(), [path for path in recent() if path != workspace.root]

        self.call_after_refresh(fetch, self, "known", known)  # the first frame comes before the workspace

    def on_fetched(self, event: Fetched) -> None:
        event.stop()
        said = self.query_one("#said", PlainText)
        said.show(event.trouble)
        if event.trouble and event.what == "known":
            self.app.exit()
        elif event.trouble:
            self.query_one("#path").focus()
        elif event.what == "known":
            self._known(*event.value)
        else:
            self.post_message(self.Dataset(event.value))

    def on_broke(self, event: Broke) -> None:
        event.stop()
        self.query_one("#said", PlainText).show(event.sentence())

    def _known(self, datasets: list[DatasetStatus], folders: list[Path]) -> None:
        own = [one for one in datasets if not one.name.startswith("benchmarks/")]
        if self._straight and len(own) == 1:
            self.post_message(self.Dataset(own[0].name))
        else:
            self._show(datasets, folders)

    def _show(self, datasets: list[DatasetStatus], folders: list[Path]) -> None:
        items: list[Item] = []
        self._choices = []
        for each in datasets:
            told = f"{counted(each.rows, 'rows')}   {each.format}   @{version(each.version)}"
            items.append(one(joined((f"{each.name}  ", BOLD), (told, MUTED))))
            self._choices.append(lambda name=each.name: self.Dataset(name))  # type: ignore[misc]
        for path in folders:
            items.append(one(joined(("workspace  ", MUTED), str(path))))
            self._choices.append(lambda path=path: self.Folder(path))  # type: ignore[misc]
        self.query_one("#choices", ItemList).show(items)

    @on(LineInput.Submitted, "#path")
    def _opened(self, event: LineInput.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        path = Path(text).expanduser()
        if text and (path / ".tilth").is_dir():
            self.post_message(self.Folder(path.resolve()))
        elif text:
            self.query_one("#said", PlainText).show("reading …")
            fetch(self, "open", lambda: opened(self._opening(), str(path)))

    @on(ItemList.Chosen, "#choices")
    def _chosen(self, event: ItemList.Chosen) -> None:
        event.stop()
        if event.index < len(self._choices):
            self.post_message(self._choices[event.index]())

    def action_list(self) -> None:
        self.query_one("#choices").focus()


def opened(workspace: Workspace, wanted: str) -> str:
    """The address of a dataset; a file is imported first. Raises Misuse when there is neither."""
    address = workspace.address(wanted)
    workspace.store.resolve(address)
    return address
