"""The prose of a text: what is left when code is taken out, since code may quote what would be a fault
elsewhere.

It knows Markdown's fences and backticks. It does not know languages or indented code.
"""

from __future__ import annotations

import re
from typing import Final

_CODE: Final = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`", re.DOTALL)


def prose(text: str) -> str:
    """The text with fenced blocks and backticks blanked out; every other character keeps its place."""
    if "`" not in text and "~~~" not in text:
        return text
    return _CODE.sub(lambda found: " " * len(found.group()), text)
