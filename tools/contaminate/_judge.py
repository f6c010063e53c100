"""Do a row and a question that look alike ask the same? The panel is asked, each pair in both orders.

It knows which tasks the panel gets and what its verdicts come to. A pair is dismissed only when both orders say that it
is something different; whatever fails, and a "same" without a passage from each text, leaves it undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ...prompts import Prompts
from ..errors import Misuse
from ..panel import Candidate, Criterion, Job, Panel, Parent, Policy, Prior, Review, Rubric, Task, Verdict
from ._items import words_of

Word = Literal["same", "different", "undecided"]

READ: Final = 2_000
"""Characters of each text that a judge sees: as many as were compared."""

QUOTED: Final = 3
"""Words a quote must have, or all of a shorter text."""

_DIFFERENT: Final = Criterion("different", "Do the two texts ask something different?")
_CUT: Final = 5.0
_ALWAYS: Final = 11.0  # a band that every score lies in: the adjudicator decides all


@dataclass(frozen=True)
class Alike:
    """A row's text and a question that look alike. `row_id` and `item` are their names, `code` what they are about."""

    row_id: str
    item: str
    text: str
    question: str
    code: bool = False


@dataclass(frozen=True)
class Opinion:
    """What the panel came to on one pair; `quotes` are (of the row, of the question), at most one pair of passages."""

    word: Word
    reason: str
    quotes: tuple[tuple[str, str], ...] = ()
    models: tuple[str, ...] = ()


def judged(panel: Panel, pairs: Sequence[Alike], prompts: Prompts) -> list[Opinion]:
    """An opinion on each pair. Raises what the panel raises: Unavailable and OverBudget, with the answers so far kept."""
    found: list[Opinion] = [Opinion("undecided", "not asked")] * len(pairs)
    for code in (False, True):
        some = [i for i, pair in enumerate(pairs) if pair.code == code]
        if some:
            rubric = rubric_of(prompts, code=code)
            for i, opinion in zip(some, _judged(panel, [pairs[i] for i in some], rubric), strict=True):
                found[i] = opinion
    return found


def rubric_of(prompts: Prompts, *, code: bool) -> Rubric:
    """What judges are asked of prose or of programming tasks."""
    name = "contaminate/judge_code" if code else "contaminate/judge"
    prompt = prompts.load(name)
    return Rubric(name, prompt.text, prompt.sha, (_DIFFERENT,))


def job(pairs: Sequence[Alike], rubric: Rubric, *, orders: Sequence[int] = (0, 1), policy: Policy | None = None) -> Job:
    """Judge pairs; order 0 shows the row first, order 1 the question."""

    def tasks() -> Iterator[Task]:
        for number, pair in enumerate(pairs):
            for order in orders:
                data = {"pair": number, "order": order, "item": pair.item}
                yield Task(number * len(orders) + orders.index(order), data, (Parent(pair.row_id),))

    def candidate(task: Task, prior: Prior) -> Candidate:
        pair = pairs[task.data["pair"]]
        texts = (pair.text[:READ], pair.question[:READ])
        first, second = texts if task.data["order"] == 0 else texts[::-1]
        return Candidate({}, {"first": first, "second": second}, "")

    return Job(
        name="contaminate@1",
        tasks=tasks,
        steps=(),
        candidate=candidate,
        rubric=rubric,
        policy=policy or Policy(cut=_CUT, reviewers=1),
        near_duplicate=None,
        fields=("the compared text of the row", "the question"),
    )


def _judged(panel: Panel, pairs: Sequence[Alike], rubric: Rubric) -> list[Opinion]:
    said: dict[tuple[int, int], Opinion] = {}
    panel.run(job(pairs, rubric), _into(said, pairs))
    found, disputed = [], []
    for number in range(len(pairs)):
        both = [said.get((number, order), Opinion("undecided", "no answer")) for order in (0, 1)]
        found.append(_agreed(*both))
        if {one.word for one in both} == {"same", "different"}:
            disputed.append(number)
    if disputed:
        ruled: dict[tuple[int, int], Opinion] = {}
        last = Policy("replace", cut=_CUT, band=_ALWAYS, reviewers=1)
        some = [pairs[number] for number in disputed]
        try:
            panel.run(job(some, rubric, orders=(0,), policy=last), _into(ruled, some, last_word=True))
        except Misuse:  # no adjudicator beside the reviewers
            return found
        for place, number in enumerate(disputed):
            found[number] = ruled.get((place, 0), found[number])
    return found


def _agreed(one: Opinion, other: Opinion) -> Opinion:
    models = tuple(dict.fromkeys((*one.models, *other.models)))
    if one.word == other.word:
        return Opinion(one.word, f"{one.reason}, in both orders", one.quotes or other.quotes, models)
    if "undecided" in (one.word, other.word):
        reason = one.reason if one.word == "undecided" else other.reason
        return Opinion("undecided", f"{reason}, in one of both orders", (), models)
    return Opinion("undecided", "the judge says same in one order and different in the other", (), models)


def _into(
    said: dict[tuple[int, int], Opinion], pairs: Sequence[Alike], *, last_word: bool = False
) -> Callable[[Verdict], None]:
    def take(verdict: Verdict) -> None:
        place = verdict.task.data["pair"], verdict.task.data["order"]
        said[place] = _opinion(verdict, pairs[place[0]], last_word=last_word)

    return take


def _opinion(verdict: Verdict, pair: Alike, *, last_word: bool) -> Opinion:
    """What one verdict says; `last_word`: the adjudicator's alone counts."""
    reviews = [one for one in verdict.reviews if one.role == "adjudicator"] if last_word else list(verdict.reviews)
    models = tuple(one.model for one in reviews)
    if not reviews or verdict.outcome not in ("accepted", "rejected"):
        return Opinion("undecided", verdict.message or "no judge gave a readable answer", (), models)
    who = "the adjudicator" if last_word else "the judge"
    if all(one.answers.get("different") is True for one in reviews):
        return Opinion("different", f"{who} says they ask something different", (), models)
    quotes = _quotes(reviews, pair)
    if not quotes:
        return Opinion("undecided", f"{who} says same and quotes no passage of each text", (), models)
    return Opinion("same", f"{who} says they ask the same", quotes, models)


def _quotes(reviews: Sequence[Review], pair: Alike) -> tuple[tuple[str, str], ...]:
    """The longest quote that stands in the row's text with the longest that stands in the question; none lacks either."""
    quotes = [quote for one in reviews if one.answers.get("different") is not True for quote in one.quotes]
    sides: list[str] = []
    for text in (pair.text[:READ], pair.question[:READ]):
        least = min(QUOTED, len(words_of(text)))
        standing = [quote for quote in quotes if quote and quote in text and len(words_of(quote)) >= max(least, 1)]
        if not standing:
            return ()
        sides.append(max(standing, key=lambda quote: (len(quote), quote)))
    return ((sides[0], sides[1]),)


def spans_of(opinion: Opinion, pair: Alike, path: Sequence[Any]) -> list[dict[str, Any]]:
    """The quoted passages as two-sided spans of the evidence."""
    return [
        {
            "path": list(path),
            "start": (start := pair.text.index(ours)),
            "end": start + len(ours),
            "part": "question",
            "item_start": (item_start := pair.question.index(theirs)),
            "item_end": item_start + len(theirs),
        }
        for ours, theirs in opinion.quotes
    ]
