"""The person's own editor for one message. It knows $VISUAL, $EDITOR and a temporary file."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from ...agent.events import Noticed

if TYPE_CHECKING:
    from textual.app import App


def edited(app: App[object], text: str) -> str | Noticed:
    """The text as the editor leaves it, or why there is none."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not command:
        return Noticed("No editor is named: set EDITOR, for example EDITOR=nano.", "warning")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "message.md"
        path.write_text(text, encoding="utf-8")
        try:
            with app.suspend():
                done = subprocess.run([*shlex.split(command), str(path)], check=False)
        except SuspendNotSupported:
            return Noticed("This terminal cannot make way for an editor.", "warning")
        except (OSError, ValueError) as error:
            return Noticed(f"{command} could not be started: {error}", "warning")
        if done.returncode:
            return Noticed(f"{command} ended with {done.returncode}; the message is as it was.", "warning")
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\n")
