"""Putting a finished export where people asked for it: the old folder or the new one, never a mixture.

It knows folders, file hashes and the list of files in a manifest.json. It does not know what the files say.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ...errors import Misuse, Refused
from .. import disk

MANIFEST: Final = "manifest.json"
README: Final = "README.md"
FORMAT: Final = "tilth-export/1"


def default_folder(root: Path, dataset: str, vid: str, options: Mapping[str, Any]) -> Path:
    """`exports/<dataset>-<vid>-<8 digits of the options>`, so that two ways to export a version never collide."""
    text = json.dumps(dict(options), sort_keys=True, separators=(",", ":"))
    sha = hashlib.sha256(text.encode()).hexdigest()[:8]
    return root / "exports" / f"{dataset.replace('/', '-')}-{vid}-{sha}"


def temporary_for(target: Path) -> Path:
    """A new empty folder beside `target`, on its file system. What a killed export left there is cleared away.

    Raises Misuse when `target` is a file, Refused when it holds anything tilth did not write.
    """
    target = target.resolve()
    check_replaceable(target)
    disk.make_folder(target.parent)
    for stale in sorted(target.parent.glob(f".{target.name}.*.tilth")):
        if stale.name.endswith(".old.tilth") and not target.exists():
            os.rename(stale, target)
        else:
            shutil.rmtree(stale)
    temporary = target.parent / f".{target.name}.{os.getpid()}.new.tilth"
    temporary.mkdir()
    return temporary


def place(temporary: Path, target: Path) -> bool:
    """Give a finished export its name, durably. False when the same export is already there: nothing is done then.

    An earlier export of tilth is replaced; whoever looks sees the old one, for a moment none, then the new one.
    Raises Misuse and Refused as `temporary_for`, and removes `temporary` in every case.
    """
    target = target.resolve()
    try:
        check_replaceable(target)
        if _same(temporary, target):
            return False
        _sync(temporary)
        old = target.parent / f".{target.name}.{os.getpid()}.old.tilth"
        if target.exists():
            os.rename(target, old)
        os.rename(temporary, target)
        disk.sync_folder(target.parent)
        shutil.rmtree(old, ignore_errors=True)
        return True
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_replaceable(target: Path) -> None:
    """Whether an export may take this place. Raises Misuse or Refused."""
    if not target.exists():
        return
    if not target.is_dir():
        raise Misuse(f"{target} is a file.", next_step="An export is a folder: name another place.")
    inside = sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if not path.is_dir())
    if not inside:
        return
    manifest = read_manifest(target)
    if manifest is None:
        raise Refused(
            f"{target} holds files that are no export of tilth ({_few(inside)}).",
            next_step="Name another folder, or empty it.",
        )
    known = {MANIFEST, README, *(file["path"] for file in manifest["files"])}
    foreign = [path for path in inside if path not in known]
    if foreign:
        raise Refused(
            f"{target} holds an export and files that do not belong to it ({_few(foreign)}).",
            next_step="Move them away, or name another folder.",
        )
    if README in inside and sha256(target / README) != manifest["readme"]:
        raise Refused(
            f"{target / README} was edited by hand after the export, and would be lost.",
            next_step="Move what you wrote to answers.toml, or name another folder.",
        )


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of an export; None when the folder has none that tilth wrote."""
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        return None
    return found if isinstance(found.get("files"), list) else None


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def changed_files(folder: Path, manifest: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(path, what the manifest says, what was found) for every listed file that is missing or has other bytes."""
    found = []
    for file in manifest["files"]:
        path = folder / file["path"]
        if not path.is_file():
            found.append((file["path"], file["sha256"], "missing"))
        elif (sha := sha256(path)) != file["sha256"]:
            found.append((file["path"], file["sha256"], sha))
    return found


def _same(temporary: Path, target: Path) -> bool:
    """Whether `target` already holds this very export, every byte of it."""
    manifest = read_manifest(temporary)
    if manifest is None or not target.is_dir():
        return False
    try:
        alike = (target / MANIFEST).read_bytes() == (temporary / MANIFEST).read_bytes()
    except OSError:
        return False
    return alike and (target / README).is_file() and not changed_files(target, manifest)


def _sync(folder: Path) -> None:
    """Make every file and name below a folder durable."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            disk.sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    disk.sync_folder(folder)


def _few(paths: list[str]) -> str:
    shown = ", ".join(paths[:3])
    return f"{shown} and {len(paths) - 3} more" if len(paths) > 3 else shown
