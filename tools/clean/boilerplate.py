"""`clean.boilerplate`: what assistants say before and after an answer.

It knows lists of sentences and which end of an answer they stand at. What a sentence is, and when it matches, is
known in `_sentences`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

import pyarrow as pa

from ..change import Change, Edit, Fact, Outcome, edit_scores
from ..context import Context
from ..errors import Misuse
from ..store.format.mapping import Mapping
from ..store.rows import Rows
from ..text.editable import Editable, editable
from ..tool import Arg, tool
from ._edits import Span, edits
from ._sentences import Pattern, first_sentence, last_sentence, plain

RuleName = Literal["ai_disclaimer", "pleasantry", "lead_in", "hope_this_helps", "offer_of_help"]
Side = Literal["opener", "closer"]

_AS_AN_AI: Final = (
    "as an AI", "as an AI language model", "as a language model", "as a large language model", "as an AI assistant",
    "as an AI model", "as an artificial intelligence", "as an artificial intelligence language model",
)  # fmt: skip
_I_CANNOT: Final = (
    "I do not", "I don't", "I cannot", "I can't", "I can not", "I am not", "I'm not", "I am unable", "I'm unable",
    "I have no", "I lack",
)  # fmt: skip

SENTENCES: Final[dict[RuleName, tuple[Side, tuple[str, ...]]]] = {
    "ai_disclaimer": ("opener", tuple(f"{who}, {cannot} *" for who in _AS_AN_AI for cannot in _I_CANNOT)),
    "pleasantry": (
        "opener",
        (
            "Great question", "Good question", "That's a great question", "That is a great question",
            "What a great question", "Thank you for your question", "Thank you for asking", "Thanks for asking",
            "I'd be happy to help*", "I would be happy to help*", "I'd be glad to help*", "I'm happy to help*",
            "Sure, I can help*", "Sure, I'd be happy to help*", "I can help you with that",
        ),
    ),
    "lead_in": (
        "opener",
        (
            "Here is *:", "Here are *:", "Here's *:", "Sure, here is *:", "Sure, here are *:", "Sure, here's *:",
            "Certainly, here is *:", "Certainly, here are *:", "Certainly, here's *:", "Of course, here is *:",
            "Of course, here are *:", "Of course, here's *:", "Below is *:", "Below are *:",
        ),
    ),
    "hope_this_helps": (
        "closer", ("I hope this helps*", "I hope that helps*", "Hope this helps*", "Hope that helps*"),
    ),
    "offer_of_help": (
        "closer",
        (
            "Let me know if you have any *questions*", "Please let me know if you have any *questions*",
            "Let me know if you need *help*", "Please let me know if you need *help*",
            "Let me know if there's anything else*", "Let me know if there is anything else*",
            "If you have any *questions, feel free to*", "If you have any *questions, please *",
            "If you have any *questions, don't hesitate to*", "If you need *help, feel free to*",
            "Feel free to ask *", "Please feel free to ask *", "Feel free to reach out*", "Don't hesitate to ask*",
            "Please don't hesitate to ask*", "Is there anything else I can help you with*",
            "Is there anything else you would like *", "Is there anything else you'd like *",
        ),
    ),
}  # fmt: skip
"""Rule -> where it stands and its sentences; `*` stands for anything within the sentence."""

_YES: Final = frozenset(("sure", "sure thing", "certainly", "of course", "absolutely", "no problem"))
"""Openers that may be the answer itself: they go only before a pleasantry or a lead-in."""

_GOES_ON: Final = (" but ", " however ", " although ")
_ANSWERS: Final = frozenset(("assistant", "chosen", "rejected"))


@tool("clean.boilerplate", version=1, local=True)
def boilerplate(
    ctx: Context,
    data: Rows,
    *,
    field: Annotated[
        str | None, Arg("clean this field; default: all answers, chosen and rejected ones too", field=True)
    ] = None,
    rules: Annotated[list[RuleName] | None, Arg("which rules are used (default: all)")] = None,
    openers: Annotated[
        list[str] | None, Arg("sentences removed at the start instead of the rules' own; * stands for anything")
    ] = None,
    closers: Annotated[
        list[str] | None, Arg("sentences removed at the end instead of the rules' own; * stands for anything")
    ] = None,
) -> Change:
    """Remove assistant boilerplate, whole sentences at the start and end of answers.

    Reasons, each also a rule (English; the sentences are those of `SENTENCES` in this file):
      ai_disclaimer    opener: "As an AI language model, I don't …" and its variants. A sentence that goes on with
                       but, however or although says something and stays
      pleasantry       opener: "Great question!", "I'd be happy to help you with that."
      lead_in          opener: "Here is the list:", "Sure, here's …:", with the colon at the end of its line
      hope_this_helps  closer: "I hope this helps!"
      offer_of_help    closer: "Let me know if you have any questions.", "Feel free to ask …"
      opener, closer   a sentence of `openers` or `closers`, which replace the rules of their side
    "Sure!", "Certainly!", "Of course!", "Absolutely!" may be the answer: they go only right before a pleasantry or a
    lead-in, under its reason. Several sentences may go from either end.

    A sentence is compared as a whole, without regard to case, curly quotes and the marks around it; one of more than
    300 characters matches nothing. Never removed: what stands within a text or in open code, and the last words of a
    text: an answer that is nothing but boilerplate stays as it is. Chosen and rejected answers are cleaned alike, so
    that no preference is taught by it; other formats than chats and instructions need a `field`.

    One edit a row and reason; the score is the number of sentences, the evidence their `spans`, up to 20 (path, start
    and end in the text as it was). Signals for every row: `opener_sentences` and `closer_sentences`. Facts:
    `clean.boilerplate.REASON`, sentences removed. Cleaning again changes nothing.

    Raises Misuse for a sentence without any word.
    """
    patterns = _patterns(rules, openers, closers)
    if field is None and data.mapping.format in ("text", "table"):
        ctx.notice(f"clean.boilerplate cleans answers; {data.mapping.format} data has none: name a --field.")
    facts: list[Fact] = []

    def outcomes() -> Iterator[Outcome]:
        for batch in data.batches():
            made: list[Edit] = []
            signals: list[tuple[int, int]] = []
            for position, record in enumerate(batch.records(), batch.start):
                cut = [_cut(text, patterns) for text in _answers(record, data.mapping, field)]
                taken: dict[str, list[Span]] = {reason: [] for reason, _, _ in patterns}
                for one in cut:
                    for reason, start, end in (*one.openers, *one.closers):
                        taken[reason].append((one.text, start, end))
                made += edits(
                    position,
                    [(one.text, one.left) for one in cut],
                    {reason: spans for reason, spans in taken.items() if spans},
                )
                signals.append((sum(len(one.openers) for one in cut), sum(len(one.closers) for one in cut)))
            yield Outcome(edits=made, signals=_signals(signals))
            ctx.progress(batch.start + len(batch), len(data))

    def told(drawn: Iterable[Outcome], rows: int) -> Iterator[Outcome]:
        removed: Counter[str] = Counter()
        for outcome in drawn:
            for reason, count in edit_scores(outcome):
                removed[reason] += int(count)
            yield outcome
        method = "clean.boilerplate, " + ("answers" if field is None else f"field {field}")
        for reason in dict.fromkeys(reason for reason, _, _ in patterns):
            facts.append(Fact(f"clean.boilerplate.{reason}", removed[reason], "sentences", method, rows))

    return Change(outcomes(), facts=facts, told=told)


_Patterns = list[tuple[str, Side, list[Pattern]]]


def _patterns(
    rules: Sequence[RuleName] | None, openers: Sequence[str] | None, closers: Sequence[str] | None
) -> _Patterns:
    """(reason, side, patterns) of every rule in force."""
    own: dict[Side, Sequence[str] | None] = {"opener": openers, "closer": closers}
    found: _Patterns = [
        (name, side, [Pattern(one) for one in sentences])
        for name, (side, sentences) in SENTENCES.items()
        if own[side] is None and (rules is None or name in rules)
    ]
    for side, sentences in own.items():
        if sentences is not None:
            patterns = [Pattern(one) for one in sentences]
            for one, pattern in zip(sentences, patterns, strict=True):
                if pattern.empty:
                    message = f"clean.boilerplate: the {side} {one!r} holds no word and would match anything."
                    raise Misuse(message, next_step="Write a whole sentence, as in 'Feel free to ask *'.")
            found.append((side, side, patterns))
    return found


def _answers(record: Any, mapping: Mapping, field: str | None) -> list[Editable]:
    if field is not None:
        return editable(record, mapping, field)
    if mapping.format in ("text", "table"):
        return []
    return [one for one in editable(record, mapping, "all") if one.role in _ANSWERS]


class _Cut(NamedTuple):
    """A text, what is left of it, and the (reason, start, end) of the sentences taken from either end."""

    text: Editable
    left: str
    openers: list[tuple[str, int, int]]
    closers: list[tuple[str, int, int]]


def _cut(text: Editable, patterns: _Patterns) -> _Cut:
    said = text.text
    start, end = 0, len(said)
    openers: list[tuple[str, int, int]] = []
    closers: list[tuple[str, int, int]] = []
    while found := _opener(said, start, end, patterns):
        openers.append(found)
        start = _after(said, found[2])
    while found := _closer(said, start, end, patterns):
        closers.append(found)
        end = start + len(said[start : found[1]].rstrip())
    left = said[start:end]
    return _Cut(text, left, openers, closers) if any(map(str.isalnum, left)) else _Cut(text, said, [], [])


def _opener(said: str, start: int, end: int, patterns: _Patterns) -> tuple[str, int, int] | None:
    first, stop = first_sentence(said, start, end)
    told = plain(said[first:stop])
    reason = _matched(told, "opener", patterns)
    if reason is None and told in _YES:
        following = _matched(plain(said[slice(*first_sentence(said, stop, end))]), "opener", patterns)
        reason = following if following in ("pleasantry", "lead_in") else None
    return (reason, first, stop) if reason else None


def _closer(said: str, start: int, end: int, patterns: _Patterns) -> tuple[str, int, int] | None:
    first, stop = last_sentence(said, start, end)
    reason = _matched(plain(said[first:stop]), "closer", patterns)
    in_code = said.count("```", 0, first) % 2 or said.count("~~~", 0, first) % 2
    return (reason, first, stop) if reason and not in_code else None


def _matched(told: str, side: Side, patterns: _Patterns) -> str | None:
    """The reason a `plain` sentence goes for."""
    for reason, where, sentences in patterns:
        if where == side and told and any(one.matches(told) for one in sentences):
            goes_on = reason == "ai_disclaimer" and any(word in told for word in _GOES_ON)
            return None if goes_on else reason
    return None


def _after(said: str, end: int) -> int:
    """Where the text goes on behind a sentence that is taken away: the indentation of a new line stays."""
    rest = said[end:]
    space = rest[: len(rest) - len(rest.lstrip())]
    return end + (space.rfind("\n") + 1 if "\n" in space else len(space))


def _signals(counts: Sequence[tuple[int, int]]) -> pa.Table:
    return pa.table(
        {
            "opener_sentences": pa.array([one for one, _ in counts], pa.int64()),
            "closer_sentences": pa.array([one for _, one in counts], pa.int64()),
        }
    )
