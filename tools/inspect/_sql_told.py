"""A query's result as a model reads it: few rows, short values, and how much that leaves out.

It knows the details of `inspect.sql` and what they may cost. Values are data: whoever puts this into a prompt fences it.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

MOST_ROWS: Final = 20
MOST_COLUMNS: Final = 40
LONGEST: Final = 120
"""Characters of a value."""

MOST_TOKENS: Final = 1_500

_MARK: Final = 12
"""Characters that the number of those left out may take."""

_SHORTER: Final = (LONGEST, 60, 30, 15)
"""Lengths tried in turn when not even one row fits."""

_PIECES: Final = re.compile(r"[A-Za-z]+|[0-9]{1,2}|\s+|[\x00-\x7f]|.", re.DOTALL)
_INVISIBLE: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def for_model(details: Mapping[str, Any]) -> str:
    """The first rows, each a JSON array, under a line that says how many there are and one that names the columns.

    At most 20 rows, 40 columns, 120 characters a value and 1,500 tokens as `estimated_tokens` counts them.
    """
    for longest in _SHORTER:
        told = _told(details, longest)
        if told is not None:
            return told
    return _heading(details, 0)


def estimated_tokens(text: str) -> int:
    """How many tokens a text may make, rather too many than too few, without a vocabulary: four letters of a word make
    one, as do two digits, a sign and a run of white space but a single blank; other characters two for three bytes."""
    return sum(_cost(piece) for piece in _PIECES.findall(text))


def _cost(piece: str) -> int:
    if not piece.isascii():
        return math.ceil(len(piece.encode("utf-8", "surrogatepass")) * 2 / 3)
    return 0 if piece == " " else math.ceil(len(piece) / 4) if piece.isalpha() else 1


def _told(details: Mapping[str, Any], longest: int) -> str | None:
    """The text with as many rows as fit; None when there are rows and none does."""
    rows: Sequence[Sequence[Any]] = details["rows"]
    columns = _line([str(name) for name in details["columns"]], longest)
    room = MOST_TOKENS - estimated_tokens(f"{_heading(details, MOST_ROWS)}\n{columns}\n")
    lines: list[str] = []
    for row in rows[:MOST_ROWS]:
        line = _line(row, longest)
        room -= estimated_tokens(f"{line}\n")
        if room < 0:
            break
        lines.append(line)
    if room < 0 and not lines:
        return None
    return "\n".join([_heading(details, len(lines)), columns, *lines])


def _heading(details: Mapping[str, Any], shown: int) -> str:
    total = f"{details['shown']}+" if details["total"] is None else f"{details['total']}"
    columns = len(details["columns"])
    left = f", {MOST_COLUMNS} of {columns} columns" if columns > MOST_COLUMNS else ""
    return f"shown {shown} of {total} rows{left}"


def _line(values: Sequence[Any], longest: int) -> str:
    return _escaped(json.dumps([_short(value, longest) for value in values[:MOST_COLUMNS]], ensure_ascii=False))


def _short(value: Any, longest: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= longest else _cut(text, longest)


def _cut(text: str, longest: int) -> str:
    """At most `longest` characters, the number of those left out among them."""
    kept = longest - _MARK
    return f"{text[:kept]}… (+{len(text) - kept})"[:longest]


def _escaped(line: str) -> str:
    """Characters that nobody sees, or that a terminal obeys, as JSON escapes."""
    return "".join(_escape(one) if unicodedata.category(one) in _INVISIBLE else one for one in line)


def _escape(character: str) -> str:
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]
