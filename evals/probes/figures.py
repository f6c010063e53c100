"""What is said of a judge: sensitivity, false positive rate, what it lets through, how alike two judges err.

It knows numbers only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations


def accepted_accuracy(base: float, sensitivity: float, false_positive_rate: float) -> float | None:
    """The share of good rows among those accepted, where a share `base` of all rows is good (Bayes):
    p·se / (p·se + (1−p)·FPR). None when nothing is accepted."""
    good, bad = base * sensitivity, (1 - base) * false_positive_rate
    return good / (good + bad) if good + bad > 0 else None


def phi(one: Sequence[bool], other: Sequence[bool]) -> float | None:
    """The correlation of two judges' errors (phi coefficient); None when one of them errs always or never."""
    n, a, b = len(one), sum(one), sum(other)
    both = sum(x and y for x, y in zip(one, other, strict=True))
    spread = a * (n - a) * b * (n - b)
    return (n * both - a * b) / math.sqrt(spread) if spread else None


def mean_phi(errors: Sequence[Sequence[bool]]) -> float | None:
    """The mean over all pairs of judges for which phi is defined."""
    found = [value for one, other in combinations(errors, 2) if (value := phi(one, other)) is not None]
    return math.fsum(found) / len(found) if found else None
