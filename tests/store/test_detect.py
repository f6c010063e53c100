"""Formats found by the names people use, overruled by what a person says; paths as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from tilth.tools.errors import Misuse
from tilth.tools.store.format.detect import choose, detect
from tilth.tools.store.format.mapping import Mapping
from tilth.tools.store.format.paths import find, parse_path


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
    ("record", "format", "paths"),
    [
        (MESSAGES, "messages", {"messages": "messages"}),
        ({**MESSAGES, "prompt": "one"}, "messages", {"messages": "messages"}),
        (
            {"conversation": MESSAGES["messages"], "system": "s"},
            "messages",
            {"messages": "conversation", "system": "system"},
        ),
        ({**MESSAGES, "tools": "[]"}, "messages", {"messages": "messages", "tools": "tools"}),
        (SHAREGPT, "sharegpt", {"messages": "conversations"}),
        (ALPACA, "alpaca", {"instruction": "instruction", "input": "input", "output": "response"}),
        (
            SELF_INSTRUCT,
            "alpaca",
            {"instruction": "instruction", "input": "instances[0].input", "output": "instances[0].output"},
        ),
        (QUESTION, "prompt-completion", {"prompt": "question", "completion": "answer"}),
        (
            {"prompt": "p", "completion": "c"},
            "prompt-completion",
            {"prompt": "prompt", "completion": "completion"},
        ),
        (
            {"prompt": MESSAGES["messages"][:2], "completion": MESSAGES["messages"][2:3]},
            "prompt-completion",
            {"prompt": "prompt", "completion": "completion"},
        ),
        (PREFERENCE, "preference", {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}),
        (
            {"chosen": MESSAGES["messages"], "rejected": MESSAGES["messages"], **MESSAGES},
            "preference",
            {"chosen": "chosen", "rejected": "rejected"},
        ),
        (KTO, "unpaired-preference", {"prompt": "prompt", "completion": "completion", "label": "label"}),
        ({"text": "t", "label": 0}, "text", {"text": "text"}),
        ({"sentence": "t"}, "text", {"text": "sentence"}),
        ({"name": "x", "city": "y"}, "table", {}),
        ({}, "table", {}),
    ],
)
def test_formats_are_found_by_the_names_people_use(record, format, paths):
    mapping = mapping_of(record)
    assert (mapping.format, mapping.paths) == (format, paths)


def test_scores_are_shares_and_fall():
    records = [MESSAGES] * 3 + [{"other": 1}]
    candidates = detect(records, inventory=inventory_of(records))
    scores = [score for score, _ in candidates]
    assert scores == sorted(scores, reverse=True)
    assert candidates[0] == (0.735, candidates[0][1])
    assert candidates[-1][1].format == "table"


def test_without_records_everything_is_a_table():
    assert [mapping.format for _, mapping in detect([], inventory={})] == ["table"]


@pytest.mark.parametrize(
    ("told", "format", "paths"),
    [
        (
            {"format": "kto", "paths": {"label": "label"}},
            "unpaired-preference",
            {"prompt": "question", "completion": "answer", "label": "label"},
        ),
        (
            {"paths": {"completion": "label"}},
            "prompt-completion",
            {"prompt": "question", "completion": "label"},
        ),
        ({"paths": {"text": "question"}}, "text", {"text": "question"}),
        ({"format": "table"}, "table", {}),
        (
            {"paths": {"chosen": "answer", "rejected": "question"}},
            "preference",
            {"chosen": "answer", "rejected": "question"},
        ),
    ],
)
def test_what_is_told_overrules_what_is_found(told, format, paths):
    mapping = mapping_of(QUESTION, **told)
    assert (mapping.format, mapping.paths) == (format, paths)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"format": "mesages"}, "There is no format 'mesages'. Nearest: messages"),
        ({"format": "messages"}, "messages needs messages.*--map messages=PATH"),
        ({"paths": {"completion": "answr"}}, r"--map completion=answr: no record.*Nearest: answer"),
        ({"paths": {"completion": "answer[0].text"}}, "no record has a value there"),
        (
            {"format": "alpaca", "paths": {"instructions": "question"}},
            "alpaca has no 'instructions'. Nearest: instruction",
        ),
        ({"paths": {"completion": "a..b"}}, r"'a\.\.b' is no path"),
    ],
)
def test_what_is_told_must_fit_the_records(told, message):
    with pytest.raises(Misuse, match=message):
        mapping_of(QUESTION, **told)


def test_paths_reach_into_objects_and_arrays():
    record = {"data": [{"text": "a"}, {"no": 1}, {"text": "b"}], "x": {"y": [[1, 2]]}, "x.y": 5}
    assert [value for _, value in find(record, parse_path("data[].text"))] == ["a", "b"]
    assert list(find(record, parse_path("x.y[0][1]"))) == [(("x", "y", 0, 1), 2)]
    assert list(find(record, parse_path("x.y", ["x.y"]))) == [(("x.y",), 5)]
    assert list(find(record, parse_path("data[7].text"))) == []


@pytest.mark.parametrize("path", ["", ".a", "a..b", "a[b]", "[0]", "a.", "a[0"])
def test_garbled_paths_are_refused(path):
    with pytest.raises(Misuse, match="no path into a record"):
        parse_path(path)
