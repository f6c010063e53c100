"""When two results are the same: as multisets of rows whose cells are compared by the type the question declares.

It knows JSON values and types. It runs no SQL.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ...tools.errors import Misuse

Rows = Sequence[Sequence[Any]]
Kind = Literal["text", "number", "date"]

MOST_ROWS: Final = 200
_DATE: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the answer. `tolerance` is the largest difference by which two numbers are the same."""

    name: str
    kind: Kind
    tolerance: float = 0.0

    def json(self) -> dict[str, Any]:
        return {"name": self.name, "kind": self.kind, "tolerance": self.tolerance}


def rows_of(answer: Any) -> list[list[Any]]:
    """The rows of an answer as it was handed in; a bare value is a row of one. Raises Misuse."""
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise Misuse("'answer' is not a list of rows.", next_step='Write {"answer": [[value, …], …]}.')
    rows = [list(row) if isinstance(row, Sequence) and not isinstance(row, str) else [row] for row in answer]
    if any(isinstance(cell, Mapping | list) for row in rows for cell in row):
        raise Misuse("A cell of the answer is neither text, number nor null.")
    return rows


def same(given: Rows, gold: Rows, columns: Sequence[Column], *, ordered: bool = False) -> bool:
    """Are these the same rows, each as often, and in the same order where that was asked for?

    Cells of text, date and missing values must agree after normalisation; numbers within their column's tolerance.
    """
    if len(given) != len(gold) or any(len(row) != len(columns) for row in given):
        return False
    ours, theirs = ([_cells(row, columns) for row in rows] for rows in (given, gold))
    if ordered:
        return all(_alike(one, other, columns) for one, other in zip(ours, theirs, strict=True))
    parts: dict[tuple[Any, ...], tuple[list[Any], list[Any]]] = {}
    for at, rows in enumerate((ours, theirs)):
        for row in rows:
            key = tuple("number" if isinstance(cell, float) else (cell,) for cell in row)
            parts.setdefault(key, ([], []))[at].append(row)
    return all(_matched(one, other, columns) for one, other in parts.values())


def bird_same(given: Rows, gold: Rows, columns: Sequence[Column]) -> bool:
    """Execution accuracy as BIRD has it, `set(predicted) == set(gold)`: neither doubles nor order count, texts and numbers
    must be equal as they are (arXiv 2305.03111). Decimals come as texts and are read as numbers first."""

    def plain(rows: Rows) -> set[tuple[Any, ...]]:
        numbers = [column.kind == "number" for column in columns]
        return {
            tuple(_cell(cell, "number") if number else cell for cell, number in zip(row, numbers, strict=True))
            if len(row) == len(columns)
            else tuple(row)
            for row in rows
        }

    return plain(given) == plain(gold)


def _matched(ours: list[Any], theirs: list[Any], columns: Sequence[Column]) -> bool:
    """Is there a one-to-one match? Rows that agree in all but their numbers come in; a graph decides where some of them
    are within the tolerance of several."""
    if len(ours) != len(theirs):
        return False
    ours, theirs = sorted(ours, key=_order), sorted(theirs, key=_order)
    if all(_alike(one, other, columns) for one, other in zip(ours, theirs, strict=True)):
        return True
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    near = csr_matrix([[_alike(one, other, columns) for other in theirs] for one in ours])
    return bool((maximum_bipartite_matching(near, perm_type="column") >= 0).all())


def _order(row: tuple[Any, ...]) -> list[float]:
    return [cell for cell in row if isinstance(cell, float)]


def _alike(one: Sequence[Any], other: Sequence[Any], columns: Sequence[Column]) -> bool:
    for ours, theirs, column in zip(one, other, columns, strict=True):
        if isinstance(ours, float) and isinstance(theirs, float):
            if not math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=column.tolerance):
                return False
        elif ours != theirs or isinstance(ours, float) != isinstance(theirs, float):
            return False
    return True


def _cells(row: Sequence[Any], columns: Sequence[Column]) -> tuple[Any, ...]:
    return tuple(_cell(value, column.kind) for value, column in zip(row, columns, strict=True))


def _cell(value: Any, kind: Kind) -> Any:
    """None, a float (in a column of numbers only) or a normalised text."""
    if value is None or value == "":
        return None
    text = " ".join(unicodedata.normalize("NFKC", str(value)).split()).casefold()
    if kind == "number" and not isinstance(value, bool):
        try:
            number = float(text)
        except ValueError:
            return text
        return number if math.isfinite(number) else text
    if kind == "date" and (found := _DATE.fullmatch(text.replace("t", " "))):
        return found[1]
    return text
