"""Purge: a row's content is gone from every file of a workspace, the rest holds, and the tombstone tells of it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.agent.events import Finished, Noticed
from tilth.agent.workspace import Workspace
from tilth.tools.errors import Misuse
from tilth.tools.store.bundle import read_bundle
from tilth.tools.store.purge import WINDOW, _Scrubber
from tilth.tools.store.store import Store

SECRET = "Please delete the account of Ada Lovelace, 12 St James's Square, her card ends in 4242"
OTHERS = [f"A question about refunds, number {i}, which nobody has to forget at all" for i in range(30)]

RECIPE = """\
recipe: 1
dataset: notes
sources: [{name: notes, paths: [notes.jsonl], license: CC0-1.0}]
steps:
  - clean.unicode
  - dedup.exact
  - filter.rules: {profile: sft}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "here"
    made.mkdir()
    texts = [*OTHERS[:10], f"{SECRET}\u00a0\u200b", *OTHERS[10:], OTHERS[3]]
    (made / "notes.jsonl").write_text("".join(json.dumps({"text": one}, ensure_ascii=False) + "\n" for one in texts))
    (made / "r.yaml").write_text(RECIPE)
    return made


@pytest.fixture
def heard() -> list[object]:
    return []


@pytest.fixture
def workspace(folder: Path, heard: list[object]) -> Workspace:
    opened = Workspace(folder, listener=heard.append)
    opened.pack_rows = 7
    opened.run(folder / "r.yaml")
    opened.inspect("notes")
    opened.export("notes", folder / "out")
    (opened.store.state / "sessions" / "one.jsonl").write_text(json.dumps({"tool_result": [{"text": SECRET}]}) + "\n")
    (opened.store.state / "cache" / "texts").write_text(SECRET)
    return opened


def leaks(folder: Path) -> list[str]:
    """Files under `.tilth` in which a piece of the secret can be read."""
    pieces = [SECRET[i : i + 24] for i in range(0, len(SECRET) - 24, 4)]
    found = []
    for path in sorted((folder / ".tilth").rglob("*")):
        if path.is_file():
            typed = path.suffix == ".parquet"
            data = str(pq.read_table(path).to_pylist()) if typed else path.read_text(errors="replace")
            if any(piece in data or piece in data.replace("\\\\", "") for piece in pieces):
                found.append(str(path.relative_to(folder)))
    return found


def texts(workspace: Workspace, address: str) -> list[str]:
    return [record["text"] for batch in workspace.rows(address).batches() for record in batch.records()]


def test_the_content_is_gone_and_everything_else_is_there(workspace: Workspace, folder: Path) -> None:
    assert leaks(folder)
    versions = {entry.output for entry in workspace.log("notes") if entry.output}
    before = {vid: texts(workspace, f"notes@{vid}") for vid in versions}
    workspace.purge("notes.jsonl:11", because="asked for by the person")
    assert leaks(folder) == []
    for vid, told in before.items():
        assert texts(workspace, f"notes@{vid}") == [text for text in told if "Lovelace" not in text]
        assert len(workspace.rows(f"notes@{vid}")) == len(texts(workspace, f"notes@{vid}"))
        assert workspace.rows(f"notes@{vid}").vid == vid


def test_the_workspace_is_sound_in_a_new_process_too(workspace: Workspace, folder: Path) -> None:
    workspace.purge("notes.jsonl:11", because="asked for")
    assert workspace.verify_log() == []
    (told,) = workspace.purges()
    assert "was purged (asked for)" in told
    workspace.close()
    with Workspace(folder) as again:
        assert again.verify_log() == [] and again.purges() == [told]
        again.gc()
        assert again.verify_log() == []
        again.undo("notes")
        again.redo("notes")
        again.drops("notes", count=50)
        again.diff("notes~1", "notes")
        for view in ("rows", "dropped", "texts", "signals", "decisions", "findings"):
            again.sql("notes", f"select * from {view}")


def test_why_tells_the_tombstone(workspace: Workspace, folder: Path) -> None:
    row_id = workspace.why("notes.jsonl:11").row_id
    tombstone = workspace.purge(row_id[:10], because="asked for")
    for name in (row_id, row_id[:6], "notes.jsonl:11"):
        life = workspace.why(name)
        assert life.purged is not None and life.purged.args["because"] == "asked for"
        assert life.revisions == () and not life.live
        assert [one.evidence for one in life.decisions] == [{"purged": True}] * len(life.decisions) != []
    assert tombstone.details["exports"] == ["out"]
    assert {life.entry.tool for life in workspace.why(row_id).decisions} >= {"clean.unicode"}
    assert len(tombstone.details["versions"]) >= 2
    with pytest.raises(Misuse, match="was purged before"):
        workspace.purge(row_id, because="again")


def test_it_says_what_it_does_not_reach(workspace: Workspace, heard: list[object]) -> None:
    heard.clear()
    workspace.purge("notes.jsonl:4", because="asked for")
    told = " ".join(one.text for one in heard if isinstance(one, Noticed))
    assert "these exports still hold the row: out" in told
    assert "notes.jsonl:4 will be left out" in told
    assert "1 other rows have the same content" in told
    heard.clear()
    workspace.undo("notes")
    assert any("does not bring them back" in one.text for one in heard if isinstance(one, Noticed))


def test_a_purged_row_stays_out_of_later_imports(workspace: Workspace, folder: Path) -> None:
    workspace.purge("notes.jsonl:11", because="asked for")
    ran = workspace.run(folder / "r.yaml")
    assert ran.reused == 0 and ran.result["read"] == 32 and ran.result["kept"] == 31
    assert ran.entries[0].details["rejected"] == {"purged": 1}
    assert leaks(folder) == []
    assert workspace.run(folder / "r.yaml", locked=True).version == ran.version
    workspace.add(folder / "notes.jsonl", name="copy")
    assert len(workspace.rows("copy")) == 31 and leaks(folder) == []
    assert workspace.why("notes.jsonl:11", dataset="notes").purged is not None


def test_every_dataset_that_holds_the_row_loses_it(workspace: Workspace, folder: Path) -> None:
    workspace.add(folder / "notes.jsonl", name="copy")
    tombstone = workspace.purge("notes.jsonl:11", because="asked for", dataset="notes")
    assert tombstone.details["datasets"] == ["copy", "notes"]
    assert len(workspace.rows("copy")) == 31 and leaks(folder) == []
    assert workspace.why("notes.jsonl:11", dataset="copy").purged is not None


def test_a_replay_counts_only_rows_that_are_still_here(workspace: Workspace, heard: list[object]) -> None:
    workspace.purge("notes.jsonl:32", because="asked for")  # the copy that dedup.exact had dropped
    workspace.purge("notes.jsonl:11", because="asked for")
    del heard[:]
    workspace.keep("notes.jsonl:1", because="a good one")
    told = {one.result["tool"]: one.result for one in heard if isinstance(one, Finished)}
    assert (told["clean.unicode"]["before"], told["clean.unicode"]["after"]) == (30, 30)
    assert (told["dedup.exact"]["before"], told["dedup.exact"]["after"]) == (30, 30)
    assert told["dedup.exact"]["dropped"] == {}


def test_purges_add_up(workspace: Workspace, folder: Path) -> None:
    for line in (11, 1, 2, 12):
        workspace.purge(f"notes.jsonl:{line}", because="asked for")
    assert len(workspace.purges()) == 4 and workspace.verify_log() == []
    first = workspace.log("notes")[0].output
    assert len(workspace.rows(f"notes@{first}")) == 28
    workspace.close()
    with Workspace(folder) as again:
        assert len(again.rows(f"notes@{first}")) == 28 and again.verify_log() == []


def test_what_a_crash_left_is_removed_by_the_next_writer(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "_remove_purged", lambda self: None)
    workspace.purge("notes.jsonl:11", because="asked for")
    assert leaks(folder)
    monkeypatch.undo()
    workspace.tag("notes", "after")
    assert leaks(folder) == [] and workspace.verify_log() == []


def test_a_bundle_carries_the_tombstone(workspace: Workspace, folder: Path, tmp_path: Path) -> None:
    workspace.purge("notes.jsonl:11", because="asked for")
    workspace.bundle("notes", tmp_path / "b.tar.zst", rows=True)
    read_bundle(tmp_path / "b.tar.zst", tmp_path / "there")
    with Workspace(tmp_path / "there") as elsewhere:
        assert elsewhere.why("notes.jsonl:11").purged is not None
        assert elsewhere.verify_log() == [] and leaks(tmp_path / "there") == []
        assert texts(elsewhere, "notes") == texts(workspace, "notes")


@given(
    st.text(min_size=WINDOW, max_size=80),
    st.text(max_size=40),
    st.text(max_size=40),
    st.integers(0, 60),
    st.integers(WINDOW, 80),
)
def test_no_piece_of_a_row_survives_in_another_text(text: str, head: str, tail: str, start: int, length: int) -> None:
    scrub = _Scrubber([{"text": text}])
    plain = " ".join(text.split())
    piece = plain[start : start + length]
    told = scrub.value({"message": [f"{head} {piece} {tail}"]})["message"][0]
    windows = {plain[i : i + WINDOW] for i in range(len(plain) - WINDOW + 1)}
    seen = " ".join(told.split())
    assert not windows & {seen[i : i + WINDOW] for i in range(len(seen) - WINDOW + 1)}


def test_what_does_not_quote_the_row_is_left_as_it_is() -> None:
    scrub = _Scrubber([{"text": SECRET, "tag": "customer"}])
    for text in ("", "Please delete", "  spaced   out  ", OTHERS[0], '{"a":  1}', '["x", "Please delete"]', '{"torn'):
        assert scrub.json_or_text(text) == text
    assert scrub.json_or_text(json.dumps({"tag": "customer", "n": 1})) == '{"tag": "[purged]", "n": 1}'
    assert scrub.text(f"it says: {SECRET[:40]}…") == "it says: [purged]…"


def test_a_purge_wants_a_row_and_a_reason(workspace: Workspace) -> None:
    with pytest.raises(Misuse, match="wants a reason"):
        workspace.purge("notes.jsonl:11", because=" ")
    with pytest.raises(Misuse, match="No row of notes"):
        workspace.purge("notes.jsonl:999", because="asked for")


def test_a_chain_that_was_touched_is_still_a_fault(workspace: Workspace, folder: Path) -> None:
    workspace.purge("notes.jsonl:11", because="asked for")
    workspace.tag("notes", "after")
    path = folder / ".tilth" / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b"asked for", b"not asked", 1))
    assert any("does not follow" in fault for fault in workspace.verify_log())
