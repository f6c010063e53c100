"""What may be said of two agents: paired on the same instances, unpaired over two sets, or nothing at all."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import pytest

from tilth.evals import summary
from tilth.evals.records import Run, open_run
from tilth.evals.suite import Limits
from tilth.tools.errors import Misuse
from tilth.tui.render.evals import verdict

MakeRun = Callable[..., Run]


def test_a_large_difference_is_told_and_who_is_better(make_run: MakeRun) -> None:
    run = make_run("nothing", "oracle", n=12)
    (one,) = summary.report(run).comparisons
    assert (one.paired, one.separable, one.winner) == (True, True, "oracle")
    assert (one.difference.value, one.mcnemar, one.p) == (-1.0, 2 / 2**12, 2 / 2**12)
    assert verdict(one).startswith("oracle is better than nothing: +1.000")


def test_a_small_difference_is_not_separable(make_run: MakeRun) -> None:
    run = make_run("tiny:Adder", "oracle", models=["1"], n=20)
    (one,) = summary.report(run).comparisons
    assert one.difference.value < 0
    assert (one.separable, one.winner) == (False, "")
    assert "are not separable" in verdict(one)
    assert f"these show {one.detectable:.3f} or more" in verdict(one)


def test_a_significant_difference_below_the_detectable_one_is_no_ranking() -> None:
    found = summary.statistics.paired([0.15, 0.02, 0.03, 0.01, 0.02, 0.05, 0.01])
    one = summary.Comparison("a", "b", True, found.difference, found.p, found.detectable, 0, "higher")
    assert one.p < 0.05
    assert one.difference.value < one.detectable
    assert not one.separable


def test_lower_can_be_better() -> None:
    found = summary.statistics.paired([0.5, 0.6, 0.5, 0.55, 0.5, 0.6])
    told = [summary.Comparison("a", "b", True, found.difference, found.p, found.detectable, 0, better)
            for better in ("higher", "lower")]  # fmt: skip
    assert [one.winner for one in told] == ["a", "b"]


def test_two_runs_of_one_set_are_paired(make_run: MakeRun) -> None:
    first = make_run("tiny:Adder", models=["4"], n=20, seeds="fresh")
    second = make_run("oracle", n=12, seeds=f"set:{first.plan.set}")
    one = summary.compare(first, first.label(), second, second.label())
    assert (one.paired, one.difference.n) == (True, 12)
    assert (one.first, one.second) == (f"{first.id}:{first.label()}", f"{second.id}:oracle")


def test_two_sets_are_unpaired_and_it_is_said(make_run: MakeRun) -> None:
    first, second = (make_run("tiny:Adder", models=["5"], n=20, seeds="fresh") for _ in range(2))
    one = summary.compare(first, first.label(), second, second.label())
    assert not one.paired
    assert math.isnan(one.p)
    assert "unpaired: two sets of instances" in verdict(one)


def test_public_minus_fresh_is_the_gap(make_run: MakeRun) -> None:
    fresh = make_run("tiny:Adder", models=["5"], n=20, seeds="fresh")
    public = make_run("tiny:Adder", models=["5"], n=20)
    one = summary.compare(fresh, fresh.label(), public, public.label())
    assert one.gap
    assert one.first.startswith(public.id)
    assert "the gap of public to fresh instances" in verdict(one)


def test_instances_one_of_them_did_not_answer_are_left_out_and_counted(make_run: MakeRun) -> None:
    run = make_run("tiny:Failing", "oracle", n=32, limits=Limits(seconds=2, tokens=1000))
    (one,) = summary.report(run).comparisons
    failing = summary.report(run).agents[0]
    assert one.difference.n == failing.ended["answered"]
    assert one.left_out == 32 - one.difference.n
    assert f"{one.left_out} instances left out" in verdict(one)


def test_many_pairs_are_corrected(make_run: MakeRun) -> None:
    run = make_run("tiny:Adder", "oracle", models=["1", "6"], n=14)
    found = summary.report(run).comparisons
    alone = [summary.compare(run, *sides) for sides in (
        (run.plan.labels[0], run, run.plan.labels[1]),
        (run.plan.labels[0], run, "oracle"),
        (run.plan.labels[1], run, "oracle"),
    )]  # fmt: skip
    assert [one.p for one in found] == summary.statistics.holm([one.p for one in alone])


def test_runs_of_two_versions_are_not_compared(make_run: MakeRun) -> None:
    first, second = make_run("oracle", n=2), make_run("nothing", n=2)
    file = second.folder / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "version": 2}))
    with pytest.raises(Misuse, match="measure different things"):
        summary.compare(first, "oracle", open_run(second.folder.parent, second.id), "nothing")


def test_epochs_are_averaged_before_instances_are_counted(make_run: MakeRun) -> None:
    (one,) = summary.report(make_run("random", n=6, epochs=4)).agents
    assert one.score.n == 6
    assert [tries.k for tries in one.tries] == [1, 2, 3, 4]
    (right,) = summary.report(make_run("oracle", n=6, epochs=4)).agents
    assert {(tries.at, tries.hat) for tries in right.tries} == {(1.0, 1.0)}


def test_few_clusters_are_said_to_be_too_few() -> None:
    found = summary.statistics.paired([0.5, 0.5, 0.6, 0.6, 0.4, 0.4], ["a", "a", "b", "b", "c", "c"])
    one = summary.Comparison("a", "b", True, found.difference, found.p, found.detectable, 0, "higher")
    assert not one.separable
    assert "6 pairs in 3 clusters; no p below 0.250 is possible for 3 clusters" in verdict(one)
