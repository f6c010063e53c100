"""What a Change amounts to, counted from its outcomes: drops by their first reason, edits, rows added."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from ..change import Change, Outcome
from .rows import Rows


@dataclass
class Tally:
    """What a Change amounts to."""

    before: int
    dropped: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
    added: int = 0
    edited: int = 0
    flagged: int = 0
    positions: list[np.ndarray] = field(default_factory=list)

    @property
    def gone(self) -> np.ndarray:
        """Positions of the dropped rows, ascending, each once."""
        return np.unique(np.concatenate([np.empty(0, np.int64), *self.positions]))

    def counts(self) -> dict[str, Any]:
        gone = len(self.gone)
        return {
            "before": self.before,
            "after": self.before - gone + self.added,
            "dropped": dict(sorted(self.dropped.items(), key=lambda item: (-item[1], item[0]))),
            "added": self.added,
            "edited": self.edited,
            "edits": dict(sorted(self.edits.items(), key=lambda item: (-item[1], item[0]))),
            **({"flagged": self.flagged} if self.flagged else {}),
        }

    def take(self, outcome: Outcome) -> None:
        """Count what one outcome says."""
        if outcome.decisions is not None:
            action = np.asarray(outcome.decisions["action"].combine_chunks().to_numpy(zero_copy_only=False))
            drop = action == "drop"
            self.flagged += len(np.unique(outcome.decisions["position"].to_numpy()[action == "flag"]))
            reasons = outcome.decisions["reason"].filter(pa.array(drop)).combine_chunks()
            positions = outcome.decisions["position"].to_numpy()[drop]
            fresh = _first_times(self, positions)
            for item in reasons.filter(pa.array(fresh)).value_counts().to_pylist():
                self.dropped[item["values"]] += item["counts"]
            self.positions.append(positions)
            edited = outcome.decisions["reason"].filter(pa.array(action == "edit")).combine_chunks()
            for item in edited.value_counts().to_pylist():
                self.edits[item["values"]] += item["counts"]
        for edit in outcome.edits:
            self.edits[edit.reason] += 1
        self.edited += len({edit.position for edit in outcome.edits})
        self.edited += 0 if outcome.rewritten is None else len(outcome.rewritten)
        self.added += len(outcome.added)


def tally(rows: Rows, change: Change) -> Tally:
    """Count what a Change would do, writing nothing."""
    found = Tally(len(rows))
    for outcome in change.outcomes:
        found.take(outcome)
    return found


def _first_times(found: Tally, positions: np.ndarray) -> np.ndarray:
    """True where a position is dropped for the first time: a row counts under its first reason only."""
    first = np.zeros(len(positions), bool)
    first[np.unique(positions, return_index=True)[1]] = True
    if found.positions:
        first &= ~np.isin(positions, np.concatenate(found.positions))
    return first
