"""Parquet and Arrow: no value changes its type, equal rows have equal hashes, files fit together."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import json
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.errors import BadInput, Misuse
from tilth.tools.store.ingest import columnar
from tilth.tools.store.ingest.canonical import tag, typed_content

EVERY_TYPE = {
    "integer": pa.array([2**63 - 1, None], pa.int64()),
    "unsigned": pa.array([2**64 - 1, 0], pa.uint64()),
    "half": pa.array([np.float16(1.5), None], pa.float16()),
    "decimal": pa.array([decimal.Decimal("12345678901234567890.123"), None], pa.decimal128(38, 3)),
    "decimal256": pa.array([decimal.Decimal("1" * 70 + ".5"), decimal.Decimal("-0.5")], pa.decimal256(76, 1)),
    "zoned": pa.array(
        [datetime.datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin")), None],
        pa.timestamp("us", "Europe/Berlin"),
    ),
    "nanoseconds": pa.array([1, None], pa.timestamp("ns")),
    "naive": pa.array([0, 1], pa.timestamp("ms")),
    "duration": pa.array([1, -1], pa.duration("us")),
    "time": pa.array([1, None], pa.time64("ns")),
    "date": pa.array([0, 20_000], pa.date32()),
    "fixed_list": pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
    "dictionary": pa.array(["a", "b"]).dictionary_encode(),
    "large": pa.array(["ü", None], pa.large_string()),
    "binary": pa.array([b"\xff\x00", None], pa.binary()),
    "fixed_binary": pa.array([b"ab", None], pa.binary(2)),
    "nested": pa.array([{"role": "user", "parts": [{"n": 1}, None]}, None]),
    "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int32())),
    "flag": pa.array([True, None]),
    "nothing": pa.nulls(2),
}


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "stream.arrow", "feather"])
def test_every_type_arrives_as_it_left(read_files, tmp_path, suffix):
    table = pa.table(EVERY_TYPE)
    path = write(table, tmp_path / f"data.{suffix}")
    read = read_files(path)
    (chunk,) = read.chunks
    assert pa.types.is_struct(chunk.records.type)
    back = pa.Table.from_struct_array(chunk.records)
    assert back.schema.equals(table.schema)
    assert back.equals(table)
    assert chunk.lines.tolist() == [1, 2]
    assert chunk.content.shape == (2, 16)
    assert read.reader.mapping.kind == "typed"
    assert read.reader.mapping.columns["zoned"] == ("timestamp[us, tz=Europe/Berlin]",)


def write(table, path):
    """A file of the kind its suffix says; `stream.arrow` is Arrow's stream format."""
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        opened = pa.ipc.new_stream if ".stream" in path.name else pa.ipc.new_file
        with opened(path, table.schema) as out:
            out.write_table(table)
    return path


def test_names_that_differ_in_case_and_odd_names_stay(read_files, tmp_path):
    table = pa.table({"Name": [1], "name": [2], "": [3], "row_id": [4], "a.b": [5]})
    read = read_files(write(table, tmp_path / "data.parquet"))
    assert pa.Table.from_struct_array(read.chunks[0].records).schema.names == table.schema.names
    assert list(read.reader.mapping.columns) == table.schema.names


def test_saved_datasets_give_their_files_in_order_with_their_split(read_files, tmp_path):
    for split, parts in (("train", 2), ("test", 1)):
        folder = tmp_path / "saved" / split
        folder.mkdir(parents=True)
        files = [f"data-{part:05}-of-{parts:05}.arrow" for part in range(parts)]
        for part, name in enumerate(files):
            write(pa.table({"text": [f"{split} {part}"]}), folder / f"x.stream.{name}").rename(folder / name)
        state = {"_data_files": [{"filename": name} for name in files], "_split": split}
        (folder / "state.json").write_text(json.dumps(state))
        (folder / "dataset_info.json").write_text("{}")
    (tmp_path / "saved" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    read = read_files(tmp_path / "saved")
    rows = [row["text"] for chunk in read.chunks for row in chunk.records.to_pylist()]
    assert (rows, read.splits) == (["train 0", "train 1", "test 0"], ["train", "train", "test"])
    assert read.reader.mapping.format == "text"
    assert read_files(tmp_path / "saved" / "test").splits == ["test"]


def test_a_saved_dataset_that_points_elsewhere_is_refused(read_files, tmp_path):
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "../secret.arrow"}]}')
    with pytest.raises(BadInput, match=r"secret\.arrow"):
        read_files(tmp_path)


def test_files_of_one_import_must_share_their_schema(read_files, tmp_path):
    first = write(pa.table({"a": [1], "b": ["x"]}), tmp_path / "1.parquet")
    other = write(pa.table({"a": [1.0], "b": ["x"]}), tmp_path / "2.parquet")
    with pytest.raises(BadInput, match=r"Field 'a' is int64 in .*1\.parquet and double in .*2\.parquet"):
        read_files(first, other)
    fewer = write(pa.table({"a": [1]}), tmp_path / "3.parquet")
    with pytest.raises(BadInput, match="the fields 'b'"):
        read_files(first, fewer)
    turned = write(pa.table({"b": ["x"], "a": [1]}), tmp_path / "4.parquet")
    with pytest.raises(BadInput, match="order"):
        read_files(first, turned)


def test_a_field_is_nullable_when_it_is_in_any_file(read_files, tmp_path):
    strict = pa.schema([pa.field("a", pa.int64(), nullable=False)])
    first = write(pa.table({"a": [1]}, schema=strict), tmp_path / "1.parquet")
    second = write(pa.table({"a": pa.array([None], pa.int64())}), tmp_path / "2.parquet")
    read = read_files(first, second)
    assert {chunk.records.type for chunk in read.chunks} == {pa.struct([pa.field("a", pa.int64())])}
    assert [row["a"] for chunk in read.chunks for row in chunk.records.to_pylist()] == [1, None]


def test_text_that_is_not_utf8_rejects_its_row(read_files, tmp_path):
    data = pa.py_buffer(b"a\xffc")
    text = pa.StringArray.from_buffers(3, pa.py_buffer(np.array([0, 1, 2, 3], np.int32)), data)
    path = write(pa.table({"n": [1, 2, 3], "text": text}), tmp_path / "data.stream.arrow")
    read = read_files(path)
    assert read.reasons == [(2, "not_utf8")]
    assert [row for chunk in read.chunks for row in chunk.records.to_pylist()] == [
        {"n": 1, "text": "a"},
        {"n": 3, "text": "c"},
    ]
    assert read.lines == [1, 3]


def test_what_only_looks_like_parquet_is_an_error(read_bytes):
    with pytest.raises(BadInput, match="cannot be read as Parquet"):
        read_bytes(b"PAR1 and nothing else", "data.parquet")
    with pytest.raises(BadInput, match="cannot be read as Arrow"):
        read_bytes(b"\xff\xff\xff\xff\x10\x00\x00\x00 cut", "data.arrow")


def test_two_columns_of_one_name_are_an_error(read_files, tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(BadInput, match="several columns named 'a'"):
        read_files(write(table, tmp_path / "data.arrow"))


def test_keys_of_a_typed_column_are_its_text(read_files, tmp_path):
    path = write(pa.table({"id": [7, None], "v": [[1], [2]]}), tmp_path / "data.parquet")
    assert read_files(path, id="id").chunks[0].keys.to_pylist() == ["7", None]
    with pytest.raises(Misuse, match="makes no keys"):
        read_files(path, id="v")
    with pytest.raises(Misuse, match="no record has this key"):
        _ = read_files(path, id="ids").reader.mapping


def test_an_encoding_says_nothing_about_typed_files(read_files, tmp_path):
    with pytest.raises(Misuse, match="--encoding"):
        read_files(write(pa.table({"a": [1]}), tmp_path / "data.parquet"), encoding="latin-1")


def test_wide_rows_come_in_small_chunks(read_files, tmp_path, monkeypatch):
    monkeypatch.setattr(columnar, "CHUNK_BYTES", 10_000)
    table = pa.table({"i": list(range(1_000)), "text": ["x" * 100] * 1_000})
    for name in ("data.parquet", "data.arrow"):
        read = read_files(write(table, tmp_path / name))
        assert [row["i"] for chunk in read.chunks for row in chunk.records.to_pylist()] == list(range(1_000))
        assert read.lines == list(range(1, 1_001))
        assert max(len(chunk.lines) for chunk in read.chunks) < 300


def test_the_format_of_typed_rows_is_found(read_files, tmp_path):
    chats = pa.table({"messages": [[{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]]})
    mapping = read_files(write(chats, tmp_path / "data.parquet")).reader.mapping
    assert (mapping.format, mapping.paths) == ("messages", {"messages": "messages"})


# Hashes of typed rows.

rows = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.integers(-(2**62), 2**62),
            "text": st.none() | st.text(st.characters(exclude_categories=("Cs",)), max_size=3),
            "list": st.none() | st.lists(st.none() | st.text(max_size=2, alphabet="ab"), max_size=3),
            "struct": st.none() | st.fixed_dictionaries({"x": st.none() | st.booleans(), "y": st.binary(max_size=2)}),
        }
    ),
    min_size=1,
    max_size=8,
)
SHAPE = pa.struct(
    [
        ("n", pa.int64()),
        ("text", pa.string()),
        ("list", pa.list_(pa.string())),
        ("struct", pa.struct([("x", pa.bool_()), ("y", pa.binary())])),
    ]
)


def digests(array) -> list[bytes]:
    return [bytes(row) for row in typed_content(array)]


@given(rows, st.integers(0, 3))
def test_rows_hash_alike_exactly_when_they_are_alike(records, padding):
    array = pa.array([{"n": 99}] * padding + records, SHAPE).slice(padding)
    found = digests(array)
    for one, first in zip(records, found, strict=True):
        for other, second in zip(records, found, strict=True):
            assert (one == other) == (first == second)


@given(rows)
def test_how_arrow_lays_rows_out_leaves_no_trace(records):
    plain = pa.array(records, SHAPE)
    text = plain.field("text")
    listed = plain.field("list")
    layouts = {
        "dictionary": [plain.field("n"), text.dictionary_encode(), listed],
        "large": [
            plain.field("n"),
            text.cast(pa.large_string()),
            listed.cast(pa.large_list(pa.large_string())),
        ],
        "view": [plain.field("n"), text.cast(pa.string_view()), listed],
    }
    reference = pa.StructArray.from_arrays([plain.field("n"), text, listed], ["n", "text", "list"])
    for children in layouts.values():
        assert digests(pa.StructArray.from_arrays(children, ["n", "text", "list"])) == digests(reference)
    halves = pa.chunked_array([reference.slice(0, 1), reference.slice(1)])
    assert digests(halves) == digests(reference)


def one_row(array) -> bytes:
    return digests(pa.StructArray.from_arrays([array], ["a"]))[0]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pa.array([1], pa.int32()), pa.array([1], pa.int64())),
        (pa.array([1], pa.timestamp("s")), pa.array([1], pa.timestamp("ms"))),
        (pa.array([1], pa.timestamp("s", "UTC")), pa.array([1], pa.timestamp("s"))),
        (pa.array([1], pa.duration("s")), pa.array([1], pa.int64())),
        (pa.array(["a"]), pa.array([b"a"])),
        (pa.array([""]), pa.array([None], pa.string())),
        (pa.array([[]], pa.list_(pa.int8())), pa.array([None], pa.list_(pa.int8()))),
        (pa.array([["ab"]]), pa.array([["a", "b"]])),
        (pa.array([[[1], []]]), pa.array([[[], [1]]])),
        (pa.array([decimal.Decimal("1.0")]), pa.array([decimal.Decimal("1.00")])),
        (pa.array([0.0]), pa.array([-0.0])),
        (pa.array([{"a": 1}]), pa.array([{"b": 1}])),
    ],
)
def test_types_and_values_that_differ_hash_apart(first, second):
    assert one_row(first) != one_row(second)


def test_lists_in_views_runs_and_maps_are_encoded_by_value():
    items = [["a"], None, [], ["b", None]]
    plain = pa.array(items, pa.list_(pa.string()))
    view = pa.array(items, pa.list_view(pa.string()))
    assert digests(pa.StructArray.from_arrays([view], ["a"])) == digests(pa.StructArray.from_arrays([plain], ["a"]))
    runs = pa.RunEndEncodedArray.from_arrays([2, 4], ["x", None])
    flat = pa.array(["x", "x", None, None])
    assert digests(pa.StructArray.from_arrays([runs], ["a"])) == digests(pa.StructArray.from_arrays([flat], ["a"]))
    maps = pa.array([[("k", 1)], [("k", 2)], [("k", 1)]], pa.map_(pa.string(), pa.int8()))
    first, second, third = digests(pa.StructArray.from_arrays([maps], ["a"]))
    assert first == third != second
    assert digests(pa.StructArray.from_arrays([maps.slice(1)], ["a"])) == [second, third]


def test_fixed_size_lists_are_encoded_where_they_begin():
    lists = pa.array([[1, 2], [3, 4], None, [1, 2]], pa.list_(pa.int16(), 2))
    whole = digests(pa.StructArray.from_arrays([lists], ["a"]))
    assert whole[0] == whole[3] != whole[1]
    assert digests(pa.StructArray.from_arrays([lists.slice(1)], ["a"])) == whole[1:]


def test_a_union_is_refused_by_name():
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    with pytest.raises(BadInput, match="union"):
        typed_content(pa.StructArray.from_arrays([union], ["a"]))


def test_the_encoding_is_the_one_that_is_written_down():
    array = pa.array([{"n": 1, "text": "é", "list": ["b", None], "struct": {"x": True, "y": b"\0"}}], SHAPE)
    named = 'struct<"n": int64, "text": string, "list": list<string>, "struct": struct<"x": bool, "y": binary>>'
    eight = "{:016x}".format
    little = {n: bytes.fromhex(eight(n))[::-1] for n in (1, 2)}
    row = (
        b"\1"
        + (b"\1" + little[1])
        + (b"\1" + little[2] + "é".encode())
        + (b"\1" + little[2] + b"\1" + little[1] + b"b" + b"\0")
        + (b"\1" + b"\1\1" + b"\1" + little[1] + b"\0")
    )
    assert digests(array) == [hashlib.sha256(named.encode() + row).digest()[:16]]


def test_the_names_of_types_do_not_move_under_us():
    """Ids of typed rows hash these names: a pyarrow that spells one anew must not give every row a new id."""
    names = {name: tag(array.type) for name, array in EVERY_TYPE.items()}
    assert names == {
        "integer": "int64",
        "unsigned": "uint64",
        "half": "halffloat",
        "decimal": "decimal128(38, 3)",
        "decimal256": "decimal256(76, 1)",
        "zoned": "timestamp[us, tz=Europe/Berlin]",
        "nanoseconds": "timestamp[ns]",
        "naive": "timestamp[ms]",
        "duration": "duration[us]",
        "time": "time64[ns]",
        "date": "date32[day]",
        "fixed_list": "list<float>[2]",
        "dictionary": "string",
        "large": "string",
        "binary": "binary",
        "fixed_binary": "fixed_size_binary[2]",
        "nested": 'struct<"role": string, "parts": list<struct<"n": int64>>>',
        "map": "map<string, int32>",
        "flag": "bool",
        "nothing": "null",
    }
