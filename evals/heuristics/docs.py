"""A card by counting, and by the last thing in the notes that looks like a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from .sheets import Sheet, read_sheet

NOTES: Final = "NOTES.md"
LOOKS: Final[Mapping[str, str]] = {
    "license": r"\b(?:CC0?-?[A-Z0-9.-]*\d|ODbL-\d\.\d|Apache-2\.0|MIT)\b",
    "version": r"release (\d+\.\d+)",
    "maintainer": r"\b[A-Z][a-z-]+ [A-Z][a-z]+\b",
    "contact": r"[\w.]+@[\w.]+\w",
    "annotators": r"\b(\d+) (?:people|annotators)",
}


def submission(folder: Path, task: str) -> dict[str, Any]:
    sheets = {path.name: read_sheet(path) for path in sorted(folder.iterdir()) if path.suffix in (".csv", ".jsonl")}
    notes = (folder / NOTES).read_text(encoding="utf-8")
    card: dict[str, str | None] = {}
    for field in re.findall(r"(?m)^- (.+)$", task):
        file = field.rpartition(" ")[2]
        card[field] = _counted(field, sheets[file]) if file in sheets else _told(field, notes)
    return {"card": card}


def _counted(field: str, sheet: Sheet) -> str | None:
    if field.startswith("rows of"):
        return str(len(sheet.keys))
    if field.startswith("empty cells of"):
        return str(sum(not cell for cells in sheet.data.values() for cell in cells))
    column = re.match(r"values of (\w+) in", field)
    if column is None or column[1] not in sheet.data:
        return None
    return ", ".join(sorted({cell for cell in sheet.data[column[1]] if cell}))


def _told(field: str, notes: str) -> str | None:
    found = re.findall(LOOKS[field], notes) if field in LOOKS else []
    return found[-1] if found else None
