"""Verbs of conversation: ask (one turn), chat (many), sessions."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from ...agent.events import Answered, Event, Failed, Returned
from ...tools.errors import Misuse
from ..render import chat as shown

if TYPE_CHECKING:
    from ...agent.chat.session import Session
    from ...agent.engine import Engine
    from ...agent.workspace import Workspace
    from ..command import Command


def ask(command: Command) -> int:
    """One turn. What nobody has approved is refused, and makes the exit code 1; else it is that of what failed."""
    from ...agent.engine import Engine

    args = command.args
    if not args.question.strip():
        raise Misuse("The question is empty.", next_step='For example: tilth ask "How many rows are there?"')
    allowed = command.approved
    with command.open(*([args.dataset] if args.dataset else [])) as workspace:
        dataset, session = _dataset(workspace, args.dataset), _resumed(workspace, args.resume)
        engine = Engine(workspace, session=session, dataset=dataset, approved=allowed)
        events = asyncio.run(_turn(command, engine, args.question, _piped()))
    return _told(command, engine, events)


def _dataset(workspace: Workspace, wanted: str | None) -> str:
    """The dataset to talk about: the one that is named, else the only one there is, else "". Raises Misuse."""
    if wanted:
        address = workspace.address(wanted)
        workspace.store.resolve(address)
        return address
    names = [name for name in workspace.store.histories() if not name.startswith("benchmarks/")]
    return names[0] if len(names) == 1 else ""


def _resumed(workspace: Workspace, wanted: str | None) -> Session | None:
    """The conversation to go on with. Raises Misuse when there is none of that id."""
    from ...agent.chat import session

    return session.resume(workspace.store, wanted) if wanted else None


def _there(command: Command) -> bool:
    """Are the dataset and the conversation that are named plainly there? Told from file names: what reads data takes
    longer to import than a screen to draw."""
    dataset, resume = command.args.dataset, command.args.resume
    here = command.folder.resolve()
    states = [folder / ".tilth" for folder in (here, *here.parents)]
    known = not dataset or os.path.exists(dataset) or any((one / "refs" / dataset).is_file() for one in states)
    pattern = f"sessions/{'' if resume == 'last' else resume}*.jsonl"
    return known and (not resume or any(path for one in states for path in one.glob(pattern)))


def _piped() -> str:
    """What was piped in; a terminal is left alone."""
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return ""
    return sys.stdin.read()


async def _turn(command: Command, engine: Engine, question: str, piped: str) -> list[Event]:
    events = []
    async with engine:
        async for event in engine.chat(question, context=piped):
            if not isinstance(event, Failed):  # told at the end, as every command tells its failure
                command.face.listener(event)
            events.append(event)
    return events


def _told(command: Command, engine: Engine, events: list[Event]) -> int:
    answers = [event for event in events if isinstance(event, Answered)]
    failed = next((event for event in events if isinstance(event, Failed)), None)
    calls = [
        {"tool": event.tool, "ok": event.ok, "line": event.line} for event in events if isinstance(event, Returned)
    ]
    if failed is not None:
        command.face.fail(failed.message, failed.next_step, failed.exit_code)
        return failed.exit_code
    last = answers[-1] if answers else Answered("")
    usage = engine.session.usage
    line = {
        "tool": "ask",
        "session": engine.session.id,
        "answer": last.text,
        "doubtful": [last.text[a:b] for a, b in last.doubtful],
        "calls": calls,
        "tokens": {"in": usage.tokens_in, "out": usage.tokens_out},
        "usd": usage.usd,
    }
    command.face.result(line, lambda screen: shown.answer(answers, screen))
    return 1 if any("refused" in event.result for event in events if isinstance(event, Returned)) else 0


def chat(command: Command) -> int:
    """The screen where there is a terminal, else line by line."""
    args = command.args
    plain = command.option("plain") or os.environ.get("TERM", "dumb") == "dumb"
    plain = plain or not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    if command.option("json"):
        raise Misuse("'tilth chat' has no --json.", next_step='Ask one thing at a time: tilth ask "…" --json')
    if not plain:
        from ...agent.events import nobody
        from ..app import run

        if not _there(command):
            with command.open(*([args.dataset] if args.dataset else [])) as workspace:
                _dataset(workspace, args.dataset)
                _resumed(workspace, args.resume)
        return run(
            lambda: command.open(create=True, listener=nobody), dataset=args.dataset or "", resume=args.resume or ""
        )
    with command.open(*([args.dataset] if args.dataset else []), create=True) as workspace:
        from ..faces.linear import talk

        code = talk(command, workspace, _dataset(workspace, args.dataset), _resumed(workspace, args.resume))
    command.face.result({"tool": "chat"}, lambda screen: [])
    return code


def sessions(command: Command) -> None:
    from ...agent.chat import session as sessions_on_disk

    with command.open() as workspace:
        found = sessions_on_disk.listed(workspace.store)
    line = {"tool": "sessions", "sessions": [asdict(one) for one in found]}
    command.face.result(line, lambda screen: shown.sessions(found, screen))
