"""The suite synthesis: what written texts are worth to a learner, signed; copies are worth nothing."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.evals.proxies.naive_bayes import tokens
from tilth.evals.proxies.pools import OWN
from tilth.evals.proxies.shots import MORE, SHOTS
from tilth.evals.suite import Instance, Score
from tilth.evals.suites.synthesis import FILE, SUITE
from tilth.tools.errors import Misuse


@pytest.fixture(scope="module")
def drawn() -> Sequence[Instance]:
    return SUITE.draw("public", 6)


def scored(one: Instance, name: Any) -> Score:
    return SUITE.score(one, SUITE.known(name, one, random.Random(5)) or {})


def shown(one: Instance) -> list[dict[str, str]]:
    return [json.loads(line) for line in one.files[FILE].decode().splitlines()]


def test_baselines_score_as_they_must_and_wrong_labels_do_harm(drawn: Sequence[Instance]) -> None:
    assert {scored(one, "oracle").value for one in drawn} == {1.0}
    assert {scored(one, "nothing").value for one in drawn} == {0.0}
    assert {scored(one, "sprayer").value for one in drawn} == {0.0}
    assert all(scored(one, "sprayer").metrics["copies"] == 1.0 for one in drawn)
    guessed = [scored(one, "random").value or 0.0 for one in drawn]
    assert sum(guessed) / len(guessed) < -0.1


def test_labels_are_even_and_hidden_texts_are_not_shown(drawn: Sequence[Instance]) -> None:
    for one in drawn:
        assert set(Counter(row["label"] for row in shown(one)).values()) == {SHOTS}
        given = {row["text"] for row in shown(one)}
        assert not given & {text for text, _ in one.truth["hidden"]}
        assert one.truth["all"] > one.truth["few"] + 0.05


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_copies_in_another_order_are_worth_nothing(drawn: Sequence[Instance], rng: random.Random) -> None:
    one = drawn[0]
    copies = [
        {"text": " ".join(rng.sample(words, len(words))).upper(), "label": rng.choice(list(OWN))}
        for row in shown(one)[:10]
        for words in [tokens(row["text"])]
    ]
    score = SUITE.score(one, {"rows": copies})
    assert (score.value, score.metrics["copies"]) == (0.0, 1.0)


def test_half_of_what_can_be_written_is_worth_less_than_all(drawn: Sequence[Instance]) -> None:
    values = []
    for one in drawn:
        rows = [{"text": text, "label": label} for text, label in one.truth["more"]]
        values.append(SUITE.score(one, {"rows": rows[: len(rows) // 2]}).value or 0.0)
    assert 0.2 < sum(values) / len(values) < 1.0


@pytest.mark.parametrize(
    ("submission", "says"),
    [
        ({}, "one key"),
        ({"rows": {}}, "one key"),
        ({"rows": ["x"]}, "Row 0"),
        ({"rows": [{"text": "x", "label": 3}]}, "Row 0"),
        ({"rows": [{"text": "x", "label": "weather"}]}, "weather"),
        ({"rows": [{"text": f"x{i}", "label": "refund"} for i in range(MORE + 1)]}, "21 rows"),
    ],
)
def test_what_is_no_submission_is_refused(drawn: Sequence[Instance], submission: Any, says: str) -> None:
    with pytest.raises(Misuse, match=says):
        SUITE.score(drawn[0], submission)
