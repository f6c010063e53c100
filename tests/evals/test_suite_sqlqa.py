"""The suite sqlqa: what is asked can be answered, no mistake answers it, and answers are compared by type."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.evals.sqlqa.answers import Column, bird_same, same
from tilth.evals.sqlqa.making import item
from tilth.evals.suite import Instance
from tilth.evals.suites.sqlqa import SUITE
from tilth.tools.errors import Misuse

TEXT, NUMBER, DAY = Column("name", "text"), Column("figure", "number", 0.01), Column("day", "date")


@pytest.fixture(scope="module")
def drawn() -> Sequence[Instance]:
    return SUITE.draw("public", 14)


def value(one: Instance, submission: Any) -> float | None:
    return SUITE.score(one, submission).value


def test_every_shape_has_its_turn(drawn: Sequence[Instance]) -> None:
    assert set(Counter(one.tags["shape"] for one in drawn).values()) == {2}


@pytest.mark.parametrize(("name", "expected"), [("oracle", 1.0), ("nothing", 0.0), ("random", 0.0), ("sprayer", 0.0)])
def test_baselines_score_as_they_must(drawn: Sequence[Instance], name: Any, expected: float) -> None:
    assert {value(one, SUITE.known(name, one, random.Random(3))) for one in drawn} == {expected}


def test_the_answer_comes_from_the_files_an_agent_sees(drawn: Sequence[Instance]) -> None:
    for one in drawn:
        score = SUITE.score(one, {"sql": one.truth["sql"]})
        assert (score.value, score.metrics["bird_ex"]) == (1.0, 1.0)


def test_no_mistake_gives_the_answer_and_each_is_known_by_its_own(drawn: Sequence[Instance]) -> None:
    for one in drawn:
        assert one.truth["needs"] or one.tags["shape"] == "idle"
        assert len(one.truth["wrong"]) >= 2
        for wrong in one.truth["wrong"].values():
            score = SUITE.score(one, {"answer": wrong})
            assert (score.value, score.metrics["known_mistake"]) == (0.0, 1.0)


def test_what_a_mistake_answers_is_found_by_running_it() -> None:
    made = item("seed", "by place")
    for name, mutant in made.question.query.mutants().items():
        assert mutant.sql() != made.question.query.sql(), name
    assert set(made.wrong) == set(made.question.query.mutants())


@pytest.mark.parametrize(
    "sql", ["select 1 from nowhere", "drop table trips", "selec", "select * from read_csv('/etc/passwd')", ""]
)
def test_sql_that_is_wrong_or_forbidden_is_a_wrong_answer(drawn: Sequence[Instance], sql: str) -> None:
    score = SUITE.score(drawn[0], {"sql": sql})
    assert score.value == 0.0
    assert score.notes


@pytest.mark.parametrize(
    "submission", [{}, {"answer": "42"}, {"answer": [[{"a": 1}]]}, {"rows": []}, {"answer": [], "sql": "select 1"}]
)
def test_what_is_no_submission_is_refused(drawn: Sequence[Instance], submission: Any) -> None:
    with pytest.raises(Misuse):
        SUITE.score(drawn[0], submission)


def test_cells_are_compared_by_type() -> None:
    gold = [["Old  mill", 1.25, "2024-03-05"], ["park", None, None]]
    columns = (TEXT, NUMBER, DAY)
    assert same([["PARK ", "", None], ["old mill", "1.255", "2024-03-05T00:00:00"]], gold, columns)
    assert not same([["park", 0, None], ["old mill", 1.25, "2024-03-05"]], gold, columns)
    assert not same([["park", None, None], ["old mill", 1.27, "2024-03-05"]], gold, columns)
    assert not same([["park", None, None], ["old mill", 1.25, "2024-03-06"]], gold, columns)
    assert not same([["old mill", 1.25, "2024-03-05"], ["park", None, None], ["park", None, None]], gold, columns)
    assert not same([["park"]], [["park", 1.0]], (TEXT, NUMBER))


def test_doubles_count_here_and_not_in_bird() -> None:
    assert bird_same([["a", 1], ["a", 1]], [["a", 1]], (TEXT, NUMBER))
    assert not same([["a", 1], ["a", 1]], [["a", 1]], (TEXT, NUMBER))


def test_numbers_within_reach_of_several_are_matched_one_to_one() -> None:
    two = (Column("x", "number", 1.0), Column("y", "number", 1.0))
    assert same([[0.0, 0.0], [1.0, -1.0]], [[1.0, 0.5], [0.5, -1.5]], two)
    assert not same([[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [5.0, 0.0]], two)


CELLS = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["a", "B", " b", ""]))
ROWS = st.lists(st.tuples(CELLS, st.integers(-50, 50)), max_size=7)


@given(ROWS, st.randoms(use_true_random=False))
def test_a_result_is_itself_in_any_order_and_no_other(rows: list[tuple[Any, int]], rng: random.Random) -> None:
    columns = (TEXT, NUMBER)
    mixed = rng.sample(rows, len(rows))
    assert same(mixed, rows, columns)
    assert same(rows, rows, columns, ordered=True)
    assert same(rows, mixed, columns) == same(mixed, rows, columns)
    if rows:
        assert not same(mixed[1:], rows, columns)
        changed = [(mixed[0][0], mixed[0][1] + 1000), *mixed[1:]]
        assert not same(changed, rows, columns)
