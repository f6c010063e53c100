"""What the system forbids and what has been damaged are told as such: which thing, and what to do next."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tilth.agent.workspace import Workspace, open_workspace
from tilth.tools.errors import Corrupt, Misuse
from tilth.tools.store.bundle import read_bundle
from tilth.tools.store.ingest.streams import open_file


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    path = tmp_path / "notes.jsonl"
    path.write_text("".join(json.dumps({"text": f"note {i}"}) + "\n" for i in range(20)))
    with Workspace(tmp_path) as opened:
        opened.add(path)
        yield opened


@pytest.fixture
def read_only(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace, opened where nothing may be written: neither its folder nor the locks in it."""
    (workspace.store.state / "lock").unlink()
    (workspace.store.state / "readers").unlink()
    monkeypatch.setattr("os.access", lambda path, mode: not mode & os.W_OK)
    with Workspace(workspace.root) as opened:
        yield opened


def test_a_workspace_that_cannot_be_written_answers(read_only: Workspace) -> None:
    assert len(read_only.show("notes")) == 10
    assert read_only.sql("notes", "select count(*) as n from rows").to_pylist() == [{"n": 20}]
    assert [one.rows for one in read_only.datasets()] == [20]
    assert read_only.running() is None
    assert read_only.verify_log() == []
    assert not {"lock", "readers"} & {path.name for path in read_only.store.state.iterdir()}


@pytest.mark.parametrize(
    "write",
    [
        lambda workspace: workspace.undo("notes"),
        lambda workspace: workspace.inspect("notes"),
        lambda workspace: workspace.gc(),
        lambda workspace: workspace.tag("notes", "first"),
    ],
)
def test_a_workspace_that_cannot_be_written_refuses_writers(
    read_only: Workspace, write: Callable[[Workspace], Any]
) -> None:
    with pytest.raises(Misuse, match=r"Cannot write .*\.tilth: Permission denied"):
        write(read_only)


def test_a_folder_that_cannot_be_written_becomes_no_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *args: Any, **more: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(Misuse, match=r"Cannot write .*\.tilth: Permission denied"):
        open_workspace(tmp_path)


def test_places_that_cannot_be_made_are_named(workspace: Workspace) -> None:
    inside = workspace.root / "notes.jsonl" / "out"  # below a file
    with pytest.raises(Misuse, match=r"Cannot write .*out: Not a directory"):
        workspace.bundle("notes", inside)
    with pytest.raises(Misuse, match=r"Cannot write .*out: "):
        workspace.export("notes", inside)
    packed = workspace.bundle("notes", workspace.root / "notes.tar.zst").path
    with pytest.raises(Misuse, match=r"Cannot write .*out: "):
        read_bundle(packed, inside)


def test_a_source_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"Cannot read .*: Is a directory"):
        open_file(str(tmp_path))


READERS: list[Callable[[Workspace], Any]] = [
    lambda workspace: workspace.show("notes"),
    lambda workspace: workspace.sql("notes", "select count(*) from rows"),
    lambda workspace: workspace.why("abcdef12"),
    lambda workspace: list(workspace.rows("notes").batches()),
]


def cut(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("read", READERS)
def test_a_damaged_object_is_told_with_what_to_do(workspace: Workspace, read: Callable[[Workspace], Any]) -> None:
    (path,) = workspace.store.objects.folder.glob("*/*.parquet")
    cut(path)
    with pytest.raises(Corrupt, match=r"The object .* is damaged.*tilth log --verify"):
        read(workspace)


def test_pages_damaged_behind_a_whole_footer_are_told_too(workspace: Workspace) -> None:
    (path,) = workspace.store.objects.folder.glob("*/*.parquet")
    path.chmod(0o644)
    data = path.read_bytes()
    path.write_bytes(data[:4] + bytes(len(data) // 5) + data[4 + len(data) // 5 :])
    with pytest.raises(Corrupt, match=r"The object .* is damaged"):
        workspace.show("notes")
    with pytest.raises(Corrupt, match=r"The object .* is damaged"):
        list(workspace.rows("notes").batches(("record", "row_id", "ord", "file")))


def test_a_damaged_manifest_is_told_and_is_a_fault_of_the_log(workspace: Workspace) -> None:
    (path,) = (workspace.store.state / "versions").glob("*.json")
    cut(path)
    with pytest.raises(Corrupt, match=r"The manifest of version .* is damaged"):
        workspace.show("notes")
    assert any("manifest" in fault and "damaged" in fault for fault in workspace.verify_log())
