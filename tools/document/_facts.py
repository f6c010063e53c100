"""The facts a card is made of, and how each is written for a reader.

It knows values, units and where a fact can be checked. It does not know where values come from or where they
stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..change import Fact

LONGEST_TYPE: Final = 120
"""Characters of a column's type that a card shows; the whole of it stands in the manifest."""

Check = Literal["export", "ledger"]
"""`export`: computed again from the data files; `ledger`: compared with the provenance.jsonl beside them."""


@dataclass(frozen=True, slots=True)
class CardFact(Fact):
    """A fact of a card. `value` is made of JSON types; units: rows, bytes, characters, turns, name, sha256,
    command …"""

    check: Check = "export"


class Facts(Mapping[str, CardFact]):
    """Facts by id, in the order they were found."""

    def __init__(self, facts: Iterable[CardFact] = ()) -> None:
        self._facts: dict[str, CardFact] = {}
        for fact in facts:
            if fact.id in self._facts:
                raise ValueError(f"two facts are called {fact.id}")
            self._facts[fact.id] = fact

    def __getitem__(self, id: str) -> CardFact:
        return self._facts[id]

    def __iter__(self) -> Any:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def value(self, id: str, default: Any = None) -> Any:
        return self._facts[id].value if id in self._facts else default

    def shown(self, id: str) -> str:
        return shown(self._facts[id])

    def to_json(self) -> list[dict[str, Any]]:
        return [
            {
                "id": fact.id,
                "value": fact.value,
                "unit": fact.unit,
                "method": fact.method,
                "n_examined": fact.n_examined,
                "check": fact.check,
            }
            for fact in self._facts.values()
        ]

    @classmethod
    def from_json(cls, data: Iterable[Mapping[str, Any]]) -> Facts:
        return cls(CardFact(**one) for one in data)


_UNSAFE: Final = re.compile(r"[%{}.\x00-\x1f]")
_CODED: Final = re.compile(r"%([0-9a-f]{2})")


def part(name: str) -> str:
    """A name from data as one part of a fact id: dots, braces and control characters become %xx."""
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):02x}", name)


def name_of(part: str) -> str:
    """The name behind a part of a fact id."""
    return _CODED.sub(lambda found: chr(int(found[1], 16)), part)


def shown(fact: CardFact) -> str:
    """A fact as it stands in a card: whole numbers with separators, shares with one decimal, names safe in
    Markdown."""
    value = fact.value
    if fact.unit == "share":
        return f"{value:.1%}"
    if type(value) is bool:
        return "yes" if value else "no"
    if type(value) is int:
        return f"{value:,}"
    if type(value) is float:
        return f"{value:,.6g}"
    if fact.unit in ("sha256", "id", "command"):
        return code(str(value))
    if fact.unit == "type":
        return code(value if len(value) <= LONGEST_TYPE else f"{value[: LONGEST_TYPE - 1]}…")
    return plain(str(value))


_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]()#!|~$])")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def visible(text: str) -> str:
    """A text on one line in which nothing is hidden: control and direction characters as code points."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", " ".join(text.split(" ")))


def plain(text: str) -> str:
    """Text from data or from a person, as text: no Markdown, no HTML."""
    escaped = _SPECIAL.sub(r"\\\1", visible(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(text: str) -> str:
    """Text as a Markdown code span (CommonMark 0.31), also inside a table."""
    text = visible(text).replace("|", "\\|")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    gap = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{gap}{text}{gap}{fence}"
