"""The lock of a recipe: what a run read, did and made, small enough that its git diff is the review.

It holds hashes, counts and version ids; no clock, no cost, no absolute path of its own making.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..tools.errors import Misuse, Refused


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


def compare(locked: Mapping[str, Any], found: Mapping[str, Any], path: Path) -> None:
    """Raises Refused naming the first difference."""
    for where, was, now in _differences(locked, found, ""):
        next_step = f"If the change is wanted, run without --locked and commit the new {path.name}."
        raise Refused(f"{path.name}: {where} was {_short(was)}, is {_short(now)}.", next_step=next_step)


def _differences(was: Any, now: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for key in [*was, *(key for key in now if key not in was)]:
            yield from _differences(was.get(key), now.get(key), f"{where}.{key}" if where else str(key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _differences(one, other, f"{where}[{number}]")
    elif was != now:
        yield where, was, now


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:119]}…"
