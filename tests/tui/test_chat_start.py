"""`tilth chat` on a terminal: a name that is wrong is refused before the screen opens."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

FULL_SCREEN = b"\x1b[?1049h"


def on_a_terminal(folder: Path, *words: str) -> tuple[int, bytes]:
    """Run tilth with a terminal on all three streams, until it ends or takes the whole screen."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tilth.tui.cli", *words],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env={**os.environ, "TERM": "xterm-256color"},
    ) as process:  # fmt: skip
        os.close(theirs)
        said = b""
        try:
            while FULL_SCREEN not in said and (more := os.read(ours, 65_536)):
                said += more
        except OSError:  # the other side is closed
            pass
        if FULL_SCREEN in said:
            process.kill()
        code = process.wait()
    os.close(ours)
    return code, said


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["chat", "ticket"], b"Nearest: tickets"),
        (["chat", "tickets@later"], b"'tilth log tickets'"),
        (["chat", "tickets.json"], b"tickets.jsonl"),
        (["chat", "tickets", "--resume", "19990101"], b"'tilth sessions'"),
    ],
    ids=["dataset", "tag", "file", "conversation"],
)
@pytest.mark.slow
def test_what_is_not_there_is_refused_before_the_screen_opens(prepared: Path, words: list[str], nearest: bytes) -> None:
    code, said = on_a_terminal(prepared, *words)
    assert code == 2
    assert FULL_SCREEN not in said
    assert nearest in said


@pytest.mark.slow
def test_what_is_there_opens_the_screen(prepared: Path) -> None:
    _, said = on_a_terminal(prepared, "chat", "tickets")
    assert FULL_SCREEN in said
