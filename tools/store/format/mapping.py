"""What the parts of a record mean: which field plays which role, and the text a tool asks for.

It knows formats, paths and the shared fields. It does not know how a format is guessed (detect.py) or where
records come from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal, get_args

from ...errors import Misuse, nearest
from . import pieces as reading
from .paths import Step, find, parse_path
from .pieces import Piece, Turn
from .records import Path

Format = Literal[
    "messages",
    "sharegpt",
    "alpaca",
    "prompt-completion",
    "preference",
    "unpaired-preference",
    "text",
    "table",
]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

ROLES: Final[dict[Format, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "messages": (("messages",), ("system", "tools")),
    "sharegpt": (("messages",), ("system", "tools")),
    "alpaca": (("instruction", "output"), ("input", "system")),
    "prompt-completion": (("prompt", "completion"), ("system", "tools")),
    "preference": (("chosen", "rejected"), ("prompt", "system", "tools")),
    "unpaired-preference": (("prompt", "completion", "label"), ("system", "tools")),
    "text": (("text",), ()),
    "table": ((), ()),
}
"""Per format: the roles that must have a path, and those that may."""

_CHAT: Final = ("dialogue", "prompt", "response", "first_user", "assistant", "system", "all")
FIELDS: Final[dict[Format, tuple[str, ...]]] = {
    "messages": _CHAT,
    "sharegpt": _CHAT,
    "alpaca": _CHAT,
    "prompt-completion": _CHAT,
    "preference": (*_CHAT[:-1], "chosen", "rejected", "all"),
    "unpaired-preference": _CHAT,
    "text": ("text", "all"),
    "table": ("all",),
}
"""Per format: the shared fields that mean something; every column is a field too."""

_PLAIN: Final[dict[Format, dict[str, tuple[str, ...]]]] = {
    "text": {"text": ("text",)},
    "alpaca": {
        "dialogue": ("instruction", "input", "output"),
        "prompt": ("instruction", "input"),
        "first_user": ("instruction", "input"),
        "response": ("output",),
        "assistant": ("output",),
        "system": ("system",),
    },
    "prompt-completion": {
        "dialogue": ("prompt", "completion"),
        "prompt": ("prompt",),
        "first_user": ("prompt",),
        "response": ("completion",),
        "assistant": ("completion",),
        "system": ("system",),
    },
}
"""Per format: the roles whose texts, where they are plain strings, make up a field."""

_MEANS: Final = {
    "dialogue": "user and assistant turns; system prompts, tool schemas, calls and results are left out",
    "prompt": "user and assistant turns before the last answer; system prompts are left out",
    "response": "the last answer",
    "first_user": "the first user turn",
    "assistant": "assistant turns",
    "system": "system prompts",
    "chosen": "the chosen answer",
    "rejected": "the rejected answer",
    "text": "the text",
    "all": "every string of the record, system prompts, tools and other columns included",
}

_SPEAKERS: Final = {
    "system": "system",
    "messages": "unknown",
    "prompt": "user",
    "instruction": "user",
    "input": "user",
    "text": "text",
    "completion": "assistant",
    "output": "assistant",
}
"""Roles that are spoken, in the order they are read, and who speaks them when the value does not say."""


@dataclass(frozen=True)
class Mapping:
    """How the records of a dataset are read.

    `paths`: role -> path, e.g. {"prompt": "question"} or {"output": "instances[0].output"}. `columns`:
    every key of the records in the order first seen -> the JSON or Arrow types of its values. `kind`:
    records are JSON texts or typed Arrow rows. `cells`: columns of a CSV file that read as "integer" or
    "number" in every row; the cells themselves stay text.
    """

    format: Format
    paths: dict[str, str] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    kind: Literal["json", "typed"] = "json"
    cells: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """JSON values in a fixed key order; columns as pairs, since their order is part of the mapping."""
        return {
            "format": self.format,
            "kind": self.kind,
            "paths": dict(sorted(self.paths.items())),
            "columns": [[name, list(types)] for name, types in self.columns.items()],
            "cells": dict(sorted(self.cells.items())),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Mapping:
        return cls(
            data["format"],
            dict(data["paths"]),
            {name: tuple(types) for name, types in data["columns"]},
            data["kind"],
            dict(data["cells"]),
        )

    def with_columns(self, other: Mapping) -> Mapping:
        """This mapping for a dataset that the records of `other` were added to.

        Misuse when a path that records must have starts at a column which those records lack.
        """
        for role in ROLES[self.format][0]:
            first = str(self._steps[role][0])
            if first not in other.columns:
                raise Misuse(
                    f"The dataset has its {role} in {self.paths[role]!r}; the new records do not.",
                    next_step=f"{nearest(first, other.columns)} Import them under a name of their own.",
                )
        columns = dict(self.columns)
        for name, types in other.columns.items():
            columns[name] = merge_types(columns.get(name, ()), types)
        cells = {
            name: "integer" if {mine.cells.get(name, kind) for mine in (self, other)} == {"integer"} else "number"
            for name, kind in {**other.cells, **self.cells}.items()
            if all(name in mine.cells or name not in mine.columns for mine in (self, other))
        }
        return replace(self, columns=columns, cells=cells)

    # Fields.

    @property
    def default_field(self) -> str:
        """What text tools read unless told otherwise."""
        if self.format in ("preference", "unpaired-preference"):
            return "prompt"
        return {"text": "text", "table": "all"}.get(self.format, "dialogue")

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that can be read: the shared ones of this format, then the columns."""
        return (*FIELDS[self.format], *(name for name in self.columns if name not in FIELDS[self.format]))

    def resolve_field(self, name: str) -> str:
        """A shared field of this format or a column, "default" resolved; Misuse names the nearest."""
        if name == "default":
            return self.default_field
        shared = FIELDS[self.format]
        if name in shared or name in self.columns:
            return name
        if name in _MEANS:
            raise Misuse(
                f"The field {name!r} means nothing for {self.format} data.",
                next_step=f"Fields here: {', '.join(shared)}, or a column.",
            )
        raise Misuse(f"No field or column {name!r}.", next_step=nearest(name, {*shared, *self.columns}))

    def describe_field(self, name: str) -> str:
        """The field and what it takes in, as a tool prints before it reads."""
        name = self.resolve_field(name)
        return f"{name} ({_MEANS[name]})" if name in FIELDS[self.format] else f"{name} (a column)"

    # Reading one record.

    def text(self, record: dict[str, Any], field: str) -> str:
        """The texts of `field` joined by a blank line, empty ones left out; "" for a record without it."""
        return self.reader(field)(record)

    def reader(self, field: str) -> Callable[[dict[str, Any]], str]:
        """`text` for one field, resolved once: for loops over many records."""
        known = self._readers.get(field)
        if known is None:
            known = self._readers[field] = self._make_reader(self.resolve_field(field))
        return known

    def pieces(self, record: dict[str, Any], field: str | None = None) -> list[Piece]:
        """Every text of the record, or those of one field, in reading order."""
        if field is None:
            return self._spoken(record) + self._unspoken(record)
        field = self.resolve_field(field)
        if field == "all":
            return [piece for piece in self.pieces(record) if piece.kind != "media"]
        if field not in FIELDS[self.format]:
            return self._of_column(record, field)
        return _selected(self._spoken(record), field, preference=self.format == "preference")

    def turns(self, record: dict[str, Any]) -> list[Turn]:
        """The dialogue turn by turn, every message one; a text is one turn, a table row none."""
        found: dict[int, list[Piece]] = {}
        for piece in self._spoken(record):
            if piece.turn >= 0:
                found.setdefault(piece.turn, []).append(piece)
        return [
            Turn(i, said[0].role, "\n\n".join(p.text for p in said if p.kind == "text" and p.text))
            for i, said in enumerate(found.values())
        ]

    def string_columns(self, field: str) -> tuple[str, ...] | None:
        """The columns whose strings, joined, are the text of `field`; None when it takes more to read it.

        They are whole columns that hold nothing but strings and nulls, in reading order.
        """
        field = self.resolve_field(field)
        if field not in FIELDS[self.format]:
            names = [field]
        elif field in _PLAIN.get(self.format, {}):
            roles = [role for role in _PLAIN[self.format][field] if role in self._steps]
            if any(len(self._steps[role]) != 1 for role in roles):
                return None
            names = [str(self._steps[role][0]) for role in roles]
        else:
            return None
        strings = {"string", "large_string", "null"}
        plain = names and all(name in self.columns and set(self.columns[name]) <= strings for name in names)
        return tuple(names) if plain else None

    @cached_property
    def _steps(self) -> dict[str, tuple[Step, ...]]:
        return {role: parse_path(path, tuple(self.columns)) for role, path in self.paths.items()}

    @cached_property
    def _readers(self) -> dict[str, Callable[[dict[str, Any]], str]]:
        return {}

    def _spoken(self, record: dict[str, Any]) -> list[Piece]:
        """The pieces of all roles that have a path, turn by turn."""
        out: list[Piece] = []
        turn = 0
        if "tools" in self.paths:
            for path, value in find(record, self._steps["tools"]):
                out += reading.schema(value, path)
        for role, speaker in _SPEAKERS.items():
            if role not in self._steps:
                continue
            start = max(turn - 1, 0) if role == "input" else turn
            for path, value in find(record, self._steps[role]):
                said, start = reading.speech(value, path, speaker, start)
                turn = max(turn, start)
                out += said
        if self.format == "preference":
            out += self._answers(record, turn)
        return out

    def _answers(self, record: dict[str, Any], turn: int) -> list[Piece]:
        """Chosen and rejected; messages that both begin with are the prompt, told once."""
        nothing: tuple[Path, Any] = ((), None)
        both = [next(find(record, self._steps[role]), nothing) for role in ("chosen", "rejected")]
        shared = _shared_start(both[0][1], both[1][1])
        out: list[Piece] = []
        for role, (path, value) in zip(("chosen", "rejected"), both, strict=True):
            if not reading.is_messages(value):
                said, _ = reading.speech(value, path, role, turn)
                out += [piece._replace(role=role) for piece in said]
                turn += 1
                continue
            told = role == "chosen" and "prompt" not in self.paths
            for piece in reading.messages(value, path, turn):
                position = piece.turn - turn
                if position >= shared:
                    out.append(piece._replace(role=role))
                else:
                    out.append(piece if told else piece._replace(role="repeated"))
            turn += len(value)
        return out

    def _unspoken(self, record: dict[str, Any]) -> list[Piece]:
        """The strings of columns in which no role lies."""
        taken = {steps[0] for steps in self._steps.values()}
        out: list[Piece] = []
        for name, value in record.items():
            if name not in taken:
                out += reading.aside(value, name)
        return out

    def _of_column(self, record: dict[str, Any], name: str) -> list[Piece]:
        value = record.get(name)
        if value is None:
            return []
        spoken = [piece for piece in self._spoken(record) if piece.path[0] == name and piece.kind != "media"]
        found = spoken or reading.column(value, name)
        if found or type(value) in (dict, list):
            return found
        return [
            piece._replace(role=name, kind="column", turn=-1) for piece in reading.content(value, (name,), name, -1)
        ]

    def _make_reader(self, field: str) -> Callable[[dict[str, Any]], str]:
        def general(record: dict[str, Any]) -> str:
            return "\n\n".join([piece.text for piece in self.pieces(record, field) if piece.text])

        steps = self._steps.get("messages", ())
        if field == "dialogue" and len(steps) == 1 and "system" not in self.paths:
            return _dialogue_reader(steps[0], general)
        return general


def _dialogue_reader(key: Any, general: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    """`dialogue` of plain chats, several times faster; a message with more goes to `general`."""

    def plain(record: dict[str, Any]) -> str:
        said = []
        for message in record.get(key) or ():
            if type(message) is not dict or len(message) != 2:
                return general(record)
            if "role" in message:
                role, text = message["role"], message.get("content")
            else:
                role, text = message.get("from"), message.get("value")
            if type(text) is not str or type(role) is not str or role in reading.CALLING_ROLES:
                return general(record)
            known = reading.ROLES.get(role)
            if (known == "user" or known == "assistant") and text:
                said.append(text)
        return "\n\n".join(said)

    return plain


def _shared_start(chosen: Any, rejected: Any) -> int:
    """How many messages both answers begin with; the last of either is always its own."""
    if not (reading.is_messages(chosen) and reading.is_messages(rejected)):
        return 0
    shared = 0
    for one, other in zip(chosen[:-1], rejected[:-1], strict=False):
        if one != other:
            break
        shared += 1
    return shared


def _selected(spoken: list[Piece], field: str, *, preference: bool) -> list[Piece]:
    """The pieces of one shared field; only what was said, no calls, reasoning or media."""
    said = [piece for piece in spoken if piece.kind == "text"]
    if field == "text" or field == "rejected" or field == "system" or field == "assistant":
        return [piece for piece in said if piece.role == field]
    if field == "chosen" or (field == "response" and preference):
        return [piece for piece in said if piece.role == "chosen"]
    dialogue = [piece for piece in said if piece.role in ("user", "assistant", "chosen")]
    if field == "dialogue":
        return dialogue
    if field == "first_user":
        first = next((piece.turn for piece in dialogue if piece.role == "user"), None)
        return [piece for piece in dialogue if piece.turn == first]
    if preference:
        return [piece for piece in dialogue if piece.role != "chosen"]
    last = max((piece.turn for piece in spoken if piece.role == "assistant"), default=None)
    if field == "response":
        return [piece for piece in dialogue if piece.turn == last]
    return [piece for piece in dialogue if last is None or piece.turn < last]


_TYPE_ORDER: Final = ("null", "boolean", "integer", "number", "string", "array", "object")


def merge_types(first: Sequence[str], second: Sequence[str]) -> tuple[str, ...]:
    """The types of both in one order: JSON's own first, then Arrow's by name."""
    rank = {name: place for place, name in enumerate(_TYPE_ORDER)}
    return tuple(sorted({*first, *second}, key=lambda name: (rank.get(name, len(rank)), name)))
