"""The suite contamination: planted leaks at every level, look-alikes, and the shipped scan measured on both."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tilth.evals.heuristics import contamination as rules
from tilth.evals.leaks.making import LEAKED, LEVELS
from tilth.evals.leaks.writing import SCENES, Slots
from tilth.evals.planted.draw import Draw
from tilth.evals.suite import Instance, Score
from tilth.evals.suites.contamination import BENCHMARK, SUITE, TRAINING
from tilth.tools.errors import Misuse


@pytest.fixture(scope="module")
def drawn() -> Sequence[Instance]:
    return SUITE.draw("public", 30)


def scores(drawn: Sequence[Instance], name: Any) -> list[Score]:
    made = [SUITE.known(name, one, random.Random(at)) or {} for at, one in enumerate(drawn)]
    return [SUITE.score(one, submission) for one, submission in zip(drawn, made, strict=True)]


def rows(one: Instance, file: str, key: str) -> dict[str, dict[str, str]]:
    lines = [json.loads(line) for line in one.files[file].decode().splitlines()]
    return {line[key]: line for line in lines}


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def test_baselines_score_as_they_must(drawn: Sequence[Instance]) -> None:
    assert {one.value for one in scores(drawn, "oracle")} == {1.0}
    assert {one.metrics["level_accuracy"] for one in scores(drawn, "oracle")} == {1.0}
    assert {one.value for one in scores(drawn, "nothing")} == {0.0}
    assert {one.value for one in scores(drawn, "sprayer")} == {0.0}
    guessed = [one.value or 0.0 for one in scores(drawn, "random")]
    assert abs(sum(guessed) / len(guessed)) < 0.15


def test_every_level_is_what_its_name_says(drawn: Sequence[Instance]) -> None:
    for one in drawn[:10]:
        items, training = rows(one, BENCHMARK, "id"), rows(one, TRAINING, "row")
        assert set(Counter(one.truth["levels"].values())) == set(LEVELS)
        for id, level in one.truth["levels"].items():
            asked = words(items[id]["question"])
            if level == "absent":
                assert id not in one.truth["rows"]
                continue
            text = training[one.truth["rows"][id]]["text"]
            shared = longest(asked, words(text))
            match level:
                case "exact":
                    assert text.startswith(items[id]["question"])
                case "near_verbatim":
                    assert len(set(asked) & set(words(text))) >= 0.85 * len(set(asked))
                case "partial":
                    assert 8 <= shared < 0.8 * len(asked)
                case "rephrased":
                    assert shared < 8
                    assert {word for word in asked if word.isdigit()} <= set(words(text))


def longest(one: Sequence[str], other: Sequence[str]) -> int:
    """Words of the longest run that stands in both."""
    return max((n for i in range(len(one)) for j in range(len(other)) if (n := run(one[i:], other[j:]))), default=0)


def run(one: Sequence[str], other: Sequence[str]) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def test_both_wordings_of_a_scene_use_the_same_facts() -> None:
    slots = set(Slots.drawn(Draw(1)))
    for scene in SCENES:
        for wording in scene:
            assert set(re.findall(r"\{(\w+)\}", " ".join(wording))) == slots


def test_place_and_key_tell_nothing(drawn: Sequence[Instance]) -> None:
    places: list[float] = []
    for one in drawn:
        order = list(rows(one, BENCHMARK, "id"))
        places += [order.index(id) / (len(order) - 1) for id, level in one.truth["levels"].items() if level in LEAKED]
    assert abs(sum(places) / len(places) - 0.5) < 4 * (1 / 12 / len(places)) ** 0.5


@pytest.mark.parametrize("submission", [{}, {"items": []}, {"items": {"?": "exact"}}, {"items": {}, "more": 1}])
def test_what_is_no_submission_is_refused(drawn: Sequence[Instance], submission: Any) -> None:
    with pytest.raises(Misuse):
        SUITE.score(drawn[0], submission)


def test_a_verdict_there_is_not_is_refused(drawn: Sequence[Instance]) -> None:
    id = next(iter(drawn[0].truth["levels"]))
    with pytest.raises(Misuse, match="absent"):
        SUITE.score(drawn[0], {"items": {id: "absent"}})


# --- the scan, without a model ---


def test_the_scan_finds_what_is_verbatim_and_takes_look_alikes_for_a_part(
    drawn: Sequence[Instance], tmp_path: Path
) -> None:
    found: list[Score] = []
    for one in drawn[:4]:
        folder = tmp_path / one.id
        folder.mkdir()
        for name, body in one.files.items():
            (folder / name).write_bytes(body)
        found.append(SUITE.score(one, rules.submission(folder, one.task)))

    def mean(level: str) -> float:
        values = [one.families[level] for one in found if level in one.families]
        return sum(values) / len(values)

    assert mean("exact") == 1.0
    assert mean("near_verbatim") > 0.8
    assert mean("rephrased") < 0.5
    assert mean("absent") > mean("look_alike")
    assert 0.1 < sum(one.value or 0.0 for one in found) / len(found) < 0.95
