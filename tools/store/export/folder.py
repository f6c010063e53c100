"""Putting a finished export where people asked for it: the old folder or the new one, never a mixture.

It knows folders, file hashes and the list of files in a manifest.json. It does not know what the files say.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ...errors import Misuse, Refused
from .. import disk

MANIFEST: Final = "manifest.json"
README: Final = "README.md"
FORMAT: Final = "tilth-export/1"


def default_folder(root: Path, dataset: str, vid: str, options: Mapping[str, Any]) -> Path:
    """`exports/<dataset>-<vid>-<8 digits of the options>`, so that two ways to export a version never
    collide."""
    text = json.dumps(dict(options), sort_keys=True, separators=(",", ":"))
    sha = hashlib.sha256(text.encode()).hexdigest()[:8]
    return root / "exports" / f"{dataset.replace('/', '-')}-{vid}-{sha}"


def temporary_for(target: Path) -> Path:
    """A new empty folder beside `target`, on its file system; what a killed export left is cleared away.

    Raises Misuse when `target` is a file or cannot be made, Refused when it holds anything tilth did not write.
    """
    target = target.resolve()
    check_replaceable(target)
    with disk.writing_to(target):
        disk.make_folder(target.parent)
        _clear_leftovers(target)
        temporary = _beside(target, "new")
        temporary.mkdir()
    return temporary


def place(temporary: Path, target: Path) -> bool:
    """Give a finished export its name, durably. False when the same export is already there: nothing is done.

    An earlier export of tilth is replaced; whoever looks sees the old one, for a moment none, then the new
    one. Raises Misuse and Refused as `temporary_for`, and Refused when the README there was edited by hand
    and would be lost. Removes `temporary` in every case.
    """
    target = target.resolve()
    try:
        check_replaceable(target)
        if _same(temporary, target):
            return False
        _refuse_edited(target)
        _sync(temporary)
        old = _beside(target, "old")
        if target.exists():
            os.rename(target, old)
        os.rename(temporary, target)
        disk.sync_folder(target.parent)
        shutil.rmtree(old, ignore_errors=True)
        return True
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _beside(target: Path, kind: str) -> Path:
    return target.parent / f".{target.name}.{os.getpid()}.{kind}.tilth"


def _clear_leftovers(target: Path) -> None:
    """Remove what killed exports left beside `target`; an old export whose place is empty goes back there."""
    for left in sorted(target.parent.glob(f".{target.name}.*.tilth")):
        _, pid, kind, _ = left.name.rsplit(".", 3)
        if pid.isdigit() and int(pid) != os.getpid() and _alive(int(pid)):
            continue
        if kind == "old" and not target.exists():
            os.rename(left, target)
        else:
            shutil.rmtree(left)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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
    if manifest is None and is_damaged(target):
        raise Refused(f"{target / MANIFEST} is damaged.", next_step="Name another folder, or empty it.")
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


def _refuse_edited(target: Path) -> None:
    manifest = read_manifest(target) if target.is_dir() else None
    readme = target / README
    if manifest is not None and readme.is_file() and disk.sha256(readme) != manifest.get("readme"):
        raise Refused(
            f"{readme} was edited by hand after the export, and would be lost.",
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
    files = found.get("files")
    return found if isinstance(files, list) and all(map(_is_listed, files)) else None


def is_damaged(folder: Path) -> bool:
    """Whether the manifest in a folder was once one of ours and can no longer be read."""
    try:
        found = (folder / MANIFEST).read_bytes()
    except OSError:
        return False
    return read_manifest(folder) is None and (not found.strip() or FORMAT.encode() in found)


def _is_listed(file: Any) -> bool:
    """Whether an item of a manifest's files names a file inside the folder, and its hash."""
    if not isinstance(file, dict) or not isinstance(file.get("sha256"), str):
        return False
    path = PurePosixPath(str(file.get("path") or ".."))
    return not path.is_absolute() and ".." not in path.parts


def changed_files(folder: Path, manifest: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(path, what the manifest says, what was found) for every listed file that is missing or has other
    bytes."""
    found = []
    for file in manifest["files"]:
        path = folder / file["path"]
        if not path.is_file():
            found.append((file["path"], file["sha256"], "missing"))
        elif (sha := disk.sha256(path)) != file["sha256"]:
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
