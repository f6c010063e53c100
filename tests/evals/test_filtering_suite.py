"""The suite `filtering`: bad lines go, good ones stay, of copies one stays, and the rest does not count."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.evals.suite import Instance
from tilth.evals.suites.filtering import FILE, SUITE
from tilth.tools.errors import Misuse


@pytest.fixture(scope="module")
def drawn() -> Sequence[Instance]:
    return SUITE.draw("public", 8)


def values(drawn: Sequence[Instance], name: str) -> list[float]:
    made = [SUITE.known(name, one, random.Random(at)) for at, one in enumerate(drawn)]  # type: ignore[arg-type]
    return [SUITE.score(one, told or {}).value or 0.0 for one, told in zip(drawn, made, strict=True)]


def test_baselines_score_as_they_must(drawn: Sequence[Instance]) -> None:
    assert set(values(drawn, "oracle")) == {1.0}
    assert set(values(drawn, "nothing")) == {0.0}
    assert values(drawn, "sprayer") == pytest.approx([0.0] * len(drawn))
    assert abs(sum(values(drawn, "random")) / len(drawn)) < 0.2  # either of two copies may go, so a little above 0


def test_the_first_of_many_are_those_of_a_few(drawn: Sequence[Instance]) -> None:
    assert SUITE.draw("public", 2) == drawn[:2]
    assert len({one.id for one in drawn}) == len(drawn)
    assert drawn[0].files[FILE].count(b"\n") == drawn[0].truth["lines"]


SMALL = Instance(
    id="small",
    suite="filtering",
    task="",
    files={},
    submission={},
    truth={
        "lines": 8,
        "kinds": {"1": ["not_json"], "2": ["mojibake"], "3": ["exact_duplicate"], "4": ["exact_duplicate"]}
        | {"5": ["exact_duplicate", "empty_turn"]},
        "decoys": {"8": ["echo"]},
        "copies": [[3, 4, 5]],
    },
)


@pytest.mark.parametrize(
    ("drop", "sensitivity", "specificity"),
    [
        ([1, 3, 5], 1.0, 1.0),
        ([1, 4, 5], 1.0, 1.0),
        ([1, 2, 4, 5], 1.0, 1.0),  # damaged letters count neither way
        ([1, 3, 4, 5], 1.0, 3 / 4),  # nothing is left of the copies
        ([5], 1 / 3, 1.0),
        ([6, 8], 0.0, 2 / 4),
    ],
)
def test_lines_count_as_the_task_says(drop: list[int], sensitivity: float, specificity: float) -> None:
    score = SUITE.score(SMALL, {"drop": drop})
    assert (score.metrics["sensitivity"], score.metrics["specificity"]) == (sensitivity, specificity)
    assert score.value == pytest.approx(sensitivity + specificity - 1)


def test_a_dropped_look_alike_is_told() -> None:
    assert SUITE.score(SMALL, {"drop": [7, 8]}).metrics["look_alikes_dropped"] == 1


@given(st.sets(st.integers(1, 8)), st.sampled_from([6, 7, 8]))
def test_keeping_a_good_line_never_lowers_the_score(dropped: set[int], good: int) -> None:
    with_it, without = (SUITE.score(SMALL, {"drop": sorted(lines)}) for lines in (dropped | {good}, dropped - {good}))
    assert without.value is not None and with_it.value is not None and without.value > with_it.value


@pytest.mark.parametrize(
    "told", [{}, {"drop": [0]}, {"drop": [9]}, {"drop": ["1"]}, {"drop": [True]}, {"drop": 1}, {"keep": []}]
)
def test_another_form_is_refused(told: Mapping[str, Any]) -> None:
    with pytest.raises(Misuse, match=r"drop|no line"):
        SUITE.score(SMALL, told)
