"""Numbers an answer claims, compared with the results it rests on. No model: a lint that marks and never blocks.

A claim is a percentage, a decimal or an integer of three digits or more, outside code, quotations, names and dates. It
holds when a result shows it at the printed rounding, or when it is a ratio of two counts of one result; when the person
said it; or, behind "about" and its like, within 5 %. That a claim holds does not prove it: the number may stand for
something else.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from .session import Line

RESULTS: Final = 200
"""The newest results that are looked at."""
TOTALS: Final = 3
"""The largest counts of a result, which ratios are taken of: with every number as a denominator most wrong percentages
would be explained by some pair."""
ABOUT: Final = 0.05

_NUMBER: Final = re.compile(
    r"(?<![\w.,/:#@$&=\\-])[-−+]?(?P<digits>\d{1,3}(?:[,\u202f\u00a0]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:(?P<percent>\s?(?:%|percent\b|per cent\b))|\s?(?P<scale>k|K|M|thousand|million|billion)\b)?"
    r"(?![\w/:@]|[-–.,]\w)"
)
_SCALES: Final = {"k": 1e3, "K": 1e3, "thousand": 1e3, "M": 1e6, "million": 1e6, "billion": 1e9}
_NO_CLAIM: Final = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`|\"[^\"\n]*\"|“[^”]*”|«[^»]*»|^[ \t]*>[^\n]*|https?://\S+", re.DOTALL | re.MULTILINE
)
_ABOUT: Final = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|circa|ca\.|nearly|almost|some|over|under|more than|less than|"
    r"fewer than|just)|[~≈])\s*$",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    r"(?:\b(?:version|v|step|seed|line|row|id|page|year|in|since|port|error|status|exit code)|[a-z,;)] [A-Z][\w+-]*)[ :#]*$"
)
_IN_RESULT: Final = re.compile(
    r"(?<![\w.])[-−]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w])|(?<![\w.])[-−]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])"
)

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Material:
    """What an answer may rest on: the numbers of every result, and all that was said and asked."""

    results: Sequence[tuple[float, ...]]
    said: tuple[float, ...]

    def values(self) -> list[float]:
        """Every number, absolute and ascending."""
        return sorted({abs(one) for result in (*self.results, self.said) for one in result})


def material(lines: Iterable[Line]) -> Material:
    """What the messages of a conversation hold."""
    results: list[tuple[float, ...]] = []
    said: list[float] = []
    for line in reversed(list(lines)):
        if line.role == "tool":
            if len(results) < RESULTS:
                results.append((*_numbers(line.text), *_leaves(line.notes.get("result", {}))))
        elif line.role == "assistant":
            said += [one for call in line.calls for one in _numbers(json.dumps(call["args"]))]
        elif not line.notes.get("ours") or line.notes.get("input") or line.notes.get("state"):
            said += _numbers(line.text)
    return Material(results, tuple(said))


def doubtful(text: str, material: Material) -> Spans:
    """(start, end) of every claimed number that nothing in the material explains."""
    values = material.values()
    ratios: list[float] | None = None
    found = []
    for start, end, claim in _claims(text):
        if _near(values, claim.value, claim.slack) or (
            claim.percent and _near(values, claim.value / 100, claim.slack / 100)
        ):
            continue
        if claim.may_be_ratio:
            ratios = _ratios(material) if ratios is None else ratios
            part = 100.0 if claim.percent else 1.0
            if _near(ratios, claim.value / part, claim.slack / part):
                continue
        found.append((start, end))
    return tuple(found)


@dataclass(frozen=True)
class _Claim:
    """`slack` is half a unit of the last printed digit, or 5 %."""

    value: float
    slack: float
    percent: bool
    may_be_ratio: bool


def _claims(text: str) -> Iterator[tuple[int, int, _Claim]]:
    plain = _NO_CLAIM.sub(lambda match: "\n" * len(match[0]), text)
    for match in _NUMBER.finditer(plain):
        digits = re.sub(r"[,\u202f\u00a0]", "", match["digits"])
        percent, scale = bool(match["percent"]), _SCALES.get(match["scale"] or "", 1.0)
        decimals = len(digits.partition(".")[2])
        if not (percent or decimals or scale > 1 or len(digits) >= 3):
            continue
        before = plain[max(0, match.start() - 40) : match.start()]
        if not percent and scale == 1 and "," not in match["digits"] and _NAMED.search(before):
            continue
        value = float(digits) * scale
        slack = 0.5 * scale * 10.0**-decimals
        if _ABOUT.search(before):
            slack = max(slack, ABOUT * value)
        yield match.start(), match.end(), _Claim(value, slack * (1 + 1e-9) + 1e-12, percent, percent or bool(decimals))


def _near(values: Sequence[float], wanted: float, slack: float) -> bool:
    at = bisect.bisect_left(values, wanted - slack)
    return at < len(values) and values[at] <= wanted + slack


def _ratios(material: Material) -> list[float]:
    found: set[float] = set()
    for result in material.results:
        counts = sorted({abs(one) for one in result if one == int(one)} - {0.0}, reverse=True)
        for total in counts[:TOTALS]:
            for part in counts:
                found |= {part / total, 1 - part / total}
    return sorted(found)


@lru_cache(maxsize=4096)
def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(match.replace(",", "").replace("−", "-")) for match in _IN_RESULT.findall(text))


def _leaves(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)
