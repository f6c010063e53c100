"""Running a recipe: from the sources, step by step, resumed, locked, held to its expectations."""

from __future__ import annotations

import json
import shutil

import pytest

from tilth.agent.events import Finished, Noticed
from tilth.agent.workspace import Workspace
from tilth.tools.errors import Misuse, Refused
from tilth.tui.render.results import result_lines
from tilth.tui.terminal import Terminal

RECIPE = """\
recipe: 1
dataset: notes
sources: [{name: notes, paths: [notes.jsonl], license: CC0-1.0}]
steps:
  - dedup.exact
  - filter.where: {drop: "length(text) > 7"}
expect: {rows: ">= 5"}
export: {to: out}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "notes.jsonl").write_text("".join(json.dumps({"text": f"note {i % 12}"}) + "\n" for i in range(20)))
    (tmp_path / "r.yaml").write_text(RECIPE)
    return tmp_path


@pytest.fixture
def events():
    return []


@pytest.fixture
def workspace(folder, events):
    with Workspace(folder, listener=events.append) as opened:
        yield opened


def test_a_run_does_its_steps_and_writes_export_and_lock(workspace, folder, events):
    ran = workspace.run(folder / "r.yaml")
    assert ran.result["dropped"] == {"exact_duplicate": 8}
    assert (ran.result["read"], ran.result["before"], ran.result["after"]) == (20, 20, 12)
    assert isinstance(events[-1], Finished) and events[-1].result["version"] == ran.version
    assert (folder / "out" / "README.md").exists()
    lock = json.loads((folder / "r.lock.json").read_text())
    assert lock["version"] == ran.version
    assert lock["sources"][0]["files"][0]["path"] == "notes.jsonl"
    assert str(folder) not in json.dumps(lock)


def test_a_second_run_does_nothing_again_and_the_ledger_does_not_grow(workspace, folder):
    first = workspace.run(folder / "r.yaml")
    length = len(workspace.log())
    again = workspace.run(folder / "r.yaml", locked=True)
    assert (again.version, again.reused, len(workspace.log())) == (first.version, 3, length)
    told = "\n".join(result_lines(again.result, Terminal()))
    assert "  the import and 2 of 2 steps were done before and not done again" in told
    partly = {**again.result, "reused": 1, "import_reused": False}
    assert "  1 of 2 steps was done before" in "\n".join(result_lines(partly, Terminal()))
    assert "  the import was done before" in "\n".join(result_lines({**partly, "import_reused": True}, Terminal()))


def test_a_run_starts_from_the_sources_whatever_was_done_since(workspace, folder):
    first = workspace.run(folder / "r.yaml")
    workspace.do("filter.where", "notes", keep="line < 3")
    assert workspace.run(folder / "r.yaml").version == first.version
    assert workspace.rows("notes").vid == first.version


def test_the_same_recipe_gives_the_same_bytes_elsewhere(workspace, folder, tmp_path_factory):
    first = workspace.run(folder / "r.yaml")
    other = tmp_path_factory.mktemp("other")
    for name in ("notes.jsonl", "r.yaml"):
        shutil.copy(folder / name, other / name)
    with Workspace(other, threads=2) as elsewhere:
        elsewhere.pack_rows = 3
        assert elsewhere.run(other / "r.yaml").version == first.version
    for path in [*(folder / "out").rglob("*"), folder / "r.lock.json"]:
        if path.is_file():
            assert (other / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_a_changed_source_fails_under_the_lock_and_names_what_changed(workspace, folder):
    workspace.run(folder / "r.yaml")
    with (folder / "notes.jsonl").open("a") as file:
        file.write('{"text": "another"}\n')
    exported = (folder / "out" / "data" / "train.jsonl").read_bytes()
    with pytest.raises(Refused, match=r"r\.lock\.json: sources\[0\]\.files\[0\]\.sha256 was"):
        workspace.run(folder / "r.yaml", locked=True)
    assert (folder / "out" / "data" / "train.jsonl").read_bytes() == exported


def test_a_locked_run_that_differs_leaves_the_dataset_where_it_was_and_says_so(workspace, folder):
    first = workspace.run(folder / "r.yaml").version
    length = len(workspace.store.history("notes").vids)
    with (folder / "notes.jsonl").open("a") as file:
        file.write('{"text": "another"}\n')
    with pytest.raises(Refused, match=r"notes is left as it was\."):
        workspace.run(folder / "r.yaml", locked=True)
    assert workspace.rows("notes").vid == first
    assert len(workspace.store.history("notes").vids) == length
    agreed = workspace.run(folder / "r.yaml").version
    workspace.undo("notes", to=first)
    assert workspace.run(folder / "r.yaml", locked=True).version == workspace.rows("notes").vid == agreed


def test_a_locked_run_of_a_dataset_that_is_not_here_yet_makes_it(workspace, folder, tmp_path_factory):
    first = workspace.run(folder / "r.yaml").version
    other = tmp_path_factory.mktemp("other")
    for name in ("notes.jsonl", "r.yaml", "r.lock.json"):
        shutil.copy(folder / name, other / name)
    with Workspace(other) as elsewhere:
        assert elsewhere.run(other / "r.yaml", locked=True).version == first == elsewhere.rows("notes").vid


def test_without_a_lock_locked_says_how_to_get_one(workspace, folder):
    with pytest.raises(Misuse, match="Run once without --locked"):
        workspace.run(folder / "r.yaml", locked=True)


def test_a_failed_expectation_is_a_no_and_nothing_is_exported(workspace, folder):
    with pytest.raises(Refused, match=r"rows >= 500 \(found 12\)"):
        workspace.run(folder / "r.yaml", set=["expect.rows=>= 500"])
    assert not (folder / "out").exists()
    assert not (folder / "r.lock.json").exists()


def test_until_stops_after_a_step_and_exports_nothing(workspace, folder):
    ran = workspace.run(folder / "r.yaml", until="dedup.exact")
    assert [entry.tool for entry in ran.entries] == [None, "dedup.exact"]
    assert not (folder / "out").exists()
    with pytest.raises(Misuse, match="no such step"):
        workspace.run(folder / "r.yaml", until="dedup.near")


def test_a_sample_runs_on_a_scratch_version_and_moves_nothing(workspace, folder):
    ran = workspace.run(folder / "r.yaml", sample=5)
    assert ran.result["after"] <= 5
    assert len(workspace.rows("notes")) == 20
    assert not (folder / "out").exists()


def test_a_cap_stops_the_run_with_the_ref_before_the_step(workspace, folder):
    with pytest.raises(Refused, match=r"dedup.exact would drop 40.0% of 20 rows"):
        workspace.run(folder / "r.yaml", max_drop=0.1)
    assert len(workspace.rows("notes")) == 20


def test_a_plan_tells_what_is_done_and_writes_nothing(workspace, folder):
    assert [line["done"] for line in workspace.plan(folder / "r.yaml")] == [False, False, False]
    assert workspace.log() == []
    workspace.run(folder / "r.yaml")
    assert [line["done"] for line in workspace.plan(folder / "r.yaml")] == [True, True, True]
    workspace.drop("notes.jsonl:2", because="names a person")
    plan = workspace.plan(folder / "r.yaml")
    assert [(line["step"], line["done"]) for line in plan][1] == ("filter.rulings", True)


def test_the_log_told_as_a_recipe_gives_the_same_version(workspace, folder):
    workspace.add(folder / "notes.jsonl", name="notes")
    workspace.do("dedup.exact", "notes")
    last = workspace.do("filter.where", "notes", drop="line % 2 = 0").version.vid
    (folder / "again.yaml").write_text(workspace.recipe("notes"))
    assert workspace.run(folder / "again.yaml").version == last


def test_a_step_that_drops_much_is_loud_and_says_how_to_take_it_back(workspace, folder, events):
    workspace.add(folder / "notes.jsonl")
    workspace.do("filter.where", "notes", keep="line <= 5")
    loud = [event for event in events if isinstance(event, Noticed) and event.level == "loud"]
    assert len(loud) == 1
    assert "filter.where drops 75% of the rows: where 15 (e.g." in loud[0].text
    assert "'tilth undo notes'" in loud[0].text


def test_doing_again_what_was_undone_uses_the_record(workspace, folder):
    workspace.add(folder / "notes.jsonl")
    first = workspace.do("dedup.exact", "notes")
    workspace.undo("notes")
    again = workspace.do("dedup.exact", "notes")
    assert again.reused and again.version == first.version
    assert workspace.rows("notes").vid == first.version.vid
