"""Cheap tests for answers that filter.rules may object to, so that its costly ones run on few rows.

It knows what every fault of an answer needs to have. Whether there is a fault, filter.rules' own profile
says.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from ...filter._faults import markers, refuses, stops_short
from ...filter._repetition import COPIES, FEWEST_WORDS, GRAM
from ...text.signals.prose import prose
from .seen import Said

LOOPED: Final = 0.3
"""The least share of an answer in loops that is looked for: the default of filter.rules' `max_looped`."""

_WORD: Final = re.compile(r"\w+")
_UNSPACED: Final = 20
"""Mean length of a word from which on filter.rules may read a text by character."""


def may_be_faulty(said: Said, speaker: str) -> bool:
    """False only for a row that breaks no rule of filter.rules' profile sft, refuses nothing and is not cut off."""
    last, response = -1, ""
    for role, text, kind, turn in said:
        if kind == "text" and turn >= 0:
            if "\ufffd" in text:
                return True
            if role == speaker:
                if ("<" in text or "[" in text or "#" in text) and markers(text):
                    return True
                if may_loop(text):
                    return True
                response = text if turn != last else f"{response}\n\n{text}"
                last = turn
        elif role == speaker and turn >= 0:
            last, response = turn, response if turn == last else ""
    return not response.strip() or refuses(response) or stops_short(response) or _may_echo(response, said)


def _may_echo(response: str, said: Said) -> bool:
    """An echo begins with the first word of a question."""
    opening = _first_word(response)
    return any(_first_word(text) == opening for role, text, kind, _ in said if role == "user" and kind == "text")


def _first_word(text: str) -> str:
    found = _WORD.search(text)
    return found.group().casefold() if found else ""


def may_loop(text: str) -> bool:
    """False only for a text of which less than LOOPED lies in loops: GRAM words that come again COPIES times.

    What a loop repeats is no first occurrence, so the different words of a looped text are at most 1 - LOOPED of it.
    A word of a loop comes COPIES times, so GRAM such words stand side by side, and some GRAM of them come again.
    """
    text = prose(text)
    words = text.split()
    if len(words) * _UNSPACED < len(text):
        characters = "".join(words)
        return _repeats([characters[i : i + GRAM] for i in range(len(characters) - GRAM + 1)])
    if len(words) < FEWEST_WORDS:
        return False
    if sum(map(len, set(words))) > (1 - LOOPED) * sum(map(len, words)):
        return False
    frequent = {word for word, count in Counter(words).items() if count >= COPIES}
    if b"\x01" * GRAM not in bytes(map(frequent.__contains__, words)):
        return False
    return _repeats(list(zip(*(words[i:] for i in range(GRAM)), strict=False)))


def _repeats(grams: Sequence[Any]) -> bool:
    return len(set(grams)) < len(grams)
