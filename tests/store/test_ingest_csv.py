"""CSV and TSV: cells stay text, the dialect is told, and no row ever takes another shape without a word."""

from __future__ import annotations

import base64
import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.errors import BadInput, Misuse
from tilth.tools.store.ingest import Reader, ReadOptions, Source, delimited, lines


def test_cells_stay_text_whatever_they_look_like(read_bytes):
    read = read_bytes("id,zip,score,note\n1,00501,1.50,NULL\n2,10001,nan,\n3,02134,1e5,true\n", "data.csv")
    assert read.records == [
        {"id": "1", "zip": "00501", "score": "1.50", "note": "NULL"},
        {"id": "2", "zip": "10001", "score": "nan", "note": ""},
        {"id": "3", "zip": "02134", "score": "1e5", "note": "true"},
    ]
    assert read.reader.mapping.columns["id"] == ("string",)
    assert read.reader.mapping.cells == {"id": "integer"}


def test_columns_that_read_as_numbers_are_noted_and_empty_cells_do_not_count(read_bytes):
    read = read_bytes("a,b,c,d\n1,,,\n-2,1.5,,x\n0,3,,\n", "data.csv")
    assert read.reader.mapping.cells == {"a": "integer", "b": "number"}


def test_the_dialect_is_told(read_bytes):
    read = read_bytes("a;b\n1;2,5\n3;4,5\n", "data.csv")
    assert read.reader.files[0].dialect == {"delimiter": ";", "quote": '"', "escape": "", "header": "yes"}
    assert read.records == [{"a": "1", "b": "2,5"}, {"a": "3", "b": "4,5"}]


@pytest.mark.parametrize(
    ("name", "data", "dialect"),
    [
        ("a.csv", "a,b\n1,2\n", (",", '"', "")),
        ("a.csv", "a\tb\n1\t2\n", ("\t", '"', "")),
        ("a.csv", "a|b\n1|2\n", ("|", '"', "")),
        ("a.tsv", "a\tb\n1,5\t2\n", ("\t", '"', "")),
        ("a.tsv", 'a\tb\n"won" twice\t2\n', ("\t", "", "")),
        ("a.tsv.gz", 'a\tb\n"x\ty"\t2\n', ("\t", '"', "")),
        ("a.csv", 'a,b\n"say \\"hi\\", now",2\n', (",", '"', "\\")),
        ("a.csv", 'a,b\n"say ""hi"", now",2\n', (",", '"', "")),
        ("a.csv", "text\nhello, world\nbye\n", ("\t", '"', "")),
    ],
)
def test_delimiter_and_quotes_are_found(read_bytes, name, data, dialect):
    read = read_bytes(data, name)
    told = read.reader.files[0].dialect
    assert (told["delimiter"], told["quote"], told["escape"]) == dialect
    assert not read.rejects


def test_the_dialect_can_be_told_instead(read_bytes):
    read = read_bytes("a,b\n'x,y',2\n", "data.csv", quote="'")
    assert read.records == [{"a": "x,y", "b": "2"}]
    read = read_bytes('a,b\n"x,2\n', "data.csv", quote="")
    assert read.records == [{"a": '"x', "b": "2"}]
    read = read_bytes("a b,c\n1 2,3\n", "data.csv", delimiter=" ")
    assert read.records == [{"a": "1", "b,c": "2,3"}]


def test_rows_of_another_width_are_rejected_with_their_lines(read_bytes):
    read = read_bytes("a,b\n1,2\n3\n4,5,6\n\n7,8\n", "data.csv")
    assert read.records == [{"a": "1", "b": "2"}, {"a": "7", "b": "8"}]
    assert read.reasons == [(3, "ragged_row"), (4, "ragged_row")]
    assert base64.b64decode(read.rejects[1].head) == b"4,5,6"
    assert (read.reader.read, read.reader.blank) == (4, 1)


def test_a_header_that_most_rows_do_not_fit_is_refused_with_the_first_of_them(read_bytes):
    ragged = "name,age\nann,3\nbob\ncid,4,x\neve\n"
    with pytest.raises(BadInput, match=r"data\.csv:3 has 1 cell, its header 2 \(told apart by ','\)") as caught:
        read_bytes(ragged, "data.csv")
    assert "--delimiter , --max-reject 1" in str(caught.value) and "--kind text" in str(caught.value)
    told = read_bytes(ragged, "data.csv", delimiter=",")
    assert (told.records, told.reasons[0]) == ([{"name": "ann", "age": "3"}], (3, "ragged_row"))
    assert len(read_bytes(ragged, "data.csv", kind="text").texts) == 5


def test_one_column_of_prose_needs_no_quotes(read_bytes):
    prose = "text\nhello, world\nbye\nred, green, blue; or not\n"
    assert len(read_bytes(prose, "data.csv").records) == 3
    assert len(read_bytes(prose.removeprefix("text\n"), "data.csv", header=False).records) == 3
    assert len(read_bytes(prose.replace("text", '"text, or so"'), "data.csv").records) == 3


def test_a_cell_may_hold_line_ends_and_rows_keep_their_first_line(read_bytes):
    data = 'a,b\r\n"one\r\ntwo",2\r\n3,4\r\n'
    read = read_bytes(data, "data.csv")
    assert read.records == [{"a": "one\r\ntwo", "b": "2"}, {"a": "3", "b": "4"}]
    assert read.lines == [2, 4]
    assert [data[offset:].split(",")[0] for offset in read.offsets] == ['"one\r\ntwo"', "3"]


def test_a_quote_that_never_closes_rejects_every_line_it_swallows(read_bytes):
    read = read_bytes('a,b\n1,2\n3,"x\n4,5\n6,7\n', "data.csv")
    assert read.records == [{"a": "1", "b": "2"}]
    assert read.reasons == [(line, "unterminated_quote") for line in (3, 4, 5)]
    assert "line 3" in read.rejects[2].message


def test_a_quote_that_closes_in_another_row_rejects_up_to_that_row(read_bytes):
    read = read_bytes('a,b\n1,"x\n2,y\n3,"z, z"\n4,w\n', "data.csv")
    assert read.reasons == [(2, "unterminated_quote"), (3, "unterminated_quote")]
    assert read.records == [{"a": "3", "b": "z, z"}, {"a": "4", "b": "w"}]


def test_the_rest_of_a_cell_never_passes_for_a_row(read_bytes):
    """Line 3 belongs to the broken cell of line 2, and would make a row of two cells."""
    read = read_bytes('a,b\n1,"one\nhe said "yes" today",2\n3,4\n', "data.csv")
    assert read.reasons == [(2, "unterminated_quote"), (3, "bad_quoting")]
    assert read.records == [{"a": "3", "b": "4"}]


def test_text_behind_a_closing_quote_rejects_its_line(read_bytes):
    read = read_bytes('a,b\n"x"y,1\n"z",2\n', "data.csv")
    assert (read.reasons, read.records) == ([(2, "bad_quoting")], [{"a": "z", "b": "2"}])


def test_a_stray_carriage_return_rejects_its_line(read_bytes):
    read = read_bytes("a,b\n1,x\ry\n2,z\n", "data.csv")
    assert (read.reasons, read.records) == ([(2, "stray_return")], [{"a": "2", "b": "z"}])


def test_quotes_inside_an_unquoted_cell_are_text(read_bytes):
    assert read_bytes('a,b\n5" pipe,1\n', "data.csv").records == [{"a": '5" pipe', "b": "1"}]


def test_a_header_that_names_a_column_twice_is_an_error_that_names_it(read_bytes):
    with pytest.raises(BadInput, match=r"'Time' \(columns 1, 3\)"):
        read_bytes("Time,Name,Time\n1,2,3\n", "data.csv")
    read = read_bytes("Time,Name,Time\n1,2,3\n", "data.csv", columns=["start", "name", "end"])
    assert read.records == [{"start": "1", "name": "2", "end": "3"}]


def test_columns_are_named_when_there_is_no_header(read_bytes):
    assert read_bytes("1,2\n3,4\n", "data.csv", header=False).records[0] == {"0": "1", "1": "2"}
    named = read_bytes("1,2\n3,4\n", "data.csv", header=False, columns=["a", "b"])
    assert named.records == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert named.reader.files[0].dialect["header"] == "no"
    with pytest.raises(Misuse, match="2 columns, --columns names 3"):
        read_bytes("1,2\n", "data.csv", columns=["a", "b", "c"])


def test_other_encodings_are_read_when_named_and_rejected_when_not(read_bytes):
    data = "name,town\nRené,Paris\nAnn,Köln\nBo,Ulm\n".encode("latin-1")
    assert read_bytes(data, "data.csv", encoding="latin-1").records[1] == {"name": "Ann", "town": "Köln"}
    strict = read_bytes(data, "data.csv")
    assert strict.reasons == [(2, "not_utf8"), (3, "not_utf8")]
    assert strict.records == [{"name": "Bo", "town": "Ulm"}]
    with pytest.raises(BadInput, match=r"tilth import NAME \S*data\.csv --encoding latin-1"):
        read_bytes("größe,b\n1,2\n".encode("latin-1"), "data.csv")


def test_the_key_column_and_the_mapping_come_from_the_header(read_bytes):
    read = read_bytes("key,question,answer\nk1,q,a\n", "data.csv", id="key")
    assert read.chunks[0].keys.to_pylist() == ["k1"]
    assert read.reader.mapping.paths == {"prompt": "question", "completion": "answer"}


def test_the_header_is_read_for_each_of_several_files(read_files, tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("y;z\n3;w\n")
    read = read_files(tmp_path / "a.csv", tmp_path / "b.csv")
    assert read.records == [{"x": "1", "y": "2"}, {"y": "3", "z": "w"}]
    assert read.reader.mapping.cells == {"x": "integer", "y": "integer"}


def test_a_file_of_a_header_alone_has_no_rows(read_bytes):
    assert read_bytes("a,b\n", "data.csv").reader.read == 0
    assert read_bytes("", "data.csv").reader.read == 0


def test_a_cell_beyond_the_librarys_own_limit_is_kept_and_the_limit_restored(read_bytes):
    limit = csv.field_size_limit()
    read = read_bytes(f"a,b\n{'x' * 200_000},1\n", "data.csv")
    assert len(read.records[0]["a"]) == 200_000
    assert csv.field_size_limit() == limit


def test_a_line_too_long_to_read_takes_its_row_along_and_no_other(read_bytes, monkeypatch):
    monkeypatch.setattr(lines, "MAX_RECORD_BYTES", 500)
    monkeypatch.setattr(lines, "READ_BYTES", 100)
    monkeypatch.setattr(delimited, "SAMPLE_BYTES", 50)
    long = "x" * 2_000
    read = read_bytes(f'a,b\n1,{long}\n2,"y\n{long}\nz"\n\n3,w\n', "data.csv", delimiter=",")
    assert read.records == [{"a": "3", "b": "w"}]
    assert sorted(read.reasons) == [(2, "too_long"), (3, "too_long"), (4, "too_long")]
    assert read.reader.blank == 1


cells = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=8)


@given(
    rows=st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=12),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.integers(1, 64),
)
def test_what_the_library_writes_is_read_back(rows, delimiter, quoting, end, block, tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    if quoting == csv.QUOTE_MINIMAL:  # the library leaves a lone \r unquoted
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerows([["a", "b", "c"], *rows])
    path.write_bytes(out.getvalue().encode())
    rejects = []
    options = ReadOptions(delimiter=delimiter, quote='"')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "READ_BYTES", block)
        reader = Reader([Source("s", (str(path),))], options, on_reject=rejects.append)
        read = [json.loads(text) for chunk in reader for text in chunk.records.to_pylist()]
    assert not rejects
    assert read == [dict(zip("abc", row, strict=True)) for row in rows]


@given(
    text=st.text(st.sampled_from(['"', ",", "\n", "a", "\r", " ", "é"]), max_size=40),
    block=st.integers(1, 64),
)
def test_any_text_is_accounted_for_and_kept_rows_lie_on_lines_of_their_own(text, block, tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    path.write_bytes(b"a,b\n" + text.encode())
    rejects = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "READ_BYTES", block)
        reader = Reader([Source("s", (str(path),))], ReadOptions(delimiter=","), on_reject=rejects.append)
        kept = [int(line) for chunk in reader for line in chunk.lines]
    assert reader.read == len(kept) + len(rejects)
    begun = kept + [reject.line for reject in rejects]
    assert len(set(begun)) == len(begun)
    assert kept == sorted(kept)
