"""The rows a strategy starts from, and rows written in their format.

It knows mappings and records. It does not know what is asked of a model.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import pyarrow as pa

from ..errors import Misuse, nearest
from ..panel import Parent
from ..store.format.paths import Step, parse_path
from ..store.format.pieces import ROLES as SPEAKERS
from ..store.packs import fixed_bytes
from ..store.rows import Rows, parse_records
from ..text.conversation import content_key
from ..text.editable import editable

INSTRUCTIONS: Final = ("messages", "sharegpt", "alpaca", "prompt-completion")
"""Formats whose rows are instructions with responses."""

_SPEAKER_KEYS: Final = ("role", "from")


class Seeds:
    """Rows by position, those of `also` last. Records are read when they are asked for, each time anew: a caller may
    change them."""

    def __init__(self, rows: Rows, also: Rows | None = None) -> None:
        if not len(rows):
            raise Misuse("There are no rows to start from.", next_step="Name a dataset that holds rows.")
        self.mapping = rows.mapping
        self._table = rows.arrow(("row_id", "record"))
        if also is not None and len(also):
            other = also.arrow(("row_id", "record"))
            if (also.mapping.format, dict(also.mapping.paths)) != (rows.mapping.format, dict(rows.mapping.paths)) or (
                other.schema != self._table.schema
            ):
                raise Misuse(
                    f"The rows of --also are of another form ({also.mapping.format}) than the seeds ({rows.mapping.format}).",
                    next_step="Name a dataset that was made from these seeds.",
                )
            self._table = pa.concat_tables([self._table, other])
        self._ids = fixed_bytes(self._table.column("row_id").combine_chunks())

    def __len__(self) -> int:
        return len(self._table)

    def record(self, position: int) -> dict[str, Any]:
        found: dict[str, Any] = parse_records(self._table.column("record").slice(position, 1))[0]
        return found

    def row_id(self, position: int) -> str:
        """32 hex digits."""
        row_id: str = self._ids[position].tobytes().hex()
        return row_id

    def parent(self, position: int, field: str = "", start: int = 0, end: int = 0) -> Parent:
        return Parent(self.row_id(position), field, start, end)

    def text(self, position: int, field: str) -> str:
        return self.mapping.text(self.record(position), field)

    def texts(self, field: str) -> list[str]:
        return [self.text(i, field) for i in range(len(self))]

    def column(self, name: str, what: str) -> str:
        """The name, when it is a column; Misuse says what it was meant for."""
        if name not in self.mapping.columns:
            raise Misuse(f"There is no column {name!r} for the {what}.", next_step=nearest(name, self.mapping.columns))
        return name

    def need_instructions(self, strategy: str) -> None:
        """Raises Misuse where rows are not instructions with responses."""
        if self.mapping.format not in INSTRUCTIONS:
            raise Misuse(
                f"{strategy} makes instructions with responses; these rows are of the format {self.mapping.format}.",
                next_step=f"Start from rows of {', '.join(INSTRUCTIONS)}, or map them: --map instruction=…",
            )

    def conversation(self, position: int, prompt: str, response: str | None) -> dict[str, Any]:
        """A new record in the format of the seed at `position`; without a response it ends with the question."""
        return self._write(self.record(position), prompt, response)

    def with_response(self, position: int, response: str) -> dict[str, Any]:
        """The seed's record, which has no response, with one."""
        record = self.record(position)
        if "messages" in self._steps:
            turns = _at(record, self._steps["messages"])
            turns.append(self._turns(turns, "", response)[1])
        else:
            answered = "output" if self.mapping.format == "alpaca" else "completion"
            put(record, self._steps[answered], self._spoken(record, answered, "assistant", response))
        return record

    def replaced(self, position: int, field: str, text: str) -> dict[str, Any] | None:
        """The seed's record with the one text of a field replaced; None where it has none or several."""
        record = self.record(position)
        found = editable(record, self.mapping, field)
        if len(found) != 1:
            return None
        for path in found[0].paths:
            place: Any = record
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = text
        return record

    def text_record(self, field: str, text: str) -> dict[str, Any]:
        """A new record that holds one text: that of a text dataset, or one column."""
        made: dict[str, Any] = {}
        put(made, self._steps.get("text", (field,)) if field == "text" else (field,), text)
        return made

    def _write(self, like: Mapping[str, Any], prompt: str, response: str | None) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if "messages" in self._steps:
            put(made, self._steps["messages"], self._turns(_at(like, self._steps["messages"]), prompt, response))
            return made
        alpaca = self.mapping.format == "alpaca"
        asked, answered = ("instruction", "output") if alpaca else ("prompt", "completion")
        put(made, self._steps[asked], self._spoken(like, asked, "user", prompt))
        if "input" in self._steps:
            put(made, self._steps["input"], "")
        if response is not None:
            put(made, self._steps[answered], self._spoken(like, answered, "assistant", response))
        return made

    def _spoken(self, like: Mapping[str, Any], role: str, speaker: str, text: str) -> Any:
        """As the seed has it: a text, or a list of one message."""
        value = _at(like, self._steps[role])
        return [{"role": speaker, "content": text}] if isinstance(value, list) else text

    def _turns(self, like: Any, prompt: str, response: str | None) -> list[dict[str, str]]:
        messages = [one for one in like if isinstance(one, dict)] if isinstance(like, list) else []
        sharegpt = self.mapping.format == "sharegpt"
        key = next((key for one in messages for key in _SPEAKER_KEYS if key in one), "from" if sharegpt else "role")
        said = content_key(messages[0]) if messages else "value" if sharegpt else "content"
        names = {"user": "human", "assistant": "gpt"} if sharegpt else {"user": "user", "assistant": "assistant"}
        for one in reversed(messages):
            if isinstance(one.get(key), str) and SPEAKERS.get(one[key]) in names and "call" not in one[key]:
                names[SPEAKERS[one[key]]] = one[key]
        turns = [("user", prompt), *([("assistant", response)] if response is not None else [])]
        return [{key: names[speaker], said: text} for speaker, text in turns]

    @cached_property
    def _steps(self) -> dict[str, tuple[Step, ...]]:
        return {role: parse_path(path, tuple(self.mapping.columns)) for role, path in self.mapping.paths.items()}


def put(record: dict[str, Any], steps: Sequence[Step], value: Any) -> None:
    """Write a value where the steps lead, making the objects and arrays on the way; arrays get one element."""
    place: Any = record
    for i, step in enumerate(steps):
        key: str | int = step if isinstance(step, str) else 0
        last = i + 1 == len(steps)
        new: Any = copy.deepcopy(value) if last else {} if isinstance(steps[i + 1], str) else []
        if isinstance(place, list):
            if not place:
                place.append(new)
            elif last:
                place[0] = new
            place = place[0]
        else:
            place = place.setdefault(key, new) if not last else place.__setitem__(key, new)


def _at(record: Any, steps: Sequence[Step]) -> Any:
    for step in steps:
        key = 0 if step is None else step
        try:
            record = record[key]
        except (KeyError, IndexError, TypeError):
            return None
    return record
