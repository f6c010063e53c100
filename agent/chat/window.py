"""What of a conversation goes to the model: everything while there is room, then older results as one line each, then
whole exchanges left out, oldest first.

It knows sizes and what an endpoint may see. It does not know how a model is asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..config import Sight
from .session import Line
from .told import tokens

FRESH: Final = 2
"""Turns whose results are kept whole as long as there is room."""
PER_MESSAGE: Final = 6

RANK: Final[dict[Sight, int]] = {"nothing": 0, "statistics": 1, "rows": 2}
LEFT_OUT: Final = "\n\nThe first {count} exchanges of this conversation are left out: there is no room for them."
WITHHELD: Final = "(withheld: this may hold data that this endpoint may not see)"

Message = dict[str, Any]


@dataclass
class Meter:
    """Tokens by bytes / 4, times what the server's own counts have taught; `sure` after its first count."""

    ratio: float = 1.0
    sure: bool = False

    def of(self, value: Any) -> int:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return round(self.ratio * tokens(text))

    def learn(self, estimated: int, counted: int) -> None:
        """`estimated` is what `of` said of a request that the server counted as `counted`."""
        if estimated > 0 and counted > 0:
            self.ratio = min(max(self.ratio * counted / estimated, 0.25), 4.0)
            self.sure = True


@dataclass(frozen=True)
class Part:
    """One line of `/context`: what it is, and how many tokens it comes to."""

    what: str
    tokens: int


@dataclass(frozen=True)
class Window:
    """The messages of one request, the highest sight they need, and what they come to."""

    messages: Sequence[Message]
    shows: Sight
    parts: Sequence[Part]
    left_out: int = 0

    @property
    def tokens(self) -> int:
        return sum(part.tokens for part in self.parts)


def fit(system: str, lines: Sequence[Line], room: int, sees: Sight, meter: Meter) -> Window:
    """At most `room` tokens of the conversation for an endpoint that may see `sees`. The last group always stays, and
    a call is never parted from its result."""
    groups = _groups(lines)
    turns = _turns(groups)
    whole = [[_message(line, sees) for line in group] for group in groups]
    used = meter.of(system) + PER_MESSAGE
    sizes = [_size(group, meter) for group in whole]
    over = used + sum(sizes) - room
    for i, group in enumerate(groups):  # older results first become one line each
        if over <= 0 or turns[-1] - turns[i] < FRESH:
            break
        whole[i] = [_message(_short(line), sees) for line in group]
        size = _size(whole[i], meter)
        over -= sizes[i] - size
        sizes[i] = size
    left_out = _left_out(groups, sizes, room - used)
    if left_out:
        system += LEFT_OUT.format(count=len(left_out))
    chosen = [i for i in range(len(groups)) if i not in left_out]
    kept, lines = _flat([whole[i] for i in chosen]), _flat([groups[i] for i in chosen])
    seen = [line.shows for line in lines if RANK[line.shows] <= RANK[sees]]
    shows: Sight = max(seen, key=RANK.__getitem__, default="nothing")
    parts = _parts(system, [groups[i] for i in chosen], [sizes[i] for i in chosen], meter)
    return Window([{"role": "system", "content": system}, *_joined(kept)], shows, parts, len(left_out))


def _left_out(groups: Sequence[Sequence[Line]], sizes: Sequence[int], room: int) -> set[int]:
    """The oldest groups, as many as need be. What the turn is about stays: its question, the state of the workspace,
    and the last group. What is left begins with a question."""
    users = [i for i, group in enumerate(groups) if group[0].role == "user"]
    asked = [i for i in users if not groups[i][0].notes.get("ours")]
    state = [i for i in users if groups[i][0].notes.get("state")]
    pinned = {len(groups) - 1, *asked[-1:], *state[-1:]}
    gone: set[int] = set()
    used = sum(sizes)
    for i in range(len(groups)):
        fits = used + (tokens(LEFT_OUT) + PER_MESSAGE if gone else 0) <= room
        begins_well = not gone or i in users or (asked and i > asked[-1])
        if fits and begins_well:
            break
        if i not in pinned:
            gone.add(i)
            used -= sizes[i]
    return gone


def _flat(groups: Sequence[Sequence[Any]]) -> list[Any]:
    return [one for group in groups for one in group]


def _joined(messages: Sequence[Message]) -> list[Message]:
    """One message where the person's side speaks several times in a row: many chat templates insist on taking turns."""
    found: list[Message] = []
    for message in messages:
        if found and found[-1]["role"] == message["role"] == "user":
            found[-1] = {"role": "user", "content": f"{found[-1]['content']}\n\n{message['content']}"}
        else:
            found.append(message)
    return found


def _groups(lines: Sequence[Line]) -> list[list[Line]]:
    """Messages that stand or fall together: a call and its results."""
    groups: list[list[Line]] = []
    for line in lines:
        if line.role == "tool" and groups:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _turns(groups: Sequence[Sequence[Line]]) -> list[int]:
    turn, found = 0, []
    for group in groups:
        turn += group[0].role == "user"
        found.append(turn)
    return found


def _short(line: Line) -> Line:
    """An older result as the fact it left behind, under the id it can be asked for again by."""
    if line.role != "tool":
        return line
    notes = line.notes
    text = f"[{line.call_id}] {notes['tool']}: {notes['line']} (shortened; call it again to see more)"
    shows: Sight = "statistics" if RANK[line.shows] else "nothing"
    return Line("tool", text, shows, call_id=line.call_id, notes=notes)


def _message(line: Line, sees: Sight) -> Message:
    text = line.text if RANK[line.shows] <= RANK[sees] else WITHHELD
    if line.role == "tool":
        return {"role": "tool", "tool_call_id": line.call_id, "content": text}
    message: Message = {"role": line.role, "content": text}
    if line.calls:
        hidden = RANK[line.shows] > RANK[sees]
        message["tool_calls"] = [
            {"id": call["id"], "type": "function",
             "function": {"name": call["name"], "arguments": "{}" if hidden else call["arguments"]}}
            for call in line.calls
        ]  # fmt: skip
    return message


def _size(messages: Sequence[Mapping[str, Any]], meter: Meter) -> int:
    return sum(meter.of(message) + PER_MESSAGE for message in messages)


def _parts(system: str, groups: Sequence[Sequence[Line]], sizes: Sequence[int], meter: Meter) -> list[Part]:
    found: dict[str, int] = {"instructions": meter.of(system) + PER_MESSAGE}
    for group, size in zip(groups, sizes, strict=True):
        what = "what you said" if group[0].role == "user" else "answers" if len(group) == 1 else "calls and results"
        found[what] = found.get(what, 0) + size
    return [Part(what, count) for what, count in found.items()]
