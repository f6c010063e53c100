"""What SQL a person or a model may write: one SELECT over the views, and conditions and orders inside one.

It knows statements as the syntax tree that DuckDB's own parser makes of them, and refuses every part it does
not know to be harmless. It binds and runs nothing and knows no data; how a query is run, the caller does.
An accepted condition may stand in SQL between parentheses, an accepted order after ORDER BY, each as given.
"""

from __future__ import annotations

import functools
import json
import re
import string
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ...errors import Retry, nearest
from ..door import connect, lock_down
from . import sql_functions

if TYPE_CHECKING:
    import duckdb

MOST_CHARACTERS: Final = 20_000
MOST_PARENTHESES: Final = 500
MOST_SIGNS: Final = 500
"""DuckDB 2.0 parses nested "(" in quadratic time, a chain of signs in cubic: 1,000 times "+-" take 11 s."""

Tree = dict[str, Any]

_QUERIES: Final = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"}
_SOURCES: Final = {
    "BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SHOW_REF", "SUBQUERY", "TABLE_FUNCTION",
}  # fmt: skip
_MODIFIERS: Final = {
    "ASCENDING", "DESCENDING", "DISTINCT_MODIFIER", "LIMIT_MODIFIER", "ORDER_DEFAULT", "ORDER_MODIFIER",
}  # fmt: skip
_EXPRESSIONS: Final = {
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION",
    "LAMBDA", "OPERATOR", "STAR", "SUBQUERY", "TYPE", "WINDOW",
}  # fmt: skip
_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_UNPRINTABLE: Final = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\ud800-\udfff]")
_CLOCKS: Final = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
"""Words that DuckDB reads as a function without parentheses where no column has the name."""


def validate_query(sql: str, *, views: Collection[str]) -> None:
    """Accept one SELECT over `views`, DESCRIBE, SUMMARIZE and PIVOT … IN included; else raise Retry."""
    with _refusals("query", sql):
        _Walk(views).visit(_select(sql), _Scope())


def validate_predicate(expression: str, *, columns: Collection[str] | None = None, views: Collection[str] = ()) -> None:
    """Accept a condition on `rows`, fit to stand as `where (expression)`; else raise Retry.

    Without `columns`, names of columns are left to DuckDB. Subqueries may read `rows` and `views`.
    """
    with _refusals("condition", expression):
        # Only a whole expression is the same expression alone and in parentheses: a stray ")" fails the first
        # reading, a comment that swallows what follows the second.
        alone, frame = _select(f"select {expression} from rows"), _select("select 0 from rows")
        within, frame_within = (
            _select(f"select * from rows where ({expression})"),
            _select("select * from rows"),
        )
        frame["select_list"] = listed = [within.pop("where_clause", None)]
        if alone != frame or within != frame_within:
            raise _Refusal("it is not one condition", "Write one expression and no comment, ';' or ',' after it.")
        _Walk({"rows", *views}).visit(listed, _Scope(columns=_columns(columns)))


def validate_order(expression: str, *, columns: Collection[str] | None = None) -> None:
    """Accept what may follow ORDER BY in a query on `rows`, as `length desc, score`; else raise Retry."""
    with _refusals("order", expression):
        # As for conditions; the added key shows that more may follow.
        alone, frame = (
            _select(f"select 0 from rows order by {expression}, 0"),
            _select("select 0 from rows order by 0"),
        )
        within = _select(f"select row_number() over (order by {expression}) from rows")
        frame_within = _select("select row_number() over () from rows")
        orders = within["select_list"][0].pop("orders", [])
        frame["modifiers"][0]["orders"][:0] = orders
        if alone != frame or within != frame_within:
            raise _Refusal("it is not an order", "Write columns or expressions, each with asc or desc.")
        if any(order["expression"]["class"] in ("CONSTANT", "STAR") for order in orders):
            raise _Refusal("it orders by a constant or by *", "Name a column or an expression over columns.")
        _Walk(()).visit(orders, _Scope(columns=_columns(columns)))


def tables_of(sql: str) -> set[str]:
    """The tables, in lower case, that a SELECT reads, apart from its own WITH. Raises Retry."""
    with _refusals("query", sql):
        walk = _Walk(views=None)
        walk.visit(_select(sql), _Scope())
        return walk.tables


def tree_of(sql: str) -> Tree:
    """DuckDB's syntax tree of the one SELECT in `sql`, as JSON. Raises Retry."""
    with _refusals("query", sql):
        return _select(sql)


class _Refusal(Exception):
    """What is wrong, and what to do about it; `_refusals` makes a Retry of it."""


@dataclass(frozen=True)
class _Scope:
    """What names mean at some point of a tree, in lower case."""

    ctes: frozenset[str] = frozenset()
    columns: frozenset[str] | None = None  # None where only DuckDB can tell


class _Walk:
    """Visits every part of a tree and raises _Refusal at the first that is not known to be harmless.

    It knows expressions, sources and queries by name, so that what a later DuckDB adds is refused.
    """

    def __init__(self, views: Collection[str] | None) -> None:
        self.tables: set[str] = set()
        self._views = views if views is None else _lowered(views)

    def visit(self, node: Any, scope: _Scope) -> None:
        if isinstance(node, list):
            for child in node:
                self.visit(child, scope)
        elif isinstance(node, dict):
            kind = node.get("type")
            if "class" in node:
                self._expression(node, scope)
            elif kind in _QUERIES:
                self._query(node, scope)
            elif kind in _SOURCES:
                self._source(node, scope)
            elif isinstance(kind, str) and kind not in _MODIFIERS:
                raise _Refusal(f"{_spoken(kind)} may not stand in it", "Only a SELECT may run here.")
            else:
                self._children(node, scope)

    def _children(self, node: Tree, scope: _Scope) -> None:
        for child in node.values():
            self.visit(child, scope)

    def _query(self, node: Tree, scope: _Scope) -> None:
        for entry in node.pop("cte_map", {}).get("map", []):
            name, definition = entry["key"], entry["value"]
            if not name.isidentifier():
                raise _Refusal(f"it names a table {name!r} in WITH", "Use letters, digits and '_'.")
            outside, scope = scope, replace(scope, ctes=scope.ctes | {_lower(name)})
            # Unless it recurses, the name still means inside of its own definition what it meant outside.
            recursive = definition["query_node"]["type"] == "RECURSIVE_CTE_NODE"
            self.visit(definition, scope if recursive else outside)
        _check_sample(node)
        self._children(node, scope)

    def _source(self, node: Tree, scope: _Scope) -> None:
        _check_sample(node)
        if "at_clause" in node:
            raise _Refusal("AT may not stand in it", "Name the version outside of the query, as NAME@VERSION.")
        kind = node["type"]
        if kind == "BASE_TABLE":
            self._table(node["qualified_name"]["path"], scope)
        elif kind == "SHOW_REF" and (node["show_type"] not in ("DESCRIBE", "SUMMARY") or "query" not in node):
            raise _Refusal("SHOW may not stand in it", "DESCRIBE and SUMMARIZE of a table may.")
        elif kind == "TABLE_FUNCTION":
            function = node.pop("function")
            _check_function(function, sql_functions.in_from(), "table function ")
            self._children(function, scope)
        self._children(node, scope)

    def _table(self, path: list[str], scope: _Scope) -> None:
        name = _lower(".".join(path))
        if len(path) == 1 and name in scope.ctes:
            return
        self.tables.add(name)
        if self._views is not None and (len(path) > 1 or name not in self._views):
            raise _Refusal(f"there is no table {name!r}", nearest(_lower(path[-1]), self._views | scope.ctes))

    def _expression(self, node: Tree, scope: _Scope) -> None:
        kind = node["class"]
        if kind not in _EXPRESSIONS:
            raise _Refusal(f"{_spoken(kind)} may not stand in it", "Write the value or the column itself.")
        if kind in ("FUNCTION", "WINDOW"):
            _check_function(node, sql_functions.in_expressions(), "")
        elif kind == "COLUMN_REF":
            _check_column(node["column_names"], scope.columns)
        elif kind == "TYPE" and len(node["qualified_name"]["path"]) != 1:
            raise _Refusal("it names a type with a schema", "Types have one name, such as varchar.")
        elif kind == "SUBQUERY":
            self.visit(node.pop("child", None), scope)  # what stands before IN
            scope = replace(scope, columns=None)  # its FROM has columns of its own
        elif kind == "LAMBDA" and scope.columns is not None:
            scope = replace(scope, columns=scope.columns | _parameters(node["lhs"]))
        self._children(node, scope)


def _check_function(function: Tree, functions: sql_functions.FunctionList, kind: str) -> None:
    # In `a.b.f()` the tree cannot tell columns a.b from a schema; only the last name is what is called.
    name = function["qualified_name"]["path"][-1]
    reason = functions.refusal(name)
    if reason or name != function["function_name"]:
        raise _Refusal(f"it calls {kind}{name}(); {reason}")


def _check_column(path: list[str], columns: frozenset[str] | None) -> None:
    names = [_lower(name) for name in path]
    if len(names) == 1 and names[0] in _CLOCKS and names[0] not in (columns or ()):
        raise _Refusal(f"it calls {path[0]}; {sql_functions.in_expressions().refusal(names[0])}")
    if columns is None or names[0] in columns or names == ["rows"]:
        return
    name = names[1] if names[0] == "rows" else names[0]
    if name not in columns:
        raise _Refusal(f"there is no column {name!r}", nearest(name, columns))


def _check_sample(node: Tree) -> None:
    if not node.pop("sample", {"repeatable": True}).get("repeatable"):
        raise _Refusal("its sample has no seed", "Write: using sample reservoir(100 rows) repeatable (7).")


def _parameters(node: Any) -> frozenset[str]:
    """The names on the left side of a lambda."""
    if isinstance(node, list):
        return frozenset().union(*map(_parameters, node))
    if not isinstance(node, dict):
        return frozenset()
    return _lowered(node.get("column_names", ())) | _parameters(list(node.values()))


def _columns(names: Collection[str] | None) -> frozenset[str] | None:
    return None if names is None else _lowered(names)


def _lowered(names: Collection[str]) -> frozenset[str]:
    return frozenset(map(_lower, names))


def _lower(name: str) -> str:
    """`name` as DuckDB compares it: the case of letters outside of ASCII counts."""
    return name.translate(_LOWER)


def _spoken(kind: str) -> str:
    return kind.removesuffix("_NODE").removesuffix("_QUERY").replace("_", " ")


@contextmanager
def _refusals(what: str, text: str) -> Iterator[None]:
    shown = repr(text if len(text) <= 80 else f"{text[:79]}…")
    try:
        if not text.strip():
            raise _Refusal("it is empty")
        yield
    except _Refusal as refusal:
        message, *next_step = refusal.args
        raise Retry(f"The {what} {shown} was refused: {message.rstrip('.')}.", next_step=" ".join(next_step)) from None
    except RecursionError:
        raise Retry(f"The {what} {shown} was refused: it is nested too deeply.", next_step="Split it up.") from None


def _select(sql: str) -> Tree:
    """The tree of the one SELECT in `sql`, without the places of its parts in the text. Raises _Refusal."""
    if len(sql) > MOST_CHARACTERS:
        raise _Refusal(f"it has {len(sql):,} characters", f"{MOST_CHARACTERS:,} are the most.")
    if sql.count("(") > MOST_PARENTHESES or sql.count("+") + sql.count("-") > MOST_SIGNS:
        raise _Refusal(
            "it has too many parentheses or signs",
            f"{MOST_PARENTHESES} '(' and {MOST_SIGNS} '+' or '-' are the most.",
        )
    if _UNPRINTABLE.search(sql):
        raise _Refusal("it has a control character or half a surrogate pair in it", "Remove it, or write chr(…).")
    found = json.loads(_serialized(sql), object_hook=_without_places)
    if found["error"]:
        raise _Refusal(*_why_not(sql, found))
    if len(found["statements"]) != 1:
        raise _Refusal(f"it holds {len(found['statements'])} statements", "Write one.")
    node: Tree = found["statements"][0]["node"]
    return node


def _without_places(node: Tree) -> Tree:
    node.pop("query_location", None)
    node.pop("query_location_length", None)
    return node


def _why_not(sql: str, found: Tree) -> tuple[str, str]:
    import duckdb

    if found["error_type"] == "parser":
        return _said(found["error_message"]), "Check the syntax; it is DuckDB's."
    try:
        with _lock:
            kinds = {statement.type.name for statement in _parser().extract_statements(sql)} - {"SELECT"}
    except duckdb.Error as error:
        return _said(error), "Check the syntax; it is DuckDB's."
    except ValueError:  # a kind of statement that DuckDB's Python module has no name for, as UPDATE EXTENSIONS in 2.0
        kinds = set()
    if kinds == {"MULTI"}:
        return "its PIVOT has no list of values", "Write: pivot … on column in (value, …) using …."
    return f"{', '.join(sorted(kinds)) or 'it'} is not a SELECT", "Only a SELECT may run here."


def _said(message: object) -> str:
    """The first line of what DuckDB says, which may quote the whole query."""
    line, *_ = str(message).split("\n")
    return line if len(line) <= 200 else f"{line[:199]}…"


_lock: Final = threading.Lock()


@functools.cache
def _parser() -> duckdb.DuckDBPyConnection:
    connection = connect(temp=None, threads=1, memory_share=0.05)
    lock_down(connection, ())
    return connection


@functools.lru_cache(maxsize=64)
def _serialized(sql: str) -> str:
    """DuckDB's syntax tree of `sql` as JSON, or JSON that says what is wrong with it."""
    import duckdb

    with _lock:
        try:
            query = "select json_serialize_sql(?::varchar, skip_null := true, skip_empty := true)"
            return str(_parser().execute(query, [sql]).fetchall()[0][0])
        except duckdb.Error as error:
            _parser.cache_clear()  # after an error of its own making DuckDB answers no more questions
            raise _Refusal(f"DuckDB cannot read it: {_said(error)}") from None
