"""From a number to a few labelled texts, what a learner makes of them, and what it makes of more of the same kind.

It knows texts and accuracies. Who writes more texts, and how they are scored, is the suite's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...tools.errors import Corrupt
from ..planted.draw import Draw
from .naive_bayes import Example, accuracy
from .pools import HELD_OUT, LEAST_GAP, MOST_REDRAWS, Generated, error

SHOTS: Final = 5
MORE: Final = 20
"""Texts of each label that are given, and that may be written."""


@dataclass(frozen=True, slots=True)
class Shots:
    """`given` texts, as many `more` as may be written, `hidden` ones to measure on; accuracies after learning from the
    given ones alone and from both."""

    given: Sequence[Example]
    more: Sequence[Example]
    hidden: Sequence[Example]
    few: float
    all: float


def shots(seed: str) -> Shots:
    """The same for the same seed. Raises Corrupt when more texts never teach more, which would be a bug."""
    texts = Generated()
    for redraw in range(MOST_REDRAWS):
        draw = Draw.named(f"{seed}/{redraw}")

        def some(count: int, draw: Draw = draw) -> list[Example]:
            """Each label as often as the others."""
            labels = [texts.labels[at % len(texts.labels)] for at in range(count)]
            return draw.shuffled([(texts.of(draw, label), label) for label in labels])

        given, more, hidden = (some(count) for count in (SHOTS * len(texts.labels), MORE * len(texts.labels), HELD_OUT))
        few, all_of = accuracy(given, hidden), accuracy([*given, *more], hidden)
        if all_of - few >= LEAST_GAP * error(few):
            return Shots(given, more, hidden, few, all_of)
    raise Corrupt(f"No shots leave room for more (seed {seed!r}).")
