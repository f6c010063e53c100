"""`clean.chat`: repairs of conversations that need no guess.

It knows which turns may go or be joined and how arguments become JSON. What cannot be repaired this way is
left for `filter.chat`.
"""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated, Any, Final

from ..change import Change, Edit, Outcome
from ..context import Context
from ..store.format.records import DELETE, Path, RecordError, parse
from ..store.rows import Rows
from ..text.conversation import FORMATS, Call, Message, Reader, beside_content, content_key
from ..tool import Arg, tool

LONGEST_LITERAL: Final = 100_000
"""Characters of arguments that are read as a Python literal; longer ones are left alone."""


@tool("clean.chat", version=1, local=True)
def chat(
    ctx: Context,
    data: Rows,
    *,
    trim_to_last_assistant: Annotated[bool, Arg("cut off what follows the last answer")] = True,
    merge_same_role: Annotated[bool, Arg("join turns of one speaker that follow each other")] = True,
    rewrite_arguments: Annotated[bool, Arg("write Python literals in tool-call arguments as JSON")] = True,
) -> Change:
    """Repair conversations: cut after the last answer, join turns of one speaker, write arguments as JSON.

    Reads messages and ShareGPT; rows of any other format are left alone, and that is said. An edit touches
    the turns it names and nothing else: ids, unknown keys and every other byte of the record stay.

    Reasons:
      trim_to_last_assistant  the turns after the last assistant turn are removed. A row without an assistant
                              turn that says or calls something is left alone
      merge_same_role         system, user or assistant turns of one speaker in a row become one, their texts
                              joined by a blank line. Turns with tool calls, or with keys of their own that
                              differ, stay apart
      rewrite_arguments       arguments that are no JSON but a Python dict literal (single quotes, True, None,
                              a comma at the end), or JSON that was written into a string twice, become one
                              JSON object

    The evidence names the turns (from 0, before the edit) or the arguments' path with their length before and
    after.
    """
    if data.mapping.format not in FORMATS:
        ctx.notice(f"clean.chat repairs conversations; this is {data.mapping.format} data: nothing to repair.")
        return Change(())

    def outcomes() -> Iterator[Outcome]:
        reader = Reader(data.mapping)
        for batch in data.batches():
            edits: list[Edit] = []
            for position, record in enumerate(batch.records(), batch.start):
                messages = reader.messages(record)
                kept = _until_last_answer(messages) if trim_to_last_assistant else len(messages)
                if kept < len(messages):
                    edits.append(_trimmed(position, messages, kept))
                if merge_same_role:
                    edits += _merged(position, messages[:kept])
                if rewrite_arguments:
                    edits += _rewritten(position, messages[:kept])
            yield Outcome(edits=edits)
            ctx.progress(batch.start + len(batch), len(data))

    return Change(outcomes())


def _until_last_answer(messages: Sequence[Message]) -> int:
    """How many messages there are up to the last answer; all of them when the last turn is the
    assistant's."""
    if not messages or messages[-1].role == "assistant":
        return len(messages)
    answers = (i for i, one in enumerate(messages) if one.role == "assistant" and (one.said or one.calls or one.media))
    return max(answers, default=len(messages) - 1) + 1


def _trimmed(position: int, messages: Sequence[Message], kept: int) -> Edit:
    gone = messages[kept:]
    return Edit(
        position,
        tuple((message.path, DELETE) for message in gone),
        "trim_to_last_assistant",
        float(len(gone)),
        {"turns": list(range(kept, len(messages)))},
    )


def _merged(position: int, messages: Sequence[Message]) -> Iterator[Edit]:
    for role, run in groupby(enumerate(messages), key=lambda numbered: numbered[1].role):
        if role not in ("system", "user", "assistant"):
            continue
        for group in _joinable(list(run)):
            first = group[0][1]
            content = joined([message.value.get(content_key(message.value)) for _, message in group])
            changes: list[tuple[Path, Any]] = [((*first.path, content_key(first.value)), content)]
            changes += [(message.path, DELETE) for _, message in group[1:]]
            turns = [turn for turn, _ in group]
            yield Edit(position, tuple(changes), "merge_same_role", float(len(group)), {"turns": turns})


def _joinable(run: Sequence[tuple[int, Message]]) -> Iterator[list[tuple[int, Message]]]:
    """Groups of two or more neighbours that hold text only and agree in everything beside it."""
    group: list[tuple[int, Message]] = []
    for numbered in run:
        if group and not _alike(group[0][1], numbered[1]):
            if len(group) > 1:
                yield group
            group = []
        group.append(numbered)
    if len(group) > 1:
        yield group


def _alike(first: Message, other: Message) -> bool:
    if first.calls or other.calls or first.answers or other.answers:
        return False
    if not isinstance(first.value, dict) or not isinstance(other.value, dict):
        return False
    if content_key(first.value) not in first.value or content_key(other.value) not in other.value:
        return False
    contents = [one.value[content_key(one.value)] for one in (first, other)]
    told = all(content is None or isinstance(content, str | list) for content in contents)
    return told and beside_content(first.value) == beside_content(other.value)


def joined(contents: Sequence[str | list[Any] | None]) -> str | list[Any]:
    """Contents as one: texts joined by a blank line, blank ones left out; with parts among them, a list of
    parts."""
    if any(isinstance(content, list) for content in contents):
        parts: list[Any] = []
        for content in contents:
            if isinstance(content, list):
                parts += content
            elif content and content.strip():
                parts.append({"type": "text", "text": content})
        return parts
    texts = [content for content in contents if isinstance(content, str)]
    return "\n\n".join([text for text in texts if text.strip()] or texts[:1])


def _rewritten(position: int, messages: Sequence[Message]) -> Iterator[Edit]:
    for turn, message in enumerate(messages):
        for call in message.calls:
            written = as_json(call)
            if written is not None:
                evidence = {
                    "turn": turn,
                    "path": list(call.path),
                    "before": len(call.arguments),
                    "after": len(written),
                }
                yield Edit(position, ((call.path, written),), "rewrite_arguments", None, evidence)


def as_json(call: Call) -> str | None:
    """The call's arguments as the JSON text of one object, where they are a text that is none yet; else
    None."""
    text = call.arguments
    if not isinstance(text, str) or len(text) > LONGEST_LITERAL or (call.whole and call.name is not None):
        return None  # of a whole call that can be read, the arguments have no place of their own in the record
    try:
        value = parse(text)
        if not isinstance(value, str):
            return None
        value = parse(value)  # a JSON text that was written into a string once more
    except RecordError:
        value = _literal(text)
    if not isinstance(value, dict):
        return None
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return written if parse(written) == value else None  # keys that are no strings, sets, tuples: not JSON's
    except (TypeError, ValueError, RecordError, RecursionError):
        return None


def _literal(text: str) -> Any:
    """The value of a Python literal; None when it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # '\d' in a string is a SyntaxWarning
            return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
