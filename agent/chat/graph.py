"""One turn of a conversation as a LangGraph: plan -> call -> observe -> plan … -> answer.

It knows the order of work. Messages live in the session's file, the graph's state holds counters only: a turn that was
broken off is entered again from the file, so no checkpoint is kept. It does not know faces, threads or approvals.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypedDict, TypeVar

from ...tools.context import Model
from ...tools.errors import OverBudget, Refused, TilthError
from ..config import Sight
from ..events import Answered, Event, Noticed, Proposed, Wrote
from ..models.offline import NAME as OFFLINE
from . import claims, offered, told, window
from .calling import Desk, Planned
from .session import Line, Session
from .told import Told
from .window import Meter, Window

os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

ROUNDS: Final = 16
"""Answers of the model in one turn; the last one is asked for without tools."""
REPEATS: Final = 2
"""Times a failing call may be sent again."""
ANSWER_TOKENS: Final = 2048
MARGIN: Final = 64

T = TypeVar("T")


class Gate(Protocol):
    """Who says whether a call is done: -> the call, perhaps with other arguments, or why not."""

    def __call__(self, call_id: str, planned: Planned) -> Awaitable[tuple[Planned | None, str]]: ...


@dataclass
class Talk:
    """What a turn works with. `work` runs a function in the worker thread, `spent` notes an answer's cost."""

    session: Session
    desk: Desk
    model: Model
    system: str
    sees: Sight
    limit: int
    meter: Meter
    emit: Callable[[Event], None]
    gate: Gate
    work: Callable[[Callable[[], T]], Awaitable[T]]
    do: Callable[[Planned, str], Awaitable[Told]]
    spent: Callable[[Mapping[str, Any], Window, float], None]
    tools: Sequence[Mapping[str, Any]] = field(default_factory=offered.schemas)

    @property
    def answer_tokens(self) -> int:
        return min(ANSWER_TOKENS, self.limit // 4)

    @property
    def room(self) -> int:
        """Tokens there are for instructions and messages."""
        return max(self.limit - self.answer_tokens - self.meter.of(list(self.tools)) - MARGIN, 0)

    def window(self) -> Window:
        return window.fit(self.system, self.session.lines, self.room, self.sees, self.meter)


class State(TypedDict, total=False):
    """Counters of one turn: answers asked for, failed calls in a row, whether numbers were questioned, whether it ends."""

    rounds: int
    failures: int
    asked_again: bool
    done: bool


async def run(talk: Talk) -> None:
    """Bring the session's last turn to its end. Raises Unavailable, OverBudget, Misuse, Refused."""
    await _graph().ainvoke({}, context=talk, config={"recursion_limit": 3 * ROUNDS + 8})


def _graph() -> Any:
    graph = StateGraph(State, context_schema=Talk)
    graph.add_node("plan", _plan)
    graph.add_node("call", _call)
    graph.add_node("observe", _observe)
    graph.add_node("answer", _answer)
    graph.add_conditional_edges(START, _entry, ["call", "plan"])
    graph.add_conditional_edges("plan", _after_plan, ["call", "answer"])
    graph.add_edge("call", "observe")
    graph.add_edge("observe", "plan")
    graph.add_conditional_edges("answer", lambda state: END if state.get("done") else "plan", ["plan", END])
    return graph.compile()


def _entry(state: State, runtime: Runtime[Talk]) -> str:
    return "call" if runtime.context.session.unanswered else "plan"


def _after_plan(state: State, runtime: Runtime[Talk]) -> str:
    return "call" if runtime.context.session.unanswered else "answer"


# -- plan ----------------------------------------------------------------------------------------------------------


async def _plan(state: State, runtime: Runtime[Talk]) -> State:
    """Ask the model. What it has said when it is interrupted is kept."""
    talk = runtime.context
    rounds = state.get("rounds", 0) + 1
    last = rounds >= ROUNDS or state.get("failures", 0) > REPEATS
    shown = talk.window()
    pieces: list[str] = []

    def stream(text: str) -> None:
        pieces.append(text)
        talk.emit(Wrote(text))

    began = time.monotonic()
    try:
        answer = await talk.model.answer(
            shown.messages,
            tools=list(talk.tools),
            tool_choice="none" if last else "auto",
            max_tokens=talk.answer_tokens,
            record=False,
            shows=shown.shows,
            on_text=stream,
        )
    except (asyncio.CancelledError, TilthError):
        if pieces:
            talk.session.say(Line("assistant", "".join(pieces), shown.shows, notes={"broken_off": True}))
        raise
    talk.spent(answer, shown, time.monotonic() - began)
    if answer["outcome"] == "rejected":
        raise Refused(f"{talk.model.name} refuses the request: {answer['problem']}.",
                      next_step="'/context' shows what is in it; a smaller question or another model may do.")  # fmt: skip
    if answer["outcome"] == "refused" and talk.model.name == OFFLINE:
        raise Refused(f"{OFFLINE} has no answer: {answer['problem']}.",
                      next_step="It only quotes sentences of what is piped in; connect a model for more: "
                      "tilth models add NAME URL --model MODEL")  # fmt: skip
    calls = [] if last else await talk.work(lambda: _numbered(talk, answer["tool_calls"]))
    talk.session.say(Line("assistant", _text_of(talk, answer, calls, last), shown.shows, tuple(calls)))
    for call in calls:
        talk.emit(Proposed(call["id"], call["tool"], call["dataset"], call["args"], call["command"]))
    return {"rounds": rounds}


def _text_of(talk: Talk, answer: Mapping[str, Any], calls: Sequence[Any], last: bool) -> str:
    text = str(answer["text"]).strip()
    if answer["outcome"] == "refused":
        return text or f"(The model refused to answer: {answer['problem']})"
    if answer["outcome"] == "length":
        talk.emit(Noticed(f"the answer was cut off at {talk.answer_tokens:,} tokens", "warning"))
    if text or calls:
        return text
    return "(The model went on calling tools that fail, and was stopped.)" if last else "(The model said nothing.)"


def _numbered(talk: Talk, proposed: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The calls under ids of our own, which no two calls of a session share, with what each would be."""
    found = []
    for number, call in enumerate(proposed, talk.session.calls + 1):
        name, arguments = str(call["function"]["name"]), str(call["function"]["arguments"])
        line: dict[str, Any] = {"id": f"c{number:08d}", "name": name, "arguments": arguments}
        try:
            planned = offered.plan(talk.desk, name, arguments)
        except TilthError:  # told when the call is made
            line |= {"tool": name, "dataset": "", "args": {}, "command": ""}
        else:
            line |= {"tool": planned.tool, "dataset": planned.dataset, "args": dict(planned.args)}
            line["command"] = planned.command
        if not _is_object(arguments):
            line["arguments"] = "{}"  # some servers refuse a conversation that holds broken JSON
            line["args"] = {"unreadable": arguments}
        found.append(line)
    return found


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text or "{}"), dict) and bool(text)
    except ValueError:
        return False


# -- call ----------------------------------------------------------------------------------------------------------


async def _call(state: State, runtime: Runtime[Talk]) -> State:
    """Make the proposed calls, one after another; every one gets a result."""
    talk = runtime.context
    for call in talk.session.unanswered:
        began = time.monotonic()
        tool, found = await _made(talk, call)
        talk.emit(talk.session.finish(call["id"], tool, found, talk.sees, time.monotonic() - began))
    return {}


async def _made(talk: Talk, call: Mapping[str, Any]) -> tuple[str, Told]:
    arguments = str(call["args"]["unreadable"]) if "unreadable" in call["args"] else call["arguments"]
    try:
        ledger = talk.desk.workspace.store.ledger
        if (entry := ledger.with_call(talk.session.id, call["id"])) is not None:
            return call["tool"], told.entry(entry)
        planned = await talk.work(lambda: offered.plan(talk.desk, call["name"], arguments))
        allowed, why_not = await talk.gate(call["id"], planned)
        if allowed is None:
            return planned.tool, Told(why_not, f"Not done: {why_not}", ok=False, result={"refused": planned.effect})
        return allowed.tool, await talk.do(allowed, call["id"])
    except OverBudget:
        raise
    except TilthError as error:
        return call["tool"], told.failure(error, f"{call['name']} {arguments}", talk.desk.names())


async def _observe(state: State, runtime: Runtime[Talk]) -> State:
    """Count failures in a row: a model that keeps repeating one is asked to say so instead."""
    failures = state.get("failures", 0)
    for line in runtime.context.session.lines[_last_answer(runtime.context.session) + 1 :]:
        failures = 0 if line.notes["ok"] else failures + 1
    return {"failures": failures}


def _last_answer(session: Session) -> int:
    return next(i for i in reversed(range(len(session.lines))) if session.lines[i].role == "assistant")


# -- answer --------------------------------------------------------------------------------------------------------


async def _answer(state: State, runtime: Runtime[Talk]) -> State:
    """Compare the answer's numbers with the results; ask once about those that are in none."""
    talk = runtime.context
    text = talk.session.lines[-1].text
    doubtful = claims.doubtful(text, claims.material(talk.session.lines[:-1]))
    talk.emit(Answered(text, doubtful))
    if doubtful:
        talk.session.mark(doubtful)
    if not doubtful or state.get("asked_again"):
        return {"done": True}
    numbers = ", ".join(text[a:b] for a, b in doubtful)
    talk.emit(Noticed(f"no result of this conversation holds {numbers}: the model is asked again", "warning"))
    question = (
        f"No result of this conversation holds these numbers of your answer: {numbers}. Compute them with a function, "
        "or give the answer again without them. Do not apologise."
    )
    talk.session.say(Line("user", question, notes={"ours": True}))
    return {"asked_again": True}
