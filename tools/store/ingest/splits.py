"""Which split a name speaks of.

It knows the words that data hubs look for in file names; it reads no file.
"""

from __future__ import annotations

import re
from typing import Final

SPLIT_WORDS: Final = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "validate": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}

_PART = re.compile(r"[a-z]+")


def split_of(name: str) -> str | None:
    """`oos_val` -> validation, `train-00001` -> train; None when no part of the name, or several, say one."""
    found = {SPLIT_WORDS[part] for part in _PART.findall(name.lower()) if part in SPLIT_WORDS}
    return found.pop() if len(found) == 1 else None
