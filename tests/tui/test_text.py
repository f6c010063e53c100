"""Lines of answers: never wider than the screen, never a command to the terminal, nothing left out unsaid."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tilth.tui.cells import width
from tilth.tui.render.records.comparing import beside, inline, marked
from tilth.tui.terminal import Terminal
from tilth.tui.text import many_lines, number, one_line, shorten, table, wrap

hostile = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\u202e\u200b\r\n\t漢é\u0301")), max_size=60)


def steers(text: str) -> bool:
    return any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for char in text)


@given(hostile)
def test_what_is_shown_steers_nothing(text: str) -> None:
    assert not steers(one_line(text))
    assert not any(steers(line) for line in many_lines(text))


@given(hostile, st.integers(60, 200))
def test_wrapped_lines_fit(text: str, columns: int) -> None:
    assert all(width(line) <= columns for line in wrap(one_line(text) * 5, columns, indent="    ", first="  - "))


@given(st.lists(st.tuples(hostile, hostile, st.integers()), min_size=1, max_size=5), st.integers(60, 200))
def test_tables_fit(rows: list[tuple[str, str, int]], columns: int) -> None:
    lines = table([("one", "two", "three"), *rows], columns=columns, numbers=(2,))
    assert len(lines) == len(rows) + 2
    assert all(width(line) <= columns for line in lines)


@given(st.integers(1, 14), st.integers(60, 200))
def test_a_heading_and_a_number_are_never_cut(across: int, columns: int) -> None:
    heads = [f"gopher_repetition_{i}" for i in range(across)]
    lines = table([heads, ["1,234,567"] * across], columns=columns, numbers=range(across))
    told = "\n".join(lines)
    assert "…" not in told
    assert told.count("1,234,567") == across
    assert all(width(line) <= columns for line in lines)


def test_a_table_that_is_too_wide_goes_on_row_by_row() -> None:
    assert table([["repetitions", "quotations"], ["1", "2"], ["3", "4"]], columns=20) == [
        "repetitions: 1", "quotations: 2", "", "repetitions: 3", "quotations: 4",
    ]  # fmt: skip


def test_wide_characters_are_two_cells() -> None:
    assert table([("漢字", 1), ("ab", 20)], columns=60, numbers=(1,), header=False) == ["漢字   1", "ab    20"]


@given(st.text(max_size=200), st.integers(1, 100))
def test_what_is_left_out_is_counted(text: str, length: int) -> None:
    flat = one_line(text)
    assert (shorten(text, length) == flat) == (len(flat) <= length)
    if len(flat) > length:
        assert shorten(text, length).endswith(f"(+{len(flat) - length:,} characters)")


def test_numbers_are_readable() -> None:
    assert (number(1234567), number(1.0), number(0.123456)) == ("1,234,567", "1", "0.1235")


def test_a_difference_is_marked_word_by_word() -> None:
    assert inline("the old cat sat", "the cat sat down") == "the [-old-] cat sat {+down+}"
    assert marked("the old cat", "the new cat") == ("the [-old-] cat", "the {+new+} cat")


def test_long_agreement_is_counted() -> None:
    same = " ".join(f"w{i}" for i in range(40))
    assert inline(f"a {same} b", f"c {same} b") == "[-a-] {+c+} w0 w1 w2 w3 w4 w5 w6 w7 …(33 words)…"


words = st.lists(st.sampled_from("abcde"), max_size=7).map(" ".join)


@given(words, words)
def test_marks_lose_no_word(before: str, after: str) -> None:
    told = inline(before, after)
    without_new = told.replace("{+", "\0{+").replace("+}", "+}\0").split("\0")
    old = " ".join(part for part in without_new if not part.startswith("{+")).replace("[-", "").replace("-]", "")
    assert old.split() == before.split()


def test_two_texts_stand_beside_each_other_only_where_there_is_room() -> None:
    titles, texts = ("gone", "kept"), ("one two", "one three")
    assert list(beside(titles, texts, Terminal(columns=60))) == ["  gone: one two", "  kept: one three"]
    assert next(beside(titles, texts, Terminal(columns=120, linear=True))) == "  gone: one two"
    assert " | " in next(beside(titles, texts, Terminal(columns=120)))
