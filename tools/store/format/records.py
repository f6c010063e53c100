"""One record: strict JSON in, and edits that leave every byte they do not name as it was.

It knows JSON text and nothing else: not what a record means, not where it came from.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

from ...errors import BadInput

Path: TypeAlias = tuple[str | int, ...]
"""Where a value lies in a record: object keys and array indexes, outermost first; () is the record."""

MAX_DEPTH: Final = 200
"""Arrays and objects inside one another; deeper records are refused, whatever the interpreter could bear."""

WHITESPACE: Final = " \t\n\r"
_GAP = re.compile(r"[ \t\n\r]*")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_PAIRED = re.compile(  # escapes one by one, so that the backslash of "\\\\ud800" is not taken for an escape's
    r"[^\\]*+(?:\\(?:[^u]|u(?:[^dD]|[dD][0-7]|[dD][89abAB]..\\u[dD][c-fC-F]))[^\\]*+)*+", re.DOTALL
)


class _Delete:
    def __repr__(self) -> str:
        return "DELETE"


DELETE: Final = _Delete()
"""As a new value: take the member or element away."""


class RecordError(BadInput):
    """A text that is not a record we keep; `reason` is a stable code, the message says what and where.

    Reasons: not_json, extra_data, not_utf8, nan_or_infinity, number_overflow, lone_surrogate, repeated_key,
    too_deep.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise RecordError("repeated_key", f"the key {repeated!r} stands twice in one object")
    return found


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise RecordError("number_overflow", f"{digits[:40]} is larger than a double can hold")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise RecordError("nan_or_infinity", f"{name} is not JSON")


_strict = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse_constant).raw_decode
_lenient = json.JSONDecoder().raw_decode


def parse(text: str | bytes) -> Any:
    """The value of one JSON text; RecordError says why it is none.

    Stricter than `json.loads`, which takes NaN, Infinity and lone surrogates, turns 1e400 into infinity and
    keeps the last of repeated keys. Integers are exact up to the interpreter's limit (4,300 digits).
    """
    text = _decoded(text).strip(WHITESPACE)
    try:
        value, end = _strict(text, 0)
    except json.JSONDecodeError as error:
        raise RecordError("not_json", _at(error.msg, text, error.pos)) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise RecordError("number_overflow", "an integer has more digits than Python converts") from None
    if end != len(text):
        raise RecordError("extra_data", _at("a value ends, but more follows", text, end))
    if len(text) > MAX_DEPTH and _may_be_deep(text, value) and not _shallow(value):
        raise _too_deep()
    if "\\" in text and _SURROGATE_ESCAPE.search(text) and not _PAIRED.fullmatch(text):
        _refuse_lone_surrogate(json.dumps(value, ensure_ascii=False))
    return value


def _decoded(text: str | bytes) -> str:
    if isinstance(text, str):
        if not text.isascii():
            _refuse_lone_surrogate(text)
        return text
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise RecordError("not_utf8", f"byte {error.start} (0x{text[error.start]:02x}) is not UTF-8") from None


def _refuse_lone_surrogate(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise RecordError("lone_surrogate", f"\\u{code:04x} is half a surrogate pair") from None


def _too_deep() -> RecordError:
    return RecordError("too_deep", f"arrays and objects nest deeper than {MAX_DEPTH}")


def _at(message: str, text: str, position: int) -> str:
    return f"{message.removesuffix(' at')} at character {position + 1} of {len(text)}"


def _may_be_deep(text: str, value: Any) -> bool:
    """A cheap first look: not a flat object, and enough brackets to nest too deep."""
    flat = type(value) is dict and not any(type(child) is dict or type(child) is list for child in value.values())
    return not flat and text.count("[") + text.count("{") > MAX_DEPTH


def _shallow(value: Any) -> bool:
    """Whether arrays and objects nest at most MAX_DEPTH deep."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return True
    return False


# Spans: where the members of an object or array begin and end in the text.


class Member(NamedTuple):
    """One member of an object or element of an array: text[start:end], its value from `value` on."""

    key: str | int
    start: int
    value: int
    end: int


def _gap(text: str, at: int) -> int:
    """Where the whitespace that begins at `at` ends."""
    found = _GAP.match(text, at)
    return found.end() if found else at


def _members(text: str, at: int) -> tuple[list[Member], int]:
    """The members of the container that begins at `at`, and the index behind its closing bracket."""
    found: list[Member] = []
    is_object = text[at] == "{"
    closing = "}" if is_object else "]"
    at = _gap(text, at + 1)
    while text[at] != closing:
        start = at
        key: str | int = len(found)
        if is_object:
            key, colon = scanstring(text, at + 1)
            at = _gap(text, _gap(text, colon) + 1)
        end = _lenient(text, at)[1]
        found.append(Member(key, start, at, end))
        at = _gap(text, end)
        if text[at] == ",":
            at = _gap(text, at + 1)
    return found, at + 1


def edit(text: str, changes: Sequence[tuple[Path, Any]]) -> str:
    """`text` with the values at some paths replaced, or with DELETE taken away; every other byte stays.

    Array indexes count the elements as they stood before. `text` must be a record that `parse` accepts.
    KeyError where a path leads nowhere, ValueError where two paths overlap or a new value is not strict JSON.
    """
    start = _gap(text, 0)
    tree: dict[str | int, Any] = {}
    for path, value in changes:
        if not path:
            if len(changes) > 1 or value is DELETE:
                raise ValueError("the whole record can only be replaced, and alone")
            end = _lenient(text, start)[1]
            return text[:start] + _dumped(value, ascii_only=text.isascii()) + text[end:]
        _plant(tree, path, value)
    if not tree:
        return text
    edited, end = _rewritten(text, start, tree, ascii_only=text.isascii())
    return text[:start] + edited + text[end:]


def edit_value(value: Any, changes: Sequence[tuple[Path, Any]]) -> Any:
    """What `edit` does to the text, done to a parsed record; the given one stays as it is."""
    tree: dict[str | int, Any] = {}
    for path, new in changes:
        if not path:
            return new
        _plant(tree, path, new)
    return _changed(value, tree)


def _changed(value: Any, tree: dict[str | int, Any]) -> Any:
    if not isinstance(value, Mapping | list):
        raise KeyError(f"no value at {next(iter(tree))!r}: its parent is no object or array")
    pairs = dict(value.items() if isinstance(value, Mapping) else enumerate(value))
    _refuse_missing(tree, pairs)
    kept: dict[Any, Any] = {}
    for key, child in pairs.items():
        change = tree.get(key)
        if change is None:
            kept[key] = child
        elif not isinstance(change, _New):
            kept[key] = _changed(child, change)
        elif change.value is not DELETE:
            kept[key] = change.value
    return kept if isinstance(value, Mapping) else list(kept.values())


def _refuse_missing(tree: dict[str | int, Any], present: Collection[str | int]) -> None:
    missing = [key for key in tree if key not in present]
    if missing:
        raise KeyError(f"no value at {missing[0]!r}")


class _New(NamedTuple):
    value: Any


def _plant(tree: dict[str | int, Any], path: Path, value: Any) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
        if isinstance(tree, _New):
            raise ValueError(f"two changes overlap at {path}")
    if path[-1] in tree:
        raise ValueError(f"two changes overlap at {path}")
    tree[path[-1]] = _New(value)


def _rewritten(text: str, at: int, tree: dict[str | int, Any], *, ascii_only: bool) -> tuple[str, int]:
    """The container at `at` after the changes of `tree`, and where it ended in `text`."""
    if text[at] not in "{[":
        raise KeyError(f"no value at {next(iter(tree))!r}: its parent is no object or array")
    members, close = _members(text, at)
    _refuse_missing(tree, {member.key for member in members})
    out: list[str] = []
    behind = 0  # where the member before ended; what lies between is the separator
    for member in members:
        change = tree.get(member.key)
        separator = text[behind : member.start] if out else ""
        behind = member.end
        if change is None:
            out.append(separator + text[member.start : member.end])
            continue
        if isinstance(change, _New):
            if change.value is DELETE:
                continue
            new = _dumped(change.value, ascii_only=ascii_only)
        else:
            new, _ = _rewritten(text, member.value, change, ascii_only=ascii_only)
        out.append(separator + text[member.start : member.value] + new)
    return "".join([text[at : members[0].start], *out, text[behind:close]]), close


def _dumped(value: Any, *, ascii_only: bool) -> str:
    written = json.dumps(value, ensure_ascii=ascii_only, allow_nan=False)
    try:
        parse(written)
    except RecordError as error:
        raise ValueError(f"the new value is not strict JSON: {error}") from None
    return written


# Records made of what came in another shape.

_quoted = json.encoder.encode_basestring


def named(text: str, names: Sequence[str] | None) -> str:
    """The JSON array `text` as an object whose values stand as written; without names they are "0", "1", ….

    ValueError when there are names, but not as many as elements.
    """
    members, _ = _members(text, _gap(text, 0))
    if names is None:
        names = [str(index) for index in range(len(members))]
    elif len(names) != len(members):
        raise ValueError(f"an array of {len(members)} elements for {len(names)} names")
    pairs = (f"{_quoted(name)}: {text[member.value : member.end]}" for name, member in zip(names, members, strict=True))
    return "{" + ", ".join(pairs) + "}"


def with_member(text: str, key: str, value: Any) -> str:
    """The JSON object `text` with one member more, at its end; the caller knows that it has no such key."""
    body = text.rstrip(WHITESPACE)[:-1].rstrip(WHITESPACE)
    separator = "" if body.endswith("{") else ", "
    return f"{body}{separator}{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}}}"


def value_at(value: Any, path: Path) -> Any:
    """What lies at a path inside a value. Raises KeyError, IndexError or TypeError where there is nothing."""
    for step in path:
        value = value[step]
    return value


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every string value inside a parsed value, with its path, in the order of the text."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from leaves(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from leaves(child, (*path, index))
