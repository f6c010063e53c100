"""The lock of a recipe: what a run read, did and made, small enough that its git diff is the review.

It holds hashes, counts and version ids; no clock, no cost, no absolute path of its own making.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...tools.errors import Misuse, Refused

if TYPE_CHECKING:
    from ...tools.store.ingest import Source
    from .recipe import Recipe


def recipes_of(path: Path) -> list[Path]:
    """The recipes a lock may be of: the files beside it that bear its name."""
    stem = path.name.removesuffix(".lock.json")
    return [one for suffix in (".yaml", ".yml") if (one := path.with_name(stem + suffix)).is_file()]


def render(lock: Mapping[str, Any]) -> bytes:
    return json.dumps(lock, indent=1, ensure_ascii=False).encode() + b"\n"


def read(path: Path) -> dict[str, Any]:
    try:
        lock: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Misuse(f"There is no {path.name} to hold the run to.", next_step="Run once without --locked.") from None
    except ValueError as error:
        raise Misuse(f"{path.name} is not JSON: {error}.", next_step="Restore it from version control.") from None
    return lock


def of(recipe: Recipe, vid: str) -> bool:
    """Is there a lock beside the recipe, of exactly this recipe and this version?"""
    if not recipe.lock_path.exists():
        return False
    locked = read(recipe.lock_path)
    return locked.get("version") == vid and locked.get("recipe") == recipe.sha


def compare(locked: Mapping[str, Any], found: Mapping[str, Any], path: Path, left: str = "") -> None:
    """Raises Refused naming the first difference, and what was `left`; `found` is compared as it would be written."""
    found = json.loads(render(found))
    for where, was, now in _differences(locked, found, ""):
        next_step = f"If the change is wanted, run without --locked and commit the new {path.name}."
        what = f"{path.name}: {where} was {_short(was)}, is {_short(now)}."
        raise Refused(f"{what} {left}".rstrip(), next_step=next_step)


def compare_copies(locked: Mapping[str, Any], sources: Sequence[Source], path: Path) -> None:
    """Raises Refused naming the first remote file whose bytes are not those that were locked."""
    was = {file["path"]: file["sha256"] for source in locked.get("sources", ()) for file in source["files"]}
    for copy in (copy for source in sources for copy in source.copies):
        if was.get(copy.path, copy.sha256) != copy.sha256:
            text = f"{copy.path} has changed upstream: {path.name} holds sha256 {was[copy.path][:16]}…, "
            next_step = f"If the change is wanted, run without --locked and commit the new {path.name}."
            raise Refused(f"{text}it is now {copy.sha256[:16]}….", next_step=next_step)


def _differences(was: Any, now: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(was, dict) and isinstance(now, dict):
        same_bytes = "sha256" in was and was["sha256"] == now.get("sha256")
        for key in [*was, *(key for key in now if key not in was)]:
            if key == "revision" and same_bytes:  # a server may name the same bytes anew
                continue
            yield from _differences(was.get(key), now.get(key), f"{where}.{key}" if where else str(key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _differences(one, other, f"{where}[{number}]")
    elif was != now:
        yield where, was, now


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:119]}…"
