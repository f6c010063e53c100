"""An export takes its place whole or not at all, and nothing of anybody else's is lost."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from tilth.tools.errors import Misuse, Refused
from tilth.tools.store.export.folder import FORMAT, default_folder, place, read_manifest, temporary_for


def filled(target: Path, content: str = "one") -> Path:
    """A finished export beside `target`, ready to be placed."""
    temporary = temporary_for(target)
    (temporary / "data").mkdir()
    (temporary / "data/train.jsonl").write_text(content)
    (temporary / "README.md").write_text("card")
    files = [{"path": "data/train.jsonl", "sha256": hashlib.sha256(content.encode()).hexdigest()}]
    readme = hashlib.sha256(b"card").hexdigest()
    (temporary / "manifest.json").write_text(json.dumps({"format": FORMAT, "files": files, "readme": readme}))
    return temporary


def seen(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_export_is_placed_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "deep/er/tickets"
    assert place(filled(target), target)
    assert (target / "data/train.jsonl").read_text() == "one"
    assert seen(target.parent) == ["tickets"]


def test_an_earlier_export_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "tickets"
    place(filled(target), target)
    assert place(filled(target, "two"), target)
    assert (target / "data/train.jsonl").read_text() == "two"
    assert seen(tmp_path) == ["tickets"]


def test_the_same_export_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "tickets"
    place(filled(target), target)
    before = (target / "manifest.json").stat().st_ino
    assert not place(filled(target), target)
    assert (target / "manifest.json").stat().st_ino == before
    assert seen(tmp_path) == ["tickets"]


def test_a_damaged_export_is_replaced_by_the_same_one(tmp_path: Path) -> None:
    target = tmp_path / "tickets"
    place(filled(target), target)
    (target / "data/train.jsonl").write_text("torn")
    assert place(filled(target), target)
    assert (target / "data/train.jsonl").read_text() == "one"


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "notes"
    target.mkdir()
    (target / "thesis.tex").write_text("years of work")
    with pytest.raises(Refused, match=r"thesis\.tex"):
        temporary_for(target)
    assert (target / "thesis.tex").read_text() == "years of work"
    assert seen(tmp_path) == ["notes"]


def test_a_file_of_somebody_else_in_an_export_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "tickets"
    place(filled(target), target)
    temporary = filled(target, "two")
    (target / "notes.txt").write_text("mine")
    with pytest.raises(Refused, match=r"notes\.txt"):
        place(temporary, target)
    assert (target / "data/train.jsonl").read_text() == "one"
    assert seen(tmp_path) == ["tickets"]


def test_a_readme_edited_by_hand_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "tickets"
    place(filled(target), target)
    (target / "README.md").write_text("card, and what I know")
    assert not place(filled(target), target)
    with pytest.raises(Refused, match="edited by hand"):
        place(filled(target, "two"), target)
    assert (target / "README.md").read_text() == "card, and what I know"


def test_an_empty_folder_is_taken_and_a_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert place(filled(tmp_path / "empty"), tmp_path / "empty")
    (tmp_path / "file").write_text("x")
    with pytest.raises(Misuse, match="is a file"):
        temporary_for(tmp_path / "file")


def test_an_export_killed_between_the_renames_comes_back(tmp_path: Path) -> None:
    target = tmp_path / "tickets"
    place(filled(target), target)
    dead = 2**22 + 1
    os.rename(target, tmp_path / f".tickets.{dead}.old.tilth")
    (tmp_path / f".tickets.{dead}.new.tilth").mkdir()
    temporary = temporary_for(target)
    assert (target / "data/train.jsonl").read_text() == "one"
    assert seen(tmp_path) == [temporary.name, "tickets"]


def test_the_folder_of_a_running_export_is_spared(tmp_path: Path) -> None:
    target = tmp_path / "tickets"
    other = tmp_path / f".tickets.{os.getppid()}.new.tilth"
    other.mkdir()
    temporary_for(target)
    assert other.is_dir()


@pytest.mark.parametrize(
    "manifest",
    [
        "[]",
        "{",
        '{"format": "other/1", "files": []}',
        json.dumps({"format": FORMAT, "files": [{"path": "../x", "sha256": ""}]}),
    ],
)
def test_what_is_no_manifest_of_ours_is_none(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "manifest.json").write_text(manifest)
    assert read_manifest(tmp_path) is None


def test_the_default_folder_tells_versions_and_options_apart(tmp_path: Path) -> None:
    one = default_folder(tmp_path, "tickets", "a1", {"format": "messages"})
    two = default_folder(tmp_path, "tickets", "a1", {"format": "messages", "split": {"train": 1.0}})
    assert one.parent == tmp_path / "exports"
    assert one.name.startswith("tickets-a1-")
    assert one != two
