"""Erasure of one row: from every pack, decision, signal, report, reject, session, call and cache of a workspace.

It knows where a row's content may lie. What was erased stays told by a tombstone, a ledger entry of kind "purge" that
names the row, the reason, and the versions and exports that are no longer what they were. Objects are written anew
without the row; the entry maps the old ones to them, and the ledger reads itself through that map (see `ledger`).

Crash safety: everything before the entry leaves the row in place and can be done again; old objects are removed after
it, at the latest by the next writer.
"""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import Misuse
from . import disk
from .ledger import Entry
from .packs import ID, PACK_COLUMNS, bitmap, read_bitmap
from .rows import parse_records
from .store import Store
from .versions import Part, Version

MARK: Final = "[purged]"
WINDOW: Final = 24
"""A text is erased where it shares this many characters with the row; shorter values where they are equal."""

SHORTEST: Final = 8


def purge(store: Store, dataset: str, row_id: str, *, because: str, actor: str = "person") -> Entry:
    """Erase a row (32 hex digits) everywhere in the workspace; -> its tombstone. The caller holds the write lock.

    Rows with the same content or made from it are named, not erased; source files and exports are people's and stay.
    Raises Misuse when the row was purged before or no pack holds it.
    """
    if row_id in store.ledger.purged:
        raise Misuse(f"The row {row_id[:12]} was purged before (entry {store.ledger.purged[row_id].seq}).")
    found = _Found(store, row_id)
    if not found.packs:
        raise Misuse(f"No pack of this workspace holds the row {row_id}.")
    scrub = _Scrubber(found.records)
    parts = list(_new_parts(store, found))
    objects = {sha: store.objects.put(table) for sha, table in found.packs.items()}
    objects |= dict(_rewritten(store, found, scrub))
    answers = _clear_calls(store.state / "calls.sqlite", scrub)
    for path in [*store.state.glob("rejects/*.jsonl"), *store.state.glob("sessions/*.jsonl")]:
        _clear_lines(store, path, scrub, found.places)
    shutil.rmtree(store.state / "cache", ignore_errors=True)
    (store.state / "cache").mkdir()
    broken = [entry for entry in store.ledger.entries() if entry.kind == "export" and entry.before in found.live_in]
    return store.commit(
        Entry(
            "purge",
            dataset,
            args={"row": row_id, "because": because},
            moves=False,
            actor=actor,
            counts={"objects": len(objects), "answers": answers},
            details={
                "datasets": sorted(found.ords),
                "places": [f"{file}:{line}" for file, line in sorted(found.places)],
                "versions": sorted(found.live_in),
                "exports": sorted({str(entry.details["folder"]) for entry in broken}),
                "related": sorted(found.related),
                "objects": objects,
                "parts": parts,
            },
        )
    )


class _Found:
    """Where a row lies: the packs that hold it (already without it), its revisions, its place in every dataset."""

    def __init__(self, store: Store, row_id: str) -> None:
        self.row_id = bytes.fromhex(row_id)
        self.packs: dict[str, pa.Table] = {}
        self.at: dict[str, np.ndarray] = {}
        self.records: list[Any] = []
        self.places: set[tuple[str, int]] = set()
        self.related: set[str] = set()
        self.versions = _versions(store)
        self._contents: set[bytes] = set()
        ords: dict[str, set[int]] = {}
        for sha in _stored(store):
            if "record" in store.objects.open(sha).schema_arrow.names:
                ords[sha] = self._take(store, sha)
        self.ords: dict[str, set[int]] = {}
        self.live_in: list[str] = []
        for vid, (dataset, version) in self.versions.items():
            for part in version.parts:
                if part.pack in self.packs:
                    self.ords.setdefault(dataset, set()).update(ords[part.pack])
                    if _live(store, part, self.at[part.pack]) and vid not in self.live_in:
                        self.live_in.append(vid)
        if self.packs:
            for sha in ords:
                self._relate(store.objects.read(sha, ["row_id", "content_sha", "parents"]))

    def _take(self, store: Store, sha: str) -> set[int]:
        ids = store.objects.read(sha, ["row_id"])["row_id"]
        at = np.flatnonzero(pc.equal(ids, pa.scalar(self.row_id, ID)).to_numpy())
        if not len(at):
            return set()
        table = store.objects.read(sha, list(PACK_COLUMNS))
        mine = table.take(pa.array(at))
        self.packs[sha] = table.filter(pa.array(~np.isin(np.arange(len(table)), at)))
        self.at[sha] = at
        self.records += parse_records(mine["record"])
        if not pa.types.is_struct(mine["record"].type):
            self.records += mine["record"].to_pylist()
        self.places |= {(one["file"], one["line"]) for one in mine.select(["file", "line"]).to_pylist() if one["file"]}
        self._contents |= set(mine["content_sha"].to_pylist())
        return set(mine["ord"].to_pylist())

    def _relate(self, table: pa.Table) -> None:
        same = pc.is_in(table["content_sha"], pa.array(sorted(self._contents), ID)).to_numpy()
        made = np.array([self.row_id in (parents or ()) for parents in table["parents"].to_pylist()], bool)
        hits = table["row_id"].filter(pa.array(same | made)).to_pylist()
        self.related |= {one.hex() for one in hits if one != self.row_id}


def _versions(store: Store) -> dict[str, tuple[str, Version]]:
    """Every stored version an entry names, with its dataset."""
    found: dict[str, tuple[str, Version]] = {}
    for entry in store.ledger.entries():
        if entry.output is not None and entry.output not in found:
            found[entry.output] = entry.dataset, store.version(entry.output)
    return found


def _stored(store: Store) -> Iterator[str]:
    yield from (path.stem for path in sorted(store.objects.folder.glob("*/*.parquet")))


def _live(store: Store, part: Part, at: np.ndarray) -> int:
    """How many of the rows at these places of a pack the part keeps."""
    return len(at) if part.selection is None else int(read_bitmap(store.objects, part.selection)[at].sum())


def _new_parts(store: Store, found: _Found) -> Iterator[dict[str, Any]]:
    """What every (pack, selection) that any version holds becomes without the row."""
    seen: set[tuple[str, str | None]] = set()
    for _, version in found.versions.values():
        for part in version.parts:
            if part.pack not in found.packs or (part.pack, part.selection) in seen:
                continue
            seen.add((part.pack, part.selection))
            at = found.at[part.pack]
            selection = part.selection
            if selection is not None:
                keep = np.delete(read_bitmap(store.objects, selection), at)
                selection = store.objects.put(bitmap(keep))
            yield {
                "pack": part.pack,
                "selection": part.selection,
                "to": {
                    "pack": store.objects.put(found.packs[part.pack]),
                    "selection": selection,
                    "rows": part.rows - len(at),
                    "live": part.live - _live(store, part, at),
                },
            }


def _rewritten(store: Store, found: _Found, scrub: _Scrubber) -> Iterator[tuple[str, str]]:
    """(old, new) of every object but packs that tells something of the row."""
    ords: dict[str, set[int]] = {}
    for entry in store.ledger.entries():
        if "signals" in entry.objects and entry.dataset in found.ords:
            ords.setdefault(entry.objects["signals"], set()).update(found.ords[entry.dataset])
    fresh = {store.objects.put(table) for table in found.packs.values()}
    for sha in _stored(store):
        if sha in found.packs or sha in fresh:
            continue
        table = store.objects.read(sha)
        if {"keep"} == set(table.column_names) or "record" in table.column_names:
            continue
        new = table
        if sha in ords:
            new = new.filter(pc.invert(pc.is_in(new["ord"], pa.array(sorted(ords[sha]), pa.int64()))))
        if "evidence" in table.column_names and "row_id" in table.column_names:
            new = _blanked(new, found.row_id)
        new = _scrubbed(new, scrub)
        if not new.equals(table):
            yield sha, store.objects.put(new)


def _blanked(table: pa.Table, row_id: bytes) -> pa.Table:
    """Decisions about the row keep action and reason, and lose score and evidence."""
    mine = pc.equal(table["row_id"], pa.scalar(row_id, ID))
    if not pc.any(mine).as_py():
        return table
    for name, value in (("score", pa.scalar(None, pa.float64())), ("evidence", pa.scalar('{"purged": true}'))):
        index = table.column_names.index(name)
        table = table.set_column(index, table.schema.field(name), pc.if_else(mine, value, table[name]))
    return table


def _scrubbed(table: pa.Table, scrub: _Scrubber) -> pa.Table:
    for index, name in enumerate(table.column_names):
        kind = table.schema.field(index).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            continue
        distinct = pc.unique(table[name]).to_pylist()
        changed = {text: new for text in distinct if text is not None and (new := scrub.json_or_text(text)) != text}
        if changed:
            values = [changed.get(text, text) for text in table[name].to_pylist()]
            table = table.set_column(index, table.schema.field(index), pa.array(values, kind))
    return table


class _Scrubber:
    """Finds the texts of some records in other texts, whole or in part, white space apart."""

    def __init__(self, records: list[Any]) -> None:
        leaves = {_plain(text) for record in records for text in _leaves(record)}
        leaves |= {_plain(json.dumps(record, ensure_ascii=False, default=str)) for record in records}
        self._whole = {text for text in leaves if SHORTEST <= len(text) < WINDOW}
        self._windows = {text[i : i + WINDOW] for text in leaves for i in range(len(text) - WINDOW + 1)}

    def text(self, text: str) -> str:
        plain = _plain(text)
        if plain in self._whole:
            return MARK
        hits = [i for i in range(len(plain) - WINDOW + 1) if plain[i : i + WINDOW] in self._windows]
        if not hits:
            return text
        told: list[str] = []
        end = 0
        for i in hits:
            if i > end or not told:
                told += [plain[end:i], MARK]
            end = i + WINDOW
        return "".join([*told, plain[end:]])

    def value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(one) for one in value]
        if isinstance(value, Mapping):
            return {self.text(key): self.value(one) for key, one in value.items()}
        return value

    def json_or_text(self, text: str) -> str:
        """A JSON text stays one: its strings are scrubbed one by one."""
        if text[:1] in ("{", "[", '"'):
            try:
                value = json.loads(text)
            except ValueError:
                return self.text(text)
            new = self.value(value)
            return text if new == value else json.dumps(new, ensure_ascii=False)
        return self.text(text)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)


def _clear_lines(store: Store, path: Path, scrub: _Scrubber, places: set[tuple[str, int]]) -> None:
    """Scrub a file of JSON lines; the head of a reject read at the row's own place goes whole."""
    lines = path.read_text(encoding="utf-8").splitlines()
    new = [_cleared(line, scrub, places) for line in lines]
    if new != lines:
        data = "".join(line + "\n" for line in new).encode()
        mode = path.stat().st_mode & 0o777
        disk.write_file(path, data, temporary=store.state / "tmp" / f"purge-{path.name}", mode=mode)


def _cleared(line: str, scrub: _Scrubber, places: set[tuple[str, int]]) -> str:
    try:
        value = json.loads(line)
    except ValueError:
        return scrub.text(line)
    new = scrub.value(value)
    if isinstance(new, dict) and isinstance(new.get("head"), str):
        head = base64.b64decode(new["head"]).decode("utf-8", "replace")
        if (new.get("file"), new.get("line")) in places or scrub.json_or_text(head) != head or scrub.text(head) != head:
            new["head"] = ""
    return line if new == value else json.dumps(new, ensure_ascii=False)


def _clear_calls(path: Path, scrub: _Scrubber) -> int:
    """Remove recorded calls that quote the row; -> how many. They are paid for again should they be needed."""
    if not path.is_file():
        return 0
    with closing(sqlite3.connect(path, isolation_level=None)) as calls:
        calls.execute("PRAGMA secure_delete = ON")
        gone = [key for key, *texts in calls.execute("SELECT key, asked, body FROM calls")
                if any(scrub.json_or_text(text) != text for text in texts)]  # fmt: skip
        calls.executemany("DELETE FROM calls WHERE key = ?", [(key,) for key in gone])
        if gone:
            calls.execute("VACUUM")
            calls.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return len(gone)
