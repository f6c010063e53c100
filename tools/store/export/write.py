"""Writing a version's rows as files: format, splits, losses, and the proof that every file loads.

It knows how rows, shapes, splits and kinds of file come together. It does not know cards, folders or the
ledger.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ...errors import Misuse, Refused
from ..disk import sha256
from ..format.mapping import Mapping as RecordMapping
from ..rows import Batch, Rows
from . import files, numerals, proof, shapes, splits, trainers, typed, uniform
from .formats import is_native, possible, written_mapping
from .options import Options, options

DATA: Final = "data"

LOSSES: Final[dict[str, str]] = {
    **shapes.LOSSES,
    **uniform.LOSSES,
    **typed.LOSSES,
    "empty": "null and missing values become empty cells, as empty texts do",
    "nested": "lists and objects become JSON texts in their cells",
    "formulas": "a cell begins with =, @, + or -, and a spreadsheet may run it; it is written as it is",
    "escaped": "a cell begins with =, @, + or -; it gets an apostrophe before it",
    "columns_null": "a key that a row lacks is stored as null, and keys stand in one order",
    "doubles": "numbers with a fraction are stored in 64 bits",
    "big_integers": "integers beyond 64 bits become floating point",
}


@dataclass(frozen=True)
class File:
    """One written file; `split` is None for a file that holds no rows."""

    path: str
    sha256: str
    bytes: int
    rows: int
    split: str | None


@dataclass(frozen=True)
class Loss:
    """Something the written records do not say as the dataset's records did, in `rows` rows."""

    code: str
    message: str
    rows: int


@dataclass(frozen=True)
class Written:
    """What was written. `schema` holds for all data files, `features` are its types as a hub card names them
    (None where a loader needs none), `mapping` reads the records."""

    options: Options
    rows: int
    files: tuple[File, ...]
    losses: tuple[Loss, ...]
    shares: tuple[Mapping[str, Any], ...]
    schema: pa.Schema
    features: tuple[Mapping[str, Any], ...] | None
    mapping: RecordMapping
    notes: tuple[str, ...]

    @property
    def splits(self) -> list[str]:
        return [file.split for file in self.files if file.split is not None]

    def paste(self, dataset: str, folder: str) -> str:
        """The line to paste for the trainer asked for; "" without one."""
        if self.options.trainer is None:
            return ""
        return trainers.paste(
            self.options.trainer, dataset, self.options.format, self.splits, self.schema.names, folder
        )


def write_data(
    rows: Rows,
    folder: Path,
    *,
    format: str | None = None,
    split: Mapping[str, float] | None = None,
    group_by: str | None = None,
    uniform: bool = False,
    trainer: str | None = None,
    seed: int = 0,
    escape_formulas: bool = False,
    dataset: str = "dataset",
    earlier: Iterable[Rows] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Write all rows below `folder` (data/<split>.<kind>, and a trainer's configuration) and read every file
    back.

    `earlier` are the versions the rows came from (`splits.earlier`), needed only where rows were edited and a
    split is asked. Raises Misuse for what cannot be asked of this data; Refused when a row does not fit the
    format, an asked split is empty, or a file would not load: the row, its source and the column are named.
    """
    asked, notes = options(
        rows.mapping,
        format=format,
        split=split,
        group_by=group_by,
        uniform=uniform,
        trainer=trainer,
        seed=seed,
        escape_formulas=escape_formulas,
    )
    if not len(rows):
        raise Refused("The version holds no rows; there is nothing to export.")
    plan = splits.plan(rows, asked=asked.split, group_by=group_by, seed=seed, earlier=earlier)
    writing = _Writing(rows, folder, asked, plan, progress or (lambda done, total: None))
    paths = writing.run()
    loaded = proof.proved(rows, plan, paths, asked)
    found = [_file(folder, path, name, count) for path, (name, count) in zip(paths, plan.counts().items(), strict=True)]
    mapping = written_mapping(rows.mapping, asked.format, loaded.schema.names)
    if asked.trainer is not None:
        path = folder / trainers.FILE[asked.trainer]
        path.write_bytes(
            trainers.fragment(
                asked.trainer, dataset, asked.format, list(plan.names), loaded.schema.names, paths[0].suffix
            )
        )
        found.append(_file(folder, path, None, 0))
    return Written(
        options=asked,
        rows=len(rows),
        files=tuple(found),
        losses=tuple(Loss(code, LOSSES[code], count) for code, count in sorted(writing.losses.items()) if count),
        shares=tuple(splits.shares_reached(plan)),
        schema=loaded.schema,
        features=proof.features_told(asked, loaded),
        mapping=mapping,
        notes=(*notes, *writing.notes, *_split_notes(plan, asked), *proof.load_notes(asked, loaded)),
    )


class _Writing:
    """All rows of a version on their way into one file a split."""

    def __init__(
        self,
        rows: Rows,
        folder: Path,
        asked: Options,
        plan: splits.Plan,
        progress: Callable[[int, int], None],
    ) -> None:
        self.losses: Counter[str] = Counter()
        self.notes: list[str] = []
        self._rows = rows
        self._folder = folder / DATA
        self._asked = asked
        self._plan = plan
        self._progress = progress
        self._reshape = shapes.Reshape(rows.mapping, asked.format, one_type=asked.uniform)
        self._unfit: tuple[int, int, str] = (0, -1, "")
        self._disliked: tuple[int, int, str] = (0, -1, "")

    def run(self) -> list[Path]:
        """The files written, in the order of the plan's names."""
        self._folder.mkdir(parents=True)
        if self._asked.format == "csv":
            paths = self._write_cells()
        elif self._asked.format == "parquet":
            paths = self._write_tables()
        else:
            paths = self._write_lines(self._folder)
        self._refuse_unfit()
        self.losses.update(self._reshape.losses)
        count, position, why = self._disliked
        if count:
            first = proof.row_name(self._rows, position)
            self.notes.append(f"{count:,} rows suit {self._asked.trainer} badly, first {first}: {why}.")
        return paths

    def _refuse_unfit(self) -> None:
        count, position, why = self._unfit
        if count:
            where = proof.named(self._rows, position)
            others = f", and {count - 1:,} more rows do not fit either" if count > 1 else ""
            others_fit = ", ".join(one for one in possible(self._rows.mapping) if one != self._asked.format)
            repair = "Repair or drop such rows ('tilth do filter.chat' for chats)"
            ways = "Drop such rows" if why.endswith(shapes.UNHELD) else repair
            next_step = f"{ways}, or choose another --format: {others_fit}."
            raise Refused(f"{where} cannot be written as {self._asked.format}: {why}{others}.", next_step=next_step)

    def _pieces(self, columns: tuple[str, ...] = ("record",)) -> Iterator[tuple[int, np.ndarray, Batch]]:
        """(code of a split, positions, their rows) through the whole version."""
        for batch in self._rows.batches(columns):
            codes = self._plan.codes[batch.start : batch.start + len(batch)]
            for code in np.unique(codes).tolist():
                at = np.flatnonzero(codes == code)
                table = batch.table if len(at) == len(batch) else batch.table.take(pa.array(at))
                yield code, batch.start + at, Batch(batch.start, table)
            self._progress(batch.start + len(batch), len(self._rows))

    def _write_lines(self, folder: Path) -> list[Path]:
        paths = [folder / f"{name}.jsonl" for name in self._plan.names]
        with ExitStack() as stack:
            out = [stack.enter_context(files.Lines(path)) for path in paths]
            for code, positions, batch in self._pieces():
                out[code].write(self._texts(positions, batch))
        return paths

    def _texts(self, positions: np.ndarray, batch: Batch) -> list[str]:
        """The records of a batch as JSON texts in the format."""
        column = batch.column("record")
        as_they_came = is_native(self._rows.mapping, self._asked.format) and not self._asked.uniform
        if as_they_came and not pa.types.is_struct(column.type) and self._asked.trainer is None:
            return list(column.to_pylist())
        texts = []
        raw = column.to_pylist() if not pa.types.is_struct(column.type) else []
        for i, record in enumerate(self._records(column)):
            try:
                made = self._reshape(record)
            except shapes.Unfit as error:
                self._unfit = _counted(self._unfit, int(positions[i]), str(error))
                continue
            self._ask_trainer(int(positions[i]), made)
            texts.append(raw[i] if as_they_came and raw else numerals.write(made))
        return texts

    def _ask_trainer(self, position: int, made: Mapping[str, Any]) -> None:
        if self._asked.trainer is not None:
            why = trainers.check_record(self._asked.trainer, self._asked.format, made)
            if why:
                self._disliked = _counted(self._disliked, position, why)

    def _records(self, column: pa.Array) -> Iterable[Any]:
        if not pa.types.is_struct(column.type):
            return map(numerals.read, column.to_pylist())
        try:
            values = typed.json_values(column, self.losses)
        except pa.ArrowNotImplementedError as error:
            raise Misuse(
                f"A column cannot be written as text: {error}.", next_step="--format parquet keeps it."
            ) from None
        self.losses.update(dict.fromkeys(typed.losses_of(column.type), len(column)))
        return values

    def _write_cells(self) -> list[Path]:
        columns = list(self._rows.mapping.columns)
        while True:
            try:
                return self._write_cells_under(columns)
            except files.NewColumn as error:
                columns.append(error.name)
                self.losses.clear()

    def _write_cells_under(self, columns: list[str]) -> list[Path]:
        paths = [self._folder / f"{name}.csv" for name in self._plan.names]
        with ExitStack() as stack:
            for path in paths:
                path.unlink(missing_ok=True)
            escape = self._asked.escape_formulas
            out = [stack.enter_context(files.Cells(path, columns, escape_formulas=escape)) for path in paths]
            for code, _, batch in self._pieces():
                out[code].write(self._records(batch.column("record")))
        for one in out:
            self.losses.update(one.losses)
        return paths

    def _write_tables(self) -> list[Path]:
        if pa.types.is_struct(self._rows.schema(["record"]).field("record").type):
            return self._write_typed()
        aside = self._folder / ".lines"
        aside.mkdir()
        lines = self._write_lines(aside)
        schema = proof.proved(self._rows, self._plan, lines, self._asked).schema
        schema = pa.schema([field.with_type(_as_written(field.type)) for field in schema])
        paths = []
        for source in lines:
            paths.append(self._folder / f"{source.stem}.parquet")
            with _storable():
                files.lines_to_table(source, paths[-1], schema, self.losses)
        shutil.rmtree(aside)
        self.losses["columns_null"] = len(self._rows)
        if any(_holds_double(field.type) for field in schema):
            self.losses["doubles"] = len(self._rows)
        return paths

    def _write_typed(self) -> list[Path]:
        paths = [self._folder / f"{name}.parquet" for name in self._plan.names]
        kind = self._rows.schema(["record"]).field("record").type
        schema = pa.schema([kind.field(i) for i in range(kind.num_fields)])
        with ExitStack() as stack, _storable():
            out = [stack.enter_context(files.Table(path, schema)) for path in paths]
            for code, _, batch in self._pieces():
                out[code].write(files.flat(batch.column("record")))
        return paths


class _storable:
    """Names what Parquet cannot store."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, pa.ArrowNotImplementedError):
            raise Refused(f"Parquet cannot store these records: {error}.", next_step="--format jsonl can.") from None


def _counted(seen: tuple[int, int, str], position: int, why: str) -> tuple[int, int, str]:
    count, first, said = seen
    return (count + 1, first, said) if count and first < position else (count + 1, position, why)


def _as_written(kind: pa.DataType) -> pa.DataType:
    """The type with times replaced by text: Arrow's reader guesses times from strings, and would rewrite
    them."""
    if pa.types.is_temporal(kind):
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_as_written(field.type)) for field in kind])
    return pa.list_(_as_written(kind.value_type)) if pa.types.is_list(kind) else kind


def _holds_double(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_holds_double(field.type) for field in kind)
    return _holds_double(kind.value_type) if pa.types.is_list(kind) else bool(pa.types.is_floating(kind))


def _file(folder: Path, path: Path, split: str | None, rows: int) -> File:
    return File(path.relative_to(folder).as_posix(), sha256(path), path.stat().st_size, rows, split)


def _split_notes(plan: splits.Plan, asked: Options) -> Iterator[str]:
    if plan.carried and asked.split:
        yield f"{plan.carried:,} rows came with a split and keep it; the shares asked are the others'."
    if plan.apart:
        why = f"the groups of {asked.group_by!r}" if asked.group_by else "the splits they came with"
        where = f"{plan.apart:,} rows have their text in more than one split, because of {why}"
        yield f"{where}; 'tilth do dedup.exact' finds them."
