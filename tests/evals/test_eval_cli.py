"""`tilth eval`: run, show, report, compare, rescore, from the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tilth.evals.records import Run
from tilth.tui.cli import main

Tilth = Callable[..., tuple[int, dict[str, Any]]]


def test_the_result_line_of_one_agent(tilth: Tilth, tiny: str) -> None:
    code, line = tilth("run", tiny, "--agent", "oracle", "-n", "5")
    assert code == 0
    assert {name: line[name] for name in ("event", "suite", "agent", "set", "instances", "score", "usd")} == {
        "event": "result", "suite": "tiny", "agent": "oracle", "set": "public", "instances": 5, "score": 1.0, "usd": 0.0,
    }  # fmt: skip
    assert line["ci"] == [0.565518, 1.0]


def test_a_fresh_set_is_drawn_once_and_serves_again(tilth: Tilth, tiny: str) -> None:
    _, first = tilth("run", tiny, "--agent", "oracle", "-n", "4", "--seeds", "fresh")
    _, second = tilth("run", tiny, "--agent", "nothing", "-n", "4", "--seeds", f"set:{first['set']}")
    code, line = tilth("compare", first["run"], second["run"])
    assert code == 0
    assert line["comparisons"][0]["paired"]
    _, third = tilth("run", tiny, "--agent", "oracle", "-n", "4", "--seeds", "fresh")
    assert third["set"] != first["set"]


def test_a_dry_run_runs_nothing(tilth: Tilth, tiny: str, tmp_path: Path) -> None:
    words = ("run", tiny, "--agent", f"adder={tiny}:Adder", "-n", "100", "--seeds", "fresh")
    code, line = tilth(*words, "--dry-run")
    assert (code, line["tool"], line["detectable"]) == (0, "eval.dry_run", 0.140079)
    assert line["agents"] == [{"agent": "adder", "jobs": 100, "by": "nothing", "total": None, "trusted": True}]
    assert not (tmp_path / "evals-runs").exists()
    tilth(*words[:-3], "2")
    _, line = tilth(*words, "--dry-run")
    total = line["agents"][0]["total"]
    assert (line["agents"][0]["by"], total["calls"], total["usd"]) == ("earlier runs", 100, 0.1)
    assert total["tokens"] == {"in": 10_000, "out": 1_000}
    _, line = tilth(*words, "--dry-run", "--limit", "tokens=5000")
    assert line["agents"][0]["by"] == "nothing"  # under another limit an agent may spend another amount


def test_a_reached_budget_is_4_and_resumes(tilth: Tilth, tiny: str) -> None:
    words = ("run", tiny, "--agent", f"{tiny}:Adder", "-n", "6", "--jobs", "1", "--budget-usd", "0.0025")
    code, line = tilth(*words)
    assert (code, line["agents"][0]["ended"]) == (4, {"answered": 3, "not_run": 3})
    code, line = tilth("run", "--resume", line["run"])
    assert (code, line["agents"][0]["ended"]) == (0, {"answered": 6})


def test_an_unavailable_endpoint_is_3(tilth: Tilth, tiny: str) -> None:
    code, line = tilth("run", tiny, "--agent", 'cmd:sh -c "exit 3"', "-n", "2")
    assert (code, line["score"], line["agents"][0]["ended"]) == (3, None, {"unavailable": 2})


def test_an_agent_that_answers_no_try_is_1(
    tilth: Tilth, tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = tilth("run", tiny, "--agent", "oracle", "--agent", 'mute=cmd:sh -c "exit 9"', "-n", "2")
    assert code == 1 and [one["ended"] for one in line["agents"]] == [{"answered": 2}, {"crashed": 2}]
    assert main(["--workspace", str(tmp_path), "eval", "run", "--resume", line["run"]]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "mute answered none of its 2 tries; the first, on " in said and "crashed: " in said
    assert "oracle answered" not in said


def test_an_instance_can_be_looked_at(tilth: Tilth, tiny: str) -> None:
    _, line = tilth("show", tiny, "-n", "3")
    wanted = line["instances"][1]["instance"]
    told = [tilth("show", tiny, "--instance", name)[1] for name in (wanted, wanted[:7], "2")]
    assert told[0] == told[1] == told[2]
    assert set(told[0]["truth"]) == {"sum"}


def test_reports_are_written(tilth: Tilth, tiny: str, tmp_path: Path) -> None:
    _, line = tilth("run", tiny, "--agent", "oracle", "-n", "3", "--html", str(tmp_path / "r.html"))
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    _, line = tilth("report", line["run"], "--inspect", str(tmp_path / "logs"))
    assert [Path(path).exists() for path in line["wrote"]] == [True]
    code, line = tilth("rescore", line["run"])
    assert (code, line["tool"], line["score"]) == (0, "eval.rescore", 1.0)


def test_what_is_there_is_listed(tilth: Tilth, tiny: str) -> None:
    tilth("run", tiny, "--agent", "oracle", "-n", "3")
    code, line = tilth("list")
    assert code == 0
    assert {"nothing", "oracle", "random", "sprayer"} <= set(line["agents"])
    assert [(one["run"], one["done"], one["jobs"]) for one in line["runs"]] == [("tiny-1", 3, 3)]


@pytest.mark.parametrize("form", [[], ["--md"]])
def test_people_read_lines(
    form: list[str], tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], tilth: Tilth
) -> None:
    line = ["--workspace", str(tmp_path), "eval"]
    assert main([*line, "run", tiny, "--agent", "oracle", "--agent", "nothing", "-n", "8", *form]) == 0
    captured = capsys.readouterr()
    assert "oracle is better than nothing: +1.000" in captured.out
    assert "can be told apart" in " ".join(captured.err.split())
    for words in (["list"], ["show", tiny], ["show", tiny, "--instance", "1"], ["compare", "tiny-1"],
                  ["run", tiny, "--agent", "oracle", "--dry-run"]):  # fmt: skip
        assert main([*line, *words]) == 0
        assert capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "SUITE"], "wants an agent"),
        (["run", "no-such-suite"], "no suite 'no-such-suite'"),
        (["run", "no-such-suite", "--agent", "oracle"], "no suite 'no-such-suite'"),
        (["run", "SUITE", "--agent", "oracle", "--seeds", "old"], "is no set of instances"),
        (["run", "SUITE", "--agent", "oracle", "--seeds", "set:abc"], "There is no set 'abc'"),
        (["run", "SUITE", "--agent", "oracle", "--limit", "token=3"], "no limit 'token'"),
        (["run", "SUITE", "--agent", "oracle", "--limit", "usd=-1"], "more than 0"),
        (["run", "--resume", "tiny-9"], "no run 'tiny-9'"),
        (["report", "tiny-1", "--epochs", "2"], "means nothing for 'tilth eval report'"),
        (["compare"], "is written otherwise"),
        (["show", "SUITE", "--seeds", "fresh"], "fresh no more"),
        (["show", "SUITE", "--instance", "zz"], "has no instance 'zz'"),
        (["show", "SUITE", "--instance", "99999"], "has no instance '99999' among its first 30"),
        (["run", "SUITE", "--agent", "oracle", "--budget-usd", "-1"], "not below 0"),
        (["run", "SUITE", "--agent", "oracle", "--model", "gpt"], "--model means nothing for oracle"),
        (["run", "SUITE", "--agent", "nowhere.py"], "nowhere.py: No such file"),
        (["run", "nowhere.py", "--agent", "oracle"], "nowhere.py: No such file"),
    ],
)
def test_mistakes_are_told(tilth: Tilth, tiny: str, words: list[str], says: str) -> None:
    code, line = tilth(*(tiny if word == "SUITE" else word for word in words))
    assert (code, line["event"]) == (2, "error")
    assert says in line["message"]


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_reports_fit_their_terminal(
    columns: int, mixed_run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["--workspace", str(mixed_run.folder.parent.parent), "eval", "report", mixed_run.id]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= columns
    for figure in ("accuracy (pooled)", "parity = even"):
        assert any(line.startswith(figure) for line in lines)


def test_what_a_run_takes_is_said_before_it_begins(
    tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    line = ["--workspace", str(tmp_path), "eval", "run", tiny, "-n", "20", "--agent", f"adder={tiny}:Adder"]
    for agents in ([], ["--agent", "oracle", "--agent", "nothing"]):
        assert main([*line, *agents]) == 0
        said = capsys.readouterr().err
    assert "20 instances of tiny, set public: two agents that differ by 0.31 or more can be told apart" in said
    assert "oracle, nothing: 20 tries, no model calls that are known" in said
    assert "adder: 20 tries, about 20 calls, 2,200 tokens, $0.02" in said
    assert "together about 20 calls, 2,200 tokens, $0.02" in said


def test_an_instance_is_shown_without_brackets(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--workspace", str(tmp_path), "eval", "show", "issues", "--instance", "2"]) == 0
    shown = capsys.readouterr().out
    assert all(
        part in shown for part in ("TASK", "FILE card.md", "SUBMISSION", "TRUTH (agents never see it)", "plants:")
    )
    assert not re.search(r"[{}]$", shown.partition("TRUTH")[2], re.MULTILINE)
    assert len(shown.splitlines()) < 200
