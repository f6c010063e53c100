"""The suite docs: a card is right where it says what is so, and silent where nobody knows."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from tilth.evals.issues.bases import BASES
from tilth.evals.notes.making import NOTES, PERHAPS, TOLD
from tilth.evals.suite import Instance, Score
from tilth.evals.suites.docs import SUITE
from tilth.tools.errors import Misuse


@pytest.fixture(scope="module")
def drawn() -> Sequence[Instance]:
    return SUITE.draw("public", 12)


def scored(one: Instance, name: Any) -> Score:
    return SUITE.score(one, SUITE.known(name, one, random.Random(5)) or {})


def test_baselines_score_as_they_must(drawn: Sequence[Instance]) -> None:
    assert {scored(one, "oracle").value for one in drawn} == {1.0}
    assert {scored(one, "nothing").value for one in drawn} == {0.0}
    assert max(scored(one, "random").value or 0.0 for one in drawn) < 0.2
    assert max(scored(one, "sprayer").value or 0.0 for one in drawn) < 0.4
    assert {scored(one, "oracle").metrics.get("made_up", 0.0) for one in drawn} == {0.0}
    assert {scored(one, "sprayer").metrics.get("made_up", 1.0) for one in drawn} == {1.0}


def test_every_base_has_its_turn_and_every_field_is_told_or_not(drawn: Sequence[Instance]) -> None:
    assert {one.tags["base"] for one in drawn} == set(BASES)
    told: dict[str, set[bool]] = {}
    for one in drawn:
        for field, value in one.truth["facts"].items():
            told.setdefault(field, set()).add(value is not None)
    assert all(told[field] == {True, False} for field in PERHAPS)
    assert all(told[field] == {True} for field in TOLD)


def test_what_is_told_stands_in_the_notes_and_no_card_lies_beside_them(drawn: Sequence[Instance]) -> None:
    for one in drawn:
        notes = one.files[NOTES].decode()
        for field, kind in one.truth["kinds"].items():
            if kind == "told":
                assert one.truth["facts"][field] in notes
        assert "card.md" not in one.files
        assert all(f"- {field}\n" in one.task for field in one.truth["facts"])


def test_making_something_up_is_worse_than_a_gap(drawn: Sequence[Instance]) -> None:
    one = next(one for one in drawn if "unknown" in one.truth["kinds"].values())
    facts = dict(one.truth["facts"])
    gap = next(field for field, value in facts.items() if value is None)
    score = SUITE.score(one, {"card": {**facts, gap: "ana@example.org"}})
    assert (score.value or 0.0) < 1.0
    assert score.metrics["recall"] == 1.0
    assert score.families["unknown"] < 1.0
    assert gap in score.notes[0]


def test_evidence_is_run_and_must_give_the_value(drawn: Sequence[Instance]) -> None:
    one = drawn[0]
    field = next(field for field in one.truth["facts"] if field.startswith("rows of"))
    table = field.split()[-1].partition(".")[0]
    card = {field: one.truth["facts"][field]}
    for sql, holds in ((f"select count(*) from {table}", 1.0), ("select 1", 0.0), ("drop table x", 0.0)):
        assert SUITE.score(one, {"card": card, "evidence": {field: sql}}).metrics["evidenced"] == holds


@pytest.mark.parametrize(
    "submission",
    [
        {},
        {"card": []},
        {"card": {"colour": "red"}},
        {"card": {"license": 3}},
        {"card": {}, "evidence": {"license": None}},
    ],
)
def test_what_is_no_submission_is_refused(drawn: Sequence[Instance], submission: Any) -> None:
    with pytest.raises(Misuse):
        SUITE.score(drawn[0], submission)
