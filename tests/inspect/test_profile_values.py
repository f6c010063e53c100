"""How the values of a column read."""

from __future__ import annotations

import re

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.inspect.measures import values
from tilth.tools.inspect.measures.values import date_format, measure, number, read_texts, shape


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), (" -1.5 ", -1.5), ("1,234", 1234.0), ("0.5", 0.5), (".5", 0.5), ("1e3", 1000.0), ("12.", 12.0)],
)
def test_numbers(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "007", "1,23", "12x", "one", "1e999", "١٢", "1 2", "NaN", "inf"])
def test_what_is_no_number(text: str) -> None:
    assert number(text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [("12.0 oz", (12.0, "oz")), ("85%", (85.0, "%")), ("$3", (3.0, "$")), ("7", None), ("3x patients", None)],
)
def test_quantities(text: str, found: object) -> None:
    assert measure(text) == found


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2024-05-06", "2024-01-31"),
        ("2024-05-06T10:11:12Z", "2024-01-31"),
        ("6/5/2024", "31/01/2024"),
        ("06.05.24", "31.01.2024"),
        ("July 29, 2014", "Jan 31, 2024"),
        ("29 July 2014", "31 Jan 2024"),
        ("2024", None),
        ("1.5.2", None),
    ],
)
def test_dates_by_the_way_they_are_written(text: str, written: str | None) -> None:
    assert date_format(text) == written


def test_shapes_fold_letters_and_keep_digits_and_signs() -> None:
    assert shape("AB-1024 x") == "A-9999 a"
    assert shape("Émile") == "Éa"


def test_a_numeric_column_names_what_does_not_fit() -> None:
    reading = read_texts({"1": 2, "2": 3, "30": 4, "x5": 1})
    assert reading.kind == "number"
    assert reading.odd == {"x5": 1}
    # 1 1 2 2 2 30 30 30 30: the fifth of nine is 2, the mean is 128 / 9
    assert reading.quantiles["p50"] == 2 and reading.quantiles["p100"] == 30
    assert reading.mean == pytest.approx(128 / 9)


def test_below_four_fifths_of_numbers_a_column_is_not_numeric() -> None:
    assert read_texts({"1": 3, "a": 1}).kind != "number"


def test_a_column_of_quantities_lists_its_units() -> None:
    reading = read_texts({"12 oz": 5, "16 oz": 3, "330 ml": 1})
    assert reading.kind == "quantity"
    assert reading.formats == {"oz": 8, "ml": 1}


def test_a_column_of_dates_lists_how_they_are_written() -> None:
    reading = read_texts({"2024-01-02": 5, "2024-01-03": 4, "3/1/2024": 1, "soon": 1})
    assert reading.kind == "date"
    assert reading.formats == {"2024-01-31": 9, "31/01/2024": 1}
    assert reading.odd == {"soon": 1}


def test_words_for_a_missing_value_take_no_part() -> None:
    reading = read_texts({"1": 5, "2": 5, "N/A": 4, "empty": 1, "": 3})
    assert reading.kind == "number"
    assert reading.odd == {}
    assert reading.placeholders == {"N/A": 4, "empty": 1}


def test_spellings_of_one_category() -> None:
    reading = read_texts({"Yes": 10, "yes": 2, "YES ": 1, "No": 7})
    assert reading.kind == "true/false" or reading.kind == "category"
    assert reading.variants == {"yes": 2, "YES ": 1}
    assert reading.padded == 1


def test_kinds_without_numbers() -> None:
    assert read_texts({"red": 5, "blue": 4}).kind == "category"
    assert read_texts({"true": 5, "false": 4}).kind == "true/false"
    assert read_texts({f"ab-{i}": 1 for i in range(9)}).kind == "code"
    assert read_texts({f"a sentence number {i}": 1 for i in range(9)}).kind == "text"
    assert read_texts({"": 4, " ": 1}).kind == "empty"


PATTERNS = [values._NUMBER, values._MEASURE, *values._DATES.values()]


@given(st.text("0123456789.,-+/:%$ eExTZJanMay", max_size=14))
def test_patterns_mean_the_same_to_duckdb(text: str) -> None:
    """Findings hand them to SQL."""
    ours = [bool(re.fullmatch(pattern, text)) for pattern in PATTERNS]
    asked = "select regexp_full_match(?, p) from (select unnest(?) as p)"
    told = duckdb.execute(asked, [text, [pattern.pattern for pattern in PATTERNS]]).fetchall()
    assert [match for (match,) in told] == ours
