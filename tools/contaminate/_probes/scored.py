"""Probes that read log-probabilities of the prompt: the order of options, and the least likely words.

It knows what is asked about one item. Few servers give these numbers (vLLM does); without them nothing is concluded.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from typing import Final

from .._items import Item, words_of
from .asking import Ask, Question, Reply
from .generated import LEAST, written

ORDERS: Final = 24
"""Orders of the options that are compared: all of up to four options, the benchmark's and 23 others of more."""

LOWEST: Final = 0.2
"""Share of the tokens, the least likely, that min-k% looks at (Shi et al. 2024)."""

_EQUAL: Final = 1e-9


def option_shuffle(item: Item, rng: random.Random) -> Ask | None:
    """Is the benchmark's order of the options the likeliest (Ni et al. 2024)? "first" 1 or 0, "chance" how often by luck.

    Of orders that are equally likely one is drawn: ties are nobody's, not the benchmark's.
    """
    options = item.options
    if len(options) < 3 or len(set(options)) < len(options):
        return None
    orders = _orders(len(options), rng)
    start = len(item.question)
    questions = tuple(
        Question(written(item, [options[i] for i in order]), scored=True, start=start) for order in orders
    )

    def score(replies: Sequence[Reply]) -> Mapping[str, float] | None:
        sums = [math.fsum(one.logprobs) for one in replies if one.logprobs is not None]
        if len(sums) < len(orders):
            return None
        most = max(sums)
        tied = [i for i, one in enumerate(sums) if one >= most - _EQUAL]
        return {"first": float(rng.choice(tied) == 0), "chance": 1 / len(orders)}

    return Ask(questions, score)


def min_k(item: Item) -> Ask | None:
    """Mean log-probability of the least likely 20 % of the item's tokens: "logprob"."""
    text = written(item)
    if len(words_of(text)) < LEAST:
        return None

    def score(replies: Sequence[Reply]) -> Mapping[str, float] | None:
        found = replies[0].logprobs
        if not found:
            return None
        lowest = sorted(found)[: max(1, int(LOWEST * len(found)))]
        return {"logprob": math.fsum(lowest) / len(lowest)}

    return Ask((Question(text, scored=True),), score)


def _orders(count: int, rng: random.Random) -> list[tuple[int, ...]]:
    """Different orders of `count` options, the benchmark's own first."""
    if math.factorial(count) <= ORDERS:
        return list(itertools.permutations(range(count)))
    found = {tuple(range(count)): None}
    while len(found) < ORDERS:
        found[tuple(rng.sample(range(count), count))] = None
    return list(found)
