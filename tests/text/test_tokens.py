"""The words cut from Arrow buffers are those of the regular expression, and equal hashes mean equal words."""

from __future__ import annotations

import random
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.tools.text import tokens

HOSTILE = "abcXYZ019_ .,-\n\t" * 3 + "éÉßǅﬁΣσςİı漢🎉\u0301\u2019\u201c½²Ⅷ٣\u200d\x00\x7f\x80\xa0\u2028\ufeffK"
EXAMPLES = [
    ["", "a", "a", "", "Hello World", "x_1 Y-2", " ", "tail", "head of"],
    ["İstanbul ΣΑΣ", "straße Éa ﬁx ½ ² ٣ _", "漢字 カナ ab漢c", "e\u0301 🎉x", "Ω", "plain", "w" * 500 + "é"],
    ["q" * 700, "q" * 701, "w" * 63, "w" * 64, "w" * 65, "é" * 40, "ends in \u00e9", "\u00e9"],
    ["<script>", "'; DROP TABLE rows; --", "\x1b[31mred", "../../etc/passwd", "a\u202eb"],
]


def regular(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def cut(documents: list[str | None]) -> list[list[str]]:
    return spelled(tokens.words(pa.array(documents, pa.large_string())))


def spelled(words: tokens.Words) -> list[list[str]]:
    flat = [words.text[low:high].tobytes().decode() for low, high in zip(words.start, words.end, strict=True)]
    return [flat[low:high] for low, high in zip(words.first[:-1], words.first[1:], strict=True)]


@pytest.mark.parametrize("documents", EXAMPLES)
def test_words_are_those_of_the_regular_expression(documents):
    assert cut(documents) == [regular(text) for text in documents]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=40), st.text(HOSTILE, max_size=90)), max_size=12))
def test_words_of_any_text(documents):
    documents = [text.encode(errors="replace").decode() for text in documents]
    assert cut(documents) == [regular(text) for text in documents]


def test_every_code_point():
    letters = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    documents = ["-".join(f"A{letter}x" for letter in letters[low : low + 64]) for low in range(0, len(letters), 64)]
    assert cut(documents) == [regular(text) for text in documents]
    together = "".join(f" {letter}x" for letter in letters if letter not in "İΣ")
    assert cut([together]) == [regular(together)]


def test_null_slices_and_both_string_types():
    for kind in (pa.string(), pa.large_string()):
        array = pa.array(["drop me", "Two words", None, "é É", "no"], kind)
        assert spelled(tokens.words(array.slice(1, 3))) == [["two", "words"], [], ["é", "é"]]
        assert spelled(tokens.words(array.slice(5))) == []


def test_blocks_cover_the_documents_in_order():
    array = pa.array(["x" * size for size in (0, 3, 900, 0, 0, 5, 100, 100, 1)])
    for size in (1, 50, 101, 10_000):
        parts = list(tokens.blocks(array, size))
        assert pa.concat_arrays(parts).equals(array)
        assert all(len(part) == 1 or sum(map(len, part.to_pylist())) <= size for part in parts)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(HOSTILE, max_size=90), max_size=8))
def test_hashes_are_equal_where_words_and_runs_are(documents):
    words = tokens.words(pa.array(documents, pa.large_string()))
    hashes = tokens.word_hashes(words)
    expected = [regular(text) for text in documents]
    one_to_one([word for text in expected for word in text], hashes.tolist())
    for n in (1, 2, 3, 5, 8, 12, 13):
        runs = tokens.run_hashes(hashes, n)[tokens.runs_inside(words.first, n)]
        named = [tuple(text[i : i + n]) for text in expected for i in range(len(text) - n + 1)]
        one_to_one(named, runs.tolist())


def one_to_one(names, hashes):
    assert len(names) == len(hashes)
    assert len(set(names)) == len(set(hashes)) == len(set(zip(names, hashes, strict=True)))


def test_a_word_hash_does_not_depend_on_where_the_word_stands():
    rng = random.Random(4)
    words = ["".join(rng.choice("abcé_9") for _ in range(size)) for size in range(1, 90) for _ in range(5)]
    alone = {word: tokens.word_hashes(tokens.words(pa.array([word])))[0] for word in words}
    assert len(set(alone.values())) == len(alone)
    rng.shuffle(words)
    together = tokens.word_hashes(tokens.words(pa.array([" ".join(words), ",".join(words)])))
    assert together.tolist() == [alone[word] for word in words * 2]


def test_characters_of_scripts_without_spaces_stand_alone():
    documents = ["Hello 世界hello", "漢字カナ混じり文", "", "한국어 문장", "กขค abc", "𠀀𠀁x", "é x", "々ー"]
    found = spelled(tokens.split_unspaced(tokens.words(pa.array(documents))))
    assert found == [
        ["hello", "世", "界", "hello"],
        list("漢字カナ混じり文"),
        [],
        ["한국어", "문장"],
        ["ก", "ข", "ค", "abc"],
        ["𠀀", "𠀁", "x"],
        ["é", "x"],
        ["々", "ー"],
    ]


def test_splitting_changes_nothing_else():
    words = tokens.words(pa.array(["plain", "naïve café", "“quoted”"]))
    again = tokens.split_unspaced(words)
    assert spelled(again) == spelled(words)
    assert np.array_equal(tokens.word_hashes(again), tokens.word_hashes(words))
