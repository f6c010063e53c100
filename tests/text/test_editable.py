"""Which texts of a record may be rewritten, and that each knows all its places."""

from __future__ import annotations

from typing import Any

from tilth.tools.store.format.mapping import Mapping
from tilth.tools.text.editable import editable, says_more


def turn(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


CHAT = Mapping("messages", {"messages": "messages"}, {"messages": ("array",), "id": ("string",), "n": ("integer",)})
CALL = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"town": "Oslo"}'}}]


def test_tool_calls_numbers_and_blanks_are_left_out() -> None:
    record = {"messages": [turn("user", " "), turn("assistant", "Hm.", tool_calls=CALL)], "id": "x", "n": 3}
    assert [(one.paths, one.text) for one in editable(record, CHAT, "all")] == [
        ((("messages", 1, "content"),), "Hm."),
        ((("id",),), "x"),
    ]


def test_a_prompt_written_twice_is_one_text() -> None:
    pair = Mapping("preference", {"chosen": "chosen", "rejected": "rejected"}, {})
    ask = [turn("user", "Why?"), turn("assistant", "Who asks?"), turn("user", "Why?")]
    record = {"chosen": [*ask, turn("assistant", "So.")], "rejected": [*ask, turn("assistant", "Why?")]}
    found = {one.paths: one.text for one in editable(record, pair, "prompt")}
    assert sorted(path for paths in found for path in paths) == [
        (side, i, "content") for side in ("chosen", "rejected") for i in range(3)
    ]
    assert {text for text in found.values()} == {"Why?", "Who asks?"}
    assert [one.paths for one in editable(record, pair, "rejected")] == [(("rejected", 3, "content"),)]


def test_what_else_a_row_says() -> None:
    path = ("messages", 1, "content")
    record = {"messages": [turn("system", "Be brief."), turn("user", "Why?")], "id": "x"}
    assert not says_more(record, CHAT, {path})
    assert says_more(record, CHAT, set())
    record["messages"].append(turn("assistant", None, tool_calls=CALL))
    assert says_more(record, CHAT, {path})
