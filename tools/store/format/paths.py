"""Paths as people write them: `question`, `instances[0].output`, `data[].text`.

It knows how to read a path and follow it through a parsed record. It does not know what lies there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from ...errors import Misuse
from .records import Path

Step: TypeAlias = str | int | None
"""One step of a path: a key, an index, or None for every element of an array."""

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d*)\]")


def parse_path(text: str, columns: Sequence[str] = ()) -> tuple[Step, ...]:
    """The steps of `instances[0].output` or `data[].text`; a column of exactly this name is one step.

    Misuse when it is garbled.
    """
    if text in columns:
        return (text,)
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _STEP.match(text, at)
        if found is None or (at == 0) == found.group(0).startswith((".", "[")):
            break
        key, index = found.groups()
        steps.append(key if key is not None else int(index) if index else None)
        at = found.end()
    if not steps or at < len(text):
        raise Misuse(
            f"{text!r} is no path into a record.",
            next_step="Write it as in question, data[].text or a.b[0].c.",
        )
    return tuple(steps)


def find(value: Any, steps: Sequence[Step], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that `steps` lead to, with its path; none when the record lacks it."""
    for number, step in enumerate(steps):
        if step is None:
            for index, child in enumerate(value if type(value) is list else ()):
                yield from find(child, steps[number + 1 :], (*path, index))
            return
        if type(step) is str:
            if type(value) is not dict or step not in value:
                return
        elif type(step) is int and (type(value) is not list or step >= len(value)):
            return
        value = value[step]
        path = (*path, step)
    yield path, value
