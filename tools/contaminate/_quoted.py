"""Which words of a question are a quotation: who shares only those shares a public text, not the item."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from ..text.align import Words

_QUOTATION: Final = re.compile(r'"[^"\n]{20,}"|“[^“”]{20,}”|«[^«»]{20,}»|„[^“”„]{20,}[“”]')
MOST: Final = 0.9
"""A text that is nearly all in quotation marks is not a quotation inside something."""


def quoted(text: str, words: Words) -> np.ndarray:
    """For each word: does it lie between quotation marks, some 20 characters or more apart?"""
    inside = np.zeros(len(words), bool)
    start, end = np.array(words.start, np.int64), np.array(words.end, np.int64)
    for match in _QUOTATION.finditer(text):
        inside |= (start >= match.start()) & (end <= match.end())
    return np.zeros(len(words), bool) if inside.mean() > MOST else inside
