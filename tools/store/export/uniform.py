"""One type for every column: what a chat record may write in two ways, written in one.

It knows messages, tool calls, tool schemas and labels. It does not know formats.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ..format.pieces import is_messages
from . import numerals

LOSSES: Final[dict[str, str]] = {
    "parts": "content becomes a list of parts",
    "arguments": "the arguments of tool calls become JSON texts",
    "tools_text": "the declared tools become one JSON text",
    "label": "a label written as text or number becomes true or false",
}

_LABELS: Final = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


def make(record: dict[str, Any], columns: Iterable[str]) -> set[str]:
    """Give the named columns of a record one type, in place; -> what that lost. Raises ValueError for a
    strange label."""
    lost: set[str] = set()
    for name in columns:
        value: Any = record.get(name)
        if is_messages(value):
            record[name] = [_message(item, lost) for item in value]
        elif name in ("tools", "functions") and value is not None and type(value) is not str:
            record[name] = numerals.write(value)
            lost.add("tools_text")
        elif name == "label" and name in record:
            record[name] = _label(value, lost)
    return lost


def _message(item: dict[str, Any], lost: set[str]) -> dict[str, Any]:
    made = dict(item)
    content = made.get("content")
    if content is not None:
        made["content"] = [_part(part) for part in (content if type(content) is list else [content])]
        if made["content"] != content:
            lost.add("parts")
    calls = made.get("tool_calls")
    if type(calls) is list:
        made["tool_calls"] = [_call(call, lost) for call in calls]
    return made


def _part(part: Any) -> Any:
    if type(part) is dict and "type" in part:
        return part
    return {"type": "text", "text": part if type(part) is str else numerals.write(part)}


def _call(call: Any, lost: set[str]) -> Any:
    function = call.get("function") if type(call) is dict else None
    holder = function if type(function) is dict else call
    if type(holder) is not dict or "arguments" not in holder or type(holder["arguments"]) is str:
        return call
    lost.add("arguments")
    held = {**holder, "arguments": numerals.write(holder["arguments"])}
    return {**call, "function": held} if holder is function else held


def _label(value: Any, lost: set[str]) -> Any:
    if type(value) is bool or value is None:
        return value
    text = value.text if type(value) is numerals.Number else str(value).strip().lower()
    if text not in _LABELS:
        raise ValueError(f"its label {text!r} is neither true nor false")
    lost.add("label")
    return _LABELS[text]
