"""One stretch of rows as every part of the profile sees it: parsed once, cut at fixed positions.

It knows rows, records and what is said in them. It does not know what is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from ...store.format.mapping import Mapping
from ...store.format.pieces import MEDIA_COLUMNS, ROLES, Piece, aside, is_message, message, schema
from ...store.rows import Rows, parse_records

STRETCH: Final = 4_096
"""Rows seen at a time: fixed, so that what is forgotten at a stretch's end does not depend on packs."""

CHATS: Final = ("messages", "sharegpt", "alpaca", "prompt-completion", "unpaired-preference")
"""Formats whose rows are a prompt and its answer."""

Said: TypeAlias = list[tuple[str, str, str, int]]
"""(role, text, kind, turn) of every piece of a row, as `Mapping.pieces` gives them."""


@dataclass
class Seen:
    """Consecutive rows from position `start` on; every list has one item a row."""

    start: int
    table: pa.Table
    mapping: Mapping
    field: str

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def records(self) -> list[Any]:
        records: list[Any] = parse_records(self.table.column("record"))
        return records

    @cached_property
    def said(self) -> list[Said]:
        return [*map(speech_reader(self.mapping), self.records)]

    @cached_property
    def texts(self) -> list[str]:
        """The text of the profile's field."""
        if self.field == "dialogue" and self.mapping.format in CHATS:
            return [one.dialogue for one in self._exchanges]
        return self.read(self.field)

    @property
    def prompts(self) -> list[str]:
        return [one.prompt for one in self._exchanges]

    @property
    def responses(self) -> list[str]:
        return [one.response for one in self._exchanges]

    def read(self, field: str) -> list[str]:
        """The text of any field."""
        return [*map(self.mapping.reader(field), self.records)]

    def values(self, column: str) -> list[Any]:
        """A column the store keeps about every row: source, split, row_id, …"""
        values: list[Any] = self.table.column(column).to_pylist()
        return values

    @cached_property
    def _exchanges(self) -> list[Exchange]:
        if self.mapping.format in CHATS:
            return [*map(exchange, self.said)]
        fields = (self.read(field) for field in ("dialogue", "prompt", "response"))
        return [Exchange(*one) for one in zip(*fields, strict=True)]


def speech_reader(mapping: Mapping) -> Callable[[dict[str, Any]], Said]:
    """What reads all pieces of a record: as `Mapping.pieces`, and for chats several times faster."""

    def general(record: dict[str, Any]) -> Said:
        return [*map(_said, mapping.pieces(record))]

    key = mapping.paths.get("messages")
    if mapping.format not in ("messages", "sharegpt") or key not in mapping.columns:
        return general
    tools = mapping.paths.get("tools")
    if set(mapping.paths) > {"messages", "tools"} or (tools is not None and tools not in mapping.columns):
        return general

    def chat(record: dict[str, Any]) -> Said:
        messages = record.get(key)
        if type(messages) is not list:
            return general(record)
        said: Said = []
        if tools is not None and (declared := record.get(tools)):
            said += map(_said, schema(declared, (tools,)))
        for turn, one in enumerate(messages):
            if type(one) is dict and len(one) == 2:
                role = one["role"] if "role" in one else one.get("from")
                text = one["content"] if "content" in one else one.get("value")
                if type(role) is str and type(text) is str and role not in _CALLING:
                    said.append((ROLES.get(role, role), text, "text", turn))
                    continue
            if not is_message(one):
                return general(record)
            said += map(_said, message(one, (key, turn), turn))
        for name, value in record.items():
            if name != key and name != tools:
                if type(value) is str and name not in MEDIA_COLUMNS:
                    said.append((name, value, "column", -1))
                else:
                    said += map(_said, aside(value, name))
        return said

    return chat


def _said(piece: Piece) -> tuple[str, str, str, int]:
    return piece.role, piece.text, piece.kind, piece.turn


_CALLING: Final = frozenset(("function_call", "tool_call"))


class Exchange(NamedTuple):
    """The shared fields of a chat: all that is said, what is said before the last answer, and that answer."""

    dialogue: str
    prompt: str
    response: str


def exchange(said: Said) -> Exchange:
    """The fields dialogue, prompt and response of a chat, as `Mapping.text` gives them."""
    last = -1
    for role, _, _, turn in said:
        if role == "assistant":
            last = turn
    prompt, response, after = [], [], []
    for role, text, kind, turn in said:
        if kind == "text" and text and (role == "user" or role == "assistant"):
            if turn == last:
                response.append(text)
            elif turn < last or last < 0:
                prompt.append(text)
            else:
                after.append(text)
    return Exchange("\n\n".join(prompt + response + after), "\n\n".join(prompt), "\n\n".join(response))


def picked(rows: Rows, positions: np.ndarray, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The rows at some positions (ascending), a few at a time: far-flung ones take less memory than by `Rows.take`."""
    for batch in rows.batches(columns, size=STRETCH):
        first, end = np.searchsorted(positions, [batch.start, batch.start + len(batch)])
        if first < end:
            yield batch.table.take(pa.array(positions[first:end] - batch.start))
        if end == len(positions):
            return


def stretches(rows: Rows, field: str, columns: Sequence[str] = ("record", "source", "split")) -> Iterator[Seen]:
    """All rows in order, `STRETCH` at a time whatever the packs."""
    start = 0
    for table in _recut((batch.table for batch in rows.batches(columns, size=STRETCH)), STRETCH):
        yield Seen(start, table, rows.mapping, field)
        start += len(table)


def _recut(tables: Iterator[pa.Table], size: int) -> Iterator[pa.Table]:
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        while count + len(table) >= size:
            yield pa.concat_tables([*held, table.slice(0, size - count)])
            table, held, count = table.slice(size - count), [], 0
        if len(table):
            held.append(table)
            count += len(table)
    if count:
        yield pa.concat_tables(held)
