"""Named sets of rules for `filter.rules`: which signals a text has, and which of them drop its row.

A profile is a module of this folder that offers PROFILE. It knows its rules and where they come from, not how
rows are read or decisions written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa

from ...errors import Retry, nearest
from ...store.mapping import Mapping as RecordMapping

Hit = tuple[int, str, float]
"""A row of a batch that a rule drops: the row (from 0), the reason, the value of the signal that decided."""


@dataclass(frozen=True)
class Rule:
    """`reason` drops the rows for which `breaks` is true; `signal` is the column that is told as the
    score."""

    reason: str
    signal: str
    breaks: Callable[[Mapping[str, np.ndarray], Mapping[str, float]], np.ndarray]


@dataclass(frozen=True)
class Profile:
    """`measure` gives one row of signals for each record; rules are tried in order, the first that breaks
    decides.

    `evidence` says where in a record the reason lies; it is asked for dropped rows only.
    """

    id: str
    measure: Callable[[RecordMapping, str | None, Sequence[Any]], pa.Table]
    rules: Sequence[Rule]
    evidence: Callable[[RecordMapping, str | None, Any, str], Mapping[str, Any]]

    def decide(self, signals: pa.Table, thresholds: Mapping[str, float]) -> list[Hit]:
        """The rows that go, ascending, each under the first rule it breaks."""
        columns = {name: signals[name].to_numpy(zero_copy_only=False) for name in signals.column_names}
        left = np.ones(len(signals), bool)
        hits: list[Hit] = []
        for rule in self.rules:
            broken = left & rule.breaks(columns, thresholds)
            left &= ~broken
            hits += [(int(i), rule.reason, float(columns[rule.signal][i])) for i in np.flatnonzero(broken)]
        return sorted(hits)


def profile_named(name: str) -> Profile:
    """The profile of this name. Raises Retry naming the nearest."""
    from . import sft

    known: dict[str, ModuleType] = {"sft": sft}
    if name not in known:
        raise Retry(f"filter.rules has no profile {name!r}.", next_step=nearest(name, known))
    found: Profile = known[name].PROFILE
    return found
