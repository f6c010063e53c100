"""Chat records in the messages format. It knows turns and tool calls; it does not know what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from .draw import Draw

Message = dict[str, Any]
Record = dict[str, Any]

_MY: Final = re.compile(r"\b[Mm]y\b")
_CALL_ID: Final = "0123456789abcdefghjkmnpqrstvwxyz"


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def addressed(record: Record) -> Record:
    """The record with "my" in answers turned to "your", since both sides draw the same people and things."""
    for message in record["messages"]:
        if message["role"] == "assistant" and message["content"]:
            message["content"] = _MY.sub(lambda found: "Your" if found[0] == "My" else "your", message["content"])
    return record


def tool_exchange(draw: Draw, name: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> list[Message]:
    """The assistant's call and the tool's answer to it."""
    call_id = "call_" + "".join(draw.pick(_CALL_ID) for _ in range(8))
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": call_id, "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": call_id, "content": json.dumps(result, ensure_ascii=False)},
    ]


def tool_schema(name: str, description: str, **parameters: str) -> dict[str, Any]:
    """A function schema; `parameters` maps a name to its JSON type."""
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {
                "type": "object",
                "properties": {key: {"type": kind} for key, kind in parameters.items()},
                "required": list(parameters),
            },
        },
    }
