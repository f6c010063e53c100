"""Chat records as messages: speakers, calls and results in every shape they are written in."""

from __future__ import annotations

from typing import Any

import pytest

from tilth.tools.store.format.mapping import Mapping
from tilth.tools.text.conversation import Call, Reader, beside_content, content_key

PATHS = {"messages": "messages", "tools": "tools"}
READER = Reader(Mapping("messages", PATHS, {"messages": ("array",), "tools": ("array",)}))


def read(*messages: Any) -> list[Any]:
    return READER.messages({"messages": list(messages)})


@pytest.mark.parametrize(
    ("written", "role"),
    [
        ("user", "user"),
        ("human", "user"),
        ("gpt", "assistant"),
        ("developer", "system"),
        ("observation", "tool"),
        ("User", ""),
        ("narrator", ""),
        (None, ""),
    ],
)
def test_speakers_have_one_name_each(written: Any, role: str) -> None:
    assert read({"role": written, "content": "hi"})[0].role == role
    assert read({"from": written, "value": "hi", "id": 1})[0].role == role


def test_a_record_without_a_list_of_messages_has_none() -> None:
    assert READER.messages({}) == READER.messages({"messages": None}) == READER.messages({"messages": "hi"}) == []


def test_something_is_said_only_where_a_text_is_more_than_white_space() -> None:
    contents: list[Any] = [
        "hi",
        " \n",
        "",
        None,
        [{"type": "text", "text": "hi"}],
        [{"type": "text", "text": " "}],
        [],
    ]
    assert [one.said for one in read(*({"role": "user", "content": content} for content in contents))] == [
        True, False, False, False, True, False, False,
    ]  # fmt: skip


def test_parts_that_are_no_text_are_named_by_their_kind() -> None:
    parts = [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {}},
        {"type": "file", "file": {}},
    ]
    assert read({"role": "user", "content": parts})[0].media == ("image_url", "file")


@pytest.mark.parametrize(
    ("message", "call"),
    [
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]},
            Call(("messages", 0, "tool_calls", 0, "function", "arguments"), "f", "c", "{}"),
        ),
        (
            {"role": "assistant", "tool_calls": [{"name": "f", "arguments": {"a": 1}}], "content": None},
            Call(("messages", 0, "tool_calls", 0, "arguments"), "f", None, {"a": 1}),
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
            Call(("messages", 0, "tool_calls", 0, "function"), "f", "c", None),
        ),
        (
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            Call(("messages", 0, "function_call", "arguments"), "f", None, "{}"),
        ),
        (
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}],
            },
            Call(("messages", 0, "content", 0, "input"), "f", "c", {"a": 1}),
        ),
        (
            {"from": "function_call", "value": '{"name": "f", "arguments": {"a": 1}}'},
            Call(("messages", 0, "value"), "f", None, {"a": 1}, whole=True),
        ),
        (
            {"from": "function_call", "value": "{'name': 'f'}"},
            Call(("messages", 0, "value"), None, None, "{'name': 'f'}", whole=True),
        ),
    ],
)
def test_calls_are_found_in_every_shape(message: Any, call: Call) -> None:
    assert read(message)[0].calls == (call,)


def test_results_name_the_call_they_answer() -> None:
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "12"}]}
    named, unnamed, parts = read(
        {"role": "tool", "tool_call_id": "c", "content": "12"},
        {"role": "function", "name": "f", "content": "12"},
        result,
    )
    assert (named.answers, unnamed.answers, parts.answers) == (("c",), (None,), ("c",))
    assert parts.role == "tool"


@pytest.mark.parametrize(
    "odd",
    [
        None,
        7,
        "hi",
        [],
        {},
        {"role": 7},
        {"role": {}, "content": "hi"},
        {"from": "function_call", "value": "[" * 100_000},
        {"role": "tool"},
        {"tool_calls": 3},
        {"tool_calls": [None, 1]},
    ],
)
def test_no_message_however_odd_stops_the_reader(odd: Any) -> None:
    assert len(read({"role": "user", "content": "hi"}, odd)) == 2


@pytest.mark.parametrize(
    "odd",
    ["no json", "[" * 100_000, "{}", 7, [], [None, {"function": None}, {"function": {"name": 7}}], {"a": 1}],
)
def test_no_declaration_however_odd_stops_the_reader(odd: Any) -> None:
    assert not READER.schemas({"tools": odd})


def test_declared_tools_are_read_bare_wrapped_or_written_as_text() -> None:
    bare = {"name": "f", "parameters": {"type": "object"}}
    for declared in (
        [bare],
        [{"type": "function", "function": bare}],
        '[{"name": "f", "parameters": {"type": "object"}}]',
    ):
        assert READER.schemas({"tools": declared}) == {"f": {"type": "object"}}


def test_what_stands_beside_the_content_is_told_apart() -> None:
    message = {"from": "human", "value": "hi", "weight": 0}
    assert content_key(message) == "value"
    assert beside_content(message) == {"weight": 0}
