"""The ledger: a chain that tells of every break, a torn tail that costs nothing, refs that follow from it."""

from __future__ import annotations

import json

import pytest

from tilth.tools.errors import Corrupt
from tilth.tools.store.ledger import Entry, Ledger


def step(vid: str, before: str | None = None, **more) -> Entry:
    return Entry("step", "d", inputs=(before,) if before else (), output=vid, **more)


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.jsonl")


def test_entries_are_numbered_chained_and_read_back(ledger):
    first = ledger.append(step("a", key="k1", counts={"after": 3}))
    second = ledger.append(step("b", "a"))
    assert (first.seq, second.seq) == (0, 1)
    again = Ledger(ledger.path)
    assert again.entries() == [first, second]
    assert again.with_key("k1") == first
    assert again.verify() == []


def test_undo_and_redo_move_a_cursor_and_a_new_step_forgets_what_was_undone(ledger):
    for entry in (step("a"), step("b", "a"), step("c", "b")):
        ledger.append(entry)
    ledger.append(Entry("undo", "d", args={"steps": -2}, inputs=("c",), output="a"))
    assert ledger.histories()["d"].current == "a"
    ledger.append(Entry("redo", "d", args={"steps": 1}, inputs=("a",), output="b"))
    assert ledger.histories()["d"].current == "b"
    ledger.append(step("x", "b"))
    assert ledger.histories()["d"].vids == ["a", "b", "x"]


def test_lineage_leaves_out_what_was_undone_and_keeps_reports(ledger):
    made = [ledger.append(entry) for entry in (
        Entry("import", "d", output="a"),
        Entry("report", "d", tool="inspect.profile", inputs=("a",)),
        step("b", "a", tool="dedup.exact"),
        Entry("undo", "d", args={"steps": -1}, inputs=("b",), output="a"),
        step("c", "a", tool="filter.where"),
    )]  # fmt: skip
    assert [entry.seq for entry in ledger.lineage("d", "c")] == [0, 1, 4]
    assert ledger.lineage("d", "b") == made[:3]


def test_a_torn_last_line_is_ignored_and_cut_before_the_next_append(ledger):
    ledger.append(step("a"))
    with ledger.path.open("ab") as file:
        file.write(b'{"kind":"step","dataset"')
    again = Ledger(ledger.path)
    assert [entry.output for entry in again.entries()] == ["a"]
    assert any("torn" in fault for fault in again.verify())
    again.append(step("b", "a"))
    assert Ledger(ledger.path).verify() == []
    assert [entry.output for entry in Ledger(ledger.path).entries()] == ["a", "b"]


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_a_changed_or_missing_line_is_found(ledger, victim):
    for vid, before in (("a", None), ("b", "a"), ("c", "b"), ("d", "c")):
        ledger.append(step(vid, before))
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    changed = json.loads(lines[victim])
    changed["counts"] = {"after": 99}
    forged = [*lines]
    forged[victim] = json.dumps(changed).encode() + b"\n"
    for damaged in (forged, lines[:victim] + lines[victim + 1 :]):
        ledger.path.write_bytes(b"".join(damaged))
        with pytest.raises(Corrupt, match="damaged at line"):
            Ledger(ledger.path)
        assert ledger.verify()


def test_two_readers_of_one_file_see_each_others_entries(ledger):
    other = Ledger(ledger.path)
    ledger.append(step("a"))
    other.append(step("b", "a"))
    ledger.refresh()
    assert [entry.output for entry in ledger.entries()] == ["a", "b"]
    assert ledger.verify() == []
