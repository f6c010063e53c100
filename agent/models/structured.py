"""Answers in a given form: how a schema is asked for, on three rungs, and how the answer is read.

It knows JSON schemas, pydantic and what models wrap around JSON. It sends nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, Literal

from pydantic import BaseModel, ValidationError

Mode = Literal["json_schema", "json_object", "prompt"]
LADDER: Final[tuple[Mode, ...]] = ("json_schema", "json_object", "prompt")

Message = Mapping[str, Any]

_ASK: Final = "Answer with one JSON object and nothing else. It must satisfy this JSON schema:\n"
_AGAIN: Final = "This is not valid:\n{faults}\nSend the corrected JSON object and nothing else."
_THOUGHT: Final = re.compile(r"\A.*?</think>", re.DOTALL)
_FENCE: Final = re.compile(r"```(?:json)?[ \t]*\n?(.*?)```", re.DOTALL)
FAULTS_SHOWN: Final = 10


@lru_cache(maxsize=64)  # made anew it takes longer than all else that is done for a call
def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The model's JSON schema as servers that enforce it want it: every property required, no other allowed. It is
    shared: not to be changed."""
    strict: dict[str, Any] = _strict(model.model_json_schema())
    return strict


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}  # nothing may stand beside a reference
    named = ("properties", "$defs")
    found = {
        key: {name: _strict(one) for name, one in value.items()} if key in named else _strict(value)
        for key, value in schema.items()
        if key not in ("default", "title")
    }
    if found.get("type") == "object" and "properties" in found:
        found["required"] = list(found["properties"])
        found["additionalProperties"] = False
    return found


def lowered(messages: Sequence[Message], name: str, schema: Mapping[str, Any], mode: Mode) -> dict[str, Any]:
    """The part of a request that asks for the schema on one rung of the ladder."""
    if mode == "json_schema":
        form = {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema), "strict": True}}
        return {"messages": list(messages), "response_format": form}
    asked = {"messages": _with_instruction(messages, _ASK + json.dumps(schema))}
    return asked if mode == "prompt" else {**asked, "response_format": {"type": "json_object"}}


def _with_instruction(messages: Sequence[Message], text: str) -> list[Message]:
    """Behind the system message where there is one, else before all: never inside a message that holds data."""
    if messages and messages[0]["role"] == "system":
        first = {**messages[0], "content": f"{messages[0]['content']}\n\n{text}"}
        return [first, *messages[1:]]
    return [{"role": "system", "content": text}, *messages]


def read(text: str, model: type[BaseModel]) -> tuple[dict[str, Any] | None, str, str]:
    """-> (validated data or None, what was cut away, what is wrong). Cutting is for texts that are no JSON alone."""
    data, problem = _validated(text, model)
    if data is not None or _is_json(text):
        return data, "", problem
    for what, inner in _salvages(text):
        if _is_json(inner):
            data, problem = _validated(inner, model)
            return data, what, problem
    return None, "", problem


def repair_turn(messages: Sequence[Message], text: str, problem: str) -> list[Message]:
    """The conversation with the faulty answer and what is wrong with it."""
    said = {"role": "assistant", "content": text or "(empty)"}
    return [*messages, said, {"role": "user", "content": _AGAIN.format(faults=problem)}]


def _validated(text: str, model: type[BaseModel]) -> tuple[dict[str, Any] | None, str]:
    try:
        return model.model_validate_json(text).model_dump(mode="json"), ""
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        lines = [f"{'.'.join(map(str, one['loc'])) or 'answer'}: {one['msg']}" for one in faults[:FAULTS_SHOWN]]
        more = len(faults) - FAULTS_SHOWN
        return None, "\n".join([*lines, *([f"and {more} more"] if more > 0 else [])])


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _salvages(text: str) -> list[tuple[str, str]]:
    """(what is cut away, what is left), the least cut first."""
    rest = _THOUGHT.sub("", text, count=1)
    found = [("thought", rest)] if rest != text else []
    if fence := _FENCE.search(rest):
        found.append(("fence", fence.group(1)))
    start, end = rest.find("{"), rest.rfind("}")
    if 0 <= start < end:
        found.append(("prose", rest[start : end + 1]))
    return found
