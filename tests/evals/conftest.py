"""A tiny suite by its path, and runs of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tilth.evals import registry, runner, sets
from tilth.evals.records import FOLDER, Run, create_run
from tilth.evals.suite import Limits

TINY = Path(__file__).with_name("tiny_suite.py")


@pytest.fixture(scope="session")
def tiny() -> str:
    """The path of the suite's file; `f"{tiny}:Adder"` is an agent."""
    return str(TINY)


MakeBench = Callable[..., runner.Bench]
MakeRun = Callable[..., Run]


@pytest.fixture
def make_bench(tmp_path: Path, tiny: str) -> MakeBench:
    """`make_bench(*agents, models=(), n=8, epochs=1, seeds="public", limits=None, folder=tmp_path)`; nothing is run."""

    def make(
        *agents: str,
        models: Sequence[str] = (),
        n: int = 8,
        epochs: int = 1,
        seeds: str = "public",
        limits: Limits | None = None,
        folder: Path = tmp_path,
        variables: Sequence[str] = (),
    ) -> runner.Bench:
        suite, runs = registry.suite(tiny), folder / FOLDER
        named = [one.replace("tiny:", f"{tiny}:") for one in agents]
        drawn = sets.choose(seeds, suite, runs / "sets")
        plan, instances = runner.planned(
            suite, tiny, drawn, registry.matrix(named, models), count=n, epochs=epochs, limits=limits
        )
        return runner.Bench(create_run(runs, plan), suite, instances, folder, variables)

    return make


@pytest.fixture
def make_run(make_bench: MakeBench) -> MakeRun:
    """As `make_bench`, and worked off."""

    def make(*agents: str, jobs: int = 4, budget_usd: float | None = None, **options: Any) -> Run:
        bench = make_bench(*agents, **options)
        asyncio.run(runner.work(bench, jobs=jobs, budget_usd=budget_usd))
        return bench.run

    return make
