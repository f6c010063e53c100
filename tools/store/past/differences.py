"""What turns one version into another: rows added, dropped with their reason, and edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow.compute as pc

from ...errors import Misuse
from ..packs import fixed_bytes
from ..rows import Rows
from ..store import Store
from .history import decisions
from .stored import StoredRow, stored_rows

LEFT: Final = "not in the sources any more"


ELSEWHERE: Final = "not in the other version"


@dataclass(frozen=True)
class Difference:
    """What turns version A into version B. Edited rows come as (before, after, reasons)."""

    before: int
    after: int
    added: tuple[int, Sequence[StoredRow]]
    dropped: Mapping[str, int]
    dropped_rows: Sequence[tuple[StoredRow, str]]
    edited: tuple[int, Sequence[tuple[StoredRow, StoredRow, str]]]


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
