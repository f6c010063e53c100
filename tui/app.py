"""The terminal face: `run` opens a workspace on the screen and comes back with an exit code.

It knows which screen is shown, the themes, and what happens when tilth itself is at fault. The first frame is painted
before the workspace is opened: what reads data takes longer to import than a screen to draw.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.theme import Theme

from ..tools.errors import TilthError
from .recent import remember
from .screens.conversation import Conversation, OpenEngine, Opening
from .screens.main import MainScreen
from .screens.start import StartScreen
from .widgets.approval import ApprovalCard
from .widgets.composer import Prompt
from .widgets.pasting import install
from .widgets.plain_text import LineInput

if TYPE_CHECKING:
    from ..agent.chat.session import Session
    from ..agent.workspace import Workspace

DARK: Final = Theme(
    name="tilth-dark",
    primary="#7fb069",
    secondary="#c9a66b",
    accent="#e6aa68",
    foreground="#d9d4c7",
    background="#171613",
    surface="#1e1c18",
    panel="#2a2722",
    success="#8fbf72",
    warning="#e3b04b",
    error="#e0705f",
    dark=True,
    variables={"line": "#3d3932"},
)
LIGHT: Final = Theme(
    name="tilth-light",
    primary="#4c7a34",
    secondary="#7a5c2e",
    accent="#9a5b1c",
    foreground="#2b2822",
    background="#faf8f2",
    surface="#f3f0e6",
    panel="#e6e1d3",
    success="#3f7a2c",
    warning="#8f5f00",
    error="#b03a2e",
    dark=False,
    variables={"line": "#cfc8b6"},
)


class TilthApp(App[int]):
    """The app: the first screen without a dataset, the main screen with one.

    `opening` opens the workspace; it is called in a thread, once. `straight`: where there is one dataset only, go on with
    that. `refused` is the error that kept the workspace from being opened; the app is left then.
    """

    CSS_PATH = Path(__file__).with_name("app.tcss")
    TITLE = "tilth"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "quit", show=False, priority=True)]

    def __init__(
        self,
        opening: Opening,
        *,
        dataset: str = "",
        engine: OpenEngine,
        resumed: bool = False,
        straight: bool = False,
        light: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.workspace: Workspace | None = None
        self.clock = clock
        self.crash: BaseException | None = None
        self.refused: TilthError | None = None
        self._opening = opening
        self._straight = straight
        self._dataset = dataset
        self._open_engine = engine
        self._resumed = resumed
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = LIGHT.name if light else DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"line": "#808080"}

    def on_mount(self) -> None:
        if self._dataset or self._resumed:
            self._main(self._dataset)
        else:
            self.push_screen(StartScreen(self._open, straight=self._straight))

    def _open(self) -> Workspace:
        """In a thread: the workspace, opened when it is asked for first."""
        if self.workspace is None:
            try:
                self.workspace = self._opening()
            except TilthError as error:
                self.refused = error
                raise
        return self.workspace

    def _main(self, dataset: str) -> None:
        screen = MainScreen(self._open, self._open_engine, dataset, resumed=self._resumed, clock=self.clock)
        if isinstance(self.screen, StartScreen):
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    @on(StartScreen.Dataset)
    def _dataset_chosen(self, event: StartScreen.Dataset) -> None:
        self._main(event.name)

    @on(StartScreen.Folder)
    def _folder_chosen(self, event: StartScreen.Folder) -> None:
        before = self.workspace
        assert before is not None

        def opening() -> Workspace:
            from ..agent.workspace import open_workspace

            before.close()
            workspace = open_workspace(event.root, seed=before.seed, threads=before.threads, spending=before.spending)
            remember(event.root)
            return workspace

        self.workspace, self._opening = None, opening
        self.switch_screen(StartScreen(self._open))

    async def on_event(self, event: events.Event) -> None:
        """What is typed or pasted where it means nothing begins a message: the prompt has the focus before the key is
        handed on, so that those that follow it at once go there too."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            screen = self.screen
            means = isinstance(event, events.Key) and (not event.is_printable or event.key in screen.active_bindings)
            elsewhere = isinstance(screen, MainScreen) and not isinstance(self.focused, LineInput | Prompt)
            if elsewhere and not means and not screen.query(ApprovalCard):
                screen.set_focus(screen.query_one(Prompt))
        await super().on_event(event)

    def action_theme(self) -> None:
        """Light or dark."""
        self.theme = DARK.name if self.theme == LIGHT.name else LIGHT.name

    @property
    def draft(self) -> str:
        """What was typed and not sent."""
        return next((screen.composer.text for screen in self.screen_stack if isinstance(screen, MainScreen)), "")

    def _fatal_error(self) -> None:
        """A fault of ours: keep it for the log and leave; `run` says one sentence instead of a page of traceback."""
        self.crash = self._exception
        self._close_messages_no_wait()


def run(opening: Opening, *, dataset: str = "", resume: str = "") -> int:
    """Talk about a dataset on the screen until the person leaves; -> exit code. Without one, the first screen asks.

    `resume` is a conversation of before. Raises what `opening` raises, and Misuse for a conversation that is not there.
    """
    resumed: list[Session] = []

    def opened() -> Workspace:
        workspace = opening()
        from ..agent.chat import session as conversations

        if resume:
            resumed.append(conversations.resume(workspace.store, resume))
        remember(workspace.root)
        return workspace

    def engine(workspace: Workspace, dataset: str) -> Conversation:
        return engine_of(resumed[0] if resumed else None)(workspace, dataset)

    install()
    light = light_terminal()
    app = TilthApp(opened, dataset=dataset, engine=engine, resumed=bool(resume), straight=True, light=light)
    try:
        app.run()
    finally:
        if app.workspace is not None:
            app.workspace.close()
    if app.refused is not None:
        raise app.refused
    return told_of_crash(app)


def engine_of(session: Session | None) -> OpenEngine:
    """Makes the conversation of a workspace: this one of before where it is of there, else a new one."""

    def engine(workspace: Workspace, dataset: str) -> Conversation:
        from ..agent.engine import Engine

        own = session if session is not None and session.path.is_relative_to(workspace.root) else None
        return Engine(workspace, session=own, dataset=dataset)

    return engine


def told_of_crash(app: TilthApp) -> int:
    """What is said after the screen is gone, and the exit code."""
    if app.crash is None:
        return int(app.return_value or 0)
    from .crash import write_log

    path = write_log(app.crash)
    sys.stderr.write(f"tilth: a fault in tilth, not in your data; nothing that was done is lost. Log: {path}\n")
    return TilthError.exit_code


def light_terminal() -> bool:
    """Does the terminal say that its background is light? COLORFGBG ends in the colour's number."""
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return background in ("7", "15")
