"""Which files are read and how they are opened: names, folders, globs, compression, encodings, plain text."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.opened import name_for
from tilth.tools.errors import BadInput, Misuse
from tilth.tools.store.ingest import Source, expand
from tilth.tools.store.ingest.splits import split_of
from tilth.tools.store.ingest.streams import ByteStream

ROWS = b'{"a": 1}\n{"a": 2}\n{"a": 3}\n'


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


# Compression.


@pytest.mark.parametrize(
    ("name", "data", "compression"),
    [
        ("a.jsonl.gz", gzip.compress(ROWS, mtime=0), "gzip"),
        ("a.jsonl.zst", zstd(ROWS), "zstd"),
        ("a.jsonl.gz", gzip.compress(ROWS[:14], mtime=0) + gzip.compress(ROWS[14:], mtime=0), "gzip"),
        ("a.jsonl.zst", zstd(ROWS[:4]) + zstd(ROWS[4:20]) + zstd(ROWS[20:]), "zstd"),
        ("a.jsonl", gzip.compress(ROWS, mtime=0), "gzip"),
        ("a.jsonl.gz", ROWS, None),
        ("a.json.gz", gzip.compress(b'[{"a": 1}, {"a": 2}, {"a": 3}]', mtime=0), "gzip"),
        ("a.csv.zst", zstd(b"a\n1\n2\n3\n"), "zstd"),
    ],
)
def test_packed_files_are_read_whole_by_their_first_bytes(read_bytes, name, data, compression):
    read = read_bytes(data, name)
    assert [int(record["a"]) for record in read.records] == [1, 2, 3]
    (file,) = read.reader.files
    assert (file.compression, file.size, file.sha256) == (
        compression,
        len(data),
        hashlib.sha256(data).hexdigest(),
    )


@pytest.mark.parametrize(("name", "packing"), [("a.gz", "gzip"), ("a.jsonl.gz", "gzip"), ("a.csv.zst", "zstd")])
def test_bytes_that_are_not_what_the_name_says_are_told(read_bytes, name, packing):
    with pytest.raises(BadInput, match=f"{name} is not {packing}"):
        read_bytes(b"\xa8\x93\xff\x00" * 50, name)


@pytest.mark.parametrize(
    ("name", "data"), [("a.jsonl", ROWS), ("a.json", b'[{"a": 1}, {"a": 2}]'), ("a.txt", b"one\ntwo\n")]
)
def test_names_for_columns_are_refused_where_records_have_names(read_bytes, name, data):
    with pytest.raises(Misuse, match=f"--columns says nothing about .*{name}"):
        read_bytes(data, name, columns=["b"])


def test_names_for_columns_of_a_typed_file_are_refused(read_bytes):
    out = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2]}), out)
    with pytest.raises(Misuse, match="--columns says nothing about"):
        read_bytes(out.getvalue(), "a.parquet", columns=["b"])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a b (1).JSONL", "a-b-1"),
        ("x/Chats.JSONL.GZ", "chats"),
        ("my--notes.csv", "my-notes"),
        ("v1.2_x.parquet", "v1.2_x"),
        ("???.md", "data"),
    ],
)
def test_a_file_gives_its_dataset_a_plain_name(path, name):
    assert name_for(path) == name


def test_offsets_count_decompressed_bytes(read_bytes):
    assert read_bytes(gzip.compress(ROWS, mtime=0), "a.jsonl.gz").offsets == [0, 9, 18]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl.gz", gzip.compress(ROWS * 1000, mtime=0)[:-9]),
        ("a.jsonl.gz", gzip.compress(ROWS, mtime=0) + b"garbage"),
        ("a.jsonl.zst", zstd(ROWS * 1000)[:-5]),
        ("a.jsonl.zst", zstd(ROWS) + b"garbage"),
    ],
)
def test_a_damaged_or_cut_archive_is_an_error_and_no_shorter_dataset(read_bytes, name, data):
    with pytest.raises(BadInput, match=f"{name}.*damaged or cut short"):
        read_bytes(data, name)


# Encodings.


@given(
    text=st.text(st.characters(max_codepoint=255, exclude_categories=("Cc",)), max_size=30),
    encoding=st.sampled_from(["latin-1", "utf-16", "utf-16-be", "utf-8-sig", "utf-32"]),
)
def test_a_named_encoding_gives_the_same_record_as_utf8(text, encoding, tmp_path_factory):
    record = json.dumps({"text": text}, ensure_ascii=False)
    path = tmp_path_factory.mktemp("encoded") / "data.jsonl"
    path.write_bytes(f"{record}\n".encode(encoding))
    with ByteStream(str(path), encoding=encoding) as stream:
        read = b"".join(iter(lambda: stream.read(7), b""))
    assert read.decode() == f"{record}\n"


def test_a_byte_the_encoding_lacks_rejects_its_record_only(read_bytes):
    data = b'{"a": "\x80 euro"}\n{"a": "\x81"}\n{"a": "x"}\n'
    read = read_bytes(data, encoding="cp1252")
    assert read.records == [{"a": "€ euro"}, {"a": "x"}]
    assert read.reasons == [(2, "not_utf8")]


def test_utf16_without_being_told_names_the_option(read_bytes):
    with pytest.raises(BadInput, match=r"tilth import NAME \S+ --encoding utf-16"):
        read_bytes('{"a": 1}'.encode("utf-16"))
    assert read_bytes('{"a": 1}'.encode("utf-16"), encoding="utf-16").records == [{"a": 1}]


def test_an_encoding_that_does_not_exist_or_does_not_fit_is_an_error(read_bytes):
    with pytest.raises(Misuse, match="no encoding 'latin-one'"):
        read_bytes(ROWS, encoding="latin-one")
    with pytest.raises(Misuse, match="no encoding 'rot13'"):
        read_bytes(ROWS, encoding="rot13")
    with pytest.raises(BadInput, match="utf-16"):
        read_bytes(b'{"a": 1}\n', encoding="utf-16-le")


# Standard input.


def test_standard_input_is_a_file_named_by_a_dash(read_files, monkeypatch):
    for data in (ROWS, gzip.compress(ROWS, mtime=0), b'[{"a": 1}, {"a": 2}, {"a": 3}]'):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        read = read_files("-")
        assert [record["a"] for record in read.records] == [1, 2, 3]
        (file,) = read.reader.files
        assert (file.path, file.size, file.sha256) == ("-", len(data), hashlib.sha256(data).hexdigest())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n")))
    with pytest.raises(Misuse, match="--kind"):
        read_files("-")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n")))
    assert read_files("-", kind="csv").records == [{"a": "1", "b": "2"}]


# Names, globs, folders, splits.


@pytest.fixture
def folder(tmp_path):
    for name in (
        "b/test.jsonl",
        "a.jsonl",
        "b/deep/train-00000.jsonl.gz",
        "README.md",
        "notes.txt",
        ".hidden.jsonl",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        row = f'{{"name": "{name}"}}\n'.encode()
        path.write_bytes(gzip.compress(row, mtime=0) if name.endswith("gz") else row)
    (tmp_path / "weights.bin").write_bytes(b"\0")
    return tmp_path


def names(read) -> list[str]:
    return [record["name"] for record in read.records]


def test_a_folder_gives_its_data_files_in_the_order_of_their_names(read_files, folder):
    read = read_files(folder)
    assert names(read) == ["a.jsonl", "b/deep/train-00000.jsonl.gz", "b/test.jsonl"]
    assert read.splits == [None, "train", "test"]


def test_text_files_of_a_folder_are_read_when_it_holds_nothing_else(read_files, tmp_path):
    (tmp_path / "one.txt").write_text("a\nb\n")
    (tmp_path / "two.md").write_text("# c\n\nd\n")
    assert [record["text"] for record in read_files(tmp_path).records] == ["a", "b", "# c\n\nd\n"]


def test_globs_reach_into_folders(read_files, folder):
    assert names(read_files(folder / "**" / "*.jsonl")) == ["a.jsonl", "b/test.jsonl"]
    assert len(expand(Source("s", (str(folder / "*.jsonl"), str(folder / "b"))))) == 3


def test_a_name_with_glob_signs_that_exists_is_itself(read_files, tmp_path):
    (tmp_path / "data[1].jsonl").write_bytes(ROWS)
    assert len(read_files(tmp_path / "data[1].jsonl").records) == 3


def test_a_split_that_is_named_holds_for_every_file(read_files, folder):
    assert set(read_files(folder, split="dev2").splits) == {"dev2"}


def test_a_split_that_file_names_do_not_mean_is_refused(read_files, read_bytes, folder):
    assert {"train", "test"} & set(read_files(folder).splits)
    assert set(read_files(folder, split="none").splits) == {None}
    by_key = b'{"train": [{"text": "a"}], "test": [{"text": "b"}]}'
    assert read_bytes(by_key, name="all.json", split="none").splits == [None, None]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a.json", r"There is no file .*Nearest: a\.jsonl"),
        ("*.parquet", "No file matches"),
        ("nowhere/x.jsonl", "There is no file"),
        ("s3://bucket/x.jsonl", "not on this machine"),
    ],
)
def test_a_file_that_is_not_there_is_named_with_the_nearest(read_files, folder, path, message):
    with pytest.raises(Misuse, match=message):
        read_files(path if "://" in path else folder / path)


def test_a_folder_without_data_and_a_file_named_twice_are_errors(read_files, folder, tmp_path_factory):
    with pytest.raises(Misuse, match="holds no data file"):
        read_files(tmp_path_factory.mktemp("empty"))
    with pytest.raises(Misuse, match="twice"):
        read_files(folder / "a.jsonl", folder / "*.jsonl")


def test_json_and_typed_files_are_not_mixed(read_files, folder):
    pq.write_table(pa.table({"name": ["x"]}), folder / "c.parquet")
    with pytest.raises(Misuse, match="holds typed rows"):
        read_files(folder)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.jsonl", "train"),
        ("gsm8k-train-00000-of-00002.parquet", "train"),
        ("training.tsv", "train"),
        ("validate_PlayMusic.json", "validation"),
        ("my.dev.csv", "validation"),
        ("oos_val", "validation"),
        ("chat-eval.jsonl", "test"),
        ("TEST.csv", "test"),
        ("train_test_overlap.jsonl", None),
        ("contest.jsonl", None),
        ("restrain.jsonl", None),
        ("data.jsonl", None),
    ],
)
def test_splits_are_words_of_the_name(name, split):
    assert split_of(name) == split


# Plain text.


def test_a_text_file_gives_a_record_a_line(read_bytes):
    read = read_bytes('one\r\n\n  two "quoted" \\ \n\tü\x00\n', "data.txt")
    assert [record["text"] for record in read.records] == ["one", '  two "quoted" \\ ', "\tü\x00"]
    assert (read.lines, read.reader.blank) == ([1, 3, 4], 1)
    assert read.reader.mapping.format == "text"


def test_paragraphs_and_whole_files_are_records_when_asked(read_bytes):
    data = "one\ntwo\n\n\n three\n"
    read = read_bytes(data, "data.txt", text_unit="paragraph")
    assert ([record["text"] for record in read.records], read.lines) == (["one\ntwo", " three"], [1, 5])
    assert read_bytes(data, "data.txt", text_unit="file").records == [{"text": data}]
    assert read_bytes(data, "data.md").records == [{"text": data}]
    assert read_bytes("\n \n", "data.md").reader.read == 0


def test_text_that_is_not_utf8_is_rejected_line_by_line(read_bytes):
    read = read_bytes(b"good\nb\xe4d\nfine\n", "data.txt")
    assert ([record["text"] for record in read.records], read.reasons) == (
        ["good", "fine"],
        [(2, "not_utf8")],
    )
    assert read_bytes(b"b\xe4d\n", "data.txt", encoding="latin-1").records == [{"text": "bäd"}]


# Facts and progress.


def test_what_was_read_is_told_file_by_file(read_files, folder):
    read = read_files(folder)
    assert [(file.kind, file.rows, file.rejected, file.split) for file in read.reader.files] == [
        ("jsonl", 1, 0, None),
        ("jsonl", 1, 0, "train"),
        ("jsonl", 1, 0, "test"),
    ]


def test_progress_ends_at_the_bytes_there_are(folder):
    from tilth.tools.store.ingest import Reader, ReadOptions

    told = []
    reader = Reader(
        [Source("s", (str(folder),))],
        ReadOptions(),
        on_reject=lambda reject: None,
        progress=lambda *now: told.append(now),
    )
    assert len(list(reader)) == 3
    done = [done for done, _ in told]
    assert done == sorted(done)
    assert done[-1] == told[-1][1] == sum(file.size for file in reader.files)
