"""What the plain face says, when, and where; and that the JSON face keeps the order."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tilth.agent.events import Counted, Finished, Noticed, Progressed, Started
from tilth.tui.faces.ndjson import NdjsonFace, dumps, write_rows
from tilth.tui.faces.plain import PlainFace, duration
from tilth.tui.terminal import Terminal, terminal_of

STEP = {"tool": "filter.rules", "dataset": "x", "version": "a" * 32, "before": 10, "after": 8,
        "dropped": {"echo": 2}, "added": 0, "edited": 0, "findings": 0, "seconds": 1.0}  # fmt: skip
RUN = {"recipe": "r.yaml", "dataset": "x", "version": "b" * 32, "read": 10, "kept": 10, "rejected": 0, "before": 10,
       "after": 8, "steps": [{"tool": "filter.rules", "before": 10, "after": 8, "dropped": {"echo": 2}}]}  # fmt: skip


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def plain(live: bool = False, **options: Any) -> tuple[PlainFace, io.StringIO, io.StringIO, Clock]:
    out, narration, clock = io.StringIO(), io.StringIO(), Clock()
    terminal = Terminal(columns=80, live=live)
    face = PlainFace(out, narration, screen=terminal, narrator=terminal, clock=clock, **options)
    return face, out, narration, clock


def test_only_the_outermost_result_is_the_answer() -> None:
    face, out, narration, _ = plain()
    face.listener(Finished(STEP))
    face.listener(Finished(RUN))
    face.close()
    assert out.getvalue().startswith("r.yaml: x @ bbbbbbbb")
    assert "filter.rules  x  10 -> 8" in narration.getvalue()


def test_what_is_loud_comes_last() -> None:
    face, out, narration, _ = plain()
    face.listener(Finished(STEP))
    face.listener(Noticed("it drops much", "loud"))
    assert out.getvalue() == narration.getvalue() == ""
    face.close()
    assert out.getvalue().startswith("filter.rules")
    assert narration.getvalue() == "!! it drops much\n"


def test_quiet_still_warns() -> None:
    face, _, narration, _ = plain(quiet=True)
    face.listener(Started("t.t", "x", "v", 3))
    face.listener(Noticed("by the way"))
    face.listener(Noticed("careful", "warning"))
    face.listener(Progressed("t.t", 3, 3))
    assert narration.getvalue() == "warning: careful\n"


def test_without_a_terminal_progress_is_a_line_at_ten_percent_steps_or_every_five_seconds() -> None:
    face, _, narration, clock = plain()
    face.listener(Started("t.t", "x", "v", 1000))
    for done in range(0, 1001, 10):
        clock.now = done / 10
        face.listener(Progressed("t.t", done, 1000))
    lines = narration.getvalue().splitlines()[1:]
    assert "t.t: 50 of 1,000 rows (5 %), 10 rows/s, 1 min 35 s left" in lines
    assert 18 <= len(lines) <= 20
    assert "\r" not in narration.getvalue()


def test_fast_work_is_not_narrated() -> None:
    face, _, narration, clock = plain()
    for done in range(11):
        clock.now = done / 100
        face.listener(Progressed("import", done, 10, "bytes"))
    assert narration.getvalue() == ""


def test_on_a_terminal_one_line_is_redrawn_and_then_gone() -> None:
    face, _, narration, clock = plain(live=True)
    for done in (10, 20, 30):
        clock.now = done / 10
        face.listener(Progressed("import", done * 1_000_000, 100_000_000, "bytes"))
    face.close()
    drawn = narration.getvalue().split("\r\x1b[2K")
    assert drawn[1] == "import: 20.0 of 100.0 MB (20 %), 20.0 MB/s, 4 s left"
    assert drawn[-1] == ""
    assert "\n" not in narration.getvalue()


def test_without_a_total_there_is_no_time_left() -> None:
    face, _, narration, clock = plain()
    face.listener(Progressed("import", 0, 0, "bytes"))
    clock.now = 10
    face.listener(Progressed("import", 5_000_000, 0, "bytes"))
    assert narration.getvalue() == "import: 5.0 MB, 0.5 MB/s\n"


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (59.4, "59 s"), (61, "1 min 01 s"), (7260, "2 h 01 min")])
def test_a_length_of_time_has_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_errors_are_harmless_and_keep_their_lines() -> None:
    face, _, narration, _ = plain()
    face.fail("bad \x1b[2J row\nsecond line", "do this", 2)
    assert narration.getvalue() == "tilth: bad ␛[2J row\nsecond line\n  do this\n"


@pytest.mark.parametrize(("environment", "plainly", "colour"),
                         [({}, False, True), ({"NO_COLOR": "1"}, False, False), ({"TERM": "dumb"}, False, False),
                          ({}, True, False)])  # fmt: skip
def test_colour_needs_a_terminal_that_wants_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], plainly: bool, colour: bool
) -> None:
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("NO_COLOR", "TERM", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert terminal_of(Tty(), plain=plainly).colour is colour
    assert terminal_of(io.StringIO()).colour is False


@pytest.mark.parametrize(("columns", "used"), [("10", 60), ("120", 120), ("900", 200)])
def test_the_width_stays_between_60_and_200(monkeypatch: pytest.MonkeyPatch, columns: str, used: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal_of(io.StringIO()).columns == used


# -- JSON --------------------------------------------------------------------------------------------------------------


def test_every_event_is_a_line_and_the_outermost_result_the_last() -> None:
    out = io.StringIO()
    face = NdjsonFace(out)
    face.listener(Started("t.t", "x", "v", 3))
    face.listener(Progressed("t.t", 1, 3))
    face.listener(Finished(STEP))
    face.listener(Noticed("it drops much", "loud"))
    face.listener(Finished(RUN))
    face.close()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["started", "progress", "notice", "result", "result"]
    assert lines[-1]["recipe"] == "r.yaml"


def test_json_lines_hold_no_nan() -> None:
    assert json.loads(dumps({"a": float("nan"), "b": [1.5, float("inf")], "c": b"\x01"})) == {
        "a": None, "b": [1.5, None], "c": "01"}  # fmt: skip


def test_csv_columns_are_those_of_all_rows() -> None:
    out = io.StringIO()
    write_rows(out, [{"a": 1}, {"b": {"c": [1, "é"]}, "a": None}], "csv")
    assert out.getvalue() == 'a,b\n1,\n,"{""c"": [1, ""é""]}"\n'


def test_the_json_face_gives_rows_as_a_result() -> None:
    out = io.StringIO()
    face = NdjsonFace(out)
    face.rows([{"a": 1}, {"b": [None, float("nan")]}])
    face.close()
    assert [json.loads(line) for line in out.getvalue().splitlines()] == [
        {"event": "result", "columns": ["a", "b"], "rows": [{"a": 1}, {"b": [None, None]}]}
    ]


def test_the_json_face_names_the_columns_of_no_rows() -> None:
    out = io.StringIO()
    face = NdjsonFace(out)
    face.rows(iter([]), ("x", "y"))
    face.close()
    assert json.loads(out.getvalue()) == {"event": "result", "columns": ["x", "y"], "rows": []}


def test_a_panels_accounts_are_told_whole_and_cut_where_there_is_no_room() -> None:
    told = Counted("few_shot@1", 41, {"below_cut": 6, "near_duplicate": 19}, {"unavailable": 1}, 2, 8, 90, 60, 310, 12,
                   88_000, 41_000, 0.37, 1.8, 2.5)  # fmt: skip
    whole = (
        "few_shot@1: accepted 41 of 60, rejected 25, failed 1, parked 2, 8 in flight, 310 calls, $0.37, 1.8/s, "
        "2 min 30 s left, 88,000 tokens in and 41,000 out, near_duplicate 19, below_cut 6, unavailable 1"
    )
    for live, expected in ((False, whole + "\n"), (True, whole[:78])):
        face, _, narration, clock = plain(live=live)
        clock.now = 60.0
        face.listener(told)
        assert expected in narration.getvalue()
        assert live == (whole not in narration.getvalue())
