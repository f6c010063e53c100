"""tilth.toml: one model may stand without a list, and a fault stops only what needs the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tilth.agent.config import read_config
from tilth.agent.events import Noticed
from tilth.agent.workspace import Workspace
from tilth.tools.errors import Misuse

BROKEN = '[roles]\ngenerator = 3\n[tools]\nload = ["my_tools.py"]\n'


def test_one_model_needs_no_list(tmp_path: Path) -> None:
    (tmp_path / "tilth.toml").write_text('[roles]\ngenerator = "offline:"\nreviewer = ["offline:", "offline:"]\n')
    assert read_config(tmp_path).roles == {"generator": ["offline:"], "reviewer": ["offline:", "offline:"]}


@pytest.mark.parametrize("text", ["[roles]\ngenerator = 3\n", '[roles]\ngenerater = "offline:"\n'])
def test_a_role_that_is_wrong_is_shown_how(tmp_path: Path, text: str) -> None:
    (tmp_path / "tilth.toml").write_text(text)
    with pytest.raises(Misuse, match=r"roles\.generat.* As in: generator = \[.*the roles are generator, reviewer"):
        read_config(tmp_path)


def test_a_fault_is_told_and_stops_only_what_needs_the_file(tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text("".join(json.dumps({"text": f"note {i % 3}"}) + "\n" for i in range(6)))
    (tmp_path / "tilth.toml").write_text(BROKEN)
    heard: list[object] = []
    with Workspace(tmp_path, listener=heard.append) as workspace:
        (noticed,) = heard
        assert isinstance(noticed, Noticed) and noticed.level == "warning"
        assert "roles.generator" in noticed.text and "own tools are not loaded" in noticed.text
        workspace.add(tmp_path / "notes.jsonl")
        workspace.do("dedup.exact", "notes")
        assert [one.rows for one in workspace.datasets()] == [3]
        assert workspace.drops("notes")[0][0].dropped == {"exact_duplicate": 3}
        assert not workspace.why("notes.jsonl:4").live
        with pytest.raises(Misuse, match=r"roles\.generator"):
            workspace.do("synthesize.rows", "notes", strategy="few_shot", into="more", n=2)
