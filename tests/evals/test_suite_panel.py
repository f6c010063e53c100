"""The suite panel: a judge's figures, and rows that try to talk it round."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.evals.planted.draw import Draw
from tilth.evals.probes.figures import accepted_accuracy, mean_phi, phi
from tilth.evals.probes.making import ATTACKS, CRITERIA, KINDS, PROBES
from tilth.evals.probes.writing import row
from tilth.evals.suite import Instance
from tilth.evals.suites.panel import FILE, SUITE
from tilth.tools.errors import Misuse


@pytest.fixture(scope="module")
def drawn() -> Sequence[Instance]:
    return SUITE.draw("public", 40)


def figures(drawn: Sequence[Instance], name: Any) -> list[dict[str, float]]:
    made = [SUITE.known(name, one, random.Random(at)) or {} for at, one in enumerate(drawn)]
    return [dict(SUITE.score(one, submission).metrics) for one, submission in zip(drawn, made, strict=True)]


def test_every_kind_and_every_attack_is_there(drawn: Sequence[Instance]) -> None:
    made = [probe for one in drawn for probe in one.truth["probes"].values()]
    assert set(Counter(probe["kind"] for probe in made)) == set(KINDS)
    assert {probe["form"] for probe in made if probe["kind"] == "injected"} == set(ATTACKS)
    assert all(bool(probe["broken"]) == (probe["kind"] != "good") for probe in made)
    assert all(len(one.truth["probes"]) == PROBES for one in drawn)


def test_a_row_shows_nothing_of_its_kind_but_what_it_says(drawn: Sequence[Instance]) -> None:
    places: list[float] = []
    for one in drawn:
        rows = [json.loads(line) for line in one.files[FILE].decode().splitlines()]
        assert all(set(shown) == {"id", "question", "answer"} for shown in rows)
        good = [at for at, shown in enumerate(rows) if one.truth["probes"][shown["id"]]["kind"] == "good"]
        places += [at / (len(rows) - 1) for at in good]
    assert abs(sum(places) / len(places) - 0.5) < 4 * (1 / 12 / len(places)) ** 0.5


def test_baselines_score_as_they_must(drawn: Sequence[Instance]) -> None:
    assert {one["youden"] for one in figures(drawn, "oracle")} == {1.0}
    assert {one["attack_success"] for one in figures(drawn, "oracle")} == {0.0}
    assert {one["youden"] for one in figures(drawn, "nothing")} == {0.0}
    assert {one["youden"] for one in figures(drawn, "sprayer")} == {0.0}
    assert {one["attack_success"] for one in figures(drawn, "sprayer")} == {1.0}
    guessed = [one["youden"] for one in figures(drawn, "random")]
    assert abs(sum(guessed) / len(guessed)) < 0.1


def test_a_slip_is_never_the_answer() -> None:
    for seed in range(300):
        made = row(Draw(seed))
        assert made.answer not in made.slips
        assert len(made.slips) >= 2


def test_scores_and_answers_by_criterion_are_one_verdict(drawn: Sequence[Instance]) -> None:
    one = drawn[0]
    by_criterion = SUITE.known("oracle", one, random.Random(0)) or {}
    by_score = {id: 10 if all(said.values()) else 6.9 for id, said in by_criterion["answers"].items()}
    assert SUITE.score(one, {"answers": by_score}) == SUITE.score(one, by_criterion)


@pytest.mark.parametrize(
    "submission",
    [{}, {"answers": []}, {"answers": {"?": 3}}, {"answers": {}, "more": 1}, {"answers": {}, "reviewers": 3}],
)
def test_what_is_no_submission_is_refused(drawn: Sequence[Instance], submission: Any) -> None:
    with pytest.raises(Misuse):
        SUITE.score(drawn[0], submission)


@pytest.mark.parametrize("said", [11, -1, True, "yes", {"correct": True}, dict.fromkeys(CRITERIA, "yes"), None])
def test_what_is_no_verdict_is_refused(drawn: Sequence[Instance], said: Any) -> None:
    id = next(iter(drawn[0].truth["probes"]))
    with pytest.raises(Misuse):
        SUITE.score(drawn[0], {"answers": {id: said}})


def test_reviewers_are_measured_apart(drawn: Sequence[Instance]) -> None:
    one = drawn[0]
    right = (SUITE.known("oracle", one, random.Random(0)) or {})["answers"]
    blind = dict.fromkeys(right, 10)
    score = SUITE.score(one, {"answers": right, "reviewers": {"a": blind, "b": blind, "c": right}})
    assert score.value == 1.0
    assert score.metrics["error_correlation"] == pytest.approx(1.0)
    assert 0 < score.metrics["reviewer_accuracy"] < 1


# --- figures ---

SHARES = st.floats(0.01, 0.99)


@given(SHARES, SHARES, SHARES)
def test_accepted_accuracy_is_bayes_and_gains_where_a_judge_is_better_than_chance(
    p: float, se: float, fpr: float
) -> None:
    found = accepted_accuracy(p, se, fpr)
    assert found is not None
    assert found == pytest.approx(1 / (1 + (1 - p) / p * fpr / se))
    assert (found > p + 1e-9) == (se > fpr + 1e-9) or abs(se - fpr) < 1e-6
    assert accepted_accuracy(p, 0, 0) is None


ERRORS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40)


@given(ERRORS)
def test_phi_is_the_correlation_of_zeros_and_ones(pairs: list[tuple[bool, bool]]) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    found = phi(one, other)
    if len(set(one)) < 2 or len(set(other)) < 2:
        assert found is None
        return
    n, a, b = len(pairs), sum(one) / len(pairs), sum(other) / len(pairs)
    covariance = sum((x - a) * (y - b) for x, y in pairs) / n
    assert found == pytest.approx(covariance / (a * (1 - a) * b * (1 - b)) ** 0.5)
    assert mean_phi([one, other, one]) == pytest.approx((1 + 2 * (found or 0)) / 3)
