"""One record: what is refused and why, and edits that leave every byte they do not name as it was."""

from __future__ import annotations

import copy
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.store.format.records import (
    DELETE,
    MAX_DEPTH,
    RecordError,
    edit,
    edit_value,
    leaves,
    named,
    parse,
    with_member,
)

REFUSED = [
    (b'{"a": 1', "not_json"),
    (b"", "not_json"),
    (b"{'a': 1}", "not_json"),
    (b'{"a": 01}', "not_json"),
    (b'{"a": "tab\there"}', "not_json"),
    (b'{"a": 1,}', "not_json"),
    (b'{"a": 1} {"b": 2}', "extra_data"),
    (b'{"a": "\xff"}', "not_utf8"),
    (b'{"a": "\xed\xa0\x80"}', "not_utf8"),
    (b'{"a": NaN}', "nan_or_infinity"),
    (b'{"a": [-Infinity]}', "nan_or_infinity"),
    (b'{"a": 1e400}', "number_overflow"),
    (b'{"a": ' + b"1" * 5000 + b"}", "number_overflow"),
    (rb'{"a": "\ud800"}', "lone_surrogate"),
    (rb'{"a": "\ude00\ud83d"}', "lone_surrogate"),
    (rb'{"a": "\\\ud83d\ude00\ud83d"}', "lone_surrogate"),
    (rb'{"a": "\\ud83d\ude00"}', "lone_surrogate"),
    (rb'{"\udfff": 1}', "lone_surrogate"),
    (b'{"a": 1, "a": 1}', "repeated_key"),
    (b'{"a": {"b": 1, "c": 2, "b": 3}}', "repeated_key"),
    (b'{"a": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "too_deep"),
    (b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", "too_deep"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_is_no_record_is_refused_with_its_reason(text: bytes, reason: str) -> None:
    with pytest.raises(RecordError) as refused:
        parse(text)
    assert refused.value.reason == reason
    assert str(refused.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 12345678901234567890123}', {"a": 12345678901234567890123}),
        (r'{"a": "\ud83d\ude00 \\ud800 \\\\ud800"}', {"a": "😀 \\ud800 \\\\ud800"}),
        ('{"A": 1, "a": 2, "": 3}', {"A": 1, "a": 2, "": 3}),
        ('{"a": "' + "[" * 1000 + '"}', {"a": "[" * 1000}),
        ('\t{"a": []}\r\n', {"a": []}),
        ('{"a": "\u2028\x7f"}', {"a": "\u2028\x7f"}),
    ],
)
def test_what_is_a_record_is_read_whole(text: str, value: object) -> None:
    assert parse(text) == parse(text.encode()) == value


def test_depth_is_limited_to_the_same_number_on_every_interpreter() -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse(deepest) is not None
    with pytest.raises(RecordError, match="deeper"):
        parse(f"[{deepest}]")


def test_a_python_string_with_half_a_pair_is_refused_too() -> None:
    with pytest.raises(RecordError) as refused:
        parse('{"a": "\ud800"}')
    assert refused.value.reason == "lone_surrogate"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
layouts = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "indent": st.sampled_from([None, 0, 2, "\t"]),
        "separators": st.sampled_from([None, (",", ":"), (" ,", " : ")]),
    }
)


@given(json_values, layouts)
def test_whatever_the_library_writes_is_read_as_the_library_reads_it(value, layout) -> None:
    text = json.dumps(value, **layout)
    assert parse(text) == json.loads(text)


def paths_of(value, path=()):
    """Every path into a value but the root."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        yield (*path, key)
        yield from paths_of(child, (*path, key))


def applied(value, changes):
    """The changes made on a copy of the value, deletions last and from the end, as an oracle."""
    value = copy.deepcopy(value)
    for path, new in sorted(changes, key=lambda change: [str(type(k)) + f"{k!s:>9}" for k in change[0]], reverse=True):
        parent = value
        for key in path[:-1]:
            parent = parent[key]
        if new is DELETE:
            del parent[path[-1]]
        else:
            parent[path[-1]] = new
    return value


@given(st.data(), json_values, layouts)
def test_an_edit_of_the_text_is_the_same_edit_of_the_value(data, value, layout) -> None:
    record = {"record": value, "more": [1, {"x": None}]}
    text = json.dumps(record, **layout)
    paths = data.draw(st.lists(st.sampled_from(list(paths_of(record))), max_size=4, unique=True))
    apart = [p for p in paths if not any(p != q and p[: len(q)] == q for q in paths)]
    changes = [(path, data.draw(st.just(DELETE) | json_values)) for path in apart]
    edited = edit(text, changes)
    assert parse(edited) == applied(json.loads(text), changes)
    assert edit_value(json.loads(text), changes) == parse(edited)
    if not changes:
        assert edited == text


@given(st.data(), json_values, layouts)
def test_every_byte_outside_the_replaced_values_stays(data, value, layout) -> None:
    count = itertools.count()

    def marked(part):
        if isinstance(part, dict):
            return {key: marked(child) for key, child in part.items()}
        if isinstance(part, list):
            return [marked(child) for child in part]
        return f"@@{next(count)}@@" if data.draw(st.booleans()) else part

    record = {"big": 12345678901234567890123, "record": marked(value)}
    # A number no double holds exactly, written by hand: a re-dump would change it.
    text = json.dumps(record, **layout).replace("12345678901234567890123", "0.1000000000000000055", 1)
    expected, changes = text, []
    for path, leaf in leaves(record):
        if leaf.startswith("@@"):
            new = data.draw(json_values)
            changes.append((path, new))
            expected = expected.replace(json.dumps(leaf), json.dumps(new, ensure_ascii=text.isascii()), 1)
    assert edit(text, changes) == expected


def test_deleting_takes_one_separator_along() -> None:
    text = '{ "a" : 1 , "b":[1, 2 ,3 ],"c": 0.1000000000000000055 }'
    assert edit(text, [(("a",), DELETE)]) == '{ "b":[1, 2 ,3 ],"c": 0.1000000000000000055 }'
    assert edit(text, [(("c",), DELETE)]) == '{ "a" : 1 , "b":[1, 2 ,3 ] }'
    assert edit(text, [(("b", 0), DELETE), (("b", 2), DELETE)]).count("[2 ]") == 1
    assert edit('{"a":1}', [(("a",), DELETE)]) == "{}"


def test_new_strings_are_written_as_the_record_writes_its_own() -> None:
    assert edit('{"a": "b"}', [(("a",), "é")]) == '{"a": "\\u00e9"}'
    assert edit('{"a": "ü"}', [(("a",), "é")]) == '{"a": "é"}'
    assert edit(' {"a": 1} ', [((), {"b": 2})]) == ' {"b": 2} '


@pytest.mark.parametrize("path", [("b",), ("a", 0), ("a", "x"), (0,), ("list", 2), ("list", "0"), ("a", "x", "y")])
def test_a_path_that_leads_nowhere_is_an_error(path) -> None:
    text = '{"a": "text", "list": [1, 2]}'
    for attempt in (lambda: edit(text, [(path, 1)]), lambda: edit_value(json.loads(text), [(path, 1)])):
        with pytest.raises(KeyError):
            attempt()


@pytest.mark.parametrize(
    "changes",
    [
        [(("a",), 1), (("a", "b"), 2)],
        [(("a", "b"), 2), (("a",), 1)],
        [(("a",), 1), (("a",), 1)],
        [((), {}), (("a",), 1)],
        [((), DELETE)],
        [(("a",), float("nan"))],
        [(("a",), "\ud800")],
    ],
)
def test_changes_that_contradict_each_other_or_are_not_json_are_refused(changes) -> None:
    with pytest.raises(ValueError, match=r"."):
        edit('{"a": {"b": 1}}', changes)


def test_an_array_becomes_an_object_with_its_elements_as_written() -> None:
    assert named('[ 1e5 , "é"]', None) == '{"0": 1e5, "1": "é"}'
    assert named('["x", {"y": 1}]', ("text", 'a"b')) == '{"text": "x", "a\\"b": {"y": 1}}'
    with pytest.raises(ValueError, match="2 elements for 3 names"):
        named("[1, 2]", ("a", "b", "c"))


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=3), json_values, max_size=3),
    layouts,
)
def test_a_member_more_changes_nothing_else(record, layout) -> None:
    record.pop("group", None)
    text = json.dumps(record, **layout)
    assert parse(with_member(text, "group", "x")) == {**record, "group": "x"}
    assert list(parse(with_member(text, "group", "x"))) == [*record, "group"]
