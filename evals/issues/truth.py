"""What is wrong with an instance: plants, what they brought about, what the data had before, and what only looks wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from .plant import FAMILIES, Family, Locus

OF_ROWS: Final = ("row", "cell", "cross-table")
"""Units that point at rows. Whether a wrong value is a fault of the cell or of its row is a matter of words, so to a
match they are one."""

LEAST_OVERLAP: Final = 0.5
"""Intersection over union from which two sets of rows are the same place."""


@dataclass(frozen=True, slots=True)
class Plant:
    """One thing to be found.

    `rows` are alternatives: finding any one of these sets is finding the plant. No `columns`: the column does not
    matter. `families` starts with the one that was planted, or detected.
    """

    families: tuple[str, ...]
    unit: str
    file: str
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]
    field: str
    severity: int
    repair: str
    evidence: str
    planted: bool = True
    dose: float = 0.0
    placement: str = ""
    stealth: int = 0

    @property
    def family(self) -> Family:
        return FAMILIES[self.families[0]]

    @property
    def groups(self) -> frozenset[str]:
        return frozenset(FAMILIES[name].group for name in self.families)


def overlap(one: Iterable[str], other: Iterable[str]) -> float:
    """Intersection over union; 0 for two empty sets."""
    first, second = set(one), set(other)
    union = len(first | second)
    return len(first & second) / union if union else 0.0


def plant_of(family: Family, locus: Locus, rows: Iterable[str], **how: Any) -> Plant:
    return Plant(
        families=(family.name,),
        unit=family.unit,
        file=locus.file,
        rows=(tuple(sorted(rows)),) if family.unit in OF_ROWS else (),
        columns=(locus.column,) if locus.column else (),
        field=locus.field,
        severity=family.severity,
        repair=family.repair,
        evidence=locus.evidence,
        **how,
    )


def merged(plants: Sequence[Plant]) -> list[Plant]:
    """Plants in one place become one, with the families of all and each set of rows as an alternative."""
    kept: list[Plant] = []
    for plant in plants:
        at = next((at for at, other in enumerate(kept) if _one_place(plant, other)), None)
        if at is None:
            kept.append(plant)
            continue
        other = kept[at]
        columns = other.columns + plant.columns if other.columns and plant.columns else ()
        kept[at] = replace(
            other,
            families=tuple(dict.fromkeys(other.families + plant.families)),
            rows=tuple(dict.fromkeys(other.rows + plant.rows)),
            columns=tuple(dict.fromkeys(columns)),
        )
    return kept


def _one_place(one: Plant, other: Plant) -> bool:
    if one.file != other.file or not one.rows or not other.rows:
        return False
    return overlap(one.rows[0], other.rows[0]) >= LEAST_OVERLAP


@dataclass(frozen=True, slots=True)
class Truth:
    """`natural` and `decoys` are (what, file, rows). Findings of what is natural count neither way; findings of a decoy
    are false alarms. `redraws`: how often the instance was drawn again as its evidence was not exact."""

    base: str
    clean: bool
    plants: tuple[Plant, ...]
    natural: tuple[tuple[str, str, tuple[str, ...]], ...]
    decoys: tuple[tuple[str, str, tuple[str, ...]], ...]
    redraws: int = 0

    def json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Truth:
        """The inverse of `json`, also after a trip through a file."""

        def plant(one: Mapping[str, Any]) -> Plant:
            lists = {name: tuple(one[name]) for name in ("families", "columns")}
            return Plant(**{**one, **lists, "rows": tuple(tuple(rows) for rows in one["rows"])})

        def places(name: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
            return tuple((kind, file, tuple(rows)) for kind, file, rows in told[name])

        plants = tuple(plant(one) for one in told["plants"])
        return cls(told["base"], told["clean"], plants, places("natural"), places("decoys"), told["redraws"])
