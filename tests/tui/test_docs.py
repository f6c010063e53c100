"""Generated pages are what the code says, and the README's commands run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tilth.evals.planted.chat import generate
from tilth.tui import docs
from tilth.tui.line.grammar import VERBS

README = (docs.repository() / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_generated_pages_are_up_to_date() -> None:
    assert docs.check(docs.repository()) is None


def test_every_command_has_its_page() -> None:
    page = docs.cli_page()
    for verb in VERBS:
        assert (f"## tilth {verb.name}\n" in page) is not verb.hidden


def test_the_first_difference_is_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("no blocks\n")
    assert docs.check(tmp_path) == "docs/tools.md does not exist."
    assert docs.write(tmp_path) == ["docs/tools.md", "docs/cli.md"]
    assert docs.check(tmp_path) is None
    page = tmp_path / "docs/cli.md"
    page.write_text(page.read_text().replace("# Command line", "# Commands"))
    assert docs.check(tmp_path) == "docs/cli.md:1 is '# Commands' and would be '# Command line'."


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment in which `tilth` and `python` are these ones; its folder holds chats.jsonl."""
    (tmp_path / docs.SAMPLE).write_bytes(generate(docs.SAMPLE_SEED, docs.SAMPLE_ROWS).jsonl)
    binaries = tmp_path / "bin"
    binaries.mkdir()
    tilth = binaries / "tilth"
    tilth.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tilth.tui.cli "$@"\n')
    tilth.chmod(0o755)
    return {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}


@pytest.mark.slow
def test_the_readme_runs_as_it_stands(tmp_path: Path, shell: dict[str, str]) -> None:
    for language, block in re.findall(r"```(sh|python)\n(.*?)```", README, re.DOTALL):
        if language == "sh":
            command = ["bash", "-euo", "pipefail", "-c", block]
        elif "@tilth.filter" in block:
            (tmp_path / "my_tools.py").write_text(block)
            command = ["tilth", "tools", "check", "my_tools.py"]
        else:
            command = [sys.executable, "-c", block]
        done = subprocess.run(command, cwd=tmp_path, env=shell, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (block, done.stderr[-2000:])
    (tmp_path / "tilth.toml").write_text('[tools]\nload = ["my_tools.py"]\n')
    command = ["tilth", "do", "my.too_many_turns", "chats"]
    done = subprocess.run(command, cwd=tmp_path, env=shell, capture_output=True, text=True, check=True)
    assert "too_many_turns" in done.stdout
