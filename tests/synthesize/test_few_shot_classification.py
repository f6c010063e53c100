"""few_shot, classification: which labels and examples are drawn, and what becomes of an answer."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from tilth.tools.errors import Misuse
from tilth.tools.synthesize._few_shot.classification import nearest_label, one_of
from tilth.tools.synthesize._strategy import Wish, build

LABELS = ("billing", "delivery", "greeting", "praise", "refund", "returns", "size")
WORDS = {label: [f"{label}{i}" for i in range(6)] for label in LABELS}


def seeds(make_rows, each=4, **more):
    records = [
        {"text": f"about {WORDS[label][i]} and {WORDS[label][(i + 1) % 6]}", "label": label, "source": "mail"}
        for i in range(each)
        for label in LABELS
    ]
    return make_rows([*records, *more.get("bare", ())], format="table")


def job_of(rows, wanted=10, seed=0, offline=False, **config):
    wish = Wish(seed=seed, wanted=wanted, offline=offline)
    return build("few_shot", {"task": "classification", **config}, rows, wish=wish)


def written(step, request, task):
    return f"A wholly new line number {task.position} that nobody ever wrote before"


def test_uniform_labels_are_uniform(make_rows, drive):
    made = drive(job_of(seeds(make_rows)), written, 1_400)
    counts = Counter(one.record["label"] for one in made)
    assert set(counts) == set(LABELS)
    assert chisquare([counts[label] for label in LABELS]).pvalue > 0.01


def test_stratified_labels_come_equally_often(make_rows, drive):
    made = drive(job_of(seeds(make_rows), sampling="stratified", shots=1), written, 70)
    for end in (7, 35, 70):
        assert Counter(one.record["label"] for one in made[:end]) == dict.fromkeys(LABELS, end // 7)


def test_examples_are_of_one_label_or_as_many_of_each(make_rows):
    rows = seeds(make_rows)
    labels = [record["label"] for record in rows.records(range(len(rows)))]
    for task in islice(job_of(rows, shots=3).tasks(), 30):
        assert [labels[i] for i in task.data["examples"]] == [task.data["label"]] * 3
    for task in islice(job_of(rows, shots=2, sampling="stratified").tasks(), 30):
        assert Counter(labels[i] for i in task.data["examples"]) == dict.fromkeys(LABELS, 2)


def test_rows_keep_their_columns_when_they_are_labelled(make_rows, drive):
    bare = [{"text": f"whither {i}", "label": None, "source": f"web {i}"} for i in range(40)]
    job = job_of(seeds(make_rows, bare=bare), mode="label")

    def model(step, request, task):  # every tenth answer is no label of the set
        return {"label": "Delivery " if task.position % 10 else "shipping"}

    made = drive(job, model)
    assert len(made) == 40
    assert {one.task.position for one in made if one.code == "label_not_in_set"} == {0, 10, 20, 30}
    assert all(one.record == {**bare[one.task.position], "label": "delivery"} for one in made if not one.code)
    assert made[1].task.parents[0].row_id


def test_a_labelled_text_never_sees_examples_of_one_label_only(make_rows):
    bare = [{"text": f"whither {i}", "label": ""} for i in range(30)]
    rows = seeds(make_rows, bare=bare)
    labels = [record["label"] for record in rows.records(range(len(rows)))]
    for task in job_of(rows, mode="label", shots=3).tasks():
        assert len({labels[i] for i in task.data["examples"]}) == 3


def test_what_is_asked_stands_in_fences(make_rows, drive, fences):
    (one,) = drive(job_of(seeds(make_rows), shots=2), written, 1)
    told = fences(one.requests[0])
    assert [label for label, _ in told] == ["labels", *["example_text", "example_label"] * 2, "label"]
    assert told[0][1].splitlines() == sorted(LABELS)
    assert told[-1][1] == one.task.data["label"]


def test_inputs_alone_name_no_label(make_rows, drive, fences):
    (one,) = drive(job_of(seeds(make_rows), mode="unlabelled"), written, 1)
    assert {label for label, _ in fences(one.requests[0])} == {"example_text"}
    assert one.record == {"text": written("", None, one.task)}


def test_numbers_stay_numbers(make_rows, drive):
    rows = make_rows([{"text": f"text {i}", "label": i % 2} for i in range(6)], format="table")
    assert {one.record["label"] for one in drive(job_of(rows), written, 20)} == {0, 1}


def test_a_copied_example_is_refused(make_rows, drive):
    text = "the quick brown fox jumps over the lazy dog tonight"
    rows = make_rows([{"text": text, "label": "fox"}], format="table")
    (one,) = drive(job_of(rows), lambda *_: f"{text} again", 1)
    assert one.code == "copies_example"


def test_controls_are_seeds_and_their_spoiled_copies_bear_another_label(make_rows):
    job = job_of(seeds(make_rows))
    assert len(job.controls) == 20
    for control in job.controls:
        wrong = job.corrupted(control, Wish().rng("test", 0))
        assert wrong.record["text"] == control.record["text"]
        assert wrong.record["label"] in LABELS and wrong.record["label"] != control.record["label"]


def test_offline_labels_by_shared_words_and_writes_nothing(make_rows, drive):
    bare = [{"text": f"mine is {words[2]} or {words[0]}", "label": ""} for words in WORDS.values()]
    bare.append({"text": "xyzzy", "label": ""})
    rows = seeds(make_rows, bare=bare)
    job = job_of(rows, mode="label", offline=True)
    made = drive(job)
    assert job.name == "few_shot@1 offline"
    assert [one.record["label"] for one in made[:-1]] == list(LABELS)
    assert made[-1].code == "no_evidence"
    assert made[0].candidate.data["offline"] is True
    with pytest.raises(Misuse, match="without a model"):
        job_of(rows, offline=True)


@given(st.permutations(range(8)))
def test_the_nearest_label_does_not_depend_on_the_order_of_examples(order):
    examples = [(f"alpha beta {i}", "a") if i % 2 else (f"beta gamma {i}", "b") for i in range(8)]
    label_of = nearest_label([examples[i] for i in order])
    assert (label_of("alpha"), label_of("gamma beta")) == ("a", "b")


def test_a_label_is_read_but_for_case_where_that_says_which():
    assert one_of(" Refund", ["refund", "other"]) == "refund"
    assert one_of("refund", ["Refund", "refund"]) == "refund"
    assert one_of("REFUND", ["Refund", "refund"]).code == "label_not_in_set"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"mode": "label"}, "nothing to label"),
        ({"label": "lable"}, "Nearest: label"),
        ({"shots": -1}, "shots"),
        ({"shotz": 1}, "Nearest: shots"),
    ],
)
def test_what_does_not_fit_is_said(make_rows, config, said):
    with pytest.raises(Misuse, match=said):
        job_of(seeds(make_rows), **config)


def test_rows_without_any_label_give_no_examples(make_rows):
    with pytest.raises(Misuse, match="No row has its label"):
        job_of(make_rows([{"text": "a", "label": None}], format="table"))
