"""Agents that ask models, against a simulated one over real HTTP that knows the truth and errs as often as it is told.

Errors are nested: item and role draw one number u and err when u < e, so that a larger e errs on the same items and more.
Who is sampled (temperature above 0) draws anew each time.
What these runs report is never shown beside a real model's.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tilth.evals import registry, runner, sets, summary
from tilth.evals.agents.panel import VARIANTS
from tilth.evals.probes.figures import accepted_accuracy
from tilth.evals.records import FOLDER, Run, create_run
from tilth.evals.suite import Agent, Instance, Limits
from tilth.evals.suites.panel import FILE
from tilth.tools.errors import Misuse
from tilth.tui.cli import main
from tilth.tui.pages.evals import render_html
from tilth.tui.render.evals import PER_ACCEPTED, report
from tilth.tui.render.evals_md import markdown
from tilth.tui.terminal import Terminal

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
            one.asking.options = {"sleep": sleep, "clock": lambda: now}  # type: ignore[attr-defined]
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


@pytest.fixture(scope="module")
def probes() -> Sequence[Instance]:
    return registry.suite("panel").draw(sets.PUBLIC, 6)


# --- the panel ---


def accepts(variant: str, e: float, a: float) -> tuple[float, float]:
    """-> (sensitivity, false positive rate) of a variant, where reviewers err with chance e and the adjudicator with a.

    Scores are 0 or 10 and the cut is 7: three of three accept, two of three are near the cut, one is not.
    """

    def by(yes: float, vote: float) -> float:
        all_three, two = yes**3, 3 * yes**2 * (1 - yes)
        match variant:
            case "no_adjudicator":
                return all_three
            case "majority":
                return all_three + two
            case "no_reviewer":
                return vote
        return all_three + two * vote

    return by(1 - e, 1 - a), by(e, a)


def test_every_variant_accepts_as_the_closed_form_says(tmp_path: Path, probes: Sequence[Instance]) -> None:
    e, a = 0.2, 0.1
    answers = Simulated(probes, {**dict.fromkeys(JUDGES, e), "dora": a})
    agents = [f"panel:{variant}" for variant in VARIANTS]
    with sim.SimulatedServer(answers, models=MODELS, context=None) as server:
        configured(tmp_path, server.url)
        run = worked(tmp_path, "panel", *agents, count=5)
    probes = probes[:5]
    good = sum(not one["broken"] for instance in probes for one in instance.truth["probes"].values())
    whole = sum(len(instance.truth["probes"]) for instance in probes)
    found = {}
    for variant, label in zip(VARIANTS, agents, strict=True):
        se, fpr = accepts(variant, e, a)
        measured = pooled(run, label, "sensitivity"), 1 - pooled(run, label, "specificity")
        for value, expected, n in zip(measured, (se, fpr), (good, whole - good), strict=True):
            assert abs(value - expected) <= 4 * (expected * (1 - expected) / n) ** 0.5 + 1e-9, variant
        found[variant] = pooled(run, label, "accepted_accuracy")
        assert found[variant] == pytest.approx(accepted_accuracy(good / whole, *measured))
    assert min(found.values()) > good / whole
    assert found["full"] == found["replace"]


def test_with_a_limit_of_tokens_all_variants_spend_the_same(tmp_path: Path, probes: Sequence[Instance]) -> None:
    """The adjudicator alone asks a third of the full panel, so it goes round about three times: what most of its votes say
    errs as the closed form has it."""
    a, count = 0.2, 4
    answers = Simulated(probes, {**dict.fromkeys(JUDGES, 0.2), "dora": a})
    agents = [f"panel:{variant}" for variant in VARIANTS]
    with sim.SimulatedServer(answers, models=MODELS, context=None) as server:
        configured(tmp_path, server.url)
        (one,) = worked(tmp_path, "panel", "panel:no_reviewer", count=1).records().values()
        limit = 5 * one.usage.tokens + one.usage.tokens // 10
        run = worked(tmp_path, "panel", *agents, count=count, limits=Limits(tokens=limit))
    records = list(run.records().values())
    assert {record.ended for record in records} == {"answered"}
    assert all(0.9 * limit < record.usage.tokens <= limit for record in records)
    assert all(record.score.metrics["accepted"] > 0 for record in records if record.score is not None)
    n = sum(len(instance.truth["probes"]) for instance in probes[:count])
    good = sum(not one["broken"] for instance in probes[:count] for one in instance.truth["probes"].values())
    three, five = 3 * a**2 - 2 * a**3, 10 * a**3 * (1 - a) ** 2 + 5 * a**4 * (1 - a) + a**5
    for name, rows in (("sensitivity", good), ("specificity", n - good)):
        found = 1 - pooled(run, "panel:no_reviewer", name)
        assert five - 4 * (five * (1 - five) / rows) ** 0.5 <= found <= three + 4 * (three * (1 - three) / rows) ** 0.5
        assert found < a


def test_a_panel_gets_worse_with_its_judges_and_never_by_chance_better(
    tmp_path: Path, probes: Sequence[Instance]
) -> None:
    scores = []
    for number, error in enumerate((0.0, 0.2, 0.5)):
        answers = Simulated(probes, dict.fromkeys(MODELS, error))
        with sim.SimulatedServer(answers, models=MODELS, context=None) as server:
            configured(tmp_path / str(number), server.url)
            scores.append(mean(worked(tmp_path / str(number), "panel", "panel", count=2)))
    assert scores[0] == 1.0
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


def test_faults_lose_and_double_nothing(tmp_path: Path, probes: Sequence[Instance]) -> None:
    told = []
    for faults in (0.0, 0.4):
        answers = Simulated(probes, dict.fromkeys(MODELS, 0.2), faults=faults)
        folder = tmp_path / str(faults)
        with sim.SimulatedServer(answers, models=MODELS, context=None) as server:
            configured(folder, server.url)
            records = worked(folder, "panel", "panel", count=1, epochs=2).records()
        assert len(records) == 2
        assert {one.ended for one in records.values()} == {"answered"}
        told.append({key: (one.score, one.usage.calls, one.usage.usd) for key, one in records.items()})
        paid = sum(one.usage.calls for one in records.values())
        assert (server.calls > paid) == (faults > 0)
    assert told[0] == told[1]


def test_another_epoch_asks_anew(tmp_path: Path, probes: Sequence[Instance]) -> None:
    with sim.SimulatedServer(Simulated(probes), models=MODELS, context=None) as server:
        configured(tmp_path, server.url)
        run = worked(tmp_path, "panel", "panel", count=1, epochs=2)
    first, second = run.records().values()
    assert first.usage.calls == second.usage.calls > 0
    assert server.calls == first.usage.calls + second.usage.calls


def test_an_outage_is_no_score_and_what_was_answered_is_counted_once(
    tmp_path: Path, probes: Sequence[Instance]
) -> None:
    answers, down = Simulated(probes, dict.fromkeys(MODELS, 0.2)), threading.Event()

    def failing(request: dict[str, Any]) -> Any:
        return sim.Status(503) if down.is_set() and server.calls > before + 40 else answers(request)

    with sim.SimulatedServer(failing, models=MODELS, context=None) as server:
        configured(tmp_path, server.url)
        before = 0
        (whole,) = worked(tmp_path, "panel", "panel", count=1).records().values()
        before = server.calls
        down.set()
        run = worked(tmp_path, "panel", "panel", count=1)
        (stopped,) = run.records().values()
        assert (stopped.ended, stopped.score) == ("unavailable", None)
        assert 0 < stopped.usage.calls < whole.usage.calls
        down.clear()
        bench = runner.reopen(run, tmp_path)
        asyncio.run(runner.work(Waitless(bench.run, bench.suite, bench.instances, bench.root)))
    (resumed,) = run.records().values()
    assert (resumed.ended, resumed.score) == ("answered", whole.score)
    assert (resumed.usage.calls, resumed.usage.usd) == (whole.usage.calls, whole.usage.usd)


def test_a_budget_ends_a_job_and_what_it_took_is_known(tmp_path: Path, probes: Sequence[Instance]) -> None:
    with sim.SimulatedServer(Simulated(probes), models=MODELS, context=None) as server:
        configured(tmp_path, server.url)
        run = worked(tmp_path, "panel", "panel", count=1, limits=Limits(tokens=2000))
    (record,) = run.records().values()
    assert (record.ended, record.score) == ("over_budget", None)
    assert record.usage.tokens_in + record.usage.tokens_out > 2000
    assert record.usage.usd > 0


def test_who_asked_a_simulated_endpoint_is_marked(tmp_path: Path, probes: Sequence[Instance]) -> None:
    with sim.SimulatedServer(Simulated(probes), models=MODELS, context=None) as server:
        configured(tmp_path, server.url)
        run = worked(tmp_path, "panel", "panel", count=1)
    assert [one.usage.simulated for one in run.records().values()] == [True]
    assert summary.report(run).simulated


def test_a_report_tells_what_an_accepted_row_cost(tmp_path: Path, probes: Sequence[Instance]) -> None:
    with sim.SimulatedServer(Simulated(probes), models=MODELS, context=None) as server:
        configured(tmp_path, server.url)
        run = worked(tmp_path, "panel", "panel", "nothing", count=2)
    told = summary.report(run)
    usages = [one.usage for one in run.records().values() if one.agent == "panel"]
    rows = sum(not one["broken"] for instance in probes[:2] for one in instance.truth["probes"].values())
    panel, nothing = (agent.spent for agent in told.agents)
    assert panel.usd_per_accepted.value == pytest.approx(sum(one.usd for one in usages) / rows)
    assert panel.tokens_per_accepted.value == pytest.approx(sum(one.tokens for one in usages) / rows)
    assert not nothing.usd_per_accepted.known and not nothing.tokens_per_accepted.known
    figure = f"${panel.usd_per_accepted.value:.6f}".rstrip("0")
    page, table = render_html(told), "\n".join(markdown(told))
    screen = "\n".join(report(told, [], Terminal(columns=120)))
    for text in (page, table, screen):
        assert PER_ACCEPTED in text and figure in text.replace("\\", "")


def test_what_cannot_judge_says_so(tmp_path: Path, probes: Sequence[Instance]) -> None:
    with sim.SimulatedServer(Simulated(probes), models=MODELS, context=None) as server:
        configured(tmp_path, server.url)
        with pytest.raises(Misuse, match="judges rows, and suite contamination has none"):
            worked(tmp_path, "contamination", "panel", count=1)
        with pytest.raises(Misuse, match="no variant"):
            worked(tmp_path, "panel", "panel:full_house", count=1)
        (tmp_path / "tilth.toml").write_text("")
        for name in ("react", "panel"):
            with pytest.raises(Misuse):
                worked(tmp_path, "panel", name, count=1)


# --- one model with tools ---


def test_react_gets_worse_with_its_model(tmp_path: Path) -> None:
    drawn = registry.suite("sqlqa").draw(sets.PUBLIC, 4)
    scores = []
    for number, error in enumerate((0.0, 0.5, 1.0)):
        with sim.SimulatedServer(Simulated(drawn, {"pen": error}), models=MODELS, context=None) as server:
            configured(tmp_path / str(number), server.url)
            run = worked(tmp_path / str(number), "sqlqa", "react", count=4)
            scores.append(mean(run))
    assert scores[0] == 1.0 > scores[1] > scores[2] == 0.0
    record = next(iter(run.records().values()))
    assert (record.usage.calls, record.usage.tool_calls) == (3, 4)
    said = [one["content"] for one in run.transcript(record) if one["role"] == "tool"]
    assert any("README.md" in one for one in said)
    assert any(one.startswith("Error: ") and "not a SELECT" in one for one in said)
    assert '["one"]\n[1]' in said


# --- a kill ---


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_identical_report(
    tmp_path: Path, probes: Sequence[Instance], capsys: pytest.CaptureFixture[str]
) -> None:
    answers = Simulated(probes, dict.fromkeys(MODELS, 0.2))
    held, enough = threading.Event(), 120
    reached = threading.Event()

    def until_held(request: dict[str, Any]) -> Any:
        if server.calls > enough and not held.is_set():
            reached.set()
            return sim.Hang(held)
        return answers(request)

    reports = []
    with sim.SimulatedServer(until_held, models=MODELS, context=None) as server:
        for name in ("killed", "whole"):
            folder = tmp_path / name
            configured(folder, server.url)
            line = ["--workspace", str(folder), "eval", "run", "panel", "--agent", "panel", "-n", "3", "--jobs", "1"]
            if name == "killed":
                code = "import sys; from tilth.tui.cli import main; sys.exit(main(sys.argv[1:]))"
                with subprocess.Popen([sys.executable, "-c", code, *line], stdout=subprocess.DEVNULL) as child:
                    arrived = reached.wait(60)
                    child.kill()
                assert arrived
                held.set()
                recorded = folder / FOLDER / "panel-1" / "records.jsonl"
                assert len(recorded.read_text().splitlines()) == 1
                line = ["--workspace", str(folder), "eval", "run", "--resume", "panel-1"]
            before = server.calls
            assert main(line) == 0
            asked = server.calls - before
            capsys.readouterr()
            assert main(["--workspace", str(folder), "eval", "report", "panel-1", "--json"]) == 0
            reports.append(capsys.readouterr().out)
            if name == "killed":
                resumed = asked
    assert reports[0] == reports[1]
    assert (
        resumed <= asked - enough + 64
    )  # what was answered before the kill is not asked again, but for calls in flight
