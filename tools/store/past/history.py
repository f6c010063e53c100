"""What the steps that led to a version decided: the funnel, and examples of what was dropped.

It reads the ledger's entries and the objects they name. It decides nothing and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..ledger import Entry
from ..store import Store
from .stored import StoredRow, excerpt, places_of, stored_rows


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
        picked = [decision_of(line, entry) for line in some.take(pa.array(np.sort(order))).to_pylist()]
        assert entry.before is not None
        rows = store.rows_of(entry.before)
        at = places_of(rows, [one.ord for one in picked])
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


def decision_of(line: Mapping[str, Any], entry: Entry) -> Decision:
    evidence = json.loads(line["evidence"]) if line["evidence"] else {}
    fields = {name: line[name] for name in ("ord", "rev", "action", "reason", "score")}
    return Decision(row_id=line["row_id"].hex(), evidence=evidence, entry=entry, **fields)
