"""Which column decides which: against counting by hand, and on a table with known errors."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.inspect.measures.dependencies import correlated, dependencies, flagged, keys

Codes = dict[str, np.ndarray]


def by_hand(left: list[int], right: list[int]) -> tuple[float, set[int]] | None:
    """(confidence, rows named) by the definition, row by row; None where it is no dependency."""
    rows = [i for i in range(len(left)) if left[i] >= 0 and right[i] >= 0]
    groups: dict[int, list[int]] = {}
    for i in rows:
        groups.setdefault(left[i], []).append(i)
    if not rows or sum(len(group) for group in groups.values() if len(group) >= 2) < 0.5 * len(rows):
        return None
    agree, named = 0, set()
    for group in groups.values():
        counts = Counter(right[i] for i in group)
        most = max(counts.values())
        agree += most
        if len(group) >= 3 and most > 0.66 * len(group):
            named |= {i for i in group if counts[right[i]] != most}
    confidence = agree / len(rows)
    base = max(Counter(right[i] for i in rows).values()) / len(rows)
    if base == 1 or confidence < 0.9 or (confidence - base) / (1 - base) < 0.81:
        return None
    return confidence, named


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 59), st.integers(-1, 3)), max_size=4),
    st.lists(st.integers(0, 2), min_size=6, max_size=6),
)
def test_a_planted_dependency_is_found_as_by_hand(
    left: list[int], errors: list[tuple[int, int]], means: list[int]
) -> None:
    right = [means[value] for value in left]
    for place, value in errors:
        right[place % len(right)] = value
    found = [one for one in dependencies({"l": np.array(left), "r": np.array(right)}) if one.left == "l"]
    expected = by_hand(left, right)
    if expected is None:
        assert found == []
    else:
        assert len(found) == 1
        assert abs(found[0].confidence - expected[0]) < 1e-12
        assert set(found[0].rows.tolist()) == expected[1]


def test_a_named_row_comes_with_one_that_is_right() -> None:
    left = [0] * 9 + [1] * 9
    right = [5] * 8 + [7] + [6] * 9
    [found] = [one for one in dependencies({"l": np.array(left), "r": np.array(right)}) if one.left == "l"]
    assert found.rows.tolist() == [8]
    assert [right[row] for row in found.expected] == [5]


def test_columns_that_are_missing_or_constant_decide_nothing() -> None:
    columns = {"none": np.full(9, -1), "one": np.zeros(9, np.int64), "each": np.arange(9)}
    assert dependencies(columns) == []


def test_keys_are_minimal_and_have_no_gaps() -> None:
    columns = {
        "id": np.arange(6),
        "row": np.array([0, 0, 0, 1, 1, 1]),
        "column": np.array([0, 1, 2, 0, 1, 2]),
        "gaps": np.array([0, 1, 2, 3, 4, -1]),
    }
    assert keys(columns) == [("id",), ("row", "column")]
    assert keys({}) == []


def test_correlation_reads_pairs_of_numbers() -> None:
    x = np.array([1.0, 2, 3, 4, np.nan])
    assert correlated({"x": x, "y": -2 * x, "z": np.array([1.0, 5, 1, 5, 1])}) == [("x", "y", -1.0)]
    assert correlated({"x": x, "c": np.ones(5)}) == []


def test_the_errors_of_a_real_table(shared_data: Path) -> None:
    """hospital: 509 cells of `dirty` differ from `clean`. A floor for this table, no promise for another one."""
    dirty, clean = (
        list(csv.DictReader((shared_data / "hospital" / f"{name}.csv").read_text("utf-8").splitlines()))
        for name in ("dirty", "clean")
    )
    columns: Codes = {}
    for name in dirty[0]:
        seen: dict[str, int] = {}
        columns[name] = np.array([seen.setdefault(row[name], len(seen)) for row in dirty])
    wrong = {(i, name) for i, row in enumerate(dirty) for name in row if row[name] != clean[i][name]}
    named = {(int(i), name) for name, rows in flagged(dependencies(columns)).items() for i in rows}
    hits = len(wrong & named)
    precision, recall = hits / len(named), hits / len(wrong)
    assert precision >= 0.9
    assert 2 * precision * recall / (precision + recall) >= 0.85
