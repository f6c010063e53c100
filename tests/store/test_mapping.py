"""What the parts of a record mean: fields read, pieces with their paths."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.errors import Misuse
from tilth.tools.store.format.detect import choose, detect
from tilth.tools.store.format.mapping import FIELDS, FORMATS, ROLES, Mapping
from tilth.tools.store.format.pieces import Turn
from tilth.tools.store.format.records import edit, parse


def chat(*said: tuple[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": text} for role, text in said], **more}


def inventory_of(records) -> dict[str, tuple[str, ...]]:
    names = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string"}
    found: dict[str, set[str]] = {}
    for record in records:
        for key, value in record.items():
            found.setdefault(key, set()).add(names.get(type(value)) or ("array" if type(value) is list else "object"))
    return {key: tuple(sorted(types)) for key, types in found.items()}


def mapping_of(*records, **told) -> Mapping:
    return choose(detect(records, inventory=inventory_of(records)), records, **told)


MESSAGES = chat(("system", "be nice"), ("user", "one"), ("assistant", "two"), ("user", "three"), ("assistant", "four"))
SHAREGPT = {
    "conversations": [
        {"from": "system", "value": "be nice"},
        {"from": "human", "value": "one"},
        {"from": "gpt", "value": "two"},
        {"from": "human", "value": "three"},
        {"from": "gpt", "value": "four"},
    ]
}
ALPACA = {"instruction": "do", "input": "this", "response": "done"}
QUESTION = {"question": "q", "answer": "a", "label": 1}
PREFERENCE = {"prompt": "p", "chosen": "good", "rejected": "bad"}
KTO = {"prompt": "p", "completion": "c", "label": True}
SELF_INSTRUCT = {
    "id": "1",
    "instruction": "do",
    "instances": [{"input": "", "output": "done"}, {"output": "x"}],
}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            MESSAGES,
            {
                "dialogue": "one\n\ntwo\n\nthree\n\nfour",
                "prompt": "one\n\ntwo\n\nthree",
                "response": "four",
                "first_user": "one",
                "assistant": "two\n\nfour",
                "system": "be nice",
                "all": "be nice\n\none\n\ntwo\n\nthree\n\nfour",
                "messages": "be nice\n\none\n\ntwo\n\nthree\n\nfour",
            },
        ),
        (
            {**ALPACA, "id": "x"},
            {
                "dialogue": "do\n\nthis\n\ndone",
                "prompt": "do\n\nthis",
                "response": "done",
                "first_user": "do\n\nthis",
                "system": "",
                "all": "do\n\nthis\n\ndone\n\nx",
                "id": "x",
                "input": "this",
            },
        ),
        ({**ALPACA, "input": ""}, {"dialogue": "do\n\ndone", "input": ""}),
        (QUESTION, {"dialogue": "q\n\na", "prompt": "q", "response": "a", "label": "1", "all": "q\n\na"}),
        (
            {**PREFERENCE, "system": "s"},
            {
                "prompt": "p",
                "chosen": "good",
                "rejected": "bad",
                "response": "good",
                "dialogue": "p\n\ngood",
                "system": "s",
            },
        ),
        (KTO, {"prompt": "p", "response": "c", "label": "true"}),
        ({"text": "t", "label": "spam"}, {"text": "t", "all": "t\n\nspam", "label": "spam"}),
        ({"a": "x", "b": {"c": ["y", 1]}, "d": 2}, {"all": "x\n\ny", "b": "y", "d": "2"}),
        (SELF_INSTRUCT, {"dialogue": "do\n\ndone", "instances": "done"}),
    ],
)
def test_fields_are_the_texts_they_name(record, expected):
    mapping = mapping_of(record)
    assert {field: mapping.text(record, field) for field in expected} == expected
    for field in expected:
        assert mapping.text(record, field) == "\n\n".join(p.text for p in mapping.pieces(record, field) if p.text)


def test_sharegpt_reads_as_messages_do():
    mapping = mapping_of(SHAREGPT)
    for field in FIELDS["sharegpt"]:
        assert mapping.text(SHAREGPT, field) == mapping_of(MESSAGES).text(MESSAGES, field)


def test_a_path_with_a_wildcard_joins_its_texts():
    record = {"data": [{"text": "find "}, {"text": "soundtrack", "entity": "object"}]}
    mapping = mapping_of(record, paths={"text": "data[].text"})
    assert mapping.text(record, "text") == "find \n\nsoundtrack"
    assert mapping.text(record, "all") == "find \n\nsoundtrack"
    assert mapping.text(record, "data") == "find \n\nsoundtrack"


TOOL_CHAT = {
    "tools": [{"type": "function", "function": {"name": "look"}}],
    "messages": [
        {"role": "developer", "content": "rules"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "x"}}],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "hm",
            "tool_calls": [{"id": "1", "function": {"name": "look", "arguments": '{"at": 1}'}}],
        },
        {"role": "tool", "content": "a cat", "tool_call_id": "1"},
        {"role": "assistant", "content": [{"type": "text", "text": "A cat."}, "Indeed."]},
        {"role": "assistant", "content": ""},
        {"role": "critic", "content": "well"},
    ],
}


def test_tools_results_reasoning_and_media_stay_out_of_the_dialogue():
    mapping = mapping_of(TOOL_CHAT)
    assert mapping.text(TOOL_CHAT, "dialogue") == "see\n\nA cat.\n\nIndeed."
    assert mapping.text(TOOL_CHAT, "system") == "rules"
    everything = mapping.text(TOOL_CHAT, "all")
    for text in ('"look"', "hm", '{"at": 1}', "a cat", "well"):
        assert text in everything
    kinds = [(piece.role, piece.kind, piece.turn) for piece in mapping.pieces(TOOL_CHAT)]
    assert kinds == [
        ("tools", "tool_schema", -1),
        ("system", "text", 0),
        ("user", "text", 1),
        ("user", "media", 1),
        ("assistant", "reasoning", 2),
        ("assistant", "tool_call", 2),
        ("tool", "text", 3),
        ("assistant", "text", 4),
        ("assistant", "text", 4),
        ("assistant", "text", 5),
        ("critic", "text", 6),
    ]


def test_every_message_is_a_turn_even_one_that_says_nothing():
    turns = mapping_of(TOOL_CHAT).turns(TOOL_CHAT)
    assert turns[1:4] == [Turn(1, "user", "see"), Turn(2, "assistant", ""), Turn(3, "tool", "a cat")]
    assert [turn.i for turn in turns] == list(range(7))
    assert mapping_of(ALPACA).turns(ALPACA) == [Turn(0, "user", "do\n\nthis"), Turn(1, "assistant", "done")]
    assert mapping_of({"text": "t"}).turns({"text": "t"}) == [Turn(0, "text", "t")]
    assert mapping_of({"a": "x", "b": "y"}).turns({"a": "x", "b": "y"}) == []


@pytest.mark.parametrize(
    ("message", "kind", "text"),
    [
        ({"from": "function_call", "value": '{"a": 1}'}, "tool_call", '{"a": 1}'),
        (
            {"role": "assistant", "function_call": {"name": "f", "arguments": {"a": 1}}},
            "tool_call",
            '{"a":1}',
        ),
        (
            {"role": "assistant", "content": [{"type": "tool_use", "input": {"q": "x"}}]},
            "tool_call",
            '{"q":"x"}',
        ),
        (
            {
                "role": "user",
                "content": [{"type": "tool_result", "content": [{"type": "text", "text": "r"}]}],
            },
            "text",
            "r",
        ),
        ({"role": "assistant", "content": [{"type": "thinking", "thinking": "t"}]}, "reasoning", "t"),
        ({"role": "assistant", "content": None, "refusal": "no"}, "text", "no"),
        ({"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}, "media", ""),
        ({"role": "user", "content": 5}, "text", "5"),
        ({"role": "user", "content": {"type": "text", "text": "one part"}}, "text", "one part"),
    ],
)
def test_the_ways_messages_carry_things(message, kind, text):
    record = {"messages": [message]}
    (piece,) = Mapping("messages", {"messages": "messages"}, {"messages": ("array",)}).pieces(record)
    assert (piece.kind, piece.text) == (kind, text)


def test_a_tool_result_within_a_user_turn_is_the_tools():
    record = chat(("user", [{"type": "tool_result", "content": "r"}, {"type": "text", "text": "q"}]))
    assert mapping_of(record).text(record, "dialogue") == "q"


def test_messages_that_both_answers_begin_with_are_the_prompt():
    prompt = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    record = {
        "chosen": [*prompt, {"role": "assistant", "content": "good"}],
        "rejected": [*prompt, {"role": "assistant", "content": "bad"}],
    }
    mapping = mapping_of(record)
    assert {field: mapping.text(record, field) for field in ("prompt", "chosen", "rejected", "system")} == {
        "prompt": "u",
        "chosen": "good",
        "rejected": "bad",
        "system": "s",
    }
    told_apart = {**record, "prompt": "u"}
    assert mapping_of(told_apart).text(told_apart, "prompt") == "u"
    assert mapping_of(told_apart).text(told_apart, "chosen") == "good"


def test_equal_answers_are_still_answers():
    answer = [{"role": "assistant", "content": "same"}]
    record = {"prompt": "p", "chosen": answer, "rejected": answer}
    assert mapping_of(record).text(record, "chosen") == mapping_of(record).text(record, "rejected") == "same"


@pytest.mark.parametrize(
    ("record", "default"),
    [
        (MESSAGES, "dialogue"),
        (ALPACA, "dialogue"),
        (PREFERENCE, "prompt"),
        (KTO, "prompt"),
        ({"text": "t"}, "text"),
        ({"a": "x", "b": "y"}, "all"),
    ],
)
def test_defaults_leave_system_prompts_and_answers_to_compare_out(record, default):
    mapping = mapping_of(record)
    assert mapping.default_field == mapping.resolve_field("default") == default
    assert default in mapping.describe_field("default")


@pytest.mark.parametrize(
    ("record", "field", "message"),
    [
        (MESSAGES, "dialog", "Nearest: dialogue"),
        (QUESTION, "anser", "Nearest: answer"),
        (MESSAGES, "chosen", "'chosen' means nothing for messages data. Fields here: dialogue"),
        ({"text": "t"}, "dialogue", "means nothing for text"),
    ],
)
def test_an_unknown_field_names_the_nearest(record, field, message):
    with pytest.raises(Misuse, match=message):
        mapping_of(record).text(record, field)


def test_every_field_has_a_meaning_for_every_format():
    for format_ in FORMATS:
        roles = dict.fromkeys(ROLES[format_][0], "x")
        mapping = Mapping(format_, roles, {"x": ("string",)})
        for field in FIELDS[format_]:
            assert isinstance(mapping.text({"x": "t"}, field), str)
            assert isinstance(mapping.text({}, field), str)
            assert field in mapping.describe_field(field)


def test_a_mapping_survives_json_with_its_column_order():
    mapping = Mapping("text", {"text": "z"}, {"z": ("string",), "a": ("null", "integer")}, "json", {"a": "integer"})
    again = Mapping.from_json(json.loads(json.dumps(mapping.to_json(), sort_keys=True)))
    assert again == mapping
    assert list(again.columns) == ["z", "a"]


def test_added_records_widen_the_columns_and_must_have_the_roles():
    base = Mapping("text", {"text": "t"}, {"t": ("string",), "n": ("string",)}, cells={"n": "integer"})
    more = Mapping("table", {}, {"t": ("null",), "n": ("string",), "new": ("array",)}, cells={"n": "number"})
    joined = base.with_columns(more)
    assert joined.columns == {"t": ("null", "string"), "n": ("string",), "new": ("array",)}
    assert (joined.format, joined.paths, joined.cells) == ("text", {"text": "t"}, {"n": "number"})
    assert base.with_columns(Mapping("table", {}, {"t": ("string",), "n": ("string",)})).cells == {}
    with pytest.raises(Misuse, match="its text in 't'; the new records do not"):
        base.with_columns(Mapping("table", {}, {"body": ("string",)}))


contents = (
    st.none()
    | st.text(max_size=4)
    | st.lists(
        st.fixed_dictionaries({"type": st.sampled_from(["text", "image"]), "text": st.none() | st.text(max_size=4)})
    )
)
messages = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["system", "user", "assistant", "tool", "gpt", "odd", None, 5]),
            "content": contents,
        },
        optional={
            "tool_calls": st.none() | st.just([{"function": {"arguments": "{}"}}]),
            "name": st.just("x"),
        },
    )
    | st.fixed_dictionaries({"from": st.sampled_from(["human", "gpt"]), "value": contents})
    | st.none()
    | st.text(max_size=2)
    | st.just({}),
    max_size=5,
)
CHAT = Mapping("messages", {"messages": "messages"}, {"messages": ("array",)})


@given(messages)
def test_the_fast_reader_agrees_with_the_pieces(said):
    record = {"messages": said}
    for field in FIELDS["messages"]:
        joined = "\n\n".join(piece.text for piece in CHAT.pieces(record, field) if piece.text)
        assert CHAT.text(record, field) == joined
    assert len(CHAT.turns(record)) <= len(said)


@given(messages)
def test_a_piece_lies_where_its_path_says_and_can_be_edited_there(said):
    record = {"messages": said, "note": {"deep": ["x"]}}
    text = json.dumps(record)
    pieces = CHAT.pieces(record)
    for piece in pieces:
        if piece.kind in ("text", "column") and piece.text:
            value: Any = record
            for step in piece.path:
                value = value[step]
            assert value == piece.text
    texts = [piece for piece in pieces if piece.kind == "text" and piece.text]
    edited = parse(edit(text, [(piece.path, piece.text + "!") for piece in texts]))
    assert [piece.text for piece in CHAT.pieces(edited) if piece.kind == "text" and piece.text] == [
        piece.text + "!" for piece in texts
    ]


strings = st.none() | st.text(max_size=3)


@given(st.fixed_dictionaries({name: strings for name in ("instruction", "input", "output", "system", "image")}))
def test_the_columns_a_field_is_made_of_hold_its_text(record):
    """What SQL may read straight from columns is what the pieces say."""
    columns = {name: ("null", "string") for name in record}
    for mapping in (
        Mapping(
            "alpaca", {"instruction": "instruction", "input": "input", "output": "output", "system": "system"}, columns
        ),
        Mapping("prompt-completion", {"prompt": "input", "completion": "output"}, columns),
        Mapping("text", {"text": "output"}, columns),
        Mapping("table", {}, columns),
    ):
        for field in mapping.fields:
            names = mapping.string_columns(field)
            if names is not None:
                joined = "\n\n".join(record[name] for name in names if record[name])
                assert mapping.text(record, field) == joined, (mapping.format, field)


def test_a_field_that_is_more_than_columns_of_strings_names_none():
    assert CHAT.string_columns("dialogue") is None
    nested = Mapping("text", {"text": "data[].text"}, {"data": ("array",)})
    assert nested.string_columns("text") is None
    numbers = Mapping("text", {"text": "t"}, {"t": ("integer", "string")})
    assert numbers.string_columns("text") is None


def test_typed_rows_with_their_nulls_read_as_json_does():
    record = {
        "messages": [{"role": "user", "content": "hi", "tool_calls": None, "name": None}],
        "tools": None,
    }
    mapping = Mapping("messages", {"messages": "messages", "tools": "tools"}, {"messages": ("list",)}, "typed")
    assert mapping.text(record, "dialogue") == "hi"
    assert [piece.kind for piece in mapping.pieces(record)] == ["text"]


def test_the_quick_way_to_the_dialogue_leaves_calls_out_too():
    mapping = Mapping("sharegpt", {"messages": "conversations"}, {"conversations": ("array",)})
    said = [{"from": "human", "value": "hi"}, {"from": "function_call", "value": "{}"}, {"from": "gpt", "value": "ho"}]
    record = {"conversations": said}
    assert mapping.text(record, "dialogue") == "hi\n\nho"
    assert [piece.text for piece in mapping.pieces(record, "dialogue")] == ["hi", "ho"]
