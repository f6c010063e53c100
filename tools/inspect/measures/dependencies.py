"""How the columns of a table hang together: which identify a row, decide another, or rise together.

It knows columns as whole-number codes (-1 for a missing value). It does not know values, names of tools or
files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

CONFIDENCE: Final = 0.9
GAIN: Final = 0.81
"""How much of what the most common value leaves unexplained the left column must explain (0.9 squared)."""
MAJORITY: Final = 0.66
SMALLEST_GROUP: Final = 3
REPEATING: Final = 0.5
CORRELATED: Final = 0.95
MOST_COLUMNS: Final = 40


@dataclass(frozen=True)
class Dependency:
    """`left` decides `right` in nearly every row; `rows` (ascending) disagree with their group's majority.

    `expected` holds, for each of `rows`, a row of its group that carries the majority's value.
    """

    left: str
    right: str
    confidence: float
    rows: np.ndarray
    expected: np.ndarray


def dependencies(columns: Mapping[str, np.ndarray]) -> list[Dependency]:
    """Approximate functional dependencies with one column on the left, in the order of the columns.

    Confidence is the share of rows that agree with the most frequent value of their group (1 - g3 of Kivinen
    and Mannila 1995), kept at >= 0.9 and when (confidence - base) / (1 - base) >= 0.81, base being the share
    of the right column's most common value. A row is named when its group has at least 3 rows of which over
    66 % hold another value.
    """
    found = []
    for left, right in ((left, right) for left in columns for right in columns if left != right):
        one = _dependency(left, right, columns[left], columns[right])
        if one is not None:
            found.append(one)
    return found


def _dependency(left: str, right: str, by: np.ndarray, of: np.ndarray) -> Dependency | None:
    both = np.flatnonzero((by >= 0) & (of >= 0))
    if not len(both):
        return None
    by, of = by[both].astype(np.int64), of[both].astype(np.int64)
    sizes = np.bincount(by)
    if sizes[sizes >= 2].sum() < REPEATING * len(by):
        return None
    _, first, where, counts = np.unique(
        by * (of.max() + 1) + of, return_index=True, return_inverse=True, return_counts=True
    )
    group = by[first]
    order = np.lexsort((-counts, group))
    leads = order[np.concatenate([[True], np.diff(group[order]) > 0])]
    confidence = counts[leads].sum() / len(by)
    base = np.bincount(of).max() / len(of)
    if base == 1 or confidence < CONFIDENCE or (confidence - base) / (1 - base) < GAIN:
        return None
    lead_of = np.empty(len(sizes), np.int64)
    lead_of[group[leads]] = leads
    lead = lead_of[by]
    settled = (sizes[by] >= SMALLEST_GROUP) & (counts[lead] > MAJORITY * sizes[by])
    odd = np.flatnonzero(settled & (where != lead))
    return Dependency(left, right, float(confidence), both[odd], both[first[lead[odd]]])


def keys(columns: Mapping[str, np.ndarray]) -> list[tuple[str, ...]]:
    """Minimal sets of one or two columns without missing values whose values are different in every row."""
    full = {name: codes for name, codes in columns.items() if len(codes) and codes.min() >= 0}
    single = [name for name, codes in full.items() if len(np.unique(codes)) == len(codes)]
    found: list[tuple[str, ...]] = [(name,) for name in single]
    for left, right in combinations([name for name in full if name not in single], 2):
        a, b = full[left].astype(np.int64), full[right].astype(np.int64)
        if (a.max() + 1) * (b.max() + 1) >= len(a) and len(np.unique(a * (b.max() + 1) + b)) == len(a):
            found.append((left, right))
    return found


def correlated(columns: Mapping[str, np.ndarray]) -> list[tuple[str, str, float]]:
    """Pairs of numeric columns (NaN for missing) with a Pearson correlation of .95 or more either way."""
    found = []
    for left, right in combinations(columns, 2):
        both = ~np.isnan(columns[left]) & ~np.isnan(columns[right])
        a, b = columns[left][both], columns[right][both]
        if len(a) < SMALLEST_GROUP or a.min() == a.max() or b.min() == b.max():
            continue
        r = round(float(np.corrcoef(a, b)[0, 1]), 3)
        if abs(r) >= CORRELATED:
            found.append((left, right, r))
    return found


def flagged(found: Sequence[Dependency]) -> dict[str, np.ndarray]:
    """For each right column: the rows that at least one dependency names."""
    rows: dict[str, np.ndarray] = {}
    for one in found:
        rows[one.right] = np.union1d(rows.get(one.right, np.empty(0, np.int64)), one.rows)
    return rows
