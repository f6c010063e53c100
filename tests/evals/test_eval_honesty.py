"""What reports refuse to say: simulated beside real, other data as the same, a judge nobody calibrated as a measure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tilth.evals import runner, summary, summary_json
from tilth.evals.records import Run
from tilth.tools.errors import Misuse
from tilth.tui.pages.evals import render_html
from tilth.tui.render.evals import SIMULATED, verdict
from tilth.tui.render.evals_md import markdown

MakeRun = Callable[..., Run]
Tilth = Callable[..., tuple[int, dict[str, Any]]]


def reports(run: Run) -> list[str]:
    told = summary.report(run)
    return [render_html(told), "\n".join(markdown(told))]


# --- simulated models ---


def test_a_simulated_model_is_marked_and_may_stand_beside_rules(make_run: MakeRun) -> None:
    run = make_run("tiny:Simulated", "oracle", n=4)
    told = summary.report(run)
    assert [one.spent.simulated for one in told.agents] == [True, False]
    assert all(SIMULATED in text and ":Simulated (simulated)" in text for text in reports(run))
    assert summary_json.report_json(told)["agents"][0]["simulated"]


def test_a_simulated_model_never_stands_beside_a_real_one(make_run: MakeRun) -> None:
    run = make_run("tiny:Simulated", "tiny:Adder", "oracle", n=4)
    told = summary.report(run)
    assert len(told.agents) == 2 and len(told.comparisons) == 1
    assert not any(one.spent.simulated for one in told.agents)
    (left_out,) = told.left_out
    assert left_out.endswith(":Simulated")
    assert all("asked a simulated model" in text for text in reports(run))
    simulated, real = run.plan.labels[:2]
    with pytest.raises(Misuse, match="asked a simulated model"):
        summary.compare(run, real, run, simulated)


# --- real data ---


def test_a_run_over_other_data_is_another_run(tilth: Tilth, tmp_path: Path) -> None:
    data = tmp_path / "towns"
    data.mkdir()
    for name, city in (("clean.csv", "rome"), ("dirty.csv", "xome")):
        (data / name).write_text("town\n" + f"{city}\n" + "oslo\n" * 150 + f"{city}\n")
    words = ("run", "repair", "--data", str(data), "--agent", "oracle", "-n", "2")
    code, line = tilth(*words)
    assert (code, line["run"], line["suite"], line["score"]) == (0, "repair-towns-1", "repair[towns]", 1.0)
    _, fresh = tilth(*words, "--seeds", "fresh")
    assert tilth("run", "repair", "--resume", "repair-towns-1")[0] == 0
    assert tilth("show", "repair", "--data", str(data), "--instance", "1")[1]["suite"] == "repair[towns]"
    for name in ("clean.csv", "dirty.csv"):
        with (data / name).open("a") as file:
            file.write("bern\n")
    for again in (("run", "--resume", "repair-towns-1"), ("rescore", "repair-towns-1")):
        code, line = tilth(*again)
        assert (code, "is over other data" in line["message"]) == (2, True)
    code, line = tilth(*words, "--seeds", f"set:{fresh['set']}")
    assert (code, "over other data" in line["message"]) == (2, True)
    _, line = tilth(*words)
    code, line = tilth("compare", "repair-towns-1", line["run"])
    assert (code, "over different data" in line["message"]) == (2, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["issues", "--data", "."], "takes no data"),
        (["repair", "--data", "no-such"], "There is no folder"),
        (["repair", "--data", "."], "dirty.csv cannot be read"),
    ],
)
def test_data_that_do_not_fit_are_told(
    tilth: Tilth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, line = tilth("run", *words, "--agent", "oracle")
    assert (code, says in line["message"]) == (2, True)


# --- judges ---


@pytest.mark.parametrize(("rows", "says"), [(None, True), (199, True), (200, False)])
def test_a_judge_nobody_calibrated_is_called_so(
    make_run: MakeRun, tmp_path: Path, rows: int | None, says: bool
) -> None:
    run = make_run("oracle", n=3)
    judged = Run(run.folder, replace(run.plan, judge_scored={"correct": "judge/quality"}))
    if rows is not None:
        (tmp_path / "calibrations").mkdir()
        (tmp_path / "calibrations" / "judge-quality-1234.json").write_text(json.dumps({"rows": rows}))
        (tmp_path / "calibrations" / "judge-quality-5678.json").write_text("{")
    assert [("uncalibrated" in text) for text in reports(judged)] == [says, says]
    assert summary_json.report_json(summary.report(judged))["uncalibrated"] == (["correct"] if says else [])


def test_a_suite_declares_what_judges_score(make_run: MakeRun, monkeypatch: pytest.MonkeyPatch) -> None:
    bench_suite = runner.reopen(make_run("oracle", n=1), Path()).suite
    monkeypatch.setattr(type(bench_suite), "judge_scored", {"correct": "judge/quality"}, raising=False)
    assert make_run("oracle", n=1).plan.judge_scored == {"correct": "judge/quality"}


# --- public and fresh ---


def test_the_gap_of_public_to_fresh_stands_in_a_report_of_both(make_run: MakeRun, tilth: Tilth) -> None:
    public = make_run("tiny:Adder", models=["3"], n=12)
    fresh = make_run("tiny:Adder", models=["3"], n=12, seeds="fresh")
    (gap,) = summary.report(public, fresh).gaps
    assert gap.gap and not gap.paired
    assert "gap of public to fresh instances" in verdict(gap)
    _, line = tilth("report", fresh.id, public.id)
    assert line["gaps"][0]["difference"] == summary_json.figure(gap.difference.value)
    told = summary.report(fresh, public)
    assert all("gap of public to fresh" in text for text in (render_html(told), "\n".join(markdown(told))))
    with pytest.raises(Misuse, match="no agent in common"):
        summary.report(public, make_run("oracle", n=2))
