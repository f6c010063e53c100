"""A tiny suite by its path, and runs of it."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tilth.evals import registry, runner, sets
from tilth.evals.records import FOLDER, Run, create_run
from tilth.evals.suite import Limits
from tilth.tui.cli import main

TINY = str(Path(__file__).with_name("tiny_suite.py"))


def bench_of(
    *agents: str,
    folder: Path,
    models: Sequence[str] = (),
    n: int = 8,
    epochs: int = 1,
    seeds: str = "public",
    limits: Limits | None = None,
    variables: Sequence[str] = (),
) -> runner.Bench:
    suite, runs = registry.suite(TINY), folder / FOLDER
    choices = registry.matrix([one.replace("tiny:", f"{TINY}:") for one in agents], models)
    drawn = sets.choose(seeds, suite, runs / "sets")
    plan, instances = runner.planned(suite, TINY, drawn, choices, count=n, epochs=epochs, limits=limits)
    return runner.Bench(create_run(runs, plan), suite, instances, folder, variables)


def run_of(*agents: str, jobs: int = 4, budget_usd: float | None = None, **options: Any) -> Run:
    bench = bench_of(*agents, **options)
    asyncio.run(runner.work(bench, jobs=jobs, budget_usd=budget_usd))
    return bench.run


@pytest.fixture(scope="session")
def judges() -> ModuleType:
    """The module `simulated_judges`: `judges.Simulated`, `judges.worked`, …; the tests are no package."""
    path = Path(__file__).with_name("simulated_judges.py")
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        sys.modules[path.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[path.stem])
    return sys.modules[path.stem]


@pytest.fixture(scope="session")
def tiny() -> str:
    """The path of the suite's file; `f"{tiny}:Adder"` is an agent."""
    return TINY


@pytest.fixture
def make_bench(tmp_path: Path) -> Callable[..., runner.Bench]:
    """`make_bench(*agents, models=(), n=8, epochs=1, seeds="public", limits=None, folder=tmp_path)`; nothing is run."""
    return lambda *agents, **options: bench_of(*agents, **{"folder": tmp_path, **options})


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """As `make_bench`, and worked off."""
    return lambda *agents, **options: run_of(*agents, **{"folder": tmp_path, **options})


@pytest.fixture(scope="module")
def mixed_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Agents that answer, fail and spend, one of them named in markup; 12 instances, 2 epochs."""
    hostile = "cmd:/no/such/<script>alert(1)</script>\u202e|`x`"
    run = partial(run_of, "oracle", "nothing", "tiny:Adder", "tiny:Failing", hostile)
    return run(folder=tmp_path_factory.mktemp("mixed"), n=12, epochs=2, limits=Limits(seconds=2, tokens=1000))


@pytest.fixture
def tilth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """`tilth(*words)` -> exit code and the last JSON line of `tilth eval …`."""

    def call(*words: str) -> tuple[int, dict[str, Any]]:
        code = main(["--workspace", str(tmp_path), "--json", "eval", *words])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    return call
