"""Keeping a workspace sound: verifying the ledger and its objects, and removing what nothing refers to.

It knows which objects entries and versions name. It does not decide what a person may still want: undo always works.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from pathlib import Path

from ..errors import Busy, Corrupt, Misuse
from .ledger import Entry
from .store import Store


def verify(store: Store) -> list[str]:
    """Faults of the ledger's chain, missing manifests and objects, objects whose bytes are not what their name says."""
    faults = store.ledger.verify()
    if faults:
        return faults
    store.ledger.refresh()
    for entry in store.ledger.entries():
        for role, sha in entry.objects.items():
            if not store.objects.holds(sha):
                faults.append(f"entry {entry.seq} ({entry.tool or entry.kind}): its {role} {sha[:12]} are missing")
        if entry.output is not None:
            faults += [f"entry {entry.seq}: {fault}" for fault in _missing(store, entry.output)]
    for path in _files(store):
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != path.stem:
                faults.append(f"{path.relative_to(store.root)}: its bytes have changed")
    return faults


def explained(store: Store) -> list[str]:
    """What differs from what was once written, and rightly so: one sentence for every purge."""
    store.ledger.refresh()
    return [
        f"entry {entry.seq}: the row {str(entry.args['row'])[:12]} was purged ({entry.args['because']}); "
        f"{len(entry.details['versions'])} versions lack it under the ids they always had, "
        f"{entry.counts['objects']} objects were written anew without it"
        for entry in store.ledger.purged.values()
    ]


def _missing(store: Store, vid: str) -> Iterator[str]:
    try:
        version = store.version(vid)
    except Misuse:
        yield f"the manifest of version {vid} is missing"
        return
    except Corrupt:
        yield f"the manifest of version {vid} is damaged"
        return
    for part in version.parts:
        for sha in (part.pack, part.selection):
            if sha is not None and not store.objects.holds(sha):
                yield f"version {vid} lacks its object {sha[:12]}"


def collect(store: Store) -> dict[str, int]:
    """Remove objects and manifests no ledger entry leads to. The caller holds the write lock. Raises Busy.

    Every version an entry names is kept, so undo, redo, tags and `why` go on working; what goes is what a killed
    command left behind.
    """
    readers = (store.state / "readers").open("a")
    fcntl.flock(store.readers, fcntl.LOCK_UN)
    try:
        fcntl.flock(readers, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        next_step = "Close it (an open terminal session counts) and run 'tilth gc' again."
        raise Busy("Another command is reading this workspace.", next_step=next_step) from None
    else:
        return _remove(store, _needed(store, store.ledger.entries()))
    finally:
        readers.close()
        fcntl.flock(store.readers, fcntl.LOCK_SH)


def _needed(store: Store, entries: list[Entry]) -> set[str]:
    needed = {sha for entry in entries for sha in entry.objects.values()}
    vids = {vid for entry in entries for vid in (*entry.inputs, entry.output) if vid is not None}
    for vid in vids:
        needed.add(vid)
        for part in store.version(vid).parts:
            needed |= {part.pack, *([part.selection] if part.selection else [])}
    return needed


def _remove(store: Store, needed: set[str]) -> dict[str, int]:
    removed = {"objects": 0, "bytes": 0}
    for path in [*_files(store), *sorted((store.state / "versions").glob("*.json"))]:
        if path.stem not in needed:
            removed["objects"] += 1
            removed["bytes"] += path.stat().st_size
            path.unlink()
    return removed


def _files(store: Store) -> list[Path]:
    return sorted(store.objects.folder.glob("*/*.parquet"))
