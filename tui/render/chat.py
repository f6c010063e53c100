"""A conversation as lines of text: role words, no boxes, nothing redrawn; a screen reader reads it as it comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...agent.events import Answered, Asked, Event, Failed, Noticed, Proposed, Returned, Reviewed, Ruled, Said
from ...agent.plural import counted
from ..terminal import Terminal
from ..text import many_lines, one_line, table, wrap
from . import fitted

if TYPE_CHECKING:
    from ...agent.chat.session import Listed, Usage
    from ...agent.chat.window import Window

LEGEND = "[?] no result of this conversation holds this number"
WORDS = {"once": "yes, once", "session": "yes, for this session", "edit": "edited", "no": "no"}


def event_lines(event: Event, terminal: Terminal) -> Iterator[str]:
    """What one event of a conversation adds to its transcript; nothing for those that only animate a screen."""
    match event:
        case Said():
            yield from _spoken("you", event.text, terminal)
        case Answered():
            yield from _spoken("tilth", marked(event), terminal)
            if event.doubtful:
                yield from wrap(LEGEND, terminal.columns, indent="  ")
        case Proposed():
            yield from _spoken("tool", one_line(event.command) or _no_call(event), terminal)
        case Returned():
            yield from _spoken("tool", returned(event), terminal)
        case Asked():
            yield from asked_lines(event, terminal)
        case Reviewed():
            yield from reviewed_lines(event, terminal)
        case Ruled():
            because = f": {one_line(event.because)}" if event.because else ""
            yield from _spoken("you", f"{WORDS[event.word]}{because}", terminal)
        case Noticed() if event.level != "note":
            yield from _spoken("note", event.text, terminal)
        case Failed():
            yield from _spoken("failed", f"{event.message} {event.next_step}".strip(), terminal)


def _no_call(event: Proposed) -> str:
    """A proposal that is no call: its result tells what is wrong with it."""
    wrong = "its arguments are no JSON" if "unreadable" in event.args else "it cannot be called like this"
    return f"{one_line(event.tool)} ({wrong})"


def returned(event: Returned) -> str:
    """`done dedup.near 3.1 s 100,000 → 91,204`."""
    word = "done" if event.ok else "not done"
    return f"{word}: {one_line(event.tool)}  {event.seconds:.1f} s  {one_line(event.line)}"


def marked(event: Answered) -> str:
    """The answer with ` [?]` behind every number that no result holds."""
    text, at = [], 0
    for _, end in sorted(event.doubtful):
        text += [event.text[at:end], " [?]"]
        at = end
    return "".join([*text, event.text[at:]])


def asked_lines(event: Asked, terminal: Terminal) -> Iterator[str]:
    """The question a call waits with."""
    yield from _spoken("asks", f"may it run this? It {why_told(event.why)}.", terminal)
    yield from wrap(one_line(event.command), terminal.columns, indent="    ")
    for name in ("writes", "sends", "cost", "time"):
        if value := getattr(event, name):
            yield from wrap(f"{name:<7} {one_line(value)}", terminal.columns, indent="            ", first="    ")


def reviewed_lines(event: Reviewed, terminal: Terminal) -> Iterator[str]:
    """What models said about a call."""
    yield from _spoken("review", f"{one_line(event.tool)}: {'yes' if event.allowed else 'no'}", terminal)
    for one in event.opinions:
        because = f": {one_line(one['because'])}" if one["because"] else ""
        said = f"{one_line(one['model'])} ({one['role']}) {one['word']}{because}"
        yield from wrap(said, terminal.columns, indent="            ", first="    ")


def why_told(why: str) -> str:
    """What a call does that a person has to agree to; a share that it drops is told as it is."""
    return {"spends": "asks models, which may cost", "sends": "sends data out", "exports": "writes files",
            "writes": "makes a new version"}.get(why, why)  # fmt: skip


@fitted
def answer(events: Sequence[Answered], terminal: Terminal) -> Iterator[str]:
    """The last answer of a turn, with its doubtful numbers marked."""
    for line in many_lines(marked(events[-1]) if events else ""):
        yield from wrap(line, terminal.columns) or [""]
    if events and events[-1].doubtful:
        yield ""
        yield LEGEND


@fitted
def window(found: Window, limit: int, usage: Usage | None, terminal: Terminal) -> Iterator[str]:
    """`/context`: what the next request holds, and what the conversation has cost so far."""
    rows: list[list[Any]] = [[part.what, f"{part.tokens:,}"] for part in found.parts]
    yield from table([["part", "tokens"], *rows, ["all", f"{found.tokens:,}"]], columns=terminal.columns, numbers=(1,))
    if limit:
        yield f"the model's context holds {limit:,}"
    if found.left_out:
        yield f"{counted(found.left_out, 'earlier exchanges')} left out for lack of room"
    if usage is not None:
        yield (
            f"so far {counted(usage.calls, 'answers')}: {usage.tokens_in:,} tokens in, {usage.tokens_out:,} out, "
            f"${usage.usd:,.4f}"
        )


@fitted
def sessions(found: Sequence[Listed], terminal: Terminal) -> Iterator[str]:
    """`tilth sessions`."""
    if not found:
        yield "no sessions; 'tilth chat' or 'tilth ask' begins one"
        return
    # The id, which is typed to resume one, begins with the day and the time; it is never cut.
    most = max(terminal.columns - max(len(one.id) for one in found) - 2, 24)
    lines = [[one.dataset, one.turns, one.calls, one.title] for one in found]
    told = table([["dataset", "turns", "calls", "first words"], *lines], columns=most, numbers=(1, 2))
    ids = ["session (UTC)", "-" * len(found[0].id), *(one.id for one in found)]
    yield from (f"{one:{len(found[0].id)}}  {line}" for one, line in zip(ids, told, strict=True))


def _spoken(who: str, text: str, terminal: Terminal) -> Iterator[str]:
    for i, line in enumerate(many_lines(text)):
        lead = f"{who}: " if i == 0 else "  "
        yield from wrap(line, terminal.columns, indent="  ", first=lead) or [lead.rstrip()]
