"""How a Change becomes a version: outcomes in, decisions, signals and edited rows written, one ledger entry made.

It knows positions, packs and selections. It does not know tools or where the Change came from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from ..change import DECISIONS, Change, Edit, Fact, Finding, NewRow, Outcome, Report, dump_evidence
from .contents import edited_records, new_records, rewritten_schema
from .identity import made_row_id
from .ledger import Entry
from .packs import ID, PACK_COLUMNS, ObjectWriter, bitmap, fixed_bytes, pack_schema, read_bitmap
from .rows import Rows
from .store import Store
from .tally import Tally
from .versions import Part, RowDigest, Version, version_id

STORED_DECISIONS: Final = pa.schema(
    [
        pa.field("row_id", ID, nullable=False),
        pa.field("ord", pa.int64(), nullable=False),
        pa.field("rev", pa.int32(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("score", pa.float64()),
        pa.field("evidence", pa.string()),
    ]
)


MAX_PARTS: Final = 16
"""A version of more parts than this is rewritten as one pack, so that chains of edits do not slow readers down."""


def apply(
    store: Store,
    rows: Rows,
    change: Change,
    entry: Entry,
    *,
    max_drop: float | None = None,
    record_type: pa.DataType | None = None,
) -> tuple[Entry, Version]:
    """Write a Change over `rows` and commit it; a share of drops above `max_drop` keeps the decisions but no version.

    `entry` comes with dataset, tool, args and key filled in; inputs, counts, objects and output are added here.
    `record_type` is that of rows added to a version that has none.
    """
    writing = _Writing(store, rows, record_type)
    with ExitStack() as stack:
        writing.run(change.outcomes, stack)
    refused = max_drop is not None and len(writing.tally.gone) > max_drop * len(rows)
    version = rows.version if refused else writing.version()
    objects = writing.objects() | note_objects(store, rows, change.findings, change.facts)
    books = {} if change.books is None else change.books.counts()
    spent = {} if change.books is None else {"spent": change.books.spent()}
    entry = replace(
        entry,
        inputs=(rows.vid, *entry.inputs),
        output=None if refused else version.vid,
        counts={**entry.counts, **books, **writing.tally.counts()},
        objects={**entry.objects, **objects},
        details={**entry.details, **spent, **({"refused": True} if refused else {})},
    )
    return store.commit(entry, None if refused else version), version


def apply_report(store: Store, rows: Rows, report: Report, entry: Entry) -> Entry:
    """Commit a Report: its findings, facts and details become objects."""
    objects = {**entry.objects, **note_objects(store, rows, report.findings, report.facts)}
    if report.details:
        text = json.dumps(report.details, ensure_ascii=False)
        objects["details"] = store.objects.put(pa.table({"json": pa.array([text], pa.large_string())}))
    if report.decisions is not None and len(report.decisions):
        objects["decisions"] = store.objects.put(_stored(rows, report.decisions))
    counts = {**entry.counts, "before": len(rows), "after": len(rows), "findings": len(report.findings)}
    return store.commit(replace(entry, kind="report", inputs=(rows.vid, *entry.inputs), objects=objects, counts=counts))


def _stored(rows: Rows, decisions: pa.Table) -> pa.Table:
    """Decisions by position as they are kept: in order, with the identity of each row."""
    order = np.argsort(decisions["position"].to_numpy(), kind="stable")
    decisions = decisions.take(pa.array(order)).cast(DECISIONS)
    keys = rows.take(decisions["position"].to_numpy(), ["row_id", "ord", "rev"])
    return pa.Table.from_arrays([*keys.columns, *decisions.drop_columns(["position"]).columns], schema=STORED_DECISIONS)


def read_details(store: Store, entry: Entry) -> dict[str, Any]:
    """The details of a recorded Report; of anything else, none."""
    if "details" not in entry.objects:
        return {}
    details: dict[str, Any] = json.loads(store.objects.read(entry.objects["details"])["json"][0].as_py())
    return details


def note_objects(store: Store, rows: Rows, findings: Iterable[Finding], facts: Iterable[Fact]) -> dict[str, str]:
    """Store findings (their example positions as row ids) and facts; -> object hashes by role."""
    objects = {}
    listed = list(findings)
    if listed:
        examples = sorted({position for finding in listed for position in finding.rows})
        ids = rows.take(examples, ["row_id"]).column("row_id").to_pylist() if examples else []
        name = {position: row_id.hex() for position, row_id in zip(examples, ids, strict=True)}
        lines = [{**asdict(one), "rows": [name[position] for position in one.rows]} for one in listed]
        objects["findings"] = store.objects.put(pa.Table.from_pylist(lines, schema=FINDINGS))
    told = [{**asdict(fact), "value": json.dumps(fact.value, ensure_ascii=False)} for fact in facts]
    if told:
        objects["facts"] = store.objects.put(pa.Table.from_pylist(told, schema=FACTS))
    return objects


FINDINGS: Final = pa.schema(
    [
        ("code", pa.string()),
        ("severity", pa.string()),
        ("message", pa.string()),
        ("count", pa.int64()),
        ("unit", pa.string()),
        ("rows", pa.list_(pa.string())),
        ("sql", pa.string()),
        ("fix", pa.string()),
    ]
)


FACTS: Final = pa.schema(
    [
        ("id", pa.string()),
        ("value", pa.string()),
        ("unit", pa.string()),
        ("method", pa.string()),
        ("n_examined", pa.int64()),
    ]
)


class _Cursor:
    """Walks over a version's columns in step with outcomes: `upto(n)` gives the next rows before position n."""

    def __init__(self, rows: Rows, columns: tuple[str, ...]) -> None:
        self._batches = rows.batches(columns)
        self._rest: pa.Table | None = None
        self.position = 0

    def upto(self, end: int) -> pa.Table:
        parts = []
        while self.position < end:
            if self._rest is None or not len(self._rest):
                self._rest = next(self._batches).table
            piece = self._rest.slice(0, end - self.position)
            self._rest = self._rest.slice(len(piece))
            self.position += len(piece)
            parts.append(piece)
        return pa.concat_tables(parts)


class _Writing:
    """One Change on its way to disk."""

    def __init__(self, store: Store, rows: Rows, record_type: pa.DataType | None = None) -> None:
        self.store = store
        self.rows = rows
        self._record_type = record_type
        self.tally = Tally(len(rows))
        self._writers: dict[str, ObjectWriter] = {}
        self._edited: list[int] = []
        self._overlay_ords: list[int] = []
        self._signals_cursor = _Cursor(rows, ("ord", "rev"))
        self._record_cursor: _Cursor | None = None
        self._next_ord = rows.version.next_ord

    def run(self, outcomes: Iterable[Outcome], stack: ExitStack) -> None:
        for outcome in outcomes:
            self.tally.take(outcome)
            if outcome.signals is not None and len(outcome.signals):
                self._write_signals(outcome.signals, stack)
            if outcome.decisions is not None and len(outcome.decisions):
                self._write_decisions(outcome.decisions, stack)
            rewritten = outcome.rewritten if outcome.rewritten is not None and len(outcome.rewritten) else None
            if outcome.edits or rewritten is not None:
                self._write_edits(list(outcome.edits), rewritten, stack)
            if outcome.added:
                self._write_added(list(outcome.added), stack)

    def _writer(self, role: str, schema: pa.Schema, stack: ExitStack) -> ObjectWriter:
        if role not in self._writers:
            self._writers[role] = stack.enter_context(self.store.objects.writer(schema))
        return self._writers[role]

    def _write_signals(self, signals: pa.Table, stack: ExitStack) -> None:
        keys = self._signals_cursor.upto(self._signals_cursor.position + len(signals))
        measured = dict(zip(signals.column_names, signals.columns, strict=True))
        table = pa.table({"ord": keys["ord"], "rev": keys["rev"], **measured})
        self._writer("signals", table.schema, stack).write(table)

    def _write_decisions(self, decisions: pa.Table, stack: ExitStack) -> None:
        table = _stored(self.rows, decisions)
        self._writer("decisions", STORED_DECISIONS, stack).write(table)

    def _write_edits(self, edits: list[Edit], rewritten: pa.Table | None, stack: ExitStack) -> None:
        """Edited records go to one overlay pack, in order; several edits of a row are applied together."""
        merged: dict[int, list[Edit]] = {}
        for edit in edits:
            merged.setdefault(edit.position, []).append(edit)
        new = [] if rewritten is None else [rewritten]
        if merged:
            new.append(self._edited_now(merged))
        whole = pa.concat_tables(new)
        whole = whole.take(pa.array(np.argsort(whole["position"].to_numpy(), kind="stable")))
        positions = whole["position"].to_pylist()
        table = self.rows.take(positions, [name for name in PACK_COLUMNS if name not in ("content_sha", "record")])
        rev = pa.array(table["rev"].to_numpy() + 1, pa.int32())
        columns = {**dict(zip(table.column_names, table.columns, strict=True)), "rev": rev}
        columns |= {"content_sha": whole["content_sha"], "record": whole["record"]}
        schema = self.rows.schema(PACK_COLUMNS)
        table = pa.Table.from_arrays([columns[name] for name in PACK_COLUMNS], schema=schema)
        self._writer("overlay", table.schema, stack).write(table)
        if self._edited and positions[0] <= self._edited[-1]:
            raise ValueError("outcomes must come in order of position")
        self._edited.extend(positions)
        self._overlay_ords.extend([int(table["ord"][0].as_py()), int(table["ord"][-1].as_py())])
        if merged:
            self._write_edit_decisions([edit for position in sorted(merged) for edit in merged[position]], stack)

    def _edited_now(self, merged: Mapping[int, list[Edit]]) -> pa.Table:
        """(position, content_sha, record) of the rows at the given positions, with their edits applied."""
        positions = sorted(merged)
        changes = [[change for edit in merged[position] for change in edit.changes] for position in positions]
        old = self.rows.take(positions, ["record"])
        record, content = edited_records(old.column("record").combine_chunks(), changes)
        columns = {"position": pa.array(positions, pa.int64()), "content_sha": content, "record": record}
        return pa.Table.from_arrays(list(columns.values()), schema=rewritten_schema(record.type))

    def _write_edit_decisions(self, told: list[Edit], stack: ExitStack) -> None:
        self._write_decisions(
            pa.Table.from_arrays(
                [
                    pa.array([edit.position for edit in told], pa.int64()),
                    pa.array(["edit"] * len(told)),
                    pa.array([edit.reason for edit in told]),
                    pa.array([edit.score for edit in told], pa.float64()),
                    pa.array([dump_evidence(edit.evidence) for edit in told], pa.string()),
                ],
                schema=DECISIONS,
            ),
            stack,
        )

    def _write_added(self, added: list[NewRow], stack: ExitStack) -> None:
        kind = self._record_type or pa.large_string()
        if len(self.rows):
            kind = self.rows.schema(["record"]).field("record").type
        record, content = new_records([row.record for row in added], kind)
        births = [made_row_id(sha, self._next_ord + i) for i, sha in enumerate(content.to_pylist())]
        count = len(added)
        table = pa.Table.from_arrays(
            [
                pa.array(births, ID),
                content,
                pa.array(range(self._next_ord, self._next_ord + count), pa.int64()),
                pa.array([0] * count, pa.int32()),
                pa.array([row.reason for row in added]),
                pa.array([row.split for row in added], pa.string()),
                pa.nulls(count, pa.string()),
                pa.nulls(count, pa.int64()),
                pa.nulls(count, pa.string()),
                pa.array([[bytes.fromhex(parent) for parent in row.parents] or None for row in added], pa.list_(ID)),
                record,
            ],
            schema=pack_schema(kind),
        )
        stays = pa.array([birth.hex() not in self.store.ledger.purged for birth in births], pa.bool_())
        table = table.filter(stays)  # a row that was purged is not made again
        self.tally.added -= count - len(table)
        self._writer("added", table.schema, stack).write(table)
        told = [row for row, stay in zip(added, stays.to_pylist(), strict=True) if stay]
        if any(row.evidence is not None for row in told):
            decided = [
                *(table[name] for name in ("row_id", "ord", "rev")),
                pa.array(["add"] * len(told)),
                pa.array([row.reason for row in told]),
                pa.array([row.score for row in told], pa.float64()),
                pa.array([dump_evidence(row.evidence) for row in told], pa.string()),
            ]
            self._writer("decisions", STORED_DECISIONS, stack).write(
                pa.Table.from_arrays(decided, schema=STORED_DECISIONS)
            )
        self._next_ord += count

    def objects(self) -> dict[str, str]:
        return {role: writer.sha for role, writer in self._writers.items() if writer.rows}

    def version(self) -> Version:
        """The version after the Change; the same one when it changes nothing."""
        gone = self.tally.gone
        if not len(gone) and not self._edited and not self.tally.added:
            return self.rows.version
        parts = self._kept_parts(np.union1d(gone, np.array(self._edited, np.int64)))
        edited = np.array(self._edited, np.int64)
        if overlay := self._writers.get("overlay"):
            keep = ~np.isin(edited, gone)
            parts.append(self._part(overlay, min(self._overlay_ords), max(self._overlay_ords), keep))
        if added := self._writers.get("added"):
            parts.append(self._part(added, self.rows.version.next_ord, self._next_ord - 1, None))
        version = self.rows.version
        live = tuple(sorted((part for part in parts if part.live), key=lambda part: part.first))
        return sealed(self.store, replace(version, parents=(version.vid,), parts=live, next_ord=self._next_ord))

    def _part(self, writer: ObjectWriter, first: int, last: int, keep: np.ndarray | None) -> Part:
        if keep is None or keep.all():
            return Part(writer.sha, writer.rows, writer.rows, None, first, last)
        return Part(writer.sha, writer.rows, int(keep.sum()), self.store.objects.put(bitmap(keep)), first, last)

    def _kept_parts(self, leaving: np.ndarray) -> list[Part]:
        part_of, place = self.rows.index
        part_of, place = part_of[leaving], place[leaving]
        parts = []
        for number, part in enumerate(self.rows.version.parts):
            gone = place[part_of == number]
            if len(gone):
                selected = part.selection and read_bitmap(self.store.objects, part.selection)
                keep = np.ones(part.rows, bool) if selected is None else np.array(selected)
                keep[gone] = False
                live = int(keep.sum())
                part = replace(part, selection=self.store.objects.put(bitmap(keep)) if live else None, live=live)
            parts.append(part)
        return parts


def sealed(store: Store, version: Version) -> Version:
    """The version with its row count, digest and id computed; many small parts are rewritten as one."""
    rows = Rows(store.objects, replace(version, rows=sum(part.live for part in version.parts)))
    digest = RowDigest()
    for batch in rows.batches(RowDigest.COLUMNS, size=65_536):
        digest.update(batch.table)
    parts = version.parts
    if len(parts) > MAX_PARTS:
        parts = (_rewritten(store, rows),)
    vid = version_id(version.kind, version.mapping, digest.rows, digest.hexdigest(), version.parents)
    return replace(version, vid=vid, rows=digest.rows, digest=digest.hexdigest(), parts=parts)


def _rewritten(store: Store, rows: Rows) -> Part:
    names = PACK_COLUMNS
    first = last = -1
    with store.objects.writer(rows.schema(names)) as out:
        for batch in rows.batches(names):
            out.write(batch.table)
            ords = batch.table.column("ord")
            first = ords[0].as_py() if first < 0 else first
            last = ords[-1].as_py()
    return Part(out.sha, out.rows, out.rows, None, first, last)


def iterate_ids(rows: Rows) -> Iterator[tuple[int, np.ndarray]]:
    """(position of the first, row ids of shape (n, 16)) in batches."""
    for batch in rows.batches(("row_id",), size=65_536):
        yield batch.start, fixed_bytes(batch.column("row_id"))
