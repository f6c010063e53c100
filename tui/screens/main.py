"""The conversation on the left, the data on the right, the prompt below, one line that says how things stand.

It knows who is told what: events go to the transcript, the run tab and the status line; what the person does goes to the
engine or the workspace. One thing writes at a time; what comes meanwhile waits its turn.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen

from ...agent.events import Answered, Asked, Event, Failed, Finished, Metered, Noticed, Returned, Ruled, Said
from ...tools.errors import TilthError
from ..render.chat import window
from ..terminal import Terminal
from ..text import fold, many_lines, one_line
from ..widgets.approval import ApprovalCard
from ..widgets.background import Broke, Fetched, fetch
from ..widgets.blocks import Note, Person
from ..widgets.composer import Composer
from ..widgets.line_view import Render
from ..widgets.pane import TABS, Pane
from ..widgets.plain_text import BAD
from ..widgets.status_line import StatusLine
from ..widgets.tabs.tab import Tab
from ..widgets.transcript import Transcript
from .conversation import Conversation, Ended, OpenEngine, Opening, Told, overheard, relay
from .questions import Consent, Questions
from .start import opened
from .typed import WELCOME, Own, completions, help_lines, read
from .work import Work

if TYPE_CHECKING:
    from ...agent.commands import Line
    from ...agent.workspace import Workspace


class MainScreen(Screen[None]):
    """Work with one dataset."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 (so the toolkit declares it)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", show=False),
        Binding("ctrl+t", "switch", show=False),
        Binding("ctrl+p", "palette", show=False, priority=True),
        Binding("ctrl+g", "edit", show=False),
        *[Binding(f"f{number}", f"tab({name!r})", show=False) for number, name in enumerate(TABS, 1)],
    ]

    def __init__(
        self, opening: Opening, open_engine: OpenEngine, dataset: str, *, resumed: bool, clock: Callable[[], float]
    ) -> None:
        super().__init__(classes="" if resumed else "-pane")
        self._opening = opening
        self._opened: Workspace | None = None
        self.dataset = dataset
        self._open_engine = open_engine
        self._resumed = resumed
        self._clock = clock
        self._idle, self._version = "ready", ""
        self._work = Work(lambda text: self.transcript.add(Note(text)), self._say_state)
        self._work.now = "opening"
        self._questions = Questions(self, lambda: self.composer, clock)

    def compose(self) -> ComposeResult:
        with Horizontal(id="body"):
            yield Transcript(id="transcript")
            yield Pane(self._clock, id="pane")
        yield Composer(lambda text: completions(text, self._opened), id="composer")
        yield StatusLine(id="status")

    @property
    def workspace(self) -> Workspace:
        """The workspace, once it is open; what is typed before waits."""
        assert self._opened is not None
        return self._opened

    @cached_property
    def engine(self) -> Conversation:
        """Who answers. It is made after the first frame: its imports take a while."""
        return self._open_engine(self.workspace, self.dataset)

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    @property
    def pane(self) -> Pane:
        return self.query_one(Pane)

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    def on_mount(self) -> None:
        self.composer.prompt.focus()
        self._say_state()
        if not self._resumed:
            self.transcript.add(Note(WELCOME))
        self.call_after_refresh(self._fill)  # the first frame comes before the data

    async def on_unmount(self) -> None:
        self._questions.take_back()
        if "engine" in self.__dict__:
            await self.engine.close()

    async def _fill(self) -> None:
        await self.pane.fill()
        fetch(self, "workspace", self._open)

    def _open(self) -> Workspace:
        """In a thread: the workspace, and what the engine needs to be imported."""
        workspace = self._opening()
        from ...agent import engine  # noqa: F401

        return workspace

    def _begin(self, workspace: Workspace) -> None:
        self._opened = workspace
        workspace.listener = overheard(self)
        workspace.spending = replace(workspace.spending, agree=self._questions.agree)
        self._work.now = ""
        if self._resumed:
            told = list(self.engine.session.replay())
            self.transcript.tell_all(told)
            self.composer.remember([event.text for event in told if isinstance(event, Said)])
            self.dataset = self.dataset or self.engine.dataset
        if self.dataset:
            self.action_open(self.dataset)
        else:
            self._say_model()
        if self._resumed and self.engine.unfinished:  # a call that waits for a person is asked about again
            self._work.start("thinks", lambda: self._converse(self.engine.go_on), quiet=True)
        if not self._work.now:
            self._end()

    def _say_model(self) -> None:
        try:
            model = self.engine.model
        except TilthError as error:
            self.transcript.add(Note(str(error), "✘", BAD))
            model = ""
        self._idle = "ready" if model else "no model"
        self.query_one(StatusLine).say(self._idle, sees=self.engine.sees if model else "")

    # -- one thing at a time ---------------------------------------------------------------------------------------

    def _end(self) -> None:
        self._work.end()
        self._say_state()
        self._refresh_data()

    def _say_state(self) -> None:
        running = self.pane.run.state if self.pane.filled else ""
        self.query_one(StatusLine).say("asks you" if self._questions.waits else running or self._work.now or self._idle)

    def _do(self, what: str, do: Callable[[], Any], name: str) -> None:
        """Do something in a thread when nothing else is under way."""
        self._work.start(what, lambda: fetch(self, name, do))

    @on(Tab.Act)
    def _act(self, event: Tab.Act) -> None:
        event.stop()

        def begin() -> None:
            if not event.quiet:
                self.transcript.add(Note(event.what, "$"))
            fetch(self, "did", event.do)

        self._work.start(event.what, begin, quiet=event.quiet)

    def on_fetched(self, event: Fetched) -> None:
        event.stop()
        if event.what == "workspace":
            if event.trouble:
                self.app.exit()
            else:
                self._begin(event.value)
            return
        if event.trouble:
            self.transcript.add(Note(event.trouble, "✘", BAD))
            if not self.has_class("-wide"):
                self._show_pane(False)
        elif event.what == "opened":
            self.dataset = self.engine.dataset = event.value
            self._version = ""
            self._say_model()
        elif event.what == "ran":
            typed, shown, (lines, code) = event.value
            failed = [] if code == 0 else [f"exit {code}"]
            self._tell(typed, shown, lambda terminal: fold([*lines, *failed], terminal.columns))
        self._end()

    def on_broke(self, event: Broke) -> None:
        """A fault of ours in a thread: the log keeps it, the screen stays."""
        event.stop()
        if self._opened is None:
            raise event.error
        self.transcript.add(Note(event.sentence(), "✘", BAD))
        if event.whom is self:
            self._end()

    def _refresh_data(self) -> None:
        """Show the version that is current now, if it is another than before."""
        if not self.dataset or self._work.now:
            return
        self.workspace.store.ledger.refresh()
        try:
            _, vid = self.workspace.store.resolve(self.dataset)
        except TilthError:
            return
        if vid != self._version:
            self._version = vid
            self.pane.about(self.workspace, self.dataset)
            shown = self.dataset if "@" in self.dataset else f"{self.dataset}@{vid[:8]}"
            self.query_one(StatusLine).say(dataset=shown)
        elif self.pane.current == "ledger":
            self.pane.tab.about(self.workspace, self.dataset)

    # -- the conversation ------------------------------------------------------------------------------------------

    @on(Composer.Sent)
    def _sent(self, event: Composer.Sent) -> None:
        event.stop()
        self._typed(event.text)

    def _typed(self, text: str) -> None:
        if self._opened is None:
            self._work.wait(lambda: self._typed(text))
            return
        try:
            typed = read(text, self.dataset, self.workspace)
            if isinstance(typed, Own):
                name = f"action_{typed.action}"
                self.call_later(getattr(self, name, None) or getattr(self.app, name), *typed.words)
            elif typed is not None:
                self._command(text, typed)
            else:
                self._show_pane(False)
                self.transcript.add(Person(text))
                self.transcript.scroll_end(animate=False)
                self._work.start("thinks", lambda: self._converse(lambda: self.engine.chat(text)))
        except TilthError as error:
            told = many_lines(str(error))
            self._tell(text, "", lambda terminal: told)

    def _converse(self, begin: Callable[[], AsyncIterator[Event]]) -> None:
        self.run_worker(relay(self, begin), group="turn", exclusive=True, exit_on_error=False)

    @on(Told)
    def _told(self, event: Told) -> None:
        event.stop()
        told = event.event
        if not (self._work.quiet and isinstance(told, Noticed) and told.level == "note"):
            self.transcript.tell(told)
        self.pane.run.tell(told)
        match told:
            case Asked():
                self._show_pane(False)
                self._questions.ask(told)
            case Ruled() | Answered() | Failed():
                self._questions.take_back()
            case Metered():
                self.query_one(StatusLine).say(meter=told)
        if isinstance(told, Asked | Ruled | Returned | Finished) or self.pane.run.state:
            self._say_state()

    @on(Ended)
    def _ended(self, event: Ended) -> None:
        event.stop()
        self.transcript.flush()
        self._questions.take_back()
        self.pane.run.rest()
        if not self.dataset and self.engine.dataset:
            self.dataset = self.engine.dataset
        self._say_model()
        self._end()

    @on(Consent)
    def _consent_wanted(self, event: Consent) -> None:
        event.stop()
        self._show_pane(False)
        self._questions.ask_consent(event, self._work.now)
        self._say_state()

    @on(ApprovalCard.Answered)
    def _answered(self, event: ApprovalCard.Answered) -> None:
        event.stop()
        try:
            if self._questions.answered(event.ruled):
                self.engine.rule(event.ruled)
        except TilthError as error:
            self.transcript.add(Note(str(error), "✘", BAD))
        self._say_state()

    # -- what was typed --------------------------------------------------------------------------------------------

    def _command(self, text: str, line: Line) -> None:
        """A command of the conversation; most are the same on the command line, and run as that in a thread."""
        match line.command.name:
            case "quit":
                self.call_later(self.app.action_quit)
            case "use":
                self.action_open(line.dataset or " ".join(line.words))
            case "help":
                self._tell(text, "tilth --help", help_lines)
            case "context":
                usage = self.engine.session.usage if self.engine.begun else None
                self._tell(text, "", partial(window, self.engine.context(), self.engine.limit, usage))
            case _:
                from .. import twin

                terminal = Terminal(columns=max(self.transcript.columns - 4, 40))
                ran = partial(
                    twin.run, line.twin, self.workspace.root, terminal, self.workspace.listener, self._questions.agree
                )
                self._do(line.shown, lambda: (text, line.shown, ran()), "ran")

    def _tell(self, typed: str, shown: str, render: Render) -> None:
        """Something typed and its answer."""
        self._show_pane(False)
        self.transcript.ran(typed, shown, render)

    def action_tab(self, name: str) -> None:
        """Bring a tab into sight."""
        self._show_pane(True)
        self.pane.look_at(name)

    def action_open(self, wanted: str = "") -> None:
        if wanted:
            self._do(f"opens {one_line(wanted)}", lambda: opened(self.workspace, wanted), "opened")
        else:
            self.transcript.add(Note("/open wants a dataset or a path", "✘", BAD))

    @on(Tab.Rows)
    def _rows_of(self, event: Tab.Rows) -> None:
        event.stop()
        self.pane.rows.find(event.where, event.positions, event.note)
        self.pane.look_at("rows")

    # -- keys ------------------------------------------------------------------------------------------------------

    @on(Composer.Left)
    def _left(self, event: Composer.Left) -> None:
        event.stop()
        self.action_back()

    def action_back(self) -> None:
        """Back from the pane to a question that waits; else interrupt what runs; else back to the prompt."""
        elsewhere = self._questions.waits and not self.composer.has_focus_within
        if self._opened is not None and self.engine.running and not elsewhere:
            self.engine.interrupt()
            self.query_one(StatusLine).say("stops")
        else:
            self._questions.focus()

    def on_key(self, event: events.Key) -> None:
        """A letter that means nothing where it is typed leads back to the question that waits."""
        if event.is_printable and event.key not in self.active_bindings and not self.composer.has_focus_within:
            event.stop()
            self._questions.focus()

    def action_switch(self) -> None:
        """Between the prompt and the pane; on a narrow screen also what is in sight."""
        to_pane = not self.pane.has_focus_within
        self._show_pane(to_pane)
        if to_pane:
            self.pane.focus_tab()
        else:
            self._questions.focus()

    def _show_pane(self, pane: bool) -> None:
        self.set_class(pane, "-pane")
        if not pane and self.has_class("-narrow") and self.pane.has_focus_within:
            self.composer.prompt.focus()

    def action_palette(self) -> None:
        self.composer.prompt.focus()
        self.composer.write("/")

    def action_edit(self) -> None:
        """Write the message in the editor that $EDITOR names."""
        from .editor import edited

        text = edited(self.app, self.composer.text)
        if isinstance(text, Noticed):
            self.transcript.tell(text)
        else:
            self.composer.write(text)
