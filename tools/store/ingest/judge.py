"""Which of the cut texts are records: every one is parsed, hashed and counted, or rejected with a reason.

It knows what a record is, and remembers keys and a sample for the mapping. It does not know how records
were cut out of a file.
"""

from __future__ import annotations

import gc
import hashlib
import heapq
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ...errors import Misuse
from ..format.mapping import merge_types
from ..format.records import RecordError, named, parse, with_member
from .chunks import HEAD_BYTES, MAX_RECORD_BYTES, Chunk, Cut, Fault

GROUP: Final = "group"
MAX_COLUMNS: Final = 10_000
_MAX_SIGNATURES: Final = 4_096
_TYPE_NAMES: Final[dict[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


class Inventory:
    """Every key of the records in the order first seen, with the types of its values.

    A record adds its signature (keys and types) to a set, which costs one lookup; signatures become
    columns later.
    """

    def __init__(self) -> None:
        self.signatures: dict[tuple[Any, ...], None] = {}
        self._columns: dict[str, tuple[str, ...]] = {}
        self.overflowed = False
        """Whether there were more than MAX_COLUMNS keys; the first of them are listed."""

    def add(self, name: str, types: Sequence[str]) -> None:
        if name not in self._columns and len(self._columns) >= MAX_COLUMNS:
            self.overflowed = True
            return
        self._columns[name] = merge_types(self._columns.get(name, ()), types)

    def settle(self) -> None:
        """Turn the signatures gathered so far into columns."""
        for signature in self.signatures:
            half = len(signature) // 2
            for name, type_ in zip(signature[:half], signature[half:], strict=True):
                self.add(name, (_TYPE_NAMES[type_],))
        self.signatures.clear()

    def columns(self) -> dict[str, tuple[str, ...]]:
        self.settle()
        return dict(self._columns)


class Sample:
    """What a format is guessed from: the first records of each file, and those with the smallest hashes."""

    FIRST: Final = 100
    FILES: Final = 10
    BY_HASH: Final = 400
    LONGEST: Final = 256 << 10
    FIRST_BYTES: Final = 16 << 20

    def __init__(self) -> None:
        self._first: list[Any] = []
        self._heap: list[tuple[int, Any]] = []  # (-hash, record): the largest hash is the first to go
        self._hashes: set[int] = set()
        self._room = 0
        self._bytes_left = self.FIRST_BYTES

    def open_file(self) -> None:
        self._room = self.FIRST if len(self._first) < self.FILES * self.FIRST else 0

    def offer(self, content: np.ndarray, get: Callable[[int], Any]) -> None:
        """The records of a chunk: their content hashes, and `get(i)` for the i-th as bytes or as a value."""
        for index in range(min(self._room, len(content))):
            if self._bytes_left <= 0:
                break
            record = get(index)
            self._first.append(record)
            self._room -= 1
            self._bytes_left -= len(record) if isinstance(record, bytes) else 0
        hashes = np.ascontiguousarray(content[:, :8]).view(">u8").ravel()
        if len(self._heap) == self.BY_HASH:
            candidates = np.flatnonzero(hashes < np.uint64(-self._heap[0][0]))
        else:
            candidates = np.argsort(hashes, kind="stable")[: 2 * self.BY_HASH]
        for index in candidates.tolist():
            self._consider(int(hashes[index]), get(index))

    def _consider(self, hash_: int, record: Any) -> None:
        if hash_ in self._hashes or (isinstance(record, bytes) and len(record) > self.LONGEST):
            return
        if len(self._heap) < self.BY_HASH:
            heapq.heappush(self._heap, (-hash_, record))
        elif hash_ < -self._heap[0][0]:
            self._hashes.remove(-heapq.heappushpop(self._heap, (-hash_, record))[0])
        else:
            return
        self._hashes.add(hash_)

    def records(self) -> list[Any]:
        found = [*self._first, *(record for _, record in sorted(self._heap, key=lambda entry: -entry[0]))]
        return [json.loads(record) if isinstance(record, bytes) else record for record in found]


@contextmanager
def paused_gc() -> Iterator[None]:
    """No garbage collection: parsed records hold no cycles, and a collection would walk all of them."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class Judge:
    """Parses cut texts; `key` is the column of the owner's keys, `names` are for elements of arrays."""

    def __init__(self, *, key: str | None = None, names: tuple[str, ...] = ()) -> None:
        self.inventory = Inventory()
        self.sample = Sample()
        self._key = key
        self._names = names
        self.named = 0
        """How many records the names were given to."""

    def judge(self, cut: Cut, *, source: str, file: str, split: str | None) -> tuple[Chunk, list[Fault]]:
        """The records among the texts, which may be none, and a fault for each of the others."""
        with paused_gc():
            texts, keys, bad = self._parse(cut)
            content = content_hashes(texts)
        if len(self.inventory.signatures) > _MAX_SIGNATURES:
            self.inventory.settle()
        self.sample.offer(content, texts.__getitem__)
        lines, offsets = cut.lines, cut.offsets
        faults = []
        if bad:
            kept = np.ones(len(lines), bool)
            kept[list(bad)] = False
            for index, error in bad.items():
                place = int(lines[index]), int(offsets[index])
                faults.append(Fault(*place, error.reason, str(error), cut.texts[index][:HEAD_BYTES]))
            lines, offsets = lines[kept], offsets[kept]
        key_column = pa.array(keys, pa.string()) if self._key is not None else None
        chunk = Chunk(text_column(texts), content, key_column, source, split, file, lines, offsets)
        return chunk, faults

    def _parse(self, cut: Cut) -> tuple[list[bytes], list[str | None], dict[int, RecordError]]:
        """Good texts, their keys, and what is wrong with the text at each other index."""
        texts: list[bytes] = []
        keys: list[str | None] = []
        bad: dict[int, RecordError] = {}
        signatures, key, group = self.inventory.signatures, self._key, cut.group
        for index, text in enumerate(cut.texts):
            try:
                if len(text) > MAX_RECORD_BYTES:
                    raise RecordError("too_long", f"{len(text):,} bytes; records may have {MAX_RECORD_BYTES:,}")
                record = parse(text)
                if type(record) is not dict or group is not None:
                    text = self._shaped(text, record, cut)
                    record = parse(text)
            except RecordError as error:
                bad[index] = error
                continue
            texts.append(text)
            signatures[(*record, *map(type, record.values()))] = None
            if key is not None:
                keys.append(_written_key(record.get(key)))
        return texts, keys, bad

    def _shaped(self, text: bytes, record: Any, cut: Cut) -> bytes:
        """The text as an object, elements named and the group added."""
        written = text.decode()
        self.named += type(record) is not dict
        if type(record) is list and (cut.arrays or self._names):
            try:
                written = named(written, self._names or None)
            except ValueError as error:
                raise RecordError("ragged_row", str(error)) from None
        elif type(record) is not dict and len(self._names) == 1:
            written = f"{{{json.dumps(self._names[0], ensure_ascii=False)}: {written}}}"
        elif type(record) is not dict:
            kind = _TYPE_NAMES[type(record)]
            raise RecordError("not_an_object", f"a JSON {kind}; a record is an object (--columns names its parts)")
        if cut.group is None:
            return written.encode()
        if type(record) is dict and GROUP in record:
            raise Misuse(
                f"The records under {cut.group!r} have a key {GROUP!r} of their own.",
                next_step="Import one key at a time with --records KEY.",
            )
        return with_member(written, GROUP, cut.group).encode()


def _written_key(value: Any) -> str | None:
    if value is None or type(value) is str:
        return value
    return json.dumps(value, ensure_ascii=False)


def content_hashes(texts: Sequence[bytes]) -> np.ndarray:
    """First half of the sha256 of each text, shape (n, 16)."""
    sha256 = hashlib.sha256
    digests = b"".join([sha256(text).digest() for text in texts])
    return np.ascontiguousarray(np.frombuffer(digests, np.uint8).reshape(-1, 32)[:, :16])


def text_column(texts: Sequence[bytes]) -> pa.Array:
    """UTF-8 texts as a large_string column, without copying them twice."""
    lengths = np.fromiter(itertools.chain((0,), map(len, texts)), np.int64, len(texts) + 1)
    offsets = pa.py_buffer(np.cumsum(lengths))
    return pa.LargeStringArray.from_buffers(len(texts), offsets, pa.py_buffer(b"".join(texts)))
