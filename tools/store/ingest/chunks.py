"""What goes into reading and what comes out: sources and options, then chunks, rejects and facts.

It knows shapes only; how any of them is made is told elsewhere in this package.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping as Table
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from ...errors import Misuse, nearest

CHUNK_ROWS: Final = 65_536
CHUNK_BYTES: Final = 8 << 20
READ_BYTES: Final = 4 << 20
MAX_RECORD_BYTES: Final = 64 << 20
"""A longer record is rejected as too_long: parsed, it would take several times as much memory."""

HEAD_BYTES: Final = 200

FileKind = Literal["jsonl", "json", "csv", "text", "parquet", "arrow"]

NO_SPLIT: Final = "none"
"""The split of a source whose file names mean none."""


@dataclass(frozen=True)
class Copy:
    """A remote file as it was copied: `named` is the path of its source, `path` its own address, `at` where it lies.

    `split` is the one its name or folder speaks of;
    `revision` is what its server calls this content (an ETag, a blob id, a date), None when it says nothing.
    """

    named: str
    path: str
    at: str
    split: str | None
    revision: str | None
    sha256: str


@dataclass(frozen=True)
class Source:
    """One entry of a recipe's `sources`, or the files of one import, with what their owner declares.

    `split` is that of all its rows; None: the one that each file's name, folder or key speaks of; "none": none.
    `copies` are the files its remote paths stand for, once `remote.fetch` has brought them here.
    """

    name: str
    paths: tuple[str, ...]
    split: str | None = None
    license: str | None = None
    license_url: str | None = None
    terms: str | None = None
    retrieved: str | None = None
    url: str | None = None
    copies: tuple[Copy, ...] = ()

    def split_of(self, *told: str | None) -> str | None:
        """The split of rows of which these words speak, the nearest first."""
        if self.split == NO_SPLIT:
            return None
        return self.split or next(filter(None, told), None)

    def declared(self) -> dict[str, Any]:
        """What its owner says of it; paths and copies left out."""
        return {key: value for key, value in asdict(self).items() if key not in ("paths", "copies")}


@dataclass(frozen=True)
class ReadOptions:
    """How files are read where we shall not guess.

    `format`, `map`: the mapping's format and role -> path. `id`: column with the owner's key.
    `encoding`: of text files, any Python codec. `kind`: what the files are, whatever their names say.
    `delimiter`, `quote` ("" for none), `header`: the CSV dialect. `columns`: names for CSV columns or
    for the elements of array records. `records`: key of a JSON object that holds the records.
    `text_unit`: what a record of a text file is (default line, for Markdown the file).
    """

    format: str | None = None
    map: dict[str, str] = field(default_factory=dict)
    id: str | None = None
    encoding: str = "utf-8"
    kind: FileKind | None = None
    delimiter: str | None = None
    quote: str | None = None
    header: bool = True
    columns: tuple[str, ...] = ()
    records: str | None = None
    text_unit: Literal["line", "paragraph", "file"] | None = None

    def __post_init__(self) -> None:
        twice = [name for name in self.columns if self.columns.count(name) > 1]
        if twice:
            raise Misuse(f"--columns names {twice[0]!r} twice.")
        for option, sign in (("delimiter", self.delimiter), ("quote", self.quote or None)):
            if sign is not None and len(sign) != 1:
                raise Misuse(f"--{option} must be one character, not {sign!r}.")

    @classmethod
    def from_args(cls, args: Table[str, Any]) -> ReadOptions:
        """Options from a recipe or a command line; Misuse names what is wrong."""
        from pydantic import TypeAdapter, ValidationError

        for name in args:
            if name not in cls.__dataclass_fields__:
                hint = nearest(name, cls.__dataclass_fields__)
                raise Misuse(f"Reading has no option {name!r}.", next_step=hint)
        try:
            return TypeAdapter(cls).validate_python(dict(args))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise Misuse(f"The reading option {place} is wrong: {first['msg']}.") from None


@dataclass(frozen=True)
class Chunk:
    """Records of one file in their order, at most CHUNK_ROWS and about CHUNK_BYTES.

    `records`: JSON texts as they came (large_string), or typed rows (struct). `content`, shape (n, 16)
    uint8: first half of the sha256 of each record's bytes, or of `columnar`'s canonical encoding.
    `keys`: the owner's keys (string) when they were asked for. `lines`: 1-based line where a record
    begins, for typed rows its number. `offsets`: byte where it begins in the decompressed file (with
    --encoding: in its UTF-8 form), -1 for typed rows.
    """

    records: pa.Array
    content: np.ndarray
    keys: pa.Array | None
    source: str
    split: str | None
    file: str
    lines: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True)
class Reject:
    """A record that could not be kept, and why; `head` is its first 200 bytes in base64."""

    file: str
    line: int
    offset: int
    reason: str
    message: str
    head: str


@dataclass(frozen=True)
class FileRead:
    """What was read from one file. `torn`: its end could not be told apart, and one reject stands for it."""

    path: str
    source: str
    split: str | None
    kind: FileKind
    sha256: str
    size: int
    rows: int
    rejected: int
    blank: int
    compression: str | None = None
    dialect: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    torn: bool = False
    revision: str | None = None


# Between splitting a file and judging its records.


@dataclass(frozen=True)
class Cut:
    """Record texts cut out of a file, not judged yet, with the line and byte where each begins.

    `blank` counts empty lines among them. Elements of a JSON array of arrays are `arrays`: they become
    objects. `group` is added to each record as a member of that name.
    """

    texts: list[bytes]
    lines: np.ndarray
    offsets: np.ndarray
    blank: int = 0
    split: str | None = None
    group: str | None = None
    arrays: bool = False


@dataclass(frozen=True)
class Fault:
    """What a splitter could not cut into a record."""

    line: int
    offset: int
    reason: str
    message: str
    head: bytes
    torn: bool = False

    def reject(self, file: str) -> Reject:
        head = base64.b64encode(self.head[:HEAD_BYTES]).decode()
        return Reject(file, self.line, self.offset, self.reason, self.message, head)


class Gathering:
    """Texts on their way into a Cut, one after another; `full` says when to take them."""

    def __init__(self, *, split: str | None = None, group: str | None = None, arrays: bool = False) -> None:
        self.blank = 0
        self._common: dict[str, Any] = {"split": split, "group": group, "arrays": arrays}
        self._start()

    def _start(self) -> None:
        self._texts: list[bytes] = []
        self._lines: list[int] = []
        self._offsets: list[int] = []
        self._size = 0

    def add(self, text: bytes, line: int, offset: int) -> None:
        self._texts.append(text)
        self._lines.append(line)
        self._offsets.append(offset)
        self._size += len(text)

    @property
    def full(self) -> bool:
        return self._size >= READ_BYTES or len(self._texts) >= CHUNK_ROWS

    def take(self) -> Cut:
        """What was gathered since the last time."""
        lines, offsets = np.array(self._lines, np.int64), np.array(self._offsets, np.int64)
        cut = Cut(self._texts, lines, offsets, self.blank, **self._common)
        self._start()
        self.blank = 0
        return cut


def import_with(paths: str, option: str, name: str = "NAME") -> str:
    """The command that knows an option of reading, whichever command met the file; `paths` as a shell takes them."""
    return f"tilth import {name} {paths} {option}"
