"""The suite `repair`: damaged cells are to be restored, whole ones left alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tilth.evals.suite import Instance
from tilth.evals.suites.repair import SUITE, same
from tilth.tools.errors import BadInput, Misuse


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


def pair_of(folder: Path, *, rows: int = 250) -> Path:
    """A dirty and a clean table; every seventh row has a misspelt city."""
    folder.mkdir()
    lines = [(str(at), "birmingham", f"35{at % 9}") for at in range(rows)]
    for name, letter in (("clean.csv", "m"), ("dirty.csv", "x")):
        told = [(id, city.replace("m", letter) if int(id) % 7 == 0 else city, zip) for id, city, zip in lines]
        (folder / name).write_text("".join(",".join(row) + "\n" for row in [("id", "city", "zip"), *told]))
    return folder


def test_a_real_pair_is_dealt_out_in_blocks(tmp_path: Path) -> None:
    suite = SUITE.with_data(pair_of(tmp_path / "my towns"))
    assert suite.name == "repair[my-towns]"
    drawn = suite.draw("public", 3)
    assert suite.draw("public", 1) == drawn[:1] != suite.draw("another", 1)
    assert sum(one.files["table.csv"].count(b"\n") - 1 for one in drawn) == 250
    assert sum(len(one.truth["cells"]) for one in drawn) == 36
    for one in drawn:
        scores = {name: suite.score(one, known(one, name)).value for name in ("oracle", "nothing", "sprayer")}
        assert scores["oracle"] == 1.0 and scores["nothing"] == 0.0 and (scores["sprayer"] or 0.0) < 1
    with pytest.raises(Misuse, match="gives 3 instances of 100 rows, not 4"):
        suite.draw("public", 4)


def test_what_is_no_pair_is_refused(tmp_path: Path) -> None:
    folder = pair_of(tmp_path / "towns")
    before = SUITE.with_data(folder).data
    with (folder / "clean.csv").open("a") as file:
        file.write("250,birmingham,359\n")
    with pytest.raises(BadInput, match="are no pair"):
        SUITE.with_data(folder)
    with (folder / "dirty.csv").open("a") as file:
        file.write("250,birmingham,359\n")
    assert SUITE.with_data(folder).data != before
    (folder / "clean.csv").unlink()
    with pytest.raises(Misuse, match=r"clean\.csv cannot be read"):
        SUITE.with_data(folder)


def test_hospital(shared_data: Path) -> None:
    suite = SUITE.with_data(shared_data / "hospital")
    drawn = suite.draw("public", 10)
    assert (suite.name, sum(len(one.truth["cells"]) for one in drawn)) == ("repair[hospital]", 509)
    assert {suite.score(one, known(one, "oracle")).value for one in drawn} == {1.0}
    assert {suite.score(one, known(one, "nothing")).value for one in drawn} == {0.0}
    assert all((suite.score(one, known(one, "sprayer")).value or 0.0) < 0.1 for one in drawn)
