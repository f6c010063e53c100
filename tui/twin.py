"""A slash command as its twin on the command line, run here: what `tilth …` would print, as lines.

It knows the command line. What a slash command means is known in `agent/commands`.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from .plain import PlainFace
from .terminal import Terminal


def run(words: Sequence[str], folder: Path, terminal: Terminal) -> tuple[list[str], int]:
    """Run `tilth WORDS` on the workspace in `folder`; -> (lines for people, exit code). Nothing is raised."""
    from . import cli

    out, narration = io.StringIO(), io.StringIO()
    face = PlainFace(out, narration, screen=terminal, narrator=Terminal(terminal.columns, linear=True), quiet=True)
    code = cli.run([*words, "--workspace", str(folder)], face)
    return [*narration.getvalue().splitlines(), *out.getvalue().splitlines()], code
