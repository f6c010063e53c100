"""The signals of the web rules as plain functions over one text: slow, obvious, and the oracle of rule_signals.

It shares nothing with the kernel but the sets of characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tilth.tools.text.signals.pages import PUNCTUATION, TERMINALS

Signals = dict[str, Any]
Gram = tuple[str, ...]

STOP = {"the", "be", "to", "of", "and", "that", "have", "with"}
POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")


def tokens(text: str) -> list[str]:
    """Words with the punctuation apart, character by character."""
    found: list[str] = []
    for i, character in enumerate(text):
        if character.isspace():
            continue
        before = text[i - 1 : i] if i else ""
        glued = bool(before) and (
            (_inner(text, i) and _inner(text, i - 1) and not _apostrophe(text, i))
            or (character == before in (".", "-"))
        )
        if glued:
            found[-1] += character
        else:
            found.append(character)
    return found


def _word(text: str, i: int) -> bool:
    return 0 <= i < len(text) and (text[i].isalnum() or text[i] == "_")


def _apostrophe(text: str, i: int) -> bool:
    return text[i] in "'’" and _word(text, i - 1) and i + 1 < len(text) and text[i + 1].isalpha()


def _inner(text: str, i: int) -> bool:
    """Is the character at i part of a word, by itself or by its neighbours?"""
    if _word(text, i) or _apostrophe(text, i):
        return True
    if not (_word(text, i - 1) and _word(text, i + 1)):
        return False
    before, after = text[i - 1].isalpha(), text[i + 1].isalpha()
    return (
        text[i] in ".&@"
        or (text[i] == "," and not (before and after))
        or (text[i] in "/:=<>" and not after)
        or (text[i] == "-" and before != after)
    )


def share(part: float, whole: float) -> float:
    return part / max(whole, 1)


def repeated(parts: Sequence[str]) -> tuple[int, int]:
    seen: set[str] = set()
    count = characters = 0
    for part in parts:
        if part in seen:
            count, characters = count + 1, characters + len(part)
        seen.add(part)
    return count, characters


def repetition(text: str) -> Signals:
    paragraphs, lines = re.split(r"\n{2,}", text.strip()), re.split(r"\n+", text)
    paragraph, line = repeated(paragraphs), repeated(lines)
    return {
        "dup_paragraphs": paragraph[0] / len(paragraphs),
        "dup_paragraph_characters": share(paragraph[1], len(text)),
        "dup_lines": line[0] / len(lines),
        "dup_line_characters": share(line[1], len(text)),
    }


def grams(words: Sequence[str], n: int) -> list[Gram]:
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def common(text: str, words: Sequence[str]) -> Signals:
    lines = text.splitlines()
    return {
        "characters": len(text),
        "hashes_per_word": share(text.count("#"), len(words)),
        "ellipses_per_word": share(text.count("...") + text.count("…"), len(words)),
        "bullet_lines": share(sum(line.lstrip().startswith(("•", "-")) for line in lines), len(lines)),
        "ellipsis_lines": share(sum(line.rstrip().endswith(("...", "…")) for line in lines), len(lines)),
        "alpha_words": share(sum(any(map(str.isalpha, word)) for word in words), len(words)),
        **repetition(text),
    }


def gopher_of_datatrove(text: str, words: Sequence[str] | None = None) -> Signals:
    words = tokens(text) if words is None else words
    solid = [word for word in words if any(character not in PUNCTUATION for character in word)]
    found: Signals = {
        "words": len(solid),
        "mean_word_length": share(sum(map(len, solid)), len(solid)),
        "stop_words": len(STOP & set(words)),
        **common(text, words),
    }
    for n in (2, 3, 4):
        most = Counter(grams(words, n)).most_common(1)
        found[f"top_{n}_grams"] = share(len(" ".join(most[0][0])) * most[0][1], len(text)) if most else 0.0
    for n in range(5, 11):
        seen: set[Gram] = set()
        characters = i = 0
        while i <= len(words) - n:
            gram = tuple(words[i : i + n])
            if gram in seen:
                characters += sum(map(len, gram))
                i += n
            else:
                seen.add(gram)
                i += 1
        found[f"dup_{n}_grams"] = share(characters, len(text))
    return found


def gopher_of_paper(text: str) -> Signals:
    words = text.split()
    total = sum(map(len, words))
    spelled = {spelling: word for word in STOP for spelling in (word, word.title(), word.upper())}
    found: Signals = {
        "words": len(words),
        "mean_word_length": share(total, len(words)),
        "stop_words": len({spelled[word] for word in words if word in spelled}),
        **common(text, words),
    }

    def covered(starts: Sequence[int], n: int) -> float:
        inside = {place for start in starts for place in range(start, start + n)}
        return share(sum(len(words[place]) for place in inside), total)

    for n in range(2, 11):
        all_grams = grams(words, n)
        most = Counter(all_grams).most_common(1)
        if n <= 4:
            top = most[0][0] if most and most[0][1] > 1 else None
            found[f"top_{n}_grams"] = covered([i for i, gram in enumerate(all_grams) if gram == top], n)
        else:
            first: dict[Gram, int] = {}
            again = [i for i, gram in enumerate(all_grams) if first.setdefault(gram, i) < i]
            found[f"dup_{n}_grams"] = covered(again, n)
    return found


def sentences(words: Sequence[str]) -> int:
    count, ended = 1, False
    for word in words:
        ends = word in TERMINALS
        punctuation = all(unicodedata.category(character)[0] == "P" for character in word)
        if ended and not ends and not punctuation:
            count, ended = count + 1, False
        ended = ended or ends
    return count


def c4(text: str, words_of: Callable[[str], Sequence[str]] = tokens) -> Signals:
    found: Signals = {}
    for prefix, punctuated in (("", True), ("unpunctuated_", False)):
        reason, count = c4_lines(text, punctuated, words_of)
        found[f"{prefix}sentences"] = count
        found[f"{prefix}lorem_ipsum"] = reason == "lorem_ipsum"
        found[f"{prefix}curly_bracket"] = reason == "curly_bracket"
    return found


def c4_lines(text: str, punctuated: bool, words_of: Callable[[str], Sequence[str]]) -> tuple[str, int]:
    count = 0
    for whole in text.splitlines():
        stripped = whole.strip()
        words = stripped.split()
        if any(len(word) > 1000 for word in words):
            continue
        line = CITATION.sub("", stripped)
        if punctuated and (not line.endswith((".", "?", "!", '"', "'")) or line.endswith("...")):
            continue
        if len(words) < 3:
            continue
        lowered = line.lower()
        if "lorem ipsum" in lowered:
            return "lorem_ipsum", 0
        if "javascript" in lowered:
            continue
        if "{" in line:
            return "curly_bracket", 0
        if not any(piece in lowered for piece in POLICY):
            count += sentences(words_of(line))
    return "", count


def fineweb(text: str, words: Sequence[str] | None = None) -> Signals:
    words = tokens(text) if words is None else words
    lines = [line for line in text.split("\n") if line.strip()]
    return {
        "lines": len(lines),
        "punctuated_lines": share(sum(line.endswith(tuple(TERMINALS)) for line in lines), len(lines)),
        "short_lines": share(sum(len(line) <= 30 for line in lines), len(lines)),
        "dup_characters": share(repeated(lines)[1], len(text.replace("\n", ""))),
        "newlines_per_word": share(text.count("\n"), len(words)),
    }


PROFILES = {
    "gopher@paper": gopher_of_paper,
    "gopher@datatrove": gopher_of_datatrove,
    "c4": c4,
    "fineweb": fineweb,
}
