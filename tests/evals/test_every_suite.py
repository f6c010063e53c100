"""Every built-in suite: the same instances everywhere, and what the baselines must score on some nobody has seen."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from collections.abc import Sequence
from pathlib import Path

import pytest

from tilth.evals import registry, runner, sets
from tilth.evals.records import Run, create_run
from tilth.evals.sets import digest
from tilth.evals.suite import Baseline
from tilth.tools.errors import Misuse

COUNT = 3
NAMES = [name for name in registry.built_in() if name != "wikitables"]  # that one needs data which are not here
GOLDENS = json.loads(Path(__file__).with_name("goldens.json").read_text(encoding="utf-8"))
"""The first hex digits of the hashes of public instances: made once, on Python 3.11, 3.12 and 3.13."""

HEURISTIC = {
    "contamination": (0.1, 0.95),
    "docs": (0.4, 1.0),
    "filtering": (0.8, 1.0),
    "issues": (0.2, 0.95),
    "panel": (0.3, 0.95),
    "recipes": (0.1, 1.05),
    "repair": (0.2, 0.95),
    "sqlqa": (0.0, 0.7),
    "synthesis": (-0.3, 0.9),
}
"""Between which scores rules lie: above guesses, and below the oracle where a reader is needed."""


@pytest.mark.parametrize("name", NAMES)
def test_instances_are_the_same_everywhere(name: str) -> None:
    drawn = registry.suite(name).draw(sets.PUBLIC, len(GOLDENS[name]))
    assert [digest(one)[:16] for one in drawn] == GOLDENS[name]


@pytest.mark.parametrize("name", NAMES)
def test_baselines_score_as_they_must_on_fresh_instances(name: str) -> None:
    suite, seed = registry.suite(name), secrets.token_hex(8)
    drawn = suite.draw(seed, COUNT)
    assert [digest(one) for one in suite.draw(seed, 1)] == [digest(drawn[0])], seed

    def scores(baseline: Baseline) -> list[float]:
        told = [suite.known(baseline, one, random.Random(at)) for at, one in enumerate(drawn)]
        scored = [suite.score(one, value).value for one, value in zip(drawn, told, strict=True) if value is not None]
        return [value for value in scored if value is not None]

    assert set(scores("oracle")) == {1.0}, seed
    assert max(scores("nothing"), default=0.0) <= 0.0, seed
    for baseline in ("random", "sprayer"):
        found = scores(baseline)
        assert sum(found) / len(found) < 0.6, (baseline, seed)


def ran(suite_name: str, agent: str, folder: Path, *, seeds: str, count: int) -> Run:
    suite = registry.suite(suite_name)
    drawn = sets.choose(seeds, suite, folder / "sets")
    plan, instances = runner.planned(suite, suite_name, drawn, registry.matrix([agent], []), count=count)
    bench = runner.Bench(create_run(folder, plan), suite, instances, folder)
    asyncio.run(runner.work(bench))
    return bench.run


def values(run: Run) -> Sequence[float]:
    records = run.records().values()
    assert {one.ended for one in records} == {"answered"}
    return [one.score.value for one in records if one.score is not None and one.score.value is not None]


@pytest.mark.parametrize("name", NAMES)
def test_rules_score_as_they_must_on_fresh_instances(name: str, tmp_path: Path) -> None:
    run = ran(name, "heuristic", tmp_path, seeds="fresh", count=5 if name == "issues" else COUNT)
    found, (least, most) = values(run), HEURISTIC[name]
    assert least <= sum(found) / len(found) <= most, run.plan.set


def test_some_questions_need_no_reader(tmp_path: Path) -> None:
    found = values(ran("sqlqa", "heuristic", tmp_path, seeds=sets.PUBLIC, count=14))
    assert 0.05 < sum(found) / len(found) < 0.5


def test_a_suite_without_rules_says_so(tiny: str, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="no rules for the suite"):
        ran(tiny, "heuristic", tmp_path, seeds=sets.PUBLIC, count=1)
    with pytest.raises(Misuse, match="heuristic:loose"):
        ran("panel", "heuristic:loose", tmp_path, seeds=sets.PUBLIC, count=1)


@pytest.mark.parametrize("name", NAMES)
def test_neither_task_nor_files_hold_the_id_or_the_seed(name: str) -> None:
    seed = secrets.token_hex(8)
    for one in registry.suite(name).draw(seed, 1):
        shown = b"\0".join([one.task.encode(), *one.files.values()])
        assert seed.encode() not in shown and one.id.encode() not in shown
        assert seed not in one.id
