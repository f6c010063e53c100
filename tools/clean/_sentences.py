"""The first and the last sentence of a text, and patterns that a whole sentence may match.

It knows English punctuation. It does not know which sentences are boilerplate.
"""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 300
"""Characters of a sentence that is compared; longer ones match nothing."""

_END: Final = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?=\s|\Z)|:(?=[^\S\n]*\n)|\n")
_LETTER: Final = re.compile(r"[^\W\d_]")
_OUTSIDE: Final = re.compile(r"^\W+|\W+$")


def first_sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """[start, end) of the first sentence of text[start:end], the space around it left out.

    A sentence also ends with its line, and with a colon at the end of a line.
    """
    start = end - len(text[start:end].lstrip())
    found = _END.search(text, start, min(end, start + LONGEST + 1))
    end = found.end() if found else end
    return start, start + len(text[start:end].rstrip())


def last_sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """[start, end) of the last sentence of text[start:end] that holds a letter, the space around it left out."""
    end = start + len(text[start:end].rstrip())
    begin = start
    for found in _END.finditer(text, max(start, end - LONGEST - 1), end):
        if _LETTER.search(text, found.end(), end):
            begin = found.end()
    return end - len(text[begin:end].lstrip()), end


def plain(sentence: str) -> str:
    """A sentence as it is compared: lower case, straight quotes, single spaces, and of the marks around it only a
    colon at its end; "" for one longer than LONGEST."""
    if len(sentence) > LONGEST:
        return ""
    told = " ".join(_OUTSIDE.sub("", sentence.replace("’", "'").casefold()).split())
    return told + ":" if told and sentence.rstrip().endswith(":") else told


class Pattern:
    """A sentence in which `*` stands for any characters, none included; marks around it are not compared."""

    def __init__(self, sentence: str) -> None:
        parts = sentence.replace("’", "'").casefold().split("*")
        parts[0] = re.sub(r"^\W+", "", parts[0])
        if not parts[-1].endswith(":"):
            parts[-1] = re.sub(r"[\s.!?…]+$", "", parts[-1])
        self.parts = [re.sub(r"\s+", " ", part) for part in parts]

    @property
    def empty(self) -> bool:
        return not any(map(str.strip, self.parts))

    def matches(self, told: str) -> bool:
        """Whether a `plain` sentence matches as a whole; in linear time whatever the pattern."""
        first, *middle, last = self.parts if len(self.parts) > 1 else (self.parts[0], "")
        if len(self.parts) == 1:
            return told == first
        if not told.startswith(first):
            return False
        at = len(first)
        for part in middle:
            found = told.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        return len(told) - len(last) >= at and told.endswith(last)
