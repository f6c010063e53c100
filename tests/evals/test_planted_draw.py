"""Seeded choices and filled sentences."""

from __future__ import annotations

from itertools import islice

from tilth.evals.planted.draw import Draw, Speaker, lines, pairs


def test_a_draw_uses_all_of_its_range() -> None:
    draw = Draw(1)
    assert {draw.between(3, 5) for _ in range(100)} == {3, 4, 5}
    assert {draw.below(2) for _ in range(100)} == {0, 1}
    assert sorted(draw.some("abc", 5)) == ["a", "b", "c"]
    assert sorted(draw.shuffled(range(50))) == list(range(50))


def test_keys_are_all_different_and_those_of_the_seed() -> None:
    keys = list(islice(Draw(4).keys(), 2000))
    assert len(set(keys)) == 2000
    assert {len(key) for key in keys} == {6}
    assert keys[:5] == list(islice(Draw(4).keys(), 5)) != list(islice(Draw.named("4").keys(), 5))


def test_a_speaker_keeps_what_was_settled_and_answers_what_was_asked() -> None:
    speaker = Speaker(Draw(2), {"fruit": ("apple", "pear", "plum"), "dish": ("{a fruit} pie",)}, town="Cindle")
    assert speaker.fill("{town}") == "Cindle"
    assert speaker.fill("{dish}") in ("an apple pie", "a pear pie", "a plum pie")
    speaker.settle("fruit")
    assert len({speaker.fill("{fruit}") for _ in range(20)}) == 1
    other = Speaker(Draw(3), {"fruit": ("apple", "pear", "plum")})
    for _ in range(20):
        question, answer = other.exchange(("{fruit}?", "yes, {fruit}."))
        assert answer == f"Yes, {question[:-1].lower()}."


def test_blocks_of_sentences() -> None:
    block = """
        one
        two and
            a half
    """
    assert lines(block) == ("one", "two and a half")
    assert pairs(block) == (("one", ""), ("two and", "a half"))
