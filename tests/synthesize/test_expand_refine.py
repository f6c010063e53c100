"""few_shot for instructions, expand and refine: what is asked, what is kept, what stays as it was."""

from __future__ import annotations

import random

import pytest

from tilth.tools.errors import Misuse
from tilth.tools.synthesize._refine import tidied
from tilth.tools.synthesize._strategy import Wish, build

PAIRS = [
    (f"Tell me about thing {i}.", f"Thing {i} is blue and rather small. It was found in {1900 + i} by Anna Weber.")
    for i in range(10)
]
RECORDS = [{"instruction": asked, "output": told, "topic": "things"} for asked, told in PAIRS]


def job_of(rows, name, offline=False, wanted=10, **config):
    return build(name, config, rows, wish=Wish(wanted=wanted, offline=offline))


def proposing(*instructions):
    def model(step, request, task):
        return {"instructions": list(instructions)} if step == "instruction" else "It is what it is, as they say."

    return model


def test_two_are_shown_and_the_least_like_them_is_answered(make_rows, drive, fences):
    model = proposing("Tell me about thing 3 and 4.", "Write a poem on rain.", "Tell me about a poem.")
    for one in drive(job_of(make_rows(RECORDS), "expand"), model, 20):
        first, second = one.requests
        assert [label for label, _ in fences(first)] == ["example_instruction"] * 2
        assert len({text for _, text in fences(first)}) == 2
        assert first.temperature == 0.8
        assert fences(second) == [("instruction", "Write a poem on rain.")]
        assert one.record == {"instruction": "Write a poem on rain.", "output": "It is what it is, as they say."}
        assert one.candidate.data["others"] == ["Tell me about thing 3 and 4.", "Tell me about a poem."]
        assert len(one.task.parents) == 2


@pytest.mark.parametrize("count", [0, 1, 2, 6])
def test_three_to_five_are_wanted(make_rows, drive, count):
    made = drive(job_of(make_rows(RECORDS), "expand"), proposing(*[f"Do {i}" for i in range(count)]), 1)
    assert made[0].code == "wrong_count"


def test_a_missing_response_is_no_empty_row(make_rows, drive):
    def model(step, request, task):
        return {"instructions": ["Do a", "Do b", "Do c"]} if step == "instruction" else " \n"

    assert drive(job_of(make_rows(RECORDS), "expand"), model, 1)[0].code == "empty"


def test_a_seed_proposed_again_is_refused(make_rows, drive, fences):
    def model(step, request, task):
        return {"instructions": [text for _, text in fences(request)] * 2} if step == "instruction" else "Yes, it is."

    assert drive(job_of(make_rows(RECORDS), "expand"), model, 1)[0].code == "copies_example"


@pytest.mark.parametrize("name", ["expand", "few_shot"])
def test_offline_quotes_a_sentence_of_a_seed(make_rows, drive, name):
    for one in drive(job_of(make_rows(RECORDS), name, offline=True), count=10):
        source = RECORDS[int(one.record["instruction"].split("Thing ")[1].split(" ")[0])]["output"]
        assert one.record["instruction"].endswith(source)
        assert one.record["output"] in source
        assert one.candidate.data["offline"] is True


def test_instructions_are_answered_where_a_response_is_missing(make_rows, drive, fences):
    chats = [{"messages": [{"role": "user", "content": a}, {"role": "assistant", "content": b}]} for a, b in PAIRS]
    rows = make_rows([*chats, {"messages": [{"role": "user", "content": "And what of thing 99?"}], "id": 1}])
    (one,) = drive(job_of(rows, "few_shot", mode="label"), lambda *_: "It was lost.")
    assert fences(one.requests[0])[-1] == ("instruction", "And what of thing 99?")
    assert one.record == {"messages": [{"role": "user", "content": "And what of thing 99?"},
                                       {"role": "assistant", "content": "It was lost."}], "id": 1}  # fmt: skip
    (one,) = drive(job_of(rows, "few_shot", mode="unlabelled"), lambda *_: "Where do things come from?", 1)
    assert one.record == {"messages": [{"role": "user", "content": "Where do things come from?"}]}


def test_an_instruction_review_is_shown_the_instruction(make_rows, drive):
    job = job_of(make_rows(RECORDS), "few_shot")
    (one,) = drive(job, lambda step, *_: f"A {step} of our own making", 1)
    assert job.instruction_after == job.steps[0].name
    assert job.instruction(one.task, one.prior) == {"instruction": "A instruction of our own making"}


def test_a_refined_row_differs_in_its_response_alone(make_rows, drive):
    def model(step, request, task):
        told = PAIRS[task.position][1]
        return told.replace("1905", "1950") if task.position == 5 else f"{told} That much is known for certain."

    made = drive(job_of(make_rows(RECORDS), "refine"), model)
    assert [one.code for one in made] == ["", "", "", "", "", "number_lost", "", "", "", ""]
    for one in made:
        if not one.code:
            old = RECORDS[one.task.position]
            assert one.record == {**old, "output": f"{old['output']} That much is known for certain."}
            assert len(one.task.parents) == 1


def test_the_old_response_again_is_refused(make_rows, drive):
    made = drive(job_of(make_rows(RECORDS), "refine"), lambda step, request, task: PAIRS[task.position][1].upper())
    assert {one.code for one in made} == {"unchanged"}


def test_offline_refining_takes_away_what_is_mechanical(make_rows, drive):
    said = "Sure! Here is the answer:\n\nIt is a very blue thing. It is a very blue thing. No more is known."
    rows = make_rows([{"prompt": "What is it?", "completion": said}, {"prompt": "And?", "completion": "Nothing else."}])
    first, second = drive(job_of(rows, "refine", offline=True))
    assert first.record["completion"] == "It is a very blue thing. No more is known."
    assert second.code == "unchanged"
    assert tidied("Yes. Yes. No.") == "Yes. Yes. No."


@pytest.mark.parametrize("name", ["few_shot", "expand", "refine", "skillmix"])
def test_a_spoiled_response_is_cut_in_disorder_or_anothers(make_rows, name):
    job = job_of(make_rows(RECORDS), name)
    rng = random.Random(0)
    assert len(job.controls) == 10
    for control in job.controls:
        wrong = job.corrupted(control, rng)
        assert wrong.shown["response"] != control.shown["response"]
        assert wrong.shown["instruction"] == control.shown["instruction"]


def test_only_instructions_can_be_expanded(make_rows):
    with pytest.raises(Misuse, match="format text"):
        job_of(make_rows([{"text": "a"}]), "expand")
