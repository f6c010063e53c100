"""`clean.chat`: each repair touches the turn it names and nothing else, and what it repairs passes
`filter.chat`."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.tools.clean.chat import as_json, joined
from tilth.tools.store.rows import Rows
from tilth.tools.text.conversation import Call

MakeRows = Callable[..., Rows]

USER, ANSWER = {"role": "user", "content": "How warm?"}, {"role": "assistant", "content": "12 degrees."}
SYSTEM = {"role": "system", "content": "Be brief."}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "12"}


def call(arguments: Any) -> dict[str, Any]:
    function = {"name": "weather", "arguments": arguments}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }


def texts(rows: Rows) -> list[str]:
    return [text for batch in rows.batches() for text in batch.column("record").to_pylist()]


def messages_after(ran: Any) -> list[Any]:
    return [json.loads(text)["messages"] for text in texts(ran.rows)]


def test_what_follows_the_last_answer_is_cut_off(make_rows: MakeRows, run_tool: Any) -> None:
    ran = run_tool("clean.chat", make_rows([{"messages": [USER, ANSWER, USER, RESULT]}, {"messages": [USER, ANSWER]}]))
    assert messages_after(ran) == [[USER, ANSWER], [USER, ANSWER]]
    (decision,) = ran.decisions
    assert (decision["reason"], decision["evidence"]) == ("trim_to_last_assistant", {"turns": [2, 3]})


def test_a_last_answer_that_is_empty_is_no_place_to_cut(make_rows: MakeRows, run_tool: Any) -> None:
    blank = {"role": "assistant", "content": " "}
    rows = make_rows(
        [{"messages": [USER, ANSWER, USER, blank, USER]}, {"messages": [USER]}, {"messages": [USER, blank]}]
    )
    ran = run_tool("clean.chat", rows)
    assert messages_after(ran) == [[USER, ANSWER], [USER], [USER, blank]]


def test_turns_of_one_speaker_are_joined(make_rows: MakeRows, run_tool: Any) -> None:
    more, again = {"role": "user", "content": "In Oslo."}, {"role": "assistant", "content": "Sunny."}
    ran = run_tool("clean.chat", make_rows([{"messages": [SYSTEM, SYSTEM, USER, more, more, ANSWER, again]}]))
    assert messages_after(ran) == [
        [
            {"role": "system", "content": "Be brief.\n\nBe brief."},
            {"role": "user", "content": "How warm?\n\nIn Oslo.\n\nIn Oslo."},
            {"role": "assistant", "content": "12 degrees.\n\nSunny."},
        ]
    ]
    assert [one["evidence"]["turns"] for one in ran.decisions] == [[0, 1], [2, 3, 4], [5, 6]]


def test_turns_with_calls_or_keys_of_their_own_stay_apart(make_rows: MakeRows, run_tool: Any) -> None:
    named = {**USER, "name": "Ada"}
    rows = make_rows([{"messages": [USER, named, ANSWER]}, {"messages": [USER, ANSWER, call("{}"), RESULT, ANSWER]}])
    ran = run_tool("clean.chat", rows)
    assert ran.rows.vid == rows.vid


def test_texts_and_parts_are_joined_as_parts() -> None:
    image = {"type": "image_url", "image_url": {"url": "x"}}
    assert joined(["see", [image], None, " "]) == [{"type": "text", "text": "see"}, image]
    assert joined([" ", None, "said"]) == "said"
    assert joined([" ", ""]) == " "


def test_an_edit_leaves_every_other_byte(make_rows: MakeRows, run_tool: Any) -> None:
    arguments = "{'town': 'Oslo', 'days': None,}"
    record = {
        "id": "a-1",
        "messages": [USER, {**call(arguments), "weight": 0.50}, RESULT, ANSWER],
        "é": [1.0, "\u00e9"],
    }
    rows = make_rows([record])
    (before,) = texts(rows)
    ran = run_tool("clean.chat", rows)
    (after,) = texts(ran.rows)
    assert after == before.replace(json.dumps(arguments), json.dumps('{"town": "Oslo", "days": null}'))
    (decision,) = ran.decisions
    assert decision["evidence"] == {
        "turn": 1,
        "path": ["messages", 1, "tool_calls", 0, "function", "arguments"],
        "before": len(arguments),
        "after": len('{"town": "Oslo", "days": null}'),
    }


@pytest.mark.parametrize(
    ("written", "repaired"),
    [
        ("{'a': True, 'b': None}", '{"a": true, "b": null}'),
        ('{"a": 1,}', '{"a": 1}'),
        (json.dumps('{"a": 1}'), '{"a": 1}'),
        ("{'path': 'C:\\\\dir\\d'}", '{"path": "C:\\\\dir\\\\d"}'),
    ],
)
def test_arguments_that_need_no_guess_become_json(written: str, repaired: str) -> None:
    assert as_json(Call((), "f", None, written)) == repaired


@pytest.mark.parametrize(
    "written",
    [
        '{"a": 1}',
        '{"a": 1',
        "[1]",
        "{'a': {1, 2}}",
        "{1: 2}",
        "{'a': 1e999}",
        "f(x)",
        "",
        "{'a': __import__('os')}",
        "((" * 5000,
    ],
)
def test_arguments_that_are_sound_or_need_a_guess_are_left(written: str) -> None:
    assert as_json(Call((), "f", None, written)) is None


@pytest.mark.parametrize("written", [None, {"a": 1}, 7])
def test_arguments_that_are_no_text_are_left(written: Any) -> None:
    assert as_json(Call((), "f", None, written)) is None


def test_a_sharegpt_call_is_rewritten_whole(make_rows: MakeRows, run_tool: Any) -> None:
    def turns(value: str) -> dict[str, Any]:
        said = [("human", "hi"), ("function_call", value), ("observation", "12"), ("gpt", "12")]
        return {"conversations": [{"from": speaker, "value": text} for speaker, text in said]}

    inner = json.dumps({"name": "f", "arguments": "{'a': 1}"})  # the broken text has no place of its own
    ran = run_tool("clean.chat", make_rows([turns("{'name': 'f', 'arguments': {'a': 1}}"), turns(inner)]))
    values = [json.loads(text)["conversations"][1]["value"] for text in texts(ran.rows)]
    assert values == ['{"name": "f", "arguments": {"a": 1}}', inner]


@pytest.mark.parametrize("off", ["trim_to_last_assistant", "merge_same_role", "rewrite_arguments"])
def test_each_repair_can_be_left_out(off: str, make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows([{"messages": [USER, USER, call("{'a': 1}"), RESULT, ANSWER, USER]}])
    ran = run_tool("clean.chat", rows, **{off: False})
    expected = {"trim_to_last_assistant", "merge_same_role", "rewrite_arguments"} - {off}
    assert {one["reason"] for one in ran.decisions} == expected


def test_other_formats_are_left_alone(make_rows: MakeRows, run_tool: Any) -> None:
    assert run_tool("clean.chat", make_rows([{"instruction": "Say hi.", "output": "hi"}])).decisions == []


# What is repaired passes the filter -------------------------------------------------------------------------

_SAID = st.text(min_size=1, max_size=10).filter(lambda text: bool(text.strip()))
_LITERALS = st.dictionaries(
    st.text(max_size=4), st.none() | st.booleans() | st.integers() | st.text(max_size=4), max_size=3
)
_TURN = st.one_of(
    st.builds(
        lambda role, text: {"role": role, "content": text},
        st.sampled_from(["user", "assistant", "system"]),
        _SAID,
    ),
    st.builds(lambda value: call(repr(value)), _LITERALS),
    st.just(RESULT),
)


_CONVERSATIONS = st.lists(st.lists(_TURN, min_size=1, max_size=8), min_size=1, max_size=15)


@given(_CONVERSATIONS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_the_repair_its_reasons_are_gone(
    make_rows: MakeRows, run_tool: Any, conversations: list[list[dict[str, Any]]]
) -> None:
    rows = make_rows([{"messages": messages} for messages in conversations], format="messages")
    repaired = run_tool("clean.chat", rows).rows
    flags = run_tool("filter.chat", repaired, drop=[]).decisions
    for position, (messages, text) in enumerate(zip(conversations, texts(repaired), strict=True)):
        after = json.loads(text)["messages"]
        found = {one["reason"] for one in flags if one["position"] == position}
        answers = any(message["role"] == "assistant" for message in messages)
        assert not answers or "last_turn_not_assistant" not in found
        assert "arguments_not_json" not in found
        for first, second in pairwise(after):
            same = first["role"] == second["role"] != "tool"
            assert not same or "tool_calls" in first or "tool_calls" in second
        meant = [
            ast.literal_eval(one["tool_calls"][0]["function"]["arguments"]) for one in messages if "tool_calls" in one
        ]
        for message in after:
            if "tool_calls" in message:
                assert json.loads(message["tool_calls"][0]["function"]["arguments"]) in meant


@given(_CONVERSATIONS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_repairing_twice_is_repairing_once(
    make_rows: MakeRows, run_tool: Any, conversations: list[list[dict[str, Any]]]
) -> None:
    once = run_tool("clean.chat", make_rows([{"messages": one} for one in conversations], format="messages")).rows
    assert run_tool("clean.chat", once).rows.vid == once.vid
