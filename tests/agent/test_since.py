"""Weekly releases: a released row wins over newer near-duplicates, and none is withdrawn without a word."""

from __future__ import annotations

import json

import pytest

from tilth.agent.events import Noticed
from tilth.agent.workspace import Workspace
from tilth.tools.errors import Misuse

RECIPE = """\
recipe: 1
dataset: weekly
sources:
  - {name: drops, paths: ["week*.jsonl"]}
since: SINCE
steps:
  - dedup.near: {keep: length desc}
"""
BASE = "please tell me how to send back the blue lamp that i bought in your shop on monday"


@pytest.fixture
def folder(tmp_path):
    lines = [{"text": f"{BASE} {word} order {word} today"} for word in ("alpha", "beta", "gamma")]
    other = [{"text": f"a wholly different question about {word} and what it costs to repair one"} for word in "pqr"]
    (tmp_path / "week1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [lines[0], *other]))
    return tmp_path


def week_two(folder):
    lines = [
        {"text": f"{BASE} alpha order alpha today and thank you very much indeed"},
        {"text": "something new for once"},
    ]
    (folder / "week2.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def run(workspace, since):
    path = workspace.root / "r.yaml"
    path.write_text(RECIPE.replace("since: SINCE\n", f"since: {since}\n" if since else ""))
    return workspace.run(path)


def test_without_since_a_newer_longer_copy_evicts_what_was_released(folder):
    events = []
    with Workspace(folder, listener=events.append) as workspace:
        run(workspace, None)
        workspace.tag("weekly", "release-1")
        released = workspace.show("weekly")[0].row_id
        week_two(folder)
        run(workspace, None)
        assert released not in {row.row_id for row in workspace.show("weekly")}


def test_a_released_row_wins_and_the_result_tells_carried_new_and_withdrawn(folder):
    events = []
    with Workspace(folder, listener=events.append) as workspace:
        run(workspace, None)
        workspace.tag("weekly", "release-1")
        released = workspace.show("weekly")[0].row_id
        week_two(folder)
        ran = run(workspace, "weekly@release-1")
        assert released in {row.row_id for row in workspace.show("weekly")}
        assert {name: ran.result[name] for name in ("carried", "new", "withdrawn")} == {
            "carried": 4, "new": 1, "withdrawn": 0}  # fmt: skip
        lock = json.loads((folder / "r.lock.json").read_text())
        assert lock["since"] == workspace.store.resolve("weekly@release-1")[1]


def test_a_withdrawn_row_is_told_with_its_reason(folder):
    events = []
    with Workspace(folder, listener=events.append) as workspace:
        run(workspace, None)
        workspace.tag("weekly", "release-1")
        workspace.drop("week1.jsonl:2", because="names a person")
        ran = run(workspace, "weekly@release-1")
        assert (ran.result["carried"], ran.result["withdrawn"]) == (3, 1)
        loud = [event.text for event in events if isinstance(event, Noticed) and event.level == "loud"]
        assert any("1 rows of weekly@release-1 are not in the new version (ruling 1)" in text for text in loud)


def test_a_row_that_left_the_sources_is_told_so(folder):
    events = []
    with Workspace(folder, listener=events.append) as workspace:
        run(workspace, None)
        workspace.tag("weekly", "release-1")
        lines = (folder / "week1.jsonl").read_text().splitlines(keepends=True)
        (folder / "week1.jsonl").write_text("".join(lines[1:]))
        ran = run(workspace, "weekly@release-1")
        assert (ran.result["carried"], ran.result["withdrawn"]) == (3, 1)
        loud = [event.text for event in events if isinstance(event, Noticed) and event.level == "loud"]
        assert any("(not in the sources any more 1)" in text for text in loud)
        assert workspace.diff("weekly@release-1", "weekly").dropped == {"not in the sources any more": 1}
        assert workspace.diff("weekly", "weekly@release-1").dropped == {}


def test_rows_that_a_later_append_brought_are_only_not_in_the_older_version(folder):
    with Workspace(folder) as workspace:
        workspace.add(folder / "week1.jsonl", name="notes")
        week_two(folder)
        workspace.add(folder / "week2.jsonl", name="notes", append=True)
        assert workspace.diff("notes", "notes~1").dropped == {"not in the other version": 2}


def test_the_recipe_from_the_log_keeps_the_release(folder):
    with Workspace(folder) as workspace:
        run(workspace, None)
        workspace.tag("weekly", "release-1")
        week_two(folder)
        ran = run(workspace, "weekly@release-1")
        told = workspace.recipe("weekly")
        assert f"since: weekly@{workspace.store.resolve('weekly@release-1')[1]}" in told
        (folder / "again.yaml").write_text(told)
        assert workspace.run(folder / "again.yaml").version == ran.version


def test_a_release_that_is_not_there_is_named(folder):
    with Workspace(folder) as workspace, pytest.raises(Misuse, match=r"no dataset 'weekly'|neither a tag"):
        run(workspace, "weekly@nope")
