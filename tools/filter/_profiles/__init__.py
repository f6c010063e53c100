"""Named sets of rules for `filter.rules`: which signals a text has, and which of them drop its row.

A module of this folder offers one profile or several. It knows its rules and where they come from, not how decisions
are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from ...errors import Retry, nearest
from ...store.format.mapping import Mapping as RecordMapping
from ...store.rows import Rows
from ...tool import refuse_contradiction


@dataclass(frozen=True)
class Rule:
    """`reason` drops the rows for which `breaks` (signals, cuts) is true; `signal` is the column that is told as the
    score, `cut` the threshold it was held against, where there is one to tell."""

    reason: str
    signal: str
    breaks: Callable[[Mapping[str, np.ndarray], Mapping[str, float]], np.ndarray]
    cut: str = ""


Hit = tuple[int, Rule, float]
"""A row of a batch that goes: the row (from 0), the rule it breaks, the value of the signal that decided."""

Where = Callable[[int, str], Mapping[str, Any]]
"""(row of a batch, reason) -> where in the record the reason lies; asked for dropped rows only."""


@dataclass(frozen=True)
class Profile:
    """`measure` gives one row of signals for each record; rules are tried in order, the first that breaks decides.

    `cuts` are the profile's own thresholds by the name of the argument. `evidence` says where in a record a reason
    lies. `measure_texts` is there for profiles that judge one text of a row, whatever its record: the web profiles.
    """

    id: str
    measure: Callable[[RecordMapping, str | None, Sequence[Any]], pa.Table]
    rules: Sequence[Rule]
    evidence: Callable[[RecordMapping, str | None, Any, str], Mapping[str, Any]]
    cuts: Mapping[str, float] = field(default_factory=dict)
    measure_texts: Callable[[pa.Array], pa.Table] | None = None

    def measured(self, data: Rows, field: str | None) -> Iterator[tuple[pa.Table, Where]]:
        """The signals of all rows in order, some at a time."""
        if self.measure_texts is not None:
            for texts in data.texts(field or data.mapping.default_field):
                yield self.measure_texts(texts), lambda row, reason: {}
            return
        for batch in data.batches():
            records = batch.records()
            yield self.measure(data.mapping, field, records), partial(self._where, data.mapping, field, records)

    def _where(
        self, mapping: RecordMapping, field: str | None, records: Sequence[Any], row: int, reason: str
    ) -> Mapping[str, Any]:
        return self.evidence(mapping, field, records[row], reason)

    def decide(self, signals: pa.Table, cuts: Mapping[str, float]) -> list[Hit]:
        """The rows that go, ascending, each under the first rule it breaks."""
        columns = {name: signals[name].to_numpy(zero_copy_only=False) for name in signals.column_names}
        left = np.ones(len(signals), bool)
        hits: list[Hit] = []
        for rule in self.rules:
            broken = left & rule.breaks(columns, cuts)
            left &= ~broken
            hits += [(int(i), rule, float(columns[rule.signal][i])) for i in np.flatnonzero(broken)]
        return sorted(hits, key=lambda hit: hit[0])

    def cuts_with(self, given: Mapping[str, float | None], defaults: Mapping[str, float]) -> dict[str, float]:
        """The profile's own cuts, with those a person gave; None and the default of an argument say nothing.

        Raises Retry for a threshold the profile does not have, and for a least that lies over its most.
        """
        said = {name: value for name, value in given.items() if value is not None and value != defaults.get(name)}
        for name in said:
            if name not in self.cuts:
                raise Retry(f"The profile {self.id} has no threshold {name!r}.", next_step=nearest(name, self.cuts))
        cuts = {**self.cuts, **said}
        refuse_contradiction("filter.rules", cuts)
        return cuts


def profile_named(name: str) -> Profile:
    """The profile of this name. Raises Retry naming all there are."""
    from . import sft, web

    known: dict[str, Profile] = {one.id: one for one in (sft.PROFILE, *web.PROFILES)}
    if name not in known:
        raise Retry(f"filter.rules has no profile {name!r}.", next_step=f"Profiles: {', '.join(known)}.")
    return known[name]
