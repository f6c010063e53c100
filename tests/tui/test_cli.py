"""Every verb of the command line, once with good input and once with bad, through a real workspace."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tilth.tui import cli
from tilth.tui.cells import width
from tilth.tui.line import grammar


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def last(self) -> dict[str, Any]:
        return self.events[-1]


Tilth = Callable[..., Said]


def chat(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


ROWS = [
    *(chat(f"What is {i} plus {i}, and how do you know?", f"It is {2 * i}, as you can count.") for i in range(8)),
    chat("What is left?", "Nothing.<|im_end|>"),
    chat("And then?", ""),
    chat("Colour?", "\x1b[31mred\x1b[0m \u202eabc"),
]
RECIPE = """recipe: 1
dataset: weekly
sources: [{name: a, paths: [chats.jsonl], license: CC0-1.0}]
max_reject: 0.5
steps:
  - filter.rules
  - filter.where: {keep: "line < 9"}
expect: {rows: ">= 5"}
"""


@pytest.fixture
def tilth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tilth:
    """`tilth("import", "chats", "chats.jsonl") -> Said`, in a folder that holds chats.jsonl."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    lines = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    (tmp_path / "chats.jsonl").write_text("\n".join([*lines, "{bad"]) + "\n", encoding="utf-8")
    (tmp_path / "weekly.yaml").write_text(RECIPE)

    def run(*words: str) -> Said:
        code = cli.main(words)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


@pytest.fixture
def chats(tilth: Tilth) -> Tilth:
    """As `tilth`, with the dataset `chats` imported and filtered."""
    assert tilth("import", "chats", "chats.jsonl", "--max-reject", "0.5").code == 0
    assert tilth("do", "filter.rules", "chats").code == 0
    return tilth


# -- good input ------------------------------------------------------------------------------------------------------


def test_import_says_what_became_of_every_record(tilth: Tilth) -> None:
    said = tilth("import", "chats", "chats.jsonl", "--max-reject", "0.5")
    assert said.code == 0
    assert "read 12 = kept 11 + rejected 1" in said.out
    assert "not_json 1" in said.out


def test_do_says_before_after_and_reasons(tilth: Tilth) -> None:
    tilth("import", "chats", "chats.jsonl", "--max-reject", "0.5")
    said = tilth("do", "filter.rules", "chats")
    assert "11 -> 9" in said.out
    assert "markup_leak 1" in said.out
    assert "empty_response 1" in said.out
    assert "filter.rules on chats (11 rows)" in said.err


def test_a_path_stands_where_a_dataset_may(tilth: Tilth, tmp_path: Path) -> None:
    (tmp_path / "more.jsonl").write_text(json.dumps(ROWS[0]) + "\n")
    said = tilth("do", "filter.rules", "more.jsonl")
    assert said.code == 0
    assert "more.jsonl is now the dataset 'more'" in said.err
    assert said.out.startswith("filter.rules  more  1 -> 1")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("show", "chats", "-n", "1"), "user: What is 0 plus 0"),
        (("show", "chats", "--where", "line = 3"), "1 of 9 rows that meet the predicate"),
        (("sql", "chats", "select count(*) as n from rows"), "9"),
        (("drops", "chats"), "filter.rules markup_leak: 1 of 1"),
        (("drops", "chats", "--reason", "empty_response", "-n", "1"), "And then?"),
        (("why", "chats.jsonl:9"), "filter.rules: dropped it, markup_leak"),
        (("log",), "filter.rules"),
        (("log", "chats"), "11 -> 9"),
        (("log", "--verify"), "2 entries, 0 faults"),
        (("log", "chats", "--recipe"), "- filter.rules"),
        (("diff", "chats"), "11 -> 9 rows: added 0, dropped 2, edited 0"),
        (("diff", "chats~1", "chats", "--stat"), "dropped 1 markup_leak"),
        (("diff", "chats", "--rows"), "markup_leak"),
        (("diff", "chats", "--md"), "| reason | dropped | share |"),
        (("datasets",), "messages"),
        (("status",), "next: tilth drops chats"),
        (("tag", "chats", "release-1"), "chats@release-1 is "),
        (("undo", "chats"), "11 rows"),
        (("tools",), "filter.rules"),
        (("tools", "filter.rules"), "--max-markup N"),
        (("do", "filter.rules", "--help"), "--max-markup N"),
        (("do", "filter.rules", "chats~1", "--what-if", "max-markup=0,1"), "decided otherwise at max_markup 1"),
        (("do", "filter.rules", "chats~1", "--dry-run"), "11 -> 9"),
        (("do", "inspect.compare", "chats", "chats~1"), "rows of the other one"),
        (("do", "inspect.compare", "chats", "--other", "chats~1"), "rows of the other one"),
        (("do", "inspect.compare", "--help"), "inspect.compare X OTHER"),
        (("run", "weekly.yaml"), "weekly.yaml: weekly @ "),
        (("run", "weekly.yaml", "--dry-run"), "2 steps after the import"),
        (("gc",), "removed 0 files"),
        (("doctor",), "0 faults"),
        (("--help",), "commands"),
        (("show", "--help"), "--where SQL"),
        (("--version",), "tilth 0."),
    ],
)
def test_a_good_line_is_answered_on_stdout(chats: Tilth, words: tuple[str, ...], expected: str) -> None:
    said = chats(*words)
    assert said.code == 0, said.err
    assert expected in said.out


def test_redo_takes_back_an_undo(chats: Tilth) -> None:
    chats("undo", "chats")
    assert "9 rows" in chats("redo", "chats").out


def test_init_writes_a_configuration_that_is_valid(tilth: Tilth, tmp_path: Path) -> None:
    assert tilth("init", "here").code == 0
    assert tilth("--workspace", "here", "status").code == 0
    uncommented = (tmp_path / "here/tilth.toml").read_text().replace("# [", "[").replace("# base", "base")
    assert "[endpoints.lab]" in uncommented


def test_bare_tilth_is_the_help_page_and_in_a_workspace_its_status(tilth: Tilth) -> None:
    assert "commands" in tilth().out
    tilth("import", "chats", "chats.jsonl", "--max-reject", "0.5")
    assert "next: tilth inspect chats" in tilth().out


def test_export_card_and_verify_card(chats: Tilth, tmp_path: Path) -> None:
    said = chats("export", "chats", "out")
    assert said.code == 0, said.err
    assert (tmp_path / "out/README.md").exists()
    verified = chats("verify-card", "out")
    assert verified.code == 0
    assert "0 drifted" in verified.out
    assert chats("card", "verify", "out").out == verified.out
    assert chats("card", "chats").out.startswith("---")


def test_inspect_prints_a_page(chats: Tilth, tmp_path: Path) -> None:
    said = chats("inspect", "chats", "--html", "page.html")
    assert said.code == 0, said.err
    assert "9 conversations" in said.out
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (("shwo", "chats"), 2, "Nearest: show"),
        (("chta", "chats"), 2, "Nearest: chat"),
        (("chats.jsonl",), 2, "tilth inspect chats.jsonl"),
        (("--quiet", "chats.jsonl", "--plain"), 2, "tilth --quiet inspect chats.jsonl --plain"),
        (("import", "chats.jsonl"), 2, "tilth import chats chats.jsonl"),
        (("import", "chats.jsonl", "weekly.yaml"), 2, "tilth import chats chats.jsonl weekly.yaml"),
        (("import", "more"), 2, "nothing to import"),
        (("import", "chats", "chats.jsonl"), 2, "--append"),
        (("import", "more", "nowhere.jsonl"), 2, "nowhere.jsonl"),
        (("import", "more", "chats.jsonl"), 1, "not_json"),
        (("import", "more", "chats.jsonl", "--map", "prompt"), 2, "--map name=value"),
        (("import", "more", "chats.jsonl", "--append", "--replace"), 2, "exclude each other"),
        (("do",), 2, "TOOL"),
        (("do", "filter.ruels", "chats"), 2, "Nearest: filter.rules"),
        (("do", "filter.rules"), 2, "X"),
        (("do", "inspect.compare", "chats"), 2, "other"),
        (("do", "inspect.compare", "chats", "chats~1", "--other", "chats~1"), 2, "both 'chats~1' and --other"),
        (("do", "filter.rules", "chast"), 2, "Nearest: chats"),
        (("do", "filter.rules", "chats", "--max-mrakup", "1"), 2, "Nearest: --max-markup"),
        (("do", "filter.rules", "chats", "--max-markup", "many"), 2, "max_markup"),
        (("do", "filter.rules", "chats", "--what-if", "profile=a,b"), 2, "no threshold 'profile'"),
        (("do", "filter.rules", "chats", "--what-if", "max_markup"), 2, "NAME=V1,V2,V3"),
        (("do", "filter.rules", "chats~1", "--max-drop", "0.01"), 1, "--max-drop"),
        (("do", "filter.where", "chats", "--keep", "drop table rows"), 2, "was refused"),
        (("run", "weekyl.yaml"), 2, "Nearest: weekly.yaml"),
        (("run", "weekly.yaml", "--set", "expect.rows='>= 500'"), 1, "Expectation not met"),
        (("run", "weekly.yaml", "--locked"), 2, "without --locked"),
        (("tools", "dedup.exat"), 2, "Nearest: dedup.exact"),
        (("tools", "check"), 2, "tilth tools check my_tools.py"),
        (("tools", "check", "nowhere.py"), 2, "nowhere.py"),
        (("datasets", "chats"), 2, "one word too many"),
        (("tag", "chats", "not a label"), 2, "cannot be a tag"),
        (("show", "chast"), 2, "Nearest: chats"),
        (("show", "chats", "--where", "nowhere = 1"), 2, "nowhere"),
        (("show", "chats", "--whree", "line = 1"), 2, "Nearest: --where"),
        (("show", "chats", "-n", "few"), 2, "'few' is not a whole number"),
        (("show", "chats", "-n", "-1"), 2, "-n"),
        (("do", "filter.rules", "chats", "--sample", "0"), 2, "from 1 on"),
        (("do", "filter.rules", "chats", "--max-drop", "30"), 2, "write 0.1 or 10%"),
        (("show", "chats", "--sample", "3"), 2, "It is for: inspect, do, run"),
        (("sql", "chats", "delete from rows"), 2, "SELECT"),
        (("sql", "chats", "select", "1"), 2, "in quotes"),
        (("drops", "chats", "--reason", "markup_leek"), 2, "Nearest: markup_leak"),
        (("drops", "chats", "--step", "filter.rule"), 2, "Nearest: filter.rules"),
        (("why", "ffffffffffff"), 2, "ffffffffffff"),
        (("log", "--recipe"), 2, "tilth log X --recipe"),
        (("log", "chats", "--recipe", "--verify"), 2, "exclude each other"),
        (("diff", "chats", "chats@nowhere"), 2, "nowhere"),
        (("undo", "chats", "--to", "nowhere"), 2, "nowhere"),
        (("redo", "chats"), 2, "chats has nothing to redo.\n"),
        (("export", "chats", "out", "--format", "jsonll"), 2, "jsonl"),
        (("export", "chats", "out", "--split", "train=most"), 2, "--split train=.9,test=.1"),
        (("card", "chats", "weekly"), 2, "one word too many"),
        (("verify-card", "nowhere"), 2, "nowhere"),
        (("--workspace", "nowhere", "status"), 2, "tilth init nowhere"),
        (("--workspce", "x"), 2, "workspace"),
        (("--jsn",), 2, "Nearest: --json"),
        (("do", "filter.length", "chats", "--min", "3"), 2, "Nearest: --min-characters"),
        (("do", "filter.length", "chats", "--zzz", "3"), 2, "has no option --zzz.\n  See 'tilth do filter.length"),
        (("demo", "chats.jsonl"), 2, "is a file"),
        (("inspect", "chast.jsonl"), 2, "There is no file chast.jsonl.\n  Nearest: chats.jsonl."),
        (("show", "sub/chats"), 2, "There is no file sub/chats."),
        (("benchmark", "add", "no name", "chats.jsonl"), 2, "'no name' cannot name a benchmark"),
    ],
)
def test_a_bad_line_is_told_on_stderr_with_what_to_do(
    chats: Tilth, words: tuple[str, ...], code: int, expected: str
) -> None:
    said = chats(*words)
    assert said.code == code, said
    assert expected in said.err
    assert "Traceback" not in said.err
    if words[0] != "run" and "--max-drop" not in words:
        assert said.out == ""


def test_without_a_workspace_a_missing_file_is_named(tilth: Tilth, tmp_path: Path) -> None:
    said = tilth("inspect", "chast.jsonl")
    assert said.code == 2
    assert "There is no file chast.jsonl.\n  Nearest: chats.jsonl." in said.err
    assert not (tmp_path / ".tilth").exists()


@pytest.mark.parametrize("verb", ["datasets", "status", "log", "undo", "show", "gc", "export", "tag", "why"])
def test_without_a_workspace_reading_makes_none(tilth: Tilth, tmp_path: Path, verb: str) -> None:
    words = {"undo": ["x"], "show": ["x"], "export": ["x"], "tag": ["x", "y"], "why": ["abcdef"]}.get(verb, [])
    said = tilth(verb, *words)
    assert said.code == 2
    assert "tilth import NAME PATH" in said.err
    assert not (tmp_path / ".tilth").exists()


def test_an_option_stands_before_or_after_the_verb(chats: Tilth) -> None:
    assert chats("--json", "datasets").out == chats("datasets", "--json").out
    assert chats("--workspace", ".", "datasets").out == chats("datasets", "--workspace=.").out


def test_init_leaves_an_existing_file_alone(tilth: Tilth) -> None:
    tilth("init")
    assert tilth("init").code == 2


# -- faces -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("inspect", "chats"),
        ("import", "more", "chats.jsonl", "--max-reject", "0.5"),
        ("do", "filter.length", "chats", "--min-words", "2"),
        ("do", "filter.rules", "chats~1", "--what-if", "max_markup=0,1"),
        ("do", "filter.rules", "chats~1", "--dry-run"),
        ("run", "weekly.yaml"),
        ("run", "weekly.yaml", "--dry-run"),
        ("tools",),
        ("tools", "filter.rules"),
        ("datasets",),
        ("status",),
        ("tag", "chats", "one"),
        ("show", "chats"),
        ("sql", "chats", "select * from rows"),
        ("drops", "chats"),
        ("why", "chats.jsonl:9"),
        ("log",),
        ("log", "chats", "--recipe"),
        ("log", "--verify"),
        ("diff", "chats"),
        ("undo", "chats"),
        ("export", "chats", "out"),
        ("card", "chats"),
        ("init", "elsewhere"),
        ("doctor",),
        ("gc",),
    ],
    ids=" ".join,
)
def test_with_json_the_last_line_is_the_result(chats: Tilth, words: tuple[str, ...]) -> None:
    said = chats(*words, "--json")
    assert said.code == 0, said.out
    assert said.err == ""
    assert said.last["event"] == "result"
    assert all("event" in event for event in said.events)


def test_with_json_an_error_is_the_last_line(chats: Tilth) -> None:
    said = chats("do", "filter.rules", "chats~1", "--max-drop", "0.01", "--json")
    assert said.code == 1
    assert [event["event"] for event in said.events][-1] == "error"
    assert said.last["exit_code"] == 1
    assert "--max-drop" in said.last["message"]
    assert said.err == ""


def test_with_json_a_usage_error_is_json_too(tilth: Tilth) -> None:
    said = tilth("shwo", "--json")
    assert (said.code, said.last["exit_code"]) == (2, 2)


def test_a_change_tells_all_of_its_counts(tilth: Tilth) -> None:
    tilth("import", "chats", "chats.jsonl", "--max-reject", "0.5")
    line = tilth("do", "filter.rules", "chats", "--json").last
    wanted = {
        "event",
        "tool",
        "dataset",
        "version",
        "before",
        "after",
        "dropped",
        "added",
        "edited",
        "findings",
        "seconds",
    }
    assert wanted <= set(line)
    assert line["before"] == line["after"] + sum(line["dropped"].values()) - line["added"]


def test_an_import_tells_all_of_its_counts(tilth: Tilth) -> None:
    line = tilth("import", "chats", "chats.jsonl", "--max-reject", "0.5", "--json").last
    assert line["read"] == line["kept"] + line["rejected"] == 12


def test_bare_rows_are_what_was_read(chats: Tilth) -> None:
    said = chats("show", "chats", "-n", "100", "--jsonl")
    assert said.events == [ROWS[i] for i in (*range(8), 10)]


def test_csv_rows_read_back(chats: Tilth) -> None:
    import csv
    import io

    said = chats("sql", "chats", "select line, source from rows order by line limit 2", "--csv")
    assert list(csv.reader(io.StringIO(said.out))) == [["line", "source"], ["1", "chats"], ["2", "chats"]]


def test_every_changed_row_comes_as_a_bare_row(chats: Tilth) -> None:
    found = chats("diff", "chats", "--jsonl").events
    assert {(one["change"], one["reason"]) for one in found} == {
        ("dropped", "markup_leak"),
        ("dropped", "empty_response"),
    }
    assert [one["reason"] for one in chats("drops", "chats", "--jsonl").events] == ["empty_response", "markup_leak"]


@pytest.mark.parametrize("words", [("show", "chats"), ("drops", "chats"), ("why", "chats.jsonl:11"), ("diff", "chats")])
def test_what_rows_say_never_reaches_the_terminal_as_a_command(chats: Tilth, words: tuple[str, ...]) -> None:
    said = chats(*words)
    assert "\x1b" not in said.out + said.err
    assert "\u202e" not in said.out + said.err


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_answers_fit_the_screen(chats: Tilth, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = []
    for words in (
        ("import", "more", "chats.jsonl", "--max-reject", "0.5"),
        ("do", "filter.rules", "more"),
        ("do", "filter.rules", "chats~1", "--what-if", "max_markup=0,1"),
        ("do", "filter.rules", "chats~1", "--dry-run"),
        ("run", "weekly.yaml"),
        ("run", "weekly.yaml", "--dry-run"),
        ("tools",),
        ("datasets",),
        ("show", "chats"),
        ("sql", "chats", "select * from rows"),
        ("drops", "chats"),
        ("why", "chats.jsonl:9"),
        ("log",),
        ("diff", "chats"),
        ("inspect", "chats"),
    ):
        said = chats(*words)
        lines += said.out.splitlines() + said.err.splitlines()
    assert len(lines) > 100
    assert [line for line in lines if width(line) > columns] == []


def test_quiet_says_nothing_but_the_answer(tilth: Tilth) -> None:
    tilth("import", "chats", "chats.jsonl", "--max-reject", "0.5", "--quiet")
    assert tilth("do", "filter.rules", "chats", "--quiet").err == ""


def test_a_step_that_drops_much_says_so_last(chats: Tilth) -> None:
    said = chats("do", "filter.where", "chats", "--keep", "line < 3")
    assert said.code == 0
    assert said.err.rstrip().splitlines()[-1].endswith("takes it back.")
    assert "!! filter.where drops 78% of the rows" in said.err


def test_a_sample_changes_nothing_and_says_so(chats: Tilth) -> None:
    said = chats("do", "filter.length", "chats", "--min-words", "2", "--sample", "4")
    assert "(sample 4 of 9)" in said.out
    assert " 9  messages" in chats("datasets").out


# -- own tools -------------------------------------------------------------------------------------------------------

OWN = '''import tilth


@tilth.filter
def no_plus(row):
    """Drop rows that ask for a sum."""
    return "asks_for_a_sum" if "plus" in row["messages"][0]["content"] else None
'''
BROKEN = """import itertools
import tilth

turns = itertools.count()


@tilth.filter
def moody_one(row):
    return "mood" if next(turns) % 5 == 0 else None
"""


def test_own_tools_run_when_the_configuration_names_them(chats: Tilth, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    assert chats("do", "my.no_plus", "chats").code == 2
    (tmp_path / "tilth.toml").write_text('[tools]\nload = ["mine.py"]\n')
    assert "asks_for_a_sum 8" in chats("do", "--workspace", ".", "my.no_plus", "chats").out
    assert "my.no_plus" in chats("tools").out


def test_own_tools_are_checked(tilth: Tilth, tmp_path: Path) -> None:
    (tmp_path / "fine.py").write_text(
        OWN.replace('row["messages"][0]["content"]', "str(row)").replace("no_plus", "fine")
    )
    (tmp_path / "broken.py").write_text(BROKEN)
    good, bad = tilth("tools", "check", "fine.py"), tilth("tools", "check", "broken.py")
    assert (good.code, bad.code) == (0, 1)
    assert "my.fine: keeps the contract (6 runs)" in good.out
    assert "my.moody_one: breaks the contract" in bad.out


# -- what a command ends with ----------------------------------------------------------------------------------------


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(command: Any) -> None:
        raise error

    return fail


def test_a_bug_is_one_sentence_and_a_log(chats: Tilth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilth.tui.verbs.look.datasets", failing(ZeroDivisionError("division by zero")))
    said = chats("datasets")
    assert said.code == 70
    assert "This is a bug in tilth: ZeroDivisionError." in said.err
    assert "Traceback" not in said.err
    (log,) = (tmp_path / ".tilth").glob("crash-*.log")
    assert str(log) in said.err
    assert "Traceback" in log.read_text()


def test_an_interrupted_command_says_how_to_go_on(chats: Tilth, monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (KeyboardInterrupt(), RuntimeError("Query interrupted")):
        monkeypatch.setattr("tilth.tui.verbs.look.datasets", failing(error))
        monkeypatch.setattr("tilth.tui.verbs.act.do", failing(error))
        read, done = chats("datasets"), chats("do", "filter.rules", "chats")
        assert (read.code, done.code) == (130, 130)
        assert read.err == "tilth: stopped\n"
        assert done.err == "tilth: stopped; run the same command again to resume\n"


def test_a_dataset_without_rows_is_asked_like_any_other(chats: Tilth) -> None:
    assert chats("do", "filter.length", "chats", "--min-characters", "99999").code == 0
    assert chats("do", "filter.where", "chats", "--keep", "line < 9").code == 0
    assert chats("do", "dedup.near", "chats", "--keep", "line desc").code == 0
    said = chats("do", "dedup.near", "chats", "--keep", "lien desc")
    assert said.code == 2
    assert "Nearest: line." in said.err


def test_a_misspelt_path_makes_no_workspace(tilth: Tilth, tmp_path: Path) -> None:
    said = tilth("import", "chats", "chast.jsonl")
    assert (said.code, "Nearest: chats.jsonl." in said.err) == (2, True)
    assert not (tmp_path / ".tilth").exists()
    (tmp_path / "void").mkdir()
    assert "There is no file void/x.jsonl.\n  The folder void is empty." in tilth("import", "x", "void/x.jsonl").err


def test_a_help_page_fits_the_terminal(tilth: Tilth, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (60, 80, 100, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        for words in (("--help",), ("export", "--help"), ("tools", "dedup.near"), ("do", "dedup.near", "--help")):
            assert all(width(line) <= min(columns, 100) for line in tilth(*words).out.splitlines())


def test_flagged_rows_are_told_with_the_way_to_see_them(tilth: Tilth, tmp_path: Path) -> None:
    span = " ".join(f"word{i}" for i in range(40))
    lines = [json.dumps({"text": f"{start} {span} {start} again"}) for start in ("red", "green", "blue")]
    (tmp_path / "texts.jsonl").write_text("\n".join(lines))
    assert tilth("import", "texts", "texts.jsonl").code == 0
    said = tilth("do", "dedup.spans", "texts", "--length", "20")
    assert "flagged 2 rows" in said.out
    assert "nothing to change" not in said.out
    assert "tilth sql texts" in said.out
    assert "(2 rows)" in tilth("sql", "texts", "select row_id, reason from decisions where action = 'flag'").out


def test_a_name_that_is_too_long_is_no_bug(chats: Tilth) -> None:
    for verb in ("bundle", "export"):
        said = chats(verb, "chats", "x" * 300)
        assert said.code == 2
        assert "File name too long" in said.err


def test_a_report_tells_its_answer(chats: Tilth) -> None:
    asked = chats("do", "inspect.sql", "chats", "--query", "select 6 * 7 as answer")
    assert "answer" in asked.out
    assert "42" in asked.out
    assert "looked for in" in chats("do", "inspect.pii", "chats").out
    assert "no sampled row has been ruled on" in chats("do", "inspect.rulings", "chats").out
    assert "nothing to change" not in asked.out


def test_a_page_goes_to_stdout_and_two_formats_exclude_each_other(chats: Tilth, tmp_path: Path) -> None:
    assert chats("inspect", "chats", "--html", "-").out.startswith("<!doctype html>")
    assert not (tmp_path / "-").exists()
    said = chats("show", "chats", "--jsonl", "--csv")
    assert (said.code, "--jsonl and --csv exclude each other." in said.err) == (2, True)


def test_a_card_to_verify_that_is_not_there_is_named(chats: Tilth) -> None:
    said = chats("verify-card", "nowhere")
    assert (said.code, "There is no folder nowhere." in said.err) == (2, True)


def test_only_a_name_that_is_close_is_offered(chats: Tilth) -> None:
    assert "Nearest" not in chats("frob").err


def test_a_reader_that_goes_away_is_no_error(chats: Tilth, tmp_path: Path) -> None:
    script = "import sys\nfrom tilth.tui.cli import main\nsys.exit(main(['show', 'chats', '-n', '9']))"
    done = subprocess.run(
        f'"{sys.executable}" -c "{script}" | true; echo ${{PIPESTATUS[0]}}',
        shell=True, executable="/bin/bash", cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "0"
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("more", [(), ("--jsonl",), ("--json",)])
def test_an_output_that_is_full_is_said_so(
    chats: Tilth, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", full)
        code = cli.main(["show", "chats", *more])
    assert code == 1
    assert "Cannot write to standard output: No space left on device." in capsys.readouterr().err


def test_what_the_system_forbids_is_no_bug(chats: Tilth, monkeypatch: pytest.MonkeyPatch) -> None:
    error = PermissionError(13, "Permission denied", "notes.txt")
    monkeypatch.setattr("tilth.tui.verbs.look.datasets", failing(error))
    said = chats("datasets")
    assert said.code == 2
    assert "The system refused notes.txt: Permission denied." in said.err


def test_a_second_writer_is_told_who_holds_the_workspace(chats: Tilth, tmp_path: Path) -> None:
    from tilth.tools.store.store import Store

    store = Store(tmp_path)
    with store.writing("tilth run long.yaml"):
        said = chats("undo", "chats")
        assert said.code == 3
        assert "tilth run long.yaml" in said.err
        assert "running: tilth run long.yaml" in chats("status").out
    store.close()


def test_help_imports_no_engine() -> None:
    code = (
        "import sys\nfrom tilth.tui.cli import main\nmain(['--help'])\n"
        "heavy = {'pyarrow', 'duckdb', 'numpy', 'pydantic', 'textual', 'openai', 'langgraph', 'vllm', 'yaml'}\n"
        "sys.stderr.write(' '.join(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "commands" in done.stdout


def test_no_tool_argument_hides_an_option_of_every_command() -> None:
    from tilth.tools import tool as registry

    taken = {name for option in grammar.OPTIONS for name in option.names}
    taken |= {name for verb in grammar.VERBS if verb.name == "do" for one in verb.arguments for name in one.names}
    flags = {
        f"--{parameter.name.replace('_', '-')}": tool_id
        for tool_id in registry.ids()
        for parameter in registry.get(tool_id).parameters
    }
    assert {flag: flags[flag] for flag in taken & set(flags)} == {}


def test_every_verb_has_a_handler() -> None:
    import importlib

    for verb in grammar.VERBS:
        module, _, function = verb.handler.partition(":")
        assert callable(getattr(importlib.import_module(f"tilth.tui.{module}"), function)), verb.name


def test_a_finding_tells_the_whole_command_that_acts_on_it(tilth: Tilth, tmp_path: Path) -> None:
    (tmp_path / "mails.jsonl").write_text('{"text": "write to bob@acme.io"}\n')
    tilth("import", "mails", "mails.jsonl")
    assert "tilth do clean.pii mails\n" in tilth("do", "inspect.pii", "mails").out
    assert "tilth do clean.pii mails --field text\n" in tilth("do", "inspect.pii", "mails", "--field", "text").out


def test_the_drops_of_one_step_are_told_alone(chats: Tilth) -> None:
    chats("do", "filter.where", "chats", "--drop", "line = 1")
    both, one = chats("drops", "chats").out, chats("drops", "chats", "--step", "filter.where").out
    assert "filter.rules" in both and "filter.where" in both
    assert "filter.rules" not in one and "filter.where" in one
    assert [line["tool"] for line in chats("drops", "chats", "--step", "filter.where", "--json").last["funnel"]] == [
        "filter.where"
    ]
