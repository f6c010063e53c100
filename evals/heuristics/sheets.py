"""A file of a job's folder as columns of text, and what can be told of columns without knowing what they mean."""

from __future__ import annotations

import csv
import json
import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LONG: Final = 40
"""Characters a median cell of a column of prose has at least."""

Findings = Iterator[dict[str, Any]]


@dataclass(frozen=True)
class Sheet:
    """A file as columns of text, in file order; the first column names the rows."""

    file: str
    columns: Mapping[str, Sequence[str]]
    loose: bool

    @property
    def keys(self) -> Sequence[str]:
        return next(iter(self.columns.values()))

    @property
    def data(self) -> dict[str, Sequence[str]]:
        """All columns but the first."""
        return dict(list(self.columns.items())[1:])

    def prose(self) -> dict[str, Sequence[str]]:
        return {n: c for n, c in self.data.items() if statistics.median(map(len, c)) >= LONG and not like_json(c)}

    def few(self) -> dict[str, Sequence[str]]:
        """Columns with few different values, each of them frequent on average."""
        return {
            n: c
            for n, c in self.data.items()
            if 1 < len(set(c)) <= len(c) / 8 and statistics.median(map(len, c)) < LONG
        }

    def unique(self) -> list[str]:
        """Columns of names for rows: short, no amounts, and nearly every value the only one of its kind."""
        short = {n: c for n, c in self.data.items() if statistics.median(map(len, c)) <= 12}
        return [n for n, c in short.items() if len(set(c)) > 0.85 * len(c) and not any("." in cell for cell in c)]

    def found(
        self, why: str, rows: Iterable[int], *, unit: str = "row", column: str = "", most: float = 0.25
    ) -> Findings:
        """A finding, unless it is empty or of more than the share `most` of all rows, as dirt is rare."""
        at = list(rows)
        if at and (self.loose or len(at) <= most * len(self.keys)):
            named = {"column": column} if column else {}
            yield {"file": self.file, "unit": unit, "rows": [self.keys[i] for i in at], **named, "why": why}

    def cells(self, why: str, column: str, odd: Callable[[str], Any]) -> Findings:
        yield from self.found(
            why, (i for i, c in enumerate(self.columns[column]) if odd(c)), unit="cell", column=column
        )


def like_json(cells: Sequence[str]) -> bool:
    return sum(cell.startswith("{") for cell in cells) > len(cells) / 2


def like(cells: Sequence[str], pattern: str, share: float = 0.8) -> bool:
    """Do most cells match, and not all?"""
    return share * len(cells) <= sum(bool(re.fullmatch(pattern, cell)) for cell in cells) < len(cells)


def read_sheet(path: Path, *, loose: bool = False) -> Sheet:
    """A CSV or JSON Lines file."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows: list[Mapping[str, Any]] = list(csv.DictReader(file))
    else:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    names = dict.fromkeys(name for row in rows for name in row)
    return Sheet(
        path.name, {name: ["" if row.get(name) is None else str(row[name]) for row in rows] for name in names}, loose
    )
