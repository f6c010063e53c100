"""The verb benchmark, and a scan from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tilth.tui import cli

HELD = " ".join(f"word{i}" for i in range(20))


@pytest.fixture
def tilth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """`tilth(*words) -> (exit code, stdout, stderr)` in a folder with items.jsonl and data.jsonl."""
    monkeypatch.chdir(tmp_path)
    items = [{"question": HELD, "answer": "4"}, {"question": "Too short", "answer": "5"}]
    Path("items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    Path("data.jsonl").write_text(
        json.dumps({"text": f"before {HELD} after"}) + "\n" + json.dumps({"text": "x"}) + "\n"
    )

    def run(*words: str) -> tuple[int, str, str]:
        code = cli.main(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_add_list_scan_remove_scan(tilth: Any) -> None:
    code, out, _ = tilth("benchmark", "add", "quiz", "items.jsonl", "--id", "v1", "--license", "MIT")
    assert code == 0
    assert "quiz: 2 items, 2 of them distinct; question=question, answer=answer" in out
    assert "not checked by n-grams: 1 items" in out
    _, out, _ = tilth("benchmark", "list", "--json")
    (one,) = json.loads(out.splitlines()[-1])["benchmarks"]
    assert (one["name"], one["revision"], one["license"]) == ("quiz", "v1", "MIT")
    code, out, err = tilth("do", "contaminate.scan", "data.jsonl", "--benchmarks", "quiz")
    assert code == 0, err
    assert "quiz: 1 of 2 items contaminated" in out
    assert "near_verbatim" in out
    assert "tilth do contaminate.remove data" in out
    assert tilth("do", "contaminate.remove", "data")[0] == 0
    _, out, _ = tilth("do", "contaminate.scan", "data", "--benchmarks", "quiz", "--json")
    (told,) = json.loads(out.splitlines()[-1])["details"]["benchmarks"]
    assert told["verdicts"] == {"not_checkable": 1, "no_evidence": 1}
    assert told["ngram"]["8"] == {"docs_hit": 0, "items_hit": 0, "pairs": 0}


def test_nothing_registered_yet(tilth: Any) -> None:
    tilth("init")
    assert "no benchmarks yet" in tilth("benchmark", "list")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "required: add|list|report|exclude."),
        (("add",), "wants a name and a file"),
        (("add", "quiz", "items.jsonl", "--question", "qestion"), "Nearest: question"),
        (("add", "quiz", "nowhere.jsonl"), "nowhere.jsonl"),
        (("list", "quiz"), "one word too many"),
        (("drop",), "invalid choice"),
    ],
)
def test_bad_lines_are_refused(tilth: Any, words: tuple[str, ...], said: str) -> None:
    code, _, err = tilth("benchmark", *words)
    assert code in (1, 2)
    assert said in err


def test_a_scan_that_names_no_benchmark_is_told_those_there_are(tilth: Any) -> None:
    tilth("import", "data", "data.jsonl")
    assert "wants --benchmarks" in (said := tilth("do", "contaminate.scan", "data")[2]) and "None is registered" in said
    tilth("benchmark", "add", "quiz", "items.jsonl")
    assert "Registered: quiz." in tilth("do", "contaminate.scan", "data")[2]
    code, _, said = tilth("do", "contaminate.scan", "data", "--benchmarks", "nope")
    assert code == 2 and "Valid: data, quiz." in said


def test_a_recipe_registers_its_benchmark_on_the_way(tilth: Any) -> None:
    Path("curate.yaml").write_text(
        "recipe: 1\ndataset: notes\nsources: [{name: a, paths: [data.jsonl], license: MIT}]\n"
        "steps:\n  - contaminate.scan: {benchmarks: [items.jsonl]}\n  - contaminate.remove\n"
    )
    for _ in range(2):
        code, _, err = tilth("run", "curate.yaml")
        assert code == 0, err
        assert json.loads(tilth("datasets", "--json")[1].splitlines()[-1])["datasets"]
        assert len(json.loads(tilth("show", "notes", "--json")[1].splitlines()[-1])["rows"]) == 1
    assert tilth("run", "curate.yaml", "--dry-run")[0] == 0


def test_evidence_side_by_side_report_and_what_to_leave_out(tilth: Any) -> None:
    tilth("benchmark", "add", "quiz", "items.jsonl")
    code, out, err = tilth("do", "contaminate.scan", "data.jsonl", "--benchmarks", "quiz")
    assert code == 0, err
    assert "before [=word0" in " ".join(out.split())
    assert "question of 0" in out
    _, again, _ = tilth("benchmark", "report", "data")
    assert "[=word0" in again
    assert tilth("benchmark", "report", "data", "--html", "found.html")[0] == 0
    page = Path("found.html").read_text(encoding="utf-8")
    assert f"before <mark>{HELD}</mark> after" in page
    assert "<script" not in page
    tilth("do", "contaminate.remove", "data")
    told = " ".join(tilth("drops", "data", "-n", "1")[1].split())
    assert "item 0 (all of its words) at text 7:" in told
    code, out, _ = tilth("benchmark", "exclude", "data", "left-out")
    assert (code, "quiz: 1 of 2 items left out, 1 stay" in out) == (0, True)
    kept = json.loads(Path("left-out/quiz.json").read_text(encoding="utf-8"))
    assert (kept["exclude"], kept["stay"]) == (["0"], 1)
    code, _, err = tilth("benchmark", "exclude", "data", "--verdicts", "exakt")
    assert (code, "Nearest: exact" in err) == (2, True)


def test_texts_of_rows_cannot_change_the_page(tilth: Any) -> None:
    hostile = f"<img src=x onerror=alert(1)> \x1b[31m\u202e {HELD} </mark><script>alert(1)</script>"
    Path("data.jsonl").write_text(json.dumps({"text": hostile}) + "\n", encoding="utf-8")
    tilth("benchmark", "add", "quiz", "items.jsonl")
    _, out, _ = tilth("do", "contaminate.scan", "data.jsonl", "--benchmarks", "quiz")
    assert "\x1b[31m" not in out
    assert "\u202e" not in out
    tilth("benchmark", "report", "data", "--html", "found.html")
    page = Path("found.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report",), "A report is of one dataset"),
        (("report", "data"), "has not been scanned"),
        (("exclude", "data", "a", "b"), "of one dataset"),
    ],
)
def test_a_report_wants_a_scan(tilth: Any, words: tuple[str, ...], said: str) -> None:
    tilth("import", "data", "data.jsonl")
    code, _, err = tilth("benchmark", *words)
    assert code == 2
    assert said in err
