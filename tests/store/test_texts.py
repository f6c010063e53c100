"""The fast way to a field's text gives what reading every record through the mapping gives."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.tools.store.format.mapping import Mapping
from tilth.tools.store.format.texts import plain_values, text_reader

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
CELL = st.one_of(st.none(), st.just(""), TEXT)
KEYS = ["instruction", "input", "output", "a/b~c\"'", ""]
ALPACA = {"instruction": "instruction", "input": "input", "output": "output"}


def mapping(kind: str = "json") -> Mapping:
    types = ("null", "string") if kind == "json" else ("large_string",)
    return Mapping("alpaca", ALPACA, dict.fromkeys(KEYS, types), kind)


def plainly(records: list[dict], field: str) -> list[str]:
    return [mapping().text(record, field) for record in records]


rows = st.lists(st.dictionaries(st.sampled_from(KEYS), CELL), min_size=1, max_size=8)
FIELDS = ["dialogue", "prompt", "response", "first_user", "assistant", KEYS[3], KEYS[4]]


@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=30)
@given(records=rows)
def test_json_texts_and_typed_rows(records, field):
    column = pa.array([json.dumps(record) for record in records], pa.large_string())
    assert mapping().string_columns(field) is not None
    assert text_reader(mapping(), field)(column).to_pylist() == plainly(records, field)
    full = [{key: record.get(key) for key in KEYS} for record in records]
    column = pa.array(full, pa.struct([(key, pa.large_string()) for key in KEYS]))
    assert text_reader(mapping("typed"), field)(column).to_pylist() == plainly(full, field)


def test_a_column_that_also_holds_other_than_strings_is_read_through_records():
    mixed = Mapping("text", {"text": "text"}, {"text": ("integer", "string")})
    assert mixed.string_columns("text") is None
    column = pa.array(['{"text": 5}', '{"text": "five"}', "{}"], pa.large_string())
    assert text_reader(mixed, "text")(column).to_pylist() == ["5", "five", ""]


def test_times_finer_than_a_microsecond_are_shown_to_the_microsecond():
    struct = pa.struct([("at", pa.timestamp("ns", "Europe/Berlin")), ("took", pa.list_(pa.duration("ns")))])
    column = pa.array([{"at": 1_700_000_000_000_000_123, "took": [1_500]}], struct)
    (value,) = plain_values(column)
    assert value["at"].isoformat() == "2023-11-14T23:13:20+01:00"
    assert value["took"][0].microseconds == 1
