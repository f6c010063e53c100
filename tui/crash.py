"""What is written down when tilth itself is at fault."""

from __future__ import annotations

import platform
import sys
import tempfile
import traceback
from pathlib import Path


def write_log(error: BaseException) -> Path:
    """Write the traceback into the workspace's `.tilth/`, else into the folder for temporary files; -> where."""
    from .. import __version__

    text = "".join(
        [
            f"tilth {__version__}, Python {platform.python_version()}, {platform.platform()}\n",
            f"arguments: {sys.argv[1:]!r}\n\n",
            *traceback.format_exception(error),
        ]
    )
    for folder in (_state(), Path(tempfile.gettempdir())):
        if folder is None:
            continue
        try:
            with tempfile.NamedTemporaryFile(
                "w", dir=folder, prefix="crash-", suffix=".log", delete=False, encoding="utf-8", errors="replace"
            ) as file:
                file.write(text)
        except OSError:
            continue
        return Path(file.name)
    return Path("(no folder could be written to)")


def _state() -> Path | None:
    here = Path.cwd()
    found = [folder / ".tilth" for folder in (here, *here.parents) if (folder / ".tilth").is_dir()]
    return found[0] if found else None
