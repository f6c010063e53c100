"""Scores to verdicts: policies against exact enumeration of every answer that can be given, and the table of who judges."""

from __future__ import annotations

import itertools
import math
import random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.panel.eligible import Bench, bench, same_model
from tilth.agent.panel.policy import decide, score_of, settled
from tilth.tools.errors import Misuse
from tilth.tools.panel import Policy, PolicyName, Verdict

SCORES = st.lists(st.integers(0, 4).map(lambda met: 2.5 * met), min_size=1, max_size=5)
CUTS = st.integers(0, 40).map(lambda quarter: quarter / 4)


# -- policies --------------------------------------------------------------------------------------------------------


def test_a_score_is_the_share_of_criteria_met() -> None:
    assert score_of({"a": True, "b": False, "c": True}) == 6.666666667
    assert score_of({"a": True}) == 10.0


@given(SCORES, CUTS, st.permutations(range(5)))
def test_the_order_of_scores_changes_nothing(scores: list[float], cut: float, order: list[int]) -> None:
    shuffled = [scores[i] for i in order if i < len(scores)]
    for name in ("near_cut_vote", "mean", "k_of_n", "single", "replace"):
        assert decide(name, Policy(), cut, scores) == decide(name, Policy(), cut, shuffled)


@given(SCORES, CUTS, st.sampled_from([0.0, 2.5, 5.0, 7.5, 10.0]))
def test_a_vote_weighs_as_much_as_half_the_reviewers(scores: list[float], cut: float, vote: float) -> None:
    count = len(scores)
    weighted = (math.fsum(scores) + vote * count / 2) / (count + count / 2)
    found = decide("near_cut_vote", Policy(), cut, scores, vote)
    assert found.score == pytest.approx(weighted, abs=1e-8)
    assert not found.near
    assert decide("replace", Policy(), cut, scores, vote).score == vote


@given(SCORES, CUTS)
def test_a_vote_is_asked_for_in_the_band_and_nowhere_else(scores: list[float], cut: float) -> None:
    distance = abs(math.fsum(scores) / len(scores) - cut)
    for name, may in (("near_cut_vote", True), ("replace", True), ("mean", False), ("k_of_n", False)):
        assert decide(name, Policy(), cut, scores).near == (may and round(distance, 9) < 0.75)


def test_the_edge_of_the_band_and_of_the_cut() -> None:
    assert not decide("near_cut_vote", Policy(), 7.5, [8.25]).near
    assert decide("near_cut_vote", Policy(), 7.5, [8.2]).near
    thirds = [score_of({"a": True, "b": True, "c": False})] * 3
    assert decide("mean", Policy(), 20 / 3, thirds).accepted


@given(SCORES, CUTS, st.integers(1, 5))
def test_k_of_n_stops_only_when_nothing_can_change(scores: list[float], cut: float, k: int) -> None:
    policy = Policy(name="k_of_n", k=k)
    final = decide("k_of_n", policy, cut, scores).accepted
    for seen in range(1, len(scores) + 1):
        if settled(policy, cut, scores[:seen], len(scores) - seen):
            assert decide("k_of_n", policy, cut, scores[:seen]).accepted == final


CRITERIA, GOOD = 2, 0.5
ERRORS = {"anna": 0.3, "ben": 0.25, "cleo": 0.2, "dora": 0.1}


def enumerated(name: PolicyName, policy: Policy, cut: float) -> tuple[float, float]:
    """(precision, share accepted), over all counts of criteria that each judge may say yes to."""

    def chances(judge: str, good: bool) -> list[float]:
        yes = 1 - ERRORS[judge] if good else ERRORS[judge]
        return [math.comb(CRITERIA, n) * yes**n * (1 - yes) ** (CRITERIA - n) for n in range(CRITERIA + 1)]

    accepted = {True: 0.0, False: 0.0}
    for good in (True, False):
        judges = [chances(judge, good) for judge in ERRORS]
        for counts in itertools.product(range(CRITERIA + 1), repeat=4):
            weight = (GOOD if good else 1 - GOOD) * math.prod(each[n] for each, n in zip(judges, counts, strict=True))
            *scores, vote = (10 * n / CRITERIA for n in counts)
            mean = sum(scores) / 3
            if name == "k_of_n":
                met = sum(score >= cut for score in scores) >= policy.k
            elif name == "near_cut_vote":
                met = (mean if abs(mean - cut) >= policy.band else (sum(scores) + 1.5 * vote) / 4.5) >= cut
            elif name == "replace":
                met = (mean if abs(mean - cut) >= policy.band else vote) >= cut
            else:
                met = mean >= cut
            accepted[good] += weight * met
    return accepted[True] / sum(accepted.values()), sum(accepted.values())


POLICIES: list[PolicyName] = ["near_cut_vote", "mean", "k_of_n", "replace"]


@pytest.mark.parametrize("name", POLICIES)
def test_the_precision_of_every_policy_is_that_of_exact_enumeration(name: PolicyName) -> None:
    draw, policy, cut = random.Random(name), Policy(name=name), 7.0
    tally = {True: 0, False: 0}
    for _ in range(10_000):
        good = draw.random() < GOOD
        met = {judge: [good != (draw.random() < error) for _ in range(CRITERIA)] for judge, error in ERRORS.items()}
        *scores, vote = (score_of({str(i): yes for i, yes in enumerate(said)}) for said in met.values())
        decision = decide(name, policy, cut, scores)
        if decision.near:
            decision = decide(name, policy, cut, scores, vote)
        tally[good] += decision.accepted
    precision, share = enumerated(name, policy, cut)
    assert tally[True] / sum(tally.values()) == pytest.approx(precision, abs=0.02)
    assert sum(tally.values()) / 10_000 == pytest.approx(share, abs=0.02)


def test_the_precision_of_a_whole_panel_is_that_of_exact_enumeration(panelists: ModuleType) -> None:
    def erring(judge: str) -> Any:
        def verdict(answer: str) -> dict[str, bool]:
            truth = panelists.chance("good", answer) < GOOD
            return {one.id: truth != (panelists.chance(judge, one.id, answer) < ERRORS[judge])
                    for one in panelists.CRITERIA}  # fmt: skip

        return panelists.judge(judge, verdict, keep=False)

    tally = {True: 0, False: 0}

    def take(verdict: Verdict) -> None:
        if verdict.outcome == "accepted" and verdict.candidate is not None:
            tally[panelists.chance("good", verdict.candidate.text) < GOOD] += 1

    work = panelists.job(800, policy=Policy(cut=7.0), near_duplicate=None)
    panelists.panel(panelists.writer(keep=False), *(erring(judge) for judge in ERRORS)).run(work, take)
    precision, share = enumerated("near_cut_vote", work.policy, 7.0)
    assert tally[True] / sum(tally.values()) == pytest.approx(precision, abs=0.02)
    assert sum(tally.values()) / 800 == pytest.approx(share, abs=0.02)


# -- who judges ------------------------------------------------------------------------------------------------------


def seated(roles: dict[str, list[str]], policy: Policy | None = None, **options: bool) -> Bench:
    return bench(roles, policy or Policy(), **{"drafts": True, **options})


def test_the_table_of_eligible_judges() -> None:
    for reviewers, adjudicators, policy, size in [
        (["b"], [], "single", 1),
        (["b"], ["c"], "single", 1),
        (["a", "b"], [], "single", 1),
        (["b", "c"], [], "mean", 2),
        (["b", "c"], ["d"], "near_cut_vote", 2),
        (["b", "c"], ["a"], "mean", 2),
        (["b", "c"], ["c"], "mean", 2),
        (["b", "c", "d", "e"], ["e"], "near_cut_vote", 3),
        (["b", "c", "d", "e", "f"], [], "mean", 3),
        ([], ["b"], "single", 1),
    ]:
        found = seated({"generator": ["a"], "reviewer": reviewers, "adjudicator": adjudicators})
        assert (found.policy, found.size) == (policy, size), (reviewers, adjudicators)


def test_nobody_reviews_its_own_rows_unless_that_is_allowed() -> None:
    one = {"generator": ["openai:a@lab"], "reviewer": ["openai:a@lab"]}
    with pytest.raises(Misuse, match="would review its own rows") as told:
        seated(one)
    assert told.value.exit_code == 2
    assert "self_reviewed" in told.value.next_step
    with pytest.raises(Misuse, match="No model reviews"):
        seated({"generator": ["a"]})
    for roles in (one, {"generator": ["openai:a@lab"]}):
        found = seated(roles, allow_self_review=True)
        assert (found.policy, found.size, found.self_reviewed) == ("single", 1, True)
        seats = found.seats(0, "t/1")
        assert (seats.reviewers, seats.self_reviewed) == (("openai:a@lab",), True)


def test_existing_rows_may_be_judged_by_any_model() -> None:
    found = bench({"generator": ["a"]}, Policy(), drafts=False)
    assert found.seats(0, "row").reviewers == ("a",)
    assert not found.self_reviewed


def test_a_model_is_the_same_wherever_it_is_served() -> None:
    assert same_model("openai:org/small@lab", "vllm:org/small")
    assert same_model("openai:small@a", "openai:small@b")
    assert not same_model("openai:small@a", "openai:large@a")
    assert not same_model("offline:", "offline:")


def test_policies_that_cannot_be_played_are_misuse() -> None:
    roles = {"generator": ["a"], "reviewer": ["b", "c"]}
    with pytest.raises(Misuse, match="needs an adjudicator"):
        seated(roles, Policy(name="near_cut_vote"))
    with pytest.raises(Misuse, match="3 of 2 reviewers"):
        seated(roles, Policy(name="k_of_n", k=3))


NAMES = st.lists(st.sampled_from("abcdefg"), unique=True, max_size=5)


@given(st.lists(st.sampled_from("abcd"), unique=True, min_size=1), NAMES, NAMES, st.randoms(use_true_random=False))
def test_seats_keep_the_rules_whatever_the_order(generators, reviewers, adjudicators, shuffle) -> None:  # type: ignore[no-untyped-def]
    roles = {"generator": generators, "reviewer": reviewers, "adjudicator": adjudicators}
    try:
        found = seated(roles)
    except Misuse:
        return
    shuffled = {role: shuffle.sample(named, len(named)) for role, named in roles.items()}
    for task in ("t/0", "t/1", "t/2"):
        seats = found.seats(5, task)
        assert seats == seated(shuffled).seats(5, task)
        assert len(seats.reviewers) == len(set(seats.reviewers)) == found.size
        assert seats.generator not in seats.reviewers
        assert seats.adjudicator not in (seats.generator, *seats.reviewers)


def test_several_models_of_a_role_all_get_work() -> None:
    roles = {"generator": ["a", "b"], "reviewer": ["a", "b", "c", "d"], "adjudicator": ["e", "f"]}
    seats = [seated(roles).seats(0, f"t/{i}") for i in range(200)]
    assert {one.generator for one in seats} == {"a", "b"}
    assert {name for one in seats for name in one.reviewers} == {"a", "b", "c", "d"}
    assert {one.adjudicator for one in seats} == {"e", "f"}
    assert [seated(roles).seats(1, f"t/{i}") for i in range(200)] != seats
