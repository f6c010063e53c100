"""The suite wikitables: the same denotation is the same answer. The data themselves are no part of the project."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.evals.suites.wikitables import QUESTIONS, SUITE, VARIABLE, denotes
from tilth.tools.errors import Misuse

BASELINES = (("oracle", 1.0), ("nothing", 0.0), ("sprayer", 0.0))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny set in the upstream form."""
    folder = tmp_path / "wikitablequestions"
    (folder / "csv").mkdir(parents=True)
    (folder / "csv" / "1.csv").write_text('"Town","People"\n"Ashby \\"the old\\"","1,204"\n"Brook","317"\n')
    lines = ["id\tutterance\tcontext\ttargetValue", "nu-0\thow many in ashby?\tcsv/1.csv\t1,204",
             "nu-1\twhich towns?\tcsv/1.csv\tAshby|Brook", "nu-2\twho is smaller?\tcsv/1.csv\tBrook"]  # fmt: skip
    (folder / QUESTIONS).write_text("\n".join(lines) + "\n")
    monkeypatch.setenv(VARIABLE, str(tmp_path))


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(("name", "expected"), BASELINES)
def test_baselines_score_as_they_must(name: Any, expected: float) -> None:
    drawn = SUITE.draw("public", 3)
    assert SUITE.draw("public", 2) == drawn[:2]
    assert {SUITE.score(one, SUITE.known(name, one, random.Random(1)) or {}).value for one in drawn} == {expected}
    assert {one.tags["answer"] for one in drawn} == {"several", "number", "text"}


@pytest.mark.usefixtures("made")
def test_more_than_there_are_is_refused() -> None:
    with pytest.raises(Misuse, match="holds 3 questions"):
        SUITE.draw("public", 4)


def test_without_the_data_it_says_where_they_belong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(Misuse, match="are not here"):
        SUITE.draw("public", 1)


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


def test_real_questions(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(shared_data))
    drawn = SUITE.draw("public", 200)
    for name, expected in BASELINES:
        values = [SUITE.score(one, SUITE.known(name, one, random.Random(1)) or {}).value for one in drawn]
        assert set(values) == {expected}
    guessed = [SUITE.score(one, SUITE.known("random", one, random.Random(1)) or {}).value or 0.0 for one in drawn]
    assert sum(guessed) / len(guessed) < 0.1
