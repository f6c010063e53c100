"""few_shot, questions with answers and named entities: every span points at the characters it names."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.errors import Misuse
from tilth.tools.panel import Rejected
from tilth.tools.synthesize._few_shot.entities import Span, from_bio, located, to_bio
from tilth.tools.synthesize._strategy import Wish, build

PASSAGES = [
    f"The bridge over the river {name} was opened in {year}. It is {length} metres long and was built by {who}. "
    f"Before that, people crossed by boat, which took them an hour on most days."
    for name, year, length, who in (("Ister", 1904, 312, "Anna Weber"), ("Rhone", 1911, 275, "Jean Petit"))
] * 5
SQUAD = [
    {
        "id": str(i),
        "context": text,
        "question": f"In which year was bridge {i} opened?",
        "answers": {"text": [year], "answer_start": [text.index(year)]},
    }
    for i, text in enumerate(PASSAGES)
    for year in (re.search(r"\d{4}", text)[0],)
]
ENTITIES = [
    {"text": "Anna Weber lives in Vienna.", "spans": [{"start": 0, "end": 10, "label": "person"},
                                                      {"start": 20, "end": 26, "label": "city"}]},
    {"text": "Paris is where Jean Petit works.", "spans": [{"start": 0, "end": 5, "label": "city"},
                                                           {"start": 15, "end": 25, "label": "person"}]},
]  # fmt: skip


def qa(rows, offline=False, **config):
    return build("few_shot", {"task": "qa", **config}, rows, wish=Wish(wanted=10, offline=offline))


def ner(rows, offline=False, **config):
    return build("few_shot", {"task": "ner", **config}, rows, wish=Wish(wanted=10, offline=offline))


def test_answers_start_where_they_say(make_rows, drive, fences):
    rows = make_rows(SQUAD, format="table")

    def model(step, request, task):  # every tenth answer is not in the passage
        passage = dict(fences(request))["passage"]
        answer = re.search(r"(\d+) metres", passage)[0] if task.position % 10 else "three hundred metres"
        return {"question": f"How long was bridge number {task.position}, end to end?", "answer": answer}

    made = drive(qa(rows), model, 100)
    assert {one.task.position for one in made if one.code == "answer_not_in_context"} == set(range(0, 100, 10))
    for one in made:
        if not one.code:
            (text,), (start,) = one.record["answers"]["text"], one.record["answers"]["answer_start"]
            assert one.record["context"][start : start + len(text)] == text
            assert set(one.record) == {"context", "question", "answers"}
            assert one.candidate.data["occurrences"] == 1


def test_a_plain_answer_column_gets_its_offset_beside_it(make_rows, drive):
    rows = make_rows(
        [
            {"context": one["context"], "question": one["question"], "answer": one["answers"]["text"][0]}
            for one in SQUAD
        ],
        format="table",
    )
    model = lambda *_: {"question": "Who built the thing there?", "answer": "It is"}  # noqa: E731
    (one,) = drive(qa(rows, answers="answer"), model, 1)
    assert one.record["answer"] == "It is"
    assert one.record["context"].index("It is") == one.record["answer_start"]


def test_questions_without_answer_are_answered_and_questions_made_alone(make_rows, drive):
    rows = make_rows([*SQUAD, {**SQUAD[0], "id": "open", "answers": None}], format="table")
    (one,) = drive(qa(rows, mode="label"), lambda *_: {"answer": "Anna Weber"})
    assert one.record["question"] == SQUAD[0]["question"]
    assert one.record["answers"] == {"text": ["Anna Weber"], "answer_start": [PASSAGES[0].index("Anna Weber")]}
    (one,) = drive(qa(rows, mode="unlabelled"), lambda *_: {"question": "How did people cross before?"}, 1)
    assert set(one.record) == {"context", "question"}


def test_a_spoiled_answer_is_another_part_of_the_passage(make_rows):
    job = qa(make_rows(SQUAD, format="table"))
    for control in job.controls:
        wrong = job.corrupted(control, Wish().rng("test", 0))
        assert wrong.shown["answer"] != control.shown["answer"]
        assert wrong.shown["answer"] in wrong.shown["passage"]


def test_offline_makes_clozes(make_rows, drive):
    made = drive(qa(make_rows(SQUAD, format="table"), offline=True), count=20)
    for one in made:
        (text,), (start,) = one.record["answers"]["text"], one.record["answers"]["answer_start"]
        assert one.record["context"][start : start + len(text)] == text
        assert one.record["question"].replace("_____", text, 1) in one.record["context"]
    with pytest.raises(Misuse, match="without a model"):
        qa(make_rows(SQUAD, format="table", name="again"), mode="unlabelled", offline=True)


def test_entities_are_found_in_the_text_or_refused(make_rows, drive):
    rows = make_rows(ENTITIES, format="table")

    def model(step, request, task):
        entities = [{"text": "Mary Shaw", "label": "person"}, {"text": "Rome", "label": "city"}]
        if task.position % 10 == 0:
            entities[1]["text"] = "Roma"
        return {"text": f"In {task.position} letters, Mary Shaw told Rome all about it.", "entities": entities}

    made = drive(ner(rows), model, 100)
    assert {one.task.position for one in made if one.code == "span_not_in_text"} == set(range(0, 100, 10))
    for one in (one for one in made if not one.code):
        text = one.record["text"]
        found = [(text[span["start"] : span["end"]], span["label"]) for span in one.record["spans"]]
        assert found == [("Mary Shaw", "person"), ("Rome", "city")]


@pytest.mark.parametrize(
    ("entities", "code"),
    [
        ([("Rome", "place")], "label_not_in_set"),
        ([("Rome", "city"), ("Rome", "city")], "spans_overlap"),
        ([("", "city")], "span_not_in_text"),
    ],
)
def test_what_is_no_entity_is_refused(entities, code):
    assert located("All of Rome", entities, ["city"]).code == code


def test_the_same_entity_twice_is_found_twice():
    text = "Rome, not Rome"
    assert located(text, [("Rome", "city"), ("Rome", "city")], ["city"]) == [(0, 4, "city"), (10, 14, "city")]


def test_an_entity_of_the_type_asked_for_must_be_there(make_rows, drive):
    model = lambda *_: {"text": "Nobody was in Rome then.", "entities": [{"text": "Rome", "label": "city"}]}  # noqa: E731
    made = drive(ner(make_rows(ENTITIES, format="table")), model, 30)
    assert {(one.task.data["label"], one.code) for one in made} == {("city", ""), ("person", "label_missing")}


def test_words_with_tags_stay_words_with_tags(make_rows, drive):
    records = [{"tokens": ["Anna", "Weber", "likes", "Rome"], "tags": ["B-person", "I-person", "O", "B-city"]},
               {"tokens": ["Anna", "Weber", "ran"], "tags": []}]  # fmt: skip
    rows = make_rows(records, format="table")
    (one,) = drive(
        ner(rows, mode="label", tokens="tokens", tags="tags"),
        lambda *_: {"entities": [{"text": "Anna Weber", "label": "person"}]},
    )
    assert one.record == {"tokens": ["Anna", "Weber", "ran"], "tags": ["B-person", "I-person", "O"]}
    (one,) = drive(ner(rows, mode="label", tokens="tokens", tags="tags", offline=True))
    assert one.record["tags"] == ["B-person", "I-person", "O"]
    (one,) = drive(
        ner(rows, mode="label", tokens="tokens", tags="tags"),
        lambda *_: {"entities": [{"text": "Anna Web", "label": "person"}]},
    )
    assert one.code == "span_splits_word"


def test_a_spoiled_marking_differs_in_one_entity(make_rows):
    job = ner(make_rows(ENTITIES, format="table"))
    for control in job.controls:
        wrong = job.corrupted(control, Wish().rng("test", 1))
        assert wrong.shown["text"] == control.shown["text"]
        assert len(set(map(tuple, wrong.data["spans"])) ^ set(map(tuple, control.data["spans"]))) in (1, 2)


WORD = st.text("abcÄé", min_size=1, max_size=5)


@given(st.lists(st.tuples(WORD, st.sampled_from(["O", "B-x", "I-x", "B-y", "I-y"])), min_size=1, max_size=12))
def test_tags_and_spans_tell_the_same(tagged):
    words, tags = zip(*tagged, strict=True)
    text, spans = from_bio(words, tags)
    assert text == " ".join(words)
    again = to_bio(text, spans, words)
    assert not isinstance(again, Rejected)
    assert from_bio(words, again) == (text, spans)
    assert [tag == "O" for tag in again] == [tag == "O" for tag in tags]
    assert all(text[span.start : span.end].strip() == text[span.start : span.end] != "" for span in spans)


@given(st.data())
def test_spans_come_back_from_tags(data):
    words = data.draw(st.lists(WORD, min_size=1, max_size=10))
    text, _ = from_bio(words, ["O"] * len(words))
    cuts = data.draw(st.lists(st.integers(0, len(words)), max_size=6).map(sorted))
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word) + 1)
    spans = [Span(starts[a], starts[b] - 1, "x") for a, b in zip(cuts[::2], cuts[1::2], strict=False) if a < b]
    tags = to_bio(text, spans, words)
    assert from_bio(words, tags) == (text, spans)
