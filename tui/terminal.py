"""What the terminal can do: width, colour, redrawing a line. Pipes can do none of it.

It knows environment variables and file descriptors. It does not know what is printed.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import Final, TextIO

NARROWEST: Final = 60
WIDEST: Final = 200
_STYLES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


@dataclass(frozen=True)
class Terminal:
    """`colour`: may be painted. `live`: a line may be redrawn. `linear`: one thing after another, nothing beside it."""

    columns: int = 100
    colour: bool = False
    live: bool = False
    linear: bool = False

    def paint(self, text: str, style: str) -> str:
        """The text in bold, dim, red, green or yellow, where colours are shown."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour else text


def terminal_of(stream: TextIO, *, plain: bool = False) -> Terminal:
    """What `stream` can show, by NO_COLOR (no-color.org), TERM, COLUMNS and whether it is a terminal."""
    is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    columns = shutil.get_terminal_size((100, 24)).columns
    return Terminal(
        columns=min(max(columns, NARROWEST), WIDEST),
        colour=is_terminal and not plain and not os.environ.get("NO_COLOR"),
        live=is_terminal and not plain and not os.environ.get("CI"),
        linear=plain,
    )
