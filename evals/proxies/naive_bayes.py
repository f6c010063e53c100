"""A fixed learner without randomness: Complement Naive Bayes over words (Rennie et al. 2003), smoothing 1.

It knows texts and labels. Nothing of it may be changed without a new version of the suites that use it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Example = tuple[str, str]
"""(text, label)"""


@dataclass(frozen=True, slots=True)
class Learned:
    """`weights[label][word]` is large where the word is rare in the other labels; `other` is that of unknown words."""

    weights: Mapping[str, Mapping[str, float]]

    def label(self, text: str) -> str:
        """The likeliest label; of equal ones the first by name. "" when nothing was learned."""
        counts = Counter(tokens(text))
        best, most = "", -math.inf
        for label, weights in self.weights.items():
            score = math.fsum(count * weights.get(word, 0.0) for word, count in counts.items())
            if score > most:
                best, most = label, score
        return best


def tokens(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def train(examples: Sequence[Example]) -> Learned:
    """The same for the same examples in any order."""
    by_label: dict[str, Counter[str]] = {}
    for text, label in examples:
        by_label.setdefault(label, Counter()).update(tokens(text))
    every: Counter[str] = Counter()
    for counts in by_label.values():
        every.update(counts)
    total = sum(every.values())
    weights = {}
    for label in sorted(by_label):
        mine = by_label[label]
        rest = total - sum(mine.values()) + len(every)
        weights[label] = {word: -math.log((count - mine[word] + 1) / rest) for word, count in every.items()}
    return Learned(weights)


def accuracy(examples: Sequence[Example], held_out: Sequence[Example]) -> float:
    """The share of `held_out` that a learner trained on `examples` labels rightly."""
    learned = train(examples)
    return sum(learned.label(text) == label for text, label in held_out) / len(held_out)
