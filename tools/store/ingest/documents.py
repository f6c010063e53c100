"""JSON texts that span lines: an array of records, an object that holds such arrays, or whole records.

It reads through a window that slides over the file, so memory holds one record and not the document. It
knows where values begin and end; what is wrong inside one of them is the judge's to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ...errors import Misuse, nearest
from ..format.pieces import is_message
from .chunks import HEAD_BYTES, MAX_RECORD_BYTES, Cut, Fault, Gathering
from .splits import SPLIT_WORDS, split_of
from .streams import ByteStream

WINDOW: Final = 1 << 20
WRAPPERS: Final = frozenset(("data", "rows", "records", "examples"))
"""Keys that say nothing about the records they hold."""

_SAMPLE = 64 << 10
_ESCAPE_LENGTH = 16  # a token cut off by the window's edge fails at most this far before it
_NUMBER_REST = 3  # "1" may go on with "e+", which alone continues no number
_SPACE = re.compile(r"[ \t\n\r]*")
_scan = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


class _Torn(Exception):
    """From here on nothing can be told apart."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class _Window:
    """Part of a JSON text, one character a byte, with a reading position `at`.

    Only ASCII bytes have a meaning in JSON outside strings, so values are found without decoding them.
    """

    def __init__(self, read: Callable[[int], bytes], start: int) -> None:
        self._read = read
        self._base = start
        self._line = 1
        self._counted = 0  # newlines before this position are in _line
        self.text = ""
        self.at = 0
        self.ended = False

    @property
    def offset(self) -> int:
        return self._base + self.at

    @property
    def line(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def more(self) -> None:
        """Slide to `at` and hold at least twice what was left, so that retries stay linear in a value."""
        _ = self.line
        held = [self.text[self.at :]]
        wanted = max(WINDOW, len(held[0]))
        self._base += self.at
        self.at = self._counted = 0
        while wanted > 0 and not self.ended:
            piece = self._read(wanted)
            self.ended = not piece
            held.append(piece.decode("latin-1"))
            wanted -= len(piece)
        self.text = "".join(held)

    def peek(self) -> str:
        """The next character that is not whitespace, "" at the end; `at` moves to it."""
        while True:
            space = _SPACE.match(self.text, self.at)
            self.at = space.end() if space else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if self.ended:
                return ""
            self.more()

    def value(self) -> int:
        """Where the value at `at` ends."""
        while True:
            try:
                _, end = _scan(self.text, self.at)
            except json.JSONDecodeError as error:
                edge = error.msg.startswith("Unterminated") or error.pos >= len(self.text) - _ESCAPE_LENGTH
                if self.ended or not edge:
                    place = f"byte {self._base + error.pos:,}"
                    raise _Torn("not_json", f"{error.msg.removesuffix(' at')} at {place}") from None
            except RecursionError:
                raise _Torn("too_deep", "arrays and objects nest too deep to find their end") from None
            else:
                if len(self.text) - end >= _NUMBER_REST or self.ended:
                    return end
            if len(self.text) - self.at > MAX_RECORD_BYTES:
                raise _Torn("too_long", f"no end in {MAX_RECORD_BYTES:,} bytes")
            self.more()

    def take(self) -> str:
        """The text of the value at `at`; `at` moves behind it."""
        end = self.value()
        text = self.text[self.at : end]
        self.at = end
        return text

    def expect(self, wanted: str) -> None:
        """Step over one of the `wanted` characters."""
        found = self.peek()
        if not found or found not in wanted:
            raise _Torn("not_json", f"{found or 'the end'} at byte {self.offset:,}, where {wanted[0]} should stand")
        self.at += 1

    def elements(self) -> Iterator[tuple[str, int, int]]:
        """(text, line, offset) of every element of the array at `at`; `at` moves behind the array."""
        self.expect("[")
        if self.peek() == "]":
            self.at += 1
            return
        while True:
            self.peek()
            place = self.line, self.offset
            yield self.take(), *place
            if self.peek() == "]":
                self.at += 1
                return
            self.expect(",")

    def members(self) -> Iterator[str]:
        """Every key of the object at `at`; before the next one the caller must have read the value."""
        self.expect("{")
        if self.peek() == "}":
            self.at += 1
            return
        while True:
            self.peek()
            key = json.loads(self.take().encode("latin-1").decode("utf-8", "replace"))
            self.expect(":")
            self.peek()
            yield str(key)
            if self.peek() == "}":
                self.at += 1
                return
            self.expect(",")


@dataclass(frozen=True)
class Shape:
    """Where a document keeps its records: in the arrays under `members`, or () when it is records itself."""

    members: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    named: bool = False
    """Whether a person named the key, which then says nothing about the records."""


def survey(stream: ByteStream, records: str | None) -> Shape:
    """The shape of a document as its first MAX_RECORD_BYTES show it; nothing is read from the stream.

    An object whose every value is an array of records, or one with such an array under a customary name
    ("data"), holds records; any other is one record, so that nothing of it is lost. `records` names the
    key instead.
    """
    if stream.head(_SAMPLE).lstrip()[:1] != b"{":
        return Shape()
    pieces = iter([stream.head(MAX_RECORD_BYTES)])
    window = _Window(lambda count: next(pieces, b""), 0)
    kinds: dict[str, str] = {}
    try:
        for key in window.members():
            kinds[key] = "records" if window.peek() == "[" else "other"
            if kinds[key] == "records":
                kinds[key] = _kind_of_array(window, kinds, key)
            else:
                window.take()
        if window.peek() and records is None:
            return Shape()  # several values one after another
    except _Torn:
        pass  # the head ends here, or the reading proper will meet the same fault
    return _decided(kinds, records, stream.path)


def _kind_of_array(window: _Window, kinds: dict[str, str], key: str) -> str:
    kind = "empty"
    for number, (text, _, _) in enumerate(window.elements()):
        if number == 0:
            first = json.loads(text.encode("latin-1").decode("utf-8", "replace"), parse_int=str)
            kind = "records" if isinstance(first, dict | list) and not is_message(first) else "other"
            kinds[key] = kind  # known even if the head ends within this array
    return kind


def _decided(kinds: dict[str, str], records: str | None, path: str) -> Shape:
    arrays = [key for key, kind in kinds.items() if kind == "records"]
    if records is not None:
        if kinds.get(records) not in ("records", "empty"):
            raise Misuse(f"{path} holds no records under {records!r}.", next_step=nearest(records, arrays))
        return Shape((records,), _left_out(kinds, [records]), named=True)
    members = [key for key, kind in kinds.items() if kind != "other"]
    if arrays and len(members) == len(kinds):
        return Shape(tuple(members))
    if arrays and all(key in WRAPPERS or key in SPLIT_WORDS for key in members):
        return Shape(tuple(members), _left_out(kinds, members))
    hint = f"one record; to read the array under {' or '.join(map(repr, arrays))}, say --records KEY"
    return Shape((), (hint,) if arrays else ())


def _left_out(kinds: dict[str, str], members: list[str]) -> tuple[str, ...]:
    others = [key for key in kinds if key not in members]
    return (f"left out beside {', '.join(map(repr, members))}: {', '.join(map(repr, others))}",) if others else ()


def cut_document(stream: ByteStream, shape: Shape) -> Iterator[Cut | Fault]:
    """The records of a document; a syntax error rejects everything from the record it lies in on, as one."""
    window = _Window(stream.read, stream.start)
    current = Gathering()
    torn = None
    try:
        for gathering, (text, line, offset) in _records(window, shape):
            if gathering is not current or gathering.full:
                yield current.take()
                current = gathering
            gathering.add(text.encode("latin-1"), line, offset)
    except _Torn as error:
        head = window.text[window.at : window.at + HEAD_BYTES].encode("latin-1")
        torn = Fault(window.line, window.offset, error.reason, str(error), head, torn=True)
    yield current.take()
    if torn:
        yield torn


def _records(window: _Window, shape: Shape) -> Iterator[tuple[Gathering, tuple[str, int, int]]]:
    """Every record with the gathering it belongs to."""
    if window.peek() == "[":
        gathering = Gathering(arrays=True)
        for element in window.elements():
            yield gathering, element
        if window.peek():
            raise _Torn("extra_data", f"the array ends, but more follows at byte {window.offset:,}")
    elif not shape.members:
        gathering = Gathering()
        while window.peek():
            place = window.line, window.offset
            yield gathering, (window.take(), *place)
    else:
        places = _places(shape)
        for key in window.members():
            if window.peek() != "[":
                window.take()
                continue
            split, group = places.get(key, (None, None))
            gathering = Gathering(split=split, group=group, arrays=True)
            for element in window.elements():
                if key in places:
                    yield gathering, element


def _places(shape: Shape) -> dict[str, tuple[str | None, str | None]]:
    """Split and group of the records under each key: what the key says beyond a customary name is kept."""
    splits = {key: split_of(key) for key in shape.members}
    if shape.named or all(key in WRAPPERS for key in shape.members):
        return {key: (split, None) for key, split in splits.items()}
    if not all(splits.values()):
        return {key: (None, key) for key in shape.members}
    return {key: (split, None if key in SPLIT_WORDS else key) for key, split in splits.items()}
