"""How the content of two versions differs in lengths, languages and labels, both measured alike.

It knows distributions. It does not know which rows are new, nor what difference is too much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc

from ...store.packs import fixed_bytes
from ...store.rows import Rows
from ...text.language import languages
from .counting import Lengths, histogram
from .seen import CHATS

SAMPLED: Final = 2_000
"""Rows of each version whose language is identified: those with the smallest ids, so that carried rows are the same."""

MOST_LABELS: Final = 100
"""A column with more different values than this is no label."""

LONGEST_LABEL: Final = 80
PERCENTS: Final = (5, 50, 95, 99)


@dataclass(frozen=True)
class Length:
    """Characters of one field in (old, new): quantiles as {"p50": n, …}, counts over common bin edges."""

    of: str
    quantiles: tuple[dict[str, int], dict[str, int]]
    edges: tuple[float, ...]
    counts: tuple[tuple[int, ...], tuple[int, ...]]
    even: bool


@dataclass(frozen=True)
class Shares:
    """How often each value stands in (old, new) of the rows examined; the values that moved most come first."""

    of: str
    examined: tuple[int, int]
    values: tuple[tuple[str, int, int], ...]

    def moved(self, value: tuple[str, int, int]) -> float:
        """By how much the share of a value rose, from -1 to 1."""
        old, new = (count / max(all, 1) for count, all in zip(value[1:], self.examined, strict=True))
        return new - old

    @property
    def distance(self) -> float:
        """Total variation distance of the two distributions, 0 to 1: half the sum of what the shares moved."""
        return sum(abs(self.moved(value)) for value in self.values) / 2


def lengths(old: Rows, new: Rows) -> list[Length]:
    """Lengths of prompts and responses where there are such, else of the default text; [] for tables."""
    mapping = new.mapping
    if mapping.format == "table" or old.mapping.format != mapping.format:
        return []
    fields = ("prompt", "response") if mapping.format in CHATS else (mapping.default_field,)
    return [_length(field, _characters(old, field), _characters(new, field)) for field in fields]


def _characters(rows: Rows, field: str) -> np.ndarray:
    parts = [pc.utf8_length(texts).to_numpy(zero_copy_only=False) for texts in rows.texts(field)]
    return np.concatenate([np.empty(0, np.int64), *parts])


def _length(field: str, *both: np.ndarray) -> Length:
    shape = histogram(np.concatenate(both))  # type: ignore[arg-type]
    edges = shape["edges"]
    counts = [np.histogram(one, edges)[0] if len(edges) > 1 and edges[0] < edges[-1] else [len(one)] for one in both]
    told = []
    for one in both:
        found = Lengths()
        found.update(one.tolist())
        told.append(found.quantiles(PERCENTS))
    old, new = (tuple(int(count) for count in one) for one in counts)
    return Length(field, (told[0], told[1]), tuple(map(float, edges)), (old, new), bool(shape["even"]))


def language_shares(old: Rows, new: Rows, sampled: int = SAMPLED) -> Shares | None:
    """Languages of the default text of a sample; None for tables, which have none."""
    if new.mapping.format == "table" or old.mapping.format != new.mapping.format:
        return None
    told = [_languages(rows, sampled) for rows in (old, new)]
    return shares("language", told, tuple(sum(one.values()) for one in told))


def _languages(rows: Rows, sampled: int) -> Counter[str]:
    if not len(rows):
        return Counter()
    ids = fixed_bytes(rows.arrow(("row_id",))["row_id"]).view("S16").reshape(-1)
    chosen = np.sort(np.argsort(ids, kind="stable")[:sampled])
    reader = rows.mapping.reader(rows.mapping.default_field)
    found: Counter[str] = Counter()
    for start in range(0, len(chosen), 1_024):
        found.update(languages(reader(record) for record in rows.records(chosen[start : start + 1_024])))
    return found


def label_shares(old: Rows, new: Rows) -> list[Shares]:
    """Every column of few different short values that both versions have, and how often each value stands there."""
    told = [_labels(rows) for rows in (old, new)]
    names = [name for name in told[1] if name in told[0]]
    sizes = (len(old), len(new))
    found = [shares(name, [one[name] for one in told], sizes) for name in names]
    return [one for one in found if 1 < len(one.values) <= MOST_LABELS]


def _labels(rows: Rows) -> dict[str, Counter[str]]:
    """Counts of the values of every top-level column that may be a label: short texts, numbers, true and false."""
    found: dict[str, Counter[str]] = {}
    out: set[str] = set()
    for batch in rows.batches():
        for record in batch.records():
            for name, value in record.items() if isinstance(record, dict) else ():
                if name in out or value is None:
                    continue
                counts = found.setdefault(name, Counter())
                told = _label(value)
                if told is not None:
                    counts[told] += 1
                if told is None or len(counts) > MOST_LABELS:
                    out.add(name)
                    del found[name]
    # Values of a label come back: a column whose values are all but different in every row is a key.
    return {name: counts for name, counts in found.items() if counts.total() >= 2 * len(counts)}


def _label(value: Any) -> str | None:
    if isinstance(value, bool | int):
        return str(value).lower()
    return value if isinstance(value, str) and len(value) <= LONGEST_LABEL else None


def shares(of: str, told: Sequence[Counter[str]], examined: Sequence[int]) -> Shares:
    """Counts of both versions as `Shares`."""
    old, new = told
    sizes = (int(examined[0]), int(examined[1]))
    plain = Shares(of, sizes, tuple((value, old[value], new[value]) for value in {**old, **new}))
    ordered = sorted(plain.values, key=lambda value: (-abs(plain.moved(value)), -max(value[1:]), value[0]))
    return Shares(of, sizes, tuple(ordered))
