"""CSV and TSV: a row becomes a JSON object of strings in the order of the header.

It knows dialects and physical lines. A cell stays the text it is; a row of another width, or a quote
that does not close, is a fault and never silently another shape.
"""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any, Final

from ...errors import BadInput, Misuse
from .chunks import MAX_RECORD_BYTES, Cut, Fault, Gathering, ReadOptions, import_with
from .lines import blocks, split_lines, starts, too_long
from .streams import ByteStream

SAMPLE_BYTES: Final = 256 << 10
_DELIMITERS: Final = (",", "\t", ";", "|")
_INTEGER = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Dialect:
    """How cells are told apart. `quote`: "" for none. `escape`: "" when quotes in a cell are doubled."""

    delimiter: str = ","
    quote: str = '"'
    escape: str = ""

    def reader(self, lines: Iterator[str]) -> Any:
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            escapechar=self.escape or None,
            doublequote=not self.escape,
            strict=True,
        )

    def told(self, *, header: bool) -> dict[str, str]:
        named = {"delimiter": self.delimiter, "quote": self.quote, "escape": self.escape}
        return {**named, "header": "yes" if header else "no"}


def sniff(stream: ByteStream, options: ReadOptions) -> Dialect:
    """The dialect under which most rows of the head are as wide as the first; the head stays unread.

    Quotes are '"' unless told otherwise; only tab-separated text may turn out to have none. BadInput when the header
    names several columns and only a single one would fit the rows.
    """
    head = stream.head(SAMPLE_BYTES)
    whole = len(head) < SAMPLE_BYTES
    lines = split_lines(head if whole else head[: head.rfind(b"\n") + 1])
    texts = [line.decode("latin-1") + "\n" for line in lines]
    scored = []
    for dialect in _dialects(options, "\t" if _is_tsv(stream.path) else None, b'\\"' in head):
        rows = list(_rows(dialect, texts, whole=whole))
        scored.append((_score(rows), dialect, rows))
    scored.sort(key=lambda one: -one[0])  # of equals the more usual, which came first
    if options.header and _width(scored[0][2]) == 1:
        for _, dialect, rows in scored:
            _refuse_ragged(stream.path, dialect, rows)
    return scored[0][1]


_Row = tuple[int, list[str]]
"""The line a row ends on, and its cells; [] for one that cannot be read."""


def _refuse_ragged(path: str, dialect: Dialect, rows: list[_Row]) -> None:
    """BadInput for a header of several columns that other rows do not have."""
    width = _width(rows)
    line, row = next(((line, row) for line, row in rows if row and len(row) != width), (0, []))
    if width < 2 or not row:
        return
    shell, sign = shlex.quote(path), shlex.quote(dialect.delimiter)
    raise BadInput(
        f"{path}:{line} has {_cells(len(row))}, its header {width} (told apart by "
        f"{dialect.delimiter!r}), and so it is with most rows.",
        next_step=f"Repair them; or leave out what does not fit: {import_with(shell, f'--delimiter {sign} --max-reject 1')}; "
        f"or read plain lines: {import_with(shell, '--kind text')}",
    )


def _is_tsv(path: str) -> bool:
    return re.search(r"\.(tsv|tab)(\.|$)", path.lower()) is not None


def _dialects(options: ReadOptions, delimiter: str | None, escapes: bool) -> Iterator[Dialect]:
    """Candidates, the more usual first."""
    named = options.delimiter or delimiter
    for sign in (named,) if named else _DELIMITERS:
        if options.quote is not None:
            yield Dialect(sign, options.quote)
            continue
        yield Dialect(sign)
        if escapes:
            yield Dialect(sign, '"', "\\")
        if sign == "\t":
            yield Dialect(sign, "")


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"


def _rows(dialect: Dialect, texts: list[str], *, whole: bool) -> Iterator[_Row]:
    """The rows of the head, blank ones left out; an unread end counts only when it is the file's."""
    reader = dialect.reader(iter(texts))
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if whole or "unexpected end" not in str(error):
                yield reader.line_num, []
            continue
        if row:
            yield reader.line_num, row


def _width(rows: list[_Row]) -> int:
    """Columns of the first row that can be read."""
    return next((len(row) for _, row in rows if row), 0)


def _score(rows: list[_Row]) -> float:
    """Share of rows as wide as the first; half of it when there is one column only."""
    width = _width(rows)
    good = sum(len(row) == width for _, row in rows if row)
    return good / max(len(rows), 1) * (1.0 if width > 1 else 0.5)


class Cells:
    """Which columns hold nothing but integers or numbers, over all files read."""

    def __init__(self) -> None:
        self._kinds: dict[str, str | None] = {}

    def look(self, names: list[str], rows: list[list[str]]) -> None:
        for index, name in enumerate(names):
            kind = self._kinds.get(name, "integer")
            if kind is None:
                continue
            values = [row[index] for row in rows if row[index]]
            if not values:
                continue
            if kind == "integer" and not all(map(_INTEGER.fullmatch, values)):
                kind = "number"
            if kind == "number" and not all(map(_NUMBER.fullmatch, values)):
                kind = None
            self._kinds[name] = kind

    def found(self) -> dict[str, str]:
        return {name: kind for name, kind in self._kinds.items() if kind}


class _Feed:
    """Lines for csv.reader that remembers which of them the row being read has taken."""

    def __init__(self, stream: ByteStream) -> None:
        self._blocks = blocks(stream)
        self._lines: list[bytes] = []
        self._offsets: list[int] = []
        self._number = 1  # of the first line held
        self._row = self._next = 0  # where the row begins, and the line to be taken next
        self.faults: list[Fault] = []
        self.ended = False
        self.skipped = False
        """Whether a line too long to read, rejected by itself, lies in the row."""

    def __iter__(self) -> Iterator[str]:
        while True:
            while self._next < len(self._lines):
                line = self._lines[self._next]
                self._next += 1
                yield line.decode("utf-8", "surrogateescape") + "\n"
            self._refill()
            if self.ended:
                return

    def _refill(self) -> None:
        """Hold the next block behind the lines of the row being read."""
        block = next(self._blocks, None)
        if block is None:
            self.ended = True
            return
        del self._lines[: self._row], self._offsets[: self._row]
        self._number += self._row
        self._next -= self._row
        self._row = 0
        if block.skipped:
            self.faults.append(too_long(block, self._number + len(self._lines)))
            self._lines.append(b"")
            self._offsets.append(block.offset)
            self.skipped = True
            return
        lines = split_lines(block.data)
        self._lines += lines
        self._offsets += starts(lines, block.offset).tolist()

    def begin(self) -> None:
        """The next line taken begins a row."""
        self._row = self._next
        self.skipped = False

    def give_back(self) -> None:
        """The last line taken is to be taken again."""
        self._next -= 1

    @property
    def place(self) -> tuple[int, int]:
        """Number and offset of the row's first line."""
        return self._number + self._row, self._offsets[self._row]

    @property
    def taken(self) -> int:
        """How many lines the row has taken."""
        return self._next - self._row

    def text(self) -> bytes:
        return b"\n".join(self._lines[self._row : self._next])

    def reject(self, reason: str, message: str) -> None:
        """A fault for the row as a whole."""
        self.faults.append(Fault(*self.place, reason, message, self.text()))

    def reject_lines(self, reason: str, message: str) -> None:
        """A fault for every line of the row."""
        for index in range(self._row, self._next):
            place = self._number + index, self._offsets[index]
            self.faults.append(Fault(*place, reason, message, self._lines[index]))


def cut_csv(stream: ByteStream, dialect: Dialect, options: ReadOptions, cells: Cells) -> Iterator[Cut | Fault]:
    """Every row as a JSON object of strings. BadInput or Misuse when the header cannot name the columns."""
    before = csv.field_size_limit(MAX_RECORD_BYTES)
    try:
        yield from _Table(stream, dialect, options, cells).cut()
    finally:
        csv.field_size_limit(before)


class _Table:
    """One CSV file being read."""

    def __init__(self, stream: ByteStream, dialect: Dialect, options: ReadOptions, cells: Cells) -> None:
        self._path = stream.path
        self._options = options
        self._cells = cells
        self._feed = _Feed(stream)
        self._reader = dialect.reader(iter(self._feed))
        self._clean = _clean_row(dialect)
        self._wary = False  # the line at hand was given back by a row that went wrong in it
        self._names: list[str] = []
        self._prefixes: list[str] = []
        self._rows: list[list[str]] = []
        self._gathering = Gathering()

    def cut(self) -> Iterator[Cut | Fault]:
        while (row := self._next_row()) is not None:
            if row:
                self._add(row)
            if self._feed.faults:
                yield from self._feed.faults
                self._feed.faults.clear()
            if self._gathering.full:
                yield self._take()
        yield from self._feed.faults
        yield self._take()

    def _next_row(self) -> list[str] | None:
        """The next row, [] for one that went wrong and is noted among the faults, None at the end."""
        self._feed.begin()
        try:
            row: list[str] = next(self._reader)
        except StopIteration:
            return None
        except csv.Error as error:
            if not self._names:
                raise BadInput(f"{self._path}: its first row cannot be read ({error}).") from None
            self._note_broken(str(error))
            return []
        if self._feed.skipped:
            if self._feed.taken > 1:
                self._feed.reject("too_long", "one of the row's lines is too long to read")
            return []
        if not row or (len(row) == 1 and len(self._names) > 1 and not row[0].strip()):
            self._gathering.blank += 1
            return []
        return row

    def _note_broken(self, error: str) -> None:
        """Faults for the lines of a row that csv gave up.

        A quote that is not closed swallows lines up to the next quote, or to the end. What they were meant
        to be cannot be known, so each is rejected; the line with the next quote is read again, with suspicion.
        """
        feed = self._feed
        self._wary = feed.taken > 1 and not feed.ended
        if self._wary:
            feed.give_back()
        if self._wary or feed.ended:
            message = f"inside a quote opened on line {feed.place[0]:,} that does not close"
            feed.reject_lines("unterminated_quote", message)
        elif "new-line" in error:
            feed.reject("stray_return", "a carriage return inside a cell that is not quoted")
        else:
            feed.reject("bad_quoting", error)

    def _add(self, row: list[str]) -> None:
        if not self._names:
            self._names = _names(row, self._options, self._path)
            self._prefixes = [f"{encode_basestring(name)}: " for name in self._names]
            if self._options.header:
                return
        if len(row) != len(self._names):
            self._feed.reject("ragged_row", f"{_cells(len(row))} for {len(self._names)} columns")
        elif self._wary and not self._clean.fullmatch(self._feed.text()):
            self._feed.reject("bad_quoting", "a quote inside a cell that is not quoted")
        else:
            cells = [prefix + encode_basestring(cell) for prefix, cell in zip(self._prefixes, row, strict=True)]
            text = f"{{{', '.join(cells)}}}".encode("utf-8", "surrogateescape")
            self._gathering.add(text, *self._feed.place)
            self._rows.append(row)
        self._wary = False

    def _take(self) -> Cut:
        self._cells.look(self._names, self._rows)
        self._rows.clear()
        return self._gathering.take()


def _clean_row(dialect: Dialect) -> re.Pattern[bytes]:
    """A row whose quotes do nothing but surround cells."""
    quote, delimiter = re.escape(dialect.quote or '"'), re.escape(dialect.delimiter)
    inside = rf"(?:[^{quote}\\]|\\.)*" if dialect.escape else rf"(?:[^{quote}]|{quote}{quote})*"
    cell = rf"(?:{quote}{inside}{quote}|[^{quote}{delimiter}]*)"
    return re.compile(rf"{cell}(?:{delimiter}{cell})*\r?".encode(), re.DOTALL)


def _names(row: list[str], options: ReadOptions, path: str) -> list[str]:
    """The columns' names: as told, else the header, else "0", "1", …; no name twice."""
    names = list(options.columns) or (row if options.header else [str(index) for index in range(len(row))])
    if len(names) != len(row):
        raise Misuse(f"{path} has {len(row)} columns, --columns names {len(names)}.")
    repeated = {name: [i + 1 for i, other in enumerate(names) if other == name] for name in names}
    twice = [f"{name!r} (columns {', '.join(map(str, at))})" for name, at in repeated.items() if len(at) > 1]
    if twice:
        raise BadInput(
            f"{path}: its header names {'; '.join(twice)} more than once.",
            next_step=f"Name them: {import_with(shlex.quote(path), '--columns a,b,…')}",
        )
    if not "".join(names).isascii():
        try:
            "".join(names).encode()
        except UnicodeEncodeError:
            raise BadInput(
                f"{path}: its header is not UTF-8.",
                next_step=f"Name its encoding: {import_with(shlex.quote(path), '--encoding latin-1')}",
            ) from None
    return names
