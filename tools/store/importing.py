"""How source files become a dataset: chunks from a Reader in, packs and rejects written, one ledger entry made.

It knows identity, packs and the reject limit. It does not know file formats: that is `ingest`.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from ..errors import BadInput, Misuse, Refused
from . import disk
from .commit import sealed
from .identity import Occurrences, row_ids
from .ingest import Chunk, Reader, ReadOptions, Reject, Source, fetch, import_with
from .ledger import Entry
from .packs import ID, ObjectWriter, fixed_bytes, fixed_column, pack_schema
from .store import Store, check_name
from .versions import Part, Version

PACK_ROWS: Final = 1 << 20
MAX_REJECT: Final = 0.01

Mode = Literal["new", "append", "replace"]


@dataclass(frozen=True)
class Imported:
    """What an import did: read = kept + rejected, blank lines apart."""

    entry: Entry
    version: Version
    read: int
    kept: int
    rejected: dict[str, int]
    blank: int
    rejects: Path | None


def import_sources(
    store: Store,
    dataset: str,
    sources: Sequence[Source],
    options: ReadOptions,
    *,
    mode: Mode = "new",
    max_reject: float = MAX_REJECT,
    pack_rows: int = PACK_ROWS,
    key: str = "",
    actor: str = "person",
    progress: Callable[[int, int], None] | None = None,
    moves: bool = True,
) -> Imported:
    """Read sources and commit them as a version of `dataset`, which follows if it `moves`. The caller holds the lock.

    Raises Refused (and changes nothing but the rejects file) when more than `max_reject` of the records read are
    bad, Misuse when the dataset exists and `mode` does not say what to do, BadInput when nothing could be read.
    """
    check_name(dataset)
    base = _base(store, dataset, mode)
    sources = fetch(sources, store.inputs)
    writing = _Importing(store, base, pack_rows)
    with ExitStack() as stack:
        rejects = stack.enter_context(_Rejects(store, dataset))
        reader = Reader(sources, options, on_reject=rejects.add, progress=progress)
        try:
            for chunk in reader:
                writing.add(chunk)
            parts = writing.finish()
        except BaseException:
            writing.abandon()
            raise
    torn = [file.path for file in reader.files if file.torn]
    if torn and max_reject < 1:
        raise Refused(_torn(torn, rejects.path), next_step=_again(dataset, sources, mode, key, "max_reject", "1"))
    rejected = sum(reader.rejects.values())
    if rejected > max_reject * reader.read:
        raise Refused(
            _too_many(reader, rejected, max_reject, rejects),
            next_step=_or_else(reader, dataset, sources, mode, key, rejected),
        )
    if writing.purged:
        reader.rejects["purged"] = writing.purged
    if not writing.rows:
        raise BadInput(_nothing(sources, reader))
    version = _version(store, base, parts, writing, reader)
    entry = Entry(
        "import",
        dataset,
        args={"mode": mode, **_told(options)},
        inputs=() if base is None else (base.vid,),
        output=version.vid,
        moves=moves,
        counts={"before": 0 if base is None else base.rows, "after": version.rows, "added": writing.rows},
        key=key,
        actor=actor,
        details={
            "sources": _sources(sources, reader),
            "read": reader.read,
            "kept": writing.rows,
            "rejected": dict(sorted(reader.rejects.items())),
            "blank": reader.blank,
            "rejects": rejects.path.name if rejects.path else None,
        },
    )
    entry = store.commit(entry, version)
    return Imported(entry, version, reader.read, writing.rows, dict(reader.rejects), reader.blank, rejects.path)


def _base(store: Store, dataset: str, mode: Mode) -> Version | None:
    if dataset not in store.histories():
        return None
    if mode == "new":
        next_step = "Say --append to add rows to it, --replace to start it anew (undo still works), or another name."
        raise Misuse(f"The dataset {dataset!r} exists.", next_step=next_step)
    return store.rows(dataset).version if mode == "append" else None


class _Importing:
    """Packs of one import on their way to disk."""

    def __init__(self, store: Store, base: Version | None, pack_rows: int) -> None:
        self.store = store
        self.rows = 0
        self.purged = 0
        self.record_type: pa.DataType | None = None
        self._base_type = _record_type(store, base)
        self._occurrences = _births(store, base)
        self.next_ord = base.next_ord if base else 0
        self._pack_rows = pack_rows
        self._parts: list[Part] = []
        self._stack = ExitStack()
        self._out: ObjectWriter | None = None

    def add(self, chunk: Chunk) -> None:
        kind = chunk.records.type
        if self._base_type is not None and kind != self._base_type:
            raise Misuse(
                f"{chunk.file}: its records are {_kind_name(kind)}, the dataset's are {_kind_name(self._base_type)}.",
                next_step="Import it under a name of its own, or --replace.",
            )
        self.record_type = kind
        ids = row_ids(chunk.content, self._occurrences.number(chunk.content))
        chunk, ids = self._without_purged(chunk, ids)
        count = len(chunk.records)
        ords = np.arange(self.next_ord, self.next_ord + count)
        table = pa.Table.from_arrays(
            [
                fixed_column(ids),
                fixed_column(chunk.content),
                pa.array(ords, pa.int64()),
                pa.array(np.zeros(count, np.int32)),
                pa.repeat(chunk.source, count),
                pa.nulls(count, pa.string()) if chunk.split is None else pa.repeat(chunk.split, count),
                pa.repeat(chunk.file, count),
                pa.array(chunk.lines, pa.int64()),
                pa.nulls(count, pa.string()) if chunk.keys is None else chunk.keys,
                pa.nulls(count, pa.list_(ID)),
                chunk.records,
            ],
            schema=pack_schema(kind),
        )
        self.next_ord += count
        self.rows += count
        while len(table):
            if self._out is None:
                self._out = self._stack.enter_context(self.store.objects.writer(table.schema))
            piece = table.slice(0, self._pack_rows - self._out.rows)
            self._out.write(piece)
            table = table.slice(len(piece))
            if self._out.rows >= self._pack_rows:
                self._close(self.next_ord - len(table))

    def _without_purged(self, chunk: Chunk, ids: np.ndarray) -> tuple[Chunk, np.ndarray]:
        """A row that was purged stays out, whatever file holds it still."""
        if not self.store.ledger.purged:
            return chunk, ids
        keep = np.array([one.tobytes().hex() not in self.store.ledger.purged for one in ids], bool)
        if keep.all():
            return chunk, ids
        self.purged += int((~keep).sum())
        mask = pa.array(keep)
        chunk = replace(
            chunk,
            records=chunk.records.filter(mask),
            content=chunk.content[keep],
            keys=None if chunk.keys is None else chunk.keys.filter(mask),
            lines=chunk.lines[keep],
            offsets=chunk.offsets[keep],
        )
        return chunk, ids[keep]

    def _close(self, end: int) -> None:
        """Finish the open pack; its last row has ord `end` - 1."""
        out = self._out
        if out is not None:
            self._stack.close()
            self._parts.append(Part(out.sha, out.rows, out.rows, None, end - out.rows, end - 1))
            self._out = None

    def finish(self) -> tuple[Part, ...]:
        self._close(self.next_ord)
        return tuple(self._parts)

    def abandon(self) -> None:
        self._stack.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)


def _record_type(store: Store, base: Version | None) -> pa.DataType | None:
    if base is None or not base.parts:
        return None
    return store.objects.open(base.parts[0].pack).schema_arrow.field("record").type


def _births(store: Store, base: Version | None) -> Occurrences:
    """Occurrences of everything ever imported into the versions that led to `base`, so that ids stay unique."""
    found = Occurrences()
    chain, at = [], base
    while at is not None:
        chain.append(at)
        at = store.version(at.parents[0]) if at.parents else None
    last = -1  # rows up to this `ord` are counted; a rewritten pack repeats them
    for version in reversed(chain):
        for part in version.parts:
            if part.last <= last:
                continue
            table = store.objects.read(part.pack, ["content_sha", "ord", "line"])
            born = (table["ord"].to_numpy() > last) & ~table["line"].is_null().to_numpy()
            found.number(fixed_bytes(table["content_sha"])[born])
        last = version.next_ord - 1
    return found


def _kind_name(kind: pa.DataType) -> str:
    return "typed rows" if pa.types.is_struct(kind) else "JSON"


def _version(
    store: Store, base: Version | None, parts: tuple[Part, ...], writing: _Importing, reader: Reader
) -> Version:
    mapping = reader.mapping if base is None else base.mapping.with_columns(reader.mapping)
    version = Version(
        vid="",
        kind="typed" if writing.record_type is not None and pa.types.is_struct(writing.record_type) else "json",
        mapping=mapping,
        rows=0,
        digest="",
        parents=(base.vid,) if base else (),
        parts=((*base.parts,) if base else ()) + parts,
        next_ord=writing.next_ord,
    )
    return sealed(store, version)


class _Rejects:
    """`rejects/<dataset>-<sha8>.jsonl`: one line for every record that could not be kept."""

    def __init__(self, store: Store, dataset: str) -> None:
        self._store = store
        self._name = dataset.replace("/", "-")
        self._temporary = store.state / "tmp" / f"rejects-{self._name}.jsonl"
        self.path: Path | None = None

    def __enter__(self) -> _Rejects:
        self._file = self._temporary.open("wb")
        self._sha = hashlib.sha256()
        self.first: Reject | None = None
        return self

    def add(self, reject: Reject) -> None:
        line = json.dumps(asdict(reject), ensure_ascii=False).encode() + b"\n"
        self._sha.update(line)
        self._file.write(line)
        self.first = self.first or reject

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._file.close()
        if kind is not None or self.first is None:
            self._temporary.unlink()
            return
        self.path = self._store.state / "rejects" / f"{self._name}-{self._sha.hexdigest()[:8]}.jsonl"
        disk.publish(self._temporary, self.path)


def _too_many(reader: Reader, rejected: int, limit: float, rejects: _Rejects) -> str:
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reader.rejects.items()))
    first = rejects.first
    where = f" The first: {first.file}:{first.line}, {first.message}. Each is named in {rejects.path}." if first else ""
    return (
        f"{rejected:,} of {reader.read:,} records are bad ({reasons}), more than the allowed share of {limit:g}; "
        f"nothing was imported.{where}"
    )


def _or_else(reader: Reader, dataset: str, sources: Sequence[Source], mode: Mode, key: str, rejected: int) -> str:
    """Another encoding where bytes were the fault, else a higher limit: the least of two digits that is enough."""
    if reader.rejects.get("not_utf8", 0) * 2 > rejected:
        told = _again(dataset, sources, mode, key, "encoding", "latin-1")
        return f"If they are text in another encoding, name it: {told}"
    enough = -(-rejected * 100 // reader.read) / 100
    return f"Repair them, or leave them out: {_again(dataset, sources, mode, key, 'max_reject', f'{enough:g}')}"


def _again(dataset: str, sources: Sequence[Source], mode: Mode, key: str, option: str, value: str) -> str:
    """How the same import is made with another option: by a command, or, for a recipe (which has a `key`), in it."""
    if key:
        return (
            f"max_reject: {value} in the recipe"
            if option == "max_reject"
            else f"read: {{{option}: {value}}} in the recipe"
        )
    paths = shlex.join(path for source in sources for path in source.paths)
    flag = "" if mode == "new" else f"--{mode} "
    return import_with(paths, f"{flag}--{option.replace('_', '-')} {value}", dataset)


def _torn(paths: Sequence[str], told: Path | None) -> str:
    return (
        f"{', '.join(paths)}: from a fault on, nothing can be told apart; nothing was imported. {told} says where. "
        "Repair it, or import what stands before the fault:"
    )


def _nothing(sources: Sequence[Source], reader: Reader) -> str:
    names = ", ".join(path for source in sources for path in source.paths)
    return f"{names}: no records ({reader.read:,} read, {reader.blank:,} blank lines); nothing was imported."


def _told(options: ReadOptions) -> dict[str, Any]:
    """The options a person set, for the ledger and for `log --recipe`."""
    default = asdict(ReadOptions())
    return {name: value for name, value in asdict(options).items() if value != default[name]}


def _sources(sources: Sequence[Source], reader: Reader) -> list[dict[str, Any]]:
    told = []
    for source in sources:
        files = [asdict(file) for file in reader.files if file.source == source.name]
        fields = {name: value for name, value in source.declared().items() if value is not None}
        without = {"source", *(() if any(file["revision"] for file in files) else ("revision",))}
        told.append(
            {
                "name": source.name,
                "paths": source.paths,
                **fields,
                "files": [{key: value for key, value in file.items() if key not in without} for file in files],
            }
        )
    return told
