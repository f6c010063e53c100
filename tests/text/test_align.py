"""Comparing a text with a part of an item: against brute force, and in the offsets of hostile texts."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.text import align as _align
from tilth.tools.text.align import Vocabulary, Words, overlap, spans

HOSTILE = ["İ", "İstanbul", "ΣΑΣ", "é", "e\u0301", "\U0001f600", "\r\n", "\n", " ", "-", "don't", "word", "漢字", "ẞ", "\ufb01x",
           "a\u0307", "_", "\x00"]  # fmt: skip


def numbers(*texts: list[str]) -> list[np.ndarray]:
    vocabulary = Vocabulary()
    return [vocabulary.numbers(text) for text in texts]


def longest_common_run(one: list[str], other: list[str]) -> int:
    best = 0
    for i in range(len(one)):
        for j in range(len(other)):
            k = 0
            while i + k < len(one) and j + k < len(other) and one[i + k] == other[j + k]:
                k += 1
            best = max(best, k)
    return best


def test_runs_equal_brute_force_on_random_pairs() -> None:
    shared = 0
    for seed in range(500):
        rng = random.Random(seed)
        words = [str(i) for i in range(rng.choice([2, 5, 40]))]
        part, text = rng.choices(words, k=rng.randrange(5, 25)), rng.choices(words, k=rng.randrange(30))
        if rng.random() < 0.5:
            text[rng.randrange(len(text) + 1) :] = part[rng.randrange(5) :]
        n = 5
        found = overlap(*numbers(part, text), n)
        assert found.longest == longest_common_run(part, text)
        held = {tuple(text[j : j + n]) for j in range(len(text) - n + 1)}
        assert found.grams.tolist() == [tuple(part[i : i + n]) in held for i in range(len(part) - n + 1)]
        assert bool(found.extended) == (found.longest >= n)
        for one in found.extended:
            assert any(run.length >= n for run in one.runs)
            for run in one.runs:
                assert part[run.item : run.item + run.length] == text[run.row : run.row + run.length]
            for run, following in zip(one.runs, one.runs[1:], strict=False):
                assert 0 <= following.item - run.item - run.length <= 2
                assert 0 <= following.row - run.row - run.length <= 2
        for share in (found.token_match, found.ngram_match, found.token_extend, found.longest_match):
            assert 0 <= share <= 1
        assert found.token_extend >= found.token_match
        shared += found.longest >= n
    assert shared > 100


PART = [f"w{i}" for i in range(30)]


@pytest.mark.parametrize(
    ("change", "matched"),
    [
        (lambda words: words, 30),
        (lambda words: [*words[:15], "new", *words[15:]], 30),
        (lambda words: [*words[:15], *words[16:]], 29),
        (lambda words: [*words[:15], "other", *words[16:]], 29),
        (lambda words: [*words[:15], "two", "others", *words[17:]], 28),
        (lambda words: [*words[:15], "now", "three", "others", *words[18:]], 15),
        (lambda words: [*words[:10], "x", *words[10:20], "y", *words[20:]], 30),
    ],
)
def test_a_match_goes_on_past_two_other_words(change, matched: int) -> None:  # type: ignore[no-untyped-def]
    found = overlap(*numbers(PART, ["before", *change(PART), "after"]), 8)
    assert found.extended[0].matched == matched
    assert found.longest_match == matched / 30


@given(st.lists(st.sampled_from(HOSTILE), max_size=30).map("".join))
def test_words_lie_where_they_say(text: str) -> None:
    cut = Words.of(text)
    assert len(cut.start) == len(cut.end) == len(cut)
    for word, start, end in zip(cut.word, cut.start, cut.end, strict=True):
        assert 0 <= start < end <= len(text)
        # The lower case of a final sigma depends on what stands around it.
        assert text[start:end].lower().replace("ς", "σ").rstrip("\u0307") == word.replace("ς", "σ").rstrip("\u0307")
    assert list(cut.start) == sorted(cut.start)


@given(
    st.lists(st.lists(st.sampled_from(HOSTILE), max_size=12).map("".join), max_size=4),
    st.lists(st.sampled_from(HOSTILE), max_size=20).map("".join),
)
def test_a_reported_span_occurs_in_both_texts(pieces: list[str], part: str) -> None:
    cut, item = [Words.of(piece) for piece in pieces], Words.of(part)
    if len(item) < 2:
        return
    row = [word for piece in cut for word in piece.word]
    found = overlap(*numbers(list(item.word), row), 2)
    for one in found.extended:
        inside = spans(one.runs, item, cut)
        total = 0
        for span in inside:
            piece = cut[span.piece]
            ours = [
                w
                for w, s, e in zip(piece.word, piece.start, piece.end, strict=True)
                if span.start <= s and e <= span.end
            ]
            theirs = [w for w, s, e in zip(item.word, item.start, item.end, strict=True)
                      if span.item_start <= s and e <= span.item_end]  # fmt: skip
            assert ours == theirs
            assert ours
            total += len(ours)
        assert total == one.matched


def test_a_very_long_text_is_looked_at_only_where_the_part_has_words() -> None:
    rng = random.Random(11)
    part = [f"p{rng.randrange(40)}" for _ in range(50)]
    text = [f"t{rng.randrange(9_000)}" for _ in range(300_000)]
    text[200_000:200_030] = part[10:40]
    text[100_000:100_012] = part[:12]
    found = overlap(*numbers(part, text), 8)
    assert found.longest == 30
    assert {(one.runs[0].row, one.matched) for one in found.extended} >= {(200_000, 30), (100_000, 12)}


def test_matches_that_are_looked_for_in_stretches_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(100):
        rng = random.Random(seed)
        words = [str(i) for i in range(rng.choice([1, 2, 5]))]
        part, text = rng.choices(words, k=rng.randrange(5, 25)), rng.choices(words, k=rng.randrange(40))
        whole = overlap(*numbers(part, text), 5)
        monkeypatch.setattr(_align, "_AGREEING", rng.choice([1, 9, 30]))
        parted = overlap(*numbers(part, text), 5)
        monkeypatch.undo()
        assert (parted.longest, parted.extended) == (whole.longest, whole.extended)
        assert parted.longest == longest_common_run(part, text)
        assert parted.grams.tolist() == whole.grams.tolist()
