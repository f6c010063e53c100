"""Texts with damaged characters: what each fix changes, what it must leave alone, and that once is enough."""

from __future__ import annotations

import re
import unicodedata

import pytest
from ftfy.badness import MOJIBAKE_CATEGORIES, is_bad
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.clean._characters import (
    FIXES,
    as_nfc,
    changed_span,
    looks_clean,
    may_be_mojibake,
    repaired,
    with_one_line_end,
    without_control_characters,
    without_mojibake,
    without_zero_width,
)

ZWNJ, ZWJ, ZWSP = "\u200c", "\u200d", "\u200b"


@pytest.mark.parametrize(
    ("damaged", "whole"),
    [
        ("cafÃ© dâ€™or", "café d’or"),
        ("\x93quoted\x94", "“quoted”"),
        ("Ð¿Ñ€Ð¸Ð²ÐµÑ‚", "привет"),
        ("twice: cafÃƒÂ©", "twice: café"),
        ("A = Ï€ * r^2", "A = π * r^2"),
    ],
)
def test_mojibake_is_read_again(damaged: str, whole: str) -> None:
    assert without_mojibake(damaged) == whole


@pytest.mark.parametrize(
    "text", ["São Paulo à l’été", "Größe ≥ 5 µm — “ja”", "«Ёлка» и всё…", "中文 文本", "5 × 3² = 45"]
)
def test_right_text_outside_ascii_is_no_mojibake(text: str) -> None:
    assert without_mojibake(text) == text


def test_quoted_mojibake_stays_unless_the_prose_is_damaged_too() -> None:
    assert without_mojibake("`Ã©` means é was read wrongly") == "`Ã©` means é was read wrongly"
    assert without_mojibake("```\nÃ© Ã¼\n```") == "```\nÃ© Ã¼\n```"
    assert without_mojibake("cafÃ© `Ã©`") == "café `é`"


_TABLES = "".join(
    chr(i) for i in range(0x80, 0x10000) if re.match(f"[{''.join(MOJIBAKE_CATEGORIES.values())}]", chr(i))
)


@given(st.text(st.sampled_from(_TABLES + "ВГРСвЂ√≈‚ÄàΓΒΞΟβ€āÃ ÂabzAZ .,?!×²Œœ\n"), max_size=12))
def test_the_cheap_test_misses_nothing_ftfy_finds(text: str) -> None:
    assert may_be_mojibake(text) or not is_bad(text)


def test_line_ends_become_one_kind() -> None:
    assert with_one_line_end("a\r\nb\rc\u2028d\u2029e\n") == "a\nb\nc\nd\ne\n"


def test_control_characters_go_and_separators_of_lines_stay_as_such() -> None:
    assert without_control_characters("a\x00b\x07\tc\nd\x7f") == "ab\tc\nd"
    assert without_control_characters("page\x0cnext\x0bline\x85end") == "page\nnext\nline\nend"
    assert without_control_characters("\x1b[1;31mred\x1b[0m \x1bX") == "red X"
    assert without_control_characters("a\r\nb") == "a\r\nb"


@pytest.mark.parametrize(
    "text",
    [
        "👨‍👩‍👧‍👦 👩🏽‍⚕️ 🏳️‍🌈 🏴‍☠️ ❤️‍🔥 👁️‍🗨️ 🐻‍❄️ 🐈‍⬛ 🏃🏽‍♀️‍➡️ 🧑🏿‍🤝‍🧑🏻",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # the flag of Scotland
        f"می{ZWNJ}خواهم کتاب{ZWNJ}ها را بخوانم",
        f"क्{ZWJ}ष र्{ZWJ}य क्{ZWNJ}ष",
        f"ශ්{ZWJ}රී",
        f"ន{ZWSP}ខ្មែរ สวัสดี{ZWSP}ครับ",
        f"ه{ZWJ}.ق",
    ],
)
def test_joiners_that_scripts_and_emoji_need_stay(text: str) -> None:
    assert without_zero_width(text) == text
    assert repaired(text, FIXES) == (as_nfc(text), []) or as_nfc(text) != text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"zero{ZWSP}width", "zerowidth"),
        ("\ufeffstart", "start"),
        ("no\u2060break", "nobreak"),
        (f"Auf{ZWNJ}lage a{ZWJ}b", "Auflage ab"),
        (f"👍{ZWJ} done", "👍 done"),
        (f"می{ZWNJ}{ZWNJ}{ZWSP}خ", f"می{ZWNJ}خ"),
        ("hid\U000e0048\U000e0069den", "hidden"),
    ],
)
def test_characters_nobody_sees_go(text: str, clean: str) -> None:
    assert without_zero_width(text) == clean


def test_nfc_is_the_last_fix() -> None:
    text, repairs = repaired(f"e{ZWSP}\u0301", FIXES)
    assert text == "é"
    assert [one.reason for one in repairs] == ["zero_width", "not_nfc"]


def test_the_span_is_the_smallest_that_holds_every_change() -> None:
    assert changed_span("abcXXdef", "abcdef") == (3, 5)
    assert changed_span("aXbYc", "abc") == (1, 4)
    assert changed_span("aa", "aaa") == (2, 2)


@given(st.text(max_size=40), st.text(max_size=40))
def test_outside_the_span_both_texts_are_the_same(before: str, after: str) -> None:
    start, end = changed_span(before, after)
    tail = len(before) - end
    assert before[:start] == after[:start]
    assert before[end:] == after[len(after) - tail :]
    assert start + tail <= len(after)


_MESSY = st.text(
    st.one_of(
        st.sampled_from(
            "aé e\u0301 ÃÂâ€™œ©\x93\x85\r\n\x1b[0m\x00\u200b\u200c\u200d\u2060\ufeff👩🏽👧क्षमی\u2028\U000e0041`"
        ),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=30,
)


@given(_MESSY)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once, _ = repaired(text, FIXES)
    assert repaired(once, FIXES) == (once, [])


@given(_MESSY)
def test_what_looks_clean_is_left_alone(text: str) -> None:
    if looks_clean(text):
        assert repaired(text, FIXES) == (text, [])


@given(st.text(st.characters(max_codepoint=0x7E, exclude_categories=["Cc"], include_characters="\n\t")))
def test_plain_ascii_looks_clean(text: str) -> None:
    assert looks_clean(text)


@given(_MESSY)
def test_a_clean_text_holds_nothing_that_a_fix_takes_away(text: str) -> None:
    clean, _ = repaired(text, FIXES)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u2060\ufeff]", clean)
    assert unicodedata.is_normalized("NFC", clean)
