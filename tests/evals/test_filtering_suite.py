"""The suite `filtering`: bad lines go, good ones stay, of copies one stays, and the rest does not count."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.evals.suite import Instance
from tilth.evals.suites.filtering import FILE, SUITE
from tilth.tools.errors import BadInput, Misuse


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


def votes_of(folder: Path, *, texts: int = 50) -> Path:
    """Every third text is bad, every sixth by all votes."""
    folder.mkdir()
    lines = [json.dumps({"text": f"text {at}", "label": int(at % 3 > 0)}) for at in range(texts)]
    (folder / "majority_data.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "agreement_data.jsonl").write_text("\n".join(lines[::6]) + "\n")
    return folder


def test_votes_are_dealt_out(tmp_path: Path) -> None:
    suite = SUITE.with_data(votes_of(tmp_path / "votes"))
    drawn = suite.draw("public", 2)
    assert suite.name == "filtering[votes]"
    assert suite.draw("public", 1) == drawn[:1] != suite.draw("another", 1)
    texts = [json.loads(line)["text"] for one in drawn for line in one.files["texts.jsonl"].decode().splitlines()]
    assert len(set(texts)) == len(texts) == 40
    for one in drawn:
        lines = one.files["texts.jsonl"].decode().splitlines()
        bad = [at for at, line in enumerate(lines, 1) if int(json.loads(line)["text"].split()[1]) % 3 == 0]
        score = suite.score(one, {"drop": bad})
        assert score.value == 1.0 and set(score.families) <= {"bad_unanimous", "bad_contested"}
    with pytest.raises(Misuse, match="gives 2 instances of 20 texts, not 3"):
        suite.draw("public", 3)
    (tmp_path / "votes" / "majority_data.jsonl").write_text('{"text": "a"}\n')
    with pytest.raises(BadInput, match=r"majority_data\.jsonl:1 is no labelled text"):
        SUITE.with_data(tmp_path / "votes")


def test_people_s_votes_on_web_pages(shared_data: Path) -> None:
    suite = SUITE.with_data(shared_data / "dclm_quality")
    drawn = suite.draw("public", 24)
    assert suite.name == "filtering[dclm_quality]"
    known = {name: [suite.known(name, one, random.Random(1)) for one in drawn] for name in ("oracle", "nothing")}  # type: ignore[arg-type]
    for name, value in (("oracle", 1.0), ("nothing", 0.0)):
        told = [suite.score(one, made or {}).value for one, made in zip(drawn, known[name], strict=True)]
        assert told == [value] * len(drawn)
