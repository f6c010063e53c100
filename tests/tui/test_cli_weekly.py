"""The weekly verbs of the command line: rulings on rows, reviews by sample, amended steps, the report."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tilth.agent.events import Started
from tilth.agent.workspace import open_workspace
from tilth.tools.store.store import Store
from tilth.tui import cli
from tilth.tui.cells import width
from tilth.tui.verbs import keep


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def last(self) -> dict[str, Any]:
        return json.loads(self.out.splitlines()[-1])


Tilth = Callable[..., Said]

WORDS = ("amber", "birch", "cedar", "dune", "elm", "fern", "grove", "heath", "iris", "juniper", "kelp", "larch",
         "moss", "nettle", "oak", "pine")  # fmt: skip
HOSTILE = "\x1b[31m<script>alert(1)</script>| `x` \u202eabc"


def notes() -> list[dict[str, Any]]:
    lines = [{"text": f"The {a} stands by the {b} and nobody knows why.", "kind": a[0]} for a in WORDS for b in WORDS]
    return [*lines, *lines[:40], {"text": f"short {HOSTILE}", "kind": "a"}]


@pytest.fixture
def tilth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Tilth:
    """`tilth("review", "notes", stdin="k fine\\n") -> Said`, in a workspace with the dataset `notes` deduplicated."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "notes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in notes()), encoding="utf-8")

    def run(*words: str, stdin: str = "") -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = cli.main(words)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    assert run("import", "notes", "notes.jsonl").code == 0
    assert run("do", "dedup.exact", "notes").code == 0
    return run


class Person(io.StringIO):
    """Somebody at a terminal, who presses ^C when there is nothing left to say."""

    def isatty(self) -> bool:
        return True

    def readline(self, *args: Any) -> str:  # type: ignore[override]
        line = super().readline()
        if not line:
            raise KeyboardInterrupt
        return line


def test_keep_brings_a_row_back_and_why_tells_who_and_why(tilth: Tilth) -> None:
    said = tilth("keep", "notes.jsonl:257", "--because", f"two are fine {HOSTILE}", "--json")
    assert said.code == 0 and said.last["tool"] == "keep" and said.last["rows"] == 258
    told = tilth("why", "notes.jsonl:257")
    assert told.code == 0
    assert "kept it, ruling" in told.out and "overruled exact_duplicate" in told.out
    assert "people ruled" in told.out and "keep, because two are fine" in told.out
    assert "\x1b" not in told.out and "\u202e" not in told.out
    life = tilth("why", "notes.jsonl:257", "--json").last
    assert life["live"] and [one["word"] for one in life["rulings"]] == ["keep"]
    assert life["decisions"][-1]["action"] == "keep"


def test_drop_takes_a_row_out_by_id_prefix_and_in_one_dataset(tilth: Tilth) -> None:
    row = tilth("show", "notes", "--where", "line = 100", "--json").last["rows"][0]["row_id"]
    said = tilth("drop", row[:10], "--because", "names a person", "--in", "notes")
    assert said.code == 0 and "is not in the current version" in said.out and "256 rows" in said.out
    assert "dropped it, ruling" in tilth("why", row[:10]).out


@pytest.mark.parametrize("words", [
    ("keep", "notes.jsonl:1"),
    ("drop", "notes.jsonl:1", "--because", " "),
    ("keep", "ffffffffffff", "--because", "x"),
    ("keep", "notes.jsonl:1", "--because", "x", "--in", "note"),
    ("review", "notes", "--reason", "exact_duplicat"),
    ("do", "dedup.near", "notes", "--amend"),
    ("do", "dedup.exact", "notes", "--amend", "--dry-run"),
    ("report", "notes"),
    ("report", "notes", "--since", "nope"),
])  # fmt: skip
def test_what_makes_no_sense_is_usage(tilth: Tilth, words: tuple[str, ...]) -> None:
    said = tilth(*words)
    assert said.code == 2 and said.err.strip() and "Traceback" not in said.err
    assert not Path("rulings.jsonl").exists()


def test_a_review_from_a_script_rules_and_tells_rates_with_intervals(tilth: Tilth) -> None:
    answers = "k fine\nd again\nkeep as well\nu\nd same\nq\nd never read\n"
    said = tilth("review", "notes", "--reason", "exact_duplicate", "-n", "20", "--json", stdin=answers)
    line = said.last
    assert said.code == 0 and line["tool"] == "review"
    assert (line["drawn"], line["ruled"], line["keep"], line["drop"], line["unsure"]) == (20, 5, 2, 2, 1)
    (rate,) = line["rates"]
    assert (rate["reason"], rate["looked_at"], rate["contradicted"]) == ("exact_duplicate", 4, 2)
    assert 0 < rate["low"] < rate["share"] < rate["high"] < 1
    assert [one.get("word") for one in line["cases"]][:6] == ["keep", "drop", "keep", "unsure", "drop", None]
    assert line["cases"][0]["survivor"] is not None
    assert tilth("show", "notes", "--json").last["of"] == 259
    assert len(Path("rulings.jsonl").read_text().splitlines()) == 5


def test_the_rates_are_a_table_for_people(tilth: Tilth) -> None:
    said = tilth("review", "notes", "-n", "6", stdin="k a\nd b\n" * 3)
    assert said.code == 0 and "6 of 6 rows ruled on: keep 3, drop 3" in said.out
    assert "false drop  exact_duplicate" in said.out and "false keep  (stayed)" in said.out
    assert "95 % interval" in said.out
    assert "1 of 6" in said.err and "stayed" in said.err


def test_blind_shows_nothing_of_what_was_decided(tilth: Tilth) -> None:
    said = tilth("review", "notes", "-n", "10", "--blind", stdin="u\n" * 10)
    assert "10 of 10" in said.err and "exact_duplicate" not in said.err and "stayed" not in said.err
    assert tilth("review", "notes", "-n", "10", "--blind", stdin="k a\n" * 10).code == 0
    rulings = [json.loads(line) for line in Path("rulings.jsonl").read_text().splitlines()]
    assert len(rulings) == 20 and all(one["blind"] and one["sampled"] for one in rulings)
    drawn = tilth("review", "notes", "-n", "4", "--blind", "--json").last["cases"]
    assert drawn and all(set(one) == {"row_id", "place", "record"} for one in drawn)


@pytest.mark.parametrize(("answers", "fault"), [
    ("k fine\nmaybe\n", "Line 2 of stdin is no answer: 'maybe'"),
    ("k\n", "Line 1 of stdin gives no reason"),
    ("\n", "Line 1 of stdin is no answer: ''"),
])  # fmt: skip
def test_a_line_that_is_no_answer_writes_nothing(tilth: Tilth, answers: str, fault: str) -> None:
    said = tilth("review", "notes", "-n", "5", stdin=answers)
    assert said.code == 2 and fault in said.err and not Path("rulings.jsonl").exists()


def test_answers_left_over_are_told(tilth: Tilth) -> None:
    said = tilth("review", "notes", "-n", "1", stdin="u\nk more\nk more\n")
    assert said.code == 0 and "2 more lines of answers" in said.err


def test_without_answers_a_review_only_lists_what_it_would_ask(tilth: Tilth) -> None:
    first = tilth("review", "notes", "-n", "8", "--json").last
    assert first["ruled"] == 0 and len(first["cases"]) == 8 and not Path("rulings.jsonl").exists()
    again = tilth("review", "notes", "-n", "8", "--json").last
    assert [one["row_id"] for one in again["cases"]] == [one["row_id"] for one in first["cases"]]


def test_a_terminal_asks_again_and_interrupting_saves_what_was_said(
    tilth: Tilth, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Person("what\nk\nk it is fine\n"))
    assert cli.main(["review", "notes", "--reason", "exact_duplicate", "-n", "9"]) == 0
    told = capsys.readouterr()
    assert told.err.count("Answer 'k why'") == 2 and "1 of 9 rows ruled on: keep 1" in told.out


def test_hostile_rows_cannot_act_on_the_terminal(tilth: Tilth) -> None:
    assert tilth("do", "filter.where", "notes", "--drop", "length(text) > 60 or text like 'short%'").code == 0
    said = tilth("review", "notes", "--reason", "where", "-n", "50", stdin="")
    said_all = tilth("review", "notes", "--reason", "where", "-n", "50", "--plain", stdin="u\n" * 50)
    for told in (said, said_all):
        assert "\x1b[31m" not in told.err + told.out and "\u202e" not in told.err + told.out


def test_amend_does_the_step_again_and_what_followed(tilth: Tilth) -> None:
    assert tilth("do", "filter.where", "notes", "--drop", "kind = 'a'").code == 0
    assert tilth("do", "filter.where", "notes", "--drop", "kind = 'b'").code == 0
    said = tilth("do", "dedup.exact", "notes", "--amend", "--compare", "record", "--json")
    assert said.code == 0
    assert [step["tool"] for step in said.last["steps"]] == ["dedup.exact", "filter.where", "filter.where"]
    plain = tilth("do", "filter.where", "notes", "--amend", "--drop", "kind = 'c'")
    assert plain.code == 0 and "rows" in plain.out
    kinds = {one["kind"] for one in tilth("sql", "notes", "select distinct kind from rows", "--json").last["rows"]}
    assert "b" in kinds and "c" not in kinds and "a" not in kinds


def test_a_sample_of_all_rows_is_a_scratch_version_too(tilth: Tilth) -> None:
    before = tilth("datasets").out
    said = tilth("do", "filter.where", "notes", "--drop", "kind = 'b'", "--sample", "9999")
    assert said.code == 0 and "notes itself is not changed" in said.err
    assert tilth("datasets").out == before


@pytest.mark.parametrize("how", [("--dry-run",), ("--what-if", "min_words=3,99")])
def test_what_is_tried_is_tried_on_the_sample(tilth: Tilth, how: tuple[str, ...]) -> None:
    before = tilth("datasets").out
    line = tilth("do", "filter.length", "notes", "--min-words", "4", *how, "--sample", "5", "--json").last
    tried = line["values"][0] if "values" in line else line
    assert sum(tried["dropped"].values()) + tried.get("kept", 0) <= 5 == tried.get("before", 5)
    assert tilth("datasets").out == before


def test_a_ruling_is_written_whole_or_not_at_all(tilth: Tilth, tmp_path: Path) -> None:
    with closing(Store(tmp_path)) as store, store.writing("tilth run long.yaml"):
        said = tilth("keep", "notes.jsonl:257", "--because", "fine")
        assert said.code == 3 and "tilth run long.yaml" in said.err
        assert not (tmp_path / "rulings.jsonl").exists()
    said = tilth("keep", "notes.jsonl:257", "--because", "fine")
    assert said.code == 0 and "the ruling is written in rulings.jsonl" in said.err


def test_who_waits_for_a_ruling_is_told_its_command(tilth: Tilth, tmp_path: Path) -> None:
    holders = []

    def hear(event: object) -> None:
        if isinstance(event, Started):
            holders.append(workspace.running())

    with open_workspace(tmp_path, listener=hear) as workspace:
        workspace.keep("notes.jsonl:257", because="fine")
    assert [holder["command"] for holder in holders if holder] == ["tilth keep notes.jsonl:257"]


def test_why_sets_aside_what_no_longer_holds(tilth: Tilth) -> None:
    tilth("do", "filter.length", "notes", "--min-words", "99")
    tilth("undo", "notes")
    tilth("do", "filter.where", "notes", "--drop", "kind = 'a'", "--sample", "9999")
    tilth("keep", "notes.jsonl:257", "--because", "fine")
    life = tilth("why", "notes.jsonl:257", "--json").last
    assert [(one["tool"], one["action"], one["aside"]) for one in life["decisions"]] == [
        ("dedup.exact", "drop", "earlier"),
        ("dedup.exact", "keep", None),
    ]
    told = " ".join(tilth("why", "notes.jsonl:1").out.split())
    assert "too_short (score 10, min_words 99, signal words) (undone)" in told
    assert "(drop kind = 'a') (a trial only)" in told


def test_of_an_undone_edit_no_change_is_shown(tilth: Tilth) -> None:
    tilth("do", "clean.unicode", "notes")
    edited = tilth("why", "notes.jsonl:297").out
    tilth("undo", "notes")
    undone = tilth("why", "notes.jsonl:297").out
    assert "(undone)" in undone and "(undone)" not in edited
    assert len(undone.splitlines()) < len(edited.splitlines())


def test_drops_shows_the_step_that_is_named_and_a_refused_one_too(tilth: Tilth) -> None:
    said = tilth("do", "filter.length", "notes", "--min-words", "99", "--max-drop", "0.1")
    assert said.code == 1 and "tilth drops notes --step 2" in said.err
    assert "filter.length" not in tilth("drops", "notes").out
    refused = tilth("drops", "notes", "--step", "2", "-n", "1").out
    assert "filter.length (not applied)" in refused and "too_short: 1 of 257" in refused
    assert "dedup.exact" not in refused
    assert "Nearest: dedup.exact" in tilth("drops", "notes", "--step", "dedup.exat").err


def test_a_purge_is_agreed_to_first(tilth: Tilth, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("purge", "notes.jsonl:3", "--because", "asked to")
    said = tilth(*words)
    assert said.code == 2 and "--yes" in said.err
    monkeypatch.setattr(keep, "can_ask", lambda: True)
    assert tilth(*words, stdin="n\n").code == 1
    assert tilth("why", "notes.jsonl:3").code == 0
    said = tilth(*words, stdin="y\n")
    assert said.code == 0 and "Erase the row" in said.err and "is erased from notes" in said.out
    assert tilth("purge", "notes.jsonl:4", "--because", "asked to", "--yes").code == 0


def test_the_log_says_which_row_was_ruled_on_and_what_was_only_tried(tilth: Tilth) -> None:
    tilth("do", "filter.where", "notes", "--drop", "kind = 'b'", "--sample", "50")
    row = tilth("why", "notes.jsonl:257", "--json").last["row_id"]
    tilth("keep", "notes.jsonl:257", "--because", "two are fine")
    tilth("do", "filter.length", "notes", "--max-words", "10")
    tilth("do", "filter.length", "notes", "--amend", "--max-words", "9")
    lines = [" ".join(line.split()) for line in tilth("log", "notes").out.splitlines()]
    assert [line for line in lines if f" ruling 257 -> 258 keep {row[:12]}" in line]
    assert [line for line in lines if " amend " in line and "1 step done again" in line]
    assert ["scratch" in line for line in lines if " filter.where " in line] == [True]
    assert [line for line in lines if "dedup.exact" in line and "scratch" in line] == []


def test_a_tag_says_where_it_is_before_it_is_moved(tilth: Tilth) -> None:
    assert tilth("tag", "notes", "r1").code == 0
    assert tilth("undo", "notes", "--to", "r1").err.startswith("tilth: r1 is the current version of notes")
    tilth("do", "filter.where", "notes", "--drop", "kind = 'b'")
    refused = tilth("tag", "notes", "r1")
    assert refused.code == 2 and "notes@r1 is " in refused.err and "--move" in refused.err
    assert tilth("tag", "notes", "r1", "--move").code == 0


def test_the_ledger_and_the_losses_fit_sixty_cells(tilth: Tilth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    tilth("do", "filter.where", "notes", "--drop", "kind = 'b'")
    lines = [*tilth("drops", "notes").out.splitlines(), *tilth("log").out.splitlines()]
    assert len(lines) > 10 and [line for line in lines if width(line) > 60] == []
