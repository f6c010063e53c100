"""Does a query give statistics or values of rows? Told from DuckDB's syntax tree, not from words.

It knows SELECTs, WITH, subqueries and PIVOT. What it does not know gives values of rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from .sql import Tree, tree_of

_STATISTIC: Final = re.compile(
    r"count\w*|sum|fsum|kahan_sum|sum_no_overflow|avg|favg|mean|min|max|median|mad|mode|quantile\w*|approx_(?!top)\w+|"
    r"stddev\w*|var_?\w*|covar_\w+|regr_\w+|corr|entropy|kurtosis\w*|skewness|bool_and|bool_or|product|geomean",
    re.IGNORECASE,
)


def aggregates(sql: str) -> bool:
    """Is every row of the answer computed from many rows, or one of a group of them? Raises Retry for what is no SELECT.

    DuckDB itself sees to it that beside an aggregate stand keys of its GROUP BY only.
    """
    return _query(tree_of(sql), {})


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
