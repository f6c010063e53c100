"""What probes conclude from numbers: against brute force, under chance alone, and with too little to conclude from."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.prompts import Prompts
from tilth.tools.contaminate._items import Item
from tilth.tools.contaminate._probes.asking import Reply
from tilth.tools.contaminate._probes.contrast import above_chance, groups, holm, paired
from tilth.tools.contaminate._probes.generated import rouge_l, ts_guess, within
from tilth.tools.contaminate._probes.scored import option_shuffle
from tilth.tools.contaminate._probes.weighed import METHODS, Arms, Method, Verdict, together, weigh

ALPHA = 0.01
SCORES = {"guided": "guided", "ts_guess": "match", "option_shuffle": "first", "cdd": "peak", "min_k": "logprob"}


def arm(method: Method, rng: random.Random, size: int = 40, shift: float = 0.0) -> dict[str, Any]:
    """Scores of a model that knows nothing of the items; `shift` is what it knows of them."""

    def one() -> dict[str, float]:
        match method:
            case "guided":
                return {"guided": rng.betavariate(2, 8) + shift, "general": rng.betavariate(2, 8)}
            case "ts_guess":
                return {"match": float(rng.random() < 0.1 + shift)}
            case "option_shuffle":
                return {"first": float(rng.random() < 1 / 24 + shift), "chance": 1 / 24}
            case "cdd":
                return {"peak": rng.choice([0.0, 0.0, 0.2, 1.0]) if rng.random() > shift else 1.0}
            case "min_k":
                return {"logprob": rng.gauss(-6, 1) + shift}

    return {str(i): one() for i in range(size)}


def test_a_model_that_knows_nothing_is_rarely_suspected() -> None:
    alarms = dict.fromkeys((*METHODS, "together"), 0)
    for seed in range(40):
        rng = random.Random(seed)
        weighed = [
            weigh(method, Arms(arm(method, rng), arm(method, rng), paired=method == "min_k"), alpha=ALPHA, seed=seed)
            for method in METHODS
        ]
        for one in weighed:
            assert one.verdict in ("evidence", "no_evidence")
            alarms[one.method] += one.verdict == "evidence"
        alarms["together"] += together(weighed, alpha=ALPHA) == "evidence"
    assert max(alarms.values()) <= 0.05 * 40


@pytest.mark.parametrize("method", METHODS)
def test_a_model_that_knows_the_items_is_found(method: Method) -> None:
    rng = random.Random(7)
    known = weigh(method, Arms(arm(method, rng, shift=0.9), arm(method, rng), method == "min_k"), alpha=ALPHA, seed=1)
    assert known.verdict == "evidence"
    contrast = list(known.contrasts.values())[-1]
    assert 0 < contrast.low <= contrast.difference <= contrast.high
    assert together([known], alpha=ALPHA) == "evidence"


def test_a_usual_order_of_options_is_no_leak() -> None:
    rng = random.Random(3)
    usual, beside = (arm("option_shuffle", rng, shift=0.5) for _ in range(2))
    told = weigh("option_shuffle", Arms(usual, beside), alpha=ALPHA, seed=1)
    assert told.p_chance is not None and told.p_chance < 1e-6
    assert told.verdict == "no_evidence"
    assert weigh("option_shuffle", Arms(usual), alpha=ALPHA, seed=1).verdict == "undecided"


@pytest.mark.parametrize("method", METHODS)
def test_under_thirty_answers_nothing_is_concluded(method: Method) -> None:
    rng = random.Random(5)
    items = arm(method, rng, shift=0.9) | dict.fromkeys((str(i) for i in range(29, 40)), None)
    told = weigh(method, Arms(items, arm(method, rng), method == "min_k"), alpha=ALPHA, seed=1)
    assert (told.verdict, told.p, told.answered) == ("undecided", None, 29)
    short = weigh(
        method, Arms(arm(method, rng, shift=0.9), arm(method, rng, 29), method == "min_k"), alpha=ALPHA, seed=1
    )
    assert short.verdict == ("evidence" if method == "guided" else "undecided")


def test_one_of_many_methods_must_be_surer_than_one_alone() -> None:
    def said(p: float | None, verdict: Verdict) -> Any:
        told = weigh("ts_guess", Arms({}), alpha=ALPHA, seed=1)
        return replace(told, p=p, verdict=verdict)

    weak, strong = said(0.008, "evidence"), said(0.001, "evidence")
    none, silent, open_ = said(0.6, "no_evidence"), said(None, "unavailable"), said(None, "undecided")
    assert together([weak, silent, open_], alpha=ALPHA) == "evidence"
    assert together([weak, none, none], alpha=ALPHA) == "no_evidence"
    assert together([strong, none, none], alpha=ALPHA) == "evidence"
    assert together([open_, silent], alpha=ALPHA) == "undecided"
    assert together([silent], alpha=ALPHA) == "unavailable"


def test_permutations_equal_all_permutations() -> None:
    values, control = [0.9, 0.8, 0.4, 0.7], [0.1, 0.5, 0.3, 0.6]
    pool = values + control
    least = sum(values) - sum(control) - 1e-9
    splits = [sum(2 * pool[i] for i in chosen) - sum(pool) >= least for chosen in itertools.combinations(range(8), 4)]
    assert groups(values, control, 1).p_permutation == pytest.approx(sum(splits) / len(splits), abs=0.01)
    differences = [0.5, 0.2, -0.1, 0.4, 0.3]
    signs = [sum(s * d for s, d in zip(flip, differences, strict=True)) >= sum(differences) - 1e-9
             for flip in itertools.product((-1, 1), repeat=5)]  # fmt: skip
    assert paired(differences, 1).p_permutation == pytest.approx(sum(signs) / len(signs), abs=0.01)


@given(st.lists(st.floats(-1, 1, width=16), min_size=2, max_size=12), st.integers(0, 9))
def test_the_same_numbers_give_the_same_contrast(values: list[float], seed: int) -> None:
    one = paired(values, seed)
    assert one == paired(values, seed)
    assert 0 < one.p <= 1
    assert one.low <= one.high
    assert paired([0.0] * len(values), seed).p == 1


def test_chance_and_holm_against_formulas() -> None:
    exact = sum(math.comb(30, k) * (1 / 24) ** k * (23 / 24) ** (30 - k) for k in range(4, 31))
    assert above_chance(4, 30, 1 / 24) == pytest.approx(exact)
    assert above_chance(0, 30, 1 / 24) == 1
    assert holm([0.01, 0.04, 0.03]) == [0.03, 0.06, 0.06]
    assert holm([]) == []


@given(st.lists(st.sampled_from("abc"), max_size=9), st.lists(st.sampled_from("abc"), max_size=9), st.integers(0, 4))
def test_edit_distance_and_rouge_equal_brute_force(one: list[str], other: list[str], limit: int) -> None:
    distance = np.zeros((len(one) + 1, len(other) + 1), int)
    common = np.zeros_like(distance)
    for i, j in itertools.product(range(len(one) + 1), range(len(other) + 1)):
        if not i or not j:
            distance[i, j] = i + j
            continue
        same = one[i - 1] == other[j - 1]
        distance[i, j] = min(distance[i - 1, j] + 1, distance[i, j - 1] + 1, distance[i - 1, j - 1] + (not same))
        common[i, j] = common[i - 1, j - 1] + 1 if same else max(common[i - 1, j], common[i, j - 1])
    assert within(one, other, limit) == (distance[-1, -1] <= limit)
    expected = 2 * common[-1, -1] / (len(one) + len(other)) if one and other else 0
    assert rouge_l(one, other) == pytest.approx(expected)


def test_ties_are_first_as_often_as_chance_says() -> None:
    item = Item(0, "0", {"question": "Which of these is it then?", "options": "up\ndown\nleft\nright"})
    first = 0.0
    for seed in range(600):
        ask = option_shuffle(item, random.Random(seed))
        assert ask is not None
        scores = ask.score([Reply(logprobs=(-1.0, -2.0))] * len(ask.questions))
        assert scores is not None and scores["chance"] == 1 / 24
        first += scores["first"]
    assert 0.5 * 600 / 24 < first < 1.7 * 600 / 24


@pytest.mark.parametrize(
    ("options", "answer", "asked"),
    [
        (["red soil", "wet clay", "dry sand"], "0", True),
        (["12", "14", "16"], "0", False),
        (["red soil", "wet clay", "all of the above"], "0", False),
        (["red soil", "wet clay"], "0", False),
        (["red soil", "wet clay", "dry sand"], "unknown", False),
    ],
)
def test_options_that_can_be_worked_out_are_not_guessed(options: list[str], answer: str, asked: bool) -> None:
    item = Item(0, "0", {"question": "What grows best?", "options": "\n".join(options), "answer": answer})
    ask = ts_guess(item, random.Random(0), Prompts(), "quiz")
    assert (ask is not None) == asked
    if ask is not None:
        for said, score in (("dry sand", 1.0), ("C. Dry sand.\nD. other", 1.0), ("red soil", 0.0)):
            assert ask.score([Reply(said)]) == {"match": score}
        assert ask.score([Reply(None)]) is None
