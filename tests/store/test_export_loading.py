"""A written file is read back as trainers read it, and the first row that breaks it is named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.store.export import loading


def write(folder: Path, records: Sequence[Any], name: str = "train.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


@pytest.mark.parametrize(
    ("records", "row", "column", "why"),
    [
        ([{"a": 1}, {"a": "x"}], 1, "a", "changes from number to string"),
        ([{"a": "x"}, {"a": "y"}, {"a": True}], 2, "a", "changes from string to boolean"),
        (
            [{"m": [{"role": "user", "content": "x"}]}] * 3 + [{"m": [{"role": "user", "content": []}]}],
            3,
            "m[].content",
            "changes from string to array",
        ),
        ([{"a": {"b": {"c": 1}}}, {"a": {"b": {"c": [1]}}}], 1, "a.b.c", "changes from number to array"),
    ],
)
def test_the_first_row_with_another_type_is_named(
    tmp_path: Path, records: list[Any], row: int, column: str, why: str
) -> None:
    with pytest.raises(loading.WontLoad) as fault:
        loading.read_back(write(tmp_path, records))
    assert (fault.value.row, fault.value.column, fault.value.why) == (row, column, why)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n{"a": \n{"a": 4}\n')
    with pytest.raises(loading.WontLoad) as fault:
        loading.read_back(path)
    assert fault.value.row == 2


def test_types_that_a_reader_can_hold_together(tmp_path: Path) -> None:
    records = [{"a": 1, "d": "2024-01-01"}, {"a": 1.5, "d": "soon"}, {"a": None, "new": [{"x": 1}]}, {}]
    loaded = loading.read_back(write(tmp_path, records))
    assert loaded.rows == 4
    assert loaded.late == ()
    assert {field.name: str(field.type) for field in loaded.schema} == {
        "a": "double",
        "d": "string",
        "new": "list<item: struct<x: int64>>",
    }


def test_columns_that_the_first_chunk_does_not_show_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "CHUNK", 200)
    early = [{"m": [{"role": "user"}], "n": None, "x": 1}] * 20
    late = [{"m": [{"role": "user", "name": "bo"}], "n": "text", "x": 2, "z": True}]
    loaded = loading.read_back(write(tmp_path, early + late))
    assert loaded.late == ("m[].name", "n", "z")


def test_a_fault_behind_the_first_chunk_is_found_at_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "CHUNK", 64)
    records: list[dict[str, Any]] = [{"a": i} for i in range(100)]
    records[73] = {"a": {"b": 1}}
    with pytest.raises(loading.WontLoad) as fault:
        loading.read_back(write(tmp_path, records))
    assert (fault.value.row, fault.value.why) == (73, "changes from number to object")


VALUES = st.sampled_from([1, 2.5, None, True, "x", "2024-01-01", [], [1], ["a"], {"k": 1}, {"k": "v"}])


@given(st.lists(st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES}), min_size=1, max_size=12))
def test_the_row_named_is_the_first_after_which_arrow_cannot_read_on(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]]
) -> None:
    path = write(tmp_path_factory.mktemp("lines"), records)
    readable = 0
    for count in range(1, len(records) + 1):
        text = "".join(json.dumps(record) + "\n" for record in records[:count]).encode()
        try:
            pyarrow.json.read_json(pa.BufferReader(text))
        except pa.ArrowInvalid:
            break
        readable = count
    if readable == len(records):
        assert loading.read_back(path).rows == readable
    else:
        with pytest.raises(loading.WontLoad) as fault:
            loading.read_back(path)
        assert fault.value.row == readable


def test_csv_types_are_those_a_reader_would_guess(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text('id,price,gap,note\n1,1.5,1,"a\nb"\n2,2,,c\n')
    loaded = loading.read_back(path)
    assert loaded.rows == 2
    assert [str(field.type) for field in loaded.schema] == ["int64", "double", "double", "string"]


def test_a_torn_csv_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text("a,b\n1,2\n3,4\n5\n6,7\n")
    with pytest.raises(loading.WontLoad) as fault:
        loading.read_back(path)
    assert fault.value.row == 2


def test_types_have_names_on_a_hub_card() -> None:
    schema = pa.schema(
        [
            ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
            ("score", pa.float64()),
            ("tags", pa.list_(pa.string())),
            ("meta", pa.struct([("ok", pa.bool_())])),
        ]
    )
    assert loading.features(schema) == [
        {
            "name": "messages",
            "list": [{"name": "role", "dtype": "string"}, {"name": "content", "dtype": "string"}],
        },
        {"name": "score", "dtype": "float64"},
        {"name": "tags", "list": "string"},
        {"name": "meta", "struct": [{"name": "ok", "dtype": "bool"}]},
    ]
    assert loading.features(pa.schema([("empty", pa.struct([]))])) is None


def test_csv_types_that_a_guess_from_the_first_rows_gets_wrong_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "CSV_ROWS", 10)
    lines = [f"{i},,{i},{i}" for i in range(10)] + ["10,late,x,12345678901234567890123"]
    path = tmp_path / "train.csv"
    path.write_text("\n".join(["a,b,c,d", *lines]) + "\n")
    loaded = loading.read_back(path)
    assert (loaded.late, loaded.huge) == (("b", "c", "d"), ("d",))
    assert [str(field.type) for field in loaded.schema] == ["int64", "string", "string", "string"]


def test_integers_that_arrow_reads_as_floats_are_told(tmp_path: Path) -> None:
    records = [{"a": 2**70, "b": "1" * 30, "c": 2**62, "d": {"e": [-(2**63) - 1]}}, {"a": 1}]
    assert loading.read_back(write(tmp_path, records)).huge == ("a", "d")
    assert loading.read_back(write(tmp_path, [{"d": {"e": -(2**63) - 1}}])).huge == ("d",)
