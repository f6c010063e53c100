"""Workspaces that were opened before, newest first, for the first screen. It knows one small file in the user's state."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Final

KEPT: Final = 10


def recent() -> list[Path]:
    """Workspaces that still exist."""
    try:
        listed = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    paths = [Path(one) for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    return [path for path in paths if (path / ".tilth").is_dir()]


def remember(root: Path) -> None:
    """Put a workspace at the head of the list; where that cannot be written, nothing is remembered."""
    file = _file()
    listed = [str(root), *[str(path) for path in recent() if path != root]][:KEPT]
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(listed, ensure_ascii=False), encoding="utf-8")


def _file() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "tilth" / "recent.json"
