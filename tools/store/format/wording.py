"""The words of many records at once, without parsing each: string literals are found in the JSON text with NumPy.

It knows JSON's string literals, and asks the mapping once for each shape of record which of them are its pieces. It does
not know what a word is; records of a shape that does not tell its pieces are read one by one.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from .mapping import Mapping
from .pieces import Piece
from .records import value_at
from .texts import plain_values

Positions = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

_SHAPES: Final = 4_096
"""Shapes that are remembered; data with more of them is read record by record."""

_ESCAPED: Final = 0x1F  # stands for an escape: no word character, and in no JSON text as it is
_SPACE: Final = 0x20
_CONTROLS: Final = np.array([int.from_bytes(key, "little") for key in (b"role", b"from", b"type")], np.uint32)
"""Members whose values decide what the texts beside them are (see pieces.py); all are of four letters."""

_STRINGS: Final = frozenset(("string", "large_string", "null"))
_NESTED: Final = ("list", "struct", "map", "union", "dictionary", "view", "array", "object")
_NUMBER: Final = re.compile(rb'("[^"]*")|-?[0-9][0-9.eE+-]*')
_ODD: Final = re.compile(rb'\x1f|"\s+:')  # an escape, or space before a colon


@dataclass(frozen=True, slots=True)
class Wording:
    """The pieces of some records, cut into words as their texts are: escapes and syntax have become space.

    Piece p of all, in reading order, is `texts[order[p]]`, or `texts[p]` where there is no order. Row r has the pieces
    `first[r]` to `first[r + 1] - 1`.
    """

    texts: pa.LargeStringArray
    order: Positions | None
    first: Positions


def pieces_of(mapping: Mapping, record: dict[str, Any], field: str) -> list[Piece]:
    """The texts of a record that are read."""
    return [piece for piece in mapping.pieces(record, field) if piece.text and piece.kind != "media"]


class WordReader:
    """Reads one field of the records of a dataset; threads may share it."""

    def __init__(self, mapping: Mapping, field: str) -> None:
        self._mapping, self._field = mapping, field
        self._shapes: dict[bytes, int] = {}
        self._layouts: list[Positions] = []
        self._lock = threading.Lock()
        self._columns = self._typed_columns() if mapping.kind == "typed" else None

    def read(self, records: pa.Array) -> Wording:
        """The wording of a block of records, fastest on some 256 kB; empty pieces may be there or not."""
        if not pa.types.is_struct(records.type):
            return self._from_json(records)
        if self._columns is None:
            values = plain_values(records)
            texts = [[piece.text for piece in pieces_of(self._mapping, value, self._field)] for value in values]
            return Wording(_texts(texts), None, _ends(map(len, texts)))
        columns = [records.field(name).cast(pa.large_string()).fill_null("") for name in self._columns]
        first = np.arange(len(records) + 1) * len(columns)
        if len(columns) == 1:
            return Wording(columns[0], None, first)
        together = pa.concat_arrays(columns) if columns else pa.array([], pa.large_string())
        return Wording(together, np.arange(len(together)).reshape(-1, len(records)).T.ravel(), first)

    def _from_json(self, records: pa.Array) -> Wording:
        found = _Literals.of(records)
        layout = self._layouts_of(found, records)
        rows, places = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for number in np.unique(layout[layout >= 0]).tolist():
            some = np.flatnonzero(layout == number)
            order = self._layouts[number]
            rows.append(np.repeat(some, len(order)))
            places.append((found.first[some][:, None] + order).ravel())
        row, place = np.concatenate(rows), np.concatenate(places)
        if len(rows) > 2:
            at = np.argsort(row, kind="stable")
            row, place = row[at], place[at]
        ascending = bool((place[1:] > place[:-1]).all())
        wanted = place if ascending else np.sort(place)
        texts = found.texts(wanted)
        order = None if ascending else np.searchsorted(wanted, place)
        slow = np.flatnonzero(layout < 0)
        if len(slow):
            values = [json.loads(text) for text in records.take(pa.array(slow)).to_pylist()]
            read = [[piece.text for piece in pieces_of(self._mapping, value, self._field)] for value in values]
            more = np.repeat(slow, [len(one) for one in read])
            order = np.concatenate(
                [np.arange(len(place)) if order is None else order, len(place) + np.arange(len(more))]
            )
            row = np.concatenate([row, more])
            at = np.argsort(row, kind="stable")
            row, order = row[at], order[at]
            texts = pa.concat_arrays([texts, _texts(read)])
        return Wording(texts, order, np.searchsorted(row, np.arange(len(records) + 1)))

    def _layouts_of(self, found: _Literals, records: pa.Array) -> Positions:
        """For each record the number of its layout, -1 for none."""
        shapes = [found.shape[low:high] for low, high in pairwise(found.shape_at)]
        last = dict(zip(shapes, range(len(shapes)), strict=True))
        number = {shape: self._layout_of(shape, row, found, records) for shape, row in last.items()}
        return np.fromiter(map(number.__getitem__, shapes), np.int64, len(shapes))

    def _layout_of(self, shape: bytes, row: int, found: _Literals, records: pa.Array) -> int:
        number = self._shapes.get(shape)
        if number is None:
            plain = _NUMBER.sub(rb"\1", shape)  # numbers are no texts, and make no shape of their own
            number = self._shapes.get(plain)
            if number is None:
                known = len(self._shapes) < _SHAPES
                number = self._learn(shape, records[row].as_py(), found.values(row)) if known else -1
                self._shapes[plain] = number
        return number

    def _learn(self, shape: bytes, text: str, values: list[tuple[int, int, int, bool]]) -> int:
        """Which literals of a record of this shape are pieces: found out with other texts in their places."""
        if _ODD.search(shape) or (self._mapping.format == "preference" and b"[" in shape):
            return -1  # what both answers begin with is told by their texts, not by their shape
        raw = text.encode()
        shown, named, done = [], [], 0
        for number, start, end, control in values:
            shown += [raw[done:start], raw[start:end] if control else b"text %d" % number]
            named += [raw[done:start], b"%d" % number]
            done = end
        one, every = (json.loads(b"".join([*parts, raw[done:]]), parse_int=_one, parse_float=_one)
                      for parts in (shown, named))  # fmt: skip
        order = []
        for piece in pieces_of(self._mapping, one, self._field):
            if value_at(one, piece.path) != piece.text:
                return -1  # written anew from a value that is no string
            order.append(int(value_at(every, piece.path)))
        if len(set(order)) != len(order):
            return -1  # a text that is read twice
        with self._lock:
            self._layouts.append(np.array(order, np.int64))
            return len(self._layouts) - 1

    def _typed_columns(self) -> tuple[str, ...] | None:
        """The columns whose strings are the pieces, in reading order; None when there is more to read."""
        columns = self._mapping.columns
        plain = {name: set(types) <= _STRINGS for name, types in columns.items()}
        spoken = {path for path in self._mapping.paths.values()}
        for name, types in columns.items():
            if not plain[name] and (name in spoken or any(word in kind for kind in types for word in _NESTED)):
                return None
        if not spoken <= set(columns):
            return None
        record = {name: name if whole else None for name, whole in plain.items()}
        return tuple(str(piece.path[0]) for piece in pieces_of(self._mapping, record, self._field))


@dataclass(frozen=True, slots=True)
class _Literals:
    """The string literals of a block of JSON texts.

    Literal i lies at `body[start[i]:end[i]]` between its quotes; row r has those from `first[r]` on. `shape` holds all
    bytes of the block but the contents of values that decide nothing, row r's from `shape_at[r]` on.
    """

    body: Bytes
    start: Positions
    end: Positions
    first: Positions
    key: npt.NDArray[np.bool_]
    control: npt.NDArray[np.bool_]
    offset: Positions
    coded: Positions
    shape: bytes
    shape_at: list[int]

    @classmethod
    def of(cls, records: pa.Array) -> _Literals:
        body, offset = _bytes(records)
        coded = _blank_escapes(body)
        quotes = np.flatnonzero(body == ord('"'))
        start, end = quotes[::2] + 1, quotes[1::2]
        key = body[end + 1] == ord(":")
        control = np.zeros(len(start), bool)
        named = np.flatnonzero(key[:-1] & (end[:-1] - start[:-1] == 4))
        name = sum(body[start[named] + i].astype(np.uint32) << np.uint32(8 * i) for i in range(4))
        control[named[np.isin(name, _CONTROLS)] + 1] = True
        control &= ~key
        left_out = ~(key | control)
        low, high = start[left_out], end[left_out]
        kept = _ranges(np.append(0, high), np.append(low, len(body)) - np.append(0, high))
        before = np.append(0, np.cumsum(high - low))
        shape_at = offset - before[np.searchsorted(low, offset)]
        return cls(body, start, end, np.searchsorted(start, offset), key, control, offset, coded,
                   body[kept].tobytes(), shape_at.tolist())  # fmt: skip

    def values(self, row: int) -> list[tuple[int, int, int, bool]]:
        """(number in the row, start and end in its text, does it decide?) of every literal that is no key."""
        low, high, zero = int(self.first[row]), int(self.first[row + 1]), int(self.offset[row])
        return [
            (i - low, int(self.start[i]) - zero, int(self.end[i]) - zero, bool(self.control[i]))
            for i in range(low, high)
            if not self.key[i]
        ]

    def texts(self, wanted: Positions) -> pa.LargeStringArray:
        """The contents of some literals, ascending; all that lies between them becomes space."""
        start, end = self.start[wanted], self.end[wanted]
        if not len(wanted):
            return pa.array([], pa.large_string())
        size = np.append(start[1:], len(self.body)) - end
        self.body[_ranges(end, size)] = _SPACE
        data, offset = self.body, np.append(start, len(self.body))
        if len(self.coded):
            gone = _write_coded(data, self.coded[np.isin(data[self.coded], [ord("u")])])
            data = np.delete(data, gone)
            offset = offset - np.searchsorted(gone, offset)
        return pa.LargeStringArray.from_buffers(len(wanted), pa.py_buffer(offset), pa.py_buffer(data))


def _blank_escapes(body: Bytes) -> Positions:
    """Blank every escape, so that all quotes that are left delimit literals; -> where the letters u of \\uXXXX stand."""
    slash = np.flatnonzero(body == ord("\\"))
    if not len(slash):
        return slash
    number = np.arange(len(slash))
    begins = np.append(True, np.diff(slash) != 1)
    escape = slash[(number - np.maximum.accumulate(np.where(begins, number, 0))) % 2 == 0]
    letter = body[escape + 1]
    body[escape] = _ESCAPED
    body[escape[letter != ord("u")] + 1] = _ESCAPED
    coded: Positions = escape[letter == ord("u")] + 1
    return coded


def _write_coded(body: Bytes, at: Positions) -> Positions:
    """Write the characters of \\uXXXX escapes, whose u stand at `at`, in place; -> the bytes left over, ascending."""
    digits = body[at[:, None] + np.arange(1, 5)].astype(np.int64)
    value = np.where(digits <= ord("9"), digits - ord("0"), (digits | 0x20) - ord("a") + 10)
    code = value @ np.array([4096, 256, 16, 1])
    high = (code >= 0xD800) & (code < 0xDC00)
    first = np.flatnonzero(high)  # the other half of a pair is the escape after it
    code[first] = 0x10000 + ((code[first] - 0xD800) << 10) + (code[first + 1] - 0xDC00)
    single = np.ones(len(at), bool)
    single[first + 1] = False
    at, code, length = at[single] - 1, code[single], np.where(high, 12, 6)[single]
    size = 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
    for width, lead in ((1, 0x00), (2, 0xC0), (3, 0xE0), (4, 0xF0)):
        some = size == width
        where, point = at[some], code[some]
        for i in range(width - 1, 0, -1):
            body[where + i] = 0x80 | (point & 0x3F)
            point = point >> 6
        body[where] = lead | point
    return _ranges(at + size, length - size)


def _ranges(start: Positions, size: Positions) -> Positions:
    """All positions of the ranges that begin at `start` and are `size` long, one range after the other."""
    end = np.cumsum(size)
    every: Positions = np.arange(end[-1] if len(end) else 0) + np.repeat(start - (end - size), size)
    return every


def _bytes(records: pa.Array) -> tuple[Bytes, Positions]:
    """A copy of the bytes of JSON texts, and the offsets of every text and of the end."""
    kind = np.int64 if pa.types.is_large_string(records.type) else np.int32
    _, offsets, data = records.buffers()
    offset = np.frombuffer(offsets, kind)[records.offset : records.offset + len(records) + 1].astype(np.int64)
    return np.frombuffer(data, np.uint8)[offset[0] : offset[-1]].copy(), offset - offset[0]


def _texts(rows: list[list[str]]) -> pa.LargeStringArray:
    return pa.array([text for texts in rows for text in texts], pa.large_string())


def _ends(sizes: Any) -> Positions:
    return np.append(0, np.cumsum(np.fromiter(sizes, np.int64)))


def _one(number: str) -> int:
    return 1
