"""`tilth chat` line by line: no screen, nothing redrawn, one thing after another, who speaks said in a word.

It serves pipes, screen readers and small terminals. It knows lines; turns are the engine's business, slash commands run
as their twins on the command line.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from ...agent import commands
from ...agent.engine import Engine
from ...agent.events import Answered, Asked, Event, Failed, Noticed, Proposed, Returned, Reviewed, Ruled
from ...tools.errors import TilthError
from ..render import chat as shown
from ..terminal import Terminal, terminal_of
from ..text import wrap
from .consent import asker

if TYPE_CHECKING:
    from ...agent.chat.session import Session
    from ...agent.workspace import Workspace
    from ..command import Command

QUESTION: Final = "    1 once  2 this session  3 edit  4 no  (Enter is no): "
INTERRUPTED: Final = 130


def talk(command: Command, workspace: Workspace, dataset: str, session: Session | None) -> int:
    """Read lines until the end of input; -> 0, or, when nobody was at the terminal, the exit code of the last turn or
    command that failed."""
    return asyncio.run(_Talk(command, workspace, dataset, session).run())


class _Talk:
    def __init__(self, command: Command, workspace: Workspace, dataset: str, session: Session | None) -> None:
        self._command, self._workspace = command, workspace
        self._interactive = sys.stdin.isatty()
        self._terminal: Terminal = terminal_of(sys.stdout, plain=True)
        self._engine = Engine(
            workspace, session=session, dataset=dataset, approved=None if self._interactive else command.approved,
            caps=command.caps,
        )  # fmt: skip
        self._code = 0

    async def run(self) -> int:
        async with self._engine:
            self._open()
            if self._engine.unfinished:
                self._say(["note: the last turn was broken off; it goes on"])
                await self._show(self._engine.go_on())
            while (line := await self._read("you: ")) is not None:
                if line.strip() and await self._typed(line.strip()):
                    break
        return 0 if self._interactive else self._code

    def _open(self) -> None:
        workspace = self._workspace
        self._say(
            [f"tilth: workspace {workspace.root}; dataset {self._engine.dataset or '(none yet)'}; /help lists commands"]
        )
        if self._engine.begun:
            for event in self._engine.session.replay():
                self._say(shown.event_lines(event, self._terminal))

    async def _typed(self, line: str) -> bool:
        """One line of the person; -> do they leave?"""
        if line in ("exit", "quit", ":q"):
            return True
        if line[0] not in "/!":
            await self._show(self._engine.chat(line))
            return False
        try:
            read = commands.read(line, self._engine.dataset, list(self._workspace.store.histories()))
            if read.command.name == "quit":
                return True
            if read.twin:
                from .. import twin

                self._say([f"tool: {read.shown}"])
                agree = asker(self._command.face)
                lines, code = await asyncio.to_thread(
                    twin.run, read.twin, self._workspace.root, self._terminal, agree=agree
                )
                self._code = code or self._code
                self._say(lines)
            else:
                self._own(read)
        except TilthError as error:
            self._code = error.exit_code
            self._say([f"failed: {error}"])
        return False

    def _own(self, read: commands.Line) -> None:
        """What only a conversation has: use, context, help."""
        if read.command.name == "use":
            if read.words:
                self._workspace.store.history(read.words[0])
            self._engine.dataset = read.dataset
            self._say([f"tilth: this is about {read.dataset} now"])
        elif read.command.name == "context":
            usage = self._engine.session.usage if self._engine.begun else None
            self._say(shown.window(self._engine.context(), self._engine.limit, usage, self._terminal))
        else:
            for one in commands.COMMANDS:
                named = f"/{one.name} {one.args}".strip()
                self._say(wrap(f"{named}: {one.help}", self._terminal.columns, indent="    ", first=""))

    async def _show(self, events: AsyncGenerator[Event, None]) -> None:
        """A turn, printed as it happens. Ctrl-C stops the turn, not the conversation."""
        try:
            async with aclosing(events) as turn:
                async for event in turn:
                    await self._event(event)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._interactive or task is None:
                raise
            task.uncancel()
            self._code = INTERRUPTED
            self._say(["failed: Stopped. What was said and done so far is kept."])

    async def _event(self, event: Event) -> None:
        match event:
            case Answered() | Proposed() | Returned() | Reviewed() | Noticed():
                self._say(shown.event_lines(event, self._terminal))
            case Failed():
                self._code = event.exit_code
                self._say(shown.event_lines(event, self._terminal))
            case Asked():
                self._say(shown.event_lines(event, self._terminal))
                self._engine.rule(await self._ask(event))

    async def _ask(self, event: Asked) -> Ruled:
        word = (await self._read(QUESTION) or "").strip().lower()
        if word in ("1", "y", "yes", "once"):
            return Ruled(event.call_id, "once")
        if word in ("2", "session"):
            return Ruled(event.call_id, "session")
        if word in ("3", "edit"):
            return Ruled(event.call_id, "edit", args=await self._edited(event))
        because = (
            word if word not in ("", "4", "n", "no") else (await self._read("    why not (for the model): ") or "")
        )
        return Ruled(event.call_id, "no", because.strip())

    async def _edited(self, event: Asked) -> dict[str, Any]:
        """The arguments, those changed that are named in `name=value name=value`; a wrong name is told to the model."""
        told = ", ".join(f"{name}={value}" for name, value in event.args.items())
        self._say([f"    now: {told}"])
        line = await self._read("    change (name=value …): ") or ""
        # A value may hold blanks and "=": the next one begins at the name of an argument.
        names = "|".join(map(re.escape, event.args)) or "$"
        given = dict(part.partition("=")[::2] for part in re.split(rf"\s+(?=(?:{names})=)", line.strip()) if part)
        return {**event.args, **given}

    async def _read(self, prompt: str) -> str | None:
        """The next line, None at the end of input."""
        if self._interactive:
            sys.stdout.write(prompt)
            sys.stdout.flush()
        line = await asyncio.to_thread(sys.stdin.readline)
        return line.rstrip("\n") if line else None

    def _say(self, lines: Iterable[str]) -> None:
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
