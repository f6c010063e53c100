"""The append-only, hash-chained record of everything that happened to a workspace: the only truth about it.

It knows entries, their chain, and how refs and undo follow from them. It does not know rows or objects. A torn last
line (a crash in the middle of an append) is ignored when reading and cut off before the next append.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from ..errors import Corrupt
from . import disk

EntryKind = Literal[
    "import", "step", "report", "sample", "run", "undo", "redo", "tag", "export", "benchmark", "gc", "purge"
]
GENESIS: Final = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One thing that was done: with what, to which version, by whom, with what result.

    `output` is the version it made (None: it made none); `moves` says whether the dataset's ref follows it;
    `objects` names stored tables by role; `counts` are before, after, dropped, edits, added …;
    `details` hold what only this kind has.
    """

    kind: EntryKind
    dataset: str
    tool: str | None = None
    tool_version: int = 0
    args: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    inputs: tuple[str, ...] = ()
    output: str | None = None
    moves: bool = True
    counts: Mapping[str, Any] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    actor: str = "person"
    session: str = ""
    call_id: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    at: str = ""
    seq: int = -1
    prev: str = ""

    @property
    def before(self) -> str | None:
        """The version the entry started from."""
        return self.inputs[0] if self.inputs else None


@dataclass
class History:
    """The versions a dataset's ref has gone through; `cursor` is where it stands."""

    vids: list[str] = field(default_factory=list)
    cursor: int = -1
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def current(self) -> str:
        return self.vids[self.cursor]


class Ledger:
    """`ledger.jsonl`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: list[Entry] = []
        self._by_key: dict[str, Entry] = {}
        self.purged: dict[str, Entry] = {}
        """The tombstone of every purged row, by row id."""
        self.moved_parts: dict[tuple[str, str | None], Mapping[str, Any]] = {}
        """What became of a (pack, selection) when a row was purged: the same fields, and rows and live."""
        self._last = GENESIS
        self._size = 0
        self.refresh()

    def entries(self) -> list[Entry]:
        return list(self._entries)

    def of(self, dataset: str) -> list[Entry]:
        return [entry for entry in self._entries if entry.dataset == dataset]

    def with_key(self, key: str) -> Entry | None:
        """The newest entry that did exactly this step."""
        return self._by_key.get(key)

    def with_call(self, session: str, call_id: str) -> Entry | None:
        """The entry of a model's call that was already carried out."""
        for entry in reversed(self._entries):
            if entry.session == session and entry.call_id == call_id:
                return entry
        return None

    def refresh(self) -> None:
        """Read what other processes have appended since."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._size)
                data = file.read()
        except FileNotFoundError:
            return
        whole, _, _ = data.rpartition(b"\n")
        if not whole:
            return
        for line in whole.split(b"\n"):
            self._add(line)
        self._size += len(whole) + 1

    def append(self, entry: Entry) -> Entry:
        """Add an entry durably. The caller holds the workspace lock."""
        self.refresh()
        self._cut_torn_tail()
        entry = replace(entry, seq=len(self._entries), prev=self._last, at=entry.at or _now())
        line = line_of(entry)
        disk.append_line(self.path, line)
        self._add(line)
        self._size += len(line) + 1
        return entry

    def histories(self) -> dict[str, History]:
        """Where every dataset's ref stands, by replaying the entries."""
        found: dict[str, History] = {}
        for entry in self._entries:
            history = found.setdefault(entry.dataset, History())
            if entry.kind == "tag":
                history.tags[str(entry.args["label"])] = entry.inputs[0]
            elif entry.kind in ("undo", "redo"):
                history.cursor += int(entry.args["steps"])
            elif entry.output and entry.moves and (not history.vids or entry.output != history.current):
                history.vids = [*history.vids[: history.cursor + 1], entry.output]
                history.cursor += 1
        return {name: history for name, history in found.items() if history.vids}

    def lineage(self, dataset: str, vid: str) -> list[Entry]:
        """The entries that led to `vid`, oldest first, with the reports made on the way; nothing undone since.

        A version reached twice (undo, then the same step again) is told once, by its newest entry; so is a report, or a
        step that changed nothing, that was made twice of one version.
        """
        makers: dict[str, Entry] = {}
        beside: dict[str, dict[str, Entry]] = {}
        for entry in self._entries:
            if entry.dataset != dataset and entry.output != vid:
                continue
            if entry.kind in ("undo", "redo", "run", "tag"):
                continue
            if entry.output is not None and entry.output != entry.before:
                makers[entry.output] = entry
            elif entry.before is not None and entry.kind in ("step", "report"):
                done = json.dumps([entry.tool, entry.args, entry.seed], sort_keys=True)
                beside.setdefault(entry.before, {}).pop(done, None)
                beside[entry.before][done] = entry
        chain: list[Entry] = []
        at: str | None = vid
        while at is not None:
            chain.extend(reversed(beside.get(at, {}).values()))
            maker = makers.get(at)
            if maker is None:
                break
            chain.append(maker)
            at = maker.before
        return chain[::-1]

    def verify(self) -> list[str]:
        """Every break of the chain, as sentences; an empty list means the ledger is whole."""
        faults, prev = [], GENESIS
        data = self.path.read_bytes() if self.path.exists() else b""
        lines = data.split(b"\n")
        if lines[-1]:
            faults.append(f"line {len(lines)}: torn ({len(lines[-1])} bytes without a line end)")
        for number, line in enumerate(lines[:-1], 1):
            try:
                entry = json.loads(line)
                if entry["prev"] != prev:
                    faults.append(f"line {number}: does not follow the line before it")
                if entry["seq"] != number - 1:
                    faults.append(f"line {number}: is numbered {entry['seq']}")
            except (ValueError, KeyError, TypeError):
                faults.append(f"line {number}: is not a ledger entry")
            prev = sha_of_line(line)
        return faults

    def _add(self, line: bytes) -> None:
        try:
            fields = json.loads(line)
            if fields["prev"] != self._last:
                raise ValueError("chain")
            entry = Entry(**{**fields, "inputs": tuple(fields["inputs"])})
        except (ValueError, KeyError, TypeError) as error:
            number = len(self._entries) + 1
            next_step = "'tilth log --verify' names every fault; restore the file from a backup."
            raise Corrupt(f"{self.path.name} is damaged at line {number}.", next_step=next_step) from error
        self._last = sha_of_line(line)
        if entry.kind == "purge":
            self._see_purge(entry)
        self._entries.append(entry)
        if entry.key:
            self._by_key[entry.key] = entry

    def _see_purge(self, tombstone: Entry) -> None:
        """From here on, earlier entries name the objects that were written without the row. The file stays as it is."""
        self.purged[str(tombstone.args["row"])] = tombstone
        moved = tombstone.details["objects"]
        for number, entry in enumerate(self._entries):
            if not moved.keys().isdisjoint(entry.objects.values()):
                objects = {role: moved.get(sha, sha) for role, sha in entry.objects.items()}
                self._entries[number] = replace(entry, objects=objects)
                if self._by_key.get(entry.key) is entry:
                    self._by_key[entry.key] = self._entries[number]
        for part in tombstone.details["parts"]:
            self.moved_parts[part["pack"], part["selection"]] = part["to"]

    def _cut_torn_tail(self) -> None:
        if self.path.exists() and self.path.stat().st_size > self._size:
            os.truncate(self.path, self._size)


def line_of(entry: Entry) -> bytes:
    """An entry as its line, without the line end."""
    return json.dumps(asdict(entry), ensure_ascii=False, separators=(",", ":")).encode()


def sha_of_line(line: bytes) -> str:
    """What the next entry names as `prev`."""
    return hashlib.sha256(line).hexdigest()


def referenced(entries: Iterable[Entry]) -> set[str]:
    """All object hashes that entries name."""
    return {sha for entry in entries for sha in entry.objects.values()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
