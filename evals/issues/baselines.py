"""Submissions that need the truth or know the form only: oracle, nothing, random, sprayer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..planted.draw import Draw
from .card import CARD, parsed
from .data import KEY, Row
from .files import read
from .scoring import MOST_FINDINGS
from .truth import OF_ROWS, Truth

MOST_RANDOM: Final = 9

Findings = list[dict[str, Any]]


def oracle(truth: Truth) -> Findings:
    """Every plant, and nothing else."""
    return [
        {
            "file": plant.file,
            "unit": plant.unit,
            **({"rows": list(plant.rows[0])} if plant.unit in OF_ROWS else {}),
            **({"column": plant.columns[0]} if plant.columns else {}),
            **({"field": plant.field} if plant.field else {}),
            "family": plant.family.group,
            "why": f"Planted: {plant.families[0]}.",
        }
        for plant in truth.plants
    ]


def guesses(files: Mapping[str, bytes], draw: Draw) -> Findings:
    """A handful of findings of the right form: rows drawn at random, columns, fields of the card."""
    tables, told = _tables(files), list(parsed(files[CARD]))
    made: Findings = []
    for _ in range(draw.between(1, MOST_RANDOM)):
        file = draw.pick(list(tables))
        column = draw.pick([name for name in tables[file][0] if name != KEY])
        unit = draw.pick(("row", "cell", "cell", "column", "table", "doc"))
        if unit == "doc":
            made.append({"file": CARD, "unit": unit, "field": draw.pick(told), "why": "A guess."})
        elif unit in OF_ROWS:
            rows = draw.some([row[KEY] for row in tables[file]], draw.between(1, len(tables[file]) // 10))
            made.append({"file": file, "unit": unit, "rows": rows, "column": column, "why": "A guess."})
        else:
            made.append({"file": file, "unit": unit, "column": column, "why": "A guess."})
    return made


def spray(files: Mapping[str, bytes]) -> Findings:
    """As much as may be handed in: one finding for each block of rows, each column and each field of the card."""
    tables = _tables(files)
    made: Findings = [{"file": CARD, "unit": "doc", "field": field, "why": "Perhaps."} for field in parsed(files[CARD])]
    made += [
        {"file": file, "unit": "column", "column": column, "why": "Perhaps."}
        for file, rows in tables.items()
        for column in rows[0]
        if column != KEY
    ]
    blocks = max(1, (MOST_FINDINGS - len(made)) // len(tables))
    for file, rows in tables.items():
        size = -(-len(rows) // blocks)
        made += [
            {"file": file, "unit": "row", "rows": [row[KEY] for row in rows[at : at + size]], "why": "Perhaps."}
            for at in range(0, len(rows), size)
        ]
    return made[:MOST_FINDINGS]


def _tables(files: Mapping[str, bytes]) -> dict[str, list[Row]]:
    return {name: read(name, content) for name, content in files.items() if name != CARD}
