"""The data card that lies beside the tables: a Markdown list of `- field: value` lines."""

from __future__ import annotations

from typing import Final

from .data import KEY, Data

CARD: Final = "card.md"
REQUIRED: Final = ("title", "license", "period", "remarks")

_TITLES: Final = {
    "shop": "Orders of a household shop",
    "events": "Readings of weather boxes",
    "tickets": "Labelled support messages",
    "documents": "Articles on crafts",
    "instructions": "Instruction pairs of a town library",
    "preferences": "Preference pairs of a town library",
}


def fields(data: Data) -> dict[str, str]:
    """What a truthful card says."""
    told = {"title": _TITLES[data.base], "license": "CC-BY-4.0"}
    for table in data.tables:
        told[f"rows of {table.file}"] = str(len(table.rows))
        told[f"columns of {table.file}"] = ", ".join((KEY, *table.columns))
        if table.role("split"):
            counts = (f"{split} {sum(row['split'] == split for row in table.rows)}" for split in ("train", "test"))
            told["splits"] = ", ".join(counts)
    return {**told, **data.facts}


def stated(data: Data) -> dict[str, str]:
    """What this card says: the truth, but where a plant has put something else or taken a line away."""
    told = {field: data.said.get(field, value) for field, value in fields(data).items()}
    return {field: value for field, value in told.items() if value is not None}


def markdown(told: dict[str, str]) -> bytes:
    lines = [f"- {field}: {value}" for field, value in told.items()]
    return ("# Data card\n\n" + "\n".join(lines) + "\n").encode("utf-8")


def parsed(card: bytes) -> dict[str, str]:
    """The fields of a card."""
    lines = (line[2:] for line in card.decode("utf-8").split("\n") if line.startswith("- "))
    return dict(line.partition(": ")[::2] for line in lines)
