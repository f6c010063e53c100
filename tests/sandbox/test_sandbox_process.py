"""The process behind a sandbox: one question leaves nothing for the next, and nothing keeps it from being answered."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tilth.tools.errors import Refused
from tilth.tools.sandbox import sandbox as module
from tilth.tools.sandbox.jail import landlock_abi
from tilth.tools.sandbox.sandbox import Sandbox, shared
from tilth.tools.sandbox.wire import Job, Limits

ENDLESS = "select count(*) from range(100000000000)"


def ask(sandbox: Sandbox, sql: str, **limits: Any) -> dict[str, Any]:
    """Any SQL at all, with no view and no file."""
    return sandbox.run(Job(sql, (), (), Limits(**limits)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("create table left_behind as select 1", "from left_behind"),
        ("create macro left_behind() as 1", "select left_behind()"),
        ("set variable left_behind = 1", "select 1 / (getvariable('left_behind') is not null)::int, error('none')"),
        ("create type left_behind as enum ('a')", "select 'a'::left_behind"),
        ("attach ':memory:' as left_behind", "use left_behind"),
        ("prepare left_behind as select 1", "execute left_behind"),
        ("create sequence left_behind", "select nextval('left_behind')"),
    ],
)
def test_nothing_is_left_for_the_next_question(before: str, after: str, sandbox: Sandbox) -> None:
    ask(sandbox, before)
    assert "error" in ask(sandbox, after)


def test_what_is_said_is_json(sandbox: Sandbox) -> None:
    sql = """select 1::hugeint << 100, 0.1, 'nan'::double, '-inf'::float, 1.50::decimal(9, 2), 'é☃', '\\xAA'::blob, null,
             true, date '2024-02-29', timestamptz '2024-01-01 00:00:00+02', interval '1 day', [1, null], {'a': [1.5]},
             map {1: 'x'}, '{"a": 1}'::json, chr(0)"""
    reply = ask(sandbox, sql)
    assert reply["rows"] == [
        [1 << 100, "0.1", "nan", "-inf", "1.50", "é☃", "aa", None, True, "2024-02-29", "2023-12-31 22:00:00+00:00",
         "1 day, 0:00:00", [1, None], {"a": ["1.5"]}, {"1": "x"}, '{"a": 1}', "\0"]
    ]  # fmt: skip
    assert len(reply["types"]) == len(reply["columns"]) == 17


def test_every_type_can_be_told(sandbox: Sandbox) -> None:
    """What DuckDB's module imports to hand a value over was imported before the process was locked."""
    reply = ask(sandbox, "from test_all_types()")
    assert len(reply["columns"]) > 40
    assert len(reply["rows"]) == 3


def test_rows_values_and_bytes_are_capped(sandbox: Sandbox) -> None:
    few = ask(sandbox, "from range(4)", rows=3)
    assert (few["rows"], few["more"]) == ([[0], [1], [2]], True)
    assert ask(sandbox, "from range(3)", rows=3)["more"] is False

    long = ask(sandbox, "select repeat('é', 50), 'é', range(90), 12345678901", cell=10)
    assert long["rows"] == [["é" * 10 + "… (+40 characters)", "é", "[0, 1, 2, … (+340 characters)", 12345678901]]
    assert long["cut"] == 2

    wide = ask(sandbox, "select repeat('é', 100) from range(200)", size=5_000)
    assert wide["more"] is True
    assert 0 < len(json.dumps(wide["rows"])) <= 5_000


def test_endless_questions_end_and_the_process_stays(sandbox: Sandbox) -> None:
    sandbox.start()
    process = sandbox._process
    assert ask(sandbox, ENDLESS, seconds=0.1)["error"] == "InterruptException"
    unstoppable = "select levenshtein(repeat('ab', 30000), repeat('ba', 30000))"
    assert ask(sandbox, unstoppable, seconds=0.1) == {"error": "Killed", "message": "SIGALRM"}
    assert ask(sandbox, "select len(repeat('x', 1000000000))")["error"] == "OutOfMemoryException"
    assert ask(sandbox, "select 1")["rows"] == [[1]]
    assert sandbox._process is process


def test_an_interrupt_ends_a_question_at_once() -> None:
    sandbox = Sandbox()
    sandbox.start()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, sandbox, ENDLESS, seconds=60)
        while not waiting.done():
            sandbox.interrupt()
    assert waiting.result()["error"] == "Interrupted"
    assert ask(sandbox, "select 1")["rows"] == [[1]]
    sandbox.close()
    assert ask(sandbox, "select 2")["rows"] == [[2]]
    sandbox.close()


def test_a_silent_process_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox()
    sandbox.start()
    monkeypatch.setattr(module, "PATIENCE", -0.5)
    assert ask(sandbox, ENDLESS, seconds=0.6) == {"error": "Killed", "message": "SIGALRM"}
    monkeypatch.undo()
    assert ask(sandbox, "select 1")["rows"] == [[1]]
    sandbox.close()


def test_an_interrupted_wait_does_not_hand_its_answer_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox()
    sandbox.start()

    def interrupted(channel: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ask(sandbox, "select 'first'")
    monkeypatch.undo()
    assert ask(sandbox, "select 'second'")["rows"] == [["second"]]
    sandbox.close()


def test_many_threads_at_once(sandbox: Sandbox) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: ask(sandbox, f"select {i}")["rows"][0][0], range(12)))
    assert found == list(range(12))


def test_the_process_inherits_nothing(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "a secret")
    other = Sandbox()
    other.start()
    assert other._process is not None
    environment = f"/proc/{other._process.pid}/environ"
    try:
        with open(environment, "rb") as told:
            assert b"SOME_KEY" not in told.read()
    except FileNotFoundError:
        pytest.skip("no /proc here")
    finally:
        other.close()


def test_a_reply_says_whether_the_kernel_stood_by(sandbox: Sandbox) -> None:
    assert ask(sandbox, "select 1")["landlock"] == landlock_abi()


def test_a_process_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROGRAM", "raise SystemExit(1)")
    with pytest.raises(Refused, match="could not be started"):
        Sandbox().start()


def test_one_sandbox_serves_a_process() -> None:
    found: list[Sandbox] = []
    thread = threading.Thread(target=lambda: found.append(shared()))
    thread.start()
    thread.join()
    assert found == [shared()]
