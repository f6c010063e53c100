"""What a text mentions that a rewriting of it must keep: figures, dates, times, addresses on the web, names.

It knows surface forms, and English sentences best: names are capitalised words that do not merely open a sentence. In a
text where more than a third of the other words are capitalised (German, titles) that tells nothing, and only acronyms
and words with capitals or digits inside count as names.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple

CAPITALISED: Final = 1 / 3
FEWEST: Final = 8
"""Words that are counted at least, so that one name in a short text does not make capitals meaningless."""

_WEB: Final = re.compile(
    r"(?:https?://|www\.)[^\s<>\"]*[^\s<>\".,;:!?)\]'’]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE
)
_FIGURE: Final = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,4}[/.]\d{1,2}[/.]\d{1,4}|\d{1,2}:\d{2}(?::\d{2})?|\d+(?:[.,]\d+)*")
_WORD: Final = re.compile(r"[^\W_]+(?:[-'’.&][^\W_]+)*")
_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_OPENS: Final = re.compile(r"(?:^|[.!?…:\n])[\s\"'“”‘’(\[*_#>•-]*$|^\s*\d+[.)]\s*$")
_OWNER: Final = re.compile(r"['’]s?$")
_PARTICLES: Final = frozenset((
    "a", "an", "the", "this", "that", "these", "those", "in", "on", "at", "by", "of", "for", "from", "to", "with", "as",
    "and", "or", "but", "if", "when", "while", "after", "before", "since", "he", "she", "it", "we", "they", "you", "his",
    "her", "its", "our", "their", "my", "your", "there", "here", "what", "which", "who", "how", "why", "where", "not",
    "no", "yes",
))  # fmt: skip


class Mention(NamedTuple):
    """One mention: text[start:end], and how it is compared."""

    kind: str  # "figure", "web", "name"
    key: str
    start: int
    end: int


@dataclass(frozen=True)
class Lost:
    """What a rewriting lacks, as the source has it."""

    figures: tuple[str, ...]
    names: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.figures or self.names)


def mentions(text: str) -> list[Mention]:
    """Every mention, in reading order; the words of a name are mentions of their own."""
    found = [Mention("web", match[0], *match.span()) for match in _WEB.finditer(text)]
    rest = _without_web(text)
    found += [Mention("figure", _figure(match[0]), *match.span()) for match in _FIGURE.finditer(rest)]
    words = [(match, _opens_sentence(text, match.start())) for match in _WORD.finditer(rest)]
    inner = [match[0] for match, opens in words if not opens and not _is_self(match[0])]
    telling = sum(word[0].isupper() for word in inner) <= CAPITALISED * max(len(inner), FEWEST)
    for i, (match, opens) in enumerate(words):
        following = words[i + 1][0] if i + 1 < len(words) else None
        if _is_name(text, match, opens, telling, following):
            found.append(Mention("name", _named(match[0]), *match.span()))
    return sorted(found, key=lambda one: (one.start, one.end, one.kind))


def lost(source: str, made: str) -> Lost:
    """Figures and web addresses of the source that `made` holds less often, and names it does not hold at all."""
    there = Counter(one.key for one in mentions(made) if one.kind != "name")
    told = mentions(source)
    figures: list[str] = []
    for one in told:
        if one.kind == "name":
            continue
        there[one.key] -= 1
        if there[one.key] < 0:
            figures.append(source[one.start : one.end])
    held = {_named(match[0]) for match in _WORD.finditer(_without_web(made))}
    names = [source[one.start : one.end] for one in told if one.kind == "name" and one.key not in held]
    return Lost(tuple(figures), tuple(dict.fromkeys(names)))


def _without_web(text: str) -> str:
    """The text with addresses blanked out; every other character keeps its place."""
    return _WEB.sub(lambda match: " " * len(match[0]), text)


def _figure(text: str) -> str:
    return text.replace(",", "") if _GROUPED.fullmatch(text) else text


def _named(word: str) -> str:
    return _OWNER.sub("", word).casefold()


def _is_self(word: str) -> bool:
    return re.split("['’]", word, maxsplit=1)[0] == "I"


def _opens_sentence(text: str, at: int) -> bool:
    return _OPENS.search(text[max(at - 12, 0) : at]) is not None


def _is_name(text: str, match: re.Match[str], opens: bool, telling: bool, following: re.Match[str] | None) -> bool:
    word = _OWNER.sub("", match[0])
    if not word or _is_self(word):
        return False
    letters = [character for character in word if character.isalpha()]
    if len(letters) > 1 and any(character.isupper() for character in letters[1:]):
        return True
    if not telling or not word[0].isupper():
        return False
    if not opens:
        return True
    beside = following is not None and text[match.end() : following.start()] == " " and following[0][0].isupper()
    return beside and word.casefold() not in _PARTICLES
