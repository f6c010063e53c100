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


@dataclass(frozen=True, slots=True)
class Said:
    """What the person said: the beginning of a turn. Told by a replay; a face knows what was just typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """A piece of the assistant's answer, as it streams. It is not in the session's file: `Answered` holds the whole."""

    text: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """A model wants a tool called; `command` is the same as a person would type it (`tilth do …`)."""

    call_id: str
    tool: str
    dataset: str
    args: Mapping[str, Any]
    command: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A proposed call waits for a person (`Engine.rule`): what it writes, sends and costs. "" where it does nothing of
    the kind. `endpoint` is the host that "session" would grant it for."""

    call_id: str
    tool: str
    dataset: str
    args: Mapping[str, Any]
    command: str
    why: str  # "spends", "sends", "exports", or "would drop 31 % of the rows"
    writes: str = ""
    sends: str = ""
    cost: str = ""
    time: str = ""
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Models have given their word about a proposed call: it decides where no person is asked, else it is advice. Each
    opinion has "model", "role" ("reviewer" or "adjudicator"), "word" ("yes", "no" or "unreadable") and "because"."""

    call_id: str
    tool: str
    allowed: bool
    opinions: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ruled:
    """A person's answer to `Asked`: once, session (the same tool, dataset and endpoint, up to `cap_usd` where it costs
    money), edit (with new args, which are checked again) or no, with a reason for the model."""

    call_id: str
    word: Literal["once", "session", "edit", "no"]
    because: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    cap_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Returned:
    """A call ended. `line` is one muted line for people ("100,000 -> 91,204"), `told` what the model was told."""

    call_id: str
    tool: str
    ok: bool
    line: str
    seconds: float
    told: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answered:
    """The turn's whole answer. `doubtful` are (start, end) character spans of numbers that no result holds."""

    text: str
    doubtful: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Metered:
    """What the conversation holds and has cost; `sees` is what the endpoint may see of the data."""

    context: int
    limit: int
    tokens_in: int
    tokens_out: int
    usd: float
    rate: float  # output tokens a second of the last answer
    model: str
    sees: str


@dataclass(frozen=True, slots=True)
class Counted:
    """The accounts of a running panel (DESIGN section 6, promise 2) and what is in flight."""

    what: str
    accepted: int
    rejected: Mapping[str, int]
    failed: Mapping[str, int]
    parked: int
    in_flight: int
    planned: int
    wanted: int | None
    calls: int
    cached: int
    tokens_in: int
    tokens_out: int
    usd: float
    rate: float  # verdicts a second
    minutes_left: float | None


@dataclass(frozen=True, slots=True)
class Failed:
    """A turn could not be finished; nothing that was done is lost."""

    message: str
    next_step: str = ""
    exit_code: int = 1


Event = (
    Started | Progressed | Noticed | Finished | Said | Wrote | Proposed | Asked | Reviewed | Ruled | Returned | Answered
    | Metered | Counted | Failed
)  # fmt: skip
Listener = Callable[[Event], None]

NAMES = {
    Started: "started", Progressed: "progress", Noticed: "notice", Finished: "result", Said: "said", Wrote: "text",
    Proposed: "proposed", Asked: "asked", Reviewed: "reviewed", Ruled: "ruled", Returned: "returned",
    Answered: "answer", Metered: "meter", Counted: "panel", Failed: "failed",
}  # fmt: skip


def to_json(event: Event) -> dict[str, Any]:
    """The event as one line of the NDJSON stream."""
    if isinstance(event, Finished):
        return {"event": "result", **event.result}
    return {"event": NAMES[type(event)], **asdict(event)}


def nobody(event: Event) -> None:
    """The listener that does not listen."""
