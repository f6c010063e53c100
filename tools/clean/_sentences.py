"""The first and the last sentence of a text, and patterns that a whole sentence may match.

It knows English punctuation. It does not know which sentences are boilerplate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 300
"""Characters of a sentence that is compared; longer ones match nothing."""

_END: Final = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?=\s|\Z)|:(?=\s*\n|\s*\Z)|\n")
_SPOKEN: Final = re.compile(r"[^\W\d_]")


def first_sentence(text: str) -> tuple[int, int]:
    """[start, end) of the first sentence without the space around it; a colon at the end of a line ends one too."""
    start = len(text) - len(text.lstrip())
    found = _END.search(text, start)
    end = found.end() if found else len(text)
    return start, start + len(text[start:end].rstrip())


def last_sentence(text: str) -> tuple[int, int]:
    """[start, end) of the last sentence without the space around it."""
    stop = len(text.rstrip())
    start = 0
    for found in _END.finditer(text, max(0, stop - LONGEST - 1), stop):
        if _SPOKEN.search(text, found.end(), stop):
            start = found.end()
    return start + len(text[start:stop]) - len(text[start:stop].lstrip()), stop


def pattern(sentences: Iterable[str]) -> re.Pattern[str]:
    """Matches a `plain` sentence that is one of the given ones; `*` stands for any words, none included."""
    told = [r"\S.*".join(map(re.escape, plain(one).split("*"))) for one in sentences]
    return re.compile("|".join(told), re.DOTALL)


def plain(sentence: str) -> str:
    """A sentence as it is compared: lower case, straight quotes, single spaces, no mark at its end but a colon."""
    told = sentence.replace("’", "'").replace("‘", "'").casefold()
    return " ".join(told.split()).rstrip(".!?…*_\"' ").lstrip("*_\"' ") if "*" not in sentence else told
