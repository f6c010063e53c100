"""The prose of a text: what is left when code is taken out, since code may quote what would be a fault
elsewhere.

It knows Markdown's fences and backticks. It does not know languages or indented code.
"""

from __future__ import annotations

import re
from typing import Final

_FENCES: Final = r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)"
_FENCED: Final = re.compile(_FENCES, re.DOTALL)
_CODE: Final = re.compile(_FENCES + r"|`[^`\n]+`", re.DOTALL)


def prose(text: str) -> str:
    """The text with fenced blocks and backticks blanked out; every other character keeps its place."""
    if "`" not in text and "~~~" not in text:
        return text
    return _CODE.sub(lambda found: " " * len(found.group()), text)


def fenced(text: str) -> list[tuple[int, int]]:
    """[start, end) of each fenced block, its fences included; one that is left open ends with the text."""
    if "```" not in text and "~~~" not in text:
        return []
    return [found.span() for found in _FENCED.finditer(text)]
