"""A run: how jobs end, what is recorded, what survives a kill, what an agent is given."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tilth.evals import registry, runner, sets, summary, summary_json
from tilth.evals.records import Record, Run, open_run
from tilth.evals.suite import Instance, Job, Limits, Meter, Submission
from tilth.tools.errors import Busy, Misuse, OverBudget
from tilth.tui.cli import main

MakeRun = Callable[..., Run]
MakeBench = Callable[..., runner.Bench]


def only(run: Run) -> summary.AgentSummary:
    (one,) = summary.report(run).agents
    return one


def test_baselines_come_to_what_they_must(make_run: MakeRun) -> None:
    told = {one.label: one for one in summary.report(make_run("oracle", "nothing", "random", n=12)).agents}
    assert [told[name].score.value for name in ("oracle", "nothing")] == [1.0, 0.0]
    assert all(one.ended == {"answered": 12} for one in told.values())


def test_a_baseline_a_suite_does_not_have_is_refused_at_once(make_bench: MakeBench) -> None:
    bench = make_bench("sprayer")
    with pytest.raises(Misuse, match="has no sprayer"):
        bench.agents()


def test_outcomes_stay_apart_and_none_is_a_zero(make_run: MakeRun) -> None:
    run = make_run("tiny:Failing", n=32, limits=Limits(seconds=2, tokens=1000))
    ways = {
        0: "unavailable", 1: "crashed", 2: "over_budget", 3: "timed_out", 4: "malformed", 5: "malformed",
        6: "over_budget", 7: "answered",
    }  # fmt: skip
    for record in run.records().values():
        assert record.ended == ways[int(record.instance[0], 16) % 8]
        assert (record.score is not None) == (record.ended == "answered") == (record.why == "")
        assert record.usage.calls == (0 if record.ended == "over_budget" and record.usage.tool_calls else 1)
    told = only(run)
    assert set(told.ended) == set(ways.values())
    assert sum(told.ended.values()) == 32
    assert told.score.value == 1.0
    assert told.score.n == told.ended["answered"] < 32


def test_the_unavailable_are_asked_again_and_nobody_else(make_run: MakeRun) -> None:
    run = make_run("tiny:Failing", n=18, limits=Limits(seconds=2, tokens=1000))
    ended = Counter(one.ended for one in run.records().values())
    before = (run.folder / "records.jsonl").read_text().count("\n")
    again = runner.reopen(run, run.folder)
    asyncio.run(runner.work(again))
    assert (run.folder / "records.jsonl").read_text().count("\n") == before + ended["unavailable"]
    after = run.records()
    assert Counter(one.ended for one in after.values()) == ended
    assert {one.usage.calls for one in after.values() if one.ended == "unavailable"} == {2}  # both tries were spent


def test_a_killed_run_resumes_to_the_identical_report(
    tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = []
    for name in ("killed", "whole"):
        (folder := tmp_path / name).mkdir()
        records = folder / "evals-runs" / "tiny-1" / "records.jsonl"
        line = ["--workspace", str(folder), "eval", "run", tiny, "--agent", f"dying={tiny}:Dying", "--agent", "oracle",
                "--model", "3", "-n", "6", "--epochs", "2", "--jobs", "2"]  # fmt: skip
        if name == "killed":
            code = "import sys; from tilth.tui.cli import main; sys.exit(main(sys.argv[1:]))"
            environment = {**os.environ, "TINY_DIES_AT": "7"}
            killed = subprocess.run(
                [sys.executable, "-c", code, *line], env=environment, capture_output=True, check=False
            )
            assert killed.returncode == -signal.SIGKILL, killed.stderr
            assert 0 < len(records.read_text().splitlines()) < 24
            records.write_text(records.read_text() + '{"agent": "dying+3", "insta')
            line = ["--workspace", str(folder), "eval", "run", "--resume", "tiny-1"]
        assert main(line) == 0
        keys = [Record.from_json(json.loads(one)).key for one in records.read_text().splitlines()]
        assert len(keys) == len(set(keys)) == 24
        capsys.readouterr()
        for form in ([], ["--md"], ["--json"]):
            assert main(["--workspace", str(folder), "eval", "report", "tiny-1", *form]) == 0
        reports.append(capsys.readouterr().out)
    assert reports[0] == reports[1]
    assert "12 of 12" in reports[0]


@pytest.mark.parametrize("jobs", [1, 7])
def test_the_report_does_not_depend_on_how_many_jobs_run_at_once(make_run: MakeRun, jobs: int, tmp_path: Path) -> None:
    told = [
        summary_json.report_json(
            summary.report(make_run("tiny:Adder", models=["2"], n=9, jobs=many, folder=tmp_path / name))
        )
        for name, many in (("a", jobs), ("b", 3))
    ]
    assert told[0] == told[1]


def test_two_processes_do_not_work_on_one_run(make_bench: MakeBench) -> None:
    bench = make_bench("oracle")
    with bench.run.writing(), pytest.raises(Busy):
        asyncio.run(runner.work(bench))


def test_the_budget_of_a_run_leaves_jobs_undone_and_not_failed(make_run: MakeRun) -> None:
    run = make_run("tiny:Adder", n=10, jobs=1, budget_usd=0.0035)
    told = only(run)
    assert (told.ended, told.missing) == ({"answered": 4}, 6)
    asyncio.run(runner.work(runner.reopen(run, run.folder), budget_usd=0.0055, jobs=1))
    assert only(run).missing == 4
    asyncio.run(runner.work(runner.reopen(run, run.folder), budget_usd=1.0))
    assert only(run).ended == {"answered": 10}


def test_a_limit_of_each_job_is_set_aside_before_it_begins(make_run: MakeRun) -> None:
    run = make_run("tiny:Adder", n=10, budget_usd=0.0035, limits=Limits(usd=0.002))
    assert only(run).spent.usd <= 0.0035


def test_an_agent_sees_files_and_task_but_no_truth(make_bench: MakeBench) -> None:
    bench = make_bench("oracle", n=3)
    seen: list[Job] = []

    class Looking:
        name, trusted = "looking", True

        async def run(self, job: Job) -> Submission:
            seen.append(job)
            assert sorted(str(p.relative_to(job.folder)) for p in job.folder.rglob("*") if p.is_file()) == [
                "data/numbers.txt"
            ]
            assert [*job.folder.parent.iterdir()] == [job.folder]
            (job.folder / "data" / "numbers.txt").write_text("spoilt")
            return Submission({"sum": 0})

    for id, instance in bench.instances.items():
        for epoch in (0, 1):
            asyncio.run(runner._ended(bench, Looking(), ("looking", id, epoch), Limits()))
        assert "truth" not in vars(seen[-1])
        assert str(instance.truth["sum"]) not in seen[-1].task
    assert len({job.folder for job in seen}) == 6
    assert not any(job.folder.exists() for job in seen)
    assert len({job.seed for job in seen}) == 6


def test_truth_and_seed_are_not_in_a_run(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("nothing", n=4, seeds="fresh")
    (kept,) = (tmp_path / "evals-runs" / "sets").iterdir()
    seed = json.loads(kept.read_text())["seed"]
    text = "".join(path.read_text() for path in run.folder.rglob("*.json*"))
    assert seed not in text
    assert "truth" not in text
    assert run.plan.set == kept.stem


def test_a_file_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    instance = Instance("x", "tiny", "", {"../out.txt": b""}, {}, {})
    with pytest.raises(Misuse, match="outside its folder"):
        runner.lay_out(instance, tmp_path / "job")


def test_a_longer_set_begins_with_the_shorter(tiny: str) -> None:
    suite = registry.suite(tiny)
    short, long = (sets.choose("public", suite, Path("none")).draw(suite, n) for n in (3, 9))
    assert [sets.digest(one) for one in short] == [sets.digest(one) for one in long[:3]]


def test_ids_say_nothing_of_the_seed() -> None:
    assert sets.instance_id("a", "tiny", 1) != sets.instance_id("b", "tiny", 1) != sets.instance_id("b", "tiny", 2)
    assert "public" not in sets.instance_id("public", "tiny", 1)


def test_rescoring_changes_what_the_scorer_changed(make_bench: MakeBench, tiny: str) -> None:
    bench = make_bench("oracle", n=5)
    asyncio.run(runner.work(bench))
    assert runner.rescore(bench) == 0
    bench.suite.score = lambda instance, submission: type(bench.suite).score(bench.suite, instance, {"sum": 1})  # type: ignore[method-assign]
    try:
        assert runner.rescore(bench) == 5
    finally:
        del bench.suite.score
    assert only(bench.run).score.value == 0.0
    assert runner.rescore(runner.reopen(bench.run, bench.root)) == 5
    assert only(bench.run).score.value == 1.0


def test_instances_that_are_drawn_otherwise_are_not_scored(make_run: MakeRun) -> None:
    run = make_run("oracle", n=2)
    file = run.folder / "run.json"
    told = json.loads(file.read_text())
    told["instances"][next(iter(told["instances"]))] = "0" * 64
    file.write_text(json.dumps(told))
    with pytest.raises(Misuse, match="no longer draws instance"):
        runner.reopen(open_run(run.folder.parent, run.id), run.folder)


def test_replay_hands_in_what_was_handed_in(make_run: MakeRun) -> None:
    first = make_run("tiny:Adder", models=["4"], n=8)
    again = make_run(f"replay:{first.id}", n=8)
    one, other = only(first), only(again)
    assert (one.score, one.spent) == (other.score, other.spent)


def test_a_meter_counts_what_it_refuses() -> None:
    meter = Meter(Limits(tokens=100))
    meter.add(tokens_in=60, tokens_out=40)
    with pytest.raises(OverBudget, match="101 tokens of 100"):
        meter.add(tokens_in=1)
    assert meter.usage.tokens_in == 61


@pytest.mark.parametrize(
    ("spec", "says"),
    [("heuristik", "There is no agent"), ("tiny:Nobody", "holds no Nobody"), ("cmd:", "names no command")],
)
def test_a_wrong_agent_is_told_with_what_there_is(make_bench: MakeBench, spec: str, says: str) -> None:
    bench = make_bench(spec)
    with pytest.raises(Misuse, match=says):
        bench.agents()


def test_agents_and_models_make_a_matrix() -> None:
    choices = registry.matrix(["oracle", "mine=a.py:A", "b.py:B", 'cmd:x --a="b"'], ["m", "n"])
    assert [one.label for one in choices] == ["oracle", "mine+m", "mine+n", "b.py:B+m", "b.py:B+n", 'cmd:x --a="b"']
    with pytest.raises(Misuse, match="named twice"):
        registry.matrix(["oracle", "oracle"], [])
