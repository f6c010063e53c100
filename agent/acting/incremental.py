"""A local tool looks only at rows whose content it has not seen: what it said of the others is taken from the ledger.

It knows how an earlier run's decisions, signals and edited records become outcomes again. What makes a tool local is
said where tools are declared (`tools.tool.tool`); that the result is that of a run from nothing rests on it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib import metadata
from itertools import islice
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...tools.change import DECISIONS, Change, Edit, Made, Outcome, Report
from ...tools.errors import Misuse
from ...tools.store.contents import rewritten_schema
from ...tools.store.ledger import Entry
from ...tools.store.packs import Objects
from ...tools.store.rows import Rows
from ...tools.store.store import Store
from ...tools.tool import Tool

DETAIL: Final = "local_key"
"""The detail of an entry by which runs that say the same of the same content know each other."""

WINDOW: Final = 16_384
"""Rows that are put together at a time."""

LOOKED_AT: Final = 4
"""Earlier runs, the newest first, of which the one that saw the most rows is used."""


def key_of(rows: Rows, tool: Tool, *call: Any) -> str:
    """Names all that a local tool's word on a row depends on beside its content: the call and how records are read.

    Empty for other tools and for no rows: nothing of an earlier run may be used.
    """
    if not tool.local or not len(rows):
        return ""
    record = str(rows.schema(["record"]).field("record").type)
    packages = [[name, _version(name)] for name in tool.packages]
    identity = [tool.id, tool.version, tool.source, packages, *call, rows.mapping.to_json(), record]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def run(
    store: Store, rows: Rows, key: str, function: Callable[[Rows], Change | Report | Made]
) -> tuple[Change | Report | Made, int]:
    """What a local tool makes of all rows, and how many of them it was not given because a run of this key saw them."""
    seen = _seen(store, rows, key)
    if seen is None:
        return function(rows), 0
    unseen = np.flatnonzero(seen.ords < 0)
    change = function(rows.only(unseen))
    if not isinstance(change, Change):
        raise ValueError("a local tool makes a Change: what a Report says is about all rows")
    return replace(change, outcomes=_merged(seen, _Waiting(unseen, len(rows)), change.outcomes)), len(rows) - len(
        unseen
    )


def _merged(seen: _Seen, new: _Waiting, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """The outcomes of all rows in order of position."""
    at = 0
    for outcome in outcomes:
        new.add(outcome)
        while at + WINDOW <= new.settled and at + WINDOW < new.rows:  # the last window waits for the last outcome
            yield _joined(at, at + WINDOW, seen, new)
            at += WINDOW
    for start in range(at, new.rows, WINDOW):
        yield _joined(start, min(start + WINDOW, new.rows), seen, new)


def _joined(start: int, end: int, seen: _Seen, new: _Waiting) -> Outcome:
    """The outcome of the rows from `start` to `end`."""
    told = seen.upto(start, end)
    decisions, edits, signals, at = new.upto(start, end)
    tables = [one for one in (told.decisions, decisions) if one is not None]
    measured = [one for one in (told.signals, signals) if one is not None]
    told = replace(told, decisions=pa.concat_tables(tables) if tables else None, edits=edits)
    if not measured:
        return told
    places = np.concatenate([start + np.flatnonzero(seen.ords[start:end] >= 0), at])
    whole = pa.concat_tables(measured)
    if len(whole) != end - start:
        raise ValueError(f"a local tool gives signals for every row or none, not for {len(whole)} of {end - start}")
    return replace(told, signals=whole.take(pa.array(np.argsort(places))))


@dataclass
class _Waiting:
    """What the function said of the unseen rows and has not been handed on; `unseen` are their positions.

    Before the position `settled` nothing more will be said, as outcomes come in order.
    """

    unseen: np.ndarray
    rows: int
    settled: int = 0
    decisions: list[pa.Table] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    signals: list[pa.Table] = field(default_factory=list)
    measured: int = 0

    def __post_init__(self) -> None:
        self.settled = self._position(0)

    def add(self, outcome: Outcome) -> None:
        if outcome.added:
            raise ValueError("a local tool adds no rows: the id of a new row depends on its place")
        last = -1
        if outcome.decisions is not None and len(outcome.decisions):
            places = outcome.decisions["position"].to_numpy()
            last = int(places.max())
            positions = pa.array(self.unseen[places], pa.int64())
            table = outcome.decisions.cast(DECISIONS)
            self.decisions.append(table.set_column(0, DECISIONS.field("position"), positions))
        if outcome.edits:
            last = max(last, *(edit.position for edit in outcome.edits))
            self.edits += [replace(edit, position=int(self.unseen[edit.position])) for edit in outcome.edits]
        if outcome.signals is not None and len(outcome.signals):
            self.signals.append(outcome.signals)
            self.measured += len(outcome.signals)
        known = self.measured if self.measured else last
        self.settled = max(self.settled, self._position(known))

    def upto(self, start: int, end: int) -> tuple[pa.Table | None, list[Edit], pa.Table | None, np.ndarray]:
        """Decisions and edits before `end`, the signals from `start` to `end` and the positions they stand for."""
        decisions = None
        if self.decisions:
            whole = pa.concat_tables(self.decisions)
            ready = whole["position"].to_numpy() < end
            decisions, self.decisions = whole.filter(pa.array(ready)), [whole.filter(pa.array(~ready))]
        edits = [edit for edit in self.edits if edit.position < end]
        self.edits = [edit for edit in self.edits if edit.position >= end]
        at = self.unseen[np.searchsorted(self.unseen, start) : np.searchsorted(self.unseen, end)]
        signals = None
        if self.signals:
            whole = pa.concat_tables(self.signals)
            signals, self.signals = whole.slice(0, len(at)), [whole.slice(len(at))]
        return decisions, edits, signals, at

    def _position(self, place: int) -> int:
        return int(self.unseen[place]) if place < len(self.unseen) else self.rows


@dataclass(frozen=True)
class _Seen:
    """What an earlier run said. `ords` is for every position the `ord`, in that run's input, of a row of the same
    content; -1 where it had none."""

    ords: np.ndarray
    tables: dict[str, _Table]

    def upto(self, start: int, end: int) -> Outcome:
        """What it said of the seen rows from `start` to `end`; its edits as whole records."""
        ords = self.ords[start:end]
        positions = start + np.flatnonzero(ords >= 0)
        ords = ords[ords >= 0]
        found: dict[str, tuple[np.ndarray, pa.Table]] = {
            role: (positions[which], rows)
            for role, (which, rows) in ((role, table.of(ords)) for role, table in self.tables.items())
        }
        decisions = rewritten = None
        if "decisions" in found:
            at, rows = found["decisions"]
            columns = [rows[name] for name in DECISIONS.names if name != "position"]
            decisions = pa.Table.from_arrays([pa.array(at, pa.int64()), *columns], schema=DECISIONS)
        if "overlay" in found:
            at, rows = found["overlay"]
            columns = [pa.array(at, pa.int64()), rows["content_sha"], rows["record"]]
            rewritten = pa.Table.from_arrays(columns, schema=rewritten_schema(rows["record"].type))
        return Outcome(decisions, signals=found["signals"][1] if "signals" in found else None, rewritten=rewritten)


class _Table:
    """A stored table of an entry, whose rows are found by `ord`."""

    COLUMNS: Final = {
        "decisions": ("action", "reason", "score", "evidence"),
        "overlay": ("content_sha", "record"),
    }

    def __init__(self, objects: Objects, role: str, sha: str) -> None:
        self._objects, self._sha = objects, sha
        names = objects.open(sha).schema_arrow.names
        self._columns = self.COLUMNS.get(role) or tuple(name for name in names if name not in ("ord", "rev"))
        ords = objects.read(sha, ["ord"])["ord"].to_numpy()
        self._order = np.argsort(ords, kind="stable")
        self.ords = ords[self._order]

    def of(self, ords: np.ndarray) -> tuple[np.ndarray, pa.Table]:
        """The rows that belong to the given `ord`s, in order, and for each the index of its `ord`."""
        first = np.searchsorted(self.ords, ords, "left")
        counts = np.searchsorted(self.ords, ords, "right") - first
        which = np.repeat(np.arange(len(ords)), counts)
        within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        places = self._order[np.repeat(first, counts) + within]
        return which, self._objects.pick(self._sha, places, self._columns)


def _seen(store: Store, rows: Rows, key: str) -> _Seen | None:
    """What the earlier run that saw the most of these rows said; None when none saw any."""
    if not key:
        return None
    content = rows.arrow(("content_sha",))["content_sha"]
    best: tuple[int, np.ndarray, Entry] | None = None
    for entry, past in islice(_earlier(store, key), LOOKED_AT):
        known = _usable(store, entry, past)
        at = pc.index_in(content, value_set=known["content_sha"].combine_chunks())
        hit = np.asarray(at.is_valid())
        ords = np.full(len(rows), -1, np.int64)
        ords[hit] = known["ord"].to_numpy()[at.drop_null().to_numpy()]
        count = int(hit.sum())
        if count and (best is None or count > best[0]):
            best = (count, ords, entry)
        if count == len(rows):
            break
    if best is None:
        return None
    _, ords, entry = best
    kinds = ("decisions", "overlay", "signals")
    tables = {role: _Table(store.objects, role, entry.objects[role]) for role in kinds if role in entry.objects}
    return _Seen(ords, tables)


def _earlier(store: Store, key: str) -> Iterator[tuple[Entry, Rows]]:
    """Entries of this key, newest first, each with its input, where all of both is still stored."""
    inputs: set[str] = set()
    for entry in reversed(store.ledger.entries()):
        if entry.details.get(DETAIL) != key or entry.before is None or entry.before in inputs:
            continue
        inputs.add(entry.before)
        try:
            past = store.rows_of(entry.before)
        except Misuse:
            continue
        needed = [sha for part in past.version.parts for sha in (part.pack, part.selection) if sha is not None]
        if len(past) and all(map(store.objects.holds, [*needed, *entry.objects.values()])):
            yield entry, past


def _usable(store: Store, entry: Entry, past: Rows) -> pa.Table:
    """(content_sha, ord) of the rows of an entry's input of which it holds the tool's own word, all of it."""
    known = past.arrow(("content_sha", "ord"))
    ords = known["ord"].to_numpy()
    usable = np.ones(len(known), bool)
    if "decisions" in entry.objects:  # where a person's ruling overruled the tool, its own word was not kept
        told = store.objects.read(entry.objects["decisions"], ["ord", "action"])
        usable &= ~np.isin(ords, told.filter(pc.equal(told["action"], "keep"))["ord"].to_numpy())
    if "signals" in entry.objects:
        usable &= np.isin(ords, store.objects.read(entry.objects["signals"], ["ord"])["ord"].to_numpy())
    return known.filter(pa.array(usable))
