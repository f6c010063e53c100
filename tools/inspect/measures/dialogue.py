"""What is said in the rows and how long it is: turns, lengths by role, system prompts, stock phrases, media.

It knows pieces and their roles. It does not know whether a conversation is well formed: filter.chat does.
"""

from __future__ import annotations

from typing import Any, Final

from .columns import value_key
from .counting import Frequent, Hits, Lengths
from .seen import Said, Seen

PHRASE_WORDS: Final = 5
PHRASE: Final = 64
"""Characters in which the words of a phrase must lie."""
REPEATED: Final = 40
"""Characters beyond which a text said twice is no mere "yes" or "thank you"."""
ROLE_ORDER: Final = ("system", "user", "assistant", "chosen", "rejected", "tool")
KINDS: Final = {"tool_call": "tool calls", "tool_schema": "tool schemas", "reasoning": "reasoning"}


class Dialogue:
    """Counted over all rows: the characters each role says in a turn, and what is said the same way again."""

    def __init__(self) -> None:
        self.messages = Lengths()
        self.by_role: dict[str, Lengths] = {}
        self.systems: Frequent[str] = Frequent()
        self.openings: Frequent[str] = Frequent()
        self.closings: Frequent[str] = Frequent()
        self.answers = 0
        self.hits = Hits()
        self.media_parts = 0
        self.media_row_count = 0
        self.rows_with_system = 0

    def see(self, seen: Seen) -> None:
        said: dict[str, list[int]] = {}
        answers: list[str] = []
        systems: list[str] = []
        messages: list[int] = []
        for position, pieces in enumerate(seen.said, seen.start):
            media, turns, system, last = 0, set(), "", None
            for role, text, kind, turn in pieces:
                if kind == "text":
                    turns.add(turn)
                    sizes = said.get(role)
                    if sizes is None:
                        sizes = said[role] = []
                    if last == (role, turn):
                        sizes[-1] += len(text)
                    else:
                        sizes.append(len(text))
                    last = role, turn
                    if role == "assistant" or role == "chosen":
                        answers.append(text)
                    elif role == "system":
                        system = f"{system}\n\n{text}" if system else text
                elif kind == "media":
                    media += 1
                elif kind in KINDS:
                    said.setdefault(KINDS[kind], []).append(len(text))
                    if turn >= 0:
                        turns.add(turn)
            messages.append(len(turns))
            if system:
                systems.append(system)
            if media:
                self.media_parts += media
                self.media_row_count += 1
            if len(turns) > 2 and repeats_a_turn(pieces):
                self.hits.add("turns.repeated", position)
        self._count(said, answers, systems, messages)

    def _count(self, said: dict[str, list[int]], answers: list[str], systems: list[str], messages: list[int]) -> None:
        for name, lengths in said.items():
            self.by_role.setdefault(name, Lengths()).update(lengths)
        self.messages.update(messages)
        self.rows_with_system += len(systems)
        self.systems.update(map(value_key, systems))
        self.answers += len(answers)
        self.openings.update(filter(None, map(opening, answers)))
        self.closings.update(filter(None, map(closing, answers)))

    def roles(self) -> list[str]:
        """Roles and other kinds of text found, in reading order; those we do not know come last."""
        order = {name: place for place, name in enumerate((*ROLE_ORDER, *KINDS.values()))}
        return sorted(self.by_role, key=lambda name: (order.get(name, len(order)), name))

    def details(self) -> dict[str, Any]:
        """Lengths for a reader: each with count, total, mean, quantiles and histogram."""
        return {role: self.by_role[role].summary() for role in self.roles()}

    def phrases(self, share: float, least: int) -> dict[str, list[tuple[str, int]]]:
        """Openings and closings that at least `share` of the answers (and `least` of them) have in common."""
        floor = max(share * self.answers, least)
        return {
            name: [(text, count) for text, count in counted.top(10) if count >= floor]
            for name, counted in (("openings", self.openings), ("closings", self.closings))
        }


def repeats_a_turn(said: Said) -> bool:
    """Whether the user or the assistant says the same text of some length twice."""
    seen: set[tuple[str, str]] = set()
    for role, text, kind, _ in said:
        if kind == "text" and len(text) > REPEATED and (role == "user" or role == "assistant"):
            if (role, text) in seen:
                return True
            seen.add((role, text))
    return False


def opening(text: str) -> str:
    """The first five words; nothing for a text that is hardly longer."""
    words = text[:PHRASE].split(None, PHRASE_WORDS)
    return " ".join(words[:PHRASE_WORDS]) if len(text) > 2 * PHRASE and len(words) > PHRASE_WORDS else ""


def closing(text: str) -> str:
    """The last five words; nothing for a text that is hardly longer."""
    words = text[-PHRASE:].rsplit(None, PHRASE_WORDS)
    return " ".join(words[-PHRASE_WORDS:]) if len(text) > 2 * PHRASE and len(words) > PHRASE_WORDS else ""
