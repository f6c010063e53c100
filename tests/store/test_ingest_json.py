"""JSON in, nothing lost: the ways readers lose data without a word, each with what happens here instead."""

from __future__ import annotations

import base64
import gzip
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.errors import BadInput, Misuse
from tilth.tools.store.ingest import ReadOptions, lines
from tilth.tools.store.ingest.chunks import Cut, Fault
from tilth.tools.store.ingest.judge import Inventory, Judge, content_hashes
from tilth.tools.store.ingest.streams import ByteStream


def jsonl(*records) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


# The table of silent losses: what a common reader does stands in each name.


def test_a_key_first_seen_late_is_a_column_and_not_dropped(read_bytes):
    read = read_bytes(jsonl(*({"a": i} for i in range(30_000)), {"a": 1, "late": "x"}))
    assert read.reader.mapping.columns == {"a": ("integer",), "late": ("string",)}
    assert read.records[-1] == {"a": 1, "late": "x"}


def test_a_type_that_changes_late_is_listed_and_not_nulled(read_bytes):
    read = read_bytes(jsonl(*({"a": i} for i in range(30_000)), {"a": "x"}, {"a": None}))
    assert read.reader.mapping.columns == {"a": ("null", "integer", "string")}
    assert read.records[-2:] == [{"a": "x"}, {"a": None}]


def test_mixed_types_stay_what_they_are_and_are_not_quoted(read_bytes):
    given = [
        {"a": 1, "messages": [{"role": "user", "content": "hi"}]},
        {"a": "1", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
    ]
    read = read_bytes(jsonl(*given))
    assert read.records == given
    assert [read.reader.mapping.text(record, "dialogue") for record in given] == ["hi", "hi"]


def test_a_bad_line_is_named_and_neither_nulled_nor_shifting_others(read_bytes):
    read = read_bytes('{"a": 1}\n\n{"a": \n{"a": 2}{"a": 3}\n \t\r\n{"a": 4}')
    assert (read.lines, read.records) == ([1, 6], [{"a": 1}, {"a": 4}])
    assert read.reasons == [(3, "not_json"), (4, "extra_data")]
    assert (read.reader.read, read.reader.blank) == (4, 2)


def test_rejects_carry_file_line_offset_reason_and_the_first_200_bytes(read_bytes, tmp_path):
    line = '{"é": 1e400, "pad": "' + "x" * 300 + '"}'
    (reject,) = read_bytes('{"é": 1}\n' + line + "\n").rejects
    assert (reject.file, reject.line, reject.reason) == (str(tmp_path / "data.jsonl"), 2, "number_overflow")
    assert reject.offset == len('{"é": 1}\n'.encode())
    assert base64.b64decode(reject.head) == line.encode()[:200]
    assert "1e400" in reject.message


def test_bytes_that_are_not_utf8_and_lone_surrogates_reject_their_line_only(read_bytes):
    read = read_bytes(b'{"a": "\xff"}\n{"a": "ok"}\n{"a": "\\ud800"}\n')
    assert (read.reasons, read.records) == ([(1, "not_utf8"), (3, "lone_surrogate")], [{"a": "ok"}])


def test_a_repeated_key_is_rejected_and_keys_that_differ_in_case_are_two(read_bytes):
    read = read_bytes('{"a": 1, "a": 2}\n{"a": 1, "A": 2}\n')
    assert (read.reasons, read.records) == ([(1, "repeated_key")], [{"a": 1, "A": 2}])
    assert list(read.reader.mapping.columns) == ["a", "A"]


def test_dates_and_uuids_are_not_rewritten(read_bytes):
    text = '{"at": "2024-01-01T10:00:00Z", "id": "6F9619FF-8B86-D011-B42D-00C04FC964FF", "day": "2024-02-03"}'
    assert read_bytes(text).texts == [text]


def test_integers_beyond_64_bits_and_long_decimals_keep_every_digit(read_bytes):
    text = '{"big": 12345678901234567890123, "small": 0.1000000000000000055, "float": 1.0, "exp": 1E2}'
    read = read_bytes(text)
    assert read.texts == [text]
    assert read.reader.mapping.columns["big"] == ("integer",)


def test_an_object_of_many_keys_stays_an_object(read_bytes):
    record = {"counts": {f"word{i}": i for i in range(5_000)}}
    assert read_bytes(jsonl(record)).records == [record]


def test_nan_and_infinity_are_no_numbers(read_bytes):
    read = read_bytes('{"a": NaN}\n{"a": Infinity}\n{"a": -Infinity}\n{"a": "NaN"}\n')
    assert read.reader.rejects == {"nan_or_infinity": 3}
    assert read.records == [{"a": "NaN"}]


def test_ragged_messages_gain_no_nulls(read_bytes):
    given = [
        {
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "assistant", "content": None, "tool_calls": []},
            ]
        },
        {"messages": [{"role": "tool", "content": "1", "tool_call_id": "x"}]},
    ]
    text = jsonl(*given)
    assert "".join(one + "\n" for one in read_bytes(text).texts) == text


@pytest.mark.parametrize(
    "data",
    [
        b'\xef\xbb\xbf{"a": "x"}\n{"a": "y"}\n',
        b'{"a": "x"}\r\n{"a": "y"}\r\n',
        b'{"a": "x"}\n{"a": "y"}',
        b'\n\n{"a": "x"}\n\n{"a": "y"}\n\n',
        b'  {"a": "x"}\t\n {"a": "y"} \n',
    ],
)
def test_marks_line_ends_and_a_missing_last_newline_make_no_difference(read_bytes, data):
    read = read_bytes(data)
    assert read.texts == ['{"a": "x"}', '{"a": "y"}']
    begins = [data[offset:].lstrip()[:9] for offset in read.offsets]
    assert begins == [b'{"a": "x"', b'{"a": "y"']


def test_line_separators_of_unicode_end_no_line(read_bytes):
    text = '{"a": "one\u2028two\u2029three\u0085four"}'
    assert read_bytes(text + "\n" + text).texts == [text, text]


def test_an_empty_file_has_no_records(read_bytes):
    read = read_bytes(b"")
    assert (read.reader.read, read.chunks, read.reader.mapping.format) == (0, [], "table")
    assert read.reader.files[0].size == 0


def test_a_line_of_20_mb_is_one_record(read_bytes):
    record = {"text": "lorem ipsum " * 1_750_000}
    read = read_bytes(jsonl({"text": "a"}, record, {"text": "b"}))
    assert [len(text) for text in read.texts] == [13, 21_000_012, 13]
    assert read.lines == [1, 2, 3]


# Reject everything bad, keep everything good.

BAD_LINES = [
    (b'{"a": 1', "not_json"),
    (b"nonsense", "not_json"),
    (b'{"a": 1} {"a": 2}', "extra_data"),
    (b'{"a": "\xe9"}', "not_utf8"),
    (b'{"a": NaN}', "nan_or_infinity"),
    (b'{"a": 1e999}', "number_overflow"),
    (b'{"a": "\\udead"}', "lone_surrogate"),
    (b'{"a": 1, "a": 2}', "repeated_key"),
    (b'["a", 1]', "not_an_object"),
    (b'"text"', "not_an_object"),
    (b"17", "not_an_object"),
    (b"null", "not_an_object"),
    (b'{"a": ' + b"[" * 400 + b"]" * 400 + b"}", "too_deep"),
]


def test_a_file_with_every_kind_of_bad_record_names_each_one(read_bytes):
    data = b""
    for line, _ in BAD_LINES:
        data += line + b'\n{"a": "good"}\n'
    read = read_bytes(data)
    assert read.reasons == [(2 * i + 1, reason) for i, (_, reason) in enumerate(BAD_LINES)]
    assert read.records == [{"a": "good"}] * len(BAD_LINES)
    for reject, (line, _) in zip(read.rejects, BAD_LINES, strict=True):
        assert base64.b64decode(reject.head) == line[:200]
        assert data[reject.offset :].startswith(line)


def test_an_overlong_line_is_rejected_without_being_held(read_bytes, monkeypatch):
    monkeypatch.setattr(lines, "MAX_RECORD_BYTES", 1_000)
    monkeypatch.setattr(lines, "READ_BYTES", 100)
    monkeypatch.setattr("tilth.tools.store.ingest.judge.MAX_RECORD_BYTES", 1_000)
    long = '{"a": "' + "x" * 5_000 + '"}'
    just = '{"a": "' + "x" * 1_000 + '"}'
    read = read_bytes(f'{{"a": 1}}\n{long}\n{{"a": 2}}\n{just}\n{long}')
    assert read.reasons == [(2, "too_long"), (4, "too_long"), (5, "too_long")]
    assert read.records == [{"a": 1}, {"a": 2}]
    assert base64.b64decode(read.rejects[0].head) == long.encode()[:200]


@given(
    lengths=st.lists(st.sampled_from([9, 20, 49, 300, 1_000]), max_size=12),
    block=st.integers(1, 80),
    last_newline=st.booleans(),
)
def test_overlong_lines_are_named_wherever_blocks_end(lengths, block, last_newline, tmp_path_factory):
    written = [b'{"a": "' + b"x" * (length - 9) + b'"}' for length in lengths]
    path = tmp_path_factory.mktemp("lines") / "data.jsonl"
    path.write_bytes(b"\n".join(written) + (b"\n" if last_newline else b""))
    data = path.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "READ_BYTES", block)
        patch.setattr(lines, "MAX_RECORD_BYTES", 100)
        with ByteStream(str(path)) as stream:
            parts = list(lines.cut_lines(stream))
    cuts = [part for part in parts if isinstance(part, Cut)]
    faults = [part for part in parts if isinstance(part, Fault)]
    assert [text for cut in cuts for text in cut.texts] == [line for line in written if len(line) < 100]
    assert [fault.line for fault in faults] == [i + 1 for i, line in enumerate(written) if len(line) > 100]
    for fault in faults:
        assert fault.reason == "too_long"
        assert fault.head == data[fault.offset :][: len(fault.head)]
        assert data[: fault.offset].count(b"\n") == fault.line - 1


line_bytes = st.sampled_from(
    [
        b'{"a": 1}',
        b' {"a": "\xc3\xa9"}\t',
        b"",
        b" \r",
        b"[1]",
        b'{"a"',
        b'{"b": "\xff"}',
        b'{"k": "' + b"y" * 40 + b'"}',
    ]
)


@given(given_lines=st.lists(line_bytes, max_size=30), last_newline=st.booleans(), block=st.integers(1, 50))
def test_every_line_is_kept_rejected_or_blank_wherever_blocks_end(given_lines, last_newline, block, tmp_path_factory):
    data = b"\n".join(given_lines) + (b"\n" if last_newline and given_lines else b"")
    path = tmp_path_factory.mktemp("lines") / "data.jsonl"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "READ_BYTES", block)
        with ByteStream(str(path)) as stream:
            cuts = list(lines.cut_lines(stream))
    texts = [text for cut in cuts for text in cut.texts]
    numbers = [int(n) for cut in cuts for n in cut.lines]
    assert texts == [line.strip() for line in given_lines if line.strip()]
    assert numbers == [i + 1 for i, line in enumerate(given_lines) if line.strip()]
    for cut in cuts:
        for text, offset in zip(cut.texts, cut.offsets, strict=True):
            assert data[offset:].lstrip().startswith(text)
    physical = len(data.split(b"\n")) - (data.endswith(b"\n") or not data)
    assert sum(cut.blank for cut in cuts) + len(texts) == physical


# Identity, keys, inventory, sample.


def test_content_is_the_hash_of_the_records_bytes_whatever_lies_around_them(read_bytes):
    lines_read = read_bytes(' {"a": "é"} \n')
    array_read = read_bytes('[ {"a": "é"} ]', "data.json")
    latin = read_bytes('{"a": "é"}'.encode("latin-1"), encoding="latin-1")
    expected = content_hashes(['{"a": "é"}'.encode()])
    assert expected.shape == (1, 16)
    for read in (lines_read, array_read, latin):
        assert np.array_equal(read.chunks[0].content, expected)


def test_the_owners_keys_stand_beside_the_rows(read_bytes):
    read = read_bytes('{"id": "x-1"}\n{"id": 12345678901234567890}\n{"a": 1}\n{"id": null}\n{"id": [1]}\n', id="id")
    assert read.chunks[0].keys.to_pylist() == ["x-1", "12345678901234567890", None, None, "[1]"]
    read = read_bytes('{"id": 1}\n', id="di")
    with pytest.raises(Misuse, match=r"--id di: no record has this key\. Valid: id"):
        _ = read.reader.mapping


def test_the_inventory_is_bounded_and_says_so(read_bytes, monkeypatch):
    monkeypatch.setattr("tilth.tools.store.ingest.judge.MAX_COLUMNS", 50)
    monkeypatch.setattr("tilth.tools.store.ingest.judge._MAX_SIGNATURES", 20)
    read = read_bytes(jsonl(*({f"k{i}": i} for i in range(200))))
    assert list(read.reader.mapping.columns) == [f"k{i}" for i in range(50)]
    assert read.reader.notes


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.none() | st.booleans() | st.integers() | st.text(max_size=1)))
)
def test_the_inventory_holds_every_key_and_type(records):
    judge = Judge()
    texts = [json.dumps(record).encode() for record in records]
    cut = Cut(texts, np.arange(len(texts)), np.arange(len(texts)))
    judge.judge(cut, source="s", file="f", split=None)
    names = {None: "null", bool: "boolean", int: "integer", str: "string"}
    expected: dict[str, set[str]] = {}
    for record in records:
        for key, value in record.items():
            expected.setdefault(key, set()).add(names[None if value is None else type(value)])
    found = judge.inventory.columns()
    assert {key: set(types) for key, types in found.items()} == expected
    assert list(found) == list(expected)


def test_an_inventory_of_columns_told_directly_merges_types():
    inventory = Inventory()
    inventory.add("a", ("string",))
    inventory.add("a", ("null",))
    assert inventory.columns() == {"a": ("null", "string")}


def test_the_format_is_guessed_from_rows_all_over_the_files(read_bytes):
    odd = [{"note": str(i)} for i in range(200)]
    chats = [{"messages": [{"role": "user", "content": str(i)}]} for i in range(20_000)]
    read = read_bytes(jsonl(*odd, *chats))
    assert read.reader.mapping.format == "messages"
    again = read_bytes(jsonl(*odd, *chats))
    assert [score for score, _ in again.reader.candidates] == [score for score, _ in read.reader.candidates]


def test_chunks_are_bounded_and_in_order(read_bytes, monkeypatch):
    monkeypatch.setattr(lines, "CHUNK_ROWS", 1_000)
    read = read_bytes(jsonl(*({"i": i} for i in range(10_500))))
    assert max(len(chunk.lines) for chunk in read.chunks) == 1_000
    assert [record["i"] for record in read.records] == list(range(10_500))
    assert read.chunks[0].records.type == pa.large_string()
    read.chunks[0].records.validate(full=True)


def test_options_are_checked_where_they_come_in():
    with pytest.raises(Misuse, match="Nearest: encoding"):
        ReadOptions.from_args({"encodng": "latin-1"})
    with pytest.raises(Misuse, match="text_unit"):
        ReadOptions.from_args({"text_unit": "word"})
    with pytest.raises(Misuse, match="twice"):
        ReadOptions.from_args({"columns": ["a", "a"]})
    with pytest.raises(Misuse, match="one character"):
        ReadOptions.from_args({"delimiter": "::"})


def test_a_damaged_archive_stops_the_import(read_bytes):
    packed = gzip.compress(jsonl(*({"a": i} for i in range(1_000))).encode(), mtime=0)
    with pytest.raises(BadInput, match="damaged or cut short"):
        read_bytes(packed[:-20], "data.jsonl.gz")
