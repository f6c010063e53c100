"""skillmix: pairs of skills, each once before any comes again; skills that are one count once."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from tilth.tools.errors import Misuse
from tilth.tools.synthesize._skillmix import distinct, pair_at
from tilth.tools.synthesize._strategy import Wish, build

RECORDS = [{"instruction": f"Do the thing of number {i}.", "output": f"Done, {i}."} for i in range(6)]


def job_of(make_rows, **config):
    return build("skillmix", config, make_rows(RECORDS), wish=Wish(wanted=10))


def model(step, request, task):
    return {
        "skills": {"first_skill": f"sorting {task.position}", "second_skill": "counting"},
        "draft": {"instruction": f"Draft instruction {task.position}", "response": "Draft response"},
        "refined": {
            "critique": "Too short",
            "instruction": f"Better instruction {task.position}",
            "response": "Better one",
        },
    }[step]


@given(st.integers(2, 14), st.integers(0, 2**40))
def test_no_pair_comes_again_before_all_have(count, seed):
    total = count * (count - 1) // 2
    for cycle in range(2):
        pairs = [pair_at(cycle * total + i, count, seed) for i in range(total)]
        assert sorted(pairs) == sorted(combinations(range(count), 2))


def test_the_second_round_is_in_another_order():
    first, second = ([pair_at(cycle * 45 + i, 10, 0) for i in range(45)] for cycle in range(2))
    assert first != second


def test_skills_and_pairs_are_drawn_uniformly():
    count = 40
    drawn = [pair_at(i, count, 7) for i in range(390)]  # half of all pairs
    skills = Counter(skill for pair in drawn for skill in pair)
    assert chisquare([skills[i] for i in range(count)]).pvalue > 0.01
    firsts = Counter(pair_at(0, 5, seed) for seed in range(2_000))
    assert len(firsts) == 10 and chisquare(list(firsts.values())).pvalue > 0.01


def test_many_skills_need_no_list_of_pairs():
    drawn = {pair_at(i, 1_000_000, 3) for i in range(200)}
    assert len(drawn) == 200 and all(0 <= a < b < 1_000_000 for a, b in drawn)


def test_equal_skills_count_once():
    told = ["1. Data sorting", "data  Sorting.", "- Logic", "", "  ", "logic", "Tact"]
    assert distinct(told) == ("Data sorting", "Logic", "Tact")


def test_a_draft_is_criticised_and_made_anew(make_rows, drive, fences):
    made = drive(job_of(make_rows, skills=["a", "b", "A."]), model, 1)
    (one,) = made
    assert [request.schema.__name__ for request in one.requests] == ["Draft", "Refined"]
    assert sorted(text for label, text in fences(one.requests[0]) if label == "skill") == ["a", "b"]
    assert one.record == {"instruction": "Better instruction 0", "output": "Better one"}
    assert sorted(one.candidate.data["skills"]) == ["a", "b"]
    assert one.candidate.data["query_type"] == one.task.data["query_type"]


def test_without_a_list_two_seeds_give_the_skills(make_rows, drive, fences):
    job = job_of(make_rows)
    one = drive(job, model, 1)[0]
    assert [request.schema.__name__ for request in one.requests] == ["Skills", "Draft", "Refined"]
    assert [text for label, text in fences(one.requests[1]) if label == "skill"] == ["sorting 0", "counting"]
    pairs = [tuple(sorted(task.data["examples"])) for task in islice(job.tasks(), 15)]
    assert sorted(pairs) == list(combinations(range(6), 2))


def test_a_list_of_skills_is_extracted_from_the_seeds_first(make_rows, fences):
    job = job_of(make_rows, extract=6)
    assert [step.name for step in job.steps] == ["draft", "refined"]
    shown = [text for request in job.first for _, text in fences(request)]
    assert sorted(shown) == sorted(one["instruction"] for one in RECORDS)  # every seed once
    told = [("sorting", "Counting"), ("counting.", "tact"), ("- Tact", "sorting")]
    plan = job.plan([{"text": "", "data": {"first_skill": a, "second_skill": b}} for a, b in told])
    pairs = [tuple(sorted(task.data["skills"])) for task in islice(plan(), 6)]
    assert set(pairs) == {("Counting", "sorting"), ("Counting", "tact"), ("sorting", "tact")}
    assert Counter(pairs) == dict.fromkeys(pairs, 2)
    with pytest.raises(Misuse, match="only one"):
        job.plan([{"text": "", "data": {"first_skill": "sorting", "second_skill": "Sorting"}}])
    assert job_of(make_rows, skills=["a", "b"], extract=6).plan is None


def test_one_skill_twice_is_refused(make_rows, drive):
    (one,) = drive(job_of(make_rows), lambda *_: {"first_skill": "Sorting", "second_skill": "sorting."}, 1)
    assert one.code == "same_skill"


def test_leftover_scaffold_is_refused(make_rows, drive):
    def leaking(step, request, task):
        told = model(step, request, task)
        if step == "refined" and task.position % 5 == 0:
            return {**told, "instruction": f"**Refined instruction:** {told['instruction']}"}
        return told

    made = drive(job_of(make_rows, skills=list("abcdefgh")), leaking, 28)
    assert {one.task.position for one in made if one.code == "scaffold_leak"} == set(range(0, 28, 5))


def test_there_is_no_offline_skillmix(make_rows):
    with pytest.raises(Misuse, match="without a model"):
        build("skillmix", {}, make_rows(RECORDS), wish=Wish(wanted=1, offline=True))
