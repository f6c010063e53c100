"""The suite wikitables: the same denotation is the same answer. The data themselves are no part of the project."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.evals.suite import Suite
from tilth.evals.suites.wikitables import QUESTIONS, SUITE, denotes
from tilth.tools.errors import Misuse

BASELINES = (("oracle", 1.0), ("nothing", 0.0), ("sprayer", 0.0))


@pytest.fixture
def made(tmp_path: Path) -> Suite:
    """A tiny set in the upstream form."""
    folder = tmp_path / "wikitablequestions"
    (folder / "csv").mkdir(parents=True)
    (folder / "csv" / "1.csv").write_text('"Town","People"\n"Ashby \\"the old\\"","1,204"\n"Brook","317"\n')
    lines = ["id\tutterance\tcontext\ttargetValue", "nu-0\thow many in ashby?\tcsv/1.csv\t1,204",
             "nu-1\twhich towns?\tcsv/1.csv\tAshby|Brook", "nu-2\twho is smaller?\tcsv/1.csv\tBrook"]  # fmt: skip
    (folder / QUESTIONS).write_text("\n".join(lines) + "\n")
    return SUITE.with_data(folder)


@pytest.mark.parametrize(("name", "expected"), BASELINES)
def test_baselines_score_as_they_must(made: Suite, name: Any, expected: float) -> None:
    drawn = made.draw("public", 3)
    assert made.name == "wikitables[wikitablequestions]"
    assert made.draw("public", 2) == drawn[:2]
    assert {SUITE.score(one, SUITE.known(name, one, random.Random(1)) or {}).value for one in drawn} == {expected}
    assert {one.tags["answer"] for one in drawn} == {"several", "number", "text"}


def test_more_than_there_are_is_refused(made: Suite) -> None:
    with pytest.raises(Misuse, match="gives 3 instances"):
        made.draw("public", 4)


def test_without_the_data_it_says_how_they_are_named(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="needs the WikiTableQuestions data"):
        SUITE.draw("public", 1)
    with pytest.raises(Misuse, match="cannot be read"):
        SUITE.with_data(tmp_path)


def test_a_table_elsewhere_is_not_read(made: Suite, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text('"a"\n')
    folder = tmp_path / "wikitablequestions"
    with (folder / QUESTIONS).open("a") as file:
        file.write("nu-3\twhat?\t../secret.csv\ta\n")
    with pytest.raises(Misuse, match="is not in"):
        SUITE.with_data(folder)


@pytest.mark.parametrize(
    ("given", "gold", "same"),
    [
        (["1204"], ["1,204"], True),
        (["3.0"], ["3"], True),
        (["January 26, 1995"], ["1995-01-26"], True),
        (["Müller"], ['"muller"'], True),
        (["b", "A", "a"], ["a", "b"], True),
        (["Brook (town)"], ["brook[2]"], True),
        (["a"], ["a", "b"], False),
        (["1205"], ["1,204"], False),
        ([], ["a"], False),
    ],
)
def test_the_same_denotation(given: list[str], gold: list[str], same: bool) -> None:
    assert denotes(given, gold) == same


@given(st.lists(st.text(max_size=9), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_any_answer_denotes_itself_in_any_order(values: list[str], rng: random.Random) -> None:
    assert denotes(rng.sample(values, len(values)), values)


def test_real_questions(shared_data: Path) -> None:
    drawn = SUITE.with_data(shared_data / "wikitablequestions").draw("public", 200)
    for name, expected in BASELINES:
        values = [SUITE.score(one, SUITE.known(name, one, random.Random(1)) or {}).value for one in drawn]
        assert set(values) == {expected}
    guessed = [SUITE.score(one, SUITE.known("random", one, random.Random(1)) or {}).value or 0.0 for one in drawn]
    assert sum(guessed) / len(guessed) < 0.1
