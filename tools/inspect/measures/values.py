"""What the values of one column look like: numbers, dates, codes, categories, prose, and which do not fit.

It knows values as text with a count each. It does not know rows, positions or other columns.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from .counting import PERCENTS, histogram, rank

Kind = Literal["empty", "number", "quantity", "date", "true/false", "category", "code", "text", "nested"]

FITTING: Final = 0.8
"""From this share of its values on, a column is said to hold numbers or dates, and the rest to be odd."""

PLACEHOLDERS: Final = frozenset(
    (
        *("-", "--", "?", "n/a", "na", "#n/a", "nan", "nil", "none", "null", "tbd"),
        *("empty", "missing", "unknown", "undefined", "not available"),
    )
)
"""Words that stand for a missing value, in lower case."""

_DIGITS = "(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:,[0-9]{3})+)"
_NUMBER = re.compile(rf"[+-]?(?:{_DIGITS}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_AMOUNT = rf"[+-]?{_DIGITS}(?:\.[0-9]+)?"
_MEASURE = re.compile(rf"({_AMOUNT}) ?([%°A-Za-z\"'/]{{1,12}}|[$€£¥])|([$€£¥]) ?({_AMOUNT})")
_MONTH = "(?:[Jj]an|[Ff]eb|[Mm]ar|[Aa]pr|[Mm]ay|[Jj]un|[Jj]ul|[Aa]ug|[Ss]ep|[Oo]ct|[Nn]ov|[Dd]ec)[a-z]*\\.?"
_CLOCK = "(?:[T ]D{1,2}:D{2}(?::D{2}(?:\\.D+)?)? ?(?:[AaPp][Mm]|Z|[+-]D{2}:?D{2})?)?"
_DATES: Final = {
    name: re.compile((pattern + clock).replace("D", "[0-9]").replace("MONTH", _MONTH))
    for name, pattern, clock in (
        ("2024-01-31", "D{4}-D{2}-D{2}", _CLOCK),
        ("2024/01/31", "D{4}/D{1,2}/D{1,2}", _CLOCK),
        ("31/01/2024", "D{1,2}/D{1,2}/(?:D{4}|D{2})", _CLOCK),
        ("31.01.2024", "D{1,2}\\.D{1,2}\\.(?:D{4}|D{2})", _CLOCK),
        ("31-01-2024", "D{1,2}-D{1,2}-D{4}", _CLOCK),
        ("Jan 31, 2024", "MONTH D{1,2},? D{4}", _CLOCK),
        ("31 Jan 2024", "D{1,2} MONTH,? D{4}", _CLOCK),
        ("31-Jan-24", "D{1,2}-MONTH-(?:D{4}|D{2})", ""),
    )
}
"""How dates are written -> a pattern, in the syntax that Python and DuckDB share. Month and day are told from
each other by nobody: 01/02/2024 and 02/01/2024 read alike.
"""
_BOOLEANS: Final = frozenset(["true", "false", "yes", "no", "t", "f", "y", "n", "0", "1"])
_LETTERS = {
    **dict.fromkeys(map(ord, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "A"),
    **dict.fromkeys(map(ord, "abcdefghijklmnopqrstuvwxyz"), "a"),
}
_CLASSES = str.maketrans({**_LETTERS, **dict.fromkeys(map(ord, "0123456789"), "9")})
_WORD_RUN = re.compile(r"([Aa])[Aa]*")


@dataclass
class Reading:
    """How the values of a column read. Counts are of rows; `odd` holds values that do not fit `pattern`."""

    kind: Kind = "empty"
    quantiles: dict[str, float] = field(default_factory=dict)
    mean: float | None = None
    histogram: dict[str, Any] = field(default_factory=dict)
    odd: dict[str, int] = field(default_factory=dict)
    pattern: str = ""
    placeholders: dict[str, int] = field(default_factory=dict)
    padded: int = 0
    variants: dict[str, int] = field(default_factory=dict)
    shapes: list[tuple[str, int]] = field(default_factory=list)
    formats: dict[str, int] = field(default_factory=dict)


def number(text: str) -> float | None:
    """The number a text spells (thousands separators allowed), None for others and for zero-padded codes."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text.replace(",", ""))
    return value if math.isfinite(value) else None


def measure(text: str) -> tuple[float, str] | None:
    """(value, unit) of a text like '12.0 oz', '85%' or '$3'."""
    found = _MEASURE.fullmatch(text.strip())
    if found is None:
        return None
    value, unit = (found[1], found[2]) if found[1] else (found[4], found[3])
    return float(value.replace(",", "")), unit


def date_format(text: str) -> str | None:
    """An example date written the way `text` is; None when it is no date."""
    text = text.strip()
    if not 6 <= len(text) <= 40:
        return None
    return next((name for name, pattern in _DATES.items() if pattern.fullmatch(text)), None)


def shape(text: str) -> str:
    """The pattern of a value: 9 for a digit, A or a for a run of letters, other characters as they are."""
    return _WORD_RUN.sub(r"\1", text.translate(_CLASSES))


def numeric(counts: Mapping[float, int]) -> Reading:
    """The distribution of numbers given with a count each."""
    values = sorted(counts)
    weights = [counts[value] for value in values]
    reading = Reading(kind="number", quantiles=_quantiles(values, weights), histogram=histogram(values, weights))
    reading.mean = math.fsum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
    return reading


def _quantiles(values: list[float], weights: list[int]) -> dict[str, float]:
    total, place, upto = sum(weights), 0, weights[0]
    found = {}
    for percent in PERCENTS:
        wanted = rank(percent, total)
        while upto <= wanted:
            place += 1
            upto += weights[place]
        value = values[place]
        found[f"p{percent}"] = int(value) if value.is_integer() and abs(value) < 2**53 else value
    return found


def read_texts(counts: Mapping[str, int], *, long: bool = False) -> Reading:
    """How text values read. `long`: the column holds prose, so patterns and spellings mean nothing."""
    filled = {text: count for text, count in counts.items() if text.strip()}
    if not filled:
        return Reading()
    if long:
        return Reading(kind="text")
    placeholders = {text: count for text, count in filled.items() if text.strip().lower() in PLACEHOLDERS}
    real = {text: count for text, count in filled.items() if text not in placeholders}
    reading = _numbers(real) or _dates(real) or _measures(real) or Reading(kind=_plain_kind(real))
    reading.placeholders = placeholders
    reading.padded = sum(count for text, count in filled.items() if text != text.strip())
    reading.shapes = _shapes(real)
    if reading.kind in ("category", "true/false"):
        reading.variants = _variants(real)
    return reading


def _fits(part: Iterable[int], real: Mapping[str, int]) -> bool:
    return bool(real) and sum(part) >= FITTING * sum(real.values())


def _numbers(real: Mapping[str, int]) -> Reading | None:
    found = {text: value for text in real if (value := number(text)) is not None}
    if not _fits((real[text] for text in found), real) or _only_booleans(real):
        return None
    counts: Counter[float] = Counter()
    for text, value in found.items():
        counts[value] += real[text]
    reading = numeric(counts)
    reading.pattern = _NUMBER.pattern
    reading.odd = {text: count for text, count in real.items() if text not in found}
    return reading


def _dates(real: Mapping[str, int]) -> Reading | None:
    found = {text: name for text in real if (name := date_format(text)) is not None}
    if not _fits((real[text] for text in found), real):
        return None
    formats: Counter[str] = Counter()
    for text, name in found.items():
        formats[name] += real[text]
    odd = {text: count for text, count in real.items() if text not in found}
    either = "|".join(f"(?:{pattern.pattern})" for pattern in _DATES.values())
    return Reading(kind="date", odd=odd, pattern=either, formats=dict(formats.most_common()))


def _measures(real: Mapping[str, int]) -> Reading | None:
    found = {text: pair for text in real if (pair := measure(text)) is not None}
    if not _fits((real[text] for text in found), real):
        return None
    units: Counter[str] = Counter()
    values: Counter[float] = Counter()
    for text, (value, unit) in found.items():
        units[unit] += real[text]
        values[value] += real[text]
    reading = numeric(values)
    reading.kind = "quantity"
    reading.pattern = _MEASURE.pattern
    reading.formats = dict(units.most_common())
    reading.odd = {text: count for text, count in real.items() if text not in found}
    return reading


def _only_booleans(real: Mapping[str, int]) -> bool:
    return len({text.strip().lower() for text in real}) <= 2 and all(text.strip().lower() in _BOOLEANS for text in real)


def _plain_kind(real: Mapping[str, int]) -> Kind:
    """category: values that repeat; code: short ones without spaces that do not; text: the rest."""
    if not real:
        return "empty"
    if _only_booleans(real):
        return "true/false"
    total = sum(real.values())
    if total >= 2 * len(real) or len(real) <= 2:
        return "category"
    spaced = sum(count for text, count in real.items() if " " in text.strip())
    return "text" if spaced > 0.2 * total else "code"


def _shapes(real: Mapping[str, int]) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for text, count in real.items():
        counts[shape(text)] += count
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]


def _variants(real: Mapping[str, int]) -> dict[str, int]:
    """Spellings that differ from a more frequent one in case or spacing only, with their counts."""
    groups: dict[str, list[str]] = {}
    for text in real:
        groups.setdefault(" ".join(text.casefold().split()), []).append(text)
    found = {}
    for texts in groups.values():
        usual = min(texts, key=lambda text: (-real[text], text))
        found.update({text: real[text] for text in texts if text != usual})
    return found
