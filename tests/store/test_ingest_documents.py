"""JSON documents: arrays, objects that hold them, whole records, and which of these a file is."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.errors import Misuse
from tilth.tools.store.ingest import chunks, documents
from tilth.tools.store.ingest.chunks import Cut, Fault
from tilth.tools.store.ingest.streams import ByteStream


def test_an_array_gives_its_elements_as_they_were_written(read_bytes):
    first, second = '{"a": 1.10, "b": [1, 2]}', '{\n  "a": "é",\n  "c": {}\n}'
    data = f"[\n {first} ,\n{second}\n]\n"
    read = read_bytes(data, "data.json")
    assert read.texts == [first, second]
    assert read.lines == [2, 3]
    for offset, text in zip(read.offsets, read.texts, strict=True):
        assert data.encode()[offset:].startswith(text.encode())
    assert read_bytes("[]", "data.json").reader.read == 0


def test_a_record_of_20_mb_in_an_array_costs_no_quadratic_time(read_bytes, monkeypatch):
    attempts = []
    scan = documents._scan
    monkeypatch.setattr(documents, "_scan", lambda text, at: attempts.append(len(text)) or scan(text, at))
    record = {"text": "lorem ipsum " * 1_750_000}
    read = read_bytes(json.dumps([{"text": "a"}, record, {"text": "b"}]), "data.json")
    assert [len(text) for text in read.texts] == [13, 21_000_012, 13]
    assert sum(attempts) < 5 * 21_000_000


def test_a_syntax_error_in_an_array_rejects_the_rest_as_one_named_record(read_bytes):
    data = '[{"a": 1}, {"a": 2}, {"a" 3}, {"a": 4}]'
    read = read_bytes(data, "data.json")
    assert read.records == [{"a": 1}, {"a": 2}]
    (reject,) = read.rejects
    assert (reject.reason, reject.offset) == ("not_json", data.index('{"a" 3}'))
    assert base64.b64decode(reject.head).decode() == data[reject.offset :]
    (file,) = read.reader.files
    assert file.torn
    assert file.size == len(data)


@pytest.mark.parametrize(
    ("data", "kept", "reason"),
    [
        ('[{"a": 1}, {"a": 2}', 2, "not_json"),
        ('[{"a": 1}, {"a": "b', 1, "not_json"),
        ('[{"a": 1}, {"a": 2},]', 2, "not_json"),
        ('[{"a": 1} {"a": 2}]', 1, "not_json"),
        ('[{"a": 1}]]', 1, "extra_data"),
        ('[{"a": 1}, ' + "[" * 100_000, 1, "too_deep"),
        ('{"data": [{"a": 1}, }', 1, "not_json"),
    ],
)
def test_a_document_that_breaks_off_is_torn_once(read_bytes, data, kept, reason):
    read = read_bytes(data, "data.json")
    assert (len(read.records), [reason for _, reason in read.reasons]) == (kept, [reason])
    assert read.reader.files[0].torn


def test_a_bad_element_of_an_array_leaves_the_others_alone(read_bytes):
    data = b'[{"a": NaN}, {"a": "\xff"}, {"a": 1, "a": 2}, 5, {"a": "\\ud800"}, {"a": ' + b"9" * 5000 + b'}, {"a": 0}]'
    read = read_bytes(data, "data.json")
    reasons = [
        "nan_or_infinity",
        "not_utf8",
        "repeated_key",
        "not_an_object",
        "lone_surrogate",
        "number_overflow",
    ]
    assert [reason for _, reason in read.reasons] == reasons
    assert read.records == [{"a": 0}]
    assert not read.reader.files[0].torn


def test_an_object_that_holds_one_array_under_a_customary_name(read_bytes):
    read = read_bytes('{"version": 2, "data": [{"a": 1}, {"a": 2}], "date": "x"}', "data.json")
    assert read.records == [{"a": 1}, {"a": 2}]
    assert read.reader.files[0].notes == ("left out beside 'data': 'version', 'date'",)
    assert read_bytes('{"data": [{"a": 1}]}', "data.json").records == [{"a": 1}]


def test_a_key_that_says_something_of_its_records_stays_with_them(read_bytes):
    read = read_bytes('{"AddToPlaylist": [{"data": []}, {"data": [], "n": 1}, {}]}', "data.json")
    assert read.texts == [
        '{"data": [], "group": "AddToPlaylist"}',
        '{"data": [], "n": 1, "group": "AddToPlaylist"}',
        '{"group": "AddToPlaylist"}',
    ]


def test_arrays_by_split_give_each_record_its_split(read_bytes):
    data = '{"val": [["a", "x"]], "train": [["b", "y"], ["c", "z"]], "test": []}'
    read = read_bytes(data, "data.json")
    assert read.records == [{"0": "a", "1": "x"}, {"0": "b", "1": "y"}, {"0": "c", "1": "z"}]
    assert read.splits == ["validation", "train", "train"]
    named = read_bytes(data, "data.json", columns=["text", "intent"])
    assert named.records[0] == {"text": "a", "intent": "x"}


def test_keys_that_say_more_than_a_split_are_kept_as_a_group(read_bytes):
    read = read_bytes('{"oos_val": [{"a": 1}], "val": [{"a": 2}]}', "data.json")
    assert read.records == [{"a": 1, "group": "oos_val"}, {"a": 2}]
    assert read.splits == ["validation", "validation"]


def test_a_split_that_was_named_outranks_the_document(read_bytes):
    assert read_bytes('{"val": [{"a": 1}]}', "data.json", split="train").splits == ["train"]


def test_a_group_that_would_hide_a_key_is_refused(read_bytes):
    with pytest.raises(Misuse, match="--records"):
        read_bytes('{"x": [{"group": 1}], "y": [{"group": 2}]}', "data.json")
    assert read_bytes('{"x": [{"group": 1}], "y": []}', "data.json", records="x").records == [{"group": 1}]


@pytest.mark.parametrize(
    "data",
    [
        '{"messages": [{"role": "user", "content": "hi"}]}',
        '{"id": 1, "instances": [{"input": "x", "output": "y"}]}',
        '{"banking": ["a", "b"], "travel": ["c"]}',
        '{\n  "text": "pretty"\n}',
        "{}",
    ],
)
def test_any_other_object_is_one_record_and_loses_nothing(read_bytes, data):
    assert read_bytes(data, "data.json").texts == [data]


def test_what_the_object_was_taken_for_is_said_and_can_be_overruled(read_bytes):
    data = '{"source": "s", "rewards": [[0, 1], [1, 1]]}'
    read = read_bytes(data, "data.json")
    assert read.texts == [data]
    assert "--records" in read.reader.files[0].notes[0]
    assert read_bytes(data, "data.json", records="rewards").records == [{"0": 0, "1": 1}, {"0": 1, "1": 1}]
    with pytest.raises(Misuse, match="Nearest: rewards"):
        read_bytes(data, "data.json", records="reward")


def test_objects_written_over_several_lines_one_after_another_are_records(read_bytes):
    read = read_bytes('{\n "a": 1\n}\n{\n "a": [{"b": 2}]\n}\n', "data.json")
    assert read.records == [{"a": 1}, {"a": [{"b": 2}]}]
    assert read.lines == [1, 4]


json_texts = st.recursive(
    st.sampled_from(['"é\\n"', '"\\u00e9\\ud83d\\ude00"', '"]"', '"}\\""', "-1.50e+3", "0", "true", "null"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: "[ " + " ,\n".join(parts) + "]")
        | st.lists(inner, max_size=3).map(
            lambda parts: "{" + ",".join(f'"k{i}"\n: {part}' for i, part in enumerate(parts)) + " }"
        )
    ),
    max_leaves=8,
)


@given(
    texts=st.lists(json_texts, max_size=8),
    size=st.integers(1, 40),
    comma=st.sampled_from([",", " , ", ",\n\n", "\t,\r\n"]),
)
def test_an_array_is_cut_the_same_wherever_the_window_ends(texts, size, comma, tmp_path_factory):
    path = tmp_path_factory.mktemp("document") / "data.json"
    data = f"\n[ {comma.join(texts)} ]\n".encode()
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "WINDOW", size)
        with ByteStream(str(path)) as stream:
            parts = list(documents.cut_document(stream, documents.survey(stream, None)))
    assert not [part for part in parts if isinstance(part, Fault)]
    cuts = [part for part in parts if isinstance(part, Cut)]
    assert [text.decode() for cut in cuts for text in cut.texts] == texts
    for cut in cuts:
        for text, line, offset in zip(cut.texts, cut.lines, cut.offsets, strict=True):
            assert data[offset:].startswith(text)
            assert data[:offset].count(b"\n") == line - 1


# Lines or document, whatever the suffix says.


@pytest.mark.parametrize(
    ("name", "data", "count"),
    [
        ("a.json", '{"a": 1}\n{"a": 2}\n', 2),
        ("a.json", '{"a": 1, "a": 2}\n{"a": 2}\n', 1),
        ("a.json", '{"a": \n{"a": 2}\n{"a": 3}\n{"a": 4}\n', 3),
        ("a.json", "[1, 2]\n[3, 4]\n", 0),
        ("a.json", '[{"a": 1},\n{"a": 2}]', 2),
        ("a.jsonl", '[{"a": 1},\n{"a": 2}]', 2),
        ("a.jsonl", '[{"a": 1}, {"a": 2}]', 2),
        ("a.jsonl", '{"data": [{"a": 1}]}', 1),
        ("a.ndjson", '{"a": 1}\n', 1),
        ("a", '{"a": 1}\n{"a": 2}\n', 2),
        ("a.data", ' [{"a": 1}]', 1),
    ],
)
def test_lines_and_documents_are_told_apart_by_what_they_hold(read_bytes, name, data, count):
    assert len(read_bytes(data, name).records) == count


def test_lines_that_are_arrays_become_objects_only_when_their_parts_are_named(read_bytes):
    data = '["a", 1]\n["b", 2]\n["c"]\n'
    assert read_bytes(data).reader.rejects == {"not_an_object": 3}
    read = read_bytes(data, columns=["text", "label"])
    assert read.records == [{"text": "a", "label": 1}, {"text": "b", "label": 2}]
    assert read.reasons == [(3, "ragged_row")]
    assert read_bytes('"a"\n"b"\n', columns=["text"]).records == [{"text": "a"}, {"text": "b"}]


def test_a_long_first_record_does_not_make_lines_a_document(read_bytes):
    long = json.dumps({"text": "x" * 200_000})
    assert len(read_bytes(f'{long}\n{{"text": "y"}}\n', "data.json").records) == 2


@pytest.mark.parametrize("size", range(1, 12))
def test_a_bare_number_is_not_cut_in_two_where_the_window_ends(read_bytes, monkeypatch, size):
    monkeypatch.setattr(documents, "WINDOW", size)
    monkeypatch.setattr(documents, "_SAMPLE", 1)
    monkeypatch.setattr("tilth.tools.store.ingest.files._SAMPLE", 1)
    read = read_bytes("[1.5, -2e+30, 12.25e-3, 7]", "data.json", columns=["n"])
    assert read.texts == ['{"n": 1.5}', '{"n": -2e+30}', '{"n": 12.25e-3}', '{"n": 7}']


def test_a_full_gathering_is_handed_on(read_bytes, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 100)
    read = read_bytes(json.dumps([{"i": i} for i in range(1_050)]), "data.json")
    assert [len(chunk.lines) for chunk in read.chunks] == [100] * 10 + [50]
    assert [record["i"] for record in read.records] == list(range(1_050))
