"""The families of defects, a module for each group; importing this fills the catalogue."""

from __future__ import annotations

from . import answers, cards, distribution, duplication, formats, labels, missing, references, splits, texts, values

__all__ = [
    "answers",
    "cards",
    "distribution",
    "duplication",
    "formats",
    "labels",
    "missing",
    "references",
    "splits",
    "texts",
    "values",
]
