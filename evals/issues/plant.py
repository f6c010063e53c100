"""What a family of defects is, and the catalogue all families register in. It knows no family by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from .data import Data, Planting, Table

Unit = Literal["row", "cell", "column", "table", "cross-table", "doc"]
Tier = Literal["rule", "judgement"]
Repair = Literal["drop", "set", "relabel", "restore", "document"]


@dataclass(frozen=True, slots=True)
class Locus:
    """Where a defect is, and the SELECT over the files that returns exactly that.

    Rows are named by key; `column` is the faulty column, where it is one; `field` a field of the card. The query's first
    column holds row keys for units of rows, else the column's or the field's name.
    """

    file: str
    evidence: str
    rows: tuple[str, ...] = ()
    column: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of defect.

    `plant` does it, or returns None and leaves the data alone where it cannot be done. Families of one `clash` never
    meet in an instance: they would blur each other's evidence. `detect` lists queries that find the defect wherever
    it is, planted or not; families that have it are looked for in every instance.
    """

    name: str
    group: str
    unit: Unit
    tier: Tier
    severity: int
    repair: Repair
    plant: Callable[[Planting], Locus | None]
    clash: str = ""
    detect: Callable[[Table, Data], list[Locus]] | None = None


FAMILIES: Final[dict[str, Family]] = {}
"""Every family by name."""


def family(
    group: str,
    unit: Unit = "row",
    *,
    tier: Tier = "rule",
    severity: int = 2,
    repair: Repair = "set",
    clash: str = "",
    detect: Callable[[Table, Data], list[Locus]] | None = None,
) -> Callable[[Callable[[Planting], Locus | None]], Callable[[Planting], Locus | None]]:
    """Registers the decorated planting function under its own name."""

    def register(plant: Callable[[Planting], Locus | None]) -> Callable[[Planting], Locus | None]:
        name = plant.__name__
        FAMILIES[name] = Family(name, group, unit, tier, severity, repair, plant, clash, detect)
        return plant

    return register


HELD_OUT: Final = (
    "fan_out",
    "swapped_columns",
    "rounded_values",
    "label_schema_drift",
    "temporal_leak",
    "gibberish",
    "wrong_arithmetic",
    "system_prompt_leak",
    "silent_source",
    "wrong_total",
    "card_period",
)
"""Families that neither the rules of `heuristic` nor any prompt may be tuned on."""
