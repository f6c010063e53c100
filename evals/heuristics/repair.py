"""Cells in the form of their column: letters decoded again, marks taken out, points and dates as their neighbours have
them, the usual spelling, and what another column nearly always says.
"""

from __future__ import annotations

import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import ftfy

from .sheets import Sheet, like, read_sheet

DAYS: Final = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y/%m/%d")
SURE: Final = 0.96
"""The share of rows in which a column must say the same of another, before the rest are set right."""

Cells = dict[int, str]


def submission(folder: Path, task: str) -> dict[str, Any]:
    """The first rule that would change a cell decides."""
    cells = []
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".csv", ".jsonl"):
            continue
        sheet = read_sheet(path)
        told: dict[tuple[str, int], str] = {}
        for column, values in sheet.data.items():
            for rule in (_letters, _points, _days, _spelling):
                for at, value in rule(sheet, column, values).items():
                    if value != values[at]:
                        told.setdefault((column, at), value)
        for column, at, value in _dependent(sheet):
            told.setdefault((column, at), value)
        cells += [
            {"file": path.name, "row": sheet.keys[at], "column": column, "value": value}
            for (column, at), value in told.items()
        ]
    return {"cells": cells}


def _letters(sheet: Sheet, column: str, values: Sequence[str]) -> Cells:
    """Without markup, entities, invisible characters and letters of a wrong encoding."""
    found = {}
    for at, value in enumerate(values):
        plain = re.sub("[\u200b-\u200f\u2060\ufeff]", "", value)
        if re.search(r"</?[a-z]+\b[^>]*>|&[a-z]+;", plain):
            plain = html.unescape(re.sub(r"</?[a-z]+\b[^>]*>", "", plain)).strip()
        found[at] = ftfy.fix_encoding(plain)
    return found


def _points(sheet: Sheet, column: str, values: Sequence[str]) -> Cells:
    if not like(values, r"-?\d+(\.\d+)?", 0.6):
        return {}
    return {at: value.replace(",", ".") for at, value in enumerate(values) if re.fullmatch(r"-?\d+,\d+", value)}


def _days(sheet: Sheet, column: str, values: Sequence[str]) -> Cells:
    if not like(values, r"\d{4}-\d\d-\d\d.*", 0.6):
        return {}
    return {at: day for at, value in enumerate(values) if (day := _day(value.strip()))}


def _day(text: str) -> str:
    for form in DAYS:
        try:
            return f"{datetime.strptime(text, form):%Y-%m-%d}"
        except ValueError:
            continue
    return ""


def _spelling(sheet: Sheet, column: str, values: Sequence[str]) -> Cells:
    """The commonest of spellings that differ in case, spaces and points only."""
    if column not in sheet.few():
        return {}
    forms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for value in values:
        forms[value.strip(" .").lower()][value] += 1
    return {at: forms[value.strip(" .").lower()].most_common(1)[0][0] for at, value in enumerate(values)}


def _dependent(sheet: Sheet) -> Iterator[tuple[str, int, str]]:
    """(column, row, value) where a column does not say what its rows nearly always do; commoner columns tell of rarer."""
    few = sheet.few()
    for key, keys in few.items():
        for column, values in few.items():
            counts: Mapping[str, Counter[str]] = {name: Counter() for name in keys}
            for name, value in zip(keys, values, strict=True):
                counts[name][value] += 1
            agreeing = sum(one.most_common(1)[0][1] for one in counts.values())
            by_chance = Counter(values).most_common(1)[0][1]
            if key == column or agreeing < SURE * len(values) or by_chance > 0.8 * len(values):
                continue
            usual = {name: one.most_common(1)[0][0] for name, one in counts.items()}
            for at, (name, value) in enumerate(zip(keys, values, strict=True)):
                if usual[name] != value:
                    yield column, at, usual[name]
