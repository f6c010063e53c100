"""How evidence names the rows that keep what others lose.

It knows that rows of another dataset are numbered behind those of this one. It does not know what was repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..store.rows import Rows


@dataclass(frozen=True)
class Survivors:
    """The rows of this dataset, and behind them those of another one."""

    data: Rows
    others: Rows | None

    def names(self, rows: Sequence[int]) -> dict[int, str]:
        """The row id of each of some rows."""
        wanted = np.unique(np.array(rows, np.int64))
        mine = wanted[wanted < len(self.data)]
        theirs = wanted[wanted >= len(self.data)]
        named = dict(zip(mine.tolist(), row_ids(self.data, mine), strict=True))
        if self.others is not None:
            named |= zip(theirs.tolist(), row_ids(self.others, theirs - len(self.data)), strict=True)
        return named

    def told(self, rows: Sequence[int], names: dict[int, str]) -> dict[str, Any]:
        """Evidence about the rows that keep something: `survivor`, `survivors`, `of` where one is another dataset's."""
        told: dict[str, Any] = {"survivor": names[rows[0]], "survivors": [names[row] for row in rows]}
        if self.others is not None and any(row >= len(self.data) for row in rows):
            told["of"] = [self.others.vid if row >= len(self.data) else None for row in rows]
        return told


def row_ids(rows: Rows, positions: np.ndarray) -> list[str]:
    """The row id of each position, in hexadecimal."""
    return [row_id.hex() for row_id in rows.take(positions, ["row_id"])["row_id"].to_pylist()] if len(positions) else []
