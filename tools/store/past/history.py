"""Questions about what happened: why is this row here or gone, what was dropped, what differs between two versions.

It reads the ledger's entries and the objects they name. It decides nothing and writes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import Misuse
from ..ledger import Entry
from ..packs import PACK_COLUMNS, fixed_bytes
from ..rows import Rows, parse_records
from ..store import Store
from . import drafts, rulings

SHORTEST_PREFIX: Final = 6
EXCERPT: Final = 160
LEFT: Final = "not in the sources any more"
ELSEWHERE: Final = "not in the other version"


@dataclass(frozen=True)
class StoredRow:
    """One revision of a row as it lies in a pack."""

    row_id: str
    ord: int
    rev: int
    source: str
    split: str | None
    file: str | None
    line: int | None
    key: str | None
    parents: tuple[str, ...]
    record: Any

    @property
    def place(self) -> str:
        """Where the row came from, as `FILE:LINE`."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.source


@dataclass(frozen=True)
class Decision:
    """What one step decided about one row."""

    row_id: str
    ord: int
    rev: int
    action: str
    reason: str
    score: float | None
    evidence: Mapping[str, Any]
    entry: Entry


Aside = Literal["undone", "earlier", "trial"]
"""Taken back; on the way to an earlier version only; done on a sample, or never made the dataset's version."""


@dataclass(frozen=True)
class Life:
    """All that is known of one row, oldest first.

    `aside` are the steps that did not lead to the current version: number in the log -> what became of the step.
    """

    dataset: str
    row_id: str
    revisions: tuple[StoredRow, ...]
    decisions: tuple[Decision, ...]
    signals: tuple[tuple[Entry, Mapping[str, Any]], ...]
    live: bool
    exports: tuple[Entry, ...]
    rulings: tuple[rulings.Ruling, ...]
    purged: Entry | None = None
    asked: tuple[drafts.Asked, ...] = ()
    aside: Mapping[int, Aside] = field(default_factory=dict)


@dataclass(frozen=True)
class Dropped:
    """One dropped row with the decision that dropped it and, for a duplicate, the row that stayed."""

    row: StoredRow
    decision: Decision
    survivor: StoredRow | None


@dataclass(frozen=True)
class Funnel:
    """How many rows one step took, by reason."""

    entry: Entry
    before: int
    after: int
    dropped: Mapping[str, int]


@dataclass(frozen=True)
class Difference:
    """What turns version A into version B. Edited rows come as (before, after, reasons)."""

    before: int
    after: int
    added: tuple[int, Sequence[StoredRow]]
    dropped: Mapping[str, int]
    dropped_rows: Sequence[tuple[StoredRow, str]]
    edited: tuple[int, Sequence[tuple[StoredRow, StoredRow, str]]]


def lineage(store: Store, address: str) -> tuple[str, list[Entry]]:
    """(dataset, the entries that led to the version an address means)."""
    dataset, vid = store.resolve(address)
    return dataset, store.ledger.lineage(dataset, vid)


def funnel(store: Store, address: str, *, step: str | None = None) -> list[Funnel]:
    """The steps that led to a version, each with what it dropped, or only `step`; refused ones only where named."""
    return [
        Funnel(entry, entry.counts["before"], entry.counts["after"], entry.counts.get("dropped", {}))
        for entry in _chosen(store, address, step)
        if entry.kind == "step"
    ]


def _chosen(store: Store, address: str, step: str | None) -> list[Entry]:
    """The entries that led to a version; those of a tool, also refused ones; or any one, by its ledger number."""
    dataset, entries = lineage(store, address)
    if step is None:
        return [entry for entry in entries if not entry.details.get("refused")]
    if step.isdigit():
        return [entry for entry in store.ledger.of(dataset) if str(entry.seq) == step]
    return [entry for entry in entries if entry.tool == step]


def decisions(store: Store, entry: Entry) -> pa.Table | None:
    """The stored decisions of an entry, or None when it decided nothing about single rows."""
    sha = entry.objects.get("decisions")
    return None if sha is None else store.objects.read(sha)


def drops(
    store: Store, address: str, *, step: str | None = None, reason: str | None = None, count: int = 5, seed: int = 0
) -> list[Dropped]:
    """Up to `count` seeded examples per (step, reason), the step given as tool id or ledger number."""
    found: list[Dropped] = []
    for entry in _chosen(store, address, step):
        table = decisions(store, entry)
        if table is not None:
            found.extend(_examples(store, entry, table, reason, count, seed))
    return found


def _examples(
    store: Store, entry: Entry, table: pa.Table, reason: str | None, count: int, seed: int
) -> Iterator[Dropped]:
    table = table.filter(pc.equal(table["action"], "drop"))
    erased = pa.array([bytes.fromhex(one) for one in store.ledger.purged], pa.binary(16))
    table = table.filter(pc.invert(pc.is_in(table["row_id"], erased)))
    for name in entry.counts.get("dropped", {}):
        if reason is not None and name != reason:
            continue
        some = table.filter(pc.equal(table["reason"], name))
        order = np.random.default_rng([seed, entry.seq]).permutation(len(some))[:count]
        picked = [_decision(line, entry) for line in some.take(pa.array(np.sort(order))).to_pylist()]
        assert entry.before is not None
        rows = store.rows_of(entry.before)
        at = _positions(rows, [one.ord for one in picked])
        stored = stored_rows(rows, at)
        for one, row in zip(picked, stored, strict=True):
            yield Dropped(row, one, _survivor(store, entry, one))


def _survivor(store: Store, entry: Entry, decision: Decision) -> StoredRow | None:
    row_id = decision.evidence.get("survivor")
    if not isinstance(row_id, str):
        return None
    for vid in entry.inputs:
        rows = store.rows_of(vid)
        position = rows.positions_of([row_id]).get(row_id)
        if position is not None:
            return stored_rows(rows, [position])[0]
    return None


def example_of(store: Store, entry: Entry, reason: str) -> str:
    """One dropped row of this reason in a few words, for a message."""
    table = decisions(store, entry)
    if table is None:
        return "none"
    found = next(iter(_examples(store, entry, table, reason, 1, 0)), None)
    return "none" if found is None else f"{found.row.row_id[:8]} {excerpt(found.row.record, 60)!r}"


def why(store: Store, dataset: str, wanted: str) -> Life:
    """The life of the row named by an id prefix, `FILE:LINE` or the owner's key. Raises Misuse."""
    store.history(dataset)
    entries = store.ledger.of(dataset)
    revisions = _revisions(store, [*entries, *lineage(store, dataset)[1]], wanted)
    if not revisions:
        tombstone = _tombstone(store, dataset, wanted)
        if tombstone is not None:
            return _purged(store, dataset, entries, tombstone)
        next_step = "Name it by a row id (6 digits or more), FILE:LINE, or its own key (import --id COLUMN)."
        raise Misuse(f"No row of {dataset} is called {wanted!r}.", next_step=next_step)
    row_id = revisions[0].row_id
    told = list(_decided(store, entries, row_id))
    signals = list(_measured(store, entries, row_id))
    live = row_id in store.rows(dataset).positions_of([row_id])
    exports = [entry for entry in entries if entry.kind == "export" and _holds(store, entry, row_id)]
    said = [one for one in rulings.read(store.root) if (one.dataset, one.row_id) == (dataset, row_id)]
    asked = drafts.asked(store, (one.evidence for one in told))
    aside = _aside(store, dataset, [*(one.entry for one in told), *(entry for entry, _ in signals)])
    return Life(dataset, row_id, tuple(revisions), tuple(told), tuple(signals), live, tuple(exports), tuple(said),
                asked=tuple(asked), aside=aside)  # fmt: skip


def _aside(store: Store, dataset: str, entries: Sequence[Entry]) -> dict[int, Aside]:
    """What became of those of the entries that did not lead to the current version, by number."""

    def on_the_way(vids: Sequence[str]) -> set[int]:
        return {entry.seq for vid in vids for entry in store.ledger.lineage(dataset, vid)}

    past = store.history(dataset)
    found: dict[int, Aside] = dict.fromkeys({entry.seq for entry in entries} - on_the_way([past.current]), "trial")
    if found:
        taken = {str(entry.output) for entry in store.ledger.of(dataset) if entry.output and entry.moves}
        undone = on_the_way(sorted(taken - set(past.vids[: past.cursor + 1])))
        earlier = on_the_way(past.vids[: past.cursor])
        found |= {seq: "undone" for seq in found.keys() & undone}
        found |= {seq: "earlier" for seq in found.keys() & earlier}
    return found


def _tombstone(store: Store, dataset: str, wanted: str) -> Entry | None:
    """The purge of the row a prefix of its id, or the place it was read from, names."""
    for row_id, entry in store.ledger.purged.items():
        named = len(wanted) >= SHORTEST_PREFIX and row_id.startswith(wanted.lower())
        places = entry.details["places"]
        if dataset in entry.details["datasets"] and (named or any(f"/{one}".endswith(f"/{wanted}") for one in places)):
            return entry
    return None


def _purged(store: Store, dataset: str, entries: Sequence[Entry], tombstone: Entry) -> Life:
    """What is left of a purged row: what was decided about it, who ruled, and the tombstone."""
    row_id = str(tombstone.args["row"])
    said = [one for one in rulings.read(store.root) if (one.dataset, one.row_id) == (dataset, row_id)]
    exports = [one for one in entries if one.kind == "export" and one.before in tombstone.details["versions"]]
    told = tuple(_decided(store, entries, row_id))
    return Life(dataset, row_id, (), told, (), False, tuple(exports), tuple(said), tombstone)


def _decided(store: Store, entries: Sequence[Entry], row_id: str) -> Iterator[Decision]:
    """Every decision about one row, oldest first."""
    born: list[Decision] = []
    for entry in entries:
        table = decisions(store, entry) if entry.kind in ("step", "report", "import") else None
        if table is not None:
            hits = table.filter(pc.equal(table["row_id"], pa.scalar(bytes.fromhex(row_id), pa.binary(16))))
            for one in (_decision(line, entry) for line in hits.to_pylist()):
                # A making that went on from an earlier one tells again of the rows it found made.
                if one.action != "add" or not any(_same(one, other) for other in born):
                    born += [one] if one.action == "add" else []
                    yield one


def _measured(store: Store, entries: Sequence[Entry], row_id: str) -> Iterator[tuple[Entry, Mapping[str, Any]]]:
    """What steps measured of one row, oldest first; a row has another `ord` after every import from its sources."""
    for entry in entries:
        if "signals" not in entry.objects or entry.kind != "step" or entry.before is None:
            continue
        try:
            ids = store.rows_of(entry.before).arrow(("row_id", "ord"))
        except Misuse:
            continue  # its input is no longer stored
        place = ids["ord"].filter(pc.equal(ids["row_id"], pa.scalar(bytes.fromhex(row_id), pa.binary(16))))
        if len(place):
            measured = store.objects.read(entry.objects["signals"])
            for line in measured.filter(pc.equal(measured["ord"], place[0])).to_pylist():
                yield entry, {name: line[name] for name in line if name not in ("ord", "rev")}


def _same(one: Decision, other: Decision) -> bool:
    return (one.reason, one.score, one.evidence) == (other.reason, other.score, other.evidence)


def _holds(store: Store, entry: Entry, row_id: str) -> bool:
    assert entry.before is not None
    return bool(store.rows_of(entry.before).positions_of([row_id]))


def _revisions(store: Store, entries: Sequence[Entry], wanted: str) -> list[StoredRow]:
    """Every stored revision of the one row `wanted` names, oldest first."""
    packs = _packs(store, entries)
    match = _matcher(wanted)
    ids: set[bytes] = set()
    for sha in packs:
        table = store.objects.read(sha, ["row_id", "file", "line", "key"])
        ids.update(match(table))
    if len(ids) > 1:
        shown = ", ".join(sorted(one.hex()[:12] for one in list(ids)[:5]))
        raise Misuse(f"{wanted!r} names {len(ids)} rows ({shown} …).", next_step="Give more digits.")
    found = []
    for sha in packs if ids else ():
        table = store.objects.read(sha, ["row_id"])
        at = np.flatnonzero(pc.equal(table["row_id"], pa.scalar(next(iter(ids)), pa.binary(16))).to_numpy())
        if len(at):
            whole = store.objects.read(sha, PACK_COLUMNS)
            found.extend(_stored(whole.take(pa.array(at))))
    unique = {row.rev: row for row in found}
    return [unique[rev] for rev in sorted(unique)]


def _matcher(wanted: str) -> Any:
    prefix = wanted.lower()
    hexadecimal = re.fullmatch(r"[0-9a-f]{6,32}", prefix)
    file, _, line = wanted.rpartition(":")

    def match(table: pa.Table) -> set[bytes]:
        hits = np.zeros(len(table), bool)
        if hexadecimal:
            ids = fixed_bytes(table["row_id"])
            whole = np.frombuffer(bytes.fromhex(prefix[: len(prefix) // 2 * 2]), np.uint8)
            hits |= (ids[:, : len(whole)] == whole).all(axis=1)
            if len(prefix) % 2:
                hits &= ids[:, len(whole)] >> 4 == int(prefix[-1], 16)
        if file and line.isdigit():
            same_line = pc.fill_null(pc.equal(table["line"], int(line)), False)
            ends = pc.or_(pc.equal(table["file"], file), pc.ends_with(table["file"], f"/{file}"))
            hits |= pc.and_(same_line, pc.fill_null(ends, False)).to_numpy()
        hits |= pc.fill_null(pc.equal(table["key"], wanted), False).to_numpy()
        named = table["row_id"].combine_chunks().take(pa.array(np.flatnonzero(hits)))
        return {bytes(one) for one in fixed_bytes(named)}

    return match


def _packs(store: Store, entries: Sequence[Entry]) -> list[str]:
    """Every pack the versions that entries made consist of; those of later entries come last."""
    found: dict[str, None] = {}
    for entry in entries:
        if entry.output is not None:
            for part in store.version(entry.output).parts:
                found.pop(part.pack, None)
                found[part.pack] = None
    return list(found)


def diff(store: Store, a: str, b: str, *, count: int = 3) -> Difference:
    """What turns the version at address `a` into the one at `b`, with up to `count` examples a group."""
    dataset, vid_a = store.resolve(a)
    _, vid_b = store.resolve(b)
    rows_a, rows_b = store.rows_of(vid_a), store.rows_of(vid_b)
    keys_a, keys_b = _keys(rows_a), _keys(rows_b)
    gone = np.flatnonzero(~np.isin(keys_a["id"], keys_b["id"]))
    new = np.flatnonzero(~np.isin(keys_b["id"], keys_a["id"]))
    _, in_a, in_b = np.intersect1d(keys_a["id"], keys_b["id"], assume_unique=True, return_indices=True)
    changed = keys_a["content"][in_a] != keys_b["content"][in_b]
    in_a, in_b = in_a[changed], in_b[changed]
    order = np.argsort(in_a)
    in_a, in_b = in_a[order], in_b[order]
    told = _told(store, dataset, vid_b)
    ids = [bytes(one).ljust(16, b"\0") for one in keys_a["id"][gone]]
    left = _left_the_sources(store, dataset, rows_a, vid_b, gone)
    reasons = [
        told.get(one, ("", ""))[0] or (LEFT if is_left else ELSEWHERE) for one, is_left in zip(ids, left, strict=True)
    ]
    tally: dict[str, int] = {}
    for name in reasons:
        tally[name] = tally.get(name, 0) + 1
    old, fresh = stored_rows(rows_a, in_a[:count]), stored_rows(rows_b, in_b[:count])
    edits = [told.get(bytes.fromhex(row.row_id), ("", ""))[1] for row in old]
    return Difference(
        before=len(rows_a),
        after=len(rows_b),
        added=(len(new), stored_rows(rows_b, new[:count])),
        dropped=dict(sorted(tally.items(), key=lambda item: (-item[1], item[0]))),
        dropped_rows=list(zip(stored_rows(rows_a, gone[:count]), reasons[:count], strict=True)),
        edited=(len(in_a), list(zip(old, fresh, edits, strict=True))),
    )


def _left_the_sources(store: Store, dataset: str, old: Rows, vid: str, gone: np.ndarray) -> list[bool]:
    """For each row at `gone` of the version `old`: was it read from a source, and did no import since then that led to
    `vid` read it again?"""
    imports = [entry for entry in store.ledger.lineage(dataset, vid) if entry.kind == "import"]
    made = [entry.seq for entry in store.ledger.of(dataset) if entry.output == old.vid]
    again = [entry.output for entry in imports if made and entry.seq > made[0] and entry.output is not None]
    if not len(gone) or not again:
        return [False] * len(gone)
    try:
        read = np.concatenate([_keys(store.rows_of(output))["id"] for output in again])
    except Misuse:
        return [False] * len(gone)  # what was read is no longer stored
    born = np.asarray(pc.is_valid(old.take(gone, ("line",))["line"]))
    found: list[bool] = (born & ~np.isin(_keys(old)["id"][gone], read)).tolist()
    return found


def _keys(rows: Rows) -> np.ndarray:
    """(id, content) of every row as 16-byte strings, which NumPy can sort."""
    table = rows.arrow(("row_id", "content_sha"))
    keys = np.empty(len(table), [("id", "S16"), ("content", "S16")])
    keys["id"] = fixed_bytes(table["row_id"]).view("S16").reshape(-1)
    keys["content"] = fixed_bytes(table["content_sha"]).view("S16").reshape(-1)
    return keys


def _told(store: Store, dataset: str, vid: str) -> dict[bytes, tuple[str, str]]:
    """For every row a decision was made about on the way to `vid`: (reason it was dropped for, reasons of edits)."""
    found: dict[bytes, tuple[str, str]] = {}
    for entry in store.ledger.lineage(dataset, vid):
        table = decisions(store, entry) if entry.kind == "step" else None
        if table is None:
            continue
        columns = (table[name].to_pylist() for name in ("row_id", "action", "reason"))
        for row_id, action, reason in zip(*columns, strict=True):
            dropped, edited = found.get(row_id, ("", ""))
            if action == "drop":
                found[row_id] = (dropped or reason, edited)
            elif action == "edit":
                found[row_id] = (dropped, f"{edited}, {reason}" if edited else reason)
    return found


def stored_rows(rows: Rows, positions: Sequence[int] | np.ndarray) -> list[StoredRow]:
    """Whole rows of a version, in the order given."""
    if not len(positions):
        return []
    return _stored(rows.take(positions, PACK_COLUMNS))


def _stored(table: pa.Table) -> list[StoredRow]:
    parsed = parse_records(table.column("record"))
    lines = table.drop_columns(["record", "content_sha"]).to_pylist()
    return [
        StoredRow(
            **{**line, "row_id": line["row_id"].hex(), "parents": tuple(one.hex() for one in line["parents"] or ())},
            record=record,
        )
        for line, record in zip(lines, parsed, strict=True)
    ]


def _positions(rows: Rows, ords: Sequence[int]) -> np.ndarray:
    have = rows.arrow(("ord",))["ord"].to_numpy()
    return np.searchsorted(have, np.asarray(ords, np.int64))


def _decision(line: Mapping[str, Any], entry: Entry) -> Decision:
    evidence = json.loads(line["evidence"]) if line["evidence"] else {}
    fields = {name: line[name] for name in ("ord", "rev", "action", "reason", "score")}
    return Decision(row_id=line["row_id"].hex(), evidence=evidence, entry=entry, **fields)


def excerpt(record: Any, length: int = EXCERPT) -> str:
    """The beginning of a record on one line."""
    text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"
