"""`filter.chat`: conversations whose turns or tool calls do not fit together.

It knows the order of turns, and calls, results and declared tools. It does not know what is said
(`filter.rules` does) and repairs nothing (`clean.chat` does).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

import pyarrow as pa

from ..change import Change, Finding, Outcome, drops
from ..context import Context
from ..store.format.records import RecordError, parse
from ..store.rows import Rows
from ..text.conversation import FORMATS, Call, Message, Reader
from ..tool import Arg, tool
from ._arguments import violation

Reason = Literal[
    "no_messages",
    "unknown_role",
    "role_order",
    "last_turn_not_assistant",
    "empty_turn",
    "tool_call_without_result",
    "tool_result_without_call",
    "arguments_not_json",
    "arguments_not_in_schema",
]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
_SHOWN: Final = 5


class Problem(NamedTuple):
    """One thing wrong with a conversation: at which turn (from 0), and what exactly."""

    reason: Reason
    turn: int
    detail: str


@tool("filter.chat", version=2, local=True, reasons=lambda args: args["drop"] or REASONS)
def chat(
    ctx: Context,
    data: Rows,
    *,
    drop: Annotated[
        list[Reason] | None,
        Arg("which reasons drop a row; the others are recorded as flags (default: all drop)"),
    ] = None,
) -> Change:
    """Drop conversations whose turns or tool calls do not fit together.

    Reads messages and ShareGPT; rows of any other format are left alone, and that is said. A row is dropped
    under the first of its reasons, in this order:

      no_messages               no list of messages, or an empty one
      unknown_role              a speaker that is none of system, user, assistant, tool (and their usual other
                                names)
      role_order                a system turn that is not the first; a conversation that opens with the
                                assistant; two user or two assistant turns in a row; a user turn right after a
                                tool's result
      last_turn_not_assistant   the last turn is not the assistant's
      empty_turn                a user or assistant turn with no text, tool call or other part. Not meant: an
                                empty system prompt or tool result, and the last answer, which is
                                `empty_response` of filter.rules
      tool_call_without_result  a call that no tool turn answers before the next one speaks. A call in the
                                last turn is what the row teaches and needs none
      tool_result_without_call  a result whose call id was not called just before, or was answered already
      arguments_not_json        arguments that are a text but not one JSON value
      arguments_not_in_schema   arguments that are no object, break the schema the record declares for the
                                tool, or belong to a tool that it does not declare. Of JSON Schema, type,
                                properties, required, additionalProperties, items and enum are checked; of a
                                record without declared tools, nothing is

    The evidence holds the turn, what is wrong there, and the row's other reasons. Signals: a count per
    reason, `turns`, `tool_calls`, and `parts_not_examined`: image, audio and file parts, which are carried
    through unread and reported as a finding; `kinds_not_examined` is what they call themselves, as JSON.
    """
    if data.mapping.format not in FORMATS:
        ctx.notice(f"filter.chat reads conversations; this is {data.mapping.format} data: nothing to check.")
        return Change(())
    findings: list[Finding] = []

    def told(drawn: Iterable[Outcome], rows: int) -> Iterator[Outcome]:
        unexamined: Counter[str] = Counter()
        holders: list[int] = []
        start = 0
        for outcome in drawn:
            if outcome.signals is not None:
                for position, kinds in enumerate(outcome.signals["kinds_not_examined"].to_pylist(), start):
                    if kinds:
                        unexamined.update(json.loads(kinds))
                        holders.append(position)
                start += len(outcome.signals)
            yield outcome
        if holders:
            findings.append(_not_examined(unexamined, holders))

    outcomes = _outcomes(ctx, data, frozenset(REASONS if drop is None else drop))
    return Change(outcomes, findings=findings, told=told)


def _outcomes(ctx: Context, data: Rows, drop: frozenset[str]) -> Iterator[Outcome]:
    reader = Reader(data.mapping)
    for batch in data.batches():
        signals = _Signals()
        decided = _Decisions()
        for position, record in enumerate(batch.records(), batch.start):
            messages = reader.messages(record)
            found = problems(messages, reader.schemas(record))
            kinds = Counter(kind for message in messages for kind in message.media)
            signals.add(messages, found, kinds)
            if found:
                decided.add(position, found, drop)
        yield Outcome(decisions=decided.table(), signals=signals.table())
        ctx.progress(batch.start + len(batch), len(data))


def problems(messages: Sequence[Message], schemas: Mapping[str, Any] | None) -> list[Problem]:
    """Everything wrong with a conversation, in the order of REASONS, then of turns."""
    if not messages:
        return [Problem("no_messages", 0, "no messages")]
    found = [*_turn_problems(messages), *_pairing_problems(messages)]
    for turn, message in enumerate(messages):
        for number, call in enumerate(message.calls):
            if problem := _argument_problem(call, schemas):
                found.append(Problem(problem[0], turn, f"call {number}: {problem[1]}"))
    return sorted(found, key=lambda problem: (REASONS.index(problem.reason), problem.turn)) if found else found


def _turn_problems(messages: Sequence[Message]) -> Iterator[Problem]:
    last = len(messages) - 1
    before = ""  # who spoke last, "" when anybody may speak
    for turn, message in enumerate(messages):
        role = message.role
        if not role:
            yield Problem("unknown_role", turn, "nobody we know speaks")
        elif role == "system":
            if turn:
                yield Problem("role_order", turn, "system turn that is not the first")
                continue
        elif role == "assistant":
            if turn == 0 or before in ("system", "assistant"):
                yield Problem("role_order", turn, f"assistant after {before or 'nothing'}")
        elif role == "user" and before in ("user", "tool"):
            yield Problem("role_order", turn, f"user after {before}")
        silent = not (message.said or message.calls or message.media or message.answers)
        if silent and (role == "user" or (role == "assistant" and turn != last)):
            yield Problem("empty_turn", turn, f"{role} says nothing")
        # After a call that nobody answered the assistant may speak: the missing result is its own reason.
        before = "" if role == "assistant" and message.calls else role
    if messages[-1].role != "assistant":
        yield Problem("last_turn_not_assistant", last, f"{messages[-1].role or 'unknown role'} speaks last")


def _pairing_problems(messages: Sequence[Message]) -> Iterator[Problem]:
    """Calls without results and results without calls; those without ids are paired in order."""
    open_calls: list[tuple[int, Call]] = []
    for turn, message in enumerate(messages):
        if message.role != "tool" and message.role:
            yield from _unanswered(open_calls)
            open_calls = []
        for answered in message.answers:
            match = next((one for one in open_calls if _pairs(one[1].id, answered)), None)
            if match is None:
                yield Problem("tool_result_without_call", turn, f"no open call for result {answered or 'without id'}")
            else:
                open_calls.remove(match)
        open_calls += [(turn, call) for call in message.calls]
    yield from _unanswered([one for one in open_calls if one[0] != len(messages) - 1])


def _pairs(called: str | None, answered: str | None) -> bool:
    return called is None or answered is None or called == answered


def _unanswered(calls: Sequence[tuple[int, Call]]) -> Iterator[Problem]:
    for turn, call in calls:
        yield Problem("tool_call_without_result", turn, f"no result for call {call.id or call.name or 'without id'}")


def _argument_problem(call: Call, schemas: Mapping[str, Any] | None) -> tuple[Reason, str] | None:
    value = call.arguments
    if isinstance(value, str):
        try:
            value = parse(value)
        except RecordError as error:
            return "arguments_not_json", str(error)
    if call.name is None or (value is None and call.whole):
        return None
    value = {} if value is None else value
    if not isinstance(value, dict):
        return "arguments_not_in_schema", "the arguments are no object"
    if schemas is None:
        return None
    if call.name not in schemas:
        return "arguments_not_in_schema", f"tool {call.name[:80]!r} is not declared"
    wrong = violation(value, schemas[call.name])
    return ("arguments_not_in_schema", wrong) if wrong else None


class _Decisions:
    """The decisions of a batch: one drop for a row that has a reason to go, else a flag for each of its
    reasons."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, str, dict[str, Any], bool]] = []

    def add(self, position: int, found: Sequence[Problem], drop: frozenset[str]) -> None:
        first: dict[str, Problem] = {}
        for problem in found:
            first.setdefault(problem.reason, problem)
        gone = next((reason for reason in first if reason in drop), None)
        for reason in first if gone is None else [gone]:
            evidence: dict[str, Any] = {"turn": first[reason].turn, "detail": first[reason].detail}
            if gone is not None and len(first) > 1:
                evidence["also"] = [other for other in first if other != gone]
            self._rows.append((position, reason, evidence, gone is not None))

    def table(self) -> pa.Table:
        return pa.concat_tables(
            drops(
                [position for position, _, _, gone in self._rows if gone is wanted],
                [reason for _, reason, _, gone in self._rows if gone is wanted],
                evidence=[evidence for _, _, evidence, gone in self._rows if gone is wanted],
                action="drop" if wanted else "flag",
            )
            for wanted in (True, False)
        )


class _Signals:
    """What was counted in each row of a batch."""

    def __init__(self) -> None:
        names = (*REASONS, "turns", "tool_calls", "parts_not_examined")
        self._columns: dict[str, list[int]] = {name: [] for name in names}
        self._kinds: list[str | None] = []

    def add(self, messages: Sequence[Message], found: Sequence[Problem], not_examined: Counter[str]) -> None:
        columns = self._columns
        for reason in REASONS:
            columns[reason].append(sum(problem.reason == reason for problem in found) if found else 0)
        columns["turns"].append(len(messages))
        columns["tool_calls"].append(sum(len(message.calls) for message in messages))
        columns["parts_not_examined"].append(not_examined.total())
        self._kinds.append(json.dumps(not_examined, sort_keys=True) if not_examined else None)

    def table(self) -> pa.Table:
        counts = {name: pa.array(values, pa.int32()) for name, values in self._columns.items()}
        return pa.table({**counts, "kinds_not_examined": pa.array(self._kinds, pa.string())})


def _not_examined(kinds: Counter[str], holders: Sequence[int]) -> Finding:
    told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    return Finding(
        "parts_not_examined",
        "note",
        f"Parts that are no text were carried through and not examined: {told}.",
        len(holders),
        rows=tuple(holders[:_SHOWN]),
        sql="select count(*) from signals where tool = 'filter.chat' and name = 'parts_not_examined' and value > 0",
    )
