"""The life of one row: its revisions, what was decided, measured and said about it, and where it went.

It knows how a row is named by people. It decides nothing and writes nothing.
"""

from __future__ import annotations

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
from ..store import Store
from . import drafts, rulings
from .history import Decision, decision_of, decisions, lineage
from .stored import StoredRow, rows_of_table

SHORTEST_PREFIX: Final = 6


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
            for one in (decision_of(line, entry) for line in hits.to_pylist()):
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
            found.extend(rows_of_table(whole.take(pa.array(at))))
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
