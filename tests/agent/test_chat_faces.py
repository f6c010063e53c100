"""One conversation through every face: the engine, `tilth ask` plain and as JSON, `tilth chat` line by line."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tilth.agent.chat.approval import approved
from tilth.agent.events import Answered, Proposed, Returned
from tilth.agent.models.budget import Caps
from tilth.tui.cli import main

Converse = Callable[..., Any]
QUESTION = "Drop the copies."
ANSWER = "4 of 40 rows were copies, 10.0 %; 3,999 are not."


def script(sim: ModuleType) -> list[Any]:
    calls = [("do", '{"tool": "dedup.exact"}'), ("export", "{}")]
    return [sim.Say("On it.", "tool_calls", tool_calls=calls), ANSWER, ANSWER]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What stands on standard input."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


async def test_all_faces_tell_the_same_story(
    converse: Converse, turn: Any, sim: ModuleType, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    talk = converse(*script(sim))
    async with talk.engine(approved=approved("writes", Caps())) as engine:
        events = await turn(engine.chat(QUESTION))
    lines = [event.line for event in events if isinstance(event, Returned)]
    proposed = [event.command for event in events if isinstance(event, Proposed)]
    assert lines[0] == "40 → 36" and "nobody is here to approve" in lines[1]
    assert [event.doubtful for event in events if isinstance(event, Answered)][-1]

    for face in ("json", "plain", "chat"):
        talk.workspace.undo("chats")
        talk.server.answers = sim.script(*script(sim))
        typed("" if face != "chat" else QUESTION + "\n")
        words = ["--workspace", str(talk.root), "--approve", "writes"]
        line = (
            ["chat", *words] if face == "chat" else ["ask", QUESTION, *words, *(["--json"] if face == "json" else [])]
        )
        code = await _in_thread(line)
        out, err = capsys.readouterr()
        said = out + err
        assert "\x1b" not in said
        if face == "json":
            told = [json.loads(one) for one in out.splitlines()]
            assert [one["line"] for one in told if one["event"] == "returned"] == lines
            assert [one["command"] for one in told if one["event"] == "proposed"] == proposed
            assert told[-1]["event"] == "result" and told[-1]["answer"] == ANSWER
            assert told[-1]["doubtful"] == ["3,999"]
        else:
            flat = " ".join(said.split())
            assert all(" ".join(one.split()) in flat for one in [*lines, *proposed])
            assert "10.0 %; 3,999 [?] are not." in flat
        assert code == (1 if face != "chat" else 0)
        if face == "plain":
            assert out.startswith("4 of 40 rows") and "tool:" not in out


async def _in_thread(words: list[str]) -> int:
    import asyncio

    return await asyncio.to_thread(main, words)


def test_piped_text_is_shown_to_the_model_as_data(
    converse: Converse, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    talk = converse("It is about 812 cats.")
    typed("a file about 812 cats")
    assert main(["ask", "What is this?", "--workspace", str(talk.root)]) == 0
    assert capsys.readouterr().out == "It is about 812 cats.\n"
    content = talk.server.requests[0]["messages"][-1]["content"]
    assert (
        content.index("<input ")
        < content.index("812 cats")
        < content.index("</input ")
        < content.index("What is this?")
    )


@pytest.mark.parametrize("form", ["plain", "json"])
def test_failures_are_exit_codes(
    converse: Converse, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None], form: str
) -> None:
    talk = converse("unused")
    typed("")
    flags = ["--json"] if form == "json" else []
    (talk.root / "tilth.toml").write_text("")
    assert main(["ask", "Hello?", "--workspace", str(talk.root), *flags]) == 2
    out, err = capsys.readouterr()
    assert "tilth models add NAME URL" in (out if form == "json" else err)
    assert main(["ask", "Hello?", "--workspace", str(talk.root), "--approve", "spends", *flags]) == 2


def test_a_failure_is_told_once_in_json(
    converse: Converse, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    talk = converse("unused")
    typed("")
    (talk.root / "tilth.toml").write_text("")
    assert main(["ask", "Hello?", "--json", "--workspace", str(talk.root)]) == 2
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["event"] for one in told if "No model is connected" in json.dumps(one)] == ["error"]


@pytest.mark.parametrize("words", [["ask", "Hello?", "nope"], ["chat", "nope"], ["ask", "  "]])
def test_what_is_asked_about_must_be_there(
    converse: Converse, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None], words: list[str]
) -> None:
    talk = converse("unused")
    typed("")
    assert main([*words, "--workspace", str(talk.root)]) == 2
    err = capsys.readouterr().err
    assert ("The question is empty." if "nope" not in words else "'nope'") in err
    assert talk.server.calls == 0


def test_calls_that_cannot_be_made_are_named(
    converse: Converse, sim: ModuleType, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    calls = [("export", '{"wrong": 1}'), ("explode", "{}"), ("undo", "{never ends")]
    talk = converse(sim.Say("", "tool_calls", tool_calls=calls), "Done.")
    typed("")
    main(["ask", "Export it.", "--workspace", str(talk.root)])
    err = " ".join(capsys.readouterr().err.split())
    assert "tool: export (it cannot be called like this)" in err and "export has no argument 'wrong'" in err
    assert "There is no function 'explode'" in err
    assert "tool: undo (its arguments are no JSON)" in err


def test_offline_says_what_it_can_do_when_it_has_no_answer(
    converse: Converse, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    talk = converse("unused")
    (talk.root / "tilth.toml").write_text('[roles]\ngenerator = ["offline:"]\nreviewer = ["offline:"]\n')
    for piped, code in [("Loam holds water well.", 0), ("", 1)]:
        typed(piped)
        assert main(["ask", "Why loam?", "--workspace", str(talk.root)]) == code
    out, err = capsys.readouterr()
    assert out == "Loam holds water well.\n"
    assert "offline: has no answer" in err and "only quotes" in err and "tilth models add" in err


def test_a_failed_command_is_the_exit_code_of_piped_lines(
    converse: Converse, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    talk = converse("Hello.")
    for lines, code in [("/nonsense\n/help\n/datasets\nhello\n", 2), ("/show nope\n/datasets\n", 2), ("/help\n", 0)]:
        typed(lines)
        assert main(["chat", "chats", "--plain", "--workspace", str(talk.root)]) == code
    assert "There is no command /nonsense." in capsys.readouterr().out


def test_slash_commands_and_queries_work_without_a_model(
    converse: Converse, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    talk = converse("unused")
    (talk.root / "tilth.toml").write_text("")
    typed("/do dedup.exact\n!select count(*) as n from rows\n/undo\n/context\n/help\n/nonsense\nhello\n")
    assert main(["chat", "chats", "--workspace", str(talk.root)]) == 2  # the last line wanted a model
    out = capsys.readouterr().out
    assert "40 -> 36" in out and "tool: tilth undo chats" in out and "instructions" in out
    assert "There is no command /nonsense." in out and "No model is connected" in out
    assert talk.server.calls == 0


def test_sessions_are_listed_and_resumed(
    converse: Converse, capsys: pytest.CaptureFixture[str], typed: Callable[[str], None]
) -> None:
    talk = converse("First answer.", "Second answer.")
    typed("")
    main(["ask", "First question?", "--workspace", str(talk.root)])
    typed("Second question?\n")
    assert main(["chat", "--resume", "last", "--workspace", str(talk.root)]) == 0
    out = capsys.readouterr().out
    assert out.index("you: First question?") < out.rindex("First answer.") < out.index("tilth: Second answer.")
    main(["sessions", "--json", "--workspace", str(talk.root)])
    (one,) = json.loads(capsys.readouterr().out.splitlines()[-1])["sessions"]
    assert (one["turns"], one["title"]) == (2, "First question?")


class Keyboard(io.StringIO):
    """Lines that a person types at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answer", "rows"),
    [
        ("1", 20),
        ("", 40),
        ("4\nwe need them", 40),
        ("no, we need them", 40),
        ("3\nkeep=true\n", 40),
        ("3\nkeep=line % 40 != 7 reason=seventh\n", 39),
        ("3\nkep=true\n", 40),
    ],
)
def test_line_by_line_a_person_is_asked_and_answers_with_a_number(
    converse: Converse,
    sim: ModuleType,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    rows: int,
) -> None:
    call = ("do", '{"tool": "filter.where", "args": {"keep": "line % 2 = 0"}}')
    talk = converse(sim.Say(None, "tool_calls", tool_calls=[call]), "As you wish.")
    monkeypatch.setattr(sys, "stdin", Keyboard(f"Halve it.\n{answer}\n" + ("\n" if answer == "" else "") + "exit\n"))
    assert main(["chat", "--plain", "--workspace", str(talk.root)]) == 0
    out = capsys.readouterr().out
    assert "asks: may it run this? It would drop 50% of the rows." in out
    assert "tilth: As you wish." in out and "\x1b" not in out
    assert talk.workspace.datasets()[0].rows == rows
    assert ("we need them" in talk.sent()) == ("we need them" in answer)
