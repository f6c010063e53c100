"""The only language between the engine and its faces: what is happening now, as frozen values.

An event knows what happened, in plain numbers and names. It does not know how it will be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Started:
    """A tool begins on a version. `reads` says which text it looks at."""

    tool: str
    dataset: str
    version: str
    rows: int
    args: Mapping[str, Any] = field(default_factory=dict)
    reads: str = ""


@dataclass(frozen=True, slots=True)
class Progressed:
    """`done` of `total` units of the running work; bytes for an import, rows for a tool."""

    what: str
    done: int
    total: int
    unit: str = "rows"


@dataclass(frozen=True, slots=True)
class Noticed:
    """A sentence for the person."""

    text: str
    level: Literal["note", "warning", "loud"] = "note"


@dataclass(frozen=True, slots=True)
class Finished:
    """A piece of work ended; `result` is the result line of DESIGN section 7 without its `event` key."""

    result: Mapping[str, Any]


Event = Started | Progressed | Noticed | Finished
Listener = Callable[[Event], None]

NAMES = {Started: "started", Progressed: "progress", Noticed: "notice", Finished: "result"}


def to_json(event: Event) -> dict[str, Any]:
    """The event as one line of the NDJSON stream."""
    if isinstance(event, Finished):
        return {"event": "result", **event.result}
    return {"event": NAMES[type(event)], **asdict(event)}


def nobody(event: Event) -> None:
    """The listener that does not listen."""
