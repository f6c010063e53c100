"""What a tool may return: a Change or a Report, and the parts they are made of.

It knows how outcomes are addressed (by `position`, the row's index in the version the tool was given, 0-based)
and how decisions are laid out in Arrow. It does not know how a version is stored or how anything is printed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import pyarrow as pa

from .store.format.records import DELETE as DELETE
from .store.format.records import Path

if TYPE_CHECKING:
    from .panel import Books

Severity = Literal["error", "warning", "note"]
Action = Literal["drop", "edit", "add", "flag", "keep"]

DECISIONS: Final = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("score", pa.float64()),
        pa.field("evidence", pa.string()),
    ]
)
"""One decision a row; `evidence` is a JSON object, `score` the signal that decided."""


@dataclass(frozen=True, slots=True)
class Edit:
    """New values at paths of one record; every other byte of the record stays as it was."""

    position: int
    changes: tuple[tuple[Path, Any], ...]
    reason: str
    score: float | None = None
    evidence: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row made by a tool; `parents` are row ids (32 hex digits) it came from, `reason` becomes its source."""

    record: Mapping[str, Any]
    reason: str
    parents: tuple[str, ...] = ()
    split: str | None = None
    evidence: Mapping[str, Any] | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool found out about some rows, in order of position.

    `signals`, when given, holds one row for each of the next `len(signals)` positions: the outcomes of one
    Change together cover every position exactly once, or none does. `rewritten` (position, content_sha, record) are
    whole records that an earlier run edited; the decisions of those edits stand in `decisions`.
    """

    decisions: pa.Table | None = None
    edits: Sequence[Edit] = ()
    added: Sequence[NewRow] = ()
    signals: pa.Table | None = None
    rewritten: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong (or worth knowing) about a dataset.

    `code` is stable and machine-readable, `count` counts `unit`s, `rows` are example positions, `sql` reproduces
    the count over the views of the version, `fix` is the arguments of a `tilth do` call that acts on it.
    """

    code: str
    severity: Severity
    message: str
    count: int
    unit: str = "rows"
    rows: tuple[int, ...] = ()
    sql: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One computed value: the only source of numbers in any document."""

    id: str
    value: Any
    unit: str
    method: str
    n_examined: int


@dataclass(frozen=True)
class Change:
    """Rows dropped, edited, added or flagged. `outcomes` is consumed once, in order of position.

    `told`, called with the outcomes of all rows and the number of rows, hands the outcomes on and fills `findings` and
    `facts` when they have been drawn. A local tool makes both there: its own `outcomes` may be those of a few rows.
    `books`, where a panel decided, are its accounts.
    """

    outcomes: Iterable[Outcome]
    findings: Sequence[Finding] = ()
    facts: Sequence[Fact] = ()
    told: Callable[[Iterable[Outcome], int], Iterator[Outcome]] | None = None
    books: Books | None = None


@dataclass(frozen=True)
class Made:
    """Rows of a dataset of their own, made from a version that stays as it is.

    `into` names the dataset; `refused` has a line for every draft that became no row (position, outcome, code, message,
    score, record).
    """

    into: str
    added: Sequence[NewRow]
    books: Books
    refused: pa.Table | None = None
    findings: Sequence[Finding] = ()
    facts: Sequence[Fact] = ()


@dataclass(frozen=True)
class Report:
    """Findings and facts that change no row; `details` is the JSON a renderer draws from.

    `decisions` (as `drops(…, action="flag")` lays them out, in any order) say something about single rows; they are
    stored with the report and shown by `why` and the view `decisions`.
    """

    findings: Sequence[Finding] = ()
    facts: Sequence[Fact] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    decisions: pa.Table | None = None


def drops(
    positions: Sequence[int] | Any,
    reason: str | Sequence[str],
    *,
    scores: Sequence[float | None] | Any = None,
    evidence: Sequence[Mapping[str, Any] | None] | None = None,
    action: Action = "drop",
) -> pa.Table:
    """Decisions about the rows at `positions` (any order); one reason for all or one each."""
    count = len(positions)
    reasons = pa.array([reason] * count if isinstance(reason, str) else reason, pa.string())
    notes = [None] * count if evidence is None else [dump_evidence(item) for item in evidence]
    return pa.Table.from_arrays(
        [
            pa.array(positions, pa.int64()),
            pa.array([action] * count, pa.string()),
            reasons,
            pa.nulls(count, pa.float64()) if scores is None else pa.array(scores, pa.float64()),
            pa.array(notes, pa.string()),
        ],
        schema=DECISIONS,
    )


def dump_evidence(evidence: Mapping[str, Any] | None) -> str | None:
    """Evidence as it is stored: compact JSON with sorted keys."""
    return None if evidence is None else json.dumps(evidence, sort_keys=True, ensure_ascii=False)


def edit_scores(outcome: Outcome) -> Iterator[tuple[str, float]]:
    """Reason and score of every edit, those that an earlier run made too."""
    for reason, score, _ in edits_told(outcome):
        yield reason, score


def edits_told(outcome: Outcome) -> Iterator[tuple[str, float, Mapping[str, Any]]]:
    """Reason, score and evidence of every edit, those that an earlier run made too."""
    for edit in outcome.edits:
        yield edit.reason, edit.score or 0.0, edit.evidence or {}
    if outcome.rewritten is not None and outcome.decisions is not None:
        for line in outcome.decisions.select(["action", "reason", "score", "evidence"]).to_pylist():
            if line["action"] == "edit":
                yield line["reason"], line["score"] or 0.0, json.loads(line["evidence"] or "{}")


def one(outcome: Outcome) -> Iterator[Outcome]:
    """The outcomes of a tool that decides about all rows at once."""
    yield outcome
