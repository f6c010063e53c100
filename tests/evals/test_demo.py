"""The demo finds what was planted, is the same every time, and leaves things that check out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tilth.evals.demo import demonstrate
from tilth.tools.document.card import verify_card
from tilth.tools.errors import Misuse


@pytest.mark.slow
def test_the_demo_finds_what_was_planted(tmp_path: Path) -> None:
    found = demonstrate(tmp_path / "a", rows=1500)
    for one in found.scores:
        assert one.false_alarms == 0, one
        if not one.decoy and one.recall is not None:
            assert one.recall >= 0.9, one
    assert {one.expected_step for one in found.scores if not one.decoy} == {
        "import", "filter.chat", "clean.unicode", "filter.rules", "dedup.exact", "dedup.near"}  # fmt: skip
    assert verify_card(found.export).holds
    assert found.card.read_text(encoding="utf-8").startswith("---")


@pytest.mark.slow
def test_the_demo_is_the_same_in_another_folder_and_when_repeated(tmp_path: Path) -> None:
    first = demonstrate(tmp_path / "a", rows=300)
    other = demonstrate(tmp_path / "b", rows=300, threads=1)
    again = demonstrate(tmp_path / "a", rows=300)
    assert first.scores == other.scores == again.scores
    assert first.ran["version"] == other.ran["version"] == again.ran["version"]
    files = [path.relative_to(first.export) for path in sorted(first.export.rglob("*")) if path.is_file()]
    assert files
    assert all((first.export / file).read_bytes() == (other.export / file).read_bytes() for file in files)
    assert again.ran["reused"] == 7


def test_a_demo_of_too_few_rows_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="--rows 100"):
        demonstrate(tmp_path / "a", rows=99)
    assert not (tmp_path / "a").exists()


def test_the_demo_leaves_other_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(Misuse, match="is not empty"):
        demonstrate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
