"""A dataset's history in one file that is unpacked anywhere: ledger entries, manifests, objects, and people's files.

It knows which entries, objects and files belong to a version, and what an archive may hold. It does not know recipes:
their files are handed in. The archive is a tar in zstd, in sorted order and without times, so its bytes repeat.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from ..errors import BadInput, Misuse
from . import disk
from .calls import Call, Calls
from .ledger import GENESIS, Entry, Ledger, line_of, sha_of_line
from .past import drafts, rulings
from .store import STATE, Store

ANSWERS: Final = "answers.toml"
ANSWERED: Final = "calls.jsonl"
"""The recorded answers of models that rows and decisions rest on; unpacked, they are in calls.sqlite again."""

_MEMBER: Final = re.compile(
    r"\.tilth/ledger\.jsonl|\.tilth/versions/[0-9a-f]{16}\.json|\.tilth/objects/(?P<head>[0-9a-f]{2})/"
    r"(?P<sha>(?P=head)[0-9a-f]{62})\.parquet|\.tilth/calls\.jsonl|rulings\.jsonl|answers\.toml|"
    r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*\.(?:ya?ml|lock\.json)",
    re.ASCII,
)
_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Bundled:
    """What went into a bundle; `rows` says whether the packs are in it."""

    path: Path
    dataset: str
    version: str
    entries: int
    objects: int
    rows: bool
    beside: tuple[str, ...]


def write_bundle(store: Store, address: str, target: Path, *, rows: bool, beside: Sequence[Path] = ()) -> Bundled:
    """Pack the lineage of the version an address means; `beside` are files (recipe, lock) inside the workspace.

    Without `rows` it holds no record of any row, and no question to a model, except where a decision's evidence or a
    finding quotes one.
    Raises Misuse when the target exists.
    """
    dataset, vid = store.resolve(address)
    if target.exists():
        raise Misuse(f"{target} exists; it was left as it is.", next_step="Name another file, or remove it.")
    entries = _entries(store, dataset, vid)
    vids = {one for entry in entries for one in (*entry.inputs, entry.output) if one is not None}
    objects = sorted(_objects(store, entries, vids, rows=rows))
    members: dict[str, bytes | Path] = {f"{STATE}/ledger.jsonl": _chained(entries)}
    members |= {f"{STATE}/versions/{one}.json": store.state / "versions" / f"{one}.json" for one in vids}
    members |= {f"{STATE}/objects/{sha[:2]}/{sha}.parquet": store.objects.path(sha) for sha in objects}
    if rows and (answers := drafts.used(store, entries)):
        lines = [json.dumps({"key": key, **asdict(call)}, ensure_ascii=False) for key, call in answers.items()]
        members[f"{STATE}/{ANSWERED}"] = "".join(f"{line}\n" for line in lines).encode()
    members |= dict(_people(store, {entry.dataset for entry in entries}, beside))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    with disk.writing_to(target):
        temporary.touch()
    try:
        _write_tar(temporary, members)
        disk.publish(temporary, target, mode=0o644)
    finally:
        temporary.unlink(missing_ok=True)
    told = tuple(sorted(name for name in members if not name.startswith(STATE)))
    return Bundled(target, dataset, vid, len(entries), len(objects), rows, told)


def _entries(store: Store, dataset: str, vid: str) -> list[Entry]:
    """The lineage of a version, after those of the versions its steps read or held to (`since`); then tags and exports
    of them all."""
    store.ledger.refresh()
    everything = store.ledger.entries()
    owner = {entry.output: entry.dataset for entry in everything if entry.output is not None}
    found: dict[int, Entry] = {}

    def add(name: str, version: str, waiting: tuple[str, ...]) -> None:
        chain = store.ledger.lineage(name, version)
        for entry in chain:
            since = entry.details.get("since")
            for other in (*entry.inputs[1:], *([since] if since else [])):
                if other in owner and other not in waiting:
                    add(owner[other], other, (*waiting, other))
        for entry in chain:
            # What moved the name there may be the end of a whole recipe, which the bundle does not hold.
            found.setdefault(entry.seq, replace(entry, moves=True) if entry.output == version else entry)

    add(dataset, vid, (vid,))
    vids = {one for entry in found.values() for one in (*entry.inputs, entry.output)}
    for entry in everything:
        about = entry.details["versions"] if entry.kind == "purge" else [entry.before]
        if entry.kind in ("tag", "export", "purge") and not vids.isdisjoint(about):
            found.setdefault(entry.seq, entry)
    return list(found.values())


def _chained(entries: Iterable[Entry]) -> bytes:
    """The entries as a ledger of their own: numbered and chained anew."""
    lines, prev = [], GENESIS
    for number, entry in enumerate(entries):
        line = line_of(replace(entry, seq=number, prev=prev))
        prev = sha_of_line(line)
        lines.append(line + b"\n")
    return b"".join(lines)


def _objects(store: Store, entries: Sequence[Entry], vids: Iterable[str], *, rows: bool) -> Iterator[str]:
    parts = [part for vid in vids for part in store.version(vid).parts]
    packs = {part.pack for part in parts}
    named = {sha for entry in entries for sha in entry.objects.values()}
    named |= packs | {part.selection for part in parts if part.selection is not None}
    for sha in named:
        if not rows and (sha in packs or "record" in store.objects.open(sha).schema_arrow.names):
            continue
        store.objects.open(sha).close()
        yield sha


def _people(store: Store, datasets: set[str], beside: Sequence[Path]) -> Iterator[tuple[str, bytes | Path]]:
    said = [one for one in rulings.read(store.root) if one.dataset in datasets]
    if said:
        yield rulings.FILE, b"".join(json.dumps(asdict(one), ensure_ascii=False).encode() + b"\n" for one in said)
    for path in [store.root / ANSWERS, *beside]:
        if path.is_file():
            yield path.resolve().relative_to(store.root.resolve()).as_posix(), path


def _write_tar(target: Path, members: dict[str, bytes | Path]) -> None:
    with (
        pa.OSFile(str(target), "wb") as raw,
        pa.CompressedOutputStream(raw, "zstd") as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, content in sorted(members.items()):
            info = tarfile.TarInfo(name)
            info.mode = 0o644
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.size = content.stat().st_size
                with content.open("rb") as file:
                    tar.addfile(info, file)


def read_bundle(bundle: Path, folder: Path) -> list[Entry]:
    """Unpack a bundle into a new workspace at `folder`; -> its ledger.

    Raises Misuse when the folder is not empty, BadInput when the archive is damaged or holds what no bundle holds:
    another kind of member, a path that leads out, an object whose bytes are not what its name says.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Misuse(f"{folder} is not an empty folder.", next_step="Name a new one; nothing is unpacked over files.")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with disk.writing_to(folder):
            temporary.mkdir(parents=True)
        _read_tar(bundle, temporary)
        ledger = temporary / STATE / "ledger.jsonl"
        faults = Ledger(ledger).verify() if ledger.is_file() else ["there is none"]
        if faults:
            raise BadInput(f"{bundle}: its ledger does not hold ({faults[0]}).", next_step="Ask for the file again.")
        _restore_answers(bundle, temporary / STATE)
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Ledger(folder / STATE / "ledger.jsonl").entries()


def _restore_answers(bundle: Path, state: Path) -> None:
    path = state / ANSWERED
    if not path.is_file():
        return
    try:
        with Calls(state / drafts.CALLS) as calls:
            for line in path.read_text(encoding="utf-8").splitlines():
                told = json.loads(line)
                calls.record(told.pop("key"), Call(**told))
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{bundle}: its recorded answers are damaged.", next_step="Ask for the file again.") from None
    path.unlink()


def _read_tar(bundle: Path, folder: Path) -> None:
    try:
        with (
            pa.OSFile(str(bundle), "rb") as raw,
            pa.CompressedInputStream(raw, "zstd") as packed,
            tarfile.open(fileobj=packed, mode="r|") as tar,
        ):
            for member in tar:
                _unpack(bundle, tar, member, folder)
    except FileNotFoundError:
        raise Misuse(f"There is no file {bundle}.") from None
    except (OSError, EOFError, tarfile.TarError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:200]
        next_step = "Ask for the file again."
        raise BadInput(f"{bundle} is no bundle, or is damaged: {reason}.", next_step=next_step) from None


def _unpack(bundle: Path, tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    match = _MEMBER.fullmatch(member.name)
    content: Any = tar.extractfile(member) if match and member.isfile() else None
    if match is None or content is None:
        raise BadInput(f"{bundle} holds {member.name!r}, which no bundle holds; nothing was unpacked.")
    target = folder / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    out = disk.HashingFile(target)
    try:
        while block := content.read(_BLOCK):
            out.write(block)
    finally:
        out.close()
    if match["sha"] and out.hexdigest() != match["sha"]:
        raise BadInput(f"{bundle}: the bytes of {member.name} are not what its name says.")
    if match["sha"] or "/versions/" in member.name:
        target.chmod(disk.READ_ONLY)
