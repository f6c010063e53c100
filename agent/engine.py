"""What every face calls: a conversation with a workspace as a stream of events.

It knows turns: who answers them, in which thread tools run, who is asked before one acts, and how a turn ends. The graph
of a turn is `chat`, what needs a person `approval`; it draws nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..prompts import PromptError, Prompts
from ..prompts.fences import fenced
from ..tools.context import Model
from ..tools.errors import Misuse, TilthError
from .acting.resolving import Origin
from .chat import approval, offered, session, told
from .chat.approval import Approved
from .chat.calling import Desk, Planned, Terms
from .chat.gate import Gate
from .chat.session import Line, Session
from .chat.told import Told
from .chat.window import Meter, Window
from .config import Sight
from .events import Counted, Event, Failed, Metered, Progressed, Ruled
from .models import connections
from .models.budget import Caps

if TYPE_CHECKING:
    from .chat.account import Account
    from .chat.graph import Talk
    from .chat.opinions import Opinions
    from .models.connections import Connections, Reference
    from .workspace import Workspace

CONTEXT_TOKENS: Final = 8192
"""The context taken for granted where a server does not tell its own and `[chat] context` is silent."""
INPUT_SHARE: Final = 4
"""Piped input may take a quarter of the context."""

NO_MODEL: Final = "No model is connected, so free text has no answer."
CONNECT: Final = "Connect one: tilth models add NAME URL --model MODEL (commands work without: tilth --help, /help)"

SIGHT: Final[Mapping[Sight, str]] = {
    "rows": "rows, fenced as data.",
    "statistics": "counts, names and schema, no row text.",
    "nothing": "nothing; results are shown to the person only.",
}

T = TypeVar("T")


class _Stopped(Exception):
    """Raised inside a tool that reports progress after the person has interrupted it."""


class Engine:
    """A conversation about a workspace. Used from one event loop; `await close()` at the end.

    `session` is a Session to go on with, by default a new one is begun with the first word. With `approved` nobody is
    asked: what it does not allow is refused, and said to be. `caps` (by default those of the command) bound what models
    cost, the conversation's own calls and its tools', over all resumes.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        session: Session | None = None,
        dataset: str = "",
        approved: Approved | None = None,
        caps: Caps | None = None,
    ) -> None:
        self.workspace, self.approved = workspace, approved
        self._session = session
        self._prompts = Prompts(workspace.root / "prompts")
        self.meter = Meter()
        self.limit = 0
        self._desk = Desk(workspace, dataset or (session.dataset if session else ""))
        said = workspace.spending
        self._caps = caps or (approved.caps if approved else Caps(said.max_calls, said.max_usd, said.max_minutes))
        self._account: Account | None = None
        self._connections: Connections | None = None
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._gate: Gate | None = None
        self._worker = ThreadPoolExecutor(1, "tilth-tool")
        self._stop = threading.Event()
        self._state = ""
        self._talk: Talk | None = None

    # -- what faces ask for ----------------------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The conversation; its file is made with the first word."""
        if self._session is None:
            self._session = session.begin(self.workspace.store, self._desk.dataset)
        return self._session

    @property
    def begun(self) -> bool:
        return self._session is not None

    @property
    def dataset(self) -> str:
        """The dataset the conversation is about, "" before one is named."""
        return self._desk.dataset

    @dataset.setter
    def dataset(self, address: str) -> None:
        self._desk.dataset = address
        if self._session is not None:
            self._session.about(address)

    @property
    def model(self) -> str:
        """The name of the model that answers, "" when none is connected. Raises Misuse for a wrong configuration."""
        wanted = self._reference()
        return "" if wanted is None else str(wanted)

    @property
    def sees(self) -> Sight:
        """What of the data the model's endpoint may see; nothing while there is none to ask."""
        try:
            wanted = self._reference()
            if wanted is None or wanted.kind == "offline":
                return "nothing" if wanted is None else "rows"
            return connections.endpoint_of(wanted.endpoint, self.workspace.config).sees
        except Misuse:  # told by the turn
            return "nothing"

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    @property
    def unfinished(self) -> bool:
        """Was the session's last turn broken off? `go_on` brings it to its end."""
        return self._session is not None and self._session.unfinished and not self.running

    def context(self) -> Window:
        """What the next request would hold, and what each part comes to (`/context`)."""
        from .chat import window

        lines = self._session.lines if self._session else []
        return window.fit(self._instructions(), lines, self.limit or CONTEXT_TOKENS, self.sees, self.meter)

    # -- turns -----------------------------------------------------------------------------------------------------

    async def chat(self, text: str, *, context: str = "") -> AsyncGenerator[Event, None]:
        """Say something; -> what happens until the turn ends, with `Answered` or `Failed`. `context` is material that
        came with the words (piped input): it is shown to the model as data and names no path."""
        self._not_running()
        if not self.begun and self._unanswerable:
            yield Failed(NO_MODEL, CONNECT, 2)  # nothing is said that nobody hears
            return
        self._close_open_calls()
        self._tell_state()
        self._desk.said.append(text)
        if context:
            with suppress(TilthError):  # said again by the turn itself
                await self._open()
            most = (self.limit or CONTEXT_TOKENS) // INPUT_SHARE
            fence = fenced([("input", told.cut(context, most))])
            self.session.say(Line("user", fence, notes={"ours": True, "input": True}))
        self.session.say(Line("user", text))
        async with aclosing(self._turn()) as events:
            async for event in events:
                yield event

    async def go_on(self) -> AsyncGenerator[Event, None]:
        """Bring a turn to its end that was broken off: calls that wait are asked about again, none is made twice."""
        self._not_running()
        if self.unfinished:
            async with aclosing(self._turn()) as events:
                async for event in events:
                    yield event

    def rule(self, ruled: Ruled) -> None:
        """A person's answer to `Asked`. Raises Misuse when nothing waits for it."""
        if self._gate is None or not self._gate.rule(ruled):
            raise Misuse(f"No call {ruled.call_id} waits for an answer.")

    def interrupt(self) -> None:
        """Stop the running turn at once. What was said and done stays."""
        self._stop.set()
        if self._task is not None:
            self._task.cancel()

    async def close(self) -> None:
        """Stop what runs and close the connections."""
        self.interrupt()
        await self._ended()
        if self._connections is not None:
            await self._connections.__aexit__(None, None, None)
            self._connections = None
        self._worker.shutdown(wait=True)
        if self._session is not None:
            self._session.close()

    async def __aenter__(self) -> Engine:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    # -- one turn --------------------------------------------------------------------------------------------------

    async def _turn(self) -> AsyncGenerator[Event, None]:
        self._stop.clear()
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._queue = queue
        self._task = asyncio.create_task(self._run())
        try:
            while (event := await queue.get()) is not None:
                yield event
            await self._task
        finally:
            if not self._task.done():
                self.interrupt()
            await self._ended()

    async def _ended(self) -> None:
        """Wait until the turn's task and its tool are over, whatever became of them."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.wrap_future(self._worker.submit(lambda: None))

    async def _run(self) -> None:
        try:
            talk = await self._open()
            from .chat import graph as chat

            self._talk = talk
            await chat.run(talk)
        except asyncio.CancelledError:
            self._fail("Stopped. What was said and done so far is kept.", "", 130)
        except TilthError as error:
            self._fail(str(error.args[0]), error.next_step, error.exit_code)
        finally:
            self._queue.put_nowait(None)

    def _fail(self, message: str, next_step: str, exit_code: int) -> None:
        failed = Failed(message, next_step, exit_code)
        self.session.tell(failed)
        self._queue.put_nowait(failed)

    async def _open(self) -> Talk:
        """Everything a turn needs. Raises Misuse when there is no model, Unavailable when it cannot be reached."""
        wanted = self._reference()
        if wanted is None:
            raise Misuse(NO_MODEL, next_step=CONNECT)
        model = await self._model(wanted)
        from .chat.graph import Talk

        emit = self._queue.put_nowait
        self._gate = Gate(self.session, self._desk, self.approved, emit, self._in_worker, self._watch, self._opinions())
        return Talk(
            session=self.session,
            desk=self._desk,
            model=model,
            system=self._instructions(),
            sees=self.sees,
            limit=self.limit,
            meter=self.meter,
            emit=emit,
            gate=self._gate,
            work=self._in_worker,
            do=self._do,
            spent=self._spent,
        )

    def _opinions(self) -> Opinions | None:
        """The models that are asked about risky calls: without a person, or where the person wants everything reviewed."""
        if self.approved is None and self.workspace.config.chat.review != "all":
            return None
        from .chat.opinions import Opinions

        assert self._connections is not None and self._account is not None
        return Opinions(self._connections, self._prompts, self.model, self._account.answered) or None

    def _reference(self) -> Reference | None:
        config = self.workspace.config
        named = config.chat.model
        if named is not None:
            return connections.reference(named, config.endpoints)
        generators = connections.roles(config)["generator"]
        return generators[0] if generators else None

    @property
    def _unanswerable(self) -> bool:
        try:
            return self._reference() is None
        except Misuse:  # told by the turn
            return False

    async def _model(self, wanted: Reference) -> Model:
        if self._connections is None:
            from .chat.account import Account

            self._account = Account(self.session, self._caps, self.workspace.store.state)
            self._connections = connections.Connections(self.workspace.config, budget=self._account.budget)
        model = self._connections.model(str(wanted))
        if wanted.kind == "offline":
            self.limit = self.limit or CONTEXT_TOKENS
        elif not self.limit:
            told = self.workspace.config.chat.context or await self._connections.context(wanted)
            self.limit = told or CONTEXT_TOKENS
        return model

    def _instructions(self) -> str:
        try:
            return self._prompts.load("chat/system", sight=SIGHT[self.sees]).text
        except PromptError as error:
            raise Misuse(error.message, next_step=error.next_step) from None

    def _tell_state(self) -> None:
        """What datasets there are, where that has changed since it was last told."""
        state = self._desk.state()
        if state != self._state:
            self._state = state
            fence = fenced([("workspace", told.cut(state))])
            self.session.say(Line("user", fence, "statistics", notes={"ours": True, "state": True}))

    def _not_running(self) -> None:
        if self.running:
            raise Misuse("The last turn is still running.", next_step="Interrupt it, or wait for its answer.")

    def _close_open_calls(self) -> None:
        """Calls that a broken-off turn left behind get a result: the ledger's where they were made, else that."""
        for call in self.session.unanswered if self._session else ():
            entry = self.workspace.store.ledger.with_call(self.session.id, call["id"])
            left = Told("not done", "Not done: the person went on without it.", ok=False)
            found = left if entry is None else told.entry(entry)
            self.session.finish(call["id"], call["tool"], found, "rows", 0.0)

    # -- tools -----------------------------------------------------------------------------------------------------

    async def _in_worker(self, work: Callable[[], T]) -> T:
        """Run in the one worker thread. A cancelled caller waits for the end: what is being committed is committed."""
        future = asyncio.wrap_future(self._worker.submit(work))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            self._stop.set()
            await asyncio.wait({future})
            if not future.cancelled():
                future.exception()
            raise

    def _watch(self, event: Event) -> None:
        """Hears of a tool's progress, and ends its work once the person has interrupted the turn."""
        if self._stop.is_set() and isinstance(event, Progressed | Counted):
            raise _Stopped

    async def _do(self, planned: Planned, call_id: str) -> Told:
        loop, queue = asyncio.get_running_loop(), self._queue

        def listener(event: Event) -> None:
            self._watch(event)
            loop.call_soon_threadsafe(queue.put_nowait, event)

        assert self._account is not None
        yes = self.approved is None or self.approved.caps != approval.NO_CAPS
        origin = Origin("model", self.session.id, call_id)
        terms = Terms(origin, listener, self._account.allowance(planned, call_id, yes=yes))

        def act() -> Told:
            workspace, before = self.workspace, self.workspace.listener
            workspace.listener = listener
            try:
                return planned.act(terms)
            finally:
                workspace.listener = before

        with self._account.paying(planned):
            return await self._in_worker(act)

    def _spent(self, answer: Mapping[str, Any], shown: Window, seconds: float) -> None:
        tokens_in, tokens_out = answer["tokens"]["input"], answer["tokens"]["output"]
        tools = self.meter.of(offered.schemas())
        self.meter.learn(shown.tokens + tools, tokens_in)
        assert self._account is not None
        self._account.answered(tokens_in, tokens_out)
        total = self.session.usage
        rate = tokens_out / seconds if seconds > 0 else 0.0
        context = tokens_in or shown.tokens + tools
        metered = Metered(
            context, self.limit, total.tokens_in, total.tokens_out, total.usd, rate, self.model, self.sees
        )
        self._queue.put_nowait(metered)
