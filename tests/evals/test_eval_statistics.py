"""Intervals cover, tests agree with brute force and closed forms, power is what it says."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as oracle

from tilth.evals import statistics

SCORES = st.lists(st.floats(-1, 1), min_size=2, max_size=9)


def test_pass_k_gives_the_published_figures(shared_data: Path) -> None:
    """gpt-4o on tau-bench airline, 50 tasks of 4 tries: pass^1 to pass^4 as its README has them."""
    rewards = json.loads((shared_data / "pass_k_golden.json").read_text())["rewards"]
    solved = [sum(tries) for tries in rewards]
    hat = [sum(statistics.pass_hat_k(4, c, k) for c in solved) / len(solved) for k in (1, 2, 3, 4)]
    at = [sum(statistics.pass_at_k(4, c, k) for c in solved) / len(solved) for k in (1, 2, 3, 4)]
    assert [round(value, 3) for value in hat] == [0.42, 0.273, 0.22, 0.2]
    assert [round(value, 3) for value in at] == [0.42, 0.567, 0.66, 0.72]


@given(tries=st.integers(1, 7), data=st.data())
def test_pass_k_is_the_share_of_all_choices_of_k_tries(tries: int, data: st.DataObject) -> None:
    solved, k = data.draw(st.integers(0, tries)), data.draw(st.integers(1, tries))
    outcomes = [place < solved for place in range(tries)]
    chosen = list(itertools.combinations(outcomes, k))
    assert statistics.pass_at_k(tries, solved, k) == pytest.approx(sum(map(any, chosen)) / len(chosen))
    assert statistics.pass_hat_k(tries, solved, k) == pytest.approx(sum(map(all, chosen)) / len(chosen))


@given(SCORES)
def test_sign_flips_of_few_values_are_all_tried(values: list[float]) -> None:
    observed = abs(math.fsum(values)) - 1e-12 * math.fsum(map(abs, values))
    patterns = list(itertools.product((1, -1), repeat=len(values)))
    extreme = sum(abs(math.fsum(s * v for s, v in zip(signs, values, strict=True))) >= observed for signs in patterns)
    assert statistics.sign_flip(values) == pytest.approx(extreme / len(patterns))


def test_many_sign_flips_are_drawn_and_near_the_exact_p() -> None:
    """Differences of +1 and -1: the test is then a binomial one."""
    p = statistics.sign_flip([1.0] * 18 + [-1.0] * 8)
    assert p == pytest.approx(oracle.binomtest(18, 26).pvalue, abs=0.01)
    assert p == statistics.sign_flip([1.0] * 18 + [-1.0] * 8)


@pytest.mark.parametrize("clusters", [2, 6, 14])
def test_few_clusters_have_a_least_p(clusters: int) -> None:
    assert statistics.sign_flip([1.0] * clusters) == statistics.least_p(clusters)


def test_flips_turn_whole_clusters() -> None:
    values, clusters = [0.5, 0.25, 0.25, 0.5, 0.1], ["a", "a", "b", "b", "c"]
    assert statistics.sign_flip(values, clusters) == statistics.sign_flip([0.75, 0.75, 0.1])


@given(st.integers(0, 30), st.integers(0, 30))
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    expected = oracle.binomtest(first, first + second).pvalue if first + second else 1.0
    assert statistics.mcnemar(first, second) == pytest.approx(expected)


def test_holm_by_hand() -> None:
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_lowers_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = statistics.holm(p_values)
    assert all(before <= after <= 1 for before, after in zip(p_values, adjusted, strict=True))
    ranked = [value for _, value in sorted(zip(p_values, adjusted, strict=True))]
    assert ranked == sorted(ranked)


@pytest.mark.parametrize("draw", ["uniform", "skewed"])
def test_intervals_of_means_cover_95_percent(draw: str) -> None:
    """400 samples of 30; the standard error of the share is 1.1 %."""
    dice = np.random.default_rng(1)
    samples = dice.random((400, 30)) if draw == "uniform" else dice.beta(0.5, 1.5, (400, 30))
    truth = 0.5 if draw == "uniform" else 0.25
    found = [statistics.mean(list(sample)) for sample in samples]
    covered = sum(one.low <= truth <= one.high for one in found) / len(found)
    assert 0.92 <= covered <= 0.98


def test_intervals_cover_where_values_hang_together_only_by_cluster() -> None:
    """20 clusters of 5 that share most of their value: by cluster 95 %, value by value far less."""
    dice = np.random.default_rng(2)
    names = [str(cluster) for cluster in range(20) for _ in range(5)]
    covered = {"clustered": 0, "alone": 0}
    for _ in range(200):
        values = list(np.repeat(dice.normal(0, 1, 20), 5) + dice.normal(0, 0.2, 100))
        for name, one in (("clustered", statistics.mean(values, names)), ("alone", statistics.mean(values))):
            covered[name] += one.low <= 0 <= one.high
    assert 0.91 <= covered["clustered"] / 200 <= 0.99
    assert covered["alone"] / 200 < 0.75


def test_a_difference_at_the_detectable_one_is_found_in_80_percent() -> None:
    dice = np.random.default_rng(3)
    least = statistics.POWER_Z * 0.3 / math.sqrt(60)
    found = sum(statistics.sign_flip(list(dice.normal(least, 0.3, 60))) < 0.05 for _ in range(150)) / 150
    assert 0.70 <= found <= 0.90
    assert statistics.detectable(list(dice.normal(0, 0.3, 4000))) == pytest.approx(
        statistics.POWER_Z * 0.3 / math.sqrt(4000), rel=0.05
    )


def test_few_values_detect_less_than_their_spread_says() -> None:
    """Student's t of 5 degrees of freedom where the normal would say 2.80."""
    values = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    factor = oracle.t.ppf(0.975, 5) + oracle.t.ppf(0.8, 5)
    assert statistics.detectable(values) == pytest.approx(factor * np.std(values, ddof=1) / math.sqrt(6))


def test_hits_and_misses_have_wilsons_interval() -> None:
    """All right in 20 is not certainty."""
    one = statistics.mean([1.0] * 20)
    assert (one.value, round(one.low, 3), one.high) == (1.0, 0.839, 1.0)


def test_too_few_values_have_no_interval() -> None:
    assert math.isnan(statistics.mean([0.3]).low)
    assert not statistics.mean([]).known
    assert not statistics.ratio([0.0], [0.0]).known
    assert math.isnan(statistics.mean([0.2, 0.4], ["one", "one"]).high)


def test_a_ratio_pools_over_instances() -> None:
    one = statistics.ratio([1, 0, 8], [1, 1, 10])
    assert one.value == pytest.approx(9 / 12)
    assert one.low <= one.value <= one.high


def test_the_difference_of_two_sets_is_widened_by_both() -> None:
    dice = np.random.default_rng(4)
    first, second = list(dice.random(80)), list(dice.random(80))
    one = statistics.difference(first, second)
    welch = oracle.ttest_ind(first, second, equal_var=False).confidence_interval()
    assert (one.low, one.high) == pytest.approx((welch.low, welch.high), abs=0.015)


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcdef")), min_size=2, max_size=12), st.randoms())
def test_order_of_values_changes_nothing(pairs: list[tuple[float, str]], dice: object) -> None:
    shuffled = sorted(pairs, key=lambda _: dice.random())  # type: ignore[attr-defined]
    told = [statistics.mean([v for v, _ in order], [c for _, c in order]) for order in (pairs, shuffled)]
    assert repr(told[0]) == repr(told[1])
