"""From a number to files, notes about them, and what a card can truly say: what is counted, what the notes tell, and what
nobody knows.

It knows facts and where each stands. How a card is scored is the suite's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..issues.card import CARD
from ..issues.data import KEY
from ..issues.files import read
from ..issues.making import make
from ..planted.draw import Draw, words

NOTES: Final = "NOTES.md"
NAMES: Final = words(
    "Ana Duarte | Bo Lind | Chiara Neri | Dov Katz | Esi Mensah | Femke Bos | Goran Ilic | Hye-jin Seo"
)
LICENSES: Final = words("CC0-1.0 | CC-BY-4.0 | CC-BY-SA-4.0 | CC-BY-NC-4.0 | ODbL-1.0 | Apache-2.0")
PAYERS: Final = words("the town library | the harbour trust | the school board | the weather office | a bakers' guild")
PLACES: Final = words("Lisbon | Bremen | Ghent | Turku | Brno | Nantes | Seville | Tartu")
TOLD: Final = ("license", "maintainer", "version")
PERHAPS: Final = ("annotators", "funding", "collected_in", "contact")
"""What the notes of some folders tell, and those of others do not."""


@dataclass(frozen=True, slots=True)
class Documented:
    """`facts`: field -> what a true card says, None where nobody knows; `kinds`: field -> counted, told or unknown."""

    files: Mapping[str, bytes]
    facts: Mapping[str, str | None]
    kinds: Mapping[str, str]


def documented(seed: str, base: str) -> Documented:
    """The same for the same seed."""
    made = make(f"{seed}/data", base, clean=True)
    draw = Draw.named(f"{seed}/notes")
    files = {name: body for name, body in made.files.items() if name != CARD}
    counted = _counted(files)
    notes, told = _notes(draw)
    kinds = {**dict.fromkeys(counted, "counted"), **{f: "unknown" if v is None else "told" for f, v in told.items()}}
    return Documented({**files, NOTES: notes.encode()}, {**counted, **told}, kinds)


def _counted(files: Mapping[str, bytes]) -> dict[str, str]:
    facts: dict[str, str] = {}
    for name, body in sorted(files.items()):
        rows = read(name, body)
        columns = [column for column in rows[0] if column != KEY]
        facts[f"rows of {name}"] = str(len(rows))
        facts[f"empty cells of {name}"] = str(sum(not row[column] for row in rows for column in columns))
        for column in columns:
            values = {row[column] for row in rows if row[column]}
            if 1 < len(values) <= 8:
                facts[f"values of {column} in {name}"] = ", ".join(sorted(values))
    return facts


def _notes(draw: Draw) -> tuple[str, dict[str, str | None]]:
    """What holds now stands beside what once held; some of the rest is spoken of and not told."""
    (first, keeper, labeller), (old, license) = draw.some(NAMES, 3), draw.some(LICENSES, 2)
    major, minor = draw.between(1, 4), draw.between(1, 8)
    people, payer, place = str(draw.between(2, 9)), draw.pick(PAYERS), draw.pick(PLACES)
    version = f"{major}.{minor}"
    told: dict[str, str | None] = {"license": license, "maintainer": keeper, "version": version}
    sentences = [
        f"{first} began the collection; {keeper} has kept it since.",
        f"What was handed out up to release {major}.{minor - 1} was under {old}. From {version} on it is {license}.",
        f"This folder is release {version}. We hope to have {major + 1}.0 before winter.",
    ]
    known: Mapping[str, tuple[str, str, str]] = {
        "annotators": (
            people,
            f"{people} people labelled it, {labeller} most of it.",
            f"{labeller} labelled some of it.",
        ),
        "funding": (payer, f"The work was paid for by {payer}.", "Nobody wrote down who paid for the work."),
        "collected_in": (place, f"All of it was taken down in {place}.", "It was taken down on the road."),
        "contact": (
            f"{keeper.split()[0].lower()}@example.org",
            f"Questions go to {keeper.split()[0].lower()}@example.org.",
            "There was once an address for questions.",
        ),
    }
    for field in PERHAPS:
        value, said, left_open = known[field]
        is_told = draw.chance(0.5)
        told[field] = value if is_told else None
        sentences.append(said if is_told else left_open)
    return "# Notes\n\n" + "\n".join(f"- {one}" for one in draw.shuffled(sentences)) + "\n", told
