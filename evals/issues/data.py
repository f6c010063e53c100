"""Tables before they are files: rows of text cells under hidden keys, what their columns are for, and a data card.

It knows how rows are chosen and added; it does not know what is done to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ..planted.draw import Draw

Row = dict[str, str]
Placement = Literal["uniform", "source", "window", "conditional"]

KEY: Final = "row_key"
"""The column by which findings name rows. While an instance is made it holds the order of birth, at the end a random key."""

DOSES: Final = (0.002, 0.005, 0.01, 0.02, 0.04, 0.07, 0.1)
"""Shares of a file's rows that a defect may touch; one row at least."""

PLACEMENTS: Final[tuple[Placement, ...]] = ("uniform", "source", "window", "conditional")


@dataclass(slots=True)
class Table:
    """A file of rows. An empty cell is a missing value.

    `roles` tells what columns are for: `id`, `identity` (what makes two records the same), `text`, `name` (short text),
    `number`, `date`, `time`, `source`, `required`, `label`, `split`, `group`. `bounds` holds the least and largest
    value a number takes in clean data.
    """

    file: str
    columns: list[str]
    rows: list[Row]
    roles: Mapping[str, tuple[str, ...]]
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The table's name in SQL."""
        return self.file.partition(".")[0]

    def role(self, name: str) -> tuple[str, ...]:
        return self.roles.get(name, ())


@dataclass(slots=True)
class Data:
    """The tables of one instance, and the facts of its card that do not follow from them."""

    base: str
    tables: list[Table]
    facts: dict[str, str]
    said: dict[str, str | None] = field(default_factory=dict)  # fields of the card that a plant has changed
    decoys: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)  # kind, file, keys
    taken: set[str] = field(default_factory=set)  # keys of rows that are a plant's or a decoy's
    born: int = 0

    def add(self, table: Table, row: Mapping[str, str]) -> Row:
        """A new row at the end of a table, under a key of its own."""
        fresh = {**row, KEY: str(self.born)}
        self.born += 1
        table.rows.append(fresh)
        return fresh

    def decoy(self, kind: str, table: Table, rows: Sequence[Row]) -> None:
        """Rows that look defective and are not; no plant will touch them."""
        if rows:
            self.decoys.append((kind, table.file, tuple(row[KEY] for row in rows)))
            self.taken.update(row[KEY] for row in rows)

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)

    def with_role(self, *roles: str) -> list[Table]:
        return [table for table in self.tables if all(table.role(role) for role in roles)]


@dataclass(frozen=True, slots=True)
class Planting:
    """How one defect is to be planted: where choices come from, how much, how well hidden (1-3), and where."""

    draw: Draw
    data: Data
    dose: float
    stealth: int
    placement: Placement

    def table(self, *roles: str) -> Table | None:
        """One of the tables that have all these roles."""
        fitting = self.data.with_role(*roles)
        return self.draw.pick(fitting) if fitting else None

    def column(self, table: Table, role: str) -> str:
        return self.draw.pick(table.role(role))

    def rows(
        self,
        table: Table,
        fits: Callable[[Row], bool] = lambda row: True,
        *,
        least: int = 1,
        most: int | None = None,
        take: bool = True,
    ) -> list[Row]:
        """Untouched rows for the defect: the dose of the table, `least` at least; none where there are too few.

        With `take` they are nobody else's from now on.
        """
        free = [row for row in table.rows if row[KEY] not in self.data.taken and fits(row)]
        count = max(least, round(self.dose * len(table.rows)))
        count = min(count, most) if most is not None else count
        narrow = self._placed(table, free, count)
        chosen = self.draw.some(narrow if len(narrow) >= max(least, count // 2) else free, count)
        if len(chosen) < least:
            return []
        if take:
            self.take(chosen)
        return chosen

    def take(self, rows: Sequence[Row]) -> None:
        self.data.taken.update(row[KEY] for row in rows)

    def _placed(self, table: Table, free: list[Row], count: int) -> list[Row]:
        """The rows of one source, of one stretch of time, or of large values; all where it makes no sense here."""
        if not free:
            return []
        if self.placement == "source" and table.role("source"):
            source = table.role("source")[0]
            value = self.draw.pick(free)[source]
            return [row for row in free if row[source] == value]
        if self.placement == "window" and table.role("date"):
            date = table.role("date")[0]
            ordered = sorted(free, key=lambda row: (row[date], int(row[KEY])))
            start = self.draw.below(max(1, len(ordered) - 2 * count))
            return ordered[start : start + 2 * count + 2]
        if self.placement == "conditional":
            by = (*table.role("text"), *table.role("required"))[0]
            ordered = sorted(free, key=lambda row: (len(row[by]), row[by], int(row[KEY])))
            return ordered[len(ordered) * 6 // 10 :]
        return free
