"""The columns of a dataset: the keys of its records, what their values look like and what does not fit.

It knows records as Python values. It does not know what a column means to a trainer: that is the mapping's
business.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from .counting import Frequent, Lengths, Sample
from .values import Reading, date_format, measure, number, numeric, read_texts

SAMPLED_ROWS: Final = 65_536
LONG: Final = 80
"""Characters up to which a text counts as a value; of a longer one a prefix and a digest are kept."""

ABSENT: Final = object()
_DIGEST = 16


@dataclass
class Column:
    """One key of the records, counted over all rows. `missing` = key absent + null + empty text."""

    name: str
    rows: int = 0
    absent: int = 0
    null: int = 0
    empty: int = 0
    types: Counter[str] = field(default_factory=Counter)
    texts: Frequent[str] = field(default_factory=Frequent)
    scalars: Frequent[Any] = field(default_factory=Frequent)
    lengths: Lengths = field(default_factory=Lengths)
    items: Lengths = field(default_factory=Lengths)
    longer: int = 0

    @property
    def missing(self) -> int:
        return self.absent + self.null + self.empty

    @property
    def filled(self) -> int:
        return self.rows - self.missing

    def update(self, values: Sequence[Any]) -> None:
        self.rows += len(values)
        kinds = Counter(map(type, values))
        if set(kinds) == {str}:
            self._update_texts(values)
            return
        self.absent += kinds.pop(object, 0)
        self.null += kinds.pop(type(None), 0)
        if str in kinds:
            self._update_texts([value for value in values if type(value) is str])
        for kind, count in kinds.items():
            if kind in (list, tuple):
                self.types["list"] += count
                self.items.update(len(value) for value in values if type(value) is kind)
            elif kind is dict:
                self.types["object"] += count
            elif kind is not str:
                self.types[_TYPE_NAMES.get(kind, kind.__name__)] += count
                self.scalars.update((kind.__name__, value) for value in values if type(value) is kind)

    def _update_texts(self, texts: Sequence[str]) -> None:
        sizes = list(map(len, texts))
        empty = sum(1 for text in texts if not text or text.isspace())
        self.empty += empty
        self.types["text"] += len(texts)
        self.lengths.update(sizes)
        self.longer += sum(1 for size in sizes if size > LONG)
        self.texts.update(map(value_key, texts))


_TYPE_NAMES: Final = {bool: "true/false", int: "number", float: "number"}


def value_key(text: str) -> str:
    """What a text is counted as: itself, or the beginning and a digest of a long one."""
    if len(text) <= LONG:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST // 2).hexdigest()
    return f"{text[: LONG - 1]}…{digest}"


def shown(key: str) -> str:
    """A counted value as it is shown: without its digest."""
    return key[:LONG] if len(key) == LONG + _DIGEST else key


class Table:
    """All columns of a version, and a sample of rows for what needs several columns or positions."""

    def __init__(self, seed: int) -> None:
        self.columns: dict[str, Column] = {}
        self.rows = 0
        self.sample: Sample[Mapping[str, Any]] = Sample(SAMPLED_ROWS, seed)

    def see(self, start: int, records: Sequence[Any]) -> None:
        names = list(self.columns)
        known = set(names)
        for record in records:
            for name in record:
                if name not in known:
                    known.add(name)
                    names.append(name)
                    self.columns[name] = Column(name, rows=self.rows, absent=self.rows)
        for name in names:
            self.columns[name].update([record.get(name, ABSENT) for record in records])
        self.rows += len(records)
        chosen = self.sample.choose(start, len(records))
        self.sample.add([start + i for i in chosen], [_scalars(records[i]) for i in chosen])

    def readings(self) -> dict[str, Reading]:
        """How each column reads: over all its values while they can be counted, else over the sampled rows."""
        return {name: self._reading(column) for name, column in self.columns.items()}

    def examined(self, name: str) -> int:
        """Of how many rows the reading of a column speaks."""
        column = self.columns[name]
        return self.rows if column.texts.exact and column.scalars.exact else len(self.sample.items)

    def _reading(self, column: Column) -> Reading:
        nested = column.types["list"] + column.types["object"]
        if nested and nested * 2 > column.filled:
            return Reading(kind="nested")
        numbers = {value: count for value, count in self._scalars_of(column).items() if type(value) is not bool}
        if numbers and column.types["number"] * 2 > column.filled:
            reading = numeric(_merged(numbers))
            reading.odd = {str(text): count for text, count in self._texts_of(column).items() if text.strip()}
            return reading
        if column.types["true/false"] * 2 > column.filled:
            return Reading(kind="true/false")
        return read_texts(self._texts_of(column), long=column.longer * 2 > column.types["text"])

    def _texts_of(self, column: Column) -> Mapping[str, int]:
        if column.texts.exact:
            return column.texts.counts
        return Counter(value for value in self.sampled(column.name) if type(value) is str)

    def _scalars_of(self, column: Column) -> Counter[Any]:
        found: Counter[Any] = Counter()
        if column.scalars.exact:
            for (_, value), count in column.scalars.counts.items():
                found[value] += count
        else:
            found.update(value for value in self.sampled(column.name) if type(value) in _TYPE_NAMES)
        return found

    def sampled(self, name: str) -> list[Any]:
        """The values of a column in the sampled rows, in order of position."""
        return [item.get(name, ABSENT) for item in self.sample.items]

    def codes(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Columns of the sampled rows as whole numbers by first appearance; -1 for a missing value."""
        found = {}
        for name in names:
            seen: dict[Any, int] = {}
            found[name] = np.array(
                [-1 if is_missing(value) else seen.setdefault(value, len(seen)) for value in self.sampled(name)],
                np.int64,
            )
        return found

    def numbers(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Numeric columns of the sampled rows; NaN where there is no number."""
        return {name: np.array([_as_number(value) for value in self.sampled(name)]) for name in names}

    def positions(self, name: str, values: Iterable[str], limit: int = 5) -> tuple[int, ...]:
        """The first positions among the sampled rows where a column holds one of these counted values."""
        wanted = set(values)
        pairs = zip(self.sample.positions, self.sampled(name), strict=True)
        found = (position for position, value in pairs if type(value) is str and value in wanted)
        return tuple(position for position, _ in zip(found, range(limit), strict=False))


def _scalars(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without its nested values, long texts cut to what they are counted as."""
    return {
        name: value_key(value) if type(value) is str else value
        for name, value in record.items()
        if type(value) is not dict and type(value) is not list
    }


def _merged(values: Mapping[Any, int]) -> Counter[float]:
    found: Counter[float] = Counter()
    for value, count in values.items():
        if type(value) in (int, float) and -1e308 < value < 1e308:
            found[float(value)] += count
    return found


def is_missing(value: Any) -> bool:
    """Whether a sampled value is absent, null or blank."""
    return value is ABSENT or value is None or (type(value) is str and not value.strip())


def _as_number(value: Any) -> float:
    if type(value) is str:
        plain = number(value)
        pair = measure(value) if plain is None and date_format(value) is None else None
        return plain if plain is not None else pair[0] if pair else float("nan")
    return float(value) if type(value) in (int, float) and -1e308 < value < 1e308 else float("nan")
