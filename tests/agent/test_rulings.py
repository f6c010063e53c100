"""People's rulings outlast every run: a kept row is dropped by no step, a ruled-out row goes first."""

from __future__ import annotations

import json

import pytest

from tilth.agent import review
from tilth.agent.workspace import Workspace
from tilth.tools.errors import Misuse
from tilth.tools.store.past import rulings
from tilth.tools.store.past.rulings import Ruling

RECIPE = """\
recipe: 1
dataset: notes
sources: [{name: notes, paths: [notes.jsonl]}]
steps:
  - dedup.exact
  - filter.where: {drop: "length(text) > 7"}
"""


@pytest.fixture
def workspace(tmp_path):
    lines = [{"text": f"note {i % 12}"} for i in range(20)] + [{"text": "a longer note"}]
    (tmp_path / "notes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "r.yaml").write_text(RECIPE)
    with Workspace(tmp_path) as opened:
        opened.run(tmp_path / "r.yaml")
        yield opened


def texts(workspace):
    return [record["text"] for batch in workspace.rows("notes").batches() for record in batch.records()]


def test_a_kept_row_comes_back_at_once_and_stays_in_every_later_run(workspace):
    assert "a longer note" not in texts(workspace)
    made = workspace.keep("notes.jsonl:21", because="it is fine")
    assert texts(workspace).count("a longer note") == 1
    life = workspace.why("notes.jsonl:21")
    assert life.live
    last = life.decisions[-1]
    assert (last.action, last.reason) == ("keep", "ruling")
    assert last.evidence["overruled"] == "where" and last.evidence["because"] == "it is fine"
    assert workspace.run(workspace.root / "r.yaml").version == made.version


def test_a_ruled_out_row_goes_before_its_duplicates_are_judged(workspace):
    workspace.drop("notes.jsonl:1", because="names a person")
    assert texts(workspace).count("note 0") == 1
    assert workspace.show("notes", where="text = 'note 0'")[0].line == 13
    again = workspace.run(workspace.root / "r.yaml")
    assert again.entries[1].counts["dropped"] == {"ruling": 1}
    assert workspace.rows("notes").vid == again.version


def test_the_last_word_counts_and_unsure_takes_it_back(workspace):
    first = workspace.rows("notes").vid
    workspace.keep("notes.jsonl:21", because="fine")
    workspace.drop("notes.jsonl:21", because="not fine")
    assert "a longer note" not in texts(workspace)
    said = rulings.read(workspace.root)
    assert [ruling.word for ruling in said] == ["keep", "drop"]
    rulings.append(workspace.root, [Ruling("notes", said[0].row_id, "unsure", "", "x", "2026-01-01")])
    assert workspace.run(workspace.root / "r.yaml").version == first


def test_undo_takes_a_ruling_back_with_its_version_and_redo_gives_it_again(workspace):
    first = workspace.rows("notes").vid
    kept = workspace.keep("notes.jsonl:21", because="fine").version
    workspace.drop("notes.jsonl:21", because="not fine")
    for move, expected in ((workspace.undo, kept), (workspace.undo, first), (workspace.redo, kept)):
        assert move("notes") == expected
        assert workspace.run(workspace.root / "r.yaml").version == expected


def test_a_ruling_needs_a_reason_and_a_row(workspace):
    with pytest.raises(Misuse, match="--because"):
        workspace.keep("notes.jsonl:21", because=" ")
    with pytest.raises(Misuse, match="No row"):
        workspace.keep("ffffffffffff", because="x")
    assert rulings.read(workspace.root) == []


def test_a_damaged_ruling_is_named_by_its_line(workspace):
    (workspace.root / "rulings.jsonl").write_text('\n{"dataset": "notes"}\n')
    with pytest.raises(Misuse, match=r"rulings\.jsonl:2 is no ruling"):
        workspace.run(workspace.root / "r.yaml")


def test_amending_a_step_replays_what_followed(workspace):
    made = workspace.amend("dedup.exact", "notes", compare="record")
    assert [entry.tool for entry in made.entries] == ["dedup.exact", "filter.where"]
    workspace.amend("filter.where", "notes", drop="length(text) > 99")
    assert "a longer note" in texts(workspace)
    with pytest.raises(Misuse, match=r"no step dedup\.near"):
        workspace.amend("dedup.near", "notes")


def test_a_step_that_changes_nothing_is_done_once_however_often_people_rule(workspace):
    workspace.do("filter.where", "notes", drop="length(text) > 500")
    for line in (2, 3, 4):
        made = workspace.keep(f"notes.jsonl:{line}", because="a good one")
    assert [entry.tool for entry in made.entries] == ["dedup.exact", "filter.where", "filter.where"]


def test_a_review_draws_rows_nobody_ruled_on_and_gives_rates_with_intervals(workspace):
    drawn = review.cases(workspace, "notes", reason="exact_duplicate", count=8)
    assert len(drawn) == 8 and {case.reason for case in drawn} == {"exact_duplicate"}
    assert all(case.survivor is not None for case in drawn)
    review.rule(workspace, "notes", [(case, "keep" if i < 2 else "drop", "looked") for i, case in enumerate(drawn)])
    (rate,) = review.rates(rulings.read(workspace.root), "notes")
    assert (rate.reason, rate.looked_at, rate.contradicted) == ("exact_duplicate", 8, 2)
    assert 0 < rate.low < rate.share < rate.high < 1
    assert review.cases(workspace, "notes", reason="exact_duplicate", count=8) == []
    mixed = review.cases(workspace, "notes", count=6)
    assert {case.reason == "" for case in mixed} == {True, False} or len(mixed) <= 6
    with pytest.raises(Misuse, match="Nearest: exact_duplicate"):
        review.cases(workspace, "notes", reason="exact_duplicat")
