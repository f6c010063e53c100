"""Does a query give statistics or values of rows, and in which columns? Told from DuckDB's syntax tree, not from words.

It knows SELECTs, WITH, subqueries and PIVOT. What it does not know gives values of rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from .sql import Tree, tree_of

_STATISTIC: Final = re.compile(
    r"count\w*|sum|fsum|kahan_sum|sum_no_overflow|avg|favg|mean|min|max|median|mad|mode|quantile\w*|approx_(?!top)\w+|"
    r"stddev\w*|var_?\w*|covar_\w+|regr_\w+|corr|entropy|kurtosis\w*|skewness|bool_and|bool_or|product|geomean",
    re.IGNORECASE,
)


_SPELLS: Final = re.compile(
    r"ascii|ord|unicode|(?:to_)?hex|bin|to_binary|(?:to_)?base64|encode|hash|md5_number\w*", re.IGNORECASE
)
"""Functions whose numbers spell a text, one character or all of it."""


def aggregates(sql: str) -> bool:
    """Is every row of the answer computed from many rows, or one of a group of them? Raises Retry for what is no SELECT.

    DuckDB itself sees to it that beside an aggregate stand keys of its GROUP BY only. Numbers that spell a text are none.
    """
    tree = tree_of(sql)
    return _query(tree, {}) and not _calls(tree, _SPELLS)


def computed(sql: str) -> Sequence[bool] | None:
    """For each column of the answer to a query that aggregates: is it computed from many rows, or a key of a group of
    them? None where the query does not name its columns one by one. Raises Retry for what is no SELECT."""
    found = _columns(tree_of(sql), {})
    return None if found is None else [one for _, one in found]


_Columns = Sequence[tuple[str, bool]]
"""Names of columns, "" for one without, and whether they are computed."""


def _columns(node: Tree, known: Mapping[str, _Columns]) -> _Columns | None:
    for entry in node.get("cte_map", {}).get("map", []):
        inner = None if entry["value"].get("aliases") else _columns(entry["value"]["query_node"], known)
        known = {**known, entry["key"].lower(): inner or ()}
    if node["type"] == "SET_OPERATION_NODE":
        sides = [_columns(child, known) for child in node["children"]]
        told = [one for one in sides if one is not None]
        if len(told) < len(sides) or len(set(map(len, told))) != 1:
            return None
        return [(first[0][0], all(one for _, one in first)) for first in zip(*told, strict=True)]
    if node["type"] != "SELECT_NODE" or any(map(_is_star, node["select_list"])):
        return None
    inside = dict[str, bool]()
    for name, one in _given(node.get("from_table", {}), known):
        inside[name] = one and inside.get(name, True)
    return [(_name(item), _is_computed(item, inside, known)) for item in node["select_list"]]


def _is_star(item: Tree) -> bool:
    return item.get("class") == "STAR" or any(True for _ in _parts(item, "STAR"))


def _name(item: Tree) -> str:
    return str(item.get("alias") or (item.get("column_names") or [""])[-1]).lower()


def _is_computed(item: Tree, inside: Mapping[str, bool], known: Mapping[str, _Columns]) -> bool:
    """An aggregate, what is made of computed columns, or no column at all."""
    for one in _parts(item, "SUBQUERY"):
        if not all(each for _, each in _columns(one["subquery"]["node"], known) or [("", False)]):
            return False
    columns = (one["column_names"][-1].lower() for one in _parts(item, "COLUMN_REF"))
    return _has_aggregate(item) or all(inside.get(name, False) for name in columns)


def _given(source: Tree, known: Mapping[str, _Columns]) -> Iterator[tuple[str, bool]]:
    """The columns that a FROM gives, as far as they are known."""
    match source.get("type"):
        case "BASE_TABLE" if len(path := source["qualified_name"]["path"]) == 1:
            yield from known.get(path[0].lower(), ())
        case "SUBQUERY" if not source.get("column_name_alias"):
            yield from _columns(source["subquery"]["node"], known) or ()
        case "JOIN":
            yield from _given(source["left"], known)
            yield from _given(source["right"], known)


def _query(node: Tree, known: Mapping[str, bool]) -> bool:
    """`known`: the names that WITH has given, and whether they aggregate."""
    for entry in node.get("cte_map", {}).get("map", []):
        known = {**known, entry["key"].lower(): _query(entry["value"]["query_node"], known)}
    if node["type"] == "SET_OPERATION_NODE":
        return all(_query(child, known) for child in node["children"])
    if node["type"] != "SELECT_NODE":
        return False
    listed = node.get("select_list", [])
    if not all(_query(one["subquery"]["node"], known) for one in _parts(listed, "SUBQUERY")):
        return False
    return _has_aggregate(listed) or _source(node.get("from_table", {}), known)


def _source(node: Tree, known: Mapping[str, bool]) -> bool:
    match node.get("type"):
        case "BASE_TABLE":
            path = node["qualified_name"]["path"]
            return len(path) == 1 and known.get(path[0].lower(), False)
        case "SUBQUERY":
            return _query(node["subquery"]["node"], known)
        case "JOIN":
            return _source(node["left"], known) and _source(node["right"], known)
        case "PIVOT":
            return _has_aggregate(node.get("aggregates", []))
        case "EMPTY":
            return True
    return False


def _has_aggregate(expressions: Any) -> bool:
    """A window is none (the tree has it as another class): over rows it gives a value for each of them."""
    return any(_STATISTIC.fullmatch(one["qualified_name"]["path"][-1]) for one in _parts(expressions, "FUNCTION"))


def _calls(node: Any, named: re.Pattern[str]) -> bool:
    """Is a function of such a name called anywhere?"""
    if isinstance(node, list):
        return any(_calls(child, named) for child in node)
    if not isinstance(node, dict):
        return False
    path = node.get("qualified_name", {}).get("path") if node.get("class") == "FUNCTION" else None
    return bool(path and named.fullmatch(path[-1])) or any(_calls(child, named) for child in node.values())


def _parts(node: Any, kind: str) -> Iterator[Tree]:
    """Every expression of this class; those inside of a subquery belong to it."""
    if isinstance(node, list):
        for child in node:
            yield from _parts(child, kind)
    elif isinstance(node, dict):
        if node.get("class") == kind:
            yield node
        if node.get("class") == "SUBQUERY":
            yield from _parts(node.get("child"), kind)
            return
        for child in node.values():
            yield from _parts(child, kind)
