"""Questions over a table by keywords: the column that is named, the figure that is asked for, quoted values, bounds.

It takes the largest table, each key once, cells in plain form; it knows nothing of units, reads no README and joins nothing.
"""

from __future__ import annotations

import csv
import math
import re
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

MISSING: Final = frozenset({"", "-", "n/a", "na", "none", "null", "unknown", "-999"})
DAYS: Final = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%d %b %Y", "%d %B %Y")
FIGURES: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "total": math.fsum,
    "mean": statistics.fmean,
    "average": statistics.fmean,
    "median": statistics.median,
    "largest": max,
    "smallest": min,
}

Cell = str | float | None
Record = Mapping[str, Cell]


def submission(folder: Path, task: str) -> dict[str, Any]:
    rows = max((_rows(path) for path in sorted(folder.glob("*.csv"))), key=len)
    question = task.split("\n\n")[1]
    return {"answer": answer(question, rows)}


def answer(question: str, rows: Sequence[Record]) -> list[list[Any]]:
    """One row for each group that is asked for, or one."""
    names = list(rows[0])
    left = [row for row in rows if all(holds(row) for holds in _conditions(question, names))]
    if found := re.match(r"(?:List|Which) (?:the )?(\w+)", question):
        column = found[1] if found[1] in names else names[0]
        listed = {row[column]: None for row in left}
        return [[_key(column, one)] for one in listed if one is not None]
    found = re.search(r"(?i)\bfor each (\w+)", question)
    if found is None or not (groups := _grouped(found[1], left)):
        return [[_figure(question, left)]]
    return [[_key(found[1], name), _figure(question, groups[name])] for name in sorted(groups)]


def _rows(path: Path) -> list[Record]:
    """Each first cell once."""
    with path.open(encoding="utf-8", newline="") as file:
        found: dict[Cell, Record] = {}
        for row in csv.DictReader(file):
            read = {name: cell(text or "") for name, text in row.items()}
            found.setdefault(next(iter(read.values())), read)
    return list(found.values())


def cell(text: str) -> Cell:
    """A number (its unit is not heeded), a day as YYYY-MM-DD, a text in small letters, or nothing."""
    plain = text.strip().lower()
    if plain in MISSING:
        return None
    if found := re.fullmatch(r"(-?\d+(?:[.,]\d+)?)(?: [a-z]{1,2})?", plain):
        return float(found[1].replace(",", "."))
    for form in DAYS:
        try:
            return f"{datetime.strptime(plain, form):%Y-%m-%d}"
        except ValueError:
            continue
    return plain


def _conditions(question: str, names: Sequence[str]) -> Iterator[Callable[[Record], bool]]:
    """Of columns that the table has."""
    for name, value in re.findall(r'(\w+)(?: is)? "([^"]+)"', question):
        if name in names:
            yield lambda row, name=name, value=value: row[name] == value.lower()  # type: ignore[misc]
    for name, value in re.findall(r"(\w+) is at least ([\d.]+)", question):
        if name in names:
            yield lambda row, name=name, least=float(value): _at_least(row[name], least)  # type: ignore[misc]
    for name, first, last in re.findall(r"(\w+) is from (\S+) to (\S+)", question):
        if name in names:
            yield lambda row, name=name, first=first, last=last: first <= str(row[name] or "") <= last  # type: ignore[misc]


def _at_least(value: Cell, least: float) -> bool:
    return isinstance(value, float) and value >= least


def _grouped(name: str, rows: Sequence[Record]) -> dict[str, list[Record]]:
    """Records by the column of that name; by month, by that of the first column of days."""
    groups: dict[str, list[Record]] = {}
    for row in rows:
        day = next((one for one in row.values() if isinstance(one, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", one)), "")
        value = day[:7] if name == "month" else row.get(name)
        if value:
            groups.setdefault(str(value), []).append(row)
    return groups


def _figure(question: str, rows: Sequence[Record]) -> float | int | None:
    """The figure that is named first, of the first column that is named after it; without one, how many there are."""
    for word in re.findall(r"\w+", question):
        if word in FIGURES and rows:
            after = question.partition(word)[2]
            column = next((name for name in re.findall(r"\w+", after) if name in rows[0]), None)
            values = [row[column] for row in rows if isinstance(row[column], float)] if column else []
            return round(FIGURES[word](values), 2) if values else None  # type: ignore[arg-type]
    return len(rows)


def _key(column: str, value: Cell) -> Cell:
    """Keys are written in capitals."""
    return value.upper() if isinstance(value, str) and column.endswith("_id") else value
