"""From the records a dataset has to the records a format names, and what each conversion loses.

It knows the shapes of one record, as `numerals.read` gives it. It does not know files, splits or rows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from ..format.mapping import Mapping
from ..format.paths import find, parse_path
from ..format.pieces import CONTENT_KEYS, is_messages
from ..format.pieces import ROLES as SPEAKERS
from . import numerals, uniform
from .formats import FILES, NAMES, is_native

SHAREGPT_ROLES: Final = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}

LOSSES: Final[dict[str, str]] = {
    "rejected": "the rejected answer is left out",
    "joined_input": "instruction and input become one user turn, a line break between them",
    "joined_parts": "the text parts of a turn become one text, a line break between them",
    "turn_keys": "keys of a turn other than its role, its text and its tool calls are left out",
    "call_ids": "the ids of tool calls are left out",
    "developer": "the role 'developer' becomes 'system'",
    "history": "earlier turns go to 'history', which LLaMA-Factory reads and most readers of alpaca do not",
    "tools": "the declared tools are left out",
    "columns": "a column is left out whose name the format uses for something else",
}
"""What a conversion may change, counted by row and printed."""


UNHELD: Final = "which the format cannot hold"
"""Ends what is said of a record that no repair makes fit."""


class Unfit(Exception):
    """Why one record cannot be written in the format asked for."""


class Reshape:
    """Turns records of a mapping into records of a format. `losses` counts what changed, by row."""

    def __init__(self, mapping: Mapping, format: str, *, one_type: bool = False) -> None:
        self.losses: Counter[str] = Counter()
        self._lost: set[str] = set()
        self._mapping = mapping
        self._format = format
        self._steps = {role: parse_path(path, tuple(mapping.columns)) for role, path in mapping.paths.items()}
        self._taken = {steps[0] for steps in self._steps.values() if len(steps) == 1}
        named = NAMES[format].values() if format in NAMES else [str(steps[0]) for steps in self._steps.values()]
        self._uniform = tuple(named) if one_type else ()
        makers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "messages": self._messages,
            "sharegpt": self._sharegpt,
            "alpaca": self._alpaca,
            "prompt-completion": self._prompt_completion,
        }
        self._make = makers.get(format, self._renamed)
        if format in FILES or is_native(mapping, format):
            self._make = dict
        elif mapping.format == format and ("system" not in mapping.paths or "system" in NAMES[format]):
            self._make = self._renamed

    def __call__(self, record: dict[str, Any]) -> dict[str, Any]:
        """One record in the format. Raises Unfit."""
        made = self._make(record)
        if self._uniform:
            try:
                self._lost |= uniform.make(made, self._uniform)
            except ValueError as error:
                raise Unfit(str(error)) from None
        self.losses.update(self._lost)
        self._lost.clear()
        return made

    # -- reading the record ---

    def _value(self, record: dict[str, Any], role: str) -> Any:
        steps = self._steps.get(role)
        if steps is None:
            return None
        found = [value for _, value in find(record, steps)]
        return found[0] if len(found) == 1 else found or None

    def _speech(self, value: Any, speaker: str) -> list[dict[str, Any]]:
        """What one role holds, as messages with role and content."""
        if value is None or value == "":
            return []
        if type(value) is str:
            return [{"role": speaker, "content": value}]
        if type(value) is dict:
            value = [value]
        if not is_messages(value):
            raise Unfit(f"its {speaker} part is neither a text nor a list of messages")
        return [self._message(item) for item in value]

    def _message(self, item: dict[str, Any]) -> dict[str, Any]:
        """A message with `role` and `content`, whatever names it had."""
        if "role" in item:
            return item
        named = item["from"]
        key = next((key for key in CONTENT_KEYS if key in item), "value")
        role = SPEAKERS.get(named)
        if role is None:
            raise Unfit(f"a turn is spoken by {named!r}, who is neither system, user, assistant nor tool")
        rest = {name: value for name, value in item.items() if name not in ("from", key)}
        if named in ("function_call", "tool_call"):
            return {"role": role, "content": None, "tool_calls": _calls(item.get(key)), **rest}
        return {"role": role, "content": item.get(key), **rest}

    def _dialogue(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        """The record as one conversation."""
        said = self._speech(self._value(record, "system"), "system")
        if self._mapping.format == "alpaca":
            return [*said, *self._instruction(record)]
        if self._mapping.format == "preference":
            said += self._preferred(record)
        else:
            for role, speaker in (("messages", "user"), ("prompt", "user"), ("completion", "assistant")):
                said += self._speech(self._value(record, role), speaker)
        if not said:
            raise Unfit("it holds no turns")
        return said

    def _preferred(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        """Prompt and chosen answer; a chosen conversation that does not begin with the assistant holds the
        prompt."""
        self._lost.add("rejected")
        chosen = self._speech(self._value(record, "chosen"), "assistant")
        if chosen and SPEAKERS.get(chosen[0]["role"]) != "assistant":
            return chosen
        return [*self._speech(self._value(record, "prompt"), "user"), *chosen]

    def _instruction(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"role": "user", "content": self._asked(record)},
            *self._speech(self._value(record, "output"), "assistant"),
        ]

    def _asked(self, record: dict[str, Any]) -> str:
        """Instruction and input of an alpaca record as one text."""
        instruction, given = self._value(record, "instruction"), self._value(record, "input")
        if type(instruction) is not str or not (given is None or type(given) is str):
            raise Unfit("its instruction or input is no text")
        if not given:
            return instruction
        self._lost.add("joined_input")
        return f"{instruction}\n{given}"

    def _with_rest(self, made: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
        """`made` and the columns that play no role."""
        for name, value in record.items():
            if name in self._taken:
                continue
            if name in made or name in NAMES[self._format].values():
                self._lost.add("columns")
            else:
                made[name] = value
        return made

    # -- writing the formats ---

    def _renamed(self, record: dict[str, Any]) -> dict[str, Any]:
        made = {}
        for role, name in NAMES[self._format].items():
            if role in self._steps and any(True for _ in find(record, self._steps[role])):
                made[name] = self._value(record, role)
        return self._with_rest(made, record)

    def _messages(self, record: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {"messages": self._dialogue(record)}
        tools = self._value(record, "tools")
        if tools is not None:
            made["tools"] = _parsed(tools)
        return self._with_rest(made, record)

    def _prompt_completion(self, record: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any]
        if self._mapping.format == "alpaca" and "system" not in self._mapping.paths:
            made = {"prompt": self._asked(record), "completion": self._value(record, "output")}
        else:
            said = self._dialogue(record)
            if SPEAKERS.get(said[-1].get("role", "")) != "assistant":
                raise Unfit(f"its last turn is spoken by {said[-1].get('role')!r}, not by the assistant")
            made = {"prompt": said[:-1], "completion": said[-1:]}
        tools = self._value(record, "tools")
        if tools is not None:
            made["tools"] = _parsed(tools)
        return self._with_rest(made, record)

    def _sharegpt(self, record: dict[str, Any]) -> dict[str, Any]:
        turns: list[dict[str, Any]] = []
        for message in self._dialogue(record):
            role = SPEAKERS.get(message.get("role", ""))
            if role is None:
                raise Unfit(f"a turn is spoken by {message.get('role')!r}, for whom sharegpt has no name")
            if message.get("role") == "developer":
                self._lost.add("developer")
            calls = message.get("tool_calls")
            text = self._text(message, also=("tool_calls",))
            if text or not calls:
                turns.append({"from": SHAREGPT_ROLES[role], "value": text})
            if calls:
                turns.append({"from": "function_call", "value": self._called(calls)})
        made: dict[str, Any] = {"conversations": turns}
        tools = self._value(record, "tools")
        if tools is not None:
            made["tools"] = tools if type(tools) is str else numerals.write(tools)
        return self._with_rest(made, record)

    def _alpaca(self, record: dict[str, Any]) -> dict[str, Any]:
        said = self._dialogue(record)
        made: dict[str, Any] = {"instruction": "", "input": "", "output": ""}
        if SPEAKERS.get(said[0].get("role", "")) == "system":
            made["system"] = self._text(said[0])
            said = said[1:]
        roles = [SPEAKERS.get(message.get("role", "")) for message in said]
        if "tool" in roles:
            raise Unfit(f"a turn is a tool's answer, {UNHELD}")
        if not roles or len(roles) % 2 or roles != ["user", "assistant"] * (len(roles) // 2):
            raise Unfit("its turns are not user and assistant in turn, as alpaca needs them")
        texts = [self._text(message) for message in said]
        made["instruction"], made["output"] = texts[-2:]
        if len(texts) > 2:
            made["history"] = [texts[i : i + 2] for i in range(0, len(texts) - 2, 2)]
            self._lost.add("history")
        if self._value(record, "tools") is not None:
            self._lost.add("tools")
        return self._with_rest(made, record)

    def _text(self, message: dict[str, Any], also: tuple[str, ...] = ()) -> str:
        """The text of a message, when it is nothing but text (and what `also` names)."""
        for name, value in message.items():
            if name in ("role", "content", *also) or value is None:
                continue
            if name in ("tool_calls", "function_call") and value:
                raise Unfit(f"a turn calls a tool, {UNHELD}")
            self._lost.add("turn_keys")
        content = message.get("content")
        if content is None or type(content) is str:
            return content or ""
        parts = content if type(content) is list else [content]
        texts = [part if type(part) is str else _part_text(part) for part in parts]
        if len(texts) > 1 or type(content) is list:
            self._lost.add("joined_parts")
        return "\n".join(texts)

    def _called(self, calls: Any) -> str:
        found = []
        for call in calls if type(calls) is list else [calls]:
            function = call.get("function", call) if type(call) is dict else None
            if type(function) is not dict or "name" not in function:
                raise Unfit("a tool call names no function")
            if call.get("id") is not None:
                self._lost.add("call_ids")
            found.append({"name": function["name"], "arguments": _parsed(function.get("arguments", {}))})
        return numerals.write(found[0] if len(found) == 1 else found)


def _part_text(part: Any) -> str:
    kind = part.get("type", "text") if type(part) is dict else None
    text = part.get("text") if type(part) is dict else None
    if type(part) is numerals.Number:
        return part.text
    if kind in ("text", "input_text", "output_text") and type(text) is str:
        return text
    raise Unfit(f"a turn holds a part of type {kind!r}, {UNHELD}")


def _parsed(value: Any) -> Any:
    """The value of a JSON text that holds an object or array; anything else as it is."""
    if type(value) is str and value.lstrip()[:1] in ("{", "["):
        try:
            return numerals.read(value)
        except json.JSONDecodeError:
            return value
    return value


def _calls(value: Any) -> list[dict[str, Any]]:
    parsed = _parsed(value)
    calls = parsed if type(parsed) is list else [parsed]
    if not all(type(call) is dict and "name" in call for call in calls):
        raise Unfit("a function_call turn is no JSON object with a name")
    return [{"type": "function", "function": call} for call in calls]
