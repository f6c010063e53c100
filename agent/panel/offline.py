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
SHORT: Final = 12
"""A text of so few words may be a label or a name, which ends without a full stop."""
LEAST_OVERLAP: Final = 0.15
"""Share of the shorter text's content words that the other text shares."""

_WORD: Final = re.compile(r"\w+")
_REFUSAL: Final = re.compile(
    r"\b(?:as an ai\b|i(?:'m| am) sorry,? but\b|i (?:cannot|can't|am unable to|won't) (?:help|assist|answer|provide|comply))",
    re.IGNORECASE,
)
_LEFT_OVER: Final = re.compile(r"\{\{|\}\}|<\|[a-z_]+\|>|\bTODO\b|lorem ipsum|\[insert\b", re.IGNORECASE)
_WHOLE_END: Final = re.compile(r"[.!?。！？…:;)\]}>\"'”’`*|\d]\s*\Z")
_JUDGED: Final = ("response", "answer", "rephrased", "text")
"""The labels of what is judged, the rest being what it is judged by; without any of them it is the last text."""
_ABOUT: Final[Mapping[str, str]] = {
    "complet": "whole", "truncat": "whole", "finish": "whole", "length": "long_enough", "detail": "long_enough",
    "relevan": "overlaps", "ground": "overlaps", "faithful": "overlaps", "support": "overlaps", "correct": "overlaps",
    "accura": "overlaps", "follow": "overlaps", "clear": "varied", "clarity": "varied", "fluen": "varied",
    "natural": "varied", "read": "varied", "repet": "varied", "help": "answers", "useful": "answers", "refus": "answers",
    "safe": "answers", "clean": "tidy", "format": "tidy", "style": "tidy",
}  # fmt: skip
"""How a criterion's id begins, and the signal it stands for; any other is met when all signals are."""


def signals(shown: Mapping[str, str]) -> dict[str, bool]:
    """What can be measured of the text that is judged, and of what it shares with the others; True is good.

    A single text is compared with nothing.
    """
    judged = next((label for label in _JUDGED if label in shown), list(shown)[-1])
    text, others = shown[judged], [other for label, other in shown.items() if label != judged]
    words, theirs = ([word.casefold() for word in _WORD.findall(some)] for some in (text, "\n".join(others)))
    return {
        "long_enough": len(words) >= FEWEST_WORDS,
        "varied": _repeated(words) <= MOST_REPEATED,
        "answers": _REFUSAL.search(text[:200]) is None,
        "tidy": _LEFT_OVER.search(text) is None,
        "whole": bool(_WHOLE_END.search(text)) or len(words) <= SHORT,
        "overlaps": not others or _overlap(words, theirs),
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
