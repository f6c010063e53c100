"""Benchmarks as datasets of a workspace: brought in, indexed once, and found again.

It knows the ledger entry of a registration and the objects it names. It does not know how rows are compared with items.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from ..errors import Misuse, Retry, nearest
from ..store.importing import import_sources
from ..store.ingest import Reader, ReadOptions, Source
from ..store.ledger import Entry
from ..store.rows import Rows
from ..store.store import Store, check_name
from ..text.characters import METHOD
from ..text.ngrams import NORMALISER
from ._benchmark import Benchmark, build, from_tables, to_tables
from ._items import ItemFields, fields_of, read_items, rows_as_items

FOLDER: Final = "benchmarks/"


@dataclass(frozen=True)
class Registered:
    """A benchmark in one line; `preflight` says what can be checked of it."""

    name: str
    vid: str
    fields: ItemFields
    revision: str
    license: str
    preflight: dict[str, Any]

    @property
    def address(self) -> str:
        return f"{FOLDER}{self.name}@{self.vid}"


def register(
    store: Store,
    name: str,
    paths: Sequence[str],
    *,
    question: str | None = None,
    answer: str | None = None,
    options: str | None = None,
    passage: str | None = None,
    revision: str = "",
    license: str | None = None,
) -> Registered:
    """Import files as the dataset `benchmarks/NAME` and freeze its index. The caller holds the write lock.

    Raises Misuse for a taken name or a field the items lack, BadInput for files without records; either leaves the
    workspace as it was.
    """
    dataset = f"{FOLDER}{check_name(name, use='name a benchmark')}"
    if dataset in store.histories():
        raise Misuse(f"The benchmark {name!r} is registered.", next_step="'tilth benchmark list' shows it; choose "
                     "another name for another revision.")  # fmt: skip
    source = Source(name=dataset, paths=tuple(paths), license=license)
    read = ReadOptions.from_args({"format": "table"})
    seen = Reader([source], read, on_reject=lambda reject: None)
    for _ in seen:  # the columns are known at the end
        pass
    fields = None
    if seen.read > sum(seen.rejects.values()):
        fields = fields_of(tuple(seen.mapping.columns), question=question, answer=answer, options=options,
                           passage=passage)  # fmt: skip
    imported = import_sources(store, dataset, [source], read)
    assert fields is not None  # import_sources has refused a file without records
    rows = store.rows_of(imported.version.vid)
    made = build(name, rows.vid, fields, read_items(rows, fields), revision=revision, license=license or "")
    told = {"fields": fields.to_json(), "revision": revision, "license": license or ""}
    preflight = made.preflight()
    details = {"preflight": preflight, "normaliser": NORMALISER, "similarity": METHOD}
    objects = {role: store.objects.put(table) for role, table in to_tables(made).items()}
    store.commit(
        Entry("benchmark", dataset, args=told, inputs=(rows.vid,), moves=False, objects=objects, details=details)
    )
    return Registered(name, rows.vid, fields, revision, license or "", preflight)


def registered(store: Store) -> list[Registered]:
    """Every benchmark of the workspace, by name."""
    store.ledger.refresh()
    found = {entry.dataset: _registered(entry) for entry in store.ledger.entries() if entry.kind == "benchmark"}
    return [found[name] for name in sorted(found)]


def refuse_unnamed(store: Store, tool_id: str, option: str) -> Retry:
    """What to say of a call that names no benchmark."""
    names = ", ".join(one.name for one in registered(store))
    known = f"Registered: {names}." if names else "None is registered: 'tilth benchmark add NAME PATH' makes one."
    return Retry(f"{tool_id} wants --{option}: the benchmarks to look for, or files of items.", next_step=known)


def address_of(store: Store, wanted: str) -> str:
    """The full address of a benchmark by its name, or of any dataset, or `DATASET:SPLIT` of it, that is to be used as one.

    What is registered is meant as it was registered, whatever became of the dataset since. Raises Misuse.
    """
    histories = store.histories()
    name, split, revision = _parts(wanted)
    for dataset in (name,) if split else (f"{FOLDER}{name}", name):  # what is registered has no splits
        if dataset in histories:
            resolved, vid = store.resolve(f"{dataset}{revision}")
            if not revision and (entry := _registration(store, dataset)) is not None:
                vid = entry.inputs[0]
            return f"{resolved}:{split}@{vid}" if split else f"{resolved}@{vid}"
    names = [one.removeprefix(FOLDER) for one in histories]
    raise Misuse(f"There is no benchmark {wanted!r} here.",
                 next_step=f"{nearest(wanted, names)} 'tilth benchmark add NAME PATH' makes one.")  # fmt: skip


def refuse_frozen(store: Store, dataset: str, tool_id: str) -> None:
    """Raises Misuse when the dataset is a registered benchmark, whose items no step may change."""
    if dataset.startswith(FOLDER) and _registration(store, dataset) is not None:
        name = dataset.removeprefix(FOLDER)
        raise Misuse(
            f"{tool_id} would change the items of the registered benchmark {name!r}, which are frozen.",
            next_step="Import its file as a dataset of its own, or register another: tilth benchmark add NAME PATH",
        )


def address_of_file(store: Store, path: str) -> str:
    """The address of the benchmark made from a file, registered now unless the same bytes were before."""
    with open(path, "rb") as file:
        sha = hashlib.file_digest(file, "sha256").hexdigest()
    name = name_of_path(path)
    for known in registered(store):
        imported = next(one for one in store.ledger.of(f"{FOLDER}{known.name}") if one.kind == "import")
        files = [file["sha256"] for source in imported.details["sources"] for file in source["files"]]
        if files == [sha] and known.name.startswith(name):
            return known.address
    taken = f"{FOLDER}{name}" in store.histories()
    return register(store, f"{name[:57]}-{sha[:6]}" if taken else name, [path]).address


def name_of_path(path: str) -> str:
    """The name a file is registered under when none was given: its stem."""
    stem = os.path.basename(path).lower()
    for suffix in (".gz", ".zst", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow"):
        stem = stem.removesuffix(suffix)
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in stem).strip("._-")[:64] or "data"


def open_benchmark(store: Store, address: str) -> Benchmark:
    """The benchmark at a full address: as registered; any other dataset, or a split, is indexed now, its prompts as
    questions. Raises Misuse for a split that no row is of."""
    name, split, revision = _parts(address)
    dataset, vid = store.resolve(f"{name}{revision}")
    name = dataset.removeprefix(FOLDER)
    rows = store.rows_of(vid)
    entry = _registration(store, dataset)
    if entry is not None and entry.inputs[0] != vid:
        entry = None
    if split:
        entry, name = None, f"{dataset}:{split}"
        of_split = np.flatnonzero(in_split(rows, split))
        if not len(of_split):
            splits = sorted({str(one) for one in rows.arrow(("split",))["split"].unique().to_pylist() if one})
            raise Misuse(f"No row of {dataset} is of the split {split!r}.",
                         next_step=nearest(split, splits) if splits else f"{dataset} has no splits.")  # fmt: skip
        rows = rows.only(of_split)
    if entry is None:
        if rows.mapping.format == "table":
            fields = fields_of(tuple(rows.mapping.columns))
            return build(name, vid, fields, read_items(rows, fields))
        return build(name, vid, ItemFields("prompt", "response"), rows_as_items(rows))
    one = _registered(entry)
    items = read_items(rows, one.fields)
    if (entry.details.get("normaliser"), entry.details.get("similarity")) != (NORMALISER, METHOD):
        # indexed by an older tilth, which cut words or hashed characters otherwise
        return build(name, vid, one.fields, items, revision=one.revision, license=one.license)
    ngrams, anchors, features = (store.objects.read(entry.objects[role]) for role in ("ngrams", "anchors", "features"))
    made = from_tables(ngrams, anchors, features, name, vid, one.fields, items)
    return replace(made, revision=one.revision, license=one.license)


def in_split(rows: Rows, split: str) -> np.ndarray:
    """For each row: is it of this split?"""
    marked: np.ndarray = pc.equal(rows.arrow(("split",))["split"], split).fill_null(False).to_numpy()
    return marked


def _parts(address: str) -> tuple[str, str, str]:
    """`NAME[:SPLIT][@REVISION or ~N]` -> name, split, revision with its mark."""
    name, revision = re.fullmatch(r"([^@~]*)(.*)", address, re.DOTALL).groups()  # type: ignore[union-attr]
    dataset, _, split = name.partition(":")
    return (dataset, split, revision) if split else (name, "", revision)


def _registration(store: Store, dataset: str) -> Entry | None:
    """The entry that froze a dataset as a benchmark."""
    return next((one for one in reversed(store.ledger.of(dataset)) if one.kind == "benchmark"), None)


def _registered(entry: Entry) -> Registered:
    return Registered(
        entry.dataset.removeprefix(FOLDER),
        entry.inputs[0],
        ItemFields.from_json(entry.args["fields"]),
        str(entry.args["revision"]),
        str(entry.args["license"]),
        dict(entry.details["preflight"]),
    )
