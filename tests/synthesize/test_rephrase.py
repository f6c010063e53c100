"""rephrase: pieces and their places, what a rewriting must keep, styles."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.tools.synthesize._rephrase import condensed, pieces, spoiled
from tilth.tools.synthesize._strategy import Wish, build
from tilth.tools.text.mentions import lost

PARAGRAPH = (
    "In {year} the bridge at Grand Falls was {length} metres long. It was built by Anna Weber, as www.falls.org/{year} "
    "says."
)
LONG = "\n\n".join(PARAGRAPH.format(year=1900 + i, length=100 + i) for i in range(30))


def job_of(rows, offline=False, field="default", **config):
    return build("rephrase", config, rows, wish=Wish(offline=offline, field=field))


def rewritten(source):
    """A faithful rewriting: other words around everything that was mentioned."""
    return source.replace("the bridge at", "people saw a bridge near").replace("It was built by", "The builder was")


def test_each_piece_points_to_its_source(make_rows, drive, fences):
    rows = make_rows([{"text": LONG, "id": 7}, {"text": "", "id": 8}, {"text": PARAGRAPH, "id": 9}], format="text")
    made = drive(job_of(rows), lambda step, request, task: rewritten(dict(fences(request))["source"]))
    texts = [LONG, "", PARAGRAPH]
    for one in made:
        (parent,) = one.task.parents
        source = texts[one.task.data["row"]][parent.start : parent.end]
        assert (parent.field, len(source) <= 1_200) == ("text", True)
        assert dict(fences(one.requests[0]))["source"] == one.candidate.shown["source"] == source
        assert dict(one.record) == {"text": rewritten(source)}
    assert len(made) > 3 and made[-1].task.data["row"] == 2


@given(st.text(st.sampled_from("ab .\n!漢。"), max_size=200), st.integers(5, 40))
def test_pieces_leave_out_white_space_alone(text, most):
    found = pieces(text, most)
    assert all(0 < one.end - one.start <= most for one in found)
    assert all(text[one.start : one.end].strip() == text[one.start : one.end] for one in found)
    at = 0
    for one in found:
        assert one.start >= at
        assert not text[at : one.start].strip()
        at = one.end
    assert not text[at:].strip()


def test_planted_corruptions_are_all_found(make_rows, drive, fences):
    rows = make_rows([{"text": PARAGRAPH.format(year=1900 + i, length=100 + i)} for i in range(100)], format="text")

    def model(step, request, task):  # every tenth rewriting has a figure or a name put wrong
        made = rewritten(dict(fences(request))["source"])
        return made if task.position % 10 else spoiled(made, random.Random(task.position))

    made = drive(job_of(rows), model)
    assert {one.task.position for one in made if one.code in ("number_lost", "name_lost")} == set(range(0, 100, 10))
    assert sum(not one.code for one in made) == 90


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("Here is a paraphrase:\n\nPeople say that in 1904 Anna Weber came.", ""),
        ("Sure! Here's the rewritten text: People say that in 1904 Anna Weber came.", ""),
        ("Paraphrase: people say that in 1904 Anna Weber came.", "scaffold_leak"),
        ("It was in 1904 that Anna Weber came. " * 5, "too_long"),
        ("1904", "too_short"),
        ("In 1904, Anna Weber came.", "unchanged"),
        ("People say that Anna Weber came.", "number_lost"),
        ("People say that in 1904 she came.", "name_lost"),
        ("I'm sorry, but I cannot help with that.", "refusal"),
        ("  ", "empty"),
    ],
)
def test_what_is_kept_of_an_answer(make_rows, drive, answer, code):
    (one,) = drive(job_of(make_rows([{"text": "In 1904 Anna Weber came."}])), lambda *_: answer)
    assert one.code == code
    if not code:
        assert one.record == {"text": "People say that in 1904 Anna Weber came."}


def test_questions_and_answers_must_be_both(make_rows, drive):
    rows = make_rows([{"text": "In 1904 Anna Weber came."}])
    told = "Question: When did Anna Weber come?\nAnswer: In 1904."
    assert [one.code for one in drive(job_of(rows, styles=["qa"]), lambda *_: told)] == [""]
    assert [one.code for one in drive(job_of(rows, styles=["qa"]), lambda *_: "In 1904 Anna Weber came here")] == [
        "not_qa"
    ]


def test_a_style_is_drawn_for_each_piece(make_rows, drive, fences):
    rows = make_rows([{"text": LONG}])
    made = drive(job_of(rows, styles=["easy", "hard"], tokens=50), lambda *_: "x")
    assert {one.task.data["style"] for one in made} == {"easy", "hard"}
    asked = {one.task.data["style"]: one.requests[0].messages[0]["content"] for one in made}
    assert "child" in asked["easy"] and "specialists" in asked["hard"]


def test_a_response_is_rewritten_in_its_place(make_rows, drive, fences):
    record = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "When?"},
                           {"role": "assistant", "content": "In 1904 the bridge at Grand Falls was opened."}],
              "id": 5}  # fmt: skip
    (one,) = drive(job_of(make_rows([record])), lambda s, request, t: rewritten(dict(fences(request))["source"]))
    assert one.record["messages"][:2] == record["messages"][:2] and one.record["id"] == 5
    assert one.record["messages"][2]["content"] == "In 1904 people saw a bridge near Grand Falls was opened."


def test_a_column_of_a_table_can_be_named(make_rows, drive):
    rows = make_rows([{"a": "In 1904 Anna Weber came.", "b": "x"}], format="table")
    (one,) = drive(job_of(rows, field="a"), lambda *_: "People say Anna Weber came in 1904.")
    assert one.record == {"a": "People say Anna Weber came in 1904."}


def test_offline_leaves_out_sentences_that_mention_nothing(make_rows, drive):
    text = (
        "In 1904 Anna Weber came to the old bridge. Nobody else was there then. She stayed with Jean Petit for 3 days."
    )
    (one,) = drive(job_of(make_rows([{"text": text}]), offline=True))
    assert one.record == {"text": text.replace("Nobody else was there then. ", "")}
    assert one.candidate.data["offline"] is True
    assert not lost(text, condensed(text))


def test_a_control_is_spoiled_in_a_figure_or_a_name(make_rows):
    job = job_of(make_rows([{"text": PARAGRAPH.format(year=1900 + i, length=100 + i)} for i in range(20)]))
    for control in job.controls:
        wrong = job.corrupted(control, random.Random(0))
        assert lost(control.shown["source"], wrong.shown["rephrased"])
