"""Arguments against the part of JSON Schema that function schemas are made of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.filter._arguments import violation

WEATHER = {
    "type": "object",
    "properties": {
        "town": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"type": "string", "enum": ["C", "F"]},
        "hours": {"type": "array", "items": {"type": "number"}},
        "note": {"type": ["string", "null"]},
    },
    "required": ["town"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "arguments",
    [
        {"town": "Oslo"},
        {"town": "Oslo", "days": 3, "unit": "C", "hours": [1, 2.5], "note": None},
        {"town": "Oslo", "days": 3.0},
    ],
)
def test_arguments_that_fit(arguments: Any) -> None:
    assert violation(arguments, WEATHER) is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "arguments: required key 'town' is missing"),
        ({"town": 7}, "arguments.town: integer instead of string"),
        ({"town": "Oslo", "days": True}, "arguments.days: boolean instead of integer"),
        ({"town": "Oslo", "days": 2.5}, "arguments.days: number instead of integer"),
        ({"town": "Oslo", "unit": "K"}, "arguments.unit: none of the 2 values of its enum"),
        ({"town": "Oslo", "hours": [1, "2"]}, "arguments.hours[1]: string instead of number"),
        ({"town": "Oslo", "note": []}, "arguments.note: array instead of string or null"),
        ({"town": "Oslo", "wind": 1}, "arguments: key 'wind' is not declared"),
    ],
)
def test_what_does_not_fit_is_named(arguments: Any, told: str) -> None:
    assert violation(arguments, WEATHER) == told


def test_undeclared_keys_are_fine_unless_forbidden() -> None:
    assert violation({"a": 1}, {"type": "object", "properties": {}}) is None
    assert violation({"a": 1}, {"additionalProperties": {"type": "string"}}) is not None


def test_an_enum_tells_true_from_one() -> None:
    assert violation(True, {"enum": [1]}) is not None
    assert violation(1, {"enum": [1, True]}) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_KEYWORDS = st.dictionaries(
    st.sampled_from(["type", "properties", "required", "additionalProperties", "items", "enum", "anyOf"]),
    _JSON,
)


@given(_JSON, st.one_of(_JSON, _KEYWORDS))
def test_no_schema_however_odd_stops_the_check(value: Any, schema: Any) -> None:
    assert violation(value, schema) is None or isinstance(violation(value, schema), str)


def _schema_of(value: Any) -> dict[str, Any]:
    """A schema this value fits."""
    if isinstance(value, dict):
        inner = {key: _schema_of(item) for key, item in value.items()}
        return {"type": "object", "properties": inner, "required": list(value), "additionalProperties": False}
    if isinstance(value, list):
        return {"type": "array"}
    kinds = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string"}
    return {"type": kinds[type(value)], "enum": [value]}


@given(_JSON)
def test_a_value_fits_the_schema_made_from_it(value: Any) -> None:
    assert violation(value, _schema_of(value)) is None
