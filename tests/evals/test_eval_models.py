"""Agents that ask models, against a simulated one: scores follow its errors, faults and kills change nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tilth.evals import registry, runner, sets, summary
from tilth.evals.records import FOLDER
from tilth.evals.suite import Instance, Limits
from tilth.tools.errors import Misuse
from tilth.tui.cli import main
from tilth.tui.pages.evals import render_html
from tilth.tui.render.evals import PER_ACCEPTED, report
from tilth.tui.render.evals_md import markdown
from tilth.tui.terminal import Terminal


@pytest.fixture(scope="module")
def probes() -> Sequence[Instance]:
    return registry.suite("panel").draw(sets.PUBLIC, 6)


# --- the panel ---


def test_a_panel_gets_worse_with_its_judges_and_never_by_chance_better(
    judges: Any, tmp_path: Path, probes: Sequence[Instance]
) -> None:
    scores = []
    for number, error in enumerate((0.0, 0.2, 0.5)):
        answers = judges.Simulated(probes, dict.fromkeys(judges.MODELS, error))
        with judges.sim.SimulatedServer(answers, models=judges.MODELS, context=None) as server:
            judges.configured(tmp_path / str(number), server.url)
            scores.append(judges.mean(judges.worked(tmp_path / str(number), "panel", "panel", count=2)))
    assert scores[0] == 1.0
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


def test_faults_lose_and_double_nothing(judges: Any, tmp_path: Path, probes: Sequence[Instance]) -> None:
    told = []
    for faults in (0.0, 0.4):
        answers = judges.Simulated(probes, dict.fromkeys(judges.MODELS, 0.2), faults=faults)
        folder = tmp_path / str(faults)
        with judges.sim.SimulatedServer(answers, models=judges.MODELS, context=None) as server:
            judges.configured(folder, server.url)
            records = judges.worked(folder, "panel", "panel", count=1, epochs=2).records()
        assert len(records) == 2
        assert {one.ended for one in records.values()} == {"answered"}
        told.append({key: (one.score, one.usage.calls, one.usage.usd) for key, one in records.items()})
        paid = sum(one.usage.calls for one in records.values())
        assert (server.calls > paid) == (faults > 0)
    assert told[0] == told[1]


def test_another_epoch_asks_anew(judges: Any, tmp_path: Path, probes: Sequence[Instance]) -> None:
    with judges.sim.SimulatedServer(judges.Simulated(probes), models=judges.MODELS, context=None) as server:
        judges.configured(tmp_path, server.url)
        run = judges.worked(tmp_path, "panel", "panel", count=1, epochs=2)
    first, second = run.records().values()
    assert first.usage.calls == second.usage.calls > 0
    assert server.calls == first.usage.calls + second.usage.calls


def test_an_outage_is_no_score_and_what_was_answered_is_counted_once(
    judges: Any, tmp_path: Path, probes: Sequence[Instance]
) -> None:
    answers, down = judges.Simulated(probes, dict.fromkeys(judges.MODELS, 0.2)), threading.Event()

    def failing(request: dict[str, Any]) -> Any:
        return judges.sim.Status(503) if down.is_set() and server.calls > before + 40 else answers(request)

    with judges.sim.SimulatedServer(failing, models=judges.MODELS, context=None) as server:
        judges.configured(tmp_path, server.url)
        before = 0
        (whole,) = judges.worked(tmp_path, "panel", "panel", count=1).records().values()
        before = server.calls
        down.set()
        run = judges.worked(tmp_path, "panel", "panel", count=1)
        (stopped,) = run.records().values()
        assert (stopped.ended, stopped.score) == ("unavailable", None)
        assert 0 < stopped.usage.calls < whole.usage.calls
        down.clear()
        bench = runner.reopen(run, tmp_path)
        asyncio.run(runner.work(judges.Waitless(bench.run, bench.suite, bench.instances, bench.root)))
    (resumed,) = run.records().values()
    assert (resumed.ended, resumed.score) == ("answered", whole.score)
    assert (resumed.usage.calls, resumed.usage.usd) == (whole.usage.calls, whole.usage.usd)


def test_a_budget_ends_a_job_and_what_it_took_is_known(judges: Any, tmp_path: Path, probes: Sequence[Instance]) -> None:
    with judges.sim.SimulatedServer(judges.Simulated(probes), models=judges.MODELS, context=None) as server:
        judges.configured(tmp_path, server.url)
        run = judges.worked(tmp_path, "panel", "panel", count=1, limits=Limits(tokens=2000))
    (record,) = run.records().values()
    assert (record.ended, record.score) == ("over_budget", None)
    assert record.usage.tokens_in + record.usage.tokens_out > 2000
    assert record.usage.usd > 0


def test_who_asked_a_simulated_endpoint_is_marked(judges: Any, tmp_path: Path, probes: Sequence[Instance]) -> None:
    with judges.sim.SimulatedServer(judges.Simulated(probes), models=judges.MODELS, context=None) as server:
        judges.configured(tmp_path, server.url)
        run = judges.worked(tmp_path, "panel", "panel", count=1)
    assert [one.usage.simulated for one in run.records().values()] == [True]
    assert summary.report(run).simulated


def test_a_report_tells_what_an_accepted_row_cost(judges: Any, tmp_path: Path, probes: Sequence[Instance]) -> None:
    with judges.sim.SimulatedServer(judges.Simulated(probes), models=judges.MODELS, context=None) as server:
        judges.configured(tmp_path, server.url)
        run = judges.worked(tmp_path, "panel", "panel", "nothing", count=2)
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


def test_what_cannot_judge_says_so(judges: Any, tmp_path: Path, probes: Sequence[Instance]) -> None:
    with judges.sim.SimulatedServer(judges.Simulated(probes), models=judges.MODELS, context=None) as server:
        judges.configured(tmp_path, server.url)
        with pytest.raises(Misuse, match="judges rows, and suite contamination has none"):
            judges.worked(tmp_path, "contamination", "panel", count=1)
        with pytest.raises(Misuse, match="no variant"):
            judges.worked(tmp_path, "panel", "panel:full_house", count=1)
        (tmp_path / "tilth.toml").write_text("")
        for name in ("react", "panel"):
            with pytest.raises(Misuse):
                judges.worked(tmp_path, "panel", name, count=1)


# --- one model with tools ---


def test_react_gets_worse_with_its_model(judges: Any, tmp_path: Path) -> None:
    drawn = registry.suite("sqlqa").draw(sets.PUBLIC, 4)
    scores = []
    for number, error in enumerate((0.0, 0.5, 1.0)):
        with judges.sim.SimulatedServer(
            judges.Simulated(drawn, {"pen": error}), models=judges.MODELS, context=None
        ) as server:
            judges.configured(tmp_path / str(number), server.url)
            run = judges.worked(tmp_path / str(number), "sqlqa", "react", count=4)
            scores.append(judges.mean(run))
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
    judges: Any, tmp_path: Path, probes: Sequence[Instance], capsys: pytest.CaptureFixture[str]
) -> None:
    answers = judges.Simulated(probes, dict.fromkeys(judges.MODELS, 0.2))
    held, enough = threading.Event(), 120
    reached = threading.Event()

    def until_held(request: dict[str, Any]) -> Any:
        if server.calls > enough and not held.is_set():
            reached.set()
            return judges.sim.Hang(held)
        return answers(request)

    reports = []
    with judges.sim.SimulatedServer(until_held, models=judges.MODELS, context=None) as server:
        for name in ("killed", "whole"):
            folder = tmp_path / name
            judges.configured(folder, server.url)
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
