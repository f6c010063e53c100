"""Questions over a table by words: the row that shares most of them, the column whose name the question holds."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

TABLE: Final = "table.csv"


def submission(folder: Path, task: str) -> dict[str, Any]:
    """How many: rows that share the rarest word. Which: the cell that the question does not hold itself."""
    question = _words(task.split("\n\n")[1])
    with (folder / TABLE).open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file, escapechar="\\", doublequote=False)
    rows = [row for row in rows if len(row) == len(head)]
    if not rows:
        return {"answer": []}
    counts = Counter(word for row in rows for word in {word for cell in row for word in _words(cell)})
    shared = [sum(1 / counts[word] for word in question if word in _words(" ".join(row))) for row in rows]
    if {"how", "many"} <= set(question):
        rare = min((word for word in question if counts[word]), key=lambda word: (counts[word], word), default="")
        return {"answer": [counts[rare] if rare else len(rows)]}
    best = rows[shared.index(max(shared))]
    named = [sum(word in _words(name) for word in question) for name in head]
    told = [bool(set(_words(cell)) & set(question)) for cell in best]
    order = sorted(range(len(head)), key=lambda at: (told[at], -named[at], at))
    return {"answer": [best[order[0]]]}


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())
