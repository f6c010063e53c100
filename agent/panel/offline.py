"""A reviewer without a model: measured signals of the texts, mapped to a rubric's questions.

It knows words, lengths and overlaps, and says so: it understands nothing of what a text means.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

from ...tools.panel import Rubric

FEWEST_WORDS: Final = 3
MOST_REPEATED: Final = 0.3
"""Share of three-word runs that stand in the text before."""
LEAST_OVERLAP: Final = 0.15
"""Share of the shorter text's content words that the other text shares."""

_WORD: Final = re.compile(r"\w+")
_REFUSAL: Final = re.compile(
    r"\b(?:as an ai\b|i(?:'m| am) sorry,? but\b|i (?:cannot|can't|am unable to|won't) (?:help|assist|answer|provide|comply))",
    re.IGNORECASE,
)
_LEFT_OVER: Final = re.compile(r"\{\{|\}\}|<\|[a-z_]+\|>|\bTODO\b|lorem ipsum|\[insert\b", re.IGNORECASE)
_WHOLE_END: Final = re.compile(r"[.!?。！？…:;)\]}>\"'”’`*|\d]\s*\Z")
_ABOUT: Final[Mapping[str, str]] = {
    "complet": "whole", "truncat": "whole", "finish": "whole", "length": "long_enough", "detail": "long_enough",
    "relevan": "overlaps", "ground": "overlaps", "faithful": "overlaps", "support": "overlaps", "correct": "overlaps",
    "accura": "overlaps", "follow": "overlaps", "clear": "varied", "clarity": "varied", "fluen": "varied",
    "read": "varied", "repet": "varied", "help": "answers", "refus": "answers", "safe": "answers", "clean": "tidy",
    "format": "tidy",
}  # fmt: skip
"""How a criterion's id begins, and the signal it stands for; any other is met when all signals are."""


def signals(shown: Mapping[str, str]) -> dict[str, bool]:
    """What can be measured of the last text, and of what it shares with those before it; True is good.

    A single text overlaps with itself.
    """
    texts = list(shown.values())
    text, before = texts[-1], "\n".join(texts[:-1])
    words = [word.casefold() for word in _WORD.findall(text)]
    return {
        "long_enough": len(words) >= FEWEST_WORDS,
        "varied": _repeated(words) <= MOST_REPEATED,
        "answers": _REFUSAL.search(text[:200]) is None,
        "tidy": _LEFT_OVER.search(text) is None,
        "whole": bool(_WHOLE_END.search(text)) or len(words) <= 12,
        "overlaps": not texts[:-1] or _overlap(words, [word.casefold() for word in _WORD.findall(before)]),
    }


def answers(rubric: Rubric, shown: Mapping[str, str]) -> dict[str, bool]:
    """Every question of the rubric, answered by the signal its id names, else by all of them together."""
    measured = signals(shown)
    return {
        one.id: next((measured[name] for begin, name in _ABOUT.items() if one.id.casefold().startswith(begin)),
                     all(measured.values()))
        for one in rubric.criteria
    }  # fmt: skip


def _repeated(words: list[str]) -> float:
    runs = Counter(zip(words, words[1:], words[2:], strict=False))
    return sum(count - 1 for count in runs.values()) / max(sum(runs.values()), 1)


def _overlap(words: list[str], before: list[str]) -> bool:
    """Do the texts share enough words of four letters or more? Texts with hardly any such words are not measured."""
    ours, theirs = ({word for word in some if len(word) > 3 or not word.isascii()} for some in (words, before))
    shorter = min(len(ours), len(theirs))
    return shorter < FEWEST_WORDS or len(ours & theirs) >= LEAST_OVERLAP * shorter
