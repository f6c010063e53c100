"""Slash commands: one table, its twins on the command line, its handlers on a workspace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tilth.agent import commands
from tilth.tools.errors import Misuse, TilthError
from tilth.tui.line import parsing

KNOWN = ["chats", "more"]


@pytest.mark.parametrize(
    ("typed", "twin"),
    [
        ("/inspect", "tilth inspect chats"),
        ("/inspect @more@v1", "tilth inspect more@v1"),
        ("/do dedup.near --threshold 0.7", "tilth do dedup.near chats --threshold 0.7"),
        ("/do dedup.near more --keep 'length desc'", "tilth do dedup.near more --keep 'length desc'"),
        ("/drops --reason near_duplicate", "tilth drops chats --reason near_duplicate"),
        ("/keep 12ab34 because it's fine", 'tilth keep 12ab34 --because "it\'s fine"'),
        ("/undo", "tilth undo chats"),
        ("/recipe", "tilth log chats --recipe"),
        ("/export out --for trl", "tilth export chats out --for trl"),
        ("!select count(*) from rows", "tilth sql chats 'select count(*) from rows'"),
        ("/model", "tilth models"),
        ("/context", ""),
    ],
)
def test_every_line_has_its_twin(typed: str, twin: str) -> None:
    assert commands.read(typed, "chats", KNOWN).shown == twin


def test_every_twin_is_a_command_line_that_parses() -> None:
    words = {"do": ["dedup.near"], "sql": ["select 1"], "why": ["12ab34"], "keep": ["12ab34", "x"], "drop": ["12ab34", "x"],
             "import": ["new", "file.jsonl"]}  # fmt: skip
    for one in commands.COMMANDS:
        line = commands.read(" ".join([f"/{one.name}", *map(repr, words.get(one.name, []))]), "chats", KNOWN)
        if line.twin:
            verb = parsing.find_verb(line.twin[0], line.twin, 0)
            parsing.parser_for(verb).parse_args(line.twin[1:])


def test_what_cannot_be_meant_is_told_with_the_nearest_name() -> None:
    with pytest.raises(Misuse, match="no command /drps") as error:
        commands.read("/drps", "chats", KNOWN)
    assert error.value.next_step.startswith("Nearest: drops.")
    with pytest.raises(Misuse, match="No dataset is named"):
        commands.read("/drops", "", KNOWN)
    with pytest.raises(Misuse, match="wants more words"):
        commands.read("/why", "chats", KNOWN)


def test_handlers_do_what_the_twin_does(converse: Callable[..., Any]) -> None:
    workspace = converse("unused").workspace

    def run(typed: str) -> Any:
        line = commands.read(typed, "chats", list(workspace.store.histories()))
        assert line.command.handler is not None
        return line.command.handler(workspace, line)

    assert run("/do dedup.exact").result["after"] == 36
    assert run("/drops")[0][0].dropped == {"exact_duplicate": 4}
    assert len(run("!select * from rows")) == 36
    assert run("/undo") == workspace.store.history("chats").current
    assert run("/show")[0].record["messages"]
    assert "dedup.exact" not in run("/recipe")
    with pytest.raises(TilthError):
        run("/why 000000")


def test_completion_knows_commands_and_addresses(converse: Callable[..., Any]) -> None:
    workspace = converse("unused").workspace
    workspace.do("dedup.exact", "chats")
    workspace.tag("chats", "clean")
    assert [name for name, _ in commands.complete("/re", workspace)] == ["/redo", "/recipe"]
    assert [name for name, _ in commands.complete("show @ch", workspace)] == ["@chats", "@chats@clean", "@chats~1"]
    assert list(commands.complete("/undo @x", workspace)) == []
