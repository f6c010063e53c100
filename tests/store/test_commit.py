"""A Change becomes a version: against a plain list of rows, whatever the packs and however outcomes are batched."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilth.tools.change import DELETE, Change, Edit, NewRow, Outcome, drops
from tilth.tools.store import commit
from tilth.tools.store.importing import import_sources
from tilth.tools.store.ingest import ReadOptions, Source
from tilth.tools.store.ledger import Entry
from tilth.tools.store.past import history
from tilth.tools.store.rows import Rows
from tilth.tools.store.store import Store


def filled(folder: Path, count: int, pack_rows: int) -> tuple[Store, Rows]:
    store = Store(folder)
    path = folder / "data.jsonl"
    path.write_text("".join(f'{{"text": "row {i}", "n": {i}}}\n' for i in range(count)))
    with store.writing("test"):
        import_sources(store, "data", [Source("data", (str(path),))],
                       ReadOptions(), pack_rows=pack_rows)  # fmt: skip
    return store, store.rows("data")


def applied(store: Store, rows: Rows, *outcomes: Outcome, **more: Any) -> tuple[Entry, Rows]:
    with store.writing("test"):
        entry, version = commit.apply(
            store, rows, Change(iter(outcomes)), Entry("step", "data", tool="test.step"), **more
        )
    return entry, store.rows_of(version.vid)


def values(rows: Rows) -> list[dict[str, Any]]:
    return [record for batch in rows.batches() for record in batch.records()]


steps = st.lists(
    st.tuples(
        st.sets(st.integers(0, 39), max_size=12),
        st.sets(st.integers(0, 39), max_size=12),
        st.integers(0, 3),
    ),
    max_size=5,
)


def play(folder: Path, plan: list[tuple[set[int], set[int], int]], pack_rows: int) -> tuple[str, list[dict[str, Any]]]:
    """Apply a plan of (drops, edits, rows to add) and compare every version with a list."""
    store, rows = filled(folder, 40, pack_rows)
    model = values(rows)
    for number, (gone, edited, added) in enumerate(plan):
        gone = {i for i in gone if i < len(model)}
        edited = {i for i in edited if i < len(model)} - gone
        outcomes = [
            Outcome(edits=[Edit(i, ((("text",), f"edit {number}"),), "edited") for i in sorted(edited)]),
            Outcome(decisions=drops(sorted(gone), "gone")),
            Outcome(added=[NewRow({"text": f"new {number}", "n": -1}, "made") for _ in range(added)]),
        ]
        entry, rows = applied(store, rows, *outcomes)
        before = len(model)
        model = [
            {**row, "text": f"edit {number}"} if i in edited else row for i, row in enumerate(model) if i not in gone
        ] + [{"text": f"new {number}", "n": -1}] * added
        assert values(rows) == model
        assert entry.counts["before"] == before
        assert entry.counts["after"] == before - sum(entry.counts["dropped"].values()) + entry.counts["added"]
        assert (entry.counts["after"], entry.counts["edited"]) == (len(model), len(edited))
        if model:
            picked = list(range(len(model)))[::-3]
            assert rows.records(picked) == [model[i] for i in picked]
    ids = [row["row_id"] for row in rows.arrow(("row_id",)).to_pylist()] if model else []
    assert len(set(ids)) == len(ids)
    store.close()
    return rows.vid, model


@settings(max_examples=8)
@given(steps)
def test_versions_follow_a_plain_list_and_packs_do_not_matter(plan):
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        assert play(Path(one), plan, 1 << 20) == play(Path(other), plan, 7)


def test_many_steps_are_rewritten_as_one_pack_without_changing_a_row(tmp_path):
    store, rows = filled(tmp_path, 60, 4)
    for i in range(20):
        _, rows = applied(store, rows, Outcome(edits=[Edit(i, ((("text",), "x" * (i + 1)),), "e")]))
        assert len(rows.version.parts) <= commit.MAX_PARTS
    assert [row["text"] for row in values(rows)[:20]] == ["x" * (i + 1) for i in range(20)]
    ords = rows.arrow(("ord",))["ord"].to_pylist()
    assert ords == sorted(ords)


def test_an_edit_keeps_the_id_raises_rev_and_leaves_every_other_byte(tmp_path):
    store, rows = filled(tmp_path, 3, 100)
    before = rows.take([1], ["row_id", "rev", "content_sha", "record"]).to_pylist()[0]
    _, rows = applied(store, rows, Outcome(edits=[Edit(1, ((("text",), "é"), (("n",), DELETE)), "e")]))
    after = rows.take([1], ["row_id", "rev", "content_sha", "record"]).to_pylist()[0]
    assert (after["row_id"], after["rev"]) == (before["row_id"], before["rev"] + 1)
    assert after["content_sha"] != before["content_sha"]
    assert after["record"] == '{"text": "\\u00e9"}'  # the record was ASCII and stays so


def test_a_change_without_effect_makes_no_version_but_is_written_down(tmp_path):
    store, rows = filled(tmp_path, 3, 100)
    entry, same = applied(store, rows, Outcome(decisions=drops([], "none")))
    assert same.vid == rows.vid
    assert (entry.output, entry.counts["dropped"]) == (rows.vid, {})
    assert store.history("data").vids == [rows.vid]


def test_a_row_dropped_twice_counts_once_under_its_first_reason(tmp_path):
    store, rows = filled(tmp_path, 5, 100)
    entry, after = applied(store, rows, Outcome(decisions=drops([1, 1, 2], ["a", "b", "a"])),
                           Outcome(decisions=drops([2], "c")))  # fmt: skip
    assert entry.counts["dropped"] == {"a": 2}
    assert len(after) == 3


def test_over_the_cap_decisions_are_kept_and_the_ref_stays(tmp_path):
    store, rows = filled(tmp_path, 10, 100)
    entry, _ = applied(store, rows, Outcome(decisions=drops(range(6), "many")), max_drop=0.5)
    assert entry.output is None and entry.details["refused"]
    assert store.history("data").current == rows.vid
    assert len(history.drops(store, "data", step=str(entry.seq), count=99)) == 6


def test_signals_cover_the_rows_they_were_measured_on(tmp_path):
    store, rows = filled(tmp_path, 10, 3)
    entry, _ = applied(
        store,
        rows,
        Outcome(signals=pa.table({"n": [i * i for i in range(10)]})),
    )
    stored = store.objects.read(entry.objects["signals"]).to_pylist()
    assert [(line["ord"], line["n"]) for line in stored] == [(i, i * i) for i in range(10)]


def test_outcomes_out_of_order_are_refused_rather_than_mixed_up(tmp_path):
    store, rows = filled(tmp_path, 10, 100)
    late = [Outcome(edits=[Edit(i, ((("text",), "x"),), "e")]) for i in (5, 2)]
    with pytest.raises(ValueError, match="order of position"):
        applied(store, rows, *late)
    assert store.history("data").current == rows.vid
    assert list((tmp_path / ".tilth" / "tmp").glob("*.parquet")) == []
