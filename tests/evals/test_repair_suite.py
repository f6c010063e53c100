"""The suite `repair`: damaged cells are to be restored, whole ones left alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from tilth.evals.suite import Instance
from tilth.evals.suites.repair import SUITE, same
from tilth.tools.errors import Misuse


@pytest.fixture(scope="module")
def drawn() -> Sequence[Instance]:
    return SUITE.draw("public", 8)


def known(one: Instance, name: str) -> dict[str, Any]:
    return dict(SUITE.known(name, one, random.Random(1)) or {})  # type: ignore[arg-type]


def test_baselines_score_as_they_must(drawn: Sequence[Instance]) -> None:
    for one in drawn:
        found = {name: SUITE.score(one, known(one, name)).value for name in ("oracle", "nothing", "random", "sprayer")}
        assert (found["oracle"], found["nothing"]) == (1.0, 0.0)
        assert (found["random"] or 0.0) < 0.1 and (found["sprayer"] or 0.0) < 0.1


def test_the_first_of_many_are_those_of_a_few(drawn: Sequence[Instance]) -> None:
    assert SUITE.draw("public", 2) == drawn[:2]
    assert {one.tags["base"] for one in drawn} == {"shop", "events", "tickets", "documents"}


def test_harm_is_told_and_costs_precision(drawn: Sequence[Instance]) -> None:
    one = drawn[0]
    damaged = {tuple(cell[:3]) for cell in one.truth["cells"]}
    right = known(one, "oracle")["cells"]
    harm = next(
        cell for cell in known(one, "sprayer")["cells"] if (cell["file"], cell["row"], cell["column"]) not in damaged
    )
    score = SUITE.score(one, {"cells": [*right, {**harm, "value": "something else"}]})
    assert (score.metrics["recall"], score.weights["collateral"][0]) == (1.0, 1)
    assert score.metrics["precision"] == pytest.approx(len(right) / (len(right) + 1))


def test_a_wrong_repair_is_no_repair(drawn: Sequence[Instance]) -> None:
    one = drawn[0]
    wrong = [{**cell, "value": f"{cell['value']}?"} for cell in known(one, "oracle")["cells"]]
    assert SUITE.score(one, {"cells": wrong}).value == 0.0


def test_numbers_may_be_written_in_another_way() -> None:
    assert same("12.50", "12.5") and same("a", "a")
    assert not same("12.50", "12.6") and not same("12,50", "12.50")


def test_another_form_is_refused(drawn: Sequence[Instance]) -> None:
    cell = known(drawn[0], "oracle")["cells"][0]
    for told in ({}, {"cells": {}}, {"cells": [{}]}, {"cells": [cell, cell]}, {"cells": [{**cell, "row": "no such"}]}):
        with pytest.raises(Misuse, match=r"cells|Cell"):
            SUITE.score(drawn[0], told)
