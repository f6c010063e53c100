"""Which files a model's call may touch: what lies in the workspace, and what the person has named in this session.

It knows paths and the person's words. Text of rows and of piped input names nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from ...tools.errors import Retry

_WORD = re.compile(r"""[^\s"'`<>(),;]+""")


def within(wanted: str, root: Path, said: Iterable[str], *, only_named: bool = False) -> Path:
    """The path, absolute. A relative one is meant from the workspace's folder. Hidden files and `tilth.toml` are reached
    by a person's word only, as is everything with `only_named`. Raises Retry."""
    path = Path(wanted).expanduser()
    real = Path(os.path.realpath(path if path.is_absolute() else root / path))
    home = Path(os.path.realpath(root))
    inside = real.is_relative_to(home) and real != home
    parts = real.relative_to(home).parts if inside else ()
    open_to_all = inside and not any(part.startswith(".") for part in parts) and parts != ("tilth.toml",)
    if open_to_all and not only_named:
        return real
    if any(real == named or real.is_relative_to(named) for named in _named(root, said)):
        return real
    raise Retry(
        f"{wanted!r} was not named by the person, and lies outside what may be touched.",
        next_step="Ask the person to name the path.",
    )


def _named(root: Path, said: Iterable[str]) -> Iterable[Path]:
    """Every word of the person that reads as a path, from the current folder and from the workspace's."""
    for text in said:
        for word in _WORD.findall(text):
            word = word.rstrip(".:!?")
            if "/" in word or "." in word:
                for base in (Path.cwd(), root):
                    real = Path(os.path.realpath(base / Path(word).expanduser()))
                    if real not in (Path("/"), Path(os.path.realpath(Path.home())), Path(os.path.realpath(root))):
                        yield real
