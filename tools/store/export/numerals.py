"""JSON in and out with every number as it was written, for records that are rewritten on their way out.

It knows JSON text only. `json.loads` would turn 0.1000000000000000055 into 0.1.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple


class Number(NamedTuple):
    """A JSON number as it stood in the text."""

    text: str


_decoder: Final = json.JSONDecoder(parse_float=Number, parse_int=Number)
_quote: Final = json.encoder.encode_basestring


def read(text: str) -> Any:
    """The value of a JSON text; numbers are Numbers."""
    return _decoder.decode(text)


def write(value: Any) -> str:
    """A value of `read` (or of plain JSON types) as JSON text on one line, keys in their order."""
    kind = type(value)
    if kind is str:
        return _quote(value)
    if kind is dict:
        return "{" + ", ".join([f"{_quote(key)}: {write(child)}" for key, child in value.items()]) + "}"
    if kind is Number:
        return str(value.text)
    if kind is list or kind is tuple:
        return "[" + ", ".join([write(child) for child in value]) + "]"
    return json.dumps(value, allow_nan=False)


def holds_huge(value: Any) -> bool:
    """Whether a value of `read` holds an integer that 64 bits cannot."""
    if type(value) is dict:
        return any(map(holds_huge, value.values()))
    if type(value) is list:
        return any(map(holds_huge, value))
    if type(value) is not Number or not value.text.lstrip("-").isdigit():
        return False
    return not -(2**63) <= int(value.text) < 2**63
