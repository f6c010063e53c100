"""A simulated model over real HTTP that knows the truth and errs as often as it is told, and runs of agents that ask it.

Errors are nested: item and role draw one number u and err when u < e, so that a larger e errs on the same items and more.
Who is sampled (temperature above 0) draws anew each time.
What these runs report is never shown beside a real model's.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from tilth.evals import registry, runner, sets, summary
from tilth.evals.asking import AskingAgent
from tilth.evals.records import FOLDER, Run, create_run
from tilth.evals.suite import Agent, Instance, Limits
from tilth.evals.suites.panel import FILE

JUDGES = ("anna", "ben", "cleo")
MODELS = (*JUDGES, "dora", "pen")
HERE = Path(__file__).parent


def _load(path: Path) -> ModuleType:
    """A module among the tests: they are no package."""
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        sys.modules[path.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[path.stem])
    return sys.modules[path.stem]


sim = _load(HERE.parent / "agent" / "simulated_server.py")
panelists = _load(HERE.parent / "agent" / "scripted_panel.py")


def uniform(*parts: object) -> float:
    """A number in [0, 1) that depends on `parts` only."""
    return int.from_bytes(hashlib.sha256("\0".join(map(str, parts)).encode()).digest()[:6]) / 2**48


@dataclass
class Simulated:
    """`errors` by model; `truth` by what is shown. Every request at first meets a fault with chance `faults`."""

    instances: Sequence[Instance]
    errors: Mapping[str, float] = field(default_factory=dict)
    faults: float = 0.0
    seen: set[str] = field(default_factory=set)
    asked: Counter[tuple[object, ...]] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.good = {}
        for one in self.instances:
            for line in one.files.get(FILE, b"").decode().splitlines():
                row = json.loads(line)
                broken = one.truth["probes"][row["id"]]["broken"]
                self.good[row["question"], row["answer"]] = not broken
        self.tasks = {one.task: one for one in self.instances}

    def errs(self, model: str, *item: object) -> bool:
        return uniform("errs", model, *item) < self.errors.get(model, 0.0)

    def __call__(self, request: dict[str, Any]) -> Any:
        if self.faults and (fault := self._fault(json.dumps(request, sort_keys=True))) is not None:
            return fault
        return self._submission(request) if request.get("tools") else self._review(request)

    def _fault(self, text: str) -> Any:
        with self.lock:
            first = text not in self.seen
            self.seen.add(text)
        kinds = (sim.Status(500), sim.Torn(), sim.Raw(b"{"), sim.Status(429, headers={"retry-after": "1"}))
        return kinds[int(4 * uniform("kind", text))] if first and uniform("fault", text) < self.faults else None

    def _review(self, request: dict[str, Any]) -> str:
        user = next(one for one in request["messages"] if one["role"] == "user")
        question, answer = (panelists.fenced_text([user], label) for label in ("question", "answer"))
        item: tuple[object, ...] = question, answer
        if request["temperature"] > 0:
            with self.lock:
                self.asked[request["model"], item] += 1
                item = *item, self.asked[request["model"], item]
        good = self.good[question, answer] != self.errs(request["model"], *item)
        said = dict.fromkeys(("correct", "complete", "clean"), "yes" if good else "no")
        return json.dumps({"id": user["content"][4:12], "answers": said, "quotes": []})

    def _submission(self, request: dict[str, Any]) -> Any:
        """A look at the files, a query that is wrong, then the answer."""
        turns = sum(one["role"] == "assistant" for one in request["messages"])
        if turns == 0:
            return sim.Say(None, "tool_calls", tool_calls=[("list_files", "{}")])
        if turns == 1:
            queries = [json.dumps({"query": "select 1 as one"}), json.dumps({"query": "drop table x"})]
            return sim.Say(None, "tool_calls", tool_calls=[("sql", one) for one in queries])
        one = self.tasks[request["messages"][1]["content"]]
        wrong = next(iter(one.truth["wrong"].values()))
        answer = wrong if self.errs(request["model"], one.id) else one.truth["gold"]
        return sim.Say(None, "tool_calls", tool_calls=[("submit", json.dumps({"answer": answer}))])


@dataclass(frozen=True)
class Waitless(runner.Bench):
    """Retries wait for nothing: sleeping moves a clock of its own."""

    def agents(self) -> dict[str, Agent]:
        now = 0.0

        async def sleep(seconds: float) -> None:
            nonlocal now
            until = now + seconds
            await asyncio.sleep(0)
            now = max(now, until)

        made = super().agents()
        for one in made.values():
            if isinstance(one, AskingAgent):
                one.asking.options = {"sleep": sleep, "clock": lambda: now}
        return made


def configured(root: Path, url: str, *, reviewers: Sequence[str] = JUDGES) -> None:
    named = ", ".join(f'"openai:{name}@sim"' for name in reviewers)
    prices = "".join(f"[endpoints.sim.models.{name}]\nprice = {{input = 1, output = 2}}\n" for name in MODELS)
    root.mkdir(exist_ok=True)
    (root / "tilth.toml").write_text(
        f'[endpoints.sim]\nbase_url = "{url}"\nsimulated = true\n{prices}[roles]\ngenerator = ["openai:pen@sim"]\n'
        f'reviewer = [{named}]\nadjudicator = ["openai:dora@sim"]\n'
    )


def worked(
    root: Path, suite_name: str, *agents: str, count: int, epochs: int = 1, limits: Limits | None = None, jobs: int = 4
) -> Run:
    suite = registry.suite(suite_name)
    drawn = sets.choose(sets.PUBLIC, suite, root)
    plan, instances = runner.planned(
        suite, suite_name, drawn, registry.matrix(agents, []), count=count, epochs=epochs, limits=limits
    )
    bench = Waitless(create_run(root / FOLDER, plan), suite, instances, root)
    asyncio.run(runner.work(bench, jobs=jobs))
    return bench.run


def pooled(run: Run, label: str, name: str) -> float:
    """A ratio of sums over all instances."""
    parts = [one.score.weights[name] for one in run.records().values() if one.agent == label and one.score is not None]
    return sum(part for part, _ in parts) / sum(whole for _, whole in parts)


def mean(run: Run) -> float:
    (told,) = summary.report(run).agents
    assert told.ended == {"answered": told.jobs}
    return told.score.value or 0.0
