"""Every built-in suite on instances nobody has seen: what the baselines must score, whatever the seed."""

from __future__ import annotations

import random
import secrets
from typing import Literal

import pytest

from tilth.evals import registry
from tilth.evals.sets import digest

COUNT = 3
NAMES = [name for name in registry.built_in() if name != "wikitables"]  # that one needs data which are not here

Baseline = Literal["oracle", "nothing", "random", "sprayer"]


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


@pytest.mark.parametrize("name", NAMES)
def test_neither_task_nor_files_hold_the_id_or_the_seed(name: str) -> None:
    seed = secrets.token_hex(8)
    for one in registry.suite(name).draw(seed, 1):
        shown = b"\0".join([one.task.encode(), *one.files.values()])
        assert seed.encode() not in shown and one.id.encode() not in shown
        assert seed not in one.id
