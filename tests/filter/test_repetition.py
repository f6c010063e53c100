"""Loops against everything else that repeats: songs, lists, tables, code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.filter._repetition import COPIES, FEWEST_WORDS, GRAM, duplicated_characters, repetition

DAYS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
]
GIFTS = [
    "A partridge in a pear tree",
    "Two turtle doves and",
    "Three French hens",
    "Four calling birds",
    "Five golden rings",
    "Six geese a-laying",
    "Seven swans a-swimming",
    "Eight maids a-milking",
    "Nine ladies dancing",
    "Ten lords a-leaping",
    "Eleven pipers piping",
    "Twelve drummers drumming",
]
TWELVE_DAYS = "\n\n".join(
    f"On the {day} day of Christmas my true love sent to me\n" + "\n".join(reversed(GIFTS[: i + 1]))
    for i, day in enumerate(DAYS)
)
VERSE = "\n".join(["The night is long and the road is longer still", "And nobody waits where the river meets the mill"])
CHORUS = "Oh bring me home, bring me home before the morning\nOh bring me home, the lamp is burning low"
LEGITIMATE = {
    "a song that counts up": TWELVE_DAYS,
    "bottles": "\n".join(
        f"{n} green bottles hanging on the wall, {n} green bottles hanging on the wall, and if one "
        f"green bottle should accidentally fall, there'd be {n - 1} green bottles hanging on the wall."
        for n in range(10, 0, -1)
    ),
    "a chorus three times": "\n\n".join([VERSE, CHORUS, VERSE.replace("river", "valley"), CHORUS, CHORUS, "The end."]),
    "items with one beginning": "\n".join(f"- What I like about this town is that {w} is near" for w in DAYS),
    "code with alike lines": "\n".join(f"    if x == {i}:\n        return area(x, y) + area(y, z)" for i in range(20)),
    "a table of noughts": "\n".join("| 0 | 0 | 0 | 0 | 0 | 0 |" for _ in range(12)),
    "a timetable": "\n".join(f"| {day} day | open | open | open | closed |" for day in DAYS),
    "few words": "No, no, no, no, no, no, no, no!",
}
SENTENCE = "The quick brown fox jumps over the lazy dog."
LOOPS = {
    "a sentence": " ".join([SENTENCE] * 12),
    "after a good start": TWELVE_DAYS[:400] + " and then the next step" * 40,
    "one word": "It was " + "very " * 40,
    "a paragraph": "\n\n".join([TWELVE_DAYS[:300]] * 4),
    "without spaces": "我们今天去公园散步，天气很好。" * 8,
}


@pytest.mark.parametrize("name", LEGITIMATE)
def test_what_repeats_for_a_reason_is_no_loop(name: str) -> None:
    assert repetition(LEGITIMATE[name]).looped < 0.2


@pytest.mark.parametrize("name", LOOPS)
def test_loops_are_found(name: str) -> None:
    assert repetition(LOOPS[name]).looped > 0.5


def test_the_duplicate_share_alone_cannot_tell_a_song_from_a_loop() -> None:
    song, loop = repetition(TWELVE_DAYS), repetition(LOOPS["after a good start"])
    assert song.duplicates > loop.duplicates * 0.9
    assert song.looped == 0
    assert loop.looped > 0.5


def test_the_place_of_the_loop_is_told() -> None:
    start = "Here is what I would do about it if I were you. "
    found = repetition(start + (SENTENCE + " ") * 6)
    assert found.loop is not None
    begin, end = found.loop
    assert (start + (SENTENCE + " ") * 6)[begin:end] == " ".join([SENTENCE] * 6)


def _duplicates_by_the_book(words: list[str]) -> int:
    """Mark what is counted, word by word."""
    counted, seen, at = [False] * len(words), [], 0
    while at + GRAM <= len(words):
        gram = words[at : at + GRAM]
        if gram in seen:
            counted[at : at + GRAM] = [True] * GRAM
            at += GRAM
        else:
            seen.append(gram)
            at += 1
    return sum(len(word) for word, hit in zip(words, counted, strict=True) if hit)


@given(st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=40))
def test_duplicated_characters_are_those_of_the_definition(words: list[str]) -> None:
    assert duplicated_characters(words) == _duplicates_by_the_book(words)


_FILLER = st.lists(st.integers(), unique=True, max_size=30).map(lambda numbers: [f"w{n}" for n in numbers])


@given(
    _FILLER,
    st.lists(st.sampled_from(["red", "green", "blue", "white"]), min_size=1, max_size=8),
    st.integers(COPIES, 9),
    _FILLER,
)
def test_copies_back_to_back_are_always_a_loop(
    before: list[str], unit: list[str], copies: int, after: list[str]
) -> None:
    words = [*before, *unit * copies, *after]
    if len(unit) * copies >= FEWEST_WORDS:
        assert repetition(" ".join(words)).looped > 0


@given(st.lists(st.integers(), unique=True, min_size=FEWEST_WORDS, max_size=60))
def test_words_that_differ_never_are(numbers: list[int]) -> None:
    found = repetition(" ".join(f"w{n}" for n in numbers))
    assert (found.duplicates, found.looped, found.loop) == (0.0, 0.0, None)


@given(st.text(max_size=200))
def test_shares_are_shares(text: str) -> None:
    found = repetition(text)
    assert 0 <= found.duplicates <= 1
    assert 0 <= found.looped <= 1
    assert (found.loop is None) == (found.looped == 0)
