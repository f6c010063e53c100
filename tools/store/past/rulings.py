"""What people decided about single rows: `rulings.jsonl` at the workspace's root, one line a ruling, the last one wins.

It knows rulings and what they say of a step's decisions. It does not know how a row is shown or who asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from ...change import DECISIONS, Outcome, dump_evidence
from ...errors import Misuse
from ...statistics import wilson
from .. import disk

FILE: Final = "rulings.jsonl"
Word = Literal["keep", "drop", "unsure"]
WORDS: Final = ("keep", "drop", "unsure")
REASON: Final = "ruling"
STAYED: Final = "(stayed)"
"""Stands for the reason of rows that no step had dropped."""


@dataclass(frozen=True)
class Ruling:
    """One person's word on one row.

    `of` is the reason the row had been dropped for when it was looked at ("" for a row that had stayed); `sampled`
    says that it was drawn by a review, so that it may count in a rate; `blind`, that the reason was not shown.
    """

    dataset: str
    row_id: str
    word: Word
    because: str
    who: str
    date: str
    of: str = ""
    sampled: bool = False
    blind: bool = False


@dataclass(frozen=True)
class Rate:
    """How often people contradicted a reason (or, for `STAYED`, would have dropped): share with its 95 % interval."""

    reason: str
    looked_at: int
    contradicted: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.contradicted / self.looked_at if self.looked_at else 0.0


def read(root: Path) -> list[Ruling]:
    """All rulings in order. Raises Misuse naming the line at fault."""
    path = root / FILE
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            ruling = Ruling(**json.loads(line))
            if ruling.word not in WORDS or len(bytes.fromhex(ruling.row_id)) != 16:
                raise ValueError("word or row_id")
        except (ValueError, TypeError) as error:
            next_step = 'A ruling is {"dataset", "row_id", "word": "keep|drop|unsure", "because", "who", "date"}.'
            raise Misuse(f"{FILE}:{number} is no ruling: {error}.", next_step=next_step) from None
        found.append(ruling)
    return found


def append(root: Path, rulings: Iterable[Ruling]) -> None:
    """Write rulings down, each durably."""
    for ruling in rulings:
        told = {key: value for key, value in asdict(ruling).items() if value or key == "because"}
        disk.append_line(root / FILE, json.dumps(told, ensure_ascii=False).encode())


def last_words(rulings: Iterable[Ruling], dataset: str) -> dict[str, Ruling]:
    """The last ruling on each row of a dataset; a row whose last word is `unsure` is as if nobody had spoken."""
    found = {ruling.row_id: ruling for ruling in rulings if ruling.dataset == dataset}
    return {row_id: ruling for row_id, ruling in found.items() if ruling.word != "unsure"}


def judged(rulings: Iterable[Ruling], dataset: str) -> list[Ruling]:
    """The last word on each row that a review drew, where it is not `unsure`: what rates are counted from."""
    last = {ruling.row_id: ruling for ruling in rulings if ruling.dataset == dataset and ruling.sampled}
    return [ruling for ruling in last.values() if ruling.word != "unsure"]


def contradicts(ruling: Ruling) -> bool:
    """Does the ruling say otherwise than what had been decided about the row?"""
    return ruling.word == ("keep" if ruling.of else "drop")


def rates(rulings: Iterable[Ruling], dataset: str) -> list[Rate]:
    """For every reason that was reviewed by sample: how often the last word contradicts it; Wilson intervals."""
    tally: dict[str, list[bool]] = {}
    for ruling in judged(rulings, dataset):
        tally.setdefault(ruling.of, []).append(contradicts(ruling))
    return [
        Rate(reason or STAYED, len(told), sum(told), *wilson(sum(told), len(told)))
        for reason, told in sorted(tally.items())
    ]


def ruled_out(rulings: Iterable[Ruling], dataset: str, *, confirmed: bool) -> dict[str, Ruling]:
    """The last words that drop a row: one that had stayed when looked at, or (`confirmed`) one a step dropped."""
    said = last_words(rulings, dataset)
    return {row_id: one for row_id, one in said.items() if one.word == "drop" and bool(one.of) == confirmed}


def overruled(outcomes: Iterable[Outcome], kept: Mapping[int, Ruling]) -> Iterator[Outcome]:
    """The outcomes with every drop of a row that a person kept (by position) turned into a decision to keep it."""
    places = np.fromiter(kept, np.int64, len(kept))
    for outcome in outcomes:
        decisions = outcome.decisions
        if decisions is None or not len(places):
            yield outcome
            continue
        hits = np.isin(decisions["position"].to_numpy(), places)
        yield outcome if not hits.any() else _kept(outcome, decisions, hits, kept)


def _kept(outcome: Outcome, decisions: pa.Table, hits: np.ndarray, kept: Mapping[int, Ruling]) -> Outcome:
    lines: list[dict[str, Any]] = []
    for line, hit in zip(decisions.to_pylist(), hits, strict=True):
        if hit and line["action"] == "drop":
            ruling = kept[line["position"]]
            evidence = {"overruled": line["reason"], "because": ruling.because, "who": ruling.who}
            line = {**line, "action": "keep", "reason": REASON, "evidence": dump_evidence(evidence)}
        lines.append(line)
    table = pa.Table.from_pylist(lines, schema=DECISIONS)
    return replace(outcome, decisions=table)
