"""A slash command as its twin on the command line, run here: what `tilth …` would print, as lines.

It knows the command line. What a slash command means is known in `agent/commands`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..agent.events import Event, Listener, nobody
from .faces.plain import PlainFace
from .terminal import Terminal

if TYPE_CHECKING:
    from ..agent.acting.spending import Estimate

    Agree = Callable[[Estimate], bool]


class _Overheard(PlainFace):
    """A face whose events somebody else hears too, while they happen."""

    heard: Listener = staticmethod(nobody)
    agree: Agree | None = None

    def listener(self, event: Event) -> None:
        self.heard(event)
        super().listener(event)


def run(
    words: Sequence[str],
    folder: Path,
    terminal: Terminal,
    listener: Listener = nobody,
    agree: Agree | None = None,
) -> tuple[list[str], int]:
    """Run `tilth WORDS` on the workspace in `folder`; -> (lines for people, exit code). Nothing is raised.

    `listener` hears what happens while it happens; `agree` is asked, in this thread, before models are.
    """
    from . import cli

    out, narration = io.StringIO(), io.StringIO()
    face = _Overheard(out, narration, screen=terminal, narrator=Terminal(terminal.columns, linear=True), quiet=True)
    face.heard, face.agree = listener, agree
    code = cli.run([*words, "--workspace", str(folder)], face)
    return [*narration.getvalue().splitlines(), *out.getvalue().splitlines()], code
