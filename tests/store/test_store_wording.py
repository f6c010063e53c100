"""The words of records read without parsing: always those of the pieces that parsing finds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.store.format.mapping import Mapping
from tilth.tools.store.format.wording import WordReader, pieces_of
from tilth.tools.text.tokens import words

CHAT = Mapping("messages", {"messages": "messages"}, {"messages": ("array",), "id": ("string",)})
TABLE = Mapping("table", {}, {"a": ("string",), "b": ("object",)})
ALPACA = Mapping("alpaca", {"instruction": "task", "output": "said"}, {"said": ("string",), "task": ("string",)})
PREFERENCE = Mapping("preference", {"chosen": "chosen", "rejected": "rejected"})

HOSTILE = [*'"\\/{}[]:, \n\t\x00\x1fé漢İΣ', "\\u0041", "\\n", "\U0001f600", "word", "role", "\ud7ff", "0", "-1e5"]
texts = st.lists(st.sampled_from(HOSTILE), max_size=8).map("".join)
keys = st.sampled_from(["a", "b", "role", "from", "type", "content", "value", "text", "x y", 'q"', "k:1"])
scalars = texts | st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
parts = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(["text", "thinking", "image_url", "tool_use"])},
                          optional={"text": texts, "thinking": texts, "input": values}), max_size=3)  # fmt: skip
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "function_call", "tool", ""]),
         "content": texts | parts | st.none() | st.integers(0, 2)},
        optional={"name": texts, "tool_calls": values, "reasoning": texts, "weight": st.integers(0, 30)}),
    max_size=4)  # fmt: skip
chats = st.fixed_dictionaries({"messages": messages}, optional={"id": texts, "tools": values, "type": texts})


def check(mapping: Mapping, records: Sequence[Any], field: str = "all", **written: Any) -> None:
    """Every row's words, piece by piece, are those that its parsed record has."""
    column = pa.array([json.dumps(record, **written) for record in records], pa.string())
    compare(mapping, column, records, field)


def compare(mapping: Mapping, column: pa.Array, records: Sequence[Any], field: str) -> None:
    reader = WordReader(mapping, field)
    for low in range(2):  # a slice, and again with shapes that are known
        wording = reader.read(column.slice(low))
        cut = words(wording.texts)
        said = [[bytes(cut.text[cut.start[w] : cut.end[w]]) for w in range(cut.first[d], cut.first[d + 1])]
                for d in range(len(wording.texts))]  # fmt: skip
        order = range(len(said)) if wording.order is None else wording.order.tolist()
        pieces = [said[document] for document in order]
        assert len(wording.first) == len(records[low:]) + 1
        for row, record in enumerate(records[low:]):
            ours = pieces[wording.first[row] : wording.first[row + 1]]
            theirs = words(pa.array([piece.text for piece in pieces_of(mapping, record, field)], pa.large_string()))
            expected = [[bytes(theirs.text[theirs.start[w] : theirs.end[w]])
                         for w in range(theirs.first[d], theirs.first[d + 1])]
                        for d in range(len(theirs.first) - 1)]  # fmt: skip
            assert [piece for piece in ours if piece] == [piece for piece in expected if piece]


@given(st.lists(chats, max_size=5), st.booleans())
def test_chats_of_any_shape(records: list[Any], ascii_only: bool) -> None:
    check(CHAT, records, ensure_ascii=ascii_only)


@given(st.lists(st.dictionaries(keys, values, max_size=4), max_size=5), st.booleans())
def test_tables_of_any_shape(records: list[Any], ascii_only: bool) -> None:
    check(TABLE, records, ensure_ascii=ascii_only)
    check(TABLE, records, separators=(" ,", " :\t"))
    check(TABLE, records, separators=(",", ":"), indent=1)


@given(st.lists(st.fixed_dictionaries({"said": texts, "task": texts}), max_size=5))
def test_pieces_that_stand_in_another_order_than_they_are_read(records: list[Any]) -> None:
    check(ALPACA, records)
    check(ALPACA, records, "response")
    check(ALPACA, records, "said")


@given(st.lists(st.fixed_dictionaries({"chosen": texts | messages, "rejected": texts | messages}), max_size=4))
def test_what_both_answers_begin_with_is_read_once(records: list[Any]) -> None:
    check(PREFERENCE, records)
    check(PREFERENCE, records, "prompt")


def test_numbers_make_no_shapes_of_their_own() -> None:
    records = [{"a": f"word {i}", "n": i, "b": {"score": i / 7, "9": "other", "type": "x"}} for i in range(300)]
    check(TABLE, records)
    reader = WordReader(TABLE, "all")
    wording = reader.read(pa.array([json.dumps(record) for record in records]))
    assert wording.order is None
    assert len(wording.texts) == 900


def test_more_shapes_than_are_remembered() -> None:
    check(TABLE, [{"b": {f"key {i}": f"value {i}"}} for i in range(5_000)])


@pytest.mark.parametrize("columns", [("text",), ("text", "title")])
def test_typed_rows(columns: tuple[str, ...]) -> None:
    records = [{"text": "One two", "title": None, "n": 3}, {"text": None, "title": "Three", "n": None},
               {"text": "Four \U0001f600 é", "title": "", "n": 1}]  # fmt: skip
    records = [{name: record[name] for name in (*columns, "n")} for record in records]
    types = {name: ("string",) for name in columns} | {"n": ("int64",)}
    kind = pa.struct([*((name, pa.string()) for name in columns), ("n", pa.int64())])
    compare(Mapping("text", {"text": "text"}, types, "typed"), pa.array(records, kind), records, "all")


def test_typed_rows_that_hold_more_than_strings() -> None:
    records = [{"text": "One", "tags": ["two", "three"]}, {"text": None, "tags": None}, {"text": "", "tags": [None]}]
    kind = pa.struct([("text", pa.string()), ("tags", pa.list_(pa.string()))])
    mapping = Mapping("text", {"text": "text"}, {"text": ("string",), "tags": ("list<item: string>",)}, "typed")
    compare(mapping, pa.array(records, kind), records, "all")


def test_escapes_in_keys_and_in_letters() -> None:
    lines = ['{"messages": [{"\\u0072ole": "user", "content": "ca\\u0066\\u00E9s\\u0020a\\ud83d\\uDE00b\\/c\\"d\\\\ne"}]}',
             '{"messages": [{"role": "us\\u0065r", "content": "Stra\\u00dfe \\\\\\" \\u4f60\\u597D"}], "a\\"": "b\\n"}',
             '{ "messages" :[ {"role"\t: "user" , "content":"plain"} ] }', '{"messages": []}']  # fmt: skip
    compare(CHAT, pa.array(lines), [json.loads(line) for line in lines], "all")
