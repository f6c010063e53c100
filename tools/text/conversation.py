"""A chat record as messages: who speaks, whether anything is said, which tools are called and answered.

It knows the shapes of messages (through store/format/pieces) and where each value lies. What a good conversation is,
and how a bad one is repaired, is not known here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..store.format import pieces
from ..store.format.mapping import Mapping as RecordMapping
from ..store.format.paths import Step, find, parse_path
from ..store.format.records import Path, value_at

FORMATS: Final = ("messages", "sharegpt")
"""The formats whose records are conversations."""

_ARGUMENTS: Final = ("arguments", "input", "parameters")
_SPEAKER_KEYS: Final = ("role", "from")
_PLAIN: Final = frozenset(("system", "user", "assistant", "human", "gpt"))


class Call(NamedTuple):
    """A tool call. `path` leads to the arguments as they stand in the record (a JSON text or an object); for
    a call without any, `arguments` is None. A ShareGPT call is one JSON text: `whole` is true and `path`
    leads to it."""

    path: Path
    name: str | None
    id: str | None
    arguments: Any
    whole: bool = False


class Message(NamedTuple):
    """One message. `role` is system, user, assistant, tool, or "" for a speaker we do not know.

    `said`: it holds text that is more than whitespace. `media`: the kinds of its parts that are no text.
    `answers`: for each tool result it holds, the id of the call, or None where no id is written.
    """

    path: Path
    role: str
    said: bool
    media: tuple[str, ...]
    calls: tuple[Call, ...]
    answers: tuple[str | None, ...]
    value: Any


class Reader:
    """Reads conversations out of the records of one mapping, whose format is one of FORMATS."""

    def __init__(self, mapping: RecordMapping) -> None:
        columns = tuple(mapping.columns)
        self._messages = parse_path(mapping.paths["messages"], columns)
        self._tools = parse_path(mapping.paths["tools"], columns) if "tools" in mapping.paths else None

    def messages(self, record: Mapping[str, Any]) -> list[Message]:
        """The messages in order; none when the record has no list of them."""
        path, value = self._first(record, self._messages)
        return [_message(item, (*path, i)) for i, item in enumerate(value)] if isinstance(value, list) else []

    def schemas(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """Tool name -> JSON schema of its arguments, as the record declares them; None when it declares no
        tools."""
        if self._tools is None:
            return None
        declared = self._first(record, self._tools)[1]
        if isinstance(declared, str):
            try:
                declared = json.loads(declared)
            except (ValueError, RecursionError):
                return None
        if not isinstance(declared, list) or not declared:
            return None
        schemas: dict[str, Any] = {}
        for one in declared:
            function = one.get("function", one) if isinstance(one, dict) else None
            if isinstance(function, dict) and isinstance(function.get("name"), str):
                schemas[function["name"]] = function.get("parameters", function.get("input_schema"))
        return schemas

    @staticmethod
    def _first(record: Mapping[str, Any], steps: Sequence[Step]) -> tuple[Path, Any]:
        return next(find(record, steps), ((), None))


def content_key(message: Mapping[str, Any]) -> str:
    """The key a message holds its text under."""
    return next((key for key in pieces.CONTENT_KEYS if key in message), pieces.CONTENT_KEYS[0])


def beside_content(message: Mapping[str, Any]) -> dict[str, Any]:
    """What a message holds beside its speaker and its text."""
    known = (*_SPEAKER_KEYS, content_key(message))
    return {key: value for key, value in message.items() if key not in known}


def _message(item: Any, path: Path) -> Message:
    if not isinstance(item, dict):
        return Message(path, "", isinstance(item, str) and not item.isspace(), (), (), (), item)
    named = next((item[key] for key in _SPEAKER_KEYS if key in item), None)
    role = pieces.ROLES.get(named, "") if isinstance(named, str) else ""
    if role and len(item) == 2 and named in _PLAIN and isinstance(text := item.get(content_key(item)), str):
        return Message(path, role, bool(text.strip()), (), (), (), item)  # by far the most messages
    if not isinstance(named, str):
        item = {**item, _SPEAKER_KEYS[0]: ""}
    said, media, calls = False, [], []
    for piece in pieces.message(item, path, 0):
        if piece.kind == "text":
            said = said or bool(piece.text.strip())
        elif piece.kind == "media":
            media.append(_kind(value_at(item, piece.path[len(path) :])))
        elif piece.kind == "tool_call":
            calls.append(_call(item, piece, path))
    answers = _answers(item, role)
    if role == "user" and answers:
        role = "tool"  # results written as parts of a user message
    return Message(path, role, said, tuple(media), tuple(calls), answers, item)


def _answers(item: Mapping[str, Any], role: str) -> tuple[str | None, ...]:
    if role == "tool":
        return (_text(item.get("tool_call_id")),)
    content = item.get(content_key(item))
    parts = content if isinstance(content, list) else ()
    return tuple(_text(part["tool_use_id"]) for part in parts if isinstance(part, dict) and "tool_use_id" in part)


def _call(item: Mapping[str, Any], piece: pieces.Piece, path: Path) -> Call:
    """The call a piece was read from: its name stands beside the arguments, its id there or one step further
    out."""
    inside = piece.path[len(path) :]
    if inside[-1] in pieces.CONTENT_KEYS:
        return _whole_call(piece)
    value = value_at(item, inside)
    if inside[-1] in _ARGUMENTS:
        function, arguments = value_at(item, inside[:-1]), value
    else:
        function, arguments = value, None
    around = [function]
    if "tool_calls" in inside:
        around.append(value_at(item, inside[: inside.index("tool_calls") + 2]))
    name, id = (next((_text(one.get(key)) for one in around if isinstance(one, dict) and one.get(key)), None)
                for key in ("name", "id"))  # fmt: skip
    return Call(piece.path, name, id, arguments)


def _whole_call(piece: pieces.Piece) -> Call:
    """A ShareGPT function_call: {"name": …, "arguments": …} as one JSON text."""
    try:
        value = json.loads(piece.text)
    except (ValueError, RecursionError):
        return Call(piece.path, None, None, piece.text, whole=True)
    if not isinstance(value, dict) or "name" not in value:
        return Call(piece.path, None, None, value, whole=True)
    arguments = next((value[key] for key in _ARGUMENTS if key in value), None)
    return Call(piece.path, _text(value["name"]), None, arguments, whole=True)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _kind(part: Any) -> str:
    """What a part that is no text calls itself: image_url, input_audio, file, …"""
    kind = part.get("type") if isinstance(part, dict) else None
    return kind if isinstance(kind, str) else "unknown"
