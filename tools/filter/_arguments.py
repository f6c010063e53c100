"""Whether the arguments of a tool call fit the schema the record declares for the tool.

It knows the part of JSON Schema that function schemas are made of: type, properties, required,
additionalProperties, items and enum. Every other keyword is not examined, so a value is only called wrong
where one of these says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "number": (int, float),
    "integer": (int,),
}


def violation(value: Any, schema: Any, where: str = "arguments") -> str | None:
    """What is wrong with `value` first, in words without the value itself; None when nothing is."""
    if not isinstance(schema, Mapping):
        return None
    kinds = schema.get("type")
    named = [kinds] if isinstance(kinds, str) else kinds if isinstance(kinds, list) else []
    known = [kind for kind in named if isinstance(kind, str) and kind in _TYPES]
    if known and len(known) == len(named) and not any(_is(value, kind) for kind in known):
        return f"{where}: {_kind(value)} instead of {' or '.join(known)}"
    allowed = schema.get("enum")
    if isinstance(allowed, list) and not any(_same(value, one) for one in allowed):
        return f"{where}: none of the {len(allowed)} values of its enum"
    if isinstance(value, dict):
        return _object_violation(value, schema, where)
    if isinstance(value, list):
        found = (violation(item, schema.get("items"), f"{where}[{i}]") for i, item in enumerate(value))
        return next((one for one in found if one), None)
    return None


def _object_violation(value: Mapping[str, Any], schema: Mapping[str, Any], where: str) -> str | None:
    required = schema.get("required")
    for key in required if isinstance(required, list) else ():
        if isinstance(key, str) and key not in value:
            return f"{where}: required key {key!r} is missing"
    properties = schema.get("properties")
    declared = properties if isinstance(properties, Mapping) else {}
    others = schema.get("additionalProperties")
    for key, item in value.items():
        if key not in declared and others is False and "patternProperties" not in schema:
            return f"{where}: key {key!r} is not declared"
        if found := violation(item, declared.get(key, others), f"{where}.{key}"):
            return found
    return None


def _is(value: Any, kind: str) -> bool:
    if kind in ("number", "integer") and isinstance(value, bool):
        return False
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


def _kind(value: Any) -> str:
    """The JSON type of a parsed value."""
    return next(kind for kind in ("boolean", "integer", *_TYPES) if _is(value, kind))


def _same(left: Any, right: Any) -> bool:
    """Equality as JSON knows it: true is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)
