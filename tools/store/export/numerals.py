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
