"""The way in: sources are opened, cut into records, judged, and handed out as chunks.

It knows the order of things and what was read so far. It does not know how a format is cut (the modules
beside it) nor what becomes of the chunks.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from ...errors import Misuse, nearest
from ..format import detect
from ..format.mapping import Mapping
from ..format.texts import plain_values
from . import columnar, delimited, documents, files, lines, text
from .chunks import Chunk, Cut, Fault, FileKind, FileRead, ReadOptions, Reject, Source
from .judge import MAX_COLUMNS, Judge
from .streams import STDIN, ByteStream

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Input:
    """One file to read."""

    path: str
    at: str
    source: Source
    split: str | None
    size: int
    typed: columnar.TypedFile | None
    revision: str | None


class Reader:
    """Iterates over the chunks of all files of `sources`, in order.

    Every record read is either in a chunk or given to `on_reject`; blank lines are counted apart. After
    the last chunk `files`, `read`, `blank`, `rejects` (by reason), `mapping` and `candidates` are
    complete. `progress` is told bytes read and bytes in all (0 when standard input is among them).
    Misuse or BadInput, before anything is read where that can be known: no such file, JSON and typed
    files together, typed files of different schemas.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        options: ReadOptions,
        *,
        on_reject: Callable[[Reject], None],
        progress: Progress | None = None,
    ) -> None:
        self.files: list[FileRead] = []
        self.read = 0
        self.blank = 0
        self.rejects: Counter[str] = Counter()
        self.notes: list[str] = []
        self._options = options
        self._on_reject = on_reject
        self._progress = progress
        self._inputs = _inputs(sources, options)
        self._total = 0 if any(one.path == STDIN for one in self._inputs) else sum(one.size for one in self._inputs)
        self._done = 0
        typed = [one.typed for one in self._inputs if one.typed]
        self.schema: pa.Schema | None = columnar.common_schema(typed) if typed else None
        self._judge = Judge(key=options.id, names=options.columns)
        self._cells = delimited.Cells()

    def __iter__(self) -> Iterator[Chunk]:
        for one in self._inputs:
            self._judge.sample.open_file()
            yield from self._read_text(one) if one.typed is None else self._read_typed(one, one.typed)
            self._done += one.size

    # What was read, once everything is.

    @cached_property
    def candidates(self) -> list[tuple[float, Mapping]]:
        """Every format that fits some records, best first, with its score."""
        found = detect.detect(self._sample, inventory=self._columns, kind="typed" if self.schema else "json")
        if self.files and all(file.kind == "csv" for file in self.files):
            cells = self._cells.found()
            found = [(score, replace(mapping, cells=cells)) for score, mapping in found]
        return found

    @cached_property
    def mapping(self) -> Mapping:
        """That of the best candidate, or as the options say; Misuse when they do not fit the records."""
        key = self._options.id
        if key is not None and key not in self._columns:
            raise Misuse(f"--id {key}: no record has this key.", next_step=nearest(key, self._columns))
        options = self._options
        return detect.choose(self.candidates, self._sample, format=options.format, paths=options.map)

    @cached_property
    def _columns(self) -> dict[str, tuple[str, ...]]:
        if self.schema is not None:
            return {field.name: (str(field.type),) for field in self.schema}
        columns = self._judge.inventory.columns()
        if self._judge.inventory.overflowed:
            self.notes.append(f"more than {MAX_COLUMNS:,} different keys; the mapping lists the first")
        return columns

    @cached_property
    def _sample(self) -> list[Any]:
        return self._judge.sample.records()

    # One file.

    def _read_text(self, one: _Input) -> Iterator[Chunk]:
        tally, named = _Tally(), self._judge.named
        with ByteStream(one.path, at=one.at, encoding=self._options.encoding, on_bytes=self._tell) as stream:
            kind, dialect, notes, parts = self._cutter(stream)
            for part in parts:
                if isinstance(part, Fault):
                    self._reject(part, one.path, tally)
                    continue
                split = one.source.split_of(part.split, one.split)
                chunk, faults = self._judge.judge(part, source=one.source.name, file=one.path, split=split)
                for fault in faults:
                    self._reject(fault, one.path, tally)
                self.blank += part.blank
                tally.blank += part.blank
                yield from self._counted(chunk, tally)
            sha, size = stream.finish()
        if kind != "csv" and tally.rows and self._judge.named == named:
            _refuse_columns(one.path, self._options)
        file = self._file_read(one, kind, sha, size, tally)
        self.files.append(replace(file, compression=stream.compression, dialect=dialect, notes=notes))

    def _file_read(self, one: _Input, kind: FileKind, sha: str, size: int, tally: _Tally) -> FileRead:
        split = one.source.split_of(one.split)
        counts = tally.rows, tally.rejected, tally.blank
        return FileRead(
            one.path, one.source.name, split, kind, sha, size, *counts, torn=tally.torn, revision=one.revision
        )

    def _cutter(self, stream: ByteStream) -> _Cutter:
        """What the file holds and how it is cut: kind, dialect, notes, and the cuts themselves."""
        options = self._options
        kind = options.kind or files.text_kind(stream)
        if kind == "jsonl":
            return kind, {}, (), lines.cut_lines(stream)
        if kind == "json":
            shape = documents.survey(stream, options.records)
            return kind, {}, shape.notes, documents.cut_document(stream, shape)
        if kind == "csv":
            dialect = delimited.sniff(stream, options)
            told = dialect.told(header=options.header)
            return kind, told, (), delimited.cut_csv(stream, dialect, options, self._cells)
        default: text.Unit = "file" if files.suffix_of(stream.path) in files.MARKDOWN else "line"
        return kind, {}, (), text.cut_text(stream, options.text_unit or default)

    def _read_typed(self, one: _Input, file: columnar.TypedFile) -> Iterator[Chunk]:
        assert self.schema is not None
        tally = _Tally()
        number = 1
        for batch in file.batches():
            numbers = np.arange(number, number + len(batch))
            number += len(batch)
            bad = columnar.undecodable(batch)
            if bad:
                for index in bad:
                    message = "a text of this row is not UTF-8, or a value contradicts its type"
                    self._reject(Fault(int(numbers[index]), -1, "not_utf8", message, b""), one.path, tally)
                kept = np.setdiff1d(np.arange(len(batch)), bad)
                batch, numbers = batch.take(pa.array(kept)), numbers[kept]
            yield from self._counted(self._typed_chunk(batch, numbers, one), tally)
            self._tell(one.size * (number - 1) // max(file.rows, number - 1, 1))
        self.files.append(self._file_read(one, file.kind, file.sha256(), one.size, tally))

    def _typed_chunk(self, batch: pa.RecordBatch, numbers: np.ndarray, one: _Input) -> Chunk:
        rows = columnar.rows_of(batch, self.schema)
        content = columnar.typed_content(rows)
        self._judge.sample.offer(content, lambda index: plain_values(rows.slice(index, 1))[0])
        key = self._options.id
        keys = columnar.keys_of(batch, key) if key is not None and key in batch.schema.names else None
        offsets = np.full(len(numbers), -1, np.int64)
        split = one.source.split_of(one.split)
        return Chunk(rows, content, keys, one.source.name, split, one.path, numbers, offsets)

    # Keeping count.

    def _counted(self, chunk: Chunk, tally: _Tally) -> Iterator[Chunk]:
        count = len(chunk.lines)
        self.read += count
        tally.rows += count
        if count:
            yield chunk

    def _reject(self, fault: Fault, path: str, tally: _Tally) -> None:
        self.read += 1
        self.rejects[fault.reason] += 1
        tally.rejected += 1
        tally.torn |= fault.torn
        self._on_reject(fault.reject(path))

    def _tell(self, done: int) -> None:
        if self._progress is not None:
            self._progress(self._done + done, self._total)


_Cutter: TypeAlias = tuple[FileKind, dict[str, str], tuple[str, ...], Iterator[Cut | Fault]]


class _Tally:
    """Counts of one file."""

    def __init__(self) -> None:
        self.rows = self.rejected = self.blank = 0
        self.torn = False


def _inputs(sources: Sequence[Source], options: ReadOptions) -> list[_Input]:
    """Every file to read, in order."""
    found = [(source, file) for source in sources for file in files.find_files(source)]
    inputs = []
    for source, file in found:
        kind = options.kind or files.typed_kind(file.at)
        typed = columnar.TypedFile(file.path, kind, at=file.at) if kind == "parquet" or kind == "arrow" else None
        size = 0 if file.path == STDIN else os.path.getsize(file.at)
        revision = file.copy.revision if file.copy else None
        inputs.append(_Input(file.path, file.at, source, file.split, size, typed, revision))
    with_types = [one.path for one in inputs if one.typed]
    without = [one.path for one in inputs if not one.typed]
    if with_types and without:
        raise Misuse(
            f"{with_types[0]} holds typed rows, {without[0]} does not; one dataset holds one or the other.",
            next_step="Import them under two names.",
        )
    if with_types and options.encoding != ReadOptions.encoding:
        raise Misuse(f"--encoding says nothing about {with_types[0]}: its text is UTF-8.")
    if with_types:
        _refuse_columns(with_types[0], options)
    return inputs


def _refuse_columns(path: str, options: ReadOptions) -> None:
    """Names for columns are refused where every record has names of its own."""
    if options.columns:
        next_step = "Leave the option out; it names the cells of CSV and the elements of arrays."
        raise Misuse(f"--columns says nothing about {path}: its records have names already.", next_step=next_step)
