"""Distributions counted in bounded memory: against sorting, and whatever the batches."""

from __future__ import annotations

from collections import Counter

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.inspect.measures.counting import (
    PERCENTS,
    Distinct,
    Frequent,
    Hits,
    Lengths,
    Sample,
    histogram,
    rank,
)


@given(st.lists(st.integers(-50, 10_000), min_size=1, max_size=60))
def test_quantiles_are_those_of_duckdb_and_of_sorting(values: list[int]) -> None:
    lengths = Lengths()
    lengths.update(values[: len(values) // 2])
    lengths.update(values[len(values) // 2 :])
    ordered = sorted(values)
    by_sorting = {f"p{percent}": ordered[rank(percent, len(values))] for percent in PERCENTS}
    assert lengths.quantiles() == by_sorting
    shares = ", ".join(f"{percent / 100}::decimal(5, 2)" for percent in PERCENTS)
    rows = ", ".join(f"({value})" for value in values)
    told = duckdb.sql(f"select quantile_disc(v, [{shares}]) from (values {rows}) t(v)").fetchall()[0][0]
    assert list(by_sorting.values()) == told
    assert (lengths.count, lengths.total) == (len(values), sum(values))


def test_quantiles_of_nothing_are_nothing() -> None:
    assert Lengths().quantiles() == {}
    assert Lengths().summary()["mean"] is None
    assert histogram([]) == {"edges": [], "counts": [], "even": True}


@given(st.lists(st.floats(-1e12, 1e12, allow_subnormal=False) | st.integers(0, 10**9), min_size=1, max_size=80))
def test_a_histogram_holds_every_value_once_between_its_edges(values: list[float]) -> None:
    found = histogram(values)
    edges, counts = found["edges"], found["counts"]
    assert sum(counts) == len(values)
    assert len(edges) == len(counts) + 1
    assert len(counts) <= 20
    assert edges == sorted(edges)
    slack = 1e-9 * max(map(abs, values))
    assert edges[0] <= min(values) + slack
    assert edges[-1] >= max(values) - slack


def test_bins_are_round_steps_and_whole_for_whole_numbers() -> None:
    small = histogram([3, 4, 4, 10])
    assert small == {"edges": [*range(3, 12)], "counts": [1, 2, 0, 0, 0, 0, 0, 1], "even": True}
    assert histogram([0.0, 0.5, 1.0])["edges"][:3] == [0.0, 0.1, 0.2]
    assert histogram([5, 5]) == {"edges": [5.0, 5.0], "counts": [2], "even": True}


def test_bins_are_factors_when_most_values_lie_far_below_the_largest() -> None:
    found = histogram([1] * 90 + [700])
    assert found["edges"][:4] == [1.0, 2.0, 4.0, 8.0] and not found["even"]
    assert found["counts"][0] == 90 and found["counts"][-1] == 1


@given(st.lists(st.sampled_from("abcdefgh"), max_size=200), st.integers(1, 50))
def test_frequent_values_are_exact_within_capacity(values: list[str], cut: int) -> None:
    counted: Frequent[str] = Frequent(capacity=8)
    counted.update(values[:cut])
    counted.update(values[cut:])
    assert counted.exact
    assert dict(counted.counts) == dict(Counter(values))
    assert counted.distinct == len(set(values))


def test_beyond_capacity_counts_are_lower_bounds_and_the_frequent_stay() -> None:
    counted: Frequent[str] = Frequent(capacity=100)
    values = [f"rare {i}" for i in range(5_000)] + ["often"] * 2_000
    for start in range(0, len(values), 70):
        counted.update(values[start : start + 70])
    assert not counted.exact
    assert 2_000 - counted.undercount <= counted.counts["often"] <= 2_000
    assert counted.top(1)[0][0] == "often"
    assert counted.distinct == pytest.approx(5_001, rel=0.07)  # four standard errors


def test_distinct_is_exact_for_few_and_close_for_many() -> None:
    few, many = Distinct(), Distinct()
    few.update(str(i % 500) for i in range(3_000))
    assert few.estimate() == 500
    for start in range(0, 60_000, 1_000):
        many.update(map(str, range(start, start + 1_000)))
    assert many.estimate() == pytest.approx(60_000, rel=0.07)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(0, 2**63))
def test_a_sample_does_not_depend_on_batches(sizes: list[int], seed: int) -> None:
    total = sum(sizes)
    whole: Sample[int] = Sample(25, seed)
    parts: Sample[int] = Sample(25, seed)
    whole.add(chosen := whole.choose(0, total), chosen)
    start = 0
    for size in sizes:
        at = [start + i for i in parts.choose(start, size)]
        parts.add(at, at)
        start += size
    assert whole.positions == parts.positions == whole.items
    assert whole.whole == (total <= 25)
    assert len(whole.items) <= 25


def test_a_sample_takes_about_its_share_of_every_part() -> None:
    sample: Sample[int] = Sample(1_000, 7)
    for start in range(0, 100_000, 500):
        at = [start + i for i in sample.choose(start, 500)]
        sample.add(at, at)
    assert 500 <= len(sample.items) <= 1_000
    halves = np.histogram(sample.positions, bins=4, range=(0, 100_000))[0]
    assert halves.min() > len(sample.items) / 4 * 0.7


def test_hits_keep_the_first_five_positions() -> None:
    hits = Hits()
    for position in range(9):
        hits.add("code", position)
    assert hits.counts["code"] == 9
    assert hits.examples("code") == (0, 1, 2, 3, 4)
    assert hits.examples("other") == ()
