"""`filter.chat`: every reason on its own, what is no reason, and that well-formed conversations always
stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilth.tools.filter.chat import REASONS
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store

MakeRows = Callable[..., Rows]
Message = dict[str, Any]

USER, ANSWER = {"role": "user", "content": "How warm is it?"}, {"role": "assistant", "content": "12 degrees."}
SYSTEM = {"role": "system", "content": "Be brief."}
SCHEMA = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]


def call(arguments: Any = '{"town": "Oslo"}', id: str = "c1", name: str = "weather") -> Message:
    function = {"name": name, "arguments": arguments}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": id, "type": "function", "function": function}],
    }


def result(id: str = "c1") -> Message:
    return {"role": "tool", "tool_call_id": id, "content": "12"}


FAULTY: list[tuple[str, list[Any]]] = [
    ("no_messages", []),
    ("unknown_role", [{"role": "narrator", "content": "Night."}, ANSWER]),
    ("unknown_role", [USER, ANSWER, {"content": "nobody"}, ANSWER]),
    ("role_order", [USER, USER, ANSWER]),
    ("role_order", [USER, ANSWER, ANSWER]),
    ("role_order", [ANSWER, USER, ANSWER]),
    ("role_order", [SYSTEM, ANSWER]),
    ("role_order", [USER, SYSTEM, ANSWER]),
    ("role_order", [SYSTEM, SYSTEM, USER, ANSWER]),
    ("role_order", [USER, call(), result(), USER, ANSWER]),
    ("last_turn_not_assistant", [USER, ANSWER, USER]),
    ("last_turn_not_assistant", [USER, call(), result()]),
    ("empty_turn", [{"role": "user", "content": " \n"}, ANSWER]),
    ("empty_turn", [{"role": "user", "content": None}, ANSWER]),
    ("empty_turn", [USER, {"role": "assistant", "content": ""}, USER, ANSWER]),
    ("empty_turn", [{"role": "user", "content": [{"type": "text", "text": ""}]}, ANSWER]),
    ("tool_call_without_result", [USER, call(), ANSWER]),
    ("tool_call_without_result", [USER, call(), ANSWER, USER, call(id="c2"), result("c2"), ANSWER]),
    ("tool_result_without_call", [USER, result(), ANSWER]),
    ("tool_result_without_call", [USER, call(), result(), result(), ANSWER]),
    ("tool_result_without_call", [USER, call(), result(), ANSWER, USER, result(), ANSWER]),
    ("arguments_not_json", [USER, call("{'town': 'Oslo'}"), result(), ANSWER]),
    ("arguments_not_json", [USER, call('{"town": NaN}'), result(), ANSWER]),
    ("arguments_not_json", [USER, call(""), result(), ANSWER]),
    ("arguments_not_in_schema", [USER, call("{}"), result(), ANSWER]),
    ("arguments_not_in_schema", [USER, call({"town": 7}), result(), ANSWER]),
    ("arguments_not_in_schema", [USER, call("[]"), result(), ANSWER]),
    ("arguments_not_in_schema", [USER, call(name="wind"), result(), ANSWER]),
]

SOUND: list[list[Message]] = [
    [USER, ANSWER],
    [SYSTEM, USER, ANSWER, USER, ANSWER],
    [{"role": "developer", "content": "Be brief."}, USER, ANSWER],
    [{"role": "system", "content": ""}, USER, ANSWER],
    [USER, call(), result(), ANSWER],
    [USER, call({"town": "Oslo"}), result(), ANSWER],
    [USER, call(), result(), call(id="c2"), result("c2"), ANSWER],
    [USER, call()],  # the call is what the row teaches
    [
        USER,
        {**call(), "tool_calls": call()["tool_calls"] + call(id="c2")["tool_calls"]},
        result("c2"),
        result(),
        ANSWER,
    ],
    [USER, call(), {**result(), "content": ""}, ANSWER],
    [USER, {"role": "assistant", "content": ""}],  # empty_response of filter.rules
    [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, ANSWER],
    [
        USER,
        {
            "role": "assistant",
            "function_call": {"name": "weather", "arguments": '{"town": "Oslo"}'},
            "content": None,
        },
        {"role": "function", "name": "weather", "content": "12"},
        ANSWER,
    ],
    [
        USER,
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t", "name": "weather", "input": {"town": "Oslo"}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "12"}]},
        ANSWER,
    ],
]


def signals_of(store: Store, ran: Any) -> dict[str, list[Any]]:
    signals: dict[str, list[Any]] = store.objects.read(ran.entry.objects["signals"]).to_pydict()
    return signals


def with_tools(*conversations: list[Any]) -> list[dict[str, Any]]:
    return [{"messages": messages, "tools": TOOLS} for messages in [*conversations, [USER, ANSWER]]]


@pytest.mark.parametrize(("reason", "messages"), FAULTY)
def test_each_fault_drops_its_row_under_its_own_reason(
    reason: str, messages: list[Any], make_rows: MakeRows, run_tool: Any
) -> None:
    ran = run_tool("filter.chat", make_rows(with_tools(messages), format="messages"))
    assert ran.dropped() == {0: reason}
    (decision,) = ran.decisions
    assert "also" not in decision["evidence"], "one fault, one reason"


def test_sound_conversations_stay(make_rows: MakeRows, run_tool: Any) -> None:
    ran = run_tool("filter.chat", make_rows(with_tools(*SOUND), format="messages"))
    assert ran.decisions == []


def test_without_declared_tools_no_schema_is_checked(make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows([{"messages": [USER, call("{}"), result(), ANSWER]}])
    assert run_tool("filter.chat", rows).decisions == []


def test_tools_written_as_a_text_are_read(make_rows: MakeRows, run_tool: Any) -> None:
    record = {"messages": [USER, call("{}"), result(), ANSWER], "tools": json.dumps(TOOLS)}
    assert run_tool("filter.chat", make_rows([record])).dropped() == {0: "arguments_not_in_schema"}


def test_sharegpt_is_read_as_well(make_rows: MakeRows, run_tool: Any) -> None:
    def turns(*said: tuple[str, str]) -> dict[str, Any]:
        return {"conversations": [{"from": speaker, "value": text} for speaker, text in said]}

    good = '{"name": "weather", "arguments": {"town": "Oslo"}}'
    rows = make_rows(
        [
            turns(("human", "hi"), ("gpt", "hello")),
            turns(("human", "hi"), ("human", "again"), ("gpt", "hello")),
            turns(("human", "hi"), ("function_call", good), ("observation", "12"), ("gpt", "12")),
            turns(("human", "hi"), ("function_call", good[:-1]), ("observation", "12"), ("gpt", "12")),
            turns(("human", "hi"), ("function_call", good), ("gpt", "12")),
        ]
    )
    assert run_tool("filter.chat", rows).dropped() == {
        1: "role_order",
        3: "arguments_not_json",
        4: "tool_call_without_result",
    }


def test_the_first_reason_drops_and_the_others_are_told(make_rows: MakeRows, run_tool: Any) -> None:
    ran = run_tool(
        "filter.chat",
        make_rows([{"messages": [USER, USER, call("{"), result("c9")]}, {"messages": [USER, ANSWER]}]),
    )
    (decision,) = ran.decisions
    assert decision["reason"] == "role_order"
    assert decision["evidence"] == {
        "turn": 1,
        "detail": "user after user",
        "also": [
            "last_turn_not_assistant",
            "tool_call_without_result",
            "tool_result_without_call",
            "arguments_not_json",
        ],
    }


def test_reasons_not_chosen_are_flags(make_rows: MakeRows, run_tool: Any) -> None:
    rows = make_rows([{"messages": [USER, USER, call("{"), result(), ANSWER]}, {"messages": [USER, USER, ANSWER]}])
    ran = run_tool("filter.chat", rows, drop=["arguments_not_json"])
    assert ran.dropped() == {0: "arguments_not_json"}
    assert [(one["position"], one["reason"]) for one in ran.decisions if one["action"] == "flag"] == [(1, "role_order")]
    assert run_tool("filter.chat", rows, drop=[]).dropped() == {}


def test_parts_that_are_no_text_are_counted_and_said_not_to_be_examined(
    store: Store, make_rows: MakeRows, run_tool: Any
) -> None:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "x"}}]
    audio = {"type": "input_audio", "input_audio": {"data": ""}}
    rows = make_rows(
        [
            {"messages": [{"role": "user", "content": parts}, ANSWER]},
            {"messages": [USER, ANSWER]},
            {"messages": [{"role": "user", "content": [*parts, audio]}, ANSWER]},
        ]
    )
    ran = run_tool("filter.chat", rows)
    assert ran.decisions == []
    (finding,) = store.objects.read(ran.entry.objects["findings"]).to_pylist()
    assert (finding["code"], finding["count"], len(finding["rows"])) == ("parts_not_examined", 2, 2)
    assert finding["message"].endswith("not examined: 2 image_url, 1 input_audio.")
    assert signals_of(store, ran)["parts_not_examined"] == [1, 0, 2]


def test_other_formats_are_left_alone(make_rows: MakeRows, run_tool: Any) -> None:
    ran = run_tool("filter.chat", make_rows([{"instruction": "Say hi.", "output": ""}]))
    assert ran.decisions == []
    assert "signals" not in ran.entry.objects


# Any conversation that keeps the rules stays, whatever is said in it ----------------------------------------

_SAID = st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip()))


@st.composite
def well_formed(draw: st.DrawFn) -> dict[str, Any]:
    messages: list[Message] = [{"role": "system", "content": draw(st.text(max_size=5))}] if draw(st.booleans()) else []
    for exchange in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(_SAID)})
        for step in range(draw(st.integers(0, 2))):
            ids = [f"{exchange}.{step}.{i}" for i in range(draw(st.integers(1, 3)))]
            arguments = {"town": draw(st.text(max_size=5))}
            written: Any = json.dumps(arguments) if draw(st.booleans()) else arguments
            calls = [one for id in ids for one in call(written, id)["tool_calls"]]
            messages.append({**call(), "tool_calls": calls})
            messages += [result(id) for id in draw(st.permutations(ids))]
        messages.append({"role": "assistant", "content": draw(_SAID)})
    return {"messages": messages, "tools": TOOLS}


@given(st.lists(well_formed(), min_size=1, max_size=8))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_well_formed_conversations_are_never_dropped(
    store: Store, make_rows: MakeRows, run_tool: Any, records: list[dict[str, Any]]
) -> None:
    ran = run_tool("filter.chat", make_rows(records, format="messages"))
    assert ran.decisions == []
    signals = signals_of(store, ran)
    assert signals["turns"] == [len(record["messages"]) for record in records]
    assert all(not any(signals[reason]) for reason in REASONS)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "role",
                    "content",
                    "from",
                    "value",
                    "tool_calls",
                    "function",
                    "name",
                    "arguments",
                    "type",
                    "text",
                ]
            ),
            inner | st.sampled_from(["user", "assistant", "tool", "text", "tool_use", "function_call"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(_JSON, min_size=1, max_size=15), _JSON)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_record_however_odd_stops_the_tools(make_rows: MakeRows, run_tool: Any, odd: list[Any], tools: Any) -> None:
    records = [{"messages": messages, "tools": tools} for messages in [[USER, ANSWER], *odd]]
    rows = make_rows(records, format="messages")
    assert 0 not in run_tool("filter.chat", rows, drop=["role_order", "empty_turn"]).dropped()
    assert len(run_tool("clean.chat", rows).rows) == len(rows)
    assert len(run_tool("clean.unicode", rows).rows) == len(rows)
    assert 0 not in run_tool("filter.rules", rows).dropped()
