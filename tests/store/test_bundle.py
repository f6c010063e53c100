"""A bundle: one file with a version's history, the same bytes every time; questions are answered from it anywhere."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tilth.agent.workspace import Workspace
from tilth.tools.errors import BadInput, Corrupt, Misuse
from tilth.tools.store.bundle import read_bundle

RECIPE = """\
recipe: 1
dataset: notes
sources: [{name: notes, paths: [notes.jsonl], license: CC0-1.0}]
steps:
  - dedup.exact
  - filter.where: {drop: "length(text) > 7"}
expect: {rows: ">= 5"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "here"
    made.mkdir()
    (made / "notes.jsonl").write_text("".join(json.dumps({"text": f"note {i % 12}"}) + "\n" for i in range(20)))
    (made / "r.yaml").write_text(RECIPE)
    with Workspace(made) as workspace:
        workspace.add(made / "notes.jsonl", name="other")
        workspace.run(made / "r.yaml")
        workspace.tag("notes", "release-1")
    return made


def bundle(folder: Path, target: Path, *, rows: bool = True) -> Path:
    with Workspace(folder) as workspace:
        workspace.bundle("notes", target, rows=rows)
    return target


def answers(workspace: Workspace) -> list[object]:
    """What people ask of a version, without the ledger's own numbers."""
    row = workspace.why("notes.jsonl:13", dataset="notes")
    return [
        [(one.action, one.reason, one.evidence) for one in row.decisions],
        [one.record for one in row.revisions],
        sorted((one.row.row_id, one.decision.reason) for one in workspace.drops("notes", count=20)[1]),
        workspace.diff("notes").dropped,
        workspace.rows("notes@release-1").arrow(("row_id", "record")),
    ]


def test_unpacked_elsewhere_the_questions_have_the_same_answers(folder: Path, tmp_path: Path) -> None:
    packed = bundle(folder, tmp_path / "notes.tar.zst")
    with Workspace(folder) as workspace:
        there = answers(workspace)
        version = workspace.rows("notes").vid
    folder.rename(tmp_path / "gone")
    read_bundle(packed, tmp_path / "there")
    with Workspace(tmp_path / "there") as workspace:
        assert [one.name for one in workspace.datasets()] == ["notes"]
        assert workspace.rows("notes").vid == version
        assert answers(workspace) == there
        assert workspace.verify_log() == []
        workspace.undo("notes")


def test_the_locked_run_works_without_its_sources(folder: Path, tmp_path: Path) -> None:
    packed = bundle(folder, tmp_path / "notes.tar.zst")
    read_bundle(packed, tmp_path / "there")
    with Workspace(tmp_path / "there") as workspace:
        before = len(workspace.log())
        ran = workspace.run(tmp_path / "there" / "r.yaml", locked=True)
        assert (ran.reused, len(workspace.log())) == (3, before)
        with pytest.raises(Misuse, match="There is no file"):
            workspace.run(tmp_path / "there" / "r.yaml")


def test_the_release_that_a_run_held_to_is_in_it(folder: Path, tmp_path: Path) -> None:
    (folder / "r.yaml").write_text(RECIPE.replace("steps:", "since: notes@release-1\nsteps:"))
    with (folder / "notes.jsonl").open("a") as more:
        more.write('{"text": "new"}\n')
    with Workspace(folder) as workspace:
        ran = workspace.run(folder / "r.yaml")
    read_bundle(bundle(folder, tmp_path / "notes.tar.zst"), tmp_path / "there")
    folder.rename(tmp_path / "gone")
    with Workspace(tmp_path / "there") as workspace:
        again = workspace.run(tmp_path / "there" / "r.yaml", locked=True)
        assert again.version == ran.version and again.result["carried"] == ran.result["carried"] > 0


def test_the_bytes_repeat(folder: Path, tmp_path: Path) -> None:
    first, second = (bundle(folder, tmp_path / f"{name}.tar.zst").read_bytes() for name in "ab")
    assert first == second
    read_bundle(tmp_path / "a.tar.zst", tmp_path / "there")
    assert bundle(tmp_path / "there", tmp_path / "c.tar.zst").read_bytes() == first


def test_without_rows_the_counts_are_there_and_the_rows_say_why_not(folder: Path, tmp_path: Path) -> None:
    packed = bundle(folder, tmp_path / "notes.tar.zst", rows=False)
    read_bundle(packed, tmp_path / "there")
    with Workspace(tmp_path / "there") as workspace:
        tools = [entry.tool for entry in workspace.log("notes") if entry.kind == "step"]
        assert tools == ["dedup.exact", "filter.where"]
        assert workspace.log("notes")[1].counts["dropped"] == {"exact_duplicate": 8}
        with pytest.raises(Corrupt, match="bundle made without --rows"):
            workspace.show("notes")
    objects = list((tmp_path / "there").rglob("*.parquet"))
    assert objects and not [path for path in objects if "record" in pq.read_schema(path).names]


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    packed = bundle(folder, tmp_path / "notes.tar.zst")
    with pytest.raises(Misuse, match="exists"):
        bundle(folder, packed)
    with pytest.raises(Misuse, match="not an empty folder"):
        read_bundle(packed, folder)
    assert (folder / "notes.jsonl").exists()


def archive(path: Path, *members: tarfile.TarInfo, data: bytes = b"x") -> Path:
    with (
        pa.OSFile(str(path), "wb") as raw,
        pa.CompressedOutputStream(raw, "zstd") as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        for member in members:
            member.size = len(data) if member.isfile() else 0
            tar.addfile(member, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../evil.yaml",
        "/tmp/evil.yaml",
        "recipes/../../evil.yaml",
        ".tilth/objects/../../evil.parquet",
        ".tilth/lock",
        "my_tools.py",
        "tilth.toml",
        "..yaml",
        "a\\..\\b.yaml\n",
    ],
)
def test_a_path_that_no_bundle_holds_is_refused(name: str, tmp_path: Path) -> None:
    packed = archive(tmp_path / "b.tar.zst", tarfile.TarInfo(name))
    with pytest.raises(BadInput, match="which no bundle holds"):
        read_bundle(packed, tmp_path / "there")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.tar.zst"]


def test_links_wrong_bytes_and_damage_are_refused(tmp_path: Path) -> None:
    link = tarfile.TarInfo("r.yaml")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(BadInput, match="which no bundle holds"):
        read_bundle(archive(tmp_path / "a.tar.zst", link), tmp_path / "there")
    sha = "ab" + "0" * 62
    wrong = archive(tmp_path / "b.tar.zst", tarfile.TarInfo(f".tilth/objects/ab/{sha}.parquet"))
    with pytest.raises(BadInput, match="not what its name says"):
        read_bundle(wrong, tmp_path / "there")
    twice = archive(tmp_path / "c.tar.zst", tarfile.TarInfo("r.yaml"), tarfile.TarInfo("r.yaml"))
    with pytest.raises(BadInput):
        read_bundle(twice, tmp_path / "there")
    bare = archive(tmp_path / "d.tar.zst", tarfile.TarInfo("r.yaml"))
    with pytest.raises(BadInput, match="ledger"):
        read_bundle(bare, tmp_path / "there")
    (tmp_path / "e.tar.zst").write_bytes(b"not an archive")
    with pytest.raises(BadInput, match="is no bundle, or is damaged"):
        read_bundle(tmp_path / "e.tar.zst", tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_a_torn_bundle_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    packed = bundle(folder, tmp_path / "notes.tar.zst")
    packed.write_bytes(packed.read_bytes()[:-200])
    with pytest.raises(BadInput):
        read_bundle(packed, tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_it_is_unpacked_at_the_version_that_was_bundled_however_that_came_about(folder: Path, tmp_path: Path) -> None:
    def unpacked(name: str) -> str:
        read_bundle(bundle(folder, tmp_path / f"{name}.tar.zst"), tmp_path / name)
        with Workspace(tmp_path / name) as workspace:
            workspace.undo("notes")  # there is a version before it
            workspace.redo("notes")
            return workspace.rows("notes").vid

    with Workspace(folder) as workspace:
        row = workspace.drops("notes", count=1)[1][0].row.row_id
        workspace.keep(row, because="wanted", dataset="notes")
        ruled = workspace.rows("notes").vid
    assert unpacked("ruled") == ruled
    (folder / "r.yaml").write_text(RECIPE.replace("> 7", "> 6"))
    with Workspace(folder) as workspace:
        workspace.run(folder / "r.yaml")
        ran = workspace.rows("notes").vid
    assert unpacked("ran") == ran != ruled
