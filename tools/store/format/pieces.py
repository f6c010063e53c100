"""The texts inside one record: every message, part, tool call and schema as a Piece with its path.

It knows the shapes chats are written in (role/content, from/value, content parts, tool calls). It does not
know which field of a record holds them: that is the Mapping.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal, NamedTuple

from .records import Path, leaves

Kind = Literal["text", "reasoning", "tool_call", "tool_schema", "media", "column"]


class Piece(NamedTuple):
    """One text of a record.

    `role` is system, user, assistant, tool, tools, chosen, rejected, repeated (a prompt written out again
    before an answer), text, the name of a column, or what the record says when we do not know it. `kind`
    "text" is what was said; "media" stands for a part that is no text and has text "". `turn` counts from
    0; -1 is outside any turn. The value at `path` is the text itself, except for "tool_call" and
    "tool_schema" pieces and for numbers, where it may be the value that the text was written from.
    """

    path: Path
    role: str
    text: str
    kind: Kind
    turn: int


class Turn(NamedTuple):
    """What one speaker said before the next: texts joined by a blank line, tool calls and media left out."""

    i: int
    role: str
    text: str


ROLES: Final = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "function_call": "assistant",
    "tool_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "function_response": "tool",
    "tool_response": "tool",
    "observation": "tool",
    "ipython": "tool",
}
"""Speakers as datasets name them -> ours."""

CONTENT_KEYS: Final = ("content", "value", "text")
MEDIA_COLUMNS: Final = frozenset(("image", "images", "video", "videos", "audio", "audios"))
CALLING_ROLES = frozenset(("function_call", "tool_call"))
_REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
_TEXT_PARTS = frozenset(("text", "input_text", "output_text", "refusal"))
_REASONING_PARTS = frozenset(("thinking", "reasoning"))
_CALL_PARTS = frozenset(("tool_use", "tool_call", "function_call"))
_RESULT_PARTS = frozenset(("tool_result", "function_result"))


def is_messages(value: Any) -> bool:
    """Whether a value is a non-empty list of messages: objects of which some name a speaker and hold content or a call.

    One odd message among them does not make the others unread.
    """
    return type(value) is list and all(type(item) is dict for item in value) and any(map(is_message, value))


def is_message(value: Any) -> bool:
    if type(value) is not dict or type(value.get("role", value.get("from"))) is not str:
        return False
    return any(key in value for key in (*CONTENT_KEYS, "tool_calls", "function_call"))


def speech(value: Any, path: Path, speaker: str, turn: int) -> tuple[list[Piece], int]:
    """The pieces of what one speaker says, or of a list of messages, and the number of the next turn."""
    if type(value) is str:
        return [Piece(path, speaker, value, "text", turn)], turn + 1
    if value is None:
        return [], turn
    if is_messages(value):
        return messages(value, path, turn), turn + len(value)
    if is_message(value):
        return message(value, path, turn), turn + 1
    return content(value, path, speaker, turn), turn + 1


def messages(value: list[Any], path: Path, turn: int, *, speaker: str | None = None) -> list[Piece]:
    """The pieces of a list of messages, one turn each; `speaker` overrides their roles."""
    out: list[Piece] = []
    for index, item in enumerate(value):
        at = (*path, index)
        if type(item) is dict:
            out += message(item, at, turn + index, speaker=speaker)
        else:
            out += content(item, at, speaker or "unknown", turn + index)
    return out


def message(item: dict[str, Any], path: Path, turn: int, *, speaker: str | None = None) -> list[Piece]:
    """The pieces of one message; one without any text gives an empty piece, so that every turn is seen."""
    named = item.get("role", item.get("from"))
    role = speaker or (ROLES.get(named, named) if type(named) is str else "unknown")
    key = next((key for key in CONTENT_KEYS if key in item), "content")
    out: list[Piece] = []
    for extra in _REASONING_KEYS:
        if type(item.get(extra)) is str:
            out.append(Piece((*path, extra), role, item[extra], "reasoning", turn))
    if named in CALLING_ROLES:
        if item.get(key) is not None:
            out.append(Piece((*path, key), role, _written(item[key]), "tool_call", turn))
    else:
        out += content(item.get(key), (*path, key), role, turn)
    if type(item.get("refusal")) is str:
        out.append(Piece((*path, "refusal"), role, item["refusal"], "text", turn))
    calls = item.get("tool_calls")
    for index, call in enumerate(calls if type(calls) is list else ()):
        out += _call(call, (*path, "tool_calls", index), role, turn)
    if item.get("function_call") is not None:
        out += _call(item["function_call"], (*path, "function_call"), role, turn)
    return out or [Piece((*path, key), role, "", "text", turn)]


def content(value: Any, path: Path, role: str, turn: int) -> list[Piece]:
    """The pieces of a message's content: a string, a list of parts, one part, nothing, or a bare number."""
    if type(value) is str:
        return [Piece(path, role, value, "text", turn)]
    if value is None:
        return []
    if type(value) is list:
        return [piece for index, part in enumerate(value) for piece in _part(part, (*path, index), role, turn)]
    if type(value) is dict:
        return _part(value, path, role, turn)
    return [Piece(path, role, _written(value), "text", turn)]


def _part(part: Any, path: Path, role: str, turn: int) -> list[Piece]:
    if type(part) is not dict:
        return content(part, path, role, turn)
    kind = part.get("type", "text")
    if type(kind) is not str:
        return [Piece(path, role, "", "media", turn)]
    if kind in _TEXT_PARTS:
        said = kind if kind in part else "text"
        text = part.get(said)
        return [Piece((*path, said), role, text, "text", turn)] if type(text) is str else []
    if kind in _REASONING_PARTS:
        key = next((key for key in (kind, "text") if type(part.get(key)) is str), None)
        return [Piece((*path, key), role, part[key], "reasoning", turn)] if key else []
    if kind in _CALL_PARTS:
        return _call(part, path, role, turn)
    if kind in _RESULT_PARTS:
        return content(part.get("content"), (*path, "content"), "tool", turn)
    return [Piece(path, role, "", "media", turn)]


def _call(call: Any, path: Path, role: str, turn: int) -> list[Piece]:
    """A tool call's arguments; the tool's name and ids are no text."""
    while type(call) is dict:
        key = next((key for key in ("function", "arguments", "input", "parameters") if key in call), None)
        if key is None:
            break
        call, path = call[key], (*path, key)
        if key != "function":
            break
    return [] if call is None else [Piece(path, role, _written(call), "tool_call", turn)]


def schema(value: Any, path: Path) -> list[Piece]:
    """The declaration of the tools a chat may call."""
    return [Piece(path, "tools", _written(value), "tool_schema", -1)] if value else []


def column(value: Any, name: str) -> list[Piece]:
    """The strings of a column that plays no role, however deep they lie."""
    return [Piece(path, name, text, "column", -1) for path, text in leaves(value, (name,))]


def aside(value: Any, name: str) -> list[Piece]:
    """As `column`, where the column was not asked for by name: one of images or sounds counts as media."""
    found = column(value, name)
    return [piece._replace(text="", kind="media") for piece in found] if name in MEDIA_COLUMNS else found


def _written(value: Any) -> str:
    if type(value) is str:
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
