"""Checks of a draft that need no model, made before a judge is paid.

It knows texts by the labels under which judges are shown them. A gate gives a code and a sentence, or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ..filter._faults import MARKERS, refuses
from ..panel import Candidate, Gate, Rejected, Task
from ..text.mentions import lost

LONGEST: Final = 20_000
"""Characters of a made text, unless a strategy says otherwise."""

COPIED_WORDS: Final = 5
COPIED: Final = 0.5

_PREAMBLE: Final = re.compile(
    r"\A\s*(?:(?:sure|certainly|of course|absolutely|okay|ok|great|gladly)\b[^\n:]{0,40}?[,.!]?\s+)?"
    r"(?:here(?:['’]s| is| are)|below (?:is|are)|the following is|this is (?:a|an|the|my))\b[^\n:.!?]{0,160}:[ \t]*\n*"
    r"|\A\s*(?:sure|certainly|of course|absolutely)(?: thing)?\s*[!,.:]+\s*(?:\n+|(?=[A-Z]))",
    re.IGNORECASE,
)
_MADE: Final = r"(?:refined|revised|rewritten|improved|updated|generated|paraphrased|rephrased|draft)"
_PART: Final = (
    r"(?:instruction|question|query|prompt|task|input|output|response|answer|reply|text|paraphrase|rewrite|passage"
    r"|user|human|assistant|system|ai)"
)
_NUMBER: Final = r"(?:\s*(?:#?\d+|[a-c]))?"
_SCAFFOLD: Final = re.compile(
    rf"\A\s*(?:(?:[>*_\[(\"'`-]+\s*)?(?:{_MADE}\s+)?{_PART}{_NUMBER}\s*[*_\])\"'`]*\s*:"  # Instruction: …
    rf"|#+\s*(?:{_MADE}\s+)?{_PART}{_NUMBER}\s*:[ \t]*(?:\n|\Z)"  # a heading of a template, with its colon
    rf"|[#>*_\[(]+\s*{_MADE}\s+(?:{_PART}|version){_NUMBER}\s*[*_\])#:]*[ \t]*(?:\n|\Z)"  # ## Refined instruction
    r"|(?:\*{2,}|-{3,}|_{3,}|={3,}|\"{3}|'{3}|~{4,})[ \t]*(?:\n|\Z)"  # a rule or stray mark on a line of its own
    r"|</?(?:instruction|question|query|prompt|task|response|answer|reply|paraphrase|rewrite|passage|example)>)",
    re.IGNORECASE,
)
_OWN: Final = re.compile(
    rf"\b{_MADE}\b|\b(?:instruction|response|answer|reply|paraphrase|rewrite|version|text)\s*:", re.IGNORECASE
)
_FENCE: Final = re.compile(r"</?[a-z][a-z0-9_]* [0-9a-f]{12}>")
_QUOTED: Final = (('"', '"'), ("“", "”"), ("«", "»"))
_WORD: Final = re.compile(r"\w+")


def without_preamble(text: str) -> str:
    """The text without one leading "Here is the paraphrase:" or "Sure!"."""
    return _PREAMBLE.sub("", text, count=1).strip()


def scaffold_of(text: str, *, spoken: bool = False) -> str:
    """The leading marker that a prompt's scaffold left on a text; "" for none. Markdown headings are none.

    `spoken`: a response, which may well begin with "Here are three ideas:", but not with "Here is the response:".
    """
    opening = _PREAMBLE.match(text)
    if opening and (not spoken or _OWN.search(opening[0])):
        return opening[0].strip()
    if found := _SCAFFOLD.match(text):
        return found[0].strip()
    if found := _FENCE.search(text) or MARKERS.match(text.lstrip()):
        return found[0]
    told = text.strip()
    for opens, closes in _QUOTED:
        inside = told[1:-1]
        if len(told) > 2 and told[0] == opens and told[-1] == closes and opens not in inside and closes not in inside:
            return opens
    return ""


def scaffold(*labels: str) -> Gate:
    """No made text begins with a leftover of the question: "Refined instruction:", "Here is …:", a stray mark."""

    def gate(task: Task, candidate: Candidate) -> Rejected | None:
        for label, text in _shown(candidate, labels):
            if marker := scaffold_of(text, spoken=label == "response"):
                told = {"label": label, "marker": marker[:80]}
                return Rejected("scaffold_leak", f"The {label} begins with a leftover of the question.", told)
        return None

    return gate


def answered(*labels: str) -> Gate:
    """No made text is a refusal (English)."""

    def gate(task: Task, candidate: Candidate) -> Rejected | None:
        for label, text in _shown(candidate, labels):
            if refuses(text):
                return Rejected("refusal", f"The {label} is a refusal.", {"label": label, "opening": text[:80]})
        return None

    return gate


def length(*labels: str, least: int = 1, most: int = LONGEST) -> Gate:
    """Every made text has `least` to `most` characters, the space around it aside."""

    def gate(task: Task, candidate: Candidate) -> Rejected | None:
        for label, text in _shown(candidate, labels):
            size = len(text.strip())
            told = {"label": label, "characters": size}
            if not size:
                return Rejected("empty", f"The {label} is empty.", told)
            if size < least:
                return Rejected("too_short", f"The {label} has {size} characters; {least} are the least.", told)
            if size > most:
                return Rejected("too_long", f"The {label} has {size:,} characters; {most:,} are the most.", told)
        return None

    return gate


def ratio(made: str, source: str, bounds: Callable[[Task], tuple[float, float]]) -> Gate:
    """A made text is not much shorter or longer than its source, in characters."""

    def gate(task: Task, candidate: Candidate) -> Rejected | None:
        low, high = bounds(task)
        share = len(candidate.shown[made].strip()) / max(len(candidate.shown[source].strip()), 1)
        if low <= share <= high:
            return None
        code, word = ("too_short", "shorter") if share < low else ("too_long", "longer")
        told = {"ratio": round(share, 3), "least": low, "most": high}
        return Rejected(code, f"The {made} is much {word} than its {source}.", told)

    return gate


def faithful(made: str, source: str) -> Gate:
    """Every figure, date, web address (as often) and name (at all) of the source stands in the made text."""

    def gate(task: Task, candidate: Candidate) -> Rejected | None:
        gone = lost(candidate.shown[source], candidate.shown[made])
        if not gone:
            return None
        told = {"figures": list(gone.figures[:10]), "names": list(gone.names[:10])}
        code, what = ("number_lost", "figures") if gone.figures else ("name_lost", "names")
        return Rejected(code, f"The {made} lacks {what} of its {source}: {', '.join(told[what][:3])}.", told)

    return gate


def unchanged(made: str, source: str) -> Gate:
    """A made text is not its source again, case and marks aside."""

    def gate(task: Task, candidate: Candidate) -> Rejected | None:
        if words(candidate.shown[made]) == words(candidate.shown[source]):
            return Rejected("unchanged", f"The {made} is its {source} again.")
        return None

    return gate


def no_copy(made: str, shown: Callable[[Task], Sequence[str]]) -> Gate:
    """Less than half of a made text's runs of 5 words stand in one of the texts the prompt showed; a shorter text is not
    one of them."""

    def gate(task: Task, candidate: Candidate) -> Rejected | None:
        ours = words(candidate.shown[made])
        for number, text in enumerate(shown(task)):
            share = copied(ours, words(text))
            if share >= COPIED:
                told = {"example": number, "share": round(share, 3)}
                return Rejected("copies_example", f"The {made} repeats an example it was shown.", told)
        return None

    return gate


def copied(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """The share of our different runs of 5 words that they have too; of shorter texts, 1 for equal ones."""
    mine, other = _runs(ours), _runs(theirs)
    if not mine:
        return float(bool(ours) and list(ours) == list(theirs))
    return len(mine & other) / len(mine)


def contamination(contaminated: Callable[[str], Mapping[str, Any] | None]) -> Gate:
    """The draft holds no item of a benchmark that the given index knows."""

    def gate(task: Task, candidate: Candidate) -> Rejected | None:
        found = contaminated(candidate.text)
        return None if found is None else Rejected("contaminated", "The draft repeats an item of a benchmark.", found)

    return gate


def words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _runs(told: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(told[i : i + COPIED_WORDS]) for i in range(len(told) - COPIED_WORDS + 1)}


def _shown(candidate: Candidate, labels: Sequence[str]) -> list[tuple[str, str]]:
    return [(label, candidate.shown[label]) for label in labels if label in candidate.shown]
