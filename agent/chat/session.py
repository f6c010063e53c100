"""A conversation on disk: `.tilth/sessions/<id>.jsonl`, one JSON line for every message, grant and notable event.

It knows lines, and how events follow from them again (replay needs no model). It does not know models, tools or graphs.
The file is the only place where messages live; every line is fsynced, a torn last line is ignored, and cut off before
the next one. One process at a time goes on with a conversation (flock on the file); anyone may read it.
"""

from __future__ import annotations

import fcntl
import json
import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal

from ...tools.errors import Busy, Corrupt, Misuse, nearest
from ...tools.store import disk
from ..config import Sight
from ..events import Answered, Asked, Event, Failed, Noticed, Proposed, Returned, Reviewed, Ruled, Said, to_json

if TYPE_CHECKING:
    from ...tools.store.store import Store
    from .told import Told

FORMAT: Final = 1
TITLE: Final = 80
_NOTED: Final = ("tool", "ok", "line", "seconds", "result")
"""What a result's message notes beside its text: the rest of its `Returned`."""

Role = Literal["user", "assistant", "tool"]


@dataclass(frozen=True)
class Line:
    """One message of the conversation. `shows` is what of the data it may hold: an endpoint that may see less is not
    given it. `calls` are the proposed calls of an assistant's message, `notes` what faces and trimming need of it."""

    role: Role
    text: str
    shows: Sight = "nothing"
    calls: tuple[Mapping[str, Any], ...] = ()
    call_id: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Grant:
    """A person's word for the rest of the session: this tool on this dataset through this endpoint, up to a cap."""

    tool: str
    dataset: str
    endpoint: str
    cap_usd: float | None = None


@dataclass
class Usage:
    """What the conversation has cost, over all its resumes."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0


@dataclass(frozen=True)
class Payment:
    """A call of a tool that asks models is being made: the name their costs are kept under, and what they were before."""

    tool: str
    run: str
    before: Usage


@dataclass(frozen=True)
class Listed:
    """A session in one line of `tilth sessions`."""

    id: str
    at: str
    dataset: str
    turns: int
    calls: int
    title: str


class Session:
    """A conversation, open for reading; it is held with the first word. Everything in it is appended, nothing changed."""

    _held: IO[bytes] | None = None

    def __init__(self, path: Path) -> None:
        self.path, self.id = path, path.stem
        self.at = self.dataset = ""
        self.lines: list[Line] = []
        self.grants: list[Grant] = []
        self.usage = Usage()
        self.paid: dict[str, float] = defaultdict(float)
        """Dollars by tool, for the models that tools have asked."""
        self.payment: Payment | None = None
        """The one that is open, or was when the process died."""
        self.rulings: dict[str, Ruled] = {}
        """The person's last word about each call."""
        self.asked: dict[str, Asked] = {}
        """What they were asked last about each call."""
        self._story: list[Event | Line] = []
        self._torn = self._size = 0
        self._read()

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def unanswered(self) -> list[Mapping[str, Any]]:
        """Calls of the last assistant's message that have no result: the process died, or a person was being asked."""
        last = next((i for i in reversed(range(len(self.lines))) if self.lines[i].role == "assistant"), None)
        if last is None:
            return []
        done = {line.call_id for line in self.lines[last + 1 :] if line.role == "tool"}
        return [call for call in self.lines[last].calls if call["id"] not in done]

    @property
    def unfinished(self) -> bool:
        """Did the last turn end before the assistant had answered?"""
        return bool(self.lines) and (self.lines[-1].role != "assistant" or bool(self.unanswered))

    @property
    def calls(self) -> int:
        """How many calls were proposed so far: the next one's number."""
        return sum(len(line.calls) for line in self.lines)

    def replay(self) -> Iterator[Event]:
        """Everything that happened, as faces show it. No model is asked, nothing is done."""
        for one in self._story:
            if isinstance(one, Line):
                yield from _events_of(one)
            else:
                yield one

    # -- writing ---------------------------------------------------------------------------------------------------

    def hold(self) -> Session:
        """Be the one who goes on with this conversation, until `close`. Raises Busy while another process is."""
        if self._held is not None:
            return self
        held = self.path.open("rb")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            raise Busy(
                f"The session {self.id} is open in another process.",
                next_step="Close it there first, or begin a new one: tilth chat",
            ) from None
        if self.path.stat().st_size != self._size:
            held.close()
            raise Busy(f"The session {self.id} went on in another process.", next_step="Resume it again.")
        self._held = held
        return self

    def close(self) -> None:
        """Let others go on with it."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def __del__(self) -> None:
        self.close()

    def say(self, line: Line) -> None:
        """Append a message."""
        self._append({"is": "message", **asdict(line)})
        self._take_line(line)

    def finish(self, call_id: str, tool: str, found: Told, sees: Sight, seconds: float) -> Returned:
        """Append a call's result, as an endpoint that may see `sees` is told it; -> the event that tells of it."""
        text, shows = found.to(sees)
        event = Returned(call_id, tool, found.ok, found.line, round(seconds, 3), text, found.result)
        notes = {name: getattr(event, name) for name in _NOTED}
        self.say(Line("tool", text, shows, call_id=call_id, notes=notes))
        return event

    def tell(self, event: Asked | Reviewed | Ruled | Failed | Noticed) -> None:
        """Append an event that no message tells of."""
        self._append({"is": "event", **to_json(event)})
        self._take_event(event)

    def mark(self, spans: Sequence[tuple[int, int]]) -> None:
        """Append that the last message holds doubtful numbers at these characters."""
        self._append({"is": "doubtful", "spans": spans})
        self._take_mark(spans)

    def grant(self, grant: Grant) -> None:
        self._append({"is": "grant", **asdict(grant)})
        self.grants.append(grant)

    def use(self, usage: Usage, tool: str = "") -> None:
        """Append what an answer of a model has cost, or the models that a tool has asked."""
        self._append({"is": "usage", **asdict(usage), **({"tool": tool} if tool else {})})
        self._take_usage(usage, tool)

    def pay(self, payment: Payment) -> None:
        """Append that a tool begins to ask models; `use` with its name ends that."""
        self._append({"is": "paying", **asdict(payment)})
        self.payment = payment

    def about(self, dataset: str) -> None:
        """From now on the conversation is about this dataset unless something else is said."""
        if dataset != self.dataset:
            self._append({"is": "dataset", "dataset": dataset})
            self.dataset = dataset

    # -- the file --------------------------------------------------------------------------------------------------

    def _append(self, value: Mapping[str, Any]) -> None:
        self.hold()
        data = json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace")
        if self._torn:
            with self.path.open("r+b") as file:
                file.truncate(self.path.stat().st_size - self._torn)
            self._size -= self._torn
            self._torn = 0
        disk.append_line(self.path, data)
        self._size += len(data) + 1

    def _read(self) -> None:
        data = self.path.read_bytes()
        whole, _, torn = data.rpartition(b"\n")
        self._size, self._torn = len(data), len(torn)
        for number, raw in enumerate(whole.split(b"\n") if whole else (), 1):
            try:
                self._take(json.loads(raw))
            except (ValueError, KeyError, TypeError) as error:
                raise Corrupt(f"{self.path.name}, line {number}: no line of a session ({error}).") from None

    def _take(self, value: dict[str, Any]) -> None:
        match value.pop("is"):
            case "session":
                self.at, self.dataset = value["at"], value["dataset"]
            case "dataset":
                self.dataset = value["dataset"]
            case "message":
                self._take_line(Line(**{**value, "calls": tuple(value["calls"])}))
            case "event":
                self._take_event(_event(**value))
            case "doubtful":
                self._take_mark(value["spans"])
            case "grant":
                self.grants.append(Grant(**value))
            case "paying":
                self.payment = Payment(value["tool"], value["run"], Usage(**value["before"]))
            case "usage":
                self._take_usage(tool=value.pop("tool", ""), usage=Usage(**value))

    def _take_line(self, line: Line) -> None:
        self.lines.append(line)
        self._story.append(line)

    def _take_event(self, event: Event) -> None:
        self._story.append(event)
        if isinstance(event, Ruled):
            self.rulings[event.call_id] = event
        elif isinstance(event, Asked):
            self.asked[event.call_id] = event

    def _take_mark(self, spans: Sequence[Sequence[int]]) -> None:
        line = self.lines[-1]
        marked = replace(line, notes={**line.notes, "doubtful": [list(span) for span in spans]})
        self.lines[-1] = self._story[-1 - self._story[::-1].index(line)] = marked

    def _take_usage(self, usage: Usage, tool: str) -> None:
        if tool:
            self.paid[tool] += usage.usd
            self.payment = None
        for name, value in asdict(usage).items():
            setattr(self.usage, name, getattr(self.usage, name) + value)


_EVENTS: Final[dict[str, type[Any]]] = {
    "asked": Asked, "reviewed": Reviewed, "ruled": Ruled, "failed": Failed, "notice": Noticed,
}  # fmt: skip


def _event(event: str, **fields: Any) -> Event:
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    found: Event = _EVENTS[event](**{**fields, **lists})
    return found


def _events_of(line: Line) -> Iterator[Event]:
    notes = line.notes
    if line.role == "user":
        if not notes.get("ours"):
            yield Said(notes.get("said", line.text))
    elif line.role == "assistant":
        if line.text and not notes.get("withdrawn"):
            yield Answered(line.text, tuple((a, b) for a, b in notes.get("doubtful", ())))
        for call in line.calls:
            yield Proposed(call["id"], call["tool"], call["dataset"], call["args"], call["command"])
    else:
        told = {name: notes[name] for name in _NOTED}
        yield Returned(line.call_id, told=line.text, **told)


# -- sessions of a workspace ---------------------------------------------------------------------------------------


def begin(store: Store, dataset: str = "") -> Session:
    """A new conversation."""
    now = datetime.now(UTC)
    path = store.state / "sessions" / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}.jsonl"
    head = {"is": "session", "format": FORMAT, "at": now.isoformat(timespec="seconds"), "dataset": dataset}
    disk.append_line(path, json.dumps(head).encode())
    return Session(path).hold()


def resume(store: Store, wanted: str) -> Session:
    """The conversation of this id, or of the only id that begins so, to go on with; "last" is the newest. Raises Misuse,
    and Busy while another process goes on with it."""
    ids = [path.stem for path in _paths(store)]
    if wanted == "last" and ids:
        return Session(store.state / "sessions" / f"{ids[-1]}.jsonl").hold()
    found = [one for one in ids if one == wanted] or [one for one in ids if wanted and one.startswith(wanted)]
    if len(found) != 1:
        what = f"There are {len(found)} sessions" if found else "There is no session"
        raise Misuse(
            f"{what} {wanted!r} here.", next_step=f"{nearest(wanted, found or ids)} 'tilth sessions' lists them."
        )
    return Session(store.state / "sessions" / f"{found[0]}.jsonl").hold()


def listed(store: Store) -> list[Listed]:
    """All conversations of a workspace, the newest first."""
    return [_listed(path) for path in reversed(_paths(store))]


def _paths(store: Store) -> Sequence[Path]:
    return sorted((store.state / "sessions").glob("*.jsonl"))


def _listed(path: Path) -> Listed:
    session = Session(path)
    said = [event.text for event in session.replay() if isinstance(event, Said)]
    title = " ".join(said[0].split()) if said else ""
    return Listed(session.id, session.at, session.dataset, len(said), session.calls, title[:TITLE])
