"""Rows like a question: every cosine is exact, few pairs are missed, and the nearest are the same in any company."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.tools.contaminate._finding.similar import Near, Nearest, best
from tilth.tools.text.characters import (
    LONGEST,
    SHORTEST,
    TOGETHER,
    TfIdf,
    character_counts,
    question_counts,
)

TEXTS = st.lists(st.text("abc é\n😀İ", max_size=40), max_size=12)
SAID = "how many apples does the farmer sell in a week if each basket holds twelve and costs two dollars"


def space_of(questions: Sequence[str]) -> TfIdf:
    return TfIdf(question_counts(questions), len(questions))


def all_cosines(space: TfIdf, questions: Sequence[str], texts: Sequence[str]) -> np.ndarray:
    found: np.ndarray = np.round((space.vectors(texts) @ space.vectors(questions).T).toarray(), 6)
    return found


def nearest(questions: Sequence[str], texts: Sequence[str], *, block: int, least: float = 0.3) -> dict[int, list[Near]]:
    search = Nearest(space_of(questions), questions, count=5, least=least)
    for low in range(0, len(texts), block):
        some = texts[low : low + block]
        search.show(some, range(low, low + len(some)), [0] * len(some))
    return dict(search.found())


def sentences(count: int, seed: int) -> list[str]:
    rng, words = random.Random(seed), SAID.split()
    return [" ".join(rng.choice(words) for _ in range(rng.randint(1, 40))) for _ in range(count)]


@given(TEXTS)
def test_a_text_has_an_ngram_for_every_place_and_the_same_ones_in_any_company(texts: list[str]) -> None:
    counts = character_counts(texts)
    for number, text in enumerate(texts):
        size = len(" ".join(text.lower().split()))
        places = sum(max(0, size - n + 1) for n in range(SHORTEST, LONGEST + 1))
        alone = character_counts([text])
        assert counts[number].sum() == places
        assert (counts[number] != alone).nnz == 0


def test_more_texts_than_are_counted_at_a_time() -> None:
    texts = sentences(2 * TOGETHER + 3, seed=1)
    counts = character_counts(texts)
    assert counts.shape[0] == len(texts)
    for number in (0, TOGETHER - 1, TOGETHER, len(texts) - 1):
        assert (counts[number] != character_counts([texts[number]])).nnz == 0


@settings(deadline=None)
@given(TEXTS, TEXTS, st.sampled_from([0.05, 0.3, 0.9]))
def test_a_cosine_that_is_given_is_exact(questions: list[str], texts: list[str], least: float) -> None:
    space = space_of(questions)
    places, items, cosines = space.compared(questions, least=least)(texts)
    every = all_cosines(space, questions, texts)
    assert (cosines >= least).all()
    assert np.allclose(cosines, every[places, items], rtol=0, atol=1.1e-6)
    assert len(set(zip(places.tolist(), items.tolist(), strict=True))) == len(places)


@pytest.mark.parametrize("least", [0.1, 0.2, 0.3])
def test_nearly_every_pair_that_is_near_enough_is_found(least: float) -> None:
    questions, texts = sentences(150, seed=2), sentences(200, seed=3)
    space = space_of(questions)
    places, _, _ = space.compared(questions, least=least)(texts)
    assert len(places) >= 0.99 * (all_cosines(space, questions, texts) >= least).sum() > 100


def test_the_nearest_do_not_depend_on_what_is_compared_at_a_time() -> None:
    questions, texts = sentences(40, seed=4), sentences(120, seed=5)
    texts += texts[:30]  # as near as each other: the first are kept
    whole = nearest(questions, texts, block=len(texts))
    assert len(whole) > 30 and len(whole[0]) == 5
    assert nearest(questions, texts, block=1) == nearest(questions, texts, block=7) == whole
    search = space_of(questions).compared(questions, least=0.3)
    every = [Near(place, 0, cosine) for place, item, cosine in zip(*map(list, search(texts)), strict=True) if item == 0]
    assert whole[0] == best(every, 5)


def test_what_is_missed_of_real_rows(shared_data: Path) -> None:
    def asked(name: str, count: int) -> list[str]:
        lines = (shared_data / "gsm8k" / name).read_text(encoding="utf-8").splitlines()[:count]
        return [json.loads(line)["question"] for line in lines]

    questions, texts = asked("test.jsonl", 1_319), asked("train.jsonl", 1_500)
    exact = all_cosines(space_of(questions), questions, texts)
    found = nearest(questions, texts, block=TOGETHER)
    wanted = [
        (item, int(place))
        for item in range(len(questions))
        for place in np.argsort(-exact[:, item], kind="stable")[:5]
        if exact[place, item] >= 0.3
    ]
    kept = {(item, one.position) for item, near in found.items() for one in near}
    assert sum(pair in kept for pair in wanted) >= 0.98 * len(wanted) > 300
