"""The verb prompts: the list, one text, a copy to change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tilth.tui import cli

NAME = "synthesize/rephrase_easy"


@pytest.fixture
def tilth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """`tilth(*words) -> (exit code, stdout, stderr)` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        code = cli.main(list(words))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_the_list_and_one_text_need_no_workspace(tilth: Any) -> None:
    code, out, _ = tilth("prompts")
    assert code == 0 and NAME in out
    code, out, _ = tilth("prompts", NAME, "--json")
    line = json.loads(out.splitlines()[-1])
    assert code == 0 and line["text"] and line["sha"] in tilth("prompts", NAME)[1]


def test_a_copy_shadows_the_shipped_text(tilth: Any) -> None:
    tilth("init")
    code, out, _ = tilth("prompts", NAME, "--eject")
    assert code == 0 and "copied to" in out
    Path("prompts", f"{NAME}.md").write_text("Mine.\x1b[2J")
    line = json.loads(tilth("prompts", "--json")[1].splitlines()[-1])
    assert [one["name"] for one in line["prompts"] if one["shadowed"]] == [NAME]
    shown = tilth("prompts", NAME)[1]
    assert "Mine." in shown and "\x1b" not in shown
    code, _, err = tilth("prompts", NAME, "--eject")
    assert code == 2 and "there already" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("synthesize/refrase",), "Nearest: synthesize/re"),
        (("--eject",), "wants a prompt's name"),
        ((NAME, "--eject"), "no workspace"),
    ],
)
def test_what_cannot_be_done_is_said(tilth: Any, words: tuple[str, ...], said: str) -> None:
    code, _, err = tilth("prompts", *words)
    assert code == 2 and said in err
